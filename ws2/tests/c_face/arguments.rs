//! Bad arguments: which error comes first, and that nothing is read, written or changed before.

use std::ffi::c_void;
use std::ptr::{null, null_mut, without_provenance, without_provenance_mut};

use crate::api::*;

/// Neither of these points to memory: a small number, and what the kernel keeps to itself.
const NOWHERE: [usize; 3] = [1, 0xffff, usize::MAX - 3];

/// Catches a call that looks at its arguments before its socket.
#[test]
fn what_is_no_socket_comes_before_bad_arguments() {
    start();
    let event = succeeds!(WSACreateEvent());
    for s in [0, 1, 5, INVALID_SOCKET, 0x7fff_fffc, event] {
        fails!(WSAENOTSOCK, closesocket(s));
        fails!(WSAENOTSOCK, ws2_bind(s, null(), 0));
        fails!(WSAENOTSOCK, ws2_listen(s, 1));
        fails!(WSAENOTSOCK, ws2_accept(s, without_provenance_mut(1), null_mut()));
        fails!(WSAENOTSOCK, WSAAccept(s, null_mut(), null_mut(), Some(never), 0));
        fails!(WSAENOTSOCK, ws2_connect(s, null(), 0));
        fails!(
            WSAENOTSOCK,
            WSAConnect(s, null(), 0, without_provenance(1), null(), null(), null())
        );
        fails!(WSAENOTSOCK, ws2_shutdown(s, 9));
        fails!(WSAENOTSOCK, ws2_getsockname(s, null_mut(), null_mut()));
        fails!(WSAENOTSOCK, ws2_getpeername(s, null_mut(), null_mut()));
        fails!(WSAENOTSOCK, ws2_getsockopt(s, 1, 1, null_mut(), null_mut()));
        fails!(WSAENOTSOCK, ws2_setsockopt(s, 1, 1, null(), 0));
        fails!(WSAENOTSOCK, ioctlsocket(s, 1, null_mut()));
        fails!(WSAENOTSOCK, WSAIoctl(s, 1, null(), 0, null_mut(), 0, null_mut(), null_mut(), None));
        fails!(WSAENOTSOCK, ws2_send(s, null(), 1, 0));
        fails!(WSAENOTSOCK, ws2_sendto(s, null(), -1, 0, null(), 0));
        fails!(WSAENOTSOCK, ws2_recv(s, null_mut(), 1, 0));
        fails!(WSAENOTSOCK, ws2_recvfrom(s, null_mut(), -1, 0, null_mut(), null_mut()));
        fails!(WSAENOTSOCK, WSASend(s, null(), 0, null_mut(), 0, null_mut(), None));
        fails!(WSAENOTSOCK, WSARecv(s, null(), 0, null_mut(), null_mut(), null_mut(), None));
        fails!(WSAENOTSOCK, WSAEventSelect(s, 0, 1));
        fails!(WSAENOTSOCK, WSAEnumNetworkEvents(s, 7, null_mut()));
        fails!(WSAENOTSOCK, WSAAsyncSelect(s, null_mut(), 0, 0));
        fails!(WSAENOTSOCK, WSADuplicateSocketA(s, 0, null_mut()));
        let mut set = fd_set { count: 1, sockets: [s; 3] };
        fails!(WSAENOTSOCK, ws2_select(0, null_mut(), &mut set, null_mut(), null()));
        assert_eq!(set, fd_set { count: 1, sockets: [s; 3] }, "the set was changed");
    }
    assert_eq!(succeeds!(CloseHandle(event)), 1);
}

extern "C" fn never() {
    panic!("it is never called");
}

