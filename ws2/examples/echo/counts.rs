//! What all threads count.

use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone, Copy)]
pub(crate) enum Count {
    /// In the provider: its poller has reported a ready socket.
    Ready,
    Record,
    /// In the programs: a wait that ended, and an event object that was set then.
    Wait,
    WakeUp,
    /// A report with events; one without; and an enumeration without events of a socket that shares its event object
    /// with another one, which had some.
    Report,
    EmptyReport,
    Miss,
    /// A send that found no room.
    WouldBlock,
    Accepted,
    Connected,
    BytesSent,
    BytesBack,
    /// Bytes on a connection that was reset before they came back.
    BytesCut,
    /// Bytes that differ from those that were sent, and connections that closed before all came back.
    WrongBytes,
    Completed,
    ResetByClient,
    ResetSeenByServer,
    ResetByServer,
    ResetSeenByClient,
    // How many there are.
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
