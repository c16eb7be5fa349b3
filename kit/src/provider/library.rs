//! The library under test: a provider as one would write it, except for the log; and the steps, made on it.

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
    INVALID_SOCKET, NetworkEvents, Provider, ProviderError, Report, SOCKET, SocketRef, SocketTable,
    WSAEVENT, enum_network_events, enum_network_events_with, event_select,
};

use crate::calls::{Recorder, answer};
use crate::event_object::{Entry, EventObject, Handle, Stage};
use crate::provider::model::Model;
use crate::provider::steps::{
    Memory, NO_DESCRIPTORS, Name, Passed, Pointer, Seen, Transition, Way,
};
use crate::sequential::{
    Sequential, check_object, check_socket, check_what_is_left, event_object, operate,
};
use crate::vocabulary::{Answer, Operation};

pub struct Library {
    provider: Rc<TestProvider>,
    stage: Arc<Sequential>,
    /// All descriptors that the switch ever got.
    pub descriptors: Vec<SOCKET>,
    recorders: Vec<Arc<Recorder>>,
    objects: Vec<Weak<EventObject>>,
    /// All descriptors that the table ever gave out.
    from_table: Vec<SOCKET>,
    handles_given: usize,
}

struct TestProvider {
    stage: Arc<Sequential>,
    table: SocketTable<TestSocket>,
    /// Closed descriptors that were given to other sockets, each with the socket's own descriptor in the table.
    reused: RefCell<Vec<(SOCKET, SOCKET)>>,
    handles: RefCell<HashMap<WSAEVENT, Handle>>,
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
    type EventObject = Handle;
    type Socket<'a> = SocketRef<TestSocket>;
    type EventObjectToReset<'a> = Handle;

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

    fn event_object_to_select(&self, handle: WSAEVENT) -> Option<Handle> {
        assert!(!handle.is_null(), "promised by Provider::event_object_to_select");
        self.handles.borrow().get(&handle).cloned()
    }

    fn event_object_to_reset(&self, handle: WSAEVENT) -> Option<Handle> {
        assert!(!handle.is_null(), "promised by Provider::event_object_to_reset");
        self.handles.borrow().get(&handle).cloned()
    }

    fn on_selected(&self, socket: &Self::Socket<'_>, events: NetworkEvents) {
        self.stage.log(Entry::Selected { socket: socket.number, events });
    }
}

impl TestProvider {
    /// The table's descriptor of the socket that `descriptor` names. If the socket is known by a reused one, the table's
    /// own is not valid.
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

    fn find(&self, passed: Passed) -> (&TestProvider, SOCKET, WSAEVENT) {
        (&self.provider, self.descriptor(passed.descriptor), Self::handle(passed.handle))
    }

    fn handle(name: Name) -> WSAEVENT {
        WSAEVENT(match name {
            Name::Given(at) => 4 * (at + 1),
            Name::Never(value) => value,
        })
    }

    /// The table has given out a descriptor; the switch gets it, or a reused one in its place.
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

    fn open(&mut self, recorder: Recorder, reused: Option<usize>) -> usize {
        let (number, recorder) = (self.recorders.len(), Arc::new(recorder));
        self.recorders.push(Arc::clone(&recorder));
        let descriptor = self.provider.table.insert(TestSocket { number, recorder }).unwrap();
        self.given(descriptor, reused);
        number
    }

    fn select(&self, passed: Passed, mask: i32) -> Seen {
        let (provider, descriptor, handle) = self.find(passed);
        let (mut errno, out) = (Memory::SENTINEL, Memory::SENTINEL);
        if let Way::Rust = passed.way {
            let events = NetworkEvents::from_bits_retain(mask as u32);
            // The provider, and a pointer to it, are one.
            let answer = answer(|| event_select(&provider, descriptor, handle, events));
            return Seen::Rust { answer, out };
        }
        let lp_errno = errno.pointer(passed.errno);
        // SAFETY: the pointer is null, or to memory of the size of an `int`.
        let returned = unsafe {
            match passed.way {
                Way::Table => WSPEventSelect::<TestProvider>(descriptor, handle, mask, lp_errno),
                _ => wsp_event_select(provider, descriptor, handle, mask, lp_errno),
            }
        };
        Seen::C { returned, errno, out }
    }

