//! The event object itself: set and reset, without a waiter, against those of other crates.

use std::hint::black_box;

use wsp_events::ManualResetEvent;

use crate::bare::Turns;
use crate::measure::{Apart, side};
use crate::peers::{CondvarEvent, ListenerEvent};
use crate::report::{NEAR_ITS_FLOOR, Row, Run};

macro_rules! set_and_reset {
    ($name:ident, $event:expr) => {{
        let event = Apart($event);
        side(stringify!($name), 1_000, move || {
            black_box(&event.0).set();
            black_box(&event.0).reset();
        })
    }};
}

pub(crate) fn measure(run: &mut Run) {
    run.table("an event object, ns a call");
    let rsevents = rsevents::ManualResetEvent::new(rsevents::EventState::Unset);
    let sides = vec![
        set_and_reset!(ours, ManualResetEvent::new()),
        set_and_reset!(floor, Turns::default()),
        set_and_reset!(rsevents, rsevents),
        set_and_reset!(event_listener, ListenerEvent::default()),
        set_and_reset!(condvar, CondvarEvent::default()),
    ];
    run.rows([Row::new("event", "set + reset", NEAR_ITS_FLOOR)], 2_000, sides);
}
