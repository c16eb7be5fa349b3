//! `mio`, edge-triggered: each arrival is reported, also while earlier data is unread, and so is the peer's close
//! behind unread data.

mod inherited;
mod leader;
mod sleep;

use std::cell::Cell;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Poll, Registry, Token, Waker};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Socket, Type};
use wsp_events::{SocketTable, TableFull, WsaError};

use inherited::Open;
pub(crate) use inherited::close_inherited;
pub(crate) use leader::Sleeper;
use leader::Waiters;
use sleep::Pipe;

use super::{Interest, OnReady, Ready, SEES_OOB_AT_ONCE};
use crate::panics::contain;

/// Names no socket: descriptors are multiples of 4 (P1).
const STOP: Token = Token(1);

/// How many events are taken out of the poller at once.
const EVENTS: usize = 256;

/// Watches sockets until it is stopped.
pub(crate) struct Poller {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    /// Locked while what the system reports is handled. So when [`Shared::pump`] returns, everything that the system
    /// had reported by then is recorded.
    poll: Mutex<(Poll, Events)>,
    registry: Registry,
    /// What to call, by token. The keys are descriptors of a table of their own: those of the program can be duplicated
    /// and closed one by one, and these stay. A late readiness of a socket that is no longer watched finds nothing,
    /// since its key stays away for 65,536 closes (P1).
    watched: SocketTable<OnReady>,
    stopped: AtomicBool,
    /// Ends the sleep of the thread and of the leader, once it is stopped.
    waker: Waker,
    waiters: Arc<Waiters>,
    /// Ends the leader's sleep when it is unparked.
    pipe: Arc<Pipe>,
}

impl Poller {
    pub(crate) fn start() -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, STOP)?;
        let shared = Arc::new(Shared {
            poll: Mutex::new((poll, Events::with_capacity(EVENTS))),
            registry,
            watched: SocketTable::new(),
            stopped: AtomicBool::new(false),
            waker,
            waiters: Arc::default(),
            pipe: Pipe::new()?,
        });
        let thread = thread::Builder::new().name("poller".into()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.run()
        })?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Without the thread nothing more is recorded: the network subsystem has failed.
    pub(crate) fn is_running(&self) -> bool {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        thread.as_ref().is_some_and(|it| !it.is_finished())
    }

    /// Handles everything that the system has to tell. A call that looks at the record, or waits for it, pumps first:
    /// what a peer has sent before the call began is recorded then, as on Windows, where the network stack itself
    /// records.
    pub(crate) fn pump(&self) {
        self.shared.pump();
    }

    /// A thread of the program will now wait for so many event objects. It pumps, unless the wait does: a wait for one of
    /// several takes the lowest of all that are set by now.
    pub(crate) fn attend(&self, events: usize, sleeps: bool) {
        if events > 1 || !sleeps {
            self.shared.attend();
        }
    }

    /// For a thread that would sleep.
    pub(crate) fn sleeper(&self) -> Sleeper {
        Sleeper(Arc::clone(&self.shared))
    }

    /// Calls `on_ready` from now on. What is ready already is reported, too.
    pub(crate) fn watch(&self, source: Socket, on_ready: OnReady) -> Result<Watched, WsaError> {
        let is_stream = source.r#type()? == Type::STREAM;
        let key = self.shared.watched.insert(on_ready).map_err(TableFull::errno)?;
        let watched = Watched {
            _open: Open::new(&source),
            source,
            key,
            is_stream,
            looks_for_room: Cell::new(is_stream),
            shared: Arc::clone(&self.shared),
        };
        let descriptor = watched.source.as_raw_fd();
        let token = Token(key);
        self.shared.registry.register(&mut SourceFd(&descriptor), token, watched.interest())?;
        Ok(watched)
    }

    /// Stops the thread, and waits for its end; not inside a pump, where an event object may call back: the thread may wait
    /// for that pump.
    pub(crate) fn stop(&self) {
        // A thread that may sleep on is left behind, which is better than a hang.
        let ends = self.shared.end() && !is_pumping();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread.filter(|_| ends) {
            let _panicked = thread.join();
        }
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.stop();
    }
}

