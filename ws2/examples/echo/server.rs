//! The server: one thread, one event object for the listener, and one for each group of connections.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use wsp_events::{EventSignal, NetworkEvent, NetworkEvents, SOCKET, WSAEVENT, WsaError};

use crate::counts::{Count, add};
use crate::wait::{MAXIMUM_WAIT_EVENTS, Member, WaitSet};
use crate::{
    CONNECTIONS, DATA_EVENTS, KILL_AFTER, KILL_ME, RECEIVE, Result, STALL, enumerate,
    limit_send_buffer, select,
};
use ws2::LoopbackProvider;

/// How many connections share an event object.
const GROUP: usize = 16;

pub(crate) struct Server {
    provider: Arc<LoopbackProvider>,
    listener: SOCKET,
    listener_event: WSAEVENT,
    wait_set: Arc<WaitSet>,
    /// The first event object of the wait set is the listener's, the others are the groups'.
    groups: Vec<Group>,
    accepted: usize,
}

struct Group {
    event: Arc<Member>,
    handle: WSAEVENT,
    connections: HashMap<SOCKET, Connection>,
}

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
    pub(crate) fn new(provider: &Arc<LoopbackProvider>, listener: SOCKET) -> Result<Self> {
        let wait_set = Arc::new(WaitSet::default());
        let listener_event = provider.create_event(wait_set.member(0))?;
        select(listener, listener_event, NetworkEvents::FD_ACCEPT)?;
        let mut groups = Vec::new();
        for at in 1..MAXIMUM_WAIT_EVENTS {
            let event = wait_set.member(at);
            let handle = provider.create_event(event.clone())?;
            groups.push(Group { event, handle, connections: HashMap::new() });
        }
        let provider = Arc::clone(provider);
        Ok(Self { provider, listener, listener_event, wait_set, groups, accepted: 0 })
    }

    /// Serves until the last connection has ended.
    pub(crate) fn run(mut self) -> Result {
        while self.accepted < CONNECTIONS
            || self.groups.iter().any(|group| !group.connections.is_empty())
        {
            let set = self.wait_set.wait(STALL);
            if set.is_empty() {
                return Err("the server waited too long: an event was lost".into());
            }
            for at in set {
                add(Count::WakeUp, 1);
                match at.checked_sub(1) {
                    None => self.accept()?,
                    Some(at) => self.groups[at].pass(&self.provider)?,
                }
            }
        }
        Ok(self.provider.close_socket(self.listener)?)
    }

    /// Accepts one connection for an FD_ACCEPT. If more wait, the accept has set the event object again (L2).
    fn accept(&mut self) -> Result {
        let report = enumerate(self.listener, self.listener_event)?;
        add(if report.events().is_empty() { Count::EmptyReport } else { Count::Report }, 1);
        match report.outcome(NetworkEvent::Accept) {
            Some(Ok(())) => {}
            Some(Err(error)) => return Err(error.into()),
            None => return Ok(()),
        }
        let s = match self.provider.accept(self.listener) {
            Err(WsaError::WSAEWOULDBLOCK) => return Ok(()),
            accepted => accepted?,
        };
        add(Count::Accepted, 1);
        self.accepted += 1;
        limit_send_buffer(&self.provider, s)?;
        let mut with_room = self.groups.iter_mut();
        let group = with_room.find(|group| group.connections.len() < GROUP);
        let group = group.ok_or("the server has no room for so many connections")?;
        group.connections.insert(s, Connection::default());
        // The socket has the listener's selection (S8), and gets its own. FD_WRITE is recorded already, so the
        // group's event object is set at once (S2).
        select(s, group.handle, DATA_EVENTS)
    }
}

impl Group {
    /// The event object is set: at least one socket has events, and only the records know which. So all are
    /// enumerated, the first with the event object and the others without (P3). What is recorded after the reset sets
    /// it again, for the next pass.
    fn pass(&mut self, provider: &LoopbackProvider) -> Result {
        let mut handle = self.handle;
        let mut ended = Vec::new();
        let (mut reports, mut misses) = (0, 0);
        for (&s, connection) in &mut self.connections {
            let report = enumerate(s, handle)?;
            handle = WSAEVENT::NULL;
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
                    connection.serve(provider, s)?
                }
            };
            if over {
                ended.push(s);
            }
        }
        if self.connections.is_empty() {
            // The socket that set it was closed before this pass: WSAResetEvent.
            self.event.reset_event()?;
        }
        if reports == 0 {
            add(Count::EmptyReport, 1);
        } else {
            add(Count::Report, reports);
            add(Count::Miss, misses);
        }
        for s in ended {
            self.connections.remove(&s);
            provider.close_socket(s)?;
        }
        Ok(())
    }
}

impl Connection {
    /// Sends back what there is, and receives once if FD_READ was reported. More than one receive for an FD_READ
    /// would take the data of the next report, which would then be empty (R7). Whether the connection is over.
    fn serve(&mut self, provider: &LoopbackProvider, s: SOCKET) -> Result<bool> {
        loop {
            while self.sent < self.echo.len() {
                match provider.send(s, &self.echo[self.sent..], 0) {
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
                // FD_CLOSE comes after all data.
                return Ok(self.ended);
            }
            self.sent = 0;
            self.echo.resize(RECEIVE, 0);
            let length = provider.recv(s, &mut self.echo, 0).unwrap_or(0);
            self.echo.truncate(length);
            self.kill |= self.received == 0 && self.echo.first() == Some(&KILL_ME);
            self.received += length;
            if self.kill && self.received > KILL_AFTER {
                add(Count::ResetByServer, 1);
                provider.set_linger(s, Some(Duration::ZERO))?;
                return Ok(true);
            }
        }
    }
}
