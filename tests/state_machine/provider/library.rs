//! The library under test: a provider as one would write it, except for the log.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::{Arc, Weak};

use proptest_state_machine::StateMachineTest;
use wsp_events::spi::{WSANETWORKEVENTS, wsp_enum_network_events, wsp_event_select};
use wsp_events::{
    NetworkEvents, Provider, ProviderError, RecorderError, SOCKET, SocketRef, SocketTable,
    WSAEVENT, enum_network_events, event_select,
};

use super::reference::Model;
use super::{Memory, NO_DESCRIPTORS, Name, Outcome, Pointer, Seen, Transition, Way};
use crate::model::{Answer, Entry};
use crate::stage::{
    EventObject, Recorder, Stage, check_e5, check_object, check_socket, check_what_is_left, done,
    operate, refused, reported, unwinding,
};
use crate::words::{events_of, flags};

pub(super) struct TestProvider {
    stage: Arc<Stage>,
    table: SocketTable<TestSocket>,
    handles: RefCell<HashMap<usize, Arc<EventObject>>>,
    subsystem_is_up: Cell<bool>,
    /// All there ever were.
    descriptors: Vec<SOCKET>,
    recorders: Vec<Arc<Recorder>>,
    objects: Vec<Weak<EventObject>>,
}

pub(super) struct TestSocket {
    number: usize,
    recorder: Arc<Recorder>,
}

impl Provider for TestProvider {
    type Signal = Arc<EventObject>;
    type Socket<'a> = SocketRef<TestSocket>;
    type ResetEvent<'a> = Arc<EventObject>;

    fn subsystem_is_up(&self) -> bool {
        self.subsystem_is_up.get()
    }

    fn socket(&self, descriptor: SOCKET) -> Option<SocketRef<TestSocket>> {
        let socket = self.table.get(descriptor)?;
        self.stage.enter(&socket.recorder);
        Some(socket)
    }

    fn recorder<'s>(socket: &'s Self::Socket<'_>) -> &'s Recorder {
        &socket.recorder
    }

    fn event_to_select(&self, handle: WSAEVENT) -> Option<Arc<EventObject>> {
        assert!(!handle.is_null(), "promised by Provider::event_to_select");
        self.handles.borrow().get(&handle.addr()).cloned()
    }

    fn event_to_reset(&self, handle: WSAEVENT) -> Option<Arc<EventObject>> {
        assert!(!handle.is_null(), "promised by Provider::event_to_reset");
        self.handles.borrow().get(&handle.addr()).cloned()
    }

    fn selected(&self, socket: &Self::Socket<'_>, events: NetworkEvents) {
        let events = events_of(events);
        self.stage.log(Entry::Selected { socket: socket.number, events });
    }
}

impl TestProvider {
    fn descriptor(&self, name: Name) -> SOCKET {
        match name {
            Name::Given(at) => self.descriptors[at],
            Name::Never(value) => value,
        }
    }

    fn handle(name: Name) -> WSAEVENT {
        std::ptr::without_provenance_mut(match name {
            Name::Given(at) => 4 * (at + 1),
            Name::Never(value) => value,
        })
    }

    fn given(&mut self, descriptor: Option<SOCKET>) -> Seen {
        if let Some(descriptor) = descriptor {
            assert!(!NO_DESCRIPTORS.contains(&descriptor), "P1: {descriptor} is not a descriptor");
            assert!(!self.descriptors.contains(&descriptor), "P1: {descriptor} came back");
            self.descriptors.push(descriptor);
        }
        Seen::NewDescriptor(descriptor.is_some())
    }

    fn open(&mut self, recorder: Recorder) -> Seen {
        let (number, recorder) = (self.recorders.len(), Arc::new(recorder));
        self.recorders.push(Arc::clone(&recorder));
        let descriptor = self.table.insert(TestSocket { number, recorder }).unwrap();
        self.given(Some(descriptor))
    }

    fn on(&self, s: usize, call: impl FnOnce(&Recorder) -> Answer) -> Seen {
        self.stage.enter(&self.recorders[s]);
        Seen::Recorder(unwinding(|| call(&self.recorders[s])).unwrap_or_else(|unwound| unwound))
    }

    fn select(&self, descriptor: SOCKET, handle: WSAEVENT, mask: i32, way: Way) -> Seen {
        let Way::C { errno: pointer } = way else {
            let events = NetworkEvents::from_bits_retain(mask as u32);
            return rust(|| event_select(self, descriptor, handle, events), done);
        };
        let mut errno = Memory::SENTINEL;
        // SAFETY: the pointer is null, or has the room of an `int` behind it.
        let returned =
            unsafe { wsp_event_select(self, descriptor, handle, mask, errno.pointer(pointer)) };
        Seen::C { returned, errno, out: Memory::SENTINEL }
    }

    fn enumerate(&self, descriptor: SOCKET, handle: WSAEVENT, out: Pointer, way: Way) -> Seen {
        let Way::C { errno: pointer } = way else {
            return rust(|| enum_network_events(self, descriptor, handle), reported);
        };
        let (mut memory, mut errno) = (Memory::SENTINEL, Memory::SENTINEL);
        let (out, lp_errno) = (memory.pointer::<WSANETWORKEVENTS>(out), errno.pointer(pointer));
        // SAFETY: each pointer is null, or has the room that it promises behind it.
        let returned = unsafe { wsp_enum_network_events(self, descriptor, handle, out, lp_errno) };
        Seen::C { returned, errno, out: memory }
    }

