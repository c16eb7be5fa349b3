//! The event object itself: set and reset, nobody waiting, against its neighbours.

use std::hint::black_box;

use wsp_events::ManualResetEvent;

use crate::measure::Run;
use crate::peers::{CondvarEvent, EventObject, ListenerEvent};

#[inline]
fn set_and_reset(event: &impl EventObject) {
    black_box(event).set();
    black_box(event).reset();
}

pub(crate) fn measure(run: &mut Run) {
    let ours = ManualResetEvent::new();
    let rsevents = rsevents::ManualResetEvent::new(rsevents::EventState::Unset);
    let (listener, condvar) = (ListenerEvent::default(), CondvarEvent::default());
    run.calls("event_vs_rsevents", || set_and_reset(&ours), || set_and_reset(&rsevents));
    run.calls("event_vs_event_listener", || set_and_reset(&ours), || set_and_reset(&listener));
    run.calls("event_vs_condvar", || set_and_reset(&ours), || set_and_reset(&condvar));
    let neighbours = ["event_vs_rsevents", "event_vs_event_listener", "event_vs_condvar"];
    let worst = neighbours.iter().filter_map(|name| run.value(name)).fold(0.0, f64::max);
    run.figure("event_vs_best_neighbour", worst);
}
