//! Event objects that do harm.

use std::any::Any;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use wsp_events::{EventSignal, NetworkEventRecorder, SignalError, WsaError};

pub(crate) const REFUSED: WsaError = WsaError::WSAECONNREFUSED;
pub(crate) const RESET: WsaError = WsaError::WSAECONNRESET;
pub(crate) const DOWN: WsaError = WsaError::WSAENETDOWN;
pub(crate) const BAD_HANDLE: SignalError = SignalError::from_os_code(6);

pub(crate) type Recorder = NetworkEventRecorder<Handle>;

/// When a recorder runs somebody else's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Set,
    Reset,
    Clone,
    Drop,
}

type Script = Box<dyn FnMut(Moment) -> Result<(), SignalError> + Send>;

/// An event object: before each call, and when a handle of it is cloned or dropped, its script runs.
#[derive(Default)]
pub(crate) struct Object {
    signaled: AtomicBool,
    script: Mutex<Option<Script>>,
}

/// A reference to an event object: what recorders select.
pub(crate) struct Handle(pub(crate) Arc<Object>);

impl Object {
    pub(crate) fn is_set(&self) -> bool {
        self.signaled.load(SeqCst)
    }

    /// The application resets its event object itself.
    pub(crate) fn reset_by_the_application(&self) {
        self.signaled.store(false, SeqCst);
    }

    /// From now on, at every moment.
    pub(crate) fn always(
        &self,
        script: impl FnMut(Moment) -> Result<(), SignalError> + Send + 'static,
    ) {
        *self.script() = Some(Box::new(script));
    }

    /// Once, at the next such moment.
    pub(crate) fn once(
        &self,
        at: Moment,
        script: impl FnOnce() -> Result<(), SignalError> + Send + 'static,
    ) {
        let mut script = Some(script);
        self.always(move |moment| match moment == at {
            true => script.take().map_or(Ok(()), |script| script()),
            false => Ok(()),
        });
    }

    /// Works from now on.
    pub(crate) fn calm(&self) {
        *self.script() = None;
    }

    fn script(&self) -> MutexGuard<'_, Option<Script>> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, moment: Moment) -> Result<(), SignalError> {
        // Outside the lock: it may come back here. A script that panics is over.
        let Some(mut script) = self.script().take() else { return Ok(()) };
        let result = script(moment);
        self.script().get_or_insert(script);
        result
    }
}

impl EventSignal for Object {
    fn set_event(&self) -> Result<(), SignalError> {
        self.run(Moment::Set)?;
        self.signaled.store(true, SeqCst);
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.run(Moment::Reset)?;
        self.signaled.store(false, SeqCst);
        Ok(())
    }
}

impl EventSignal for Handle {
    fn set_event(&self) -> Result<(), SignalError> {
        self.0.set_event()
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.0.reset_event()
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        self.0.run(Moment::Clone).expect("a clone does not fail");
        Self(Arc::clone(&self.0))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.run(Moment::Drop).expect("a drop does not fail");
    }
}

/// The payload of a panic that is part of a test.
struct Planted;

/// Ends the thread, or whatever catches it, without the noise of a panic message.
pub(crate) fn die() -> ! {
    resume_unwind(Box::new(Planted))
}

/// Of what was caught: any other panic goes on.
pub(crate) fn only_planted(payload: Box<dyn Any + Send>) {
    if !payload.is::<Planted>() {
        resume_unwind(payload);
    }
}

/// Runs `body` on a thread of its own; fails when that panics, or has not returned after a long while.
pub(crate) fn must_return<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, result) = channel();
    thread::spawn(move || done.send(body()));
    result.recv_timeout(Duration::from_secs(60)).expect("it hangs, or has panicked")
}