/// Catches a pointer that is used although it points nowhere, or although the length says that too little is there.
#[test]
fn pointers_that_point_nowhere_are_wsaefault() {
    start();
    let s = socket(SOCK_STREAM);
    let (client, _server, listener) = connected();
    let datagrams = bound(SOCK_DGRAM);
    let address = sockaddr_in::loopback(1);
    for s in [client, listener, datagrams] {
        set_nonblocking(s, 1);
    }
    let process = succeeds!(GetCurrentProcessId());
    for at in NOWHERE.into_iter().chain([0]) {
        let input = without_provenance::<u8>(at);
        let output = without_provenance_mut::<u8>(at);
        fails!(WSAEFAULT, ws2_bind(s, input.cast(), 16));
        fails!(WSAEFAULT, ws2_connect(s, input.cast(), 16));
        fails!(WSAEFAULT, ws2_send(client, input, 1, 0));
        fails!(WSAEFAULT, ws2_sendto(datagrams, input, 1, 0, &address, 16));
        fails!(WSAEFAULT, ws2_recv(client, output, 1, 0));
        fails!(WSAEFAULT, ws2_recvfrom(datagrams, output, 1, 0, null_mut(), null_mut()));
        fails!(WSAEFAULT, ws2_getsockname(listener, output.cast(), &mut 16));
        fails!(WSAEFAULT, ws2_getsockname(listener, &mut address.clone(), output.cast()));
        fails!(WSAEFAULT, ws2_getpeername(client, output.cast(), &mut 16));
        fails!(WSAEFAULT, ws2_setsockopt(s, 0xffff, 4, input, 4));
        fails!(WSAEFAULT, ws2_getsockopt(s, 0xffff, 4, output, &mut 4));
        fails!(WSAEFAULT, ws2_getsockopt(s, 0xffff, 4, [0; 4].as_mut_ptr(), output.cast()));
        fails!(WSAEFAULT, ioctlsocket(s, FIONBIO, output.cast()));
        fails!(WSAEFAULT, ioctlsocket(client, FIONREAD, output.cast()));
        fails!(WSAEFAULT, ioctlsocket(client, SIOCATMARK, output.cast()));
        fails!(WSAEFAULT, WSAPoll(output.cast(), 1, 0));
        fails!(WSAEFAULT, WSAEnumNetworkEvents(s, 0, output.cast()));
        fails!(WSAEFAULT, WSADuplicateSocketA(s, process, output.cast()));
        fails!(WSAEFAULT, WSASend(client, input.cast(), 1, &mut 0, 0, null_mut(), None));
        let buffer = WSABUF { len: 1, buf: output };
        fails!(WSAEFAULT, WSASend(client, &buffer, 1, &mut 0, 0, null_mut(), None));
        fails!(WSAEFAULT, WSARecv(client, &buffer, 1, &mut 0, &mut 0, null_mut(), None));
        let mut byte = 0;
        let buffer = WSABUF { len: 1, buf: &mut byte };
        fails!(WSAEFAULT, WSASend(client, &buffer, 1, output.cast(), 0, null_mut(), None));
        fails!(WSAEFAULT, WSARecv(client, &buffer, 1, output.cast(), &mut 0, null_mut(), None));
        fails!(WSAEFAULT, WSARecv(client, &buffer, 1, &mut 0, output.cast(), null_mut(), None));
        let failed = (WAIT_FAILED, Some(WsaError::WSA_INVALID_PARAMETER));
        assert_eq!(call!(WaitForMultipleObjects(1, input.cast(), 0, 0)), failed);
    }
    // Where a null pointer means something.
    for at in NOWHERE {
        let output = without_provenance_mut::<u8>(at);
        fails!(WSAEFAULT, ws2_select(0, output.cast(), null_mut(), null_mut(), null()));
        fails!(WSAEFAULT, ws2_sendto(datagrams, [0].as_ptr(), 1, 0, output.cast(), 16));
        fails!(WSAEFAULT, ws2_accept(listener, output.cast(), &mut 16));
        fails!(WSAEFAULT, ws2_recvfrom(datagrams, [0].as_mut_ptr(), 1, 0, output.cast(), &mut 16));
        fails!(WSAEFAULT, WSASocketA(-1, -1, -1, output.cast(), 0, 0));
        let mut set = fd_set { count: 1, sockets: [s; 3] };
        fails!(WSAEFAULT, ws2_select(0, &mut set, null_mut(), null_mut(), output.cast()));
    }
}

