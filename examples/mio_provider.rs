//! A provider and a switch on one thread, in one mio `Poll`: it waits for sockets, which is the provider's
//! part, and for event objects (`PollableEvent`), which is the switch's.
//!
//! `cargo run --example mio_provider --features pollable` serves 300 clients, with an event object for each
//! connection. Each client sends its number twice and receives it back. Then the even clients close their
//! connections, and the odd ones reset them. The program fails if a report says anything else.

#[cfg(unix)]
fn main() -> Result<std::process::ExitCode, Box<dyn std::error::Error>> {
    unix::main()
}

#[cfg(not(unix))]
fn main() {
    println!("PollableEvent is for Unix; Windows has wsp_events::win32");
}

#[cfg(unix)]
mod unix {
    use std::collections::{HashMap, VecDeque};
    use std::error::Error;
    use std::io::{self, ErrorKind, Read, Write};
    use std::net::SocketAddr;
    use std::os::fd::AsRawFd;
    use std::process::ExitCode;
    use std::sync::Arc;
    use std::thread::{self, JoinHandle};
    use std::time::{Duration, Instant};

    use mio::net::{TcpListener, TcpStream};
    use mio::unix::SourceFd;
    use mio::{Events, Interest, Poll, Registry, Token};
    use wsp_events::unix::PollableEvent;
    use wsp_events::{NetworkEvent, NetworkEventRecorder, NetworkEvents, ReenablingCall, WsaError};

    type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;
    type Recorder = NetworkEventRecorder<Arc<PollableEvent>>;

    const CLIENTS: u32 = 300;
    /// More than the whole program takes, even on a busy machine.
    const LIMIT: Duration = Duration::from_secs(30);

    /// A listening socket of the provider. All is done on one thread, with `&mut self` in place of a lock: look and
    /// record are one step, and so is each re-enabling call (L2).
    struct Listener {
        socket: TcpListener,
        backlog: VecDeque<TcpStream>,
        record: Recorder,
    }

    impl Listener {
        /// mio reports once for all connections that wait, so take all of them.
        fn ready(&mut self) -> io::Result<()> {
            loop {
                match self.socket.accept() {
                    Ok((stream, _)) => self.backlog.push_back(stream),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                    Err(error) => return Err(error),
                }
                self.record.record(NetworkEvent::Accept, Ok(()));
            }
        }

        /// WSPAccept. It re-enables FD_ACCEPT, and if one more waits, that is recorded again.
        fn accept(&mut self) -> Option<TcpStream> {
            self.record.reenable_for(ReenablingCall::Accept);
            let accepted = self.backlog.pop_front();
            if !self.backlog.is_empty() {
                self.record.record(NetworkEvent::Accept, Ok(()));
            }
            accepted
        }
    }

    /// A connected socket of the provider, and what the switch keeps for it.
    struct Connection {
        socket: TcpStream,
        record: Recorder,
        event: Arc<PollableEvent>,
        number: Option<u32>,
        reports: Vec<String>,
    }

    impl Connection {
        /// Records the condition of the socket: when mio says that it is ready, and after every receive.
        fn look(&mut self) {
            let (event, outcome) = match self.socket.peek(&mut [0]) {
                Ok(0) => (NetworkEvent::Close, Ok(())),
                Ok(_) => (NetworkEvent::Read, Ok(())),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => (NetworkEvent::Close, Err(WsaError::of_close(error))),
            };
            self.record.record(event, outcome);
        }

