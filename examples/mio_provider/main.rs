//! A provider on mio, and a switch that waits for hundreds of event objects in the same poller.
//!
//! `cargo run --example mio_provider --features pollable` serves 300 clients on one thread. Each
//! connection has an event object of its own, a `PollableEvent`; one `Poll` waits for the sockets,
//! which is the provider's part, and for the event objects, which is the switch's. The first
//! reports are printed, all are checked, and the exit code says whether they were right. (For
//! thousands: `ulimit -n 8192`, and the number of clients behind `--`.)

#[cfg(unix)]
mod provider;
#[cfg(unix)]
mod switch;
#[cfg(unix)]
#[path = "../visitors/mod.rs"]
mod visitors;

#[cfg(unix)]
use switch::main;

#[cfg(not(unix))]
fn main() {
    println!("PollableEvent is for Unix; Windows has wsp_events::win32");
}
