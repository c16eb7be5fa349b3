//! The clients: several threads, each with as many connections as it can wait for, and an event object for each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use socket2::{Domain, Type};
use wsp_events::{EventSignal, NetworkEvent, NetworkEvents, SOCKET, WSAEVENT, WsaError};

use crate::counts::{Count, add};
use crate::wait::WaitSet;
use crate::{
    CONNECTIONS, DATA_EVENTS, KILL_AFTER, KILL_ME, RECEIVE, Result, SD_SEND, enumerate,
    limit_send_buffer, reset_at_close, select,
};
use ws2::Winsock;
use ws2::switch::Written;

/// How many connections a thread has at a time.
pub(crate) const AT_A_TIME: usize = 63;

/// Whether a reset comes while data is in flight in both directions. Not on Windows, because Wine forgets a reset
/// that it sees together with anything else.
const IN_FLIGHT: bool = !cfg!(windows);

/// How a connection will end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Gracefully, when all bytes have come back.
    Complete,
    /// The client resets it in the middle.
    ResetByClient,
    /// The server resets it in the middle.
    ResetByServer,
}

/// The client's side of a connection.
struct Connection {
    s: SOCKET,
    id: usize,
    fate: Fate,
    length: usize,
    sent: usize,
    back: usize,
    /// FD_CLOSE was reported.
    ended: bool,
}

/// A thread of clients.
pub(crate) struct Clients {
    winsock: Arc<Winsock>,
    server: SocketAddr,
    wait_set: WaitSet,
    /// One for each event object, which serves one connection after another.
    slots: Vec<Option<Connection>>,
}

/// The number of the next connection, for all threads.
static NEXT: AtomicUsize = AtomicUsize::new(0);

impl Clients {
    pub(crate) fn new(winsock: &Arc<Winsock>, server: SocketAddr) -> Result<Self> {
        let wait_set = WaitSet::new(winsock, AT_A_TIME)?;
        let slots = (0..AT_A_TIME).map(|_| None).collect();
        Ok(Self { winsock: Arc::clone(winsock), server, wait_set, slots })
    }

    /// Makes connections, one after another in each slot, until there have been enough.
    pub(crate) fn run(mut self) -> Result {
        for at in 0..AT_A_TIME {
            self.slots[at] = self.next(self.wait_set.handle(at))?;
        }
        let mut buffer = vec![0; RECEIVE];
        while self.slots.iter().any(Option::is_some) {
            for at in self.wait_set.wait(&self.winsock)? {
                if self.woken(at, &mut buffer)? {
                    self.slots[at] = self.next(self.wait_set.handle(at))?;
                }
            }
        }
        Ok(())
    }

    /// Starts the next connection, if there is one to start.
    fn next(&self, event: WSAEVENT) -> Result<Option<Connection>> {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        if id >= CONNECTIONS {
            return Ok(None);
        }
        let s = self.winsock.create_socket(Domain::IPV4, Type::STREAM)?;
        // From now on it is non-blocking (S9).
        select(s, event, NetworkEvents::FD_CONNECT | DATA_EVENTS)?;
        match self.winsock.connect(s, self.server) {
            Err(WsaError::WSAEWOULDBLOCK) => Ok(Some(Connection::new(s, id))),
            answer => Err(format!("connect() answered {answer:?}").into()),
        }
    }

    /// The event object is set: takes the report of the socket that it serves. Whether the connection has ended.
    fn woken(&mut self, at: usize, buffer: &mut [u8]) -> Result<bool> {
        let Some(connection) = &mut self.slots[at] else {
            return Err("an event object was set after its socket was closed (S7)".into());
        };
        let report = enumerate(connection.s, self.wait_set.handle(at))?;
        add(if report.events().is_empty() { Count::EmptyReport } else { Count::Report }, 1);
        let over = connection.serve(&self.winsock, &report, buffer)?;
        if over {
            self.winsock.close_socket(connection.s)?;
            // For the next connection: WSAResetEvent.
            self.wait_set.event(at).reset_event()?;
        }
        Ok(over)
    }
}

