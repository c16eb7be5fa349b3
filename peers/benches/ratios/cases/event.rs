//! The event object itself: set and reset, without a waiter, against those of other crates.

use std::hint::black_box;

use wsp_events::ManualResetEvent;

use crate::bare::Turns;
use crate::measure::in_places;
use crate::peers::{CondvarEvent, ListenerEvent};
use crate::report::Run;
use crate::row::{NEAR_ITS_FLOOR, Row};

macro_rules! set_and_reset {
    ($name:ident, $event:expr) => {
        in_places(
            stringify!($name),
            1_000,
            || $event,
            |event, _| {
                black_box(event).set();
                black_box(event).reset();
            },
        )
    };
}

pub(crate) fn measure(run: &mut Run) {
    run.table("an event object, ns a call");
    let sides = vec![
        set_and_reset!(ours, ManualResetEvent::new()),
        set_and_reset!(floor, Turns::default()),
        set_and_reset!(rsevents, rsevents::ManualResetEvent::new(rsevents::EventState::Unset)),
        set_and_reset!(event_listener, ListenerEvent::default()),
        set_and_reset!(condvar, CondvarEvent::default()),
    ];
    run.rows([Row::new("event", "set + reset", NEAR_ITS_FLOOR)], 2_000, sides);
}
