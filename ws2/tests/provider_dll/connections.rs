//! Connections: made, refused, accepted, and several on one event object.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ptr::null_mut;
use std::thread;
use std::time::Duration;

use windows_sys::Win32::Networking::WinSock::{FIONBIO, SOCKET};

use crate::switch::*;

/// Catches FD_CONNECT without FD_WRITE, a signal that is late or stays, and a second report of the same.
#[test]
fn e1_a_connection_that_is_made_is_reported_once() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let listener = TcpListener::bind(ANY_PORT).unwrap();
    let s = switch.socket().unwrap();
    switch.event_select(s, event.raw(), FD_CONNECT | FD_WRITE | FD_READ).unwrap();
    assert!(!event.is_set());
    assert_eq!(switch.connect(s, listener.local_addr().unwrap()), Err(WSAEWOULDBLOCK));
    assert_eq!(switch.wait(s, &event), Report::of(FD_CONNECT | FD_WRITE), "R5");
    assert!(!event.is_set());
    assert_eq!(switch.enumerate(s, event.raw()), Ok(Report::of(0)), "E3");
    switch.close(s).unwrap();
}

/// Catches a connection that is forgotten because it was made before the selection.
#[test]
fn r1_a_connection_from_before_the_selection_is_not_lost() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let listener = TcpListener::bind(ANY_PORT).unwrap();
    let s = switch.socket().unwrap();
    switch.ioctl(s, FIONBIO, 1).unwrap();
    assert_eq!(switch.connect(s, listener.local_addr().unwrap()), Err(WSAEWOULDBLOCK));
    let _peer = listener.accept().unwrap();
    // It has been recorded by now, or will be.
    switch.event_select(s, event.raw(), FD_CONNECT).unwrap();
    assert_eq!(switch.wait(s, &event), Report::of(FD_CONNECT));
    switch.event_select(s, event.raw(), FD_WRITE).unwrap();
    assert!(event.is_set(), "S2: what was not selected was recorded");
    assert_eq!(switch.enumerate(s, event.raw()), Ok(Report::of(FD_WRITE)));
    switch.close(s).unwrap();
}

/// Catches a wrong code, or one at the wrong index.
#[test]
fn r2_a_connection_that_is_refused_has_its_code() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    // A port that is bound, but nobody listens there.
    let nobody = switch.socket().unwrap();
    switch.bind(nobody, ANY_PORT).unwrap();
    let address = switch.get_sock_name(nobody).unwrap();
    let s = switch.socket().unwrap();
    switch.event_select(s, event.raw(), FD_CONNECT | FD_WRITE | FD_CLOSE).unwrap();
    assert_eq!(switch.connect(s, address), Err(WSAEWOULDBLOCK));
    assert_eq!(switch.wait(s, &event), Report::of_error(FD_CONNECT, WSAECONNREFUSED));

    // R7, L3: another attempt, now that somebody listens.
    switch.listen(nobody).unwrap();
    assert_eq!(switch.connect(s, address), Err(WSAEWOULDBLOCK));
    assert_eq!(switch.wait(s, &event), Report::of(FD_CONNECT | FD_WRITE));
    switch.close(s).unwrap();
    switch.close(nobody).unwrap();
}

/// Catches a reset that is taken for the outcome of the attempt, or never reported: the peer resets the connection as
/// soon as it is made. (Wine forgets some resets, so the code of FD_CLOSE is not compared.)
#[test]
fn r2_a_connection_that_is_reset_at_once_was_made() {
    let (_alone, switch) = (alone(), switch());
    for _ in 0..20 {
        let event = Event::new();
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let address = listener.local_addr().unwrap();
        let s = switch.socket().unwrap();
        switch.event_select(s, event.raw(), FD_CONNECT | FD_WRITE | FD_CLOSE).unwrap();
        let peer = thread::spawn(move || {
            let peer = listener.accept().unwrap().0;
            socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
        });
        assert_eq!(switch.connect(s, address), Err(WSAEWOULDBLOCK));
        peer.join().unwrap();
        let first = switch.wait(s, &event);
        assert_eq!(first.events & !FD_CLOSE, FD_CONNECT | FD_WRITE);
        assert_eq!((first.codes[1], first.codes[4]), (0, 0));
        if first.events & FD_CLOSE == 0 {
            assert_eq!(switch.wait(s, &event).events, FD_CLOSE);
        }
        switch.close(s).unwrap();
    }
}

/// The poller cannot tell that another connection has arrived while one waits to be accepted. Catches an accept that
/// does not look for it.
#[test]
fn l2_a_connection_behind_another_is_reported_after_the_accept() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (listener, address) = switch.listener();
    switch.event_select(listener, event.raw(), FD_ACCEPT).unwrap();
    let clients = [(); 2].map(|()| {
        let client = TcpStream::connect(address).unwrap();
        // Of the second one nothing is known yet, or it was recorded with the first.
        assert_eq!(switch.enumerate(listener, null_mut()).map(|it| it.events & !FD_ACCEPT), Ok(0));
        client
    });
    let (first, _) = accept(switch, listener, &event);
    assert_eq!(switch.wait(listener, &event), Report::of(FD_ACCEPT));
    let (second, peer) = switch.accept(listener).unwrap();
    assert_eq!(peer, clients[1].local_addr().unwrap());
    for s in [first, second, listener] {
        switch.close(s).unwrap();
    }
}

