//! The event object that follows a script: at each call it may call back, fail or panic. Its calls go to a log.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use wsp_events::{EventSignal, NetworkEvents, SignalError};

use crate::checker::sync::atomic::AtomicBool;
use crate::vocabulary::{Answer, Operation};

/// The two calls that an event object gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Set,
    Reset,
}

/// What an event object does at its next calls of one kind.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub acts: VecDeque<Act>,
    /// How every call after these acts ends.
    pub then: End,
}

/// The scripts of both calls: index them by `Call as usize`.
pub type Scripts = [Script; 2];

#[derive(Clone, Debug, Default)]
pub struct Act {
    /// What the event object calls first, from inside, on the recorder that calls it (K4).
    pub inside: Vec<Operation>,
    pub end: End,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    #[default]
    Works,
    /// Does nothing and returns an error.
    Fails,
    /// Does nothing and panics.
    Panics,
    /// Does its work, and then panics.
    WorksThenPanics,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// An event object was called.
    Called {
        object: usize,
        call: Call,
        /// What was recorded on the calling socket when the call began (E4).
        recorded: NetworkEvents,
        /// The answers to the calls from inside (K4).
        inside: Vec<Answer>,
        end: End,
    },
    /// The provider was notified of a selection (S9).
    Selected { socket: usize, events: NetworkEvents },
}

/// The error code of an event object. Each has its own, so that the comparison tells them apart.
pub fn error_code(object: usize, call: Call) -> i32 {
    match call {
        Call::Set => 1000 + object as i32,
        Call::Reset => 2000 + object as i32,
    }
}

impl Script {
    /// Every call ends so.
    pub fn always(then: End) -> Self {
        Self { acts: VecDeque::new(), then }
    }

    pub fn next_act(&mut self) -> Act {
        self.acts.pop_front().unwrap_or(self.then.into())
    }
}

impl From<End> for Act {
    fn from(end: End) -> Self {
        Self { inside: vec![], end }
    }
}

impl End {
    pub fn does_its_work(self) -> bool {
        matches!(self, Self::Works | Self::WorksThenPanics)
    }
}

/// Its state is an atomic of the checker. It orders what `EventSignal` requires, and nothing else.
pub struct EventObject {
    number: usize,
    signaled: AtomicBool,
    scripts: Mutex<Scripts>,
}

impl EventObject {
    pub fn new(number: usize) -> Arc<Self> {
        Arc::new(Self { number, signaled: AtomicBool::new(false), scripts: Mutex::default() })
    }

    pub fn is_signaled(&self) -> bool {
        self.signaled.load(Ordering::Relaxed)
    }

    pub fn arm(&self, call: Call, script: &Script) {
        self.scripts.lock().unwrap()[call as usize] = script.clone();
    }

    /// ResetEvent by the application, or an auto-reset wait: it follows no script and is not logged.
    pub fn application_resets(&self) {
        self.signal(Call::Reset);
    }

    fn signal(&self, call: Call) {
        match call {
            Call::Set => self.signaled.swap(true, Ordering::Release),
            Call::Reset => self.signaled.swap(false, Ordering::Acquire),
        };
    }
}

/// Where an event object is used: on whose behalf it is called, and the log.
pub trait Stage: Send + Sync {
    /// What is recorded on the calling socket, if the log is to contain it.
    fn recorded(&self) -> NetworkEvents;
    /// Makes calls from inside the event object `own`, on the recorder that calls it.
    fn inside(&self, own: &Handle, operations: &[Operation]) -> Vec<Answer>;
    fn log(&self, entry: Entry);
}

/// A reference to an event object: what recorders select.
#[derive(Clone)]
pub struct Handle {
    pub object: Arc<EventObject>,
    pub stage: Arc<dyn Stage>,
}

/// The payload of a panic that is part of a script.
pub struct ScriptedPanic;

impl Handle {
    fn call(&self, call: Call) -> Result<(), SignalError> {
        let Self { object, stage } = self;
        let recorded = stage.recorded();
        let Act { inside, end } = object.scripts.lock().unwrap()[call as usize].next_act();
        let inside = if inside.is_empty() { vec![] } else { stage.inside(self, &inside) };
        if end.does_its_work() {
            object.signal(call);
        }
        stage.log(Entry::Called { object: object.number, call, recorded, inside, end });
        match end {
            End::Works => Ok(()),
            End::Fails => Err(SignalError::from_os_code(error_code(object.number, call))),
            // A panic without its message.
            End::Panics | End::WorksThenPanics => resume_unwind(Box::new(ScriptedPanic)),
        }
    }
}

impl EventSignal for Handle {
    fn set_event(&self) -> Result<(), SignalError> {
        self.call(Call::Set)
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.call(Call::Reset)
    }
}
