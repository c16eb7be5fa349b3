//! Datagram sockets where Linux is not as Winsock.
#![cfg(target_os = "linux")]

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Type};
use ws2::{Handles, Winsock};
use wsp_events::SOCKET;

/// Far more than any wait here needs: only a failing test waits that long.
const LIMIT: Duration = Duration::from_secs(20);

const SOL_SOCKET: i32 = 0xffff;
const SO_RCVTIMEO: i32 = 0x1006;

fn winsock() -> Arc<Winsock> {
    Arc::new(Winsock::new(Arc::new(Handles::new()), |_, _| ()).unwrap())
}

/// A socket whose receives do not wait for ever.
fn datagrams(winsock: &Winsock, domain: Domain) -> SOCKET {
    let s = winsock.create_socket(domain, Type::DGRAM).unwrap();
    let limit = i32::try_from(LIMIT.as_millis()).unwrap().to_ne_bytes();
    winsock.set_option(s, SOL_SOCKET, SO_RCVTIMEO, &limit).unwrap();
    s
}

/// Catches a socket that has lost its port with its peer: nothing comes to it any more, and a receive waits for ever.
#[test]
fn a_disconnected_socket_keeps_its_port() {
    let winsock = winsock();
    for [ip, any] in
        [["127.0.0.1", "0.0.0.0"], ["::1", "::"]].map(|ips| ips.map(|ip| ip.parse().unwrap()))
    {
        let peer = UdpSocket::bind(SocketAddr::new(ip, 0)).unwrap();
        for bound in [None, Some(ip), Some(any)] {
            let s = datagrams(&winsock, if ip.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 });
            if let Some(address) = bound {
                winsock.bind(s, SocketAddr::new(address, 0)).unwrap();
            }
            winsock.connect(s, peer.local_addr().unwrap()).unwrap();
            let port = winsock.local_address(s).unwrap().port();
            for _ in 0..2 {
                winsock.disconnect(s).unwrap();
                let address = winsock.local_address(s).unwrap();
                assert_eq!((address.ip(), address.port()), (bound.unwrap_or(any), port));
                peer.send_to(b"a", SocketAddr::new(ip, port)).unwrap();
                assert_eq!(winsock.recv(s, &mut [0; 2], 0), Ok(1));
            }
        }
    }
}
