//! A whole provider: sockets by descriptor in a `SocketTable`, event objects by handle, and the switch's
//! calls on them, through the C functions and through the Rust ones beneath.
//!
//! Here the steps are chosen at random; `kit::provider` says what they must show, and makes them.

use kit::provider::library::Library;
use kit::provider::model::Model;
use kit::provider::steps::{NO_DESCRIPTORS, Name, Passed, Pointer, Transition, Way};
use kit::vocabulary::Operation;
use proptest::prelude::*;
use proptest::strategy::Union;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

use crate::moves;

/// Null comes most often: it has a meaning of its own (E6, S4).
const NO_HANDLES: [usize; 5] = [0, 0, 0, 7, usize::MAX];

/// Catches any difference from the model, in the provider and at the C boundary.
#[test]
fn e9_provider_agrees_with_the_plain_model() {
    crate::run::<Machine>(384, file!());
}

struct Machine;

impl ReferenceStateMachine for Machine {
    type State = Model;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::default()).boxed()
    }

    fn transitions(model: &Model) -> BoxedStrategy<Transition> {
        // A few live sockets and event objects, so that calls are about the same ones; and some that are closed.
        let (live, closed) = open_and_closed(&model.descriptors);
        let (open, closed_handles) = open_and_closed(&model.handles);
        let (few_sockets, few_events) = (live.len() < 3, open.len() < 3);
        let selected_on = |socket: &Option<usize>| {
            let object = model.world.sockets[(*socket)?].selection?.object;
            model.handles.iter().position(|&handle| handle == Some(object))
        };
        let selected_on: Vec<_> = model.descriptors.iter().map(selected_on).collect();

        let descriptor = || name(&live, model.descriptors.len(), &NO_DESCRIPTORS);
        let handle = || name(&open, model.handles.len(), &NO_HANDLES);
        let passed = || {
            (descriptor(), handle(), way(), pointer()).prop_map(
                |(descriptor, handle, way, errno)| Passed { descriptor, handle, way, errno },
            )
        };
        let enumerate = (passed(), any::<bool>(), pointer()).prop_map(
            move |(mut passed, pass_its_own, out)| {
                if let Name::Given(at) = passed.descriptor
                    && pass_its_own
                    && let Some(its_own) = selected_on[at]
                {
                    passed.handle = Name::Given(its_own);
                }
                Transition::Enumerate(passed, out)
            },
        );
        let open_socket = (moves::latching(), reused(closed))
            .prop_map(|(latching, reused)| Transition::OpenSocket { latching, reused });
        let open_event = reused(closed_handles).prop_map(|reused| Transition::OpenEvent { reused });
        let select = (passed(), mask()).prop_map(|(passed, mask)| Transition::Select(passed, mask));
        let flip = Just(Transition::SubsystemIsUp(!model.subsystem_is_up));

        let mut moves = vec![
            (if few_sockets { 12 } else { 1 }, open_socket.boxed()),
            (if few_events { 12 } else { 1 }, open_event.boxed()),
            (1, descriptor().prop_map(Transition::Accept).boxed()),
            (2, descriptor().prop_map(Transition::Duplicate).boxed()),
            (3, descriptor().prop_map(Transition::CloseDescriptor).boxed()),
            (1, handle().prop_map(Transition::CloseEvent).boxed()),
            (1, handle().prop_map(Transition::ApplicationResets).boxed()),
            (if model.subsystem_is_up { 1 } else { 20 }, flip.boxed()),
            (12, select.boxed()),
            (20, enumerate.boxed()),
        ];
        let operate = |sockets: Vec<usize>| {
            (prop::sample::select(sockets), moves::operation())
                .prop_map(|(s, operation)| Transition::Operate(s, operation))
        };
        let live_sockets: Vec<_> = model.descriptors.iter().flatten().copied().collect();
        if !live_sockets.is_empty() {
            let close = prop::sample::select(live_sockets.clone())
                .prop_map(|s| Transition::Operate(s, Operation::Close));
            moves.push((36, operate(live_sockets).boxed()));
            moves.push((1, close.boxed()));
        }
        if !model.world.sockets.is_empty() {
            moves.push((2, operate((0..model.world.sockets.len()).collect()).boxed()));
        }
        if !model.world.objects.is_empty() {
            let arm = (0..model.world.objects.len(), moves::script())
                .prop_map(|(object, (call, script))| Transition::Arm(object, call, script));
            moves.push((8, arm.boxed()));
        }
        Union::new_weighted(moves).boxed()
    }

    /// A name must have been given out, and one that is reused must be closed. Shrinking may have removed the step that
    /// did so.
    fn preconditions(model: &Model, transition: &Transition) -> bool {
        let was_given = |name: &Name, names: &[Option<usize>]| match name {
            Name::Given(at) => *at < names.len(),
            Name::Never(_) => true,
        };
        let is_free = |reused: &Option<usize>, names: &[Option<usize>]| {
            reused.is_none_or(|at| names.get(at) == Some(&None))
        };
        let (descriptors, handles) = (&model.descriptors, &model.handles);
        match transition {
            Transition::OpenSocket { reused, .. } => is_free(reused, descriptors),
            Transition::OpenEvent { reused } => is_free(reused, handles),
            Transition::SubsystemIsUp(_) => true,
            Transition::Accept(descriptor)
            | Transition::Duplicate(descriptor)
            | Transition::CloseDescriptor(descriptor) => was_given(descriptor, descriptors),
            Transition::Operate(s, _) => *s < model.world.sockets.len(),
            Transition::Select(passed, _) | Transition::Enumerate(passed, _) => {
                was_given(&passed.descriptor, descriptors) && was_given(&passed.handle, handles)
            }
            Transition::CloseEvent(handle) | Transition::ApplicationResets(handle) => {
                was_given(handle, handles)
            }
            Transition::Arm(object, ..) => *object < model.world.objects.len(),
        }
    }

    fn apply(mut model: Model, transition: &Transition) -> Model {
        model.apply(transition);
        model
    }
}

impl StateMachineTest for Machine {
    type SystemUnderTest = Library;
    type Reference = Self;

    fn init_test(_: &Model) -> Library {
        Library::default()
    }

    fn apply(mut library: Library, model: &Model, transition: Transition) -> Library {
        let seen = library.apply(transition);
        library.check_answer(model, &seen);
        library
    }

    fn check_invariants(library: &Library, model: &Model) {
        library.check(model);
    }

    fn teardown(library: Library, model: Model) {
        library.check_what_is_left(&model);
    }
}

fn open_and_closed(names: &[Option<usize>]) -> (Vec<usize>, Vec<usize>) {
    (0..names.len()).partition(|&at| names[at].is_some())
}

fn reused(closed: Vec<usize>) -> BoxedStrategy<Option<usize>> {
    match closed.is_empty() {
        true => Just(None).boxed(),
        false => prop::option::of(prop::sample::select(closed)).boxed(),
    }
}

/// Mostly a name that is good; or one that was given out, good or not; or one that never was.
fn name(good: &[usize], given: usize, never: &'static [usize]) -> BoxedStrategy<Name> {
    let mut names = vec![(1, prop::sample::select(never).prop_map(Name::Never).boxed())];
    if given > 0 {
        names.push((1, (0..given).prop_map(Name::Given).boxed()));
    }
    if !good.is_empty() {
        names.push((8, prop::sample::select(good.to_vec()).prop_map(Name::Given).boxed()));
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
    prop_oneof![2 => Just(Way::Table), 2 => Just(Way::C), 1 => Just(Way::Rust)]
}
