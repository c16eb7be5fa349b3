// Completes step 5 of docs/guide/PROVIDER.md where it is tested: the steps before it, and a check.

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

fn check() {
    let mut errno = 0;
    // SAFETY: a null pointer is allowed, and `errno` is valid for the write.
    let result = unsafe { (TABLE.event_select)(1, WSAEVENT::NULL, 0, &mut errno) };
    assert_eq!((result, errno), (-1, WsaError::WSAENETDOWN.code()));
    let _ = TABLE.enum_network_events;
}
