//! [`SocketTable`]: descriptors for a provider that has no table of its own.
//!
//! A descriptor has 31 bits: a generation (8), the index of a slot (21), and two zero bits. When a descriptor is closed,
//! its slot's next one, with the next generation, joins a queue. It is given out when it has come to the front and 256
//! others wait behind it. So at least 256 other closes lie between a close and the next use of the slot, and a value comes
//! back at the 256th use, after 65 536 later closes (P1). While fewer wait, slots that were never used are taken. When
//! none of these is left, the table is full, although up to 256 slots are free. So the promise holds in every state of the
//! table, and costs 256 slots, however many descriptors are closed.
//!
//! A change of the table keeps one lock to its end. A look-up takes only the lock of its shard, and compares the whole
//! descriptor with that of the socket in the slot. A stale one has an earlier generation.

use core::fmt;
use core::ops::Deref;

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::PoisonError;

use super::SOCKET;
use crate::error::TableFull;
use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering, RwLock, array, const_fn};

/// A value comes back after at least so many later closes (P1).
const CLOSES: usize = 65_536;
/// From a slot's descriptor to the next slot's. The low bits are zero, as in a HANDLE.
const NEXT_SLOT: SOCKET = 4;
/// From a slot's descriptor to its next one. There are 2^21 slots.
const NEXT_GENERATION: SOCKET = NEXT_SLOT << 21;
/// Above all descriptors, which are positive as an `int`.
const END: SOCKET = 1 << 31;
/// How many free slots are kept back in the queue.
const WAITING: usize = CLOSES / (END / NEXT_GENERATION);
const SHARDS: usize = 64;

/// Sockets by descriptor, for a provider that has no table of its own. Many threads can use it at once. `T` is the
/// provider's own socket, which contains its recorder.
///
/// A closed descriptor does not name the next socket. Its value comes back only after at least 65 536 later closes (P1).
/// Every descriptor is a positive multiple of 4 below 2^31, on every target. So a program can keep it in 32 bits, signed
/// or unsigned, and it is never 0 or `INVALID_SOCKET`. At least 2 096 895 can be open at a time.
///
/// A look-up takes a shared lock for a moment. There are 64 such locks, so look-ups of different descriptors seldom
/// share one. Inserting, duplicating and removing take a lock of the whole table, and for a moment one of the 64. No call
/// runs code of `T` under a lock. The table itself takes about eight kilobytes: put it into a `static`, an `Arc` or a
/// `Box`. It grows with the number of descriptors that are open at a time, not with the number of closes.
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
/// let int = s as i32;
/// assert_eq!(*table.get(int as usize).unwrap(), "a socket");
///
/// table.remove(s);
/// assert!(table.get(s).is_none());
/// assert_ne!(table.insert("the next")?, s);
/// # Ok::<(), wsp_events::TableFull>(())
/// ```
pub struct SocketTable<T> {
    /// Neighbouring slots are in different shards, so that threads that look up different sockets seldom contend.
    shards: [Shard<T>; SHARDS],
    /// Locked by a change of the table, from its beginning to its end. Lock order: this lock before a shard's.
    unused: Mutex<Unused>,
}

/// Aligned to two cache lines, since processors fetch lines in pairs.
#[repr(align(128))]
struct Shard<T>(RwLock<Vec<Slot<T>>>);

/// The socket that is here, with its descriptor.
type Slot<T> = Option<(SOCKET, SocketRef<T>)>;