    fn apply(&mut self, transition: Transition) -> Seen {
        match transition {
            Transition::OpenSocket { latching } => {
                self.open(Recorder::with_latching(flags(latching)))
            }
            Transition::Accept(listener) => {
                let Some(listener) = Provider::socket(self, self.descriptor(listener)) else {
                    return Seen::NewDescriptor(false);
                };
                match unwinding(|| listener.recorder.inherit()) {
                    Ok(Ok(accepted)) => self.open(accepted),
                    Ok(Err(error)) => Seen::Recorder(refused(error)),
                    Err(unwound) => Seen::Recorder(unwound),
                }
            }
            Transition::Duplicate(descriptor) => {
                let duplicate = self.table.duplicate(self.descriptor(descriptor)).unwrap();
                self.given(duplicate)
            }
            Transition::CloseDescriptor(descriptor) => {
                let removed = self.table.remove(self.descriptor(descriptor));
                Seen::Removed(removed.map(|removed| {
                    if removed.remaining == 0 {
                        // Refused if CloseRecord was there before.
                        let _ = removed.socket.recorder.close();
                    }
                    removed.remaining
                }))
            }
            Transition::CloseRecord(s) => self.on(s, |recorder| done(recorder.close())),
            Transition::Operate(s, operation) => {
                self.on(s, |recorder| operate(recorder, &operation))
            }
            Transition::Select { descriptor, handle, mask, way } => {
                self.select(self.descriptor(descriptor), Self::handle(handle), mask, way)
            }
            Transition::Enumerate { descriptor, handle, out, way } => {
                self.enumerate(self.descriptor(descriptor), Self::handle(handle), out, way)
            }
            Transition::OpenEvent => {
                let number = self.objects.len();
                let object = EventObject::new(number, &self.stage);
                self.objects.push(Arc::downgrade(&object));
                let handle = Self::handle(Name::Given(number)).addr();
                self.handles.get_mut().insert(handle, object);
                Seen::Nothing
            }
            Transition::CloseEvent(handle) => {
                self.handles.get_mut().remove(&Self::handle(handle).addr());
                Seen::Nothing
            }
            Transition::Arm { object, call, script } => {
                if let Some(object) = self.objects[object].upgrade() {
                    object.arm(call, &script);
                }
                Seen::Nothing
            }
            Transition::ApplicationResets(handle) => {
                if let Some(object) = self.handles.get_mut().get(&Self::handle(handle).addr()) {
                    object.application_resets();
                }
                Seen::Nothing
            }
            Transition::SubsystemIsUp(is_up) => {
                self.subsystem_is_up.set(is_up);
                Seen::Nothing
            }
        }
    }
}

/// A call that comes in by the Rust functions.
fn rust<T>(
    call: impl FnOnce() -> Result<T, ProviderError>,
    answer: impl FnOnce(Result<T, RecorderError>) -> Answer,
) -> Seen {
    Seen::Rust(match unwinding(call) {
        Err(unwound) => Outcome::Recorder(unwound),
        Ok(Ok(result)) => Outcome::Recorder(answer(Ok(result))),
        Ok(Err(ProviderError::Recorder(error))) => Outcome::Recorder(answer(Err(error))),
        Ok(Err(ProviderError::SubsystemFailed)) => Outcome::SubsystemFailed,
        Ok(Err(ProviderError::NotASocket)) => Outcome::NotASocket,
        Ok(Err(ProviderError::InvalidEventObject)) => Outcome::InvalidEventObject,
    })
}

impl StateMachineTest for TestProvider {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(_: &Model) -> Self {
        Self {
            stage: Arc::default(),
            table: SocketTable::new(),
            handles: RefCell::default(),
            subsystem_is_up: Cell::new(true),
            descriptors: vec![],
            recorders: vec![],
            objects: vec![],
        }
    }

    fn apply(mut provider: Self, model: &Model, transition: Transition) -> Self {
        let seen = provider.apply(transition);
        let log = provider.stage.take_log();
        assert_eq!(log, model.world.log, "R4, S2, S5, S9, E4, E6, E8: sets, resets, selections");
        assert_eq!(seen, model.seen, "S4, E1, E2, E7, E9, E10, P1, P4, P5: the answer");
        provider
    }

    fn check_invariants(provider: &Self, model: &Model) {
        for (s, recorder) in provider.recorders.iter().enumerate() {
            check_socket(&model.world, s, recorder);
            if let Some(selection) = model.world.sockets[s].selection {
                let object = provider.objects[selection.object].upgrade();
                let object = object.expect("P2: a selected event object lives");
                check_e5(&model.world, s, recorder, object.is_signaled());
            }
        }
        for (number, object) in provider.objects.iter().enumerate() {
            check_object(&model.world, number, object, model.handles[number].into());
        }
        for (&descriptor, &socket) in provider.descriptors.iter().zip(&model.descriptors) {
            let named = provider.table.get(descriptor).map(|socket| socket.number);
            assert_eq!(named, socket, "P1, P4: what {descriptor} names");
        }
        let mut open: Vec<_> = model.descriptors.iter().flatten().collect();
        open.sort_unstable();
        open.dedup();
        assert_eq!(provider.table.sockets().len(), open.len(), "P4: each socket once");
    }

    fn teardown(provider: Self, model: Model) {
        for (s, recorder) in provider.recorders.iter().enumerate() {
            check_what_is_left(&model.world, s, recorder, &provider.stage);
        }
    }
}
