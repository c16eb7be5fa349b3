//! One socket: its TCP state and its record.
//!
//! The switch's threads meet the poller thread here: the former in the WSP functions, the latter in
//! `LoopbackSocket::ready`. A lock protects the TCP state; the record needs none. Nothing is recorded under the
//! lock: recording may set the event object, which is foreign code.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use polling::Event;
use socket2::{Domain, Socket, Type};
use wsp_events::{
    NetworkEvent, NetworkEventRecorder, NetworkEvents, RecorderError, ReenablingCall, SOCKET,
    SocketRef, WsaError,
};

use crate::poller::{OnReady, PollerThread, Watched};
use crate::stream::{MSG_OOB, MSG_PEEK, Stream};
use crate::{Happening, Model, Observer, Occurrence, Signal};

/// A thousand clients may connect at once. A system with a smaller limit applies it.
const BACKLOG: i32 = 1024;

pub struct LoopbackSocket {
    recorder: NetworkEventRecorder<Signal>,
    tcp: Mutex<Tcp>,
    model: Model,
    nonblocking: AtomicBool,
    descriptor: OnceLock<SOCKET>,
    observer: Observer,
}

enum Tcp {
    /// There is no OS socket yet: its kind depends on the address.
    Unbound,
    Bound(Socket),
    /// `backlog` has the connections that the poller thread has accepted from the OS and the switch has not
    /// accepted yet.
    Listening {
        listener: Watched,
        backlog: VecDeque<Socket>,
    },
    Connecting(Watched),
    Connected(Stream),
    Closed,
}

impl Tcp {
    /// Why a call that needs another state is refused.
    fn refusal(&self) -> WsaError {
        match self {
            Self::Unbound | Self::Bound(_) | Self::Listening { .. } => WsaError::WSAEINVAL,
            Self::Connecting(_) => WsaError::WSAEALREADY,
            Self::Connected(_) => WsaError::WSAEISCONN,
            // The last descriptor was closed during the call (P5).
            Self::Closed => WsaError::WSAENOTSOCK,
        }
    }

    /// The connection that a call uses.
    fn stream(&mut self) -> Result<&mut Stream, WsaError> {
        match self {
            Self::Connected(stream) => Ok(stream),
            Self::Closed => Err(WsaError::WSAENOTSOCK),
            _ => Err(WsaError::WSAENOTCONN),
        }
    }
}

impl LoopbackSocket {
    pub(crate) fn new(model: Model, observer: Observer) -> Self {
        Self::with(NetworkEventRecorder::with_latching(model.latching()), model, observer)
    }

    fn with(recorder: NetworkEventRecorder<Signal>, model: Model, observer: Observer) -> Self {
        Self {
            recorder,
            tcp: Mutex::new(Tcp::Unbound),
            model,
            nonblocking: AtomicBool::new(false),
            descriptor: OnceLock::new(),
            observer,
        }
    }

    pub(crate) fn bind(&self, address: SocketAddr) -> Result<(), WsaError> {
        let mut tcp = self.tcp();
        let Tcp::Unbound = *tcp else {
            return Err(tcp.refusal());
        };
        let socket = os_socket(address)?;
        socket.bind(&address.into())?;
        *tcp = Tcp::Bound(socket);
        Ok(())
    }

