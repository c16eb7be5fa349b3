//! What a call costs, against the number of sockets in the table, of threads, and of sockets that share an event object. For
//! the plots; nothing here has a target.

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use super::each_record;
use super::table::ENUMERATE;
use crate::machine::Apart;
use crate::measure::{median, time};
use crate::peers::{Empty, OK, Record, cycle};
use crate::report::Run;
use crate::tables::{Event, Tables, each_table};

const SOCKETS: [usize; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
/// More than the machine has processors, too: what is lost to waiting for a thread that does not run.
const THREADS: [usize; 6] = [1, 2, 3, 4, 6, 8];
const SHARING: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// A series, and a slice of it.
type Series<'a> = (&'static str, Box<dyn Fn() -> f64 + 'a>);

pub(crate) fn measure(run: &mut Run) {
    let event = &Event::default();
    for count in SOCKETS {
        let tables = &Tables::new(count, event);
        let walks = each_table!(tables, |name, table| walking(name, table.walk(0, 1, ENUMERATE)));
        points(run, "sockets", count, 101, walks);
    }
    for count in SHARING {
        points(run, "sharing", count, 301, each_record!(sharing, event.clone(), event, count));
    }
    for count in THREADS {
        points(run, "threads", count, 15, each_record!(together, Empty, count));
    }
}

fn points(run: &mut Run, plot: &'static str, x: usize, rounds: usize, series: Vec<Series<'_>>) {
    let rounds: Vec<Vec<_>> =
        (0..rounds).map(|_| series.iter().map(|(_, slice)| slice()).collect()).collect();
    for (at, (name, _)) in series.iter().enumerate() {
        run.curve(plot, name, x, median(rounds.iter().map(|round| round[at])));
    }
}

fn walking<'a>(name: &'static str, walk: impl Fn() + 'a) -> Series<'a> {
    (name, Box::new(move || time(2_000, &walk)))
}

/// All sockets record, then all are enumerated, as a program does that waits for them.
fn sharing<'a, R: Record<Event> + 'a>(
    name: &'static str,
    new: impl Fn() -> R,
    event: &'a Event,
    count: usize,
) -> Series<'a> {
    let records: Vec<_> = (0..count).map(|_| Apart(new())).collect();
    let pass = move || {
        records.iter().for_each(|record| record.0.note(OK));
        records.iter().for_each(|record| record.0.take_and_reset(event));
    };
    (name, Box::new(move || time(20, &pass) / count as f64))
}

/// Threads that record and enumerate on one record, each as fast as it can, from the first one's start to the last one's
/// end. A slice takes milliseconds, so that the threads overlap.
fn together<'a, R: Record<Empty> + Sync + 'a>(
    name: &'static str,
    new: impl Fn() -> R,
    count: usize,
) -> Series<'a> {
    const CALLS: u32 = 50_000;

    let record = Apart(new());
    let slice = move || {
        let barrier = &Barrier::new(count);
        let work = || {
            barrier.wait();
            let start = Instant::now();
            (0..CALLS).for_each(|_| cycle(&record.0, OK, &Empty));
            (start, Instant::now())
        };
        let spans: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let start = spans.iter().map(|span| span.0).min().unwrap();
        let end = spans.iter().map(|span| span.1).max().unwrap();
        (end - start).as_secs_f64() * 1e9 / (count as f64 * f64::from(CALLS))
    };
    (name, Box::new(slice))
}
