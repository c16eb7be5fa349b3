//! The same load on two servers: one on this Winsock, with an event object for each socket, and one on plain `mio`,
//! without any record.
//!
//! The clients are plain sockets of the OS, and the same for both. For the throughput, each of several threads sends a
//! block on all of its connections and then receives the blocks again. For the latency, one thread sends some bytes on one
//! connection after the other, and waits for each answer.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use socket2::{Domain, Type};
use wsp_events::{EventSignal, NetworkEvents, SOCKET, WSAEVENT, WsaError};

use crate::{ANY_PORT, Result, STALL, enumerate, select};
use ws2::event::{self, Event, Waited};
use ws2::{Handles, Winsock};

const THREADS: usize = 3;
/// With the listener's, as many event objects as one wait takes.
const CONNECTIONS: usize = 63;
const BLOCK: usize = 8 * 1024;
const ROUNDS: usize = 200;
const TRIPS: usize = 10_000;
/// The better of so many runs counts, for each server.
const RUNS: usize = 3;

/// What the clients have measured.
#[derive(Clone, Copy)]
pub(crate) struct Speed {
    /// Megabytes a second, there and back.
    pub(crate) throughput: f64,
    /// The median and the 99th percentile of the times from a send to the answer, in microseconds.
    pub(crate) latency: [f64; 2],
}

impl Speed {
    fn better(self, other: Self) -> Self {
        let [median, late] = [0, 1].map(|at| self.latency[at].min(other.latency[at]));
        Self { throughput: self.throughput.max(other.throughput), latency: [median, late] }
    }
}

/// On this Winsock, and on plain `mio`.
pub(crate) fn measure() -> Result<(Speed, Speed)> {
    let winsock = ws2::startup(Winsock::new(Arc::new(Handles::new()), |_, _| ())?);
    let (mut ours, mut plain) = (on_winsock(&winsock)?, on_mio()?);
    for _ in 1..RUNS {
        ours = ours.better(on_winsock(&winsock)?);
        plain = plain.better(on_mio()?);
    }
    ws2::cleanup();
    Ok((ours, plain))
}

fn load(address: SocketAddr) -> Result<Speed> {
    let clients: Vec<_> = (0..THREADS)
        .map(|thread| -> Result<Vec<TcpStream>> {
            let connections = (thread..CONNECTIONS).step_by(THREADS);
            connections.map(|_| Ok(TcpStream::connect(address)?)).collect()
        })
        .collect::<Result<_>>()?;
    let start = Instant::now();
    let threads: Vec<_> = clients.into_iter().map(|it| thread::spawn(|| client(it))).collect();
    let mut connections = Vec::new();
    for thread in threads {
        connections.extend(thread.join().map_err(|_| "a client panicked")??);
    }
    let time = start.elapsed().as_secs_f64();
    let throughput = (2 * CONNECTIONS * ROUNDS * BLOCK) as f64 / 1e6 / time;

    let mut times = Vec::new();
    for at in 0..TRIPS {
        let connection = &mut connections[at % CONNECTIONS];
        let start = Instant::now();
        connection.write_all(&[7; 64])?;
        connection.read_exact(&mut [0; 64])?;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    Ok(Speed { throughput, latency: [times[TRIPS / 2], times[TRIPS * 99 / 100]] })
}

fn client(mut connections: Vec<TcpStream>) -> Result<Vec<TcpStream>> {
    for connection in &connections {
        connection.set_read_timeout(Some(STALL))?;
        connection.set_nodelay(true)?;
    }
    let mut back = vec![0; BLOCK];
    for round in 0..ROUNDS {
        let block = vec![round as u8; BLOCK];
        for connection in &mut connections {
            connection.write_all(&block)?;
        }
        for connection in &mut connections {
            connection.read_exact(&mut back)?;
            if back != block {
                return Err("a wrong byte came back".into());
            }
        }
    }
    Ok(connections)
}

fn on_winsock(winsock: &Arc<Winsock>) -> Result<Speed> {
    let listener = winsock.create_socket(Domain::IPV4, Type::STREAM)?;
    winsock.bind(listener, ANY_PORT)?;
    winsock.listen(listener, i32::MAX)?;
    let address = winsock.local_address(listener)?;
    let server = thread::spawn({
        let winsock = Arc::clone(winsock);
        move || Server::new(&winsock, listener)?.run()
    });
    let speed = load(address)?;
    server.join().map_err(|_| "the server panicked")??;
    Ok(speed)
}

/// What was received and is not sent yet.
#[derive(Default)]
struct Echo {
    bytes: Vec<u8>,
    sent: usize,
}

struct Server<'a> {
    winsock: &'a Winsock,
    sockets: Vec<(SOCKET, WSAEVENT, Echo)>,
    events: Vec<Arc<Event>>,
}

