//! The record of one socket, packed into one word, and its transitions: functions from word to word,
//! without atomics and without an event object. Every rule about bits lives here. When a transition may be
//! made, and what must follow it, is the protocol's business ([`protocol`](super::protocol)).
//!
//! | bits | field | meaning |
//! |---|---|---|
//! | 0–9 | recorded | the event is in the record (R1) |
//! | 10–19 | coded | it has an error code, in the cell of the same index (R2) |
//! | 20–29 | selected | the switch asked for it (S1) |
//! | 30–39 | latched | it was recorded, or starts so, and was not re-enabled since: once reported it stays quiet (L1, L3) |
//! | 40 | collecting | one thread is emptying or refilling cells |
//! | 41 | owed | the event object must be set (R6); while held: something was recorded since |
//! | 42 | closed | the socket is closed, for good (S7) |
//! | 43–62 | users | how many calls are using the event object |
//! | 63 | held | a selection or a close keeps newcomers away from the event object (K3) |
//!
//! Always: coded ⊆ recorded; what is recorded and latches is latched; a closed word is nothing but closed;
//! unless held, owed only while something is reportable.

use crate::event::NetworkEvents;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

const RECORDED: u32 = 0;
const CODED: u32 = 10;
const SELECTED: u32 = 20;
const LATCHED: u32 = 30;

const COLLECTING: u64 = 1 << 40;
const OWED: u64 = 1 << 41;
const CLOSED: u64 = 1 << 42;
/// One user. 20 bits count them.
pub(super) const USER: u64 = 1 << 43;
const HELD: u64 = 1 << 63;
/// From here on nobody may come in: the word is held, or the count of users is full.
const FULL: u64 = HELD - USER;

/// When the event object is set for what is recorded: by the recording, or in a second step (R9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Now,
    Later,
}

/// What a recording did, and what its caller must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recording {
    /// Events that were not recorded before.
    pub(super) new: NetworkEvents,
    /// Events whose code the caller must store, in cells that are empty.
    pub(super) claimed: NetworkEvents,
    pub(super) wake: Wake,
}

impl Recording {
    pub(super) const NOTHING: Self = Self {
        new: NetworkEvents::empty(),
        claimed: NetworkEvents::empty(),
        wake: Wake::NotNeeded,
    };
}

/// Who sets the event object for what was recorded.
///
/// ```
/// use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, Wake};
///
/// // Recorded, but nobody selected it: there is nobody to wake (R1, R4).
/// let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
/// assert_eq!(recorder.record(NetworkEvent::Close, Ok(())).wake, Wake::NotNeeded);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wake {
    /// Nothing new that is selected: the event object was not touched (R3, R4). After the second of two steps: nothing was
    /// left to set, since another call has set it or is about to, or since it was reported or withdrawn (R9).
    NotNeeded,
    /// This call sets the event object.
    Set,
    /// A selection or a close is under way on another thread, and the set was left to it: if the event is
    /// selected when that call ends, the call sets the event object before it returns (K2). If that fails,
    /// or if more than a million calls are inside the event object at once, the set is owed (R6).
    HandedOver,
}

impl Word {
    /// Closed, and nothing else.
    pub(super) const CLOSED: Self = Self(CLOSED);

    /// Nothing recorded, nothing selected.
    pub(super) const NEW: Self = Self(0).with(LATCHED, NetworkEvents::LATCHED_FROM_THE_BEGINNING);

    /// The word of a socket that is accepted on this one: the same selection, and an empty record (S8).
    #[inline]
    pub(super) const fn inherited(self) -> Self {
        Self::NEW.with(SELECTED, self.selected())
    }

    const fn field(self, at: u32) -> NetworkEvents {
        NetworkEvents::from_bits_truncate((self.0 >> at) as u32)
    }

    const fn with(self, at: u32, events: NetworkEvents) -> Self {
        Self(self.0 | (events.bits() as u64) << at)
    }

    const fn without(self, at: u32, events: NetworkEvents) -> Self {
        Self(self.0 & !((events.bits() as u64) << at))
    }

    const fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    const fn on(self, flag: u64) -> Self {
        Self(self.0 | flag)
    }

    const fn off(self, flag: u64) -> Self {
        Self(self.0 & !flag)
    }

