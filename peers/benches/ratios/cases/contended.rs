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
    let row = |key: &'static str, what: String| Row::new(key, what, BEFORE_THE_MUTEX);
    let one = |key, what: &str| [row(key, what.into())];
    run.table("two threads, ns a call");

    // What one thread gains, the other one pays: the two together are judged.
    let three = |keys: [&'static str; 3], what: &str| {
        [
            row(keys[0], format!("{what}, beside enumerate")),
            Row::new(keys[1], format!("enumerate, beside {what}"), &[]),
            row(keys[2], "either of the two".into()),
        ]
    };
    let keys = ["contended_record", "enumerate_beside_record", "record_or_enumerate"];
    let pairs = beside_enumerate!(&Empty, |record| record.note(OK));
    rows(run, three(keys, "record"), pairs);
    let keys = ["contended_error", "enumerate_beside_error", "error_or_enumerate"];
    let pairs = beside_enumerate!(&Empty, |record| record.note(RESET));
    rows(run, three(keys, "record an error"), pairs);
    let pairs = beside_enumerate!(&Empty, |record| record.note_two());
    rows(run, one("contended_batch", "record two as one step, beside enumerate"), pairs);
    let pairs = beside_enumerate!(&Empty, |record| record.take_and_reset(&Empty));
    rows(run, one("contended_enumerate", "enumerate, beside enumerate"), pairs);
    let pairs = beside_enumerate!(&Empty, |record| record.select_all(Empty));
    rows(run, one("contended_select", "select, beside enumerate"), pairs);
    let pairs = beside_enumerate!(&Empty, |record| cycle(record, OK, &Empty));
    rows(run, one("contended_cycle", "record + enumerate, beside enumerate"), pairs);
    let event = &Arc::new(ManualResetEvent::new());
    let pairs = beside_enumerate!(event, |record| cycle(record, OK, event));
    rows(run, one("contended_cycle_event", "the same, over ManualResetEvent"), pairs);
    #[cfg(target_os = "linux")]
    {
        let event = &Arc::new(EventFd::new());
        let pairs = beside_enumerate!(event, |record| cycle(record, OK, event));
        rows(run, one("contended_eventfd_cycle", "the same, over eventfd"), pairs);
        let pairs =
            each_record!(on, event.clone(), |record| cycle(record, OK, event), |record| cycle(
                record, OK, event
            ));
        let what = "record + enumerate on both, over one eventfd";
        rows(run, one("two_eventfd_cycles", what), pairs);
    }
}
