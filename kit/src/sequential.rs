//! The library's side, for calls that come one after the other: the stage of its event objects, and the comparison of
//! all that can be seen with the world.

use std::sync::{Arc, Mutex, Weak};

use wsp_events::NetworkEvents;

use crate::calls::{Recorder, answer, perform};
use crate::event_object::{Entry, EventObject, Handle, Stage};
use crate::vocabulary::{Answer, Operation};
use crate::words::{View, occurrences_in};
use crate::world::{Resetter, World};

/// The recorder whose call is under way, and the log.
#[derive(Default)]
pub struct Sequential {
    caller: Mutex<Weak<Recorder>>,
    log: Mutex<Vec<Entry>>,
}

/// The calls from inside an event object that must be refused (K4).
pub fn meddling() -> Vec<Operation> {
    let select = Operation::Select(NetworkEvents::FD_ALL_EVENTS, usize::MAX);
    vec![select, Operation::Deselect, Operation::Close]
}

impl Sequential {
    /// The entries since the last call.
    pub fn take_log(&self) -> Vec<Entry> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    /// From now on event objects are called on behalf of this recorder.
    pub fn enter(&self, caller: &Arc<Recorder>) {
        *self.caller.lock().unwrap() = Arc::downgrade(caller);
    }

    fn caller(&self) -> Arc<Recorder> {
        self.caller.lock().unwrap().upgrade().unwrap()
    }
}

/// The first reference to a new event object.
pub fn event_object(number: usize, stage: &Arc<Sequential>) -> Handle {
    Handle { object: EventObject::new(number), stage: Arc::clone(stage) as _ }
}

impl Stage for Sequential {
    fn recorded(&self) -> NetworkEvents {
        self.caller().recorded()
    }

    fn inside(&self, own: &Handle, operations: &[Operation]) -> Vec<Answer> {
        let caller = self.caller();
        let call = |it: &_| perform(it, &caller, |_| own.clone(), |_| unreachable!("not a move"));
        operations.iter().map(call).collect()
    }

    fn log(&self, entry: Entry) {
        self.log.lock().unwrap().push(entry);
    }
}

/// Makes a call on a recorder.
pub fn operate(
    stage: &Sequential,
    recorder: &Arc<Recorder>,
    operation: &Operation,
    handle: impl Fn(usize) -> Handle,
    adopt: impl FnOnce(Recorder) -> usize,
) -> Answer {
    stage.enter(recorder);
    answer(|| perform(operation, recorder, handle, adopt))
}

/// Compares all that can be seen of a socket with the model. `is_signaled` is asked for the selected event object.
pub fn check_socket(
    model: &World,
    s: usize,
    recorder: &Recorder,
    is_signaled: impl FnOnce(usize) -> bool,
) {
    let socket = &model.sockets[s];
    let (seen, expected) = (View::of(recorder), View::expected(socket));
    assert_eq!(seen.recorded, expected.recorded, "R1, R7, S2, S7, E3, E7: record of {s}");
    assert_eq!(seen.selected, expected.selected, "S1, S3, S6, S7, S8: selection of {s}");
    assert_eq!(seen.latched, expected.latched, "L1, L2, L3, L4, S8: latches of {s}");
    assert_eq!(recorder.owes_set(), socket.owed, "R6, K5: whether {s} owes a set");

    // E5 and its converse, on what the library shows; only the conditions come from the model.
    let Some(selection) = socket.selection else { return };
    let is_signaled = is_signaled(selection.object);
    let is_reportable = seen.recorded.intersects(seen.selected);
    // P3: the application, or the enumeration of another socket, may have reset it.
    let resetter = model.objects[selection.object].reset_by;
    let by_another = resetter.is_some_and(|resetter| resetter != Resetter::Socket(s));
    assert!(
        !is_reportable || is_signaled || recorder.owes_set() || by_another,
        "E5: socket {s} has something reportable, and its event object is not signaled"
    );
    assert!(
        !is_signaled || is_reportable || !socket.converse,
        "E5, the converse: event object {} is signaled, and socket {s} has nothing reportable",
        selection.object
    );
}

/// Compares all that can be seen of an event object with the model. Besides the selections, `handles` keep it alive.
pub fn check_object(model: &World, number: usize, object: &Weak<EventObject>, handles: usize) {
    assert_eq!(
        object.strong_count(),
        handles + model.selections_of(number),
        "P2, S1, S3, S7: references to event object {number}"
    );
    if let Some(object) = object.upgrade() {
        let signaled = model.objects[number].signaled;
        assert_eq!(object.is_signaled(), signaled, "R4, S5, S7, E6: event object {number}");
    }
}

/// At the end, all that is still recorded is reported, with its codes (R1, R2, R3).
pub fn check_what_is_left(
    model: &World,
    s: usize,
    recorder: &Arc<Recorder>,
    stage: &Arc<Sequential>,
) {
    let socket = &model.sockets[s];
    if socket.closed {
        return;
    }
    stage.enter(recorder);
    recorder.select(NetworkEvents::FD_ALL_EVENTS, event_object(usize::MAX, stage)).unwrap();
    let report = occurrences_in(&socket.record);
    let expected = Answer::Reported { report, signal_error: None };
    assert_eq!(Answer::from(recorder.enumerate()), expected, "R1, R2, R3: what is left on {s}");
}
