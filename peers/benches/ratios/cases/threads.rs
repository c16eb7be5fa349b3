//! What a call costs when several threads make it, each as fast as it can. With more threads than cores, this shows how
//! much is lost to waiting for a thread that does not run. A round takes milliseconds, so that the threads overlap.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use wsp_events::ManualResetEvent;

use crate::cases::table::Sockets;
use crate::measure::{Run, median};
use crate::peers::{Empty, OK, ParkingLotByHand, StdByHand, cycle, selected};

const ROUNDS: usize = 15;
const CALLS: usize = 50_000;
const THREADS: [usize; 4] = [1, 2, 4, 8];

/// Nanoseconds a call, from the first thread's start to the last one's end.
fn together(threads: usize, call: &(dyn Fn(usize) + Sync)) -> f64 {
    let barrier = Barrier::new(threads);
    let work = &|thread| {
        barrier.wait();
        let start = Instant::now();
        for _ in 0..CALLS {
            call(thread);
        }
        (start, Instant::now())
    };
    let spans: Vec<_> = thread::scope(|scope| {
        let handles: Vec<_> =
            (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    let start = spans.iter().map(|span| span.0).min().unwrap();
    let end = spans.iter().map(|span| span.1).max().unwrap();
    (end - start).as_secs_f64() * 1e9 / (threads * CALLS) as f64
}

pub(crate) fn measure(run: &mut Run) {
    let recorder = selected(Empty);
    let std = StdByHand::selected(Empty);
    let parking_lot = ParkingLotByHand::selected(Empty);
    let (sockets, descriptors) = Sockets::with(1_000, &Arc::new(ManualResetEvent::new()));
    let series: [(&str, &(dyn Fn(usize) + Sync)); 4] = [
        ("one recorder for all", &|_| cycle(&recorder, OK, &Empty)),
        ("one std::sync::Mutex for all", &|_| cycle(&std, OK, &Empty)),
        ("one parking_lot::Mutex for all", &|_| cycle(&parking_lot, OK, &Empty)),
        ("a SocketTable, a socket each", &|thread| sockets.enumerate(descriptors[thread])),
    ];
    for threads in THREADS {
        let mut rounds = series.map(|_| Vec::new());
        for _ in 0..ROUNDS {
            for (rounds, (_, call)) in rounds.iter_mut().zip(series) {
                rounds.push(together(threads, call));
            }
        }
        for (rounds, (name, _)) in rounds.into_iter().zip(series) {
            run.curve("threads", name, threads, median(rounds));
        }
    }
}
