//! A socket: its recorder, and a queue for each event. And the sockets that share an event object.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use wsp_events::{
    FD_MAX_EVENTS, ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, Report,
    WsaError,
};

use crate::event_object::EventObject;
use crate::ledger::Queue;
use crate::random::Random;
use crate::tally::{Count, Tally};

/// Events whose queue is emptied by a call that first re-enables and then looks (L2): WSPRecv, WSPAccept, and the WSPIoctl
/// by which a program asks for a change (L3). They never fail, since such a call may withdraw them.
const RECEIVED: NetworkEvents = NetworkEvents::FD_READ
    .union(NetworkEvents::FD_OOB)
    .union(NetworkEvents::FD_ACCEPT)
    .union(ASKED_FOR);

/// Each program has asked for these before anything happens (L3).
const ASKED_FOR: NetworkEvents =
    NetworkEvents::FD_ROUTING_INTERFACE_CHANGE.union(NetworkEvents::FD_ADDRESS_LIST_CHANGE);

pub(crate) struct Socket {
    number: usize,
    pub(crate) recorder: NetworkEventRecorder<Arc<EventObject>>,
    queues: [Queue; FD_MAX_EVENTS],
}

/// Sockets that share one event object (P3), or one socket with its own; and another event object for the next selection.
pub(crate) struct Flock {
    pub(crate) sockets: Vec<Socket>,
    objects: [Arc<EventObject>; 2],
    current: AtomicUsize,
}

impl Socket {
    fn new(number: usize) -> Self {
        let recorder = NetworkEventRecorder::new();
        ASKED_FOR.members().for_each(|event| recorder.reenable(event));
        Self { number, recorder, queues: Default::default() }
    }

    #[inline]
    pub(crate) fn queue(&self, event: NetworkEvent) -> &Queue {
        &self.queues[event.bit_position()]
    }

    pub(crate) fn can_fail(event: NetworkEvent) -> bool {
        !RECEIVED.contains(event.flag())
    }

    /// The code of an error: no other error that is out at the same time has it.
    pub(crate) fn code(&self, event: NetworkEvent, serial: u64) -> WsaError {
        let place = (self.number * FD_MAX_EVENTS + event.bit_position()) as i32 & 0xfff;
        let code = 1 << 30 | (serial as i32 & 0x3_ffff) << 12 | place;
        WsaError::from_code(code).expect("bit 30 is set")
    }

    /// What a program does with a report: it empties the queue of each event.
    pub(crate) fn take(&self, report: &Report, random: &mut Random, tally: &mut Tally) {
        tally[Count::Empty] += u64::from(report.events().is_empty());
        for (event, outcome) in report.iter() {
            let queue = self.queue(event);
            queue.count_report();
            if let Err(error) = outcome {
                queue.take_error(error, |serial| self.code(event, serial), tally);
            }
            let is_received = RECEIVED.contains(event.flag());
            if is_received {
                self.recorder.reenable(event);
                tally[Count::Receives] += 1;
            }
            let (drained, is_left) = queue.drain(is_received && random.one_in(4));
            tally[Count::Drained] += drained;
            tally[Count::Spurious] += u64::from(drained == 0 && !is_left);
            if is_left {
                self.record(event, Ok(()), tally); // L2: the receiving call looks, and finds more.
            }
        }
    }

    #[inline]
    pub(crate) fn record(
        &self,
        event: NetworkEvent,
        outcome: Result<(), WsaError>,
        tally: &mut Tally,
    ) {
        // Every other socket records in two steps (R9).
        let recorded = match self.number % 2 {
            0 => self.recorder.record(event, outcome),
            _ => self.recorder.record_unsignaled(event, outcome).signal(),
        };
        recorded.signaled().expect("no event object fails");
        tally[Count::Records] += 1;
        if recorded.new.is_empty() {
            tally[Count::Repeats] += 1;
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

    /// Selects the other event object for all sockets. It may be set at once (S2); then the next wait finds it.
    pub(crate) fn select_other(&self, events: NetworkEvents) {
        let next = 1 - self.current.load(SeqCst);
        let object = &self.objects[next];
        for socket in &self.sockets {
            socket.recorder.select(events, Arc::clone(object)).expect("no event object fails");
        }
        self.current.store(next, SeqCst);
    }

    /// At rest: counts what is wrong, and corrects the ledger. Returns whether a socket is stuck.
    pub(crate) fn audit(&self, tally: &mut Tally) -> bool {
        let mut is_stuck = false;
        for Socket { recorder, queues, .. } in &self.sockets {
            let recorded = recorder.recorded();
            if recorded.intersects(recorder.selected()) && !self.object().is_set() {
                tally[Count::Stuck] += 1;
                is_stuck = true;
            }
            for (event, queue) in NetworkEvent::ALL.into_iter().zip(queues) {
                queue.audit(recorded.contains(event.flag()), Socket::can_fail(event), tally);
            }
        }
        is_stuck
    }
}
