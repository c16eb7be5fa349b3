//! The floor: what the calls cannot do without in this protocol, which never holds a lock. The same exchanges on one word in
//! the same order, each after the look that it depends on, the same calls of the event object, and a report of the same
//! size; nothing else.

use std::cell::Cell;
use std::hint::{black_box, spin_loop};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering, compiler_fence};

use wsp_events::{EventSignal, FD_MAX_EVENTS, Report};

use crate::peers::{Outcome, Record};

const READ: u64 = 1;
const CLOSE: u64 = 2;
const EVENTS: u64 = 0x3ff;
/// Times an event: it has a code.
const CODED: u64 = 1 << 10;
const COLLECTING: u64 = 1 << 40;
const USER: u64 = 1 << 43;
const HELD: u64 = 1 << 63;

pub(crate) struct Bare<S> {
    word: AtomicU64,
    codes: [AtomicI32; FD_MAX_EVENTS],
    signal: S,
    /// Stands for the place of the event object that a selection replaces.
    selected: AtomicUsize,
}

impl<S: EventSignal> Bare<S> {
    pub(crate) fn new(signal: S) -> Self {
        let (word, selected) = (AtomicU64::new(0), AtomicUsize::new(0));
        Self { word, codes: Default::default(), signal, selected }
    }

    /// Returns the word before.
    #[inline(always)]
    fn exchange(&self, step: impl Fn(u64) -> u64) -> u64 {
        self.exchange_from(self.word.load(Ordering::Relaxed), step)
    }

    /// The same, where the word is known from the exchange before.
    #[inline(always)]
    fn exchange_from(&self, mut word: u64, step: impl Fn(u64) -> u64) -> u64 {
        loop {
            let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
            match self.word.compare_exchange_weak(word, step(word), success, failure) {
                Ok(before) => return before,
                Err(_) => {
                    // Who pauses decides who gets the cache line: as long as the recorder does.
                    (0..2).for_each(|_| spin_loop());
                    word = self.word.load(Ordering::Relaxed);
                }
            }
        }
    }

    /// Sets the event object, and says that it is no longer in use, which a selection must know before it drops it (K3).
    #[inline(always)]
    fn set(&self) {
        self.inside(|| self.signal.set_event().unwrap());
        self.word.fetch_sub(USER, Ordering::Release);
    }

    /// The thread notes that it is inside foreign code, which may call back (K4).
    #[inline(always)]
    fn inside(&self, call: impl FnOnce()) {
        thread_local!(static INSIDE: Cell<usize> = const { Cell::new(0) });

        INSIDE.with(|inside| {
            let before = inside.replace(ptr::from_ref(self).addr());
            compiler_fence(Ordering::SeqCst);
            call();
            inside.set(before);
        });
    }

    /// One exchange records. A repeat needs it too, since a look could be older than the report that took the event (E3).
    /// Returns what was recorded already.
    #[inline(always)]
    fn record(&self, events: u64, code: Option<i32>) -> u64 {
        let coded = if code.is_some() { events * CODED } else { 0 };
        let step = |word| if word & events == 0 { (word | events | coded) + USER } else { word };
        let before = self.exchange(step) & events;
        if before == 0 {
            if let Some(code) = code {
                self.codes[events.trailing_zeros() as usize].store(code, Ordering::Relaxed);
            }
            self.set();
        }
        before
    }
}

impl<S: EventSignal> Record<S> for Bare<S> {
    #[inline(always)]
    fn note(&self, outcome: Outcome) {
        black_box(&black_box(self).record(READ, outcome.err().map(|error| error.code())));
    }

    #[inline]
    fn note_two(&self) {
        black_box(&black_box(self).record(READ | CLOSE, None));
    }

    /// One exchange; with a code one more, which keeps other threads away from the code (E7 puts it back).
    #[inline]
    fn take_and_reset(&self, event: &S) {
        let bare = black_box(self);
        let mut report = [0; size_of::<Report>() / 4];
        let mut word = bare.word.load(Ordering::Relaxed);
        let mut coded = (word / CODED) & EVENTS;
        if coded != 0 {
            word = bare.exchange_from(word, |word| word | COLLECTING) | COLLECTING;
            while coded != 0 {
                let at = coded.trailing_zeros() as usize;
                // The thread that records it stores it after its exchange.
                while report[at] == 0 {
                    report[at] = bare.codes[at].load(Ordering::Relaxed);
                }
                bare.codes[at].store(0, Ordering::Relaxed);
                coded &= coded - 1;
            }
        }
        bare.exchange_from(word, |word| word & !(EVENTS | (EVENTS * CODED) | COLLECTING));
        bare.inside(|| event.reset_event().unwrap());
        // What was recorded before the reset is set again (E5).
        if bare.word.load(Ordering::Relaxed) & EVENTS != 0 {
            bare.exchange(|word| word + USER);
            bare.set();
        }
        black_box(&report);
    }

    /// One exchange keeps the other threads away from the event object, one lets them in again (K3). In between the new one
    /// takes the place of the old one, which is dropped; here it is the new one that is.
    #[inline]
    fn select_all(&self, signal: S) {
        let bare = black_box(self);
        let mut word = bare.exchange(|word| word | HELD) | HELD;
        while word & !HELD >= USER {
            word = bare.word.load(Ordering::Acquire);
        }
        bare.selected.store(black_box(&raw const signal).addr(), Ordering::Relaxed);
        bare.exchange_from(word, |word| word & !HELD);
    }
}

/// The floor of an event object: an exchange for the set, and one for the reset after a look, since it counts a turn only if
/// the event object is set. Without a count a waiter that has not yet run when the reset follows goes back to sleep. And a
/// reset must see what came before the set that it wipes out (K3).
#[derive(Default)]
pub(crate) struct Turns(AtomicU64);

impl Turns {
    /// The count is odd while the event object is set.
    #[inline]
    pub(crate) fn set(&self) {
        if self.0.fetch_or(1, Ordering::Release) & 1 == 0 {
            // In place of the look whether a thread waits.
            black_box(self);
        }
    }

    #[inline]
    pub(crate) fn reset(&self) {
        let turns = self.0.load(Ordering::Relaxed);
        if turns & 1 == 1 {
            let (success, failure) = (Ordering::Acquire, Ordering::Relaxed);
            _ = self.0.compare_exchange_weak(turns, turns + 1, success, failure);
        }
    }
}
