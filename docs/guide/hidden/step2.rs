// Completes step 2 of docs/guide/PROVIDER.md where it is tested: the steps before it, and a check.

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

fn check() {
    let socket = Socket { inbox: Mutex::default(), events: NetworkEventRecorder::new() };
    socket.arrived(vec![1]);
    socket.link_lost(WsaError::WSAENETDOWN);
    let expected = NetworkEvents::FD_READ | NetworkEvents::FD_CLOSE;
    assert_eq!(socket.events.recorded(), expected);
}
