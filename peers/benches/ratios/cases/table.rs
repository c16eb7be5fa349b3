//! The two calls by descriptor, with few sockets and with many, in an order that a cache cannot predict; against a map
//! under a reader-writer lock, which is what people write. And how much memory a socket takes.

use std::cell::Cell;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, RwLock};

use wsp_events::{
    ManualResetEvent, NetworkEventRecorder, Provider, SOCKET, SocketRef, SocketTable, WSAEVENT,
    enum_network_events,
};

use crate::measure::{Run, median, time};
use crate::memory::bytes_of;
use crate::peers::{StdByHand, selected};

const ROUNDS: usize = 151;
const CALLS: u32 = 2_000;

const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Where a table that doubles has just doubled, and has the most unused memory.
const JUST_GROWN: usize = (1 << 20) + 64;

type Event = Arc<ManualResetEvent>;
type Recorder = NetworkEventRecorder<Event>;

#[derive(Default)]
pub(crate) struct Sockets {
    table: SocketTable<Recorder>,
}

impl Provider for Sockets {
    type EventObject = Event;
    type Socket<'a> = SocketRef<Recorder>;
    type EventObjectToReset<'a> = Event;

    fn subsystem_is_up(&self) -> bool {
        true
    }

    fn find_socket(&self, descriptor: SOCKET) -> Option<SocketRef<Recorder>> {
        self.table.get(descriptor)
    }

    fn recorder_of(socket: &SocketRef<Recorder>) -> &Recorder {
        socket
    }

    fn event_object_to_select(&self, _: WSAEVENT) -> Option<Event> {
        None
    }

    fn event_object_to_reset(&self, _: WSAEVENT) -> Option<Event> {
        None
    }
}

impl Sockets {
    pub(crate) fn with(count: usize, event: &Event) -> (Self, Vec<SOCKET>) {
        let sockets = Self::default();
        let insert = |_| sockets.table.insert(selected(Arc::clone(event))).unwrap();
        let descriptors = shuffled((0..count).map(insert).collect());
        (sockets, descriptors)
    }

    pub(crate) fn enumerate(&self, descriptor: SOCKET) {
        black_box(enum_network_events(black_box(self), descriptor, WSAEVENT::NULL).unwrap());
    }
}

#[derive(Default)]
pub(crate) struct Map(RwLock<HashMap<SOCKET, Arc<StdByHand<Event>>>>);

impl Map {
    pub(crate) fn with(count: usize, event: &Event) -> (Self, Vec<SOCKET>) {
        let socket = || Arc::new(StdByHand::selected(Arc::clone(event)));
        let map: HashMap<_, _> = (1..=count).map(|at| (4 * at, socket())).collect();
        let descriptors = shuffled(map.keys().copied().collect());
        (Self(RwLock::new(map)), descriptors)
    }

    pub(crate) fn enumerate(&self, descriptor: SOCKET) {
        let socket = self.0.read().unwrap().get(&descriptor).cloned().unwrap();
        socket.enumerate_only();
    }
}

/// In an order that is the same in every run.
fn shuffled(mut descriptors: Vec<SOCKET>) -> Vec<SOCKET> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for at in (1..descriptors.len()).rev() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        descriptors.swap(at, (random >> 32) as usize % (at + 1));
    }
    descriptors
}

/// A round of calls on one socket after the other, from where the last round ended.
fn round<'a>(descriptors: &'a [SOCKET], call: impl Fn(SOCKET) + 'a) -> impl Fn() -> f64 + 'a {
    let at = Cell::new(0);
    move || {
        time(CALLS, || {
            call(descriptors[at.get()]);
            at.set(if at.get() + 1 == descriptors.len() { 0 } else { at.get() + 1 });
        })
    }
}

pub(crate) fn measure(run: &mut Run) {
    let event = Arc::new(ManualResetEvent::new());
    run.figure("bytes_recorder", size_of::<Recorder>() as f64);
    let per_socket = [1_000, 1_000_000, JUST_GROWN].map(|count| {
        let (bytes, _kept) = bytes_of(|| Sockets::with(count, &event).0);
        bytes as f64 / count as f64
    });
    run.figure("bytes_socket", per_socket.into_iter().fold(0.0, f64::max));

    let tables = SIZES.map(|size| Sockets::with(size, &event));
    let maps = SIZES.map(|size| Map::with(size, &event));
    let tables = tables.each_ref().map(|(sockets, descriptors)| {
        round(descriptors, |descriptor| sockets.enumerate(descriptor))
    });
    let maps = maps
        .each_ref()
        .map(|(map, descriptors)| round(descriptors, |descriptor| map.enumerate(descriptor)));
    run.rounds("scale_100k_vs_1k", ROUNDS, &tables[2], &tables[0]);
    run.rounds("scale_1m_vs_1k", ROUNDS, &tables[3], &tables[0]);
    run.rounds("enumerate_1k_vs_map", ROUNDS, &tables[0], &maps[0]);
    run.rounds("enumerate_100k_vs_map", ROUNDS, &tables[2], &maps[2]);
    run.rounds("enumerate_1m_vs_map", ROUNDS, &tables[3], &maps[3]);

    // The records alone, in an array: no table has fewer cache misses.
    let arrays = [SIZES[0], SIZES[3]].map(|size| {
        let recorders: Vec<_> = (0..size).map(|_| selected(Arc::clone(&event))).collect();
        (recorders, shuffled((0..size).collect()))
    });
    let arrays = arrays.each_ref().map(|(recorders, order)| {
        round(order, |at| _ = black_box(recorders[at].enumerate().unwrap()))
    });
    run.rounds("array_1m_vs_1k", ROUNDS, &arrays[1], &arrays[0]);

    for (at, size) in SIZES.into_iter().enumerate() {
        let rounds = (0..ROUNDS).map(|_| (tables[at](), maps[at]()));
        let (ours, other): (Vec<_>, Vec<_>) = rounds.unzip();
        run.curve("sockets", "SocketTable", size, median(ours));
        run.curve("sockets", "RwLock<HashMap>", size, median(other));
    }
}
