//! WSAStartup, WSACleanup, and what is left.

use std::ptr::{null, null_mut};

use crate::api::*;
#[cfg(target_os = "linux")]
use crate::threads::Waiting;

/// Catches the numbers compared in the wrong order (1.255 is less than 2.2), a version that is promised and not kept,
/// and an error that is the last error instead of the answer.
#[test]
fn a_program_gets_the_highest_version_that_both_know() {
    for (asked, answer, version) in [
        (0x0000, 10092, 0x0202),
        (0xff00, 10092, 0x0202),
        (0x0001, 0, 0x0001),
        (0x0101, 0, 0x0101),
        (0xff01, 0, 0x0101),
        (0x0002, 0, 0x0002),
        (0x0202, 0, 0x0202),
        (0x0302, 0, 0x0202),
        (0x0003, 0, 0x0202),
    ] {
        let mut data = Unaligned::new([0xcc_u8; 500]);
        let code = succeeds!(WSAStartup(asked, data.pointer().cast()));
        let data = data.value;
        assert_eq!((code, u16::from_ne_bytes([data[0], data[1]])), (answer, version), "{asked:#x}");
        assert_eq!(data[2..4], [2, 2]);
        let size = if usize::BITS == 64 { 408 } else { 400 };
        assert!(data[size..].iter().all(|byte| *byte == 0xcc), "more than a WSADATA was written");
        assert!(data[16..].starts_with(b"WinSock 2.0\0") || usize::BITS != 64);
    }
    assert_eq!(succeeds!(WSAStartup(0x0202, null_mut())), 10014);
}

/// Catches a call that works without WSAStartup, or that looks at its arguments first; and event objects that need it.
#[test]
fn every_call_needs_wsastartup_but_those_of_event_objects() {
    if !is_alone("startup::every_call_needs_wsastartup_but_those_of_event_objects") {
        return;
    }
    let uninitialised = || {
        fails!(WSANOTINITIALISED, WSACleanup());
        fails!(WSANOTINITIALISED, ws2_socket(-1, -1, -1));
        fails!(WSANOTINITIALISED, WSASocketA(-1, -1, -1, null(), 7, 7));
        fails!(WSANOTINITIALISED, WSASocketW(-1, -1, -1, null(), 7, 7));
        fails!(WSANOTINITIALISED, WSADuplicateSocketA(1, 1, null_mut()));
        fails!(WSANOTINITIALISED, WSADuplicateSocketW(1, 1, null_mut()));
        fails!(WSANOTINITIALISED, closesocket(1));
        fails!(WSANOTINITIALISED, ws2_bind(1, null(), 0));
        fails!(WSANOTINITIALISED, ws2_listen(1, 1));
        fails!(WSANOTINITIALISED, ws2_accept(1, null_mut(), null_mut()));
        fails!(WSANOTINITIALISED, WSAAccept(1, null_mut(), null_mut(), None, 0));
        fails!(WSANOTINITIALISED, ws2_connect(1, null(), 0));
        fails!(WSANOTINITIALISED, WSAConnect(1, null(), 0, null(), null(), null(), null()));
        fails!(WSANOTINITIALISED, ws2_shutdown(1, 9));
        fails!(WSANOTINITIALISED, ws2_getsockname(1, null_mut(), null_mut()));
        fails!(WSANOTINITIALISED, ws2_getpeername(1, null_mut(), null_mut()));
        fails!(WSANOTINITIALISED, ws2_getsockopt(1, 1, 1, null_mut(), null_mut()));
        fails!(WSANOTINITIALISED, ws2_setsockopt(1, 1, 1, null(), 0));
        fails!(WSANOTINITIALISED, ioctlsocket(1, 1, null_mut()));
        fails!(
            WSANOTINITIALISED,
            WSAIoctl(1, 1, null(), 0, null_mut(), 0, null_mut(), null_mut(), None)
        );
        fails!(WSANOTINITIALISED, ws2_send(1, null(), 1, 0));
        fails!(WSANOTINITIALISED, ws2_sendto(1, null(), 1, 0, null(), 0));
        fails!(WSANOTINITIALISED, ws2_recv(1, null_mut(), 1, 0));
        fails!(WSANOTINITIALISED, ws2_recvfrom(1, null_mut(), 1, 0, null_mut(), null_mut()));
        fails!(WSANOTINITIALISED, WSASend(1, null(), 0, null_mut(), 0, null_mut(), None));
        fails!(WSANOTINITIALISED, WSARecv(1, null(), 0, null_mut(), null_mut(), null_mut(), None));
        fails!(WSANOTINITIALISED, ws2_select(0, null_mut(), null_mut(), null_mut(), null()));
        fails!(WSANOTINITIALISED, WSAPoll(null_mut(), 0, 0));
        fails!(WSANOTINITIALISED, WSAEventSelect(1, 0, 1));
        fails!(WSANOTINITIALISED, WSAEnumNetworkEvents(1, 0, null_mut()));
        fails!(WSANOTINITIALISED, WSAAsyncSelect(1, null_mut(), 0, 0));
        fails!(WSANOTINITIALISED, ws2_gethostname(null_mut(), 0));
    };
    uninitialised();
    let event = succeeds!(WSACreateEvent());
    start();
    start();
    assert_eq!(succeeds!(WSACleanup()), 0);
    assert_eq!(succeeds!(closesocket(socket(SOCK_STREAM))), 0, "one WSAStartup is left");
    assert_eq!(succeeds!(WSASetEvent(event)), 1);
    assert_eq!(succeeds!(WSACleanup()), 0);
    uninitialised();
    assert_eq!(
        succeeds!(WaitForSingleObject(event, 0)),
        0,
        "it was set before the last WSACleanup"
    );
    assert_eq!(succeeds!(WSACloseEvent(event)), 1);
}

