//! The switch, and what else the tests share: event objects, waits with a limit, and peers that are plain
//! sockets of the OS.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use std::{env, io, mem};

use socket2::{SockAddr, SockAddrStorage};
use windows_sys::Win32::Foundation::{FARPROC, HANDLE, HMODULE, WAIT_OBJECT_0, WAIT_TIMEOUT};
use windows_sys::Win32::Networking::WinSock::{
    AF_INET, FD_MAX_EVENTS, INVALID_SOCKET, LPWSPSTARTUP, SOCK_STREAM, SOCKADDR, SOCKET,
    SOCKET_ERROR, SOL_SOCKET, WSABUF, WSAEVENT, WSANETWORKEVENTS, WSPDATA, WSPPROC_TABLE,
    WSPUPCALLTABLE,
};
use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};
use windows_sys::Win32::System::Threading::{
    CreateEventW, CreateMutexW, OpenEventW, SYNCHRONIZATION_SYNCHRONIZE, WaitForMultipleObjects,
};

pub(crate) use windows_sys::Win32::Networking::WinSock::{
    FD_ACCEPT, FD_CLOSE, FD_CONNECT, FD_READ, FD_WRITE, WSAECONNREFUSED, WSAEFAULT, WSAEINTR,
    WSAEINVAL, WSAEMSGSIZE, WSAENETDOWN, WSAENOTCONN, WSAENOTSOCK, WSAESHUTDOWN, WSAEWOULDBLOCK,
};

/// What has not happened by then does not happen: only a test that fails waits that long.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// What stands, before every call, wherever the provider may write.
pub(crate) const UNTOUCHED: i32 = 0x5e5e_5e5e;

/// An answer as programs get it: the code on failure.
pub(crate) type Answer<T = ()> = Result<T, i32>;

/// Runs the tests of this process one at a time: the number of a handle that one test has closed would soon be
/// that of another's event object. Every test starts with it.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The DLL that was built with these tests.
pub(crate) fn dll() -> PathBuf {
    // This program is target/…/debug/deps/provider_dll-….exe.
    let program = env::current_exe().unwrap();
    let dll = program.parent().unwrap().with_file_name("examples").join("provider_dll.dll");
    assert!(
        dll.exists(),
        "\n\n    {} IS MISSING\n    `cargo test -p ws2` builds it, and so does \
         `cargo build -p ws2 --example provider_dll`, with the same --target, --target-dir and --profile\n",
        dll.display(),
    );
    dll
}

pub(crate) fn load(dll: &Path) -> (HMODULE, LPWSPSTARTUP) {
    let path: Vec<_> = dll.as_os_str().encode_wide().chain([0]).collect();
    // SAFETY: the path and the name end with a zero, and the DLL does nothing when it is loaded.
    unsafe {
        let library = LoadLibraryW(path.as_ptr());
        assert!(!library.is_null(), "{} cannot be loaded", dll.display());
        let entry = GetProcAddress(library, c"WSPStartup".as_ptr().cast());
        // SAFETY: in every provider the function of this name has this type.
        let entry = mem::transmute::<FARPROC, LPWSPSTARTUP>(entry);
        assert!(entry.is_some(), "{} does not export WSPStartup", dll.display());
        (library, entry)
    }
}

/// WSPStartup for version 2.2.
pub(crate) fn start(startup: LPWSPSTARTUP) -> Switch {
    let (mut data, mut table) = (WSPDATA::default(), WSPPROC_TABLE::default());
    let upcalls = WSPUPCALLTABLE::default();
    // SAFETY: both outputs are valid for the writes.
    let answer =
        unsafe { startup.unwrap()(0x0202, &raw mut data, null(), upcalls, &raw mut table) };
    assert_eq!(answer, 0);
    Switch { table }
}

/// The switch that the tests share. Its provider lives until the process ends.
pub(crate) fn switch() -> &'static Switch {
    static SWITCH: OnceLock<Switch> = OnceLock::new();
    SWITCH.get_or_init(|| start(load(&dll()).1))
}

/// Knows a provider only by its table.
pub(crate) struct Switch {
    pub(crate) table: WSPPROC_TABLE,
}

