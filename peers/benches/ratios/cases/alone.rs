//! One thread, and a record that no other thread uses.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;

use wsp_events::ManualResetEvent;

use super::each_record;
use crate::measure::{PLACES, Side, in_places};
#[cfg(target_os = "linux")]
use crate::peers::EventFd;
use crate::peers::{CLOSE, Empty, OK, RESET, Record, cycle, selected};
use crate::report::Run;
use crate::row::{NEAR_ITS_FLOOR, Row};

const ROUNDS: usize = 2_000;
const CALLS: u32 = 1_000;

fn on<'a, R: 'a>(
    name: &'static str,
    new: impl Fn() -> R,
    call: impl Fn(&R, usize) + 'a,
) -> Side<'a, 1> {
    in_places(name, CALLS, new, call)
}

/// The event objects of a side's records.
struct Events<E> {
    all: Vec<Arc<E>>,
    taken: Cell<usize>,
}

impl<E> Events<E> {
    fn new(new: impl Fn() -> E) -> Self {
        let all = (0..PLACES).map(|_| Arc::new(new())).collect();
        Self { all, taken: Cell::new(0) }
    }

    /// Each in turn, again and again.
    fn next(&self) -> Arc<E> {
        let at = self.taken.replace(self.taken.get() + 1) % PLACES;
        Arc::clone(&self.all[at])
    }
}

pub(crate) fn measure(run: &mut Run) {
    run.table("one thread, ns a call");
    let mut row = |key, what, sides| run.rows([Row::new(key, what, NEAR_ITS_FLOOR)], ROUNDS, sides);

    row("repeat", "record what is recorded", each_record!(on, Empty, |record, _| record.note(OK)));
    let sides = each_record!(on, Empty, |record, _| cycle(record, OK, &Empty));
    row("cycle", "record + enumerate", sides);
    let sides = each_record!(on, Empty, |record, _| cycle(record, RESET, &Empty));
    row("error_cycle", "record an error + enumerate", sides);
    let mut sides = each_record!(on, Empty, |record, _| {
        record.note_two();
        record.take_and_reset(&Empty);
    });
    sides.push(on(
        "two",
        || selected(Empty),
        |recorder, _| {
            recorder.note(OK);
            black_box(&black_box(recorder).record(CLOSE, OK));
            recorder.take_and_reset(&Empty);
        },
    ));
    row("batch", "record two as one step + enumerate", sides);
    let sides = each_record!(on, Empty, |record, _| record.take_and_reset(&Empty));
    row("enumerate_nothing", "enumerate with nothing recorded", sides);

    let events = &Events::new(ManualResetEvent::new);
    let sides = each_record!(on, events.next(), |record, at| cycle(record, OK, &events.all[at]));
    row("cycle_event", "record + enumerate, over ManualResetEvent", sides);
    let sides = each_record!(on, events.next(), |record, at| {
        record.select_all(Arc::clone(&events.all[at]));
    });
    row("select", "select an event object", sides);
    #[cfg(target_os = "linux")]
    {
        use wsp_events::EventSignal;

        let events = &Events::new(EventFd::new);
        let mut sides =
            each_record!(on, events.next(), |record, at| cycle(record, OK, &events.all[at]));
        sides.push(on(
            "bare",
            || events.next(),
            |event, _| {
                black_box(event).set_event().unwrap();
                black_box(event).reset_event().unwrap();
            },
        ));
        row("eventfd_cycle", "record + enumerate, over eventfd", sides);
    }
}
