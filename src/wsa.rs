//! The pair as programs call it: WSAEventSelect and WSAEnumNetworkEvents with their exact signatures, for a ws2_32
//! look-alike or a PE runtime, over any [`Provider`] (E11).
//!
//! They do what the functions of [`spi`] do, and differ in their errors:
//!
//! | | [`spi`] | here |
//! |---|---|---|
//! | the code of a failed call | is written to `lpErrno` | becomes the thread's last error ([`LookAlike::set_last_error`]) |
//! | there is no provider | WSAENETDOWN | WSANOTINITIALISED |
//! | `lpNetworkEvents` is null | WSAEINVAL | WSAEFAULT |
//!
//! [`WSAEventSelect`] and [`WSAEnumNetworkEvents`] are C functions that get no context. Their type argument finds its
//! current instance. If your functions get a context in another way, or keep the last error in it, call
//! [`wsa_event_select`] and [`wsa_enum_network_events`]: they take an instance and return the code. If the program has a
//! memory of its own, as in an emulator, call [`wsa_enum_network_events_with`].
//!
//! No panic crosses the boundary, as described at [`spi`].

use core::cell::Cell;
use core::ops::Deref;

use crate::error::{ProviderError, WsaError};
use crate::handle::{SOCKET, WSAEVENT};
use crate::panics::contain;
use crate::provider::{Provider, enumerate_socket, find};
use crate::report::Report;
use crate::spi;

pub use crate::spi::{SOCKET_ERROR, WSANETWORKEVENTS};

/// A Winsock as programs see it: a provider that WSAStartup starts, with an error code for each thread.
///
/// ```
/// use std::cell::Cell;
/// use std::ops::Deref;
/// use std::sync::{Arc, RwLock};
/// # use wsp_events::*;
/// # struct MyWinsock;
/// # impl Provider for MyWinsock {
/// #     type EventObject = Arc<ManualResetEvent>;
/// #     type Socket<'a> = &'a NetworkEventRecorder<Self::EventObject>;
/// #     type EventObjectToReset<'a> = &'a ManualResetEvent;
/// #     fn subsystem_is_up(&self) -> bool { true }
/// #     fn find_socket(&self, _: SOCKET) -> Option<Self::Socket<'_>> { None }
/// #     fn recorder_of<'s>(s: &'s Self::Socket<'_>) -> &'s NetworkEventRecorder<Self::EventObject> { s }
/// #     fn event_object_to_select(&self, _: WSAEVENT) -> Option<Self::EventObject> { None }
/// #     fn event_object_to_reset(&self, _: WSAEVENT) -> Option<Self::EventObjectToReset<'_>> { None }
/// # }
/// use wsp_events::wsa::{LookAlike, WSAEventSelect};
///
/// /// Set by the first WSAStartup, cleared by the last WSACleanup.
/// static CURRENT: RwLock<Option<Arc<MyWinsock>>> = RwLock::new(None);
///
/// thread_local! {
///     /// What WSAGetLastError returns.
///     static LAST_ERROR: Cell<i32> = const { Cell::new(0) };
/// }
///
/// impl LookAlike for MyWinsock {
///     fn current() -> Option<impl Deref<Target = Self>> {
///         CURRENT.read().unwrap().clone()
///     }
///     fn set_last_error(error: WsaError) {
///         LAST_ERROR.set(error.code());
///     }
/// }
///
/// // WSAStartup was not called.
/// let result = unsafe { WSAEventSelect::<MyWinsock>(4, WSAEVENT::NULL, 0) };
/// assert_eq!((result, LAST_ERROR.get()), (-1, WsaError::WSANOTINITIALISED.code()));
/// ```
pub trait LookAlike: Provider + Sized {
    /// The current instance; `None` before WSAStartup and after the last WSACleanup (WSANOTINITIALISED).
    fn current() -> Option<impl Deref<Target = Self>>;

    /// WSASetLastError: what WSAGetLastError returns on the calling thread from now on.
    ///
    /// Called once for each call that fails, after everything that the call used has been dropped, and not for a call
    /// that succeeds. A panic in it is contained like any other; the call returns [`SOCKET_ERROR`] all the same.
    fn set_last_error(error: WsaError);
}

