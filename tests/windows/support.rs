//! What the tests share: the application's side, by plain Win32 calls, and a provider behind the
//! pointers of a WSPPROC_TABLE.

use std::ops::Deref;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use windows_sys::Win32::Foundation::{DuplicateHandle, HANDLE, WAIT_OBJECT_0, WAIT_TIMEOUT};
use windows_sys::Win32::Networking::WinSock;
use windows_sys::Win32::System::Threading::{
    CreateEventW, CreateMutexW, CreateSemaphoreW, GetCurrentProcess, OpenEventW, ResetEvent,
    SYNCHRONIZATION_SYNCHRONIZE, SetEvent, WaitForSingleObject,
};

use wsp_events::spi::{
    CurrentProvider, WSANETWORKEVENTS, lp_wsp_enum_network_events, lp_wsp_event_select,
};
use wsp_events::win32::{BorrowedEvent, OwnedEvent};
use wsp_events::{
    FD_MAX_EVENTS, NetworkEventRecorder, NetworkEvents, Provider, SOCKET, SocketRef, SocketTable,
    WSAEVENT,
};

pub(crate) const READ: NetworkEvents = NetworkEvents::FD_READ;
pub(crate) const CLOSE: NetworkEvents = NetworkEvents::FD_CLOSE;
pub(crate) const NONE: NetworkEvents = NetworkEvents::empty();

/// What has not happened by then does not happen: only a test that fails waits that long.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) const FAILED_WITH_WSAEINVAL: (i32, i32) = (-1, WinSock::WSAEINVAL);
/// Zero, and nothing was written to `lpErrno`.
pub(crate) const SUCCEEDED: (i32, i32) = (0, -7);

/// Keeps the other tests of this process waiting: the number of a handle that one test has closed would
/// soon be that of another's event object. Every test that opens handles starts with it.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A handle of the application's.
#[derive(Debug)]
pub(crate) struct Handle(OwnedHandle);

impl Handle {
    fn opened(handle: HANDLE) -> Self {
        assert!(!handle.is_null());
        // SAFETY: the handle was just opened, for nobody else.
        Self(unsafe { OwnedHandle::from_raw_handle(handle) })
    }

    /// A manual-reset event object, as WSACreateEvent makes it.
    pub(crate) fn event() -> Self {
        // SAFETY: neither attributes nor a name need be given.
        Self::opened(unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) })
    }

    pub(crate) fn auto_reset_event() -> Self {
        // SAFETY: as above.
        Self::opened(unsafe { CreateEventW(ptr::null(), 0, 0, ptr::null()) })
    }

    pub(crate) fn named_event(name: &str) -> Self {
        // SAFETY: no attributes need be given, and the name ends with a zero.
        Self::opened(unsafe { CreateEventW(ptr::null(), 1, 0, wide(name).as_ptr()) })
    }

    pub(crate) fn mutex() -> Self {
        // SAFETY: neither attributes nor a name need be given.
        Self::opened(unsafe { CreateMutexW(ptr::null(), 0, ptr::null()) })
    }

    pub(crate) fn semaphore() -> Self {
        // SAFETY: as above.
        Self::opened(unsafe { CreateSemaphoreW(ptr::null(), 0, 1, ptr::null()) })
    }

    pub(crate) fn of(object: impl Into<OwnedHandle>) -> Self {
        Self(object.into())
    }

    /// The same object by a handle with these rights.
    pub(crate) fn with_rights(&self, rights: u32) -> Self {
        let mut duplicate = ptr::null_mut();
        // SAFETY: `duplicate` is valid for the write.
        unsafe {
            let process = GetCurrentProcess();
            DuplicateHandle(process, self.raw(), process, &mut duplicate, rights, 0, 0);
        }
        Self::opened(duplicate)
    }

    pub(crate) fn raw(&self) -> HANDLE {
        self.0.as_raw_handle()
    }

    pub(crate) fn is_set(&self) -> bool {
        // SAFETY: the handle is open.
        match unsafe { WaitForSingleObject(self.raw(), 0) } {
            WAIT_OBJECT_0 => true,
            WAIT_TIMEOUT => false,
            other => panic!("the wait failed: {other}"),
        }
    }

    pub(crate) fn set(&self) {
        // SAFETY: the handle is open.
        assert_ne!(unsafe { SetEvent(self.raw()) }, 0);
    }

    pub(crate) fn reset(&self) {
        // SAFETY: the handle is open.
        assert_ne!(unsafe { ResetEvent(self.raw()) }, 0);
    }

    /// Closes the handle. Its number names nothing now, and soon something else.
    pub(crate) fn close(self) -> HANDLE {
        self.raw()
    }
}

