//! An echo server and its clients, written the way Winsock programs are written: WSAEventSelect, event
//! objects, and a report for each wake-up.
//!
//! `cargo run --release -p ws2 --example echo` makes a thousand connections, sends megabytes through them and
//! compares every byte that comes back; one in ten is reset by its client in the middle, and one in ten by
//! the server. It prints its counts, and exits with a failure unless all bytes came back on the others, no event
//! was lost, and nobody was woken in vain.
//!
//! The server is one thread and waits for 64 event objects, as many as WSAWaitForMultipleEvents takes: one
//! for the listener, and one for each group of up to sixteen connections. That is how such servers get
//! past 64 sockets a thread. The clients have an event object for each connection.
//!
//! # What is counted
//!
//! A *wake-up* is an event object that was found set when a wait was over. It is followed by one
//! enumeration, where it serves one socket, and by a *pass* over all sockets of the group, where it serves
//! many (P3). A *report* is what the enumerations have found after a wake-up: each socket that had something
//! is a report, and a wake-up after which no socket had anything is an *empty report*. At most one in a
//! hundred may be empty.
//!
//! In a pass most sockets have nothing to report, and that is no fault of the record: the event object was
//! set for one of the others. To ask them all is the price of sharing it, so these enumerations have a count
//! of their own, *in vain*, and no limit but the size of the group.
//!
//! A thousand connections have two thousand descriptors in this one process. At most
//! 441 connections are open at a time, so that a limit of 1024 descriptors is enough.

mod client;
mod counts;
mod server;
mod wait;

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use wsp_events::spi::{WSPEnumNetworkEvents, WSPEventSelect};
use wsp_events::{NetworkEvents, SOCKET, WSAEVENT};

use client::{AT_A_TIME, Clients};
use counts::{Count, add, get};
use server::Server;
use ws2::switch::{Answer, Switch, Written};
use ws2::{Happening, LoopbackProvider, Model};

const CONNECTIONS: usize = 1000;

/// Threads of clients. The default limit of macOS is 256 descriptors.
const CLIENT_THREADS: usize = if cfg!(target_vendor = "apple") { 1 } else { 7 };

/// What the programs select beside FD_ACCEPT and FD_CONNECT.
const DATA_EVENTS: NetworkEvents =
    NetworkEvents::FD_READ.union(NetworkEvents::FD_WRITE).union(NetworkEvents::FD_CLOSE);

/// How much is received, and sent, by one call.
const RECEIVE: usize = 8 * 1024;

/// The room in the OS for what was sent and has not arrived: small, so that FD_WRITE is needed.
const SEND_BUFFER: usize = 16 * 1024;

/// A connection that is to be reset is reset when so many bytes have gone through.
const KILL_AFTER: usize = 4 * 1024;

/// The first byte of a connection that the server is to reset.
const KILL_ME: u8 = b'K';

/// A wait that takes so long is a stall.
const STALL: Duration = Duration::from_secs(10);

/// When the program ends, whatever has become of it.
const CURTAIN: Duration = Duration::from_secs(60);

const SWITCH: Switch = Switch {
    event_select: WSPEventSelect::<LoopbackProvider>,
    enum_network_events: WSPEnumNetworkEvents::<LoopbackProvider>,
};

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let start = Instant::now();
    let played = play();
    println!("{CONNECTIONS} connections, up to {} at a time", CLIENT_THREADS * AT_A_TIME);
    let kept = summary(played.err());
    let verdict = if kept { "all is as promised" } else { "FAILED" };
    println!("{verdict}, in {:.2} s", start.elapsed().as_secs_f64());
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn play() -> Result {
    let provider = LoopbackProvider::new(Model::Streams, |_, happening| match happening {
        Happening::Ready => add(Count::Ready, 1),
        Happening::Recorded(_) => add(Count::Record, 1),
        Happening::Recording(_) | Happening::Selected(_) => {}
    })?;
    let provider = ws2::startup(provider);
    let listener = provider.create_socket()?;
    provider.bind(listener, SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0))?;
    provider.listen(listener)?;
    let address = provider.local_address(listener)?;

    // Each thread ends by itself, or by its limit for a wait. The curtain falls if one hangs elsewhere.
    let (done, ends) = mpsc::channel();
    for thread in 0..=CLIENT_THREADS {
        let (provider, done) = (Arc::clone(&provider), done.clone());
        thread::spawn(move || {
            let end = match thread {
                0 => Server::new(&provider, listener).and_then(Server::run),
                _ => Clients::new(&provider, address).and_then(Clients::run),
            };
            let _sent = done.send(end);
        });
    }
    // A thread that panics sends nothing.
    drop(done);
    let curtain = Instant::now() + CURTAIN;
    for _ in 0..=CLIENT_THREADS {
        ends.recv_timeout(curtain.saturating_duration_since(Instant::now()))??;
    }
    ws2::cleanup();
    Ok(())
}

