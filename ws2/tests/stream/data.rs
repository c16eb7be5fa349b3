//! FD_READ, FD_WRITE and FD_OOB: conditions, and the calls that re-enable them.

use std::io::Write;
use std::thread;

use wsp_events::WsaError;

use crate::support::*;
use ws2::{MSG_OOB, MSG_PEEK};

/// Catches a new arrival that is not recorded because an earlier one is unread (FIELD 13); and one that is invented,
/// where room to send is reported together with the same data.
#[test]
#[cfg(unix)]
fn l1_each_arrival_is_recorded() {
    let (s, mut peer, e) = Socket::selected(READ | OOB | WRITE);
    for _ in 0..3 {
        peer.write_all(b"x").unwrap();
        assert_eq!(s.next_report(&e), "FD_READ: success");
        s.assert_quiet(&e);
    }
    s.fill();
    peer.set_nonblocking(true).unwrap();
    until("the peer has made room", || {
        while std::io::Read::read(&mut &peer, &mut [0; 1 << 16]).is_ok() {}
        e.is_set()
    });
    assert_eq!(s.report(&e), "FD_WRITE: success");
}

/// Catches out-of-band data that is not recorded because an earlier byte is unread (FIELD 13).
#[test]
#[cfg(unix)]
fn l1_each_arrival_of_out_of_band_data_is_recorded() {
    if !ws2::SEES_OOB_AT_ONCE {
        return;
    }
    let (s, mut peer, e) = Socket::selected(READ | OOB);
    for _ in 0..3 {
        send_oob(&peer);
        assert_eq!(s.next_report(&e), "FD_OOB: success");
        s.assert_quiet(&e);
    }
    // The exception: Linux puts an urgent byte into the stream, too, if another arrives while data before it is unread.
    peer.write_all(b"x").unwrap();
    send_oob(&peer);
    s.wait_recorded(READ | OOB);
    send_oob(&peer);
    until("the byte is in the stream", || s.recv(8, MSG_PEEK) == Ok(b"x!".to_vec()));
}

/// Catches a receive that does not re-enable because it fails.
#[test]
fn l3_a_receive_that_would_block_reenables_fd_read() {
    let (s, mut peer, e) = Socket::selected(READ);
    peer.write_all(b"x").unwrap();
    assert_eq!(s.next_report(&e), "FD_READ: success");
    // The OS's socket is read behind the provider's back, so nothing is re-enabled yet.
    let mut heard = [std::mem::MaybeUninit::uninit(); 1];
    provider().with_os_socket(s.0, |os| os.recv(&mut heard)).unwrap().unwrap();
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
    s.wait_recorded(READ);
    assert_eq!(s.recv(8, 0x4000), Err(WsaError::WSAEINVAL));
    assert_eq!(s.report(&e), "FD_READ: success");
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
    let (mut received, mut closed) = (0, false);
    while received < LENGTH || !closed {
        let report = s.next_report(&e);
        if report.contains("FD_READ") {
            let bytes = s.recv(32, 0).unwrap_or_default();
            assert!(bytes.iter().enumerate().all(|(at, byte)| *byte == (received + at) as u8));
            received += bytes.len();
        }
        closed |= report.contains("FD_CLOSE: success");
    }
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