    pub(super) const fn recorded(self) -> NetworkEvents {
        self.field(RECORDED)
    }

    pub(super) const fn coded(self) -> NetworkEvents {
        self.field(CODED)
    }

    pub(super) const fn selected(self) -> NetworkEvents {
        self.field(SELECTED)
    }

    pub(super) const fn latched(self) -> NetworkEvents {
        self.field(LATCHED)
    }

    /// Recorded and selected (E1).
    #[inline]
    pub(super) const fn reportable(self) -> NetworkEvents {
        self.recorded().intersection(self.selected())
    }

    /// Nothing is reportable, and nobody is about to select: there is nothing to set the event object for.
    #[inline]
    pub(super) const fn tells_nothing(self) -> bool {
        self.reportable().is_empty() && !self.is_held()
    }

    pub(super) const fn is_owed(self) -> bool {
        self.has(OWED)
    }

    pub(super) const fn is_closed(self) -> bool {
        self.has(CLOSED)
    }

    pub(super) const fn is_held(self) -> bool {
        self.has(HELD)
    }

    /// Whether any call is using the event object.
    pub(super) const fn is_in_use(self) -> bool {
        self.0 & FULL != 0
    }

    /// Clears `owed` if nothing is reportable. While the word is held the holder
    /// decides that, since the events that it selects are not in the word yet.
    #[inline]
    const fn without_void_debt(self) -> Self {
        if self.is_owed() && self.tells_nothing() { self.off(OWED) } else { self }
    }

    /// Whether [`record`](Self::record) would change nothing: what is recorded and latches is latched.
    #[inline]
    pub(super) const fn is_repeat(self, occurred: NetworkEvents, failed: NetworkEvents) -> bool {
        self.recorded().contains(occurred) && self.coded().contains(failed) && !self.is_owed()
    }

    /// [`record`](Self::record) in the usual case: none of the events is recorded or latched, one is selected, no set is
    /// owed, and the caller sets the event object. `None` in any other. In a closed word nothing is selected.
    #[inline]
    pub(super) fn record_at_once(
        self,
        occurred: NetworkEvents,
        failed: NetworkEvents,
        latching: NetworkEvents,
        when: When,
    ) -> Option<(Self, Recording)> {
        let unusual = Self(OWED).with(RECORDED, occurred).with(LATCHED, occurred);
        if self.has(unusual.0) || !self.selected().intersects(occurred) || when == When::Later {
            return None;
        }
        let next = self.with(RECORDED, occurred).with(CODED, failed);
        let next = next.with(LATCHED, occurred & latching).enter()?;
        Some((next, Recording { new: occurred, claimed: failed, wake: Wake::Set }))
    }

    /// Occurrences of `occurred`, those in `failed` with an error code: one step (R1 to R6, L1).
    #[inline]
    pub(super) const fn record(
        self,
        occurred: NetworkEvents,
        failed: NetworkEvents,
        latching: NetworkEvents,
        when: When,
    ) -> (Self, Recording) {
        if self.is_closed() {
            return (self, Recording::NOTHING);
        }
        // L1: what was recorded, is so no longer, and was not re-enabled.
        let quiet = self.latched().difference(self.recorded());
        let occurred = occurred.difference(quiet);
        let new = occurred.difference(self.recorded());
        // R3: an error takes the place of a success, never of an earlier error.
        let claimed = failed.difference(quiet).difference(self.coded());
        let next = self.with(RECORDED, occurred).with(CODED, claimed);
        let next = next.with(LATCHED, occurred.intersection(latching));
        // P3: even while something else is reportable, since the event object may have been reset since. While
        // the word is held, of every event: the holder may be selecting it.
        let news = new.intersects(self.selected()) || self.is_held() && !new.is_empty();
        let (next, wake) = match when {
            _ if !news && !self.is_owed() => (next, Wake::NotNeeded),
            When::Now => next.call_for_set(),
            When::Later => (next.on(OWED), Wake::HandedOver),
        };
        (next, Recording { new, claimed, wake })
    }