/// The number of a handle that was closed, and that names nothing for a while. It is the highest of a hundred and
/// closed first: where the lowest number is given out first, and where the last closed is, the others come before it.
pub(crate) fn closed_handle() -> HANDLE {
    let mut events: Vec<_> = (0..100).map(|_| Handle::event()).collect();
    events.sort_by_key(Handle::raw);
    events.pop().unwrap().close()
}

/// Event objects of which one has the number of a handle that was closed after `used` had used it. Another thread of
/// this process may get the number first (the test harness starts threads): then another handle is opened and tried.
pub(crate) fn with_the_number_of_a_closed_handle(
    open: impl Fn() -> Handle,
    used: impl Fn(HANDLE),
) -> Vec<Handle> {
    for _ in 0..1_000 {
        let handle = open();
        used(handle.raw());
        let number = handle.close();
        let others: Vec<_> = (0..100).map(|_| Handle::event()).collect();
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
    let event = (!handle.is_null()).then(|| Handle::opened(handle));
    event.is_some()
}

fn wide(name: &str) -> Vec<u16> {
    name.encode_utf16().chain([0]).collect()
}

pub(crate) type Recorder = NetworkEventRecorder<Arc<OwnedEvent>>;

/// A provider as a DLL would have it: one instance, Win32 handles, no table of event objects.
pub(crate) struct WinProvider {
    sockets: SocketTable<Recorder>,
}

static PROVIDER: WinProvider = WinProvider { sockets: SocketTable::new() };

impl CurrentProvider for WinProvider {
    fn current() -> Option<impl Deref<Target = Self>> {
        Some(&PROVIDER)
    }
}

impl Provider for WinProvider {
    type EventObject = Arc<OwnedEvent>;
    type Socket<'a> = SocketRef<Recorder>;
    type EventObjectToReset<'a> = BorrowedEvent<'a>;

    fn subsystem_is_up(&self) -> bool {
        true
    }

    fn find_socket(&self, descriptor: SOCKET) -> Option<SocketRef<Recorder>> {
        self.sockets.get(descriptor)
    }

    fn recorder_of(socket: &SocketRef<Recorder>) -> &Recorder {
        socket
    }

    fn event_object_to_select(&self, handle: WSAEVENT) -> Option<Arc<OwnedEvent>> {
        // SAFETY: the tests pass handles of their own, or such that name no event object.
        unsafe { OwnedEvent::duplicate_raw(handle) }.ok().map(Arc::new)
    }

    fn event_object_to_reset(&self, handle: WSAEVENT) -> Option<BorrowedEvent<'_>> {
        // SAFETY: as above.
        Some(unsafe { BorrowedEvent::borrow_raw(handle) })
    }
}

/// A new socket of the provider, or the one of an accept.
pub(crate) fn socket_of(recorder: Recorder) -> (SOCKET, SocketRef<Recorder>) {
    let descriptor = PROVIDER.sockets.insert(recorder).unwrap();
    (descriptor, PROVIDER.sockets.get(descriptor).unwrap())
}

pub(crate) fn socket() -> (SOCKET, SocketRef<Recorder>) {
    socket_of(Recorder::new())
}

/// WSPEventSelect through the procedure table: the result, and what stands at `lpErrno`, which held -7.
pub(crate) fn select(s: SOCKET, event: HANDLE, events: NetworkEvents) -> (i32, i32) {
    let call = lp_wsp_event_select::<WinProvider>().unwrap();
    let mut errno = -7;
    // SAFETY: `errno` is valid for the write.
    let result = unsafe { call(s, event as WinSock::WSAEVENT, events.mask(), &mut errno) };
    (result, errno)
}

/// WSPEnumNetworkEvents, likewise, and what it wrote over [`untouched`].
pub(crate) fn enumerate(s: SOCKET, event: HANDLE) -> (i32, i32, WSANETWORKEVENTS) {
    let call = lp_wsp_enum_network_events::<WinProvider>().unwrap();
    let mut errno = -7;
    let mut out = WinSock::WSANETWORKEVENTS::from(untouched());
    // SAFETY: both pointers are valid for the writes.
    let result = unsafe { call(s, event, &mut out, &mut errno) };
    (result, errno, out.into())
}

/// What the caller's struct holds before a call.
pub(crate) fn untouched() -> WSANETWORKEVENTS {
    WSANETWORKEVENTS { lNetworkEvents: 0x5a5a_5a5a, iErrorCode: [0x5a5a_5a5a; FD_MAX_EVENTS] }
}

/// The same after a report of these successes.
pub(crate) fn report(events: NetworkEvents) -> (i32, i32, WSANETWORKEVENTS) {
    let mut out = untouched();
    out.lNetworkEvents = events.mask();
    for event in events.members() {
        out.iErrorCode[event.bit_position()] = 0;
    }
    (SUCCEEDED.0, SUCCEEDED.1, out)
}
