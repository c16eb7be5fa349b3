//! An echo server and its clients, written the way Winsock programs are written: WSAEventSelect, event
//! objects, and a report for each wake-up.
//!
//! `cargo run --release -p ws2 --example echo` makes a thousand connections, sends megabytes through them and
//! compares every byte that comes back. One connection in ten is reset by its client in the middle, and one in ten by
//! the server. The program prints its counts and a verdict. It fails unless all bytes came back on the other
//! connections, no event was lost, and the programs were not woken without need.
//!
//! The server is one thread that waits for 64 event objects, as many as WSAWaitForMultipleEvents takes: one for the
//! listener, and one for each group of up to sixteen connections. That is how such servers get past 64 sockets a
//! thread. The clients have an event object for each connection.
//!
//! # What is counted
//!
//! A *wake-up* is an event object that was set when a wait ended. If it serves one socket, one enumeration follows;
//! if it serves a group, a *pass* over all sockets of the group follows (P3). Each socket that had events then is a
//! *report*. A wake-up after which no socket had any is an *empty report*; at most one in a hundred may be empty.
//!
//! In a pass most sockets have no events, because the event object was set for another socket of the group. That is
//! the price of sharing it. These enumerations are counted apart, as *passed over*, and have no limit.
//!
//! A thousand connections would have two thousand descriptors in this process. At most 441 connections are open at a
//! time, so a limit of 1024 descriptors is enough.

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

use socket2::{Domain, Type};
use wsp_events::{NetworkEvents, SOCKET, WSAEVENT};

use client::{AT_A_TIME, Clients};
use counts::{Count, add, get};
use server::Server;
use ws2::switch::{Answer, Switch, Written};
use ws2::{Handles, Happening, Winsock};

const CONNECTIONS: usize = 1000;

/// Threads of clients. The default limit of macOS is 256 descriptors.
const CLIENT_THREADS: usize = if cfg!(target_vendor = "apple") { 1 } else { 7 };

/// What the programs select in addition to FD_ACCEPT and FD_CONNECT.
const DATA_EVENTS: NetworkEvents =
    NetworkEvents::FD_READ.union(NetworkEvents::FD_WRITE).union(NetworkEvents::FD_CLOSE);

/// How much is received, and sent, by one call.
const RECEIVE: usize = 8 * 1024;

/// The size of the OS send buffer: small, so that FD_WRITE is needed.
const SEND_BUFFER: usize = 16 * 1024;

/// How many bytes a connection carries before it is reset.
const KILL_AFTER: usize = 4 * 1024;

/// The first byte of a connection that the server is to reset.
const KILL_ME: u8 = b'K';

/// A wait that takes this long means that an event was lost.
const STALL: Duration = Duration::from_secs(10);

/// The program ends after this time at the latest.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// shutdown() of the direction in which this side sends.
const SD_SEND: i32 = 1;

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

const SWITCH: Switch = Switch::of::<Winsock>();

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let start = Instant::now();
    let played = play();
    println!("{CONNECTIONS} connections, at most {} at a time", CLIENT_THREADS * AT_A_TIME);
    let kept = summary(played.err());
    let verdict = if kept { "every promise was kept" } else { "FAILED" };
    println!("{verdict}, in {:.2} s", start.elapsed().as_secs_f64());
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn play() -> Result {
    let winsock = Winsock::new(Arc::new(Handles::new()), |_, happening| match happening {
        Happening::Ready => add(Count::Ready, 1),
        Happening::Recorded(_) => add(Count::Record, 1),
    })?;
    let winsock = ws2::startup(winsock);
    let listener = winsock.create_socket(Domain::IPV4, Type::STREAM)?;
    winsock.bind(listener, ANY_PORT)?;
    winsock.listen(listener, i32::MAX)?;
    let address = winsock.local_address(listener)?;

    // Each thread ends by itself, or because a wait takes too long. The time limit is for one that hangs elsewhere.
    let (done, ends) = mpsc::channel();
    for thread in 0..=CLIENT_THREADS {
        let (winsock, done) = (Arc::clone(&winsock), done.clone());
        thread::spawn(move || {
            let end = match thread {
                0 => Server::new(&winsock, listener).and_then(Server::run),
                _ => Clients::new(&winsock, address).and_then(Clients::run),
            };
            let _sent = done.send(end);
        });
    }
    // A thread that panics sends nothing.
    drop(done);
    let deadline = Instant::now() + TIME_LIMIT;
    for _ in 0..=CLIENT_THREADS {
        let left = deadline.saturating_duration_since(Instant::now());
        let end = ends.recv_timeout(left);
        end.map_err(|_| format!("a thread panicked, or the programs took over {TIME_LIMIT:?}"))??;
    }
    ws2::cleanup();
    Ok(())
}

/// Prints the counts and each promise that was not kept. Whether all were.
fn summary(error: Option<Box<dyn Error + Send + Sync>>) -> bool {
    use Count::*;
    println!(
        "bytes:      {} sent by the clients; {} came back, {} were lost on connections that were reset on \
         purpose; {} sends found no room and waited for FD_WRITE",
        get(BytesSent),
        get(BytesBack),
        get(BytesCut),
        get(WouldBlock)
    );
    println!(
        "ends:       {} connections closed gracefully; {} were reset by the client, the server saw {} of them; \
         {} were reset by the server, the client saw {} of them",
        get(Completed),
        get(ResetByClient),
        get(ResetSeenByServer),
        get(ResetByServer),
        get(ResetSeenByClient)
    );
    println!(
        "inside:     the poller reported {} ready sockets; {} calls to record",
        get(Ready),
        get(Record)
    );
    println!(
        "programs:   {} waits found {} event objects set; {} reports with events, {} without; in the server's \
         groups {} sockets without events were passed over",
        get(Wait),
        get(WakeUp),
        get(Report),
        get(EmptyReport),
        get(Miss)
    );

    let resets = (CONNECTIONS / 10, CONNECTIONS / 10);
    let promises = [
        ("the programs finish", error.is_none()),
        ("every connection is made", get(Connected) == CONNECTIONS),
        ("every connection is accepted", get(Accepted) == CONNECTIONS),
        ("every byte that comes back is the byte that was sent", get(WrongBytes) == 0),
        ("every byte comes back, unless its connection is reset", {
            get(BytesSent) == get(BytesBack) + get(BytesCut)
        }),
        ("every connection that is not reset closes gracefully", {
            get(Completed) == CONNECTIONS - resets.0 - resets.1
        }),
        ("every reset by a client is seen by the server", {
            (get(ResetByClient), get(ResetSeenByServer)) == resets
        }),
        ("every reset by the server is seen by the client", {
            (get(ResetByServer), get(ResetSeenByClient)) == resets
        }),
        ("some sends find no room, and go on later", get(WouldBlock) > 0),
        ("the poller reports at most twice for each record", get(Ready) <= 2 * get(Record)),
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

/// setsockopt(SO_SNDBUF).
fn limit_send_buffer(winsock: &Winsock, s: SOCKET) -> Result {
    // Some systems refuse options of a connection that is gone already, and it needs none.
    let _refused = winsock.with_os_socket(s, |os| os.set_send_buffer_size(SEND_BUFFER))?;
    Ok(())
}

/// setsockopt(SO_LINGER): the close that follows resets the connection.
fn reset_at_close(winsock: &Winsock, s: SOCKET) -> Result {
    let _refused = winsock.with_os_socket(s, |os| os.set_linger(Some(Duration::ZERO)))?;
    Ok(())
}
