//! The record of one socket, packed into one word, and its transitions: functions from word to word,
//! without atomics and without a signal. Every rule about bits lives here; when a transition may be
//! made, and what its maker then owes, is the protocol's business (`super`).
//!
//! | bits | field | of each event it says |
//! |---|---|---|
//! | 0–9 | recorded | it is in the record (R1) |
//! | 10–19 | coded | and has an error code, in the cell of the same index (R2) |
//! | 20–29 | busy | and that cell is in somebody's hands, being written or copied |
//! | 30–39 | selected | the switch asked for it (S1) |
//! | 40–49 | latched | it was recorded and not re-enabled since: once reported it stays quiet (L1) |
//! | 50–59 | latching | it latches at all; this field is fixed when the recorder is made |
//! | 60 | held | some thread has the signal to itself (K3) |
//! | 61 | owed | the signal must be set for something that is reportable (R6, K2) |
//! | 62 | closed | the socket is closed, for good (S7) |
//! | 63 | setting | a recording has the signal to set it, or has set it and left, and nobody has reset it since |
//!
//! Held and setting both: a recording has taken the signal over from an earlier one. Owed and setting:
//! others have handed news over to the recording; if it has left, to a signal that is set, which is no debt.
//!
//! Always: busy ⊆ coded ⊆ recorded; latched ⊆ latching; owed only while something is reportable; closed
//! only with all else but held empty.

use crate::event::NetworkEvents;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

const RECORDED: u32 = 0;
const CODED: u32 = 10;
const BUSY: u32 = 20;
const SELECTED: u32 = 30;
const LATCHED: u32 = 40;
const LATCHING: u32 = 50;

const HELD: u64 = 1 << 60;
const OWED: u64 = 1 << 61;
const CLOSED: u64 = 1 << 62;
const SETTING: u64 = 1 << 63;

/// What recording did, and what its caller must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recording {
    /// Events that were not recorded before.
    pub(super) new: NetworkEvents,
    /// Events whose code cell is now the caller's to write, and then to [`publish`](Word::publish).
    pub(super) claimed: NetworkEvents,
    pub(super) duty: Duty,
}

/// Who sets the signal for an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// Nobody: there is nothing new to tell.
    None,
    /// The caller, who has the signal to set it.
    Set,
    /// The caller, who now holds the signal, after another recording that has set it. If that one is
    /// seen to be there still, the caller [gives the signal back](Word::give_back).
    SetAgain,
    /// Whoever has the signal, who finds `owed` before it leaves.
    HandedOver,
}

impl Word {
    /// Nothing recorded, nothing selected.
    #[inline]
    pub(super) const fn new(latching: NetworkEvents) -> Self {
        let latching = latching.intersection(NetworkEvents::LATCHING_FOR_CONDITIONS);
        let latched = latching.intersection(NetworkEvents::LATCHED_FROM_THE_BEGINNING);
        Self(0).with(LATCHING, latching).with(LATCHED, latched)
    }

    /// The word of a socket that is accepted on this one: the same selection and latching set, and an
    /// empty record (S8).
    #[inline]
    pub(super) const fn inherited(self) -> Self {
        Self::new(self.field(LATCHING)).with(SELECTED, self.selected())
    }

    #[inline]
    const fn field(self, at: u32) -> NetworkEvents {
        NetworkEvents::from_bits_truncate((self.0 >> at) as u32)
    }

    #[inline]
    const fn with(self, at: u32, events: NetworkEvents) -> Self {
        Self(self.0 | (events.bits() as u64) << at)
    }

    #[inline]
    const fn without(self, at: u32, events: NetworkEvents) -> Self {
        Self(self.0 & !((events.bits() as u64) << at))
    }

    #[inline]
    const fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    #[inline]
    const fn on(self, flag: u64) -> Self {
        Self(self.0 | flag)
    }

    #[inline]
    const fn off(self, flag: u64) -> Self {
        Self(self.0 & !flag)
    }

    #[inline]
    pub(super) const fn recorded(self) -> NetworkEvents {
        self.field(RECORDED)
    }

