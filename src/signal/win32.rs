//! Win32 event objects: [`OwnedEvent`] for a selection to keep, [`BorrowedEvent`] for an enumeration to reset. On Windows,
//! with the feature `std`.
//!
//! A WSAEVENT is the handle of a Win32 event object. It belongs to the application, which may close it while it is
//! selected; the selection continues (P2). So a selection keeps a duplicate of the handle, an [`OwnedEvent`]. An accepted
//! socket needs its own reference (S8), and duplicating a handle again can fail, so a provider's [`Provider::EventObject`] is
//! `Arc<OwnedEvent>`. An enumeration uses the handle only during the call: a [`BorrowedEvent`], which costs nothing.
//!
//! # Handles from outside
//!
//! Windows checks a handle whenever it is used: a stale one is an error, not undefined behaviour. But the number of a
//! closed handle may be reused, and then name an event object whose owner relies on nobody else setting it. For example, a
//! program reads the buffer of an overlapped operation when its event object is set. This is the I/O safety of
//! [`std::os::windows::io`], and it is handled as there. A function that takes a [`BorrowedHandle`] is safe, since its
//! creator guarantees the handle. A function that takes a bare [`WSAEVENT`] is `unsafe`. It requires less than
//! [`BorrowedHandle::borrow_raw`], because a provider cannot know whether the application has closed the handle: it is
//! enough that the handle *was given* to the provider for this use.
//!
//! ```
//! use std::os::windows::io::AsRawHandle;
//! use std::sync::Arc;
//! use wsp_events::win32::{BorrowedEvent, OwnedEvent};
//! use wsp_events::{
//!     NetworkEvent, NetworkEventRecorder, NetworkEvents, Provider, SOCKET, SocketRef, SocketTable,
//!     WSAEVENT, enum_network_events, event_select,
//! };
//!
//! type Socket = NetworkEventRecorder<Arc<OwnedEvent>>;
//!
//! struct MyProvider {
//!     sockets: SocketTable<Socket>,
//! }
//!
//! impl Provider for MyProvider {
//!     type EventObject = Arc<OwnedEvent>;
//!     type Socket<'a> = SocketRef<Socket>;
//!     type EventObjectToReset<'a> = BorrowedEvent<'a>;
//!
//!     fn subsystem_is_up(&self) -> bool {
//!         true
//!     }
//!     fn find_socket(&self, s: SOCKET) -> Option<SocketRef<Socket>> {
//!         self.sockets.get(s)
//!     }
//!     fn recorder_of(socket: &SocketRef<Socket>) -> &Socket {
//!         socket
//!     }
//!     fn event_object_to_select(&self, event: WSAEVENT) -> Option<Arc<OwnedEvent>> {
//!         // SAFETY: the switch gave the handle to WSPEventSelect, to be set.
//!         unsafe { OwnedEvent::duplicate_raw(event) }.ok().map(Arc::new)
//!     }
//!     fn event_object_to_reset(&self, event: WSAEVENT) -> Option<BorrowedEvent<'_>> {
//!         // SAFETY: the switch gave the handle to WSPEnumNetworkEvents, to be reset.
//!         Some(unsafe { BorrowedEvent::borrow_raw(event) })
//!     }
//! }
//!
//! let provider = MyProvider { sockets: SocketTable::new() };
//! let s = provider.sockets.insert(Socket::new())?;
//! let event = OwnedEvent::new()?; // the application's: CreateEvent, or WSACreateEvent
//!
//! let handle = event.as_raw_handle().into();
//! event_select(&provider, s, handle, NetworkEvents::FD_ACCEPT)?;
//! provider.sockets.get(s).unwrap().record(NetworkEvent::Accept, Ok(()));
//! let report = enum_network_events(&provider, s, handle)?;
//! assert_eq!(report.to_string(), "FD_ACCEPT: success");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Provider::EventObject`]: crate::Provider::EventObject

use core::marker::PhantomData;
use core::sync::atomic::{Ordering, fence};
use core::{ptr, slice};
use std::os::windows::io::{
    AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle, RawHandle,
};

