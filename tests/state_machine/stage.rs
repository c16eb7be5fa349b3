//! The library's side of both machines: event objects that follow a script and keep a log, and the
//! library's answers in the words of the model.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, Weak};

use wsp_events::{
    EventSignal, NetworkEventRecorder, NetworkEvents, Recorded, RecorderError, Report, SignalError,
    WsaError,
};

use crate::model::{
    Answer, Call, End, Entry, Inside, MEDDLINGS, Operation, Resetter, Script, Scripts, World,
    error_code,
};
use crate::words::{event_at, events_of, flags, record_of};

pub(crate) type Recorder = NetworkEventRecorder<Arc<EventObject>>;

/// What the event objects know: whose call they are in, and the log that they write.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    caller: Mutex<Weak<Recorder>>,
    log: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
pub(crate) struct EventObject {
    number: usize,
    stage: Arc<Stage>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    signaled: bool,
    scripts: Scripts,
}

/// The payload of a panic that a script asked for.
struct Scripted;

impl Stage {
    pub(crate) fn log(&self, entry: Entry) {
        self.log.lock().unwrap().push(entry);
    }

    /// What was logged since the last time.
    pub(crate) fn take_log(&self) -> Vec<Entry> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    /// Says on whose behalf event objects are called from now on.
    pub(crate) fn enter(&self, caller: &Arc<Recorder>) {
        *self.caller.lock().unwrap() = Arc::downgrade(caller);
    }
}

/// Makes a call; `Err` if a scripted panic came out of it (K5).
pub(crate) fn unwinding<R>(call: impl FnOnce() -> R) -> Result<R, Answer> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| match payload.is::<Scripted>() {
        true => Answer::Unwound,
        false => resume_unwind(payload),
    })
}

impl EventObject {
    pub(crate) fn new(number: usize, stage: &Arc<Stage>) -> Arc<Self> {
        Arc::new(Self { number, stage: Arc::clone(stage), state: Mutex::default() })
    }

    pub(crate) fn is_signaled(&self) -> bool {
        self.state.lock().unwrap().signaled
    }

    pub(crate) fn arm(&self, call: Call, script: &Script) {
        *self.state.lock().unwrap().scripts.of(call) = script.clone();
    }

    /// ResetEvent by the application: no script, no log.
    pub(crate) fn application_resets(&self) {
        self.state.lock().unwrap().signaled = false;
    }

    fn call(&self, call: Call) -> Result<(), SignalError> {
        let caller = self.stage.caller.lock().unwrap().upgrade().unwrap();
        let recorded = events_of(caller.recorded());
        let act = self.state.lock().unwrap().scripts.of(call).next();
        let inside = match act.inside {
            None => vec![],
            Some(Inside::Record(event, code)) => {
                vec![operate(&caller, &Operation::Record(event, code))]
            }
            Some(Inside::Take) => vec![reported(caller.enumerate())],
            Some(Inside::Meddle) => self.meddle(&caller).into(),
        };
        if act.end.does_its_work() {
            self.state.lock().unwrap().signaled = call == Call::Set;
        }
        let (object, end) = (self.number, act.end);
        self.stage.log(Entry::Called { object, call, recorded, inside, end });
        match end {
            End::Works => Ok(()),
            End::Fails => Err(SignalError::from_os_code(error_code(object, call))),
            // As a panic does, but without the message.
            End::Panics | End::WorksThenPanics => resume_unwind(Box::new(Scripted)),
        }
    }

    /// K4: each of these would wait for itself.
    fn meddle(&self, caller: &Recorder) -> [Answer; MEDDLINGS] {
        let another = Self::new(usize::MAX, &self.stage);
        [
            done(caller.select(NetworkEvents::FD_ALL_EVENTS, another)),
            done(caller.deselect()),
            done(caller.close()),
        ]
    }
}

impl EventSignal for EventObject {
    fn set_event(&self) -> Result<(), SignalError> {
        self.call(Call::Set)
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.call(Call::Reset)
    }
}

pub(crate) fn operate(recorder: &Recorder, operation: &Operation) -> Answer {
    let occurrence = |&(event, code): &(usize, i32)| (event_at(event), WsaError::outcome(code));
    match operation {
        Operation::Record(event, code) => {
            recorded(recorder.record(event_at(*event), WsaError::outcome(*code)))
        }
        Operation::RecordAll(all) => recorded(recorder.record_all(all.iter().map(occurrence))),
        Operation::Withdraw(events) => {
            recorder.withdraw(flags(*events));
            Answer::Done
        }
        Operation::Reenable(event) => {
            recorder.reenable(event_at(*event));
            Answer::Done
        }
    }
}

fn recorded(result: Result<Recorded, SignalError>) -> Answer {
    match result {
        Ok(Recorded { new, wake }) => Answer::Recorded { new: events_of(new), wake },
        Err(error) => Answer::SignalFailed(error.os_code()),
    }
}

pub(crate) fn done(result: Result<(), RecorderError>) -> Answer {
    result.map_or_else(refused, |()| Answer::Done)
}

pub(crate) fn reported(result: Result<Report, RecorderError>) -> Answer {
    result.map_or_else(refused, |report| Answer::Reported {
        report: record_of(&report),
        signal_error: report.signal_error().map(SignalError::os_code),
    })
}

pub(crate) fn refused(error: RecorderError) -> Answer {
    match error {
        RecorderError::Closed => Answer::Closed,
        RecorderError::Reentrant => Answer::Reentrant,
        RecorderError::Signal(error) => Answer::SignalFailed(error.os_code()),
    }
}

/// Compares all that can be seen of a socket with the model.
pub(crate) fn check_socket(model: &World, s: usize, recorder: &Recorder) {
    let socket = &model.sockets[s];
    let (recorded, selected) = (recorder.recorded(), recorder.selected());
    assert_eq!(events_of(recorded), socket.recorded(), "R1, R7, S2, S7, E3, E7: record of {s}");
    assert_eq!(events_of(selected), socket.selected(), "S1, S3, S6, S7, S8: selection of {s}");
    assert_eq!(recorder.owes_set(), socket.owed, "R6, K5: debt of {s}");
    let latched = events_of(recorder.latched());
    assert_eq!(latched, socket.latched, "L1, L2, L3, L4, S8: what {s} has latched");
}

/// E5 and its converse, on what the library shows; only the conditions come from the model.
pub(crate) fn check_e5(model: &World, s: usize, recorder: &Recorder, is_signaled: bool) {
    let socket = &model.sockets[s];
    let selection = socket.selection.expect("only a selection makes a promise");
    let is_reportable = recorder.recorded().intersects(recorder.selected());
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
pub(crate) fn check_object(
    model: &World,
    number: usize,
    object: &Weak<EventObject>,
    handles: usize,
) {
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
pub(crate) fn check_what_is_left(
    model: &World,
    s: usize,
    recorder: &Arc<Recorder>,
    stage: &Arc<Stage>,
) {
    if model.sockets[s].closed {
        return;
    }
    stage.enter(recorder);
    let signal = EventObject::new(usize::MAX, stage);
    let selected = recorder.select(NetworkEvents::FD_ALL_EVENTS, signal);
    assert_eq!(done(selected), Answer::Done);
    let expected = Answer::Reported { report: model.sockets[s].record, signal_error: None };
    assert_eq!(reported(recorder.enumerate()), expected, "R1, R2, R3: what is left on {s}");
}