/// Descriptors that can be given out.
struct Unused {
    /// The next ones of the slots that were closed, in the order of the closes; with room for every slot that was ever used,
    /// so that a close does not allocate. Descriptors fit into 31 bits.
    queue: VecDeque<u32>,
    /// The first one of the first slot that was never used.
    fresh: SOCKET,
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
    /// Changed only under the lock of the table.
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
#[non_exhaustive]
pub struct Removed<T> {
    /// The socket that the descriptor named.
    pub socket: SocketRef<T>,
    /// How many other descriptors still name it. If there are none, close the socket's recorder (P4, S7). Close it after
    /// the removal, not before: otherwise a call could find a closed record under a descriptor that still exists.
    pub remaining: usize,
}

impl<T> SocketTable<T> {
    const_fn! {
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
                shards: array![Shard(RwLock::new(Vec::new())); SHARDS],
                // Not 0: the first slot stays empty.
                unused: Mutex::new(Unused { queue: VecDeque::new(), fresh: NEXT_SLOT }),
            }
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
        let mut unused = self.unused();
        let descriptor = unused.take()?;
        self.put(descriptor, socket);
        Ok(descriptor)
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
        let (shard, at) = place(descriptor);
        let slots = self.shards[shard].0.read().unwrap_or_else(PoisonError::into_inner);
        match slots.get(at) {
            Some(Some((named, socket))) if *named == descriptor => Some(socket.clone()),
            _ => None,
        }
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
        // Locked to the end: otherwise the socket could lose its old descriptor before it has the new one.
        let mut unused = self.unused();
        let Some(socket) = self.get(descriptor) else { return Ok(None) };
        let duplicate = unused.take()?;
        socket.0.descriptors.fetch_add(1, Ordering::Relaxed);
        self.put(duplicate, socket);
        Ok(Some(duplicate))
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
        let mut unused = self.unused();
        let (shard, at) = place(descriptor);
        let mut slots = self.shards[shard].0.write().unwrap_or_else(PoisonError::into_inner);
        let (_, socket) = slots.get_mut(at)?.take_if(|(named, _)| *named == descriptor)?;
        unused.queue.push_back(((descriptor + NEXT_GENERATION) % END) as u32);
        let remaining = socket.0.descriptors.fetch_sub(1, Ordering::Relaxed) - 1;
        Some(Removed { socket, remaining })
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
        // Otherwise a socket could be missed while it gets one descriptor and loses another.
        let unused = self.unused();
        let mut sockets = Vec::new();
        for shard in &self.shards {
            let slots = shard.0.read().unwrap_or_else(PoisonError::into_inner);
            sockets.extend(slots.iter().flatten().map(|(_, socket)| socket.clone()));
        }
        drop(unused);
        sockets.sort_unstable_by_key(|socket| Arc::as_ptr(&socket.0));
        sockets.dedup_by(|one, other| Arc::ptr_eq(&one.0, &other.0));
        sockets
    }

    /// Puts a socket where its descriptor says.
    fn put(&self, descriptor: SOCKET, socket: SocketRef<T>) {
        let (shard, at) = place(descriptor);
        let mut slots = self.shards[shard].0.write().unwrap_or_else(PoisonError::into_inner);
        if slots.len() <= at {
            slots.resize_with(at + 1, || None);
        }
        slots[at] = Some((descriptor, socket));
    }

    /// A poisoned lock, here or of a shard, guards nothing half done: nothing panics between two changes that belong
    /// together.
    fn unused(&self) -> MutexGuard<'_, Unused> {
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unused {
    /// The descriptor to give out next (P1).
    fn take(&mut self) -> Result<SOCKET, TableFull> {
        if self.queue.len() > WAITING {
            return self.queue.pop_front().map(|next| next as SOCKET).ok_or(TableFull);
        }
        if self.fresh == NEXT_GENERATION {
            return Err(TableFull);
        }
        self.queue.reserve(self.fresh / NEXT_SLOT - self.queue.len());
        self.fresh += NEXT_SLOT;
        Ok(self.fresh - NEXT_SLOT)
    }
}

/// The shard of a descriptor's slot, and the slot's index there.
const fn place(descriptor: SOCKET) -> (usize, usize) {
    let slot = descriptor % NEXT_GENERATION / NEXT_SLOT;
    (slot % SHARDS, slot / SHARDS)
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