    pub(crate) fn listen(this: &SocketRef<Self>, poller: &PollerThread) -> Result<(), WsaError> {
        let mut tcp = this.tcp();
        match mem::replace(&mut *tcp, Tcp::Unbound) {
            Tcp::Bound(socket) => {
                socket.listen(BACKLOG)?;
                *tcp = Tcp::Listening {
                    listener: poller.watch(Self::on_ready(this), socket, Event::readable)?,
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

    /// A connection from the backlog, and the socket to [establish](Self::establish) it on.
    pub(crate) fn accept(&self) -> Result<(Self, Socket), WsaError> {
        // S8. It may wait for a thread that uses the event object, so it is not done under the lock. If it is
        // refused (K4), nothing has changed yet.
        let recorder = self.recorder.inherit().map_err(RecorderError::errno)?;
        let mut tcp = self.tcp();
        let Tcp::Listening { listener, backlog } = &mut *tcp else {
            return Err(WsaError::WSAEINVAL);
        };
        // L2: re-enable, then look.
        self.recorder.reenable_for(ReenablingCall::Accept);
        let connection = backlog.pop_front();
        let more = !backlog.is_empty();
        // The OS may have refused to accept: ask again.
        listener.arm(Event::readable);
        self.record(tcp, more.then_some((NetworkEvent::Accept, Ok(()))).as_slice());
        let connection = connection.ok_or(WsaError::WSAEWOULDBLOCK)?;
        let socket = Self {
            nonblocking: AtomicBool::new(self.is_nonblocking()),
            ..Self::with(recorder, self.model, Arc::clone(&self.observer))
        };
        Ok((socket, connection))
    }

    /// Gives an accepted socket its connection, and records FD_WRITE, since there is room to send. That sets the
    /// listener's event object, which is this socket's too (S8).
    pub(crate) fn establish(
        this: &SocketRef<Self>,
        poller: &PollerThread,
        connection: Socket,
    ) -> Result<(), WsaError> {
        // Locked before the poller is armed: it reports once, and the socket must have its connection by then.
        let mut tcp = this.tcp();
        let connection = poller.watch(Self::on_ready(this), connection, Event::none)?;
        *tcp = Tcp::Connected(Stream::new(connection, this.model.reports()));
        this.record(tcp, &[(NetworkEvent::Write, Ok(()))]);
        Ok(())
    }

    pub(crate) fn connect(
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
        // R7: the outcome of an earlier attempt is stale.
        this.recorder.reenable_for(ReenablingCall::Connect);
        let started = match socket.connect(&peer.into()) {
            Err(error) if !is_under_way(&error) => Err(WsaError::from(error)),
            // If it is connected already, the poller finds it writable at once.
            _ => poller.watch(Self::on_ready(this), socket, Event::writable),
        };
        match started {
            Ok(attempt) => *tcp = Tcp::Connecting(attempt),
            // Some systems refuse at once on loopback. That is an outcome like any other.
            Err(error) => this.record(tcp, &[(NetworkEvent::Connect, Err(error))]),
        }
        Ok(())
    }

    pub(crate) fn send(&self, bytes: &[u8], flags: i32) -> Result<usize, WsaError> {
        if flags & !MSG_OOB != 0 {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        let mut tcp = self.tcp();
        let stream = tcp.stream()?;
        let (sent, news) = stream.send(bytes, flags);
        // L3: nothing else re-enables FD_WRITE. It stands between the send that found no room and the poller's
        // look for room (L2), so the look finds room that was made meanwhile.
        if sent == Err(WsaError::WSAEWOULDBLOCK) {
            self.recorder.reenable_for(ReenablingCall::SendWouldBlock);
            stream.want_room();
        }
        self.record(tcp, news.as_slice());
        sent
    }

    pub(crate) fn recv(&self, buffer: &mut [u8], flags: i32) -> Result<usize, WsaError> {
        if flags & !(MSG_OOB | MSG_PEEK) != 0 {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        let mut tcp = self.tcp();
        let stream = tcp.stream()?;
        let (oob, peek) = (flags & MSG_OOB != 0, flags & MSG_PEEK != 0);
        // L2, L3: the arguments are valid, so the call re-enables, however it ends. What it leaves behind is
        // looked for after this, by the call or by the poller.
        self.recorder.reenable_for(ReenablingCall::Recv { oob });
        let (received, news) =
            if oob { stream.recv_oob(buffer, peek) } else { stream.recv(buffer, peek) };
        self.record(tcp, news.as_slice());
        received
    }

    pub(crate) fn shutdown_send(&self) -> Result<(), WsaError> {
        self.tcp().stream()?.shutdown_send()
    }

    fn on_ready(this: &SocketRef<Self>) -> OnReady {
        let socket = this.clone();
        Box::new(move |ready| socket.ready(ready))
    }

    /// On the poller thread: the OS has something for this socket.
    fn ready(&self, ready: Event) {
        self.note(&Happening::Ready);
        loop {
            let mut tcp = self.tcp();
            let occurrences = self.advance(&mut tcp, ready);
            self.record(tcp, &occurrences);
            // There may be more connections. After an error this stops, or it could go on for ever: accept() asks
            // again.
            let [(NetworkEvent::Accept, Ok(()))] = occurrences[..] else {
                break;
            };
        }
    }

    /// Takes from the OS what is to be recorded as one step (R5). If there is nothing, the poller is armed.
    fn advance(&self, tcp: &mut Tcp, ready: Event) -> Vec<Occurrence> {
        match tcp {
            Tcp::Listening { listener, backlog } => {
                let Some(outcome) = accept_from_os(listener) else {
                    return Vec::new();
                };
                let outcome = outcome.map(|connection| backlog.push_back(connection));
                vec![(NetworkEvent::Accept, outcome)]
            }
            Tcp::Connecting(attempt) => match outcome_of(attempt) {
                None => Vec::new(),
                // The OS may refuse to use the socket again: the next attempt gets a new one.
                Some(Err(error)) => {
                    *tcp = Tcp::Unbound;
                    vec![(NetworkEvent::Connect, Err(error))]
                }
                Some(Ok(())) => {
                    let Tcp::Connecting(attempt) = mem::replace(tcp, Tcp::Unbound) else {
                        unreachable!("it was connecting, and is locked")
                    };
                    *tcp = Tcp::Connected(Stream::new(attempt, self.model.reports()));
                    vec![(NetworkEvent::Connect, Ok(())), (NetworkEvent::Write, Ok(()))]
                }
            },
            Tcp::Connected(stream) => stream.look(ready),
            // The readiness is late: for example, the socket has been closed meanwhile.
            Tcp::Unbound | Tcp::Bound(_) | Tcp::Closed => Vec::new(),
        }
    }

    pub(crate) fn network_down(&self) {
        const DOWN: WsaError = WsaError::WSAENETDOWN;
        let mut tcp = self.tcp();
        let news = match &mut *tcp {
            Tcp::Listening { .. } => Some((NetworkEvent::Accept, Err(DOWN))),
            Tcp::Connecting(_) => {
                *tcp = Tcp::Unbound;
                Some((NetworkEvent::Connect, Err(DOWN)))
            }
            Tcp::Connected(stream) => stream.lose(DOWN),
            Tcp::Unbound | Tcp::Bound(_) | Tcp::Closed => None,
        };
        self.record(tcp, news.as_slice());
    }

    /// The last descriptor is gone.
    pub(crate) fn close(&self) {
        *self.tcp() = Tcp::Closed;
        // S7. It is refused only from inside the socket's own event object (K4). Then the record is freed when
        // the last call that uses the socket returns.
        let _refused = self.recorder.close();
    }

    /// Records, as one step (R5), what this model reports. The caller has looked under the lock, so it is recorded
    /// under the lock, and no call that re-enables the event comes in between (L2). The event object is set after it (R9).
    fn record(&self, tcp: MutexGuard<'_, Tcp>, occurrences: &[Occurrence]) {
        let reports = self.model.reports();
        let reported = |&(event, _): &Occurrence| reports.contains(event.flag());
        let occurrences: Vec<_> = occurrences.iter().copied().filter(reported).collect();
        if !occurrences.is_empty() {
            self.note(&Happening::Recording(&occurrences));
            let recorded = self.recorder.record_all_unsignaled(occurrences);
            drop(tcp);
            self.note(&Happening::Recorded(recorded.signal()));
        }
    }

    fn note(&self, happening: &Happening<'_>) {
        (self.observer)(self.descriptor.get().copied().unwrap_or_default(), happening);
    }

    pub(crate) fn recorder(&self) -> &NetworkEventRecorder<Signal> {
        &self.recorder
    }

    /// S9. The OS sockets are non-blocking from the beginning. A provider with blocking calls would check this
    /// in each of them.
    pub(crate) fn selected(&self, events: NetworkEvents) {
        self.nonblocking.store(true, Ordering::Relaxed);
        self.note(&Happening::Selected(events));
    }

    pub(crate) fn is_nonblocking(&self) -> bool {
        self.nonblocking.load(Ordering::Relaxed)
    }

    pub(crate) fn set_descriptor(&self, s: SOCKET) {
        self.descriptor.get_or_init(|| s);
    }

    pub(crate) fn local_address(&self) -> Result<SocketAddr, WsaError> {
        let address = match &*self.tcp() {
            Tcp::Bound(socket) => socket.local_addr()?,
            Tcp::Listening { listener, .. } => listener.local_addr()?,
            Tcp::Connecting(attempt) => attempt.local_addr()?,
            Tcp::Connected(stream) => stream.source().local_addr()?,
            Tcp::Unbound | Tcp::Closed => return Err(WsaError::WSAEINVAL),
        };
        address.as_socket().ok_or(WsaError::WSAEAFNOSUPPORT)
    }

    pub(crate) fn stream(&self) -> Result<Arc<Socket>, WsaError> {
        Ok(self.tcp().stream()?.source())
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
                listener.arm(Event::readable);
                return None;
            }
            // This client has disconnected; there may be others.
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
        // Some systems report a socket as writable before the attempt has ended.
        Ok(None) => {
            attempt.arm(Event::writable);
            None
        }
    }
}

/// Whether a non-blocking connect has been started. Windows and the other systems have different codes for it.
fn is_under_way(error: &io::Error) -> bool {
    matches!(WsaError::from(error), WsaError::WSAEWOULDBLOCK | WsaError::WSAEINPROGRESS)
}
