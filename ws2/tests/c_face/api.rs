//! The functions, declared again: by their names and C types alone.

#![allow(
    non_snake_case,
    non_camel_case_types,
    clippy::upper_case_acronyms,
    reason = "Winsock's own names"
)]
#![cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "some tests are for Linux alone"))]

use std::env;
use std::ffi::c_void;
use std::net::Ipv4Addr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use ws2 as _;
pub(crate) use wsp_events::WsaError;

pub(crate) type SOCKET = usize;
pub(crate) type HANDLE = usize;

pub(crate) const INVALID_SOCKET: SOCKET = usize::MAX;
pub(crate) const AF_INET: i32 = 2;
pub(crate) const AF_INET6: i32 = 23;
pub(crate) const SOCK_STREAM: i32 = 1;
pub(crate) const SOCK_DGRAM: i32 = 2;
pub(crate) const IPPROTO_TCP: i32 = 6;
pub(crate) const IPPROTO_UDP: i32 = 17;
pub(crate) const INFINITE: u32 = u32::MAX;
pub(crate) const WAIT_TIMEOUT: u32 = 258;
pub(crate) const WAIT_FAILED: u32 = u32::MAX;
pub(crate) const FIONBIO: i32 = 0x8004_667e_u32.cast_signed();
pub(crate) const FIONREAD: i32 = 0x4004_667f;
pub(crate) const SIOCATMARK: i32 = 0x4004_7307;

/// `sockaddr_in`, in network byte order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct sockaddr_in {
    pub(crate) family: u16,
    pub(crate) port: u16,
    pub(crate) address: u32,
    pub(crate) zero: [u8; 8],
}

impl sockaddr_in {
    pub(crate) fn loopback(port: u16) -> Self {
        let address = u32::from(Ipv4Addr::LOCALHOST).to_be();
        Self { family: AF_INET as u16, port: port.to_be(), address, zero: [0; 8] }
    }
}

/// `sockaddr_in6`, in network byte order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct sockaddr_in6 {
    pub(crate) family: u16,
    pub(crate) port: u16,
    pub(crate) flow_info: u32,
    pub(crate) address: [u8; 16],
    pub(crate) scope_id: u32,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct WSABUF {
    pub(crate) len: u32,
    pub(crate) buf: *mut u8,
}

/// With an FD_SETSIZE of three.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct fd_set {
    pub(crate) count: u32,
    pub(crate) sockets: [SOCKET; 3],
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct WSAPOLLFD {
    pub(crate) fd: SOCKET,
    pub(crate) events: i16,
    pub(crate) revents: i16,
}

#[repr(C)]
pub(crate) struct WSADATA {
    pub(crate) version: u16,
    pub(crate) high_version: u16,
    pub(crate) rest: [u64; 64],
}

/// Where a structure of unknown contents has room.
pub(crate) type Room = [u64; 100];

