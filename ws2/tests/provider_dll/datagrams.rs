//! Datagrams, and IPv6.

use std::net::{Ipv6Addr, SocketAddr};

use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM, WSAECONNRESET,
};

use crate::switch::*;

const ANY_PORT_V6: SocketAddr = SocketAddr::new(std::net::IpAddr::V6(Ipv6Addr::LOCALHOST), 0);

/// Catches a datagram without its sender, one that is cut without a word, and a rest that comes later.
#[test]
fn l3_datagrams_come_whole_and_with_their_senders() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    for (family, any) in [(AF_INET, ANY_PORT), (AF_INET6, ANY_PORT_V6)] {
        let [a, b] = [(); 2].map(|()| {
            let s = switch.socket_of(family, SOCK_DGRAM).unwrap();
            switch.bind(s, any).unwrap();
            s
        });
        let [at_a, at_b] = [a, b].map(|s| switch.get_sock_name(s).unwrap());
        switch.event_select(b, event.raw(), FD_READ | FD_WRITE).unwrap();
        assert_eq!(switch.wait(b, &event), Report::of(FD_WRITE), "it is bound");
        assert_eq!(switch.send_to(a, b"12345", at_b), Ok(5));
        assert_eq!(switch.send_to(a, b"6", at_b), Ok(1));
        assert_eq!(switch.wait(b, &event), Report::of(FD_READ));
        let mut buffer = [0; 3];
        assert_eq!(switch.recv_from(b, &mut buffer), Err(WSAEMSGSIZE));
        assert_eq!(&buffer, b"123");
        assert_eq!(switch.wait(b, &event), Report::of(FD_READ), "there is another");
        assert_eq!(switch.recv_from(b, &mut buffer), Ok((1, at_a)));
        assert_eq!(buffer[0], b'6');
        assert_eq!(switch.recv_from(b, &mut buffer), Err(WSAEWOULDBLOCK));

        // With a peer there is no need for an address, until it is given up.
        assert_eq!(switch.send(b, &[b"x"]), Err(WSAENOTCONN));
        assert_eq!(switch.connect(b, at_a), Ok(()));
        assert_eq!(switch.get_peer_name(b), Ok(at_a));
        assert_eq!(switch.send(b, &[b"y", b"z"]), Ok(2));
        assert_eq!(switch.recv(a), Ok(b"yz".to_vec()));
        let mut null = any;
        null.set_ip(if any.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() });
        assert_eq!(switch.connect(b, null), Ok(()));
        assert_eq!(switch.get_peer_name(b), Err(WSAENOTCONN));
        assert_eq!(switch.send(b, &[b"x"]), Err(WSAENOTCONN));
        let c = switch.socket_of(family, SOCK_DGRAM).unwrap();
        assert_eq!(switch.send_to(c, b"from c", at_b), Ok(6));
        assert_eq!(switch.wait(b, &event).events & FD_READ, FD_READ);
        assert_eq!(switch.recv(b), Ok(b"from c".to_vec()), "it hears everyone again");
        for s in [a, b, c] {
            switch.close(s).unwrap();
        }
    }
}

/// Catches an address that loses its family on the way.
#[test]
fn s8_a_connection_over_ipv6() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let [listener, client] = [(); 2].map(|()| switch.socket_of(AF_INET6, SOCK_STREAM).unwrap());
    switch.bind(listener, ANY_PORT_V6).unwrap();
    switch.listen(listener).unwrap();
    let address = switch.get_sock_name(listener).unwrap();
    switch.event_select(listener, event.raw(), FD_ACCEPT).unwrap();
    switch.connect(client, address).unwrap();
    assert_eq!(switch.wait(listener, &event), Report::of(FD_ACCEPT));
    let (accepted, peer) = switch.accept(listener).unwrap();
    assert_eq!(Ok(peer), switch.get_sock_name(client));
    assert_eq!(Ok(peer), switch.get_peer_name(accepted));
    for s in [listener, client, accepted] {
        switch.close(s).unwrap();
    }
}

/// Catches a refusal that no receive answers, or that is not reported. (Wine does not know of it without a peer, and
/// forgets it if nobody watches the socket.)
#[test]
fn r2_a_port_that_no_one_has() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let [s, gone, fence] = [(); 3].map(|()| switch.socket_of(AF_INET, SOCK_DGRAM).unwrap());
    for s in [gone, fence] {
        switch.bind(s, ANY_PORT).unwrap();
    }
    let peer = switch.get_sock_name(gone).unwrap();
    switch.close(gone).unwrap();
    switch.connect(s, peer).unwrap();
    // When the poller has reported another socket twice, it watches this one.
    switch.event_select(fence, event.raw(), FD_READ).unwrap();
    for _ in 0..2 {
        switch.send_to(fence, b"-", switch.get_sock_name(fence).unwrap()).unwrap();
        assert_eq!(switch.wait(fence, &event), Report::of(FD_READ));
        switch.recv(fence).unwrap();
    }
    switch.close(fence).unwrap();

    switch.event_select(s, event.raw(), FD_READ).unwrap();
    assert_eq!(switch.send(s, &[b"x"]), Ok(1));
    assert_eq!(switch.wait(s, &event), Report::of(FD_READ));
    assert_eq!(switch.recv(s), Err(WSAECONNRESET));
    assert_eq!(switch.recv(s), Err(WSAEWOULDBLOCK));
    switch.close(s).unwrap();
}