        /// WSPRecv.
        fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.record.reenable_for(ReenablingCall::Recv { oob: false });
            let received = self.socket.read(buffer);
            self.look();
            received
        }
    }

    /// The listener's token. Sockets have even ones; the event object of a socket has the next.
    const LISTENER: Token = Token(0);

    fn event_of(socket: Token) -> Token {
        Token(socket.0 + 1)
    }

    /// A recorder, and the event object that is selected for it and waited for. The provider records
    /// conditions, again and again, so that every event latches.
    fn select(
        registry: &Registry,
        socket: Token,
        events: NetworkEvents,
    ) -> Result<(Recorder, Arc<PollableEvent>)> {
        let record = Recorder::with_latching(NetworkEvents::LATCHING_FOR_CONDITIONS);
        let event = Arc::new(PollableEvent::new()?);
        registry.register(
            &mut SourceFd(&event.as_raw_fd()),
            event_of(socket),
            Interest::READABLE,
        )?;
        record.select(events, Arc::clone(&event))?;
        Ok((record, event))
    }

    struct Switch {
        listener: Listener,
        event: Arc<PollableEvent>,
        connections: HashMap<Token, Connection>,
        accepted: usize,
        closed: u32,
    }

    pub(crate) fn main() -> Result<ExitCode> {
        let mut poll = Poll::new()?;
        let mut socket = TcpListener::bind("127.0.0.1:0".parse()?)?;
        let clients = visit(socket.local_addr()?);
        poll.registry().register(&mut socket, LISTENER, Interest::READABLE)?;
        let (record, event) = select(poll.registry(), LISTENER, NetworkEvents::FD_ACCEPT)?;
        let listener = Listener { socket, backlog: VecDeque::new(), record };
        let mut switch =
            Switch { listener, event, connections: HashMap::new(), accepted: 0, closed: 0 };

        let deadline = Instant::now() + LIMIT;
        let mut events = Events::with_capacity(256);
        while switch.closed < CLIENTS {
            poll.poll(&mut events, Some(deadline.saturating_duration_since(Instant::now())))?;
            if events.is_empty() && Instant::now() >= deadline {
                println!("FAILED: {} of {CLIENTS} connections served in time", switch.closed);
                return Ok(ExitCode::FAILURE);
            }
            for token in events.iter().map(|event| event.token()) {
                if token == LISTENER {
                    switch.listener.ready()?;
                } else if token == event_of(LISTENER) {
                    switch.accept(poll.registry())?;
                } else if let Some(connection) = switch.connections.get_mut(&token) {
                    connection.look();
                } else {
                    switch.serve(poll.registry(), token)?;
                }
            }
        }
        clients.join().expect("the clients do not panic")?;
        println!("{CLIENTS} connections: each was reported as its client used it");
        Ok(ExitCode::SUCCESS)
    }

    impl Switch {
        /// The listener's event object is set. mio reports that once, until it is reset: so the
        /// enumeration resets it every time. One connection is accepted; if more wait, that sets it again.
        fn accept(&mut self, registry: &Registry) -> Result {
            let report = self.listener.record.enumerate_and_reset(&self.event)?;
            check(report.to_string() == "FD_ACCEPT: success", "the listener's report")?;
            let Some(mut socket) = self.listener.accept() else { return Ok(()) };
            self.accepted += 1;
            let token = Token(2 * self.accepted);
            registry.register(&mut socket, token, Interest::READABLE)?;
            let (record, event) =
                select(registry, token, NetworkEvents::FD_READ | NetworkEvents::FD_CLOSE)?;
            let connection = Connection { socket, record, event, number: None, reports: vec![] };
            self.connections.insert(token, connection);
            Ok(())
        }

        /// A connection's event object is set.
        fn serve(&mut self, registry: &Registry, event: Token) -> Result {
            let socket = Token(event.0 - 1);
            // An earlier event of the same wait may have ended its connection.
            let Some(connection) = self.connections.get_mut(&socket) else { return Ok(()) };
            let report = connection.record.enumerate_and_reset(&connection.event)?;
            check(!connection.event.wait_timeout(Duration::ZERO)?, "the enumeration resets it")?;
            connection.reports.push(report.to_string());
            if report.events().contains(NetworkEvents::FD_READ) {
                let mut number = [0; 4];
                connection.recv(&mut number)?;
                connection.number = Some(u32::from_be_bytes(number));
                connection.socket.write_all(&number)?;
            }
            if report.events().contains(NetworkEvents::FD_CLOSE) {
                registry.deregister(&mut SourceFd(&connection.event.as_raw_fd()))?;
                let number = connection.number.ok_or("a connection without a number")?;
                if self.closed < 4 {
                    println!("client {number}: {}", connection.reports.join("; "));
                }
                let end = ["FD_CLOSE: success", "FD_CLOSE: WSAECONNABORTED (10053)"];
                let end = end[number as usize % 2];
                let expected = ["FD_READ: success", "FD_READ: success", end];
                check(connection.reports == expected, "a connection's reports")?;
                self.connections.remove(&socket);
                self.closed += 1;
            }
            Ok(())
        }
    }

    fn check(kept: bool, what: &str) -> Result {
        kept.then_some(()).ok_or_else(|| format!("FAILED: {what}").into())
    }

    /// All clients at once.
    fn visit(address: SocketAddr) -> JoinHandle<io::Result<()>> {
        thread::spawn(move || {
            let connect = |number: u32| {
                let mut stream = std::net::TcpStream::connect_timeout(&address, LIMIT)?;
                stream.set_read_timeout(Some(LIMIT))?;
                stream.write_all(&number.to_be_bytes()).map(|()| stream)
            };
            let streams = (0..CLIENTS).map(connect).collect::<io::Result<Vec<_>>>()?;
            for (number, mut stream) in (0..).zip(streams) {
                let mut heard = [[0; 4]; 2];
                stream.read_exact(&mut heard[0])?;
                stream.write_all(&heard[0])?;
                stream.read_exact(&mut heard[1])?;
                assert_eq!(heard.map(u32::from_be_bytes), [number; 2], "another's number");
                if number % 2 == 1 {
                    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
                }
            }
            Ok(())
        })
    }
}