/// Catches a length that is believed although it is negative or too short, and an output that is written beyond it.
#[test]
fn lengths_are_checked_before_anything_happens() {
    start();
    let (client, server, listener) = connected();
    let s = socket(SOCK_STREAM);
    let address = sockaddr_in::loopback(1);
    let mut byte = [0];
    for s in [client, listener] {
        set_nonblocking(s, 1);
    }
    for length in [i32::MIN, -1, 0, 1, 15] {
        fails!(WSAEFAULT, ws2_bind(s, &address, length));
        fails!(WSAEFAULT, ws2_connect(s, &address, length));
        let datagrams = bound(SOCK_DGRAM);
        set_nonblocking(datagrams, 1);
        fails!(WSAEFAULT, ws2_sendto(datagrams, byte.as_ptr(), 1, 0, &address, length));
        let mut name = sockaddr_in { zero: [7; 8], ..address };
        let mut room = length;
        fails!(WSAEFAULT, ws2_getsockname(listener, &mut name, &mut room));
        fails!(WSAEFAULT, ws2_getpeername(client, &mut name, &mut room));
        fails!(WSAEFAULT, ws2_accept(listener, &mut name, &mut room));
        fails!(WSAEFAULT, ws2_recvfrom(datagrams, byte.as_mut_ptr(), 1, 0, &mut name, &mut room));
        assert_eq!((name, room), (sockaddr_in { zero: [7; 8], ..address }, length));
    }
    for length in [i32::MIN, -1] {
        fails!(WSAEFAULT, ws2_send(client, byte.as_ptr(), length, 0));
        fails!(WSAEFAULT, ws2_recv(client, byte.as_mut_ptr(), length, 0));
        fails!(WSAEFAULT, ws2_setsockopt(s, 0xffff, 4, byte.as_ptr(), length));
        fails!(WSAEFAULT, ws2_getsockopt(s, 0xffff, 4, byte.as_mut_ptr(), &mut length.clone()));
    }
    // No bytes are nowhere.
    assert_eq!(succeeds!(ws2_send(client, null(), 0, 0)), 0);
    // The connection that waits was not taken by the calls that failed.
    assert_eq!(succeeds!(ws2_connect(s, &address_of(listener), 16)), 0);
    fails!(WSAEFAULT, ws2_accept(listener, &mut address.clone(), &mut 15));
    let (mut peer, mut length) = (sockaddr_in::default(), 100);
    let accepted = succeeds!(ws2_accept(listener, &mut peer, &mut length));
    assert_eq!((peer, length), (address_of(s), 16));
    assert_eq!(succeeds!(ws2_send(accepted, byte.as_ptr(), 1, 0)), 1);
    // Nor was what has been sent.
    assert_eq!(succeeds!(ws2_send(server, [9].as_ptr(), 1, 0)), 1);
    set_nonblocking(client, 0);
    fails!(WSAEFAULT, ws2_recv(client, null_mut(), 1, 0));
    assert_eq!((succeeds!(ws2_recv(client, byte.as_mut_ptr(), 1, 0)), byte), (1, [9]));
}

/// Catches an address that is wanted only if both pointers are there, and one that is written if only one is.
#[test]
fn accept_and_recvfrom_need_no_address() {
    start();
    let listener = listener();
    let mut name = sockaddr_in { zero: [7; 8], ..Default::default() };
    let mut length = 16;
    for (name, length) in [(&raw mut name, null_mut()), (null_mut(), &raw mut length)] {
        let client = socket(SOCK_STREAM);
        assert_eq!(succeeds!(ws2_connect(client, &address_of(listener), 16)), 0);
        succeeds!(ws2_accept(listener, name, length));
        let datagrams = bound(SOCK_DGRAM);
        let own = address_of(datagrams);
        assert_eq!(succeeds!(ws2_sendto(datagrams, [5].as_ptr(), 1, 0, &own, 16)), 1);
        let received = ws2_recvfrom_of(datagrams, name, length);
        assert_eq!(received, 1);
    }
    assert_eq!((name, length), (sockaddr_in { zero: [7; 8], ..Default::default() }, 16));
}

