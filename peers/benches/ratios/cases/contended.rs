//! The same calls again, while a second thread uses the same record.

use std::sync::Arc;

use wsp_events::ManualResetEvent;

use crate::beside::{Pair, measure as rows, pair};
use crate::measure::Apart;
#[cfg(target_os = "linux")]
use crate::peers::EventFd;
use crate::peers::{Empty, OK, RESET, Record, cycle, each_record};
use crate::report::{BEFORE_THE_MUTEX, Row, Run};

/// The record, and what the two threads do with it.
fn on<'a, R: Send + Sync + 'a>(
    name: &'static str,
    new: impl Fn() -> R,
    call: impl Fn(&R) + Sync + 'a,
    beside: impl Fn(&R) + Sync + 'a,
) -> Pair<'a> {
    let record = Arc::new(Apart(new()));
    let other = Arc::clone(&record);
    pair(name, move || call(&record.0), move || beside(&other.0))
}

/// The second thread enumerates.
macro_rules! beside_enumerate {
    ($event:expr, $call:expr) => {
        each_record!(on, $event.clone(), $call, |record| record.take_and_reset($event))
    };
}

pub(crate) fn measure(run: &mut Run) {
    let row = |key, what| Row::new(key, what, BEFORE_THE_MUTEX);
    run.table("two threads, ns a call");

    let two = [
        row("contended_record", "record, beside enumerate"),
        row("enumerate_beside_record", "enumerate, beside record"),
    ];
    rows(run, two, beside_enumerate!(&Empty, |record| record.note(OK)));
    let two = [
        row("contended_error", "record an error, beside enumerate"),
        row("enumerate_beside_error", "enumerate, beside record an error"),
    ];
    rows(run, two, beside_enumerate!(&Empty, |record| record.note(RESET)));
    let one = [row("contended_batch", "record two as one step, beside enumerate")];
    rows(run, one, beside_enumerate!(&Empty, |record| record.note_two()));
    let one = [row("contended_enumerate", "enumerate, beside enumerate")];
    rows(run, one, beside_enumerate!(&Empty, |record| record.take_and_reset(&Empty)));
    let one = [row("contended_select", "select, beside enumerate")];
    rows(run, one, beside_enumerate!(&Empty, |record| record.select_all(Empty)));
    let one = [row("contended_cycle", "record + enumerate, beside enumerate")];
    rows(run, one, beside_enumerate!(&Empty, |record| cycle(record, OK, &Empty)));
    let event = &Arc::new(ManualResetEvent::new());
    let one = [row("contended_cycle_event", "the same, over ManualResetEvent")];
    rows(run, one, beside_enumerate!(event, |record| cycle(record, OK, event)));
    #[cfg(target_os = "linux")]
    {
        let event = &Arc::new(EventFd::new());
        let one = [row("contended_eventfd_cycle", "the same, over eventfd")];
        rows(run, one, beside_enumerate!(event, |record| cycle(record, OK, event)));
        let one = [row("two_eventfd_cycles", "record + enumerate on both, over one eventfd")];
        let cycles =
            each_record!(on, event.clone(), |record| cycle(record, OK, event), |record| cycle(
                record, OK, event
            ));
        rows(run, one, cycles);
    }
}
