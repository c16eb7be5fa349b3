//! The calls of the `vocabulary`, made on the library.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use wsp_events::{NetworkEventRecorder, RecorderError, Report, WsaError};

use crate::event_object::{Handle, ScriptedPanic};
use crate::vocabulary::{Answer, Operation};

/// A recorder whose event objects follow scripts.
pub type Recorder = NetworkEventRecorder<Handle>;

/// What a call answers. A scripted panic that comes out of it is its answer, too (K5).
pub fn answer<R: Into<Answer>>(call: impl FnOnce() -> R) -> Answer {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.into(),
        Err(payload) if payload.is::<ScriptedPanic>() => Answer::Unwound,
        Err(payload) => resume_unwind(payload),
    }
}

/// Makes a call. `handle` returns an event object by its number; `adopt` takes the recorder of an accepted socket, and
/// returns its number.
pub fn perform(
    operation: &Operation,
    recorder: &Recorder,
    handle: impl Fn(usize) -> Handle,
    adopt: impl FnOnce(Recorder) -> usize,
) -> Answer {
    match operation {
        Operation::Record(event, code) => recorder.record(*event, WsaError::outcome(*code)).into(),
        Operation::RecordAll(occurrences) => {
            let outcomes =
                occurrences.iter().map(|&(event, code)| (event, WsaError::outcome(code)));
            recorder.record_all(outcomes).into()
        }
        Operation::RecordUnsignaled(event, code) => {
            drop(recorder.record_unsignaled(*event, WsaError::outcome(*code)));
            Answer::Done
        }
        Operation::RecordInTwoSteps(event, code) => {
            recorder.record_unsignaled(*event, WsaError::outcome(*code)).signal().into()
        }
        Operation::Renew => {
            recorder.renew();
            Answer::Done
        }
        Operation::Withdraw(events) => {
            recorder.withdraw(*events);
            Answer::Done
        }
        Operation::Reenable(event) => {
            recorder.reenable(*event);
            Answer::Done
        }
        Operation::Select(events, object) => recorder.select(*events, handle(*object)).into(),
        Operation::Deselect => recorder.deselect().into(),
        Operation::Enumerate(None) => recorder.enumerate().into(),
        Operation::Enumerate(Some(object)) => recorder.enumerate_and_reset(&handle(*object)).into(),
        Operation::FailToDeliver(reset) => {
            let fault = |_: &Report| Err(Undelivered::Fault);
            let answer = match reset {
                None => recorder.enumerate_with(fault),
                Some(object) => recorder.enumerate_and_reset_with(&handle(*object), fault),
            };
            match answer {
                Err(Undelivered::Fault) => Answer::NotDelivered,
                Err(Undelivered::Refused(error)) => Err::<(), _>(error).into(),
                Ok(report) => report.into(),
            }
        }
        Operation::Inherit => match recorder.inherit() {
            Ok(child) => Answer::Inherited(adopt(child)),
            Err(error) => Err::<(), _>(error).into(),
        },
        Operation::Close => recorder.close().into(),
        Operation::ApplicationResets(object) => {
            handle(*object).object.application_resets();
            Answer::Done
        }
        Operation::Drop => Answer::Done,
    }
}

enum Undelivered {
    Fault,
    Refused(RecorderError),
}

impl From<RecorderError> for Undelivered {
    fn from(error: RecorderError) -> Self {
        Self::Refused(error)
    }
}
