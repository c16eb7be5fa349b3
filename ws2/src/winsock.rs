//! [`Winsock`]: the calls, by descriptor.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use socket2::{Domain, Type};
#[cfg(windows)]
use wsp_events::win32::{BorrowedEvent, OwnedEvent};
use wsp_events::{
    EventSignal, NetworkEventRecorder, NetworkEvents, Provider, ReenablingCall, SOCKET,
    SignalError, WSAEVENT, WsaError,
};

use crate::event::{Event, Waited, wait_by};
use crate::handles::{Handles, SocketHandle};
use crate::happening::{Change, Happening, Observer};
use crate::look::Received;
use crate::os::{Poller, Sleeper, Watched, watch_changes};
use crate::park::Parker;
use crate::socket::Socket;
use crate::{Result, Signal};

/// One Winsock, from WSAStartup to WSACleanup. Every call can be made by any thread.
pub struct Winsock {
    handles: Arc<Handles>,
    /// Event objects are those of Windows, and not of `handles`.
    #[cfg(windows)]
    win32_events: bool,
    up: AtomicBool,
    shut_down: AtomicBool,
    poller: Poller,
    /// From the first [`await_change`](Self::await_change) on.
    changes: Mutex<Option<Watched>>,
    observer: Observer,
}

impl Winsock {
    /// Starts it. The handles of event objects may be older, and stay.
    pub fn new(
        handles: Arc<Handles>,
        observer: impl Fn(SOCKET, Happening) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Ok(Self {
            handles,
            #[cfg(windows)]
            win32_events: false,
            up: AtomicBool::new(true),
            shut_down: AtomicBool::new(false),
            poller: Poller::start()?,
            changes: Mutex::new(None),
            observer: Arc::new(observer),
        })
    }

    /// Takes event objects by their Windows handles: for a program that does not make them here.
    #[cfg(windows)]
    pub fn with_win32_events(mut self) -> Self {
        self.win32_events = true;
        self
    }

    /// The handles of sockets and event objects.
    pub fn handles(&self) -> &Arc<Handles> {
        &self.handles
    }

    /// socket(): of IPv4 or IPv6, for a stream or for datagrams. It is blocking.
    pub fn create_socket(&self, domain: Domain, kind: Type) -> Result<SOCKET> {
        self.check_up()?;
        let os = socket2::Socket::new(domain, kind, None)?;
        crate::options::prepare(&os, domain)?;
        self.insert(Socket::new(domain, kind, Arc::clone(&self.observer)), os)
    }

    /// bind().
    pub fn bind(&self, s: SOCKET, address: SocketAddr) -> Result {
        let socket = self.find(s)?;
        check_family(&socket, address)?;
        socket.socket().bind(address)
    }

    /// listen(). A negative backlog is none, a large one the largest that the system has.
    pub fn listen(&self, s: SOCKET, backlog: i32) -> Result {
        self.find(s)?.socket().listen(backlog.max(0))
    }

    /// accept(): a connection, and who has made it.
    pub fn accept(&self, s: SOCKET) -> Result<(SOCKET, SocketAddr)> {
        let (socket, connection, peer) = self.find(s)?.socket().accept()?;
        Ok((self.insert(socket, connection)?, peer))
    }

    /// connect(). On a non-blocking stream it fails with WSAEWOULDBLOCK, and FD_CONNECT has the outcome. A datagram
    /// socket gets its peer at once.
    pub fn connect(&self, s: SOCKET, peer: SocketAddr) -> Result {
        let socket = self.find(s)?;
        check_family(&socket, peer)?;
        if peer.ip().is_unspecified() || peer.port() == 0 {
            return Err(WsaError::WSAEADDRNOTAVAIL);
        }
        socket.socket().connect(peer)
    }

    /// A datagram socket's connect() to no address: it has no peer any more.
    pub fn disconnect(&self, s: SOCKET) -> Result {
        self.find(s)?.socket().disconnect()
    }

    /// send(). The flags are MSG_OOB and MSG_DONTROUTE. A blocking call on a stream sends everything.
    pub fn send(&self, s: SOCKET, bytes: &[u8], flags: i32) -> Result<usize> {
        self.send_to(s, bytes, flags, None)
    }

