//! Slices of a call, while a second thread makes another call without pause. Each thread has a processor of its own. A slice
//! in which another process has taken one of them does not count.

use std::array;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::machine::{Apart, Status, processors, run_on};
use crate::measure::Side;
use crate::report::Run;
use crate::row::Row;

const ROUNDS: usize = 500;
/// How long a slice is, and after how many calls it looks at the time.
const SLICE: Duration = Duration::from_micros(40);
const CALLS: u32 = 100;
/// A thread that waits so many nanoseconds for its processor was not only woken: another process had it.
const INTERRUPTED: u64 = 50_000;

/// What the second thread does: nothing, its end, or the calls of the side with this number.
const REST: usize = usize::MAX;
const END: usize = usize::MAX - 1;

/// The calls of the two threads, of one side.
pub(crate) struct Pair<'a> {
    name: &'static str,
    /// Nanoseconds, and calls.
    slice: Box<dyn Fn() -> (f64, f64) + Sync + 'a>,
    beside: Box<Beside<'a>>,
}

/// Calls as long as the word has this value. Returns how often.
type Beside<'a> = dyn Fn(&AtomicUsize, usize) -> u64 + Sync + 'a;

pub(crate) fn pair<'a>(
    name: &'static str,
    call: impl Fn() + Sync + 'a,
    beside: impl Fn() + Sync + 'a,
) -> Pair<'a> {
    let beside = move |word: &AtomicUsize, mine| {
        let mut calls = 0;
        while word.load(Ordering::Relaxed) == mine {
            beside();
            calls += 1;
        }
        calls
    };
    let slice = move || {
        let (start, mut calls) = (Instant::now(), 0);
        while start.elapsed() < SLICE {
            (0..CALLS).for_each(|_| call());
            calls += CALLS;
        }
        (start.elapsed().as_secs_f64() * 1e9, f64::from(calls))
    };
    Pair { name, slice: Box::new(slice), beside: Box::new(beside) }
}

/// Measures in turns what a call of the first thread takes; in a second row, what one of the second thread takes meanwhile; in
/// a third, how long it is until either has made one.
pub(crate) fn measure<const N: usize>(run: &mut Run, rows: [Row; N], pairs: Vec<Pair<'_>>) {
    let [here, there] = processors()[..] else { return run.add(rows) };
    let [Apart(wanted), Apart(doing)] = &[(); 2].map(|()| Apart(AtomicUsize::new(REST)));
    let (pairs, calls_done) = (&pairs, &AtomicU64::new(0));
    let (send, receive) = mpsc::channel();
    let second = move || {
        run_on(there);
        send.send(Status::of_this_thread()).unwrap();
        loop {
            let work = wanted.load(Ordering::SeqCst);
            doing.store(work, Ordering::SeqCst);
            match work {
                END => break,
                REST => spin_loop(),
                side => calls_done.store((pairs[side].beside)(wanted, side), Ordering::Relaxed),
            }
        }
    };
    let first = move || {
        run_on(here);
        let statuses = [Status::of_this_thread(), receive.recv().unwrap()];
        let waited = || statuses.each_ref().map(Status::waited);
        let switch_to = |work| {
            wanted.store(work, Ordering::SeqCst);
            while doing.load(Ordering::SeqCst) != work {
                spin_loop();
            }
        };
        let slice = |side: usize| {
            let before = waited();
            switch_to(side);
            let (nanoseconds, calls) = (pairs[side].slice)();
            switch_to(REST);
            let beside = calls_done.load(Ordering::Relaxed) as f64;
            let figures = [calls, beside, calls + beside].map(|calls| nanoseconds / calls);
            let mut waits = waited().into_iter().zip(before).map(|(now, before)| now - before);
            waits.all(|wait| wait < INTERRUPTED).then(|| array::from_fn(|at| figures[at]))
        };
        let slice = &slice;
        let side = |at: usize| Side { name: pairs[at].name, slice: Box::new(move || slice(at)) };
        run.rows(rows, ROUNDS, (0..pairs.len()).map(side).collect());
        switch_to(END);
    };
    thread::scope(|scope| {
        scope.spawn(second);
        scope.spawn(first);
    });
}