/// Catches a second connection that is not reported, and an accepted socket that begins with another selection, or
/// with the listener's record.
#[test]
fn s8_an_accepted_socket_has_the_selection_of_its_listener() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (listener, address) = switch.listener();
    switch.event_select(listener, event.raw(), FD_ACCEPT | FD_READ).unwrap();
    let mut clients = Vec::new();
    for _ in 0..2 {
        clients.push(TcpStream::connect(address).unwrap());
    }
    assert_eq!(switch.wait(listener, &event), Report::of(FD_ACCEPT));
    let (first, peer) = accept(switch, listener, &event);
    assert_eq!(peer, clients[0].local_addr().unwrap());
    let (second, peer) = accept(switch, listener, &event);
    assert_eq!(peer, clients[1].local_addr().unwrap());
    assert_eq!(switch.accept(listener), Err(WSAEWOULDBLOCK));
    // FD_ACCEPT of the second may have been reported already.
    switch.enumerate(listener, event.raw()).unwrap();
    assert_eq!(switch.enumerate(first, event.raw()), Ok(Report::of(0)));

    clients[1].write_all(b"2").unwrap();
    assert_eq!(switch.wait(second, &event), Report::of(FD_READ));
    assert_eq!(switch.enumerate(first, event.raw()), Ok(Report::of(0)));
    // It does not need the listener.
    switch.close(listener).unwrap();
    clients[0].write_all(b"1").unwrap();
    assert_eq!(switch.wait(first, &event), Report::of(FD_READ));
    assert_eq!(switch.recv(first), Ok(b"1".to_vec()));
    switch.close(first).unwrap();
    switch.close(second).unwrap();
}

/// Accepts a connection that has been reported, or is about to be (L2).
fn accept(switch: &Switch, listener: SOCKET, event: &Event) -> (SOCKET, SocketAddr) {
    loop {
        match switch.accept(listener) {
            Err(WSAEWOULDBLOCK) => assert_eq!(switch.wait(listener, event).events, FD_ACCEPT),
            accepted => return accepted.unwrap(),
        }
    }
}

/// Catches a wake-up that is lost because sockets share an event object, and a reset that touches the
/// record of another socket.
#[test]
fn p3_several_sockets_share_an_event_object() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    const SOCKETS: usize = 8;
    const ROUNDS: usize = 20;
    let (sockets, mut peers): (Vec<_>, Vec<_>) =
        (0..SOCKETS).map(|_| switch.connected(&event, FD_READ)).unzip();
    let sender = thread::spawn(move || {
        for round in 0..ROUNDS * SOCKETS {
            peers[round * 5 % SOCKETS].write_all(&[1]).unwrap();
        }
        peers
    });
    let mut received = [0; SOCKETS];
    while received.iter().sum::<usize>() < ROUNDS * SOCKETS {
        assert_eq!(wait_for(&[&event]), Some(0), "a wake-up was lost: {received:?}");
        for (at, s) in sockets.iter().enumerate() {
            // Only the first call of a pass resets the event object: a later reset would lose the wake-up of a
            // socket that was enumerated before.
            let handle = if at == 0 { event.raw() } else { null_mut() };
            if switch.enumerate(*s, handle).unwrap().events == FD_READ {
                received[at] += switch.recv(*s).unwrap_or_default().len();
            }
        }
    }
    assert_eq!(received, [ROUNDS; SOCKETS]);
    let _peers = sender.join().unwrap();
    sockets.into_iter().for_each(|s| switch.close(s).unwrap());
}

/// Catches a wait that returns for another event object.
#[test]
fn s1_each_socket_sets_the_event_object_that_it_has() {
    let (_alone, switch) = (alone(), switch());
    let events = [Event::new(), Event::new(), Event::new()];
    let mut pairs = events.each_ref().map(|event| switch.connected(event, FD_READ));
    for at in [1, 2, 0] {
        pairs[at].1.write_all(b"x").unwrap();
        assert_eq!(wait_for(&events.each_ref()), Some(at));
        assert_eq!(switch.enumerate(pairs[at].0, events[at].raw()), Ok(Report::of(FD_READ)));
    }
    // Another event object is selected: it is set for what is recorded, and the old one stays set (S2, S5).
    switch.recv(pairs[0].0).unwrap();
    pairs[0].1.write_all(b"x").unwrap();
    assert_eq!(wait_for(&events.each_ref()), Some(0));
    switch.event_select(pairs[0].0, events[2].raw(), FD_READ).unwrap();
    assert!(events[0].is_set() && events[2].is_set());
    assert_eq!(switch.enumerate(pairs[0].0, events[2].raw()), Ok(Report::of(FD_READ)));
    assert!(events[0].is_set() && !events[2].is_set(), "E6");
    for (s, mut peer) in pairs {
        switch.close(s).unwrap();
        let _end_or_reset = peer.read(&mut [0]);
    }
}