    /// sendto(). On a stream the address is ignored.
    pub fn send_to(
        &self,
        s: SOCKET,
        bytes: &[u8],
        flags: i32,
        to: Option<SocketAddr>,
    ) -> Result<usize> {
        let socket = self.find(s)?;
        if socket.socket().kind() == Type::DGRAM
            && let Some(to) = to
        {
            check_family(&socket, to)?;
            // Unix takes no address for its own.
            if to.ip().is_unspecified() || to.port() == 0 {
                return Err(WsaError::WSAEADDRNOTAVAIL);
            }
        }
        socket.socket().send(bytes, flags, to)
    }

    /// recv(). The flags are MSG_PEEK and MSG_OOB. A datagram that is longer than the buffer fills it and is
    /// WSAEMSGSIZE.
    pub fn recv(&self, s: SOCKET, buffer: &mut [u8], flags: i32) -> Result<usize> {
        let received = self.recv_from(s, buffer, flags)?;
        if received.truncated { Err(WsaError::WSAEMSGSIZE) } else { Ok(received.length) }
    }

    /// recvfrom().
    pub fn recv_from(&self, s: SOCKET, buffer: &mut [u8], flags: i32) -> Result<Received> {
        self.find(s)?.socket().recv(buffer, flags)
    }

    /// shutdown(): SD_RECEIVE (0), SD_SEND (1) or SD_BOTH (2).
    pub fn shutdown(&self, s: SOCKET, how: i32) -> Result {
        let socket = self.find(s)?;
        match how {
            0 => socket.socket().shutdown(true, false),
            1 => socket.socket().shutdown(false, true),
            2 => socket.socket().shutdown(true, true),
            _ => Err(WsaError::WSAEINVAL),
        }
    }

    /// WSADuplicateSocket within the process: one more descriptor of the same socket (P4).
    pub fn duplicate(&self, s: SOCKET) -> Result<SOCKET> {
        self.check_up()?;
        let duplicate = self.handles.duplicate(s)?;
        self.check_in_time(duplicate)?;
        Ok(duplicate)
    }

    /// closesocket(). With the last descriptor, calls that wait for the socket are cancelled (WSAEINTR).
    pub fn close_socket(&self, s: SOCKET) -> Result {
        if self.find(s)?.socket().would_linger() && !self.handles.has_duplicate(s) {
            return Err(WsaError::WSAEWOULDBLOCK);
        }
        self.close(s)
    }

    fn close(&self, s: SOCKET) -> Result {
        if let Some(last) = self.handles.remove_socket(s)? {
            last.socket().close();
        }
        Ok(())
    }

    /// getsockname().
    pub fn local_address(&self, s: SOCKET) -> Result<SocketAddr> {
        self.find(s)?.socket().local_address()
    }

    /// getpeername().
    pub fn peer_address(&self, s: SOCKET) -> Result<SocketAddr> {
        self.find(s)?.socket().peer_address()
    }

    /// ioctlsocket(FIONBIO). While a selection stands, a socket cannot be made blocking (S9).
    pub fn set_nonblocking(&self, s: SOCKET, nonblocking: bool) -> Result {
        self.find(s)?.socket().set_nonblocking(nonblocking)
    }

    /// Whether calls on the socket do not wait.
    pub fn is_nonblocking(&self, s: SOCKET) -> Result<bool> {
        Ok(self.find(s)?.socket().is_nonblocking())
    }

    /// ioctlsocket(FIONREAD): how many bytes one receive can get.
    pub fn unread(&self, s: SOCKET) -> Result<u32> {
        self.find(s)?.socket().unread()
    }

    /// ioctlsocket(SIOCATMARK): whether no out-of-band data lies ahead.
    pub fn at_mark(&self, s: SOCKET) -> Result<bool> {
        self.find(s)?.socket().is_at_mark()
    }

    /// setsockopt(), with Winsock's numbers.
    pub fn set_option(&self, s: SOCKET, level: i32, name: i32, value: &[u8]) -> Result {
        self.find(s)?.socket().set_option(level, name, value)
    }

    /// getsockopt(): answers how many bytes it has written.
    pub fn option(&self, s: SOCKET, level: i32, name: i32, value: &mut [u8]) -> Result<usize> {
        self.find(s)?.socket().option(level, name, value)
    }

    /// For the WSAIoctl calls that re-enable an event (L3). Those that ask for a change are
    /// [`await_change`](Self::await_change).
    pub fn reenable(&self, s: SOCKET, call: ReenablingCall) -> Result {
        self.find(s)?.socket().recorder().reenable_for(call);
        Ok(())
    }

