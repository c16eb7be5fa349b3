//! What was put in and what has come out, of one event of one recorder.

use std::cell::UnsafeCell;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use wsp_events::WsaError;

/// The queue outside the recorder, and the ledger of its event.
///
/// One provider puts in. Everything that goes from it to the switch is written and read without an order
/// (`Relaxed`, or no atomic at all): if the recorder did not order it, it would be seen too late.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// Serial numbers up to this one were put in, and up to that one taken out.
    pushed: AtomicU64,
    drained: AtomicU64,
    /// How often the event was new to the record, and how often it was reported.
    occurred: AtomicU64,
    reported: AtomicU64,
    /// The serial number of the error that has not come out yet, or 0: one at a time, so that each is
    /// reported, and once.
    error: AtomicU64,
    letter: Letter,
}

/// What the provider wrote down for whoever gets its error: plain memory.
#[derive(Debug, Default)]
struct Letter(UnsafeCell<u64>);

// SAFETY: the provider writes while no error is out, and has that from `Queue::error` (Acquire, Release);
// the one thread that gets the error in a report reads, and has that from the recorder (E3). Tested by:
// ThreadSanitizer (`.ci/breaches memory`), where the recorder's orders are weakened.
unsafe impl Sync for Letter {}

/// What an audit at rest has found wrong with a queue, or the tally of many.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) stuck: u64,
    pub(crate) torn: u64,
}

impl Faults {
    pub(crate) fn add(&mut self, others: Self) {
        self.lost += others.lost;
        self.duplicated += others.duplicated;
        self.stuck += others.stuck;
        self.torn += others.torn;
    }

    pub(crate) fn any(self) -> bool {
        self.lost + self.duplicated + self.stuck + self.torn > 0
    }
}

impl Queue {
    /// The provider: puts the next serial number in.
    #[inline]
    pub(crate) fn push(&self) {
        self.pushed.store(self.pushed.load(Relaxed) + 1, Relaxed);
    }

    /// The provider: puts the next serial number in as an error; `None` while one is out.
    #[inline]
    pub(crate) fn push_error(&self, code: impl FnOnce(u64) -> WsaError) -> Option<WsaError> {
        if self.error.load(Acquire) != 0 {
            return None;
        }
        let serial = self.pushed.load(Relaxed) + 1;
        // SAFETY: see `Letter`: no error is out.
        unsafe { *self.letter.0.get() = serial };
        self.error.store(serial, Relaxed);
        self.pushed.store(serial, Relaxed);
        Some(code(serial))
    }

    /// How many wait.
    #[inline]
    pub(crate) fn waiting(&self) -> u64 {
        self.pushed.load(Relaxed).saturating_sub(self.drained.load(Relaxed))
    }

    /// The event was new to the record.
    #[inline]
    pub(crate) fn count_new(&self) {
        self.occurred.fetch_add(1, Relaxed);
    }

    /// The event was reported.
    pub(crate) fn count_report(&self) {
        self.reported.fetch_add(1, Relaxed);
    }

    /// Takes out what waits, or only half of it. How much that was, and whether something is left.
    pub(crate) fn drain(&self, half: bool) -> (u64, bool) {
        let pushed = self.pushed.load(Relaxed);
        let waiting = pushed.saturating_sub(self.drained.load(Relaxed));
        let left = if half { waiting / 2 } else { 0 };
        let before = self.drained.fetch_max(pushed - left, Relaxed);
        ((pushed - left).saturating_sub(before), left > 0)
    }

    /// An error was reported: is it the one that is out?
    pub(crate) fn take_error(&self, got: WsaError, code: impl Fn(u64) -> WsaError) -> Faults {
        let serial = self.error.load(Relaxed);
        if serial == 0 {
            return Faults { duplicated: 1, ..Faults::default() };
        }
        // SAFETY: see `Letter`: this thread got the error in a report.
        let letter = unsafe { *self.letter.0.get() };
        let torn = u64::from(got != code(serial) || letter != serial);
        self.error.store(0, Release);
        Faults { torn, ..Faults::default() }
    }

    /// At rest: what is wrong. It is put right, so that the next audit does not find it again.
    ///
    /// `is_exact` if nothing takes the event out of the record but reports.
    pub(crate) fn audit(&self, is_recorded: bool, is_exact: bool) -> Faults {
        let mut faults = Faults::default();
        if !is_recorded {
            faults.lost += self.drain(false).0;
            faults.lost += u64::from(self.error.swap(0, Relaxed) != 0);
        }
        let gone = self.occurred.load(Relaxed).saturating_sub(u64::from(is_recorded));
        let reported = self.reported.swap(gone, Relaxed);
        faults.duplicated += reported.saturating_sub(gone);
        if is_exact {
            faults.lost += gone.saturating_sub(reported);
        } else {
            self.reported.fetch_min(reported, Relaxed);
        }
        faults
    }
}
