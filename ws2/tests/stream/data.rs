//! FD_READ, FD_WRITE and FD_OOB: conditions, and the calls that re-enable them.

use std::io::Write;
use std::thread;

use wsp_events::WsaError;

use crate::support::*;
use ws2::{MSG_OOB, MSG_PEEK, SEES_OOB_AT_ONCE};

/// Catches a record that a report does not latch, or a poller that is asked for what has been reported.
#[test]
fn l1_data_is_reported_once_however_much_comes() {
    let (s, mut peer, e) = Socket::selected(READ);
    peer.write_all(b"x").unwrap();
    assert_eq!(s.next_report(&e), "FD_READ: success");
    s.assert_quiet(&e);

    peer.write_all(b"y").unwrap();
    s.wait_received(2);
    s.assert_quiet(&e);
}

/// Catches a receive that does not re-enable.
#[test]
fn l3_a_receive_reenables_fd_read() {
    let (s, mut peer, e) = Socket::selected(READ);
    for byte in *b"xy" {
        peer.write_all(&[byte]).unwrap();
        assert_eq!(s.next_report(&e), "FD_READ: success");
        assert_eq!(s.recv(8, 0).unwrap(), [byte]);
    }
    s.assert_quiet(&e);
}

/// Catches a receive that fails and does not re-enable for it.
#[test]
fn l3_a_receive_that_would_block_reenables_fd_read() {
    let (s, mut peer, e) = Socket::selected(READ);
    peer.write_all(b"x").unwrap();
    assert_eq!(s.next_report(&e), "FD_READ: success");
    // The OS's socket is read behind the provider's back: nobody has re-enabled yet.
    let mut heard = [std::mem::MaybeUninit::uninit(); 1];
    provider().stream(s.0).unwrap().recv(&mut heard).unwrap();
    s.assert_quiet(&e);

    assert_eq!(s.recv(8, 0), Err(WsaError::WSAEWOULDBLOCK));
    s.assert_quiet(&e);
    peer.write_all(b"y").unwrap();
    assert_eq!(s.next_report(&e), "FD_READ: success");
}

/// Catches a receive that looks whether there is more before it re-enables: what it records is swallowed
/// by the latch, or withdrawn.
#[test]
fn l2_what_a_receive_leaves_is_reported_again() {
    let (s, mut peer, e) = Socket::selected(READ);
    peer.write_all(b"xyz").unwrap();
    s.wait_received(3);
    e.wait();
    assert_eq!(s.recv(1, 0).unwrap(), b"x");
    assert_eq!(s.report(&e), "FD_READ: success");
    assert!(!e.is_set());

    // Also if it was reported before.
    assert_eq!(s.recv(1, 0).unwrap(), b"y");
    assert_eq!(s.next_report(&e), "FD_READ: success");
    assert_eq!(s.recv(1, 0).unwrap(), b"z");
    s.assert_quiet(&e);
}

/// Catches a receive with MSG_PEEK that is taken for none.
#[test]
fn l3_peek_reenables() {
    let (s, mut peer, e) = Socket::selected(READ);
    peer.write_all(b"x").unwrap();
    for _ in 0..3 {
        assert_eq!(s.next_report(&e), "FD_READ: success");
        assert!(!e.is_set());
        assert_eq!(s.recv(8, MSG_PEEK).unwrap(), b"x");
    }
    assert_eq!(s.next_report(&e), "FD_READ: success");
}

/// Catches a call that re-enables though it was refused for its arguments.
#[test]
fn l3_a_receive_with_bad_arguments_does_not_reenable() {
    let (s, mut peer, e) = Socket::selected(READ);
    peer.write_all(b"x").unwrap();
    assert_eq!(s.next_report(&e), "FD_READ: success");
    assert_eq!(s.recv(8, 0x4000), Err(WsaError::WSAEOPNOTSUPP));
    assert!(s.with_record(|record| record.latched().contains(READ)));
    s.assert_quiet(&e);
}

/// Catches a receive that leaves the old occurrence in the record.
#[test]
fn r7_data_that_was_received_is_not_reported() {
    let (s, mut peer, e) = Socket::selected(READ);
    peer.write_all(b"x").unwrap();
    e.wait();
    assert_eq!(s.recv(8, 0).unwrap(), b"x");
    assert!(e.is_set());
    assert_eq!(s.report(&e), "no network events");
    assert!(!e.is_set());
    s.assert_quiet(&e);
}

