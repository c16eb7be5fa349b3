//! The provider in plain words: which socket each descriptor names, which handles are open, and the
//! `model` beneath.

use proptest::prelude::*;
use proptest::strategy::Union;
use proptest_state_machine::ReferenceStateMachine;

use super::{Memory, NO_DESCRIPTORS, NO_HANDLES, Name, Outcome, Pointer, Seen, Transition, Way};
use crate::model::{Answer, Entry, Object, World};
use crate::moves;
use crate::socket::{Events, NONE, Socket};

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
        let Way::C { errno: pointer } = way else {
            return Seen::Rust(self);
        };
        let (mut errno, mut memory) = (Memory::SENTINEL, Memory::SENTINEL);
        let mut returned = 0;
        if let Some(code) = self.errno() {
            returned = -1;
            errno = errno.with_int(pointer, 0, code);
        }
        if let Self::Recorder(Answer::Reported { report, .. }) = self {
            let mut mask = 0;
            for (event, code) in report.into_iter().enumerate() {
                if let Some(code) = code {
                    mask += 2_i32.pow(event as u32);
                    memory = memory.with_int(out, 1 + event, code); // E2
                }
            }
            memory = memory.with_int(out, 0, mask);
        }
        Seen::C { returned, errno, out: memory }
    }
}

/// V1, S4: bits that are no event are dropped.
fn events_in(mask: i32) -> Events {
    std::array::from_fn(|bit| mask >> bit & 1 == 1)
}

