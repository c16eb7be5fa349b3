//! K6: recording and enumerating allocate nothing. P1: a table does not grow with every close. An allocator
//! that counts is a process-wide thing, so this is a test binary of its own.
#![cfg(all(feature = "std", not(wsp_loom)))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use wsp_events::{
    EventSignal, ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, SocketTable,
    WsaError,
};

thread_local!(static ALLOCATIONS: Cell<usize> = const { Cell::new(0) });

struct Counting;

// SAFETY: every call is passed on as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as this function's caller vouches.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as this function's caller vouches.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(body: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    body();
    ALLOCATIONS.get() - before
}

/// Catches any allocation on the way of an event through the record, errors, batches, hand-overs and
/// selections included, with every event object of the library.
#[test]
fn k6_record_and_enumerate_allocate_nothing() {
    assert_eq!(allocations(|| drop(Box::new(1))), 1, "the allocator does not count");
    assert_eq!(allocations_with(ManualResetEvent::new()), 0);
    #[cfg(feature = "async")]
    assert_eq!(allocations_with(wsp_events::AsyncEvent::new()), 0);
    #[cfg(all(unix, feature = "pollable"))]
    assert_eq!(allocations_with(wsp_events::unix::PollableEvent::new().unwrap()), 0);
}

fn allocations_with<S: EventSignal>(event: S) -> usize {
    let event = Arc::new(event);
    let recorder = NetworkEventRecorder::new();
    allocations(|| {
        recorder.select(NetworkEvents::FD_ALL_EVENTS, Arc::clone(&event)).unwrap();
        for round in 0..10 {
            recorder.record(NetworkEvent::Read, Ok(()));
            recorder.record(NetworkEvent::Close, Err(WsaError::WSAECONNRESET));
            let batch = [(NetworkEvent::Write, Ok(())), (NetworkEvent::Connect, Ok(()))];
            recorder.record_all(batch);
            recorder.withdraw(NetworkEvents::FD_WRITE);
            let report = match round % 2 {
                0 => recorder.enumerate().unwrap(),
                _ => recorder.enumerate_and_reset(&event).unwrap(),
            };
            assert_eq!(report.iter().count(), 3);
        }
        recorder.deselect().unwrap();
    })
}

/// Catches a table that grows with every close: with slots that are not used again, or with a list of what is
/// closed.
#[test]
fn p1_closes_do_not_make_a_table_grow() {
    let table = SocketTable::new();
    let turns = |count| {
        for _ in 0..count {
            let s = table.insert(()).unwrap();
            let t = table.duplicate(s).unwrap().unwrap();
            table.remove(s).unwrap();
            table.remove(t).unwrap();
        }
    };
    turns(1_000);
    // Each socket is an allocation of its own.
    assert_eq!(allocations(|| turns(500_000)), 500_000);
}

/// Catches a close that fails, or keeps other threads' look-ups waiting, because it needs memory.
#[test]
fn p1_a_close_allocates_nothing() {
    let table = SocketTable::new();
    let sockets: Vec<_> = (0..100_000).map(|_| table.insert(()).unwrap()).collect();
    assert_eq!(allocations(|| sockets.iter().for_each(|s| drop(table.remove(*s).unwrap()))), 0);
}