impl Connection {
    fn new(s: SOCKET, id: usize) -> Self {
        let fate = match id % 10 {
            3 => Fate::ResetByClient,
            8 => Fate::ResetByServer,
            _ => Fate::Complete,
        };
        // Some are larger than all buffers on the way, so they must wait for FD_WRITE.
        let length = if id.is_multiple_of(16) { 512 * 1024 } else { (9 + id % 17) * 1024 };
        Self { s, id, fate, length, sent: 0, back: 0, ended: false }
    }

    /// How much may be sent by now.
    fn sendable(&self) -> usize {
        if IN_FLIGHT || self.fate == Fate::Complete {
            self.length
        } else {
            KILL_AFTER + usize::from(self.back == KILL_AFTER)
        }
    }

    /// The byte at an index of this connection's data. The first says whether the server must reset it.
    fn byte(&self, at: usize) -> u8 {
        match (at, self.fate) {
            (0, Fate::ResetByServer) => KILL_ME,
            (0, _) => KILL_ME + 1,
            _ => (self.id * 31 + at * 7 + at / 256) as u8,
        }
    }

    /// Whether the connection is over.
    fn serve(&mut self, winsock: &Winsock, report: &Written, buffer: &mut [u8]) -> Result<bool> {
        if let Some(outcome) = report.outcome(NetworkEvent::Connect) {
            outcome?;
            add(Count::Connected, 1);
            limit_send_buffer(winsock, self.s)?;
        }
        if report.outcome(NetworkEvent::Read).is_some() {
            self.receive(winsock, buffer)?;
        }
        if self.fate == Fate::ResetByClient && self.back >= KILL_AFTER {
            add(Count::ResetByClient, 1);
            add(Count::BytesCut, self.sent - self.back);
            reset_at_close(winsock, self.s)?;
            return Ok(true);
        }
        // All that had to come back first is there. The rest needs no FD_WRITE, since no send has failed.
        let goes_on = self.fate == Fate::ResetByServer && self.sent == self.back;
        if report.outcome(NetworkEvent::Write).is_some() || goes_on {
            self.send(winsock)?;
        }
        match report.outcome(NetworkEvent::Close) {
            Some(Err(_)) => {
                add(Count::ResetSeenByClient, 1);
                add(Count::BytesCut, self.sent - self.back);
                return Ok(true);
            }
            Some(Ok(())) if self.ended => return Err("FD_CLOSE came twice".into()),
            close => self.ended |= close.is_some(),
        }
        // FD_CLOSE does not wait until the data before it was received. FD_READ is reported until there is none.
        let over = self.ended && winsock.unread(self.s)? == 0;
        if over {
            let whole = self.fate == Fate::Complete && self.back == self.length;
            add(if whole { Count::Completed } else { Count::WrongBytes }, 1);
        }
        Ok(over)
    }

    /// Receives once for each FD_READ, and compares.
    fn receive(&mut self, winsock: &Winsock, buffer: &mut [u8]) -> Result {
        // If there is nothing, or after a reset, FD_READ or FD_CLOSE will follow.
        let length = winsock.recv(self.s, buffer, 0).unwrap_or(0);
        let expected = (self.back..self.back + length).map(|at| self.byte(at));
        let wrong = buffer[..length].iter().zip(expected).filter(|(came, sent)| **came != *sent);
        add(Count::WrongBytes, wrong.count());
        add(Count::BytesBack, length);
        self.back += length;
        if self.back > self.sent {
            return Err("more has come back than was sent".into());
        }
        Ok(())
    }

    /// Sends as much as there is room for. FD_WRITE says when to go on, but only after a send that found no room
    /// (L3).
    fn send(&mut self, winsock: &Winsock) -> Result {
        while self.sent < self.sendable() {
            let end = self.sendable().min(self.sent + RECEIVE);
            let bytes: Vec<u8> = (self.sent..end).map(|at| self.byte(at)).collect();
            match winsock.send(self.s, &bytes, 0) {
                Ok(length) => {
                    add(Count::BytesSent, length);
                    self.sent += length;
                }
                Err(WsaError::WSAEWOULDBLOCK) => {
                    add(Count::WouldBlock, 1);
                    return Ok(());
                }
                // FD_CLOSE will follow.
                Err(_) => return Ok(()),
            }
        }
        match self.fate {
            Fate::Complete => Ok(winsock.shutdown(self.s, SD_SEND)?),
            // No graceful close: the server would end the connection itself.
            Fate::ResetByClient | Fate::ResetByServer => Ok(()),
        }
    }
}
