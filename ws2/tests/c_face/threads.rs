//! Threads that wait in a call, and those that end there. Only Linux says whether a thread waits.

use std::ffi::c_void;
use std::fs;
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use crate::api::*;

/// Waits until a thread sleeps, which it does in the call that it makes next.
fn wait_until_asleep(thread: libc::pid_t) {
    wait_until(|| {
        let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap();
        stat.rsplit(") ").next().unwrap().starts_with('S')
    });
}

fn this_thread() -> libc::pid_t {
    // SAFETY: it has no conditions.
    unsafe { libc::gettid() }
}

/// A thread that waits in a call.
pub(crate) struct Waiting<R>(JoinHandle<R>);

impl<R: Send + 'static> Waiting<R> {
    pub(crate) fn in_call(call: impl FnOnce() -> R + Send + 'static) -> Self {
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            tell.send(this_thread()).unwrap();
            call()
        });
        wait_until_asleep(told.recv().unwrap());
        Self(thread)
    }

    pub(crate) fn join(self) -> R {
        self.0.join().unwrap()
    }
}

unsafe extern "C-unwind" {
    fn pthread_cancel(thread: libc::pthread_t) -> i32;
    fn pthread_testcancel();
}

/// What a thread of C's does: a call on a socket or an event object.
type Call = extern "C" fn(*mut c_void);

/// Starts a thread as C does, waits until it waits, and cancels it. Then the call is ended, and the thread with it.
fn cancel_in(call: Call, argument: usize, end_call: impl FnOnce()) {
    struct Start {
        call: Call,
        argument: usize,
        tell: mpsc::Sender<libc::pid_t>,
    }
    extern "C-unwind" fn run(start: *mut c_void) -> *mut c_void {
        // SAFETY: it comes from the box below.
        let Start { call, argument, tell } = *unsafe { Box::from_raw(start.cast::<Start>()) };
        tell.send(this_thread()).unwrap();
        drop(tell);
        call(argument as *mut c_void);
        // Nothing of Rust's is left here when the thread ends.
        // SAFETY: as the comment says.
        unsafe { pthread_testcancel() };
        null_mut()
    }

    let (tell, told) = mpsc::channel();
    let start = Box::into_raw(Box::new(Start { call, argument, tell }));
    type Run = extern "C" fn(*mut c_void) -> *mut c_void;
    // SAFETY: the C library expects a function that may unwind; `libc` does not say so.
    let run = unsafe {
        std::mem::transmute::<extern "C-unwind" fn(*mut c_void) -> *mut c_void, Run>(run)
    };
    let mut thread = MaybeUninit::uninit();
    // SAFETY: the function gets what it expects.
    let thread = unsafe {
        assert_eq!(libc::pthread_create(thread.as_mut_ptr(), null(), run, start.cast()), 0);
        thread.assume_init()
    };
    wait_until_asleep(told.recv().unwrap());
    let mut answer = null_mut();
    // SAFETY: the thread was not joined yet.
    unsafe {
        assert_eq!(pthread_cancel(thread), 0);
    }
    end_call();
    // SAFETY: as above.
    unsafe { assert_eq!(libc::pthread_join(thread, &mut answer), 0) };
    assert_eq!(answer as isize, -1, "PTHREAD_CANCELED");
}

extern "C" fn accepts(s: *mut c_void) {
    call!(ws2_accept(s as SOCKET, null_mut(), null_mut()));
}

extern "C" fn receives(s: *mut c_void) {
    call!(ws2_recv(s as SOCKET, [0].as_mut_ptr(), 1, 0));
}

extern "C" fn sends(s: *mut c_void) {
    let bytes = [0; 1 << 16];
    while call!(ws2_send(s as SOCKET, bytes.as_ptr(), 1 << 16, 0)).0 > 0 {}
}

extern "C" fn selects(s: *mut c_void) {
    let mut set = fd_set { count: 1, sockets: [s as SOCKET; 3] };
    call!(ws2_select(0, &mut set, null_mut(), null_mut(), null()));
}

extern "C" fn waits(event: *mut c_void) {
    call!(WaitForSingleObject(event as HANDLE, INFINITE));
}

/// Catches a thread that ends inside a call, with a lock or with what it has taken.
#[test]
fn a_thread_that_is_cancelled_inside_a_call_leaves_everything_usable() {
    start();
    let (client, server, listener) = connected();
    let event = succeeds!(CreateEventA(null(), 0, 0, null()));
    let connects = || {
        let next = socket(SOCK_STREAM);
        assert_eq!(succeeds!(ws2_connect(next, &address_of(listener), 16)), 0);
    };
    let peer_sends = || assert_eq!(succeeds!(ws2_send(server, [1].as_ptr(), 1, 0)), 1);
    for _ in 0..3 {
        cancel_in(accepts, listener, connects);
        cancel_in(receives, client, peer_sends);
        cancel_in(selects, client, peer_sends);
        assert_eq!(succeeds!(ws2_recv(client, [0].as_mut_ptr(), 1, 0)), 1);
        cancel_in(waits, event, || assert_eq!(succeeds!(SetEvent(event)), 1));
    }
    cancel_in(sends, client, || assert_eq!(succeeds!(closesocket(client)), 0));
    connects();
    assert_ne!(succeeds!(ws2_accept(listener, null_mut(), null_mut())), INVALID_SOCKET);
}

