//! The C boundary: WSPEventSelect and WSPEnumNetworkEvents with their exact signatures, ready to be put
//! into a WSPPROC_TABLE, over any [`Provider`] (E9, E10).
//!
//! [`WSPEventSelect`] and [`WSPEnumNetworkEvents`] are plain C functions that get no context, so their
//! type argument says where its current instance is ([`CurrentProvider`]). A provider that gets its
//! context by another way calls [`wsp_event_select`] and [`wsp_enum_network_events`], which are the same
//! over an instance.
//!
//! No panic crosses the boundary: with `std` the call answers WSAENETDOWN; without it there is no
//! unwinding, and a panic ends in the program's panic handler.

#[cfg(all(windows, feature = "std"))]
mod windows;

#[cfg(all(windows, feature = "std"))]
pub use windows::{lp_wsp_enum_network_events, lp_wsp_event_select};

use core::cell::Cell;
use core::ops::Deref;

use crate::error::{ProviderError, WsaError};
use crate::event::{FD_MAX_EVENTS, NetworkEvent, NetworkEvents};
use crate::panics::contain;
use crate::provider::{
    Provider, SOCKET, enumerate_socket, find, select_for_socket, tell_selection,
};
use crate::report::Report;
use crate::signal::WSAEVENT;

/// What a call that failed returns (E10).
pub const SOCKET_ERROR: i32 = -1;

/// The C struct that a report is written to: 44 bytes, aligned to 4, on every target (V2).
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
    /// Writes a report as WSPEnumNetworkEvents does: the mask is overwritten, and those codes whose bit
    /// is in it; the others keep what they were (E2).
    ///
    /// ```
    /// # use wsp_events::{*, spi::WSANETWORKEVENTS};
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_CONNECT, ManualResetEvent::new())?;
    /// recorder.record(NetworkEvent::Connect, Err(WsaError::WSAECONNREFUSED))?;
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

    /// Reads as a switch does: the events of the mask with their outcomes, by bit position. Bits that
    /// are no event are passed over, and so are the codes whose bit is not in the mask (E2).
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
/// `out` is valid for writes of a WSANETWORKEVENTS; it need not be aligned or initialised.
unsafe fn store(report: &Report, out: *mut WSANETWORKEVENTS) {
    // SAFETY: the fields lie inside what the caller vouches for, and the writes need no alignment.
    // Tested by: e10_a_misaligned_output_is_written, under a debug build's own checks.
    unsafe {
        (&raw mut (*out).lNetworkEvents).write_unaligned(report.events().mask());
        let codes = (&raw mut (*out).iErrorCode).cast::<i32>();
        for event in report.events().members() {
            let at = event.bit_position();
            codes.add(at).write_unaligned(report.codes[at]);
        }
    }
}

/// A provider whose instance the plain C functions can find.
///
/// ```
/// use std::sync::{Arc, RwLock};
/// # use wsp_events::*;
/// # struct MyProvider;
/// # impl Provider for MyProvider {
/// #     type Signal = Arc<ManualResetEvent>;
/// #     type Socket<'a> = &'a NetworkEventRecorder<Self::Signal>;
/// #     type ResetEvent<'a> = &'a ManualResetEvent;
/// #     fn subsystem_is_up(&self) -> bool { true }
/// #     fn socket(&self, _: SOCKET) -> Option<Self::Socket<'_>> { None }
/// #     fn recorder<'s>(s: &'s Self::Socket<'_>) -> &'s NetworkEventRecorder<Self::Signal> { s }
/// #     fn event_to_select(&self, _: WSAEVENT) -> Option<Self::Signal> { None }
/// #     fn event_to_reset(&self, _: WSAEVENT) -> Option<Self::ResetEvent<'_>> { None }
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
/// // Nothing was started up, so that there is no subsystem.
/// let result = unsafe { WSPEventSelect::<MyProvider>(1, std::ptr::null_mut(), 0, &mut errno) };
/// assert_eq!((result, errno), (-1, 10050));
/// ```
pub trait CurrentProvider: Provider + Sized {
    /// The instance that a call is for; `None` before it is there and after it has gone
    /// (WSAENETDOWN).
    fn current() -> Option<impl Deref<Target = Self>>;
}

