//! One socket: its lock, its record, and the threads that wait for it.
//!
//! The program's threads meet the poller here: the former in the calls, the latter in [`Socket::on_ready`]. A lock
//! protects the state. What a look under the lock finds is recorded under the same lock, and the event object is set
//! after it (R9).
//!
//! # Blocking calls
//!
//! The record belongs to the program: a blocking call cannot wait for its event object. So it waits beside the record. A
//! call that finds nothing adds its thread to `waiting`, under the lock, and parks. Whatever the poller finds is recorded
//! first. Then it unparks all of them, and each tries again. What a call finds after it has failed is recorded in the same
//! way, and the call tries again without a wait. `select` and `WSAPoll` wait like blocking calls, on all of their sockets.
//! All that they know is recorded, but for the room of a stream: they ask the OS whether it is still there.

#[cfg(test)]
mod tests;

use std::mem;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Type};
use wsp_events::{
    NetworkEvent, NetworkEventRecorder, NetworkEvents, Outcome, RecorderError, ReenablingCall,
    SOCKET, WsaError,
};

use crate::datagram::Datagram;
use crate::happening::{Change, Happening, Observer};
use crate::look::{Conditions, News, Received};
use crate::options::{self, Known, Options};
use crate::os::{self, Changes, Interest, OnReady, Poller, Ready, Watched};
use crate::park::Parker;
use crate::stream::Stream;
use crate::{Result, Signal};

const MSG_WAITALL: i32 = 8;

/// How much a blocking call sends while it has the lock.
const PIECE: usize = 256 * 1024;

/// How long a blocking call pauses that has found, twice in a row, what did not let it go on.
const PAUSE: Duration = Duration::from_millis(4);

pub(crate) struct Socket {
    recorder: NetworkEventRecorder<Signal>,
    state: Mutex<State>,
    domain: Domain,
    kind: Type,
    nonblocking: AtomicBool,
    descriptor: OnceLock<SOCKET>,
    observer: Observer,
}

struct State {
    /// `None` once the last descriptor is closed.
    os: Option<Watched>,
    inner: Inner,
    waiting: Vec<Parker>,
}

/// What the calls work on.
pub(crate) struct Inner {
    pub(crate) protocol: Protocol,
    bound: bool,
    /// How often each [`Change`] has occurred, and its last outcome.
    changes: [(u64, Outcome); 2],
    options: Options,
}

pub(crate) enum Protocol {
    Stream(Stream),
    Datagram(Datagram),
}

/// Which of the time limits a blocking call has: accept and connect have none, as on Windows.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    Receive = 0,
    Send = 1,
    None = 2,
}

impl Socket {
    pub(crate) fn new(domain: Domain, kind: Type, observer: Observer) -> Self {
        let protocol = match kind {
            Type::DGRAM => Protocol::Datagram(Datagram::new()),
            _ => Protocol::Stream(Stream::new()),
        };
        let recorder = NetworkEventRecorder::with_latching(NetworkEvents::LATCHING_FOR_ARRIVALS);
        Self {
            recorder,
            state: Mutex::new(State {
                os: None,
                inner: Inner::new(protocol, false),
                waiting: Vec::new(),
            }),
            domain,
            kind,
            nonblocking: AtomicBool::new(false),
            descriptor: OnceLock::new(),
            observer,
        }
    }

    /// Gives a new socket its place: its first descriptor, and its socket of the OS.
    ///
    /// The state is locked before the poller watches: what is reported at once finds the socket of the OS.
    pub(crate) fn establish(
        &self,
        s: SOCKET,
        poller: &Poller,
        os: socket2::Socket,
        on_ready: OnReady,
    ) -> Result {
        self.descriptor.get_or_init(|| s);
        os.set_nonblocking(true)?;
        let mut state = self.lock();
        let mut news = News::default();
        if self.kind == Type::DGRAM {
            os::report_unreachable(&os, self.domain == Domain::IPV6)?;
        }
        if let Protocol::Stream(stream) = &state.inner.protocol
            && stream.peer().is_ok()
        {
            news.add(NetworkEvent::Write, Ok(()));
        }
        state.os = Some(poller.watch(os, on_ready)?);
        self.finish(state, news, &[]);
        Ok(())
    }

