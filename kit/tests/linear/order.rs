//! The search for an order: one call after the other, as the plain model says, such that each call gives the answer that
//! it gave, and the state in the end is the one that was seen at rest.

use std::collections::HashSet;

use kit::event_object::{self, error_code};
use kit::socket::{EVENTS, Events, Record, Selection, Socket};
use kit::vocabulary::{Answer, Operation};
use kit::words::{View, events_of, flags, occurrences_in, plain};
use wsp_events::{NetworkEvent, Wake};

use crate::rest::Child;
use crate::scene::Call;
use crate::stage::{FAILING, OBJECTS, PANICKING, Shown};

/// All that is known of one recorder's calls.
pub(crate) struct History<'a> {
    /// Whether the event objects serve it alone.
    pub(crate) alone: bool,
    pub(crate) calls: Vec<&'a Call>,
    /// Resets that are not this recorder's: of which event object, and when at the latest.
    pub(crate) resets: Vec<(usize, usize)>,
    pub(crate) children: &'a [Child],
    pub(crate) objects: &'a [Shown; OBJECTS],
    /// What the recorder shows at rest; `None` if it has been dropped.
    pub(crate) rest: Option<&'a crate::rest::Rest>,
}

/// Where the search has come to.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    /// The calls that are explained, by bit.
    done: u128,
    socket: Socket,
    /// The sets that were due up to here, by event object (R4).
    due: [usize; OBJECTS],
    /// The call that recorded each event; and when what is selected was, at the earliest.
    recorded: [Option<usize>; EVENTS],
    selected: usize,
    /// Enumerations that are going to fail or panic, each with the report that it has out meanwhile.
    open: Vec<(usize, Record)>,
}

impl State {
    /// After a call that touches no event object: what it has recorded (R9). Which sets are owed is not part of the order.
    fn owed_or_recorded(&mut self, at: usize, before: Events) {
        let recorded = self.socket.recorded();
        for event in (0..EVENTS).filter(|&event| recorded[event] && !before[event]) {
            self.recorded[event] = Some(at);
        }
        self.socket.owed = false;
    }

    /// The enumeration `at` has taken `report`, and is going to put it back.
    fn opens(mut self, at: usize, report: Record) -> Self {
        self.done &= !(1 << at);
        self.open.push((at, report));
        self.open.sort_unstable();
        self
    }
}