    #[inline]
    const fn coded(self) -> NetworkEvents {
        self.field(CODED)
    }

    #[inline]
    const fn busy(self) -> NetworkEvents {
        self.field(BUSY)
    }

    #[inline]
    pub(super) const fn selected(self) -> NetworkEvents {
        self.field(SELECTED)
    }

    #[inline]
    pub(super) const fn latched(self) -> NetworkEvents {
        self.field(LATCHED)
    }

    /// Whether any event latches (L1).
    #[inline]
    const fn latches(self) -> bool {
        !self.field(LATCHING).is_empty()
    }

    /// Recorded and selected (E1).
    #[inline]
    const fn reportable(self) -> NetworkEvents {
        self.recorded().intersection(self.selected())
    }

    #[inline]
    pub(super) const fn is_held(self) -> bool {
        self.has(HELD)
    }

    /// Whether a recording has the signal, or was the last to have it.
    #[inline]
    pub(super) const fn is_setting(self) -> bool {
        self.has(SETTING)
    }

    /// Whether the signal must be set: by its holder, before it leaves, or by whoever has it next.
    #[inline]
    pub(super) const fn is_owed(self) -> bool {
        self.has(OWED) && !self.has(SETTING)
    }

    #[inline]
    pub(super) const fn is_closed(self) -> bool {
        self.has(CLOSED)
    }

    /// With a set owed, or none. It is owed for something: with nothing to report the debt is void.
    #[inline]
    pub(super) const fn owing(self, owed: bool) -> Self {
        if owed && !self.reportable().is_empty() { self.on(OWED) } else { self.off(OWED) }
    }

    /// Whether [`record`](Self::record) would change nothing: the events are recorded already, and there
    /// is nothing else to think of.
    #[inline]
    pub(super) const fn is_repeat(self, occurred: NetworkEvents, failed: NetworkEvents) -> bool {
        let known = self.recorded().contains(occurred) && self.coded().contains(failed);
        known && !self.is_owed() && !self.latches()
    }

    /// Occurrences of `occurred`, those in `failed` with an error code: one step (R1 to R6, L1).
    /// `setter_left`: if a recording has the signal, whether it is seen to have left.
    #[inline]
    pub(super) fn record(
        self,
        occurred: NetworkEvents,
        failed: NetworkEvents,
        setter_left: bool,
    ) -> (Self, Recording) {
        if self.latches() || self.is_closed() {
            self.record_conditions(occurred, failed, setter_left)
        } else {
            self.record_arrivals(occurred, failed, setter_left)
        }
    }

    /// Recording with latching; and on a closed socket, where it is nothing. Out of line, so that it costs
    /// nothing where nothing latches.
    #[inline]
    fn record_conditions(
        self,
        occurred: NetworkEvents,
        failed: NetworkEvents,
        setter_left: bool,
    ) -> (Self, Recording) {
        if self.is_closed() {
            let nothing = NetworkEvents::empty();
            return (self, Recording { new: nothing, claimed: nothing, duty: Duty::None });
        }
        // L1: what was recorded, is so no longer, and was not re-enabled. As long as it is recorded, R3
        // is all there is to say.
        let quiet = self.latched() - self.recorded();
        let occurred = occurred - quiet;
        let (next, recording) = self.record_arrivals(occurred, failed - quiet, setter_left);
        (next.with(LATCHED, occurred & self.field(LATCHING)), recording)
    }

    #[inline]
    fn record_arrivals(
        self,
        occurred: NetworkEvents,
        failed: NetworkEvents,
        setter_left: bool,
    ) -> (Self, Recording) {
        let new = occurred - self.recorded();
        // R3: an error takes the place of a success, never of an earlier error.
        let claimed = failed - self.coded();
        // P3: even while something else is reportable: the event object may serve other sockets too, and
        // may have been reset for one of them.
        let news = new.intersects(self.selected());
        let (next, duty) = if !news && !self.is_owed() {
            (self, Duty::None)
        } else if self.is_held() || self.is_setting() && !setter_left {
            (self.on(OWED), Duty::HandedOver)
        } else if self.is_setting() {
            (self.off(OWED).on(HELD), Duty::SetAgain)
        } else {
            (self.owing(false).on(SETTING), Duty::Set)
        };
        let next = next.with(RECORDED, occurred).with(CODED, claimed).with(BUSY, claimed);
        (next, Recording { new, claimed, duty })
    }

