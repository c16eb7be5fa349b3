//! The same calls again, while a second thread uses the same record.

use std::sync::Arc;

use wsp_events::ManualResetEvent;

use super::each_record;
use crate::beside::{self, Pair, pair};
use crate::machine::Apart;
#[cfg(target_os = "linux")]
use crate::peers::EventFd;
use crate::peers::{Empty, OK, RESET, Record, cycle};
use crate::report::Run;
use crate::row::{BEFORE_THE_MUTEX, Row};

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
    run.table("two threads, ns a call");
    // What one thread gains, the other one pays: the two together are judged.
    let mut rows = |key: &str, what: &str, beside: &str, pairs| {
        let rows = [
            Row::new(key, format!("{what}, beside {beside}"), &[]),
            Row::new(format!("{key}_other"), format!("{beside}, beside {what}"), &[]),
            Row::new(format!("{key}_either"), "either of the two", BEFORE_THE_MUTEX),
        ];
        beside::measure(run, rows, pairs);
    };
    let pairs = beside_enumerate!(&Empty, |record| record.note(OK));
    rows("contended_record", "record", "enumerate", pairs);
    let pairs = beside_enumerate!(&Empty, |record| record.note(RESET));
    rows("contended_error", "record an error", "enumerate", pairs);
    let pairs = beside_enumerate!(&Empty, |record| record.note_two());
    rows("contended_batch", "record two as one step", "enumerate", pairs);
    let pairs = beside_enumerate!(&Empty, |record| record.take_and_reset(&Empty));
    rows("contended_enumerate", "enumerate", "enumerate", pairs);
    let pairs = beside_enumerate!(&Empty, |record| record.select_all(Empty));
    rows("contended_select", "select", "enumerate", pairs);
    let pairs = beside_enumerate!(&Empty, |record| cycle(record, OK, &Empty));
    rows("contended_cycle", "record + enumerate", "enumerate", pairs);
    let event = &Arc::new(ManualResetEvent::new());
    let pairs = beside_enumerate!(event, |record| cycle(record, OK, event));
    let what = "record + enumerate over ManualResetEvent";
    rows("contended_cycle_event", what, "enumerate", pairs);
    #[cfg(target_os = "linux")]
    {
        let event = &Arc::new(EventFd::new());
        let pairs = beside_enumerate!(event, |record| cycle(record, OK, event));
        let what = "record + enumerate over eventfd";
        rows("contended_eventfd_cycle", what, "enumerate", pairs);
        let pairs = each_record!(on, event.clone(), |record| cycle(record, OK, event), |record| {
            cycle(record, OK, event);
        });
        rows("two_eventfd_cycles", what, "the same", pairs);
    }
}