/// Catches an order in which bytes that come while a receive is under way are never told of: a thousand
/// chances to come between the look and the re-enabling.
#[test]
fn l2_a_reader_that_waits_after_each_receive_gets_everything() {
    const LENGTH: usize = 60_000;
    let (s, mut peer, e) = Socket::selected(READ | CLOSE);
    let writer = thread::spawn(move || {
        let mut sent = 0;
        while sent < LENGTH {
            // Sizes that fill the reader's buffer exactly, and such that do not.
            let length = (sent % 61 + 1).min(LENGTH - sent);
            let bytes: Vec<u8> = (sent..sent + length).map(|at| at as u8).collect();
            peer.write_all(&bytes).unwrap();
            sent += length;
        }
    });
    let mut received = 0;
    loop {
        let report = s.next_report(&e);
        if report.contains("FD_READ") {
            let bytes = s.recv(32, 0).unwrap_or_default();
            assert!(bytes.iter().enumerate().all(|(at, byte)| *byte == (received + at) as u8));
            received += bytes.len();
        }
        if report.contains("FD_CLOSE: success") {
            break;
        }
    }
    assert_eq!(received, LENGTH);
    writer.join().unwrap();
}

/// Catches a send that takes FD_WRITE out of the record.
#[test]
fn l2_a_send_does_not_withdraw_fd_write() {
    let (s, peer) = Socket::connected();
    let e = Event::new();
    s.select(WRITE, &e);
    assert_eq!(s.send(b"x"), Ok(1));
    assert_eq!(hear(&peer, 1), b"x");
    assert_eq!(s.report(&e), "FD_WRITE: success");
}

/// Catches a send that re-enables FD_WRITE though it has found room, which makes a busy loop of every
/// program that waits for FD_WRITE.
#[test]
fn l3_a_send_that_succeeds_does_not_reenable_fd_write() {
    let (s, peer, e) = Socket::selected(WRITE);
    for _ in 0..3 {
        assert_eq!(s.send(b"x"), Ok(1));
        assert_eq!(hear(&peer, 1), b"x");
        s.assert_quiet(&e);
    }
}

/// Catches an FD_WRITE that never comes again.
#[test]
fn l1_fd_write_comes_again_only_after_wouldblock() {
    let (s, peer, e) = Socket::selected(WRITE);
    for _ in 0..2 {
        let sent = s.fill();
        hear(&peer, sent);
        assert_eq!(s.next_report(&e), "FD_WRITE: success");
        assert_eq!(s.send(b"x"), Ok(1));
        assert_eq!(hear(&peer, 1), b"x");
        s.assert_quiet(&e);
    }
}

/// Catches a latch on one event that keeps another quiet, and a repeat that sets the event object.
#[test]
fn r3_more_data_is_a_repeat_and_out_of_band_data_is_news() {
    let (s, mut peer, e) = Socket::selected(READ | OOB);
    peer.write_all(b"x").unwrap();
    e.wait();
    e.object.reset();
    peer.write_all(b"y").unwrap();
    s.wait_received(2);
    assert!(!e.is_set());

    socket2::SockRef::from(&peer).send_out_of_band(b"!").unwrap();
    if SEES_OOB_AT_ONCE {
        assert_eq!(s.next_report(&e), "FD_READ: success, FD_OOB: success");
        assert_eq!(s.recv(8, MSG_OOB).unwrap(), b"!");
    }
    assert_eq!(s.recv(8, 0).unwrap(), b"xy");
}

/// Catches a receive with MSG_OOB that re-enables FD_READ, or takes out-of-band data for ordinary.
#[test]
fn l3_a_receive_with_msg_oob_reenables_fd_oob_and_nothing_else() {
    let (s, mut peer, e) = Socket::selected(READ | OOB);
    assert_eq!(s.recv(8, MSG_OOB), Err(WsaError::WSAEWOULDBLOCK));
    // Where the poller cannot tell of the one byte, it tells of the other.
    socket2::SockRef::from(&peer).send_out_of_band(b"!").unwrap();
    peer.write_all(b"x").unwrap();
    s.wait_recorded(READ | OOB);
    assert_eq!(s.report(&e), "FD_READ: success, FD_OOB: success");
    s.assert_quiet(&e);

    assert_eq!(s.recv(8, MSG_OOB | MSG_PEEK).unwrap(), b"!");
    assert_eq!(s.next_report(&e), "FD_OOB: success");
    assert_eq!(s.recv(8, MSG_OOB).unwrap(), b"!");
    assert_eq!(s.recv(8, MSG_OOB), Err(WsaError::WSAEWOULDBLOCK));
    s.assert_quiet(&e);

    // And the other way round: a receive without it leaves FD_OOB as it is.
    assert_eq!(s.recv(8, 0).unwrap(), b"x");
    socket2::SockRef::from(&peer).send_out_of_band(b"?").unwrap();
    peer.write_all(b"y").unwrap();
    s.wait_recorded(READ | OOB);
    assert_eq!(s.recv(8, 0).unwrap(), b"y");
    assert_eq!(s.report(&e), "FD_OOB: success");
    assert_eq!(s.recv(8, MSG_OOB).unwrap(), b"?");
}
