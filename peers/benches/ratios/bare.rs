//! The floor: what the calls cannot do without. The same exchanges on one word in the same order, each after the look that
//! it depends on, the same calls of the event object, and a report of the same size; nothing else.

use std::hint::black_box;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use wsp_events::{EventSignal, Report};

use crate::peers::{Outcome, Record};

const READ: u64 = 1;
const CLOSE: u64 = 2;
/// The event has a code.
const CODED: u64 = 1 << 10;
const COLLECTING: u64 = 1 << 40;
const USER: u64 = 1 << 43;
const HELD: u64 = 1 << 63;

#[derive(Default)]
pub(crate) struct Bare<S> {
    word: AtomicU64,
    code: AtomicI32,
    signal: S,
}

impl<S: EventSignal> Bare<S> {
    pub(crate) fn new(signal: S) -> Self {
        Self { word: AtomicU64::new(0), code: AtomicI32::new(0), signal }
    }

    /// Returns the word before.
    #[inline(always)]
    fn exchange(&self, step: impl Fn(u64) -> u64) -> u64 {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
            match self.word.compare_exchange_weak(word, step(word), success, failure) {
                Ok(before) => return before,
                Err(current) => word = current,
            }
        }
    }

    /// A new event takes three exchanges with its report: one that records, one that takes the report, and between them one
    /// that says that the event object is no longer in use, which a selection must know before it drops it (K3). A
    /// repeat takes one, since a look could be older than the report that took the event (E3).
    #[inline(always)]
    fn record(&self, events: u64, code: Option<i32>) {
        let coded = if code.is_some() { CODED } else { 0 };
        let step = |word| if word & READ == 0 { (word | events | coded) + USER } else { word };
        if self.exchange(step) & READ != 0 {
            return;
        }
        if let Some(code) = code {
            self.code.store(code, Ordering::Relaxed);
        }
        self.signal.set_event().unwrap();
        self.word.fetch_sub(USER, Ordering::Release);
    }
}

impl<S: EventSignal> Record<S> for Bare<S> {
    #[inline(always)]
    fn note(&self, outcome: Outcome) {
        black_box(self).record(READ, outcome.err().map(|error| error.code()));
    }

    #[inline]
    fn note_two(&self) {
        black_box(self).record(READ | CLOSE, None);
    }

    /// One exchange; with a code one more, which keeps other threads away from the code (E7 puts it back).
    #[inline]
    fn take_and_reset(&self, event: &S) {
        let bare = black_box(self);
        let mut report = (Report::default(), 0);
        if bare.word.load(Ordering::Relaxed) & CODED != 0 {
            bare.exchange(|word| word | COLLECTING);
            report.1 = bare.code.load(Ordering::Relaxed);
            bare.code.store(0, Ordering::Relaxed);
        }
        bare.exchange(|word| word & !(READ | CLOSE | CODED | COLLECTING));
        event.reset_event().unwrap();
        // What was recorded before the reset is set again (E5).
        if bare.word.load(Ordering::Relaxed) & READ != 0 {
            bare.signal.set_event().unwrap();
        }
        black_box(report);
    }

    /// One exchange keeps the other threads away from the event object, one lets them in again (K3).
    #[inline]
    fn select_all(&self, signal: S) {
        let bare = black_box(self);
        bare.exchange(|word| word | HELD);
        while bare.word.load(Ordering::Acquire) & !HELD >= USER {}
        black_box(signal);
        bare.exchange(|word| word & !HELD);
    }
}

/// The floor of an event object: an exchange for the set, one for the reset, each after a look. Two exchanges without a look
/// take less, but then no wait can last until its turn ends: a waiter that comes between set and reset sleeps on. And a
/// reset must see what came before the set that it wipes out (K3).
#[derive(Default)]
pub(crate) struct Turns(AtomicU64);

impl Turns {
    #[inline]
    pub(crate) fn set(&self) {
        self.turn(0, Ordering::Release);
    }

    #[inline]
    pub(crate) fn reset(&self) {
        self.turn(1, Ordering::Acquire);
    }

    /// The count is odd while the event object is set.
    #[inline(always)]
    fn turn(&self, from: u64, order: Ordering) {
        let turns = self.0.load(Ordering::Relaxed);
        let next = if turns % 2 == from { turns + 1 } else { turns };
        _ = self.0.compare_exchange_weak(turns, next, order, Ordering::Relaxed);
    }
}
