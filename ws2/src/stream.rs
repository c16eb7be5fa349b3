//! An established connection: what the poller looks for, and what it finds.
//!
//! A poller reports conditions, and the record latches (L1). So the poller looks only for what has not been
//! recorded since its last re-enabling call: if it looked for data while data is unread, it would report again
//! and again. A re-enabling call first re-enables its event and then has the poller look for it again (L2).
//!
//! # Where systems differ
//!
//! - Out-of-band data is seen at once where the poller can report it: on Linux, Windows and illumos. On macOS and
//!   the BSDs (kqueue) it cannot. There it is seen **only with the next ordinary data**, or at the end of the
//!   connection ([`SEES_OOB_AT_ONCE`]).
//! - A reset is seen at once on the former. On the latter, while data is unread, it is seen by the next call.

use std::collections::VecDeque;
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::sync::Arc;

use polling::Event;
use socket2::Socket;
use wsp_events::{NetworkEvent, NetworkEvents, WsaError};

use crate::Occurrence;
use crate::poller::Watched;

/// The number in Winsock and in every OS.
pub const MSG_OOB: i32 = 1;
/// The number in Winsock and in every OS.
pub const MSG_PEEK: i32 = 2;

/// Whether the poller reports out-of-band data.
pub const SEES_OOB_AT_ONCE: bool = !cfg!(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly",
));

/// The answer of a call, and what it has found to record.
type Answer = (Result<usize, WsaError>, Option<Occurrence>);

pub(crate) struct Stream {
    watched: Watched,
    /// What the next look is for. The poller is armed if and only if this is not empty.
    wanted: NetworkEvents,
    /// Out-of-band data, taken from the OS as it arrives, like a listener's connections. As long as it stays in
    /// the OS, the poller reports it again and again, whatever it looks for.
    urgent: VecDeque<u8>,
    /// The peer has closed its direction, and everything was received.
    ended: bool,
    /// WSPShutdown(SD_SEND) was called.
    shut_down: bool,
    /// How the connection was lost: the answer to every further call. The OS gives it only once.
    lost: Option<WsaError>,
}

impl Stream {
    /// A connection that has just been made. It looks for those of `reports` that arrive unasked; it looks for
    /// FD_WRITE when a send has found no room.
    pub(crate) fn new(watched: Watched, reports: NetworkEvents) -> Self {
        let wanted = reports & (NetworkEvents::FD_READ | NetworkEvents::FD_OOB);
        let stream = Self {
            watched,
            wanted,
            urgent: VecDeque::new(),
            ended: false,
            shut_down: false,
            lost: None,
        };
        stream.arm();
        stream
    }

    pub(crate) fn source(&self) -> Arc<Socket> {
        self.watched.source()
    }

    /// A send has found no room, and FD_WRITE is re-enabled (L2): the poller looks for room.
    pub(crate) fn want_room(&mut self) {
        self.wanted |= NetworkEvents::FD_WRITE;
        self.arm();
    }

    fn arm(&self) {
        let wants = |event| self.wanted.contains(event);
        let (read, write) = (wants(NetworkEvents::FD_READ), wants(NetworkEvents::FD_WRITE));
        if !self.wanted.is_empty() {
            self.watched.arm(|key| Event::new(key, read, write).with_priority().with_interrupt());
        }
    }

    /// What the poller has found. All of it is recorded as one step (R5).
    pub(crate) fn look(&mut self, ready: Event) -> Vec<Occurrence> {
        let mut found = Vec::new();
        // The readiness is late, or this is a SAN provider's socket, which reports nothing.
        if self.wanted.is_empty() {
            return found;
        }
        let hung_up = ready.is_interrupt() || ready.is_err() == Some(true);
        // A reset does not wait behind unread data. As on Windows, the data is lost with the connection.
        if let Ok(Some(error)) | Err(error) = self.watched.take_error() {
            found.extend(self.lose(error.into()));
        }
        if self.wanted.contains(NetworkEvents::FD_OOB) {
            if ready.is_priority() || !SEES_OOB_AT_ONCE {
                found.extend(self.take_urgent());
            }
            // If both directions are closed, none can arrive any more, and the poller would report the hang-up
            // whenever it is armed.
            self.wanted.set(NetworkEvents::FD_OOB, !hung_up);
        }
        if self.wanted.contains(NetworkEvents::FD_READ) || hung_up {
            found.extend(self.look_for_data());
        }
        // An interrupt of Windows' poller is a reset. The calls answer it too, with its code; but under Wine they
        // see a graceful close.
        if cfg!(windows) && ready.is_interrupt() && self.lost.is_none() {
            found.extend(self.lose(WsaError::WSAECONNRESET));
        }
        if self.wanted.contains(NetworkEvents::FD_WRITE) && ready.writable {
            self.wanted -= NetworkEvents::FD_WRITE;
            found.push((NetworkEvent::Write, Ok(())));
        }
        self.arm();
        found
    }

