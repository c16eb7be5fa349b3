//! Handles and sockets that are closed.

use std::io::{Read, Write};
use std::process;
use std::time::Duration;

use windows_sys::Win32::Networking::WinSock::{WSAECONNABORTED, WSAECONNRESET};

use crate::switch::*;

/// Catches a selection that ends or fails when the application closes its handle; and one that sets the event object
/// that has the number of the handle now.
#[test]
fn p2_the_application_closes_its_handle_while_it_is_selected() {
    let (_alone, switch, waiter) = (alone(), switch(), Event::new());
    let (s, mut peer) = switch.connected(&waiter, FD_READ);
    let select = |handle| switch.event_select(s, handle, FD_READ).unwrap();
    let others = Event::with_the_number_of_a_closed_handle(|| waiter.duplicate(), select);
    peer.write_all(b"x").unwrap();
    assert_eq!(wait_for(&[&waiter]), Some(0));
    assert!(!others.iter().any(Event::is_set), "the number names another event object now");
    assert_eq!(switch.enumerate(s, waiter.raw()), Ok(Report::of(FD_READ)));
    assert!(!waiter.is_set());

    // The number names nothing.
    let (event, others) = Event::highest_of_a_hundred(|| waiter.duplicate());
    select(event.raw());
    let number = event.close();
    drop(others);
    switch.recv(s).unwrap();
    peer.write_all(b"x").unwrap();
    assert_eq!(wait_for(&[&waiter]), Some(0), "the selection goes on");
    assert_eq!(switch.enumerate(s, number), Err(WSAEINVAL));
    assert!(waiter.is_set(), "E7");
    assert_eq!(switch.enumerate(s, waiter.raw()), Ok(Report::of(FD_READ)));
    assert!(!waiter.is_set());
    switch.close(s).unwrap();
}

/// Catches an event object that outlives its last selection, for example in the record of a closed socket.
#[test]
fn p2_an_event_object_lives_as_long_as_it_is_selected() {
    let (_alone, switch) = (alone(), switch());
    let name = format!("Local\\wsp-events-switch-{}", process::id());
    let other = Event::new();
    let select_by_name = |s| {
        assert!(!Event::exists(&name));
        let event = Event::named(&name);
        switch.event_select(s, event.raw(), FD_READ | FD_CLOSE).unwrap();
        event.close();
        assert!(Event::exists(&name), "a selection keeps it");
    };
    let s = switch.socket().unwrap();
    select_by_name(s);
    switch.enumerate(s, other.raw()).unwrap();
    assert!(Event::exists(&name), "enumerating does not end the selection");
    switch.event_select(s, other.raw(), FD_READ).unwrap();
    assert!(!Event::exists(&name), "another was selected");
    select_by_name(s);
    switch.event_select(s, other.raw(), 0).unwrap();
    assert!(!Event::exists(&name), "the selection was ended");
    select_by_name(s);
    switch.close(s).unwrap();
    assert!(!Event::exists(&name), "the socket was closed");
}

/// Catches a close that sets or resets the event object, does not end the selection, or affects another socket.
#[test]
fn s7_a_closed_socket_leaves_the_event_object_as_it_is() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (s, mut peer) = switch.connected(&event, FD_READ | FD_CLOSE);
    let (other, mut other_peer) = switch.connected(&event, FD_READ | FD_CLOSE);
    assert_eq!(switch.close(s), Ok(()));
    assert!(!event.is_set());
    assert_eq!(peer.read(&mut [0]).unwrap(), 0, "the peer sees the end");
    // Nobody receives what the peer sends now.
    let _sent = peer.write_all(b"x");
    assert_eq!(switch.enumerate(s, event.raw()), Err(WSAENOTSOCK));
    assert_eq!(switch.event_select(s, event.raw(), FD_READ), Err(WSAENOTSOCK));
    assert_eq!(switch.close(s), Err(WSAENOTSOCK));

    other_peer.write_all(b"x").unwrap();
    assert_eq!(wait_for(&[&event]), Some(0));
    assert_eq!(switch.close(other), Ok(()));
    assert!(event.is_set());
    assert_eq!(switch.enumerate(other, event.raw()), Err(WSAENOTSOCK));
    assert!(event.is_set(), "E7");
}

/// Catches an end that is not reported, and one that is reported before the data.
#[test]
fn l3_the_peer_closes() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (s, mut peer) = switch.connected(&event, FD_READ | FD_CLOSE);
    peer.write_all(b"last").unwrap();
    drop(peer);
    assert_eq!(switch.wait(s, &event).events, FD_READ);
    assert_eq!(switch.recv(s), Ok(b"last".to_vec()));
    switch.wait_for_all(s, &event, FD_CLOSE);
    assert_eq!(switch.recv(s), Ok(Vec::new()));
    assert_eq!(switch.enumerate(s, event.raw()), Ok(Report::of(0)), "it is reported once");
    switch.close(s).unwrap();
}

/// Catches a reset that waits behind data until it is received. (Wine knows of it only if it has seen the data before.)
#[test]
fn r2_a_reset_does_not_wait_behind_unread_data() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (s, mut peer) = switch.connected(&event, FD_READ | FD_CLOSE);
    peer.write_all(b"x").unwrap();
    assert_eq!(switch.wait(s, &event), Report::of(FD_READ));
    socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    drop(peer);
    assert_eq!(switch.wait(s, &event), Report::of_error(FD_CLOSE, WSAECONNABORTED));
    assert_eq!(switch.recv(s), Err(WSAECONNRESET), "the data is lost");
    switch.close(s).unwrap();
}
