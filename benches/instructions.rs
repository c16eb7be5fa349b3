//! A fixed number of calls, for a tool that counts instructions: `.ci/instructions`.
//!
//!     instructions repeat 1000    record the same event again and again
//!     instructions cycle 1000     record, enumerate, record, enumerate …

use std::hint::black_box;
use std::process::ExitCode;

use wsp_events::{
    EventSignal, NetworkEvent, NetworkEventRecorder, NetworkEvents, Report, SignalError,
};

/// An event object that costs nothing, so that what is counted is the record around it.
struct Empty;

impl EventSignal for Empty {
    fn set_event(&self) -> Result<(), SignalError> {
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        Ok(())
    }
}

#[inline(never)]
fn record(recorder: &NetworkEventRecorder<Empty>) -> bool {
    recorder.record(NetworkEvent::Accept, Ok(())).is_ok()
}

#[inline(never)]
fn enumerate(recorder: &NetworkEventRecorder<Empty>) -> Option<Report> {
    recorder.enumerate_and_reset(&Empty).ok()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // The selection of a SAN switch.
    let recorder = NetworkEventRecorder::new();
    let events = NetworkEvents::FD_ACCEPT | NetworkEvents::FD_CONNECT;
    let selected = recorder.select(events, Empty).is_ok();
    let count = arguments.get(1).and_then(|count| count.parse().ok());
    match (arguments.first().map(String::as_str), count) {
        (Some("repeat"), Some(count)) if selected => {
            for _ in 0..count {
                black_box(record(black_box(&recorder)));
            }
            ExitCode::SUCCESS
        }
        (Some("cycle"), Some(count)) if selected => {
            for _ in 0..count {
                black_box(record(black_box(&recorder)));
                black_box(enumerate(black_box(&recorder)));
            }
            ExitCode::SUCCESS
        }
        // `cargo bench` runs it like that, without anything to count.
        _ => {
            eprintln!("to be run by .ci/instructions");
            ExitCode::SUCCESS
        }
    }
}
