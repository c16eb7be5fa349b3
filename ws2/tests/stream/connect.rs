//! FD_CONNECT and FD_ACCEPT, and what a connection begins with.

use std::io::Write;
use std::net::TcpListener;

use wsp_events::WsaError;

use crate::support::*;

/// Catches a new attempt that leaves FD_CONNECT latched, so that its outcome is never reported; and a socket that
/// counts as connected after a refusal.
#[test]
fn l3_a_new_attempt_to_connect_reenables_fd_connect() {
    // Bound and not listening: a closed port, which no other program can open meanwhile.
    let closed = Socket::new();
    provider().bind(closed.0, ANY_PORT).unwrap();
    let (s, e) = (Socket::new(), Ours.event());
    s.select(ALL, &e);
    assert_eq!(s.connect(provider().local_address(closed.0).unwrap()), STARTED);
    assert_eq!(s.next_report(&e), "FD_CONNECT: WSAECONNREFUSED (10061)");
    assert_eq!(s.send(b"x"), Err(WsaError::WSAENOTCONN));

    let peer = TcpListener::bind(ANY_PORT).unwrap();
    assert_eq!(s.connect(peer.local_addr().unwrap()), STARTED);
    assert_eq!(s.next_report(&e), "FD_WRITE: success, FD_CONNECT: success");
}

/// Catches an accepted socket whose events do not latch as the listener's do.
#[test]
fn s8_the_events_of_an_accepted_socket_latch() {
    let (listener, address, e) = Socket::listening(ACCEPT | WRITE);
    let _client = connect(address);
    assert_eq!(listener.next_report(&e), "FD_ACCEPT: success");
    let accepted = listener.accept();
    assert_eq!(accepted.report(&e), "FD_WRITE: success");
    assert!(accepted.with_record(|record| record.latched().contains(WRITE)));
}

/// Catches a provider that arms the poller before the accepted socket has its connection. The poller reports once, so
/// what has arrived by then would be lost.
#[test]
fn l2_data_that_came_before_the_accept_is_reported() {
    let (listener, address, e) = Socket::listening(ACCEPT);
    for _ in 0..100 {
        let mut client = connect(address);
        client.write_all(b"x").unwrap();
        assert_eq!(listener.next_report(&e), "FD_ACCEPT: success");
        let accepted = listener.accept();
        let f = Ours.event();
        accepted.select(READ, &f);
        assert_eq!(accepted.next_report(&f), "FD_READ: success");
    }
}
