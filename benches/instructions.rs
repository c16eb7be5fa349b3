//! A fixed number of calls, for a tool that counts instructions: `.ci/speed instructions`.
//!
//!     instructions repeat 1000    record the same event again and again
//!     instructions cycle 1000     record, enumerate, record, enumerate …
//!
//! With another word, it says which there are.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

use wsp_events::{
    EventSignal, ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, SignalError,
    SocketTable, WsaError,
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

const ACCEPT: NetworkEvent = NetworkEvent::Accept;
const CONNECT: NetworkEvent = NetworkEvent::Connect;
/// The selection of a SAN switch.
const SELECTED: NetworkEvents = NetworkEvents::FD_ACCEPT.union(NetworkEvents::FD_CONNECT);

type Recorder<S> = NetworkEventRecorder<S>;

// Each a function of its own, as in a program that calls from more than one place.

#[inline(never)]
fn record(recorder: &Recorder<Empty>) -> bool {
    recorder.record(ACCEPT, Ok(())).signal_error.is_none()
}

#[inline(never)]
fn record_error(recorder: &Recorder<Empty>) -> bool {
    recorder.record(ACCEPT, Err(WsaError::WSAECONNRESET)).signal_error.is_none()
}

#[inline(never)]
fn record_batch(recorder: &Recorder<Empty>) -> bool {
    recorder.record_all([(ACCEPT, Ok(())), (CONNECT, Ok(()))]).signal_error.is_none()
}

#[inline(never)]
fn select(recorder: &Recorder<Empty>) -> bool {
    recorder.select(SELECTED, Empty).is_ok()
}

#[inline(never)]
fn enumerate(recorder: &Recorder<Empty>) -> bool {
    black_box(recorder.enumerate_and_reset(&Empty)).is_ok()
}

#[inline(never)]
fn event_cycle(recorder: &Recorder<Arc<ManualResetEvent>>, event: &ManualResetEvent) -> bool {
    recorder.record(ACCEPT, Ok(())).signal_error.is_none()
        & black_box(recorder.enumerate_and_reset(event)).is_ok()
}

#[inline(never)]
fn look_up(table: &SocketTable<Recorder<Empty>>, descriptor: usize) -> bool {
    table.get(descriptor).is_some()
}

#[inline(never)]
fn enumerate_by_descriptor(table: &SocketTable<Recorder<Empty>>, descriptor: usize) -> bool {
    table
        .get(descriptor)
        .is_some_and(|socket| black_box(socket.enumerate_and_reset(&Empty)).is_ok())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let recorder = Recorder::new();
    recorder.select(SELECTED, Empty).unwrap();
    let event = Arc::new(ManualResetEvent::new());
    let with_event = Recorder::new();
    with_event.select(SELECTED, Arc::clone(&event)).unwrap();
    let table = SocketTable::new();
    let socket = Recorder::new();
    socket.select(SELECTED, Empty).unwrap();
    let descriptor = table.insert(socket).unwrap();

    let enumerated = |recorded| recorded & enumerate(black_box(&recorder));
    let cases: [(&str, &dyn Fn() -> bool); 10] = [
        ("repeat", &|| record(black_box(&recorder))),
        ("cycle", &|| enumerated(record(black_box(&recorder)))),
        ("error", &|| enumerated(record_error(black_box(&recorder)))),
        ("batch", &|| enumerated(record_batch(black_box(&recorder)))),
        ("nothing", &|| enumerate(black_box(&recorder))),
        ("select", &|| select(black_box(&recorder))),
        ("event-cycle", &|| event_cycle(black_box(&with_event), black_box(&event))),
        ("event", &|| {
            black_box(&event).set();
            black_box(&event).reset();
            true
        }),
        ("look-up", &|| look_up(black_box(&table), black_box(descriptor))),
        ("by-descriptor", &|| enumerate_by_descriptor(black_box(&table), black_box(descriptor))),
    ];
    let case = cases.iter().find(|case| arguments.first().is_some_and(|name| name == case.0));
    let count = arguments.get(1).and_then(|count| count.parse().ok());
    let (Some((_, call)), Some(count)) = (case, count) else {
        // `cargo bench` runs it like that, without anything to count.
        let names: Vec<_> = cases.iter().map(|case| case.0).collect();
        eprintln!("for .ci/speed instructions: one of {}, and how often", names.join(", "));
        return ExitCode::SUCCESS;
    };
    let succeeded = (0..count).all(|_: u32| black_box(call()));
    if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