use thiserror::Error;
use windows_sys::Wdk::Foundation::{
    NtQueryObject, OBJECT_INFORMATION_CLASS, ObjectBasicInformation, ObjectTypeInformation,
};
use windows_sys::Win32::Foundation::{
    DUPLICATE_SAME_ACCESS, DuplicateHandle, FALSE, GetLastError, HANDLE, STATUS_SUCCESS, TRUE,
};
use windows_sys::Win32::System::Threading::{
    CreateEventW, EVENT_MODIFY_STATE, GetCurrentProcess, ResetEvent, SetEvent,
};
use windows_sys::Win32::System::WindowsProgramming::{
    PUBLIC_OBJECT_BASIC_INFORMATION, PUBLIC_OBJECT_TYPE_INFORMATION,
};

use super::EventSignal;
use crate::error::{SignalError, WsaError};
use crate::handle::WSAEVENT;

/// An event object of Windows, by a handle of its own that is closed on drop.
///
/// A selection keeps one (P2): [`duplicate_raw`](Self::duplicate_raw) of the WSAEVENT that was passed to WSPEventSelect.
/// It may be manual-reset or auto-reset (S4); [`guide::auto_reset`] says what an application gets that selects the latter.
///
/// [`guide::auto_reset`]: crate::guide::auto_reset
///
/// ```
/// use std::sync::Arc;
/// use wsp_events::win32::OwnedEvent;
/// use wsp_events::{NetworkEvent, NetworkEventRecorder, NetworkEvents, Wake};
///
/// let event = Arc::new(OwnedEvent::new()?);
/// let recorder = NetworkEventRecorder::new();
/// recorder.select(NetworkEvents::FD_READ, Arc::clone(&event))?;
///
/// assert_eq!(recorder.record(NetworkEvent::Read, Ok(())).wake, Wake::Set);
/// assert_eq!(recorder.enumerate_and_reset(&event)?.events(), NetworkEvents::FD_READ);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct OwnedEvent(OwnedHandle);

impl OwnedEvent {
    /// A new event object: manual-reset, nonsignaled, without a name, not inherited by child processes.
    ///
    /// # Errors
    ///
    /// CreateEvent's, with its Win32 code.
    ///
    /// ```
    /// use std::os::windows::io::AsRawHandle;
    /// use windows_sys::Win32::Foundation::{WAIT_OBJECT_0, WAIT_TIMEOUT};
    /// use windows_sys::Win32::System::Threading::WaitForSingleObject;
    /// use wsp_events::{EventSignal, win32::OwnedEvent};
    ///
    /// let event = OwnedEvent::new()?;
    /// let wait = || unsafe { WaitForSingleObject(event.as_raw_handle(), 0) };
    /// assert_eq!(wait(), WAIT_TIMEOUT);
    /// event.set_event()?;
    /// assert_eq!((wait(), wait()), (WAIT_OBJECT_0, WAIT_OBJECT_0));
    /// # Ok::<(), wsp_events::SignalError>(())
    /// ```
    pub fn new() -> Result<Self, SignalError> {
        // SAFETY: attributes and name may be null.
        // Tested by: s4_our_own_event_object_is_one_that_can_be_selected.
        let handle = unsafe { CreateEventW(ptr::null(), TRUE, FALSE, ptr::null()) };
        if handle.is_null() {
            return Err(last_error());
        }
        // SAFETY: the handle was just opened, and nothing else owns it.
        // Tested by: p2_no_handle_is_leaked.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    /// The same event object, by a new handle with the same access rights.
    ///
    /// # Errors
    ///
    /// [`InvalidEvent`], which becomes WSAEINVAL (S4).
    ///
    /// ```
    /// use std::os::windows::io::AsHandle;
    /// use wsp_events::win32::{InvalidEvent, OwnedEvent};
    ///
    /// let event = OwnedEvent::new()?;
    /// OwnedEvent::duplicate(event.as_handle())?;
    ///
    /// let thread = std::thread::spawn(|| ());
    /// let refused = OwnedEvent::duplicate(thread.as_handle());
    /// assert_eq!(refused.unwrap_err(), InvalidEvent::NotAnEvent);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn duplicate(handle: BorrowedHandle<'_>) -> Result<Self, InvalidEvent> {
        // SAFETY: the creator of the `BorrowedHandle` guarantees it.
        // Tested by: p2_no_handle_is_leaked.
        unsafe { Self::duplicate_raw(handle.as_raw_handle().into()) }
    }

