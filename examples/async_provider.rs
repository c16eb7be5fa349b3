//! A switch whose tasks await event objects, and a provider whose sockets are tokio's.
//!
//! `cargo run --example async_provider --features async` serves 300 clients. Each connection has an
//! event object of its own, an `AsyncEvent`, and two tasks: the provider's, which records what
//! happens, and the switch's, which awaits the event object. Every wait is cancelled once, and
//! begun again. The first reports are printed, all are checked, and the exit code says whether they
//! were right.
//!
//! The event object knows nothing of tokio: in another runtime it is used in the same way.

mod tasks;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use wsp_events::{AsyncEvent, NetworkEventRecorder, Report};

use tasks::{Awaited, Result};

struct Event(Arc<AsyncEvent>);

impl Awaited for Event {
    type Signal = Arc<AsyncEvent>;

    fn create() -> io::Result<Self> {
        Ok(Self(Arc::new(AsyncEvent::new())))
    }

    fn signal(&self) -> Arc<AsyncEvent> {
        Arc::clone(&self.0)
    }

    fn is_set(&self) -> io::Result<bool> {
        Ok(self.0.is_set())
    }

    async fn next_report(&self, record: &NetworkEventRecorder<Arc<AsyncEvent>>) -> Result<Report> {
        // Something else was more urgent: nothing is lost by that.
        if timeout(Duration::ZERO, self.0.wait()).await.is_err() {
            self.0.wait().await;
        }
        Ok(record.enumerate_and_reset(&self.0)?)
    }
}

fn main() -> Result<ExitCode> {
    tasks::main::<Event>()
}