    /// The code cells of `claimed` are written, and in nobody's hands any more.
    #[inline]
    pub(super) const fn publish(self, claimed: NetworkEvents) -> Self {
        self.without(BUSY, claimed)
    }

    /// Takes events out of the record (R7); `None` while one of their codes is in somebody's hands.
    #[inline]
    pub(super) fn withdraw(self, events: NetworkEvents) -> Option<Self> {
        let next = self.without(RECORDED, events).without(CODED, events);
        (!self.busy().intersects(events)).then(|| next.owing(self.has(OWED)))
    }

    /// Re-enables an event (L2): withdraws it, FD_WRITE excepted, and ends its latch.
    #[inline]
    pub(super) fn reenable(self, event: NetworkEvents) -> Option<Self> {
        let next = self.withdraw(event - NetworkEvents::FD_WRITE)?;
        Some(next.without(LATCHED, event))
    }

    /// A thread holds the signal. If a recording has it, that sets it for all that others have left to it,
    /// or else [says](Self::set_failed) that it is owed.
    #[inline]
    pub(super) const fn held(self) -> Self {
        let held = if self.has(SETTING) { self.off(SETTING).off(OWED) } else { self };
        held.on(HELD)
    }

    /// A recording has taken the signal over, but the earlier one is there still: that has it alone again,
    /// and news; unless it has failed and gone meanwhile, so that the signal stays held.
    #[inline]
    pub(super) const fn give_back(self) -> Self {
        if self.has(SETTING) { self.off(HELD).owing(true) } else { self }
    }

    /// A recording that has set the signal takes upon itself what others have left it to do meanwhile;
    /// `None` if that is nothing, or somebody holds the signal, who sees to it.
    #[inline]
    pub(super) const fn serve(self) -> Option<Self> {
        if self.has(SETTING) && self.has(OWED) && !self.has(HELD) {
            Some(self.owing(false))
        } else {
            None
        }
    }

    /// Takes the report: all that is reportable, in one step (E1, E3). The codes must be copied first: as
    /// long as there are cells to copy outside `copied`, the step makes those busy instead, for the caller
    /// to copy and to try again; `None` while one of them is being written.
    ///
    /// Which of the two it was can be read off the words: what was [claimed](Self::claimed_since), or what
    /// is [gone](Self::gone_since).
    #[inline]
    pub(super) fn take(self, copied: NetworkEvents) -> Option<Self> {
        let events = self.reportable();
        let to_copy = (events & self.coded()) - copied;
        if !to_copy.is_empty() {
            let free = !to_copy.intersects(self.busy());
            return free.then(|| self.with(BUSY, to_copy));
        }
        // No debt outlives what it was for, and no event outside `copied` has a code.
        let next = self.owing(false).without(RECORDED, events);
        let next = next.without(CODED, copied).without(BUSY, copied);
        Some(next)
    }

    /// The code cells that are busy since the word was `before`.
    #[inline]
    pub(super) fn claimed_since(self, before: Self) -> NetworkEvents {
        self.busy() - before.busy()
    }

    /// The events that are recorded no longer since the word was `before`.
    #[inline]
    pub(super) fn gone_since(self, before: Self) -> NetworkEvents {
        before.recorded() - self.recorded()
    }

    /// Puts a report back, as if it had not been taken (E7): what was recorded meanwhile stays, and
    /// counts as later (R3). The cells of `failed` are then the caller's to write and to publish;
    /// `None` while one of them is in somebody else's hands.
    #[inline]
    pub(super) fn put_back(
        self,
        events: NetworkEvents,
        failed: NetworkEvents,
        owed: bool,
    ) -> Option<Self> {
        let next = self.with(RECORDED, events).with(CODED, failed).with(BUSY, failed);
        (!self.busy().intersects(failed)).then(|| next.owing(owed || self.has(OWED)))
    }

