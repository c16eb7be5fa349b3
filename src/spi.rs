//! The C boundary: WSPEventSelect and WSPEnumNetworkEvents with their exact signatures, ready for a WSPPROC_TABLE, over
//! any [`Provider`] (E9, E10).
//!
//! [`WSPEventSelect`] and [`WSPEnumNetworkEvents`] are plain C functions that get no context. Their type argument finds
//! its current instance ([`CurrentProvider`]). If your functions get a context in another way, call [`wsp_event_select`]
//! and [`wsp_enum_network_events`], which take an instance.
//!
//! No panic crosses the boundary. With `std` the call returns WSAENETDOWN. Without it a panic cannot be caught: it ends in
//! the program's panic handler, or, where panics unwind, at the C function, which aborts the process.

#[cfg(all(windows, feature = "std"))]
mod windows;

#[cfg(all(windows, feature = "std"))]
pub use windows::{lp_wsp_enum_network_events, lp_wsp_event_select};

use core::cell::Cell;
use core::ops::Deref;

use crate::error::{ProviderError, WsaError};
use crate::event::{FD_MAX_EVENTS, NetworkEvent, NetworkEvents};
use crate::handle::{SOCKET, WSAEVENT};
use crate::panics::contain;
use crate::provider::{Provider, enumerate_socket, find, select_for_socket, tell_selection};
use crate::report::Report;

/// What a failed call returns (E10).
pub const SOCKET_ERROR: i32 = -1;

/// The C struct into which a report is written: 44 bytes, aligned to 4, on every target (V2).
///
/// ```
/// use wsp_events::spi::WSANETWORKEVENTS;
///
/// assert_eq!((size_of::<WSANETWORKEVENTS>(), align_of::<WSANETWORKEVENTS>()), (44, 4));
/// ```
#[expect(non_snake_case, reason = "Winsock's own names")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct WSANETWORKEVENTS {
    /// The events of the report; a Windows `long`.
    pub lNetworkEvents: i32,
    /// The error code of each event of the report, at the index of its bit position.
    pub iErrorCode: [i32; FD_MAX_EVENTS],
}

impl WSANETWORKEVENTS {
    /// Writes a report as WSPEnumNetworkEvents does: the mask is overwritten, and the codes whose bits are in it. All
    /// other codes stay as they were (E2).
    ///
    /// ```
    /// # use wsp_events::{*, spi::WSANETWORKEVENTS};
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_CONNECT, ManualResetEvent::new())?;
    /// recorder.record(NetworkEvent::Connect, Err(WsaError::WSAECONNREFUSED));
    ///
    /// let mut out = WSANETWORKEVENTS { lNetworkEvents: -1, iErrorCode: [7; FD_MAX_EVENTS] };
    /// out.store(&recorder.enumerate()?);
    /// assert_eq!(out.lNetworkEvents, 16);
    /// assert_eq!(out.iErrorCode, [7, 7, 7, 7, 10061, 7, 7, 7, 7, 7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn store(&mut self, report: &Report) {
        // SAFETY: a reference is valid for writes of its whole referent.
        // Tested by: e2_other_elements_keep_the_callers_bytes, under `.ci/memory asan`.
        unsafe { store(report, self) }
    }

    /// Reads the struct as a switch does: the events of the mask with their outcomes, in the order of their bits. Bits that
    /// are no event are ignored, and so are codes whose bits are not in the mask (E2).
    ///
    /// ```
    /// use wsp_events::spi::WSANETWORKEVENTS;
    /// use wsp_events::{NetworkEvent, WsaError};
    ///
    /// let mut out = WSANETWORKEVENTS { lNetworkEvents: 1 + 16, ..Default::default() };
    /// out.iErrorCode[4] = 10061;
    /// let read: Vec<_> = out.iter().collect();
    /// let refused = Err(WsaError::WSAECONNREFUSED);
    /// assert_eq!(read, [(NetworkEvent::Read, Ok(())), (NetworkEvent::Connect, refused)]);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (NetworkEvent, Result<(), WsaError>)> + '_ {
        NetworkEvents::from_mask(self.lNetworkEvents)
            .members()
            .map(|event| (event, WsaError::outcome(self.iErrorCode[event.bit_position()])))
    }
}

/// # Safety
///
/// `out` is valid for writes of a WSANETWORKEVENTS. It need not be aligned or initialised.
unsafe fn store(report: &Report, out: *mut WSANETWORKEVENTS) {
    for (offset, value) in report.writes() {
        // SAFETY: the offset is that of a field of the struct, or of an element of its array; the caller guarantees that
        // `out` is valid, and the write needs no alignment.
        // Tested by: e10_a_misaligned_output_is_written, under a debug build's own checks.
        unsafe { out.byte_add(offset).cast::<i32>().write_unaligned(value) };
    }
}

