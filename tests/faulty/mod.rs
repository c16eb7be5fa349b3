//! Faults for tests: a wrapper around any event object, which passes every call on, keeps a log,
//! and fails, panics or records from inside where a test wants it to.
#![allow(dead_code, reason = "each program that includes this module uses a part of it")]

use std::ops::Deref;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use wsp_events::{EventSignal, SignalError};

/// A call on the event object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Set,
    Reset,
}

/// What happens inside a call, before it is passed on; an error takes the place of that.
type Script = Box<dyn FnOnce() -> Result<(), SignalError> + Send>;

/// An event object around another, which has a script for its next set and its next reset.
pub(crate) struct Faulty<S> {
    inner: S,
    log: Mutex<Vec<Call>>,
    on_set: Mutex<Option<Script>>,
    on_reset: Mutex<Option<Script>>,
    busy: AtomicBool,
    overlapped: AtomicBool,
}

impl<S> Faulty<S> {
    pub(crate) fn around(inner: S) -> Self {
        Self {
            inner,
            log: Mutex::default(),
            on_set: Mutex::default(),
            on_reset: Mutex::default(),
            busy: AtomicBool::new(false),
            overlapped: AtomicBool::new(false),
        }
    }

    pub(crate) fn on_set(&self, script: impl FnOnce() -> Result<(), SignalError> + Send + 'static) {
        *self.on_set.lock().unwrap() = Some(Box::new(script));
    }

    pub(crate) fn on_reset(
        &self,
        script: impl FnOnce() -> Result<(), SignalError> + Send + 'static,
    ) {
        *self.on_reset.lock().unwrap() = Some(Box::new(script));
    }

    /// The calls that succeeded, in order, since the last time it was asked.
    pub(crate) fn log(&self) -> Vec<Call> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    /// Whether two calls were ever made at the same time (K3).
    pub(crate) fn overlapped(&self) -> bool {
        self.overlapped.load(SeqCst)
    }

    fn call(
        &self,
        call: Call,
        script: &Mutex<Option<Script>>,
        pass_on: impl FnOnce(&S) -> Result<(), SignalError>,
    ) -> Result<(), SignalError> {
        struct Busy<'a>(&'a AtomicBool);
        impl Drop for Busy<'_> {
            fn drop(&mut self) {
                self.0.store(false, SeqCst);
            }
        }
        if self.busy.swap(true, SeqCst) {
            self.overlapped.store(true, SeqCst);
        }
        let _busy = Busy(&self.busy);
        let script = script.lock().unwrap().take();
        script.map_or(Ok(()), |script| script())?;
        pass_on(&self.inner)?;
        self.log.lock().unwrap().push(call);
        Ok(())
    }
}

impl<S> Deref for Faulty<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.inner
    }
}

impl<S: EventSignal> EventSignal for Faulty<S> {
    fn set_event(&self) -> Result<(), SignalError> {
        self.call(Call::Set, &self.on_set, S::set_event)
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.call(Call::Reset, &self.on_reset, S::reset_event)
    }
}
