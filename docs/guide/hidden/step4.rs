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
