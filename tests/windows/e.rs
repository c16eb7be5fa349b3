//! E: enumerating, with event objects of the application's; R6, the set that fails.

use std::os::windows::io::BorrowedHandle;
use std::ptr::{null_mut, without_provenance_mut};

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_INVALID_HANDLE, HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::Networking::WinSock::{WSAEINVAL, WSAENOTSOCK, WSPPROC_TABLE};
use windows_sys::Win32::System::Threading::SYNCHRONIZATION_SYNCHRONIZE;
use wsp_events::spi::{lp_wsp_enum_network_events, lp_wsp_event_select};
use wsp_events::win32::BorrowedEvent;
use wsp_events::{EventSignal, NetworkEvent, NetworkEventRecorder, RecorderError, SignalError};

use crate::support::*;

const INVALID: SignalError = SignalError::from_os_code(ERROR_INVALID_HANDLE as i32);
const DENIED: SignalError = SignalError::from_os_code(ERROR_ACCESS_DENIED as i32);

/// An enumeration with this handle fails with this code, and changes nothing.
fn cannot_be_reset(handle: HANDLE, code: SignalError) {
    let ((s, socket), event) = (socket(), Handle::event());
    assert_eq!(select(s, event.raw(), READ), SUCCEEDED);
    socket.record(NetworkEvent::Read, Ok(()));

    assert_eq!(enumerate(s, handle), (-1, WSAEINVAL, untouched()));
    // SAFETY: the handle names no event object, or one of the test's own.
    let borrowed = unsafe { BorrowedEvent::borrow_raw(handle.into()) };
    assert_eq!(socket.enumerate_and_reset(&borrowed), Err(RecorderError::Signal(code)));
    assert_eq!((borrowed.reset_event(), borrowed.set_event()), (Err(code), Err(code)));

    assert_eq!(socket.recorded(), READ);
    assert!(event.is_set());
    assert_eq!(enumerate(s, event.raw()), report(READ));
    assert!(!event.is_set());
    socket.close().unwrap();
}

/// Catches a report that is lost with a reset that failed, and a Win32 code that is.
#[test]
fn e7_a_reset_that_fails_changes_nothing() {
    let _alone = alone();
    cannot_be_reset(Handle::mutex().raw(), INVALID);
    cannot_be_reset(INVALID_HANDLE_VALUE, INVALID);
    cannot_be_reset(without_provenance_mut(0x7fff_fff0), INVALID);
    let event = Handle::event();
    cannot_be_reset(event.with_rights(SYNCHRONIZATION_SYNCHRONIZE).raw(), DENIED);
}

/// Catches a reset of whatever is at hand when the handle has been closed.
#[test]
fn e7_a_closed_handle() {
    let _alone = alone();
    cannot_be_reset(closed_handle(), INVALID);
}

/// Catches a reset of the selected event object instead of the one that was passed, and one that is
/// refused because it is of another kind.
#[test]
fn e6_the_handle_that_was_passed_is_reset() {
    let _alone = alone();
    let ((s, socket), selected) = (socket(), Handle::event());
    assert_eq!(select(s, selected.raw(), READ), SUCCEEDED);
    for other in [Handle::event(), Handle::auto_reset_event()] {
        other.set();
        socket.record(NetworkEvent::Read, Ok(()));
        assert_eq!(enumerate(s, other.raw()), report(READ));
        assert!(selected.is_set() && !other.is_set());
    }
    assert_eq!(enumerate(s, null_mut()), report(NONE));
    assert!(selected.is_set());
    socket.close().unwrap();
}

/// Catches an empty record that leaves the event object set.
#[test]
fn e8_an_empty_record_still_resets() {
    let _alone = alone();
    let ((s, socket), event) = (socket(), Handle::event());
    event.set();
    assert_eq!(enumerate(s, event.raw()), report(NONE));
    assert!(!event.is_set());
    socket.close().unwrap();
}

