//! What the contract says of calls that come one after the other, in the plainest words: sockets (see
//! `socket`), and event objects, which are set and reset, fail and panic.
//!
//! Each function says what one call does, all at once or step by step, and which rule says so. The
//! calls that event objects get go to a log, in order.

use wsp_events::Wake;

use crate::event_object::{Call, End, Entry, Scripts, error_code};
use crate::socket::{EVENTS, Events, NONE, Selection, Socket};
use crate::vocabulary::{Answer, Operation};

#[derive(Clone, Debug, Default)]
pub struct Object {
    pub signaled: bool,
    /// Who made it nonsignaled, if somebody has since it was last set.
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

impl World {
    /// A call on socket `s`.
    pub fn operate(&mut self, s: usize, operation: &Operation) -> Answer {
        match operation {
            Operation::Record(event, code) => self.record(s, &[(*event, *code)]),
            Operation::RecordAll(occurrences) => self.record(s, occurrences),
            // R7, L2: no event object is touched.
            Operation::Withdraw(events) => {
                self.sockets[s].withdraw(*events);
                Answer::Done
            }
            Operation::Reenable(event) => {
                self.sockets[s].reenable(*event);
                Answer::Done
            }
            Operation::Select(events, object) => self.select(s, *events, *object),
            Operation::Deselect => self.deselect(s),
            Operation::Enumerate(reset) => self.enumerate(s, *reset),
            Operation::Close => self.close(s),
            Operation::ApplicationResets(object) => self.application_resets(*object),
            Operation::Inherit | Operation::Drop => unreachable!("not a matter of one socket"),
        }
    }

    /// One occurrence, or several as one step (R5). It sets the event object itself (K2), also from inside
    /// one (K4); unless a selection is under way.
    fn record(&mut self, s: usize, occurrences: &[(usize, i32)]) -> Answer {
        let new = self.sockets[s].note(occurrences);
        if !self.sockets[s].is_due(new) {
            return Answer::Recorded { new, wake: Wake::NotNeeded };
        }
        match self.set(s) {
            Ok(wake) => Answer::Recorded { new, wake },
            Err(stopped) => stopped,
        }
    }

    fn select(&mut self, s: usize, events: Events, object: usize) -> Answer {
        if events == NONE {
            return self.deselect(s); // S3
        }
        if self.sockets[s].closed {
            return Answer::Closed;
        }
        let was_signaled = self.objects[object].signaled;
        self.sockets[s].held = true;
        // S2: the new event object is set at once, before the old one is let go (S6).
        let must_set = self.sockets[s].has_recorded_any(events);
        let result = if must_set { self.call(s, object, Call::Set) } else { Ok(()) };
        self.sockets[s].held = false;
        if let Err(stopped) = result {
            // K5: nobody knows what was set.
            self.sockets[s].owed |= stopped == Answer::Unwound;
            self.sockets[s].void_debt_for_nothing();
            if stopped != Answer::Unwound {
                self.pay(s);
            }
            return stopped;
        }
        self.sockets[s].select(Some(Selection { events, object })); // S1, S5
        let is_idle = self.sockets[s].reportable() == [None; EVENTS];
        self.sockets[s].converse = !was_signaled && (!must_set || !is_idle);
        self.end_the_converse_of_shared(object);
        self.pay(s);
        Answer::Done
    }

    /// S3: what is recorded stays; S5: the event object is left as it is.
    fn deselect(&mut self, s: usize) -> Answer {
        if self.sockets[s].closed {
            return Answer::Closed;
        }
        self.sockets[s].select(None);
        Answer::Done
    }

