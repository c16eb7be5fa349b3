//! The event object that follows a script: at each call it may call back, fail or panic. Its calls go to a log.

use std::collections::VecDeque;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use wsp_events::{EventSignal, SignalError};

use crate::socket::Events;
use crate::vocabulary::{Answer, Operation};
use crate::words::flags;

/// The two calls that an event object gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Set,
    Reset,
}

/// What an event object does at its next calls.
#[derive(Clone, Debug, Default)]
pub struct Scripts {
    pub set: Script,
    pub reset: Script,
}

#[derive(Clone, Debug, Default)]
pub struct Script {
    pub acts: VecDeque<Act>,
    /// After the acts, every call ends so.
    pub then: End,
}

#[derive(Clone, Debug, Default)]
pub struct Act {
    /// First, from inside the call, this (K4), on the recorder whose call it is.
    pub inside: Vec<Operation>,
    pub end: End,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    #[default]
    Works,
    /// Does nothing and answers an error.
    Fails,
    /// Does nothing and panics.
    Panics,
    /// Does its work, and then panics.
    WorksThenPanics,
}

/// One line of the log.
#[derive(Clone, PartialEq)]
pub enum Entry {
    /// An event object was called.
    Called {
        object: usize,
        call: Call,
        /// What was recorded on the calling socket when the call began (E4).
        recorded: Events,
        /// What the calls from inside were answered (K4).
        inside: Vec<Answer>,
        end: End,
    },
    /// The provider was told of a selection (S9).
    Selected { socket: usize, events: Events },
}

/// The error code of an event object: each has its own, so that none is mistaken for another.
pub fn error_code(object: usize, call: Call) -> i32 {
    match call {
        Call::Set => 1000 + object as i32,
        Call::Reset => 2000 + object as i32,
    }
}

impl Scripts {
    pub fn of(&mut self, call: Call) -> &mut Script {
        match call {
            Call::Set => &mut self.set,
            Call::Reset => &mut self.reset,
        }
    }
}

impl Script {
    pub fn next_act(&mut self) -> Act {
        self.acts.pop_front().unwrap_or(Act { inside: vec![], end: self.then })
    }

    /// Every call ends so.
    pub fn always(then: End) -> Self {
        Self { acts: VecDeque::new(), then }
    }
}

impl End {
    pub fn does_its_work(self) -> bool {
        matches!(self, Self::Works | Self::WorksThenPanics)
    }
}

/// The state of an event object; a checker has one of its own.
pub trait Flag: Send + Sync {
    fn new() -> Self;
    fn swap(&self, signaled: bool, order: Ordering) -> bool;
    fn load(&self, order: Ordering) -> bool;
}

impl Flag for AtomicBool {
    fn new() -> Self {
        Self::new(false)
    }

    fn swap(&self, signaled: bool, order: Ordering) -> bool {
        self.swap(signaled, order)
    }

    fn load(&self, order: Ordering) -> bool {
        self.load(order)
    }
}

/// It orders what `EventSignal` asks for, and nothing else.
pub struct EventObject<F = AtomicBool> {
    number: usize,
    signaled: F,
    scripts: Mutex<Scripts>,
}

impl<F: Flag> EventObject<F> {
    pub fn new(number: usize) -> Arc<Self> {
        Arc::new(Self { number, signaled: F::new(), scripts: Mutex::default() })
    }

    pub fn is_signaled(&self) -> bool {
        self.signaled.load(Ordering::Relaxed)
    }

    pub fn arm(&self, call: Call, script: &Script) {
        *self.scripts.lock().unwrap().of(call) = script.clone();
    }

    /// ResetEvent by the application, or an auto-reset wait: no script, no log.
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

/// Where event objects stand: on whose behalf they are called, and the log that they write.
pub trait Stage: Clone {
    /// What is recorded on the calling socket, if the log is to have it.
    fn recorded(&self) -> Events;
    /// Makes calls from inside an event object, on the recorder that calls it.
    fn inside(&self, operations: &[Operation]) -> Vec<Answer>;
    fn log(&self, entry: Entry);
}

/// A reference to an event object: what recorders select.
pub struct Handle<S, F = AtomicBool> {
    pub object: Arc<EventObject<F>>,
    pub stage: S,
}

impl<S: Clone, F> Clone for Handle<S, F> {
    fn clone(&self) -> Self {
        Self { object: Arc::clone(&self.object), stage: self.stage.clone() }
    }
}

/// The payload of a panic that a script asked for.
pub struct Scripted;

impl<S: Stage, F: Flag> Handle<S, F> {
    fn call(&self, call: Call) -> Result<(), SignalError> {
        let object = &*self.object;
        let recorded = self.stage.recorded();
        let act = object.scripts.lock().unwrap().of(call).next_act();
        let inside = match &*act.inside {
            [] => vec![],
            operations => self.stage.inside(operations),
        };
        let end = act.end;
        if end.does_its_work() {
            object.signal(call);
        }
        self.stage.log(Entry::Called { object: object.number, call, recorded, inside, end });
        match end {
            End::Works => Ok(()),
            End::Fails => Err(SignalError::from_os_code(error_code(object.number, call))),
            // As a panic does, but without the message.
            End::Panics | End::WorksThenPanics => resume_unwind(Box::new(Scripted)),
        }
    }
}

impl<S: Stage, F: Flag> EventSignal for Handle<S, F> {
    fn set_event(&self) -> Result<(), SignalError> {
        self.call(Call::Set)
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.call(Call::Reset)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Called { object, call, recorded, inside, end } => {
                write!(f, "{call:?} of {object} with {} recorded", flags(*recorded))?;
                inside.iter().try_for_each(|answer| write!(f, " ({answer:?})"))?;
                write!(f, ": {end:?}")
            }
            Self::Selected { socket, events } => {
                write!(f, "socket {socket} has selected {}", flags(*events))
            }
        }
    }
}