/// The threads and descriptors of this process.
#[cfg(target_os = "linux")]
fn left() -> [usize; 2] {
    ["/proc/self/task", "/proc/self/fd"].map(|folder| std::fs::read_dir(folder).unwrap().count())
}

/// Catches a thread or a descriptor that stays after the last WSACleanup, a socket that stays open, and a call in
/// another thread that is not ended.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_after_the_last_wsacleanup() {
    if !is_alone("startup::nothing_is_left_after_the_last_wsacleanup") {
        return;
    }
    let mut before = None;
    for _ in 0..3 {
        before.get_or_insert_with(left);
        start();
        let (client, server, listener) = connected();
        let datagrams = bound(SOCK_DGRAM);
        let waiting = [
            Waiting::in_call(move || call!(ws2_accept(listener, null_mut(), null_mut())).1),
            Waiting::in_call(move || call!(ws2_recv(client, [0].as_mut_ptr(), 1, 0)).1),
            Waiting::in_call(move || call!(ws2_recv(datagrams, [0].as_mut_ptr(), 1, 0)).1),
            Waiting::in_call(move || {
                let mut set = fd_set { count: 1, sockets: [client; 3] };
                call!(ws2_select(0, &mut set, null_mut(), null_mut(), null())).1
            }),
        ];
        let writer = socket(SOCK_STREAM);
        let selecting = Waiting::in_call(move || {
            let mut set = fd_set { count: 1, sockets: [writer; 3] };
            call!(ws2_select(0, null_mut(), &mut set, null_mut(), null())).1
        });
        assert_eq!(succeeds!(WSACleanup()), 0);
        let ended = waiting.map(Waiting::join);
        // A closed socket is readable.
        let interrupted = Some(WsaError::WSAEINTR);
        assert_eq!(ended, [interrupted, interrupted, interrupted, None]);
        assert_eq!(selecting.join(), interrupted);
        wait_until(|| Some(left()) == before);
        fails!(WSANOTINITIALISED, closesocket(server));
    }
}