    /// `reset` is the event object passed, selected or not (E6).
    fn enumerate(&mut self, s: usize, reset: Option<usize>) -> Answer {
        if self.sockets[s].closed {
            return Answer::Closed;
        }
        // Record and clear come before reset (E4), and take all that is reportable (E1, E3).
        let report = self.sockets[s].take();
        let Some(object) = reset else {
            self.sockets[s].converse = false;
            return Answer::Reported { report, signal_error: None };
        };
        if let Err(stopped) = self.call(s, object, Call::Reset) {
            self.sockets[s].put_back(report); // E7
            return match stopped {
                Answer::Unwound => stopped,
                _ => match self.set_what_is_left(s) {
                    Err(Answer::Unwound) => Answer::Unwound,
                    _ => stopped,
                },
            };
        }
        let signal_error = match self.set_what_is_left(s) {
            Ok(()) => None,
            Err(Answer::SignalFailed(code)) => Some(code),
            Err(stopped) => {
                // The caller never sees the report: nothing may be lost (K5).
                self.sockets[s].put_back(report);
                return stopped;
            }
        };
        self.sockets[s].converse &= self.sockets[s].has_selected(object);
        Answer::Reported { report, signal_error }
    }

    /// The socket that an accept makes (S8).
    pub fn inherit(&mut self, s: usize) -> Result<Socket, Answer> {
        if self.sockets[s].closed {
            return Err(Answer::Closed);
        }
        // It shares the event object with the listener from now on.
        self.sockets[s].converse = false;
        Ok(self.sockets[s].inherited())
    }

    /// S7: the selection and the record end, the event object is left as it is.
    pub fn close(&mut self, s: usize) -> Answer {
        if self.sockets[s].closed {
            return Answer::Closed;
        }
        self.sockets[s].close();
        Answer::Done
    }

    /// ResetEvent by the application itself.
    pub fn application_resets(&mut self, object: usize) -> Answer {
        self.objects[object].signaled = false;
        self.objects[object].reset_by = Some(Resetter::Application);
        Answer::Done
    }

    /// Sockets that have this event object selected (P2, P3).
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
            self.sockets[s].void_debt_for_nothing();
        }
        result.map(|()| Wake::Set)
    }

    /// E5: what a reset may have wiped out, and what was put back (E7), is told again.
    fn set_what_is_left(&mut self, s: usize) -> Result<(), Answer> {
        if self.sockets[s].reportable() == [None; EVENTS] && !self.sockets[s].held {
            return Ok(());
        }
        self.set(s).map(|_| ())
    }

    /// The end of a selection: what was left to it, or was owed before, is told (R6, K2). If that fails or panics
    /// it is owed still.
    fn pay(&mut self, s: usize) {
        if self.sockets[s].owed {
            _ = self.set(s);
        }
    }

    /// Socket `s` calls an event object.
    fn call(&mut self, s: usize, object: usize, call: Call) -> Result<(), Answer> {
        let act = self.objects[object].scripts.of(call).next_act();
        let recorded = self.sockets[s].recorded();
        let mut inside = vec![];
        for operation in &act.inside {
            inside.push(match operation.holds() {
                true => Answer::Reentrant, // K4: it would wait for itself.
                false => self.operate(s, operation),
            });
            if inside.last() == Some(&Answer::Unwound) {
                return Err(Answer::Unwound);
            }
        }
        if act.end.does_its_work() {
            self.objects[object].signaled = call == Call::Set;
            self.objects[object].reset_by = match call {
                Call::Set => None,
                Call::Reset => Some(Resetter::Socket(s)),
            };
        }
        let end = act.end;
        self.log.push(Entry::Called { object, call, recorded, inside, end });
        match end {
            End::Works => Ok(()),
            End::Fails => Err(Answer::SignalFailed(error_code(object, call))),
            End::Panics => Err(Answer::Unwound),
            End::WorksThenPanics => {
                // It may have been set for a selection that does not come about.
                self.end_the_converse(object);
                Err(Answer::Unwound)
            }
        }
    }

    fn end_the_converse_of_shared(&mut self, object: usize) {
        if self.selections_of(object) > 1 {
            self.end_the_converse(object);
        }
    }

    fn end_the_converse(&mut self, object: usize) {
        for socket in self.sockets.iter_mut().filter(|socket| socket.has_selected(object)) {
            socket.converse = false;
        }
    }
}
