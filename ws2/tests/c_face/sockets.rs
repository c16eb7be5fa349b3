//! What the C face itself decides about sockets and event objects.

use std::ptr::{null, null_mut};

use crate::api::*;

/// Catches a send that ends the program: Unix sends a signal to one that writes on a connection that is gone.
#[test]
fn a_send_on_a_lost_connection_only_fails() {
    if !is_alone("sockets::a_send_on_a_lost_connection_only_fails") {
        return;
    }
    // As C programs have it. Rust's ignore it.
    // SAFETY: no handler of ours is replaced.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    start();
    for _ in 0..300 {
        let (client, server, _) = connected();
        assert_eq!(succeeds!(closesocket(server)), 0);
        while call!(ws2_send(client, [1].as_ptr(), 1, 0)).0 == 1 {}
        assert_eq!(succeeds!(closesocket(client)), 0);
    }
}

/// Catches a type or protocol that is taken for another, and the wrong error where several are wrong.
#[test]
fn socket_makes_streams_and_datagrams() {
    start();
    let type_of = |family, kind, protocol| {
        let s = succeeds!(ws2_socket(family, kind, protocol));
        let mut out = 0;
        assert_eq!(succeeds!(ws2_getsockopt(s, 0xffff, 0x1008, (&raw mut out).cast(), &mut 4)), 0);
        assert_eq!(succeeds!(closesocket(s)), 0);
        out
    };
    for (family, kind, protocol, answer) in [
        (AF_INET, SOCK_STREAM, 0, SOCK_STREAM),
        (AF_INET, SOCK_STREAM, IPPROTO_TCP, SOCK_STREAM),
        (AF_INET6, SOCK_DGRAM, IPPROTO_UDP, SOCK_DGRAM),
        (AF_INET, 0, 0, SOCK_STREAM),
        (AF_INET, 0, IPPROTO_UDP, SOCK_DGRAM),
        (0, 0, IPPROTO_TCP, SOCK_STREAM),
        (0, SOCK_DGRAM, IPPROTO_UDP, SOCK_DGRAM),
    ] {
        assert_eq!(type_of(family, kind, protocol), answer);
    }
    fails!(WSAEINVAL, ws2_socket(0, 0, 0));
    fails!(WSAEINVAL, ws2_socket(0, SOCK_STREAM, 0));
    fails!(WSAEPROTONOSUPPORT, ws2_socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    fails!(WSAEPROTONOSUPPORT, ws2_socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
    fails!(WSAEPROTONOSUPPORT, ws2_socket(AF_INET, 0, 0xdead));
    fails!(WSAESOCKTNOSUPPORT, ws2_socket(AF_INET, 0xdead, 0xdead));
    fails!(WSAESOCKTNOSUPPORT, ws2_socket(AF_INET, 3, 0));
    fails!(WSAESOCKTNOSUPPORT, ws2_socket(-1, -1, -1));
    fails!(WSAEAFNOSUPPORT, ws2_socket(0xdead, SOCK_STREAM, 0));
    fails!(WSAEAFNOSUPPORT, ws2_socket(1, SOCK_STREAM, 0));
    fails!(WSAEAFNOSUPPORT, ws2_socket(0x1_0002, SOCK_STREAM, 0));
    succeeds!(WSASocketA(AF_INET, SOCK_STREAM, 0, null(), 0, 0x81));
    fails!(WSAEINVAL, WSASocketA(AF_INET, SOCK_STREAM, 0, null(), 1, 0));
    fails!(WSAEINVAL, WSASocketA(AF_INET, SOCK_STREAM, 0, null(), 0, 2));
}

/// Catches a duplicate that is another socket, one that closes the socket, and a structure that is not Winsock's.
#[test]
fn a_socket_is_duplicated_within_the_process() {
    start();
    let process = succeeds!(GetCurrentProcessId());
    for wide in [false, true] {
        let (client, server, _) = connected();
        let mut info = [u64::MAX; 100];
        let describe = |process, info: *mut Room| match wide {
            false => call!(WSADuplicateSocketA(client, process, info)),
            true => call!(WSADuplicateSocketW(client, process, info)),
        };
        let create = |info: *const Room| match wide {
            false => call!(WSASocketA(-1, -1, -1, info, 0, 0)),
            true => call!(WSASocketW(-1, -1, -1, info, 0, 0)),
        };
        assert_eq!(describe(process ^ 1, &mut info), (-1, Some(WsaError::WSAEINVAL)));
        assert_eq!(info, [u64::MAX; 100]);
        assert_eq!(describe(process, &mut info), (0, None));
        // SAFETY: any bytes are numbers.
        let (numbers, bytes) = unsafe { (info.align_to::<i32>().1, info.align_to::<u8>().1) };
        // iVersion, iAddressFamily, iMaxSockAddr, iMinSockAddr, iSocketType, iProtocol.
        assert_eq!(numbers[18..24], [2, AF_INET, 16, 16, SOCK_STREAM, IPPROTO_TCP]);
        let (name, size) =
            if wide { (&b"T\0C\0P\0/\0I\0P\0\0\0"[..], 628) } else { (&b"TCP/IP\0"[..], 372) };
        assert!(bytes[116..].starts_with(name));
        assert!(bytes[size - 1] == 0 && bytes[size..].iter().all(|byte| *byte == 0xff));
        let (duplicate, _) = create(&info);
        assert_ne!(duplicate, client);
        assert_eq!(succeeds!(closesocket(client)), 0);
        assert_eq!(succeeds!(ws2_send(duplicate, [3].as_ptr(), 1, 0)), 1);
        assert_eq!(succeeds!(ws2_recv(server, [0].as_mut_ptr(), 1, 0)), 1);
        assert_eq!(
            create(&info),
            (INVALID_SOCKET, Some(WsaError::WSAEINVAL)),
            "the socket is closed"
        );
        assert_eq!(succeeds!(closesocket(duplicate)), 0);
        // The structure of another socket tells what to make.
        info[14] &= 0xffff_ffff_0000_0000;
        let made = create(&info).0;
        assert_ne!(made, INVALID_SOCKET);
    }
}

/// Catches a datagram socket that keeps its peer, and a stream that loses it.
#[test]
fn connecting_to_no_address_ends_the_association() {
    start();
    let none = sockaddr_in::default();
    let family = sockaddr_in { family: AF_INET as u16, ..none };
    let mut name = none;
    for nowhere in [none, family] {
        let (s, other) = (bound(SOCK_DGRAM), bound(SOCK_DGRAM));
        assert_eq!(succeeds!(ws2_connect(s, &address_of(other), 16)), 0);
        assert_eq!(succeeds!(ws2_getpeername(s, &mut name, &mut 16)), 0);
        assert_eq!(succeeds!(ws2_connect(s, &nowhere, 16)), 0);
        fails!(WSAENOTCONN, ws2_getpeername(s, &mut name, &mut 16));
    }
    let s = socket(SOCK_STREAM);
    fails!(WSAEADDRNOTAVAIL, ws2_connect(s, &sockaddr_in { port: 9, ..family }, 16));
    fails!(WSAEADDRNOTAVAIL, ws2_connect(s, &sockaddr_in::loopback(0), 16));
    fails!(WSAEADDRNOTAVAIL, ws2_connect(socket(SOCK_DGRAM), &sockaddr_in::loopback(0), 16));
}

/// Catches a sender that is not told because its datagram was too long, and a length that lies.
#[test]
fn the_sender_of_a_datagram_is_told_even_if_it_was_cut() {
    start();
    let (s, other) = (bound(SOCK_DGRAM), bound(SOCK_DGRAM));
    for _ in 0..2 {
        let sent = succeeds!(ws2_sendto(other, b"abc".as_ptr(), 3, 0, &address_of(s), 16));
        assert_eq!(sent, 3);
    }
    let (mut from, mut length, mut data) = (sockaddr_in::default(), 20, *b"----");
    fails!(WSAEMSGSIZE, ws2_recvfrom(s, data.as_mut_ptr(), 2, 0, &mut from, &mut length));
    assert_eq!((from, length, data), (address_of(other), 16, *b"ab--"));
    let (mut received, mut flags) = (7, 0);
    let buffer = WSABUF { len: 2, buf: data.as_mut_ptr() };
    fails!(WSAEMSGSIZE, WSARecv(s, &buffer, 1, &mut received, &mut flags, null_mut(), None));
    assert_eq!((received, flags), (2, 0x8000));
}

/// Catches buffers that are sent or filled in another order, and bytes beyond what was received.
#[test]
fn several_buffers_are_one() {
    start();
    let (client, server, _) = connected();
    let mut data = *b"abcdef";
    let first = data.as_mut_ptr();
    let at = |at: usize, len| WSABUF { len, buf: first.wrapping_add(at) };
    let mut length = 0;
    let pieces = [at(4, 2), WSABUF { len: 0, buf: null_mut() }, at(0, 3)];
    assert_eq!(succeeds!(WSASend(client, pieces.as_ptr(), 3, &mut length, 0, null_mut(), None)), 0);
    assert_eq!(length, 5);
    wait_until(|| {
        let mut unread = 0;
        succeeds!(ioctlsocket(server, FIONREAD, &mut unread));
        unread == 5
    });
    let mut out = *b"----------";
    let first = out.as_mut_ptr();
    let at = |at: usize, len| WSABUF { len, buf: first.wrapping_add(at) };
    let (pieces, mut flags) = ([at(6, 4), at(0, 4)], 0);
    assert_eq!(
        succeeds!(WSARecv(server, pieces.as_ptr(), 2, &mut length, &mut flags, null_mut(), None)),
        0
    );
    assert_eq!((length, flags, out), (5, 0, *b"c-----efab"));
    fails!(WSAEINVAL, WSASend(client, pieces.as_ptr(), 0, &mut length, 0, null_mut(), None));
    fails!(
        WSAEINVAL,
        WSARecv(client, pieces.as_ptr(), 0, &mut length, &mut flags, null_mut(), None)
    );
}

/// Catches a receive that has waited for all that there is room for, and answers less.
#[test]
fn several_buffers_are_filled() {
    const MSG_WAITALL: u32 = 8;
    start();
    let (client, server, _) = connected();
    let mut out = [vec![0; 1 << 20], vec![0; 1 << 20]];
    let sender = std::thread::spawn(move || {
        let data = vec![7; 1 << 21];
        succeeds!(ws2_send(client, data.as_ptr(), 1 << 21, 0))
    });
    let pieces = out.each_mut().map(|it| WSABUF { len: 1 << 20, buf: it.as_mut_ptr() });
    let (mut length, mut flags) = (0, MSG_WAITALL);
    assert_eq!(
        succeeds!(WSARecv(server, pieces.as_ptr(), 2, &mut length, &mut flags, null_mut(), None)),
        0
    );
    assert_eq!(length, 1 << 21);
    assert!(out.iter().flatten().all(|byte| *byte == 7));
    assert_eq!(sender.join().unwrap(), 1 << 21);
}

/// Catches a set that keeps what is not ready, loses what is, or is written beyond what was in it; and a time limit
/// that is not one.
#[test]
fn select_leaves_what_is_ready() {
    start();
    let (client, server, listener) = connected();
    assert_eq!(succeeds!(ws2_send(server, [0].as_ptr(), 1, 0)), 1);
    let mut read = fd_set { count: 3, sockets: [listener, server, client] };
    let mut write = fd_set { count: 1, sockets: [client, 5, 6] };
    let mut except = fd_set { count: 1, sockets: [client; 3] };
    let ready = succeeds!(ws2_select(0, &mut read, &mut write, null_mut(), null()));
    // The byte may not have arrived yet.
    wait_until(|| {
        read = fd_set { count: 3, sockets: [listener, server, client] };
        succeeds!(ws2_select(0, &mut read, null_mut(), &mut except, null())) == 1
    });
    assert!(ready == 1 || ready == 2);
    assert_eq!((write.count, write.sockets), (1, [client, 5, 6]));
    assert_eq!((read.count, read.sockets[0]), (1, client));
    assert_eq!(except.count, 0);
    let zero = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let mut quiet = fd_set { count: 1, sockets: [server; 3] };
    assert_eq!(succeeds!(ws2_select(0, &mut quiet, null_mut(), null_mut(), &zero)), 0);
    assert_eq!((quiet.count, quiet.sockets), (0, [server; 3]));
    let mut empty = quiet;
    fails!(WSAEINVAL, ws2_select(0, &mut empty, null_mut(), &mut quiet, &zero));
    fails!(WSAEINVAL, ws2_select(0, null_mut(), null_mut(), null_mut(), &zero));
    for (tv_sec, tv_usec) in [(-1, 0), (0, -1)] {
        let time = libc::timeval { tv_sec, tv_usec };
        let mut set = fd_set { count: 1, sockets: [server; 3] };
        fails!(WSAEINVAL, ws2_select(0, &mut set, null_mut(), null_mut(), &time));
    }
    let mut garbage = fd_set { count: 0xcccc_cccc, sockets: [server; 3] };
    fails!(WSAEFAULT, ws2_select(0, &mut garbage, null_mut(), null_mut(), &zero));
    fails!(
        WSAEINVAL,
        WSAPoll([WSAPOLLFD { fd: server, events: 0, revents: 0 }].as_mut_ptr(), 0, 0)
    );
}

/// Catches a wait that ends with the wrong index, one that takes what it does not answer, and handles that are not
/// looked at.
#[test]
fn waits_are_for_one_or_all_of_up_to_64() {
    start();
    let event = |manual| succeeds!(CreateEventA(null(), manual, 0, null()));
    let (a, b, manual) = (event(0), event(0), event(1));
    assert_eq!(succeeds!(SetEvent(b)), 1);
    let all = [a, b, manual];
    let wait = |events: &[HANDLE], all, time| {
        let one = call!(WaitForMultipleObjects(events.len() as u32, events.as_ptr(), all, time));
        // A wait that times out or fails can be repeated.
        if one.0 > 64 {
            let count = events.len() as u32;
            assert_eq!(call!(WSAWaitForMultipleEvents(count, events.as_ptr(), all, time, 1)), one);
        }
        one
    };
    assert_eq!(wait(&all, 1, 0), (WAIT_TIMEOUT, None));
    assert_eq!(wait(&all, 0, INFINITE), (1, None));
    assert_eq!(wait(&all, 0, 0), (WAIT_TIMEOUT, None), "it was reset by the wait");
    for event in all {
        assert_eq!(succeeds!(WSASetEvent(event)), 1);
    }
    assert_eq!(wait(&all, 1, INFINITE), (0, None));
    assert_eq!(wait(&[manual], 0, 0), (0, None));
    assert_eq!(succeeds!(ResetEvent(manual)), 1);
    assert_eq!(succeeds!(WaitForSingleObject(manual, 1)), WAIT_TIMEOUT);
    let failed = |error| (WAIT_FAILED, Some(error));
    let s = socket(SOCK_STREAM);
    assert_eq!(wait(&[], 0, 0), failed(WsaError::WSA_INVALID_PARAMETER));
    assert_eq!(wait(&[a; 65], 0, 0), failed(WsaError::WSA_INVALID_PARAMETER));
    assert_eq!(wait(&[a, a], 1, 0), failed(WsaError::WSA_INVALID_PARAMETER));
    assert_eq!(wait(&[a; 64], 0, 0), (WAIT_TIMEOUT, None));
    for none in [0, 1, s, HANDLE::MAX] {
        assert_eq!(wait(&[a, none], 0, 0), failed(WsaError::WSA_INVALID_HANDLE));
        assert_eq!(call!(WaitForSingleObject(none, 0)), failed(WsaError::WSA_INVALID_HANDLE));
        let refused = (0, Some(WsaError::WSA_INVALID_HANDLE));
        assert_eq!(call!(SetEvent(none)), refused);
        assert_eq!(call!(WSAResetEvent(none)), refused);
        assert_eq!(call!(WSACloseEvent(none)), refused);
        if none != s {
            assert_eq!(call!(CloseHandle(none)), refused);
        }
    }
    assert_eq!(succeeds!(CloseHandle(s)), 1, "a socket is a handle");
    fails!(WSAENOTSOCK, closesocket(s));
    for event in all {
        assert_eq!(succeeds!(WSACloseEvent(event)), 1);
    }
    let refused = (0, Some(WsaError::from_code(50).unwrap()));
    assert_eq!(call!(CreateEventA(null(), 0, 0, c"name".as_ptr().cast())), refused);
    assert_eq!(call!(CreateEventW(null(), 0, 0, [b'n'.into(), 0].as_ptr())), refused);
    let signaled = succeeds!(CreateEventW(null(), 1, 1, [0].as_ptr()));
    assert_eq!(succeeds!(WaitForSingleObject(signaled, 0)), 0);
}

/// Catches a wait that does not know yet what a peer has sent before.
#[test]
fn a_wait_finds_what_came_before_it() {
    start();
    let (client, server, _) = connected();
    let event = succeeds!(WSACreateEvent());
    assert_eq!(succeeds!(WSAEventSelect(client, event, 1)), 0);
    for _ in 0..1000 {
        assert_eq!(succeeds!(ws2_send(server, [0].as_ptr(), 1, 0)), 1);
        assert_eq!(succeeds!(WaitForSingleObject(event, 0)), 0);
        let mut report = [0; 11];
        assert_eq!(succeeds!(WSAEnumNetworkEvents(client, event, &mut report)), 0);
        assert_eq!(report[0], 1);
        assert_eq!(succeeds!(ws2_recv(client, [0].as_mut_ptr(), 1, 0)), 1);
    }
}

/// Catches a command that is taken for another, one that succeeds without room for its answer, and an event that a
/// command does not re-enable.
#[test]
fn commands_have_their_input_and_output_checked() {
    start();
    let (client, ..) = connected();
    let command = |command, input: Option<&[u8]>, output: Option<&mut [u8]>| {
        let (input, input_length) = input.map_or((null(), 4), |it| (it.as_ptr(), it.len() as u32));
        let (output, room) =
            output.map_or((null_mut(), 4), |it| (it.as_mut_ptr(), it.len() as u32));
        let mut given = 77;
        let (code, error) = call!(WSAIoctl(
            client,
            command,
            input.cast(),
            input_length,
            output.cast(),
            room,
            &mut given,
            null_mut(),
            None
        ));
        assert_eq!(code, if error.is_some() { -1 } else { 0 });
        error.map_or(Ok(given), |error| if given == 77 { Err(error) } else { panic!("{given}") })
    };
    let [nonblocking, unread, mark] = [FIONBIO, FIONREAD, SIOCATMARK].map(i32::cast_unsigned);
    assert_eq!(command(nonblocking, Some(&[1, 0, 0, 0]), None), Ok(0));
    fails!(WSAEWOULDBLOCK, ws2_recv(client, [0].as_mut_ptr(), 1, 0));
    assert_eq!(command(nonblocking, Some(&[1, 0, 0]), None), Err(WsaError::WSAEFAULT));
    assert_eq!(command(nonblocking, None, None), Err(WsaError::WSAEFAULT));
    let mut number = [7; 4];
    assert_eq!((command(unread, None, Some(&mut number)), number), (Ok(4), [0; 4]));
    assert_eq!((command(mark, None, Some(&mut number)), number), (Ok(4), [1, 0, 0, 0]));
    assert_eq!(command(unread, None, Some(&mut [0; 3])), Err(WsaError::WSAEFAULT));
    assert_eq!(command(unread, None, None), Err(WsaError::WSAEFAULT));
    fails!(
        WSAEFAULT,
        WSAIoctl(
            client,
            unread,
            null(),
            0,
            number.as_mut_ptr().cast(),
            4,
            null_mut(),
            null_mut(),
            None
        )
    );
    let [qos, list, route] = [0xc800_0007, 0x2800_0017, 0x8800_0015];
    assert_eq!(command(0x1234, None, None), Err(WsaError::WSAEOPNOTSUPP));
    assert_eq!(command(qos, None, None), Err(WsaError::WSAEOPNOTSUPP));
    assert_eq!(command(list, None, None), Err(WsaError::WSAEWOULDBLOCK));
    assert_eq!(command(route, None, None), Err(WsaError::WSAEFAULT));
    // SAFETY: any bytes are bytes.
    let address = unsafe { std::mem::transmute::<sockaddr_in, [u8; 16]>(sockaddr_in::loopback(1)) };
    assert_eq!(command(route, Some(&address), None), Err(WsaError::WSAEWOULDBLOCK));
    fails!(WSAEOPNOTSUPP, ioctlsocket(client, 0x1234, null_mut()));
}

/// Catches a datagram that could not be sent, and that becomes an event and the error of the next receive.
#[test]
fn a_datagram_that_is_too_long_is_the_error_of_its_send_alone() {
    start();
    let (s, peer) = (bound(SOCK_DGRAM), bound(SOCK_DGRAM));
    let event = succeeds!(WSACreateEvent());
    assert_eq!(succeeds!(WSAEventSelect(s, event, 1)), 0);
    let bytes = [0; 65508];
    fails!(WSAEMSGSIZE, ws2_sendto(s, bytes.as_ptr(), 65508, 0, &address_of(peer), 16));
    let mut found = [0; 11];
    assert_eq!(succeeds!(WSAEnumNetworkEvents(s, event, &mut found)), 0);
    assert_eq!(found[0], 0, "FD_READ");
    fails!(WSAEWOULDBLOCK, ws2_recv(s, [0].as_mut_ptr(), 1, 0));
}