impl History<'_> {
    /// Whether there is such an order.
    pub(crate) fn has_an_order(&self, socket: Socket) -> bool {
        assert!(self.calls.len() < 128);
        let all = (1 << self.calls.len()) - 1;
        let start = State {
            done: 0,
            socket,
            due: [0; OBJECTS],
            recorded: [None; EVENTS],
            selected: 0,
            open: vec![],
        };
        let mut seen = HashSet::new();
        // An explicit stack: the checkers' threads have small ones.
        let mut states = vec![start];
        while let Some(state) = states.pop() {
            if state.done == all && self.is_at_rest(&state) {
                return true;
            }
            if seen.insert(state.clone()) {
                self.go_on(&state, &mut states);
            }
        }
        false
    }

    /// Pushes every state that one more step can lead to.
    fn go_on(&self, state: &State, states: &mut Vec<State>) {
        let is_left = |at: &usize| state.done & 1 << at == 0;
        let left = || (0..self.calls.len()).filter(is_left);
        // Calls that do not overlap keep their order: none comes after one that began when it was over.
        let Some(first_end) = left().map(|at| self.calls[at].to).min() else { return };
        for at in left().filter(|&at| self.calls[at].from < first_end) {
            let mut next = State { done: state.done | 1 << at, ..state.clone() };
            if let Some(open) = state.open.iter().position(|(open, _)| *open == at) {
                let (_, report) = next.open.remove(open);
                // What comes back now was not recorded when a selection under way looked for what it must set for (S6).
                for event in (0..EVENTS).filter(|&event| report[event].is_some()) {
                    if next.socket.record[event].is_none() {
                        next.recorded[event] = Some(at);
                    }
                }
                next.socket.put_back(report);
                // Which sets are owed is not part of the order.
                next.socket.owed = false;
                states.push(next);
            } else {
                self.step(at, next, states);
            }
        }
    }

    /// The call `at`, as the plain model says; nothing if the model gives another answer.
    fn step(&self, at: usize, mut next: State, states: &mut Vec<State>) {
        let Call { operation, answer, .. } = self.calls[at];
        let recorded = next.socket.recorded();
        if let Some(expected) = next.socket.operate_alone(operation) {
            next.owed_or_recorded(at, recorded);
            if *answer == expected {
                states.push(next);
            }
            return;
        }
        match (operation, answer) {
            (Operation::Record(event, code) | Operation::RecordInTwoSteps(event, code), _) => {
                states.extend(self.record(at, &[(*event, *code)], next));
            }
            (Operation::FailToDeliver(_), _) => states.extend(self.fail_to_deliver(at, next)),
            (Operation::RecordAll(occurrences), _) => {
                states.extend(self.record(at, occurrences, next));
            }
            (Operation::Select(events, object), _) => {
                let selection = Selection { events: events_of(*events), object: *object };
                self.select(at, selection, next, states);
            }
            (Operation::Enumerate(reset), _) => states.extend(self.enumerate(at, *reset, next)),
            (Operation::Inherit, Answer::Inherited(child))
                if self.children[*child].is(&next.socket.inherited()) =>
            {
                states.push(next);
            }
            (Operation::Inherit, Answer::Unwound) if self.is_panicking() => states.push(next),
            (Operation::Drop | Operation::ApplicationResets(_), Answer::Done) => states.push(next),
            _ => {}
        }
    }

    fn select(&self, at: usize, selection: Selection, mut next: State, states: &mut Vec<State>) {
        let Call { answer, from, .. } = self.calls[at];
        let Selection { events, object } = selection;
        let must_set = next.socket.has_recorded_any(events);
        // S6: if the event object must be set and cannot be, the selection has no effect. For what is recorded while the
        // selection is under way, the set is owed (R6).
        let is_old = |by: Option<usize>| by.is_some_and(|by| self.calls[by].to < *from);
        let must_try = (0..EVENTS).any(|event| {
            events[event] && next.socket.record[event].is_some() && is_old(next.recorded[event])
        });
        let cannot = must_try && [FAILING, PANICKING].contains(&object);
        let unwound = *answer == Answer::Unwound && self.is_panicking();
        let failed = *answer == Answer::SignalFailed(error_code(object, event_object::Call::Set));
        if must_set && (failed || unwound) {
            states.push(next.clone());
        }
        // A panic may also come from a set for others, after the selection (K5).
        if (*answer == Answer::Done || unwound) && !cannot {
            next.socket.select(Some(selection));
            next.socket.converse = next.due[object] == 0;
            next.due[object] += usize::from(must_set);
            next.selected = *from;
            states.push(next);
        }
    }

    fn enumerate(&self, at: usize, reset: Option<usize>, mut next: State) -> Option<State> {
        let report = next.socket.take();
        let reset_error = reset.map(|object| error_code(object, event_object::Call::Reset));
        match &self.calls[at].answer {
            Answer::Reported { report: seen, signal_error } => {
                next.socket.converse &=
                    reset.is_some_and(|object| next.socket.has_selected(object));
                let is_explained = *seen == occurrences_in(&report)
                    && !matches!(reset, Some(FAILING | PANICKING))
                    && (self.is_troubled() || signal_error.is_none());
                is_explained.then_some(next)
            }
            Answer::SignalFailed(code) if Some(*code) == reset_error => {
                Some(next.opens(at, report))
            }
            // The panic of the reset, or of the set after it.
            Answer::Unwound if self.is_panicking() => Some(next.opens(at, report)),
            _ => None,
        }
    }

    fn fail_to_deliver(&self, at: usize, mut next: State) -> Option<State> {
        let report = next.socket.take();
        (self.calls[at].answer == Answer::NotDelivered).then(|| next.opens(at, report))
    }

    /// A recording, if its answer is explained (R3, R4, L1).
    fn record(
        &self,
        at: usize,
        occurrences: &[(NetworkEvent, i32)],
        mut next: State,
    ) -> Option<State> {
        let new = next.socket.note(&plain(occurrences));
        for event in (0..EVENTS).filter(|&event| new[event]) {
            next.recorded[event] = Some(at);
        }
        let is_due = next.socket.is_due(new);
        if let Some(selection) = next.socket.selection.filter(|_| is_due) {
            next.due[selection.object] += 1;
        }
        let is_explained = match &self.calls[at].answer {
            Answer::Recorded { new: seen, wake } => {
                let wake_is_right = match wake {
                    // R9: between the two steps another call may set, or make the set void.
                    Wake::NotNeeded => {
                        let owes = self.calls[at].operation.owes();
                        !is_due || owes && self.is_beside(at, |_| true)
                    }
                    Wake::Set => is_due || self.is_troubled(),
                    Wake::HandedOver => self.is_beside(at, Operation::holds),
                    _ => unreachable!("the model has no answer for it: {wake:?}"),
                };
                flags(new) == *seen && wake_is_right
            }
            // R6, K5: recorded all the same. The caller does not learn what was new.
            Answer::SignalFailed(_) => self.is_troubled(),
            Answer::Unwound => self.is_panicking(),
            _ => false,
        };
        is_explained.then_some(next)
    }

    /// Whether another call of that kind came at the same time.
    fn is_beside(&self, at: usize, kind: impl Fn(&Operation) -> bool) -> bool {
        let call = self.calls[at];
        let is_beside = |other: &&Call| {
            !std::ptr::eq(*other, call) && other.from < call.to && call.from < other.to
        };
        self.calls.iter().filter(|other| kind(&other.operation)).any(is_beside)
    }

    /// Whether a report may have overtaken the set of what it carried (E5).
    fn has_overtaking(&self) -> bool {
        let takes = |at: &usize| self.calls[*at].operation.takes();
        (0..self.calls.len()).filter(takes).any(|at| self.is_beside(at, |_| true))
    }

    /// Whether a set may be owed (R6, R9, E7).
    fn is_troubled(&self) -> bool {
        let owes = |call: &&Call| call.operation.owes();
        self.is_panicking()
            || self.objects.iter().any(|object| object.failures > 0)
            || self.calls.iter().any(owes)
    }

    fn is_panicking(&self) -> bool {
        self.objects.iter().any(|object| object.panics > 0)
    }

    /// Whether the state is the one that was seen at rest.
    fn is_at_rest(&self, state: &State) -> bool {
        let socket = &state.socket;
        let is_seen = self.rest.is_none_or(|rest| {
            rest.view == View::expected(socket)
                && rest.left == (!socket.closed).then(|| occurrences_in(&socket.record))
        });
        is_seen && self.is_signaled(state) && self.is_counted(state) && self.is_alive(state)
    }

    /// E5, both ways, and when a set may be owed (R6).
    fn is_signaled(&self, state: &State) -> bool {
        let socket = &state.socket;
        // A recorder that was dropped does not show whether it owed a set.
        let owes = self.rest.map_or(self.is_troubled(), |rest| rest.owes);
        let reportable = socket.has_reportable();
        if self.rest.is_some() && owes && !(reportable && self.is_troubled()) {
            return false;
        }
        let Some(selection) = socket.selection else { return true };
        let signaled = self.objects[selection.object].signaled;
        let converse =
            socket.converse && self.alone && !self.is_panicking() && !self.has_overtaking();
        if reportable {
            signaled || owes || self.is_excused(state, selection.object)
        } else {
            !signaled || !converse
        }
    }

    /// Whether the application or another socket may have reset the event object after all that is reportable was recorded
    /// and selected. An earlier reset is no excuse.
    fn is_excused(&self, state: &State, object: usize) -> bool {
        let resets = self.resets.iter().filter(|(of, _)| *of == object);
        let latest = resets.map(|(_, to)| *to).max().unwrap_or(0);
        let reportable = state.socket.reportable();
        let recorded = (0..EVENTS).filter(|&event| reportable[event].is_some());
        let mut since = recorded.filter_map(|event| state.recorded[event]);
        latest > state.selected && since.all(|by| latest > self.calls[by].from)
    }

    /// R4, S5: no event object was set more often than due. Allowed besides: a set that was left to a selection, which
    /// sets the event object of the selection that stands in the end; a set for what an enumeration found after its
    /// reset, or put back; and a set for what has been withdrawn since.
    fn is_counted(&self, state: &State) -> bool {
        if !self.alone || self.is_troubled() {
            return true; // Other recorders set it too, or a set was tried again.
        }
        let may_add = |call: &&&Call| {
            matches!(call.answer, Answer::Recorded { wake: Wake::HandedOver, .. })
                || may_make_others_set(&call.operation)
        };
        let more = 2 * self.calls.iter().filter(may_add).count();
        let sets = || self.objects.iter().map(|object| object.sets);
        let each = sets().zip(state.due).all(|(sets, due)| sets <= due + more);
        each && sets().sum::<usize>() <= state.due.iter().sum::<usize>() + more
    }

    /// P2, S1: an event object lives for the selections that name it, and no longer.
    fn is_alive(&self, state: &State) -> bool {
        let selections = |number| {
            let own = self.rest.is_some() && state.socket.has_selected(number);
            let children = self.children.iter().filter(|child| child.object == Some(number));
            usize::from(own) + children.count()
        };
        let alive = self.objects.iter().map(|object| object.selections);
        !self.alone || alive.eq((0..OBJECTS).map(selections))
    }
}

/// Whether the call may set an event object for what another call has recorded, or make another call do so.
fn may_make_others_set(operation: &Operation) -> bool {
    let withdraws =
        matches!(operation, Operation::Withdraw(_) | Operation::Reenable(_) | Operation::Renew);
    operation.takes() || withdraws
}
