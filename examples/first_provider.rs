//! A complete provider in one file. A link delivers datagrams; a switch selects, waits and
//! receives. The guide "Writing a provider" (docs/guide/PROVIDER.md) builds it step by step. The
//! program fails if a datagram or a wake-up is lost.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::Duration;

use wsp_events::spi::{
    CurrentProvider, SOCKET_ERROR, WSANETWORKEVENTS, WSPEnumNetworkEvents, WSPEventSelect,
};
use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
use wsp_events::{Provider, ReenablingCall, SocketRef, SocketTable, TableFull};
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
        self.inbox.lock().unwrap().push_back(datagram); // first the datagram ...
        self.record(NetworkEvent::Read, Ok(())); // ... then the event
    }

    /// No more datagrams will arrive, for this reason.
    fn link_lost(&self, reason: WsaError) {
        self.record(NetworkEvent::Close, Err(reason));
    }

    fn record(&self, event: NetworkEvent, outcome: Result<(), WsaError>) {
        if let Some(error) = self.events.record(event, outcome).signal_error {
            // The event is recorded, and the recorder's next call tries the set again (R6).
            eprintln!("{event} is recorded, but not signaled: {error}");
        }
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
        // First re-enable ...
        socket.events.reenable_for(ReenablingCall::Recv { oob: false });
        let mut inbox = socket.inbox.lock().unwrap();
        let datagram = inbox.pop_front(); // ... then look ...
        let more = !inbox.is_empty();
        drop(inbox);
        if more {
            socket.record(NetworkEvent::Read, Ok(())); // ... and record what is left
        }
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

    // The link, on a thread of its own.
    let socket = provider.sockets.get(s).unwrap();
    let link = thread::spawn(move || {
        for number in 0..DATAGRAMS {
            socket.arrived(number.to_le_bytes().to_vec());
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
                    while let Ok(datagram) = provider.recv(s) {
                        assert_eq!(datagram, received.to_le_bytes(), "a lost datagram");
                        received += 1;
                    }
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
