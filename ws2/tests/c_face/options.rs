//! setsockopt and getsockopt.

use std::ptr::{null, null_mut};

use crate::api::*;

const SOL_SOCKET: i32 = 0xffff;
const IPPROTO_IP: i32 = 0;
const IPPROTO_IPV6: i32 = 41;
const SO_ACCEPTCONN: i32 = 2;
const SO_REUSEADDR: i32 = 4;
const SO_LINGER: i32 = 0x80;
const SO_DONTLINGER: i32 = !SO_LINGER;
const SO_OOBINLINE: i32 = 0x100;
const SO_EXCLUSIVEADDRUSE: i32 = !SO_REUSEADDR;
const SO_SNDBUF: i32 = 0x1001;
const SO_RCVBUF: i32 = 0x1002;
const SO_RCVTIMEO: i32 = 0x1006;
const SO_ERROR: i32 = 0x1007;
const SO_TYPE: i32 = 0x1008;
const TCP_NODELAY: i32 = 1;
const IPV6_V6ONLY: i32 = 27;

fn set(s: SOCKET, level: i32, name: i32, value: &[u8]) -> Result<(), WsaError> {
    let length = value.len() as i32;
    call!(ws2_setsockopt(s, level, name, value.as_ptr(), length)).1.map_or(Ok(()), Err)
}

fn get(s: SOCKET, level: i32, name: i32, room: usize) -> Result<Vec<u8>, WsaError> {
    let (mut out, mut length) = ([0xcc; 16], room as i32);
    let error = call!(ws2_getsockopt(s, level, name, out.as_mut_ptr(), &mut length)).1;
    assert!(out[length as usize..].iter().all(|byte| *byte == 0xcc), "more than it says");
    error.map_or_else(|| Ok(out[..length as usize].to_vec()), Err)
}

const ON: [u8; 4] = [1, 0, 0, 0];
const OFF: [u8; 4] = [0; 4];

/// Catches an option that is set as another, or not at all; one whose value comes back changed; and a BOOL that needs
/// four bytes.
#[test]
fn options_come_back_as_they_were_set() {
    start();
    let s = socket(SOCK_STREAM);
    let v6 = succeeds!(ws2_socket(AF_INET6, SOCK_STREAM, 0));
    for (s, level, name, first) in [
        (s, SOL_SOCKET, SO_REUSEADDR, OFF),
        (s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, OFF),
        (s, SOL_SOCKET, 0x08, OFF),
        (s, SOL_SOCKET, 0x10, OFF),
        (s, SOL_SOCKET, SO_DONTLINGER, ON),
        (s, SOL_SOCKET, SO_OOBINLINE, OFF),
        (s, IPPROTO_TCP, TCP_NODELAY, OFF),
        (v6, IPPROTO_IPV6, IPV6_V6ONLY, ON),
        (socket(SOCK_DGRAM), SOL_SOCKET, SO_REUSEADDR, OFF),
        (socket(SOCK_DGRAM), SOL_SOCKET, 0x20, OFF),
    ] {
        let name_of = || format!("{level:#x} {name:#x}");
        assert_eq!(get(s, level, name, 4), Ok(first.to_vec()), "{}", name_of());
        for value in [ON, OFF] {
            set(s, level, name, &value).unwrap();
            assert_eq!(get(s, level, name, 16), Ok(value.to_vec()), "{}", name_of());
            assert_eq!(get(s, level, name, 3), Ok(value[..1].to_vec()), "{}", name_of());
        }
        set(s, level, name, &[0, 1]).unwrap();
        assert_eq!(get(s, level, name, 1), Ok(vec![1]), "{}", name_of());
        set(s, level, name, &OFF).unwrap();
        assert_eq!(set(s, level, name, &[]), Err(WsaError::WSAEFAULT));
        assert_eq!(get(s, level, name, 0), Err(WsaError::WSAEFAULT));
    }
    for (s, level, name, value) in [
        (s, SOL_SOCKET, SO_LINGER, [1, 0, 5, 0]),
        (s, SOL_SOCKET, SO_RCVBUF, 12_345_i32.to_ne_bytes()),
        (s, SOL_SOCKET, SO_SNDBUF, 23_456_i32.to_ne_bytes()),
        (s, SOL_SOCKET, 0x1005, 250_i32.to_ne_bytes()),
        (s, SOL_SOCKET, SO_RCVTIMEO, 350_i32.to_ne_bytes()),
        (s, IPPROTO_IP, 4, [7, 0, 0, 0]),
        (v6, IPPROTO_IPV6, 4, [7, 0, 0, 0]),
    ] {
        assert_ne!(get(s, level, name, 4), Ok(value.to_vec()));
        set(s, level, name, &value).unwrap();
        assert_eq!(get(s, level, name, 16), Ok(value.to_vec()));
        assert_eq!(get(s, level, name, 3), Err(WsaError::WSAEFAULT));
        assert_eq!(set(s, level, name, &value[..3]), Err(WsaError::WSAEFAULT));
        assert_eq!(get(s, level, name, 4), Ok(value.to_vec()));
    }
    assert_eq!(get(s, SOL_SOCKET, SO_DONTLINGER, 4), Ok(OFF.to_vec()));
}

