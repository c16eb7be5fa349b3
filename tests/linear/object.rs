//! The event objects: each follows a script and counts its calls.
//!
//! They order what `EventSignal` asks for, and nothing else. Their counts are ordinary atomics, which no
//! checker sees: they are no part of what threads agree on.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use wsp_events::{EventSignal, SignalError};

use crate::checker::{AtomicBool, Ordering};

/// The event objects by number. The first one is selected at the beginning.
pub(crate) const SELECTED: usize = 0;
pub(crate) const ANOTHER: usize = 1;
/// Fails every call.
pub(crate) const FAILING: usize = 2;
/// Panics in every call, and does nothing else.
pub(crate) const PANICKING: usize = 3;
pub(crate) const OBJECTS: usize = 4;

/// How many recorders may have one event object.
pub(crate) const RECORDERS: usize = 2;

/// What an event object does when it is to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Works,
    Fails,
    Panics,
    /// First, from inside, it records this event with this code on the recorder whose call this is, and
    /// tries what is refused there (K4).
    Records(usize, i32),
}

/// What [`Act::Records`] does: the recorder's number, the event, its code.
pub(crate) type Inside = dyn Fn(usize, usize, i32) + Send + Sync;

pub(crate) struct Object {
    pub(crate) number: usize,
    signaled: AtomicBool,
    /// Calls of `set_event`, whatever came of them.
    attempts: AtomicUsize,
    sets: AtomicUsize,
    resets: AtomicUsize,
    failures: AtomicUsize,
    panics: AtomicUsize,
    script: Mutex<VecDeque<Act>>,
    inside: Mutex<Option<Arc<Inside>>>,
}

/// What an event object shows at rest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) signaled: bool,
    pub(crate) sets: usize,
    pub(crate) resets: usize,
    pub(crate) failures: usize,
    pub(crate) panics: usize,
    /// The selections that keep it alive (P2).
    pub(crate) selections: usize,
}

/// The payload of a panic that a script asked for.
struct Planted;

/// Makes a call; `None` if a planted panic came out of it (K5).
pub(crate) fn unwinding<R>(call: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => Some(result),
        Err(payload) if payload.is::<Planted>() => None,
        Err(payload) => resume_unwind(payload),
    }
}

impl Object {
    pub(crate) fn new(number: usize) -> Arc<Self> {
        Arc::new(Self {
            number,
            signaled: AtomicBool::new(false),
            attempts: AtomicUsize::new(0),
            sets: AtomicUsize::new(0),
            resets: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
            panics: AtomicUsize::new(0),
            script: Mutex::default(),
            inside: Mutex::default(),
        })
    }

    /// What it is going to do when it is set; when that has come to its end, it works.
    pub(crate) fn follow(&self, script: &[Act], inside: Option<&Arc<Inside>>) {
        *self.script.lock().unwrap() = script.iter().copied().collect();
        *self.inside.lock().unwrap() = inside.cloned();
    }

    pub(crate) fn attempts(&self) -> usize {
        self.attempts.load(SeqCst)
    }

    pub(crate) fn show(self: &Arc<Self>) -> Shown {
        Shown {
            signaled: self.signaled.load(Ordering::Relaxed),
            sets: self.sets.load(SeqCst),
            resets: self.resets.load(SeqCst),
            failures: self.failures.load(SeqCst),
            panics: self.panics.load(SeqCst),
            selections: Arc::strong_count(self) - 1,
        }
    }

    fn next_act(&self) -> Act {
        match self.number {
            FAILING => Act::Fails,
            PANICKING => Act::Panics,
            _ => self.script.lock().unwrap().pop_front().unwrap_or(Act::Works),
        }
    }

    fn signal(&self, set: bool) {
        self.signaled.swap(set, if set { Ordering::Release } else { Ordering::Acquire });
    }

    /// ResetEvent by the application, or an auto-reset wait.
    pub(crate) fn reset_by_the_application(&self) {
        self.signal(false);
    }

    fn call(&self, recorder: usize, set: bool) -> Result<(), SignalError> {
        self.attempts.fetch_add(set.into(), SeqCst);
        let act = if set || self.number >= FAILING { self.next_act() } else { Act::Works };
        if let Act::Records(event, code) = act {
            let inside = self.inside.lock().unwrap().clone();
            inside.expect("a script that records has a recorder")(recorder, event, code);
        }
        if matches!(act, Act::Works | Act::Records(..)) {
            let count = if set { &self.sets } else { &self.resets };
            count.fetch_add(1, SeqCst);
            self.signal(set);
        }
        match act {
            Act::Works | Act::Records(..) => Ok(()),
            Act::Fails => {
                self.failures.fetch_add(1, SeqCst);
                Err(SignalError::from_os_code(self.number as i32))
            }
            // As a panic does, but without the message.
            Act::Panics => {
                self.panics.fetch_add(1, SeqCst);
                resume_unwind(Box::new(Planted))
            }
        }
    }
}

/// An event object in the hands of one recorder.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) object: Arc<Object>,
    pub(crate) recorder: usize,
}

impl EventSignal for Handle {
    fn set_event(&self) -> Result<(), SignalError> {
        self.object.call(self.recorder, true)
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.object.call(self.recorder, false)
    }
}
