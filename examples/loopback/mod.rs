//! A service provider over the TCP sockets of the operating system.
//!
//! [`LoopbackProvider`] is the socket side of Winsock in small: WSPSocket to WSPCloseSocket, two tables
//! of handles, one thread that learns from the OS what happens. It shows where the library's parts go in
//! a provider, and what a provider must do by itself to keep the rules of docs/CONTRACT.md, which the
//! comments name. It serves a SAN switch, which selects FD_ACCEPT and FD_CONNECT only (V1).
//!
//! | | |
//! |---|---|
//! | this file | the provider: sockets by descriptor, event objects by handle |
//! | `socket` | one socket: its TCP state and its record |
//! | `poller` | the thread that learns what happens |
//! | [`switch`] | the other side of the contract: whoever selects, waits and enumerates |
#![allow(dead_code, reason = "each program that includes this module uses a part of it")]

mod poller;
mod socket;
pub(crate) mod switch;

use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use socket2::Socket;
use wsp_events::spi::CurrentProvider;
use wsp_events::{
    EventSignal, NetworkEvent, NetworkEventRecorder, NetworkEvents, Provider, Recorded, SOCKET,
    SignalError, SocketRef, SocketTable, TableFull, WSAEVENT, WsaError,
};

use poller::PollerThread;
use socket::LoopbackSocket;

/// An event object, of whatever kind; the selection of each socket has a reference of its own (P2).
pub(crate) type Signal = Arc<dyn EventSignal + Send + Sync>;

/// Is told what the provider does, and on which socket: by the first descriptor that it had.
pub(crate) type Observer = Arc<dyn Fn(SOCKET, &Happening) + Send + Sync>;

/// What a provider does where nobody sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happening {
    /// The OS has something for the socket: connections to accept, or the end of an attempt to connect.
    Ready,
    /// An occurrence is about to be recorded.
    Recording { event: NetworkEvent, outcome: Result<(), WsaError> },
    /// It has been recorded. An error says that the event object could not be set; the set is then owed,
    /// and the next call on the recorder tries again (R6): there is nothing more for a provider to do.
    Recorded(Result<Recorded, SignalError>),
    /// The switch has selected, or deselected, and the socket is non-blocking from now on (S9).
    Selected(NetworkEvents),
}

pub(crate) struct LoopbackProvider {
    sockets: SocketTable<LoopbackSocket>,
    /// The event objects that have a handle. A table of descriptors serves as a table of handles: they
    /// are never null, and a closed one does not come back (P1).
    events: SocketTable<Signal>,
    up: AtomicBool,
    poller: PollerThread,
    observer: Observer,
}

impl LoopbackProvider {
    pub(crate) fn new(
        observer: impl Fn(SOCKET, &Happening) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Ok(Self {
            sockets: SocketTable::new(),
            events: SocketTable::new(),
            up: AtomicBool::new(true),
            poller: PollerThread::start()?,
            observer: Arc::new(observer),
        })
    }

    /// WSACreateEvent, for an event object that is there already: a handle for it.
    pub(crate) fn create_event(&self, event: Signal) -> Result<WSAEVENT, WsaError> {
        let handle = self.events.insert(event).map_err(TableFull::errno)?;
        // A number that looks like a pointer: nothing can be reached through it.
        Ok(ptr::without_provenance_mut(handle))
    }

    /// WSACloseEvent. A selection that uses the event object keeps it alive (P2).
    pub(crate) fn close_event(&self, event: WSAEVENT) -> Result<(), WsaError> {
        let closed = self.events.remove(event.addr());
        closed.map(drop).ok_or(WsaError::WSAEINVAL)
    }

    /// WSPSocket: a TCP socket.
    pub(crate) fn create_socket(&self) -> Result<SOCKET, WsaError> {
        self.check_up()?;
        self.insert(LoopbackSocket::new(Arc::clone(&self.observer)))
    }

    /// WSPBind.
    pub(crate) fn bind(&self, s: SOCKET, address: SocketAddr) -> Result<(), WsaError> {
        self.find(s)?.bind(address)
    }

    /// WSPListen: from now on connections are accepted from the OS as they come.
    pub(crate) fn listen(&self, s: SOCKET) -> Result<(), WsaError> {
        LoopbackSocket::listen(&self.find(s)?, &self.poller)
    }

    /// WSPAccept: the connection that has waited longest, or WSAEWOULDBLOCK.
    pub(crate) fn accept(&self, s: SOCKET) -> Result<SOCKET, WsaError> {
        let accepted = self.find(s)?.accept()?;
        self.insert(accepted)
    }

    /// WSPConnect: starts an attempt, which WSPConnect says by WSAEWOULDBLOCK. However it ends, and
    /// however soon, FD_CONNECT tells of it.
    pub(crate) fn connect(&self, s: SOCKET, peer: SocketAddr) -> Result<(), WsaError> {
        LoopbackSocket::connect(&self.find(s)?, &self.poller, peer)
    }

