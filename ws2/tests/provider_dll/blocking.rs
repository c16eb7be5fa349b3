//! Calls that wait, what makes a socket non-blocking, and other ways of a socket.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use windows_sys::Win32::Networking::WinSock::{
    FIONBIO, FIONREAD, SIOCATMARK, SO_LINGER, SO_RCVTIMEO, SO_TYPE, SOCK_STREAM, WSAECONNABORTED,
    WSAENOPROTOOPT, WSAETIMEDOUT,
};

use crate::switch::*;

/// Catches a socket that does not wait although nothing was selected, and one that waits after a selection.
#[test]
fn s9_a_socket_is_blocking_until_it_is_selected() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (listener, address) = switch.listener();
    let client = switch.socket().unwrap();
    let accepted = thread::scope(|scope| {
        let accepted = scope.spawn(|| switch.accept(listener).unwrap().0);
        assert_eq!(switch.connect(client, address), Ok(()));
        accepted.join().unwrap()
    });
    thread::scope(|scope| {
        let received = scope.spawn(|| switch.recv(accepted));
        assert_eq!(switch.send(client, &[b"x"]), Ok(1));
        assert_eq!(received.join().unwrap(), Ok(b"x".to_vec()));
    });

    switch.event_select(accepted, event.raw(), FD_READ).unwrap();
    assert_eq!(switch.recv(accepted), Err(WSAEWOULDBLOCK));
    assert_eq!(switch.ioctl(accepted, FIONBIO, 0), Err(WSAEINVAL), "it is selected");
    switch.event_select(accepted, event.raw(), 0).unwrap();
    assert_eq!(switch.recv(accepted), Err(WSAEWOULDBLOCK), "it stays so");
    assert_eq!(switch.ioctl(accepted, FIONBIO, 0), Ok((UNTOUCHED, 0)));
    switch.ioctl(client, FIONBIO, 1).unwrap();
    assert_eq!(switch.recv(client), Err(WSAEWOULDBLOCK));

    // A blocking call sends everything.
    let message = vec![7; 3_000_000];
    thread::scope(|scope| {
        let sent = scope.spawn(|| switch.send(accepted, &[&message[..1], &message[1..]]));
        let mut received = Vec::new();
        switch.event_select(client, event.raw(), FD_READ).unwrap();
        while received.len() < message.len() {
            switch.wait(client, &event);
            received.extend(switch.recv(client).unwrap_or_default());
        }
        assert_eq!(sent.join().unwrap(), Ok(message.len()));
        assert!(received == message);
    });
    for s in [listener, client, accepted] {
        switch.close(s).unwrap();
    }
}

/// Catches a call that waits for ever on a socket that another thread has closed.
#[test]
fn p5_a_close_cancels_a_call_that_waits() {
    let (_alone, switch) = (alone(), switch());
    for _ in 0..50 {
        let (listener, _) = switch.listener();
        thread::scope(|scope| {
            let accepted = scope.spawn(|| switch.accept(listener));
            thread::yield_now();
            switch.close(listener).unwrap();
            let answer = accepted.join().unwrap().map(drop);
            assert!(matches!(answer, Err(WSAEINTR | WSAENOTSOCK)), "{answer:?}");
        });
    }
}

/// Catches an ioctl that answers another number, or with another length, than is true.
#[test]
fn l3_ioctls_answer_what_can_be_received() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (s, mut peer) = switch.connected(&event, FD_READ);
    assert_eq!(switch.ioctl(s, FIONREAD, 0), Ok((0, 4)));
    assert_eq!(switch.ioctl(s, SIOCATMARK, 0), Ok((1, 4)));
    peer.write_all(b"12345").unwrap();
    switch.wait(s, &event);
    assert_eq!(switch.ioctl(s, FIONREAD, 0), Ok((5, 4)));
    assert_eq!(switch.enumerate(s, event.raw()), Ok(Report::of(0)), "it re-enables nothing");
    switch.close(s).unwrap();
}

/// Catches a shutdown that ends the other direction, or none; and a peer's name that is another's.
#[test]
fn l3_one_direction_is_shut_down() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let listener = TcpListener::bind(ANY_PORT).unwrap();
    let address = listener.local_addr().unwrap();
    let s = switch.socket().unwrap();
    switch.connect(s, address).unwrap();
    assert_eq!(switch.get_peer_name(s), Ok(address));
    let (mut peer, from) = listener.accept().unwrap();
    assert_eq!(switch.get_sock_name(s), Ok(from));
    const SD_SEND: i32 = 1;
    assert_eq!(switch.shutdown(s, SD_SEND), Ok(()));
    assert_eq!(switch.send(s, &[b"x"]), Err(WSAESHUTDOWN));
    assert_eq!(peer.read(&mut [0]).unwrap(), 0, "the peer sees the end");
    peer.write_all(b"still").unwrap();
    switch.event_select(s, event.raw(), FD_READ).unwrap();
    assert_eq!(switch.wait(s, &event), Report::of(FD_READ));
    assert_eq!(switch.recv(s), Ok(b"still".to_vec()));
    switch.close(s).unwrap();
}

/// Catches an option that goes to another socket, or nowhere, and a value that is cut or comes without its length.
#[test]
fn s9_options_are_those_of_the_socket() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (listener, address) = switch.listener();
    let s = switch.socket().unwrap();
    switch.connect(s, address).unwrap();
    let (peer, _) = switch.accept(listener).unwrap();
    switch.event_select(peer, event.raw(), FD_CLOSE).unwrap();
    let number = |value: i32| value.to_ne_bytes().to_vec();
    assert_eq!(switch.option(s, SO_TYPE, 8), Ok(number(SOCK_STREAM)));
    assert_eq!(switch.option(s, SO_TYPE, 3), Err(WSAEFAULT));
    assert_eq!(switch.option(s, SO_RCVTIMEO, 4), Ok(number(0)));
    switch.set_option(s, SO_RCVTIMEO, &number(1)).unwrap();
    assert_eq!(switch.option(s, SO_RCVTIMEO, 4), Ok(number(1)));
    assert_eq!(switch.recv(s), Err(WSAETIMEDOUT));
    assert_eq!(switch.set_option(s, -1, &number(1)), Err(WSAENOPROTOOPT));
    // l_onoff 1, l_linger 0: the close is a reset.
    switch.set_option(s, SO_LINGER, &[1, 0, 0, 0]).unwrap();
    assert_eq!(switch.option(s, SO_LINGER, 4), Ok(vec![1, 0, 0, 0]));
    switch.close(s).unwrap();
    assert_eq!(switch.wait(peer, &event), Report::of_error(FD_CLOSE, WSAECONNABORTED));
    switch.close(peer).unwrap();
    switch.close(listener).unwrap();
}
