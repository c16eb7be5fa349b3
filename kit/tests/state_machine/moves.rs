//! The random parts that both machines use.

use kit::event_object::{Act, Call, End, Script};
use kit::sequential::meddling;
use kit::vocabulary::Operation;
use proptest::collection::vec;
use proptest::prelude::*;
use wsp_events::{NetworkEvent, NetworkEvents};

/// A few events come most often, so that calls are about the same ones.
fn event() -> impl Strategy<Value = NetworkEvent> {
    prop_oneof![
        2 => prop::sample::select(&NetworkEvent::ALL[..3]),
        1 => prop::sample::select(&NetworkEvent::ALL[..]),
    ]
}

/// An outcome: success, a code that the SPI documents, or any other number (V3).
fn code() -> impl Strategy<Value = i32> {
    prop_oneof![
        4 => Just(0),
        4 => 10050..=10061i32,
        1 => prop::sample::select(vec![77, -1, i32::MIN, i32::MAX]),
        1 => any::<i32>(),
    ]
}

pub(crate) fn events() -> impl Strategy<Value = NetworkEvents> {
    prop_oneof![
        1 => Just(NetworkEvents::empty()),
        2 => Just(NetworkEvents::FD_ALL_EVENTS),
        3 => event().prop_map(NetworkEvent::flag),
        4 => prop::bits::i32::masked(0x3FF).prop_map(NetworkEvents::from_mask),
    ]
}

/// What a new socket latches (L1).
pub(crate) fn latching() -> impl Strategy<Value = NetworkEvents> {
    prop_oneof![Just(NetworkEvents::empty()), events()]
}

fn record() -> impl Strategy<Value = Operation> {
    (event(), code()).prop_map(|(event, code)| Operation::Record(event, code))
}

/// What a provider does to a socket's record, except closing it.
pub(crate) fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        10 => record(),
        3 => vec((event(), code()), 0..=6).prop_map(Operation::RecordAll),
        2 => (event(), code()).prop_map(|(event, code)| Operation::RecordUnsignaled(event, code)),
        2 => (event(), code()).prop_map(|(event, code)| Operation::RecordInTwoSteps(event, code)),
        1 => Just(Operation::Renew),
        1 => Just(Operation::FailToDeliver(None)),
        1 => events().prop_map(Operation::Withdraw),
        2 => event().prop_map(Operation::Reenable),
    ]
}

/// A script for one of the calls of an event object.
pub(crate) fn script() -> impl Strategy<Value = (Call, Script)> {
    let call = prop_oneof![Just(Call::Set), Just(Call::Reset)];
    let then = prop_oneof![7 => Just(End::Works), 3 => Just(End::Fails)];
    (call, vec(act(), 0..=3), then)
        .prop_map(|(call, acts, then)| (call, Script { acts: acts.into(), then }))
}

fn act() -> impl Strategy<Value = Act> {
    let inside = prop_oneof![
        4 => Just(vec![]),
        4 => record().prop_map(|record| vec![record]),
        1 => Just(vec![Operation::Enumerate(None)]),
        1 => Just(vec![Operation::FailToDeliver(None)]),
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
