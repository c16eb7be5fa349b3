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
//! | 40–49, 50–59 | | kept free for latching: latched, and may latch |
//! | 60 | held | some thread has the signal to itself (K3) |
//! | 61 | owed | the signal must be set for something that is reportable (R6, K2) |
//! | 62 | closed | the socket is closed, for good (S7) |
//!
//! Always: busy ⊆ coded ⊆ recorded; owed only while something is reportable; closed only with all
//! else but held at rest empty.

use crate::event::NetworkEvents;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(pub(super) u64);

const RECORDED: u32 = 0;
const CODED: u32 = 10;
const BUSY: u32 = 20;
const SELECTED: u32 = 30;

const HELD: u64 = 1 << 60;
const OWED: u64 = 1 << 61;
const CLOSED: u64 = 1 << 62;

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
    /// The caller, who now holds the signal.
    Set,
    /// The holder, who finds `owed` when it leaves.
    HandedOver,
}

/// A step of taking a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taking {
    /// These code cells are now the caller's to copy; then it tries again.
    Copy(NetworkEvents),
    /// These events are the report. `owed` tells whether a set was owed for them.
    Taken { events: NetworkEvents, owed: bool },
}

/// What the holder must do to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Nothing more: it no longer holds the signal.
    Left,
    /// Set the signal, then try again: it still holds it.
    Set,
}

impl Word {
    /// Nothing recorded, nothing selected.
    pub(super) const EMPTY: Self = Self(0);

