//! What the examples for tokio share: a provider whose sockets are tokio's, and a switch that
//! serves each connection in a task. How it waits for an event object is the example's own.

mod provider;
#[path = "../visitors/mod.rs"]
mod visitors;

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::timeout;
use wsp_events::{EventSignal, NetworkEventRecorder, NetworkEvents, Report};

use provider::{Connection, Listener};
use visitors::{LIMIT, Ledger};

pub(crate) type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// An event object as a task sees it.
pub(crate) trait Awaited: Sized + Send + Sync + 'static {
    /// What a selection keeps of it.
    type Signal: EventSignal + Send + Sync + 'static;

    /// To be called inside the runtime.
    fn create() -> io::Result<Self>;

    fn signal(&self) -> Self::Signal;

    fn is_set(&self) -> io::Result<bool>;

    /// Waits until it is set, and takes the report.
    fn next_report(
        &self,
        record: &NetworkEventRecorder<Self::Signal>,
    ) -> impl Future<Output = Result<Report>> + Send;
}

/// Serves the clients; whether all was as it should be.
pub(crate) fn main<E: Awaited>() -> Result<ExitCode> {
    let (runtime, mut ledger) = (Runtime::new()?, Ledger::default());
    let socket = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let visit = visitors::visit(socket.local_addr()?, visitors::clients());
    let served = async { timeout(LIMIT, accept_all::<E>(socket, &mut ledger)).await };
    if let Ok(served) = runtime.block_on(served) {
        served?;
    }
    Ok(ledger.end(visitors::clients(), visit))
}

async fn accept_all<E: Awaited>(socket: TcpListener, ledger: &mut Ledger) -> Result {
    let (listener, event) = (Arc::new(Listener::new(socket)), E::create()?);
    listener.record.select(NetworkEvents::FD_ACCEPT, event.signal())?;
    let watched = Arc::clone(&listener);
    tokio::spawn(async move { watched.watch().await });

    let mut connections = JoinSet::new();
    while connections.len() < visitors::clients() {
        event.next_report(&listener.record).await?;
        // One at a time: if more wait, the event object is set again.
        if let Some(socket) = listener.accept()? {
            connections.spawn(serve::<E>(socket));
        }
    }
    while let Some(served) = connections.join_next().await {
        let (number, reports) = served??;
        ledger.settle(number, &reports);
    }
    Ok(())
}

/// Serves a connection until it is closed; the client's number, and what was reported.
async fn serve<E: Awaited>(socket: TcpStream) -> Result<(Option<u32>, Vec<String>)> {
    let (connection, event) = (Arc::new(Connection::new(socket)), E::create()?);
    connection.record.select(NetworkEvents::FD_READ | NetworkEvents::FD_CLOSE, event.signal())?;
    let watched = Arc::clone(&connection);
    tokio::spawn(async move { watched.watch().await });

    let (mut number, mut reports, mut in_vain) = (None, Vec::new(), 0);
    loop {
        let report = event.next_report(&connection.record).await?;
        if report.events().is_empty() {
            in_vain += 1;
            if in_vain > 3 {
                return Err("a task is told of an event object again and again".into());
            }
            continue;
        }
        reports.push(report.to_string());
        if report.events().contains(NetworkEvents::FD_READ) {
            let said = connection.recv();
            connection.send(&said).await?;
            number = said.try_into().ok().map(u32::from_be_bytes);
        }
        if report.events().contains(NetworkEvents::FD_CLOSE) {
            if event.is_set()? {
                return Err("an event object is set when all was reported".into());
            }
            return Ok((number, reports));
        }
    }
}
