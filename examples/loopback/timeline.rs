//! What the example prints and counts: the timeline, and an event object that appears in it.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use wsp_events::{EventSignal, ManualResetEvent, NetworkEvent, SOCKET, SignalError, Wake};

use crate::loopback::Happening;

/// After that nothing is waited for any more: it should have happened long ago.
const BUDGET: Duration = Duration::from_secs(4);

/// Lines with a time, promises with an answer, and counts; from any thread.
pub(crate) struct Timeline {
    start: Instant,
    log: Mutex<Log>,
    counted: Condvar,
}

#[derive(Default)]
struct Log {
    names: HashMap<SOCKET, String>,
    counts: Counts,
    scene: String,
    brief: bool,
    /// Each broken promise once, with its scene.
    failed: BTreeSet<String>,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) connections: usize,
    /// Records that have begun, and may not have ended.
    pub(crate) begun: usize,
    pub(crate) records: usize,
    pub(crate) sets: usize,
    pub(crate) resets: usize,
    pub(crate) reports: usize,
    pub(crate) checks: usize,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), log: Mutex::default(), counted: Condvar::new() }
    }

    pub(crate) fn title(&self, title: &str) {
        let mut log = self.log();
        log.scene = title.to_owned();
        log.brief = false;
        print(format_args!("\n{title}\n"));
    }

    /// Many sockets at once: until the next title what is noted is not shown.
    pub(crate) fn be_brief(&self) {
        self.log().brief = true;
    }

    pub(crate) fn tell(&self, who: &str, what: impl Display) {
        self.line(&self.log(), who, what);
    }

    /// A detail.
    pub(crate) fn note(&self, who: &str, what: impl Display) {
        self.detail(&self.log(), who, what);
    }

    /// A promise that is told: was it kept?
    pub(crate) fn promise(&self, promise: impl Display, kept: bool) {
        if kept {
            self.tell("kept", &promise);
        }
        self.check(promise, kept);
    }

    /// A promise that is worth no line as long as it is kept. One that is not is told here, at the end,
    /// and by the exit code.
    pub(crate) fn check(&self, promise: impl Display, kept: bool) {
        let mut log = self.log();
        log.counts.checks += 1;
        if !kept {
            self.line(&log, "FAILED:", &promise);
            let failed = format!("{promise} (in scene {})", log.scene);
            log.failed.insert(failed);
        }
    }

    fn detail(&self, log: &Log, who: &str, what: impl Display) {
        if !log.brief {
            self.line(log, who, what);
        }
    }

    /// The time is taken under the lock, so that the lines stand in its order.
    fn line(&self, _log: &Log, who: &str, what: impl Display) {
        let elapsed = self.start.elapsed().as_secs_f64() * 1e3;
        print(format_args!("{elapsed:>10.3} ms  {who:<14}{what}"));
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.log().counts);
        self.counted.notify_all();
    }

    pub(crate) fn counts(&self) -> Counts {
        self.log().counts
    }

    /// Waits until so many records have ended; whether it came to that.
    pub(crate) fn wait_for_records(&self, records: usize) -> bool {
        let patience = self.patience(Duration::from_secs(1));
        let missing = |log: &mut Log| log.counts.records < records;
        let (log, _) = self
            .counted
            .wait_timeout_while(self.log(), patience, missing)
            .unwrap_or_else(PoisonError::into_inner);
        log.counts.records >= records
    }

    /// How long to wait for something that should have happened: `limit`, or what is left of the budget.
    pub(crate) fn patience(&self, limit: Duration) -> Duration {
        limit.min(BUDGET.saturating_sub(self.start.elapsed()))
    }

    pub(crate) fn name(&self, s: SOCKET, name: impl Into<String>) {
        self.log().names.insert(s, name.into());
    }

    pub(crate) fn name_of(&self, s: SOCKET) -> String {
        self.log().name_of(s)
    }

    /// The provider's observer.
    pub(crate) fn happened(&self, s: SOCKET, happening: &Happening<'_>) {
        let mut log = self.log();
        let name = log.name_of(s);
        match happening {
            Happening::Ready => self.detail(&log, "poller", format_args!("{name} is ready")),
            Happening::Selected(_) => {
                let what = format_args!("{name} is non-blocking from now on (S9)");
                self.detail(&log, "provider", what);
            }
            Happening::Recording(occurrences) => {
                log.counts.begun += 1;
                for (event, outcome) in *occurrences {
                    if (*event, *outcome) == (NetworkEvent::Connect, Ok(())) {
                        log.counts.connections += 1;
                    }
                    let result = match outcome {
                        Ok(()) => "success".to_owned(),
                        Err(error) => format!("{error:#}"),
                    };
                    let what = format_args!("record {event}: {result} ({name})");
                    self.detail(&log, "provider", what);
                }
            }
            Happening::Recorded(result) => {
                log.counts.records += 1;
                match result {
                    // SetEvent has its own line.
                    Ok(recorded) if recorded.wake == Wake::Set => {}
                    Ok(recorded) if recorded.wake == Wake::HandedOver => self.detail(
                        &log,
                        "provider",
                        "  left to the selection that is under way (K2)",
                    ),
                    Ok(recorded) if recorded.new.is_empty() => {
                        self.detail(&log, "provider", "  a repeat: no SetEvent (R3)");
                    }
                    Ok(_) => self.detail(&log, "provider", "  not selected: no SetEvent (R4)"),
                    Err(error) => self.line(&log, "provider", format_args!("  owed: {error} (R6)")),
                }
                drop(log);
                self.counted.notify_all();
            }
        }
    }

    /// The summary; whether every promise was kept.
    pub(crate) fn end(&self) -> bool {
        let log = self.log();
        let counts = log.counts;
        print(format_args!(
            "\n{} connections, {} records, {} SetEvents, {} ResetEvents, {} reports, {:.1} ms",
            counts.connections,
            counts.records,
            counts.sets,
            counts.resets,
            counts.reports,
            self.start.elapsed().as_secs_f64() * 1e3,
        ));
        if log.failed.is_empty() {
            print(format_args!("{} checks, all kept", counts.checks));
        } else {
            print(format_args!(
                "{} checks; {} promises NOT KEPT:",
                counts.checks,
                log.failed.len()
            ));
            for promise in &log.failed {
                print(format_args!("FAILED: {promise}"));
            }
        }
        log.failed.is_empty()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn name_of(&self, s: SOCKET) -> String {
        let name = self.names.get(&s).cloned();
        name.unwrap_or_else(|| format!("socket {s:#x}"))
    }
}

