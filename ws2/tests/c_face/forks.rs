//! Processes that fork.

use std::process;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::api::*;

/// Forks, and waits for the child to end with what `child` answers: whether all is well.
fn in_child(child: impl FnOnce() -> bool) {
    // SAFETY: the child calls the functions under test and its C library, and ends.
    match unsafe { libc::fork() } {
        -1 => panic!("no child"),
        0 => {
            // A child that hangs fails the test.
            // SAFETY: it has no conditions.
            unsafe { libc::alarm(30) };
            let code = if child() { 0 } else { 1 };
            // SAFETY: as above.
            unsafe { libc::_exit(code) };
        }
        pid => {
            let mut status = 0;
            // SAFETY: `status` is valid for the write.
            assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
            assert_eq!(status, 0, "the child failed, or was ended by a signal");
        }
    }
}

fn is_uninitialised(answer: (i32, Option<WsaError>)) -> bool {
    answer == (-1, Some(WsaError::WSANOTINITIALISED))
}

/// A connection by which something is sent and received.
fn echoes() -> bool {
    let (client, server, listener) = connected();
    let mut byte = [0];
    let sent = call!(ws2_send(client, [7].as_ptr(), 1, 0)).0;
    let received = call!(ws2_recv(server, byte.as_mut_ptr(), 1, 0)).0;
    for s in [client, server, listener] {
        assert_eq!(succeeds!(closesocket(s)), 0);
    }
    (sent, received, byte) == (1, 1, [7])
}

/// Catches a child that uses its parent's instance, which has no thread there; one that takes a lock that was locked
/// when it was forked; one that cannot start Winsock itself; and a parent that suffers from its child.
#[test]
fn a_child_begins_anew_whatever_other_threads_do_meanwhile() {
    if !is_alone("forks::a_child_begins_anew_whatever_other_threads_do_meanwhile") {
        return;
    }
    static STOP: AtomicBool = AtomicBool::new(false);
    start();
    let (client, server, _listener) = connected();
    let event = succeeds!(WSACreateEvent());
    let others = [
        thread::spawn(|| {
            while !STOP.load(Ordering::Relaxed) {
                assert!(echoes());
            }
        }),
        thread::spawn(move || {
            while !STOP.load(Ordering::Relaxed) {
                call!(SetEvent(event));
                call!(WaitForSingleObject(event, 0));
                let other = call!(WSACreateEvent()).0;
                call!(CloseHandle(other));
            }
        }),
        thread::spawn(move || {
            let mut set = fd_set { count: 1, sockets: [client; 3] };
            call!(ws2_select(0, &mut set, null_mut(), null_mut(), null()));
        }),
    ];
    for round in 0..60 {
        in_child(|| {
            let begins_anew = is_uninitialised(call!(closesocket(client)))
                && is_uninitialised(call!(ws2_send(server, [0].as_ptr(), 1, 0)))
                && is_uninitialised(call!(WSACleanup()))
                && call!(SetEvent(event)) == (0, Some(WsaError::WSA_INVALID_HANDLE));
            let own = call!(CreateEventA(null(), 1, 0, null())).0;
            call!(SetEvent(own));
            let waited = call!(WaitForSingleObject(own, INFINITE)).0 == 0;
            // Every tenth, since it takes its time.
            let starts = round % 10 != 0 || {
                start();
                echoes() && call!(WSACleanup()).0 == 0
            };
            begins_anew && waited && starts
        });
    }
    STOP.store(true, Ordering::Relaxed);
    assert_eq!(succeeds!(ws2_send(server, [0].as_ptr(), 1, 0)), 1);
    for thread in others {
        thread.join().unwrap();
    }
    assert_eq!(succeeds!(WSACleanup()), 0);
}

/// Catches a child that keeps its parent's connections open, which the parent cannot end then.
#[test]
fn a_child_keeps_no_socket_open() {
    if !is_alone("forks::a_child_keeps_no_socket_open") {
        return;
    }
    start();
    let (client, server, _listener) = connected();
    let mut pipe = [0; 2];
    // SAFETY: there is room for two descriptors.
    assert_eq!(unsafe { libc::pipe(pipe.as_mut_ptr()) }, 0);
    // SAFETY: the child only waits, and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: there is room for a byte.
        unsafe {
            libc::close(pipe[1]);
            libc::read(pipe[0], [0_u8].as_mut_ptr().cast(), 1);
            libc::_exit(0);
        }
    }
    assert_eq!(succeeds!(closesocket(server)), 0);
    let mut limit = 30_000_u32.to_ne_bytes();
    assert_eq!(succeeds!(ws2_setsockopt(client, 0xffff, 0x1006, limit.as_mut_ptr(), 4)), 0);
    let ended = call!(ws2_recv(client, [0].as_mut_ptr(), 1, 0));
    // SAFETY: the child ends when the last one that can write is closed.
    unsafe {
        libc::close(pipe[1]);
        libc::waitpid(child, null_mut(), 0);
    }
    assert_eq!(ended, (0, None), "the peer was told of the end");
    assert_eq!(process::id(), succeeds!(GetCurrentProcessId()));
}
