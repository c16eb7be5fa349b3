//! A socket by its descriptor, with few sockets and with many, on one thread and on two; how much memory a socket takes; and
//! after how many closes a descriptor comes back.

use std::hint::black_box;
use std::iter;

use wsp_events::NetworkEventRecorder;

use crate::beside::{self, pair};
use crate::measure::{Side, side, time};
use crate::report::Run;
use crate::row::{Bound, Row};
use crate::tables::{Event, Filled, Recorder, Table, Tables, each_table};

const ROUNDS: usize = 300;
const CALLS: u32 = 2_000;
/// Where a table that doubles has just doubled, and has the most unused memory.
const JUST_GROWN: (usize, &str, &str) = ((1 << 20) + 64, "grown", "1,048,640 (just doubled)");
/// Where the search for a descriptor that comes back ends.
const CLOSES: usize = 100_000;

const LOOK_UP: fn(&Recorder) = |socket| _ = black_box(socket);
pub(crate) const ENUMERATE: fn(&Recorder) = |socket| _ = black_box(socket.enumerate().unwrap());

pub(crate) fn measure(run: &mut Run) {
    let event = &Event::default();
    run.table("a socket by its descriptor, ns a call");
    let thousand = &Tables::new(1_000, event);
    rows(run, thousand, "1k", "1 thousand");
    rows(run, &Tables::new(100_000, event), "100k", "100 thousand");
    let million = &Tables::new(1_000_000, event);
    rows(run, million, "1m", "1 million");

    run.table("a million sockets, times a thousand");
    let bounds = &[Bound::AtMost(4.0), Bound::Of("array", 1.0)];
    let sides = each_table!((million, thousand), |name, tables| {
        let (many, few) = (tables.0.walk(0, 1, ENUMERATE), tables.1.walk(0, 1, ENUMERATE));
        let slice = move || {
            // The slices in between have taken the cache.
            time(CALLS, &few);
            Some([time(CALLS, &many) / time(CALLS, &few)])
        };
        Side { name, slice: Box::new(slice) }
    });
    run.rows([Row::new("scale_1m", "enumerate", bounds)], ROUNDS, sides);
}

/// What a socket takes of memory; and after how many closes a descriptor comes back.
pub(crate) fn measure_memory(run: &mut Run) {
    run.table("bytes");
    let row = Row::new("bytes_recorder", "a recorder", &[Bound::AtMost(64.0)]);
    run.add([row.of(&[("ours", size_of::<Recorder>() as f64)])]);
    let sizes = [(1_000, "1k", "a thousand"), (1_000_000, "1m", "a million"), JUST_GROWN];
    for (count, key, sockets) in sizes {
        let what = format!("a socket in a table of {sockets}");
        let row = Row::new(format!("bytes_{key}"), what, &[Bound::AtMost(128.0)]);
        run.add([row.of(&Tables::new(count, &Event::default()).bytes)]);
    }
    run.table("closes");
    let row = Row::new("closes", "until a descriptor comes back, if before the 100,000th", &[]);
    let tables = &Tables::new(1, &Event::default());
    let closes = each_table!(tables, |name, table| (name, closes(table));
        ours, sharded_slab, papaya, scc, map);
    run.add([row.of(&closes)]);
}

/// The rows of a size.
fn rows(run: &mut Run, tables: &Tables, size: &str, sockets: &str) {
    for (call, key, what) in
        [(LOOK_UP, "look_up", "look up"), (ENUMERATE, "enumerate", "enumerate")]
    {
        let row = Row::new(format!("{key}_{size}"), format!("{what}, {sockets}"), &[]);
        let sides = each_table!(tables, |name, table| side(name, CALLS, table.walk(0, 1, call)));
        run.rows([row], ROUNDS, sides);
        let row = Row::new(
            format!("{key}_{size}_two"),
            "the same, two threads, half of the sockets each",
            &[],
        );
        let pairs = each_table!(tables, |name, table| {
            pair(name, table.walk(0, 2, call), table.walk(1, 2, call))
        });
        beside::measure(run, [row], pairs);
    }
    let row = Row::new(format!("open_close_{size}"), format!("open + close, {sockets}"), &[]);
    let sides = each_table!(tables, |name, filled| {
        let change = || filled.table.close(filled.table.open(NetworkEventRecorder::new()));
        side(name, CALLS, change)
    }; ours, sharded_slab, papaya, scc, map);
    run.rows([row], ROUNDS, sides);
}

/// A descriptor is opened and closed again and again: how many closes until the first one is back.
fn closes<T: Table>(_: &Filled<T>) -> f64 {
    let table = T::default();
    let close = || {
        let descriptor = table.open(NetworkEventRecorder::new());
        table.close(descriptor);
        descriptor
    };
    let first = close();
    let others = iter::repeat_with(close).take(CLOSES - 1);
    (1 + others.take_while(|&descriptor| descriptor != first).count()) as f64
}
