//! A switch's thread: it waits, enumerates, and empties the queues of what was reported.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};

use wsp_events::{EventSignal, ManualResetEvent, NetworkEvent, NetworkEvents};

use crate::random::Random;
use crate::socket::{Flock, Tally};

pub(crate) struct Switch {
    pub(crate) flocks: Vec<Flock>,
    bell: Arc<ManualResetEvent>,
    /// How often a wait has begun or ended: odd in a wait.
    turns: AtomicU64,
    is_over: AtomicBool,
}

impl Switch {
    /// A third of the sockets share one event object, the others have each their own.
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

    pub(crate) fn run(&self, random: &mut Random, tally: &mut Tally, publish: impl Fn(&Tally)) {
        loop {
            self.turns.fetch_add(1, SeqCst);
            self.bell.wait();
            self.turns.fetch_add(1, SeqCst);
            if self.is_over.load(SeqCst) {
                return;
            }
            self.bell.reset();
            tally.wakes += 1;
            for flock in &self.flocks {
                if flock.object().is_set() {
                    Self::visit(flock, random, tally);
                }
            }
            if random.one_in(16) {
                let flock = &self.flocks[random.below(self.flocks.len())];
                Self::reselect(flock, random, tally);
            }
            publish(tally);
        }
    }

    /// The event object is reset before anything is taken: by the first enumeration, or by the program
    /// itself, as by an auto-reset wait. Whatever sets it again is seen to in the next visit (P3, E5).
    fn visit(flock: &Flock, random: &mut Random, tally: &mut Tally) {
        let resets_itself = random.one_in(2);
        if resets_itself {
            flock.object().reset_event().expect("no event object fails");
        }
        for (at, socket) in flock.sockets.iter().enumerate() {
            let report = match at {
                0 if !resets_itself => socket.recorder.enumerate_and_reset(flock.object()),
                _ => socket.recorder.enumerate(),
            };
            tally.enumerations += 1;
            socket.take(&report.expect("no event object fails"), random, tally);
        }
    }

    /// Another event object, with or without a pause, and at times all events but one.
    fn reselect(flock: &Flock, random: &mut Random, tally: &mut Tally) {
        if random.one_in(2) {
            for socket in &flock.sockets {
                socket.recorder.deselect().expect("nothing is closed");
                tally.selections += 1;
            }
        }
        let left_out = NetworkEvent::from_bit_position(random.below(20));
        let left_out = left_out.map_or(NetworkEvents::empty(), NetworkEvent::flag);
        flock.select_other(NetworkEvents::FD_ALL_EVENTS - left_out);
        tally.selections += flock.sockets.len() as u64;
    }

    /// Whether it waits, and nothing is there that ends the wait: in one and the same wait the bell is found
    /// nonsignaled, which nobody but this switch makes it, after the wait.
    pub(crate) fn is_at_rest(&self) -> bool {
        let turn = self.turns.load(SeqCst);
        turn % 2 == 1 && !self.bell.is_set() && self.turns.load(SeqCst) == turn
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, SeqCst);
        self.bell.set();
    }
}