unsafe extern "C" {
    pub(crate) fn WSAStartup(version: u16, data: *mut WSADATA) -> i32;
    pub(crate) fn WSACleanup() -> i32;
    pub(crate) fn WSAGetLastError() -> i32;
    pub(crate) fn WSASetLastError(code: i32);
    pub(crate) fn GetLastError() -> u32;
    pub(crate) fn SetLastError(code: u32);
    pub(crate) fn GetCurrentProcessId() -> u32;
    pub(crate) fn GetTickCount() -> u32;
    pub(crate) fn Sleep(milliseconds: u32);

    pub(crate) fn ws2_socket(family: i32, kind: i32, protocol: i32) -> SOCKET;
    pub(crate) fn WSASocketA(a: i32, b: i32, c: i32, info: *const Room, g: u32, f: u32) -> SOCKET;
    pub(crate) fn WSASocketW(a: i32, b: i32, c: i32, info: *const Room, g: u32, f: u32) -> SOCKET;
    pub(crate) fn WSADuplicateSocketA(s: SOCKET, process: u32, info: *mut Room) -> i32;
    pub(crate) fn WSADuplicateSocketW(s: SOCKET, process: u32, info: *mut Room) -> i32;
    pub(crate) fn closesocket(s: SOCKET) -> i32;
    pub(crate) fn ws2_bind(s: SOCKET, name: *const sockaddr_in, length: i32) -> i32;
    pub(crate) fn ws2_listen(s: SOCKET, backlog: i32) -> i32;
    pub(crate) fn ws2_accept(s: SOCKET, name: *mut sockaddr_in, length: *mut i32) -> SOCKET;
    pub(crate) fn WSAAccept(
        s: SOCKET,
        name: *mut sockaddr_in,
        length: *mut i32,
        condition: Option<extern "C" fn()>,
        data: usize,
    ) -> SOCKET;
    pub(crate) fn ws2_connect(s: SOCKET, name: *const sockaddr_in, length: i32) -> i32;
    pub(crate) fn WSAConnect(
        s: SOCKET,
        name: *const sockaddr_in,
        length: i32,
        a: *const c_void,
        b: *const c_void,
        c: *const c_void,
        d: *const c_void,
    ) -> i32;
    pub(crate) fn ws2_shutdown(s: SOCKET, how: i32) -> i32;
    pub(crate) fn ws2_getsockname(s: SOCKET, name: *mut sockaddr_in, length: *mut i32) -> i32;
    pub(crate) fn ws2_getpeername(s: SOCKET, name: *mut sockaddr_in, length: *mut i32) -> i32;
    pub(crate) fn ws2_getsockopt(s: SOCKET, l: i32, n: i32, v: *mut u8, length: *mut i32) -> i32;
    pub(crate) fn ws2_setsockopt(s: SOCKET, l: i32, n: i32, v: *const u8, length: i32) -> i32;
    pub(crate) fn ioctlsocket(s: SOCKET, command: i32, argument: *mut u32) -> i32;
    pub(crate) fn WSAIoctl(
        s: SOCKET,
        command: u32,
        input: *const c_void,
        input_length: u32,
        output: *mut c_void,
        output_length: u32,
        given: *mut u32,
        overlapped: *mut c_void,
        routine: Option<extern "C" fn()>,
    ) -> i32;

    pub(crate) fn ws2_send(s: SOCKET, data: *const u8, length: i32, flags: i32) -> i32;
    pub(crate) fn ws2_sendto(
        s: SOCKET,
        data: *const u8,
        length: i32,
        flags: i32,
        to: *const sockaddr_in,
        to_length: i32,
    ) -> i32;
    pub(crate) fn ws2_recv(s: SOCKET, data: *mut u8, length: i32, flags: i32) -> i32;
    pub(crate) fn ws2_recvfrom(
        s: SOCKET,
        data: *mut u8,
        length: i32,
        flags: i32,
        from: *mut sockaddr_in,
        from_length: *mut i32,
    ) -> i32;
    pub(crate) fn WSASend(
        s: SOCKET,
        buffers: *const WSABUF,
        count: u32,
        sent: *mut u32,
        flags: u32,
        overlapped: *mut c_void,
        routine: Option<extern "C" fn()>,
    ) -> i32;
    pub(crate) fn WSARecv(
        s: SOCKET,
        buffers: *const WSABUF,
        count: u32,
        received: *mut u32,
        flags: *mut u32,
        overlapped: *mut c_void,
        routine: Option<extern "C" fn()>,
    ) -> i32;

    pub(crate) fn ws2_select(
        n: i32,
        read: *mut fd_set,
        write: *mut fd_set,
        except: *mut fd_set,
        time: *const libc::timeval,
    ) -> i32;
    pub(crate) fn WSAPoll(sockets: *mut WSAPOLLFD, count: u32, milliseconds: i32) -> i32;

    pub(crate) fn WSACreateEvent() -> HANDLE;
    pub(crate) fn CreateEventA(a: *const c_void, manual: i32, set: i32, name: *const u8) -> HANDLE;
    pub(crate) fn CreateEventW(a: *const c_void, manual: i32, set: i32, name: *const u16)
    -> HANDLE;
    pub(crate) fn WSASetEvent(event: HANDLE) -> i32;
    pub(crate) fn WSAResetEvent(event: HANDLE) -> i32;
    pub(crate) fn WSACloseEvent(event: HANDLE) -> i32;
    pub(crate) fn SetEvent(event: HANDLE) -> i32;
    pub(crate) fn ResetEvent(event: HANDLE) -> i32;
    pub(crate) fn CloseHandle(handle: HANDLE) -> i32;
    pub(crate) fn WaitForSingleObject(event: HANDLE, milliseconds: u32) -> u32;
    pub(crate) fn WaitForMultipleObjects(
        count: u32,
        events: *const HANDLE,
        all: i32,
        milliseconds: u32,
    ) -> u32;
    pub(crate) fn WSAWaitForMultipleEvents(
        count: u32,
        events: *const HANDLE,
        all: i32,
        milliseconds: u32,
        alertable: i32,
    ) -> u32;
    pub(crate) fn WSAEventSelect(s: SOCKET, event: HANDLE, events: i32) -> i32;
    pub(crate) fn WSAEnumNetworkEvents(s: SOCKET, event: HANDLE, out: *mut [i32; 11]) -> i32;
    pub(crate) fn WSAAsyncSelect(s: SOCKET, window: *mut c_void, message: u32, events: i32) -> i32;

    pub(crate) fn ws2_inet_addr(text: *const u8) -> u32;
    pub(crate) fn ws2_inet_ntoa(address: u32) -> *const u8;
    pub(crate) fn ws2_inet_pton(family: i32, text: *const u8, out: *mut u8) -> i32;
    pub(crate) fn ws2_inet_ntop(f: i32, address: *const u8, out: *mut u8, room: usize)
    -> *const u8;
    pub(crate) fn ws2_gethostname(name: *mut u8, length: usize) -> i32;
}

