//! Tables of sockets: ours, a map under a lock, which is what people write, and what other crates have. All keep a socket alive
//! while a call uses it (P5), and all but the array could give it a second descriptor (P4).
//!
//! The maps clone a reference, as a provider must: the call that follows runs foreign code (the event object's), which must
//! not run under a lock, nor keep back what others remove. sharded-slab counts the references of each slot by itself.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

use wsp_events::{ManualResetEvent, NetworkEventRecorder, SocketTable};

use crate::machine::Apart;
use crate::memory::bytes_of;
use crate::peers::selected;

pub(crate) type Event = Arc<ManualResetEvent>;
pub(crate) type Recorder = NetworkEventRecorder<Event>;

pub(crate) trait Find: Sync {
    /// Calls with a socket, which stays alive meanwhile.
    fn with(&self, descriptor: usize, call: impl FnOnce(&Recorder));
}

pub(crate) trait Table: Find + Default {
    fn open(&self, socket: Recorder) -> usize;
    fn close(&self, descriptor: usize);
}

impl Find for SocketTable<Recorder> {
    #[inline]
    fn with(&self, descriptor: usize, call: impl FnOnce(&Recorder)) {
        call(&self.get(descriptor).unwrap());
    }
}

impl Table for SocketTable<Recorder> {
    fn open(&self, socket: Recorder) -> usize {
        self.insert(socket).unwrap()
    }

    fn close(&self, descriptor: usize) {
        self.remove(descriptor).unwrap();
    }
}

/// Its keys fit into the 29 bits that P1 leaves, for 16 threads. Most of them are the place; the generation has what is left.
pub(crate) struct In29Bits;

impl sharded_slab::Config for In29Bits {
    const MAX_THREADS: usize = 16;
    const MAX_PAGES: usize = 16;
    const INITIAL_PAGE_SIZE: usize = 32;
    const RESERVED_BITS: usize = usize::BITS as usize - 29;
}

pub(crate) struct Slab(sharded_slab::Slab<Arc<Recorder>, In29Bits>);

impl Default for Slab {
    fn default() -> Self {
        Self(sharded_slab::Slab::new_with_config())
    }
}

impl Find for Slab {
    #[inline]
    fn with(&self, descriptor: usize, call: impl FnOnce(&Recorder)) {
        call(&self.0.get(descriptor).unwrap());
    }
}

impl Table for Slab {
    fn open(&self, socket: Recorder) -> usize {
        self.0.insert(Arc::new(socket)).unwrap()
    }

    fn close(&self, descriptor: usize) {
        assert!(self.0.remove(descriptor));
    }
}

/// What gives a map its keys. They come back when the counter comes round: P1 needs no more.
#[derive(Default)]
pub(crate) struct Counter(AtomicUsize);