#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) world: World,
    /// The socket of each descriptor that was ever given out, unless it is closed.
    pub(super) descriptors: Vec<Option<usize>>,
    /// Whether the handle of each event object is open.
    pub(super) handles: Vec<bool>,
    subsystem_is_up: bool,
    /// In the last step.
    pub(super) seen: Seen,
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
            Name::Given(at) => self.handles[at].then_some(at),
            Name::Never(_) => None,
        }
    }

    fn descriptors_of(&self, s: usize) -> usize {
        self.descriptors.iter().filter(|&&socket| socket == Some(s)).count()
    }

    fn open(&mut self, socket: Socket) -> Seen {
        self.descriptors.push(Some(self.world.sockets.len()));
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
            self.world.deselect(s) // S3
        } else {
            let object = self.object(handle).ok_or(Outcome::InvalidEventObject)?; // S4
            self.world.select(s, events, object)
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
        Ok(self.world.enumerate(s, reset))
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self {
            world: World::default(),
            descriptors: vec![],
            handles: vec![],
            subsystem_is_up: true,
            seen: Seen::Nothing,
        })
        .boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Transition> {
        // A few live sockets and event objects, so that they meet; and some that are gone.
        let live: Vec<_> =
            (0..model.descriptors.len()).filter(|&at| model.descriptors[at].is_some()).collect();
        let open: Vec<_> = (0..model.handles.len()).filter(|&at| model.handles[at]).collect();
        let (few_sockets, few_events) = (live.len() < 3, open.len() < 3);
        let selected_on: Vec<Option<usize>> = model
            .descriptors
            .iter()
            .map(|s| Some(model.world.sockets[(*s)?].selection?.object))
            .collect();

        let descriptor = || name(&live, model.descriptors.len(), &NO_DESCRIPTORS);
        let handle = || name(&open, model.handles.len(), &NO_HANDLES);
        let enumerate = (descriptor(), handle(), any::<bool>(), pointer(), way()).prop_map(
            move |(descriptor, other, pass_its_own, out, way)| {
                let its_own = match descriptor {
                    Name::Given(at) if pass_its_own => selected_on[at],
                    _ => None,
                };
                let handle = its_own.map_or(other, Name::Given);
                Transition::Enumerate { descriptor, handle, out, way }
            },
        );

        let mut moves = vec![
            (
                if few_sockets { 12 } else { 1 },
                moves::latching().prop_map(|latching| Transition::OpenSocket { latching }).boxed(),
            ),
            (if few_events { 12 } else { 1 }, Just(Transition::OpenEvent).boxed()),
            (1, descriptor().prop_map(Transition::Accept).boxed()),
            (2, descriptor().prop_map(Transition::Duplicate).boxed()),
            (3, descriptor().prop_map(Transition::CloseDescriptor).boxed()),
            (1, handle().prop_map(Transition::CloseEvent).boxed()),
            (1, handle().prop_map(Transition::ApplicationResets).boxed()),
            (
                if model.subsystem_is_up { 1 } else { 20 },
                Just(Transition::SubsystemIsUp(!model.subsystem_is_up)).boxed(),
            ),
            (
                12,
                (descriptor(), handle(), mask(), way())
                    .prop_map(|(descriptor, handle, mask, way)| Transition::Select {
                        descriptor,
                        handle,
                        mask,
                        way,
                    })
                    .boxed(),
            ),
            (20, enumerate.boxed()),
        ];
        let live_sockets: Vec<_> = model.descriptors.iter().flatten().copied().collect();
        if !live_sockets.is_empty() {
            let live = || prop::sample::select(live_sockets.clone());
            let operate = (live(), moves::operation());
            moves.push((36, operate.prop_map(|(s, it)| Transition::Operate(s, it)).boxed()));
            moves.push((1, live().prop_map(Transition::CloseRecord).boxed()));
        }
        if !model.world.sockets.is_empty() {
            let operate = (0..model.world.sockets.len(), moves::operation());
            moves.push((2, operate.prop_map(|(s, it)| Transition::Operate(s, it)).boxed()));
        }
        if !model.handles.is_empty() {
            let arm = (0..model.handles.len(), moves::call(), moves::script());
            let arm =
                arm.prop_map(|(object, call, script)| Transition::Arm { object, call, script });
            moves.push((8, arm.boxed()));
        }
        Union::new_weighted(moves).boxed()
    }

    /// A name must have been given out: shrinking may have taken that away.
    fn preconditions(model: &Self, transition: &Transition) -> bool {
        let was_given = |name: &Name, given: usize| match name {
            Name::Given(at) => *at < given,
            Name::Never(_) => true,
        };
        let (descriptors, handles) = (model.descriptors.len(), model.handles.len());
        match transition {
            Transition::OpenSocket { .. }
            | Transition::OpenEvent
            | Transition::SubsystemIsUp(_) => true,
            Transition::Accept(descriptor)
            | Transition::Duplicate(descriptor)
            | Transition::CloseDescriptor(descriptor) => was_given(descriptor, descriptors),
            Transition::CloseRecord(s) | Transition::Operate(s, _) => {
                *s < model.world.sockets.len()
            }
            Transition::Select { descriptor, handle, .. }
            | Transition::Enumerate { descriptor, handle, .. } => {
                was_given(descriptor, descriptors) && was_given(handle, handles)
            }
            Transition::CloseEvent(handle) | Transition::ApplicationResets(handle) => {
                was_given(handle, handles)
            }
            Transition::Arm { object, .. } => *object < handles,
        }
    }

    fn apply(mut model: Self, transition: &Transition) -> Self {
        model.world.log.clear();
        model.seen = match transition {
            Transition::OpenSocket { latching } => model.open(Socket::new(*latching)),
            Transition::Accept(listener) => match model.socket(*listener) {
                None => Seen::NewDescriptor(false),
                Some(s) => match model.world.inherit(s) {
                    Ok(accepted) => model.open(accepted),
                    Err(refused) => Seen::Recorder(refused),
                },
            },
            Transition::Duplicate(descriptor) => {
                let socket = model.socket(*descriptor);
                model.descriptors.extend(socket.map(Some));
                Seen::NewDescriptor(socket.is_some())
            }
            Transition::CloseDescriptor(descriptor) => {
                let socket = model.socket(*descriptor);
                if let Name::Given(at) = *descriptor {
                    model.descriptors[at] = None;
                }
                Seen::Removed(socket.map(|s| {
                    let remaining = model.descriptors_of(s);
                    if remaining == 0 {
                        model.world.close(s); // P4, S7
                    }
                    remaining
                }))
            }
            Transition::CloseRecord(s) => Seen::Recorder(model.world.close(*s)),
            Transition::Operate(s, operation) => Seen::Recorder(model.world.operate(*s, operation)),
            Transition::Select { descriptor, handle, mask, way } => model
                .select(*descriptor, *handle, *mask)
                .map_or_else(|error| error, Outcome::Recorder)
                .seen(*way, Pointer::Null),
            Transition::Enumerate { descriptor, handle, out, way } => {
                let out_is_null = matches!((way, out), (Way::C { .. }, Pointer::Null));
                model
                    .enumerate(*descriptor, *handle, out_is_null)
                    .map_or_else(|error| error, Outcome::Recorder)
                    .seen(*way, *out)
            }
            Transition::OpenEvent => {
                model.handles.push(true);
                model.world.objects.push(Object::default());
                Seen::Nothing
            }
            Transition::CloseEvent(handle) => {
                if let Name::Given(at) = *handle {
                    model.handles[at] = false;
                }
                Seen::Nothing
            }
            Transition::Arm { object, call, script } => {
                *model.world.objects[*object].scripts.of(*call) = script.clone();
                Seen::Nothing
            }
            Transition::ApplicationResets(handle) => {
                if let Some(object) = model.object(*handle) {
                    model.world.application_resets(object);
                }
                Seen::Nothing
            }
            Transition::SubsystemIsUp(is_up) => {
                model.subsystem_is_up = *is_up;
                Seen::Nothing
            }
        };
        model
    }
}

/// One that is good for something, mostly; or one that was, or never.
fn name(good: &[usize], given: usize, never: &'static [usize]) -> BoxedStrategy<Name> {
    let mut names = vec![(1, prop::sample::select(never).prop_map(Name::Never).boxed())];
    if given > 0 {
        names.push((1, (0..given).prop_map(Name::Given).boxed()));
    }
    if !good.is_empty() {
        let good = prop::sample::select(good.to_vec());
        names.push((8, good.prop_map(Name::Given).boxed()));
    }
    Union::new_weighted(names).boxed()
}

fn mask() -> impl Strategy<Value = i32> {
    prop_oneof![
        2 => any::<i32>(),
        4 => 0..=0x3FF,
        2 => (0..32u32).prop_map(|bit| 1_i32.wrapping_shl(bit)),
        1 => prop::sample::select(vec![0, 0x3FF, 0x400, !0x3FF]),
    ]
}

fn pointer() -> impl Strategy<Value = Pointer> {
    prop_oneof![
        1 => Just(Pointer::Null),
        3 => Just(Pointer::Aligned),
        3 => Just(Pointer::Misaligned),
    ]
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![
        3 => pointer().prop_map(|errno| Way::C { errno }),
        1 => Just(Way::Rust),
    ]
}
