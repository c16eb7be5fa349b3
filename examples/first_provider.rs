//! A complete provider in one file. A link delivers datagrams; a switch selects, waits and
//! receives. The guide "Writing a provider" (docs/guide/PROVIDER.md) builds it step by step. The
//! program fails if a datagram or a wake-up is lost, or if a report says what is not true.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::Duration;

use wsp_events::spi::{
    CurrentProvider, SOCKET_ERROR, WSANETWORKEVENTS, WSPEnumNetworkEvents, WSPEventSelect,
};
use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
use wsp_events::{Provider, ReenablingCall, SocketRef, SocketTable, TableFull, Unsignaled};
use wsp_events::{SOCKET, WSAEVENT, WsaError};

/// The event objects of our switch. Each socket that selects one has its own reference.
type EventObject = Arc<ManualResetEvent>;

/// One socket: our own data, and the record.
struct Socket {
    inbox: Mutex<VecDeque<Vec<u8>>>,
    events: NetworkEventRecorder<EventObject>,
}

impl Socket {
    /// A datagram has arrived. Called on the link's thread.
    fn arrived(&self, datagram: Vec<u8>) {
        let mut inbox = self.inbox.lock().unwrap();
        inbox.push_back(datagram); // first the datagram ...
        let recorded = self.look(&inbox); // ... then the event, under the same lock ...
        drop(inbox);
        signal(recorded); // ... and the event object without it
    }

    /// Records that there is something to receive, if there is. The caller has the lock.
    fn look(&self, inbox: &VecDeque<Vec<u8>>) -> Option<Unsignaled<'_, EventObject>> {
        let holds = !inbox.is_empty();
        holds.then(|| self.events.record_unsignaled(NetworkEvent::Read, Ok(())))
    }

    /// No more datagrams will arrive, for this reason.
    fn link_lost(&self, reason: WsaError) {
        signal(Some(self.events.record_unsignaled(NetworkEvent::Close, Err(reason))));
    }
}

/// Sets the event object for what was recorded. No lock is held.
fn signal(recorded: Option<Unsignaled<'_, EventObject>>) {
    if let Some(error) = recorded.and_then(|it| it.signal().signal_error) {
        // The event is recorded, and the recorder's next call tries the set again (R6).
        eprintln!("recorded, but not signaled: {error}");
    }
}

/// The provider: which sockets and event objects the switch's numbers name.
#[derive(Default)]
struct MyProvider {
    sockets: SocketTable<Socket>,
    event_objects: SocketTable<EventObject>,
}

impl Provider for MyProvider {
    type EventObject = EventObject;
    type Socket<'a> = SocketRef<Socket>;
    type EventObjectToReset<'a> = EventObject;

    fn subsystem_is_up(&self) -> bool {
        true
    }

    fn find_socket(&self, descriptor: SOCKET) -> Option<SocketRef<Socket>> {
        self.sockets.get(descriptor)
    }

    fn recorder_of(socket: &SocketRef<Socket>) -> &NetworkEventRecorder<EventObject> {
        &socket.events
    }

    fn event_object_to_select(&self, handle: WSAEVENT) -> Option<EventObject> {
        self.event_objects.get(handle.0).map(|event| EventObject::clone(&event))
    }

    fn event_object_to_reset(&self, handle: WSAEVENT) -> Option<EventObject> {
        self.event_object_to_select(handle)
    }
}

impl MyProvider {
    /// WSPSocket.
    fn create_socket(&self) -> Result<SOCKET, WsaError> {
        let events = NetworkEventRecorder::new();
        self.sockets.insert(Socket { inbox: Mutex::default(), events }).map_err(TableFull::errno)
    }

    /// WSPRecv: one datagram, or WSAEWOULDBLOCK.
    fn recv(&self, s: SOCKET) -> Result<Vec<u8>, WsaError> {
        let socket = self.sockets.get(s).ok_or(WsaError::WSAENOTSOCK)?;
        let mut inbox = socket.inbox.lock().unwrap(); // all of it under the same lock:
        socket.events.reenable_for(ReenablingCall::Recv { oob: false }); // re-enable ...
        let datagram = inbox.pop_front(); // ... consume ...
        let recorded = socket.look(&inbox); // ... look, and record what is left
        drop(inbox);
        signal(recorded);
        datagram.ok_or(WsaError::WSAEWOULDBLOCK)
    }

