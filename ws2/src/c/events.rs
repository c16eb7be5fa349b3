//! Event objects, waits for them, and the selection of network events.
//!
//! Event objects need no WSAStartup, as on Windows: they are the system's, and outlive the Winsock.

use std::ffi::c_void;
use std::time::Duration;

use wsp_events::spi::{SOCKET_ERROR, WSANETWORKEVENTS};
use wsp_events::{EventSignal, SOCKET, WSAEVENT, WsaError, wsa};

use super::boundary::{FALSE, TRUE, answer, check, deferring_cancellation, read, read_all};
use super::startup::{Process, current, on_current};
use crate::event::{Event, Waited, wait_by};
use crate::park::Parker;
use crate::{Result, Winsock};

const WAIT_TIMEOUT: u32 = 258;
const WAIT_FAILED: u32 = u32::MAX;
const INFINITE: u32 = u32::MAX;
const MAXIMUM_WAIT_OBJECTS: u32 = 64;
const ERROR_NOT_SUPPORTED: i32 = 50;

fn create(manual_reset: bool, signaled: bool) -> Result<WSAEVENT> {
    let event = Process::get()?.handles().insert_event(Event::new(manual_reset, signaled));
    event.map_err(|_| WsaError::WSA_NOT_ENOUGH_MEMORY)
}

/// Does something with an event object.
fn with_event(handle: WSAEVENT, work: impl FnOnce(&Event) -> Result) -> i32 {
    answer(FALSE, || {
        let event = Process::get()?.handles().event(handle).ok_or(WsaError::WSA_INVALID_HANDLE)?;
        work(&event).map(|()| TRUE)
    })
}

#[unsafe(no_mangle)]
extern "C" fn WSACreateEvent() -> WSAEVENT {
    answer(WSAEVENT::NULL, || create(true, false))
}

