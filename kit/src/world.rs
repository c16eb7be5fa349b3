//! What the contract says of calls that come one after the other, as plainly as possible: sockets (see `socket`), and
//! event objects, which are set and reset, fail and panic.
//!
//! Each function is one call, or a step of one, and names its rule. The calls on event objects go to a log, in order.

use wsp_events::{NetworkEvent, Wake};

use crate::event_object::{Act, Call, End, Entry, Scripts, error_code};
use crate::socket::{Selection, Socket};
use crate::vocabulary::{Answer, Operation};
use crate::words::{events_of, flags, occurrences_in, plain};

#[derive(Clone, Debug, Default)]
pub struct Object {
    pub signaled: bool,
    /// Who has reset it since it was last set.
    pub reset_by: Option<Resetter>,
    pub scripts: Scripts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resetter {
    Socket(usize),
    Application,
}

#[derive(Clone, Debug, Default)]
pub struct World {
    pub sockets: Vec<Socket>,
    pub objects: Vec<Object>,
    /// Of the last step.
    pub log: Vec<Entry>,
}

impl Socket {
    /// The calls that touch no event object, and those that are refused; `None` for the others.
    pub fn operate_alone(&mut self, operation: &Operation) -> Option<Answer> {
        if self.closed && operation.is_refused_when_closed() {
            return Some(Answer::Closed);
        }
        match operation {
            Operation::Withdraw(events) => self.withdraw(events_of(*events)), // R7
            Operation::Reenable(event) => self.reenable(event.bit_position()), // L2
            Operation::Renew => self.renew(),                                 // R8
            Operation::RecordUnsignaled(event, code) => {
                let new = self.note(&plain(&[(*event, *code)]));
                self.owed = self.is_due(new); // R9: until the second step
            }
            // S3: a mask of zero is no selection. What is recorded stays.
            Operation::Select(events, _) if events.is_empty() => self.select(None),
            Operation::Deselect => self.select(None),
            Operation::Close => self.close(), // S7
            Operation::Record(..)
            | Operation::RecordAll(_)
            | Operation::RecordInTwoSteps(..)
            | Operation::Select(..)
            | Operation::Enumerate(_)
            | Operation::FailToDeliver(_)
            | Operation::Inherit
            | Operation::ApplicationResets(_)
            | Operation::Drop => return None,
        }
        Some(Answer::Done)
    }
}

impl World {
    /// A call on socket `s`.
    pub fn operate(&mut self, s: usize, operation: &Operation) -> Answer {
        if let Some(answer) = self.sockets[s].operate_alone(operation) {
            return answer;
        }
        match operation {
            // R9: two steps with nothing in between are one.
            Operation::Record(event, code) | Operation::RecordInTwoSteps(event, code) => {
                self.record(s, &[(*event, *code)])
            }
            Operation::RecordAll(occurrences) => self.record(s, occurrences),
            Operation::Select(events, object) => {
                self.select(s, Selection { events: events_of(*events), object: *object })
            }
            Operation::Enumerate(reset) => self.enumerate(s, *reset),
            Operation::FailToDeliver(_) => self.fail_to_deliver(s),
            Operation::Inherit => self.inherit(s),
            Operation::ApplicationResets(object) => self.application_resets(*object),
            _ => unreachable!("{operation:?} is not made here"),
        }
    }

    /// One occurrence, or several as one step (R5). The event object is set before the call returns (K2), also from
    /// inside an event object (K4), unless a selection is under way.
    fn record(&mut self, s: usize, occurrences: &[(NetworkEvent, i32)]) -> Answer {
        let new = self.sockets[s].note(&plain(occurrences));
        let is_due = self.sockets[s].is_due(new);
        let wake = if is_due { self.set(s) } else { Ok(Wake::NotNeeded) };
        wake.map_or_else(|stopped| stopped, |wake| Answer::Recorded { new: flags(new), wake })
    }

    fn select(&mut self, s: usize, selection: Selection) -> Answer {
        let Selection { events, object } = selection;
        let was_signaled = self.objects[object].signaled;
        self.sockets[s].held = true;
        // S2: the new event object is set at once, before the earlier selection ends (S6).
        let must_set = self.sockets[s].has_recorded_any(events);
        let result = if must_set { self.call(s, object, Call::Set) } else { Ok(()) };
        self.sockets[s].held = false;
        if let Err(stopped) = result {
            // K5: a panic may come before the set or after it.
            self.sockets[s].owed |= stopped == Answer::Unwound;
            self.sockets[s].cancel_idle_debt();
            if stopped != Answer::Unwound {
                self.pay(s);
            }
            return stopped;
        }
        self.sockets[s].select(Some(selection)); // S1, S5
        let is_idle = !self.sockets[s].has_reportable();
        self.sockets[s].converse = !was_signaled && (!must_set || !is_idle);
        if self.selections_of(object) > 1 {
            self.end_the_converse(object);
        }
        self.pay(s);
        Answer::Done
    }

