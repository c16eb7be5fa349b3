//! The calls on a recorder, as values that can be made, and what they answer; each prints as a line.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use wsp_events::{
    NetworkEventRecorder, Recorded, RecorderError, Report, SignalError, Wake, WsaError,
};

use crate::event_object::{Flag, Handle, Scripted, Stage};
use crate::socket::{Events, Record};
use crate::words::{event_at, events_of, flags, record_of};

/// A recorder whose event objects follow scripts.
pub type Recorder<S, F> = NetworkEventRecorder<Handle<S, F>>;

#[derive(Clone, PartialEq, Eq)]
pub enum Operation {
    /// An event and its code, 0 for a success.
    Record(usize, i32),
    /// Several as one step (R5).
    RecordAll(Vec<(usize, i32)>),
    Withdraw(Events),
    Reenable(usize),
    /// With the number of an event object.
    Select(Events, usize),
    Deselect,
    /// With the number of the event object to reset.
    Enumerate(Option<usize>),
    Inherit,
    Close,
    /// The application resets an event object itself.
    ApplicationResets(usize),
    /// The thread gives up its reference to the recorder.
    Drop,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    Done,
    Recorded {
        new: Events,
        wake: Wake,
    },
    Reported {
        report: Record,
        signal_error: Option<i32>,
    },
    /// With the number of the socket that an accept has made.
    Inherited(usize),
    SignalFailed(i32),
    Closed,
    Reentrant,
    /// The event object's panic went through the call (K5).
    Unwound,
}

/// Makes a call; a scripted panic that comes out of it is its answer (K5).
pub fn unwinding<R>(call: impl FnOnce() -> R) -> Result<R, Answer> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| match payload.is::<Scripted>() {
        true => Answer::Unwound,
        false => resume_unwind(payload),
    })
}

impl Operation {
    /// Makes the call. `handle` gives out event objects by their number; `adopt` takes in the recorder of an accepted
    /// socket, and gives it a number.
    pub fn perform<S: Stage, F: Flag>(
        &self,
        recorder: &Recorder<S, F>,
        handle: impl Fn(usize) -> Handle<S, F>,
        adopt: impl FnOnce(Recorder<S, F>) -> usize,
    ) -> Answer {
        let occurrence = |&(event, code): &(usize, i32)| (event_at(event), WsaError::outcome(code));
        match self {
            Self::Record(event, code) => {
                recorder.record(event_at(*event), WsaError::outcome(*code)).into()
            }
            Self::RecordAll(all) => recorder.record_all(all.iter().map(occurrence)).into(),
            Self::Withdraw(events) => {
                recorder.withdraw(flags(*events));
                Answer::Done
            }
            Self::Reenable(event) => {
                recorder.reenable(event_at(*event));
                Answer::Done
            }
            Self::Select(events, object) => recorder.select(flags(*events), handle(*object)).into(),
            Self::Deselect => recorder.deselect().into(),
            Self::Enumerate(None) => recorder.enumerate().into(),
            Self::Enumerate(Some(object)) => recorder.enumerate_and_reset(&handle(*object)).into(),
            Self::Inherit => match recorder.inherit() {
                Ok(child) => Answer::Inherited(adopt(child)),
                Err(error) => error.into(),
            },
            Self::Close => recorder.close().into(),
            Self::ApplicationResets(object) => {
                handle(*object).object.application_resets();
                Answer::Done
            }
            Self::Drop => Answer::Done,
        }
    }

    /// Whether the call keeps others away from the event object (K3): they leave their news to it, and from inside an
    /// event object it is refused (K4).
    pub fn holds(&self) -> bool {
        matches!(self, Self::Select(..) | Self::Deselect | Self::Close)
    }
}

impl From<Recorded> for Answer {
    fn from(recorded: Recorded) -> Self {
        match recorded.signal_error {
            None => Self::Recorded { new: events_of(recorded.new), wake: recorded.wake },
            Some(error) => Self::SignalFailed(error.os_code()),
        }
    }
}

impl From<Result<(), RecorderError>> for Answer {
    fn from(result: Result<(), RecorderError>) -> Self {
        result.map_or_else(Self::from, |()| Self::Done)
    }
}

impl From<Result<Report, RecorderError>> for Answer {
    fn from(result: Result<Report, RecorderError>) -> Self {
        result.map_or_else(Self::from, |report| Self::Reported {
            report: record_of(&report),
            signal_error: report.signal_error().map(SignalError::os_code),
        })
    }
}

impl From<RecorderError> for Answer {
    fn from(error: RecorderError) -> Self {
        match error {
            RecorderError::Closed => Self::Closed,
            RecorderError::Reentrant => Self::Reentrant,
            RecorderError::Signal(error) => Self::SignalFailed(error.os_code()),
            _ => unreachable!("the model has no answer for it: {error}"),
        }
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(event, code) => write!(f, "record {}: {code}", event_at(*event)),
            Self::RecordAll(all) => {
                write!(f, "record")?;
                all.iter().try_for_each(|(event, code)| write!(f, " {}: {code}", event_at(*event)))
            }
            Self::Withdraw(events) => write!(f, "withdraw {}", flags(*events)),
            Self::Reenable(event) => write!(f, "re-enable {}", event_at(*event)),
            Self::Select(events, object) => write!(f, "select {} on {object}", flags(*events)),
            Self::Deselect => write!(f, "deselect"),
            Self::Enumerate(None) => write!(f, "enumerate"),
            Self::Enumerate(Some(object)) => write!(f, "enumerate and reset {object}"),
            Self::Inherit => write!(f, "inherit"),
            Self::Close => write!(f, "close"),
            Self::ApplicationResets(object) => write!(f, "the application resets {object}"),
            Self::Drop => write!(f, "drop"),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => write!(f, "done"),
            Self::Recorded { new, wake } => write!(f, "new: {}, wake: {wake:?}", flags(*new)),
            Self::Reported { report, signal_error } => {
                write!(f, "report:")?;
                for (event, code) in report.iter().enumerate() {
                    code.map_or(Ok(()), |code| write!(f, " {}: {code}", event_at(event)))?;
                }
                signal_error.map_or(Ok(()), |code| write!(f, ", and a set has failed with {code}"))
            }
            Self::Inherited(child) => write!(f, "socket {child}"),
            Self::SignalFailed(code) => write!(f, "the event object has failed with {code}"),
            Self::Closed => write!(f, "closed"),
            Self::Reentrant => write!(f, "refused from inside"),
            Self::Unwound => write!(f, "panic"),
        }
    }
}
