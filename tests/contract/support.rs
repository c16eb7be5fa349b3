//! What the tests of all sections share: event objects that do as they are told, a recorder with one, and
//! a provider over them.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use wsp_events::spi::{WSANETWORKEVENTS, wsp_enum_network_events, wsp_event_select};
use wsp_events::{
    FD_MAX_EVENTS, ManualResetEvent, NetworkEventRecorder, NetworkEvents, Provider, SOCKET,
    SignalError, SocketRef, SocketTable, WSAEVENT, WsaError,
};

pub(crate) use crate::faulty::Call;
use crate::faulty::Faulty;

pub(crate) const READ: NetworkEvents = NetworkEvents::FD_READ;
pub(crate) const ACCEPT: NetworkEvents = NetworkEvents::FD_ACCEPT;
pub(crate) const CONNECT: NetworkEvents = NetworkEvents::FD_CONNECT;
pub(crate) const CLOSE: NetworkEvents = NetworkEvents::FD_CLOSE;
pub(crate) const ALL: NetworkEvents = NetworkEvents::FD_ALL_EVENTS;
pub(crate) const NONE: NetworkEvents = NetworkEvents::empty();

pub(crate) const REFUSED: WsaError = WsaError::WSAECONNREFUSED;
pub(crate) const RESET: WsaError = WsaError::WSAECONNRESET;
pub(crate) const DOWN: WsaError = WsaError::WSAENETDOWN;
pub(crate) const BAD_HANDLE: SignalError = SignalError::from_os_code(6);

pub(crate) type Recorder = NetworkEventRecorder<Arc<Event>>;

/// An event object that keeps a log and behaves as scripted.
pub(crate) type Event = Faulty<ManualResetEvent>;

impl Event {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self::around(ManualResetEvent::new()))
    }

    /// The application resets its event object itself.
    pub(crate) fn reset_by_the_application(&self) {
        self.reset();
    }
}

/// A recorder with a selection, and its event object.
pub(crate) fn selected(events: NetworkEvents) -> (Arc<Recorder>, Arc<Event>) {
    let event = Event::new();
    let recorder = Arc::new(Recorder::new());
    recorder.select(events, Arc::clone(&event)).unwrap();
    (recorder, event)
}

/// A script that fails.
pub(crate) fn refuse() -> Result<(), SignalError> {
    Err(BAD_HANDLE)
}

/// A script that panics, without the noise of a panic message.
pub(crate) fn blow_up() -> Result<(), SignalError> {
    resume_unwind(Box::new("planted"))
}

/// Runs `body` on a thread of its own and fails if it has not returned after a long while.
pub(crate) fn must_return<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, result) = channel();
    thread::spawn(move || done.send(body()));
    result.recv_timeout(Duration::from_secs(5)).expect("the call hangs, or has panicked")
}

type OnSelected = Box<dyn FnOnce(&TestProvider) + Send>;

/// A provider with a table of sockets and one of event objects.
pub(crate) struct TestProvider {
    pub(crate) up: AtomicBool,
    pub(crate) sockets: SocketTable<Recorder>,
    pub(crate) events: Mutex<BTreeMap<usize, Arc<Event>>>,
    /// The selections of which the provider was notified (S9).
    pub(crate) told: Mutex<Vec<NetworkEvents>>,
    /// Runs first at the next notification.
    pub(crate) on_selected: Mutex<Option<OnSelected>>,
}

impl TestProvider {
    pub(crate) fn new() -> Self {
        Self {
            up: AtomicBool::new(true),
            sockets: SocketTable::new(),
            events: Mutex::default(),
            told: Mutex::default(),
            on_selected: Mutex::default(),
        }
    }

    pub(crate) fn socket(&self) -> (SOCKET, SocketRef<Recorder>) {
        let descriptor = self.sockets.insert(Recorder::new()).unwrap();
        (descriptor, self.sockets.get(descriptor).unwrap())
    }

    /// An event object, with its handle.
    pub(crate) fn event(&self) -> (WSAEVENT, Arc<Event>) {
        let event = Event::new();
        let mut events = self.events.lock().unwrap();
        let handle = 4 * (events.len() + 1);
        events.insert(handle, Arc::clone(&event));
        (std::ptr::without_provenance_mut(handle), event)
    }

    fn find(&self, handle: WSAEVENT) -> Option<Arc<Event>> {
        self.events.lock().unwrap().get(&handle.addr()).cloned()
    }

    /// WSPEventSelect, as the C function answers it: the result and what stands at `lpErrno`, which
    /// held -7 before.
    pub(crate) fn select(&self, s: SOCKET, event: WSAEVENT, mask: i32) -> (i32, i32) {
        let mut errno = -7;
        // SAFETY: the pointer comes from a reference.
        let result = unsafe { wsp_event_select(self, s, event, mask, &mut errno) };
        (result, errno)
    }

    /// WSPEnumNetworkEvents, likewise, and what it wrote over a struct full of [`UNTOUCHED`].
    pub(crate) fn enumerate(&self, s: SOCKET, event: WSAEVENT) -> (i32, i32, WSANETWORKEVENTS) {
        let (mut errno, mut out) = (-7, untouched());
        // SAFETY: the pointers come from references.
        let result = unsafe { wsp_enum_network_events(self, s, event, &mut out, &mut errno) };
        (result, errno, out)
    }
}

/// What a caller's memory holds before a call.
pub(crate) const UNTOUCHED: i32 = 0x5a5a_5a5a;

pub(crate) fn untouched() -> WSANETWORKEVENTS {
    WSANETWORKEVENTS { lNetworkEvents: UNTOUCHED, iErrorCode: [UNTOUCHED; FD_MAX_EVENTS] }
}

impl Provider for TestProvider {
    type Signal = Arc<Event>;
    type Socket<'a> = SocketRef<Recorder>;
    type ResetEvent<'a> = Arc<Event>;

    fn subsystem_is_up(&self) -> bool {
        self.up.load(SeqCst)
    }

    fn socket(&self, descriptor: SOCKET) -> Option<SocketRef<Recorder>> {
        self.sockets.get(descriptor)
    }

    fn recorder(socket: &SocketRef<Recorder>) -> &Recorder {
        socket
    }

    fn event_to_select(&self, handle: WSAEVENT) -> Option<Arc<Event>> {
        self.find(handle)
    }

    fn event_to_reset(&self, handle: WSAEVENT) -> Option<Arc<Event>> {
        self.find(handle)
    }

    fn selected(&self, _: &SocketRef<Recorder>, events: NetworkEvents) {
        let first = self.on_selected.lock().unwrap().take();
        first.into_iter().for_each(|first| first(self));
        self.told.lock().unwrap().push(events);
    }
}