/// WSPEventSelect, over the current instance of `P`: 0, or [`SOCKET_ERROR`] with the code at `lpErrno`
/// (S1 to S9, E9, E10).
///
/// Bits of `lNetworkEvents` that are no event are dropped (S4). A null `lpErrno` is survived.
///
/// # Safety
///
/// `lpErrno` is null or valid for the write of an `int`; it need not be aligned. `hEventObject` is a handle
/// that the caller may have set and reset, or none at all: the provider takes it for what it was given.
///
/// ```
/// # use std::sync::Arc;
/// # use wsp_events::*;
/// # struct MyProvider;
/// # static RECORDER: NetworkEventRecorder<Arc<ManualResetEvent>> = NetworkEventRecorder::new();
/// # impl Provider for MyProvider {
/// #     type Signal = Arc<ManualResetEvent>;
/// #     type Socket<'a> = &'a NetworkEventRecorder<Self::Signal>;
/// #     type ResetEvent<'a> = &'a ManualResetEvent;
/// #     fn subsystem_is_up(&self) -> bool { true }
/// #     fn socket(&self, s: SOCKET) -> Option<Self::Socket<'_>> { (s == 4).then_some(&RECORDER) }
/// #     fn recorder<'s>(s: &'s Self::Socket<'_>) -> &'s NetworkEventRecorder<Self::Signal> { s }
/// #     fn event_to_select(&self, _: WSAEVENT) -> Option<Self::Signal> { Some(Arc::default()) }
/// #     fn event_to_reset(&self, _: WSAEVENT) -> Option<Self::ResetEvent<'_>> { None }
/// # }
/// # impl wsp_events::spi::CurrentProvider for MyProvider {
/// #     fn current() -> Option<impl std::ops::Deref<Target = Self>> { Some(&MyProvider) }
/// # }
/// use std::ptr;
/// use wsp_events::spi::{SOCKET_ERROR, WSPEventSelect};
///
/// let mut errno = 0;
/// let handle: WSAEVENT = ptr::without_provenance_mut(8); // the switch's
/// // SAFETY: `errno` is valid for the write, and the handle is the provider's to look up.
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
    // SAFETY: `lpErrno` is as this function's caller vouches.
    // Tested by: e10_the_c_functions.
    unsafe { answer(lpErrno, call) }
}

/// [`WSPEventSelect`] over an instance.
///
/// # Safety
///
/// As for [`WSPEventSelect`].
///
/// ```
/// # use wsp_events::{Provider, SOCKET, spi::wsp_event_select};
/// fn deselect<P: Provider>(provider: &P, s: SOCKET) -> bool {
///     // SAFETY: a null pointer is allowed.
///     unsafe { wsp_event_select(provider, s, std::ptr::null_mut(), 0, std::ptr::null_mut()) == 0 }
/// }
/// ```
pub unsafe fn wsp_event_select<P: Provider + ?Sized>(
    provider: &P,
    descriptor: SOCKET,
    event: WSAEVENT,
    events: i32,
    errno: *mut i32,
) -> i32 {
    // SAFETY: `errno` is as this function's caller vouches.
    // Tested by: e10_results_and_errno.
    unsafe { answer(errno, |done| select(provider, descriptor, event, events, done)) }
}

