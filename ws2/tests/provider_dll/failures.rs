//! Calls that fail: the code, and that nothing has changed.

use std::io::Write;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, INVALID_SOCKET, SOCK_DGRAM, SOCK_STREAM, SOCKADDR_IN, SOCKET_ERROR, WSABUF,
    WSAEAFNOSUPPORT, WSAENOTCONN, WSAEPROTONOSUPPORT, WSAESOCKTNOSUPPORT, WSANETWORKEVENTS,
};

use crate::switch::*;

/// Catches a call that checks another argument before the descriptor.
#[test]
fn e9_what_is_no_socket() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let closed = switch.socket().unwrap();
    switch.close(closed).unwrap();
    // P1: the next one is another.
    let next = switch.socket().unwrap();
    assert_ne!(closed, next);
    for s in [0, closed, next + 1, INVALID_SOCKET, event.raw().addr()] {
        for handle in [event.raw(), null_mut(), Event::closed()] {
            assert_eq!(switch.event_select(s, handle, FD_READ), Err(WSAENOTSOCK));
            assert_eq!(switch.enumerate(s, handle), Err(WSAENOTSOCK));
        }
        assert_eq!(switch.bind(s, ANY_PORT), Err(WSAENOTSOCK));
        assert_eq!(switch.get_sock_name(s), Err(WSAENOTSOCK));
        assert_eq!(switch.listen(s), Err(WSAENOTSOCK));
        assert_eq!(switch.connect(s, ANY_PORT), Err(WSAENOTSOCK));
        assert_eq!(switch.accept(s).unwrap_err(), WSAENOTSOCK);
        assert_eq!(switch.send(s, &[b"x"]), Err(WSAENOTSOCK));
        assert_eq!(switch.recv(s), Err(WSAENOTSOCK));
        assert_eq!(switch.close(s), Err(WSAENOTSOCK));
    }
    switch.close(next).unwrap();
}

/// Catches a handle that is selected though it can never be set, and a selection that is lost when
/// another is refused.
#[test]
fn s4_what_is_no_event_object_is_refused_and_the_selection_stands() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (s, mut peer) = switch.connected(&event, FD_READ);
    let mutex = Event::mutex();
    for handle in [null_mut(), Event::closed(), mutex.raw()] {
        assert_eq!(switch.event_select(s, handle, FD_READ | FD_WRITE), Err(WSAEINVAL));
    }
    peer.write_all(b"x").unwrap();
    assert_eq!(switch.wait(s, &event), Report::of(FD_READ));
    // S3: without events the handle is ignored.
    assert_eq!(switch.event_select(s, Event::closed(), 0), Ok(()));
    assert_eq!(switch.event_select(s, mutex.raw(), 0xffff_fc00), Ok(()), "S4: no known bits");
    switch.close(s).unwrap();
}

/// Catches a report that is lost in a call that fails.
#[test]
fn e7_a_failed_enumeration_changes_nothing() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (s, mut peer) = switch.connected(&event, FD_READ);
    peer.write_all(b"x").unwrap();
    assert_eq!(wait_for(&[&event]), Some(0));
    let mutex = Event::mutex();
    for handle in [Event::closed(), mutex.raw()] {
        assert_eq!(switch.enumerate(s, handle), Err(WSAEINVAL));
    }
    let answer = call!(switch.table, lpWSPEnumNetworkEvents, s, event.raw(), null_mut());
    assert_eq!(answer, (SOCKET_ERROR, WSAEINVAL), "E10");
    assert!(event.is_set());
    assert_eq!(switch.enumerate(s, event.raw()), Ok(Report::of(FD_READ)));
    switch.close(s).unwrap();
}

/// Catches a write that needs an aligned output.
#[test]
fn e10_a_misaligned_output_is_written() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let (s, _peer) = switch.connected(&event, FD_WRITE);
    let mut out = [0x5e_u8; size_of::<WSANETWORKEVENTS>() + 1];
    let at = out[1..].as_mut_ptr();
    let enumerate = switch.table.lpWSPEnumNetworkEvents.unwrap();
    // SAFETY: there is room for a WSANETWORKEVENTS, and `lpErrno` may be null.
    let returned = unsafe { enumerate(s, event.raw(), at.cast(), null_mut()) };
    assert_eq!((returned, out[0]), (0, 0x5e));
    // SAFETY: it lies in `out`.
    let written = unsafe { at.cast::<WSANETWORKEVENTS>().read_unaligned() };
    let mut expected = [UNTOUCHED; 10];
    expected[1] = 0;
    assert_eq!((written.lNetworkEvents, written.iErrorCode), (FD_WRITE.cast_signed(), expected));
    switch.close(s).unwrap();
}