    /// FD_READ, or FD_CLOSE once there is nothing more to read. The record reports FD_CLOSE only once, because no
    /// call re-enables it (L3).
    fn look_for_data(&mut self) -> Option<Occurrence> {
        if self.lost.is_some() {
            return None;
        }
        match receive(&self.watched, &mut [0], MSG_PEEK) {
            Ok(0) => {
                self.ended = true;
                self.wanted -= NetworkEvents::FD_READ;
                Some((NetworkEvent::Close, Ok(())))
            }
            Ok(_) => {
                let wanted = self.wanted.contains(NetworkEvents::FD_READ);
                self.wanted -= NetworkEvents::FD_READ;
                wanted.then_some((NetworkEvent::Read, Ok(())))
            }
            Err(WsaError::WSAEWOULDBLOCK | WsaError::WSAEINTR) => None,
            Err(error) => self.lose(error),
        }
    }

    /// FD_OOB, if there is out-of-band data.
    fn take_urgent(&mut self) -> Option<Occurrence> {
        let mut byte = [0];
        let Ok(1) = receive(&self.watched, &mut byte, MSG_OOB) else {
            return None;
        };
        self.urgent.extend(byte);
        Some((NetworkEvent::Oob, Ok(())))
    }

    /// Sends, and answers FD_CLOSE too if the OS says that the connection is lost.
    pub(crate) fn send(&mut self, bytes: &[u8], flags: i32) -> Answer {
        if self.shut_down {
            return (Err(WsaError::WSAESHUTDOWN), None);
        }
        self.call(|socket| Ok(socket.send_with_flags(bytes, flags)?))
    }

    /// Receives, and looks whether there is more, or has the poller look.
    pub(crate) fn recv(&mut self, buffer: &mut [u8], peek: bool) -> Answer {
        let flags = if peek { MSG_PEEK } else { 0 };
        let (received, mut news) = self.call(|socket| receive(socket, buffer, flags));
        if self.lost.is_none() && !self.ended {
            self.wanted |= NetworkEvents::FD_READ;
            // An enumeration after this call must find FD_READ if there is more. A receive that did not fill its
            // buffer has taken all there was; the poller finds what arrives later.
            if received.is_ok_and(|length| peek || length == buffer.len()) {
                news = self.look_for_data();
            }
            self.arm();
        }
        (received, news)
    }

    /// Receives out-of-band data, and answers FD_OOB too if there is more. Here the call itself can look.
    pub(crate) fn recv_oob(&mut self, buffer: &mut [u8], peek: bool) -> Answer {
        if let Some(error) = self.lost {
            return (Err(error), None);
        }
        let length = buffer.len().min(self.urgent.len());
        for (to, from) in buffer.iter_mut().zip(&self.urgent) {
            *to = *from;
        }
        let received =
            if self.urgent.is_empty() { Err(WsaError::WSAEWOULDBLOCK) } else { Ok(length) };
        if !peek {
            self.urgent.drain(..length);
        }
        let more = !self.urgent.is_empty();
        (received, more.then_some((NetworkEvent::Oob, Ok(()))))
    }

    pub(crate) fn shutdown_send(&mut self) -> Result<(), WsaError> {
        if let Some(error) = self.lost {
            return Err(error);
        }
        self.watched.shutdown(Shutdown::Write)?;
        self.shut_down = true;
        self.wanted -= NetworkEvents::FD_WRITE;
        Ok(())
    }

    /// The connection is lost: FD_CLOSE has the error, and every call from now on answers it.
    pub(crate) fn lose(&mut self, error: WsaError) -> Option<Occurrence> {
        self.lost = Some(error);
        self.wanted = NetworkEvents::empty();
        Some((NetworkEvent::Close, Err(error)))
    }

    fn call(&mut self, call: impl FnOnce(&Socket) -> Result<usize, WsaError>) -> Answer {
        if let Some(error) = self.lost {
            return (Err(error), None);
        }
        let result = call(&self.watched);
        let news = result.err().filter(ends_connection).and_then(|error| self.lose(error));
        (result, news)
    }
}

fn ends_connection(error: &WsaError) -> bool {
    matches!(
        *error,
        WsaError::WSAECONNRESET
            | WsaError::WSAECONNABORTED
            | WsaError::WSAENETRESET
            | WsaError::WSAETIMEDOUT
    )
}

/// recv() with flags, into bytes.
fn receive(socket: &Socket, buffer: &mut [u8], flags: i32) -> Result<usize, WsaError> {
    // SAFETY: the layout is the same, and socket2 promises that its recv functions write no uninitialised bytes, so
    // that they can be used with a buffer of bytes.
    let buffer = unsafe { &mut *(std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>]) };
    Ok(socket.recv_with_flags(buffer, flags)?)
}