/// WSPEnumNetworkEvents, over the current instance of `P`: 0, or [`SOCKET_ERROR`] with the code at
/// `lpErrno` (E1 to E10).
///
/// A null `lpNetworkEvents` is WSAEINVAL; a misaligned one is written all the same. A null `lpErrno` is
/// survived.
///
/// # Safety
///
/// `lpNetworkEvents` is null or valid for the write of a [`WSANETWORKEVENTS`], `lpErrno` null or valid
/// for the write of an `int`; neither need be aligned, nor initialised. `hEventObject` is as for
/// [`WSPEventSelect`].
///
/// ```
/// # use std::sync::Arc;
/// # use wsp_events::*;
/// # struct MyProvider;
/// # static RECORDER: NetworkEventRecorder<Arc<ManualResetEvent>> = NetworkEventRecorder::new();
/// # impl Provider for MyProvider {
/// #     type Signal = Arc<ManualResetEvent>;
/// #     type Socket<'a> = &'a NetworkEventRecorder<Self::Signal>;
/// #     type ResetEvent<'a> = &'a ManualResetEvent;
/// #     fn subsystem_is_up(&self) -> bool { true }
/// #     fn socket(&self, s: SOCKET) -> Option<Self::Socket<'_>> { (s == 4).then_some(&RECORDER) }
/// #     fn recorder<'s>(s: &'s Self::Socket<'_>) -> &'s NetworkEventRecorder<Self::Signal> { s }
/// #     fn event_to_select(&self, _: WSAEVENT) -> Option<Self::Signal> { Some(Arc::default()) }
/// #     fn event_to_reset(&self, _: WSAEVENT) -> Option<Self::ResetEvent<'_>> { None }
/// # }
/// # impl wsp_events::spi::CurrentProvider for MyProvider {
/// #     fn current() -> Option<impl std::ops::Deref<Target = Self>> { Some(&MyProvider) }
/// # }
/// use std::ptr;
/// use wsp_events::spi::{WSANETWORKEVENTS, WSPEnumNetworkEvents};
///
/// # let socket = &RECORDER;
/// # socket.select(NetworkEvents::FD_CONNECT, Arc::default())?;
/// socket.record(NetworkEvent::Connect, Err(WsaError::WSAECONNREFUSED))?;
///
/// let mut out = WSANETWORKEVENTS::default();
/// let mut errno = 0;
/// // SAFETY: both pointers come from references, and a null handle is allowed.
/// let result = unsafe {
///     WSPEnumNetworkEvents::<MyProvider>(4, ptr::null_mut(), &mut out, &mut errno)
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
        // SAFETY: `lpNetworkEvents` is as this function's caller vouches.
        // Tested by: e10_the_c_functions.
        unsafe { enumerate(&*provider, s, hEventObject, lpNetworkEvents, done) }
    };
    // SAFETY: `lpErrno` is as this function's caller vouches.
    // Tested by: e10_the_c_functions.
    unsafe { answer(lpErrno, call) }
}

/// [`WSPEnumNetworkEvents`] over an instance.
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
    // SAFETY: `out` is as this function's caller vouches.
    // Tested by: e10_a_misaligned_output_is_written.
    let call = |done: &Cell<bool>| unsafe { enumerate(provider, descriptor, event, out, done) };
    // SAFETY: `errno` is as this function's caller vouches.
    // Tested by: e10_results_and_errno.
    unsafe { answer(errno, call) }
}

fn select<P: Provider + ?Sized>(
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
unsafe fn enumerate<P: Provider + ?Sized>(
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
    let report = enumerate_socket(provider, &socket, event).map_err(ProviderError::errno)?;
    // SAFETY: `out` is not null, and as this function's caller vouches.
    // Tested by: e10_results_and_errno, which passes null.
    unsafe { store(&report, out) };
    done.set(true);
    Ok(())
}

/// Runs a call and answers as C expects: the code is written on failure only (E10). From the moment at
/// which the call says that it is done, its success stands, although what is then dropped is foreign code
/// and may panic (an event object, a socket).
///
/// # Safety
///
/// `errno` is null or valid for the write of an `int`.
unsafe fn answer(errno: *mut i32, call: impl FnOnce(&Cell<bool>) -> Result<(), WsaError>) -> i32 {
    let done = Cell::new(false);
    // A panic stays on this side of the boundary. The provider's own state is its own business; the record is
    // whole (K5).
    let result = contain(|| call(&done)).unwrap_or(Err(WsaError::WSAENETDOWN));
    match result {
        Err(error) if !done.get() => {
            if !errno.is_null() {
                // SAFETY: it is not null, and as this function's caller vouches.
                // Tested by: e10_a_misaligned_errno_is_written.
                unsafe { errno.write_unaligned(error.code()) };
            }
            SOCKET_ERROR
        }
        _ => 0,
    }
}