    pub(crate) fn recorder(&self) -> &NetworkEventRecorder<Signal> {
        &self.recorder
    }

    pub(crate) fn domain(&self) -> Domain {
        self.domain
    }

    pub(crate) fn kind(&self) -> Type {
        self.kind
    }

    /// Whether the calls do not wait: by FIONBIO, or by a selection (S9), which may already have set its event object, and
    /// has not told this socket.
    pub(crate) fn is_nonblocking(&self) -> bool {
        self.nonblocking.load(Ordering::Relaxed) || !self.recorder.selected().is_empty()
    }

    /// No selection comes between the look and the change.
    pub(crate) fn set_nonblocking(&self, nonblocking: bool) -> Result {
        let _state = self.lock();
        if !nonblocking && !self.recorder.selected().is_empty() {
            return Err(WsaError::WSAEINVAL);
        }
        self.nonblocking.store(nonblocking, Ordering::Relaxed);
        Ok(())
    }

    /// S9.
    pub(crate) fn selected(&self) {
        let _state = self.lock();
        self.nonblocking.store(true, Ordering::Relaxed);
    }

    /// The poller has something. Waiting threads go on after it is recorded.
    pub(crate) fn on_ready(&self, ready: Ready) {
        self.note(Happening::Ready);
        let _closed = self.enter(true, |inner, os, news| {
            match &mut inner.protocol {
                Protocol::Stream(stream) => stream.look(os, ready, news),
                Protocol::Datagram(datagram) => datagram.look(os, ready, news),
            }
            Ok(())
        });
    }

    /// Works on the socket under its lock, and records what is found. Waiting threads go on if something is, or if the work
    /// itself may be what they wait for.
    pub(crate) fn enter<R>(
        &self,
        wake: bool,
        work: impl FnOnce(&mut Inner, &Watched, &mut News) -> Result<R>,
    ) -> Result<R> {
        let mut state = self.lock();
        let State { os: Some(os), inner, .. } = &mut *state else {
            return Err(WsaError::WSAENOTSOCK);
        };
        let mut news = News::default();
        let answer = work(inner, os, &mut news);
        let wakes = wake || !news.0.is_empty();
        let waiting = if wakes { mem::take(&mut state.waiting) } else { Vec::new() };
        self.finish(state, news, &waiting);
        answer
    }