/// A provider whose current instance the plain C functions can find.
///
/// ```
/// use std::sync::{Arc, RwLock};
/// # use wsp_events::*;
/// # struct MyProvider;
/// # impl Provider for MyProvider {
/// #     type EventObject = Arc<ManualResetEvent>;
/// #     type Socket<'a> = &'a NetworkEventRecorder<Self::EventObject>;
/// #     type EventObjectToReset<'a> = &'a ManualResetEvent;
/// #     fn subsystem_is_up(&self) -> bool { true }
/// #     fn find_socket(&self, _: SOCKET) -> Option<Self::Socket<'_>> { None }
/// #     fn recorder_of<'s>(s: &'s Self::Socket<'_>) -> &'s NetworkEventRecorder<Self::EventObject> { s }
/// #     fn event_object_to_select(&self, _: WSAEVENT) -> Option<Self::EventObject> { None }
/// #     fn event_object_to_reset(&self, _: WSAEVENT) -> Option<Self::EventObjectToReset<'_>> { None }
/// # }
/// use wsp_events::spi::{CurrentProvider, WSPEventSelect};
///
/// /// Set by WSPStartup, cleared by WSPCleanup.
/// static CURRENT: RwLock<Option<Arc<MyProvider>>> = RwLock::new(None);
///
/// impl CurrentProvider for MyProvider {
///     fn current() -> Option<impl std::ops::Deref<Target = Self>> {
///         CURRENT.read().unwrap().clone()
///     }
/// }
///
/// let mut errno = 0;
/// // WSPStartup was not called, so there is no subsystem.
/// let result = unsafe { WSPEventSelect::<MyProvider>(1, WSAEVENT::NULL, 0, &mut errno) };
/// assert_eq!((result, errno), (-1, 10050));
/// ```
pub trait CurrentProvider: Provider + Sized {
    /// The current instance; `None` before WSPStartup and after WSPCleanup (WSAENETDOWN).
    fn current() -> Option<impl Deref<Target = Self>>;
}

/// WSPEventSelect, over the current instance of `P`: 0, or [`SOCKET_ERROR`] with the code at `lpErrno`
/// (S1 to S9, E9, E10).
///
/// Bits of `lNetworkEvents` that are no event are dropped (S4). `lpErrno` may be null.
///
/// # Safety
///
/// `lpErrno` is null or valid for the write of an `int`; it need not be aligned. `hEventObject` names an event object that
/// the caller allows to be set and reset, or it names nothing.
///
/// ```
/// # use std::sync::Arc;
/// # use wsp_events::*;
/// # struct MyProvider;
/// # static RECORDER: NetworkEventRecorder<Arc<ManualResetEvent>> = NetworkEventRecorder::new();
/// # impl Provider for MyProvider {
/// #     type EventObject = Arc<ManualResetEvent>;
/// #     type Socket<'a> = &'a NetworkEventRecorder<Self::EventObject>;
/// #     type EventObjectToReset<'a> = &'a ManualResetEvent;
/// #     fn subsystem_is_up(&self) -> bool { true }
/// #     fn find_socket(&self, s: SOCKET) -> Option<Self::Socket<'_>> { (s == 4).then_some(&RECORDER) }
/// #     fn recorder_of<'s>(s: &'s Self::Socket<'_>) -> &'s NetworkEventRecorder<Self::EventObject> { s }
/// #     fn event_object_to_select(&self, _: WSAEVENT) -> Option<Self::EventObject> { Some(Arc::default()) }
/// #     fn event_object_to_reset(&self, _: WSAEVENT) -> Option<Self::EventObjectToReset<'_>> { None }
/// # }
/// # impl wsp_events::spi::CurrentProvider for MyProvider {
/// #     fn current() -> Option<impl std::ops::Deref<Target = Self>> { Some(&MyProvider) }
/// # }
/// use std::ptr;
/// use wsp_events::spi::{SOCKET_ERROR, WSPEventSelect};
///
/// let mut errno = 0;
/// let handle: WSAEVENT = WSAEVENT(8); // the switch's
/// // SAFETY: `errno` is valid for the write, and the provider only looks the handle up.
/// let result = unsafe { WSPEventSelect::<MyProvider>(4, handle, 0x08, &mut errno) };
/// assert_eq!((result, errno), (0, 0));
///
/// // Not a socket.
/// let result = unsafe { WSPEventSelect::<MyProvider>(5, handle, 0x08, &mut errno) };
/// assert_eq!((result, errno), (SOCKET_ERROR, 10038));
/// ```
#[expect(non_snake_case, reason = "Winsock's own names")]
pub unsafe extern "system" fn WSPEventSelect<P: CurrentProvider>(
    s: SOCKET,
    hEventObject: WSAEVENT,
    lNetworkEvents: i32,
    lpErrno: *mut i32,
) -> i32 {
    let call = |done: &Cell<bool>| {
        let provider = P::current().ok_or(WsaError::WSAENETDOWN)?;
        select(&*provider, s, hEventObject, lNetworkEvents, done)
    };
    // SAFETY: the caller guarantees `lpErrno`.
    // Tested by: e10_the_c_functions.
    unsafe { answer(lpErrno, call) }
}

