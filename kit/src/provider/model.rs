//! The provider in plain words: which socket each descriptor names, which event object each handle, and
//! the `world` beneath.

use crate::event_object::Entry;
use crate::provider::steps::{Memory, Name, Outcome, Pointer, Seen, Transition, Way};
use crate::socket::{Events, NONE, Socket};
use crate::vocabulary::{Answer, Operation};
use crate::world::{Object, World};

impl Outcome {
    /// E9, E10.
    fn errno(&self) -> Option<i32> {
        match self {
            Self::Recorder(Answer::Done | Answer::Reported { .. }) => None,
            Self::SubsystemFailed | Self::Recorder(Answer::Unwound) => Some(10050),
            Self::NotASocket | Self::Recorder(Answer::Closed) => Some(10038),
            Self::InvalidEventObject | Self::NullOutput | Self::Recorder(_) => Some(10022),
        }
    }

    fn seen(self, way: Way, out: Pointer) -> Seen {
        let (mut errno, mut memory) = (Memory::SENTINEL, Memory::SENTINEL);
        let mut returned = 0;
        if let Some(code) = self.errno() {
            returned = -1;
            errno = errno.with_int(way.errno().unwrap_or(Pointer::Null), 0, code);
        }
        if let Self::Recorder(Answer::Reported { report, .. }) = &self {
            let mut mask = 0;
            for (event, code) in report.iter().enumerate() {
                if let Some(code) = *code {
                    mask += 2_i32.pow(event as u32);
                    memory = memory.with_int(out, 1 + event, code); // E2
                }
            }
            memory = memory.with_int(out, 0, mask);
        }
        match way {
            Way::Rust => Seen::Rust { outcome: self, out: memory },
            Way::Table { .. } | Way::C { .. } => Seen::C { returned, errno, out: memory },
        }
    }
}

/// V1, S4: bits that are no event are dropped.
fn events_in(mask: i32) -> Events {
    std::array::from_fn(|bit| mask >> bit & 1 == 1)
}

#[derive(Clone, Debug)]
pub struct Model {
    pub world: World,
    /// The socket of each descriptor that was ever given out, unless it is closed.
    pub descriptors: Vec<Option<usize>>,
    /// The event object of each handle that was ever given out, unless it is closed.
    pub handles: Vec<Option<usize>>,
    pub subsystem_is_up: bool,
    /// In the last step.
    pub seen: Seen,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            world: World::default(),
            descriptors: vec![],
            handles: vec![],
            subsystem_is_up: true,
            seen: Seen::Nothing,
        }
    }
}

impl Model {
    fn socket(&self, descriptor: Name) -> Option<usize> {
        match descriptor {
            Name::Given(at) => self.descriptors[at],
            Name::Never(_) => None,
        }
    }

    fn object(&self, handle: Name) -> Option<usize> {
        match handle {
            Name::Given(at) => self.handles[at],
            Name::Never(_) => None,
        }
    }

    fn descriptors_of(&self, s: usize) -> usize {
        self.descriptors.iter().filter(|&&socket| socket == Some(s)).count()
    }

    fn open(&mut self, socket: Socket, reused: Option<usize>) -> Seen {
        name(&mut self.descriptors, reused, self.world.sockets.len());
        self.world.sockets.push(socket);
        Seen::NewDescriptor(true)
    }

    /// E9: what comes first in both calls.
    fn find(&self, descriptor: Name) -> Result<usize, Outcome> {
        if !self.subsystem_is_up {
            return Err(Outcome::SubsystemFailed);
        }
        self.socket(descriptor).ok_or(Outcome::NotASocket)
    }

    fn select(&mut self, descriptor: Name, handle: Name, mask: i32) -> Result<Answer, Outcome> {
        let s = self.find(descriptor)?;
        let events = events_in(mask);
        let answer = if events == NONE {
            self.world.operate(s, &Operation::Deselect) // S3
        } else {
            let object = self.object(handle).ok_or(Outcome::InvalidEventObject)?; // S4
            self.world.operate(s, &Operation::Select(events, object))
        };
        if answer == Answer::Done {
            self.world.log.push(Entry::Selected { socket: s, events }); // S9
        }
        Ok(answer)
    }

    fn enumerate(
        &mut self,
        descriptor: Name,
        handle: Name,
        out_is_null: bool,
    ) -> Result<Answer, Outcome> {
        let s = self.find(descriptor)?;
        if out_is_null {
            return Err(Outcome::NullOutput);
        }
        let reset = match handle {
            Name::Never(0) => None,
            _ => Some(self.object(handle).ok_or(Outcome::InvalidEventObject)?),
        };
        Ok(self.world.operate(s, &Operation::Enumerate(reset)))
    }

    /// What a step does, and what it shows.
    pub fn apply(&mut self, transition: &Transition) {
        self.world.log.clear();
        self.seen = match transition {
            Transition::OpenSocket { latching, reused } => {
                self.open(Socket::new(*latching), *reused)
            }
            Transition::Accept(listener) => match self.socket(*listener) {
                None => Seen::NewDescriptor(false),
                Some(s) => match self.world.inherit(s) {
                    Ok(accepted) => self.open(accepted, None),
                    Err(refused) => Seen::Recorder(refused),
                },
            },
            Transition::Duplicate(descriptor) => {
                let socket = self.socket(*descriptor);
                self.descriptors.extend(socket.map(Some));
                Seen::NewDescriptor(socket.is_some())
            }
            Transition::CloseDescriptor(descriptor) => {
                let socket = self.socket(*descriptor);
                if let Name::Given(at) = *descriptor {
                    self.descriptors[at] = None;
                }
                Seen::Removed(socket.map(|s| {
                    let remaining = self.descriptors_of(s);
                    if remaining == 0 {
                        self.world.close(s); // P4, S7
                    }
                    remaining
                }))
            }
            Transition::Operate(s, operation) => Seen::Recorder(self.world.operate(*s, operation)),
            Transition::Select { descriptor, handle, mask, way } => self
                .select(*descriptor, *handle, *mask)
                .map_or_else(|error| error, Outcome::Recorder)
                .seen(*way, Pointer::Null),
            Transition::Enumerate { descriptor, handle, out, way } => {
                let out = if matches!(way, Way::Rust) { Pointer::Aligned } else { *out };
                self.enumerate(*descriptor, *handle, matches!(out, Pointer::Null))
                    .map_or_else(|error| error, Outcome::Recorder)
                    .seen(*way, out)
            }
            Transition::OpenEvent { reused } => {
                name(&mut self.handles, *reused, self.world.objects.len());
                self.world.objects.push(Object::default());
                Seen::Nothing
            }
            Transition::CloseEvent(handle) => {
                if let Name::Given(at) = *handle {
                    self.handles[at] = None;
                }
                Seen::Nothing
            }
            Transition::Arm { object, call, script } => {
                *self.world.objects[*object].scripts.of(*call) = script.clone();
                Seen::Nothing
            }
            Transition::ApplicationResets(handle) => {
                if let Some(object) = self.object(*handle) {
                    self.world.application_resets(object);
                }
                Seen::Nothing
            }
            Transition::SubsystemIsUp(is_up) => {
                self.subsystem_is_up = *is_up;
                Seen::Nothing
            }
        };
    }
}

/// Gives a name to what is new: the next one, or one that is closed.
fn name(names: &mut Vec<Option<usize>>, reused: Option<usize>, what: usize) {
    match reused {
        None => names.push(Some(what)),
        Some(at) => assert_eq!(names[at].replace(what), None, "only a closed one is reused"),
    }
}
