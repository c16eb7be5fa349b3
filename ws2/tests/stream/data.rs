//! FD_READ, FD_WRITE and FD_OOB: conditions, and the calls that re-enable them.

use std::io::Write;
use std::thread;

use wsp_events::WsaError;

use crate::support::*;
use ws2::{MSG_OOB, MSG_PEEK};

/// Catches a receive that does not re-enable because it fails.
#[test]
fn l3_a_receive_that_would_block_reenables_fd_read() {
    let (s, mut peer, e) = Socket::selected(READ);
    peer.write_all(b"x").unwrap();
    assert_eq!(s.next_report(&e), "FD_READ: success");
    // The OS's socket is read behind the provider's back, so nothing is re-enabled yet.
    let mut heard = [std::mem::MaybeUninit::uninit(); 1];
    provider().stream(s.0).unwrap().recv(&mut heard).unwrap();
    s.assert_quiet(&e);

    assert_eq!(s.recv(8, 0), Err(WsaError::WSAEWOULDBLOCK));
    s.assert_quiet(&e);
    peer.write_all(b"y").unwrap();
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

/// Catches an order in which bytes that arrive during a receive are never reported: they have a thousand chances
/// to arrive between the look and the re-enabling.
#[test]
fn l2_a_reader_that_waits_after_each_receive_gets_everything() {
    const LENGTH: usize = 60_000;
    let (s, mut peer, e) = Socket::selected(READ | CLOSE);
    let writer = thread::spawn(move || {
        let mut sent = 0;
        while sent < LENGTH {
            // Some sizes fill the reader's buffer exactly.
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

/// Catches a receive with MSG_OOB that re-enables FD_READ, or takes out-of-band data for ordinary.
#[test]
fn l3_a_receive_with_msg_oob_reenables_fd_oob_and_nothing_else() {
    let (s, mut peer, e) = Socket::selected(READ | OOB);
    assert_eq!(s.recv(8, MSG_OOB), Err(WsaError::WSAEWOULDBLOCK));
    // A poller that cannot report out-of-band data reports the ordinary byte behind it.
    send_oob(&peer);
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
    send_oob(&peer);
    peer.write_all(b"y").unwrap();
    s.wait_recorded(READ | OOB);
    assert_eq!(s.recv(8, 0).unwrap(), b"y");
    assert_eq!(s.report(&e), "FD_OOB: success");
    assert_eq!(s.recv(8, MSG_OOB).unwrap(), b"!");
}