/// Like [`WSPEventSelect`], over an instance.
///
/// # Safety
///
/// As for [`WSPEventSelect`].
///
/// ```
/// # use wsp_events::{Provider, SOCKET, WSAEVENT, spi::wsp_event_select};
/// fn deselect<P: Provider>(provider: &P, s: SOCKET) -> bool {
///     // SAFETY: a null pointer is allowed.
///     unsafe { wsp_event_select(provider, s, WSAEVENT::NULL, 0, std::ptr::null_mut()) == 0 }
/// }
/// ```
pub unsafe fn wsp_event_select<P: Provider + ?Sized>(
    provider: &P,
    descriptor: SOCKET,
    event: WSAEVENT,
    events: i32,
    errno: *mut i32,
) -> i32 {
    // SAFETY: the caller guarantees `errno`.
    // Tested by: e10_results_and_errno.
    unsafe { answer(errno, |done| select(provider, descriptor, event, events, done)) }
}

/// WSPEnumNetworkEvents, over the current instance of `P`: 0, or [`SOCKET_ERROR`] with the code at
/// `lpErrno` (E1 to E10).
///
/// A null `lpNetworkEvents` is WSAEINVAL; a misaligned one is written. `lpErrno` may be null.
///
/// # Safety
///
/// `lpNetworkEvents` is null or valid for the write of a [`WSANETWORKEVENTS`], and `lpErrno` is null or valid for the write
/// of an `int`. Neither need be aligned or initialised. `hEventObject` is as for [`WSPEventSelect`].
///
/// ```
/// # use std::sync::Arc;
/// # use wsp_events::*;
/// # struct MyProvider;
/// # static RECORDER: NetworkEventRecorder<Arc<ManualResetEvent>> = NetworkEventRecorder::new();
/// # impl Provider for MyProvider {
/// #     type EventObject = Arc<ManualResetEvent>;
/// #     type Socket<'a> = &'a NetworkEventRecorder<Self::EventObject>;
/// #     type EventObjectToReset<'a> = &'a ManualResetEvent;
/// #     fn subsystem_is_up(&self) -> bool { true }
/// #     fn find_socket(&self, s: SOCKET) -> Option<Self::Socket<'_>> { (s == 4).then_some(&RECORDER) }
/// #     fn recorder_of<'s>(s: &'s Self::Socket<'_>) -> &'s NetworkEventRecorder<Self::EventObject> { s }
/// #     fn event_object_to_select(&self, _: WSAEVENT) -> Option<Self::EventObject> { Some(Arc::default()) }
/// #     fn event_object_to_reset(&self, _: WSAEVENT) -> Option<Self::EventObjectToReset<'_>> { None }
/// # }
/// # impl wsp_events::spi::CurrentProvider for MyProvider {
/// #     fn current() -> Option<impl std::ops::Deref<Target = Self>> { Some(&MyProvider) }
/// # }
/// use std::ptr;
/// use wsp_events::spi::{WSANETWORKEVENTS, WSPEnumNetworkEvents};
///
/// # let socket = &RECORDER;
/// # socket.select(NetworkEvents::FD_CONNECT, Arc::default())?;
/// socket.record(NetworkEvent::Connect, Err(WsaError::WSAECONNREFUSED));
///
/// let mut out = WSANETWORKEVENTS::default();
/// let mut errno = 0;
/// // SAFETY: both pointers come from references, and a null handle is allowed.
/// let result = unsafe {
///     WSPEnumNetworkEvents::<MyProvider>(4, WSAEVENT::NULL, &mut out, &mut errno)
/// };
/// assert_eq!((result, errno), (0, 0));
/// assert_eq!((out.lNetworkEvents, out.iErrorCode[4]), (0x10, 10061));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(non_snake_case, reason = "Winsock's own names")]
pub unsafe extern "system" fn WSPEnumNetworkEvents<P: CurrentProvider>(
    s: SOCKET,
    hEventObject: WSAEVENT,
    lpNetworkEvents: *mut WSANETWORKEVENTS,
    lpErrno: *mut i32,
) -> i32 {
    let call = |done: &Cell<bool>| {
        let provider = P::current().ok_or(WsaError::WSAENETDOWN)?;
        // SAFETY: the caller guarantees `lpNetworkEvents`.
        // Tested by: e10_the_c_functions.
        unsafe { enumerate(&*provider, s, hEventObject, lpNetworkEvents, done) }
    };
    // SAFETY: the caller guarantees `lpErrno`.
    // Tested by: e10_the_c_functions.
    unsafe { answer(lpErrno, call) }
}

