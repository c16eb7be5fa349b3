//! A switch: it waits, enumerates, and empties the queues of what was reported.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64};

use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEvents};

use crate::random::Random;
use crate::socket::Flock;
use crate::tally::{Count, Tally};

pub(crate) struct Switch {
    pub(crate) flocks: Vec<Flock>,
    bell: Arc<ManualResetEvent>,
    /// How often a wait has begun or ended: odd during a wait.
    turns: AtomicU64,
    is_over: AtomicBool,
}

impl Switch {
    /// A third of the sockets share one event object; each of the others has its own.
    pub(crate) fn new(numbers: &[usize]) -> Self {
        let bell = Arc::default();
        let (shared, others) = numbers.split_at(numbers.len() / 3);
        let alone = others.iter().map(|&number| Flock::new([number].into_iter(), &bell));
        let mut flocks: Vec<_> = alone.collect();
        flocks.push(Flock::new(shared.iter().copied(), &bell));
        for flock in &flocks {
            flock.select_other(NetworkEvents::FD_ALL_EVENTS);
        }
        Self { flocks, bell, turns: AtomicU64::new(0), is_over: AtomicBool::new(false) }
    }

    /// Runs until the end. Adds the calls on recorders to `operations` as it goes.
    pub(crate) fn run(&self, random: &mut Random, operations: &AtomicU64) -> Tally {
        let mut tally = Tally::default();
        loop {
            self.turns.fetch_add(1, SeqCst);
            self.bell.wait();
            self.turns.fetch_add(1, SeqCst);
            if self.is_over.load(SeqCst) {
                return tally;
            }
            self.bell.reset();
            let before = tally.operations();
            tally[Count::WakeUps] += 1;
            for flock in self.flocks.iter().filter(|flock| flock.object().is_set()) {
                Self::visit(flock, random, &mut tally);
            }
            if random.one_in(16) {
                let flock = &self.flocks[random.below(self.flocks.len())];
                Self::reselect(flock, random, &mut tally);
            }
            operations.fetch_add(tally.operations() - before, Relaxed);
        }
    }

    /// The event object is reset before anything is taken: by the first enumeration, or by the program itself, as by an
    /// auto-reset wait. If it is set again, the next visit finds out why (P3, E5).
    fn visit(flock: &Flock, random: &mut Random, tally: &mut Tally) {
        let resets_itself = random.one_in(2);
        if resets_itself {
            flock.object().reset();
        }
        for (at, socket) in flock.sockets.iter().enumerate() {
            let report = match at {
                0 if !resets_itself => socket.recorder.enumerate_and_reset(flock.object()),
                _ => socket.recorder.enumerate(),
            };
            tally[Count::Enumerations] += 1;
            socket.take(&report.expect("no event object fails"), random, tally);
        }
    }

    /// Selects another event object, with or without a pause, and sometimes all events but one.
    fn reselect(flock: &Flock, random: &mut Random, tally: &mut Tally) {
        if random.one_in(2) {
            for socket in &flock.sockets {
                socket.recorder.deselect().expect("nothing is closed");
                tally[Count::Selections] += 1;
            }
        }
        let left_out = NetworkEvent::from_bit_position(random.below(20));
        let left_out = left_out.map_or(NetworkEvents::empty(), NetworkEvent::flag);
        flock.select_other(NetworkEvents::FD_ALL_EVENTS - left_out);
        tally[Count::Selections] += flock.sockets.len() as u64;
    }

    /// Whether it waits, and nothing has ended the wait: the bell is nonsignaled during one wait, and only this switch resets
    /// it, after the wait.
    pub(crate) fn is_at_rest(&self) -> bool {
        let turn = self.turns.load(SeqCst);
        turn % 2 == 1 && !self.bell.is_set() && self.turns.load(SeqCst) == turn
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, SeqCst);
        self.bell.set();
    }
}