    /// `reset` is the event object passed, selected or not (E6).
    fn enumerate(&mut self, s: usize, reset: Option<usize>) -> Answer {
        // Record and clear come before reset (E4), and take all that is reportable (E1, E3).
        let report = self.sockets[s].take();
        let Some(object) = reset else {
            self.sockets[s].converse = false;
            return Answer::Reported { report: occurrences_in(&report), signal_error: None };
        };
        if let Err(stopped) = self.call(s, object, Call::Reset) {
            self.sockets[s].put_back(report); // E7
            if stopped != Answer::Unwound {
                self.set_again(s);
            }
            return stopped;
        }
        let signal_error = match self.set_what_is_left(s) {
            Ok(()) => None,
            Err(Answer::SignalFailed(code)) => Some(code),
            Err(stopped) => {
                // K5: the caller does not get the report, so it stays recorded.
                self.sockets[s].put_back(report);
                return stopped;
            }
        };
        self.sockets[s].converse &= self.sockets[s].has_selected(object);
        Answer::Reported { report: occurrences_in(&report), signal_error }
    }

    /// The report is put back (E7). The delivery comes before the reset, so that nothing was reset.
    fn fail_to_deliver(&mut self, s: usize) -> Answer {
        let report = self.sockets[s].take();
        self.sockets[s].put_back(report);
        self.set_again(s);
        Answer::NotDelivered
    }

    /// What was put back is signaled again (E7). Whatever comes of it, the call has failed already; from inside the event
    /// object the set stays owed (K4).
    fn set_again(&mut self, s: usize) {
        if self.sockets[s].inside == 0 {
            _ = self.set_what_is_left(s);
        }
    }

    /// The socket that an accept creates (S8). From now on it shares the event object with the listener.
    fn inherit(&mut self, s: usize) -> Answer {
        self.sockets[s].converse = false;
        self.sockets.push(self.sockets[s].inherited());
        Answer::Inherited(self.sockets.len() - 1)
    }

    /// ResetEvent by the application itself.
    pub fn application_resets(&mut self, object: usize) -> Answer {
        self.objects[object].signaled = false;
        self.objects[object].reset_by = Some(Resetter::Application);
        Answer::Done
    }

    /// How many sockets have selected this event object (P2, P3).
    pub fn selections_of(&self, object: usize) -> usize {
        self.sockets.iter().filter(|socket| socket.has_selected(object)).count()
    }

    /// The event object must be set: now, or by the selection that is under way.
    fn set(&mut self, s: usize) -> Result<Wake, Answer> {
        if self.sockets[s].held {
            self.sockets[s].owed = true;
            return Ok(Wake::HandedOver);
        }
        self.sockets[s].owed = false;
        let selection = self.sockets[s].selection.expect("only what is selected is due");
        let result = self.call(s, selection.object, Call::Set);
        if result.is_err() {
            // R6, K5.
            self.sockets[s].owed = true;
            self.sockets[s].cancel_idle_debt();
        }
        result.map(|()| Wake::Set)
    }

    /// E5: a reset may have erased the set for what is still reportable, or was put back (E7).
    fn set_what_is_left(&mut self, s: usize) -> Result<(), Answer> {
        if self.sockets[s].has_reportable() || self.sockets[s].held {
            self.set(s)?;
        }
        Ok(())
    }

    /// The end of a selection: the set that was left to it, or was owed before (R6, K2). If it fails or panics, it is
    /// still owed.
    fn pay(&mut self, s: usize) {
        if self.sockets[s].owed {
            _ = self.set(s);
        }
    }

    /// Socket `s` calls an event object.
    fn call(&mut self, s: usize, object: usize, call: Call) -> Result<(), Answer> {
        let Act { inside: operations, end } =
            self.objects[object].scripts[call as usize].next_act();
        let recorded = flags(self.sockets[s].recorded());
        let mut inside = vec![];
        self.sockets[s].inside += 1;
        for operation in &operations {
            inside.push(match operation.holds() {
                true => Answer::Reentrant, // K4: it would wait for itself.
                false => self.operate(s, operation),
            });
            if inside.last() == Some(&Answer::Unwound) {
                break;
            }
        }
        self.sockets[s].inside -= 1;
        if inside.last() == Some(&Answer::Unwound) {
            return Err(Answer::Unwound);
        }
        if end.does_its_work() {
            self.objects[object].signaled = call == Call::Set;
            self.objects[object].reset_by = (call == Call::Reset).then_some(Resetter::Socket(s));
        }
        self.log.push(Entry::Called { object, call, recorded, inside, end });
        match end {
            End::Works => Ok(()),
            End::Fails => Err(Answer::SignalFailed(error_code(object, call))),
            End::Panics => Err(Answer::Unwound),
            End::WorksThenPanics => {
                // It may have been set for a selection that fails.
                self.end_the_converse(object);
                Err(Answer::Unwound)
            }
        }
    }

    fn end_the_converse(&mut self, object: usize) {
        for socket in self.sockets.iter_mut().filter(|socket| socket.has_selected(object)) {
            socket.converse = false;
        }
    }
}