    /// Like [`duplicate`](Self::duplicate), for a handle without guarantees: a WSAEVENT as it is passed to WSPEventSelect.
    /// It may be anything, such as null or a closed handle.
    ///
    /// # Errors
    ///
    /// As for [`duplicate`](Self::duplicate).
    ///
    /// # Safety
    ///
    /// The handle was given to the caller as an event object to set and reset. It need not be valid, but it must not be a
    /// number that the caller has made up.
    ///
    /// ```
    /// use std::os::windows::io::AsRawHandle;
    /// use wsp_events::WsaError;
    /// use wsp_events::win32::{InvalidEvent, OwnedEvent};
    ///
    /// let event = OwnedEvent::new()?;
    /// // SAFETY: the event object is our own.
    /// let duplicate = unsafe { OwnedEvent::duplicate_raw(event.as_raw_handle().into()) }?;
    /// assert_ne!(duplicate.as_raw_handle(), event.as_raw_handle());
    ///
    /// // SAFETY: null names no object.
    /// let refused = unsafe { OwnedEvent::duplicate_raw(wsp_events::WSAEVENT::NULL) }.unwrap_err();
    /// assert!(matches!(refused, InvalidEvent::Handle(_)));
    /// assert_eq!(refused.errno(), WsaError::WSAEINVAL);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub unsafe fn duplicate_raw(handle: WSAEVENT) -> Result<Self, InvalidEvent> {
        let mut duplicate = ptr::null_mut();
        // SAFETY: `duplicate` is valid for the write, and Windows rejects an invalid handle.
        // Tested by: s4_what_is_no_handle_is_refused.
        let duplicated = unsafe {
            let process = GetCurrentProcess();
            let access = DUPLICATE_SAME_ACCESS;
            DuplicateHandle(process, handle.into(), process, &mut duplicate, 0, FALSE, access)
        };
        if duplicated == FALSE {
            return Err(InvalidEvent::Handle(last_error()));
        }
        // SAFETY: the handle was just opened, and nothing else owns it.
        // Tested by: p2_no_handle_is_leaked.
        let duplicate = unsafe { OwnedHandle::from_raw_handle(duplicate) };
        // Check the duplicate, not the original: nobody can close it between the check and the use.
        check(&duplicate)?;
        Ok(Self(duplicate))
    }
}

/// SetEvent and ResetEvent.
impl EventSignal for OwnedEvent {
    fn set_event(&self) -> Result<(), SignalError> {
        BorrowedEvent::from(self.as_handle()).set_event()
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        BorrowedEvent::from(self.as_handle()).reset_event()
    }
}

/// To wait for it.
impl AsHandle for OwnedEvent {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.0.as_handle()
    }
}

/// The WSAEVENT.
impl AsRawHandle for OwnedEvent {
    fn as_raw_handle(&self) -> RawHandle {
        self.0.as_raw_handle()
    }
}

/// The handle, no longer closed when the event is dropped.
impl From<OwnedEvent> for OwnedHandle {
    fn from(event: OwnedEvent) -> Self {
        event.0
    }
}