    /// An empty record with a selection (S8).
    pub(super) const fn with_selection(selected: NetworkEvents) -> Self {
        Self((selected.bits() as u64) << SELECTED)
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

    pub(super) const fn recorded(self) -> NetworkEvents {
        self.field(RECORDED)
    }

    const fn coded(self) -> NetworkEvents {
        self.field(CODED)
    }

    const fn busy(self) -> NetworkEvents {
        self.field(BUSY)
    }

    pub(super) const fn selected(self) -> NetworkEvents {
        self.field(SELECTED)
    }

    /// Recorded and selected (E1).
    const fn reportable(self) -> NetworkEvents {
        self.recorded().intersection(self.selected())
    }

    pub(super) const fn is_held(self) -> bool {
        self.0 & HELD != 0
    }

    pub(super) const fn is_owed(self) -> bool {
        self.0 & OWED != 0
    }

    pub(super) const fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    const fn owing(self, owed: bool) -> Self {
        // A set is owed for something: with nothing to report the debt is void.
        if owed && !self.reportable().is_empty() {
            Self(self.0 | OWED)
        } else {
            Self(self.0 & !OWED)
        }
    }

    /// Occurrences of `occurred`, those in `failed` with an error code: one step (R1 to R6).
    pub(super) fn record(
        self,
        occurred: NetworkEvents,
        failed: NetworkEvents,
    ) -> (Self, Recording) {
        if self.is_closed() {
            let nothing = NetworkEvents::empty();
            return (
                self,
                Recording {
                    new: nothing,
                    claimed: nothing,
                    duty: Duty::None,
                },
            );
        }
        #[cfg(wsp_mutant = "R1")]
        let occurred = occurred & self.selected();
        let new = occurred - self.recorded();
        // R3: an error takes the place of a success, never of an earlier error.
        let claimed = failed - self.coded();
        #[cfg(wsp_mutant = "R3")]
        let claimed = failed & new;
        let next = self
            .with(RECORDED, occurred)
            .with(CODED, claimed)
            .with(BUSY, claimed);
        // P3: even while something else is reportable: the event object may serve other sockets too, and
        // may have been reset for one of them.
        #[cfg(wsp_mutant = "hazard-6")]
        let next = next.without(RECORDED, claimed);
        let news = new.intersects(self.selected());
        #[cfg(wsp_mutant = "R4")]
        let news = false;
        #[cfg(wsp_mutant = "P3")]
        let news = news && self.reportable().is_empty();
        let (next, duty) = if !news && !self.is_owed() {
            (next, Duty::None)
        } else if self.is_held() {
            #[cfg(wsp_mutant = "hazard-1")]
            return (
                next,
                Recording {
                    new,
                    claimed,
                    duty: Duty::HandedOver,
                },
            );
            #[cfg(not(wsp_mutant = "hazard-1"))]
            (next.owing(true), Duty::HandedOver)
        } else {
            (next.owing(false).held(), Duty::Set)
        };
        (next, Recording { new, claimed, duty })
    }

    /// The code cells of `claimed` are written, or need no more copying.
    pub(super) const fn publish(self, claimed: NetworkEvents) -> Self {
        #[cfg(wsp_mutant = "hazard-6")]
        return self.without(BUSY, claimed).with(RECORDED, claimed);
        #[cfg(not(wsp_mutant = "hazard-6"))]
        self.without(BUSY, claimed)
    }

    /// Takes events out of the record (R7); `None` while one of their codes is in somebody's hands.
    pub(super) fn withdraw(self, events: NetworkEvents) -> Option<Self> {
        #[cfg(wsp_mutant = "R7")]
        let events = NetworkEvents::empty() & events;
        let next = self.without(RECORDED, events).without(CODED, events);
        (!self.busy().intersects(events)).then(|| next.owing(self.is_owed()))
    }

    pub(super) const fn held(self) -> Self {
        Self(self.0 | HELD)
    }

    /// Takes the report: all that is reportable, in one step (E1, E3). The codes must be copied first,
    /// so the step says which cells to copy as long as there are any outside `copied`; `None` while one
    /// of them is being written.
    pub(super) fn take(self, copied: NetworkEvents) -> Option<(Self, Taking)> {
        let events = self.reportable();
        #[cfg(wsp_mutant = "E1")]
        let events = self.recorded();
        let to_copy = (events & self.coded()) - copied;
        if to_copy.intersects(self.busy()) {
            return None;
        }
        if !to_copy.is_empty() {
            return Some((self.with(BUSY, to_copy), Taking::Copy(to_copy)));
        }
        let next = self
            .without(RECORDED, events)
            .without(CODED, events)
            .without(BUSY, events);
        #[cfg(wsp_mutant = "E3")]
        let next = next.without(RECORDED, NetworkEvents::FD_ALL_EVENTS);
        let owed = self.is_owed();
        Some((next.owing(owed), Taking::Taken { events, owed }))
    }

    /// Puts a report back, as if it had not been taken (E7): what was recorded meanwhile stays, and
    /// counts as later (R3). The cells of `failed` are then the caller's to write and to publish;
    /// `None` while one of them is in somebody else's hands.
    pub(super) fn put_back(
        self,
        events: NetworkEvents,
        failed: NetworkEvents,
        owed: bool,
    ) -> Option<Self> {
        let next = self
            .with(RECORDED, events)
            .with(CODED, failed)
            .with(BUSY, failed);
        #[cfg(wsp_mutant = "hazard-5")]
        let next = next.without(RECORDED, !events).without(CODED, !events);
        (!self.busy().intersects(failed)).then(|| next.owing(owed || self.is_owed()))
    }

    /// Replaces the mask of the selection; `owed` tells whether a set was owed before to the event
    /// object that it now goes with.
    pub(super) fn select(self, events: NetworkEvents, owed: bool) -> Self {
        let next = self
            .without(SELECTED, NetworkEvents::FD_ALL_EVENTS)
            .with(SELECTED, events);
        next.owing(owed || self.is_owed())
    }

    /// While a new event object is being set (S6) the word names the old events and the new ones, so
    /// that news for either is handed over: which selection stands is known only afterwards.
    pub(super) fn select_also(self, events: NetworkEvents) -> Self {
        self.with(SELECTED, events).owing(false)
    }

    /// Ends the selection and discards the record, for good (S7); `None` while a code is in somebody's
    /// hands.
    pub(super) fn close(self) -> Option<Self> {
        self.busy()
            .is_empty()
            .then_some(Self(CLOSED | self.0 & HELD))
    }

    /// The holder lets go of the signal, unless others left it a set to do (E5, K2).
    pub(super) const fn leave(self) -> (Self, Leaving) {
        #[cfg(wsp_mutant = "E5")]
        return (Self(self.owing(false).0 & !HELD), Leaving::Left);
        #[cfg(not(wsp_mutant = "E5"))]
        if self.is_owed() {
            (self.owing(false), Leaving::Set)
        } else {
            (Self(self.0 & !HELD), Leaving::Left)
        }
    }

    /// The holder lets go of the signal and could not set it, or cannot know whether it did (R6, K5).
    pub(super) const fn leave_owing(self) -> Self {
        #[cfg(wsp_mutant = "hazard-7")]
        return Self(self.0 & !HELD).owing(!self.is_owed());
        #[cfg(wsp_mutant = "R6")]
        return Self(self.0 & !HELD);
        #[cfg(not(wsp_mutant = "R6"))]
        Self(self.0 & !HELD).owing(true)
    }
}