    /// Whether a call is blocking is decided here, for all of it: another thread may switch the socket meanwhile.
    fn begin(&self, limit: Limit) -> Call<'_> {
        Call { blocking: !self.is_nonblocking(), limit, wait: None }
    }

    /// Makes a call, or a part of one: once if it is non-blocking; if it is blocking, again and again until it has an answer
    /// other than WSAEWOULDBLOCK, or the time is over.
    fn call<'a, T>(
        &'a self,
        call: &mut Call<'a>,
        mut attempt: impl FnMut(&mut Inner, &Watched, &mut News) -> Result<T>,
    ) -> Result<T> {
        let Call { blocking, limit, wait } = call;
        let mut in_vain = false;
        loop {
            // What is no answer ends a park, too: the time limit must not wait until nothing more comes.
            let deadline = wait.as_ref().and_then(|wait| wait.deadline);
            let is_over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            let mut state = self.lock();
            let State { os: Some(os), inner, waiting } = &mut *state else {
                // Closed while the call waited: it was cancelled. Closed before: P5.
                return Err(if wait.is_some() {
                    WsaError::WSAEINTR
                } else {
                    WsaError::WSAENOTSOCK
                });
            };
            let mut news = News::default();
            let answer = attempt(inner, os, &mut news);
            let goes_on = *blocking && answer.as_ref().err() == Some(&WsaError::WSAEWOULDBLOCK);
            // What it has found, data or the end of an attempt to connect for example, may be what threads wait for, this one
            // among them; and a one-shot poller does not report it again.
            let found = !news.0.is_empty();
            let others = if found { mem::take(waiting) } else { Vec::new() };
            if !goes_on {
                self.finish(state, news, &others);
                return answer;
            }
            let time = inner.options.time_limits.get(*limit as usize).copied().flatten();
            let wait = wait.get_or_insert_with(|| Wait::new(self, time));
            if !found {
                add(waiting, &wait.parker);
            }
            let sleeper = os.sleeper();
            self.finish(state, news, &others);
            let in_time = if is_over {
                false
            } else if found {
                // Linux may say that there is room, again and again, and have no memory for what is sent.
                if mem::replace(&mut in_vain, true) {
                    thread::sleep(PAUSE);
                }
                true
            } else {
                in_vain = false;
                sleeper.park((), &wait.parker, wait.deadline)
            };
            if !in_time {
                return Err(WsaError::WSAETIMEDOUT);
            }
        }
    }

    /// Records what was found, arms the poller, and lets go of the lock. Then waiting threads go on, and the event object is
    /// set: last, because it may panic.
    fn finish(&self, state: MutexGuard<'_, State>, news: News, waiting: &[Parker]) {
        let State { os: Some(os), inner, .. } = &*state else { return };
        os.arm(inner.interest());
        let recorded = (!news.0.is_empty()).then(|| self.recorder.record_all_unsignaled(news.0));
        drop(state);
        waiting.iter().for_each(Parker::unpark);
        if let Some(recorded) = recorded {
            // If the event object could not be set, the set is owed, and the next call on the recorder tries again (R6).
            self.note(Happening::Recorded(recorded.signal()));
        }
    }

    fn reenable(&self) -> impl Fn(ReenablingCall) {
        |call| self.recorder.reenable_for(call)
    }

    pub(crate) fn bind(&self, address: SocketAddr) -> Result {
        self.enter(false, |inner, os, news| {
            if inner.bound {
                return Err(WsaError::WSAEINVAL);
            }
            options::bind(os, address, self.kind)?;
            inner.bound = true;
            if let Protocol::Datagram(datagram) = &mut inner.protocol {
                datagram.bound(news);
            }
            Ok(())
        })
    }

    pub(crate) fn listen(&self, backlog: i32) -> Result {
        self.enter(false, |inner, os, _| {
            let bound = inner.bound;
            inner.stream()?.listen(os, backlog, bound)
        })
    }

    /// A connection, and the socket to [establish](Self::establish) on it.
    pub(crate) fn accept(&self) -> Result<(Self, socket2::Socket, SocketAddr)> {
        let (os, peer, options) = self.call(&mut self.begin(Limit::None), |inner, os, news| {
            let (connection, peer) = inner.stream()?.accept(os, news, &self.reenable())?;
            Ok((connection, peer, inner.options.clone()))
        })?;
        // S8. It may wait for a thread that uses the event object, so it is not done under the lock. It is refused from
        // inside the event object only (K4); then the connection is closed, as by a system without memory.
        let recorder = self.recorder.inherit().map_err(RecorderError::errno)?;
        // S9, also if the selection has not yet told the listener.
        let is_selected = !recorder.selected().is_empty();
        let protocol = Protocol::Stream(Stream::accepted(peer, options.inline));
        let inner = Inner { options, ..Inner::new(protocol, true) };
        let socket = Self {
            recorder,
            state: Mutex::new(State { os: None, inner, waiting: Vec::new() }),
            nonblocking: AtomicBool::new(self.is_nonblocking() || is_selected),
            ..Self::new(self.domain, self.kind, Arc::clone(&self.observer))
        };
        Ok((socket, os, peer))
    }

    /// However an attempt on a non-blocking socket ends, and however soon, FD_CONNECT has the outcome.
    pub(crate) fn connect(&self, peer: SocketAddr) -> Result {
        let mut call = self.begin(Limit::None);
        let blocking = call.blocking;
        let mut started = false;
        self.call(&mut call, |inner, os, news| {
            let stream = match &mut inner.protocol {
                Protocol::Datagram(datagram) => {
                    return datagram.connect(os, peer, news, &self.reenable());
                }
                Protocol::Stream(stream) => stream,
            };
            if !mem::replace(&mut started, true) {
                stream.connect(os, peer, news, &self.reenable())?;
                inner.bound = true;
            }
            if blocking { stream.outcome_told() } else { Err(WsaError::WSAEWOULDBLOCK) }
        })
    }

    pub(crate) fn disconnect(&self) -> Result {
        self.enter(false, |inner, os, _| match &mut inner.protocol {
            Protocol::Datagram(datagram) => datagram.disconnect(os),
            Protocol::Stream(_) => Err(WsaError::WSAEAFNOSUPPORT),
        })
    }

    /// A blocking call on a stream sends everything. It does so piece by piece: while it has the lock, the poller waits.
    pub(crate) fn send(&self, bytes: &[u8], flags: i32, to: Option<SocketAddr>) -> Result<usize> {
        let mut call = self.begin(Limit::Send);
        let nonblocking = !call.blocking;
        let at_once = nonblocking || self.kind != Type::STREAM;
        let mut total = 0;
        loop {
            let rest = &bytes[total..];
            let piece = if at_once { rest } else { &rest[..rest.len().min(PIECE)] };
            total += self.call(&mut call, |inner, os, news| {
                let sent = inner.send(os, piece, flags, to, news);
                if sent == Err(WsaError::WSAEWOULDBLOCK) {
                    // L3: nothing else re-enables FD_WRITE. It stands between the send that found no room and the look
                    // for room (L2).
                    if nonblocking {
                        self.recorder.reenable_for(ReenablingCall::SendWouldBlock);
                    }
                    inner.look_for_room(os, news);
                }
                sent
            })?;
            if at_once || total == bytes.len() {
                return Ok(total);
            }
            thread::yield_now();
        }
    }

    /// With MSG_WAITALL, the buffer is filled unless the stream ends or the time is over.
    pub(crate) fn recv(&self, buffer: &mut [u8], flags: i32) -> Result<Received> {
        let all = flags & MSG_WAITALL != 0;
        let mut call = self.begin(Limit::Receive);
        if all && (flags != MSG_WAITALL || self.kind != Type::STREAM || !call.blocking) {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        let mut total = 0;
        let received = self.call(&mut call, |inner, os, news| match &mut inner.protocol {
            Protocol::Stream(stream) => loop {
                let rest = &mut buffer[total..];
                let length = stream.recv(os, rest, flags & !MSG_WAITALL, news, &self.reenable())?;
                total += length;
                if !all || length == 0 || total == buffer.len() {
                    return Ok(Received { length: total, from: None, truncated: false });
                }
            },
            Protocol::Datagram(datagram) => {
                datagram.recv(os, buffer, flags, news, &self.reenable())
            }
        });
        match received {
            // What was received in time is not lost.
            Err(WsaError::WSAETIMEDOUT) if total > 0 => {
                Ok(Received { length: total, from: None, truncated: false })
            }
            received => received,
        }
    }

    pub(crate) fn shutdown(&self, receive: bool, send: bool) -> Result {
        self.enter(true, |inner, os, _| match &mut inner.protocol {
            Protocol::Stream(stream) => stream.shutdown(os, receive, send),
            Protocol::Datagram(datagram) => datagram.shutdown(receive, send),
        })
    }

    /// Whether a close had to wait, on a socket whose calls do not: SO_LINGER has a time, and not everything is sent.
    pub(crate) fn would_linger(&self) -> bool {
        self.is_nonblocking()
            && self.lock().os.as_ref().is_some_and(|os| self.lingers(os) && os::has_unsent(os))
    }

    fn lingers(&self, os: &Watched) -> bool {
        self.kind == Type::STREAM && os.linger().is_ok_and(|time| time > Some(Duration::ZERO))
    }

    /// The last descriptor is gone.
    pub(crate) fn close(&self) {
        drop(self.cancel());
        // S7. It is refused only from inside the socket's own event object (K4). Then the record is freed when
        // the last call that uses the socket returns.
        let _refused = self.recorder.close();
    }

    /// The beginning of a close: calls that wait are cancelled. What is returned closes the socket of the OS, and may wait
    /// for the peer (SO_LINGER).
    pub(crate) fn cancel(&self) -> Option<Watched> {
        let mut state = self.lock();
        let (os, waiting) = (state.os.take(), mem::take(&mut state.waiting));
        drop(state);
        waiting.iter().for_each(Parker::unpark);
        // Not if the calls on the socket do not wait: there may be an answer of the peer's that is waited for, although
        // everything is sent.
        if let Some(os) = &os
            && self.is_nonblocking()
            && self.lingers(os)
        {
            let _ok = os.set_linger(None);
        }
        os
    }

    pub(crate) fn on_changes(&self, changes: Changes) {
        let events = changes.of(self.domain);
        if !events.is_empty() {
            let _closed = self.enter(true, |inner, _, news| {
                inner.changed(events, Ok(()), news);
                Ok(())
            });
        }
    }

    /// L2: re-enables the event, and then looks for a change. The record may be read by others, so a call that waits
    /// looks at the count.
    pub(crate) fn await_change(&self, what: Change) -> Result {
        let mut asked = None;
        self.call(&mut self.begin(Limit::None), |inner, _, _| {
            let (count, outcome) = inner.changes[what as usize];
            let asked = *asked.get_or_insert_with(|| {
                self.recorder.reenable_for(what.call());
                count
            });
            if count == asked { Err(WsaError::WSAEWOULDBLOCK) } else { outcome }
        })
    }

    pub(crate) fn network_down(&self) {
        let _closed = self.enter(true, |inner, _, news| {
            if let Protocol::Stream(stream) = &mut inner.protocol {
                stream.network_down(news);
            }
            inner.changed(NetworkEvents::all(), Err(WsaError::WSAENETDOWN), news);
            Ok(())
        });
    }

    pub(crate) fn local_address(&self) -> Result<SocketAddr> {
        self.enter(false, |inner, os, _| {
            let is_bound =
                inner.bound || matches!(&inner.protocol, Protocol::Datagram(it) if it.is_bound());
            if !is_bound {
                return Err(WsaError::WSAEINVAL);
            }
            os.local_addr()?.as_socket().ok_or(WsaError::WSAEAFNOSUPPORT)
        })
    }

    pub(crate) fn peer_address(&self) -> Result<SocketAddr> {
        self.enter(false, |inner, _, _| match &inner.protocol {
            Protocol::Stream(stream) => stream.peer(),
            Protocol::Datagram(datagram) => datagram.peer(),
        })
    }

    pub(crate) fn unread(&self) -> Result<u32> {
        self.enter(false, |inner, os, _| {
            let unread = match &inner.protocol {
                Protocol::Stream(stream) => stream.unread(os),
                Protocol::Datagram(_) => os::unread(os),
            };
            Ok(u32::try_from(unread).unwrap_or(u32::MAX))
        })
    }

    pub(crate) fn is_at_mark(&self) -> Result<bool> {
        self.enter(false, |inner, os, _| Ok(inner.stream()?.is_at_mark(os)))
    }

    pub(crate) fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result {
        self.enter(false, |inner, os, news| {
            inner.options.set(os, self.known(&inner.protocol), level, name, value)?;
            if let Protocol::Stream(stream) = &mut inner.protocol {
                stream.set_inline(os, inner.options.inline, news);
            }
            Ok(())
        })
    }

    pub(crate) fn option(&self, level: i32, name: i32, out: &mut [u8]) -> Result<usize> {
        self.enter(false, |inner, os, _| {
            inner.options.get(os, self.known(&inner.protocol), level, name, out)
        })
    }

    fn known(&self, protocol: &Protocol) -> Known {
        let (is_listening, error) = match protocol {
            Protocol::Stream(stream) => (stream.is_listening(), stream.error()),
            Protocol::Datagram(_) => (false, None),
        };
        Known { domain: self.domain, kind: self.kind, is_listening, error }
    }

    /// What holds. The thread will be unparked when something changes: room may have gone, so the poller is armed.
    pub(crate) fn conditions(&self, waits: &Parker) -> Result<Conditions> {
        let mut state = self.lock();
        let State { os: Some(os), inner, waiting } = &mut *state else {
            return Err(WsaError::WSAENOTSOCK);
        };
        add(waiting, waits);
        let conditions = match &mut inner.protocol {
            Protocol::Stream(stream) => stream.conditions(os),
            Protocol::Datagram(datagram) => datagram.conditions(),
        };
        os.arm(inner.interest());
        Ok(conditions)
    }

    pub(crate) fn stop_waiting(&self, thread: &Parker) {
        self.lock().waiting.retain(|it| !it.is(thread));
    }

    fn note(&self, happening: Happening) {
        (self.observer)(self.descriptor.get().copied().unwrap_or_default(), happening);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn new(protocol: Protocol, bound: bool) -> Self {
        Self { protocol, bound, changes: [(0, Ok(())); 2], options: Options::default() }
    }

    /// Counts the changes among the events. The record ignores them for a program that has not asked (L3).
    fn changed(&mut self, events: NetworkEvents, outcome: Outcome, news: &mut News) {
        for what in Change::ALL {
            let event = what.call().event();
            if events.contains(event.flag()) {
                let (count, last) = &mut self.changes[what as usize];
                (*count, *last) = (*count + 1, outcome);
                news.add(event, outcome);
            }
        }
    }

    fn stream(&mut self) -> Result<&mut Stream> {
        match &mut self.protocol {
            Protocol::Stream(stream) => Ok(stream),
            Protocol::Datagram(_) => Err(WsaError::WSAEOPNOTSUPP),
        }
    }

    fn send(
        &mut self,
        os: &Watched,
        bytes: &[u8],
        flags: i32,
        to: Option<SocketAddr>,
        news: &mut News,
    ) -> Result<usize> {
        match &mut self.protocol {
            Protocol::Stream(stream) => stream.send(os, bytes, flags, news),
            Protocol::Datagram(datagram) => datagram.send(os, bytes, flags, to, news),
        }
    }

    fn interest(&self) -> Interest {
        match &self.protocol {
            Protocol::Stream(stream) => stream.interest(),
            Protocol::Datagram(datagram) => datagram.interest(),
        }
    }

    fn look_for_room(&mut self, os: &Watched, news: &mut News) {
        match &mut self.protocol {
            Protocol::Stream(stream) => stream.look_for_room(os, news),
            Protocol::Datagram(datagram) => datagram.look_for_room(os, news),
        }
    }
}

fn add(waiting: &mut Vec<Parker>, thread: &Parker) {
    if !waiting.iter().any(|it| it.is(thread)) {
        waiting.push(thread.clone());
    }
}

/// A call. If it has several parts, they share one time limit.
struct Call<'a> {
    blocking: bool,
    limit: Limit,
    /// Since it has found nothing for the first time.
    wait: Option<Wait<'a>>,
}

/// A blocking call that waits.
struct Wait<'a> {
    socket: &'a Socket,
    parker: Parker,
    deadline: Option<Instant>,
}

impl<'a> Wait<'a> {
    fn new(socket: &'a Socket, time: Option<Duration>) -> Self {
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        Self { socket, parker: Parker::default(), deadline }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.socket.stop_waiting(&self.parker);
    }
}