/// A reader who has seen enough, and has closed the pipe, is no reason to fail.
fn print(line: std::fmt::Arguments<'_>) {
    let _closed = writeln!(io::stdout(), "{line}");
}

type Interruption = Box<dyn FnOnce() + Send>;

/// An event object around another, as a tracer is: it shows the calls. And it can be interrupted, once,
/// at the moment when ResetEvent has been called and has not yet done its work.
pub(crate) struct TracedEvent {
    event: ManualResetEvent,
    timeline: Arc<Timeline>,
    interruption: Mutex<Option<Interruption>>,
}

impl TracedEvent {
    pub(crate) fn new(timeline: &Arc<Timeline>) -> Self {
        Self {
            event: ManualResetEvent::new(),
            timeline: Arc::clone(timeline),
            interruption: Mutex::new(None),
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        self.event.is_set()
    }

    /// WSAWaitForMultipleEvents, for one; whether it was set in time.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        self.event.wait_timeout(self.timeline.patience(limit))
    }

    pub(crate) fn interrupt_next_reset(&self, interruption: impl FnOnce() + Send + 'static) {
        *self.interruption() = Some(Box::new(interruption));
    }

    fn interruption(&self) -> MutexGuard<'_, Option<Interruption>> {
        self.interruption.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSignal for TracedEvent {
    fn set_event(&self) -> Result<(), SignalError> {
        let mut log = self.timeline.log();
        log.counts.sets += 1;
        self.timeline.detail(&log, "event object", "SetEvent");
        drop(log);
        self.event.set_event()
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        // Out of the lock before it runs: meanwhile the event object may be set, by another recorder.
        let interruption = self.interruption().take();
        if let Some(interruption) = interruption {
            interruption();
        }
        let mut log = self.timeline.log();
        log.counts.resets += 1;
        self.timeline.detail(&log, "event object", "ResetEvent");
        drop(log);
        self.event.reset_event()
    }
}
