//! Event objects that do harm at random, many threads at work: what was queued comes out in the end.
//!
//! A program of one thread that meets such event objects is checked step by step in kit/tests/state_machine;
//! here no step can be foretold, and the ledger is what counts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::thread;

use wsp_events::{
    FD_MAX_EVENTS, NetworkEvent, NetworkEventRecorder, NetworkEvents, RecorderError, Report,
    SignalError, WsaError,
};

use crate::support::*;

const STEPS: u32 = 400;

/// xorshift32, shared: a choice is a step of whichever thread asks.
struct Random(AtomicU32);

impl Random {
    fn below(&self, end: u32) -> u32 {
        let step = |mut x: u32| {
            x ^= x << 13;
            x ^= x >> 17;
            Some(x ^ x << 5)
        };
        self.0.fetch_update(SeqCst, SeqCst, step).unwrap() % end
    }
}

/// A socket, with a queue for each event outside the recorder.
struct Socket {
    recorder: NetworkEventRecorder<Handle>,
    pushed: [AtomicU64; FD_MAX_EVENTS],
    drained: [AtomicU64; FD_MAX_EVENTS],
    /// Calls that may have recorded the event, and reports of it.
    recorded: [AtomicU64; FD_MAX_EVENTS],
    reported: [AtomicU64; FD_MAX_EVENTS],
    random: Random,
}

impl Socket {
    fn new(seed: u32) -> Arc<Self> {
        Arc::new(Self {
            recorder: NetworkEventRecorder::new(),
            pushed: Default::default(),
            drained: Default::default(),
            recorded: Default::default(),
            reported: Default::default(),
            random: Random(AtomicU32::new(seed.wrapping_mul(0x9e37_79b9) | 1)),
        })
    }

    fn code(at: usize) -> WsaError {
        WsaError::from_code(20_000 + at as i32).unwrap()
    }

    /// Queues, and then records.
    fn occur(&self) -> Result<(), SignalError> {
        let at = self.random.below(8) as usize; // not the two that start latched (L3)
        let outcome = if self.random.below(3) == 0 { Err(Self::code(at)) } else { Ok(()) };
        self.pushed[at].fetch_add(1, SeqCst);
        self.recorded[at].fetch_add(1, SeqCst);
        self.recorder.record(NetworkEvent::ALL[at], outcome).signaled().map(drop)
    }

    fn take(&self, report: &Report) {
        for (event, outcome) in report.iter() {
            let at = event.bit_position();
            self.reported[at].fetch_add(1, SeqCst);
            assert!(outcome.is_ok() || outcome == Err(Self::code(at)), "R2: {event} {outcome:?}");
            self.drained[at].fetch_max(self.pushed[at].load(SeqCst), SeqCst);
        }
    }

    /// K4: from inside the event object; each of these would wait for itself.
    fn meddle(&self) {
        let refused = Err(RecorderError::Reentrant);
        let answers = [
            self.recorder.select(ALL, Handle(Arc::default())),
            self.recorder.deselect(),
            self.recorder.close(),
        ];
        assert_eq!(answers, [refused; 3], "K4");
    }

    /// What its event objects do.
    fn harm(&self, call: Call) -> Result<(), SignalError> {
        if matches!(call, Call::Clone | Call::Drop) {
            return Ok(());
        }
        match self.random.below(16) {
            0 | 1 => return Err(BAD_HANDLE),
            2 => return blow_up(),
            3 => (0..20).for_each(|_| thread::yield_now()),
            4 | 5 => return self.occur(),
            6 => self.meddle(),
            7 => {
                _ = self.occur();
                return Err(BAD_HANDLE);
            }
            8 => {
                _ = self.occur();
                return blow_up();
            }
            9 => _ = self.recorder.enumerate().map(|report| self.take(&report)),
            _ => {}
        }
        Ok(())
    }
}

/// An event object of that socket.
fn harmful(socket: &Arc<Socket>) -> Arc<Event> {
    let (event, socket) = (Event::new(), Arc::downgrade(socket));
    event.always(move |call| socket.upgrade().map_or(Ok(()), |socket| socket.harm(call)));
    event
}

/// A call that may die; whatever else goes wrong in it goes on.
fn survive<R>(call: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(call)).map_err(only_planted).ok()
}

fn storm(seed: u32) {
    let socket = Socket::new(seed);
    let objects = [harmful(&socket), harmful(&socket)];
    survive(|| socket.recorder.select(ALL, Handle(Arc::clone(&objects[0]))));
    thread::scope(|scope| {
        for thread in 0..4 {
            let (socket, objects) = (&socket, &objects);
            scope.spawn(move || {
                for _ in 0..STEPS {
                    let object = &objects[socket.random.below(2) as usize];
                    let select =
                        |events| socket.recorder.select(events, Handle(Arc::clone(object)));
                    survive(|| match (thread, socket.random.below(16)) {
                        (0 | 1, _) => _ = socket.occur(),
                        (_, 0) => _ = select(ALL - NetworkEvents::FD_QOS),
                        (_, 1) => _ = select(ALL),
                        (_, 2) => _ = socket.recorder.inherit(),
                        (_, 3) => {
                            _ = socket.recorder.enumerate().map(|report| socket.take(&report))
                        }
                        _ => {
                            let report = socket.recorder.enumerate_and_reset(&**object);
                            _ = report.map(|report| socket.take(&report));
                        }
                    });
                }
            });
        }
    });
    objects.iter().for_each(|object| object.calm());

    let recorder = &socket.recorder;
    for at in 0..FD_MAX_EVENTS {
        let waits = socket.pushed[at].load(SeqCst) > socket.drained[at].load(SeqCst);
        let is_recorded = recorder.recorded().contains(NetworkEvent::ALL[at].flag());
        assert!(!waits || is_recorded, "E3, K5, E7: seed {seed}: event {at} is lost");
    }
    // Every reset was the socket's own: nobody else has reset the one that is selected.
    let tells = |object: &Arc<Event>| Arc::strong_count(object) > 1 && object.is_set();
    let is_told = recorder.owes_set() || objects.iter().any(tells);
    let reportable = recorder.recorded() & recorder.selected();
    assert!(reportable.is_empty() || is_told, "E5, R6: seed {seed}: nobody is told");
    // One call that works, and the debts are paid (R6).
    let last = Event::new();
    recorder.select(ALL, Handle(Arc::clone(&last))).unwrap();
    assert_eq!(last.is_set(), !recorder.recorded().is_empty(), "S2, E5: seed {seed}");
    assert!(!recorder.owes_set(), "R6: seed {seed}");
    socket.take(&recorder.enumerate_and_reset(&*last).unwrap());
    assert!(!last.is_set() && recorder.recorded().is_empty(), "E5: seed {seed}");
    for at in 0..FD_MAX_EVENTS {
        let [reported, recorded] =
            [&socket.reported, &socket.recorded].map(|counts| counts[at].load(SeqCst));
        assert!(reported <= recorded, "E3: seed {seed}: event {at} is duplicated");
    }
    for object in &objects {
        assert_eq!(Arc::strong_count(object), 1, "P2: seed {seed}");
    }
}

/// Catches a record that a failing, a panicking or a re-entrant event object costs something; a hang of one
/// thread on another, or on itself.
#[test]
fn k5_a_storm_of_faults() {
    for seed in 1..=16 {
        must_return(move || storm(seed));
    }
}
