//! SO_LINGER on a socket whose calls do not wait.
#![cfg(target_os = "linux")]

#[path = "changes/namespace.rs"]
#[expect(dead_code, reason = "it is made for other tests")]
mod namespace;

use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Type};
use ws2::{Handles, Winsock};
use wsp_events::{SOCKET, WsaError};

/// Far more than any wait here needs: only a failing test waits that long.
const LIMIT: Duration = Duration::from_secs(20);

const SOL_SOCKET: i32 = 0xffff;
const SO_LINGER: i32 = 0x0080;

/// A connection that lingers for longer than the limit. Its peer receives nothing.
fn lingering(winsock: &Winsock, peer: &TcpListener) -> SOCKET {
    let s = winsock.create_socket(Domain::IPV4, Type::STREAM).unwrap();
    winsock.connect(s, peer.local_addr().unwrap()).unwrap();
    let [on, seconds] = [1_u16, 600].map(u16::to_ne_bytes);
    winsock.set_option(s, SOL_SOCKET, SO_LINGER, &[on, seconds].concat()).unwrap();
    winsock.set_nonblocking(s, true).unwrap();
    s
}

/// Catches a close that waits for the peer, though it has nothing to send.
#[test]
fn a_close_does_not_wait_for_the_peer() {
    namespace::run("a_close_does_not_wait_for_the_peer", |lo| {
        lo.set_up(true);
        let winsock = Winsock::new(Arc::new(Handles::new()), |_, _| ()).unwrap();
        let peer = TcpListener::bind("127.0.0.1:0").unwrap();
        let s = lingering(&winsock, &peer);
        // From now on there is no answer.
        lo.set_up(false);
        let (tell, told) = mpsc::channel();
        thread::spawn(move || tell.send(winsock.close_socket(s)));
        assert_eq!(told.recv_timeout(LIMIT), Ok(Ok(())));
    });
}

/// Catches the close of a descriptor that is not the last one, and is refused: nothing would wait.
#[test]
fn only_the_last_descriptor_lingers() {
    let winsock = Winsock::new(Arc::new(Handles::new()), |_, _| ()).unwrap();
    let peer = TcpListener::bind("127.0.0.1:0").unwrap();
    let s = lingering(&winsock, &peer);
    while winsock.send(s, &[0; 1 << 16], 0) != Err(WsaError::WSAEWOULDBLOCK) {}
    let other = winsock.duplicate(s).unwrap();
    assert_eq!(winsock.close_socket(s), Ok(()));
    assert_eq!(winsock.close_socket(other), Err(WsaError::WSAEWOULDBLOCK));
    assert_eq!(winsock.send(other, &[0], 0), Err(WsaError::WSAEWOULDBLOCK), "it is still there");
}