/// Makes a call, and answers what it has returned and the last error that it has left, if it has left one.
macro_rules! call {
    ($($call:tt)*) => {{
        // SAFETY: the functions need no more of their arguments than what the test is about.
        unsafe {
            crate::api::WSASetLastError(0);
            let returned = crate::api::$($call)*;
            (returned, crate::api::WsaError::from_code(crate::api::WSAGetLastError()))
        }
    }};
}
pub(crate) use call;

/// A call returns -1, INVALID_SOCKET or WAIT_FAILED, and leaves this error.
macro_rules! fails {
    ($error:ident, $($call:tt)*) => {{
        let (returned, error) = crate::api::call!($($call)*);
        let what = stringify!($($call)*);
        assert_eq!((returned.wrapping_add(1), error), (0, Some(crate::api::WsaError::$error)), "{what}");
    }};
}
pub(crate) use fails;

/// A call leaves no error. Its answer.
macro_rules! succeeds {
    ($($call:tt)*) => {{
        let (returned, error) = crate::api::call!($($call)*);
        assert_eq!(error, None, "{}: {returned:?}", stringify!($($call)*));
        returned
    }};
}
pub(crate) use succeeds;

/// Starts Winsock for a test. It is never cleaned up: tests that share the process count each other's startups.
pub(crate) fn start() {
    let mut data = WSADATA { version: 0, high_version: 0, rest: [0; 64] };
    assert_eq!(succeeds!(WSAStartup(0x0202, &mut data)), 0);
}

/// A pointer that is not aligned, to a copy of a value.
#[repr(C, packed)]
pub(crate) struct Unaligned<T: Copy> {
    byte: u8,
    pub(crate) value: T,
}

impl<T: Copy> Unaligned<T> {
    pub(crate) fn new(value: T) -> Box<Self> {
        Box::new(Self { byte: 0, value })
    }

    pub(crate) fn pointer(&mut self) -> *mut T {
        &raw mut self.value
    }
}

pub(crate) fn address_of(s: SOCKET) -> sockaddr_in {
    let (mut name, mut length) = (sockaddr_in::default(), 16);
    assert_eq!(succeeds!(ws2_getsockname(s, &mut name, &mut length)), 0);
    assert_eq!(length, 16);
    name
}

pub(crate) fn socket(kind: i32) -> SOCKET {
    succeeds!(ws2_socket(AF_INET, kind, 0))
}

pub(crate) fn bound(kind: i32) -> SOCKET {
    let s = socket(kind);
    assert_eq!(succeeds!(ws2_bind(s, &sockaddr_in::loopback(0), 16)), 0);
    s
}

pub(crate) fn listener() -> SOCKET {
    let s = bound(SOCK_STREAM);
    assert_eq!(succeeds!(ws2_listen(s, 5)), 0);
    s
}

/// Two connected sockets, and the listener that was between.
pub(crate) fn connected() -> (SOCKET, SOCKET, SOCKET) {
    let listener = listener();
    let client = socket(SOCK_STREAM);
    assert_eq!(succeeds!(ws2_connect(client, &address_of(listener), 16)), 0);
    let server = succeeds!(ws2_accept(listener, std::ptr::null_mut(), std::ptr::null_mut()));
    (client, server, listener)
}

pub(crate) fn set_nonblocking(s: SOCKET, mut on: u32) {
    assert_eq!(succeeds!(ioctlsocket(s, FIONBIO, &mut on)), 0);
}

/// Whether this process runs the test alone. If not, it starts one that does.
pub(crate) fn is_alone(test: &str) -> bool {
    const VARIABLE: &str = "WS2_TEST_ALONE";
    if env::var_os(VARIABLE).is_some() {
        return true;
    }
    let mut alone = Command::new(env::current_exe().unwrap());
    let output = alone.args([test, "--exact", "--nocapture"]).env(VARIABLE, "").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    false
}

/// Waits for something that must happen.
pub(crate) fn wait_until(mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "it did not happen");
        thread::yield_now();
    }
}

/// Sends until there is no room.
#[cfg(target_os = "linux")]
pub(crate) fn fill(s: SOCKET) {
    let bytes = [0; 1 << 16];
    set_nonblocking(s, 1);
    while call!(ws2_send(s, bytes.as_ptr(), 1 << 16, 0)).0 > 0 {}
    set_nonblocking(s, 0);
}

/// SO_LINGER: closesocket waits until the peer has received everything.
#[cfg(target_os = "linux")]
pub(crate) fn linger(s: SOCKET, seconds: u16) {
    let [low, high] = seconds.to_ne_bytes();
    let [on, off] = 1_u16.to_ne_bytes();
    assert_eq!(succeeds!(ws2_setsockopt(s, 0xffff, 0x80, [on, off, low, high].as_ptr(), 4)), 0);
}
