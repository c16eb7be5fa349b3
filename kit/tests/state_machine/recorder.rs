//! The recorder alone: three recorders in play, three event objects, every call in any order.

use std::sync::Arc;

use kit::calls::Recorder;
use kit::event_object::{Call, Handle, Script};
use kit::sequential::{
    Sequential, check_object, check_socket, check_what_is_left, event_object, operate,
};
use kit::socket::{NONE, Socket};
use kit::vocabulary::{Answer, Operation};
use kit::words::events_of;
use kit::world::{Object, World};
use proptest::prelude::*;
use proptest::strategy::Union;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use wsp_events::NetworkEvents;

use crate::moves;

const SLOTS: usize = 3;
const OBJECTS: usize = 3;

/// Catches any difference from the model, in the recorder.
#[test]
fn e3_recorder_agrees_with_the_plain_model() {
    crate::run::<Recorders>(768, file!());
}

/// Slots and event objects are given by number.
#[derive(Clone, Debug)]
enum Transition {
    On(usize, Operation),
    /// The child takes a slot, and the recorder that was there is dropped.
    Inherit {
        from: usize,
        to: usize,
    },
    /// A new recorder takes the slot, and the one that was there is dropped.
    Open(usize, NetworkEvents),
    Arm(usize, Call, Script),
}

#[derive(Clone, Debug)]
struct Model {
    world: World,
    /// Of the last step.
    answer: Answer,
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Self> {
        let world = World {
            sockets: vec![Socket::new(NONE); SLOTS],
            objects: vec![Object::default(); OBJECTS],
            log: vec![],
        };
        Just(Self { world, answer: Answer::Done }).boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Transition> {
        // Closed ones less often: they refuse most calls.
        let weigh =
            |slot: usize| (if model.world.sockets[slot].closed { 1 } else { 8 }, Just(slot));
        let slot = || Union::new_weighted((0..SLOTS).map(weigh).collect());
        let object = || 0..OBJECTS;
        let selected: Vec<_> =
            model.world.sockets.iter().map(|socket| Some(socket.selection?.object)).collect();
        let enumerate = (slot(), object(), 0..8u8).prop_map(move |(slot, object, passed)| {
            let reset = match passed {
                0 => None,
                1 | 2 => Some(object),
                _ => selected[slot].or(Some(object)),
            };
            (slot, Operation::Enumerate(reset))
        });
        let select = (slot(), moves::events(), object());
        let operate = prop_oneof![
            36 => (slot(), moves::operation()),
            10 => select.prop_map(|(slot, events, on)| (slot, Operation::Select(events, on))),
            1 => (slot(), Just(Operation::Deselect)),
            12 => enumerate,
            1 => (slot(), Just(Operation::Close)),
            1 => (Just(0), object().prop_map(Operation::ApplicationResets)),
            1 => (slot(), object().prop_map(|object| Operation::FailToDeliver(Some(object)))),
        ];
        prop_oneof![
            61 => operate.prop_map(|(slot, operation)| Transition::On(slot, operation)),
            2 => (slot(), 0..SLOTS).prop_map(|(from, to)| Transition::Inherit { from, to }),
            2 => (0..SLOTS, moves::latching())
                .prop_map(|(slot, latching)| Transition::Open(slot, latching)),
            10 => (object(), moves::script())
                .prop_map(|(object, (call, script))| Transition::Arm(object, call, script)),
        ]
        .boxed()
    }

    fn apply(mut model: Self, transition: &Transition) -> Self {
        let world = &mut model.world;
        world.log.clear();
        model.answer = match transition {
            Transition::On(slot, operation) => world.operate(*slot, operation),
            Transition::Inherit { from, to } => match world.operate(*from, &Operation::Inherit) {
                Answer::Inherited(child) => {
                    world.sockets[*to] = world.sockets.remove(child);
                    Answer::Inherited(*to)
                }
                refused => refused,
            },
            Transition::Open(slot, latching) => {
                world.sockets[*slot] = Socket::new(events_of(*latching));
                Answer::Done
            }
            Transition::Arm(object, call, script) => {
                world.objects[*object].scripts[*call as usize] = script.clone();
                Answer::Done
            }
        };
        model
    }
}

/// The library's recorders, and event objects for them.
struct Recorders {
    stage: Arc<Sequential>,
    recorders: Vec<Arc<Recorder>>,
    signals: Vec<Handle>,
}

impl Recorders {
    /// A call on one of the recorders; the child that it may make takes the slot `to`.
    fn on(&mut self, slot: usize, operation: &Operation, to: usize) -> Answer {
        let Self { stage, recorders, signals } = self;
        let recorder = Arc::clone(&recorders[slot]);
        let adopt = |child| {
            recorders[to] = Arc::new(child);
            to
        };
        operate(stage, &recorder, operation, |object| signals[object].clone(), adopt)
    }

    fn apply(&mut self, transition: Transition) -> Answer {
        match transition {
            Transition::On(slot, operation) => self.on(slot, &operation, slot),
            Transition::Inherit { from, to } => self.on(from, &Operation::Inherit, to),
            Transition::Open(slot, latching) => {
                self.recorders[slot] = Arc::new(Recorder::with_latching(latching));
                Answer::Done
            }
            Transition::Arm(object, call, script) => {
                self.signals[object].object.arm(call, &script);
                Answer::Done
            }
        }
    }
}

impl StateMachineTest for Recorders {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(_: &Model) -> Self {
        let stage = Arc::default();
        Self {
            recorders: (0..SLOTS).map(|_| Arc::default()).collect(),
            signals: (0..OBJECTS).map(|number| event_object(number, &stage)).collect(),
            stage,
        }
    }

    fn apply(mut recorders: Self, model: &Model, transition: Transition) -> Self {
        let answer = recorders.apply(transition);
        let log = recorders.stage.take_log();
        assert_eq!(log, model.world.log, "R4, R5, S2, S5, E4, E6, E8, K2, K4: the sets and resets");
        assert_eq!(answer, model.answer, "R3, R6, S6, E1, E7, K5: the answer");
        recorders
    }

    fn check_invariants(recorders: &Self, model: &Model) {
        for (slot, recorder) in recorders.recorders.iter().enumerate() {
            let is_signaled = |object: usize| recorders.signals[object].object.is_signaled();
            check_socket(&model.world, slot, recorder, is_signaled);
        }
        for (number, signal) in recorders.signals.iter().enumerate() {
            check_object(&model.world, number, &Arc::downgrade(&signal.object), 1);
        }
    }

    fn teardown(recorders: Self, model: Model) {
        for (slot, recorder) in recorders.recorders.iter().enumerate() {
            check_what_is_left(&model.world, slot, recorder, &recorders.stage);
        }
    }
}
