//! The library under test: a provider as one would write it, except for the log; and the steps as its
//! switch makes them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::{Arc, Weak};

use wsp_events::spi::{
    CurrentProvider, WSANETWORKEVENTS, WSPEnumNetworkEvents, WSPEventSelect,
    wsp_enum_network_events, wsp_event_select,
};
use wsp_events::{
    INVALID_SOCKET, NetworkEvents, Provider, ProviderError, RecorderError, SOCKET, SocketRef,
    SocketTable, WSAEVENT, enum_network_events, event_select,
};

use crate::event_object::{Entry, EventObject, Handle, Stage};
use crate::provider::model::Model;
use crate::provider::steps::{
    Memory, NO_DESCRIPTORS, Name, Outcome, Pointer, Seen, Transition, Way,
};
use crate::sequential::{
    Recorder, Sequential, check_object, check_socket, check_what_is_left, event_object, operate,
};
use crate::vocabulary::{Answer, unwinding};
use crate::words::{events_of, flags};

type Signal = Handle<Arc<Sequential>>;

pub struct Library {
    provider: Rc<TestProvider>,
    stage: Arc<Sequential>,
    /// All there ever were.
    pub descriptors: Vec<SOCKET>,
    recorders: Vec<Arc<Recorder>>,
    objects: Vec<Weak<EventObject>>,
    /// All that the table ever gave out.
    from_table: Vec<SOCKET>,
    handles_given: usize,
}

struct TestProvider {
    stage: Arc<Sequential>,
    table: SocketTable<TestSocket>,
    /// A closed descriptor that was given to another socket, and what the table calls that socket.
    reused: RefCell<Vec<(SOCKET, SOCKET)>>,
    handles: RefCell<HashMap<usize, Signal>>,
    subsystem_is_up: Cell<bool>,
}

struct TestSocket {
    number: usize,
    recorder: Arc<Recorder>,
}

thread_local! {
    /// Each test, and each execution of the fuzz target, is alone on its thread.
    static CURRENT: RefCell<Option<Rc<TestProvider>>> = const { RefCell::new(None) };
}

impl CurrentProvider for TestProvider {
    fn current() -> Option<impl Deref<Target = Self>> {
        CURRENT.with_borrow(|current| current.clone()).filter(|current| current.subsystem_is_up())
    }
}

impl Provider for TestProvider {
    type EventObject = Signal;
    type Socket<'a> = SocketRef<TestSocket>;
    type EventObjectToReset<'a> = Signal;

    fn subsystem_is_up(&self) -> bool {
        self.subsystem_is_up.get()
    }

    fn find_socket(&self, descriptor: SOCKET) -> Option<SocketRef<TestSocket>> {
        let socket = self.table.get(self.in_table(descriptor))?;
        self.stage.enter(&socket.recorder);
        Some(socket)
    }

    fn recorder_of<'s>(socket: &'s Self::Socket<'_>) -> &'s Recorder {
        &socket.recorder
    }

    fn event_object_to_select(&self, handle: WSAEVENT) -> Option<Signal> {
        assert!(!handle.is_null(), "promised by Provider::event_object_to_select");
        self.handles.borrow().get(&handle.0).cloned()
    }

    fn event_object_to_reset(&self, handle: WSAEVENT) -> Option<Signal> {
        assert!(!handle.is_null(), "promised by Provider::event_object_to_reset");
        self.handles.borrow().get(&handle.0).cloned()
    }

    fn on_selected(&self, socket: &Self::Socket<'_>, events: NetworkEvents) {
        let events = events_of(events);
        self.stage.log(Entry::Selected { socket: socket.number, events });
    }
}