/// Catches a value that says something else than the socket does.
#[test]
fn what_can_only_be_read_tells_of_the_socket() {
    start();
    let (client, _server, listener) = connected();
    assert_eq!(get(listener, SOL_SOCKET, SO_ACCEPTCONN, 4), Ok(ON.to_vec()));
    assert_eq!(get(client, SOL_SOCKET, SO_ACCEPTCONN, 4), Ok(OFF.to_vec()));
    assert_eq!(get(bound(SOCK_DGRAM), SOL_SOCKET, SO_TYPE, 4), Ok(vec![2, 0, 0, 0]));
    let refused = socket(SOCK_STREAM);
    let nobody = address_of(bound(SOCK_STREAM));
    fails!(WSAECONNREFUSED, ws2_connect(refused, &nobody, 16));
    assert_eq!(get(refused, SOL_SOCKET, SO_ERROR, 4), Ok(OFF.to_vec()), "the call has told");
    assert_eq!(succeeds!(ioctlsocket(refused, FIONBIO, &mut 1)), 0);
    fails!(WSAEWOULDBLOCK, ws2_connect(refused, &nobody, 16));
    let mut except = fd_set { count: 1, sockets: [refused; 3] };
    assert_eq!(succeeds!(ws2_select(0, null_mut(), null_mut(), &mut except, null())), 1);
    assert_eq!(get(refused, SOL_SOCKET, SO_ERROR, 2), Err(WsaError::WSAEFAULT));
    for _ in 0..2 {
        let error = 10061_i32.to_ne_bytes();
        assert_eq!(get(refused, SOL_SOCKET, SO_ERROR, 4), Ok(error.to_vec()), "reading leaves it");
    }
    for name in [SO_ACCEPTCONN, SO_TYPE, SO_ERROR] {
        assert_eq!(set(client, SOL_SOCKET, name, &ON), Err(WsaError::WSAENOPROTOOPT));
    }
}

/// Catches an unknown option that succeeds, and one of the other kind of socket.
#[test]
fn unknown_options_and_levels_are_refused() {
    start();
    let (s, datagrams) = (socket(SOCK_STREAM), socket(SOCK_DGRAM));
    let both = |s, level, name| [set(s, level, name, &ON).err(), get(s, level, name, 4).err()];
    assert_eq!(both(s, SOL_SOCKET, 0x7777), [Some(WsaError::WSAENOPROTOOPT); 2]);
    assert_eq!(both(s, IPPROTO_TCP, 0x7777), [Some(WsaError::WSAENOPROTOOPT); 2]);
    assert_eq!(both(datagrams, SOL_SOCKET, SO_LINGER), [Some(WsaError::WSAENOPROTOOPT); 2]);
    assert_eq!(both(datagrams, SOL_SOCKET, SO_ACCEPTCONN), [Some(WsaError::WSAENOPROTOOPT); 2]);
    assert_eq!(both(s, 1234, 1), [Some(WsaError::WSAEINVAL); 2]);
    assert_eq!(both(datagrams, IPPROTO_TCP, TCP_NODELAY), [Some(WsaError::WSAEINVAL); 2]);
    assert_eq!(both(s, IPPROTO_IPV6, IPV6_V6ONLY), [Some(WsaError::WSAEINVAL); 2]);
    set(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, &ON).unwrap();
    assert_eq!(set(s, SOL_SOCKET, SO_REUSEADDR, &ON), Err(WsaError::WSAEINVAL));
    set(s, SOL_SOCKET, SO_REUSEADDR, &OFF).unwrap();
    set(datagrams, SOL_SOCKET, SO_REUSEADDR, &ON).unwrap();
    assert_eq!(set(datagrams, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, &ON), Err(WsaError::WSAEINVAL));
    assert_eq!(set(s, SOL_SOCKET, SO_RCVBUF, &(-1_i32).to_ne_bytes()), Err(WsaError::WSAEINVAL));
}

/// Catches an option that has no effect: an address that lingers, a time limit, IPv6 alone.
#[test]
fn options_do_what_they_say() {
    start();
    // The server ends the connection first, so its address lingers (TIME_WAIT).
    let (client, server, listener) = connected();
    let address = address_of(listener);
    for s in [server, listener] {
        assert_eq!(succeeds!(closesocket(s)), 0);
    }
    assert_eq!(succeeds!(ws2_recv(client, [0].as_mut_ptr(), 1, 0)), 0);
    assert_eq!(succeeds!(closesocket(client)), 0);
    let again = socket(SOCK_STREAM);
    assert_eq!(succeeds!(ws2_bind(again, &address, 16)), 0);
    assert_eq!(succeeds!(ws2_listen(again, 1)), 0);
    let third = socket(SOCK_STREAM);
    set(third, SOL_SOCKET, SO_REUSEADDR, &ON).unwrap();
    fails!(WSAEADDRINUSE, ws2_bind(third, &address, 16));

    let datagrams = bound(SOCK_DGRAM);
    set(datagrams, SOL_SOCKET, SO_RCVTIMEO, &20_i32.to_ne_bytes()).unwrap();
    fails!(WSAETIMEDOUT, ws2_recv(datagrams, [0].as_mut_ptr(), 1, 0));
    fails!(WSAETIMEDOUT, ws2_recvfrom(datagrams, [0].as_mut_ptr(), 1, 0, null_mut(), null_mut()));
    assert_eq!(call!(ws2_setsockopt(datagrams, SOL_SOCKET, SO_RCVTIMEO, null(), 4)).0, -1);

    let v6 = succeeds!(ws2_socket(AF_INET6, SOCK_STREAM, 0));
    let mut in6 = sockaddr_in6 { family: AF_INET6 as u16, ..Default::default() };
    assert_eq!(succeeds!(ws2_bind(v6, (&raw const in6).cast(), 28)), 0);
    assert_eq!(succeeds!(ws2_getsockname(v6, (&raw mut in6).cast(), &mut 28)), 0);
    let v4 = socket(SOCK_STREAM);
    let same_port = sockaddr_in { port: in6.port, ..sockaddr_in::loopback(0) };
    assert_eq!(succeeds!(ws2_bind(v4, &same_port, 16)), 0, "IPv6 alone has the port");
}