/// An event object of Windows by somebody else's handle, for the duration of a call: what WSPEnumNetworkEvents resets (E6).
///
/// Nothing is opened, queried or closed for it, and no check is needed. If the handle is null, closed or not an event
/// object's, ResetEvent fails, and then the enumeration fails and changes nothing (E7). An auto-reset event object can be
/// reset like any other.
///
/// ```
/// use std::os::windows::io::AsHandle;
/// use wsp_events::win32::{BorrowedEvent, OwnedEvent};
/// use wsp_events::NetworkEventRecorder;
///
/// let event = OwnedEvent::new()?;
/// let recorder = NetworkEventRecorder::<OwnedEvent>::new();
/// let report = recorder.enumerate_and_reset(&BorrowedEvent::from(event.as_handle()))?;
/// assert!(report.events().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BorrowedEvent<'a> {
    /// As a number. It is never dereferenced.
    handle: usize,
    borrowed: PhantomData<BorrowedHandle<'a>>,
}

impl BorrowedEvent<'_> {
    /// An event object by a handle without guarantees: a WSAEVENT as it is passed to WSPEnumNetworkEvents.
    ///
    /// # Safety
    ///
    /// The handle was given to the caller as an event object to reset (or to set, if it is used for that). It need not be
    /// valid, but it must not be a number that the caller has made up.
    ///
    /// ```
    /// use wsp_events::win32::BorrowedEvent;
    /// use wsp_events::{EventSignal, SignalError};
    ///
    /// // SAFETY: null names no object.
    /// let event = unsafe { BorrowedEvent::borrow_raw(wsp_events::WSAEVENT::NULL) };
    /// let invalid_handle = SignalError::from_os_code(6);
    /// assert_eq!(event.reset_event(), Err(invalid_handle));
    /// ```
    #[must_use]
    pub unsafe fn borrow_raw(handle: WSAEVENT) -> Self {
        Self { handle: handle.0, borrowed: PhantomData }
    }
}

/// SetEvent and ResetEvent. They fail with ERROR_INVALID_HANDLE if the handle is not an event object's, and with
/// ERROR_ACCESS_DENIED if it lacks EVENT_MODIFY_STATE.
impl EventSignal for BorrowedEvent<'_> {
    fn set_event(&self) -> Result<(), SignalError> {
        order();
        // SAFETY: the handle was given for this, and Windows rejects one that is not an event object's.
        // Tested by: r6_a_set_that_fails_is_owed.
        answer(unsafe { SetEvent(self.as_raw_handle()) })
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        // SAFETY: the handle was given for this, and Windows rejects one that is not an event object's.
        // Tested by: e7_a_reset_that_fails_changes_nothing.
        let result = answer(unsafe { ResetEvent(self.as_raw_handle()) });
        order();
        result
    }
}

/// The fence before every SetEvent and after every ResetEvent, which meets the requirement of [`EventSignal`].
///
/// Windows may return from SetEvent without a lock when it reads that a manual-reset event object is signaled.
/// Such a SetEvent orders nothing by itself. With the fences, one of the two threads sees the other's write. One
/// fence comes first in the single order of all `SeqCst` fences. If it is the setter's, the thread that has reset
/// sees what was done before the set. If it is the resetter's, SetEvent reads the event object after that reset,
/// finds it nonsignaled, and signals it: the reset has not wiped this set out.
fn order() {
    fence(Ordering::SeqCst);
}

/// An event object by a guaranteed handle.
impl<'a> From<BorrowedHandle<'a>> for BorrowedEvent<'a> {
    fn from(handle: BorrowedHandle<'a>) -> Self {
        Self { handle: handle.as_raw_handle().addr(), borrowed: PhantomData }
    }
}

/// The WSAEVENT.
impl AsRawHandle for BorrowedEvent<'_> {
    fn as_raw_handle(&self) -> RawHandle {
        ptr::without_provenance_mut(self.handle)
    }
}

/// Why a handle cannot be selected (S4).
///
/// ```
/// use wsp_events::WsaError;
/// use wsp_events::win32::InvalidEvent;
///
/// let refused = InvalidEvent::NotAnEvent;
/// assert_eq!(refused.errno(), WsaError::WSAEINVAL);
/// assert_eq!(refused.to_string(), "the handle is not an event object's (WSAEINVAL)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum InvalidEvent {
    /// DuplicateHandle failed, with this Win32 code: the handle is null, closed, or never was one.
    #[error("the handle is not valid: OS error {} (WSAEINVAL)", .0.os_code())]
    Handle(SignalError),
    /// The handle of something else: a socket, a mutex, a thread, the process itself.
    #[error("the handle is not an event object's (WSAEINVAL)")]
    NotAnEvent,
    /// The handle lacks EVENT_MODIFY_STATE, so the event object could never be set.
    #[error("the handle does not permit setting the event object (WSAEINVAL)")]
    NotSettable,
}

