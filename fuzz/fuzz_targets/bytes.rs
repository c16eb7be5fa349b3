//! From bytes to steps. Any bytes are steps, and steps have all that a caller can pass: any `usize` as a descriptor or a
//! handle, any `int` as a mask or a code.

use arbitrary::{Error, Result, Unstructured};
use kit::event_object::{Act, Call, End, Script};
use kit::provider::model::Model;
use kit::provider::steps::{Name, Passed, Pointer, Transition, Way};
use kit::sequential::meddling;
use kit::vocabulary::Operation;
use wsp_events::{NetworkEvent, NetworkEvents, SOCKET};

pub(crate) struct Bytes<'a>(Unstructured<'a>);

impl<'a> Bytes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// The next step, which is possible in the model's state; an error at the end of the input.
    pub(crate) fn step(&mut self, model: &Model, descriptors: &[SOCKET]) -> Result<Transition> {
        if self.0.is_empty() {
            return Err(Error::NotEnoughData);
        }
        let (sockets, objects) = (model.world.sockets.len(), model.world.objects.len());
        Ok(match self.0.int_in_range(0..=31)? {
            0 => Transition::OpenSocket {
                latching: self.events()?,
                reused: self.reused(&model.descriptors)?,
            },
            1 => Transition::OpenEvent { reused: self.reused(&model.handles)? },
            2 => Transition::Accept(self.descriptor(descriptors)?),
            3 => Transition::Duplicate(self.descriptor(descriptors)?),
            4 | 5 => Transition::CloseDescriptor(self.descriptor(descriptors)?),
            6 => Transition::CloseEvent(self.handle(model)?),
            7 => Transition::ApplicationResets(self.handle(model)?),
            8 => Transition::SubsystemIsUp(!model.subsystem_is_up),
            9 if sockets > 0 => {
                Transition::Operate(self.0.choose_index(sockets)?, Operation::Close)
            }
            10..=12 if objects > 0 => {
                let object = self.0.choose_index(objects)?;
                let call = *self.0.choose(&[Call::Set, Call::Reset])?;
                Transition::Arm(object, call, self.script()?)
            }
            13..=19 if sockets > 0 => {
                Transition::Operate(self.0.choose_index(sockets)?, self.operation()?)
            }
            20..=24 => {
                let (descriptor, handle) = (self.descriptor(descriptors)?, self.handle(model)?);
                let mask = self.mask()?;
                let (way, errno) = self.way()?;
                Transition::Select(Passed { descriptor, handle, way, errno }, mask)
            }
            _ => {
                let (descriptor, handle) = (self.descriptor(descriptors)?, self.handle(model)?);
                let out = self.pointer()?;
                let (way, errno) = self.way()?;
                Transition::Enumerate(Passed { descriptor, handle, way, errno }, out)
            }
        })
    }

    /// A descriptor that was given out, live or stale; one that differs from it in one bit; or any value.
    fn descriptor(&mut self, given: &[SOCKET]) -> Result<Name> {
        let kind = self.0.int_in_range(0..=7)?;
        let value = match kind {
            0..=5 if !given.is_empty() => {
                return Ok(Name::Given(self.0.choose_index(given.len())?));
            }
            6 if !given.is_empty() => {
                *self.0.choose(given)? ^ 1 << self.0.int_in_range(0..=SOCKET::BITS - 1)?
            }
            _ => self.0.arbitrary()?,
        };
        let guessed = given.iter().position(|&descriptor| descriptor == value);
        Ok(guessed.map_or(Name::Never(value), Name::Given))
    }

    /// A handle that was given out, open or closed; null; or any value.
    fn handle(&mut self, model: &Model) -> Result<Name> {
        let given = model.handles.len();
        Ok(match self.0.int_in_range(0..=7)? {
            0..=4 if given > 0 => Name::Given(self.0.choose_index(given)?),
            5 | 6 => Name::Never(0),
            _ => {
                let value = self.0.arbitrary()?;
                let guessed = (0..given).find(|at| 4 * (at + 1) == value);
                guessed.map_or(Name::Never(value), Name::Given)
            }
        })
    }

    /// One of the names that are closed, or none.
    fn reused(&mut self, names: &[Option<usize>]) -> Result<Option<usize>> {
        let mut closed = (0..names.len()).filter(|&at| names[at].is_none());
        Ok(closed.nth(self.0.int_in_range(0..=3)?))
    }

    fn event(&mut self) -> Result<NetworkEvent> {
        Ok(NetworkEvent::ALL[self.0.int_in_range(0..=9)?])
    }

    fn events(&mut self) -> Result<NetworkEvents> {
        let bits: u16 = self.0.arbitrary()?;
        Ok(NetworkEvents::from_mask(bits.into()))
    }

    /// Success, a Winsock code, or any `int`.
    fn code(&mut self) -> Result<i32> {
        match self.0.int_in_range(0..=3)? {
            0 => Ok(0),
            1 => self.0.int_in_range(10050..=10065),
            _ => self.0.arbitrary(),
        }
    }

    fn occurrence(&mut self) -> Result<(NetworkEvent, i32)> {
        Ok((self.event()?, self.code()?))
    }

    fn mask(&mut self) -> Result<i32> {
        match self.0.int_in_range(0..=3)? {
            0 => Ok(1 << self.0.int_in_range(0..=31)?),
            1 => Ok(self.0.int_in_range(0..=0x3FF)?),
            _ => self.0.arbitrary(),
        }
    }

    fn operation(&mut self) -> Result<Operation> {
        Ok(match self.0.int_in_range(0..=11)? {
            0..=3 => {
                let (event, code) = self.occurrence()?;
                Operation::Record(event, code)
            }
            8 => Operation::Renew,
            9 => Operation::FailToDeliver(None),
            10 => {
                let (event, code) = self.occurrence()?;
                Operation::RecordUnsignaled(event, code)
            }
            11 => {
                let (event, code) = self.occurrence()?;
                Operation::RecordInTwoSteps(event, code)
            }
            4 | 5 => {
                let count = self.0.int_in_range(0..=5)?;
                let all: Result<_> = (0..count).map(|_| self.occurrence()).collect();
                Operation::RecordAll(all?)
            }
            6 => Operation::Withdraw(self.events()?),
            _ => Operation::Reenable(self.event()?),
        })
    }

    fn script(&mut self) -> Result<Script> {
        let acts: Result<_> = (0..self.0.int_in_range(0..=3)?).map(|_| self.act()).collect();
        let then = if self.0.ratio(1, 4)? { End::Fails } else { End::Works };
        Ok(Script { acts: acts?, then })
    }

    fn act(&mut self) -> Result<Act> {
        let inside = match self.0.int_in_range(0..=8)? {
            0..=3 => vec![],
            4..=6 => {
                let (event, code) = self.occurrence()?;
                vec![Operation::Record(event, code)]
            }
            7 => vec![Operation::Enumerate(None)],
            _ => meddling(),
        };
        use End::{Fails, Panics, Works, WorksThenPanics};
        let ends = [Works, Works, Works, Fails, Fails, Fails, Panics, WorksThenPanics];
        Ok(Act { inside, end: *self.0.choose(&ends)? })
    }

    fn pointer(&mut self) -> Result<Pointer> {
        let pointers = [Pointer::Aligned, Pointer::Aligned, Pointer::Misaligned, Pointer::Null];
        Ok(*self.0.choose(&pointers)?)
    }

    /// With `lpErrno`.
    fn way(&mut self) -> Result<(Way, Pointer)> {
        Ok(match self.0.int_in_range(0..=3)? {
            0 | 1 => (Way::Table, self.pointer()?),
            2 => (Way::C, self.pointer()?),
            _ => (Way::Rust, Pointer::Null),
        })
    }
}
