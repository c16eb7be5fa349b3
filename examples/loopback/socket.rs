//! One socket: its TCP state and its record.
//!
//! Two threads meet here, the switch's in the WSP functions and the poller's in
//! [`LoopbackSocket::ready`]. A lock keeps the TCP state, the record needs none. Nothing is ever
//! recorded under the lock: recording may set the event object, and that is somebody else's code.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use polling::Event;
use socket2::{Domain, Socket, Type};
use wsp_events::{
    NetworkEvent, NetworkEventRecorder, NetworkEvents, RecorderError, SOCKET, SocketRef, WsaError,
};

use super::poller::{PollerThread, Watched};
use super::{Happening, Observer, Signal};

const BACKLOG: i32 = 128;

pub(crate) struct LoopbackSocket {
    recorder: NetworkEventRecorder<Signal>,
    tcp: Mutex<Tcp>,
    nonblocking: AtomicBool,
    descriptor: OnceLock<SOCKET>,
    observer: Observer,
}

enum Tcp {
    /// There is no socket of the OS yet: the address says which kind.
    Unbound,
    Bound(Socket),
    /// `backlog` holds what the poller's thread has accepted from the OS and the switch has not yet
    /// accepted from us.
    Listening {
        listener: Watched,
        backlog: VecDeque<Socket>,
    },
    Connecting(Watched),
    Connected(Arc<Socket>),
    Closed,
}

impl Tcp {
    /// Why a call that needs another state is refused.
    fn refusal(&self) -> WsaError {
        match self {
            Self::Unbound | Self::Bound(_) | Self::Listening { .. } => WsaError::WSAEINVAL,
            Self::Connecting(_) => WsaError::WSAEALREADY,
            Self::Connected(_) => WsaError::WSAEISCONN,
            // The call was under way when the last descriptor was closed (P5).
            Self::Closed => WsaError::WSAENOTSOCK,
        }
    }
}

/// Something to record.
type Occurrence = (NetworkEvent, Result<(), WsaError>);

impl LoopbackSocket {
    pub(super) fn new(observer: Observer) -> Self {
        Self::with(NetworkEventRecorder::new(), Tcp::Unbound, observer)
    }

    fn with(recorder: NetworkEventRecorder<Signal>, tcp: Tcp, observer: Observer) -> Self {
        Self {
            recorder,
            tcp: Mutex::new(tcp),
            nonblocking: AtomicBool::new(false),
            descriptor: OnceLock::new(),
            observer,
        }
    }

    pub(super) fn bind(&self, address: SocketAddr) -> Result<(), WsaError> {
        let mut tcp = self.tcp();
        let Tcp::Unbound = *tcp else {
            return Err(tcp.refusal());
        };
        let socket = os_socket(address)?;
        socket.bind(&address.into())?;
        *tcp = Tcp::Bound(socket);
        Ok(())
    }

    pub(super) fn listen(this: &SocketRef<Self>, poller: &PollerThread) -> Result<(), WsaError> {
        let mut tcp = this.tcp();
        match mem::replace(&mut *tcp, Tcp::Unbound) {
            Tcp::Bound(socket) => {
                socket.listen(BACKLOG)?;
                *tcp = Tcp::Listening {
                    listener: poller.watch(this, socket, Event::readable)?,
                    backlog: VecDeque::new(),
                };
                Ok(())
            }
            other => {
                *tcp = other;
                Err(tcp.refusal())
            }
        }
    }

    pub(super) fn accept(&self) -> Result<Self, WsaError> {
        // S8. It waits while another thread is inside the event object, so it has no place under the
        // lock; and where it is refused (K4), nothing has been touched yet.
        let recorder = self.recorder.inherit().map_err(RecorderError::errno)?;
        let mut tcp = self.tcp();
        let Tcp::Listening { listener, backlog } = &mut *tcp else {
            return Err(WsaError::WSAEINVAL);
        };
        // L2: re-enable, then look. What is queued after the look is recorded by who queues it.
        self.recorder.reenable(NetworkEvent::Accept);
        let connection = backlog.pop_front();
        let more = !backlog.is_empty();
        // In case the OS has refused to hand out connections: ask again.
        listener.arm();
        drop(tcp);
        if more {
            self.record((NetworkEvent::Accept, Ok(())));
        }
        let connection = connection.ok_or(WsaError::WSAEWOULDBLOCK)?;
        let tcp = Tcp::Connected(Arc::new(connection));
        Ok(Self {
            nonblocking: AtomicBool::new(self.is_nonblocking()),
            ..Self::with(recorder, tcp, Arc::clone(&self.observer))
        })
    }

    pub(super) fn connect(
        this: &SocketRef<Self>,
        poller: &PollerThread,
        peer: SocketAddr,
    ) -> Result<(), WsaError> {
        let mut tcp = this.tcp();
        let socket = match mem::replace(&mut *tcp, Tcp::Unbound) {
            Tcp::Unbound => os_socket(peer)?,
            Tcp::Bound(socket) => socket,
            other => {
                *tcp = other;
                return Err(tcp.refusal());
            }
        };
        // R7: a new attempt makes the outcome of an earlier one stale.
        this.recorder.reenable(NetworkEvent::Connect);
        let started = match socket.connect(&peer.into()) {
            Err(error) if !is_under_way(&error) => Err(WsaError::from(error)),
            // Also if it is connected already: the poller finds it writable at once.
            _ => poller.watch(this, socket, Event::writable),
        };
        match started {
            Ok(attempt) => *tcp = Tcp::Connecting(attempt),
            Err(error) => {
                drop(tcp);
                // Refused so soon, as some systems do on loopback, it is an outcome all the same.
                this.record((NetworkEvent::Connect, Err(error)));
            }
        }
        Ok(())
    }