thread_local! {
    /// Whether this thread is inside `pump`: an event object may call back.
    static PUMPING: Cell<bool> = const { Cell::new(false) };
}

fn is_pumping() -> bool {
    PUMPING.get()
}

struct Pumping;

impl Drop for Pumping {
    fn drop(&mut self) {
        PUMPING.set(false);
    }
}

impl Shared {
    /// `false` if it fails. Returns early after a signal.
    fn wait_for_poller(&self) -> bool {
        let mut descriptors = [PollFd::from_borrowed_fd(self.registry.as_fd(), PollFlags::IN)];
        matches!(poll(&mut descriptors, None), Ok(_) | Err(rustix::io::Errno::INTR))
    }

    fn pump(&self) {
        if PUMPING.replace(true) {
            return;
        }
        let _pumping = Pumping;
        let mut guard = self.poll.lock().unwrap_or_else(PoisonError::into_inner);
        let (poll, events) = &mut *guard;
        loop {
            if poll.poll(events, Some(Duration::ZERO)).is_err() {
                return;
            }
            let mut taken = 0;
            for event in events.iter() {
                taken += 1;
                if event.token() == STOP {
                    // For the others that sleep on the poller: only one has taken it out.
                    let _woken = self.waker.wake();
                }
                if let Some(on_ready) = self.watched.get(event.token().0) {
                    let ready = Ready {
                        write: event.is_writable(),
                        priority: event.is_priority(),
                        read_closed: event.is_read_closed(),
                        error: event.is_error(),
                    };
                    // An event object that panics harms no other, and not the thread that happens to pump.
                    let _panicked = contain(|| on_ready(ready));
                }
            }
            if taken < EVENTS {
                return;
            }
        }
    }
}

/// A socket of the OS that the poller watches.
pub(crate) struct Watched {
    _open: Open,
    source: Socket,
    key: usize,
    is_stream: bool,
    looks_for_room: Cell<bool>,
    shared: Arc<Shared>,
}

impl Watched {
    /// An edge-triggered poller looks for everything, with one exception. For a datagram socket Linux reports room
    /// whenever a datagram has left, and with it the data that is unread. So the poller looks for room only when
    /// a datagram has found none.
    pub(crate) fn arm(&self, interest: Interest) {
        if !self.is_stream && self.looks_for_room.replace(interest.write) != interest.write {
            let descriptor = self.source.as_raw_fd();
            let mut source = SourceFd(&descriptor);
            // It fails only for a source that is not in the poller; this one is.
            let _ok =
                self.shared.registry.reregister(&mut source, Token(self.key), self.interest());
        }
    }

    /// For a thread that would sleep.
    pub(crate) fn sleeper(&self) -> Sleeper {
        Sleeper(Arc::clone(&self.shared))
    }

    fn interest(&self) -> mio::Interest {
        let mut interest = mio::Interest::READABLE;
        if self.looks_for_room.get() {
            interest |= mio::Interest::WRITABLE;
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if self.is_stream {
            interest |= mio::Interest::PRIORITY;
        }
        interest
    }
}

impl Deref for Watched {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.source
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let descriptor = self.source.as_raw_fd();
        let _ok = self.shared.registry.deregister(&mut SourceFd(&descriptor));
        self.shared.watched.remove(self.key);
    }
}

/// How many bytes can be received: of a stream up to its urgent mark, of datagrams those of the first.
pub(crate) fn unread(socket: &Socket) -> usize {
    rustix::io::ioctl_fionread(socket).map_or(0, |bytes| usize::try_from(bytes).unwrap_or(0))
}

/// Whether there is room to send. If there is none, Linux reports it once there is.
pub(crate) fn has_room(socket: &Socket) -> bool {
    look_for(socket, PollFlags::OUT)
}

