//! A switch whose tasks await event objects.
//!
//! `cargo run --example async_provider --features async` has 300 sockets. Each has an event object of its own, an
//! `AsyncEvent`, and two tasks: the provider's task delivers datagrams, the switch's task awaits the event object
//! and receives. A wait that is not over at once is cancelled and begun again. The program fails if a datagram or a wake-up
//! is lost.
//!
//! The event object does not depend on tokio: use it in the same way in any other runtime.

use std::mem;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;
use wsp_events::{
    AsyncEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, ReenablingCall, SignalError,
    WsaError,
};

type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

const SOCKETS: usize = 300;
const DATAGRAMS: u32 = 100;
/// More than the whole program takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A socket of the provider.
#[derive(Default)]
struct Socket {
    inbox: Mutex<Vec<u32>>,
    record: NetworkEventRecorder<Arc<AsyncEvent>>,
}

impl Socket {
    /// The provider's task.
    async fn bring(self: Arc<Self>) -> Result<(), SignalError> {
        for datagram in 0..DATAGRAMS {
            let recorded = {
                let mut inbox = self.inbox.lock().unwrap();
                inbox.push(datagram); // first the datagram ...
                self.record.record_unsignaled(NetworkEvent::Read, Ok(())) // ... then the event
            };
            recorded.signal(); // without the lock
            // Now and then all is received first: what comes next would hide that a wake-up was lost.
            while datagram % 3 == 0 && !self.inbox.lock().unwrap().is_empty() {
                yield_now().await;
            }
        }
        self.record.record(NetworkEvent::Close, Err(WsaError::WSAECONNABORTED)).signaled().map(drop)
    }

    /// WSPRecv, until there is no more. What has arrived before is not recorded after it: both take the lock (L2).
    fn recv(&self) -> Vec<u32> {
        let mut inbox = self.inbox.lock().unwrap();
        self.record.reenable_for(ReenablingCall::Recv { oob: false });
        mem::take(&mut *inbox)
    }
}

/// The switch's task. Returns the number of reports.
async fn receive(socket: Arc<Socket>, event: Arc<AsyncEvent>) -> Result<usize> {
    let (mut received, mut reports, mut empty) = (Vec::new(), 0, 0);
    loop {
        // Cancel a wait, as `select!` would. Nothing is lost.
        if timeout(Duration::ZERO, event.wait()).await.is_err() {
            event.wait().await;
        }
        let report = socket.record.enumerate_and_reset(&event)?;
        empty = if report.events().is_empty() { empty + 1 } else { 0 };
        if empty > 3 {
            return Err("the event object is set again and again for nothing".into());
        }
        reports += 1;
        if report.events().contains(NetworkEvents::FD_READ) {
            let datagrams = socket.recv();
            if datagrams.is_empty() {
                return Err("FD_READ, and nothing to receive".into());
            }
            received.extend(datagrams);
        }
        if let Some(outcome) = report.outcome(NetworkEvent::Close) {
            return if outcome != Err(WsaError::WSAECONNABORTED) {
                Err("FD_CLOSE has another's code".into())
            } else if !received.iter().copied().eq(0..DATAGRAMS) {
                Err(format!("datagrams were lost: {received:?}").into())
            } else if event.is_set() {
                Err("the event object is set when all was reported".into())
            } else {
                Ok(reports)
            };
        }
    }
}

async fn run() -> Result<usize> {
    let mut switch = JoinSet::new();
    for _ in 0..SOCKETS {
        let (socket, event) = (Arc::new(Socket::default()), Arc::new(AsyncEvent::new()));
        let events = NetworkEvents::FD_READ | NetworkEvents::FD_CLOSE;
        socket.record.select(events, Arc::clone(&event))?;
        tokio::spawn(Arc::clone(&socket).bring());
        switch.spawn(receive(socket, event));
    }
    let mut reports = 0;
    while let Some(ended) = switch.join_next().await {
        reports += ended??;
    }
    Ok(reports)
}

fn main() -> Result<ExitCode> {
    let runtime = Runtime::new()?;
    match runtime.block_on(async { timeout(LIMIT, run()).await? }) {
        Ok(reports) => {
            println!("{SOCKETS} sockets received {DATAGRAMS} datagrams each, in {reports} reports");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("FAILED: {error}");
            Ok(ExitCode::FAILURE)
        }
    }
}
