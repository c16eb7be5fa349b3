//! Data: WSPSend and WSPRecv, and what they re-enable.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::windows::io::AsRawSocket;
use std::thread;

use socket2::SockRef;
use windows_sys::Win32::Networking::WinSock::{
    FD_OOB, SIOCATMARK, SO_OOBINLINE, SOCKET, ioctlsocket,
};

use crate::switch::*;

/// Catches data that is not reported after the first report, and buffers that are filled in the wrong order.
#[test]
fn l3_a_receive_re_enables_fd_read() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (s, mut peer) = switch.connected(&event, FD_READ | FD_CLOSE);
    assert_eq!(switch.recv(s), Err(WSAEWOULDBLOCK));
    peer.write_all(b"one two").unwrap();
    assert_eq!(switch.wait(s, &event), Report::of(FD_READ));
    let mut received = switch.recv_pieces(s, 3, 1).unwrap();
    assert_eq!(received, b"one");
    while received.len() < 7 {
        assert_eq!(switch.wait(s, &event), Report::of(FD_READ), "there is more");
        received.extend(switch.recv_pieces(s, 1, 2).unwrap());
    }
    assert_eq!(received, b"one two");

    assert_eq!(switch.send(s, &[b"th", b"", b"re", b"e"]), Ok(5));
    let mut echoed = [0; 5];
    peer.read_exact(&mut echoed).unwrap();
    assert_eq!(&echoed, b"three");

    peer.shutdown(Shutdown::Write).unwrap();
    assert_eq!(switch.wait(s, &event), Report::of(FD_CLOSE));
    assert_eq!(switch.recv(s), Ok(Vec::new()));
    switch.close(s).unwrap();
}

/// Catches FD_WRITE that comes although no send has failed, or never comes again.
#[test]
fn l3_a_send_that_finds_no_room_re_enables_fd_write() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (s, mut peer) = switch.connected(&event, FD_WRITE);
    assert_eq!(switch.wait(s, &event), Report::of(FD_WRITE));
    assert_eq!(switch.send(s, &[b"x"]), Ok(1));
    assert_eq!(switch.enumerate(s, event.raw()), Ok(Report::of(0)), "the send had room");

    let piece = [7; 50_000];
    let mut sent = 1;
    loop {
        match switch.send(s, &[&piece, &piece]) {
            Ok(length) => sent += length,
            Err(error) => break assert_eq!(error, WSAEWOULDBLOCK),
        }
    }
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        peer.read_to_end(&mut bytes).unwrap();
        bytes
    });
    assert_eq!(switch.wait(s, &event), Report::of(FD_WRITE));
    assert_eq!(switch.send(s, &[b"y"]), Ok(1));
    switch.close(s).unwrap();
    let bytes = reader.join().unwrap();
    assert_eq!((bytes.len(), bytes[0], bytes[sent]), (sent + 1, b'x', b'y'));
    assert!(bytes[1..sent].iter().all(|byte| *byte == 7));
}

/// Catches a report that outlives its data.
#[test]
fn r7_data_that_was_received_is_not_reported() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (s, mut peer) = switch.connected(&event, FD_READ);
    peer.write_all(b"x").unwrap();
    assert_eq!(wait_for(&[&event]), Some(0));
    assert_eq!(switch.recv(s), Ok(b"x".to_vec()));
    assert!(event.is_set(), "withdrawing does not reset it");
    assert_eq!(switch.enumerate(s, event.raw()), Ok(Report::of(0)));
    assert!(!event.is_set());
    switch.close(s).unwrap();
}

/// Catches an urgent byte that is lost, or reported as FD_OOB, although it is part of the data; and SIOCATMARK that answers
/// otherwise than Windows does for a socket of its own.
#[test]
fn l3_out_of_band_data_inline_and_its_mark() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (s, peer) = switch.connected(&event, FD_READ | FD_OOB);
    switch.set_option(s, SO_OOBINLINE, &[1, 0, 0, 0]).unwrap();
    let own = TcpListener::bind(ANY_PORT).unwrap();
    let own_peer = TcpStream::connect(own.local_addr().unwrap()).unwrap();
    let mut own = own.accept().unwrap().0;
    SockRef::from(&own).set_out_of_band_inline(true).unwrap();
    for mut peer in [&peer, &own_peer] {
        peer.write_all(b"ab").unwrap();
        assert_eq!(SockRef::from(peer).send_out_of_band(b"!").unwrap(), 1);
        peer.write_all(b"cd").unwrap();
    }
    for byte in b"ab!cd" {
        assert_eq!(switch.wait(s, &event), Report::of(FD_READ));
        let mut answer = 0;
        // SAFETY: the socket is open, and there is room for the answer.
        let answered =
            unsafe { ioctlsocket(own.as_raw_socket() as SOCKET, SIOCATMARK, &mut answer) };
        assert_eq!(answered, 0);
        assert_eq!(switch.ioctl(s, SIOCATMARK, 0), Ok((answer.cast_signed(), 4)));
        assert_eq!(switch.recv_pieces(s, 1, 1), Ok(vec![*byte]));
        own.read_exact(&mut [0]).unwrap();
    }
    switch.close(s).unwrap();
}
