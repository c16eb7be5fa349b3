//! A service provider over the TCP sockets of the operating system.
//!
//! [`LoopbackProvider`] is a small socket side of Winsock: WSPSocket to WSPCloseSocket, two tables of
//! handles, and one thread that learns from the OS what happens. It shows where the library's parts go in a
//! provider, and what a provider must do itself to keep the rules of docs/CONTRACT.md, which the comments
//! cite. It has two [models](Model): one for a SAN switch, which selects only FD_ACCEPT and FD_CONNECT (V1),
//! and one for programs, which send and receive as well.
//!
//! | | |
//! |---|---|
//! | this file | the provider: sockets by descriptor, event objects by handle |
//! | `event_objects` | from handle to event object: the provider's own handles, or those of Windows |
//! | `socket` | one socket: its TCP state and its record |
//! | `stream` | an established connection: what the poller looks for, and what it finds |
//! | `poller` | the thread that learns what happens |
//! | [`switch`] | the other side of the contract: it selects, waits and enumerates |

mod event_objects;
mod poller;
mod socket;
mod stream;
pub mod switch;

use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use socket2::Socket;
use wsp_events::spi::CurrentProvider;
use wsp_events::{
    EventSignal, NetworkEvent, NetworkEventRecorder, NetworkEvents, Provider, Recorded, SOCKET,
    SocketRef, SocketTable, TableFull, WSAEVENT, WsaError,
};

use event_objects::{EventObjects, EventToReset};
use poller::PollerThread;
use socket::LoopbackSocket;
pub use stream::{MSG_OOB, MSG_PEEK, SEES_OOB_AT_ONCE};

/// An event object of any kind. Each socket's selection has its own reference to it (P2).
pub type Signal = Arc<dyn EventSignal + Send + Sync>;

/// Called with what the provider does. The descriptor is the first one that the socket had.
pub type Observer = Arc<dyn Fn(SOCKET, &Happening<'_>) + Send + Sync>;

/// An event to record, with its outcome.
pub type Occurrence = (NetworkEvent, Result<(), WsaError>);

/// What a provider reports, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// A SAN provider: FD_ACCEPT and FD_CONNECT, recorded as they arrive. The switch sends and receives in
    /// other ways.
    San,
    /// The six events of a TCP socket. The poller finds conditions, and finds them again as long as they hold.
    /// So every event latches until its re-enabling call (L1).
    Streams,
}

impl Model {
    fn reports(self) -> NetworkEvents {
        let san = NetworkEvents::FD_ACCEPT | NetworkEvents::FD_CONNECT;
        match self {
            Self::San => san,
            Self::Streams => {
                san | NetworkEvents::FD_READ
                    | NetworkEvents::FD_WRITE
                    | NetworkEvents::FD_OOB
                    | NetworkEvents::FD_CLOSE
            }
        }
    }

    fn latching(self) -> NetworkEvents {
        match self {
            Self::San => NetworkEvents::empty(),
            Self::Streams => NetworkEvents::LATCHING_FOR_CONDITIONS,
        }
    }
}

/// What a provider does inside.
#[derive(Clone, Copy, Debug)]
pub enum Happening<'a> {
    /// The OS has something for the socket: a connection to accept, the outcome of an attempt to connect, data,
    /// room to send, or the end of the connection.
    Ready,
    /// These are about to be recorded, as one step (R5).
    Recording(&'a [Occurrence]),
    /// They have been recorded. If the event object could not be set, the set is owed, and the next call on the
    /// recorder tries again (R6): the provider has nothing more to do.
    Recorded(Recorded),
    /// The switch has selected or deselected. The socket is non-blocking from now on (S9).
    Selected(NetworkEvents),
}

/// The provider.
pub struct LoopbackProvider {
    sockets: SocketTable<LoopbackSocket>,
    events: EventObjects,
    up: AtomicBool,
    poller: PollerThread,
    model: Model,
    observer: Observer,
}

