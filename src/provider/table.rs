//! [`SocketTable`]: descriptors for a provider that has no table of its own.

use core::fmt;
use core::ops::Deref;
use core::sync::atomic::{AtomicUsize, Ordering};

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use super::SOCKET;
use crate::error::TableFull;

/// The low bits of a descriptor are the index of its slot; the rest is the generation of the slot, which counts the
/// sockets that it has held. The unit tests fill a small table.
const INDEX_BITS: u32 = if cfg!(test) {
    4
} else if cfg!(target_pointer_width = "64") {
    32
} else {
    20
};
const GENERATIONS: usize = SOCKET::MAX >> INDEX_BITS;
/// One less than the index could count: the last index with the last generation would be `INVALID_SOCKET`.
const SLOTS: usize = (1 << INDEX_BITS) - 1;
const SHARDS: usize = 64;

/// Sockets by descriptor, for a provider that has no table of its own. Many threads can use it at once. `T` is the
/// provider's own socket, which contains its recorder.
///
/// A closed descriptor does not name the next socket. After a close the slot gets another descriptor, and the old value
/// comes back only after 4 294 967 295 closes of the same slot (4095 on 32-bit targets). The slot that has been free
/// longest is used first (P1). Descriptors are never 0 and never `INVALID_SOCKET`. At most 4 294 967 295 can be open at a
/// time (1 048 575 on 32-bit targets).
///
/// A look-up takes a shared lock for a moment. There are 64 such locks, so look-ups of different descriptors seldom
/// share one. Inserting, duplicating and removing take the lock exclusively. None of them calls into `T`. The table itself
/// takes about eight kilobytes: put it into a `static`, an `Arc` or a `Box`.
///
/// `Debug` prints how many sockets there are.
///
/// ```
/// use wsp_events::SocketTable;
///
/// let table = SocketTable::new();
/// let s = table.insert("a socket")?;
/// assert_eq!(*table.get(s).unwrap(), "a socket");
///
/// table.remove(s);
/// assert!(table.get(s).is_none());
/// assert_ne!(table.insert("the next")?, s);
/// # Ok::<(), wsp_events::TableFull>(())
/// ```
pub struct SocketTable<T> {
    /// Neighbouring slots are in different shards, so that threads that look up different sockets seldom contend.
    shards: [Shard<T>; SHARDS],
    /// Lock order: this lock before a shard's.
    unused: Mutex<Unused>,
}

/// Aligned to two cache lines, since processors fetch lines in pairs.
#[repr(align(128))]
struct Shard<T>(RwLock<Vec<Slot<T>>>);

struct Unused {
    /// Free slots. The slot that has been free longest is in front.
    free: VecDeque<usize>,
    /// The first slot that has never been used.
    next: usize,
}

struct Slot<T> {
    /// 1 to `GENERATIONS`.
    generation: usize,
    socket: Option<SocketRef<T>>,
}

/// A reference that keeps a socket of a [`SocketTable`] alive: a call that has one completes on this socket, even if it
/// is removed meanwhile (P5).
///
/// ```
/// # use wsp_events::SocketTable;
/// let table = SocketTable::new();
/// let s = table.insert(7)?;
/// let socket = table.get(s).unwrap();
/// table.remove(s);
/// assert_eq!(*socket, 7);
/// # Ok::<(), wsp_events::TableFull>(())
/// ```
pub struct SocketRef<T>(Arc<Entry<T>>);

struct Entry<T> {
    /// Increased only while the shard of a counted descriptor is locked.
    descriptors: AtomicUsize,
    socket: T,
}

/// What [`SocketTable::remove`] took out.
///
/// ```
/// # use wsp_events::SocketTable;
/// let table = SocketTable::new();
/// let s = table.insert("socket")?;
/// let t = table.duplicate(s)?.unwrap();
/// assert_eq!(table.remove(s).unwrap().remaining, 1);
/// assert_eq!(table.remove(t).unwrap().remaining, 0);
/// # Ok::<(), wsp_events::TableFull>(())
/// ```
#[derive(Debug)]
pub struct Removed<T> {
    /// The socket that the descriptor named.
    pub socket: SocketRef<T>,
    /// How many other descriptors still name it. If there are none, close the socket's recorder (P4, S7). Close it after
    /// the removal, not before: otherwise a call could find a closed record under a descriptor that still exists.
    pub remaining: usize,
}

