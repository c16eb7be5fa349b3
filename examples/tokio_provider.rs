//! A switch whose tasks wait for event objects by tokio's `AsyncFd`, and a provider whose sockets
//! are tokio's.
//!
//! `cargo run --example tokio_provider --features pollable` serves 300 clients. Each connection has
//! an event object of its own, a `PollableEvent`, and two tasks: the provider's, which records what
//! happens, and the switch's, which waits for the event object. The first reports are printed, all
//! are checked, and the exit code says whether they were right. (For thousands: `ulimit -n 8192`,
//! and the number of clients behind `--`.)
//!
//! The event objects of the example `async_provider` need no descriptors; these can be shared with
//! other pollers, and with other processes.

#[cfg(unix)]
mod tasks;

#[cfg(unix)]
mod asyncfd {
    use std::io;
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;
    use wsp_events::unix::PollableEvent;
    use wsp_events::{NetworkEventRecorder, Report};

    use crate::tasks::{Awaited, Result};

    /// An event object in tokio's own poller.
    pub(crate) struct Event(AsyncFd<Arc<PollableEvent>>);

    impl Awaited for Event {
        type Signal = Arc<PollableEvent>;

        fn create() -> io::Result<Self> {
            let event = Arc::new(PollableEvent::new()?);
            // SAFETY: an event object has one descriptor, and the `AsyncFd` keeps it open.
            Ok(Self(unsafe { AsyncFd::register_with_interest(event, Interest::READABLE) }?))
        }

        fn signal(&self) -> Arc<PollableEvent> {
            Arc::clone(self.0.get_ref())
        }

        fn is_set(&self) -> io::Result<bool> {
            self.0.get_ref().wait_timeout(Duration::ZERO)
        }

        /// tokio remembers that the event object was set until it is told otherwise: to be done
        /// when the enumeration has reset it, and not if it has failed.
        async fn next_report(
            &self,
            record: &NetworkEventRecorder<Arc<PollableEvent>>,
        ) -> Result<Report> {
            let mut set = self.0.readable().await?;
            let report = record.enumerate_and_reset(self.0.get_ref())?;
            set.clear_ready();
            Ok(report)
        }
    }
}

#[cfg(unix)]
fn main() -> tasks::Result<std::process::ExitCode> {
    tasks::main::<asyncfd::Event>()
}

#[cfg(not(unix))]
fn main() {
    println!("PollableEvent is for Unix; Windows has wsp_events::win32");
}