impl LoopbackProvider {
    /// Makes a provider of this model, and starts its poller thread.
    pub fn new(
        model: Model,
        observer: impl Fn(SOCKET, &Happening<'_>) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Ok(Self {
            sockets: SocketTable::new(),
            events: EventObjects::Own(Box::default()),
            up: AtomicBool::new(true),
            poller: PollerThread::start()?,
            model,
            observer: Arc::new(observer),
        })
    }

    /// Takes event objects by their Windows handles: for a switch that does not make them here.
    #[cfg(windows)]
    pub fn with_win32_events(mut self) -> Self {
        self.events = EventObjects::Win32;
        self
    }

    /// WSACreateEvent for an event object that exists already: a handle for it.
    pub fn create_event(&self, event: Signal) -> Result<WSAEVENT, WsaError> {
        self.events.create(event)
    }

    /// WSACloseEvent. A selection that uses the event object keeps it alive (P2).
    pub fn close_event(&self, event: WSAEVENT) -> Result<(), WsaError> {
        self.events.close(event)
    }

    /// WSPSocket: a TCP socket.
    pub fn create_socket(&self) -> Result<SOCKET, WsaError> {
        self.check_up()?;
        self.insert(LoopbackSocket::new(self.model, Arc::clone(&self.observer)))
    }

    /// WSPBind.
    pub fn bind(&self, s: SOCKET, address: SocketAddr) -> Result<(), WsaError> {
        self.find(s)?.bind(address)
    }

    /// WSPListen. From now on connections are accepted from the OS as they arrive.
    pub fn listen(&self, s: SOCKET) -> Result<(), WsaError> {
        LoopbackSocket::listen(&self.find(s)?, &self.poller)
    }

    /// WSPAccept: takes the connection that has waited longest, or fails with WSAEWOULDBLOCK.
    pub fn accept(&self, s: SOCKET) -> Result<SOCKET, WsaError> {
        let (accepted, connection) = self.find(s)?.accept()?;
        let s = self.insert(accepted)?;
        let established = LoopbackSocket::establish(&self.find(s)?, &self.poller, connection);
        if let Err(error) = established {
            self.close_socket(s)?;
            return Err(error);
        }
        Ok(s)
    }

    /// WSPConnect: starts an attempt, which WSPConnect reports as WSAEWOULDBLOCK. However it ends, and however
    /// soon, FD_CONNECT has the outcome.
    pub fn connect(&self, s: SOCKET, peer: SocketAddr) -> Result<(), WsaError> {
        LoopbackSocket::connect(&self.find(s)?, &self.poller, peer)
    }

    /// WSPSend: sends as much as there is room for, or fails with WSAEWOULDBLOCK. The only flag is MSG_OOB.
    pub fn send(&self, s: SOCKET, bytes: &[u8], flags: i32) -> Result<usize, WsaError> {
        self.find(s)?.send(bytes, flags)
    }

    /// WSPRecv: receives what there is, answers 0 at the end, or fails with WSAEWOULDBLOCK. The flags are
    /// MSG_PEEK and MSG_OOB.
    pub fn recv(&self, s: SOCKET, buffer: &mut [u8], flags: i32) -> Result<usize, WsaError> {
        self.find(s)?.recv(buffer, flags)
    }

    /// WSPShutdown(SD_SEND): a graceful close of this direction.
    pub fn shutdown_send(&self, s: SOCKET) -> Result<(), WsaError> {
        self.find(s)?.shutdown_send()
    }

    /// WSPSetSockOpt(SO_LINGER). With a time of zero the last WSPCloseSocket resets the connection.
    pub fn set_linger(&self, s: SOCKET, time: Option<Duration>) -> Result<(), WsaError> {
        Ok(self.stream(s)?.set_linger(time)?)
    }

    /// WSPDuplicateSocket within the process: one more descriptor of the same socket (P4).
    pub fn duplicate(&self, s: SOCKET) -> Result<SOCKET, WsaError> {
        self.check_up()?;
        let duplicate = self.sockets.duplicate(s).map_err(TableFull::errno)?;
        duplicate.ok_or(WsaError::WSAENOTSOCK)
    }

    /// WSPCloseSocket.
    pub fn close_socket(&self, s: SOCKET) -> Result<(), WsaError> {
        self.check_up()?;
        let removed = self.sockets.remove(s).ok_or(WsaError::WSAENOTSOCK)?;
        if removed.remaining == 0 {
            removed.socket.close();
        }
        Ok(())
    }

    /// WSPGetSockName.
    pub fn local_address(&self, s: SOCKET) -> Result<SocketAddr, WsaError> {
        self.find(s)?.local_address()
    }

    /// The OS socket under a connected one. A SAN switch sends and receives on it; others set options.
    pub fn stream(&self, s: SOCKET) -> Result<Arc<Socket>, WsaError> {
        self.find(s)?.stream()
    }

    /// Whether the switch has made the socket non-blocking (S9).
    pub fn is_nonblocking(&self, s: SOCKET) -> Result<bool, WsaError> {
        Ok(self.find(s)?.is_nonblocking())
    }

    /// The network goes down while the provider lives. That is an occurrence like any other (E9).
    pub fn network_down(&self) {
        for socket in self.sockets.sockets() {
            socket.network_down();
        }
    }

    /// The network subsystem fails. Every call answers WSAENETDOWN from now on (E9).
    pub fn fail(&self) {
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
    type EventObject = Signal;
    type Socket<'a> = SocketRef<LoopbackSocket>;
    type EventObjectToReset<'a> = EventToReset;

    fn subsystem_is_up(&self) -> bool {
        self.up.load(Ordering::Acquire) && self.poller.is_running()
    }

    fn find_socket(&self, descriptor: SOCKET) -> Option<Self::Socket<'_>> {
        self.sockets.get(descriptor)
    }

    fn recorder_of<'s>(socket: &'s Self::Socket<'_>) -> &'s NetworkEventRecorder<Signal> {
        socket.recorder()
    }

    fn event_object_to_select(&self, handle: WSAEVENT) -> Option<Signal> {
        self.events.to_select(handle)
    }

    fn event_object_to_reset(&self, handle: WSAEVENT) -> Option<EventToReset> {
        self.events.to_reset(handle)
    }

    fn on_selected(&self, socket: &Self::Socket<'_>, events: NetworkEvents) {
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

/// The provider of the C functions, which get no context to find it by.
static CURRENT: RwLock<Option<Arc<LoopbackProvider>>> = RwLock::new(None);

/// WSPStartup.
pub fn startup(provider: LoopbackProvider) -> Arc<LoopbackProvider> {
    let provider = Arc::new(provider);
    exchange_current(Some(Arc::clone(&provider)));
    provider
}

/// WSPCleanup. A call in progress keeps the provider until it returns.
pub fn cleanup() {
    exchange_current(None);
}

fn exchange_current(provider: Option<Arc<LoopbackProvider>>) {
    let mut current = CURRENT.write().unwrap_or_else(PoisonError::into_inner);
    let previous = std::mem::replace(&mut *current, provider);
    drop(current);
    // If this was the last reference, it joins the poller thread: not under the lock.
    drop(previous);
}

impl CurrentProvider for LoopbackProvider {
    fn current() -> Option<impl Deref<Target = Self>> {
        CURRENT.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
