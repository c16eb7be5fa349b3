//! A provider's thread: it queues and records.

use std::thread;

use wsp_events::NetworkEvent;

use crate::random::Random;
use crate::socket::{Socket, Tally};

/// So many occurrences of one event in a row, at most.
const BURST: u32 = 64;

/// A round ends early for a provider that has found everything full so often: the switches are slow, or
/// stuck.
const PATIENCE: u32 = 200;

pub(crate) struct Provider<'a> {
    lanes: Vec<Lane<'a>>,
    sockets: Vec<&'a Socket>,
    random: Random,
}

/// One of the queues that this provider fills, as far as its window allows: when it is full, nothing comes
/// after it until all of it was taken out. So what is lost stays lost, and is not repaired by the next
/// record.
struct Lane<'a> {
    socket: &'a Socket,
    event: NetworkEvent,
    room: u32,
}

impl Lane<'_> {
    fn has_room(&mut self, random: &mut Random) -> bool {
        if self.room == 0 && self.socket.queue(self.event).waiting() == 0 {
            // Short windows have many ends, long ones many repeats.
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
        Self { lanes, sockets, random }
    }

    pub(crate) fn round(&mut self, operations: u64, tally: &mut Tally) {
        let end = tally.operations() + operations;
        let mut patience = PATIENCE;
        let mut full = 0;
        while tally.operations() < end && patience > 0 {
            let at = self.random.below(self.lanes.len());
            if self.lanes[at].has_room(&mut self.random) {
                full = 0;
                self.play(at, tally);
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

    fn play(&mut self, at: usize, tally: &mut Tally) {
        match self.random.below(64) {
            0 => self.enumerate(tally),
            1..8 => self.batch(at, tally),
            _ => self.burst(at, tally),
        }
    }

    /// An event again and again; one of them an error, if it can fail.
    fn burst(&mut self, at: usize, tally: &mut Tally) {
        let Lane { socket, event, room } = &mut self.lanes[at];
        let times = (*room).min(BURST);
        *room -= times;
        let fails = Socket::can_fail(*event) && self.random.one_in(4);
        let error_at = if fails { self.random.below(times as usize) as u32 } else { times };
        let queue = socket.queue(*event);
        for time in 0..times {
            if time == error_at
                && let Some(error) = queue.push_error(|serial| socket.code(*event, serial))
            {
                socket.record(*event, Err(error), tally);
                tally.errors += 1;
                continue;
            }
            queue.push();
            socket.record(*event, Ok(()), tally);
        }
    }

    /// Several events of one socket as one step (R5).
    fn batch(&mut self, at: usize, tally: &mut Tally) {
        let Self { lanes, random, .. } = self;
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
        tally.batches += 1;
    }

    /// An enumeration beside the switch's own, without an event object (E6).
    fn enumerate(&mut self, tally: &mut Tally) {
        let socket = self.sockets[self.random.below(self.sockets.len())];
        let report = socket.recorder.enumerate().expect("nothing is closed");
        tally.enumerations += 1;
        socket.take(&report, &mut self.random, tally);
    }
}