    /// WSAIoctl(SIO_ADDRESS_LIST_CHANGE) and WSAIoctl(SIO_ROUTING_INTERFACE_CHANGE): asks for the next change (L3). On
    /// a non-blocking socket it fails with WSAEWOULDBLOCK, and the event reports the change; on a blocking one it waits
    /// for it. On Linux only: other systems answer WSAEOPNOTSUPP.
    pub fn await_change(&self, s: SOCKET, what: Change) -> Result {
        let socket = self.find(s)?;
        self.watch_changes()?;
        // An earlier change is not the next one.
        self.pump();
        socket.socket().await_change(what)
    }

    fn watch_changes(&self) -> Result {
        let mut changes = self.changes();
        // Once it is shut down, nothing would end the watch.
        self.check_up()?;
        if changes.is_none() {
            let handles = Arc::clone(&self.handles);
            let watch = watch_changes(&self.poller, move |changes| {
                handles.sockets().for_each(|it| it.socket().on_changes(changes));
            });
            *changes = Some(watch?);
        }
        Ok(())
    }

    fn changes(&self) -> MutexGuard<'_, Option<Watched>> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of which family the socket is, and whether it is for a stream or for datagrams.
    pub fn kind(&self, s: SOCKET) -> Result<(Domain, Type)> {
        let socket = self.find(s)?;
        Ok((socket.socket().domain(), socket.socket().kind()))
    }

    /// Works on the OS socket: for a SAN switch, which sends and receives in other ways, and for tests.
    pub fn with_os_socket<R>(
        &self,
        s: SOCKET,
        work: impl FnOnce(&socket2::Socket) -> R,
    ) -> Result<R> {
        self.find(s)?.socket().enter(false, |_, os, _| Ok(work(os)))
    }

    /// Records, now, everything that the OS has to tell. A wait calls it before it looks at its event objects for the
    /// first time: what a peer has sent before is recorded then. It does nothing on Windows.
    pub fn pump(&self) {
        self.poller.pump();
    }

    /// WSAWaitForMultipleEvents, for any number of event objects of the kind of [`event`](crate::event). The thread records
    /// by itself what the OS has to tell meanwhile; see [`park`](Self::park).
    #[must_use]
    pub fn wait(&self, events: &[Arc<Event>], all: bool, timeout: Option<Duration>) -> Waited {
        self.attend(events.len(), timeout != Some(Duration::ZERO));
        wait_by(events, all, timeout, |parker, deadline| self.park(parker, deadline))
    }

    /// Parks this thread until it is unparked, or returns early: for a program with event objects of its own kind, which
    /// unpark it. `false` if the time was over before.
    ///
    /// What the OS has to tell meanwhile is recorded by this thread itself, if it is the only one that waits. When a program
    /// has waited here and then sleeps elsewhere, what comes is recorded a few milliseconds late.
    pub fn park(&self, parker: &Parker, deadline: Option<Instant>) -> bool {
        self.sleeper().park((), parker, deadline)
    }

    /// Before a wait for so many event objects.
    pub(crate) fn attend(&self, events: usize, sleeps: bool) {
        self.poller.attend(events, sleeps);
    }

    /// For a thread that would sleep until something is recorded.
    pub(crate) fn sleeper(&self) -> Sleeper {
        self.poller.sleeper()
    }

    /// The network goes down while this lives. That is an occurrence like any other (E9).
    pub fn network_down(&self) {
        for socket in self.handles.sockets() {
            socket.socket().network_down();
        }
    }

    /// The network subsystem fails. Every call answers WSAENETDOWN from now on (E9).
    pub fn fail(&self) {
        self.up.store(false, Ordering::Release);
    }

    /// WSACleanup: closes all sockets, cancels the calls that wait, and ends the thread. Once: the next Winsock may have
    /// the same handles.
    pub fn shut_down(&self) {
        self.fail();
        if self.shut_down.swap(true, Ordering::AcqRel) {
            return;
        }
        let sockets = self.handles.remove_sockets();
        // All calls first, because each close may wait for a peer.
        let closing: Vec<_> = sockets.iter().map(|it| it.socket().cancel()).collect();
        drop(closing);
        sockets.iter().for_each(|it| it.socket().close());
        *self.changes() = None;
        self.poller.stop();
    }