fn ws2_recvfrom_of(s: SOCKET, name: *mut sockaddr_in, length: *mut i32) -> i32 {
    succeeds!(ws2_recvfrom(s, [0].as_mut_ptr(), 1, 0, name, length))
}

/// Catches a read or write that needs an aligned pointer: a debug build ends there.
#[test]
fn nothing_need_be_aligned() {
    start();
    let s = socket(SOCK_STREAM);
    assert_eq!(succeeds!(ws2_bind(s, Unaligned::new(sockaddr_in::loopback(0)).pointer(), 16)), 0);
    assert_eq!(succeeds!(ws2_listen(s, 5)), 0);
    let mut name = Unaligned::new(sockaddr_in::default());
    let mut length = Unaligned::new(16);
    assert_eq!(succeeds!(ws2_getsockname(s, name.pointer(), length.pointer())), 0);
    let client = socket(SOCK_STREAM);
    assert_eq!(succeeds!(ws2_connect(client, name.pointer(), 16)), 0);
    let server = succeeds!(ws2_accept(s, name.pointer(), length.pointer()));
    assert_eq!({ name.value }, address_of(client));
    let mut number = Unaligned::new(1_u32);
    assert_eq!(succeeds!(ioctlsocket(server, FIONBIO, number.pointer())), 0);
    assert_eq!(succeeds!(ioctlsocket(server, FIONREAD, number.pointer())), 0);
    assert_eq!(
        succeeds!(ws2_getsockopt(s, 0xffff, 0x1008, number.pointer().cast(), length.pointer())),
        0
    );
    assert_eq!(({ number.value }, { length.value }), (1, 4));
    let mut set = Unaligned::new(fd_set { count: 2, sockets: [server, client, 1] });
    let mut none = Unaligned::new(fd_set { count: 0, sockets: [0; 3] });
    let mut time = Unaligned::new(libc::timeval { tv_sec: 0, tv_usec: 0 });
    let ready =
        succeeds!(ws2_select(0, none.pointer(), set.pointer(), none.pointer(), time.pointer()));
    assert_eq!(ready, 2);
    let mut polled = Unaligned::new(WSAPOLLFD { fd: client, events: 0x10, revents: -1 });
    assert_eq!(succeeds!(WSAPoll(polled.pointer(), 1, 0)), 1);
    assert_eq!({ polled.value }, WSAPOLLFD { fd: client, events: 0x10, revents: 0x10 });
    let event = succeeds!(WSACreateEvent());
    let mut events = Unaligned::new([event; 2]);
    assert_eq!(succeeds!(WSAEventSelect(client, event, 0x3ff)), 0);
    assert_eq!(succeeds!(WaitForMultipleObjects(2, events.pointer().cast(), 0, INFINITE)), 0);
    let mut report = Unaligned::new([-1_i32; 11]);
    assert_eq!(succeeds!(WSAEnumNetworkEvents(client, event, report.pointer())), 0);
    assert_eq!({ report.value }[0], 0x12);
    let mut info = Unaligned::new([0_u8; 1000]);
    let process = succeeds!(GetCurrentProcessId());
    assert_eq!(succeeds!(WSADuplicateSocketW(client, process, info.pointer().cast())), 0);
    succeeds!(WSASocketW(-1, -1, -1, info.pointer().cast(), 0, 0));
    let mut byte = 0;
    let mut buffer = Unaligned::new(WSABUF { len: 1, buf: &mut byte });
    let sent = WSASend_one(client, buffer.pointer(), number.pointer());
    assert_eq!((sent, { number.value }), (0, 1));
}

