//! The whole trip: from a packet on a loopback socket to the program that has its report, and back. Echo servers of one
//! program thread with the same load, the same buffers and the same reads and writes, each with its own poller. The server's
//! thread and its clients are held to a processor each: a wake-up on the other processor takes up to ten times as long.

pub(crate) mod floor;
pub(crate) mod ours;
pub(crate) mod plain;

use std::io::{self, ErrorKind, Read, Write};
use std::iter;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::machine::run_on;
use crate::measure::quantile;

pub(crate) const CONNECTIONS: usize = 1000;
pub(crate) const BLOCK: usize = 8 * 1024;
pub(crate) const MESSAGE: usize = 64;
/// Larger than a block, so that a read that takes everything is short.
const BUFFER: usize = 2 * BLOCK;
/// Enough to keep their processor busy.
const CLIENTS: usize = 3;
const TRIPS: usize = 500;
/// A wait that takes this long means that something was lost.
const STALL: Duration = Duration::from_secs(10);
const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A server, and its clients: blocking sockets of the OS.
pub(crate) struct Load {
    connections: Vec<TcpStream>,
    next: usize,
    server: Option<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn on((address, server): (SocketAddr, JoinHandle<()>)) -> Self {
        let connect = |_| {
            let connection = TcpStream::connect(address).unwrap();
            connection.set_read_timeout(Some(STALL)).unwrap();
            connection.set_nodelay(true).unwrap();
            connection
        };
        let connections = (0..CONNECTIONS).map(connect).collect();
        Self { connections, next: 0, server: Some(server) }
    }

    /// Nanoseconds a block, there and back. Each thread sends a block on each of its connections, and then receives them.
    pub(crate) fn blocks(&mut self, from: usize) -> f64 {
        let start = Instant::now();
        thread::scope(|scope| {
            for connections in self.connections.chunks_mut(CONNECTIONS.div_ceil(CLIENTS)) {
                scope.spawn(move || {
                    run_on(from);
                    for (at, connection) in connections.iter_mut().enumerate() {
                        connection.write_all(&[at as u8; BLOCK]).unwrap();
                    }
                    let mut back = [0; BLOCK];
                    for (at, connection) in connections.iter_mut().enumerate() {
                        connection.read_exact(&mut back).expect("every block comes back");
                        assert_eq!(back, [at as u8; BLOCK]);
                    }
                });
            }
        });
        start.elapsed().as_secs_f64() * 1e9 / CONNECTIONS as f64
    }

    /// One message at a time, on one connection after the other: nanoseconds there and back, the median and the 99th
    /// percentile.
    pub(crate) fn messages(&mut self, from: usize) -> [f64; 2] {
        let trip = || {
            self.next = (self.next + 1) % CONNECTIONS;
            let connection = &mut self.connections[self.next];
            let start = Instant::now();
            connection.write_all(&[7; MESSAGE]).unwrap();
            connection.read_exact(&mut [0; MESSAGE]).expect("every message comes back");
            start.elapsed().as_secs_f64() * 1e9
        };
        let trips = || {
            run_on(from);
            // The first ones find the caches full of the other sides' sockets.
            iter::repeat_with(trip).skip(TRIPS / 10).take(TRIPS).collect()
        };
        let mut times: Vec<_> = thread::scope(|scope| scope.spawn(trips).join()).unwrap();
        [0.5, 0.99].map(|part| quantile(&mut times, part))
    }
}

/// The server ends with its last connection.
impl Drop for Load {
    fn drop(&mut self) {
        self.connections.clear();
        self.server.take().unwrap().join().unwrap();
    }
}

/// Sends back what there is. Whether the peer has not closed.
fn echo(
    mut stream: impl Read + Write,
    unsent: &mut Vec<u8>,
    buffer: &mut [u8],
) -> io::Result<bool> {
    loop {
        if !unsent.is_empty() {
            let sent = or_nothing(stream.write(unsent))?;
            unsent.drain(..sent);
        }
        if !unsent.is_empty() {
            return Ok(true);
        }
        let length = match stream.read(buffer) {
            Ok(0) => return Ok(false),
            received => or_nothing(received)?,
        };
        if length > 0 {
            let sent = or_nothing(stream.write(&buffer[..length]))?;
            unsent.extend_from_slice(&buffer[sent..length]);
        }
        // A short read has taken everything.
        if length < buffer.len() {
            return Ok(true);
        }
    }
}

fn or_nothing(length: io::Result<usize>) -> io::Result<usize> {
    match length {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        length => length,
    }
}