    /// Replaces the mask of the selection; `owed` tells whether a set was owed before to the event
    /// object that it now goes with.
    #[inline]
    pub(super) fn select(self, events: NetworkEvents, owed: bool) -> Self {
        let next = self.without(SELECTED, NetworkEvents::FD_ALL_EVENTS).with(SELECTED, events);
        next.owing(owed || self.has(OWED))
    }

    /// While a new event object is being set (S6) the word names the old events and the new ones, so
    /// that news for either is handed over: which selection stands is known only afterwards.
    #[inline]
    pub(super) fn select_also(self, events: NetworkEvents) -> Self {
        self.with(SELECTED, events).owing(false)
    }

    /// Ends the selection and discards the record, for good (S7); `None` while a code is in somebody's
    /// hands.
    #[inline]
    pub(super) fn close(self) -> Option<Self> {
        self.busy().is_empty().then_some(Self(CLOSED).held())
    }

    /// The holder lets go of the signal. But if others left it a set to do, it takes that upon itself, and
    /// still holds the signal (E5, K2).
    #[inline]
    pub(super) const fn leave(self) -> Self {
        if self.has(OWED) { self.owing(false) } else { self.off(HELD).off(SETTING) }
    }

    /// The holder lets go of the signal and could not set it, or cannot know whether it did (R6, K5).
    #[inline]
    pub(super) const fn leave_owing(self) -> Self {
        let free = self.off(HELD).off(SETTING);
        free.owing(true)
    }

    /// The same of a recording: somebody may hold the signal by now.
    #[inline]
    pub(super) const fn set_failed(self) -> Self {
        self.off(SETTING).owing(true)
    }

