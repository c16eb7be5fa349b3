//! P2: no handle is leaked. The handles of a process are counted for all of its threads together, so
//! this is a test binary of its own.
#![cfg(windows)]

use std::env;
use std::fs::File;
use std::os::windows::io::{AsHandle, AsRawHandle};
use std::sync::Arc;

use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessHandleCount};
use wsp_events::win32::{BorrowedEvent, InvalidEvent, OwnedEvent};
use wsp_events::{NetworkEvent, NetworkEventRecorder, NetworkEvents};

const ROUNDS: usize = 10_000;

/// More than a round has open at a time, so that what it leaks lies among the next numbers, or has
/// moved them.
const NEXT: usize = 16;

/// How many handles are open, where the system counts them (Wine 8.0 says 0); and the numbers of those
/// that are opened next, which are the lowest that are free under Wine.
fn handles() -> (u32, [usize; NEXT]) {
    let mut count = 0;
    // SAFETY: `count` is valid for the write.
    assert_ne!(unsafe { GetProcessHandleCount(GetCurrentProcess(), &mut count) }, 0);
    let next: [_; NEXT] = std::array::from_fn(|_| OwnedEvent::new().unwrap());
    (count, next.map(|event| event.as_raw_handle().addr()))
}

/// Selects, re-selects, is refused, inherits, records, enumerates, closes.
fn rounds(rounds: usize, event: &OwnedEvent, file: &File) {
    let selected = || OwnedEvent::duplicate(event.as_handle()).map(Arc::new).unwrap();
    for _ in 0..rounds {
        let recorder = NetworkEventRecorder::new();
        recorder.select(NetworkEvents::FD_ACCEPT, selected()).unwrap();
        recorder.select(NetworkEvents::FD_ALL_EVENTS, selected()).unwrap();
        let refused = OwnedEvent::duplicate(file.as_handle()).unwrap_err();
        assert_eq!(refused, InvalidEvent::NotAnEvent);
        let accepted = recorder.inherit().unwrap();
        recorder.close().unwrap();
        accepted.record(NetworkEvent::Read, Ok(()));
        let reset = BorrowedEvent::from(event.as_handle());
        assert!(!accepted.enumerate_and_reset(&reset).unwrap().events().is_empty());
    }
}

/// Catches a handle that is not closed, however a selection ends.
#[test]
fn p2_no_handle_is_leaked() {
    let event = OwnedEvent::new().unwrap();
    let file = File::open(env::current_exe().unwrap()).unwrap();
    rounds(100, &event, &file);
    let leaks = || {
        let before = handles();
        rounds(ROUNDS, &event, &file);
        let after = handles();
        println!("handles before and after {ROUNDS} rounds:\n{before:x?}\n{after:x?}");
        // Where they are counted, the numbers are as the system pleases.
        if before.0 == 0 { after != before } else { after.0 != before.0 }
    };
    // A leak shows every time. Another thread of the process may open a handle and keep it, but not again and again: the
    // test harness does so the first time that its main thread waits.
    assert!((0..3).any(|_| !leaks()), "handles are leaked");
}
