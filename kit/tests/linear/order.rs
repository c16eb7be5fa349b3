//! The search for an order: one call after the other, as the plain model says, such that each answers
//! what it answered, and what is left is what was seen at rest.

use std::collections::HashSet;

use kit::event_object::{self, error_code};
use kit::socket::{EVENTS, Record, Selection, Socket};
use kit::vocabulary::{Answer, Operation};
use wsp_events::Wake;

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
    /// What the recorder shows at rest; `None` if it is gone.
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
    /// The enumeration `at` has taken `report`, and is going to put it back.
    fn opens(mut self, at: usize, report: Record, states: &mut Vec<State>) {
        self.done &= !(1 << at);
        self.open.push((at, report));
        self.open.sort_unstable();
        states.push(self);
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
        // An explicit stack: the checkers' threads have little of the other kind.
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
        // Calls that do not overlap are ordered: none may come after one that began when it was over.
        let Some(first_end) = left().map(|at| self.calls[at].to).min() else { return };
        for at in left().filter(|&at| self.calls[at].from < first_end) {
            let is_open = state.open.iter().position(|(open, _)| *open == at);
            if let Some(open) = is_open {
                let mut next = State { done: state.done | 1 << at, ..state.clone() };
                let (_, report) = next.open.remove(open);
                // What comes back now was not there when a selection under way looked for what it must try (S6).
                for event in (0..EVENTS).filter(|&event| report[event].is_some()) {
                    if next.socket.record[event].is_none() {
                        next.recorded[event] = Some(at);
                    }
                }
                next.socket.put_back(report);
                // Which sets are owed is no part of the order.
                next.socket.owed = false;
                states.push(next);
            } else {
                self.step(at, state, states);
            }
        }
    }

    /// The call `at`, as the plain model says; nothing if it would have answered something else.
    fn step(&self, at: usize, state: &State, states: &mut Vec<State>) {
        let Call { operation, answer, from, .. } = self.calls[at];
        let unchanged = State { done: state.done | 1 << at, ..state.clone() };
        let mut next = unchanged.clone();
        let socket = &mut next.socket;
        if socket.closed && is_refused_when_closed(operation) {
            if *answer == Answer::Closed {
                states.push(unchanged);
            }
            return;
        }
        match (operation, answer) {
            (Operation::Record(event, code), _) => {
                self.record(at, &[(*event, *code)], next, states);
            }
            (Operation::RecordAll(occurrences), _) => self.record(at, occurrences, next, states),
            (Operation::Withdraw(events), Answer::Done) => {
                socket.withdraw(*events);
                states.push(next);
            }
            (Operation::Reenable(event), Answer::Done) => {
                socket.reenable(*event);
                states.push(next);
            }
            (Operation::Select(events, object), answer) => {
                let must_set = socket.has_recorded_any(*events);
                // S6: an event object that must be set, and cannot be, leaves no trace. But for news that comes
                // while the selection is under way the set is owed (R6).
                let is_old = |by: &Option<usize>| by.is_some_and(|by| self.calls[by].to < *from);
                let must_try = (0..EVENTS).any(|at| {
                    events[at] && socket.record[at].is_some() && is_old(&state.recorded[at])
                });
                let cannot = must_try && [FAILING, PANICKING].contains(object);
                match answer {
                    Answer::SignalFailed(code)
                        if must_set && *code == error_code(*object, event_object::Call::Set) =>
                    {
                        states.push(unchanged);
                    }
                    Answer::Unwound if must_set && self.is_panicking() => states.push(unchanged),
                    _ => {}
                }
                // A panic may also come from a set for others, after the selection (K5).
                let is_done =
                    *answer == Answer::Done || *answer == Answer::Unwound && self.is_panicking();
                if is_done && !cannot {
                    socket.select(Some(Selection { events: *events, object: *object }));
                    socket.converse = next.due[*object] == 0;
                    next.due[*object] += usize::from(must_set);
                    next.selected = *from;
                    states.push(next);
                }
            }
            (Operation::Deselect, Answer::Done) => {
                socket.select(None);
                states.push(next);
            }
            (Operation::Enumerate(reset), answer) => {
                let report = socket.take();
                let reset_error = reset.map(|object| error_code(object, event_object::Call::Reset));
                let passed_its_own = reset.is_some_and(|object| socket.has_selected(object));
                match answer {
                    Answer::Reported { report: seen, signal_error } => {
                        socket.converse &= passed_its_own;
                        let can = !matches!(*reset, Some(FAILING | PANICKING));
                        if can && *seen == report && (self.is_troubled() || signal_error.is_none())
                        {
                            states.push(next);
                        }
                    }
                    Answer::SignalFailed(code) if Some(*code) == reset_error => {
                        next.opens(at, report, states);
                    }
                    // The reset's panic, or that of the set after it.
                    Answer::Unwound if self.is_panicking() => next.opens(at, report, states),
                    _ => {}
                }
            }
            (Operation::Inherit, Answer::Inherited(child))
                if self.children[*child].is(&socket.inherited()) =>
            {
                states.push(unchanged);
            }
            (Operation::Inherit, Answer::Unwound) if self.is_panicking() => states.push(unchanged),
            (Operation::Close, Answer::Done) => {
                socket.close();
                states.push(next);
            }
            (Operation::Drop | Operation::ApplicationResets(_), Answer::Done) => {
                states.push(unchanged)
            }
            _ => {}
        }
    }

    /// A recording, if its answer is explained (R3, R4, L1).
    fn record(
        &self,
        at: usize,
        occurrences: &[(usize, i32)],
        mut next: State,
        states: &mut Vec<State>,
    ) {
        let new = next.socket.note(occurrences);
        for event in (0..EVENTS).filter(|&event| new[event]) {
            next.recorded[event] = Some(at);
        }
        let news = next.socket.is_due(new);
        if let Some(selection) = next.socket.selection.filter(|_| news) {
            next.due[selection.object] += 1;
        }
        let is_explained = match &self.calls[at].answer {
            Answer::Recorded { new: seen, wake } => {
                let wake_is_right = match wake {
                    Wake::NotNeeded => !news,
                    Wake::Set => news || self.is_troubled(),
                    Wake::HandedOver => self.is_beside(at, Operation::holds),
                };
                new == *seen && wake_is_right
            }
            // R6, K5: recorded all the same. What was new the caller does not learn.
            Answer::SignalFailed(_) => self.is_troubled(),
            Answer::Unwound => self.is_panicking(),
            _ => false,
        };
        if is_explained {
            states.push(next);
        }
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
        let takes = |at: &usize| matches!(self.calls[*at].operation, Operation::Enumerate(_));
        (0..self.calls.len()).filter(takes).any(|at| self.is_beside(at, |_| true))
    }

    fn is_troubled(&self) -> bool {
        self.is_panicking() || self.objects.iter().any(|object| object.failures > 0)
    }

    fn is_panicking(&self) -> bool {
        self.objects.iter().any(|object| object.panics > 0)
    }

    /// Whether the state is the one that was seen at rest.
    fn is_at_rest(&self, state: &State) -> bool {
        let socket = &state.socket;
        let is_seen = self.rest.is_none_or(|rest| {
            rest.recorded == socket.recorded()
                && rest.selected == socket.selected()
                && rest.latched == socket.latched
                && rest.left == (!socket.closed).then_some(socket.record)
        });
        is_seen && self.is_told(state) && self.is_counted(state) && self.is_alive(state)
    }

    /// E5, both ways, and what a debt is for (R6).
    fn is_told(&self, state: &State) -> bool {
        let socket = &state.socket;
        // Who is gone cannot be asked what it owed.
        let owes = self.rest.map_or(self.is_troubled(), |rest| rest.owes);
        let reportable = socket.reportable() != [None; EVENTS];
        if self.rest.is_some() && owes && !(reportable && self.is_troubled()) {
            return false;
        }
        let Some(selection) = socket.selection else { return true };
        let object = &self.objects[selection.object];
        let converse =
            socket.converse && self.alone && !self.is_panicking() && !self.has_overtaking();
        let is_told = object.signaled || owes || self.is_excused(state, selection.object);
        let is_idle = !object.signaled || !converse;
        if reportable { is_told } else { is_idle }
    }

    /// Whether somebody else may have reset the event object after all that is reportable was recorded, and
    /// selected with it. A reset before that excuses nothing.
    fn is_excused(&self, state: &State, object: usize) -> bool {
        let resets = self.resets.iter().filter(|(of, _)| *of == object);
        let latest = resets.map(|(_, to)| *to).max().unwrap_or(0);
        let reportable = state.socket.reportable();
        let recorded = (0..EVENTS).filter(|&event| reportable[event].is_some());
        let mut since = recorded.filter_map(|event| state.recorded[event]);
        latest > state.selected && since.all(|by| latest > self.calls[by].from)
    }

    /// R4, S5: no event object was set more often than due. Not counted: a set that was left to a selection, which
    /// sets the event object that stands in the end; a set for what an enumeration found after its reset, or put
    /// back; and a set for what was withdrawn meanwhile.
    fn is_counted(&self, state: &State) -> bool {
        if !self.alone || self.is_troubled() {
            return true; // Others set it too, or a set was tried again.
        }
        let may_add = |call: &&&Call| {
            let handed_over = Wake::HandedOver;
            matches!(call.answer, Answer::Recorded { wake, .. } if wake == handed_over)
                || stirs(&call.operation)
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

/// Whether a closed record refuses the call.
fn is_refused_when_closed(operation: &Operation) -> bool {
    operation.holds() || matches!(operation, Operation::Enumerate(_) | Operation::Inherit)
}

/// Whether the call may set an event object for what another has recorded, or make another call do so.
fn stirs(operation: &Operation) -> bool {
    matches!(operation, Operation::Enumerate(_) | Operation::Withdraw(_) | Operation::Reenable(_))
}