impl<T> SocketTable<T> {
    /// An empty table.
    ///
    /// ```
    /// # use wsp_events::SocketTable;
    /// static TABLE: SocketTable<u32> = SocketTable::new();
    /// assert!(TABLE.get(1).is_none());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self {
            shards: [const { Shard(RwLock::new(Vec::new())) }; SHARDS],
            unused: Mutex::new(Unused { free: VecDeque::new(), next: 0 }),
        }
    }

    /// Adds a socket, and returns its descriptor.
    ///
    /// # Errors
    ///
    /// [`TableFull`]. The socket is dropped.
    ///
    /// ```
    /// # use wsp_events::SocketTable;
    /// let table = SocketTable::new();
    /// assert_ne!(table.insert(())?, table.insert(())?);
    /// # Ok::<(), wsp_events::TableFull>(())
    /// ```
    pub fn insert(&self, socket: T) -> Result<SOCKET, TableFull> {
        let socket = SocketRef(Arc::new(Entry { descriptors: AtomicUsize::new(1), socket }));
        let slot = self.unused().reserve()?;
        Ok(self.put(slot, socket))
    }

    /// The socket that a descriptor names; `None` if it names none, or no longer does (P1).
    ///
    /// ```
    /// # use wsp_events::SocketTable;
    /// let table = SocketTable::<u32>::new();
    /// assert!(table.get(0).is_none());
    /// assert!(table.get(wsp_events::INVALID_SOCKET).is_none());
    /// ```
    #[must_use]
    pub fn get(&self, descriptor: SOCKET) -> Option<SocketRef<T>> {
        let slots = self.shard(index(descriptor)).read().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get(index(descriptor) / SHARDS)?;
        slot.socket.clone().filter(|_| slot.generation == generation(descriptor))
    }

    /// Another descriptor of the same socket, with the same record (P4); `None` if the descriptor names no socket.
    ///
    /// # Errors
    ///
    /// [`TableFull`].
    ///
    /// ```
    /// # use wsp_events::SocketTable;
    /// let table = SocketTable::new();
    /// let s = table.insert("socket")?;
    /// let t = table.duplicate(s)?.unwrap();
    /// table.remove(s);
    /// assert_eq!(*table.get(t).unwrap(), "socket");
    /// assert_eq!(table.duplicate(s)?, None);
    /// # Ok::<(), wsp_events::TableFull>(())
    /// ```
    pub fn duplicate(&self, descriptor: SOCKET) -> Result<Option<SOCKET>, TableFull> {
        // Locked to the end, so that `sockets` waits: until the socket has its new descriptor it may lose its old one.
        let mut unused = self.unused();
        let slot = unused.reserve();
        let named = self.change(descriptor, |named| {
            let socket = named.socket.clone()?;
            socket.0.descriptors.fetch_add(usize::from(slot.is_ok()), Ordering::Relaxed);
            Some(socket)
        });
        let Some(socket) = named else {
            slot.into_iter().for_each(|slot| unused.free.push_front(slot));
            return Ok(None);
        };
        Ok(Some(self.put(slot?, socket)))
    }

    /// Removes a descriptor; `None` if it names no socket. From now on it is WSAENOTSOCK (P1). A call that has looked it up
    /// before completes (P5).
    ///
    /// ```
    /// # use wsp_events::SocketTable;
    /// let table = SocketTable::new();
    /// let s = table.insert(1)?;
    /// assert_eq!(*table.remove(s).unwrap().socket, 1);
    /// assert!(table.remove(s).is_none());
    /// # Ok::<(), wsp_events::TableFull>(())
    /// ```
    pub fn remove(&self, descriptor: SOCKET) -> Option<Removed<T>> {
        let removed = self.change(descriptor, |slot| {
            let socket = slot.socket.take()?;
            slot.generation = slot.generation % GENERATIONS + 1;
            let remaining = socket.0.descriptors.fetch_sub(1, Ordering::Relaxed) - 1;
            Some(Removed { socket, remaining })
        })?;
        self.unused().free.push_back(index(descriptor));
        Some(removed)
    }

    /// All sockets at this moment, in no particular order, each once, however many descriptors it has. For example, to
    /// record on each of them that the network went down.
    ///
    /// ```
    /// # use wsp_events::SocketTable;
    /// let table = SocketTable::new();
    /// let s = table.insert("a")?;
    /// table.duplicate(s)?;
    /// table.insert("b")?;
    /// assert_eq!(table.sockets().len(), 2);
    /// # Ok::<(), wsp_events::TableFull>(())
    /// ```
    #[must_use]
    pub fn sockets(&self) -> Vec<SocketRef<T>> {
        // All shards at once. Otherwise a socket could be missed while it gets one descriptor and loses another.
        let _unused = self.unused();
        let shards = self.shards.each_ref().map(|shard| shard.0.read());
        let shards = shards.map(|slots| slots.unwrap_or_else(PoisonError::into_inner));
        let slots = shards.iter().flat_map(|slots| slots.iter());
        let mut sockets: Vec<_> = slots.filter_map(|slot| slot.socket.clone()).collect();
        drop(shards);
        sockets.sort_unstable_by_key(|socket| Arc::as_ptr(&socket.0));
        sockets.dedup_by(|one, other| Arc::ptr_eq(&one.0, &other.0));
        sockets
    }

    /// Puts a socket into a reserved slot, and returns its descriptor.
    fn put(&self, at: usize, socket: SocketRef<T>) -> SOCKET {
        let mut slots = self.shard(at).write().unwrap_or_else(PoisonError::into_inner);
        // Threads may fill the slots that they have reserved in any order.
        while slots.len() <= at / SHARDS {
            slots.push(Slot { generation: 1, socket: None });
        }
        let slot = &mut slots[at / SHARDS];
        slot.socket = Some(socket);
        (slot.generation << INDEX_BITS) + at
    }

    /// Changes the slot that a descriptor names.
    fn change<R>(
        &self,
        descriptor: SOCKET,
        change: impl FnOnce(&mut Slot<T>) -> Option<R>,
    ) -> Option<R> {
        let mut slots =
            self.shard(index(descriptor)).write().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get_mut(index(descriptor) / SHARDS)?;
        if slot.generation == generation(descriptor) { change(slot) } else { None }
    }

    fn shard(&self, at: usize) -> &RwLock<Vec<Slot<T>>> {
        &self.shards[at % SHARDS].0
    }

    /// A poisoned lock, here or of a shard, guards nothing half done: nothing panics between two changes that belong
    /// together.
    fn unused(&self) -> MutexGuard<'_, Unused> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unused {
    /// A slot for the caller alone, to put a socket into.
    fn reserve(&mut self) -> Result<usize, TableFull> {
        if let Some(slot) = self.free.pop_front() {
            return Ok(slot);
        }
        if self.next == SLOTS {
            return Err(TableFull);
        }
        self.next += 1;
        Ok(self.next - 1)
    }
}