/// Calls a function of a table: what it returned, and what it left at `lpErrno`, which is its last argument. The
/// pointers among the other arguments must be valid for what the function does with them, or null.
macro_rules! call {
    ($table:expr, $function:ident, $($argument:expr),*) => {{
        let mut errno = $crate::switch::UNTOUCHED;
        let function = $table.$function.unwrap();
        // SAFETY: `errno` is valid for the write, and the arguments are as this macro asks.
        let returned = unsafe { function($($argument,)* &mut errno) };
        (returned, errno)
    }};
}
pub(crate) use call;

/// A call is a success if it does not return what stands for a failure, and then nothing is written to
/// `lpErrno` (E10).
#[track_caller]
fn answer<T: PartialEq>((returned, errno): (T, i32), failed: T) -> Answer<T> {
    if returned == failed {
        assert_ne!(errno, UNTOUCHED, "a failure without a code");
        return Err(errno);
    }
    assert_eq!(errno, UNTOUCHED, "a success writes no code");
    Ok(returned)
}

#[track_caller]
pub(crate) fn answer_zero(answered: (i32, i32)) -> Answer {
    assert_eq!(answer(answered, SOCKET_ERROR)?, 0);
    Ok(())
}

impl Switch {
    /// A socket for a stream over IPv4.
    pub(crate) fn socket(&self) -> Answer<SOCKET> {
        self.socket_of(AF_INET, SOCK_STREAM)
    }

    pub(crate) fn socket_of(&self, family: u16, kind: i32) -> Answer<SOCKET> {
        let socket = call!(self.table, lpWSPSocket, family.into(), kind, 0, null(), 0, 0);
        answer(socket, INVALID_SOCKET)
    }

    pub(crate) fn bind(&self, s: SOCKET, address: SocketAddr) -> Answer {
        let name = SockAddr::from(address);
        answer_zero(call!(self.table, lpWSPBind, s, name.as_ptr().cast(), name.len()))
    }

    pub(crate) fn get_sock_name(&self, s: SOCKET) -> Answer<SocketAddr> {
        let get = |at, length| answer_zero(call!(self.table, lpWSPGetSockName, s, at, length));
        Ok(with_name(get)?.1)
    }

    pub(crate) fn get_peer_name(&self, s: SOCKET) -> Answer<SocketAddr> {
        let get = |at, length| answer_zero(call!(self.table, lpWSPGetPeerName, s, at, length));
        Ok(with_name(get)?.1)
    }

    pub(crate) fn listen(&self, s: SOCKET) -> Answer {
        answer_zero(call!(self.table, lpWSPListen, s, 5))
    }

    pub(crate) fn connect(&self, s: SOCKET, peer: SocketAddr) -> Answer {
        let name = SockAddr::from(peer);
        let (at, length, none, no_qos) = (name.as_ptr().cast(), name.len(), null_mut(), null());
        answer_zero(call!(self.table, lpWSPConnect, s, at, length, null(), none, no_qos, no_qos))
    }

    pub(crate) fn accept(&self, s: SOCKET) -> Answer<(SOCKET, SocketAddr)> {
        with_name(|at, length| {
            answer(call!(self.table, lpWSPAccept, s, at, length, None, 0), INVALID_SOCKET)
        })
    }

    pub(crate) fn shutdown(&self, s: SOCKET, how: i32) -> Answer {
        answer_zero(call!(self.table, lpWSPShutdown, s, how))
    }

    pub(crate) fn set_option(&self, s: SOCKET, name: i32, value: &[u8]) -> Answer {
        let (at, length) = (value.as_ptr(), value.len() as i32);
        answer_zero(call!(self.table, lpWSPSetSockOpt, s, SOL_SOCKET, name, at, length))
    }

    /// An option's value, if there is room for so many bytes.
    pub(crate) fn option(&self, s: SOCKET, name: i32, room: usize) -> Answer<Vec<u8>> {
        let (mut value, mut length) = (vec![0x5e; room], room as i32);
        let at = value.as_mut_ptr();
        answer_zero(call!(self.table, lpWSPGetSockOpt, s, SOL_SOCKET, name, at, &mut length))?;
        value.truncate(length as usize);
        Ok(value)
    }

