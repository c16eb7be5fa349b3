//! The calls, as values, and what they answer.

use std::fmt;

use wsp_events::{
    NetworkEventRecorder, Recorded, RecorderError, Report, SignalError, Wake, WsaError,
};

use crate::object::{Handle, unwinding};
use crate::socket::{Events, Record};
use crate::words::{event_at, events_of, flags, record_of};

pub(crate) type Recorder = NetworkEventRecorder<Handle>;

#[derive(Clone)]
pub(crate) enum Operation {
    /// An event and its code, 0 for a success.
    Record(usize, i32),
    /// Several as one step (R5).
    Batch(Vec<(usize, i32)>),
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
    Reset(usize),
    /// The thread gives up its reference to the recorder.
    Drop,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Done,
    Recorded {
        new: Events,
        wake: Wake,
    },
    Reported {
        report: Record,
        signal_failed: bool,
    },
    /// With the number of the socket that an accept has made.
    Inherited(usize),
    /// With the number of the event object that failed.
    Failed(usize),
    Closed,
    /// The event object's panic went through the call (K5).
    Unwound,
}

impl Operation {
    /// Makes the call; `handle` gives out event objects by their number, `adopt` takes in the recorder
    /// of an accepted socket, and gives it a number.
    pub(crate) fn perform(
        &self,
        recorder: &Recorder,
        handle: impl Fn(usize) -> Handle,
        adopt: impl FnOnce(Recorder) -> usize,
    ) -> Answer {
        let occurrence = |&(event, code): &(usize, i32)| (event_at(event), WsaError::outcome(code));
        let call = || match self {
            Self::Record(event, code) => {
                recorded(recorder.record(event_at(*event), WsaError::outcome(*code)))
            }
            Self::Batch(all) => recorded(recorder.record_all(all.iter().map(occurrence))),
            Self::Withdraw(events) => {
                recorder.withdraw(flags(*events));
                Answer::Done
            }
            Self::Reenable(event) => {
                recorder.reenable(event_at(*event));
                Answer::Done
            }
            Self::Select(events, object) => done(recorder.select(flags(*events), handle(*object))),
            Self::Deselect => done(recorder.deselect()),
            Self::Enumerate(None) => reported(recorder.enumerate()),
            Self::Enumerate(Some(object)) => {
                reported(recorder.enumerate_and_reset(&handle(*object)))
            }
            Self::Inherit => match recorder.inherit() {
                Ok(child) => Answer::Inherited(adopt(child)),
                Err(error) => refused(error),
            },
            Self::Close => done(recorder.close()),
            Self::Reset(object) => {
                handle(*object).object.reset_by_the_application();
                Answer::Done
            }
            Self::Drop => Answer::Done,
        };
        unwinding(call).unwrap_or(Answer::Unwound)
    }

    /// What is recorded, for the calls that record.
    pub(crate) fn occurrences(&self) -> Option<Vec<(usize, i32)>> {
        match self {
            Self::Record(event, code) => Some(vec![(*event, *code)]),
            Self::Batch(all) => Some(all.clone()),
            _ => None,
        }
    }

    /// Whether a closed record refuses the call.
    pub(crate) fn is_refused_when_closed(&self) -> bool {
        self.holds() || matches!(self, Self::Enumerate(_) | Self::Inherit)
    }

    /// Whether the call keeps others away from the event object (K3), so that they leave the set to it.
    pub(crate) fn holds(&self) -> bool {
        matches!(self, Self::Select(..) | Self::Deselect | Self::Close)
    }

    /// Whether the call may set an event object for what another has recorded, or make another call do so.
    pub(crate) fn stirs(&self) -> bool {
        matches!(self, Self::Enumerate(_) | Self::Withdraw(_) | Self::Reenable(_))
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(event, code) => write!(f, "record {}: {code}", event_at(*event)),
            Self::Batch(all) => {
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
            Self::Reset(object) => write!(f, "the application resets {object}"),
            Self::Drop => write!(f, "drop"),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => write!(f, "done"),
            Self::Recorded { new, wake } => write!(f, "new: {}, wake: {wake:?}", flags(*new)),
            Self::Reported { report, signal_failed } => {
                write!(f, "report:")?;
                for (event, code) in report.iter().enumerate() {
                    code.map_or(Ok(()), |code| write!(f, " {}: {code}", event_at(event)))?;
                }
                if *signal_failed { write!(f, ", and a set has failed") } else { Ok(()) }
            }
            Self::Inherited(child) => write!(f, "socket {child}"),
            Self::Failed(object) => write!(f, "event object {object} has failed"),
            Self::Closed => write!(f, "closed"),
            Self::Unwound => write!(f, "panic"),
        }
    }
}

fn recorded(result: Result<Recorded, SignalError>) -> Answer {
    match result {
        Ok(Recorded { new, wake }) => Answer::Recorded { new: events_of(new), wake },
        Err(error) => failed(error),
    }
}

fn done(result: Result<(), RecorderError>) -> Answer {
    result.map_or_else(refused, |()| Answer::Done)
}

fn reported(result: Result<Report, RecorderError>) -> Answer {
    result.map_or_else(refused, |report| Answer::Reported {
        report: record_of(&report),
        signal_failed: report.signal_error().is_some(),
    })
}

fn refused(error: RecorderError) -> Answer {
    match error {
        RecorderError::Closed => Answer::Closed,
        RecorderError::Signal(error) => failed(error),
        RecorderError::Reentrant => panic!("K4: refused, although nobody is inside"),
    }
}

fn failed(error: SignalError) -> Answer {
    Answer::Failed(error.os_code() as usize)
}