    /// The second step of a recording: the set that it left owed, if no other call has taken it over, and no
    /// report or withdrawal has made it void (R9).
    #[inline]
    pub(super) const fn claim_owed_set(self) -> (Self, Wake) {
        if self.is_owed() { self.call_for_set() } else { (self, Wake::NotNeeded) }
    }

    /// After a reset: the event object must be set if something is reportable.
    #[inline]
    pub(super) const fn set_what_is_left(self) -> (Self, Wake) {
        let next = self.looked_through();
        if next.reportable().is_empty() { (next, Wake::NotNeeded) } else { next.call_for_set() }
    }

    /// The event object must be set: by the caller, who becomes one of its users; or, if the word is
    /// held, by the holder.
    #[inline]
    pub(super) const fn call_for_set(self) -> (Self, Wake) {
        match self.enter() {
            Some(next) => (next.off(OWED), Wake::Set),
            None => (self.on(OWED), Wake::HandedOver),
        }
    }

    /// One user more; `None` while nobody may come in.
    #[inline]
    pub(super) const fn enter(self) -> Option<Self> {
        if self.0 < FULL { Some(Self(self.0 + USER)) } else { None }
    }

    /// One user less.
    pub(super) const fn leave(self) -> Self {
        Self(self.0 - USER)
    }

    /// One user less, who could not set the event object or cannot know whether it did (R6, K5).
    #[inline]
    pub(super) const fn leave_owing(self) -> Self {
        self.leave().on(OWED).without_void_debt()
    }

    /// [`take_out`](Self::take_out) in the usual case: no event has a code, so that nobody collects, and no set is owed.
    /// `None` in any other.
    #[inline]
    pub(super) fn take_out_at_once(self, events: NetworkEvents) -> Option<Self> {
        let is_usual = !self.is_owed() && !self.is_closed() && self.coded().is_empty();
        is_usual.then(|| self.without(RECORDED, events))
    }

    /// Takes events out of the record, in one step (E1, E3, R7), once the caller has emptied all their
    /// cells: `collected` says which it has. While there are others to empty, the step makes the caller the
    /// one who may, and the second value names them; `None` while another thread is the one.
    #[inline]
    pub(super) fn take_out(
        self,
        events: NetworkEvents,
        collected: NetworkEvents,
    ) -> Option<(Self, NetworkEvents)> {
        let to_collect = (events & self.coded()) - collected;
        if !to_collect.is_empty() {
            let is_free = !self.has(COLLECTING) || !collected.is_empty();
            return is_free.then(|| (self.on(COLLECTING), to_collect));
        }
        let next = self.without(RECORDED, events).without(CODED, events);
        let next = if collected.is_empty() { next } else { next.off(COLLECTING) };
        Some((next.without_void_debt(), to_collect))
    }

    /// A report is taken, or an event object was reset after one. If the word is held, that may have been
    /// the very event object that the holder has set for the selection it is about to make: a set is owed.
    #[inline]
    pub(super) const fn looked_through(self) -> Self {
        if self.is_held() { self.on(OWED) } else { self }
    }

    /// Ends latches (L2).
    pub(super) const fn unlatch(self, events: NetworkEvents) -> Self {
        self.without(LATCHED, events)
    }

    /// Every latch as at the beginning (R8).
    pub(super) const fn relatched(self) -> Self {
        if self.is_closed() {
            return self;
        }
        self.unlatch(NetworkEvents::FD_ALL_EVENTS)
            .with(LATCHED, NetworkEvents::LATCHED_FROM_THE_BEGINNING)
    }

    /// Of the events that latch, those that were re-enabled since a report took them: what it has taken stays latched, and
    /// is not recorded again, until then.
    pub(super) fn reenabled(self, latching: NetworkEvents) -> NetworkEvents {
        latching - (self.latched() - self.recorded())
    }

    /// Puts a report back, as if it had not been taken (E7): what was recorded meanwhile stays, and
    /// counts as later (R3). A set is owed for all of it, since the event object may have been reset before
    /// the reset failed or panicked. If any of it has `failed`, the caller is then the one who may fill
    /// cells; `None` while another thread is.
    #[inline]
    pub(super) fn put_back(
        self,
        events: NetworkEvents,
        failed: NetworkEvents,
        latching: NetworkEvents,
    ) -> Option<Self> {
        if self.is_closed() {
            return Some(self);
        }
        let next = self.with(RECORDED, events).with(LATCHED, events & latching);
        let next = next.on(OWED).without_void_debt();
        if failed.is_empty() {
            return Some(next);
        }
        (!self.has(COLLECTING)).then(|| next.with(CODED, failed).on(COLLECTING))
    }

