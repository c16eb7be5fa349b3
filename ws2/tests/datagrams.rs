//! Datagram sockets where Linux is not as Winsock.
#![cfg(target_os = "linux")]

#[path = "changes/namespace.rs"]
#[expect(dead_code, reason = "it is made for other tests")]
mod namespace;

use std::io::{self, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use ws2::event::Event;
use ws2::{Handles, Happening, Winsock};
use wsp_events::{NetworkEvents, SOCKET, WsaError, enum_network_events, event_select};

/// Far more than any wait here needs: only a failing test waits that long.
const LIMIT: Duration = Duration::from_secs(20);

const SOL_SOCKET: i32 = 0xffff;
const SO_RCVTIMEO: i32 = 0x1006;
const IPPROTO_IPV6: i32 = 41;
const IPV6_V6ONLY: i32 = 27;
const SD_RECEIVE: i32 = 0;

fn winsock() -> Arc<Winsock> {
    Arc::new(Winsock::new(Arc::new(Handles::new()), |_, _| ()).unwrap())
}

/// As long as its gate is locked, the poller's thread takes no error away.
fn gated() -> (Winsock, Arc<Mutex<()>>) {
    let gate = Arc::new(Mutex::new(()));
    let passes = Arc::clone(&gate);
    let observer = move |_, happening| {
        if matches!(happening, Happening::Ready) {
            drop(passes.lock());
        }
    };
    let winsock = Winsock::new(Arc::new(Handles::new()), observer).unwrap();
    (winsock, gate)
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

/// Catches an error of an earlier datagram that takes the place of a call's own answer: nothing is sent, or what has come
/// is not received.
#[test]
fn an_error_of_an_earlier_datagram_is_not_that_of_the_next_call() {
    namespace::run("an_error_of_an_earlier_datagram_is_not_that_of_the_next_call", |lo| {
        lo.set_up(true);
        let (winsock, gate) = gated();
        let s = datagrams(&winsock, Domain::IPV4);
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.set_read_timeout(Some(LIMIT)).unwrap();
        winsock.bind(s, "127.0.0.1:0".parse().unwrap()).unwrap();
        winsock.set_nonblocking(s, true).unwrap();
        let (from, to) = (winsock.local_address(s).unwrap(), peer.local_addr().unwrap());
        // No way to the host; too long for the way.
        for code in [1, 4] {
            winsock.pump();
            let closed = gate.lock();
            icmp(code, from.port(), to.port());
            assert_eq!(winsock.send_to(s, b"a", 0, Some(to)), Ok(1));
            assert_eq!(peer.recv(&mut [0; 2]).unwrap(), 1);
            icmp(code, from.port(), to.port());
            assert_eq!(winsock.recv(s, &mut [0; 2], 0), Err(WsaError::WSAEWOULDBLOCK));
            peer.send_to(b"ab", from).unwrap();
            icmp(code, from.port(), to.port());
            assert_eq!(winsock.recv(s, &mut [0; 2], 0), Ok(2));
            drop(closed);
        }
        // No one has the port: that is told.
        let closed = gate.lock();
        icmp(3, from.port(), to.port());
        assert_eq!(winsock.send_to(s, b"a", 0, Some(to)), Ok(1));
        assert_eq!(winsock.recv(s, &mut [0; 2], 0), Err(WsaError::WSAECONNRESET));
        assert_eq!(winsock.recv(s, &mut [0; 2], 0), Err(WsaError::WSAEWOULDBLOCK));
        drop(closed);
    });
}

/// "Destination unreachable", for a datagram between two ports of 127.0.0.1.
fn icmp(code: u8, from: u16, to: u16) {
    let mut message = vec![3, code, 0, 0, 0, 0, 0x04, 0];
    // The head of the datagram: its length, its protocol, its addresses, its ports.
    message.extend([0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
    message.extend([from.to_be_bytes(), to.to_be_bytes(), [0, 9], [0, 0]].concat());
    let words = message.chunks_exact(2).map(|it| u32::from(u16::from_be_bytes([it[0], it[1]])));
    let sum = words.sum::<u32>();
    let sum = (sum & 0xffff) + (sum >> 16);
    message[2..4].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    let raw = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).unwrap();
    raw.send_to(&message, &SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
}

/// Catches FD_READ, by a send, for a socket that receives no more.
#[test]
fn no_receive_gets_the_error_after_sd_receive() {
    let (winsock, gate) = gated();
    let s = datagrams(&winsock, Domain::IPV4);
    winsock.bind(s, "127.0.0.1:0".parse().unwrap()).unwrap();
    winsock.shutdown(s, SD_RECEIVE).unwrap();
    winsock.pump();
    let closed = gate.lock();
    for _ in 0..2 {
        assert_eq!(winsock.send_to(s, b"a", 0, Some(nobody())), Ok(1));
    }
    drop(closed);
    let handle = winsock.handles().insert_event(Event::new(true, false)).unwrap();
    event_select(&winsock, s, handle, NetworkEvents::FD_READ).unwrap();
    let report = enum_network_events(&winsock, s, handle).unwrap();
    assert!(report.is_empty(), "there is nothing to receive");
}

/// A port that no one has.
fn nobody() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Catches a port that no one has, and nobody is told: over IPv4 it is another option that tells it.
#[test]
fn a_socket_of_both_families_is_told_of_a_port_that_no_one_has() {
    let winsock = winsock();
    let s = datagrams(&winsock, Domain::IPV6);
    winsock.set_option(s, IPPROTO_IPV6, IPV6_V6ONLY, &0_i32.to_ne_bytes()).unwrap();
    winsock.bind(s, "[::]:0".parse().unwrap()).unwrap();
    for ip in ["::1", "::ffff:127.0.0.1"] {
        let to = UdpSocket::bind(SocketAddr::new(ip.parse().unwrap(), 0)).unwrap().local_addr();
        assert_eq!(winsock.send_to(s, b"a", 0, Some(to.unwrap())), Ok(1));
        assert_eq!(winsock.recv(s, &mut [0; 2], 0), Err(WsaError::WSAECONNRESET), "{ip}");
    }
}

/// Catches a datagram to no address, which Unix sends to this machine.
#[test]
fn nothing_is_sent_to_no_address() {
    let winsock = winsock();
    for (domain, to) in [(Domain::IPV4, "0.0.0.0:9"), (Domain::IPV6, "[::]:9")] {
        let s = datagrams(&winsock, domain);
        let sent = winsock.send_to(s, b"a", 0, Some(to.parse().unwrap()));
        assert_eq!(sent, Err(WsaError::WSAEADDRNOTAVAIL));
    }
}

/// Catches a peer that cannot be exchanged for one that is elsewhere, and one that is lost when that fails.
#[test]
fn a_socket_can_have_one_peer_after_another() {
    if Command::new("ip").arg("-V").output().is_err() {
        // The test harness does not capture this.
        let warning = "\nNOT CHECKED, no `ip` here: a_socket_can_have_one_peer_after_another\n";
        return io::stderr().write_all(warning.as_bytes()).unwrap();
    }
    namespace::run("a_socket_can_have_one_peer_after_another", |lo| {
        lo.set_up(true);
        // A network beside that of the loopback link.
        for command in [
            "link add d0 type veth peer name d1",
            "address add 10.1.1.1/24 dev d0",
            "link set d0 up",
        ] {
            let ip = Command::new("ip").args(command.split(' ')).status();
            assert!(ip.is_ok_and(|it| it.success()), "ip {command}");
        }
        let winsock = winsock();
        let s = datagrams(&winsock, Domain::IPV4);
        let [first, second, nowhere] =
            ["127.0.0.1:9", "10.1.1.2:9", "203.0.113.1:9"].map(|it| it.parse().unwrap());
        winsock.connect(s, first).unwrap();
        let port = winsock.local_address(s).unwrap().port();
        assert_eq!(winsock.connect(s, second), Ok(()));
        for _ in 0..2 {
            let local = SocketAddr::from(([10, 1, 1, 1], port));
            assert_eq!(winsock.local_address(s), Ok(local));
            assert_eq!(winsock.peer_address(s), Ok(second));
            assert_eq!(winsock.connect(s, nowhere), Err(WsaError::WSAENETUNREACH));
        }
    });
}
