//! A stream socket: its state, and what is found when it is looked at.
//!
//! Every function runs under the socket's lock. What it finds goes into [`News`] and is recorded under the same lock, so
//! that no re-enabling call comes between the look and the record (L2, R9).
//!
//! Arrivals are recorded, as on Windows: FD_READ, FD_OOB and FD_ACCEPT again for each arrival that is reported, although
//! the earlier ones are unread. An arrival of data is told from a report for another reason by the number of unread
//! bytes, which has grown.

use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, SocketAddr};

use socket2::Socket;
use wsp_events::{NetworkEvent, ReenablingCall, WsaError};

use crate::Result;
use crate::look::{Conditions, News, Reenable};
use crate::options;
use crate::os::{self, Interest, MSG_OOB, MSG_PEEK, NO_SIGNAL, Ready, SEES_OOB_AT_ONCE, receive};

/// MSG_DONTROUTE: allowed, and ignored.
const MSG_DONTROUTE: i32 = 4;

/// An urgent byte that was received stays in the stream, and only receives that are not inline pass over it.
const KEEPS_URGENT: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// How many bytes are counted at most on a connection that has had out-of-band data.
const MARKED: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Unconnected,
    Listening,
    Connecting,
    Connected,
}

pub(crate) struct Stream {
    phase: Phase,
    peer: Option<SocketAddr>,
    /// A connection waits to be accepted.
    acceptable: bool,
    /// Data is unread, and how many bytes of it were counted. Linux counts up to the urgent mark.
    readable: bool,
    unread: usize,
    /// Out-of-band data, taken from the OS when it is reported or a receive comes to it: Linux keeps one byte, and drops it
    /// when a receive passes its place. (If another arrives while data before it is unread, Linux puts it into the stream
    /// as well.) Empty for a socket with SO_OOBINLINE, where it stays in the stream.
    urgent: VecDeque<u8>,
    /// The count of unread bytes and a short receive may end at a mark.
    has_mark: bool,
    /// The urgent byte was received, although Linux keeps it in the stream.
    took_urgent: bool,
    inline: bool,
    /// There is room to send.
    room: bool,
    /// A send has found none.
    awaits_room: bool,
    /// The peer has closed its direction.
    ended: bool,
    shut_receive: bool,
    shut_send: bool,
    /// Why the connection was lost: the answer to every further call. The OS gives it only once.
    lost: Option<WsaError>,
    /// Why the last attempt to connect has failed.
    failed: Option<WsaError>,
    /// What SO_ERROR answers.
    error: Option<WsaError>,
}

