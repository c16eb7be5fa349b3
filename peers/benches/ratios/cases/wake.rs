//! From `record` to the return of the waiter: two threads that wake each other in turns. The other side is the same with a
//! mutex and a condition variable; and, for the whole trip of a packet through a queue to its handler, with the report
//! taken, the readiness of `mio`.
//!
//! Each thread has a processor of its own, and there is a pause between two turns, so that the waiter is asleep and its
//! processor idle. On one processor, the woken thread may run before the one that woke it has gone to sleep; then the next
//! record wakes no thread. The scheduler puts two threads on one processor or on two, and on two a wake-up takes ten times
//! as long: what is measured then is where they ran. Both are measured all the same; and once more without the pause.

use std::collections::VecDeque;
use std::hint::{black_box, spin_loop};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use wsp_events::{FD_MAX_EVENTS, ManualResetEvent, NetworkEventRecorder};

use crate::measure::{Apart, Run, in_turns, median, quantile};
use crate::peers::{OK, READ, selected};
use crate::processors::Processor;

const ROUNDS: usize = 31;
/// For the rows with a target: the 99th percentiles of two rounds differ by a few per cent.
const MANY_ROUNDS: usize = 101;
const TURNS: usize = 500;
const PAUSE: Duration = Duration::from_micros(40);

/// One thread records; the other waits, and takes what was recorded.
trait Post: Default + Sync {
    fn record(&self);
    fn wait(&self);
    fn take(&self) {}
}

struct Ours {
    recorder: NetworkEventRecorder<Arc<ManualResetEvent>>,
    event: Arc<ManualResetEvent>,
}

impl Default for Ours {
    fn default() -> Self {
        let event = Arc::<ManualResetEvent>::default();
        Self { recorder: selected(Arc::clone(&event)), event }
    }
}

impl Post for Ours {
    fn record(&self) {
        self.recorder.record(READ, OK);
    }

    fn wait(&self) {
        self.event.wait();
    }

    fn take(&self) {
        assert!(!self.recorder.enumerate_and_reset(&self.event).unwrap().events().is_empty());
    }
}

/// The same until the waiter has the report.
#[derive(Default)]
struct Reported(Ours);

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
    /// The events and their codes.
    record: Mutex<(u32, [i32; FD_MAX_EVENTS])>,
    news: Condvar,
}

impl Post for ByCondvar {
    fn record(&self) {
        let mut record = self.record.lock().unwrap();
        record.0 |= READ.flag().bits();
        record.1[0] = 0;
        drop(record);
        self.news.notify_all();
    }

    fn wait(&self) {
        let record = self.record.lock().unwrap();
        let mut record = self.news.wait_while(record, |record| record.0 == 0).unwrap();
        black_box((mem::take(&mut record.0), record.1));
    }
}

/// A packet goes along.
#[derive(Default)]
struct Trip<P> {
    packets: Mutex<VecDeque<u64>>,
    post: P,
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

impl Default for Mio {
    fn default() -> Self {
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

/// Nanoseconds from each record until the waiter returns.
fn latencies<P: Post>(there: &P, back: &P, Turns { pause, processors, .. }: Turns) -> Vec<f64> {
    let (epoch, recorded) = (Instant::now(), AtomicU64::new(0));
    let now = || u64::try_from(epoch.elapsed().as_nanos()).unwrap();
    let record = |to: &P| {
        let until = Instant::now() + pause;
        while Instant::now() < until {
            spin_loop();
        }
        recorded.store(now(), Ordering::Relaxed);
        to.record();
    };
    let wait = |at: &P| {
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

/// What of a round's latencies is compared.
const PARTS: [(&str, f64); 2] = [("p50", 0.5), ("p99", 0.99)];

/// For each part, that of both sides, round by round.
fn rounds<O: Post, P: Post>(turns: Turns) -> [Vec<(f64, f64)>; 2] {
    let (ours, other) =
        ([(); 2].map(|()| Apart(O::default())), [(); 2].map(|()| Apart(P::default())));
    let rounds = in_turns(
        turns.rounds,
        || latencies(&ours[0].0, &ours[1].0, turns),
        || latencies(&other[0].0, &other[1].0, turns),
    );
    PARTS.map(|(_, part)| {
        let parts = |(ours, other): &(Vec<f64>, Vec<f64>)| {
            (quantile(&mut ours.clone(), part), quantile(&mut other.clone(), part))
        };
        rounds.iter().map(parts).collect()
    })
}

/// `PART` in the name stands for the name of the part.
fn compare<O: Post, P: Post>(run: &mut Run, name: &str, turns: Turns) {
    for ((part, _), rounds) in PARTS.into_iter().zip(rounds::<O, P>(turns)) {
        run.pairs(name.replace("PART", part), rounds);
    }
}

/// How far the other side is from itself at worst, whichever of the two is ahead: differences that this run cannot resolve.
fn noise(run: &mut Run, name: &str, turns: Turns) {
    const TRIES: usize = 3;

    let mut worst = [1.0_f64; 2];
    for _ in 0..TRIES {
        for (worst, rounds) in worst.iter_mut().zip(rounds::<ByCondvar, ByCondvar>(turns)) {
            let ratio = median(rounds.into_iter().map(|(one, other)| one / other).collect());
            *worst = worst.max(ratio).max(1.0 / ratio);
        }
    }
    for ((part, _), worst) in PARTS.into_iter().zip(worst) {
        run.figure(name.replace("PART", part), worst);
    }
}

pub(crate) fn measure(run: &mut Run) {
    let asleep = Turns { rounds: ROUNDS, pause: PAUSE, processors: [Processor::ANY; 2] };
    compare::<Ours, ByCondvar>(run, "any_processor_wake_PART_vs_condvar", asleep);
    let Some(processors @ [one, _]) = Processor::two() else {
        eprintln!(
            "the other wake-ups are not measured: two threads cannot be held to two processors"
        );
        return;
    };
    let on_one = Turns { processors: [one; 2], ..asleep };
    compare::<Ours, ByCondvar>(run, "one_processor_wake_PART_vs_condvar", on_one);
    compare::<Reported, ByCondvar>(run, "one_processor_report_PART_vs_condvar", on_one);

    let asleep = Turns { processors, ..asleep };
    let at_once = Turns { pause: Duration::ZERO, ..asleep };
    let exactly = Turns { rounds: MANY_ROUNDS, ..asleep };
    compare::<Ours, ByCondvar>(run, "wake_PART_vs_condvar", exactly);
    compare::<Reported, ByCondvar>(run, "report_PART_vs_condvar", exactly);
    noise(run, "condvar_PART_vs_itself", exactly);
    compare::<ManualResetEvent, ByCondvar>(run, "event_wake_PART_vs_condvar", asleep);
    compare::<Ours, ByCondvar>(run, "turn_PART_vs_condvar", at_once);
    compare::<Trip<Reported>, Trip<Mio>>(run, "trip_PART_vs_mio", asleep);
    compare::<Trip<Reported>, Trip<Mio>>(run, "trip_turn_PART_vs_mio", at_once);
}