    /// An ioctl with a number and an answer: what stands there after the call, and how many bytes it is said to be.
    pub(crate) fn ioctl(&self, s: SOCKET, code: i32, number: u32) -> Answer<(i32, u32)> {
        let (mut output, mut returned) = (UNTOUCHED, 0);
        let (input, at) = ((&raw const number).cast(), (&raw mut output).cast());
        let (code, returned_at, none) = (code.cast_unsigned(), &raw mut returned, null_mut());
        let answered = call!(
            self.table,
            lpWSPIoctl,
            s,
            code,
            input,
            4,
            at,
            4,
            returned_at,
            none,
            None,
            null()
        );
        answer_zero(answered)?;
        Ok((output, returned))
    }

    pub(crate) fn close(&self, s: SOCKET) -> Answer {
        answer_zero(call!(self.table, lpWSPCloseSocket, s))
    }

    /// Sends pieces, by one call.
    pub(crate) fn send(&self, s: SOCKET, pieces: &[&[u8]]) -> Answer<usize> {
        let buffer =
            |piece: &&[u8]| WSABUF { len: piece.len() as u32, buf: piece.as_ptr().cast_mut() };
        let buffers: Vec<_> = pieces.iter().map(buffer).collect();
        let (first, count, mut sent) = (buffers.as_ptr(), buffers.len() as u32, 0);
        let (at, none) = (&mut sent, null_mut());
        answer_zero(call!(self.table, lpWSPSend, s, first, count, at, 0, none, None, null()))?;
        Ok(sent as usize)
    }

    /// Receives into pieces of this length, by one call.
    pub(crate) fn recv_pieces(&self, s: SOCKET, count: usize, length: usize) -> Answer<Vec<u8>> {
        let mut bytes = vec![0; count * length];
        let buffer = |piece: &mut [u8]| WSABUF { len: piece.len() as u32, buf: piece.as_mut_ptr() };
        let buffers: Vec<_> = bytes.chunks_mut(length).map(buffer).collect();
        let (first, count) = (buffers.as_ptr(), buffers.len() as u32);
        let (mut received, mut flags) = (0, 0);
        let (at, flags, none) = (&mut received, &mut flags, null_mut());
        answer_zero(call!(self.table, lpWSPRecv, s, first, count, at, flags, none, None, null()))?;
        bytes.truncate(received as usize);
        Ok(bytes)
    }

    pub(crate) fn recv(&self, s: SOCKET) -> Answer<Vec<u8>> {
        self.recv_pieces(s, 1, 4096)
    }

    pub(crate) fn send_to(&self, s: SOCKET, bytes: &[u8], to: SocketAddr) -> Answer<usize> {
        let buffer = WSABUF { len: bytes.len() as u32, buf: bytes.as_ptr().cast_mut() };
        let (to, mut sent) = (SockAddr::from(to), 0);
        let (first, at, none, name) =
            (&raw const buffer, &mut sent, null_mut(), to.as_ptr().cast());
        let length = to.len();
        answer_zero(call!(
            self.table,
            lpWSPSendTo,
            s,
            first,
            1,
            at,
            0,
            name,
            length,
            none,
            None,
            null()
        ))?;
        Ok(sent as usize)
    }

    /// What the call answers, what the buffer holds after it, and the sender.
    pub(crate) fn recv_from(&self, s: SOCKET, buffer: &mut [u8]) -> Answer<(usize, SocketAddr)> {
        let buffer = WSABUF { len: buffer.len() as u32, buf: buffer.as_mut_ptr() };
        let (mut received, mut flags) = (0, 0);
        let ((), from) = with_name(|name, length| {
            let (first, none) = (&raw const buffer, null_mut());
            let (at, flags) = (&mut received, &mut flags);
            answer_zero(call!(
                self.table,
                lpWSPRecvFrom,
                s,
                first,
                1,
                at,
                flags,
                name,
                length,
                none,
                None,
                null()
            ))
        })?;
        Ok((received as usize, from))
    }

    pub(crate) fn event_select(&self, s: SOCKET, event: HANDLE, events: u32) -> Answer {
        let (event, events) = (event as WSAEVENT, events.cast_signed());
        answer_zero(call!(self.table, lpWSPEventSelect, s, event, events))
    }