impl Counter {
    fn next(&self) -> usize {
        4 * (1 + self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// For keys that nobody chooses, one multiplication is enough.
#[derive(Default)]
pub(crate) struct Multiply(u64);

impl Hasher for Multiply {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are usize");
    }

    fn write_usize(&mut self, key: usize) {
        self.0 = (key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type Hash = BuildHasherDefault<Multiply>;

#[derive(Default)]
pub(crate) struct Papaya(papaya::HashMap<usize, Arc<Recorder>, Hash>, Counter);

impl Find for Papaya {
    #[inline]
    fn with(&self, descriptor: usize, call: impl FnOnce(&Recorder)) {
        let socket = self.0.pin().get(&descriptor).cloned().unwrap();
        call(&socket);
    }
}

impl Table for Papaya {
    fn open(&self, socket: Recorder) -> usize {
        let descriptor = self.1.next();
        self.0.pin().insert(descriptor, Arc::new(socket));
        descriptor
    }

    fn close(&self, descriptor: usize) {
        assert!(self.0.pin().remove(&descriptor).is_some());
    }
}

#[derive(Default)]
pub(crate) struct Scc(scc::HashIndex<usize, Arc<Recorder>, Hash>, Counter);

impl Find for Scc {
    #[inline]
    fn with(&self, descriptor: usize, call: impl FnOnce(&Recorder)) {
        let socket = self.0.peek_with(&descriptor, |_, socket| socket.clone()).unwrap();
        call(&socket);
    }
}

impl Table for Scc {
    fn open(&self, socket: Recorder) -> usize {
        let descriptor = self.1.next();
        assert!(self.0.insert_sync(descriptor, Arc::new(socket)).is_ok());
        descriptor
    }

    fn close(&self, descriptor: usize) {
        assert!(self.0.remove_sync(&descriptor));
    }
}

#[derive(Default)]
pub(crate) struct Map(RwLock<HashMap<usize, Arc<Recorder>>>, Counter);

impl Find for Map {
    #[inline]
    fn with(&self, descriptor: usize, call: impl FnOnce(&Recorder)) {
        let socket = self.0.read().unwrap().get(&descriptor).cloned().unwrap();
        call(&socket);
    }
}

impl Table for Map {
    fn open(&self, socket: Recorder) -> usize {
        let descriptor = self.1.next();
        self.0.write().unwrap().insert(descriptor, Arc::new(socket));
        descriptor
    }

    fn close(&self, descriptor: usize) {
        assert!(self.0.write().unwrap().remove(&descriptor).is_some());
    }
}

/// The floor of a look-up: the sockets themselves, side by side. No table has fewer cache misses.
pub(crate) struct Array(Vec<Recorder>);

impl Find for Array {
    #[inline]
    fn with(&self, at: usize, call: impl FnOnce(&Recorder)) {
        call(&self.0[at]);
    }
}

/// A table with sockets, and their descriptors in an order that no cache can foresee, the same in every run.
pub(crate) struct Filled<T> {
    pub(crate) table: T,
    descriptors: Vec<usize>,
}

impl Filled<Array> {
    pub(crate) fn array(count: usize, event: &Event) -> Self {
        let sockets = (0..count).map(|_| selected(Arc::clone(event))).collect();
        Self { table: Array(sockets), descriptors: shuffled((0..count).collect()) }
    }
}

impl<T: Table> Filled<T> {
    pub(crate) fn new(count: usize, event: &Event) -> Self {
        let table = T::default();
        let open = |_| table.open(selected(Arc::clone(event)));
        let descriptors = shuffled((0..count).map(open).collect());
        Self { table, descriptors }
    }
}

impl<T: Find> Filled<T> {
    /// A call on one socket of a part after the other.
    pub(crate) fn walk(&self, part: usize, parts: usize, call: fn(&Recorder)) -> impl Fn() + Sync {
        let count = self.descriptors.len() / parts;
        let descriptors = &self.descriptors[part * count..][..count];
        let at = Apart(AtomicUsize::new(0));
        move || {
            let now = at.0.load(Ordering::Relaxed);
            at.0.store(if now + 1 == count { 0 } else { now + 1 }, Ordering::Relaxed);
            self.table.with(descriptors[now], call);
        }
    }
}

fn shuffled(mut descriptors: Vec<usize>) -> Vec<usize> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for at in (1..descriptors.len()).rev() {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        descriptors.swap(at, (random >> 32) as usize % (at + 1));
    }
    descriptors
}

/// All of them, each with as many sockets.
pub(crate) struct Tables {
    pub(crate) ours: Filled<SocketTable<Recorder>>,
    pub(crate) array: Filled<Array>,
    pub(crate) sharded_slab: Filled<Slab>,
    pub(crate) papaya: Filled<Papaya>,
    pub(crate) scc: Filled<Scc>,
    pub(crate) map: Filled<Map>,
    /// A socket's bytes in each, everything included.
    pub(crate) bytes: Vec<(&'static str, f64)>,
}

impl Tables {
    pub(crate) fn new(count: usize, event: &Event) -> Self {
        let mut bytes = Vec::new();
        let (ours, array) = (
            filled("ours", &mut bytes, || Filled::new(count, event)),
            filled("array", &mut bytes, || Filled::array(count, event)),
        );
        let sharded_slab = filled("sharded_slab", &mut bytes, || Filled::new(count, event));
        let papaya = filled("papaya", &mut bytes, || Filled::new(count, event));
        let scc = filled("scc", &mut bytes, || Filled::new(count, event));
        let map = filled("map", &mut bytes, || Filled::new(count, event));
        Self { ours, array, sharded_slab, papaya, scc, map, bytes }
    }
}

fn filled<T>(
    name: &'static str,
    bytes: &mut Vec<(&'static str, f64)>,
    fill: impl FnOnce() -> Filled<T>,
) -> Filled<T> {
    let (allocated, filled) = bytes_of(fill);
    let count = filled.descriptors.len();
    let descriptors = size_of::<usize>() * filled.descriptors.capacity();
    bytes.push((name, (allocated - descriptors) as f64 / count as f64));
    filled
}

/// The sides of a row: `$table` is each filled table, `$name` its name. Of two sizes it is a pair.
macro_rules! each_table {
    ($tables:tt, |$name:ident, $table:ident| $side:expr) => {
        crate::tables::each_table!($tables, |$name, $table| $side;
            ours, array, sharded_slab, papaya, scc, map)
    };
    ($tables:tt, |$name:ident, $table:ident| $side:expr; $($each:ident),*) => {
        vec![$({
            let ($name, $table) = (stringify!($each), crate::tables::each_table!(@ $tables, $each));
            $side
        }),*]
    };
    (@ ($many:ident, $few:ident), $each:ident) => { (&$many.$each, &$few.$each) };
    (@ $tables:ident, $each:ident) => { &$tables.$each };
}
pub(crate) use each_table;
