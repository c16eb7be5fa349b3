//! The word with its cells, which all threads share, and the one exchange by which they change it.

use super::state::{Recording, USER, When, Word};
use crate::event::{FD_MAX_EVENTS, NetworkEvent, NetworkEvents};
use crate::sync::{AtomicI32, AtomicU64, Backoff, Ordering, const_fn, zeroed};

/// Error codes by bit position; 0 is none.
pub(super) type Codes = [i32; FD_MAX_EVENTS];

/// The record: a word, and a cell for each event's code. A cell is 0 unless the word says that the event
/// has a code, or is about to.
pub(super) struct Shared {
    word: AtomicU64,
    codes: [AtomicI32; FD_MAX_EVENTS],
    /// The events that latch (L1).
    latching: NetworkEvents,
}

impl Shared {
    const_fn! {
        pub(super) const fn new(word: Word, latching: NetworkEvents) -> Self {
            Self { word: AtomicU64::new(word.0), codes: zeroed!(AtomicI32; FD_MAX_EVENTS), latching }
        }
    }

    /// The record of a socket that is accepted on the one whose word this was (S8).
    pub(super) fn inherited(&self, word: Word) -> Self {
        Self::new(word.inherited(), self.latching)
    }

    /// A look at the word. It orders nothing: a call that acts on what it sees does so by an exchange.
    #[inline]
    pub(super) fn look(&self) -> Word {
        Word(self.word.load(Ordering::Relaxed))
    }

    /// Makes the transition `step` once it is possible; `None` means that another thread must finish first.
    /// Returns what `step` says of it.
    #[inline]
    pub(super) fn exchange<T>(&self, mut step: impl FnMut(Word) -> Option<(Word, T)>) -> T {
        let mut word = self.look();
        let mut backoff = Backoff::new();
        loop {
            let Some((next, result)) = step(word) else {
                backoff.wait();
                word = self.look();
                continue;
            };
            match self.try_exchange(word, next) {
                Ok(()) => return result,
                Err(current) => word = self.after_a_miss(current),
            }
        }
    }

    /// Another thread has changed the word in between. A short pause lets it use the cache line that it has
    /// taken, and all threads get on faster.
    #[inline(always)]
    fn after_a_miss(&self, current: Word) -> Word {
        if Backoff::PAUSES_AFTER_A_MISS == 0 {
            return current;
        }
        (0..Backoff::PAUSES_AFTER_A_MISS).for_each(|_| core::hint::spin_loop());
        self.look()
    }

    /// One compare-exchange. Acquire sees what earlier threads wrote (the provider's data, the
    /// cells, the event object); Release publishes it, with what this thread wrote.
    #[inline]
    fn try_exchange(&self, word: Word, next: Word) -> Result<(), Word> {
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        let result = self.word.compare_exchange_weak(word.0, next.0, success, failure);
        result.map(drop).map_err(Word)
    }

    /// Records occurrences and stores their codes. A repeat is one load and one exchange, inlined.
    #[inline(always)]
    pub(super) fn record(
        &self,
        occurred: NetworkEvents,
        failed: NetworkEvents,
        code_of: impl Fn(NetworkEvent) -> i32,
        when: When,
    ) -> Recording {
        let word = self.look();
        if word.is_repeat(occurred, failed) && self.try_exchange(word, word).is_ok() {
            return Recording::NOTHING;
        }
        let step = |word: Word| Some(word.record(occurred, failed, self.latching, when));
        let recording = self.exchange(step);
        for event in recording.claimed.members() {
            self.cell(event).store(code_of(event), Ordering::Relaxed);
        }
        recording
    }

    /// One user less. Nothing depends on the rest of the word, so that this needs no compare-exchange.
    #[inline]
    pub(super) fn leave(&self) {
        self.word.fetch_sub(USER, Ordering::Release);
    }

    /// Waits until no call uses the event object, for the holder.
    #[inline]
    pub(super) fn wait_for_users(&self) {
        let mut backoff = Backoff::new();
        while Word(self.word.load(Ordering::Acquire)).is_in_use() {
            backoff.wait();
        }
    }

    /// Takes out of the record what `choose` names, in one step, which `finish` completes. Its codes go to
    /// `codes`. `None` if the socket is closed.
    #[inline]
    pub(super) fn take_out(
        &self,
        choose: impl Fn(Word) -> NetworkEvents,
        finish: impl Fn(Word) -> Word,
        codes: &mut Codes,
    ) -> Option<NetworkEvents> {
        let mut collected = NetworkEvents::empty();
        loop {
            let (taken, to_collect) = self.exchange(|word| {
                if word.is_closed() {
                    return Some((word, (None, NetworkEvents::empty())));
                }
                let events = choose(word);
                let (next, to_collect) = word.take_out(events, collected)?;
                let next = if to_collect.is_empty() { finish(next) } else { next };
                Some((next, (Some(events), to_collect)))
            });
            if to_collect.is_empty() {
                return taken;
            }
            self.collect(to_collect, codes);
            collected |= to_collect;
        }
    }

    /// Empties cells, which no other thread may.
    #[cold]
    fn collect(&self, cells: NetworkEvents, codes: &mut Codes) {
        for event in cells.members() {
            codes[event.bit_position()] = self.wait_for_code(event);
            self.cell(event).store(0, Ordering::Relaxed);
        }
    }

    /// Puts back what [`take_out`](Self::take_out) has taken (E7). A set is owed for it.
    pub(super) fn put_back(&self, events: NetworkEvents, codes: &Codes) {
        let failed = events.members().filter(|event| codes[event.bit_position()] != 0).collect();
        let before =
            self.exchange(|word| Some((word.put_back(events, failed, self.latching)?, word)));
        if failed.is_empty() || before.is_closed() {
            return;
        }
        // R3: a code that was stored meanwhile is later, and gives way.
        for event in (failed & before.coded()).members() {
            self.wait_for_code(event);
        }
        for event in failed.members() {
            self.cell(event).store(codes[event.bit_position()], Ordering::Relaxed);
        }
        self.exchange(|word| Some((word.refilled(), ())));
    }

    /// The code in a cell that only this thread may empty, once its writer has stored it.
    fn wait_for_code(&self, event: NetworkEvent) -> i32 {
        let mut backoff = Backoff::new();
        loop {
            match self.cell(event).load(Ordering::Relaxed) {
                0 => backoff.wait(),
                code => return code,
            }
        }
    }

    #[inline]
    fn cell(&self, event: NetworkEvent) -> &AtomicI32 {
        &self.codes[event.bit_position()]
    }
}
