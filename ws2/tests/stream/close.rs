//! FD_CLOSE, graceful and abortive, and what the peer sees of a close.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use wsp_events::WsaError;

use crate::support::*;
use ws2::SEES_OOB_AT_ONCE;

const GRACEFUL: &str = "FD_CLOSE: success";
/// As on Windows: the calls say WSAECONNRESET.
const RESET: &str = "FD_CLOSE: WSAECONNABORTED (10053)";

/// The poller tells of the peer's close although data is unread (`ws2::os`).
const CLOSE_IS_AN_ARRIVAL: bool = cfg!(unix);

/// Catches FD_CLOSE that waits for the last byte: never, in a program that sends and does not receive (FIELD 12).
#[test]
fn r2_the_peers_close_does_not_wait_behind_unread_data() {
    if !CLOSE_IS_AN_ARRIVAL {
        return;
    }
    let (s, mut peer, e) = Socket::selected(WRITE | CLOSE);
    peer.write_all(b"xyz").unwrap();
    drop(peer);
    assert_eq!(s.next_report(&e), GRACEFUL);
    s.select(READ | CLOSE, &e);
    assert_eq!(s.next_report(&e), "FD_READ: success");
    assert_eq!(s.recv(2, 0).unwrap(), b"xy");
    assert_eq!(s.next_report(&e), "FD_READ: success");
    assert_eq!(s.recv(2, 0).unwrap(), b"z");
    s.assert_quiet(&e);
    assert_eq!(s.recv(2, 0).unwrap(), b"");
    s.assert_quiet(&e);
}

/// Catches FD_CLOSE that comes again: from a receive at the end, or from a reset after it.
#[test]
fn l3_no_call_reenables_fd_close() {
    let (s, peer, e) = Socket::selected(READ | CLOSE);
    drop(peer);
    assert_eq!(s.next_report(&e), GRACEFUL);
    for _ in 0..2 {
        assert_eq!(s.recv(8, 0).unwrap(), b"");
        s.assert_quiet(&e);
    }
    // The peer is gone: its system answers with a reset.
    s.send_until_lost();
    s.assert_quiet(&e);
}

/// Catches a reset that looks like a graceful close in the report or in the calls after it.
#[test]
fn r2_a_reset_is_fd_close_with_its_code() {
    let (s, peer, e) = Socket::selected(READ | WRITE | CLOSE);
    reset(peer);
    assert_eq!(s.next_report(&e), RESET);
    for _ in 0..2 {
        assert_eq!(s.recv(8, 0), Err(WsaError::WSAECONNRESET));
        assert_eq!(s.send(b"x"), Err(WsaError::WSAECONNRESET));
    }
    s.assert_quiet(&e);
}

/// Catches a reset that waits behind unread data until it is received. Not every system can see it before (the
/// provider's `stream` says which), and Wine forgets such a reset.
#[test]
fn r2_a_reset_does_not_wait_behind_unread_data() {
    if cfg!(windows) || !SEES_OOB_AT_ONCE {
        return;
    }
    let (s, mut peer, e) = Socket::selected(READ | CLOSE);
    peer.write_all(b"x").unwrap();
    assert_eq!(s.next_report(&e), "FD_READ: success");
    reset(peer);
    assert_eq!(s.next_report(&e), RESET);
    assert_eq!(s.recv(8, 0), Err(WsaError::WSAECONNRESET));
}

/// Catches a poller that is armed while a condition holds that it reports unasked: a busy loop, which no program
/// would see.
#[test]
fn l1_nothing_that_waits_keeps_the_poller_busy() {
    let (s, mut peer, e) = Socket::selected(READ | OOB | CLOSE);
    s.assert_poller_rests();
    peer.write_all(b"x").unwrap();
    assert_eq!(s.next_report(&e), "FD_READ: success");
    s.assert_poller_rests();
    send_oob(&peer);
    if SEES_OOB_AT_ONCE {
        assert_eq!(s.next_report(&e), "FD_OOB: success");
    }
    s.assert_poller_rests();
    // The poller waits for ordinary data while out-of-band data is unread.
    assert_eq!(s.recv(8, 0).unwrap(), b"x");
    s.assert_poller_rests();
    peer.write_all(b"y").unwrap();
    s.next_report(&e);
    // The peer's end arrives behind data. Then this direction is closed too.
    peer.shutdown(Shutdown::Write).unwrap();
    if CLOSE_IS_AN_ARRIVAL {
        assert_eq!(s.next_report(&e), GRACEFUL);
    }
    s.assert_poller_rests();
    provider().shutdown(s.0, 1).unwrap();
    s.assert_poller_rests();
    assert_eq!(s.recv(8, 0).unwrap(), b"y");
    if !CLOSE_IS_AN_ARRIVAL {
        assert_eq!(s.next_report(&e), GRACEFUL);
    }
    assert_eq!(s.recv(8, 0).unwrap(), b"");
    s.assert_poller_rests();
}

/// Catches a sender that waits for room for ever after a reset.
#[test]
fn r2_a_reset_reaches_a_socket_that_waits_for_room() {
    let (s, peer, e) = Socket::selected(WRITE | CLOSE);
    s.fill();
    reset(peer);
    let mut report = s.next_report(&e);
    if report == "FD_WRITE: success" {
        // The OS has reported room first. Then the send finds the reset.
        s.send_until_lost();
        report = s.next_report(&e);
    }
    assert!(report.contains(RESET), "{report}");
}

/// Catches a close that loses what was sent, or that the peer does not see; and one that ends the other direction
/// as well.
#[test]
fn s7_a_graceful_close_lets_the_peer_hear_everything() {
    let (s, mut peer, e) = Socket::selected(READ | CLOSE);
    assert_eq!(s.send(b"last words"), Ok(10));
    provider().shutdown(s.0, 1).unwrap();
    let mut heard = Vec::new();
    peer.read_to_end(&mut heard).unwrap();
    assert_eq!(heard, b"last words");

    peer.write_all(b"x").unwrap();
    assert_eq!(s.next_report(&e), "FD_READ: success");
    assert_eq!(s.recv(8, 0).unwrap(), b"x");
    provider().close_socket(s.0).unwrap();
    assert!(!e.is_set());
}

/// Catches an SO_LINGER of zero after which the close is graceful all the same.
#[test]
fn s7_an_abortive_close_is_a_reset_to_the_peer() {
    let (listener, address, e) = Socket::listening(ACCEPT);
    let (s, f) = (Socket::new(), Ours.event());
    assert_eq!(s.connect(address), STARTED);
    assert_eq!(listener.next_report(&e), "FD_ACCEPT: success");
    let peer = listener.accept();
    peer.select(READ | CLOSE, &f);
    s.wait_recorded(CONNECT);
    provider().with_os_socket(s.0, |os| os.set_linger(Some(Duration::ZERO))).unwrap().unwrap();
    provider().close_socket(s.0).unwrap();
    assert_eq!(peer.next_report(&f), RESET);
}
