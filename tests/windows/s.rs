//! S: selecting, with handles of the application's.

use std::fs::File;
use std::os::windows::io::AsRawHandle;
use std::ptr::without_provenance_mut;
use std::{env, thread};

use windows_sys::Win32::Foundation::{ERROR_INVALID_HANDLE, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Networking::WinSock::WSAENOTSOCK;
use windows_sys::Win32::System::Threading::{EVENT_MODIFY_STATE, SYNCHRONIZATION_SYNCHRONIZE};
use wsp_events::win32::{InvalidEvent, OwnedEvent};
use wsp_events::{NetworkEvent, SignalError, WsaError};

use crate::support::*;

/// EVENT_QUERY_STATE, as the headers have it.
const EVENT_QUERY_STATE: u32 = 1;

/// The reason why a handle is refused; selecting it fails, and the earlier selection stands.
fn refusal(handle: HANDLE) -> InvalidEvent {
    let ((s, socket), event) = (socket(), Handle::event());
    assert_eq!(select(s, event.raw(), CLOSE), SUCCEEDED);
    assert_eq!(select(s, handle, READ), FAILED_WITH_WSAEINVAL);
    assert_eq!(socket.selected(), CLOSE);
    socket.record(NetworkEvent::Close, Ok(()));
    assert!(event.is_set());
    assert_eq!(enumerate(s, event.raw()), report(CLOSE));
    socket.close().unwrap();

    // SAFETY: the handle names no event object, or one of the test's own.
    let refusal = unsafe { OwnedEvent::duplicate_raw(handle.into()) }.unwrap_err();
    assert_eq!(refusal.errno(), WsaError::WSAEINVAL);
    refusal
}

/// Catches a handle that is duplicated without a look at what it names: DuplicateHandle takes anything.
#[test]
fn s4_what_is_no_event_object_is_refused() {
    let _alone = alone();
    let exe = env::current_exe().unwrap();
    let others = [
        ("a mutex", Handle::mutex()),
        ("a semaphore", Handle::semaphore()),
        ("one that can be released, not queried", Handle::semaphore().with_rights(2)),
        ("a file", Handle::of(File::open(exe).unwrap())),
        ("a thread", Handle::of(thread::spawn(|| ()))),
    ];
    for (what, handle) in &others {
        assert_eq!(refusal(handle.raw()), InvalidEvent::NotAnEvent, "{what}");
    }
    // This process, which is INVALID_HANDLE_VALUE as well, and this thread.
    assert_eq!(refusal(INVALID_HANDLE_VALUE), InvalidEvent::NotAnEvent);
    assert_eq!(refusal(without_provenance_mut(-2_isize as usize)), InvalidEvent::NotAnEvent);
}

/// Catches a number that names nothing, and is selected all the same.
#[test]
fn s4_what_is_no_handle_is_refused() {
    let _alone = alone();
    let invalid = InvalidEvent::Handle(SignalError::from_os_code(ERROR_INVALID_HANDLE as i32));
    for number in [0, 1, 0x7fff_fff0, 0x1234_5678, usize::MAX / 4] {
        assert_eq!(refusal(without_provenance_mut(number)), invalid, "{number:#x}");
    }
    assert_eq!(refusal(closed_handle()), invalid);
}

/// Catches an auto-reset event object that is refused, and a look at it that eats the wake-up: programs select such event
/// objects, and Winsock accepts them.
#[test]
fn s4_an_auto_reset_event_object_can_be_selected() {
    let _alone = alone();
    let ((s, socket), event) = (socket(), Handle::auto_reset_event());
    event.set();
    assert_eq!(select(s, event.raw(), READ), SUCCEEDED);
    assert!(event.is_set() && !event.is_set(), "one wait finds it set, and resets it");
    socket.record(NetworkEvent::Read, Ok(()));
    assert!(event.is_set() && !event.is_set());
    assert_eq!(enumerate(s, event.raw()), report(READ));

    // S2: selected again, it is set for what was recorded before.
    socket.record(NetworkEvent::Read, Ok(()));
    assert!(event.is_set());
    assert_eq!(select(s, event.raw(), READ | CLOSE), SUCCEEDED);
    assert!(event.is_set());
    socket.close().unwrap();
}

/// Catches a handle by which the event object could never be set, and one refused although it could.
#[test]
fn s4_the_handle_must_give_the_right_to_set() {
    let _alone = alone();
    let event = Handle::event();
    let to_wait = event.with_rights(SYNCHRONIZATION_SYNCHRONIZE | EVENT_QUERY_STATE);
    assert_eq!(refusal(to_wait.raw()), InvalidEvent::NotSettable);

    // The right to set is enough.
    let to_set = event.with_rights(EVENT_MODIFY_STATE);
    let (s, socket) = socket();
    assert_eq!(select(s, to_set.raw(), READ), SUCCEEDED);
    socket.record(NetworkEvent::Read, Ok(()));
    assert!(event.is_set());
    assert_eq!(enumerate(s, to_set.raw()), report(READ));
    assert!(!event.is_set());
    socket.close().unwrap();
}

/// Catches a check of the handle that comes before the one of the descriptor, and one of a handle that
/// is to be ignored.
#[test]
fn s3_a_zero_mask_ignores_the_handle() {
    let _alone = alone();
    let ((s, socket), mutex, event) = (socket(), Handle::mutex(), Handle::event());
    assert_eq!(select(s, event.raw(), READ), SUCCEEDED);
    assert_eq!(select(s, mutex.raw(), NONE), SUCCEEDED);
    assert_eq!(socket.selected(), NONE);
    assert_eq!(select(0, mutex.raw(), READ), (-1, WSAENOTSOCK));
    socket.close().unwrap();
}

/// Catches a new event object that is not set for what was recorded before, and an old one that is
/// touched.
#[test]
fn s2_a_new_event_object_is_set_at_once() {
    let _alone = alone();
    let ((s, socket), first, second) = (socket(), Handle::event(), Handle::event());
    socket.record(NetworkEvent::Read, Ok(()));
    assert_eq!(select(s, first.raw(), READ | CLOSE), SUCCEEDED);
    assert!(first.is_set());
    assert_eq!(select(s, second.raw(), READ | CLOSE), SUCCEEDED);
    assert!(first.is_set() && second.is_set());
    assert_eq!(enumerate(s, second.raw()), report(READ));
    assert!(first.is_set() && !second.is_set());
    socket.close().unwrap();
}

/// Catches a replaced event object that is still used, and a close that changes one.
#[test]
fn s7_s5_an_event_object_that_is_let_go_keeps_its_state() {
    let _alone = alone();
    let ((s, socket), first, second) = (socket(), Handle::event(), Handle::event());
    assert_eq!(select(s, first.raw(), READ), SUCCEEDED);
    assert_eq!(select(s, second.raw(), READ), SUCCEEDED);
    socket.record(NetworkEvent::Read, Ok(()));
    assert!(!first.is_set() && second.is_set());
    socket.close().unwrap();
    assert!(!first.is_set() && second.is_set());
}

/// Catches an accepted socket whose event object goes with the listener.
#[test]
fn s8_an_accepted_socket_has_a_reference_of_its_own() {
    let _alone = alone();
    let ((s, listener), event) = (socket(), Handle::event());
    assert_eq!(select(s, event.raw(), READ), SUCCEEDED);
    let (accepted, socket) = socket_of(listener.inherit().unwrap());
    listener.close().unwrap();
    socket.record(NetworkEvent::Read, Ok(()));
    assert!(event.is_set());
    assert_eq!(enumerate(accepted, event.raw()), report(READ));
    socket.close().unwrap();
}

/// Catches an event object of our own that is auto-reset, set from the start, or another's duplicate
/// that is another object.
#[test]
fn s4_our_own_event_object_is_one_that_can_be_selected() {
    let _alone = alone();
    let event = OwnedEvent::new().unwrap();
    let ((s, socket), raw) = (socket(), event.as_raw_handle());
    assert_eq!(select(s, raw, READ), SUCCEEDED);
    let waiter = Handle::of(event);
    assert!(!waiter.is_set());
    socket.record(NetworkEvent::Read, Ok(()));
    assert!(waiter.is_set() && waiter.is_set());
    socket.close().unwrap();
}
