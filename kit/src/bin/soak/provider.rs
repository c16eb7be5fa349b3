//! A provider: it queues and records.

use std::thread;

use wsp_events::NetworkEvent;

use crate::random::Random;
use crate::socket::Socket;
use crate::tally::{Count, Tally};

/// The most occurrences of one event in a row.
const BURST: u32 = 64;

/// A round ends early for a provider that has found all its windows full this many times: the switches are slow or stuck.
const PATIENCE: u32 = 200;

pub(crate) struct Provider<'a> {
    lanes: Vec<Lane<'a>>,
    sockets: Vec<&'a Socket>,
    random: Random,
    pub(crate) tally: Tally,
}

/// One of the queues that this provider fills, up to the size of its window. When that is full, nothing is put in until
/// the queue is empty, so that the next record does not repair a loss.
struct Lane<'a> {
    socket: &'a Socket,
    event: NetworkEvent,
    room: u32,
}

impl Lane<'_> {
    fn has_room(&mut self, random: &mut Random) -> bool {
        if self.room == 0 && self.socket.queue(self.event).waiting() == 0 {
            // Short windows are often full, long ones bring many repeats.
            self.room = [1, 2, 2, 3, 4, 8, 32, 128][random.below(8)];
        }
        self.room > 0
    }
}

impl<'a> Provider<'a> {
    pub(crate) fn new(
        places: impl Iterator<Item = (&'a Socket, NetworkEvent)>,
        sockets: Vec<&'a Socket>,
        random: Random,
    ) -> Self {
        let lanes = places.map(|(socket, event)| Lane { socket, event, room: 0 }).collect();
        Self { lanes, sockets, random, tally: Tally::default() }
    }

    pub(crate) fn round(&mut self, operations: u64) {
        let end = self.tally.operations() + operations;
        let mut patience = PATIENCE;
        let mut full = 0;
        while self.tally.operations() < end && patience > 0 {
            let at = self.random.below(self.lanes.len());
            if self.lanes[at].has_room(&mut self.random) {
                full = 0;
                match self.random.below(64) {
                    0 => self.enumerate(),
                    1..8 => self.batch(at),
                    _ => self.burst(at),
                }
                continue;
            }
            full += 1;
            if full == self.lanes.len() {
                full = 0;
                patience -= 1;
                thread::yield_now();
            }
        }
    }

    /// One event several times; one of them an error, if the event can fail.
    fn burst(&mut self, at: usize) {
        let Self { lanes, random, tally, .. } = self;
        let Lane { socket, event, room } = &mut lanes[at];
        let times = (*room).min(BURST);
        *room -= times;
        let fails = Socket::can_fail(*event) && random.one_in(4);
        let error_at = if fails { random.below(times as usize) as u32 } else { times };
        let queue = socket.queue(*event);
        for time in 0..times {
            if time == error_at
                && let Some(error) = queue.push_error(|serial| socket.code(*event, serial))
            {
                socket.record(*event, Err(error), tally);
                tally[Count::Errors] += 1;
                continue;
            }
            queue.push();
            socket.record(*event, Ok(()), tally);
        }
    }

    /// Several events of one socket as one step (R5).
    fn batch(&mut self, at: usize) {
        let Self { lanes, random, tally, .. } = self;
        let socket = lanes[at].socket;
        let same = lanes.iter_mut().skip(at).take_while(|lane| std::ptr::eq(lane.socket, socket));
        let mut batch = [None; 3];
        for (lane, place) in
            same.filter_map(|lane| lane.has_room(random).then_some(lane)).zip(&mut batch)
        {
            lane.room -= 1;
            socket.queue(lane.event).push();
            *place = Some((lane.event, Ok(())));
        }
        let recorded = socket.recorder.record_all(batch.into_iter().flatten());
        for event in recorded.signaled().expect("no event object fails").new.members() {
            socket.queue(event).count_new();
        }
        tally[Count::Batches] += 1;
    }

    /// An enumeration besides those of the switch, without an event object (E6).
    fn enumerate(&mut self) {
        let socket = self.sockets[self.random.below(self.sockets.len())];
        let report = socket.recorder.enumerate().expect("nothing is closed");
        self.tally[Count::Enumerations] += 1;
        socket.take(&report, &mut self.random, &mut self.tally);
    }
}
