//! FD_ADDRESS_LIST_CHANGE and FD_ROUTING_INTERFACE_CHANGE (L3, V4): addresses and routes are changed in a network
//! namespace of the test's own, so nothing of the machine's changes. Each test is a process of its own, too.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod namespace;

use std::sync::Arc;

use socket2::{Domain, Type};
use ws2::{Change, Handles, Winsock};
use wsp_events::{INVALID_SOCKET, WsaError};

fn winsock() -> Winsock {
    Winsock::new(Arc::new(Handles::new()), |_, _| {}).unwrap()
}

#[test]
fn other_systems_than_linux_answer_wsaeopnotsupp() {
    let winsock = winsock();
    let s = winsock.create_socket(Domain::IPV4, Type::DGRAM).unwrap();
    winsock.set_nonblocking(s, true).unwrap();
    let expected =
        if cfg!(target_os = "linux") { WsaError::WSAEWOULDBLOCK } else { WsaError::WSAEOPNOTSUPP };
    for what in [Change::AddressList, Change::Routing] {
        assert_eq!(winsock.await_change(s, what), Err(expected));
        // First things first.
        assert_eq!(winsock.await_change(INVALID_SOCKET, what), Err(WsaError::WSAENOTSOCK));
    }
}
