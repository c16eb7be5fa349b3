//! From `record` to the waiter: two threads that wake each other in turns. What people write is the same with a mutex and a
//! condition variable; the floor is the event object without a record.
//!
//! There is a pause between two turns, so that the waiter is asleep. The scheduler may put the two threads on one processor
//! or on two, and on two a wake-up takes ten times as long. Both are measured, each with the threads held there.

use std::hint::{black_box, spin_loop};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use wsp_events::{FD_MAX_EVENTS, ManualResetEvent, NetworkEventRecorder};

use crate::machine::{Apart, processors, run_on};
use crate::measure::{Side, quantile};
use crate::peers::{OK, READ, selected};
use crate::report::Run;
use crate::row::{Bound, Row};

const ROUNDS: usize = 40;
const TURNS: usize = 400;
const PAUSE: Duration = Duration::from_micros(40);
const BOUNDS: &[Bound] = &[Bound::Of("condvar", 1.10), Bound::Of("floor", 1.15)];

/// One thread records; the other waits, and takes what was recorded.
trait Post: Default + Sync {
    fn record(&self);
    fn wait(&self);
    fn take(&self);
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

/// Set, waited for and reset.
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

/// The events and their codes.
#[derive(Default)]
struct ByCondvar {
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

    /// The waiter has it already.
    fn take(&self) {}
}

/// Nanoseconds from each record until the waiter has its report.
fn latencies<P: Post>(there: &P, back: &P, processors: [usize; 2]) -> Vec<f64> {
    let (epoch, recorded) = (Instant::now(), AtomicU64::new(0));
    let now = || u64::try_from(epoch.elapsed().as_nanos()).unwrap();
    let record = |to: &P| {
        let until = Instant::now() + PAUSE;
        while Instant::now() < until {
            spin_loop();
        }
        recorded.store(now(), Ordering::Relaxed);
        to.record();
    };
    let wait = |at: &P| {
        at.wait();
        at.take();
        (now() - recorded.load(Ordering::Relaxed)) as f64
    };
    let turns = |processor, turn: &dyn Fn() -> f64| -> Vec<_> {
        run_on(processor);
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

fn side<'a, P: Post + 'a>(name: &'static str, processors: [usize; 2]) -> Side<'a, 2> {
    let [there, back] = [(); 2].map(|()| Apart(P::default()));
    let slice = move || {
        let mut latencies = latencies(&there.0, &back.0, processors);
        Some([0.5, 0.99].map(|part| quantile(&mut latencies, part)))
    };
    Side { name, slice: Box::new(slice) }
}

pub(crate) fn measure(run: &mut Run) {
    let row = |key, what| Row::new(key, what, BOUNDS);
    let on = |run: &mut Run, rows, processors| {
        let sides = vec![
            side::<Ours>("ours", processors),
            side::<ManualResetEvent>("floor", processors),
            side::<ByCondvar>("condvar", processors),
        ];
        run.rows(rows, ROUNDS, sides);
    };
    run.table("a thread that sleeps, ns until it has its report");
    let rows = [
        row("report_p50", "on another processor, median"),
        row("report_p99", "the same, 99th percentile"),
    ];
    let processors = processors();
    match processors[..] {
        [one, other] => on(run, rows, [one, other]),
        _ => run.add(rows),
    }
    // Elsewhere no thread can be held there.
    #[cfg(target_os = "linux")]
    {
        let rows = [
            row("one_processor_report_p50", "on the same processor, median"),
            row("one_processor_report_p99", "the same, 99th percentile"),
        ];
        on(run, rows, [processors[0]; 2]);
    }
}