    /// Whether somebody holds the signal and waits for the recording that has it to leave.
    #[inline]
    pub(super) const fn is_awaited(self) -> bool {
        self.has(HELD) && !self.has(SETTING)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const READ: NetworkEvents = NetworkEvents::FD_READ;
    const CLOSE: NetworkEvents = NetworkEvents::FD_CLOSE;
    const SETS: [NetworkEvents; 4] = [NetworkEvents::empty(), READ, CLOSE, READ.union(CLOSE)];

    fn is_legal(word: Word) -> bool {
        let closed_is_empty = word.0 & !(CLOSED | HELD) == 0;
        word.recorded().contains(word.coded())
            && word.coded().contains(word.busy())
            && word.field(LATCHING).contains(word.latched())
            && (!word.has(OWED) || !word.reportable().is_empty())
            && (!word.is_closed() || closed_is_empty)
    }

    /// Every legal word over two events.
    fn words() -> impl Iterator<Item = Word> {
        let flags = (0..16).map(|flags| Word(flags << 60));
        let start = flags.flat_map(|word| [word, word.with(LATCHING, READ | CLOSE)]);
        let fields = [RECORDED, CODED, BUSY, SELECTED, LATCHED];
        let words = fields.into_iter().fold(start.collect::<Vec<_>>(), |words, at| {
            words.iter().flat_map(|word| SETS.map(|set| word.with(at, set))).collect()
        });
        words.into_iter().filter(|&word| is_legal(word))
    }

    /// Every word that a transition leads to from a legal one.
    fn successors(word: Word) -> impl Iterator<Item = Word> {
        let mut next = std::vec![word.held(), word.set_failed()];
        if word.is_held() {
            next.extend([word.leave(), word.leave_owing(), word.give_back()]);
        }
        next.extend(word.serve());
        next.extend(word.close());
        for one in SETS {
            next.push(word.publish(one & word.busy()));
            next.extend(word.withdraw(one));
            next.extend(word.reenable(one));
            for other in SETS {
                next.extend([true, false].map(|left| word.record(one | other, other, left).0));
                next.extend(word.take(one & word.busy()));
                next.extend([true, false].map(|owed| word.select(one, owed)));
                next.extend(word.put_back(one | other, other, true));
                next.push(word.select_also(one));
            }
        }
        next.into_iter()
    }

    /// Catches a flag that is taken for another or for none, which would leave the tests below without
    /// words to try.
    #[test]
    fn each_flag_is_a_bit_of_its_own() {
        const FLAGS: [u64; 4] = [HELD, OWED, CLOSED, SETTING];
        for (at, flag) in FLAGS.into_iter().enumerate() {
            let alone: [bool; 4] = core::array::from_fn(|other| other == at);
            assert_eq!(FLAGS.map(|other| Word(0).on(flag).has(other)), alone);
            let others = alone.map(|is_on| !is_on);
            assert_eq!(FLAGS.map(|other| Word(u64::MAX).off(flag).has(other)), others);
        }
        let asked = |word: Word| [word.is_held(), word.is_closed(), word.is_setting()];
        for (at, flag) in [HELD, CLOSED, SETTING].into_iter().enumerate() {
            assert_eq!(asked(Word(flag)), core::array::from_fn(|other| other == at));
        }
    }

    /// Catches a transition that breaks what the others build on: a busy cell without a code, a code
    /// without a recorded event, a debt for nothing.
    #[test]
    fn transitions_lead_from_legal_words_to_legal_words() {
        let open = words().filter(|word| !word.is_closed());
        for (word, next) in open.flat_map(|word| successors(word).map(move |next| (word, next))) {
            assert!(is_legal(next), "{word:x?} -> {next:x?}");
        }
    }

    /// R1 to R4, R6 and L1 by their own words, one event at a time.
    #[test]
    fn r3_recording_event_by_event() {
        for word in words().filter(|word| !word.is_closed()) {
            let arguments = SETS.into_iter().flat_map(|a| SETS.map(|b| (a | b, b)));
            for ((occurred, failed), left) in
                arguments.flat_map(|sets| [true, false].map(|left| (sets, left)))
            {
                let (next, recording) = word.record(occurred, failed, left);
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
                    let latches = happens && has(word.field(LATCHING));
                    assert_eq!(has(next.latched()), has(word.latched()) || latches);
                    news |= has(recording.new) && has(word.selected());
                }
                let repeat = (next, recording.duty) == (word, Duty::None);
                let arrivals = word.field(LATCHING).is_empty();
                assert_eq!(word.is_repeat(occurred, failed), repeat && arrivals);
                let due = news || word.is_owed();
                let duty = match (due, word.is_held(), word.is_setting()) {
                    (false, ..) => Duty::None,
                    (true, false, false) => Duty::Set,
                    (true, false, true) if left => Duty::SetAgain,
                    (true, ..) => Duty::HandedOver,
                };
                assert_eq!(recording.duty, duty);
                assert_eq!(next.is_held(), word.is_held() || duty == Duty::SetAgain);
                assert_eq!(next.is_setting(), word.is_setting() || duty == Duty::Set);
                let kept = duty == Duty::None && word.has(OWED);
                assert_eq!(next.has(OWED), kept || duty == Duty::HandedOver);
            }
        }
    }

    /// K3, R6: who has the signal after a step, and whether a set is owed. Catches a step that gives it to
    /// nobody or keeps it, that forgets a debt or makes one for nothing, and that does anything else.
    #[test]
    fn k3_the_signal_goes_from_hand_to_hand() {
        let hands = |word: Word| (word.is_held(), word.is_setting(), word.has(OWED));
        let rest = |word: Word| word.0 & !(HELD | SETTING | OWED);
        for word in words() {
            let (held, setting, marked) = hands(word);
            let reportable = !word.reportable().is_empty();
            // A recording that has set the signal owes nothing, whatever was handed over to it.
            let owed = marked && !setting;
            assert_eq!((word.is_owed(), word.is_awaited()), (owed, held && !setting));
            let mut steps = std::vec![
                (word.held(), (true, false, owed)),
                (word.set_failed(), (held, false, reportable)),
            ];
            if held {
                let stays = if marked { (true, setting, false) } else { (false, false, false) };
                steps.push((word.leave(), stays));
                steps.push((word.leave_owing(), (false, false, reportable)));
                let back = if setting { (false, true, reportable) } else { (true, false, marked) };
                steps.push((word.give_back(), back));
            }
            assert_eq!(word.serve().is_some(), setting && marked && !held);
            steps.extend(word.serve().map(|next| (next, (false, true, false))));
            for (next, expected) in steps {
                assert_eq!((hands(next), rest(next)), (expected, rest(word)), "{word:x?}");
            }
        }
    }

