// Completes step 3 of docs/guide/PROVIDER.md where it is tested: the steps before it, and a check.

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
    let provider = MyProvider::default();
    let none = enum_network_events(&provider, 1, WSAEVENT::NULL);
    assert_eq!(none, Err(ProviderError::NotASocket));
}
