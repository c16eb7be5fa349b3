//! The server: one thread, one event object for the listener, and one for each group of connections.

use std::collections::HashMap;
use std::sync::Arc;

use wsp_events::{EventSignal, NetworkEvent, NetworkEvents, SOCKET, WSAEVENT, WsaError};

use crate::counts::{Count, add};
use crate::wait::{MAXIMUM_WAIT_EVENTS, WaitSet};
use crate::{
    CONNECTIONS, DATA_EVENTS, KILL_AFTER, KILL_ME, RECEIVE, Result, enumerate, limit_send_buffer,
    reset_at_close, select,
};
use ws2::Winsock;

/// How many connections share an event object.
const GROUP: usize = 16;

pub(crate) struct Server {
    winsock: Arc<Winsock>,
    listener: SOCKET,
    /// The first event object is the listener's, the others are the groups'.
    wait_set: WaitSet,
    groups: Vec<Group>,
    accepted: usize,
}

/// The connections that share an event object.
#[derive(Default)]
struct Group(HashMap<SOCKET, Connection>);

/// The server's side of a connection.
#[derive(Default)]
struct Connection {
    /// What was received last. From `sent` on it is not yet sent back.
    echo: Vec<u8>,
    sent: usize,
    received: usize,
    /// The client asks for a reset.
    kill: bool,
    /// FD_READ was reported, and no receive has followed yet.
    readable: bool,
    /// FD_CLOSE was reported.
    ended: bool,
}

impl Server {
    /// The socket listens already: a connection that arrived before the selection is recorded (R1).
    pub(crate) fn new(winsock: &Arc<Winsock>, listener: SOCKET) -> Result<Self> {
        let wait_set = WaitSet::new(winsock, MAXIMUM_WAIT_EVENTS)?;
        select(listener, wait_set.handle(0), NetworkEvents::FD_ACCEPT)?;
        let groups = (1..MAXIMUM_WAIT_EVENTS).map(|_| Group::default()).collect();
        Ok(Self { winsock: Arc::clone(winsock), listener, wait_set, groups, accepted: 0 })
    }

    /// Serves until the last connection has ended.
    pub(crate) fn run(mut self) -> Result {
        while self.accepted < CONNECTIONS || self.groups.iter().any(|group| !group.0.is_empty()) {
            for at in self.wait_set.wait(&self.winsock)? {
                match at.checked_sub(1) {
                    None => self.accept()?,
                    Some(group) => {
                        if self.groups[group].0.is_empty() {
                            // The socket that set it was closed before this pass: WSAResetEvent.
                            self.wait_set.event(at).reset_event()?;
                        }
                        self.groups[group].pass(&self.winsock, self.wait_set.handle(at))?;
                    }
                }
            }
        }
        Ok(self.winsock.close_socket(self.listener)?)
    }

    /// Accepts one connection for an FD_ACCEPT. If more wait, the accept has set the event object again (L2).
    fn accept(&mut self) -> Result {
        let report = enumerate(self.listener, self.wait_set.handle(0))?;
        add(if report.events().is_empty() { Count::EmptyReport } else { Count::Report }, 1);
        match report.outcome(NetworkEvent::Accept) {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(error.into()),
            None => return Ok(()),
        }
        let s = match self.winsock.accept(self.listener) {
            Err(WsaError::WSAEWOULDBLOCK) => return Ok(()),
            accepted => accepted?.0,
        };
        add(Count::Accepted, 1);
        self.accepted += 1;
        limit_send_buffer(&self.winsock, s)?;
        let with_room = self.groups.iter().position(|group| group.0.len() < GROUP);
        let group = with_room.ok_or("the server has no room for so many connections")?;
        self.groups[group].0.insert(s, Connection::default());
        // The socket has the listener's selection (S8), and gets its own. FD_WRITE is recorded already, so the
        // group's event object is set at once (S2).
        select(s, self.wait_set.handle(group + 1), DATA_EVENTS)
    }
}

impl Group {
    /// The event object is set: at least one socket has events, and only the records know which. So all are
    /// enumerated, the first with the event object and the others without (P3). What is recorded after the reset sets
    /// it again, for the next pass.
    fn pass(&mut self, winsock: &Winsock, mut event: WSAEVENT) -> Result {
        let mut ended = Vec::new();
        let (mut reports, mut misses) = (0, 0);
        for (&s, connection) in &mut self.0 {
            let report = enumerate(s, event)?;
            event = WSAEVENT::NULL;
            if report.events().is_empty() {
                misses += 1;
                continue;
            }
            reports += 1;
            connection.readable |= report.outcome(NetworkEvent::Read).is_some();
            let over = match report.outcome(NetworkEvent::Close) {
                Some(Err(_)) => {
                    add(Count::ResetSeenByServer, 1);
                    true
                }
                Some(Ok(())) if connection.ended => return Err("FD_CLOSE came twice".into()),
                close => {
                    connection.ended |= close.is_some();
                    connection.serve(winsock, s)?
                }
            };
            if over {
                ended.push(s);
            }
        }
        if reports == 0 {
            add(Count::EmptyReport, 1);
        } else {
            add(Count::Report, reports);
            add(Count::Miss, misses);
        }
        for s in ended {
            self.0.remove(&s);
            winsock.close_socket(s)?;
        }
        Ok(())
    }
}

impl Connection {
    /// Sends back what there is, and receives once if FD_READ was reported. More than one receive for an FD_READ
    /// would take the data of the next report, which would then be empty (R7). Whether the connection is over.
    fn serve(&mut self, winsock: &Winsock, s: SOCKET) -> Result<bool> {
        loop {
            while self.sent < self.echo.len() {
                match winsock.send(s, &self.echo[self.sent..], 0) {
                    Ok(length) => self.sent += length,
                    // FD_WRITE will say when to go on. Nothing is received before that.
                    Err(WsaError::WSAEWOULDBLOCK) => {
                        add(Count::WouldBlock, 1);
                        return Ok(false);
                    }
                    // FD_CLOSE will follow.
                    Err(_) => return Ok(false),
                }
            }
            if !std::mem::take(&mut self.readable) {
                // FD_CLOSE does not wait until the data before it was received. FD_READ is reported until there is none.
                return Ok(self.ended && winsock.unread(s)? == 0);
            }
            self.sent = 0;
            self.echo.resize(RECEIVE, 0);
            let length = winsock.recv(s, &mut self.echo, 0).unwrap_or(0);
            self.echo.truncate(length);
            self.kill |= self.received == 0 && self.echo.first() == Some(&KILL_ME);
            self.received += length;
            if self.kill && self.received > KILL_AFTER {
                add(Count::ResetByServer, 1);
                reset_at_close(winsock, s)?;
                return Ok(true);
            }
        }
    }
}