impl TestProvider {
    /// What the table calls a descriptor. Its own name of a socket that has another is no descriptor.
    fn in_table(&self, descriptor: SOCKET) -> SOCKET {
        let reused = self.reused.borrow();
        let mut hits = reused.iter().filter(|(name, own)| [*name, *own].contains(&descriptor));
        match hits.next() {
            None => descriptor,
            Some(&(name, own)) if name == descriptor => own,
            Some(_) => INVALID_SOCKET,
        }
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

impl Default for Library {
    fn default() -> Self {
        let stage = Arc::<Sequential>::default();
        let provider = Rc::new(TestProvider {
            stage: Arc::clone(&stage),
            table: SocketTable::default(),
            reused: RefCell::default(),
            handles: RefCell::default(),
            subsystem_is_up: Cell::new(true),
        });
        CURRENT.set(Some(Rc::clone(&provider)));
        Self {
            provider,
            stage,
            descriptors: vec![],
            recorders: vec![],
            objects: vec![],
            from_table: vec![],
            handles_given: 0,
        }
    }
}

impl Library {
    fn descriptor(&self, name: Name) -> SOCKET {
        match name {
            Name::Given(at) => self.descriptors[at],
            Name::Never(value) => value,
        }
    }

    fn handle(name: Name) -> WSAEVENT {
        WSAEVENT(match name {
            Name::Given(at) => 4 * (at + 1),
            Name::Never(value) => value,
        })
    }

    /// The table has given out a descriptor; the switch knows it by that name or by a reused one.
    fn given(&mut self, descriptor: SOCKET, reused: Option<usize>) {
        assert!(!NO_DESCRIPTORS.contains(&descriptor), "P1: {descriptor} is not a descriptor");
        assert!(!self.from_table.contains(&descriptor), "P1: {descriptor} came back");
        self.from_table.push(descriptor);
        match reused {
            None => self.descriptors.push(descriptor),
            Some(at) => {
                let name = self.descriptors[at];
                let mut reused = self.provider.reused.borrow_mut();
                reused.retain(|(earlier, _)| *earlier != name);
                reused.push((name, descriptor));
            }
        }
    }

    fn open(&mut self, recorder: Recorder, reused: Option<usize>) -> Seen {
        let (number, recorder) = (self.recorders.len(), Arc::new(recorder));
        self.recorders.push(Arc::clone(&recorder));
        let descriptor = self.provider.table.insert(TestSocket { number, recorder }).unwrap();
        self.given(descriptor, reused);
        Seen::NewDescriptor(true)
    }

    fn select(&self, descriptor: SOCKET, handle: WSAEVENT, mask: i32, way: Way) -> Seen {
        let provider = &*self.provider;
        let mut errno = Memory::SENTINEL;
        let returned = match way {
            Way::Rust => {
                let events = NetworkEvents::from_bits_retain(mask as u32);
                let outcome = rust(|| event_select(provider, descriptor, handle, events));
                return Seen::Rust { outcome, out: Memory::SENTINEL };
            }
            Way::C { errno: pointer } => {
                // SAFETY: the pointer is null, or has the room of an `int` behind it.
                unsafe {
                    wsp_event_select(provider, descriptor, handle, mask, errno.pointer(pointer))
                }
            }
            Way::Table { errno: pointer } => {
                let function = WSPEventSelect::<TestProvider>;
                // SAFETY: as above.
                unsafe { function(descriptor, handle, mask, errno.pointer(pointer)) }
            }
        };
        Seen::C { returned, errno, out: Memory::SENTINEL }
    }

    fn enumerate(&self, descriptor: SOCKET, handle: WSAEVENT, out: Pointer, way: Way) -> Seen {
        let provider = &*self.provider;
        let (mut memory, mut errno) = (Memory::SENTINEL, Memory::SENTINEL);
        let returned = match way {
            Way::Rust => {
                // SAFETY: it is aligned, and has the room that it promises behind it.
                let out: &mut WSANETWORKEVENTS = unsafe { &mut *memory.pointer(Pointer::Aligned) };
                let call = || {
                    let report = enum_network_events(provider, descriptor, handle)?;
                    out.store(&report);
                    Ok(report)
                };
                return Seen::Rust { outcome: rust(call), out: memory };
            }
            Way::C { errno: pointer } => {
                let (out, errno) = (memory.pointer(out), errno.pointer(pointer));
                // SAFETY: each pointer is null, or has the room that it promises behind it.
                unsafe { wsp_enum_network_events(provider, descriptor, handle, out, errno) }
            }
            Way::Table { errno: pointer } => {
                let function = WSPEnumNetworkEvents::<TestProvider>;
                let (out, errno) = (memory.pointer(out), errno.pointer(pointer));
                // SAFETY: as above.
                unsafe { function(descriptor, handle, out, errno) }
            }
        };
        Seen::C { returned, errno, out: memory }
    }

    /// Makes a step.
    pub fn apply(&mut self, transition: Transition) -> Seen {
        match transition {
            Transition::OpenSocket { latching, reused } => {
                self.open(Recorder::with_latching(flags(latching)), reused)
            }
            Transition::Accept(listener) => {
                let Some(listener) = self.provider.find_socket(self.descriptor(listener)) else {
                    return Seen::NewDescriptor(false);
                };
                match unwinding(|| listener.recorder.inherit()) {
                    Ok(Ok(accepted)) => self.open(accepted, None),
                    Ok(Err(error)) => Seen::Recorder(error.into()),
                    Err(unwound) => Seen::Recorder(unwound),
                }
            }
            Transition::Duplicate(descriptor) => {
                let descriptor = self.provider.in_table(self.descriptor(descriptor));
                let duplicate = self.provider.table.duplicate(descriptor).unwrap();
                if let Some(duplicate) = duplicate {
                    self.given(duplicate, None);
                }
                Seen::NewDescriptor(duplicate.is_some())
            }
            Transition::CloseDescriptor(descriptor) => {
                let descriptor = self.provider.in_table(self.descriptor(descriptor));
                let removed = self.provider.table.remove(descriptor);
                Seen::Removed(removed.map(|removed| {
                    if removed.remaining == 0 {
                        // Refused if CloseRecord was there before.
                        let _ = removed.socket.recorder.close();
                    }
                    removed.remaining
                }))
            }
            Transition::Operate(s, operation) => {
                let fresh = |number| event_object(number, &self.stage);
                let recorder = &self.recorders[s];
                let adopt = |_| unreachable!("accepted on a descriptor");
                Seen::Recorder(operate(&self.stage, recorder, &operation, fresh, adopt))
            }
            Transition::Select { descriptor, handle, mask, way } => {
                self.select(self.descriptor(descriptor), Self::handle(handle), mask, way)
            }
            Transition::Enumerate { descriptor, handle, out, way } => {
                self.enumerate(self.descriptor(descriptor), Self::handle(handle), out, way)
            }
            Transition::OpenEvent { reused } => {
                let signal = event_object(self.objects.len(), &self.stage);
                self.objects.push(Arc::downgrade(&signal.object));
                let at = reused.unwrap_or(self.handles_given);
                self.handles_given = self.handles_given.max(at + 1);
                let handle = Self::handle(Name::Given(at)).0;
                self.provider.handles.borrow_mut().insert(handle, signal);
                Seen::Nothing
            }
            Transition::CloseEvent(handle) => {
                let mut handles = self.provider.handles.borrow_mut();
                handles.remove(&Self::handle(handle).0);
                Seen::Nothing
            }
            Transition::Arm { object, call, script } => {
                if let Some(object) = self.objects[object].upgrade() {
                    object.arm(call, &script);
                }
                Seen::Nothing
            }
            Transition::ApplicationResets(handle) => {
                let handles = self.provider.handles.borrow();
                if let Some(signal) = handles.get(&Self::handle(handle).0) {
                    signal.object.application_resets();
                }
                Seen::Nothing
            }
            Transition::SubsystemIsUp(is_up) => {
                self.provider.subsystem_is_up.set(is_up);
                Seen::Nothing
            }
        }
    }

    /// Compares what the last step showed with the model, which has made it too.
    pub fn check_answer(&self, model: &Model, seen: &Seen) {
        let log = self.stage.take_log();
        assert_eq!(log, model.world.log, "R4, S2, S5, S9, E4, E6, E8: sets, resets, selections");
        assert_eq!(seen, &model.seen, "S4, E1, E2, E7, E9, E10, P1, P4, P5: the answer");
    }

    /// Compares all that can be seen at rest with the model.
    pub fn check(&self, model: &Model) {
        for (s, recorder) in self.recorders.iter().enumerate() {
            check_socket(&model.world, s, recorder, |object| {
                let object = self.objects[object].upgrade();
                object.expect("P2: a selected event object lives").is_signaled()
            });
        }
        for (number, object) in self.objects.iter().enumerate() {
            let handles = usize::from(model.handles.contains(&Some(number)));
            check_object(&model.world, number, object, handles);
        }
        for (&descriptor, &socket) in self.descriptors.iter().zip(&model.descriptors) {
            let named = self.provider.find_socket(descriptor).map(|socket| socket.number);
            assert_eq!(named, socket, "P1, P4: what {descriptor} names");
        }
        let mut open: Vec<_> = model.descriptors.iter().flatten().collect();
        open.sort_unstable();
        open.dedup();
        assert_eq!(self.provider.table.sockets().len(), open.len(), "P4: each socket once");
    }

    /// Compares what is still recorded with the model.
    pub fn check_what_is_left(&self, model: &Model) {
        for (s, recorder) in self.recorders.iter().enumerate() {
            check_what_is_left(&model.world, s, recorder, &self.stage);
        }
    }
}

/// A call that comes in by the Rust functions.
fn rust<T>(call: impl FnOnce() -> Result<T, ProviderError>) -> Outcome
where
    Answer: From<Result<T, RecorderError>>,
{
    match unwinding(call) {
        Err(unwound) => Outcome::Recorder(unwound),
        Ok(Ok(result)) => Outcome::Recorder(Ok(result).into()),
        Ok(Err(ProviderError::Recorder(error))) => Outcome::Recorder(error.into()),
        Ok(Err(ProviderError::SubsystemFailed)) => Outcome::SubsystemFailed,
        Ok(Err(ProviderError::NotASocket)) => Outcome::NotASocket,
        Ok(Err(ProviderError::InvalidEventObject)) => Outcome::InvalidEventObject,
        Ok(Err(error)) => unreachable!("the model has no answer for it: {error}"),
    }
}
