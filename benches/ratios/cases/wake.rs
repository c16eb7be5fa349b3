//! From `record` to the waiter, who has the report in his hands: two threads that wake each other in turns.
//! The other side is the same through a mutex and a condition variable; and, for the whole trip of a
//! packet through a queue to its handler, `mio`'s readiness.
//!
//! The turns follow at once, and once more with a pause, so that the waiter has gone to sleep for sure.

use std::collections::VecDeque;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder};

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
        assert!(!self.recorder.enumerate_and_reset(&self.event).unwrap().events().is_empty());
    }
}

/// The event object without a recorder: it is set, waited for and reset.
impl Post for ManualResetEvent {
    fn record(&self) {
        self.set();
    }

    fn wait(&self) {
        self.wait();
        self.reset();
    }
}

#[derive(Default)]
struct ByCondvar {
    recorded: Mutex<u32>,
    news: Condvar,
}

impl Post for ByCondvar {
    fn record(&self) {
        *self.recorded.lock().unwrap() |= 1;
        self.news.notify_one();
    }

    fn wait(&self) {
        let mut recorded = self.recorded.lock().unwrap();
        while *recorded == 0 {
            recorded = self.news.wait(recorded).unwrap();
        }
        *recorded = 0;
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

/// Nanoseconds from each record until the waiter has it.
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
        (now() - recorded.load(Ordering::Relaxed)) as f64
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
    let (ours, other) = ([ours(), ours()], [other(), other()]);
    let mut rounds = names.map(|_| Vec::new());
    for round in 0..ROUNDS {
        let first = (round % 2 == 0).then(|| latencies(&ours[0], &ours[1], turns, pause));
        let mut other = latencies(&other[0], &other[1], turns, pause);
        let mut ours = first.unwrap_or_else(|| latencies(&ours[0], &ours[1], turns, pause));
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
    compare(run, ["wake_p50_vs_condvar", "wake_p99_vs_condvar"], ours, condvar, at_once);
    let names = ["event_wake_p50_vs_condvar", "event_wake_p99_vs_condvar"];
    compare(run, names, ManualResetEvent::new, condvar, at_once);
    let names = ["condvar_p50_vs_itself", "condvar_p99_vs_itself"];
    compare(run, names, condvar, condvar, at_once);
    let names = ["wake_asleep_p50_vs_condvar", "wake_asleep_p99_vs_condvar"];
    compare(run, names, ours, condvar, asleep);
    let ours = || Trip::new(Ours::new());
    let mio = || Trip::new(Mio::new());
    compare(run, ["trip_p50_vs_mio", "trip_p99_vs_mio"], ours, mio, at_once);
    compare(run, ["trip_asleep_p50_vs_mio", "trip_asleep_p99_vs_mio"], ours, mio, asleep);
}
