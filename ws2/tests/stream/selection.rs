//! Selecting and enumerating, where the scripts cannot see enough or Winsock differs.

use std::io::Write;

use wsp_events::{NetworkEvents, WSAEVENT, WsaError};

use crate::support::*;
use ws2::switch::Answer;

const READABLE: &str = "FD_READ: success";
const NO_EVENT_OBJECT: WSAEVENT = WSAEVENT(0xBAD);

/// Catches a selection that re-enables: the same data would be reported for ever.
#[test]
fn l4_selecting_again_does_not_reenable() {
    let (s, mut peer, e) = Socket::selected(READ | WRITE);
    peer.write_all(b"x").unwrap();
    assert_eq!(s.next_report(&e), READABLE);
    for events in [READ, READ | WRITE | CLOSE, READ | WRITE] {
        s.select(events, &e);
        assert!(s.with_record(|record| record.latched().contains(WRITE)));
        s.assert_quiet(&e);
    }
    assert_eq!(s.recv(8, 0).unwrap(), b"x");
    peer.write_all(b"y").unwrap();
    assert_eq!(s.next_report(&e), READABLE);
}

/// Catches unknown bits that count.
#[test]
fn s4_unknown_bits_alone_end_the_selection() {
    let (s, mut peer, e) = Socket::selected(READ);
    let unknown = NetworkEvents::from_bits_retain(0x400);
    assert_eq!(SWITCH.event_select(s.0, NO_EVENT_OBJECT, unknown), Answer::SUCCESS);
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
    for handle in [e.handle, NO_EVENT_OBJECT] {
        let (answer, written) = SWITCH.enum_network_events(s.0, handle);
        assert_eq!(answer, NOT_A_SOCKET);
        assert!(written.is_untouched());
        assert_eq!(SWITCH.enum_network_events_to_null(s.0, handle), NOT_A_SOCKET);
        assert_eq!(SWITCH.event_select(s.0, handle, READ), NOT_A_SOCKET);
    }
    assert!(e.is_set());
}
