//! The provider, plainly: which socket each descriptor names, which event object each handle names, and the `world`
//! below them.

use crate::event_object::Entry;
use crate::provider::steps::{Memory, Name, Passed, Pointer, Seen, Transition, Way};
use crate::socket::Socket;
use crate::vocabulary::{Answer, Operation};
use crate::words::{events_of, flags};
use crate::world::{Object, World};

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
            seen: Seen::Answer(Answer::Done),
        }
    }
}

impl Model {
    /// E9: what both calls check first.
    fn find(&self, descriptor: Name) -> Result<usize, Answer> {
        if !self.subsystem_is_up {
            return Err(Answer::SubsystemFailed);
        }
        descriptor.in_names(&self.descriptors).ok_or(Answer::NotASocket)
    }

    fn select(&mut self, passed: &Passed, mask: i32) -> Result<Answer, Answer> {
        let s = self.find(passed.descriptor)?;
        // V1, S4: bits that are no event are dropped.
        let events = flags(std::array::from_fn(|bit| mask >> bit & 1 == 1));
        let operation = if events.is_empty() {
            Operation::Deselect // S3
        } else {
            let object = passed.handle.in_names(&self.handles).ok_or(Answer::InvalidArgument)?; // S4
            Operation::Select(events, object)
        };
        let answer = self.world.operate(s, &operation);
        if answer == Answer::Done {
            self.world.log.push(Entry::Selected { socket: s, events }); // S9
        }
        Ok(answer)
    }

    fn enumerate(&mut self, passed: &Passed, out: Pointer) -> Result<Answer, Answer> {
        let s = self.find(passed.descriptor)?;
        if let Pointer::Null = out {
            return Err(Answer::InvalidArgument);
        }
        let reset = match passed.handle {
            Name::Never(0) => None,
            handle => Some(handle.in_names(&self.handles).ok_or(Answer::InvalidArgument)?),
        };
        Ok(self.world.operate(s, &Operation::Enumerate(reset)))
    }

    pub fn apply(&mut self, transition: &Transition) {
        self.world.log.clear();
        self.seen = self.step(transition);
    }

    /// What a step does, and what it shows.
    fn step(&mut self, transition: &Transition) -> Seen {
        Seen::Answer(match transition {
            Transition::OpenSocket { latching, reused } => {
                name(&mut self.descriptors, *reused, self.world.sockets.len());
                self.world.sockets.push(Socket::new(events_of(*latching)));
                Answer::Done
            }
            Transition::Accept(listener) => match listener.in_names(&self.descriptors) {
                None => Answer::NotASocket,
                Some(s) => {
                    let answer = self.world.operate(s, &Operation::Inherit);
                    if let Answer::Inherited(child) = answer {
                        name(&mut self.descriptors, None, child);
                    }
                    answer
                }
            },
            Transition::Duplicate(descriptor) => {
                let socket = descriptor.in_names(&self.descriptors);
                self.descriptors.extend(socket.map(Some));
                socket.map_or(Answer::NotASocket, |_| Answer::Done)
            }
            Transition::CloseDescriptor(descriptor) => match descriptor.in_names(&self.descriptors)
            {
                None => Answer::NotASocket,
                Some(s) => {
                    close(&mut self.descriptors, *descriptor);
                    let remaining = self.descriptors.iter().filter(|&&of| of == Some(s)).count();
                    if remaining == 0 {
                        self.world.operate(s, &Operation::Close); // P4, S7
                    }
                    return Seen::Removed(remaining);
                }
            },
            Transition::Operate(s, operation) => self.world.operate(*s, operation),
            Transition::Select(passed, mask) => {
                let answer = self.select(passed, *mask).unwrap_or_else(|refused| refused);
                return seen(answer, passed, Pointer::Null);
            }
            Transition::Enumerate(passed, out) => {
                let out = if let Way::Rust = passed.way { Pointer::Aligned } else { *out };
                let answer = self.enumerate(passed, out).unwrap_or_else(|refused| refused);
                return seen(answer, passed, out);
            }
            Transition::OpenEvent { reused } => {
                name(&mut self.handles, *reused, self.world.objects.len());
                self.world.objects.push(Object::default());
                Answer::Done
            }
            Transition::CloseEvent(handle) => {
                close(&mut self.handles, *handle);
                Answer::Done
            }
            Transition::Arm(object, call, script) => {
                self.world.objects[*object].scripts[*call as usize] = script.clone();
                Answer::Done
            }
            Transition::ApplicationResets(handle) => match handle.in_names(&self.handles) {
                None => Answer::InvalidArgument,
                Some(object) => self.world.application_resets(object),
            },
            Transition::SubsystemIsUp(is_up) => {
                self.subsystem_is_up = *is_up;
                Answer::Done
            }
        })
    }
}

/// What a call shows, by the way that it went: `out` is `lpNetworkEvents`.
fn seen(answer: Answer, passed: &Passed, out: Pointer) -> Seen {
    let mut memory = Memory::SENTINEL;
    if let Answer::Reported { report, .. } = &answer {
        let mut mask = 0;
        for &(event, code) in report {
            mask |= 1 << event.bit_position();
            memory.write(out, 1 + event.bit_position(), code); // E2
        }
        memory.write(out, 0, mask);
    }
    if let Way::Rust = passed.way {
        return Seen::Rust { answer, out: memory };
    }
    // E9, E10.
    let code = match answer {
        Answer::SubsystemFailed | Answer::Unwound => 10050,
        Answer::NotASocket | Answer::Closed => 10038,
        Answer::InvalidArgument | Answer::Reentrant | Answer::SignalFailed(_) => 10022,
        _ => return Seen::C { returned: 0, errno: Memory::SENTINEL, out: memory },
    };
    let mut errno = Memory::SENTINEL;
    errno.write(passed.errno, 0, code);
    Seen::C { returned: -1, errno, out: memory }
}

/// Gives a name to something new: the next one, or one that is closed.
fn name(names: &mut Vec<Option<usize>>, reused: Option<usize>, what: usize) {
    match reused {
        None => names.push(Some(what)),
        Some(at) => assert_eq!(names[at].replace(what), None, "only a closed one is reused"),
    }
}

fn close(names: &mut [Option<usize>], name: Name) {
    if let Name::Given(at) = name {
        names[at] = None;
    }
}
