//! Selecting and enumerating, with events that are real.

use std::io::Write;

use wsp_events::{NetworkEvents, WSAEVENT, WsaError};

use crate::support::*;
use ws2::switch::Answer;

const READABLE: &str = "FD_READ: success";
const NOTHING: &str = "no network events";

fn no_event_object() -> WSAEVENT {
    WSAEVENT(0xBAD)
}

/// Catches a selection that forgets what was recorded, or that touches the event object it replaces (S5).
#[test]
fn s2_data_waits_unread_and_a_new_selection_is_signaled() {
    let (s, mut peer) = Socket::connected();
    peer.write_all(b"x").unwrap();
    s.wait_recorded(READ);
    let (e, f) = (Event::new(), Event::new());
    s.select(READ | CLOSE, &e);
    assert!(e.is_set());
    s.select(READ | CLOSE, &f);
    assert!(e.is_set() && f.is_set());
    assert_eq!(s.report(&f), READABLE);
    assert!(e.is_set() && !f.is_set());
}

/// Catches a selection that re-enables: the program would be told of the same data for ever.
#[test]
fn l4_selecting_again_does_not_reenable() {
    let (s, mut peer, e) = Socket::selected(READ | WRITE);
    peer.write_all(b"x").unwrap();
    assert_eq!(s.next_report(&e), READABLE);
    for events in [READ, READ | WRITE | CLOSE, READ | WRITE] {
        s.select(events, &e);
        assert!(s.with_record(|record| record.latched().contains(READ | WRITE)));
        s.assert_quiet(&e);
    }
    assert_eq!(s.recv(8, 0).unwrap(), b"x");
    peer.write_all(b"y").unwrap();
    assert_eq!(s.next_report(&e), READABLE);
}

/// Catches an enumeration that resets the selected event object instead of the one it is given.
#[test]
fn e6_the_event_object_that_is_passed_is_reset() {
    let (s, mut peer, e) = Socket::selected(READ);
    let f = Event::new();
    f.object.set();
    peer.write_all(b"x").unwrap();
    e.wait();
    assert_eq!(s.report(&f), READABLE);
    assert!(e.is_set() && !f.is_set());
    assert_eq!(s.report(&e), NOTHING);
    assert!(!e.is_set());
}

/// Catches an enumeration without an event object that resets one, or that does not clear.
#[test]
fn e6_without_an_event_object_none_is_reset() {
    let (s, mut peer, e) = Socket::selected(READ);
    peer.write_all(b"x").unwrap();
    e.wait();
    assert_eq!(s.report_without_reset(), READABLE);
    assert_eq!(s.report_without_reset(), NOTHING);
    assert!(e.is_set());
}

/// Catches a record that belongs to the event object and not to the socket.
#[test]
fn p3_two_sockets_share_an_event_object() {
    let (s, mut peer_of_s, e) = Socket::selected(READ);
    let (t, mut peer_of_t, _) = Socket::selected(READ);
    t.select(READ, &e);
    peer_of_s.write_all(b"x").unwrap();
    peer_of_t.write_all(b"x").unwrap();
    s.wait_recorded(READ);
    t.wait_recorded(READ);
    assert_eq!(s.report(&e), READABLE);
    assert!(!e.is_set());
    assert_eq!(t.report_without_reset(), READABLE);
}

/// Catches a selection that knows its event object by the handle alone.
#[test]
fn p2_an_event_object_outlives_its_handle() {
    let (s, mut peer, e) = Socket::selected(READ);
    provider().close_event(e.handle).unwrap();
    peer.write_all(b"x").unwrap();
    e.wait();
    assert_eq!(s.report_without_reset(), READABLE);
}

/// Catches a selection that fails half way.
#[test]
fn s4_a_selection_that_fails_leaves_the_earlier_one_at_work() {
    const INVALID: Answer = Answer::error(WsaError::WSAEINVAL);
    let (s, mut peer, e) = Socket::selected(READ);
    for handle in [WSAEVENT::NULL, no_event_object()] {
        assert_eq!(SWITCH.event_select(s.0, handle, READ | CLOSE), INVALID);
    }
    peer.write_all(b"x").unwrap();
    assert_eq!(s.next_report(&e), READABLE);
}

/// Catches unknown bits that count.
#[test]
fn s4_unknown_bits_alone_end_the_selection() {
    let (s, mut peer, e) = Socket::selected(READ);
    let unknown = NetworkEvents::from_bits_retain(0x400);
    assert_eq!(SWITCH.event_select(s.0, no_event_object(), unknown), Answer::SUCCESS);
    peer.write_all(b"x").unwrap();
    s.wait_recorded(READ);
    s.assert_quiet(&e);
}

/// Catches an order of checks in which the event object or the output comes before the socket.
#[test]
fn e9_no_socket_is_the_first_complaint() {
    const NOT_A_SOCKET: Answer = Answer::error(WsaError::WSAENOTSOCK);
    let (s, mut peer, e) = Socket::selected(READ);
    peer.write_all(b"x").unwrap();
    e.wait();
    provider().close_socket(s.0).unwrap();
    for handle in [e.handle, no_event_object()] {
        let (answer, written) = SWITCH.enum_network_events(s.0, handle);
        assert_eq!(answer, NOT_A_SOCKET);
        assert!(written.is_untouched());
        assert_eq!(SWITCH.enum_network_events_to_null(s.0, handle), NOT_A_SOCKET);
        assert_eq!(SWITCH.event_select(s.0, handle, READ), NOT_A_SOCKET);
    }
    assert!(e.is_set());
}
