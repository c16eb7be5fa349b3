//! The recorder alone: three recorders in play, three event objects, every call in any order.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::Union;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use crate::model::{Answer, Call, Object, Operation, Script, World};
use crate::moves;
use crate::socket::{Events, Socket};
use crate::stage::{
    EventObject, Recorder, Stage, check_e5, check_object, check_socket, check_what_is_left, done,
    operate, reported, unwinding,
};
use crate::words::flags;

const SLOTS: usize = 3;
const OBJECTS: usize = 3;

prop_state_machine! {
    #![proptest_config(crate::config(768))]

    #[test]
    fn e3_recorder_agrees_with_the_plain_model(sequential 1..200 => Recorders);
}

#[derive(Clone, Debug)]
enum Transition {
    Operate {
        slot: usize,
        operation: Operation,
    },
    Select {
        slot: usize,
        events: Events,
        object: usize,
    },
    Deselect {
        slot: usize,
    },
    /// With an event object to reset, or none.
    Enumerate {
        slot: usize,
        reset: Option<usize>,
    },
    /// The child takes a slot, and the recorder that was there is dropped.
    Inherit {
        from: usize,
        to: usize,
    },
    Close {
        slot: usize,
    },
    /// A new recorder takes the slot, and the one that was there is dropped.
    Open {
        slot: usize,
        latching: Events,
    },
    Arm {
        object: usize,
        call: Call,
        script: Script,
    },
    ApplicationResets {
        object: usize,
    },
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
            sockets: vec![Socket::default(); SLOTS],
            objects: vec![Object::default(); OBJECTS],
            log: vec![],
        };
        Just(Self { world, answer: Answer::Done }).boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Transition> {
        // Closed ones less often: they only refuse.
        let weigh =
            |slot: usize| (if model.world.sockets[slot].closed { 1 } else { 8 }, Just(slot));
        let slot = || Union::new_weighted((0..SLOTS).map(weigh).collect());
        let object = || 0..OBJECTS;
        let selected: Vec<_> = model
            .world
            .sockets
            .iter()
            .map(|socket| socket.selection.map(|selection| selection.object))
            .collect();
        let enumerate = (slot(), object(), 0..8u8).prop_map(move |(slot, object, passed)| {
            let reset = match passed {
                0 => None,
                1 | 2 => Some(object),
                _ => selected[slot].or(Some(object)),
            };
            Transition::Enumerate { slot, reset }
        });
        prop_oneof![
            36 => (slot(), moves::operation())
                .prop_map(|(slot, operation)| Transition::Operate { slot, operation }),
            10 => (slot(), moves::events(), object())
                .prop_map(|(slot, events, object)| Transition::Select { slot, events, object }),
            1 => slot().prop_map(|slot| Transition::Deselect { slot }),
            12 => enumerate,
            2 => (slot(), 0..SLOTS).prop_map(|(from, to)| Transition::Inherit { from, to }),
            1 => slot().prop_map(|slot| Transition::Close { slot }),
            2 => (0..SLOTS, moves::latching())
                .prop_map(|(slot, latching)| Transition::Open { slot, latching }),
            10 => (object(), moves::call(), moves::script())
                .prop_map(|(object, call, script)| Transition::Arm { object, call, script }),
            1 => object().prop_map(|object| Transition::ApplicationResets { object }),
        ]
        .boxed()
    }

    fn apply(mut model: Self, transition: &Transition) -> Self {
        let world = &mut model.world;
        world.log.clear();
        model.answer = match transition {
            Transition::Operate { slot, operation } => world.operate(*slot, operation),
            Transition::Select { slot, events, object } => world.select(*slot, *events, *object),
            Transition::Deselect { slot } => world.deselect(*slot),
            Transition::Enumerate { slot, reset } => world.enumerate(*slot, *reset),
            Transition::Inherit { from, to } => match world.inherit(*from) {
                Ok(child) => {
                    world.sockets[*to] = child;
                    Answer::Done
                }
                Err(refused) => refused,
            },
            Transition::Close { slot } => world.close(*slot),
            Transition::Open { slot, latching } => {
                world.sockets[*slot] = Socket::new(*latching);
                Answer::Done
            }
            Transition::Arm { object, call, script } => {
                *world.objects[*object].scripts.of(*call) = script.clone();
                Answer::Done
            }
            Transition::ApplicationResets { object } => {
                world.application_resets(*object);
                Answer::Done
            }
        };
        model
    }
}

/// The library's recorders, and event objects for them.
struct Recorders {
    stage: Arc<Stage>,
    recorders: Vec<Arc<Recorder>>,
    objects: Vec<Arc<EventObject>>,
}

impl Recorders {
    /// A call on one of the recorders, which the event objects then know as their caller.
    fn on(&self, slot: usize, call: impl FnOnce(&Recorder) -> Answer) -> Answer {
        let recorder = &self.recorders[slot];
        self.stage.enter(recorder);
        unwinding(|| call(recorder)).unwrap_or_else(|unwound| unwound)
    }

    fn apply(&mut self, transition: Transition) -> Answer {
        match transition {
            Transition::Operate { slot, operation } => {
                self.on(slot, |recorder| operate(recorder, &operation))
            }
            Transition::Select { slot, events, object } => {
                let signal = Arc::clone(&self.objects[object]);
                self.on(slot, |recorder| done(recorder.select(flags(events), signal)))
            }
            Transition::Deselect { slot } => self.on(slot, |recorder| done(recorder.deselect())),
            Transition::Enumerate { slot, reset: None } => {
                self.on(slot, |recorder| reported(recorder.enumerate()))
            }
            Transition::Enumerate { slot, reset: Some(object) } => {
                let object = &*self.objects[object];
                self.on(slot, |recorder| reported(recorder.enumerate_and_reset(object)))
            }
            Transition::Inherit { from, to } => {
                let mut child = None;
                let answer = self.on(from, |recorder| {
                    done(recorder.inherit().map(|made| child = Some(Arc::new(made))))
                });
                if let Some(child) = child {
                    self.recorders[to] = child;
                }
                answer
            }
            Transition::Close { slot } => self.on(slot, |recorder| done(recorder.close())),
            Transition::Open { slot, latching } => {
                self.recorders[slot] = Arc::new(Recorder::with_latching(flags(latching)));
                Answer::Done
            }
            Transition::Arm { object, call, script } => {
                self.objects[object].arm(call, &script);
                Answer::Done
            }
            Transition::ApplicationResets { object } => {
                self.objects[object].application_resets();
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
            objects: (0..OBJECTS).map(|number| EventObject::new(number, &stage)).collect(),
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
            check_socket(&model.world, slot, recorder);
            if let Some(selection) = model.world.sockets[slot].selection {
                let is_signaled = recorders.objects[selection.object].is_signaled();
                check_e5(&model.world, slot, recorder, is_signaled);
            }
        }
        for (number, object) in recorders.objects.iter().enumerate() {
            check_object(&model.world, number, &Arc::downgrade(object), 1);
        }
    }

    fn teardown(recorders: Self, model: Model) {
        for (slot, recorder) in recorders.recorders.iter().enumerate() {
            check_what_is_left(&model.world, slot, recorder, &recorders.stage);
        }
    }
}