impl Stream {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Unconnected,
            peer: None,
            acceptable: false,
            readable: false,
            unread: 0,
            urgent: VecDeque::new(),
            has_mark: false,
            took_urgent: false,
            inline: false,
            room: false,
            awaits_room: false,
            ended: false,
            shut_receive: false,
            shut_send: false,
            lost: None,
            failed: None,
            error: None,
        }
    }

    /// A connection that was accepted. There is room to send.
    pub(crate) fn accepted(peer: SocketAddr, inline: bool) -> Self {
        Self { phase: Phase::Connected, peer: Some(peer), room: true, inline, ..Self::new() }
    }

    pub(crate) fn is_listening(&self) -> bool {
        self.phase == Phase::Listening
    }

    pub(crate) fn peer(&self) -> Result<SocketAddr> {
        self.peer.filter(|_| self.phase == Phase::Connected).ok_or(WsaError::WSAENOTCONN)
    }

    fn check_connected(&self) -> Result {
        match self.phase {
            Phase::Connected => self.lost.map_or(Ok(()), Err),
            _ => Err(WsaError::WSAENOTCONN),
        }
    }

    pub(crate) fn listen(&mut self, os: &Socket, backlog: i32, is_bound: bool) -> Result {
        match self.phase {
            Phase::Connected | Phase::Connecting => Err(WsaError::WSAEISCONN),
            Phase::Unconnected if !is_bound => Err(WsaError::WSAEINVAL),
            _ => {
                options::listen(os, backlog)?;
                self.phase = Phase::Listening;
                Ok(())
            }
        }
    }

    /// L2: re-enable, then look.
    pub(crate) fn accept(
        &mut self,
        os: &Socket,
        news: &mut News,
        reenable: Reenable<'_>,
    ) -> Result<(Socket, SocketAddr)> {
        if self.phase != Phase::Listening {
            return Err(WsaError::WSAEINVAL);
        }
        reenable(ReenablingCall::Accept);
        let accepted = loop {
            match os.accept().map_err(WsaError::from) {
                // This client has disconnected. There may be others.
                Err(WsaError::WSAECONNABORTED | WsaError::WSAECONNRESET | WsaError::WSAEINTR) => {}
                accepted => break accepted,
            }
        };
        self.acceptable = os::is_readable(os);
        if self.acceptable {
            news.add(NetworkEvent::Accept, Ok(()));
        }
        let (connection, peer) = accepted?;
        Ok((connection, peer.as_socket().ok_or(WsaError::WSAEAFNOSUPPORT)?))
    }

    /// Starts an attempt. However it ends, and however soon, FD_CONNECT has the outcome (R7).
    pub(crate) fn connect(
        &mut self,
        os: &Socket,
        peer: SocketAddr,
        news: &mut News,
        reenable: Reenable<'_>,
    ) -> Result {
        match self.phase {
            Phase::Listening => return Err(WsaError::WSAEINVAL),
            Phase::Connecting => return Err(WsaError::WSAEALREADY),
            Phase::Connected => return Err(WsaError::WSAEISCONN),
            Phase::Unconnected => {}
        }
        let mut started = start(os, peer);
        // After a refusal Linux answers this once, whatever comes next.
        if started == Err(WsaError::WSAECONNABORTED) {
            started = start(os, peer);
        }
        match started {
            Ok(_) => {}
            Err(
                WsaError::WSAECONNREFUSED | WsaError::WSAENETUNREACH | WsaError::WSAEHOSTUNREACH,
            ) => {}
            Err(error) => return Err(error),
        }
        reenable(ReenablingCall::Connect);
        (self.failed, self.error) = (None, None);
        self.peer = Some(peer);
        self.phase = Phase::Connecting;
        match started {
            Ok(true) => self.connected(news),
            Ok(false) => {}
            Err(error) => self.refused(error, news),
        }
        Ok(())
    }

    /// How the last attempt has ended. The program is told by the call itself, so that SO_ERROR has nothing to tell.
    pub(crate) fn outcome_told(&mut self) -> Result {
        if self.phase != Phase::Connecting {
            self.error = None;
        }
        match self.phase {
            Phase::Connected => Ok(()),
            Phase::Connecting => Err(WsaError::WSAEWOULDBLOCK),
            _ => Err(self.failed.unwrap_or(WsaError::WSAECONNABORTED)),
        }
    }

    fn connected(&mut self, news: &mut News) {
        self.phase = Phase::Connected;
        self.room = true;
        news.add(NetworkEvent::Connect, Ok(()));
        news.add(NetworkEvent::Write, Ok(()));
    }

    fn refused(&mut self, error: WsaError, news: &mut News) {
        self.phase = Phase::Unconnected;
        self.peer = None;
        (self.failed, self.error) = (Some(error), Some(error));
        news.add(NetworkEvent::Connect, Err(error));
    }

    /// The connection is lost: FD_CLOSE says so, and every call from now on answers the error. On Windows FD_CLOSE after
    /// a reset is WSAECONNABORTED, and the calls answer WSAECONNRESET. Unread data is lost with the connection.
    pub(crate) fn lose(&mut self, error: WsaError, news: &mut News) {
        if self.phase == Phase::Connecting {
            return self.refused(error, news);
        }
        self.lost = Some(error);
        (self.readable, self.unread) = (false, 0);
        self.urgent.clear();
        self.awaits_room = false;
        let code = match error {
            WsaError::WSAENETDOWN => error,
            _ => WsaError::WSAECONNABORTED,
        };
        news.add(NetworkEvent::Close, Err(code));
    }

    /// The code of a call. After a reset that came when the peer had closed its direction, Unix says EPIPE, and Windows
    /// WSAECONNABORTED.
    fn lost_by(&self, error: io::Error) -> WsaError {
        match error.kind() {
            io::ErrorKind::BrokenPipe if self.ended => WsaError::WSAECONNABORTED,
            _ => error.into(),
        }
    }

    pub(crate) fn network_down(&mut self, news: &mut News) {
        match self.phase {
            Phase::Listening => news.add(NetworkEvent::Accept, Err(WsaError::WSAENETDOWN)),
            Phase::Connecting | Phase::Connected => self.lose(WsaError::WSAENETDOWN, news),
            Phase::Unconnected => {}
        }
    }

    /// The poller has called: this looks at everything that may have changed.
    pub(crate) fn look(&mut self, os: &Socket, ready: Ready, news: &mut News) {
        match self.phase {
            Phase::Unconnected => {}
            Phase::Listening => {
                self.acceptable = os::is_readable(os);
                if self.acceptable {
                    news.add(NetworkEvent::Accept, Ok(()));
                }
            }
            Phase::Connecting => {
                if ready.write || ready.error || ready.read_closed {
                    self.look_for_outcome(os, ready, news);
                }
            }
            Phase::Connected => self.look_at_connection(os, ready, news),
        }
    }

    fn look_for_outcome(&mut self, os: &Socket, ready: Ready, news: &mut News) {
        let error = os.take_error().map(|error| error.map(WsaError::from));
        // Windows' poller reports a reset, and the calls may not know of it.
        let reset = (cfg!(windows) && ready.error).then_some(WsaError::WSAECONNRESET);
        match error.map(|error| error.or(reset)).map_err(WsaError::from) {
            Ok(None) if os.peer_addr().is_ok() => {
                self.connected(news);
                self.look_at_connection(os, ready, news);
            }
            // Some systems report a socket as writable before the attempt has ended.
            Ok(None) => {}
            // No attempt to connect ends like this. It was connected, and the peer has reset it at once.
            Ok(Some(WsaError::WSAECONNRESET)) => {
                self.connected(news);
                self.lose(WsaError::WSAECONNRESET, news);
            }
            Ok(Some(error)) | Err(error) => self.refused(error, news),
        }
    }

    fn look_at_connection(&mut self, os: &Socket, ready: Ready, news: &mut News) {
        if self.lost.is_some() {
            return;
        }
        if ready.error {
            // Windows' poller reports a reset, and the calls may not know of it. On Unix a report may be late, and mean
            // the attempt to connect before this one.
            let error = os.take_error().ok().flatten().map(|error| self.lost_by(error));
            if let Some(error) = error.or(cfg!(windows).then_some(WsaError::WSAECONNRESET)) {
                return self.lose(error, news);
            }
        }
        if ready.priority || !SEES_OOB_AT_ONCE {
            self.take_urgent(os, news);
        }
        let ended = self.ended || ready.read_closed && os::has_read_closed(os);
        self.look_for_data(os, ended, news);
        // An edge-triggered poller says with each report whether there is room.
        if ready.write && !self.room {
            self.look_for_room(os, news);
        }
    }

    /// FD_OOB. With SO_OOBINLINE the byte is data.
    fn take_urgent(&mut self, os: &Socket, news: &mut News) {
        self.has_mark = true;
        let mut byte = [0];
        while !self.inline && receive(os, &mut byte, MSG_OOB) == Ok(1) {
            self.took_urgent = false;
            self.urgent.extend(byte);
            if !self.shut_receive {
                news.add(NetworkEvent::Oob, Ok(()));
            }
        }
    }

    /// FD_READ for an arrival, and FD_CLOSE at once, although data may be unread.
    fn look_for_data(&mut self, os: &Socket, read_closed: bool, news: &mut News) {
        let (was_readable, counted) = (self.readable, self.unread);
        self.unread = self.count(os);
        self.readable = self.unread > 0;
        let mut ended = read_closed;
        // Unix's pollers report the end, and errors.
        if cfg!(windows) {
            match receive(os, &mut [0], MSG_PEEK) {
                Ok(0) => ended = true,
                Ok(_) => self.readable = true,
                Err(WsaError::WSAEWOULDBLOCK | WsaError::WSAEINTR) => {}
                Err(error) => return self.lose(error, news),
            }
        }
        // A one-shot poller is not armed for data while data is unread. More of it may be found here by chance, when
        // the poller reports room: that is left to the next receive.
        let more = cfg!(unix) && self.unread > counted;
        let arrived = more || self.readable && !was_readable;
        if arrived && !self.shut_receive {
            news.add(NetworkEvent::Read, Ok(()));
        }
        if ended && !self.ended {
            self.ended = true;
            news.add(NetworkEvent::Close, Ok(()));
        }
    }

    /// FD_WRITE, if a send has found no room.
    pub(crate) fn look_for_room(&mut self, os: &Socket, news: &mut News) {
        self.room = os::has_room(os);
        if self.room && std::mem::take(&mut self.awaits_room) && !self.shut_send {
            news.add(NetworkEvent::Write, Ok(()));
        }
    }

    /// Sends as much as there is room for.
    pub(crate) fn send(
        &mut self,
        os: &Socket,
        bytes: &[u8],
        flags: i32,
        news: &mut News,
    ) -> Result<usize> {
        if flags & !(MSG_OOB | MSG_DONTROUTE) != 0 {
            return Err(WsaError::WSAEINVAL);
        }
        if self.phase == Phase::Connected && self.shut_send {
            return Err(WsaError::WSAESHUTDOWN);
        }
        self.check_connected()?;
        // The OS would answer 0.
        let sent = if bytes.is_empty() && !os::has_room(os) {
            Err(WsaError::WSAEWOULDBLOCK)
        } else {
            os.send_with_flags(bytes, flags & MSG_OOB | NO_SIGNAL)
                .map_err(|error| self.lost_by(error))
        };
        match sent {
            Err(WsaError::WSAEWOULDBLOCK) => (self.room, self.awaits_room) = (false, true),
            Err(error) if ends_connection(error) => self.lose(error, news),
            _ => {}
        }
        sent
    }

    pub(crate) fn recv(
        &mut self,
        os: &Socket,
        buffer: &mut [u8],
        flags: i32,
        news: &mut News,
        reenable: Reenable<'_>,
    ) -> Result<usize> {
        if flags & !(MSG_OOB | MSG_PEEK) != 0 {
            return Err(WsaError::WSAEINVAL);
        }
        let (oob, peek) = (flags & MSG_OOB != 0, flags & MSG_PEEK != 0);
        if oob && self.inline {
            return Err(WsaError::WSAEINVAL);
        }
        if self.phase != Phase::Connected {
            return Err(WsaError::WSAENOTCONN);
        }
        if self.shut_receive {
            return Err(WsaError::WSAESHUTDOWN);
        }
        // L2, L3: the arguments are valid, so the call re-enables, however it ends. What it leaves behind is looked for
        // after this.
        reenable(ReenablingCall::Recv { oob });
        // With MSG_WAITALL an earlier part of the same call may have left something behind.
        news.withdraw(ReenablingCall::Recv { oob }.event());
        self.check_connected()?;
        if oob { self.recv_oob(buffer, peek, news) } else { self.recv_data(os, buffer, peek, news) }
    }

    fn recv_data(
        &mut self,
        os: &Socket,
        buffer: &mut [u8],
        peek: bool,
        news: &mut News,
    ) -> Result<usize> {
        // The OS would answer 0.
        if buffer.is_empty() && !os::is_readable(os) {
            return Err(WsaError::WSAEWOULDBLOCK);
        }
        let flags = if peek { MSG_PEEK } else { 0 };
        // A receive that begins at an urgent byte passes over it, and loses it if the poller has not reported it yet. What was
        // counted lies before the byte. If nothing was, the byte is looked for once there is something to receive: then it
        // is there, too.
        let may_lose = KEEPS_URGENT && !self.inline && (self.unread == 0 || self.has_mark);
        let mut received = if may_lose { receive(os, &mut [0], MSG_PEEK) } else { Ok(0) };
        if received.is_ok() {
            if may_lose && os::has_urgent(os) {
                self.take_urgent(os, news);
            }
            received = receive(os, buffer, flags);
        }
        match received {
            Err(WsaError::WSAEINTR) => return Err(WsaError::WSAEWOULDBLOCK),
            Err(error) if ends_connection(error) => {
                self.lose(error, news);
                return received;
            }
            Ok(0) if !buffer.is_empty() && !self.ended => {
                self.ended = true;
                news.add(NetworkEvent::Close, Ok(()));
            }
            _ => {}
        }
        self.drop_taken(os);
        let length = received.unwrap_or(self.unread);
        self.unread = if peek { 0 } else { self.unread.saturating_sub(length) };
        self.readable = self.unread > 0;
        if self.readable && cfg!(unix) && !self.has_mark {
            // FD_READ for the rest. What has arrived since it was counted is an arrival that the poller will report.
            news.add(NetworkEvent::Read, Ok(()));
        } else if peek || self.has_mark || cfg!(windows) {
            (self.readable, self.unread) = (false, 0);
            self.look_for_data(os, self.ended, news);
        }
        received
    }

    fn recv_oob(&mut self, buffer: &mut [u8], peek: bool, news: &mut News) -> Result<usize> {
        let length = buffer.len().min(self.urgent.len());
        // Behind the end there is none.
        let received = match self.urgent.is_empty() && !self.ended {
            true => Err(WsaError::WSAEWOULDBLOCK),
            false => Ok(length),
        };
        for (to, from) in buffer.iter_mut().zip(&self.urgent) {
            *to = *from;
        }
        if !peek {
            self.urgent.drain(..length);
            self.took_urgent |= length > 0 && self.urgent.is_empty();
        }
        if !self.urgent.is_empty() {
            news.add(NetworkEvent::Oob, Ok(()));
        }
        received
    }

    /// SD_RECEIVE does not reach the OS, whose poller would take it for the peer's close.
    pub(crate) fn shutdown(&mut self, os: &Socket, receive: bool, send: bool) -> Result {
        self.check_connected()?;
        if send && !self.shut_send {
            os.shutdown(Shutdown::Write)?;
        }
        self.shut_receive |= receive;
        self.shut_send |= send;
        Ok(())
    }

    /// SO_OOBINLINE. Of Linux's stream, a byte that was not received yet is received inline, any other stays out of it.
    pub(crate) fn set_inline(&mut self, os: &Socket, inline: bool, news: &mut News) {
        self.inline = inline;
        if inline && KEEPS_URGENT {
            self.urgent.clear();
        }
        self.drop_taken(os);
        if self.phase == Phase::Connected && self.lost.is_none() {
            self.look_for_data(os, self.ended, news);
        }
    }

    /// Drops the next byte if it was received as out-of-band data: an inline receive would get it a second time.
    fn drop_taken(&mut self, os: &Socket) {
        if KEEPS_URGENT && self.inline && self.took_urgent && os::at_mark(os) && !os::has_urgent(os)
        {
            self.took_urgent = false;
            let _taken = receive(os, &mut [0], 0);
        }
    }

    /// FIONREAD.
    pub(crate) fn unread(&self, os: &Socket) -> usize {
        match self.phase {
            Phase::Connected if self.lost.is_none() => self.count(os),
            _ => 0,
        }
    }

    /// How many bytes a receive can get. Linux counts none behind the place of an urgent byte.
    fn count(&self, os: &Socket) -> usize {
        if self.has_mark && !self.inline {
            receive(os, &mut vec![0; MARKED], MSG_PEEK).unwrap_or(0)
        } else {
            os::unread(os)
        }
    }

    /// SIOCATMARK: whether no out-of-band data lies ahead.
    pub(crate) fn is_at_mark(&self, os: &Socket) -> bool {
        match self.inline {
            false => self.urgent.is_empty(),
            // Its answer is Winsock's own.
            true if cfg!(windows) => os::at_mark(os),
            true => os::at_mark(os) || !os::has_urgent(os),
        }
    }

    /// SO_ERROR.
    pub(crate) fn error(&self) -> Option<WsaError> {
        self.error
    }

    pub(crate) fn conditions(&mut self, os: &Socket) -> Conditions {
        let connected = self.phase == Phase::Connected;
        if connected && self.room && self.lost.is_none() {
            self.room = os::has_room(os);
        }
        Conditions {
            data: self.acceptable || self.readable,
            room: connected && (self.room || self.lost.is_some() || self.shut_send),
            urgent: !self.urgent.is_empty(),
            failed: self.failed.is_some(),
            ended: self.ended || self.shut_receive,
            lost: self.lost.is_some(),
        }
    }

    /// What a one-shot poller is to look for: what has not been found yet.
    pub(crate) fn interest(&self) -> Interest {
        match self.phase {
            Phase::Unconnected => Interest::default(),
            Phase::Listening => Interest { read: !self.acceptable, ..Interest::default() },
            Phase::Connecting => Interest { write: true, ..Interest::default() },
            Phase::Connected if self.lost.is_some() => Interest::default(),
            Phase::Connected => Interest {
                read: !self.readable && !self.ended,
                write: !self.room,
                priority: !self.inline && !self.ended,
            },
        }
    }
}

/// Whether it is connected already; if not, the attempt is under way.
fn start(os: &Socket, peer: SocketAddr) -> Result<bool> {
    match os.connect(&peer.into()) {
        Ok(()) => Ok(true),
        Err(error) => match WsaError::from(error) {
            WsaError::WSAEWOULDBLOCK | WsaError::WSAEINPROGRESS => Ok(false),
            error => Err(error),
        },
    }
}

fn ends_connection(error: WsaError) -> bool {
    matches!(
        error,
        WsaError::WSAECONNRESET
            | WsaError::WSAECONNABORTED
            | WsaError::WSAENETRESET
            | WsaError::WSAETIMEDOUT
    )
}