/// WSAEventSelect, over the current instance of `P`: 0, or [`SOCKET_ERROR`] with the code as the last error (S1 to S9,
/// E11).
///
/// Bits of `lNetworkEvents` that are no event are dropped (S4).
///
/// # Safety
///
/// `hEventObject` names an event object that the caller allows to be set and reset, or it names nothing.
///
/// ```
/// # use std::cell::Cell;
/// # use std::sync::Arc;
/// # use wsp_events::*;
/// # struct MyWinsock;
/// # static RECORDER: NetworkEventRecorder<Arc<ManualResetEvent>> = NetworkEventRecorder::new();
/// # thread_local! { static LAST_ERROR: Cell<i32> = const { Cell::new(0) }; }
/// # impl Provider for MyWinsock {
/// #     type EventObject = Arc<ManualResetEvent>;
/// #     type Socket<'a> = &'a NetworkEventRecorder<Self::EventObject>;
/// #     type EventObjectToReset<'a> = &'a ManualResetEvent;
/// #     fn subsystem_is_up(&self) -> bool { true }
/// #     fn find_socket(&self, s: SOCKET) -> Option<Self::Socket<'_>> { (s == 4).then_some(&RECORDER) }
/// #     fn recorder_of<'s>(s: &'s Self::Socket<'_>) -> &'s NetworkEventRecorder<Self::EventObject> { s }
/// #     fn event_object_to_select(&self, _: WSAEVENT) -> Option<Self::EventObject> { Some(Arc::default()) }
/// #     fn event_object_to_reset(&self, _: WSAEVENT) -> Option<Self::EventObjectToReset<'_>> { None }
/// # }
/// # impl wsp_events::wsa::LookAlike for MyWinsock {
/// #     fn current() -> Option<impl std::ops::Deref<Target = Self>> { Some(&MyWinsock) }
/// #     fn set_last_error(error: WsaError) { LAST_ERROR.set(error.code()) }
/// # }
/// use wsp_events::wsa::{self, SOCKET_ERROR};
///
/// /// The function that programs call, in the calling convention that they are compiled for.
/// #[allow(non_snake_case)]
/// pub unsafe extern "C" fn WSAEventSelect(s: SOCKET, event: WSAEVENT, events: i32) -> i32 {
///     // SAFETY: the program has passed the handle, to be set and reset.
///     unsafe { wsa::WSAEventSelect::<MyWinsock>(s, event, events) }
/// }
///
/// let event = WSAEVENT(8); // the program's
/// // SAFETY: the provider only looks the handle up.
/// unsafe {
///     assert_eq!(WSAEventSelect(4, event, 0x08), 0);
///     assert_eq!(WSAEventSelect(5, event, 0x08), SOCKET_ERROR);
/// }
/// assert_eq!(LAST_ERROR.get(), WsaError::WSAENOTSOCK.code());
/// ```
#[expect(non_snake_case, reason = "Winsock's own names")]
pub unsafe extern "system" fn WSAEventSelect<P: LookAlike>(
    s: SOCKET,
    hEventObject: WSAEVENT,
    lNetworkEvents: i32,
) -> i32 {
    answer::<P>(|done| {
        let provider = P::current().ok_or(WsaError::WSANOTINITIALISED)?;
        spi::select(&*provider, s, hEventObject, lNetworkEvents, done)
    })
}

/// Like [`WSAEventSelect`], over an instance. The caller keeps the code, for WSAGetLastError to find it.
///
/// # Errors
///
/// WSAENETDOWN, WSAENOTSOCK, WSAEINVAL, checked in this order (E9).
///
/// # Safety
///
/// As for [`WSAEventSelect`].
///
/// ```
/// # use wsp_events::{Provider, SOCKET, WSAEVENT, WsaError, wsa::wsa_event_select};
/// /// An emulated thread: WSAGetLastError reads its code.
/// struct Guest {
///     last_error: i32,
/// }
///
/// impl Guest {
///     fn event_select<P: Provider>(&mut self, p: &P, s: u32, event: u32, events: i32) -> i32 {
///         // SAFETY: the guest has passed the handle, to be set and reset.
///         match unsafe { wsa_event_select(p, s as SOCKET, event.into(), events) } {
///             Ok(()) => 0,
///             Err(error) => {
///                 self.last_error = error.code();
///                 -1
///             }
///         }
///     }
/// }
/// ```
pub unsafe fn wsa_event_select<P: Provider + ?Sized>(
    provider: &P,
    descriptor: SOCKET,
    event: WSAEVENT,
    events: i32,
) -> Result<(), WsaError> {
    outcome(|done| spi::select(provider, descriptor, event, events, done))
}