    fn enumerate(&self, passed: Passed, out_pointer: Pointer) -> Seen {
        let (provider, descriptor, handle) = self.find(passed);
        let (mut errno, mut out) = (Memory::SENTINEL, Memory::SENTINEL);
        if let Way::Rust = passed.way {
            // SAFETY: it is aligned, and to memory of the size of the struct.
            let events: &mut WSANETWORKEVENTS = unsafe { &mut *out.pointer(Pointer::Aligned) };
            let deliver = |_: &Report| Ok::<_, ProviderError>(());
            let call = || match out_pointer {
                Pointer::Aligned => enum_network_events(&provider, descriptor, handle),
                _ => enum_network_events_with(&provider, descriptor, handle, deliver),
            };
            let answer = answer(|| {
                call().inspect(|report| {
                    events.store(report);
                    assert!(events.iter().eq(report.iter()), "E2, read as a switch does");
                })
            });
            return Seen::Rust { answer, out };
        }
        let (events, lp_errno) = (out.pointer(out_pointer), errno.pointer(passed.errno));
        // SAFETY: each pointer is null, or to memory of the size that the function writes.
        let returned = unsafe {
            match passed.way {
                Way::Table => {
                    WSPEnumNetworkEvents::<TestProvider>(descriptor, handle, events, lp_errno)
                }
                _ => wsp_enum_network_events(provider, descriptor, handle, events, lp_errno),
            }
        };
        Seen::C { returned, errno, out }
    }

    /// Makes a step.
    pub fn apply(&mut self, transition: Transition) -> Seen {
        let stage = Arc::clone(&self.stage);
        Seen::Answer(match transition {
            Transition::OpenSocket { latching, reused } => {
                self.open(Recorder::with_latching(latching), reused);
                Answer::Done
            }
            Transition::Accept(listener) => {
                let Some(listener) = self.provider.find_socket(self.descriptor(listener)) else {
                    return Seen::Answer(Answer::NotASocket);
                };
                let adopt = |accepted| self.open(accepted, None);
                operate(&stage, &listener.recorder, &Operation::Inherit, no_object, adopt)
            }
            Transition::Duplicate(descriptor) => {
                let descriptor = self.provider.in_table(self.descriptor(descriptor));
                match self.provider.table.duplicate(descriptor).unwrap() {
                    None => Answer::NotASocket,
                    Some(duplicate) => {
                        self.given(duplicate, None);
                        Answer::Done
                    }
                }
            }
            Transition::CloseDescriptor(descriptor) => {
                let descriptor = self.provider.in_table(self.descriptor(descriptor));
                let Some(removed) = self.provider.table.remove(descriptor) else {
                    return Seen::Answer(Answer::NotASocket);
                };
                if removed.remaining == 0 {
                    // It is refused if the record has been closed before.
                    let _ = removed.socket.recorder.close();
                }
                return Seen::Removed(removed.remaining);
            }
            Transition::Operate(s, operation) => {
                let adopt = |_| unreachable!("accepted on a descriptor");
                operate(&stage, &self.recorders[s], &operation, no_object, adopt)
            }
            Transition::Select(passed, mask) => return self.select(passed, mask),
            Transition::Enumerate(passed, out) => return self.enumerate(passed, out),
            Transition::OpenEvent { reused } => {
                let signal = event_object(self.objects.len(), &stage);
                self.objects.push(Arc::downgrade(&signal.object));
                let at = reused.unwrap_or(self.handles_given);
                self.handles_given = self.handles_given.max(at + 1);
                let handle = Self::handle(Name::Given(at));
                self.provider.handles.borrow_mut().insert(handle, signal);
                Answer::Done
            }
            Transition::CloseEvent(handle) => {
                self.provider.handles.borrow_mut().remove(&Self::handle(handle));
                Answer::Done
            }
            Transition::Arm(object, call, script) => {
                if let Some(object) = self.objects[object].upgrade() {
                    object.arm(call, &script);
                }
                Answer::Done
            }
            Transition::ApplicationResets(handle) => {
                match self.provider.handles.borrow().get(&Self::handle(handle)) {
                    None => Answer::InvalidArgument,
                    Some(signal) => {
                        signal.object.application_resets();
                        Answer::Done
                    }
                }
            }
            Transition::SubsystemIsUp(is_up) => {
                self.provider.subsystem_is_up.set(is_up);
                Answer::Done
            }
        })
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

/// For a call that needs no event object.
fn no_object(_: usize) -> Handle {
    unreachable!("event objects have handles here")
}
