//! The whole trip, with a thousand sockets: ours with an event object for each, plain `mio` without a record, and `mio` with
//! the system calls that the promises of `ws2` take.

use crate::machine::open_many;
use crate::measure::Side;
use crate::report::{Bound, Row, Run};
use crate::trip::{Load, floor, ours, plain};

pub(crate) fn measure(run: &mut Run) {
    open_many();
    run.table("the whole trip, a thousand sockets, ns");
    // A throughput of 0.9 is this time.
    let time = [Bound::Of("mio", 1.0 / 0.9), Bound::Of("floor", 1.15)];
    let latency = [Bound::Of("mio", 1.15), Bound::Of("floor", 1.15)];
    let rows = [
        Row::new("trip.block", "throughput: a block of 8 KiB, there and back", &time),
        Row::new("trip.median", "latency: 64 bytes, there and back, median", &latency),
        Row::new("trip.late", "latency: 64 bytes, there and back, 99th percentile", &latency),
    ];
    let side = |name, mut load: Load| Side {
        name,
        slice: Box::new(move || {
            let block = load.blocks();
            let [median, late] = load.messages();
            Some([block, median, late])
        }),
    };
    let sides = vec![
        side("ours", Load::on(ours::serve())),
        side("mio", Load::on(plain::serve())),
        side("floor", Load::on(floor::serve())),
    ];
    run.rows(rows, 90, sides);
}