/// WSAEnumNetworkEvents, over the current instance of `P`: 0, or [`SOCKET_ERROR`] with the code as the last error (E1 to
/// E8, E11).
///
/// A null `lpNetworkEvents` is WSAEFAULT; a misaligned one is written.
///
/// # Safety
///
/// `lpNetworkEvents` is null or valid for the write of a [`WSANETWORKEVENTS`]. It need not be aligned or initialised.
/// `hEventObject` is as for [`WSAEventSelect`].
///
/// ```
/// # use std::cell::Cell;
/// # use std::sync::Arc;
/// # use wsp_events::*;
/// # struct MyWinsock;
/// # static RECORDER: NetworkEventRecorder<Arc<ManualResetEvent>> = NetworkEventRecorder::new();
/// # thread_local! { static LAST_ERROR: Cell<i32> = const { Cell::new(0) }; }
/// # impl Provider for MyWinsock {
/// #     type EventObject = Arc<ManualResetEvent>;
/// #     type Socket<'a> = &'a NetworkEventRecorder<Self::EventObject>;
/// #     type EventObjectToReset<'a> = &'a ManualResetEvent;
/// #     fn subsystem_is_up(&self) -> bool { true }
/// #     fn find_socket(&self, s: SOCKET) -> Option<Self::Socket<'_>> { (s == 4).then_some(&RECORDER) }
/// #     fn recorder_of<'s>(s: &'s Self::Socket<'_>) -> &'s NetworkEventRecorder<Self::EventObject> { s }
/// #     fn event_object_to_select(&self, _: WSAEVENT) -> Option<Self::EventObject> { Some(Arc::default()) }
/// #     fn event_object_to_reset(&self, _: WSAEVENT) -> Option<Self::EventObjectToReset<'_>> { None }
/// # }
/// # impl wsp_events::wsa::LookAlike for MyWinsock {
/// #     fn current() -> Option<impl std::ops::Deref<Target = Self>> { Some(&MyWinsock) }
/// #     fn set_last_error(error: WsaError) { LAST_ERROR.set(error.code()) }
/// # }
/// use std::ptr;
/// use wsp_events::wsa::{WSAEnumNetworkEvents, WSANETWORKEVENTS};
///
/// # let socket = &RECORDER;
/// # socket.select(NetworkEvents::FD_CONNECT, Arc::default())?;
/// socket.record(NetworkEvent::Connect, Err(WsaError::WSAECONNREFUSED));
///
/// let mut out = WSANETWORKEVENTS::default();
/// // SAFETY: the output is null or comes from a reference, and a null handle is allowed.
/// unsafe {
///     let without_output = ptr::null_mut();
///     assert_eq!(WSAEnumNetworkEvents::<MyWinsock>(4, WSAEVENT::NULL, without_output), -1);
///     assert_eq!(LAST_ERROR.get(), WsaError::WSAEFAULT.code());
///     assert_eq!(WSAEnumNetworkEvents::<MyWinsock>(4, WSAEVENT::NULL, &mut out), 0);
/// }
/// assert_eq!((out.lNetworkEvents, out.iErrorCode[4]), (0x10, 10061));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(non_snake_case, reason = "Winsock's own names")]
pub unsafe extern "system" fn WSAEnumNetworkEvents<P: LookAlike>(
    s: SOCKET,
    hEventObject: WSAEVENT,
    lpNetworkEvents: *mut WSANETWORKEVENTS,
) -> i32 {
    answer::<P>(|done| {
        let provider = P::current().ok_or(WsaError::WSANOTINITIALISED)?;
        // SAFETY: the caller guarantees `lpNetworkEvents`.
        // Tested by: e11_the_c_functions.
        unsafe { enumerate(&*provider, s, hEventObject, lpNetworkEvents, done) }
    })
}

/// Like [`WSAEnumNetworkEvents`], over an instance. The caller keeps the code, for WSAGetLastError to find it.
///
/// # Errors
///
/// WSAENETDOWN, WSAENOTSOCK, WSAEFAULT, WSAEINVAL, checked in this order (E11).
///
/// # Safety
///
/// As for [`WSAEnumNetworkEvents`].
///
/// ```
/// # use wsp_events::{Provider, SOCKET, WSAEVENT, WsaError};
/// use wsp_events::wsa::{WSANETWORKEVENTS, wsa_enum_network_events};
///
/// fn events_of<P: Provider>(p: &P, s: SOCKET, event: WSAEVENT) -> Result<i32, WsaError> {
///     let mut out = WSANETWORKEVENTS::default();
///     // SAFETY: the pointer comes from a reference.
///     unsafe { wsa_enum_network_events(p, s, event, &mut out) }?;
///     Ok(out.lNetworkEvents)
/// }
/// ```
pub unsafe fn wsa_enum_network_events<P: Provider + ?Sized>(
    provider: &P,
    descriptor: SOCKET,
    event: WSAEVENT,
    out: *mut WSANETWORKEVENTS,
) -> Result<(), WsaError> {
    // SAFETY: the caller guarantees `out`.
    // Tested by: e11_a_misaligned_output_is_written.
    outcome(|done| unsafe { enumerate(provider, descriptor, event, out, done) })
}

