//! FD_CONNECT and FD_ACCEPT, and what a connection begins with.

use std::io::Write;
use std::net::TcpListener;

use wsp_events::WsaError;

use crate::support::*;

/// Catches FD_WRITE that comes apart from FD_CONNECT, or not at all.
#[test]
fn r5_a_connection_is_fd_connect_and_fd_write_at_once() {
    let peer = TcpListener::bind(ANY_PORT).unwrap();
    let (s, e) = (Socket::new(), Event::new());
    s.select(ALL, &e);
    provider().connect(s.0, peer.local_addr().unwrap()).unwrap();
    assert_eq!(s.next_report(&e), "FD_WRITE: success, FD_CONNECT: success");
    s.assert_quiet(&e);
}

/// Catches a record that begins with the selection.
#[test]
fn r1_connected_and_then_selected() {
    let (s, _peer) = Socket::connected();
    let e = Event::new();
    s.select(CONNECT | WRITE, &e);
    assert!(e.is_set());
    assert_eq!(s.report(&e), "FD_WRITE: success, FD_CONNECT: success");
}

/// Catches a code at the wrong place, a lost one, and an FD_WRITE or FD_CLOSE of a connection that never
/// was; and an outcome that is forgotten when a selection comes after it.
#[test]
fn r2_a_refused_connection_is_fd_connect_with_its_code() {
    const REFUSED: &str = "FD_CONNECT: WSAECONNREFUSED (10061)";
    // Bound and not listening: a closed port, which nobody else can open meanwhile.
    let closed = Socket::new();
    provider().bind(closed.0, ANY_PORT).unwrap();
    let address = provider().local_address(closed.0).unwrap();

    let (s, e) = (Socket::new(), Event::new());
    s.select(ALL, &e);
    let t = Socket::new();
    for it in [&s, &t] {
        provider().connect(it.0, address).unwrap();
    }
    assert_eq!(s.next_report(&e), REFUSED);
    s.assert_quiet(&e);

    // S2: and this one is selected when all is over.
    t.wait_recorded(CONNECT);
    let f = Event::new();
    t.select(ALL, &f);
    assert!(f.is_set());
    assert_eq!(t.report(&f), REFUSED);
    assert_eq!(t.send(b"x"), Err(WsaError::WSAENOTCONN));
}

/// Catches a new attempt that leaves FD_CONNECT latched, so that its outcome is never told.
#[test]
fn l3_a_new_attempt_to_connect_reenables_fd_connect() {
    let closed = Socket::new();
    provider().bind(closed.0, ANY_PORT).unwrap();
    let (s, e) = (Socket::new(), Event::new());
    s.select(ALL, &e);
    provider().connect(s.0, provider().local_address(closed.0).unwrap()).unwrap();
    assert_eq!(s.next_report(&e), "FD_CONNECT: WSAECONNREFUSED (10061)");

    let peer = TcpListener::bind(ANY_PORT).unwrap();
    provider().connect(s.0, peer.local_addr().unwrap()).unwrap();
    assert_eq!(s.next_report(&e), "FD_WRITE: success, FD_CONNECT: success");
}

/// Catches an accept that does not look whether more connections wait, or looks before it re-enables.
#[test]
fn l2_accepting_one_of_two_signals_again() {
    let (listener, address, e) = Socket::listening(ACCEPT);
    let _clients = [connect(address), connect(address)];
    assert_eq!(listener.next_report(&e), "FD_ACCEPT: success");
    listener.assert_quiet(&e);

    let _first = listener.accept();
    assert_eq!(listener.next_report(&e), "FD_ACCEPT: success");
    let _second = listener.accept();
    listener.assert_quiet(&e);
    assert_eq!(provider().accept(listener.0), Err(WsaError::WSAEWOULDBLOCK));
}

/// Catches an accept that leaves FD_ACCEPT in the record.
#[test]
fn r7_a_connection_that_was_accepted_is_not_reported() {
    let (listener, address, e) = Socket::listening(ACCEPT);
    let _client = connect(address);
    e.wait();
    let _accepted = listener.accept();
    assert!(e.is_set());
    assert_eq!(listener.report(&e), "no network events");
    assert!(!e.is_set());
}

/// Catches an accepted socket without the listener's selection, or without FD_WRITE, or whose events do
/// not latch as the listener's do.
#[test]
fn s8_an_accepted_socket_tells_the_listeners_event_object() {
    let (listener, address, e) = Socket::listening(ACCEPT | READ | WRITE);
    let mut client = connect(address);
    assert_eq!(listener.next_report(&e), "FD_ACCEPT: success");
    let accepted = listener.accept();
    assert!(e.is_set());
    assert_eq!(listener.report_without_reset(), "no network events");
    assert_eq!(accepted.report(&e), "FD_WRITE: success");
    assert!(accepted.with_record(|record| record.latched().contains(WRITE)));

    client.write_all(b"x").unwrap();
    assert_eq!(accepted.next_report(&e), "FD_READ: success");
    assert_eq!(accepted.recv(8, 0).unwrap(), b"x");
    accepted.assert_quiet(&e);
}

/// Catches a provider that begins to look before the accepted socket has its connection: what comes, or has
/// come, in that moment is told once, and to nobody.
#[test]
fn l2_data_that_came_before_the_accept_is_reported() {
    let (listener, address, e) = Socket::listening(ACCEPT);
    for _ in 0..100 {
        let mut client = connect(address);
        client.write_all(b"x").unwrap();
        assert_eq!(listener.next_report(&e), "FD_ACCEPT: success");
        let accepted = listener.accept();
        let f = Event::new();
        accepted.select(READ, &f);
        assert_eq!(accepted.next_report(&f), "FD_READ: success");
    }
}