/// Catches a socket that is made during the last WSACleanup, and that nobody closes.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_of_a_socket_that_is_made_meanwhile() {
    if !is_alone("startup::nothing_is_left_of_a_socket_that_is_made_meanwhile") {
        return;
    }
    let before = left();
    for _ in 0..100 {
        start();
        let makers = [(), ()].map(|()| {
            std::thread::spawn(|| while call!(ws2_socket(AF_INET, SOCK_STREAM, 0)).1.is_none() {})
        });
        std::thread::yield_now();
        assert_eq!(succeeds!(WSACleanup()), 0);
        for it in makers {
            it.join().unwrap();
        }
    }
    wait_until(|| left() == before);
}

/// A socket that lingers so many seconds, and its peer, which is none of the Winsock's sockets and receives nothing.
#[cfg(target_os = "linux")]
fn lingering(seconds: u16) -> (SOCKET, std::net::TcpStream) {
    let peer = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let s = socket(SOCK_STREAM);
    let address = sockaddr_in::loopback(peer.local_addr().unwrap().port());
    assert_eq!(succeeds!(ws2_connect(s, &address, 16)), 0);
    let (peer, _) = peer.accept().unwrap();
    fill(s);
    linger(s, seconds);
    (s, peer)
}

/// Catches a call that outlives its Winsock, and closes the sockets of the next.
#[cfg(target_os = "linux")]
#[test]
fn a_call_that_outlives_its_winsock_leaves_the_next_alone() {
    if !is_alone("startup::a_call_that_outlives_its_winsock_leaves_the_next_alone") {
        return;
    }
    start();
    let (client, _server, _listener) = connected();
    let (lingering, peer) = lingering(60);
    let closing = Waiting::in_call(move || call!(closesocket(lingering)));
    assert_eq!(succeeds!(WSACleanup()), 0);
    start();
    fails!(WSAENOTSOCK, closesocket(client));
    let next = socket(SOCK_STREAM);
    drop(peer);
    assert_eq!(closing.join(), (0, None));
    assert_eq!(succeeds!(closesocket(next)), 0);
}

/// Catches a thread that waits for an event object, and still has descriptors of the Winsock when WSACleanup returns.
#[cfg(target_os = "linux")]
#[test]
fn nothing_is_left_beside_a_thread_that_waits() {
    if !is_alone("startup::nothing_is_left_beside_a_thread_that_waits") {
        return;
    }
    let [_, descriptors] = left();
    for _ in 0..5_000 {
        start();
        let event = succeeds!(WSACreateEvent());
        let wait = Waiting::in_call(move || call!(WaitForSingleObject(event, u32::MAX)));
        assert_eq!(succeeds!(WSACleanup()), 0);
        assert_eq!(left()[1], descriptors);
        assert_eq!(succeeds!(WSASetEvent(event)), 1);
        wait.join();
        assert_eq!(succeeds!(WSACloseEvent(event)), 1);
    }
}

/// Catches a call that goes on as long as the last WSACleanup closes another socket, which lingers.
#[cfg(target_os = "linux")]
#[test]
fn the_last_wsacleanup_ends_all_calls_first() {
    if !is_alone("startup::the_last_wsacleanup_ends_all_calls_first") {
        return;
    }
    start();
    let (lingering, peer) = lingering(600);
    let datagrams = bound(SOCK_DGRAM);
    assert!(lingering < datagrams, "it is closed first");
    let (tell, told) = std::sync::mpsc::channel();
    let receiving = Waiting::in_call(move || {
        tell.send(call!(ws2_recv(datagrams, [0].as_mut_ptr(), 1, 0)).1).unwrap();
    });
    let ending = Waiting::in_call(|| call!(WSACleanup()));
    let limit = std::time::Duration::from_secs(20);
    assert_eq!(told.recv_timeout(limit), Ok(Some(WsaError::WSAEINTR)));
    drop(peer);
    assert_eq!(ending.join(), (0, None));
    receiving.join();
}