#[allow(non_snake_case, reason = "Winsock's own name")]
fn WSASend_one(s: SOCKET, buffer: *const WSABUF, sent: *mut u32) -> i32 {
    succeeds!(WSASend(s, buffer, 1, sent, 0, null_mut(), None))
}

/// Catches a family that is taken for another, of the same length or not.
#[test]
fn addresses_are_of_the_sockets_family() {
    start();
    let s = socket(SOCK_STREAM);
    let datagrams = bound(SOCK_DGRAM);
    let v6 = succeeds!(ws2_socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP));
    let mut address = sockaddr_in6 { family: AF_INET6 as u16, ..Default::default() };
    address.address[15] = 1;
    let in6: *const sockaddr_in = (&raw const address).cast();
    for family in [0, 1, 23, 0xdead] {
        let address = sockaddr_in { family, ..sockaddr_in::loopback(9) };
        fails!(WSAEAFNOSUPPORT, ws2_bind(s, &address, 16));
        fails!(WSAEAFNOSUPPORT, ws2_connect(s, &address, 16));
        fails!(WSAEAFNOSUPPORT, ws2_sendto(datagrams, [0].as_ptr(), 1, 0, &address, 16));
        if family != 0 {
            fails!(WSAEAFNOSUPPORT, ws2_connect(datagrams, &address, 16));
        }
    }
    fails!(WSAEAFNOSUPPORT, ws2_bind(s, in6, 28));
    // Too short for this socket, whatever it is.
    fails!(WSAEFAULT, ws2_bind(v6, &sockaddr_in::loopback(0), 16));
    fails!(WSAEFAULT, ws2_bind(v6, in6, 27));
    let v4 = sockaddr_in6 { family: AF_INET as u16, ..address };
    fails!(WSAEAFNOSUPPORT, ws2_bind(v6, (&raw const v4).cast(), 28));
    assert_eq!(succeeds!(ws2_bind(v6, in6, 28)), 0);
    let mut name = sockaddr_in6::default();
    fails!(WSAEFAULT, ws2_getsockname(v6, (&raw mut name).cast(), &mut 27));
    let mut length = 28;
    assert_eq!(succeeds!(ws2_getsockname(v6, (&raw mut name).cast(), &mut length)), 0);
    let port = name.port;
    assert_ne!(port, 0);
    assert_eq!((name, length), (sockaddr_in6 { port, ..address }, 28));
}

/// Catches an overlapped operation that is made as another, and one that is refused after it was made.
#[test]
fn overlapped_operations_are_not_served() {
    start();
    let (client, server, _) = connected();
    let mut overlapped = [0_u64; 8];
    let overlapped: *mut c_void = overlapped.as_mut_ptr().cast();
    let mut byte = 0;
    let buffer = WSABUF { len: 1, buf: &mut byte };
    let mut length = 7;
    fails!(WSAEOPNOTSUPP, WSASend(client, &buffer, 1, &mut length, 0, overlapped, None));
    fails!(WSAEOPNOTSUPP, WSASend(client, &buffer, 1, &mut length, 0, null_mut(), Some(never)));
    fails!(WSAEOPNOTSUPP, WSARecv(client, &buffer, 1, &mut length, &mut 0, overlapped, None));
    fails!(
        WSAEOPNOTSUPP,
        WSAIoctl(client, 0x2800_0017, null(), 0, null_mut(), 0, &mut length, overlapped, None)
    );
    assert_eq!(length, 7);
    set_nonblocking(server, 1);
    fails!(WSAEWOULDBLOCK, ws2_recv(server, [0].as_mut_ptr(), 1, 0));
    fails!(WSAEOPNOTSUPP, WSAAccept(client, null_mut(), null_mut(), Some(never), 0));
    fails!(WSAEOPNOTSUPP, WSAConnect(client, null(), 0, overlapped, null(), null(), null()));
    fails!(WSAEOPNOTSUPP, WSAAsyncSelect(client, null_mut(), 0, 1));
}
