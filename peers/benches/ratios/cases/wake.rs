//! From `record` to the return of whoever waits: two threads that wake each other in turns. The other side is
//! the same through a mutex and a condition variable; and, for the whole trip of a packet through a queue to
//! its handler, with the report taken, `mio`'s readiness.
//!
//! Each thread has a processor of its own, and between two turns is a pause: so the waiter is asleep, and its
//! processor idle. On one processor the thread that is woken may run before the one that woke it has gone to
//! sleep; the next record then wakes nobody. Left to the scheduler, two threads use one processor or two, and on
//! two a wake-up takes ten times as long: what is measured then is where they ran. Both are measured all the same;
//! and once more with the turns following at once.

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
use crate::measure::{Apart, Run, median, quantile};
use crate::processors::Processor;

const ROUNDS: usize = 31;
/// Where there is a target: the 99th percentiles of a round are a few per cent apart.
const MANY_ROUNDS: usize = 101;
const TURNS: usize = 500;
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
        self.recorder.record(NetworkEvent::Read, Ok(()));
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

/// How the turns follow each other, and where the two threads run.
#[derive(Clone, Copy)]
struct Turns {
    rounds: usize,
    pause: Duration,
    processors: [Processor; 2],
}

/// Nanoseconds from each record until the waiter's return.
fn latencies(
    there: &impl Post,
    back: &impl Post,
    Turns { pause, processors, .. }: Turns,
) -> Vec<f64> {
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
    let turns = |processor: Processor, turn: &dyn Fn() -> f64| -> Vec<f64> {
        processor.run_here();
        (0..TURNS).map(|_| turn()).collect()
    };
    let answer = || {
        let latency = wait(there);
        record(back);
        latency
    };
    let call = || {
        record(there);
        wait(back)
    };
    let [one, other] = processors;
    thread::scope(|scope| {
        let threads = [scope.spawn(|| turns(one, &answer)), scope.spawn(|| turns(other, &call))];
        threads.map(|thread| thread.join().unwrap()).concat()
    })
}

/// Of each round the median of both sides, and the 99th percentile.
fn rounds<O: Post, P: Post>(
    ours: fn() -> O,
    other: fn() -> P,
    turns: Turns,
) -> [Vec<(f64, f64)>; 2] {
    let (ours, other) = ([ours(), ours()].map(Apart), [other(), other()].map(Apart));
    let our_turn = || latencies(&ours[0].0, &ours[1].0, turns);
    let mut rounds = [(); 2].map(|()| Vec::new());
    for round in 0..turns.rounds {
        let first = (round % 2 == 0).then(our_turn);
        let mut theirs = latencies(&other[0].0, &other[1].0, turns);
        let mut mine = first.unwrap_or_else(our_turn);
        for (rounds, part) in rounds.iter_mut().zip([0.5, 0.99]) {
            rounds.push((quantile(&mut mine, part), quantile(&mut theirs, part)));
        }
    }
    rounds
}

fn compare<O: Post, P: Post>(
    run: &mut Run,
    names: [&'static str; 2],
    ours: fn() -> O,
    other: fn() -> P,
    turns: Turns,
) {
    for (name, rounds) in names.into_iter().zip(rounds(ours, other, turns)) {
        run.pairs(name, rounds);
    }
}

/// How far the other side is from itself, whichever of the two comes out ahead, at worst: what this run cannot
/// tell apart.
fn noise(run: &mut Run, names: [&'static str; 2], turns: Turns) {
    const TRIES: usize = 3;

    let mut worst = [1.0_f64; 2];
    for _ in 0..TRIES {
        let rounds = rounds(ByCondvar::default, ByCondvar::default, turns);
        for (worst, rounds) in worst.iter_mut().zip(rounds) {
            let ratio = median(rounds.into_iter().map(|(one, other)| one / other).collect());
            *worst = worst.max(ratio).max(1.0 / ratio);
        }
    }
    for (name, worst) in names.into_iter().zip(worst) {
        run.figure(name, worst);
    }
}

pub(crate) fn measure(run: &mut Run) {
    let (ours, condvar) = (Ours::new, ByCondvar::default);
    let asleep = Turns { rounds: ROUNDS, pause: PAUSE, processors: [Processor::ANY; 2] };
    let names = ["any_processor_wake_p50_vs_condvar", "any_processor_wake_p99_vs_condvar"];
    compare(run, names, ours, condvar, asleep);
    let Some(processors @ [one, _]) = Processor::two() else {
        eprintln!(
            "the other wake-ups are not measured: two threads cannot be held to two processors"
        );
        return;
    };
    let on_one = Turns { processors: [one; 2], ..asleep };
    let names = ["one_processor_wake_p50_vs_condvar", "one_processor_wake_p99_vs_condvar"];
    compare(run, names, ours, condvar, on_one);
    let names = ["one_processor_report_p50_vs_condvar", "one_processor_report_p99_vs_condvar"];
    compare(run, names, Reported::new, condvar, on_one);

    let asleep = Turns { processors, ..asleep };
    let at_once = Turns { pause: Duration::ZERO, ..asleep };
    let exactly = Turns { rounds: MANY_ROUNDS, ..asleep };
    compare(run, ["wake_p50_vs_condvar", "wake_p99_vs_condvar"], ours, condvar, exactly);
    let names = ["report_p50_vs_condvar", "report_p99_vs_condvar"];
    compare(run, names, Reported::new, condvar, exactly);
    noise(run, ["condvar_p50_vs_itself", "condvar_p99_vs_itself"], exactly);
    let names = ["event_wake_p50_vs_condvar", "event_wake_p99_vs_condvar"];
    compare(run, names, ManualResetEvent::new, condvar, asleep);
    compare(run, ["turn_p50_vs_condvar", "turn_p99_vs_condvar"], ours, condvar, at_once);
    let ours = || Trip::new(Reported::new());
    let mio = || Trip::new(Mio::new());
    compare(run, ["trip_p50_vs_mio", "trip_p99_vs_mio"], ours, mio, asleep);
    compare(run, ["trip_turn_p50_vs_mio", "trip_turn_p99_vs_mio"], ours, mio, at_once);
}