/// Prints the counts, and whether they are as they must be.
fn summary(error: Option<Box<dyn Error + Send + Sync>>) -> bool {
    use Count::*;
    println!(
        "bytes:      {} sent by the clients: {} came back, {} did not, on connections that were reset \
         on purpose; {} sends would block",
        get(BytesSent),
        get(BytesBack),
        get(BytesCut),
        get(WouldBlock)
    );
    println!(
        "ends:       {} complete; {} reset by the client, {} seen by the server; \
         {} reset by the server, {} seen by the client",
        get(Completed),
        get(ResetByClient),
        get(ResetSeenByServer),
        get(ResetByServer),
        get(ResetSeenByClient)
    );
    println!(
        "provider:   {} times ready, {} records, {} SetEvents",
        get(Ready),
        get(Record),
        get(SetEvent)
    );
    println!(
        "programs:   {} waits, {} wake-ups, {} reports, {} empty reports; {} enumerations in vain",
        get(Wait),
        get(WakeUp),
        get(Report),
        get(EmptyReport),
        get(Miss)
    );

    let resets = (CONNECTIONS / 10, CONNECTIONS / 10);
    let promises = [
        ("the programs come to their end", error.is_none()),
        ("every connection is made", get(Connected) == CONNECTIONS),
        ("and accepted", get(Accepted) == CONNECTIONS),
        ("every byte that comes back is the one that was sent", get(WrongBytes) == 0),
        ("and every byte comes back, unless its connection is reset", {
            get(BytesSent) == get(BytesBack) + get(BytesCut)
        }),
        ("and every connection completes that was not reset", {
            get(Completed) == CONNECTIONS - resets.0 - resets.1
        }),
        ("every reset by a client is seen by the server", {
            (get(ResetByClient), get(ResetSeenByServer)) == resets
        }),
        ("every reset by the server is seen by the client", {
            (get(ResetByServer), get(ResetSeenByClient)) == resets
        }),
        ("some sends have found no room, and went on", get(WouldBlock) > 0),
        ("the poller tells of nothing again and again", get(Ready) <= 2 * get(Record)),
        ("at most two wake-ups for each report", get(WakeUp) <= 2 * get(Report)),
        ("at most one empty report in a hundred", get(EmptyReport) * 100 <= get(Report)),
    ];
    if let Some(error) = error {
        println!("FAILED: {error}");
    }
    let broken: Vec<_> = promises.iter().filter(|(_, kept)| !kept).collect();
    for (promise, _) in &broken {
        println!("FAILED: {promise}");
    }
    broken.is_empty()
}

fn select(s: SOCKET, event: WSAEVENT, events: NetworkEvents) -> Result {
    match SWITCH.event_select(s, event, events) {
        Answer::SUCCESS => Ok(()),
        answer => Err(format!("WSPEventSelect answered {answer}").into()),
    }
}

fn enumerate(s: SOCKET, event: WSAEVENT) -> Result<Written> {
    match SWITCH.enum_network_events(s, event) {
        (Answer::SUCCESS, written) if written.is_exact() => Ok(written),
        (answer, _) => Err(format!("WSPEnumNetworkEvents answered {answer}").into()),
    }
}

/// WSPSetSockOpt(SO_SNDBUF).
fn limit_send_buffer(provider: &LoopbackProvider, s: SOCKET) -> Result {
    // Some systems refuse options of a connection that is gone already, and it needs none.
    let _refused = provider.stream(s)?.set_send_buffer_size(SEND_BUFFER);
    Ok(())
}