/// Like [`WSPEnumNetworkEvents`], over an instance.
///
/// # Safety
///
/// As for [`WSPEnumNetworkEvents`].
///
/// ```
/// # use wsp_events::{Provider, SOCKET, WSAEVENT};
/// use wsp_events::spi::{WSANETWORKEVENTS, wsp_enum_network_events};
///
/// fn events_of<P: Provider>(p: &P, s: SOCKET, event: WSAEVENT) -> Result<WSANETWORKEVENTS, i32> {
///     let mut out = WSANETWORKEVENTS::default();
///     let mut errno = 0;
///     // SAFETY: both pointers come from references.
///     match unsafe { wsp_enum_network_events(p, s, event, &mut out, &mut errno) } {
///         0 => Ok(out),
///         _ => Err(errno),
///     }
/// }
/// ```
pub unsafe fn wsp_enum_network_events<P: Provider + ?Sized>(
    provider: &P,
    descriptor: SOCKET,
    event: WSAEVENT,
    out: *mut WSANETWORKEVENTS,
    errno: *mut i32,
) -> i32 {
    // SAFETY: the caller guarantees `out`.
    // Tested by: e10_a_misaligned_output_is_written.
    let call = |done: &Cell<bool>| unsafe { enumerate(provider, descriptor, event, out, done) };
    // SAFETY: the caller guarantees `errno`.
    // Tested by: e10_results_and_errno.
    unsafe { answer(errno, call) }
}

pub(crate) fn select<P: Provider + ?Sized>(
    provider: &P,
    descriptor: SOCKET,
    event: WSAEVENT,
    events: i32,
    done: &Cell<bool>,
) -> Result<(), WsaError> {
    let socket = find(provider, descriptor).map_err(ProviderError::errno)?;
    let events = NetworkEvents::from_mask(events);
    let replaced =
        select_for_socket(provider, &socket, event, events).map_err(ProviderError::errno)?;
    done.set(true);
    // Apart, so that the provider is told even if this panics.
    _ = contain(|| drop(replaced));
    tell_selection(provider, &socket, events);
    Ok(())
}

/// # Safety
///
/// `out` is null or as for [`store`].
pub(crate) unsafe fn enumerate<P: Provider + ?Sized>(
    provider: &P,
    descriptor: SOCKET,
    event: WSAEVENT,
    out: *mut WSANETWORKEVENTS,
    done: &Cell<bool>,
) -> Result<(), WsaError> {
    let socket = find(provider, descriptor).map_err(ProviderError::errno)?;
    if out.is_null() {
        // Before anything is taken from the record (E7).
        return Err(WsaError::WSAEINVAL);
    }
    let report =
        enumerate_socket(provider, &socket, event, |_| Ok(())).map_err(ProviderError::errno)?;
    // SAFETY: `out` is not null, and the caller guarantees the rest.
    // Tested by: e10_results_and_errno, which passes null.
    unsafe { store(&report, out) };
    done.set(true);
    Ok(())
}

/// Runs a call and returns as C expects: the code is written on failure only (E10). Once the call has set `done`, it has
/// succeeded: what is dropped after that is foreign code (an event object, a socket), and a panic there changes nothing.
///
/// # Safety
///
/// `errno` is null or valid for the write of an `int`.
pub(crate) unsafe fn answer(
    errno: *mut i32,
    call: impl FnOnce(&Cell<bool>) -> Result<(), WsaError>,
) -> i32 {
    let done = Cell::new(false);
    // A panic stays on this side of the boundary. The provider's own state is its own business; the record is
    // whole (K5).
    let result = contain(|| call(&done)).unwrap_or(Err(WsaError::WSAENETDOWN));
    match result {
        Err(error) if !done.get() => {
            if !errno.is_null() {
                // SAFETY: `errno` is not null, and the caller guarantees the rest.
                // Tested by: e10_a_misaligned_errno_is_written.
                unsafe { errno.write_unaligned(error.code()) };
            }
            SOCKET_ERROR
        }
        _ => 0,
    }
}