/// Catches a handle that is looked at before the descriptor.
#[test]
fn e9_the_descriptor_comes_first() {
    let _alone = alone();
    let event = Handle::event();
    event.set();
    for handle in [event.raw(), Handle::mutex().raw()] {
        assert_eq!(enumerate(0, handle), (-1, WSAENOTSOCK, untouched()));
    }
    assert!(event.is_set());
}

/// Catches an event object that is set by SetEvent alone: the application may reset it.
#[test]
fn e5_the_application_resets_its_event_object() {
    let _alone = alone();
    let ((s, socket), event) = (socket(), Handle::event());
    assert_eq!(select(s, event.raw(), READ | CLOSE), SUCCEEDED);
    socket.record(NetworkEvent::Read, Ok(()));
    event.reset();
    socket.record(NetworkEvent::Read, Ok(()));
    assert!(!event.is_set(), "a repeat does not touch it (R3)");
    socket.record(NetworkEvent::Close, Ok(()));
    assert!(event.is_set());
    assert_eq!(enumerate(s, event.raw()), report(READ | CLOSE));
    socket.close().unwrap();
}

/// Catches a recorder that takes its event object for set because nobody has reported since it set it: the wait for an
/// auto-reset event object has reset it.
#[test]
fn e5_an_auto_reset_wait_excuses_nothing() {
    let _alone = alone();
    let ((s, socket), event) = (socket(), Handle::auto_reset_event());
    assert_eq!(select(s, event.raw(), READ | CLOSE), SUCCEEDED);
    socket.record(NetworkEvent::Read, Ok(()));
    assert!(event.is_set() && !event.is_set(), "the first wait resets it");
    socket.record(NetworkEvent::Close, Ok(()));
    assert!(event.is_set(), "it was reset before this was recorded");
    assert_eq!(enumerate(s, event.raw()), report(READ | CLOSE));
    socket.record(NetworkEvent::Read, Ok(()));
    assert_eq!(enumerate(s, event.raw()), report(READ));
    assert!(!event.is_set(), "the enumeration resets it, too (E8)");
    socket.close().unwrap();
}

/// Catches the functions in another type than a WSPPROC_TABLE of `windows-sys` has.
#[test]
fn e10_the_functions_stand_in_a_procedure_table() {
    let _alone = alone();
    let table = WSPPROC_TABLE {
        lpWSPEventSelect: lp_wsp_event_select::<WinProvider>(),
        lpWSPEnumNetworkEvents: lp_wsp_enum_network_events::<WinProvider>(),
        ..Default::default()
    };
    let (select, enumerate) = (table.lpWSPEventSelect, table.lpWSPEnumNetworkEvents);
    let mut errno = -7;
    // SAFETY: null pointers are allowed, and `errno` is valid for the write.
    unsafe {
        assert_eq!(select.unwrap()(0, 0, 0, &mut errno), -1);
        assert_eq!(errno, WSAENOTSOCK);
        let (s, _socket) = socket();
        assert_eq!(enumerate.unwrap()(s, null_mut(), null_mut(), &mut errno), -1);
        assert_eq!(errno, WSAEINVAL);
        assert_eq!(select.unwrap()(s, 0, 1, null_mut()), -1);
    }
}

/// Catches a Win32 code that is lost on its way out of the record, and a set that is forgotten.
#[test]
fn r6_a_set_that_fails_is_owed() {
    let _alone = alone();
    let mutex = Handle::mutex();
    // SAFETY: the handle is open until the end of the test.
    let no_event = BorrowedEvent::from(unsafe { BorrowedHandle::borrow_raw(mutex.raw()) });
    let recorder = NetworkEventRecorder::new();
    recorder.select(READ, no_event).unwrap();
    assert_eq!(recorder.record(NetworkEvent::Read, Ok(())).signal_error, Some(INVALID));
    assert!(recorder.owes_set());

    let event = Handle::event();
    // SAFETY: as above.
    let event_object = BorrowedEvent::from(unsafe { BorrowedHandle::borrow_raw(event.raw()) });
    recorder.select(READ, event_object).unwrap();
    assert!(event.is_set() && !recorder.owes_set());
}
