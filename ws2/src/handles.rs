//! Handles of sockets and of event objects, in one number space.
//!
//! On Windows both are handles of the system. So a program that mixes them up, closes a socket with CloseHandle or
//! selects a socket as an event object, gets the answers that it gets there.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wsp_events::{SOCKET, SocketRef, SocketTable, TableFull, WSAEVENT, WsaError};

use crate::event::Event;
use crate::socket::Socket;
use crate::{Result, Signal};

/// The handles of a program: multiples of 4 below 2^31, which stay away for 65,536 closes (P1).
#[derive(Default)]
pub struct Handles {
    table: SocketTable<Handle>,
    /// Those that name sockets: the last WSACleanup closes them.
    open: Mutex<BTreeSet<SOCKET>>,
}

pub(crate) enum Handle {
    // Boxed because it is large.
    Socket(Box<Socket>),
    Event(Arc<Event>),
    /// An event object of another kind, which no call can wait for.
    Other(Signal),
}

impl Handles {
    /// No handles.
    #[must_use]
    pub const fn new() -> Self {
        Self { table: SocketTable::new(), open: Mutex::new(BTreeSet::new()) }
    }

    /// A handle for an event object.
    pub fn insert_event(&self, event: Arc<Event>) -> Result<WSAEVENT> {
        self.table.insert(Handle::Event(event)).map(WSAEVENT).map_err(TableFull::errno)
    }

    /// A handle for an event object of any kind. WSAWaitForMultipleEvents does not wait for it.
    pub fn insert_signal(&self, event: Signal) -> Result<WSAEVENT> {
        self.table.insert(Handle::Other(event)).map(WSAEVENT).map_err(TableFull::errno)
    }

    /// The event object that a handle names.
    #[must_use]
    pub fn event(&self, handle: WSAEVENT) -> Option<Arc<Event>> {
        match &*self.table.get(handle.0)? {
            Handle::Event(event) => Some(Arc::clone(event)),
            Handle::Socket(_) | Handle::Other(_) => None,
        }
    }

    /// WSACloseEvent. A selection that uses the event object keeps it alive (P2).
    pub fn close_event(&self, handle: WSAEVENT) -> Result {
        match self.table.get(handle.0).as_deref() {
            // It may have been closed meanwhile; then its number stays away.
            Some(Handle::Event(_) | Handle::Other(_)) => {
                self.table.remove(handle.0).map(drop).ok_or(WsaError::WSAEINVAL)
            }
            Some(Handle::Socket(_)) | None => Err(WsaError::WSAEINVAL),
        }
    }

    /// An event object of any kind, for a selection or for one reset.
    pub(crate) fn signal(&self, handle: WSAEVENT) -> Option<Signal> {
        match &*self.table.get(handle.0)? {
            Handle::Event(event) => Some(Arc::clone(event) as Signal),
            Handle::Other(event) => Some(Arc::clone(event)),
            Handle::Socket(_) => None,
        }
    }

    pub(crate) fn insert_socket(&self, socket: Socket) -> Result<SOCKET> {
        let s = self.table.insert(Handle::Socket(Box::new(socket))).map_err(TableFull::errno)?;
        self.open().insert(s);
        Ok(s)
    }

    pub(crate) fn socket(&self, s: SOCKET) -> Option<SocketHandle> {
        self.table.get(s).and_then(SocketHandle::new)
    }

    pub(crate) fn duplicate(&self, s: SOCKET) -> Result<SOCKET> {
        self.socket(s).ok_or(WsaError::WSAENOTSOCK)?;
        let duplicate = self.table.duplicate(s).map_err(TableFull::errno)?;
        let duplicate = duplicate.ok_or(WsaError::WSAENOTSOCK)?;
        self.open().insert(duplicate);
        Ok(duplicate)
    }

    /// Whether the socket has another descriptor.
    pub(crate) fn has_duplicate(&self, s: SOCKET) -> bool {
        let Some(socket) = self.table.get(s) else { return false };
        let is_same = |other: SocketRef<Handle>| std::ptr::eq(&*other, &*socket);
        // Not under the lock: the last reference may be dropped here.
        let others: Vec<_> = self.open().iter().copied().filter(|it| *it != s).collect();
        others.into_iter().any(|it| self.table.get(it).is_some_and(is_same))
    }

    /// Removes a descriptor. The socket is returned with its last one.
    pub(crate) fn remove_socket(&self, s: SOCKET) -> Result<Option<SocketHandle>> {
        if !self.open().remove(&s) {
            return Err(WsaError::WSAENOTSOCK);
        }
        let removed = self.table.remove(s).ok_or(WsaError::WSAENOTSOCK)?;
        Ok(SocketHandle::new(removed.socket).filter(|_| removed.remaining == 0))
    }

    /// Removes all sockets.
    pub(crate) fn remove_sockets(&self) -> Vec<SocketHandle> {
        let open = mem::take(&mut *self.open());
        let removed = open.into_iter().filter_map(|s| self.table.remove(s));
        removed
            .filter(|it| it.remaining == 0)
            .filter_map(|it| SocketHandle::new(it.socket))
            .collect()
    }

    fn open(&self) -> MutexGuard<'_, BTreeSet<SOCKET>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All sockets, each once.
    pub(crate) fn sockets(&self) -> impl Iterator<Item = SocketHandle> {
        self.table.sockets().into_iter().filter_map(SocketHandle::new)
    }
}

/// A handle that names a socket.
#[derive(Clone)]
pub struct SocketHandle(SocketRef<Handle>);

impl SocketHandle {
    fn new(handle: SocketRef<Handle>) -> Option<Self> {
        matches!(&*handle, Handle::Socket(_)).then_some(Self(handle))
    }

    pub(crate) fn socket(&self) -> &Socket {
        match &*self.0 {
            Handle::Socket(socket) => socket,
            Handle::Event(_) | Handle::Other(_) => unreachable!("`new` has looked"),
        }
    }
}
