//! What the tests of all sections share: an event object that does as it is told, a recorder with one, and
//! a provider over them.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use wsp_events::spi::{WSANETWORKEVENTS, wsp_enum_network_events, wsp_event_select};
use wsp_events::{
    EventSignal, FD_MAX_EVENTS, ManualResetEvent, NetworkEventRecorder, NetworkEvents, Provider,
    ReenablingCall, SOCKET, SignalError, SocketRef, SocketTable, WSAEVENT, WsaError,
};

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

/// When a recorder runs the event object's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Set,
    Reset,
    Clone,
    Drop,
}

/// What happens inside a call, before its work; an error takes the place of that.
pub(crate) type Answer = Result<(), SignalError>;
type Once = Box<dyn FnOnce() -> Answer + Send>;
type Always = Arc<dyn Fn(Call) -> Answer + Send + Sync>;

/// An event object that keeps a log and does as it is told.
#[derive(Default)]
pub(crate) struct Event {
    inner: ManualResetEvent,
    log: Mutex<Vec<Call>>,
    /// For the next call of each kind.
    next: Mutex<[Option<Once>; 4]>,
    /// For those for which there is nothing in `next`.
    always: Mutex<Option<Always>>,
}

/// A reference to an event object whose own clones and drops are calls as well.
pub(crate) struct Handle(pub(crate) Arc<Event>);

impl Event {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Once, at the next such call.
    pub(crate) fn on(&self, call: Call, script: impl FnOnce() -> Answer + Send + 'static) {
        self.next.lock().unwrap()[call as usize] = Some(Box::new(script));
    }

    pub(crate) fn on_set(&self, script: impl FnOnce() -> Answer + Send + 'static) {
        self.on(Call::Set, script);
    }

    pub(crate) fn on_reset(&self, script: impl FnOnce() -> Answer + Send + 'static) {
        self.on(Call::Reset, script);
    }

    /// From now on, at every call.
    pub(crate) fn always(&self, script: impl Fn(Call) -> Answer + Send + Sync + 'static) {
        *self.always.lock().unwrap() = Some(Arc::new(script));
    }

    /// Works from now on.
    pub(crate) fn calm(&self) {
        *self.next.lock().unwrap() = Default::default();
        *self.always.lock().unwrap() = None;
    }

    /// The sets and resets that succeeded, in order, since the last time it was asked.
    pub(crate) fn log(&self) -> Vec<Call> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    pub(crate) fn is_set(&self) -> bool {
        self.inner.is_set()
    }

    /// The application resets its event object itself.
    pub(crate) fn reset_by_the_application(&self) {
        self.inner.reset();
    }

    /// Outside the locks: the script may come back here.
    fn run(&self, call: Call) -> Answer {
        let once = self.next.lock().unwrap()[call as usize].take();
        if let Some(once) = once {
            return once();
        }
        let always = self.always.lock().unwrap().clone();
        always.map_or(Ok(()), |always| always(call))
    }
}

impl EventSignal for Event {
    fn set_event(&self) -> Answer {
        self.run(Call::Set)?;
        self.inner.set();
        self.log.lock().unwrap().push(Call::Set);
        Ok(())
    }

    fn reset_event(&self) -> Answer {
        self.run(Call::Reset)?;
        self.inner.reset();
        self.log.lock().unwrap().push(Call::Reset);
        Ok(())
    }
}

impl EventSignal for Handle {
    fn set_event(&self) -> Answer {
        self.0.set_event()
    }
    fn reset_event(&self) -> Answer {
        self.0.reset_event()
    }
}

impl From<Arc<Event>> for Handle {
    fn from(event: Arc<Event>) -> Self {
        Self(event)
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        self.0.run(Call::Clone).expect("a clone does not fail");
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.run(Call::Drop).expect("a drop does not fail");
    }
}

/// A recorder with a selection, and its event object.
pub(crate) fn selected(events: NetworkEvents) -> (Arc<Recorder>, Arc<Event>) {
    let event = Event::new();
    let recorder = Arc::new(Recorder::new());
    recorder.select(events, Arc::clone(&event)).unwrap();
    (recorder, event)
}

/// The program asks for the two change events, which start latched (L3).
pub(crate) fn ask_for_changes<S>(recorder: &NetworkEventRecorder<S>) {
    recorder.reenable_for(ReenablingCall::RoutingInterfaceChange);
    recorder.reenable_for(ReenablingCall::AddressListChange);
}

/// References that a closure on another thread, or inside an event object, can have of its own.
pub(crate) trait Share {
    type Owned;
    fn share(self) -> Self::Owned;
}

impl<T: Clone> Share for &T {
    type Owned = T;
    fn share(self) -> T {
        self.clone()
    }
}

impl<T: Clone, U: Clone> Share for (&T, &U) {
    type Owned = (T, U);
    fn share(self) -> (T, U) {
        (self.0.clone(), self.1.clone())
    }
}

