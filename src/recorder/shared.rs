//! The word with its cells, which all threads share, and the one exchange by which they change it.

use super::state::{Recording, USER, When, Word};
use crate::event::{FD_MAX_EVENTS, NetworkEvent, NetworkEvents};
use crate::sync::{AtomicI32, AtomicU64, Backoff, Ordering, array, const_fn};

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
            Self { word: AtomicU64::new(word.0), codes: array![AtomicI32::new(0); FD_MAX_EVENTS], latching }
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
    pub(super) fn exchange<T>(&self, step: impl FnMut(Word) -> Option<(Word, T)>) -> T {
        self.exchange_from(self.look(), step)
    }

    /// The same for a caller who has just seen this word.
    #[inline]
    pub(super) fn exchange_from<T>(
        &self,
        mut word: Word,
        mut step: impl FnMut(Word) -> Option<(Word, T)>,
    ) -> T {
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

    /// Records occurrences and stores their codes. In the usual cases, a repeat and an event that is waited for, it is one
    /// load and one exchange, inlined.
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
        let recording = if let Some((next, recording)) =
            word.record_at_once(occurred, failed, self.latching, when)
            && self.try_exchange(word, next).is_ok()
        {
            recording
        } else {
            self.record_in_general(occurred, failed, when)
        };
        for event in failed.members().filter(|event| recording.claimed.contains(event.flag())) {
            self.cell(event).store(code_of(event), Ordering::Relaxed);
        }
        recording
    }

    #[inline(never)]
    fn record_in_general(
        &self,
        occurred: NetworkEvents,
        failed: NetworkEvents,
        when: When,
    ) -> Recording {
        self.exchange(|word| Some(word.record(occurred, failed, self.latching, when)))
    }

    /// One user less. Nothing depends on the rest of the word, so that this needs no compare-exchange.
    #[inline]
    pub(super) fn leave(&self) {
        self.word.fetch_sub(USER, Ordering::Release);
    }

    /// Waits until no call uses the event object, for the holder, who has left this word. Returns the one that it is then.
    #[inline]
    pub(super) fn wait_for_users(&self, mut word: Word) -> Word {
        let mut backoff = Backoff::new();
        while word.is_in_use() {
            backoff.wait();
            word = Word(self.word.load(Ordering::Acquire));
        }
        word
    }

    /// Takes out of the record what `choose` names, in one step, which `finish` completes. Its codes go to
    /// `codes`. `None` if the socket is closed. In the usual case it is one load and one exchange, inlined.
    #[inline]
    pub(super) fn take_out(
        &self,
        choose: impl Fn(Word) -> NetworkEvents,
        finish: impl Fn(Word) -> Word,
        codes: &mut Codes,
    ) -> Option<NetworkEvents> {
        let word = self.look();
        let events = choose(word);
        if let Some(next) = word.take_out_at_once(events)
            && self.try_exchange(word, finish(next)).is_ok()
        {
            return Some(events);
        }
        self.take_out_in_general(choose, finish, codes)
    }

    #[inline(never)]
    fn take_out_in_general(
        &self,
        choose: impl Fn(Word) -> NetworkEvents,
        finish: impl Fn(Word) -> Word,
        codes: &mut Codes,
    ) -> Option<NetworkEvents> {
        let mut collected = NetworkEvents::empty();
        let mut word = self.look();
        loop {
            let (next, events, to_collect) = self.exchange_from(word, |word| {
                let events = choose(word);
                let (next, to_collect) = word.take_out(events, collected)?;
                let next = if to_collect.is_empty() { finish(next) } else { next };
                Some((next, (next, events, to_collect)))
            });
            if to_collect.is_empty() {
                return (!next.is_closed()).then_some(events);
            }
            self.collect(to_collect, codes);
            collected |= to_collect;
            word = next;
        }
    }

    /// Empties cells, which no other thread may.
    #[inline]
    fn collect(&self, cells: NetworkEvents, codes: &mut Codes) {
        for event in cells.members() {
            codes[event.bit_position()] = self.wait_for_code(event);
            self.cell(event).store(0, Ordering::Relaxed);
        }
    }

    /// Puts back what [`take_out`](Self::take_out) has taken, unless it was re-enabled since (E7). A set is owed for it.
    pub(super) fn put_back(&self, events: NetworkEvents, codes: &Codes) {
        let failed: NetworkEvents =
            events.members().filter(|event| codes[event.bit_position()] != 0).collect();
        let (before, failed) = self.exchange(|word| {
            let events = events - word.reenabled(self.latching);
            let failed = failed & events;
            Some((word.put_back(events, failed, self.latching)?, (word, failed)))
        });
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
    #[inline]
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
