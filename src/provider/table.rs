//! [`SocketTable`]: descriptors for a provider that has no table of its own.

use core::fmt;
use core::ops::Deref;
use core::sync::atomic::{AtomicUsize, Ordering};

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::{PoisonError, RwLock};

use super::SOCKET;
use crate::error::TableFull;

/// How many bits of a descriptor say which slot of the table it names; the rest say which of the
/// sockets that the slot has held.
const INDEX_BITS: u32 = if SOCKET::BITS >= 64 { 32 } else { 20 };
const GENERATIONS: usize = SOCKET::MAX >> INDEX_BITS;
/// One short of all: the last index with the last generation would be `INVALID_SOCKET`.
const SLOTS: usize = (1 << INDEX_BITS) - 1;

/// Sockets by descriptor, from many threads at once, for a provider that has no table of its own. `T`
/// is the provider's own socket, with its recorder somewhere inside.
///
/// A descriptor is never taken for an earlier socket's: after a close its slot gets another descriptor,
/// and the old value comes back only after 4 294 967 295 closes of the same slot (4095 on 32-bit
/// targets), with the slot that was free the longest used first (P1). Descriptors are never 0 and never
/// `INVALID_SOCKET`. There is room for 4 294 967 295 at a time (1 048 575 on 32-bit targets).
///
/// A look-up takes a shared lock for a moment; inserting, duplicating and removing take it exclusively.
/// Neither calls into `T`.
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
    slots: RwLock<Slots<T>>,
}

#[derive(Debug)]
struct Slots<T> {
    slots: Vec<Slot<T>>,
    /// Free slots, the one that was freed first in front.
    free: VecDeque<usize>,
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
    /// Changed only under the table's exclusive lock.
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
        Self { slots: RwLock::new(Slots { slots: Vec::new(), free: VecDeque::new() }) }
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
        self.write(|slots| slots.insert(&socket))
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
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.slots.get(index(descriptor))?;
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
        self.write(|slots| {
            let Some(socket) = slots.named(descriptor).and_then(|slot| slot.socket.clone()) else {
                return Ok(None);
            };
            let duplicate = slots.insert(&socket)?;
            #[cfg(not(wsp_mutant = "P4"))]
            socket.0.descriptors.fetch_add(1, Ordering::Relaxed);
            Ok(Some(duplicate))
        })
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
        self.write(|slots| {
            let slot = slots.named(descriptor)?;
            let socket = slot.socket.take()?;
            #[cfg(not(wsp_mutant = "P1"))]
            (slot.generation = slot.generation % GENERATIONS + 1);
            slots.free.push_back(index(descriptor));
            let remaining = socket.0.descriptors.fetch_sub(1, Ordering::Relaxed) - 1;
            Some(Removed { socket, remaining })
        })
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
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let mut sockets: Vec<_> =
            slots.slots.iter().filter_map(|slot| slot.socket.clone()).collect();
        drop(slots);
        sockets.sort_unstable_by_key(|socket| Arc::as_ptr(&socket.0));
        sockets.dedup_by(|one, other| Arc::ptr_eq(&one.0, &other.0));
        sockets
    }

    /// Nothing panics between two changes that belong together, so a poisoned lock holds nothing half
    /// done.
    fn write<R>(&self, change: impl FnOnce(&mut Slots<T>) -> R) -> R {
        change(&mut self.slots.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<T> Slots<T> {
    fn insert(&mut self, socket: &SocketRef<T>) -> Result<SOCKET, TableFull> {
        let at = match self.free.pop_front() {
            Some(at) => at,
            None if self.slots.len() == SLOTS => return Err(TableFull),
            None => {
                self.slots.push(Slot { generation: 1, socket: None });
                self.slots.len() - 1
            }
        };
        let slot = &mut self.slots[at];
        slot.socket = Some(socket.clone());
        Ok(slot.generation << INDEX_BITS | at)
    }

    fn named(&mut self, descriptor: SOCKET) -> Option<&mut Slot<T>> {
        let slot = self.slots.get_mut(index(descriptor))?;
        (slot.generation == generation(descriptor)).then_some(slot)
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
        table.write(|slots| slots.slots[0].generation = GENERATIONS);
        let last = table.insert(()).unwrap();
        assert_eq!(last, GENERATIONS << INDEX_BITS);
        assert!(table.get(first).is_none());
        table.remove(last);
        assert_eq!(table.insert(()).unwrap(), first);
    }
}