impl<'a> Server<'a> {
    fn new(winsock: &'a Winsock, listener: SOCKET) -> Result<Self> {
        let mut server = Self { winsock, sockets: Vec::new(), events: Vec::new() };
        server.add(listener, NetworkEvents::FD_ACCEPT)?;
        Ok(server)
    }

    fn add(&mut self, s: SOCKET, events: NetworkEvents) -> Result {
        let event = Event::new(true, false);
        let handle = self.winsock.handles().insert_event(Arc::clone(&event))?;
        self.sockets.push((s, handle, Echo::default()));
        self.events.push(event);
        select(s, handle, events)
    }

    fn run(mut self) -> Result {
        let mut left = CONNECTIONS;
        while left > 0 {
            let (mut next, mut limit) = (0, STALL);
            self.winsock.pump();
            // After the first, those behind it, so that a busy socket does not starve them.
            while let Waited::Signaled(at) = event::wait(&self.events[next..], false, Some(limit)) {
                let at = next + at as usize;
                (next, limit) = (at + 1, Duration::ZERO);
                let (s, handle, _) = self.sockets[at];
                let events = enumerate(s, handle)?.events();
                if events.contains(NetworkEvents::FD_ACCEPT) {
                    let (s, _) = self.winsock.accept(s)?;
                    self.add(s, crate::DATA_EVENTS)?;
                }
                if events.intersects(crate::DATA_EVENTS)
                    && serve(self.winsock, s, &mut self.sockets[at].2)?
                {
                    left -= 1;
                    self.winsock.close_socket(s)?;
                    self.events[at].reset_event()?;
                }
                if next == self.events.len() {
                    break;
                }
            }
            if next == 0 {
                return Err("the server waited too long: an event was lost".into());
            }
        }
        for (s, handle, _) in self.sockets {
            let _closed = self.winsock.close_socket(s);
            self.winsock.handles().close_event(handle)?;
        }
        Ok(())
    }
}

/// Echoes until there is nothing to receive or no room to send. Whether the peer has closed.
fn serve(winsock: &Winsock, s: SOCKET, echo: &mut Echo) -> Result<bool> {
    loop {
        while echo.sent < echo.bytes.len() {
            match winsock.send(s, &echo.bytes[echo.sent..], 0) {
                Ok(length) => echo.sent += length,
                Err(WsaError::WSAEWOULDBLOCK) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        echo.sent = 0;
        echo.bytes.resize(BLOCK, 0);
        let received = winsock.recv(s, &mut echo.bytes, 0);
        echo.bytes.truncate(received.unwrap_or(0));
        match received {
            Ok(0) => return Ok(true),
            Ok(_) => {}
            Err(WsaError::WSAEWOULDBLOCK) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}

fn on_mio() -> Result<Speed> {
    let mut listener = TcpListener::bind(ANY_PORT)?;
    let address = listener.local_addr()?;
    let server = thread::spawn(move || -> Result {
        let mut poll = Poll::new()?;
        let mut events = Events::with_capacity(64);
        poll.registry().register(&mut listener, Token(0), Interest::READABLE)?;
        let mut connections: HashMap<Token, (mio::net::TcpStream, Echo)> = HashMap::new();
        let mut accepted = 0;
        while accepted < CONNECTIONS || !connections.is_empty() {
            poll.poll(&mut events, Some(STALL))?;
            if events.is_empty() {
                return Err("the server on mio waited too long".into());
            }
            for event in &events {
                if event.token() != Token(0) {
                    let Some((stream, echo)) = connections.get_mut(&event.token()) else {
                        continue;
                    };
                    if serve_stream(stream, echo)? {
                        connections.remove(&event.token());
                    }
                    continue;
                }
                while let Ok((mut stream, _)) = listener.accept() {
                    accepted += 1;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut stream, Token(accepted), both)?;
                    connections.insert(Token(accepted), (stream, Echo::default()));
                }
            }
        }
        Ok(())
    });
    let speed = load(address)?;
    server.join().map_err(|_| "the server panicked")??;
    Ok(speed)
}

fn serve_stream(stream: &mut mio::net::TcpStream, echo: &mut Echo) -> Result<bool> {
    loop {
        while echo.sent < echo.bytes.len() {
            match stream.write(&echo.bytes[echo.sent..]) {
                Ok(length) => echo.sent += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        echo.sent = 0;
        echo.bytes.resize(BLOCK, 0);
        let received = stream.read(&mut echo.bytes);
        echo.bytes.truncate(*received.as_ref().unwrap_or(&0));
        match received {
            Ok(0) => return Ok(true),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}