    /// WSPDuplicateSocket, within the process: one more descriptor of the same socket (P4).
    pub(crate) fn duplicate(&self, s: SOCKET) -> Result<SOCKET, WsaError> {
        self.check_up()?;
        let duplicate = self.sockets.duplicate(s).map_err(TableFull::errno)?;
        duplicate.ok_or(WsaError::WSAENOTSOCK)
    }

    /// WSPCloseSocket.
    pub(crate) fn close_socket(&self, s: SOCKET) -> Result<(), WsaError> {
        self.check_up()?;
        let removed = self.sockets.remove(s).ok_or(WsaError::WSAENOTSOCK)?;
        if removed.remaining == 0 {
            removed.socket.close();
        }
        Ok(())
    }

    /// WSPGetSockName.
    pub(crate) fn local_address(&self, s: SOCKET) -> Result<SocketAddr, WsaError> {
        self.find(s)?.local_address()
    }

    /// The TCP stream of a connected socket, to send and receive on.
    pub(crate) fn stream(&self, s: SOCKET) -> Result<Arc<Socket>, WsaError> {
        self.find(s)?.stream()
    }

    /// Whether the switch has made the socket non-blocking (S9).
    pub(crate) fn is_nonblocking(&self, s: SOCKET) -> Result<bool, WsaError> {
        Ok(self.find(s)?.is_nonblocking())
    }

    /// The network goes down while the provider lives: an occurrence like any other (E9).
    pub(crate) fn network_down(&self) {
        for socket in self.sockets.sockets() {
            socket.network_down();
        }
    }

    /// The network subsystem fails: every call answers WSAENETDOWN from now on (E9).
    pub(crate) fn fail(&self) {
        self.up.store(false, Ordering::Release);
    }

    fn insert(&self, socket: LoopbackSocket) -> Result<SOCKET, WsaError> {
        let s = self.sockets.insert(socket).map_err(TableFull::errno)?;
        if let Some(socket) = self.sockets.get(s) {
            socket.set_descriptor(s);
        }
        Ok(s)
    }

    fn find(&self, s: SOCKET) -> Result<SocketRef<LoopbackSocket>, WsaError> {
        self.check_up()?;
        self.sockets.get(s).ok_or(WsaError::WSAENOTSOCK)
    }

    fn check_up(&self) -> Result<(), WsaError> {
        self.subsystem_is_up().then_some(()).ok_or(WsaError::WSAENETDOWN)
    }
}

/// What the two SPI functions need to know of a provider.
impl Provider for LoopbackProvider {
    type Signal = Signal;
    type Socket<'a> = SocketRef<LoopbackSocket>;
    type ResetEvent<'a> = Signal;

    fn subsystem_is_up(&self) -> bool {
        self.up.load(Ordering::Acquire) && self.poller.is_running()
    }

    fn socket(&self, descriptor: SOCKET) -> Option<Self::Socket<'_>> {
        self.sockets.get(descriptor)
    }

    fn recorder<'s>(socket: &'s Self::Socket<'_>) -> &'s NetworkEventRecorder<Signal> {
        socket.recorder()
    }

    fn event_to_select(&self, handle: WSAEVENT) -> Option<Signal> {
        self.events.get(handle.addr()).map(|event| Arc::clone(&event))
    }

    fn event_to_reset(&self, handle: WSAEVENT) -> Option<Signal> {
        self.event_to_select(handle)
    }

    fn selected(&self, socket: &Self::Socket<'_>, events: NetworkEvents) {
        socket.selected(events);
    }
}

impl Drop for LoopbackProvider {
    fn drop(&mut self) {
        for socket in self.sockets.sockets() {
            socket.close();
        }
    }
}

/// The instance that the C functions serve: they get no context, so it must be found from nothing.
static CURRENT: RwLock<Option<Arc<LoopbackProvider>>> = RwLock::new(None);

/// WSPStartup.
pub(crate) fn startup(provider: LoopbackProvider) -> Arc<LoopbackProvider> {
    let provider = Arc::new(provider);
    exchange_current(Some(Arc::clone(&provider)));
    provider
}

/// WSPCleanup. A call that is under way keeps the provider until it returns.
pub(crate) fn cleanup() {
    exchange_current(None);
}

fn exchange_current(provider: Option<Arc<LoopbackProvider>>) {
    let mut current = CURRENT.write().unwrap_or_else(PoisonError::into_inner);
    let previous = std::mem::replace(&mut *current, provider);
    drop(current);
    // Joins the poller's thread, if nobody else has it: not under the lock.
    drop(previous);
}

impl CurrentProvider for LoopbackProvider {
    fn current() -> Option<impl Deref<Target = Self>> {
        CURRENT.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