    /// The cells are filled again.
    pub(super) const fn refilled(self) -> Self {
        self.off(COLLECTING)
    }

    /// Keeps newcomers away from the event object; `None` while another thread does.
    #[inline]
    pub(super) const fn hold(self) -> Option<Self> {
        if self.is_held() { None } else { Some(self.on(HELD)) }
    }

    /// The holder leaves, and `events` are selected. If a set is owed for them, the holder becomes a user
    /// and sets. `None` while a report is being collected, which counts on the selection that it has seen.
    #[inline]
    pub(super) fn release(self, events: NetworkEvents) -> Option<(Self, Wake)> {
        let next = self.without(SELECTED, NetworkEvents::FD_ALL_EVENTS).with(SELECTED, events);
        let next = next.off(HELD).without_void_debt();
        let step = if next.is_owed() { next.call_for_set() } else { (next, Wake::NotNeeded) };
        (!self.has(COLLECTING)).then_some(step)
    }

    /// The same without a set, which stays owed: the holder could not select, or cannot know whether it
    /// could (K5).
    #[inline]
    pub(super) const fn release_owing(self) -> Self {
        self.off(HELD).on(OWED).without_void_debt()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const NONE: NetworkEvents = NetworkEvents::empty();
    const READ: NetworkEvents = NetworkEvents::FD_READ;
    const CLOSE: NetworkEvents = NetworkEvents::FD_CLOSE;
    const BOTH: NetworkEvents = READ.union(CLOSE);
    const ALL: NetworkEvents = NetworkEvents::all();
    const SETS: [NetworkEvents; 4] = [NONE, READ, CLOSE, BOTH];

    fn is_legal(word: Word) -> bool {
        if word.is_closed() {
            return word == Word::CLOSED;
        }
        word.recorded().contains(word.coded())
            && (!word.is_owed() || word.is_held() || !word.reportable().is_empty())
    }

    /// Every legal word over two events, with no user, one, all but one, and all there can be.
    fn words() -> impl Iterator<Item = Word> {
        let flags = [0, HELD].into_iter().flat_map(|held| [0, OWED].map(|owed| held | owed));
        let flags = flags.flat_map(|flags| [0, COLLECTING].map(|collecting| flags | collecting));
        let start = flags.flat_map(|flags| [0, USER, FULL - USER, FULL].map(|n| Word(flags | n)));
        let fields = [RECORDED, CODED, SELECTED, LATCHED];
        let words = fields.into_iter().fold(start.collect::<Vec<_>>(), |words, at| {
            words.iter().flat_map(|word| SETS.map(|set| word.with(at, set))).collect()
        });
        words.into_iter().chain([Word::CLOSED]).filter(|&word| is_legal(word))
    }

    fn open_words() -> impl Iterator<Item = Word> {
        words().filter(|word| !word.is_closed())
    }

    fn users(word: Word) -> u64 {
        (word.0 & FULL) / USER
    }

    /// The word without what `flags` and the count of users say.
    fn rest(word: Word, flags: u64) -> u64 {
        word.0 & !flags & !FULL
    }

    /// Every word that a transition leads to from an open one.
    fn successors(word: Word) -> impl Iterator<Item = Word> {
        let mut next = std::vec![word.looked_through(), word.refilled(), word.set_what_is_left().0];
        next.extend([word.claim_owed_set().0]);
        next.extend(word.enter());
        next.extend(word.hold());
        if users(word) > 0 {
            next.extend([word.leave(), word.leave_owing()]);
        }
        for one in SETS {
            next.extend(word.take_out(one, word.coded() & one).map(|(next, _)| next));
            next.extend(word.take_out(one, NONE).map(|(next, _)| next.unlatch(one)));
            next.extend(word.take_out(one, NONE).map(|(next, _)| next.relatched()));
            if word.is_held() && users(word) == 0 {
                next.push(word.release_owing());
                next.extend(word.release(one).map(|(next, _)| next));
            }
            for other in SETS {
                next.push(word.record(one | other, other, one, When::Now).0);
                next.push(word.record(one | other, other, one, When::Later).0);
                next.extend(word.put_back(one | other, other, one));
            }
        }
        next.into_iter()
    }

    /// Catches a flag or a count that overlaps with something else.
    #[test]
    fn every_bit_has_one_meaning() {
        let fields =
            [RECORDED, CODED, SELECTED, LATCHED].map(|at| Word(0).with(at, NetworkEvents::all()).0);
        let parts = fields.into_iter().chain([COLLECTING, OWED, CLOSED, FULL, HELD]);
        let all = parts.fold(0_u64, |all, part| {
            assert_eq!(all & part, 0, "{part:x}");
            all | part
        });
        assert_eq!(all, u64::MAX);
    }

    /// Catches a transition that breaks what the others build on: a code without a recorded event, a debt
    /// for nothing.
    #[test]
    fn transitions_lead_from_legal_words_to_legal_words() {
        for (word, next) in
            open_words().flat_map(|word| successors(word).map(move |next| (word, next)))
        {
            assert!(is_legal(next), "{word:x?} -> {next:x?}");
        }
    }

    /// Catches a closed word that becomes another one, and would be taken for an open one.
    #[test]
    fn p5_taking_out_leaves_a_closed_word_as_it_is() {
        for events in SETS {
            let taken = Word::CLOSED.take_out(events, NONE);
            assert_eq!(taken, Some((Word::CLOSED, NONE)));
            assert_eq!(Word::CLOSED.unlatch(events), Word::CLOSED);
        }
        assert_eq!(Word::CLOSED.looked_through(), Word::CLOSED);
        assert_eq!(Word::CLOSED.relatched(), Word::CLOSED);
    }

    /// R1 to R4, R6 and L1 by their own words, one event at a time.
    #[test]
    fn r3_recording_event_by_event() {
        for (word, latching) in
            open_words().flat_map(|word| [NONE, READ, BOTH].map(|set| (word, set)))
        {
            // What is recorded and latches is latched.
            if !word.latched().contains(word.recorded() & latching) {
                continue;
            }
            for (occurred, failed) in SETS.into_iter().flat_map(|a| SETS.map(|b| (a | b, b))) {
                let (next, recording) = word.record(occurred, failed, latching, When::Now);
                let mut news = false;
                for event in [READ, CLOSE] {
                    let has = |set: NetworkEvents| set.contains(event);
                    let quiet = has(word.latched()) && !has(word.recorded());
                    let (happens, fails) = (has(occurred) && !quiet, has(failed) && !quiet);
                    assert_eq!(has(next.recorded()), has(word.recorded()) || happens);
                    assert_eq!(has(next.coded()), has(word.coded()) || fails);
                    assert_eq!(has(recording.new), happens && !has(word.recorded()));
                    assert_eq!(has(recording.claimed), fails && !has(word.coded()));
                    assert_eq!(has(next.selected()), has(word.selected()));
                    let latches = happens && has(latching);
                    assert_eq!(has(next.latched()), has(word.latched()) || latches);
                    news |= has(recording.new) && (has(word.selected()) || word.is_held());
                }
                let changes = (next, recording) != (word, Recording::NOTHING);
                let is_repeat = word.recorded().contains(occurred) && !changes;
                assert_eq!(word.is_repeat(occurred, failed), is_repeat);
                let due = news || word.is_owed();
                let wake = match due {
                    false => Wake::NotNeeded,
                    true if word.is_held() || users(word) == users(Word(FULL)) => Wake::HandedOver,
                    true => Wake::Set,
                };
                assert_eq!(recording.wake, wake, "{word:x?}");
                assert_eq!(users(next), users(word) + u64::from(wake == Wake::Set));
                assert_eq!(next.is_owed(), wake == Wake::HandedOver);
                assert_eq!(next.is_held(), word.is_held());
            }
        }
        for when in [When::Now, When::Later] {
            let closed = Word::CLOSED.record(BOTH, BOTH, BOTH, when);
            assert_eq!(closed, (Word::CLOSED, Recording::NOTHING));
        }
    }

    /// Catches a shortcut that does something else than the whole, or is not taken where it should be.
    #[test]
    fn the_usual_case_is_no_exception() {
        for (word, events) in words().flat_map(|word| SETS.map(|events| (word, events))) {
            let is_fresh = !events.intersects(word.recorded() | word.latched());
            let is_selected = word.selected().intersects(events);
            let is_usual = is_fresh && is_selected && !word.is_owed() && word.enter().is_some();
            for (failed, latching) in SETS.into_iter().flat_map(|a| SETS.map(|b| (a & events, b))) {
                let step = word.record_at_once(events, failed, latching, When::Now);
                let whole = word.record(events, failed, latching, When::Now);
                assert_eq!(step, is_usual.then_some(whole), "{word:x?}");
                assert_eq!(word.record_at_once(events, failed, latching, When::Later), None);
            }
            let is_usual = word.coded().is_empty() && !word.is_owed() && !word.is_closed();
            let step = word.take_out_at_once(events).map(|next| (next, NONE));
            assert_eq!(step, is_usual.then(|| word.take_out(events, NONE)).flatten(), "{word:x?}");
        }
    }

    /// R9: catches a first step that enters, forgets the debt or owes without news, and a second one that sets
    /// for what was reported meanwhile.
    #[test]
    fn r9_the_first_step_owes_what_the_second_sets() {
        for (word, one) in open_words().flat_map(|word| SETS.map(|one| (word, one))) {
            let (now, at_once) = word.record(one, NONE, NONE, When::Now);
            let (later, owing) = word.record(one, NONE, NONE, When::Later);
            assert_eq!((owing.new, owing.claimed), (at_once.new, at_once.claimed));
            let due = at_once.wake != Wake::NotNeeded;
            assert_eq!((later.is_owed(), owing.wake != Wake::NotNeeded), (due, due));
            assert_eq!((users(later), rest(later, OWED)), (users(word), rest(now, OWED)));
            assert_eq!(later.claim_owed_set(), (now, at_once.wake));
            if let Some((taken, _)) = later.take_out(later.reportable(), later.coded())
                && !word.is_held()
            {
                assert_eq!(taken.claim_owed_set(), (taken, Wake::NotNeeded));
            }
        }
    }

    /// K3: catches a newcomer beside a holder, a count that overflows into the next bit, and a step that
    /// touches more than the count and the debt.
    #[test]
    fn k3_users_are_counted_and_a_holder_keeps_them_out() {
        for word in open_words() {
            let may_enter = !word.is_held() && users(word) < users(Word(FULL));
            assert_eq!(word.enter().is_some(), may_enter);
            assert_eq!(word.is_in_use(), users(word) > 0);
            if let Some(next) = word.enter() {
                assert_eq!((users(next), rest(next, 0)), (users(word) + 1, rest(word, 0)));
                assert_eq!(next.leave(), word);
                let owing = next.leave_owing();
                assert_eq!((users(owing), rest(owing, OWED)), (users(word), rest(word, OWED)));
                assert_eq!(owing.is_owed(), !word.reportable().is_empty());
            }
            let (next, wake) = word.call_for_set();
            assert_eq!(wake == Wake::Set, may_enter);
            assert_eq!(
                (users(next), next.is_owed()),
                (users(word) + u64::from(may_enter), !may_enter)
            );
            assert_eq!(word.hold(), (!word.is_held()).then(|| word.on(HELD)));
        }
    }

    /// E5: catches a call that does not set again after its reset, and one that does not tell a holder that
    /// an event object may have been reset.
    #[test]
    fn e5_after_a_reset_what_is_left_is_set() {
        for word in open_words() {
            let (next, wake) = word.set_what_is_left();
            let reportable = !word.reportable().is_empty();
            assert_eq!(wake == Wake::NotNeeded, !reportable);
            assert!(!word.tells_nothing() || (next, wake) == (word, Wake::NotNeeded));
            assert!(word.tells_nothing() || reportable || word.is_held());
            assert!(!word.is_held() || next.is_owed());
            assert_eq!(word.looked_through().is_owed(), word.is_owed() || word.is_held());
        }
    }

    /// S1, S6: catches a selection that leaves the old mask, forgets a debt or what is recorded, or changes
    /// the mask under a report that is being collected.
    #[test]
    fn s1_releasing_replaces_the_mask() {
        let held = open_words().filter(|word| word.is_held() && users(*word) == 0);
        for (word, events) in held.flat_map(|word| SETS.map(|events| (word, events))) {
            let must_set = word.is_owed() && word.recorded().intersects(events);
            match word.release(events) {
                None => assert!(word.has(COLLECTING)),
                Some((next, wake)) => {
                    assert!(!word.has(COLLECTING));
                    assert_eq!(wake, if must_set { Wake::Set } else { Wake::NotNeeded });
                    assert_eq!((next.selected(), next.recorded()), (events, word.recorded()));
                    assert_eq!((next.coded(), next.latched()), (word.coded(), word.latched()));
                    assert_eq!((next.is_held(), next.is_owed()), (false, false));
                    assert_eq!(users(next), u64::from(must_set));
                }
            }
            let owing = word.release_owing();
            assert_eq!(rest(owing, HELD | OWED), rest(word, HELD | OWED));
            let owed = !word.reportable().is_empty();
            assert_eq!((owing.is_held(), owing.is_owed(), users(owing)), (false, owed, 0));
        }
    }

    /// E1, E3, R7: what is taken is gone, with its codes and with a debt that was for it alone. Catches a
    /// code that is left behind, and two threads that empty cells at once.
    #[test]
    fn e3_what_is_taken_out_is_gone() {
        for (word, events) in open_words().flat_map(|word| SETS.map(|events| (word, events))) {
            let codes = events & word.coded();
            let first = word.take_out(events, NONE);
            assert_eq!(first.is_none(), !codes.is_empty() && word.has(COLLECTING));
            let Some((next, to_collect)) = first else { continue };
            assert_eq!(to_collect, codes);
            let taken = if codes.is_empty() {
                next
            } else {
                assert_eq!(next, word.on(COLLECTING));
                next.take_out(events, codes).unwrap().0
            };
            assert_eq!(
                (taken.recorded(), taken.coded()),
                (word.recorded() - events, word.coded() - events)
            );
            assert_eq!(taken.has(COLLECTING), word.has(COLLECTING));
            assert_eq!((taken.selected(), taken.latched()), (word.selected(), word.latched()));
            let void = taken.reportable().is_empty() && !word.is_held();
            assert_eq!(taken.is_owed(), word.is_owed() && !void);
            assert_eq!(taken.unlatch(events).latched(), word.latched() - events);
            let renewed = taken.relatched();
            assert_eq!(renewed.latched(), NetworkEvents::LATCHED_FROM_THE_BEGINNING);
            assert_eq!(renewed.unlatch(ALL), taken.unlatch(ALL));
            assert_eq!(users(taken), users(word));
        }
    }

    /// E7: what was put back is there again, and nothing that came meanwhile is lost; the set for it is owed.
    #[test]
    fn e7_putting_back_undoes_the_taking() {
        let free = open_words().filter(|word| !word.has(COLLECTING));
        for (word, latching) in free.flat_map(|word| [NONE, BOTH].map(|set| (word, set))) {
            if !word.latched().contains(word.recorded() & latching) {
                continue;
            }
            let events = word.reportable();
            let failed = events & word.coded();
            let taken = word.on(COLLECTING).take_out(events, failed).unwrap().0.refilled();
            for meanwhile in SETS {
                let (between, _) = taken.record(meanwhile, NONE, latching, When::Now);
                let back = between.put_back(events, failed, latching).unwrap();
                assert_eq!(
                    between.on(COLLECTING).put_back(events, failed, latching).is_none(),
                    !failed.is_empty()
                );
                assert_eq!(back.has(COLLECTING), !failed.is_empty());
                let heard = meanwhile - (taken.latched() - taken.recorded());
                assert_eq!(back.recorded(), word.recorded() | heard);
                assert_eq!(
                    (back.coded(), back.latched()),
                    (word.coded(), between.latched() | events & latching)
                );
                assert_eq!(back.is_owed(), word.is_held() || !back.reportable().is_empty());
            }
        }
        assert_eq!(Word::CLOSED.put_back(BOTH, BOTH, NONE), Some(Word::CLOSED));
    }
}
