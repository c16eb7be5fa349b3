//! select() and WSAPoll().
//!
//! Both answer from what is recorded, and not from what the OS would say now: a program that is told "readable" finds
//! FD_READ in the record. The room of a stream is the exception: a send uses it up, and FD_WRITE says nothing of that, so
//! the OS is asked.

use std::mem;
use std::time::{Duration, Instant};

use wsp_events::{SOCKET, WsaError};

use crate::Result;
use crate::handles::SocketHandle;
use crate::look::Conditions;
use crate::park::Parker;
use crate::winsock::Winsock;

/// The three sets of select().
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "readfds, writefds, exceptfds")]
pub struct Sets {
    pub read: Vec<SOCKET>,
    pub write: Vec<SOCKET>,
    pub except: Vec<SOCKET>,
}

/// WSAPOLLFD.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(missing_docs, reason = "as in WSAPOLLFD")]
pub struct PollFd {
    pub fd: SOCKET,
    pub events: i16,
    pub revents: i16,
}

/// There is data, or a connection to accept.
pub const POLLRDNORM: i16 = 0x100;
/// There is out-of-band data.
pub const POLLRDBAND: i16 = 0x200;
/// There is room to send.
pub const POLLWRNORM: i16 = 0x10;
/// The connection is lost, or could not be made.
pub const POLLERR: i16 = 1;
/// The peer has closed its direction, or the connection is lost.
pub const POLLHUP: i16 = 2;
/// It is no socket.
pub const POLLNVAL: i16 = 4;

/// What WSAPoll can be asked for.
const POLL_EVENTS: i16 = POLLRDNORM | POLLRDBAND | POLLWRNORM;

impl Winsock {
    /// select(): leaves in each set the sockets that are ready, and answers how many entries there are. Without a time
    /// limit it waits for ever.
    pub fn select(&self, sets: &mut Sets, timeout: Option<Duration>) -> Result<usize> {
        let mut members = Vec::new();
        for (set, list) in [&sets.read, &sets.write, &sets.except].into_iter().enumerate() {
            for &s in list {
                members.push((set, s, Some(self.find(s)?)));
            }
        }
        if members.is_empty() {
            return Err(WsaError::WSAEINVAL);
        }
        let mut ready: [Vec<SOCKET>; 3] = Default::default();
        let mut closed = false;
        let sockets: Vec<_> = members.iter().map(|(.., socket)| socket.clone()).collect();
        self.wait_for(&sockets, timeout, |at, conditions| {
            let (set, s, _) = members[at];
            let is_ready = match (set, conditions) {
                (0, Some(it)) => it.data || it.ended || it.lost,
                (1, Some(it)) => it.room,
                (_, Some(it)) => it.urgent || it.failed,
                // It was closed during the wait: a receive does not block.
                (0, None) => true,
                // Nothing more happens to it, so the wait ends.
                (_, None) => {
                    closed = true;
                    return Ok(true);
                }
            };
            if is_ready && !ready[set].contains(&s) {
                ready[set].push(s);
            }
            Ok(is_ready)
        })?;
        let count = ready.iter().map(Vec::len).sum();
        if count == 0 && closed {
            self.check_up().map_err(|_| WsaError::WSAEINTR)?;
            return Err(WsaError::WSAENOTSOCK);
        }
        let [read, write, except] = &mut ready;
        sets.read = mem::take(read);
        sets.write = mem::take(write);
        sets.except = mem::take(except);
        Ok(count)
    }

    /// WSAPoll(): answers how many of the sockets have something in `revents`. What is no socket does not count, and if
    /// none is, the call fails (WSAENOTSOCK).
    pub fn poll(&self, sockets: &mut [PollFd], timeout: Option<Duration>) -> Result<usize> {
        self.check_up()?;
        let mut found = Vec::new();
        for it in sockets.iter_mut() {
            it.revents = 0;
            if it.events & !POLL_EVENTS != 0 {
                return Err(WsaError::WSAEINVAL);
            }
            found.push(self.handles().socket(it.fd));
        }
        if sockets.is_empty() {
            return Err(WsaError::WSAEINVAL);
        }
        for (it, _) in sockets.iter_mut().zip(&found).filter(|(_, socket)| socket.is_none()) {
            it.revents = POLLNVAL;
        }
        if found.iter().all(Option::is_none) {
            return Err(WsaError::WSAENOTSOCK);
        }
        self.wait_for(&found, timeout, |at, conditions| {
            let it = &mut sockets[at];
            it.revents = match conditions {
                Some(conditions) => revents(conditions, it.events),
                // It was closed during the wait, unless it was none before.
                None if found[at].is_some() => POLLNVAL,
                None => it.revents,
            };
            Ok(found[at].is_some() && it.revents != 0)
        })?;
        let ready =
            sockets.iter().zip(&found).filter(|(it, found)| found.is_some() && it.revents != 0);
        Ok(ready.count())
    }

    /// Looks at all sockets, and waits until one of them is ready or the time is over.
    fn wait_for(
        &self,
        sockets: &[Option<SocketHandle>],
        timeout: Option<Duration>,
        mut is_ready: impl FnMut(usize, Option<Conditions>) -> Result<bool>,
    ) -> Result {
        let deadline = timeout.and_then(|time| Instant::now().checked_add(time));
        let waits = Waits { sockets, thread: Parker::default() };
        loop {
            // Whatever comes ends a park, also what nobody here waits for: so that is no reason to go on.
            let is_over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            self.pump();
            let mut any = false;
            for (at, socket) in sockets.iter().enumerate() {
                let conditions =
                    socket.as_ref().map(|it| it.socket().conditions(&waits.thread)).transpose();
                any |= is_ready(at, conditions.unwrap_or(None))?;
            }
            if any || is_over || !self.park(&waits.thread, deadline) {
                return Ok(());
            }
        }
    }
}

fn revents(conditions: Conditions, events: i16) -> i16 {
    let Conditions { data, room, urgent, failed, ended, lost } = conditions;
    let asked = [(data, POLLRDNORM), (urgent, POLLRDBAND), (room || failed, POLLWRNORM)];
    let unasked = [(failed || lost, POLLERR), (failed || lost || ended, POLLHUP)];
    let bits = |table: &[(bool, i16)]| {
        table.iter().filter(|(holds, _)| *holds).fold(0, |bits, (_, bit)| bits | bit)
    };
    bits(&asked) & events | bits(&unasked)
}

/// A wait for several sockets.
struct Waits<'a> {
    sockets: &'a [Option<SocketHandle>],
    thread: Parker,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        for socket in self.sockets.iter().flatten() {
            socket.socket().stop_waiting(&self.thread);
        }
    }
}
