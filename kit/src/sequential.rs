//! The library's side, for calls that come one after the other: where its event objects stand, and the comparison
//! of all that can be seen with the world.

use std::sync::{Arc, Mutex, Weak};

use wsp_events::NetworkEvents;

use crate::event_object::{Entry, EventObject, Handle, Stage};
use crate::socket::{EVENTS, Events};
use crate::vocabulary::{self, Answer, Operation, unwinding};
use crate::words::events_of;
use crate::world::{Resetter, World};

pub type Recorder = vocabulary::Recorder<Arc<Sequential>, std::sync::atomic::AtomicBool>;

/// Whose call the event objects are in, and the log that they write.
#[derive(Default)]
pub struct Sequential {
    caller: Mutex<Weak<Recorder>>,
    log: Mutex<Vec<Entry>>,
}

/// What an event object tries from inside to see it refused (K4).
pub fn meddling() -> Vec<Operation> {
    vec![Operation::Select([true; EVENTS], usize::MAX), Operation::Deselect, Operation::Close]
}

impl Sequential {
    /// What was logged since the last time.
    pub fn take_log(&self) -> Vec<Entry> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    /// Says on whose behalf event objects are called from now on.
    pub fn enter(&self, caller: &Arc<Recorder>) {
        *self.caller.lock().unwrap() = Arc::downgrade(caller);
    }

    fn caller(&self) -> Arc<Recorder> {
        self.caller.lock().unwrap().upgrade().unwrap()
    }
}

/// An event object with a number, for somebody's first reference.
pub fn event_object(number: usize, stage: &Arc<Sequential>) -> Handle<Arc<Sequential>> {
    Handle { object: EventObject::new(number), stage: Arc::clone(stage) }
}

impl Stage for Arc<Sequential> {
    fn recorded(&self) -> Events {
        events_of(self.caller().recorded())
    }

    fn inside(&self, operations: &[Operation]) -> Vec<Answer> {
        let caller = self.caller();
        let fresh = |number| event_object(number, self);
        let perform = |operation: &Operation| operation.perform(&caller, fresh, |_| unreachable!());
        operations.iter().map(perform).collect()
    }

    fn log(&self, entry: Entry) {
        self.log.lock().unwrap().push(entry);
    }
}

/// Makes a call on a recorder that needs no event object but those that `handle` gives out.
pub fn operate(
    stage: &Arc<Sequential>,
    recorder: &Arc<Recorder>,
    operation: &Operation,
    handle: impl Fn(usize) -> Handle<Arc<Sequential>>,
    adopt: impl FnOnce(Recorder) -> usize,
) -> Answer {
    stage.enter(recorder);
    unwinding(|| operation.perform(recorder, handle, adopt)).unwrap_or_else(|unwound| unwound)
}

/// Compares all that can be seen of a socket with the model. `is_signaled` says what an event object shows.
pub fn check_socket(
    model: &World,
    s: usize,
    recorder: &Recorder,
    is_signaled: impl FnOnce(usize) -> bool,
) {
    let socket = &model.sockets[s];
    let (recorded, selected) = (recorder.recorded(), recorder.selected());
    assert_eq!(events_of(recorded), socket.recorded(), "R1, R7, S2, S7, E3, E7: record of {s}");
    assert_eq!(events_of(selected), socket.selected(), "S1, S3, S6, S7, S8: selection of {s}");
    assert_eq!(recorder.owes_set(), socket.owed, "R6, K5: debt of {s}");
    let latched = events_of(recorder.latched());
    assert_eq!(latched, socket.latched, "L1, L2, L3, L4, S8: what {s} has latched");

    // E5 and its converse, on what the library shows; only the conditions come from the model.
    let Some(selection) = socket.selection else { return };
    let is_signaled = is_signaled(selection.object);
    let is_reportable = recorded.intersects(selected);
    // P3: another socket's enumeration, or the application itself, may have reset it.
    let by_another = match model.objects[selection.object].reset_by {
        None => false,
        Some(resetter) => resetter != Resetter::Socket(s),
    };
    assert!(
        !is_reportable || is_signaled || recorder.owes_set() || by_another,
        "E5: socket {s} has something to report, and nobody is told"
    );
    assert!(
        !is_signaled || is_reportable || !socket.converse,
        "E5, the converse: event object {} is set, and socket {s} has nothing to report",
        selection.object
    );
}

/// Compares all that can be seen of an event object with the model. `handles` keep it alive beside the
/// selections.
pub fn check_object(model: &World, number: usize, object: &Weak<EventObject>, handles: usize) {
    assert_eq!(
        object.strong_count(),
        handles + model.selections_of(number),
        "P2, S1, S3, S7: what keeps event object {number} alive"
    );
    if let Some(object) = object.upgrade() {
        let signaled = model.objects[number].signaled;
        assert_eq!(object.is_signaled(), signaled, "R4, S5, S7, E6: event object {number}");
    }
}

/// At the end all that is still recorded comes out, with its code (R1, R2, R3).
pub fn check_what_is_left(
    model: &World,
    s: usize,
    recorder: &Arc<Recorder>,
    stage: &Arc<Sequential>,
) {
    if model.sockets[s].closed {
        return;
    }
    stage.enter(recorder);
    let signal = event_object(usize::MAX, stage);
    recorder.select(NetworkEvents::FD_ALL_EVENTS, signal).unwrap();
    let expected = Answer::Reported { report: model.sockets[s].record, signal_error: None };
    assert_eq!(Answer::from(recorder.enumerate()), expected, "R1, R2, R3: what is left on {s}");
}