const fn index(descriptor: SOCKET) -> usize {
    descriptor & SLOTS
}

const fn generation(descriptor: SOCKET) -> usize {
    descriptor >> INDEX_BITS
}

impl<T> fmt::Debug for SocketTable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketTable")
            .field("sockets", &self.sockets().len())
            .finish_non_exhaustive()
    }
}

impl<T> Default for SocketTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for SocketRef<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.socket
    }
}

impl<T> Clone for SocketRef<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for SocketRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches a descriptor that comes back too early, or is 0 or INVALID_SOCKET. The test sets the slot's generation to
    /// skip most of the way.
    #[test]
    fn p1_generations_wrap_past_the_forbidden_values() {
        let table = SocketTable::new();
        let first = table.insert(()).unwrap();
        table.remove(first);
        table.shards[0].0.write().unwrap()[0].generation = GENERATIONS;
        let last = table.insert(()).unwrap();
        assert_eq!(last, GENERATIONS << INDEX_BITS);
        assert!(table.get(first).is_none());
        table.remove(last);
        assert_eq!(table.insert(()).unwrap(), first);
    }

    /// Catches a table that hands out more descriptors than it has, or fewer than it says.
    #[test]
    fn p1_a_full_table_says_so() {
        let table = SocketTable::new();
        let descriptors: Vec<_> = (0..SLOTS).map(|_| table.insert(()).unwrap()).collect();
        assert_eq!(table.insert(()), Err(TableFull));
        assert_eq!(table.duplicate(descriptors[0]), Err(TableFull));
        assert_eq!(table.remove(descriptors[0]).unwrap().remaining, 0);
        assert!(table.insert(()).is_ok());
        // A slot for each, and no more.
        let slots = table.shards.iter().map(|shard| shard.0.read().unwrap().len());
        assert_eq!(slots.sum::<usize>(), SLOTS);
    }

    /// Catches a table that prints its eight kilobytes.
    #[test]
    fn p4_a_table_prints_how_many_sockets_it_has() {
        let table = SocketTable::new();
        let descriptor = table.insert("socket").unwrap();
        table.duplicate(descriptor).unwrap();
        assert_eq!(std::format!("{table:?}"), "SocketTable { sockets: 1, .. }");
    }

    /// Catches a reference that does not print its socket.
    #[test]
    fn p1_a_reference_shows_the_socket() {
        let table = SocketTable::new();
        let descriptor = table.insert("socket").unwrap();
        assert_eq!(std::format!("{:?}", table.get(descriptor).unwrap()), r#""socket""#);
    }

    /// Catches a slot that is used again at once, so that its values come back the sooner.
    #[test]
    fn p1_the_slot_that_was_free_the_longest_is_used_first() {
        let table = SocketTable::new();
        let descriptors = [(); 3].map(|()| table.insert(()).unwrap());
        for descriptor in descriptors {
            table.remove(descriptor).unwrap();
        }
        let again = descriptors.map(|_| index(table.insert(()).unwrap()));
        assert_eq!(again, descriptors.map(index));
    }

    /// Catches a call with a bad descriptor that keeps the slot which it had reserved.
    #[test]
    fn p4_a_failed_duplicate_keeps_no_slot() {
        let table = SocketTable::new();
        for _ in 0..=SLOTS {
            assert_eq!(table.duplicate(0), Ok(None));
        }
        assert!(table.insert(()).is_ok());
    }

    /// Catches a call with a bad descriptor that moves a slot to the end of the queue.
    #[test]
    fn p1_a_failed_duplicate_leaves_the_order_of_the_slots() {
        let table = SocketTable::new();
        let descriptors = [(); 3].map(|()| table.insert(()).unwrap());
        for descriptor in descriptors {
            table.remove(descriptor);
        }
        assert_eq!(table.duplicate(0), Ok(None));
        assert_eq!(index(table.insert(()).unwrap()), index(descriptors[0]));
    }

    /// Catches a list of all sockets that misses one on its way from one descriptor to another: a list that is
    /// made without the lock, and a duplicate that lets go of it.
    #[test]
    fn p4_a_socket_is_listed_on_its_way_to_another_descriptor() {
        let table = SocketTable::new();
        let mut descriptor = table.insert(()).unwrap();
        for _ in 0..2_000 {
            let moved = std::thread::scope(|scope| {
                let mover = scope.spawn(|| table.duplicate(descriptor).unwrap());
                scope.spawn(|| table.remove(descriptor));
                let mut missed = 0;
                while !mover.is_finished() {
                    missed += usize::from(table.sockets().is_empty());
                }
                mover.join().unwrap().inspect(|_| assert_eq!(missed, 0))
            });
            // The removal may have come first.
            descriptor = moved.unwrap_or_else(|| table.insert(()).unwrap());
        }
    }
}