    /// The mask of the report and its codes. Checks that everything else is untouched (E2).
    #[track_caller]
    pub(crate) fn enumerate(&self, s: SOCKET, event: HANDLE) -> Answer<Report> {
        let mut out = UNTOUCHED_EVENTS;
        let answered = call!(self.table, lpWSPEnumNetworkEvents, s, event, &mut out);
        let (mask, codes) = (out.lNetworkEvents, out.iErrorCode);
        if let Err(error) = answer_zero(answered) {
            assert_eq!((mask, codes), (UNTOUCHED, UNTOUCHED_EVENTS.iErrorCode), "E7");
            return Err(error);
        }
        for (bit, code) in codes.into_iter().enumerate() {
            assert_eq!(code != UNTOUCHED, mask & 1 << bit != 0, "E2: {mask:#x} {codes:?}");
        }
        Ok(Report { events: mask.cast_unsigned(), codes })
    }

    /// Waits for the event object, and takes the report.
    #[track_caller]
    pub(crate) fn wait(&self, s: SOCKET, event: &Event) -> Report {
        assert_eq!(wait_for(&[event]), Some(0), "the event object is not set");
        self.enumerate(s, event.raw()).unwrap()
    }

    /// Waits until all of these have been reported, by as many reports as there are.
    #[track_caller]
    pub(crate) fn wait_for_all(&self, s: SOCKET, event: &Event, events: u32) {
        let mut reported = 0;
        while reported & events != events {
            reported |= self.wait(s, event).events;
        }
    }

    /// A socket that listens on a port of its own.
    pub(crate) fn listener(&self) -> (SOCKET, SocketAddr) {
        let s = self.socket().unwrap();
        self.bind(s, ANY_PORT).unwrap();
        self.listen(s).unwrap();
        (s, self.get_sock_name(s).unwrap())
    }

    /// A connected socket of the provider, with these events selected and FD_CONNECT reported, and its peer.
    pub(crate) fn connected(&self, event: &Event, events: u32) -> (SOCKET, TcpStream) {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let s = self.socket().unwrap();
        self.event_select(s, event.raw(), FD_CONNECT).unwrap();
        assert_eq!(self.connect(s, listener.local_addr().unwrap()), Err(WSAEWOULDBLOCK));
        assert_eq!(self.wait(s, event), Report::of(FD_CONNECT));
        let peer = listener.accept().unwrap().0;
        peer.set_read_timeout(Some(LIMIT)).unwrap();
        peer.set_write_timeout(Some(LIMIT)).unwrap();
        self.event_select(s, event.raw(), events).unwrap();
        (s, peer)
    }
}

pub(crate) const UNTOUCHED_EVENTS: WSANETWORKEVENTS =
    WSANETWORKEVENTS { lNetworkEvents: UNTOUCHED, iErrorCode: [UNTOUCHED; FD_MAX_EVENTS as usize] };

/// What a WSANETWORKEVENTS says after the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) events: u32,
    pub(crate) codes: [i32; FD_MAX_EVENTS as usize],
}

impl Report {
    /// These events, all of them successes.
    pub(crate) fn of(events: u32) -> Self {
        let code = |bit| if events >> bit & 1 == 0 { UNTOUCHED } else { 0 };
        Self { events, codes: std::array::from_fn(code) }
    }

    /// This event, with this code.
    pub(crate) fn of_error(event: u32, code: i32) -> Self {
        let mut report = Self::of(event);
        report.codes[event.trailing_zeros() as usize] = code;
        report
    }
}

pub(crate) const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

/// Makes a call that writes an address.
fn with_name<T>(
    call: impl FnOnce(*mut SOCKADDR, *mut i32) -> Answer<T>,
) -> Answer<(T, SocketAddr)> {
    let mut failed = None;
    let call = |storage: *mut SockAddrStorage, length: *mut i32| {
        call(storage.cast(), length).map_err(|code| {
            failed = Some(code);
            io::Error::from_raw_os_error(code)
        })
    };
    // SAFETY: a call that succeeds has written an address and its length.
    match unsafe { SockAddr::try_init(call) } {
        Ok((answer, name)) => {
            let address = name.as_socket().unwrap();
            assert_eq!(name.len(), SockAddr::from(address).len());
            Ok((answer, address))
        }
        Err(_) => Err(failed.unwrap()),
    }
}

