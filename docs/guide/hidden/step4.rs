// Completes step 4 of docs/guide/PROVIDER.md where it is tested: the steps before it, and a check.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Mutex, RwLock};

use wsp_events::spi::{CurrentProvider, WSANETWORKEVENTS, WSPEnumNetworkEvents, WSPEventSelect};
use wsp_events::*;

type EventObject = Arc<ManualResetEvent>;

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

#[derive(Default)]
struct MyProvider {
    sockets: SocketTable<Socket>,
    event_objects: SocketTable<EventObject>,
}

fn check() {
    let provider = MyProvider::default();
    let s = provider.create_socket().unwrap();
    provider.sockets.get(s).unwrap().arrived(vec![7]);
    assert_eq!(provider.recv(s), Ok(vec![7]));
    assert_eq!(provider.recv(s), Err(WsaError::WSAEWOULDBLOCK));
    provider.close_socket(s).unwrap();
    assert_eq!(provider.recv(s), Err(WsaError::WSAENOTSOCK));
    assert!(!provider.create_event(&EventObject::default()).unwrap().is_null());
}
