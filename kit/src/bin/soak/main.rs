//! Nothing gets lost: recorders, and threads that record, wait and enumerate, for as many operations as one
//! likes.
//!
//! `cargo run --release -p kit --bin soak -- --operations 1000000000` prints a table in the end, and exits with
//! a failure if anything was lost, duplicated, stuck or torn. `--recorders`, `--threads` and `--seed` change
//! the rest; while it runs, a line a second goes to standard error.
//!
//! Half of the threads are *providers*: they put a serial number into a queue outside the recorder (one for
//! each event of each recorder) and record the event, as a provider queues data and then tells. The others
//! are *switches*: they wait on event objects, enumerate, and take out of the queue of each reported event
//! all that is in it. Half of the time they reset the event object themselves first, as many programs do. The queues are counters, written and read without any ordering of their own: it
//! is the recorder alone that makes them visible (E3).
//!
//! # What is counted
//!
//! The threads run in rounds. At the end of each the providers stop, and as soon as every switch waits on an
//! event object that is not set, all is *at rest*, and the queues are compared with the records. No clock
//! decides: at rest, what has not happened will not happen. (A clock only ends a program that hangs.)
//!
//! - *lost*: a serial number that is still queued, of an event that is not recorded; an occurrence that
//!   was new and is neither reported nor recorded; an error that never came out (E3, R1).
//! - *duplicated*: an event that was reported oftener than it was new; an error that was reported twice (E3).
//! - *stuck*: a recorder with something to report, whose event object is not set (E5).
//! - *torn*: a code that was not recorded, or a code without what its provider wrote before it (R2).
//! - *spurious* is no fault: an event that is reported when an earlier report, which was just late, or a
//!   receiving call has taken what it stands for.

mod arguments;
mod event_object;
mod gate;
mod ledger;
mod provider;
mod random;
mod referee;
mod socket;
mod switch;

use std::process::ExitCode;

use arguments::Arguments;

fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => referee::run(&arguments),
        Err(error) => {
            eprintln!("{error}\n{}", arguments::USAGE);
            ExitCode::from(2)
        }
    }
}
