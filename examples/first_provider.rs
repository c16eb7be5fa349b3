//! A whole provider in one file: a link brings datagrams, a switch selects, waits and receives. The
//! guide "Writing a provider" (docs/guide/PROVIDER.md) builds it step by step. It fails when a datagram
//! or a wake-up is lost.

use std::collections::VecDeque;
use std::ops::Deref;
use std::ptr;
use std::sync::{Arc, Mutex, RwLock};
use std::thread;
use std::time::Duration;

use wsp_events::spi::{
    CurrentProvider, SOCKET_ERROR, WSANETWORKEVENTS, WSPEnumNetworkEvents, WSPEventSelect,
};
use wsp_events::{
    ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, Provider, ReenablingCall,
    SOCKET, SocketRef, SocketTable, TableFull, WSAEVENT, WsaError,
};

/// The event objects of our switch. Each socket that selects one has a reference of its own.
type Event = Arc<ManualResetEvent>;

/// One socket: whatever a socket is to us, and its record.
struct Socket {
    inbox: Mutex<VecDeque<Vec<u8>>>,
    events: NetworkEventRecorder<Event>,
}

impl Socket {
    /// A datagram has come: on the link's thread.
    fn arrived(&self, datagram: Vec<u8>) {
        self.inbox.lock().unwrap().push_back(datagram); // first the thing itself ...
        self.record(NetworkEvent::Read, Ok(())); // ... then its news
    }

    /// No more datagrams will come, for this reason.
    fn link_lost(&self, reason: WsaError) {
        self.record(NetworkEvent::Close, Err(reason));
    }

    fn record(&self, event: NetworkEvent, outcome: Result<(), WsaError>) {
        if let Err(error) = self.events.record(event, outcome) {
            // The event is in the record, and the next call tries the event object again.
            eprintln!("{event} is recorded, but the event object could not be set: {error}");
        }
    }
}

/// The provider: what descriptors and handles stand for.
#[derive(Default)]
struct MyProvider {
    sockets: SocketTable<Socket>,
    events: SocketTable<Event>,
}

impl Provider for MyProvider {
    type Signal = Event;
    type Socket<'a> = SocketRef<Socket>;
    type ResetEvent<'a> = Event;

    fn subsystem_is_up(&self) -> bool {
        true
    }

    fn socket(&self, descriptor: SOCKET) -> Option<SocketRef<Socket>> {
        self.sockets.get(descriptor)
    }

    fn recorder(socket: &SocketRef<Socket>) -> &NetworkEventRecorder<Event> {
        &socket.events
    }

    fn event_to_select(&self, handle: WSAEVENT) -> Option<Event> {
        self.events.get(handle.addr()).map(|event| Event::clone(&event))
    }

    fn event_to_reset(&self, handle: WSAEVENT) -> Option<Event> {
        self.event_to_select(handle)
    }
}

impl MyProvider {
    /// WSPSocket.
    fn create_socket(&self) -> Result<SOCKET, WsaError> {
        let socket = Socket { inbox: Mutex::default(), events: NetworkEventRecorder::new() };
        self.sockets.insert(socket).map_err(TableFull::errno)
    }

    /// WSPRecv: one datagram, or WSAEWOULDBLOCK.
    fn recv(&self, s: SOCKET) -> Result<Vec<u8>, WsaError> {
        let socket = self.sockets.get(s).ok_or(WsaError::WSAENOTSOCK)?;
        socket.events.on_reenabling_call(ReenablingCall::Recv { oob: false }); // first ...
        let mut inbox = socket.inbox.lock().unwrap();
        let datagram = inbox.pop_front(); // ... then the look
        let more = !inbox.is_empty();
        drop(inbox);
        if more {
            socket.record(NetworkEvent::Read, Ok(())); // there is still something to read
        }
        datagram.ok_or(WsaError::WSAEWOULDBLOCK)
    }

    /// WSPCloseSocket.
    fn close_socket(&self, s: SOCKET) -> Result<(), WsaError> {
        let removed = self.sockets.remove(s).ok_or(WsaError::WSAENOTSOCK)?;
        if removed.remaining == 0 {
            // It was the last descriptor of the socket. An error here says that we are inside the
            // event object's own set or reset, where ours never calls back.
            removed.socket.events.close().map_err(|error| error.errno())?;
        }
        Ok(())
    }

    /// WSACreateEvent, for an event object that is there already.
    fn create_event(&self, event: &Event) -> Result<WSAEVENT, WsaError> {
        let handle = self.events.insert(Event::clone(event)).map_err(TableFull::errno)?;
        Ok(ptr::without_provenance_mut(handle))
    }
}

/// The instance that the C functions serve: WSPStartup puts it here, WSPCleanup takes it away.
static CURRENT: RwLock<Option<Arc<MyProvider>>> = RwLock::new(None);

impl CurrentProvider for MyProvider {
    fn current() -> Option<impl Deref<Target = Self>> {
        CURRENT.read().unwrap().clone()
    }
}

/// What a WSPPROC_TABLE has about network events.
struct ProcTable {
    event_select: unsafe extern "system" fn(SOCKET, WSAEVENT, i32, *mut i32) -> i32,
    enum_network_events:
        unsafe extern "system" fn(SOCKET, WSAEVENT, *mut WSANETWORKEVENTS, *mut i32) -> i32,
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
    let event = Event::default();
    let handle = provider.create_event(&event).unwrap();
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

    // The switch waits, takes the report, and does what it says.
    let mut received = 0_usize;
    let mut end = None;
    while end.is_none() {
        assert!(event.wait_timeout(Duration::from_secs(60)), "a wake-up was lost");
        let mut report = WSANETWORKEVENTS::default();
        // SAFETY: `report` and `errno` are valid for the writes.
        let result = unsafe { (TABLE.enum_network_events)(s, handle, &mut report, &mut errno) };
        assert_eq!((result, errno), (0, 0));
        for (event, outcome) in report.iter() {
            match event {
                NetworkEvent::Read => {
                    while let Ok(datagram) = provider.recv(s) {
                        assert_eq!(datagram, received.to_le_bytes(), "a datagram was lost");
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
    let result = unsafe { (TABLE.event_select)(s, ptr::null_mut(), 0, &mut errno) };
    assert_eq!((result, errno), (SOCKET_ERROR, WsaError::WSAENOTSOCK.code()));

    println!("{received} datagrams, then FD_CLOSE: {:#}", WsaError::WSAENETDOWN);
}