/// Catches a closesocket that leaves another thread waiting, and one that ends the calls on a duplicate.
#[test]
fn closesocket_ends_the_calls_that_wait() {
    start();
    let (client, _server, listener) = connected();
    let accepting = Waiting::in_call(move || call!(ws2_accept(listener, null_mut(), null_mut())));
    let receiving = Waiting::in_call(move || call!(ws2_recv(client, [0].as_mut_ptr(), 1, 0)));
    assert_eq!(succeeds!(closesocket(listener)), 0);
    assert_eq!(succeeds!(closesocket(client)), 0);
    assert_eq!(accepting.join(), (INVALID_SOCKET, Some(WsaError::WSAEINTR)));
    assert_eq!(receiving.join(), (-1, Some(WsaError::WSAEINTR)));
}

/// Catches a last error that threads share.
#[test]
fn each_thread_has_its_last_error() {
    start();
    fails!(WSAENOTSOCK, closesocket(1));
    let other = thread::spawn(|| {
        // SAFETY: it has no conditions.
        assert_eq!(unsafe { WSAGetLastError() }, 0);
        // SAFETY: as above.
        unsafe { SetLastError(0x8000_0001) };
        // SAFETY: as above.
        assert_eq!(unsafe { (GetLastError(), WSAGetLastError()) }, (0x8000_0001, -0x7fff_ffff));
    });
    other.join().unwrap();
    // SAFETY: as above.
    assert_eq!(unsafe { GetLastError() }, 10038);
}

/// Catches a select that looks only at what is read, and waits for ever for a socket that another thread has closed.
#[test]
fn closesocket_ends_every_select() {
    start();
    for set in [1, 2] {
        let s = socket(SOCK_STREAM);
        let selecting = Waiting::in_call(move || {
            let mut sets = [fd_set { count: 1, sockets: [s; 3] }; 3];
            let [_, write, except] = &mut sets;
            let (write, except): (*mut _, *mut _) =
                if set == 1 { (write, null_mut()) } else { (null_mut(), except) };
            call!(ws2_select(0, null_mut(), write, except, null()))
        });
        assert_eq!(succeeds!(closesocket(s)), 0);
        assert_eq!(selecting.join(), (-1, Some(WsaError::WSAENOTSOCK)));
    }
}

/// Catches an attempt to connect that fails at once, and whose end only its own thread learns.
#[test]
fn a_connect_that_fails_at_once_ends_a_select() {
    start();
    let s = succeeds!(ws2_socket(AF_INET6, SOCK_STREAM, 0));
    set_nonblocking(s, 1);
    let selecting = Waiting::in_call(move || {
        let mut set = fd_set { count: 1, sockets: [s; 3] };
        call!(ws2_select(0, null_mut(), null_mut(), &mut set, null()))
    });
    // A socket for IPv6 alone reaches no address of IPv4.
    let mut address = [0; 16];
    address[10..].copy_from_slice(&[0xff, 0xff, 127, 0, 0, 1]);
    let port = 9_u16.to_be();
    let peer = sockaddr_in6 { family: AF_INET6 as u16, port, address, ..Default::default() };
    fails!(WSAEWOULDBLOCK, ws2_connect(s, (&raw const peer).cast(), size_of_val(&peer) as i32));
    assert_eq!(selecting.join(), (1, None));
}

/// Catches a close that waits for its peer before it ends the calls of other threads.
#[test]
fn a_closesocket_that_lingers_ends_the_calls_first() {
    start();
    let (client, server, _listener) = connected();
    fill(client);
    let receiving = Waiting::in_call(move || call!(ws2_recv(client, [0].as_mut_ptr(), 1, 0)));
    linger(client, 60);
    let closing = Waiting::in_call(move || call!(closesocket(client)));
    assert_eq!(receiving.join(), (-1, Some(WsaError::WSAEINTR)));
    assert_eq!(succeeds!(closesocket(server)), 0);
    assert_eq!(closing.join(), (0, None));
}

/// Catches a time limit of receives or sends that ends a call which neither receives nor sends.
#[test]
fn accept_and_connect_have_no_time_limit() {
    start();
    let listener = bound(SOCK_STREAM);
    // Linux lets one connection more wait, and the next attempt too.
    assert_eq!(succeeds!(ws2_listen(listener, 0)), 0);
    let limited = || {
        let s = socket(SOCK_STREAM);
        limit(s);
        s
    };
    limit(listener);
    let accepting = Waiting::in_call(move || call!(ws2_accept(listener, null_mut(), null_mut())).1);
    thread::sleep(LIMIT * 3);
    let connect = move |s| call!(ws2_connect(s, &address_of(listener), 16)).1;
    assert_eq!(connect(limited()), None);
    assert_eq!(accepting.join(), None);
    assert_eq!(connect(limited()), None);
    let s = limited();
    let connecting = Waiting::in_call(move || connect(s));
    thread::sleep(LIMIT * 3);
    assert_eq!(succeeds!(closesocket(s)), 0);
    assert_eq!(connecting.join(), Some(WsaError::WSAEINTR));
}

const LIMIT: std::time::Duration = std::time::Duration::from_millis(50);

/// SO_RCVTIMEO and SO_SNDTIMEO.
fn limit(s: SOCKET) {
    let milliseconds = LIMIT.as_millis() as u32;
    for name in [0x1006, 0x1005] {
        let value = milliseconds.to_ne_bytes();
        assert_eq!(succeeds!(ws2_setsockopt(s, 0xffff, name, value.as_ptr(), 4)), 0);
    }
}