impl InvalidEvent {
    /// The code for `lpErrno`: WSAEINVAL (S4, E9).
    ///
    /// ```
    /// # use wsp_events::{WsaError, win32::InvalidEvent};
    /// assert_eq!(InvalidEvent::NotAnEvent.errno(), WsaError::WSAEINVAL);
    /// ```
    #[must_use]
    pub const fn errno(self) -> WsaError {
        WsaError::WSAEINVAL
    }
}

/// Its code for `lpErrno` (E9), so that `?` works in a function that returns an [`Outcome`](crate::Outcome).
impl From<InvalidEvent> for WsaError {
    fn from(error: InvalidEvent) -> Self {
        error.errno()
    }
}

/// Checks that a handle is an event object's and permits setting it (S4). The event object may be auto-reset.
fn check(handle: &OwnedHandle) -> Result<(), InvalidEvent> {
    let handle = handle.as_raw_handle();
    if !is_event(handle) {
        return Err(InvalidEvent::NotAnEvent);
    }
    let mut basic = PUBLIC_OBJECT_BASIC_INFORMATION::default();
    // SAFETY: the struct belongs to the information class.
    // Tested by: s4_the_handle_must_give_the_right_to_set.
    let known = unsafe { query(handle, ObjectBasicInformation, &mut basic) };
    if known && basic.GrantedAccess & EVENT_MODIFY_STATE == 0 {
        return Err(InvalidEvent::NotSettable);
    }
    Ok(())
}

/// Whether the type of the handle's object is named "Event".
fn is_event(handle: HANDLE) -> bool {
    /// The struct, and room behind it for the name that it points to. For a longer name, which is not "Event", the query
    /// fails.
    #[repr(C)]
    struct Type {
        information: PUBLIC_OBJECT_TYPE_INFORMATION,
        name: [u16; 32],
    }
    let mut object = Type { information: Default::default(), name: [0; 32] };
    // SAFETY: the struct belongs to the information class.
    // Tested by: s4_what_is_no_event_object_is_refused.
    let known = unsafe { query(handle, ObjectTypeInformation, &mut object) };
    let name = object.information.TypeName;
    if !known || name.Buffer.is_null() {
        return false;
    }
    // SAFETY: the query has succeeded, so the name points to `Length` bytes inside `object`.
    // Tested by: s4_what_is_no_event_object_is_refused.
    let name = unsafe { slice::from_raw_parts(name.Buffer, usize::from(name.Length) / 2) };
    name.iter().copied().eq("Event".encode_utf16())
}

/// NtQueryObject; whether it succeeded.
///
/// # Safety
///
/// `T` is the C struct of the information class, perhaps with room behind it.
unsafe fn query<T>(handle: HANDLE, class: OBJECT_INFORMATION_CLASS, information: &mut T) -> bool {
    let size = const { size_of::<T>() as u32 };
    let information = (&raw mut *information).cast();
    // SAFETY: the reference is valid for writes of `size` bytes; the pointer to the returned length may be null.
    // Tested by: s4_the_handle_must_give_the_right_to_set.
    STATUS_SUCCESS == unsafe { NtQueryObject(handle, class, information, size, ptr::null_mut()) }
}

fn answer(result: windows_sys::core::BOOL) -> Result<(), SignalError> {
    if result == FALSE { Err(last_error()) } else { Ok(()) }
}

fn last_error() -> SignalError {
    // SAFETY: it only reads a number of this thread.
    // Tested by: r6_a_set_that_fails_is_owed.
    SignalError::from_os_code(unsafe { GetLastError() }.cast_signed())
}
