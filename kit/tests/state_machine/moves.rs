//! The random parts that both machines use.

use proptest::collection::vec;
use proptest::prelude::*;

use kit::event_object::{Act, Call, End, Script};
use kit::sequential::meddling;
use kit::socket::{EVENTS, Events, NONE};
use kit::vocabulary::Operation;

/// A few come most often, so that they meet.
pub(crate) fn event() -> impl Strategy<Value = usize> {
    prop_oneof![2 => 0..3usize, 1 => 0..EVENTS]
}

/// An outcome: success, a code that the SPI knows, or any other number (V3).
pub(crate) fn code() -> impl Strategy<Value = i32> {
    prop_oneof![
        4 => Just(0),
        4 => 10050..=10061i32,
        1 => prop::sample::select(vec![77, -1, i32::MIN, i32::MAX]),
        1 => any::<i32>(),
    ]
}

pub(crate) fn events() -> impl Strategy<Value = Events> {
    prop_oneof![
        1 => Just(NONE),
        2 => Just([true; EVENTS]),
        3 => event().prop_map(|event| std::array::from_fn(|at| at == event)),
        4 => prop::array::uniform10(any::<bool>()),
    ]
}

/// What a new socket latches (L1).
pub(crate) fn latching() -> impl Strategy<Value = Events> {
    prop_oneof![Just(NONE), events()]
}

/// What a provider does to a socket's record, but for its end.
pub(crate) fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        10 => (event(), code()).prop_map(|(event, code)| Operation::Record(event, code)),
        3 => vec((event(), code()), 0..=6).prop_map(Operation::RecordAll),
        1 => events().prop_map(Operation::Withdraw),
        2 => event().prop_map(Operation::Reenable),
    ]
}

pub(crate) fn call() -> impl Strategy<Value = Call> {
    prop_oneof![Just(Call::Set), Just(Call::Reset)]
}

pub(crate) fn script() -> impl Strategy<Value = Script> {
    (vec(act(), 0..=3), prop::bool::weighted(0.3)).prop_map(|(acts, then_fails)| {
        let then = if then_fails { End::Fails } else { End::Works };
        Script { acts: acts.into(), then }
    })
}

fn act() -> impl Strategy<Value = Act> {
    let inside = prop_oneof![
        4 => Just(vec![]),
        4 => (event(), code()).prop_map(|(event, code)| vec![Operation::Record(event, code)]),
        1 => Just(vec![Operation::Enumerate(None)]),
        1 => Just(meddling()),
    ];
    let end = prop_oneof![
        4 => Just(End::Works),
        3 => Just(End::Fails),
        1 => Just(End::Panics),
        1 => Just(End::WorksThenPanics),
    ];
    (inside, end).prop_map(|(inside, end)| Act { inside, end })
}