/// A name would make it known to other processes; there are none with names.
fn create_without_name(manual_reset: i32, signaled: i32, has_name: bool) -> Result<WSAEVENT> {
    match WsaError::from_code(ERROR_NOT_SUPPORTED) {
        Some(error) if has_name => Err(error),
        _ => create(manual_reset != 0, signaled != 0),
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn CreateEventA(
    _attributes: *const c_void,
    manual_reset: i32,
    signaled: i32,
    name: *const u8,
) -> WSAEVENT {
    answer(WSAEVENT::NULL, || {
        // SAFETY: the program promises that it is null or a text.
        let has_name = !name.is_null() && unsafe { read(name) }? != 0;
        create_without_name(manual_reset, signaled, has_name)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn CreateEventW(
    _attributes: *const c_void,
    manual_reset: i32,
    signaled: i32,
    name: *const u16,
) -> WSAEVENT {
    answer(WSAEVENT::NULL, || {
        // SAFETY: the program promises that it is null or a text.
        let has_name = !name.is_null() && unsafe { read(name) }? != 0;
        create_without_name(manual_reset, signaled, has_name)
    })
}

#[unsafe(no_mangle)]
extern "C" fn WSASetEvent(handle: WSAEVENT) -> i32 {
    with_event(handle, |event| Ok(event.set_event()?))
}

#[unsafe(no_mangle)]
extern "C" fn SetEvent(handle: WSAEVENT) -> i32 {
    WSASetEvent(handle)
}

#[unsafe(no_mangle)]
extern "C" fn WSAResetEvent(handle: WSAEVENT) -> i32 {
    with_event(handle, |event| Ok(event.reset_event()?))
}

#[unsafe(no_mangle)]
extern "C" fn ResetEvent(handle: WSAEVENT) -> i32 {
    WSAResetEvent(handle)
}

#[unsafe(no_mangle)]
extern "C" fn WSACloseEvent(handle: WSAEVENT) -> i32 {
    answer(FALSE, || {
        let closed = Process::get()?.handles().close_event(handle);
        closed.map(|()| TRUE).map_err(|_| WsaError::WSA_INVALID_HANDLE)
    })
}

/// A socket is a handle, too.
#[unsafe(no_mangle)]
extern "C" fn CloseHandle(handle: WSAEVENT) -> i32 {
    answer(FALSE, || {
        if Process::get()?.handles().close_event(handle).is_err() {
            let closed = current().and_then(|winsock| winsock.close_socket(handle.0));
            closed.map_err(|_| WsaError::WSA_INVALID_HANDLE)?;
        }
        Ok(TRUE)
    })
}

/// # Safety
///
/// `handles` is as for [`read_all`].
unsafe fn wait_for(
    count: u32,
    handles: *const WSAEVENT,
    all: bool,
    milliseconds: u32,
) -> Result<u32> {
    if count == 0 || count > MAXIMUM_WAIT_OBJECTS {
        return Err(WsaError::WSA_INVALID_PARAMETER);
    }
    check(handles, count as usize).map_err(|_| WsaError::WSA_INVALID_PARAMETER)?;
    // SAFETY: the caller guarantees it.
    let handles = unsafe { read_all(handles, count as usize) }?;
    let process = Process::get()?;
    let find = |handle: &WSAEVENT| process.handles().event(*handle);
    let events: Option<Vec<_>> = handles.iter().map(find).collect();
    let events = events.ok_or(WsaError::WSA_INVALID_HANDLE)?;
    let is_repeated = |(at, handle)| handles[..at].contains(handle);
    if all && handles.iter().enumerate().any(is_repeated) {
        return Err(WsaError::WSA_INVALID_PARAMETER);
    }
    // Not kept by a thread that is parked: WSACleanup waits for those who have it.
    let park = |parker: &Parker, deadline| match current() {
        Ok(winsock) => winsock.sleeper().park(winsock, parker, deadline),
        Err(_) => parker.park_until(deadline),
    };
    if let Ok(winsock) = current() {
        winsock.attend(events.len(), milliseconds != 0);
    }
    let time = (milliseconds != INFINITE).then(|| Duration::from_millis(milliseconds.into()));
    Ok(match wait_by(&events, all, time, park) {
        Waited::Signaled(index) => index,
        Waited::TimedOut => WAIT_TIMEOUT,
    })
}

#[unsafe(no_mangle)]
extern "C" fn WaitForSingleObject(handle: WSAEVENT, milliseconds: u32) -> u32 {
    // SAFETY: the pointer comes from a reference.
    answer(WAIT_FAILED, || unsafe { wait_for(1, &handle, false, milliseconds) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn WaitForMultipleObjects(
    count: u32,
    handles: *const WSAEVENT,
    all: i32,
    milliseconds: u32,
) -> u32 {
    // SAFETY: the program promises that there are so many.
    answer(WAIT_FAILED, || unsafe { wait_for(count, handles, all != 0, milliseconds) })
}

/// Nothing completes while a thread waits, so that "alertable" makes no difference.
#[unsafe(no_mangle)]
unsafe extern "C" fn WSAWaitForMultipleEvents(
    count: u32,
    handles: *const WSAEVENT,
    all: i32,
    milliseconds: u32,
    _alertable: i32,
) -> u32 {
    // SAFETY: the program promises that there are so many.
    answer(WAIT_FAILED, || unsafe { wait_for(count, handles, all != 0, milliseconds) })
}

#[unsafe(no_mangle)]
extern "C" fn WSAEventSelect(s: SOCKET, event: WSAEVENT, events: i32) -> i32 {
    // SAFETY: the program has passed the handle, to be set and reset.
    deferring_cancellation(|| unsafe { wsa::WSAEventSelect::<Winsock>(s, event, events) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn WSAEnumNetworkEvents(
    s: SOCKET,
    event: WSAEVENT,
    out: *mut WSANETWORKEVENTS,
) -> i32 {
    // What fails the check is answered as null is (E11).
    let out = if check(out, 1).is_ok() { out } else { std::ptr::null_mut() };
    // SAFETY: the program promises that the output is null or valid, and has passed the handle, to be reset.
    deferring_cancellation(|| unsafe { wsa::WSAEnumNetworkEvents::<Winsock>(s, event, out) })
}

/// There are no windows to send messages to.
#[unsafe(no_mangle)]
extern "C" fn WSAAsyncSelect(s: SOCKET, _window: *mut c_void, _message: u32, _events: i32) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        winsock.kind(s)?;
        Err(WsaError::WSAEOPNOTSUPP)
    })
}