/// An event object of the application: manual-reset and nonsignaled, as CreateEventW makes it. Or a handle of
/// something else.
#[derive(Debug)]
pub(crate) struct Event(OwnedHandle);

impl Event {
    fn opened(handle: HANDLE) -> Self {
        assert!(!handle.is_null());
        // SAFETY: the handle was just opened and has no other owner.
        Self(unsafe { OwnedHandle::from_raw_handle(handle) })
    }

    pub(crate) fn new() -> Self {
        // SAFETY: attributes and name are optional.
        Self::opened(unsafe { CreateEventW(null(), 1, 0, null()) })
    }

    pub(crate) fn named(name: &str) -> Self {
        // SAFETY: attributes are optional, and the name ends with a zero.
        Self::opened(unsafe { CreateEventW(null(), 1, 0, wide(name).as_ptr()) })
    }

    pub(crate) fn mutex() -> Self {
        // SAFETY: attributes and name are optional.
        Self::opened(unsafe { CreateMutexW(null(), 0, null()) })
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.try_clone().unwrap())
    }

    pub(crate) fn raw(&self) -> HANDLE {
        self.0.as_raw_handle()
    }

    pub(crate) fn is_set(&self) -> bool {
        wait_with_limit(&[self], 0).is_some()
    }

    /// Closes the handle. Its number names nothing now, and soon something else.
    pub(crate) fn close(self) -> HANDLE {
        self.raw()
    }

    /// A handle whose number names nothing for a while when it is closed before the others. Its number is the highest of
    /// a hundred: where the lowest number is given out first, and where the last closed is, the others come before it.
    pub(crate) fn highest_of_a_hundred(open: impl Fn() -> Self) -> (Self, Vec<Self>) {
        let mut events: Vec<_> = (0..100).map(|_| open()).collect();
        events.sort_by_key(Self::raw);
        (events.pop().unwrap(), events)
    }

    /// The number of a closed handle, which names nothing for a while.
    pub(crate) fn closed() -> HANDLE {
        let (event, _others) = Self::highest_of_a_hundred(Self::new);
        event.close()
    }

    /// Event objects of which one has the number of a handle that was closed after `used` had used it. Another thread
    /// of this process may get the number first (the test harness starts threads): then another handle is opened and
    /// tried.
    pub(crate) fn with_the_number_of_a_closed_handle(
        open: impl Fn() -> Self,
        used: impl Fn(HANDLE),
    ) -> Vec<Self> {
        for _ in 0..1_000 {
            let handle = open();
            used(handle.raw());
            let number = handle.close();
            let others: Vec<_> = (0..100).map(|_| Self::new()).collect();
            if others.iter().any(|other| other.raw() == number) {
                return others;
            }
        }
        panic!("no number of a closed handle was given out again");
    }

    /// Whether there is an event object of this name: as long as any handle to it is open.
    pub(crate) fn exists(name: &str) -> bool {
        // SAFETY: the name ends with a zero.
        let handle = unsafe { OpenEventW(SYNCHRONIZATION_SYNCHRONIZE, 0, wide(name).as_ptr()) };
        (!handle.is_null()).then(|| Self::opened(handle)).is_some()
    }
}

fn wide(name: &str) -> Vec<u16> {
    name.encode_utf16().chain([0]).collect()
}

/// WaitForMultipleObjects: the first of them that is set, once one is.
pub(crate) fn wait_for(events: &[&Event]) -> Option<usize> {
    wait_with_limit(events, LIMIT.as_millis() as u32)
}

fn wait_with_limit(events: &[&Event], milliseconds: u32) -> Option<usize> {
    let handles: Vec<_> = events.iter().map(|event| event.raw()).collect();
    let (count, first) = (handles.len() as u32, handles.as_ptr());
    // SAFETY: there are so many handles, all open.
    match unsafe { WaitForMultipleObjects(count, first, 0, milliseconds) } {
        WAIT_TIMEOUT => None,
        woken if woken - WAIT_OBJECT_0 < count => Some((woken - WAIT_OBJECT_0) as usize),
        other => panic!("the wait failed: {other:#x}"),
    }
}
