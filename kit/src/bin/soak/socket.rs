//! A socket: its recorder, and a queue for each event; and the sockets that share an event object.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use wsp_events::{
    FD_MAX_EVENTS, ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, Report,
    WsaError,
};

use crate::event_object::EventObject;
use crate::ledger::{Faults, Queue};
use crate::random::Random;

/// Events whose queue is emptied by a call of its own (WSPRecv, WSPAccept), which re-enables first and
/// looks afterwards (L2). They never fail, since such a call may withdraw them.
const RECEIVED: NetworkEvents =
    NetworkEvents::FD_READ.union(NetworkEvents::FD_OOB).union(NetworkEvents::FD_ACCEPT);

pub(crate) struct Socket {
    number: usize,
    pub(crate) recorder: NetworkEventRecorder<Arc<EventObject>>,
    queues: [Queue; FD_MAX_EVENTS],
}

/// Sockets that have one event object together (P3), or one socket with its own; and another event object
/// for the next selection.
pub(crate) struct Flock {
    pub(crate) sockets: Vec<Socket>,
    objects: [Arc<EventObject>; 2],
    current: AtomicUsize,
}

/// What one thread has done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) records: u64,
    pub(crate) repeats: u64,
    pub(crate) errors: u64,
    pub(crate) batches: u64,
    pub(crate) enumerations: u64,
    pub(crate) empty: u64,
    pub(crate) spurious: u64,
    pub(crate) drained: u64,
    pub(crate) receives: u64,
    pub(crate) selections: u64,
    pub(crate) wakes: u64,
    pub(crate) faults: Faults,
}

impl Tally {
    /// Calls on recorders.
    pub(crate) fn operations(&self) -> u64 {
        self.records + self.batches + self.enumerations + self.receives + self.selections
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.repeats += other.repeats;
        self.errors += other.errors;
        self.batches += other.batches;
        self.enumerations += other.enumerations;
        self.empty += other.empty;
        self.spurious += other.spurious;
        self.drained += other.drained;
        self.receives += other.receives;
        self.selections += other.selections;
        self.wakes += other.wakes;
        self.faults.add(other.faults);
    }
}

impl Socket {
    fn new(number: usize) -> Self {
        Self { number, recorder: NetworkEventRecorder::new(), queues: Default::default() }
    }

    #[inline]
    pub(crate) fn queue(&self, event: NetworkEvent) -> &Queue {
        &self.queues[event.bit_position()]
    }

    pub(crate) fn can_fail(event: NetworkEvent) -> bool {
        !RECEIVED.contains(event.flag())
    }

    /// The code of an error: no other one that is out at the same time has it.
    pub(crate) fn code(&self, event: NetworkEvent, serial: u64) -> WsaError {
        let place = (self.number * FD_MAX_EVENTS + event.bit_position()) as i32 & 0xfff;
        let code = 1 << 30 | (serial as i32 & 0x3_ffff) << 12 | place;
        WsaError::from_code(code).expect("bit 30 is set")
    }

    /// What a program does with a report: it empties the queue of each event.
    pub(crate) fn take(&self, report: &Report, random: &mut Random, tally: &mut Tally) {
        tally.empty += u64::from(report.events().is_empty());
        for (event, outcome) in report.iter() {
            let queue = self.queue(event);
            queue.count_report();
            if let Err(error) = outcome {
                tally.faults.add(queue.take_error(error, |serial| self.code(event, serial)));
            }
            if RECEIVED.contains(event.flag()) {
                self.receive(event, random.one_in(4), tally);
            } else {
                let (drained, _) = queue.drain(false);
                tally.drained += drained;
                tally.spurious += u64::from(drained == 0);
            }
        }
    }

    /// WSPRecv, or WSPAccept: re-enable, consume, look, and record again if something is left (L2).
    fn receive(&self, event: NetworkEvent, half: bool, tally: &mut Tally) {
        self.recorder.reenable(event);
        tally.receives += 1;
        let (drained, is_left) = self.queue(event).drain(half);
        tally.drained += drained;
        tally.spurious += u64::from(drained == 0 && !is_left);
        if is_left {
            self.record(event, Ok(()), tally);
        }
    }

    #[inline]
    pub(crate) fn record(
        &self,
        event: NetworkEvent,
        outcome: Result<(), WsaError>,
        tally: &mut Tally,
    ) {
        let recorded = self.recorder.record(event, outcome);
        recorded.signaled().expect("no event object fails");
        tally.records += 1;
        if recorded.new.is_empty() {
            tally.repeats += 1;
        } else {
            self.queue(event).count_new();
        }
    }
}

impl Flock {
    pub(crate) fn new(numbers: impl Iterator<Item = usize>, bell: &Arc<ManualResetEvent>) -> Self {
        Self {
            sockets: numbers.map(Socket::new).collect(),
            objects: [EventObject::new(bell), EventObject::new(bell)],
            current: AtomicUsize::new(0),
        }
    }

    pub(crate) fn object(&self) -> &Arc<EventObject> {
        &self.objects[self.current.load(SeqCst)]
    }

    /// Selects the other event object for all sockets: it may be set at once (S2), and then the next wait
    /// finds it.
    pub(crate) fn select_other(&self, events: NetworkEvents) {
        let next = 1 - self.current.load(SeqCst);
        let object = &self.objects[next];
        for socket in &self.sockets {
            socket.recorder.select(events, Arc::clone(object)).expect("no event object fails");
        }
        self.current.store(next, SeqCst);
    }

    /// At rest: what is wrong. The ledger is put right. Whether a socket is stuck; setting the event object
    /// helps.
    pub(crate) fn audit(&self, faults: &mut Faults) -> bool {
        let mut is_stuck = false;
        for Socket { recorder, queues, .. } in &self.sockets {
            let recorded = recorder.recorded();
            if recorded.intersects(recorder.selected()) && !self.object().is_set() {
                faults.stuck += 1;
                is_stuck = true;
            }
            for (event, queue) in NetworkEvent::ALL.into_iter().zip(queues) {
                let is_recorded = recorded.contains(event.flag());
                faults.add(queue.audit(is_recorded, Socket::can_fail(event)));
            }
        }
        is_stuck
    }
}
