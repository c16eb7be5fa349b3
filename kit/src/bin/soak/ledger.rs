//! What was put in and what has come out, for one event of one recorder.

use std::cell::UnsafeCell;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use wsp_events::WsaError;

use crate::tally::{Count, Tally};

/// The queue outside the recorder, and the ledger of its event.
///
/// One provider puts in. All that goes from it to the switch is written and read without an order (`Relaxed`, or no
/// atomic at all): if the recorder did not order it, the switch would see it too late.
#[derive(Default)]
pub(crate) struct Queue {
    /// The last serial number that was put in, and the last that was taken out.
    pushed: AtomicU64,
    drained: AtomicU64,
    /// How often the event was new to the record, and how often it was reported.
    occurred: AtomicU64,
    reported: AtomicU64,
    /// The serial number of the error that has not been reported yet, or 0. There is one at a time, so that each must be
    /// reported, and once.
    error: AtomicU64,
    letter: Letter,
}

/// What the provider writes for the thread that gets its error: plain memory.
#[derive(Default)]
struct Letter(UnsafeCell<u64>);

// SAFETY: the provider writes while no error is out, which it knows from `Queue::error` (Acquire, Release); the one thread
// that gets the error in a report reads, which the recorder orders (E3). Tested by: ThreadSanitizer (`.ci/breaches
// memory`), where the recorder's orderings are weakened.
unsafe impl Sync for Letter {}

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

    /// How many serial numbers are queued.
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

    /// Takes out what is queued, or only half of it. Returns how much that was, and whether something is left.
    pub(crate) fn drain(&self, half: bool) -> (u64, bool) {
        let pushed = self.pushed.load(Relaxed);
        let left = if half { self.waiting() / 2 } else { 0 };
        let before = self.drained.fetch_max(pushed - left, Relaxed);
        ((pushed - left).saturating_sub(before), left > 0)
    }

    /// An error was reported. It must be the one that is out.
    pub(crate) fn take_error(
        &self,
        error: WsaError,
        code: impl Fn(u64) -> WsaError,
        tally: &mut Tally,
    ) {
        let serial = self.error.load(Relaxed);
        if serial == 0 {
            tally[Count::Duplicated] += 1;
            return;
        }
        // SAFETY: see `Letter`: this thread got the error in a report.
        let letter = unsafe { *self.letter.0.get() };
        tally[Count::Torn] += u64::from(error != code(serial) || letter != serial);
        self.error.store(0, Release);
    }

    /// At rest: counts what is wrong, and corrects it, so that the next audit does not count it again.
    ///
    /// `is_exact` if nothing takes the event out of the record but reports.
    pub(crate) fn audit(&self, is_recorded: bool, is_exact: bool, tally: &mut Tally) {
        if !is_recorded {
            tally[Count::Lost] += self.drain(false).0;
            tally[Count::Lost] += u64::from(self.error.swap(0, Relaxed) != 0);
        }
        let gone = self.occurred.load(Relaxed).saturating_sub(u64::from(is_recorded));
        let reported = self.reported.swap(gone, Relaxed);
        tally[Count::Duplicated] += reported.saturating_sub(gone);
        if is_exact {
            tally[Count::Lost] += gone.saturating_sub(reported);
        } else {
            self.reported.fetch_min(reported, Relaxed);
        }
    }
}
