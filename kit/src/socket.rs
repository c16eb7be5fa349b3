//! What one socket remembers, as plainly as possible: a record is ten optional codes, a set of events is ten booleans,
//! an owed set is a boolean. Nothing here uses the library.
//!
//! Each function is one step of a call, and names its rule. Event objects are not part of it: `world` adds them, for
//! calls that come one after the other; kit/tests/linear searches for an order in which concurrent calls go like this.

pub const EVENTS: usize = 10;

/// A set of events, by bit position (V1).
pub type Events = [bool; EVENTS];

pub const NONE: Events = [false; EVENTS];

/// By bit position: `None` is not recorded, `Some(0)` a success, `Some(code)` an error (R2).
pub type Record = [Option<i32>; EVENTS];

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Socket {
    pub record: Record,
    pub selection: Option<Selection>,
    /// A selection is under way: sets that become due are left to it (K2).
    pub held: bool,
    /// The event object must still be set: for something reportable (R6), or, while a selection is under way,
    /// for something that may become reportable.
    pub owed: bool,
    /// The events that latch, chosen when the socket was created (L1).
    latching: Events,
    /// Those that have occurred and have not been re-enabled since.
    pub latched: Events,
    pub closed: bool,
    /// How many calls are inside its event object, one inside the other.
    pub inside: usize,
    /// The conditions under which E5's converse holds.
    pub converse: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Selection {
    pub events: Events,
    /// The number of the event object.
    pub object: usize,
}

const GROUP_QOS: usize = 7;
const ROUTING_INTERFACE_CHANGE: usize = 8;
const ADDRESS_LIST_CHANGE: usize = 9;

impl Socket {
    pub fn new(latching: Events) -> Self {
        let mut socket = Self { latching, ..Self::default() };
        // L3: one event never latches, and two always do, from the beginning.
        socket.latching[GROUP_QOS] = false;
        for event in [ROUTING_INTERFACE_CHANGE, ADDRESS_LIST_CHANGE] {
            socket.latching[event] = true;
            socket.latched[event] = true;
        }
        socket
    }

    pub fn recorded(&self) -> Events {
        self.record.map(|code| code.is_some())
    }

    pub fn selected(&self) -> Events {
        self.selection.map_or(NONE, |selection| selection.events)
    }

    pub fn has_selected(&self, object: usize) -> bool {
        self.selection.is_some_and(|selection| selection.object == object)
    }

    /// Recorded and selected, with the codes (E1).
    pub fn reportable(&self) -> Record {
        let selected = self.selected();
        std::array::from_fn(|event| self.record[event].filter(|_| selected[event]))
    }

    pub fn has_reportable(&self) -> bool {
        self.reportable() != [None; EVENTS]
    }

    /// A set is no longer owed when nothing is reportable (R6).
    pub fn cancel_idle_debt(&mut self) {
        self.owed &= self.held || self.has_reportable();
    }

    /// Records occurrences (R3), several as one step (R5), and returns the events that are new.
    pub fn note(&mut self, occurrences: &[(usize, i32)]) -> Events {
        let mut new = NONE;
        if self.closed {
            return new;
        }
        for &(event, code) in occurrences {
            if self.latched[event] && self.record[event].is_none() {
                continue; // L1: reported or withdrawn, and not re-enabled since then.
            }
            self.latched[event] = self.latching[event];
            match self.record[event] {
                None => {
                    self.record[event] = Some(code);
                    new[event] = true;
                }
                // An error replaces a success; another success changes nothing.
                Some(0) => self.record[event] = Some(code),
                // A recorded error stays.
                Some(_) => {}
            }
        }
        new
    }

    /// Whether the event object must be set, now that these events are new (R4, R6).
    pub fn is_due(&self, new: Events) -> bool {
        let selected = self.selected();
        self.owed || (0..EVENTS).any(|event| new[event] && (selected[event] || self.held))
    }

    /// R7.
    pub fn withdraw(&mut self, events: Events) {
        for event in (0..EVENTS).filter(|&event| events[event]) {
            if self.record[event].take().is_some() {
                self.converse = false;
            }
        }
        self.cancel_idle_debt();
    }

    /// L2.
    pub fn reenable(&mut self, event: usize) {
        self.latched[event] = false;
        self.withdraw(std::array::from_fn(|at| at == event));
    }

    /// R8.
    pub fn renew(&mut self) {
        if self.closed {
            return;
        }
        self.withdraw([true; EVENTS]);
        self.latched = Self::new(self.latching).latched;
    }

    /// Whether the event object of a new selection must be set at once (S2).
    pub fn has_recorded_any(&self, events: Events) -> bool {
        (0..EVENTS).any(|event| self.record[event].is_some() && events[event])
    }

    /// Mask and event object together (S1), or neither (S3). What is recorded stays.
    pub fn select(&mut self, selection: Option<Selection>) {
        self.selection = selection;
        self.cancel_idle_debt();
    }

    /// Takes the report: all that is reportable (E1), and nothing else is cleared (E3).
    pub fn take(&mut self) -> Record {
        let report = self.reportable();
        for event in (0..EVENTS).filter(|&event| report[event].is_some()) {
            self.record[event] = None;
        }
        // A selection under way may be about to set its event object for what is taken here (E5).
        self.owed |= self.held;
        self.cancel_idle_debt();
        report
    }

    /// Puts back the report of an enumeration that fails (E7). What has been recorded meanwhile came later (R3), and what
    /// was re-enabled meanwhile is not put back. A set is owed for all of it, since the reset may have had an effect before
    /// it failed.
    pub fn put_back(&mut self, report: Record) {
        if self.closed {
            return;
        }
        for event in (0..EVENTS).filter(|&event| report[event].is_some()) {
            let was_taken = self.latched[event] && self.record[event].is_none();
            if self.latching[event] && !was_taken {
                continue;
            }
            // R3: an error recorded meanwhile replaces a success, and nothing replaces an error.
            if report[event] != Some(0) || self.record[event].is_none() {
                self.record[event] = report[event];
            }
            self.latched[event] |= self.latching[event];
        }
        self.owed = true;
        self.cancel_idle_debt();
    }

    /// The socket that an accept makes (S8).
    pub fn inherited(&self) -> Self {
        Self { selection: self.selection, ..Self::new(self.latching) }
    }

    /// S7.
    pub fn close(&mut self) {
        *self = Self { closed: true, ..Self::default() };
    }
}
