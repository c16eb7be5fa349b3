//! What the examples for pollers and runtimes share: clients that visit a server, and a ledger of
//! what the server's reports promise.

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;

/// Longer than all of it takes, on a machine that is busy with other things.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// As many as were asked for on the command line, or 300: with two sockets and an event object each
/// they stay below the 1024 open files that most systems allow at first.
pub(crate) fn clients() -> usize {
    std::env::args().nth(1).map_or(300, |count| count.parse().expect("a number of clients"))
}

/// All clients at once: each connects, says its number, hears it repeated, and so once more. Then
/// the even ones close their connection, and the odd ones reset it.
pub(crate) fn visit(address: SocketAddr, clients: usize) -> JoinHandle<io::Result<()>> {
    thread::spawn(move || {
        let mut streams = Vec::new();
        for number in 0..clients as u32 {
            let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
            stream.set_read_timeout(Some(LIMIT))?;
            stream.write_all(&number.to_be_bytes())?;
            streams.push(stream);
        }
        for (number, mut stream) in (0..).zip(streams) {
            hear(&mut stream, number)?;
            stream.write_all(&number.to_be_bytes())?;
            hear(&mut stream, number)?;
            if number % 2 == 1 {
                SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
            }
        }
        Ok(())
    })
}

fn hear(stream: &mut TcpStream, number: u32) -> io::Result<()> {
    let mut heard = [0; 4];
    stream.read_exact(&mut heard)?;
    if u32::from_be_bytes(heard) == number {
        Ok(())
    } else {
        Err(io::Error::other(format!("client {number} heard another's number")))
    }
}

/// What the reports said of each connection, and whether that is what its client did.
#[derive(Default)]
pub(crate) struct Ledger {
    /// How many connections are over.
    pub(crate) settled: usize,
    failed: usize,
}

impl Ledger {
    /// A connection is over: the number that its client has said, and all that was reported. The
    /// first few are shown.
    pub(crate) fn settle(&mut self, number: Option<u32>, reports: &[String]) {
        self.settled += 1;
        let name = number.map_or("nobody".to_owned(), |number| format!("client {number}"));
        match self.settled {
            ..=10 => println!("{name}: {}", reports.join("; ")),
            11 => println!("..."),
            _ => {}
        }
        let close = match number {
            Some(number) if number % 2 == 1 => "FD_CLOSE: WSAECONNRESET (10054)",
            _ => "FD_CLOSE: success",
        };
        let kept = number.is_some() && reports == ["FD_READ: success", "FD_READ: success", close];
        self.promise(format_args!("{name} was reported as it was: {reports:?}"), kept);
    }

    pub(crate) fn promise(&mut self, promise: impl Display, kept: bool) {
        if !kept {
            println!("FAILED: {promise}");
            self.failed += 1;
        }
    }

    /// The summary, and whether all was as promised.
    pub(crate) fn end(mut self, clients: usize, visit: JoinHandle<io::Result<()>>) -> ExitCode {
        let all_over = format!("all connections are over in time, not {} alone", self.settled);
        self.promise(all_over, self.settled == clients);
        // Otherwise the clients may still be waiting.
        if self.failed == 0 {
            let visited = visit.join().expect("the clients have panicked");
            self.promise(format_args!("every client was served ({visited:?})"), visited.is_ok());
        }
        println!("{} of {clients} connections reported, {} failures", self.settled, self.failed);
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