/// Like [`wsa_enum_network_events`], and hands the report to `deliver` before it is final: to a guest's memory, or to a
/// user's buffer seen from a kernel. If that fails or panics, the report was never taken (E7). Without a `deliver` the
/// program's pointer is null.
///
/// As [`enum_network_events_with`](crate::enum_network_events_with), with the checks in the order of E11.
///
/// # Errors
///
/// WSAENETDOWN, WSAENOTSOCK, WSAEFAULT (no `deliver`), WSAEINVAL, checked in this order (E11). Then what `deliver` returns.
/// Last, WSAEINVAL if the event object could not be reset (what was delivered does not count then).
///
/// ```
/// # use wsp_events::{Provider, Report, SOCKET, WSAEVENT, WsaError, wsa::wsa_enum_network_events_with};
/// /// For a 32-bit guest whose memory begins at `base`.
/// fn guest_enumerates<P: Provider>(
///     provider: &P,
///     (base, memory): (u32, &mut [u8]),
///     (s, event, output): (u32, u32, u32),
/// ) -> Result<(), WsaError> {
///     let deliver = |report: &Report| {
///         let start = output.checked_sub(base).ok_or(WsaError::WSAEFAULT)? as usize;
///         let out = memory.get_mut(start..).and_then(|rest| rest.get_mut(..44));
///         let out = out.ok_or(WsaError::WSAEFAULT)?;
///         for (offset, value) in report.writes() {
///             out[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
///         }
///         Ok(())
///     };
///     let deliver = (output != 0).then_some(deliver);
///     wsa_enum_network_events_with(provider, s as SOCKET, WSAEVENT::from(event), deliver)
/// }
/// ```
pub fn wsa_enum_network_events_with<P: Provider + ?Sized>(
    provider: &P,
    descriptor: SOCKET,
    event: WSAEVENT,
    deliver: Option<impl FnOnce(&Report) -> Result<(), WsaError>>,
) -> Result<(), WsaError> {
    outcome(|done| {
        let socket = find(provider, descriptor).map_err(ProviderError::errno)?;
        let deliver = deliver.ok_or(WsaError::WSAEFAULT)?;
        enumerate_socket(provider, &socket, event, deliver)?;
        done.set(true);
        Ok(())
    })
}

/// # Safety
///
/// `out` is null or valid for the write of a WSANETWORKEVENTS. It need not be aligned or initialised.
unsafe fn enumerate<P: Provider + ?Sized>(
    provider: &P,
    descriptor: SOCKET,
    event: WSAEVENT,
    out: *mut WSANETWORKEVENTS,
    done: &Cell<bool>,
) -> Result<(), WsaError> {
    // SAFETY: the caller guarantees `out`.
    // Tested by: e11_five_codes_in_this_order, which passes null.
    unsafe { spi::enumerate(provider, descriptor, event, out, done) }.map_err(|error| match error {
        // The output is checked before the handle, so with a null output WSAEINVAL can mean nothing else.
        WsaError::WSAEINVAL if out.is_null() => WsaError::WSAEFAULT,
        error => error,
    })
}

/// Runs a call and returns as C expects: the last error is written on failure only.
fn answer<P: LookAlike>(call: impl FnOnce(&Cell<bool>) -> Result<(), WsaError>) -> i32 {
    match outcome(call) {
        Ok(()) => 0,
        Err(error) => {
            _ = contain(|| P::set_last_error(error));
            SOCKET_ERROR
        }
    }
}

/// Runs a call as [`spi`] does: a panic becomes WSAENETDOWN, except after the call has succeeded.
fn outcome(call: impl FnOnce(&Cell<bool>) -> Result<(), WsaError>) -> Result<(), WsaError> {
    let mut code = 0;
    // SAFETY: the pointer comes from a reference.
    // Tested by: e11_the_last_error_is_written_on_failure_only.
    unsafe { spi::answer(&mut code, call) };
    WsaError::outcome(code)
}