    /// The poller's thread: the OS has something for this socket.
    pub(super) fn ready(&self) {
        self.note(&Happening::Ready);
        while let Some(occurrence) = self.advance() {
            self.record(occurrence);
            // To ask at once for what has just been refused would go on for ever: accept() asks again.
            if occurrence.1.is_err() {
                break;
            }
        }
    }

    /// Takes one occurrence from the OS. When there is none the poller is told to wait for the next.
    fn advance(&self) -> Option<Occurrence> {
        let mut tcp = self.tcp();
        match &mut *tcp {
            Tcp::Listening { listener, backlog } => {
                let outcome = accept_from_os(listener)?;
                // The connection is queued before it is recorded (by the caller): whoever gets FD_ACCEPT
                // in a report finds it.
                Some((
                    NetworkEvent::Accept,
                    outcome.map(|connection| backlog.push_back(connection)),
                ))
            }
            Tcp::Connecting(attempt) => {
                let outcome = outcome_of(attempt)?;
                *tcp = match outcome {
                    Ok(()) => Tcp::Connected(attempt.source()),
                    // The OS may refuse to use its socket again: the next attempt gets a new one.
                    Err(_) => Tcp::Unbound,
                };
                Some((NetworkEvent::Connect, outcome))
            }
            // The readiness came late: the socket was closed, say, before its lock was free.
            _ => None,
        }
    }

    pub(super) fn network_down(&self) {
        let mut tcp = self.tcp();
        let event = match *tcp {
            Tcp::Listening { .. } => NetworkEvent::Accept,
            Tcp::Connecting(_) => {
                *tcp = Tcp::Unbound;
                NetworkEvent::Connect
            }
            _ => return,
        };
        drop(tcp);
        self.record((event, Err(WsaError::WSAENETDOWN)));
    }

    /// The last descriptor is gone.
    pub(super) fn close(&self) {
        *self.tcp() = Tcp::Closed;
        // S7. Refused only from inside the socket's own event object (K4); then the record goes when the
        // last call that uses the socket returns.
        let _refused = self.recorder.close();
    }

    fn record(&self, (event, outcome): Occurrence) {
        self.note(&Happening::Recording { event, outcome });
        let result = self.recorder.record(event, outcome);
        self.note(&Happening::Recorded(result));
    }

    fn note(&self, happening: &Happening) {
        (self.observer)(self.descriptor.get().copied().unwrap_or_default(), happening);
    }

    pub(super) fn recorder(&self) -> &NetworkEventRecorder<Signal> {
        &self.recorder
    }

    /// S9. The OS's own sockets are non-blocking from the beginning; a provider with blocking calls
    /// would look here in each of them.
    pub(super) fn selected(&self, events: NetworkEvents) {
        self.nonblocking.store(true, Ordering::Relaxed);
        self.note(&Happening::Selected(events));
    }

    pub(super) fn is_nonblocking(&self) -> bool {
        self.nonblocking.load(Ordering::Relaxed)
    }

    pub(super) fn set_descriptor(&self, s: SOCKET) {
        self.descriptor.get_or_init(|| s);
    }

    pub(super) fn local_address(&self) -> Result<SocketAddr, WsaError> {
        let address = match &*self.tcp() {
            Tcp::Bound(socket) => socket.local_addr()?,
            Tcp::Listening { listener, .. } => listener.local_addr()?,
            Tcp::Connecting(attempt) => attempt.local_addr()?,
            Tcp::Connected(stream) => stream.local_addr()?,
            Tcp::Unbound | Tcp::Closed => return Err(WsaError::WSAEINVAL),
        };
        address.as_socket().ok_or(WsaError::WSAEAFNOSUPPORT)
    }

    pub(super) fn stream(&self) -> Result<Arc<Socket>, WsaError> {
        match &*self.tcp() {
            Tcp::Connected(stream) => Ok(Arc::clone(stream)),
            _ => Err(WsaError::WSAENOTCONN),
        }
    }

    fn tcp(&self) -> MutexGuard<'_, Tcp> {
        self.tcp.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn os_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The next connection, if the OS has one.
fn accept_from_os(listener: &Watched) -> Option<Result<Socket, WsaError>> {
    loop {
        let accepted = listener.accept().and_then(|(connection, _)| {
            connection.set_nonblocking(true)?;
            Ok(connection)
        });
        match accepted.map_err(WsaError::from) {
            Err(WsaError::WSAEWOULDBLOCK) => {
                listener.arm();
                return None;
            }
            // This client has gone again; there may be others.
            Err(WsaError::WSAECONNABORTED | WsaError::WSAECONNRESET | WsaError::WSAEINTR) => {}
            outcome => return Some(outcome),
        }
    }
}

/// How the attempt to connect has ended, if it has.
fn outcome_of(attempt: &Watched) -> Option<Result<(), WsaError>> {
    match attempt.take_error() {
        Ok(Some(error)) | Err(error) => Some(Err(error.into())),
        Ok(None) if attempt.peer_addr().is_ok() => Some(Ok(())),
        // Writable, some systems say, and mean nothing by it.
        Ok(None) => {
            attempt.arm();
            None
        }
    }
}

/// Whether a non-blocking connect has been started: Windows and the others say it differently.
fn is_under_way(error: &io::Error) -> bool {
    matches!(WsaError::from(error), WsaError::WSAEWOULDBLOCK | WsaError::WSAEINPROGRESS)
}
