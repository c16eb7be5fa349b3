//! The event object itself: set and reset, without a waiter, against those of other crates.

use std::hint::black_box;

use wsp_events::ManualResetEvent;

use crate::measure::Run;
use crate::peers::{CondvarEvent, ListenerEvent};

macro_rules! set_and_reset {
    ($event:ident) => {
        || {
            black_box(&$event).set();
            black_box(&$event).reset();
        }
    };
}

pub(crate) fn measure(run: &mut Run) {
    let ours = ManualResetEvent::new();
    let rsevents = rsevents::ManualResetEvent::new(rsevents::EventState::Unset);
    let (listener, condvar) = (ListenerEvent::default(), CondvarEvent::default());
    run.calls("event_vs_rsevents", set_and_reset!(ours), set_and_reset!(rsevents));
    run.calls("event_vs_event_listener", set_and_reset!(ours), set_and_reset!(listener));
    run.calls("event_vs_condvar", set_and_reset!(ours), set_and_reset!(condvar));
    let neighbours = ["event_vs_rsevents", "event_vs_event_listener", "event_vs_condvar"];
    let worst = neighbours.iter().filter_map(|name| run.value(name)).fold(0.0, f64::max);
    run.figure("event_vs_best_neighbour", worst);
}