/// A closure that has its own references to what it uses.
pub(crate) fn with<S: Share, R>(
    shared: S,
    body: impl FnOnce(S::Owned) -> R + Send + 'static,
) -> Box<dyn FnOnce() -> R + Send>
where
    S::Owned: Send + 'static,
{
    let owned = shared.share();
    Box::new(move || body(owned))
}

/// A script that fails.
pub(crate) fn refuse() -> Answer {
    Err(BAD_HANDLE)
}

/// The payload of a panic that is part of a test.
struct Planted;

/// A script that panics, without the noise of a panic message.
pub(crate) fn blow_up() -> Answer {
    resume_unwind(Box::new(Planted))
}

/// Of what was caught: any other panic goes on.
pub(crate) fn only_planted(payload: Box<dyn Any + Send>) {
    if !payload.is::<Planted>() {
        resume_unwind(payload);
    }
}

/// What has not happened by then does not happen: only a test that fails waits that long. `.ci/breaches` shortens it.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Runs `body` on a thread of its own; fails when that panics, or does not return.
pub(crate) fn must_return<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, result) = channel();
    thread::spawn(move || done.send(body()));
    result.recv_timeout(LIMIT).expect("the call hangs, or has panicked")
}

type OnSelected<S> = Box<dyn FnOnce(&TestProvider<S>) + Send>;

/// A provider with a table of sockets and one of event objects; `S` is what its sockets select.
pub(crate) struct TestProvider<S = Arc<Event>> {
    pub(crate) up: AtomicBool,
    pub(crate) sockets: SocketTable<NetworkEventRecorder<S>>,
    pub(crate) events: Mutex<BTreeMap<usize, Arc<Event>>>,
    /// The selections of which the provider was notified (S9).
    pub(crate) told: Mutex<Vec<NetworkEvents>>,
    /// What comes first when it is told the next time.
    pub(crate) on_selected: Mutex<Option<OnSelected<S>>>,
}

impl TestProvider {
    pub(crate) fn new() -> Self {
        Self::of_kind()
    }
}

impl<S: EventSignal + From<Arc<Event>>> TestProvider<S> {
    pub(crate) fn of_kind() -> Self {
        Self {
            up: AtomicBool::new(true),
            sockets: SocketTable::new(),
            events: Mutex::default(),
            told: Mutex::default(),
            on_selected: Mutex::default(),
        }
    }

    pub(crate) fn socket(&self) -> (SOCKET, SocketRef<NetworkEventRecorder<S>>) {
        let descriptor = self.sockets.insert(NetworkEventRecorder::new()).unwrap();
        (descriptor, self.sockets.get(descriptor).unwrap())
    }

    /// An event object, with its handle.
    pub(crate) fn event(&self) -> (WSAEVENT, Arc<Event>) {
        let event = Event::new();
        let mut events = self.events.lock().unwrap();
        let handle = 4 * (events.len() + 1);
        events.insert(handle, Arc::clone(&event));
        (WSAEVENT(handle), event)
    }

    fn find(&self, handle: WSAEVENT) -> Option<S> {
        self.events.lock().unwrap().get(&handle.0).cloned().map(S::from)
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

/// A provider with a socket and an event object, selected with this mask if it is not zero.
pub(crate) fn serving(
    mask: i32,
) -> (TestProvider, SOCKET, SocketRef<Recorder>, WSAEVENT, Arc<Event>) {
    let provider = TestProvider::new();
    let ((s, socket), (handle, event)) = (provider.socket(), provider.event());
    if mask != 0 {
        assert_eq!(provider.select(s, handle, mask), (0, -7));
    }
    (provider, s, socket, handle, event)
}

/// What a caller's memory holds before a call.
pub(crate) const UNTOUCHED: i32 = 0x5a5a_5a5a;

pub(crate) fn untouched() -> WSANETWORKEVENTS {
    WSANETWORKEVENTS { lNetworkEvents: UNTOUCHED, iErrorCode: [UNTOUCHED; FD_MAX_EVENTS] }
}

impl<S: EventSignal + From<Arc<Event>>> Provider for TestProvider<S> {
    type EventObject = S;
    type Socket<'a>
        = SocketRef<NetworkEventRecorder<S>>
    where
        S: 'a;
    type EventObjectToReset<'a>
        = S
    where
        S: 'a;

    fn subsystem_is_up(&self) -> bool {
        self.up.load(SeqCst)
    }

    fn find_socket(&self, descriptor: SOCKET) -> Option<SocketRef<NetworkEventRecorder<S>>> {
        self.sockets.get(descriptor)
    }

    fn recorder_of(socket: &SocketRef<NetworkEventRecorder<S>>) -> &NetworkEventRecorder<S> {
        socket
    }

    fn event_object_to_select(&self, handle: WSAEVENT) -> Option<S> {
        self.find(handle)
    }

    fn event_object_to_reset(&self, handle: WSAEVENT) -> Option<S> {
        self.find(handle)
    }

    fn on_selected(&self, _: &SocketRef<NetworkEventRecorder<S>>, events: NetworkEvents) {
        let first = self.on_selected.lock().unwrap().take();
        first.into_iter().for_each(|first| first(self));
        self.told.lock().unwrap().push(events);
    }
}