    /// WSPCloseSocket.
    fn close_socket(&self, s: SOCKET) -> Result<(), WsaError> {
        let removed = self.sockets.remove(s).ok_or(WsaError::WSAENOTSOCK)?;
        if removed.remaining == 0 {
            // That was the last descriptor. Closing fails only inside the event object's own
            // set or reset (K4), and ours do not call back.
            removed.socket.events.close()?;
        }
        Ok(())
    }

    /// WSACreateEvent, for an event object that exists already.
    fn create_event(&self, event_object: &EventObject) -> Result<WSAEVENT, WsaError> {
        let event_object = EventObject::clone(event_object);
        let handle = self.event_objects.insert(event_object).map_err(TableFull::errno)?;
        Ok(WSAEVENT(handle))
    }
}

/// The instance that the C functions serve. WSPStartup sets it, WSPCleanup clears it.
static CURRENT: RwLock<Option<Arc<MyProvider>>> = RwLock::new(None);

impl CurrentProvider for MyProvider {
    fn current() -> Option<impl Deref<Target = Self>> {
        CURRENT.read().unwrap().clone()
    }
}

type EventSelect = unsafe extern "system" fn(SOCKET, WSAEVENT, i32, *mut i32) -> i32;
type EnumNetworkEvents =
    unsafe extern "system" fn(SOCKET, WSAEVENT, *mut WSANETWORKEVENTS, *mut i32) -> i32;

/// The part of a WSPPROC_TABLE that is about network events.
struct ProcTable {
    event_select: EventSelect,
    enum_network_events: EnumNetworkEvents,
}

const TABLE: ProcTable = ProcTable {
    event_select: WSPEventSelect::<MyProvider>,
    enum_network_events: WSPEnumNetworkEvents::<MyProvider>,
};

const DATAGRAMS: usize = 1000;

fn main() {
    let provider = Arc::new(MyProvider::default());
    *CURRENT.write().unwrap() = Some(Arc::clone(&provider));

    // The switch creates an event object and a socket, and selects.
    let event_object = EventObject::default();
    let handle = provider.create_event(&event_object).unwrap();
    let s = provider.create_socket().unwrap();
    let events = NetworkEvents::FD_READ | NetworkEvents::FD_CLOSE;
    let mut errno = 0;
    // SAFETY: `errno` is valid for the write.
    let result = unsafe { (TABLE.event_select)(s, handle, events.mask(), &mut errno) };
    assert_eq!((result, errno), (0, 0));

    // The link, on a thread of its own. Now and then it waits until the switch has received
    // everything: what comes next would hide that a wake-up was lost.
    let socket = provider.sockets.get(s).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let link = thread::spawn(move || {
        for number in 0..DATAGRAMS {
            socket.arrived(number.to_le_bytes().to_vec());
            while number % 10 == 9 && told.recv().unwrap() <= number {}
        }
        socket.link_lost(WsaError::WSAENETDOWN);
    });

    // The switch waits, takes the report, and acts on it.
    let mut received = 0_usize;
    let mut end = None;
    while end.is_none() {
        assert!(event_object.wait_timeout(Duration::from_secs(60)), "a wake-up was lost");
        let mut report = WSANETWORKEVENTS::default();
        let enumerate = TABLE.enum_network_events;
        // SAFETY: `report` and `errno` are valid for the writes.
        let result = unsafe { enumerate(s, handle, &mut report, &mut errno) };
        assert_eq!((result, errno), (0, 0));
        for (event, outcome) in report.iter() {
            match event {
                NetworkEvent::Read => {
                    let before = received;
                    while let Ok(datagram) = provider.recv(s) {
                        assert_eq!(datagram, received.to_le_bytes(), "a lost datagram");
                        received += 1;
                    }
                    assert_ne!(received, before, "FD_READ, and nothing to receive");
                    tell.send(received).unwrap();
                }
                _ => end = Some(outcome),
            }
        }
    }
    link.join().unwrap();
    assert_eq!((received, end), (DATAGRAMS, Some(Err(WsaError::WSAENETDOWN))));

    // A closed descriptor is WSAENOTSOCK.
    provider.close_socket(s).unwrap();
    // SAFETY: a null pointer is allowed, and `errno` is valid for the write.
    let result = unsafe { (TABLE.event_select)(s, WSAEVENT::NULL, 0, &mut errno) };
    assert_eq!((result, errno), (SOCKET_ERROR, WsaError::WSAENOTSOCK.code()));

    println!("{received} datagrams, then FD_CLOSE: {:#}", WsaError::WSAENETDOWN);
}
