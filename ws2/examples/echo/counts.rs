//! What is counted, by all threads.

use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone, Copy)]
pub(crate) enum Count {
    /// By the provider: its poller has found something.
    Ready,
    Record,
    SetEvent,
    /// By the programs: a wait that was over, and an event object that was found set then.
    Wait,
    WakeUp,
    /// A report that says something; one that says nothing; and an enumeration that has found nothing on a
    /// socket that shares its event object with the one that was meant.
    Report,
    EmptyReport,
    Miss,
    /// A send that has found no room.
    WouldBlock,
    Accepted,
    Connected,
    BytesSent,
    BytesBack,
    /// Bytes that were sent on a connection that was reset before they came back.
    BytesCut,
    /// Bytes that are not the ones that were sent, or not all of them.
    WrongBytes,
    Completed,
    ResetByClient,
    ResetSeenByServer,
    ResetByServer,
    ResetSeenByClient,
    // The last.
    Kinds,
}

static COUNTS: [AtomicUsize; Count::Kinds as usize] =
    [const { AtomicUsize::new(0) }; Count::Kinds as usize];

pub(crate) fn add(count: Count, by: usize) {
    COUNTS[count as usize].fetch_add(by, Ordering::Relaxed);
}

pub(crate) fn get(count: Count) -> usize {
    COUNTS[count as usize].load(Ordering::Relaxed)
}
