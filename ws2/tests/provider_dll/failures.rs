//! Calls that fail: the code, and that nothing has changed.

use std::ffi::c_void;
use std::io::Write;
use std::ptr::{null, null_mut};

use socket2::SockAddr;
use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNIX, FIONBIO, FIONREAD, INVALID_SOCKET, IPPROTO_TCP, IPPROTO_UDP,
    SIO_GET_QOS, SO_KEEPALIVE, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, SOCKADDR, SOCKADDR_IN,
    SOCKADDR_IN6, SOCKET_ERROR, SOL_SOCKET, WSABUF, WSAEAFNOSUPPORT, WSAEOPNOTSUPP,
    WSAEPROTONOSUPPORT, WSAESOCKTNOSUPPORT, WSANETWORKEVENTS,
};

use crate::switch::*;

/// Of an IPv4 address.
const NAME_LENGTH: i32 = size_of::<SOCKADDR_IN>() as i32;

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
        assert_eq!(switch.get_peer_name(s), Err(WSAENOTSOCK));
        assert_eq!(switch.listen(s), Err(WSAENOTSOCK));
        assert_eq!(switch.connect(s, ANY_PORT), Err(WSAENOTSOCK));
        assert_eq!(switch.accept(s).unwrap_err(), WSAENOTSOCK);
        assert_eq!(switch.send(s, &[b"x"]), Err(WSAENOTSOCK));
        assert_eq!(switch.send_to(s, b"x", ANY_PORT), Err(WSAENOTSOCK));
        assert_eq!(switch.recv(s), Err(WSAENOTSOCK));
        assert_eq!(switch.recv_from(s, &mut [0]), Err(WSAENOTSOCK));
        assert_eq!(switch.shutdown(s, 7), Err(WSAENOTSOCK));
        assert_eq!(switch.ioctl(s, 0, 0), Err(WSAENOTSOCK));
        assert_eq!(switch.option(s, 0, 0), Err(WSAENOTSOCK));
        assert_eq!(switch.set_option(s, 0, &[]), Err(WSAENOTSOCK));
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
    let (mut name, mut length) = (SOCKADDR_IN::default(), NAME_LENGTH);
    let (mut count, mut flags) = (0, 0);
    let none = null_mut::<i32>();
    let mut out = UNTOUCHED_EVENTS;
    // SAFETY: pointers that are not null are valid for the writes, and the others may be null.
    unsafe {
        let at = &raw mut name;
        assert_eq!(table.lpWSPSocket.unwrap()(-5, 0, 0, null(), 0, 0, none), INVALID_SOCKET);
        assert_eq!(table.lpWSPBind.unwrap()(0, at.cast(), length, none), -1);
        assert_eq!(table.lpWSPGetSockName.unwrap()(0, at.cast(), &mut length, none), -1);
        assert_eq!(table.lpWSPGetPeerName.unwrap()(0, at.cast(), &mut length, none), -1);
        assert_eq!(table.lpWSPListen.unwrap()(0, 5, none), -1);
        let connect = table.lpWSPConnect.unwrap();
        assert_eq!(connect(0, at.cast(), length, null(), null_mut(), null(), null(), none), -1);
        let accept = table.lpWSPAccept.unwrap();
        assert_eq!(accept(0, at.cast(), &mut length, None, 0, none), INVALID_SOCKET);
        let send = table.lpWSPSend.unwrap();
        assert_eq!(send(0, null(), 0, &mut count, 0, null_mut(), None, null(), none), -1);
        let recv = table.lpWSPRecv.unwrap();
        let (count, flags) = (&raw mut count, &raw mut flags);
        assert_eq!(recv(0, null(), 0, count, flags, null_mut(), None, null(), none), -1);
        let send_to = table.lpWSPSendTo.unwrap();
        let (to, no) = (null(), null_mut());
        assert_eq!(send_to(0, null(), 0, count, 0, to, 0, no, None, null(), none), -1);
        let recv_from = table.lpWSPRecvFrom.unwrap();
        let (from, at) = (null_mut(), null_mut());
        assert_eq!(recv_from(0, null(), 0, count, flags, from, at, no, None, null(), none), -1);
        assert_eq!(table.lpWSPShutdown.unwrap()(0, 0, none), -1);
        assert_eq!(table.lpWSPSetSockOpt.unwrap()(0, 0, 0, null(), 0, none), -1);
        assert_eq!(table.lpWSPGetSockOpt.unwrap()(0, 0, 0, null_mut(), none, none), -1);
        let ioctl = table.lpWSPIoctl.unwrap();
        assert_eq!(ioctl(0, 0, null(), 0, null_mut(), 0, count, no, None, null(), none), -1);
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
        (AF_UNIX, SOCK_STREAM, IPPROTO_TCP, WSAEAFNOSUPPORT),
        (AF_INET, SOCK_RAW, IPPROTO_TCP, WSAESOCKTNOSUPPORT),
        (AF_INET, SOCK_STREAM, IPPROTO_UDP, WSAEPROTONOSUPPORT),
        (AF_INET6, SOCK_DGRAM, IPPROTO_TCP, WSAEPROTONOSUPPORT),
    ] {
        let answer = call!(table, lpWSPSocket, family.into(), kind, protocol, null(), 0, 0);
        assert_eq!(answer, (INVALID_SOCKET, code));
    }

    let (listener, address) = switch.listener();
    let s = switch.socket().unwrap();
    assert_eq!(switch.send(s, &[b"x"]), Err(WSAENOTCONN));
    assert_eq!(switch.recv(s), Err(WSAENOTCONN));
    assert_eq!(switch.shutdown(s, 0), Err(WSAENOTCONN));
    assert_eq!(switch.get_peer_name(s), Err(WSAENOTCONN));
    assert_eq!(switch.ioctl(s, SIO_GET_QOS.cast_signed(), 0), Err(WSAEOPNOTSUPP));
    let right = SockAddr::from(address);
    let right: *const SOCKADDR = right.as_ptr().cast();
    let unknown = SOCKADDR_IN { sin_family: 99, ..SOCKADDR_IN::default() };
    let unknown: *const SOCKADDR = (&raw const unknown).cast();
    let other = SOCKADDR_IN6 { sin6_family: AF_INET6, ..SOCKADDR_IN6::default() };
    let other: *const SOCKADDR = (&raw const other).cast();
    for (name, length, code) in [
        (null(), NAME_LENGTH, WSAEFAULT),
        (right, NAME_LENGTH - 1, WSAEFAULT),
        (right, -1, WSAEFAULT),
        (unknown, NAME_LENGTH, WSAEAFNOSUPPORT),
        (other, NAME_LENGTH, WSAEFAULT),
        (other, size_of::<SOCKADDR_IN6>() as i32, WSAEAFNOSUPPORT),
    ] {
        let (none, no_qos) = (null_mut(), null());
        let bound = call!(table, lpWSPBind, s, name, length);
        assert_eq!(bound, (SOCKET_ERROR, code));
        let connected = call!(table, lpWSPConnect, s, name, length, null(), none, no_qos, no_qos);
        assert_eq!(connected, (SOCKET_ERROR, code));
    }

    // No room for the peer's address: the connection must not be lost.
    switch.event_select(listener, event.raw(), FD_ACCEPT).unwrap();
    switch.connect(s, address).unwrap();
    assert_eq!(switch.wait(listener, &event), Report::of(FD_ACCEPT));
    let mut peer = SOCKADDR_IN::default();
    for length in [null_mut(), &mut (NAME_LENGTH - 1)] {
        let accepted = call!(table, lpWSPAccept, listener, (&raw mut peer).cast(), length, None, 0);
        assert_eq!(accepted, (INVALID_SOCKET, WSAEFAULT));
    }
    // Nobody asks for the address.
    let (accepted, _) = call!(table, lpWSPAccept, listener, null_mut(), null_mut(), None, 0);
    assert_ne!(accepted, INVALID_SOCKET);
    assert_eq!(switch.shutdown(accepted, 3), Err(WSAEINVAL));

    // An option without a value, or without a length.
    let (value, mut length) = ([0_u8; 4], 4_i32);
    for (value, length) in [(null(), 4), (value.as_ptr(), 0), (value.as_ptr(), -1)] {
        let answer =
            call!(table, lpWSPSetSockOpt, accepted, SOL_SOCKET, SO_KEEPALIVE, value, length);
        assert_eq!(answer, (SOCKET_ERROR, WSAEFAULT));
    }
    let value = value.as_ptr().cast_mut();
    for (value, length) in [(null_mut(), &raw mut length), (value, null_mut()), (value, &mut -1)] {
        let answer =
            call!(table, lpWSPGetSockOpt, accepted, SOL_SOCKET, SO_KEEPALIVE, value, length);
        assert_eq!(answer, (SOCKET_ERROR, WSAEFAULT));
    }

    // An ioctl whose input, or output, is missing or too small, or that cannot say how long it is.
    let (mut number, mut returned) = (0_u32, 0);
    let (at, returned) = ((&raw mut number).cast::<c_void>(), &raw mut returned);
    for (code, input, input_length, output, output_length, returned) in [
        (FIONBIO, null(), 4, null_mut(), 0, returned),
        (FIONBIO, at.cast_const(), 3, null_mut(), 0, returned),
        (FIONBIO, at.cast_const(), 4, null_mut(), 0, null_mut()),
        (FIONREAD, null(), 0, null_mut(), 4, returned),
        (FIONREAD, null(), 0, at, 3, returned),
        (FIONREAD, null(), 0, at, 4, null_mut()),
    ] {
        let (code, none) = (code.cast_unsigned(), null_mut());
        let answered = call!(
            table,
            lpWSPIoctl,
            accepted,
            code,
            input,
            input_length,
            output,
            output_length,
            returned,
            none,
            None,
            null()
        );
        assert_eq!(answered, (SOCKET_ERROR, WSAEFAULT));
    }

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
    // No room for the sender's address: the datagram must not be lost.
    let datagrams = switch.socket_of(AF_INET, SOCK_DGRAM).unwrap();
    switch.bind(datagrams, ANY_PORT).unwrap();
    let to = switch.get_sock_name(datagrams).unwrap();
    assert_eq!(switch.send_to(datagrams, b"x", to), Ok(1));
    let mut byte = 0_u8;
    let buffer = WSABUF { len: 1, buf: &raw mut byte };
    let (first, from) = (&raw const buffer, (&raw mut peer).cast());
    for length in [null_mut(), &mut (NAME_LENGTH - 1)] {
        let none = null_mut();
        let received = call!(
            table,
            lpWSPRecvFrom,
            datagrams,
            first,
            1,
            count,
            flags,
            from,
            length,
            none,
            None,
            null()
        );
        assert_eq!(received, (SOCKET_ERROR, WSAEFAULT));
    }
    assert_eq!(switch.recv_from(datagrams, &mut [0]), Ok((1, to)));
    for s in [s, accepted, listener, datagrams] {
        switch.close(s).unwrap();
    }
}
