//! `polling`, one-shot: a report uses up what the poller was armed for.

use std::cell::Cell;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Deref;
use std::os::windows::io::AsRawSocket;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use polling::{Event, Events};
use socket2::{Domain, Socket};
use windows_sys::Win32::Networking::WinSock::{
    FIONREAD, POLLERR, POLLHUP, POLLRDBAND, POLLRDNORM, POLLWRNORM, SIOCATMARK, WSAPOLLFD, WSAPoll,
    ioctlsocket,
};
use wsp_events::{SocketRef, SocketTable, TableFull, WsaError};

use super::{Interest, OnReady, Ready};
use crate::panics::contain;
use crate::park::Parker;

/// Watches sockets until it is stopped.
pub(crate) struct Poller {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    poller: polling::Poller,
    /// By poll key. The keys are descriptors of a table of their own, as in `unix`.
    watched: SocketTable<Entry>,
    stopped: AtomicBool,
}

struct Entry {
    on_ready: OnReady,
    /// What the poller is armed for, as [bits](Interest::bits). A report sets it to 0 before it calls back.
    armed: AtomicU8,
}

impl Poller {
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared {
            poller: polling::Poller::new()?,
            watched: SocketTable::new(),
            stopped: AtomicBool::new(false),
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

    /// Does nothing: only one thread can take reports out of this poller.
    pub(crate) fn pump(&self) {}

    /// As [`pump`](Self::pump).
    pub(crate) fn attend(&self, _: usize, _: bool) {}

    /// For a thread that would sleep.
    pub(crate) fn sleeper(&self) -> Sleeper {
        Sleeper
    }

    /// Calls `on_ready`, once each time the socket is [armed](Watched::arm).
    pub(crate) fn watch(&self, source: Socket, on_ready: OnReady) -> Result<Watched, WsaError> {
        let entry = Entry { on_ready, armed: AtomicU8::new(0) };
        let key = self.shared.watched.insert(entry).map_err(TableFull::errno)?;
        let entry = self.shared.watched.get(key).ok_or(WsaError::WSAENOTSOCK)?;
        let shared = Arc::clone(&self.shared);
        Ok(Watched { source, key, entry, added: Cell::new(false), shared })
    }

    /// Stops the thread, and waits for its end; not on the thread itself, where an event object may call back.
    pub(crate) fn stop(&self) {
        self.shared.stopped.store(true, Ordering::Release);
        // Without the notification the thread may never wake up. Then it is left behind, which is better than a hang.
        let notified = self.shared.poller.notify().is_ok();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ends = |it: &JoinHandle<()>| notified && it.thread().id() != thread::current().id();
        if let Some(thread) = thread.filter(ends) {
            let _panicked = thread.join();
        }
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    /// Ends when it is stopped or the poller fails.
    fn run(&self) {
        let mut events = Events::new();
        while !self.stopped.load(Ordering::Acquire) {
            events.clear();
            if self.poller.wait(&mut events, None).is_err() {
                return;
            }
            for event in events.iter() {
                if let Some(entry) = self.watched.get(event.key) {
                    entry.armed.store(0, Ordering::Release);
                    let ready = Ready {
                        write: event.writable,
                        priority: event.is_priority(),
                        read_closed: false,
                        // An interrupt is a reset, and an error an attempt to connect that has failed.
                        error: event.is_interrupt() || event.is_err() == Some(true),
                    };
                    // An event object that panics harms no other.
                    let _panicked = contain(|| (entry.on_ready)(ready));
                }
            }
        }
    }
}

/// For a thread that would sleep. Only the poller's own thread waits for it.
pub(crate) struct Sleeper;

impl Sleeper {
    /// As [`Parker::park_until`]. Nothing is kept.
    pub(crate) fn park(self, kept: impl Sized, parker: &Parker, deadline: Option<Instant>) -> bool {
        drop(kept);
        parker.park_until(deadline)
    }
}

/// A socket of the OS that the poller watches.
pub(crate) struct Watched {
    source: Socket,
    key: usize,
    entry: SocketRef<Entry>,
    added: Cell<bool>,
    shared: Arc<Shared>,
}

impl Watched {
    /// For a thread that would sleep.
    pub(crate) fn sleeper(&self) -> Sleeper {
        Sleeper
    }

    /// Has the poller report the next readiness of this kind, or a reset. A condition that holds already is reported
    /// too. What it is armed for already costs nothing. No interest leaves it as it is: there is at most one report
    /// of what is no longer interesting.
    pub(crate) fn arm(&self, interest: Interest) {
        let bits = interest.bits();
        if bits == 0 || self.entry.armed.swap(bits, Ordering::AcqRel) == bits {
            return;
        }
        let Interest { read, write, priority } = interest;
        let mut event = Event::new(self.key, read, write).with_interrupt();
        event.set_priority(priority);
        let poller = &self.shared.poller;
        let armed = if self.added.get() {
            poller.modify(&self.source, event)
        } else {
            // The poller reports some errors of a socket unasked, again and again. So it knows no socket for which
            // nothing was ever asked.
            // SAFETY: the poller must lose the source before the source is dropped. `self` keeps the source until it is
            // dropped itself, and takes it from the poller first.
            unsafe { poller.add(&self.source, event) }
        };
        self.added.set(self.added.get() || armed.is_ok());
        // A change that comes while the poller's thread goes back to its wait can stay in a queue until the next
        // report. To say it again costs nothing if it has not, and finds the thread waiting if it has.
        let armed = armed.and_then(|()| poller.modify(&self.source, event));
        if armed.is_err() {
            self.entry.armed.store(0, Ordering::Release);
        }
    }
}

impl Interest {
    fn bits(self) -> u8 {
        u8::from(self.read) | u8::from(self.write) << 1 | u8::from(self.priority) << 2
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
        let _ok = self.shared.poller.delete(&self.source);
        self.shared.watched.remove(self.key);
    }
}

/// How many bytes can be received.
pub(crate) fn unread(socket: &Socket) -> usize {
    ioctl(socket, FIONREAD).map_or(0, |bytes| usize::try_from(bytes).unwrap_or(0))
}

/// Whether there is room to send.
pub(crate) fn has_room(socket: &Socket) -> bool {
    look_for(socket, POLLWRNORM, 0)
}

/// Nothing tells whether there are bytes that were not sent yet, and no close waits for them.
pub(crate) fn has_unsent(_: &Socket) -> bool {
    false
}

/// Whether a connection can be accepted, or anything received: data, an end, an error.
pub(crate) fn is_readable(socket: &Socket) -> bool {
    look_for(socket, POLLRDNORM, POLLERR | POLLHUP)
}

/// No report says that the peer has closed its direction, so there is nothing to look for.
pub(crate) fn has_read_closed(_: &Socket) -> bool {
    false
}

/// What Windows answers to SIOCATMARK.
pub(crate) fn at_mark(socket: &Socket) -> bool {
    ioctl(socket, SIOCATMARK).is_ok_and(|at_mark| at_mark != 0)
}

/// Whether an urgent byte is in the stream and was not received.
pub(crate) fn has_urgent(socket: &Socket) -> bool {
    look_for(socket, POLLRDBAND, 0)
}

/// Whether any of these is found now. Those of `unasked` are found although WSAPoll does not let a program ask for them.
fn look_for(socket: &Socket, asked: i16, unasked: i16) -> bool {
    let mut it = WSAPOLLFD { fd: socket.as_raw_socket() as _, events: asked, revents: 0 };
    // SAFETY: it is given one descriptor of a socket that is open, and does not wait.
    let found = unsafe { WSAPoll(&raw mut it, 1, 0) };
    found == 1 && it.revents & (asked | unasked) != 0
}

/// What one of the ioctls that answer a number has answered.
fn ioctl(socket: &Socket, command: i32) -> io::Result<u32> {
    let mut answer = 0;
    // SAFETY: the socket is open, and the commands that come here write one number.
    match unsafe { ioctlsocket(socket.as_raw_socket() as _, command, &raw mut answer) } {
        0 => Ok(answer),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends the connection of a datagram socket.
pub(crate) fn disconnect(socket: &Socket) -> io::Result<()> {
    let null = match socket.local_addr()?.domain() {
        Domain::IPV6 => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        _ => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
    };
    socket.connect(&null.into())
}

/// Windows reports the ports that no one has (SIO_UDP_CONNRESET is on).
pub(crate) fn report_unreachable(_: &Socket, _is_v6: bool) -> io::Result<()> {
    Ok(())
}

/// Takes the error that has arrived on a datagram socket. Whether there was one. The rest comes with the receives.
pub(crate) fn take_unreachable(socket: &Socket) -> bool {
    matches!(socket.take_error(), Ok(Some(_)) | Err(_))
}