    /// S1, S6, S7: catches a selection that leaves the old mask, forgets a debt or what is recorded; and a
    /// close that leaves anything.
    #[test]
    fn s1_selecting_replaces_the_mask() {
        for (word, events) in words().flat_map(|word| SETS.map(|events| (word, events))) {
            let reportable = word.recorded().intersects(events);
            for owed in [true, false] {
                let next = word.select(events, owed);
                assert_eq!((next.selected(), next.recorded()), (events, word.recorded()));
                assert_eq!(next.has(OWED), (owed || word.has(OWED)) && reportable);
            }
            let both = word.select_also(events);
            let old_and_new = (word.selected() | events, word.recorded(), false);
            assert_eq!((both.selected(), both.recorded(), both.has(OWED)), old_and_new);
            let closed = word.busy().is_empty().then_some(Word(CLOSED | HELD));
            assert_eq!(word.close(), closed);
        }
    }

    /// E1, E3: a report takes all that is reportable and nothing else, once every code is copied.
    #[test]
    fn e3_taking_takes_what_is_reportable() {
        for word in words() {
            let codes = word.reportable() & word.coded();
            let Some(next) = word.take(NetworkEvents::empty()) else {
                assert!(codes.intersects(word.busy()));
                continue;
            };
            assert_eq!(next.claimed_since(word), codes);
            let taken = if codes.is_empty() { next } else { next.take(codes).unwrap() };
            assert_eq!(taken.gone_since(word), word.reportable());
            assert_eq!(taken.recorded(), word.recorded() - word.selected());
            assert_eq!((taken.selected(), taken.busy()), (word.selected(), word.busy()));
        }
    }

    /// R7, L2: what is withdrawn is gone, with its code; re-enabling also ends the latch.
    #[test]
    fn l2_reenabling_withdraws_and_unlatches() {
        for (word, events) in words().flat_map(|word| SETS.map(|events| (word, events))) {
            let (withdrawn, reenabled) = (word.withdraw(events), word.reenable(events));
            let waits = word.busy().intersects(events);
            assert_eq!((withdrawn.is_none(), reenabled.is_none()), (waits, waits));
            for next in withdrawn.into_iter().chain(reenabled) {
                assert_eq!(next.recorded(), word.recorded() - events);
                assert_eq!(next.coded(), word.coded() - events);
                assert_eq!(next.is_owed(), word.is_owed() && !next.reportable().is_empty());
            }
            let latched = [withdrawn, reenabled].map(|next| next.map(Word::latched));
            let expected = [word.latched(), word.latched() - events];
            assert!(waits || latched == expected.map(Some));
        }
    }

    /// E7: what was put back is there again, and nothing that came meanwhile is lost.
    #[test]
    fn e7_putting_back_undoes_the_taking() {
        let held = words().filter(|word| word.is_awaited() && !word.is_closed());
        for word in held.filter(|word| word.busy().is_empty()) {
            let events = word.reportable();
            let failed = events & word.coded();
            let copied = word.with(BUSY, failed);
            let (taken, owed) = (copied.take(failed).unwrap(), word.is_owed());
            for meanwhile in SETS {
                let (between, _) = taken.record(meanwhile, NetworkEvents::empty(), false);
                let back = between.put_back(events, failed, owed).unwrap().publish(failed);
                let heard = meanwhile - (taken.latched() - taken.recorded());
                assert_eq!(back.recorded(), word.recorded() | heard);
                assert_eq!(back.coded(), word.coded());
            }
            assert_eq!(taken.put_back(events, failed, owed).unwrap().publish(failed), word);
        }
    }
}
