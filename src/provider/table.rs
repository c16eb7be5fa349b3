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

/// How many bits of a descriptor say which slot of the table it names; the rest say which of the
/// sockets that the slot has held. The unit tests fill a small table.
const INDEX_BITS: u32 = if cfg!(test) {
    4
} else if cfg!(target_pointer_width = "64") {
    32
} else {
    20
};
const GENERATIONS: usize = SOCKET::MAX >> INDEX_BITS;
/// One short of all: the last index with the last generation would be `INVALID_SOCKET`.
const SLOTS: usize = (1 << INDEX_BITS) - 1;
const SHARDS: usize = 64;

/// Sockets by descriptor, from many threads at once, for a provider that has no table of its own. `T`
/// is the provider's own socket, with its recorder somewhere inside.
///
/// A descriptor is never taken for an earlier socket's: after a close its slot gets another descriptor,
/// and the old value comes back only after 4 294 967 295 closes of the same slot (4095 on 32-bit
/// targets), with the slot that was free the longest used first (P1). Descriptors are never 0 and never
/// `INVALID_SOCKET`. There is room for 4 294 967 295 at a time (1 048 575 on 32-bit targets).
///
/// A look-up takes a shared lock for a moment, and shares it with the look-ups of one descriptor in
/// sixty-four; inserting, duplicating and removing take it exclusively. Neither calls into `T`. The table
/// itself takes some eight kilobytes: it belongs into a `static`, an `Arc` or a `Box`.
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
#[derive(Debug)]
pub struct SocketTable<T> {
    /// Neighbours are in different shards, so that threads which look up different sockets seldom meet.
    shards: [Shard<T>; SHARDS],
    /// Whoever has it may lock shards; who has a shard does not lock it.
    unused: Mutex<Unused>,
}

/// In a cache line of its own, and its neighbour that processors fetch with it.
#[derive(Debug)]
#[repr(align(128))]
struct Shard<T>(RwLock<Vec<Slot<T>>>);

#[derive(Debug)]
struct Unused {
    /// Free slots, the one that was freed first in front.
    free: VecDeque<usize>,
    /// The first slot that was never used.
    next: usize,
}

#[derive(Debug)]
struct Slot<T> {
    /// 1 to `GENERATIONS`.
    generation: usize,
    socket: Option<SocketRef<T>>,
}

/// A socket of a [`SocketTable`], kept alive: a call that has one completes on this socket even if it
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
    /// Goes up only while a descriptor that is counted keeps the socket in the table, and its shard locked.
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
    /// How many other descriptors still name it. With none the socket has come to its end, and its
    /// recorder is to be closed (P4, S7): in this order, so that a call is never told of a closed record
    /// by the descriptor of a socket that is still there.
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

    /// Puts a socket into the table, under a descriptor of its own.
    ///
    /// # Errors
    ///
    /// [`TableFull`]; the socket is dropped.
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

    /// The socket that a descriptor names; `None` if it names none, or no longer (P1).
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

    /// A further descriptor of the same socket, which has one record for all of them (P4); `None` if the
    /// descriptor names no socket.
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
        // Kept to the end: until it has its new descriptor the socket may lose its old one, and whoever asks
        // for all sockets waits.
        let mut unused = self.unused();
        let slot = unused.reserve();
        let named = self.change(descriptor, |named| {
            let socket = named.socket.clone()?;
            socket.0.descriptors.fetch_add(usize::from(slot.is_ok()), Ordering::Relaxed);
            Some(socket)
        });
        let Some(socket) = named else {
            unused.free.extend(slot);
            return Ok(None);
        };
        Ok(Some(self.put(slot?, socket)))
    }

    /// Takes a descriptor out of the table; `None` if it names no socket. From now on it is
    /// WSAENOTSOCK (P1); a call that has looked it up before completes (P5).
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

    /// All sockets at this moment, each once however many descriptors it has, in no particular order:
    /// to tell every one that the network went down, say.
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
        // All at once, or else a socket could slip through on its way from one descriptor to another.
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

    /// Puts a socket into a slot that was reserved; returns its descriptor.
    fn put(&self, at: usize, socket: SocketRef<T>) -> SOCKET {
        let mut slots = self.shard(at).write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have reserved the next slot of the shard, and come first.
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

    /// Nothing panics between two changes that belong together, so that no poisoned lock, here or in a
    /// shard, holds anything half done.
    fn unused(&self) -> MutexGuard<'_, Unused> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unused {
    /// A slot for the caller alone, who puts a socket into it.
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

    /// P1: the value of a descriptor comes back only after every generation of its slot; none of them
    /// is 0 or INVALID_SOCKET. The middle of the way is skipped by setting the slot's generation.
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

    /// Catches a table that goes on when its descriptors are used up, or has fewer than it says.
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

    /// Catches a reference that does not show its socket.
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