/// Whether there are bytes that the OS has not sent yet. Others than Linux do not say; they count a full buffer.
pub(crate) fn has_unsent(socket: &Socket) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        /// Of linux/sockios.h. The crate libc does not have it.
        const SIOCOUTQNSD: libc::Ioctl = 0x894b;
        let mut unsent: libc::c_int = 0;
        // SAFETY: it is given an open descriptor, and an int to write.
        unsafe { libc::ioctl(socket.as_raw_fd(), SIOCOUTQNSD, &raw mut unsent) == 0 && unsent > 0 }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    !has_room(socket)
}

/// Whether a connection can be accepted, or anything received: data, an end, an error.
pub(crate) fn is_readable(socket: &Socket) -> bool {
    look_for(socket, PollFlags::IN)
}

fn look_for(socket: &Socket, what: PollFlags) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut descriptors = [PollFd::from_borrowed_fd(socket.as_fd(), what)];
    poll(&mut descriptors, Some(&now)).is_ok() && descriptors[0].revents().intersects(what)
}

/// Whether the peer has closed its direction, although data may be unread. A report of it may be late, and mean the
/// attempt to connect before this one.
pub(crate) fn has_read_closed(socket: &Socket) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return look_for(socket, PollFlags::RDHUP);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    look_for(socket, PollFlags::HUP)
}

/// Whether the next byte is the urgent one. This is sockatmark(), with an int that is initialised: valgrind takes the
/// command for one that reads it.
pub(crate) fn at_mark(socket: &Socket) -> bool {
    /// Of asm/sockios.h, or sys/sockio.h. The crate libc does not have it everywhere.
    const SIOCATMARK: libc::c_ulong =
        if cfg!(any(target_os = "linux", target_os = "android")) { 0x8905 } else { 0x4004_7307 };
    let mut at_mark: libc::c_int = 0;
    // SAFETY: it is given an open descriptor, and an int to write.
    unsafe {
        libc::ioctl(socket.as_raw_fd(), SIOCATMARK as _, &raw mut at_mark) == 0 && at_mark != 0
    }
}

/// Whether an urgent byte is in the stream and was not received.
pub(crate) fn has_urgent(socket: &Socket) -> bool {
    SEES_OOB_AT_ONCE && look_for(socket, PollFlags::PRI)
}

/// Ends the connection of a datagram socket.
pub(crate) fn disconnect(socket: &Socket) -> io::Result<()> {
    Ok(rustix::net::connect_unspec(socket)?)
}

/// Has Linux report the ports that no one has, also for a socket that is not connected, as Winsock does.
pub(crate) fn report_unreachable(socket: &Socket, is_v6: bool) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let on_v6 = is_v6.then_some((libc::IPPROTO_IPV6, libc::IPV6_RECVERR));
        // Also of an IPv6 socket: without IPV6_V6ONLY it sends over IPv4, too.
        for (level, name) in on_v6.into_iter().chain([(libc::IPPROTO_IP, libc::IP_RECVERR)]) {
            let on: libc::c_int = 1;
            // SAFETY: the option takes an int, and gets one.
            let result = unsafe {
                libc::setsockopt(
                    socket.as_raw_fd(),
                    level,
                    name,
                    std::ptr::from_ref(&on).cast(),
                    size_of::<libc::c_int>() as libc::socklen_t,
                )
            };
            if result != 0 {
                return Err(io::Error::last_os_error());
            }
        }
    }
    let _ = (socket, is_v6);
    Ok(())
}

/// Takes the errors that have arrived on a datagram socket. Whether one of them was a port that no one has. Linux queues
/// others too, even that of a datagram which was too long to be sent.
pub(crate) fn take_unreachable(socket: &Socket) -> bool {
    let is_refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    let take = || socket.take_error().ok().flatten().is_some_and(is_refused);
    let any = take();
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let any = {
        let mut any = any;
        let mut datagram = [0; 1];
        // Each error that is taken off the queue announces the next one that has come from the network.
        while super::receive(socket, &mut datagram, libc::MSG_ERRQUEUE).is_ok() {
            any |= take();
        }
        any
    };
    any
}
