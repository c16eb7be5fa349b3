//! What only the inside of a socket can be made to show.

use super::*;
use crate::{Handles, Winsock};

const SOL_SOCKET: i32 = 0xffff;

/// Catches a blocking call that tries again and again, without a pause and beyond its time limit, because each attempt
/// finds what is of no use to it.
#[test]
fn what_is_found_in_vain_does_not_keep_a_call_busy() {
    const SO_SNDTIMEO: i32 = 0x1005;
    let winsock = Winsock::new(Arc::new(Handles::new()), |_, _| ()).unwrap();
    let s = winsock.create_socket(Domain::IPV4, Type::STREAM).unwrap();
    winsock.set_option(s, SOL_SOCKET, SO_SNDTIMEO, &100_i32.to_ne_bytes()).unwrap();
    let found = winsock.find(s).unwrap();
    let socket = found.socket();
    let mut attempts = 0;
    let answer = socket.call(&mut socket.begin(Limit::Send), |_, _, news| {
        attempts += 1;
        news.add(NetworkEvent::Write, Ok(()));
        Err::<(), _>(WsaError::WSAEWOULDBLOCK)
    });
    assert_eq!(answer, Err(WsaError::WSAETIMEDOUT));
    assert!(attempts <= 2 + 100 / 4, "{attempts}");
}

/// Catches an urgent byte that is received again, in line, because a receive has seen it before the poller.
#[cfg(target_os = "linux")]
#[test]
fn a_late_report_of_an_urgent_byte_changes_nothing() {
    use std::io::Write;
    const SO_OOBINLINE: i32 = 0x0100;
    let winsock = Winsock::new(Arc::new(Handles::new()), |_, _| ()).unwrap();
    let listener = winsock.create_socket(Domain::IPV4, Type::STREAM).unwrap();
    winsock.bind(listener, "127.0.0.1:0".parse().unwrap()).unwrap();
    winsock.listen(listener, 1).unwrap();
    let address = winsock.local_address(listener).unwrap();
    let mut peer = std::net::TcpStream::connect(address).unwrap();
    let (s, _) = winsock.accept(listener).unwrap();
    let receive = |count, flags| {
        let mut buffer = [0; 9];
        let length = winsock.recv(s, &mut buffer[..count], flags).unwrap();
        buffer[..length].to_vec()
    };

    peer.write_all(b"aa").unwrap();
    socket2::SockRef::from(&peer).send_out_of_band(b"!").unwrap();
    peer.write_all(b"b").unwrap();
    assert_eq!((receive(1, 0), receive(1, os::MSG_OOB)), (b"a".into(), b"!".into()));
    let ready = Ready { priority: true, ..Ready::default() };
    winsock.find(s).unwrap().socket().on_ready(ready);
    winsock.set_option(s, SOL_SOCKET, SO_OOBINLINE, &1_i32.to_ne_bytes()).unwrap();
    assert_eq!((receive(9, 0), receive(9, 0)), (b"a".into(), b"b".into()));
}
