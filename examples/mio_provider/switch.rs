//! The switch, and the one loop that it shares with the provider.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::TcpListener;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use wsp_events::NetworkEvents;
use wsp_events::unix::PollableEvent;

use crate::provider::{Connection, Listener};
use crate::visitors::{self, LIMIT, Ledger};

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

/// The listener's token. Sockets have even ones; the event object of a socket has the next.
const LISTENER: Token = Token(0);

fn event_of(socket: Token) -> Token {
    Token(socket.0 + 1)
}

/// The poller tells of an event object as of a socket.
fn wait_for(registry: &Registry, event: &PollableEvent, token: Token) -> io::Result<()> {
    registry.register(&mut SourceFd(&event.as_raw_fd()), token, Interest::READABLE)
}

struct Switch {
    listener: Listener,
    event: Arc<PollableEvent>,
    clients: HashMap<Token, Client>,
    accepted: usize,
    ledger: Ledger,
}

struct Client {
    connection: Connection,
    event: Arc<PollableEvent>,
    number: Option<u32>,
    reports: Vec<String>,
}

pub(crate) fn main() -> Result<ExitCode> {
    let mut poll = Poll::new()?;
    let mut socket = TcpListener::bind("127.0.0.1:0".parse()?)?;
    let visit = visitors::visit(socket.local_addr()?, visitors::clients());
    poll.registry().register(&mut socket, LISTENER, Interest::READABLE)?;
    let event = Arc::new(PollableEvent::new()?);
    wait_for(poll.registry(), &event, event_of(LISTENER))?;
    let listener = Listener::new(socket);
    listener.record.select(NetworkEvents::FD_ACCEPT, Arc::clone(&event))?;
    let (clients, ledger) = (HashMap::new(), Ledger::default());
    let mut switch = Switch { listener, event, clients, accepted: 0, ledger };

    let deadline = Instant::now() + LIMIT;
    let mut events = Events::with_capacity(256);
    while switch.ledger.settled < visitors::clients() && Instant::now() < deadline {
        poll.poll(&mut events, Some(deadline.saturating_duration_since(Instant::now())))?;
        for token in events.iter().map(|event| event.token()) {
            if token == LISTENER {
                switch.listener.ready()?;
            } else if token == event_of(LISTENER) {
                switch.accept(poll.registry())?;
            } else if let Some(client) = switch.clients.get(&token) {
                client.connection.look()?;
            } else {
                switch.serve(poll.registry(), token)?;
            }
        }
    }
    Ok(switch.ledger.end(visitors::clients(), visit))
}

impl Switch {
    /// The listener's event object is set. mio will not tell of that again: so it is reset every
    /// time, by the enumeration. One connection is accepted; if more wait, it is set again, and
    /// told of again.
    fn accept(&mut self, registry: &Registry) -> Result {
        let report = self.listener.record.enumerate_and_reset(&self.event)?;
        self.ledger
            .promise("it is set for a connection", report.to_string() == "FD_ACCEPT: success");
        let Some(mut socket) = self.listener.accept()? else { return Ok(()) };
        self.accepted += 1;
        let token = Token(2 * self.accepted);
        registry.register(&mut socket, token, Interest::READABLE)?;
        let event = Arc::new(PollableEvent::new()?);
        wait_for(registry, &event, event_of(token))?;
        let connection = Connection::new(socket);
        let events = NetworkEvents::FD_READ | NetworkEvents::FD_CLOSE;
        connection.record.select(events, Arc::clone(&event))?;
        let client = Client { connection, event, number: None, reports: Vec::new() };
        self.clients.insert(token, client);
        Ok(())
    }

    /// A connection's event object is set.
    fn serve(&mut self, registry: &Registry, event: Token) -> Result {
        let socket = Token(event.0 - 1);
        // A connection that has ended may be told of once more, by what came in the same wait.
        let Some(client) = self.clients.get_mut(&socket) else { return Ok(()) };
        let report = client.connection.record.enumerate_and_reset(&client.event)?;
        self.ledger
            .promise("the enumeration resets it", !client.event.wait_timeout(Duration::ZERO)?);
        client.reports.push(report.to_string());
        if report.events().contains(NetworkEvents::FD_READ) {
            let mut number = [0; 4];
            client.connection.recv(&mut number)?;
            client.number = Some(u32::from_be_bytes(number));
            client.connection.socket.write_all(&number)?;
        }
        if report.events().contains(NetworkEvents::FD_CLOSE) {
            registry.deregister(&mut SourceFd(&client.event.as_raw_fd()))?;
            self.ledger.settle(client.number, &client.reports);
            self.clients.remove(&socket);
        }
        Ok(())
    }
}
