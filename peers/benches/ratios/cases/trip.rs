//! The whole trip, with a thousand sockets: ours with an event object for each, plain `mio` without a record, and `mio` with
//! the system calls that the promises of `ws2` take.

use crate::machine::{open_many, processors};
use crate::measure::Side;
use crate::report::Run;
use crate::row::{Bound, Row};
use crate::trip::{Load, floor, ours, plain};

const ROUNDS: usize = 90;

pub(crate) fn measure(run: &mut Run) {
    open_many();
    run.table("the whole trip, a thousand sockets, ns");
    // A throughput of 0.9 is this time.
    let time = [Bound::Of("mio", 1.0 / 0.9), Bound::Of("floor", 1.15)];
    let latency = [Bound::Of("mio", 1.15), Bound::Of("floor", 1.15)];
    let rows = [
        Row::new("trip.block", "throughput: a block of 8 KiB, there and back", &time),
        Row::new("trip.median", "latency: 64 bytes, there and back, median", &latency),
        Row::new("trip.late", "the same, 99th percentile", &latency),
    ];
    let processors = processors();
    match processors[..] {
        [here, there] => run.rows(
            rows,
            ROUNDS,
            sides(there, |load| {
                let block = load.blocks(here);
                let [median, late] = load.messages(here);
                [block, median, late]
            }),
        ),
        _ => run.add(rows),
    }
    // Elsewhere no thread can be held there.
    #[cfg(target_os = "linux")]
    {
        let here = processors[0];
        let rows = [
            Row::new("one_processor_trip.median", "latency on one processor, median", &latency),
            Row::new("one_processor_trip.late", "the same, 99th percentile", &latency),
        ];
        run.rows(rows, ROUNDS, sides(here, |load| load.messages(here)));
    }
}

/// With the servers on this processor.
fn sides<'a, const N: usize>(
    there: usize,
    slice: impl Fn(&mut Load) -> [f64; N] + Copy + 'a,
) -> Vec<Side<'a, N>> {
    let side = |name, mut load| Side { name, slice: Box::new(move || Some(slice(&mut load))) };
    vec![
        side("ours", Load::on(ours::serve(there))),
        side("mio", Load::on(plain::serve(there))),
        side("floor", Load::on(floor::serve(there))),
    ]
}