    fn insert(&self, socket: Socket, os: socket2::Socket) -> Result<SOCKET> {
        let s = self.handles.insert_socket(socket)?;
        let socket = self.handles.socket(s).ok_or(WsaError::WSAENOTSOCK)?;
        let on_ready = {
            let socket = socket.clone();
            Box::new(move |ready| socket.socket().on_ready(ready))
        };
        let established = socket.socket().establish(s, &self.poller, os, on_ready);
        if let Err(error) = established.and_then(|()| self.check_in_time(s)) {
            // Its descriptor may have been closed before there was a socket of the OS to close.
            socket.socket().close();
            let _closed = self.close(s);
            return Err(error);
        }
        Ok(s)
    }

    /// Whether a new descriptor is there for the end of the Winsock to close. If it came too late, it is closed here.
    fn check_in_time(&self, s: SOCKET) -> Result {
        self.find(s).map(drop).inspect_err(|_| {
            let _closed = self.close(s);
        })
    }

    pub(crate) fn find(&self, s: SOCKET) -> Result<SocketHandle> {
        self.check_up()?;
        self.handles.socket(s).ok_or(WsaError::WSAENOTSOCK)
    }

    pub(crate) fn check_up(&self) -> Result {
        self.subsystem_is_up().then_some(()).ok_or(WsaError::WSAENETDOWN)
    }
}

fn check_family(socket: &SocketHandle, address: SocketAddr) -> Result {
    match (socket.socket().domain(), address.ip()) {
        (Domain::IPV4, IpAddr::V4(_)) | (Domain::IPV6, IpAddr::V6(_)) => Ok(()),
        _ => Err(WsaError::WSAEAFNOSUPPORT),
    }
}

/// What the two functions for network events need to know.
impl Provider for Winsock {
    type EventObject = Signal;
    type Socket<'a> = SocketHandle;
    type EventObjectToReset<'a> = EventToReset;

    fn subsystem_is_up(&self) -> bool {
        self.up.load(Ordering::Acquire) && self.poller.is_running()
    }

    /// What a peer has sent before the call is recorded first.
    fn find_socket(&self, descriptor: SOCKET) -> Option<Self::Socket<'_>> {
        self.pump();
        self.handles.socket(descriptor)
    }

    fn recorder_of<'s>(socket: &'s Self::Socket<'_>) -> &'s NetworkEventRecorder<Signal> {
        socket.socket().recorder()
    }

    fn event_object_to_select(&self, handle: WSAEVENT) -> Option<Signal> {
        #[cfg(windows)]
        if self.win32_events {
            // SAFETY: the application has passed it to WSAEventSelect, to be set and reset.
            let event = unsafe { OwnedEvent::duplicate_raw(handle) }.ok()?;
            return Some(Arc::new(event));
        }
        self.handles.signal(handle)
    }

    fn event_object_to_reset(&self, handle: WSAEVENT) -> Option<EventToReset> {
        #[cfg(windows)]
        if self.win32_events {
            // Windows checks the handle itself when it is used.
            // SAFETY: the application has passed it to WSAEnumNetworkEvents, to be reset.
            return Some(EventToReset::Win32(unsafe { BorrowedEvent::borrow_raw(handle) }));
        }
        self.handles.signal(handle).map(EventToReset::Own)
    }

    fn on_selected(&self, socket: &Self::Socket<'_>, _: NetworkEvents) {
        socket.socket().selected();
    }
}

/// An event object for one reset (E6).
pub enum EventToReset {
    /// One of [`Handles`].
    Own(Signal),
    /// One of Windows'.
    #[cfg(windows)]
    Win32(BorrowedEvent<'static>),
}

impl EventSignal for EventToReset {
    fn set_event(&self) -> std::result::Result<(), SignalError> {
        match self {
            Self::Own(event) => event.set_event(),
            #[cfg(windows)]
            Self::Win32(event) => event.set_event(),
        }
    }

    fn reset_event(&self) -> std::result::Result<(), SignalError> {
        match self {
            Self::Own(event) => event.reset_event(),
            #[cfg(windows)]
            Self::Win32(event) => event.reset_event(),
        }
    }
}

impl Drop for Winsock {
    fn drop(&mut self) {
        self.shut_down();
    }
}