/// Catches a null `lpErrno` that is written to, in any function.
#[test]
fn e10_errno_may_be_null() {
    let (_alone, switch) = (alone(), switch());
    let table = &switch.table;
    let (mut name, mut length) = (name(ANY_PORT), NAME_LENGTH);
    let (mut count, mut flags) = (0, 0);
    let none = null_mut::<i32>();
    let mut out = UNTOUCHED_EVENTS;
    // SAFETY: pointers that are not null are valid for the writes, and the others may be null.
    unsafe {
        let at = &raw mut name;
        assert_eq!(table.lpWSPSocket.unwrap()(-5, 0, 0, null(), 0, 0, none), INVALID_SOCKET);
        assert_eq!(table.lpWSPBind.unwrap()(0, at.cast(), length, none), -1);
        assert_eq!(table.lpWSPGetSockName.unwrap()(0, at.cast(), &mut length, none), -1);
        assert_eq!(table.lpWSPListen.unwrap()(0, 5, none), -1);
        let connect = table.lpWSPConnect.unwrap();
        assert_eq!(connect(0, at.cast(), length, null(), null_mut(), null(), null(), none), -1);
        let accept = table.lpWSPAccept.unwrap();
        assert_eq!(accept(0, at.cast(), &mut length, None, 0, none), INVALID_SOCKET);
        let send = table.lpWSPSend.unwrap();
        assert_eq!(send(0, null(), 0, &mut count, 0, null_mut(), None, null(), none), -1);
        let recv = table.lpWSPRecv.unwrap();
        let (count, flags) = (&mut count, &mut flags);
        assert_eq!(recv(0, null(), 0, count, flags, null_mut(), None, null(), none), -1);
        assert_eq!(table.lpWSPEventSelect.unwrap()(0, 0, 1, none), -1);
        assert_eq!(table.lpWSPEnumNetworkEvents.unwrap()(0, null_mut(), &mut out, none), -1);
        assert_eq!(table.lpWSPCloseSocket.unwrap()(0, none), -1);
    }
}

/// Catches a null pointer that is followed, a wrong argument that is found too late, and a call that changes
/// something although it fails.
#[test]
fn e9_other_arguments_that_are_wrong() {
    let (_alone, switch, event) = (alone(), switch(), Event::new());
    let table = &switch.table;
    for (family, kind, protocol, code) in [
        (AF_INET6, SOCK_STREAM, 6, WSAEAFNOSUPPORT),
        (AF_INET, SOCK_DGRAM, 17, WSAESOCKTNOSUPPORT),
        (AF_INET, SOCK_STREAM, 17, WSAEPROTONOSUPPORT),
    ] {
        let answer = call!(table, lpWSPSocket, family.into(), kind, protocol, null(), 0, 0);
        assert_eq!(answer, (INVALID_SOCKET, code));
    }

    let (listener, address) = switch.listener();
    let s = switch.socket().unwrap();
    assert_eq!(switch.send(s, &[b"x"]), Err(WSAENOTCONN));
    assert_eq!(switch.recv(s), Err(WSAENOTCONN));
    let (right, mut wrong) = (name(address), SOCKADDR_IN::default());
    wrong.sin_family = AF_INET6;
    for (name, length, code) in [
        (null(), NAME_LENGTH, WSAEFAULT),
        (&raw const right, NAME_LENGTH - 1, WSAEFAULT),
        (&raw const right, -1, WSAEFAULT),
        (&raw const wrong, NAME_LENGTH, WSAEAFNOSUPPORT),
    ] {
        let (name, none, no_qos) = (name.cast(), null_mut(), null());
        let bound = call!(table, lpWSPBind, s, name, length);
        assert_eq!(bound, (SOCKET_ERROR, code));
        let connected = call!(table, lpWSPConnect, s, name, length, null(), none, no_qos, no_qos);
        assert_eq!(connected, (SOCKET_ERROR, code));
    }

    // No room for the peer's address: the connection must not be lost.
    switch.event_select(listener, event.raw(), FD_ACCEPT).unwrap();
    switch.connect(s, address).unwrap_err();
    assert_eq!(switch.wait(listener, &event), Report::of(FD_ACCEPT));
    let mut peer = SOCKADDR_IN::default();
    for length in [null_mut(), &mut (NAME_LENGTH - 1)] {
        let accepted = call!(table, lpWSPAccept, listener, (&raw mut peer).cast(), length, None, 0);
        assert_eq!(accepted, (INVALID_SOCKET, WSAEFAULT));
    }
    // Nobody asks for the address.
    let (accepted, _) = call!(table, lpWSPAccept, listener, null_mut(), null_mut(), None, 0);
    assert_ne!(accepted, INVALID_SOCKET);

    let buffer = WSABUF { len: 1, buf: null_mut() };
    let (mut count, mut flags) = (0, 0);
    let (count, flags) = (&raw mut count, &raw mut flags);
    let null_buffer = &raw const buffer;
    for (buffers, count) in [(null(), count), (null_buffer, count), (null(), null_mut())] {
        let none = null_mut();
        let sent = call!(table, lpWSPSend, accepted, buffers, 1, count, 0, none, None, null());
        assert_eq!(sent, (SOCKET_ERROR, WSAEFAULT));
    }
    for (buffers, count, flags) in [
        (null(), count, flags),
        (null_buffer, count, flags),
        (null(), null_mut(), flags),
        (null(), count, null_mut()),
    ] {
        let none = null_mut();
        let received =
            call!(table, lpWSPRecv, accepted, buffers, 1, count, flags, none, None, null());
        assert_eq!(received, (SOCKET_ERROR, WSAEFAULT));
    }
    for s in [s, accepted, listener] {
        switch.close(s).unwrap();
    }
}
