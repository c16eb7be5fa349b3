//! Nothing gets lost: recorders, and threads that record, wait and enumerate, for as many operations as the command line
//! says.
//!
//! `cargo run --release -p kit --bin soak -- --operations 1000000000` prints a table in the end, and fails if anything
//! was lost, duplicated, stuck or torn. `--recorders`, `--threads` and `--seed` change the rest. While it runs, it prints
//! its progress once a second on standard error.
//!
//! Half of the threads are *providers*. They put a serial number into a queue outside the recorder (there is one for each
//! event of each recorder) and record the event, as a provider queues data and then records. The others are *switches*.
//! They wait for event objects, enumerate, and empty the queue of each reported event. Half of the time they first reset
//! the event object themselves, as many programs do. The queues are counters, written and read without an ordering: the
//! recorder alone makes them visible (E3).
//!
//! # What is counted
//!
//! The threads run in rounds. At the end of each the providers stop. As soon as every switch waits for event objects that
//! are not set, the program is *at rest*, and the queues are compared with the records. No clock decides this: at rest,
//! nothing more will happen. (A clock only ends a program that hangs.)
//!
//! - *lost*: a serial number that is still queued, of an event that is not recorded; an occurrence that was new and is
//!   neither reported nor recorded; an error that was never reported (E3, R1).
//! - *duplicated*: an event that was reported more often than it was new; an error that was reported twice (E3).
//! - *stuck*: a recorder with something reportable, whose event object is not set (E5).
//! - *torn*: a code that was not recorded, or a code without what its provider wrote before it (R2).
//! - *spurious* is no fault: an event whose queue is empty when it is reported, because of an earlier report that came
//!   late, or a receiving call.

mod arguments;
mod event_object;
mod ledger;
mod provider;
mod random;
mod referee;
mod socket;
mod switch;
mod tally;

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
