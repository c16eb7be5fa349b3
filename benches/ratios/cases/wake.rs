//! From `record` to the return of whoever waits: two threads that wake each other in turns. The other side is
//! the same through a mutex and a condition variable; and, for the whole trip of a packet through a queue to
//! its handler, with the report taken, `mio`'s readiness.
//!
//! Between two turns is a pause, so that the waiter has gone to sleep. Once more the turns follow at once, where
//! it matters, too, who comes first: the waiter to its next wait, or the other to its next record.

use std::collections::VecDeque;
use std::hint::{black_box, spin_loop};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use wsp_events::{
    FD_MAX_EVENTS, ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents,
};

use crate::cases::alone::selected;
use crate::measure::{Run, quantile};

const ROUNDS: usize = 31;
const TURNS: usize = 500;
const PAUSED_TURNS: usize = 100;
const PAUSE: Duration = Duration::from_micros(40);

/// One thread records, one waits and takes what was recorded.
trait Post: Sync {
    fn record(&self);
    fn wait(&self);
    fn take(&self) {}
}

struct Ours {
    recorder: NetworkEventRecorder<Arc<ManualResetEvent>>,
    event: Arc<ManualResetEvent>,
}

impl Ours {
    fn new() -> Self {
        let event = Arc::new(ManualResetEvent::new());
        Self { recorder: selected(Arc::clone(&event)), event }
    }
}

impl Post for Ours {
    fn record(&self) {
        self.recorder.record(NetworkEvent::Read, Ok(())).unwrap();
    }

    fn wait(&self) {
        self.event.wait();
    }

    fn take(&self) {
        assert!(!self.recorder.enumerate_and_reset(&self.event).unwrap().events().is_empty());
    }
}

/// The same until the waiter has the report.
struct Reported(Ours);

impl Reported {
    fn new() -> Self {
        Self(Ours::new())
    }
}

impl Post for Reported {
    fn record(&self) {
        self.0.record();
    }

    fn wait(&self) {
        self.0.wait();
        self.0.take();
    }
}

/// The event object without a recorder: it is set, waited for and reset.
impl Post for ManualResetEvent {
    fn record(&self) {
        self.set();
    }

    fn wait(&self) {
        self.wait();
    }

    fn take(&self) {
        self.reset();
    }
}

/// The same record, by hand.
#[derive(Default)]
struct ByCondvar {
    record: Mutex<ByHand>,
    news: Condvar,
}

#[derive(Default)]
struct ByHand {
    recorded: u32,
    codes: [i32; FD_MAX_EVENTS],
}

impl Post for ByCondvar {
    fn record(&self) {
        let mut record = self.record.lock().unwrap();
        record.recorded |= NetworkEvents::FD_READ.bits();
        record.codes[0] = 0;
        drop(record);
        self.news.notify_all();
    }

    fn wait(&self) {
        let mut record = self.record.lock().unwrap();
        while record.recorded == 0 {
            record = self.news.wait(record).unwrap();
        }
        black_box((mem::take(&mut record.recorded), record.codes));
    }
}

/// A packet goes along.
struct Trip<P> {
    packets: Mutex<VecDeque<u64>>,
    post: P,
}

impl<P> Trip<P> {
    fn new(post: P) -> Self {
        Self { packets: Mutex::default(), post }
    }
}

impl<P: Post> Post for Trip<P> {
    fn record(&self) {
        self.packets.lock().unwrap().push_back(1);
        self.post.record();
    }

    fn wait(&self) {
        while self.packets.lock().unwrap().pop_front().is_none() {
            self.post.wait();
        }
    }
}

struct Mio {
    poll: Mutex<(mio::Poll, mio::Events)>,
    waker: mio::Waker,
}

impl Mio {
    fn new() -> Self {
        let poll = mio::Poll::new().unwrap();
        let waker = mio::Waker::new(poll.registry(), mio::Token(0)).unwrap();
        Self { poll: Mutex::new((poll, mio::Events::with_capacity(8))), waker }
    }
}

impl Post for Mio {
    fn record(&self) {
        self.waker.wake().unwrap();
    }

    fn wait(&self) {
        let (poll, events) = &mut *self.poll.lock().unwrap();
        poll.poll(events, None).unwrap();
    }
}

/// In cache lines of its own, as far as the processor fetches them together.
#[repr(align(128))]
struct Apart<P>(P);

/// Nanoseconds from each record until the waiter's return.
fn latencies(there: &impl Post, back: &impl Post, turns: usize, pause: Duration) -> Vec<f64> {
    let (epoch, recorded) = (Instant::now(), AtomicU64::new(0));
    let now = || u64::try_from(epoch.elapsed().as_nanos()).unwrap();
    let record = |to: &dyn Post| {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            spin_loop();
        }
        recorded.store(now(), Ordering::Relaxed);
        to.record();
    };
    let wait = |at: &dyn Post| {
        at.wait();
        let latency = (now() - recorded.load(Ordering::Relaxed)) as f64;
        at.take();
        latency
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| -> Vec<f64> {
            let turn = |_| {
                let latency = wait(there);
                record(back);
                latency
            };
            (0..turns).map(turn).collect()
        });
        let turn = |_| {
            record(there);
            wait(back)
        };
        let mut latencies: Vec<f64> = (0..turns).map(turn).collect();
        latencies.extend(other.join().unwrap());
        latencies
    })
}

fn compare<O: Post, P: Post>(
    run: &mut Run,
    names: [&'static str; 2],
    ours: fn() -> O,
    other: fn() -> P,
    (turns, pause): (usize, Duration),
) {
    let (ours, other) = ([ours(), ours()].map(Apart), [other(), other()].map(Apart));
    let mut rounds = names.map(|_| Vec::new());
    for round in 0..ROUNDS {
        let first = (round % 2 == 0).then(|| latencies(&ours[0].0, &ours[1].0, turns, pause));
        let mut other = latencies(&other[0].0, &other[1].0, turns, pause);
        let mut ours = first.unwrap_or_else(|| latencies(&ours[0].0, &ours[1].0, turns, pause));
        for (rounds, part) in rounds.iter_mut().zip([0.5, 0.99]) {
            rounds.push((quantile(&mut ours, part), quantile(&mut other, part)));
        }
    }
    for (name, rounds) in names.into_iter().zip(rounds) {
        run.pairs(name, rounds);
    }
}

pub(crate) fn measure(run: &mut Run) {
    let at_once = (TURNS, Duration::ZERO);
    let asleep = (PAUSED_TURNS, PAUSE);
    let (ours, condvar) = (Ours::new, ByCondvar::default);
    compare(run, ["wake_p50_vs_condvar", "wake_p99_vs_condvar"], ours, condvar, asleep);
    let names = ["condvar_p50_vs_itself", "condvar_p99_vs_itself"];
    compare(run, names, condvar, condvar, asleep);
    let names = ["event_wake_p50_vs_condvar", "event_wake_p99_vs_condvar"];
    compare(run, names, ManualResetEvent::new, condvar, asleep);
    let names = ["report_p50_vs_condvar", "report_p99_vs_condvar"];
    compare(run, names, Reported::new, condvar, asleep);
    compare(run, ["turn_p50_vs_condvar", "turn_p99_vs_condvar"], ours, condvar, at_once);
    let ours = || Trip::new(Reported::new());
    let mio = || Trip::new(Mio::new());
    compare(run, ["trip_p50_vs_mio", "trip_p99_vs_mio"], ours, mio, asleep);
    compare(run, ["trip_turn_p50_vs_mio", "trip_turn_p99_vs_mio"], ours, mio, at_once);
}
