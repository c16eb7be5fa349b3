//! One thread, and a record that no other thread uses.

use std::hint::black_box;
use std::sync::Arc;

use wsp_events::ManualResetEvent;

use crate::measure::{Apart, Side, side};
#[cfg(target_os = "linux")]
use crate::peers::EventFd;
use crate::peers::{CLOSE, Empty, OK, RESET, Record, cycle, each_record, selected};
use crate::report::{NEAR_ITS_FLOOR, Row, Run};

const ROUNDS: usize = 2_000;
const CALLS: u32 = 1_000;

fn on<'a, R: 'a>(name: &'static str, new: impl Fn() -> R, call: impl Fn(&R) + 'a) -> Side<'a, 1> {
    let record = Apart(new());
    side(name, CALLS, move || call(&record.0))
}

pub(crate) fn measure(run: &mut Run) {
    run.table("one thread, ns a call");
    let mut row = |key, what, sides| run.rows([Row::new(key, what, NEAR_ITS_FLOOR)], ROUNDS, sides);

    row("repeat", "record what is recorded", each_record!(on, Empty, |record| record.note(OK)));
    let sides = each_record!(on, Empty, |record| cycle(record, OK, &Empty));
    row("cycle", "record + enumerate", sides);
    let sides = each_record!(on, Empty, |record| cycle(record, RESET, &Empty));
    row("error_cycle", "record an error + enumerate", sides);
    let mut sides = each_record!(on, Empty, |record| {
        record.note_two();
        record.take_and_reset(&Empty);
    });
    sides.push(on(
        "two",
        || selected(Empty),
        |recorder| {
            recorder.note(OK);
            black_box(&black_box(recorder).record(CLOSE, OK));
            recorder.take_and_reset(&Empty);
        },
    ));
    row("batch", "record two as one step + enumerate", sides);
    let sides = each_record!(on, Empty, |record| record.take_and_reset(&Empty));
    row("enumerate_nothing", "enumerate with nothing recorded", sides);

    let event = &Arc::new(ManualResetEvent::new());
    let sides = each_record!(on, event.clone(), |record| cycle(record, OK, event));
    row("cycle_event", "record + enumerate, over ManualResetEvent", sides);
    let sides = each_record!(on, event.clone(), |record| record.select_all(event.clone()));
    row("select", "select an event object", sides);
    #[cfg(target_os = "linux")]
    {
        use wsp_events::EventSignal;

        let event = &Arc::new(EventFd::new());
        let mut sides = each_record!(on, event.clone(), |record| cycle(record, OK, event));
        sides.push(on(
            "bare",
            || event.clone(),
            |event| {
                black_box(event).set_event().unwrap();
                black_box(event).reset_event().unwrap();
            },
        ));
        row("eventfd_cycle", "record + enumerate, over eventfd", sides);
    }
}
