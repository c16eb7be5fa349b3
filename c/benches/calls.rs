//! The same as calls.c, on the Rust recorder without `std`.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use wsp_events::spi::WSANETWORKEVENTS;
use wsp_events::{
    EventSignal, NetworkEvent, NetworkEventRecorder, NetworkEvents, SignalError, WsaError,
};

struct Flag(AtomicBool);

impl EventSignal for Flag {
    fn set_event(&self) -> Result<(), SignalError> {
        self.0.swap(true, Ordering::Release);
        Ok(())
    }
    fn reset_event(&self) -> Result<(), SignalError> {
        self.0.swap(false, Ordering::Acquire);
        Ok(())
    }
}

/// The compiler knows neither the event nor the code, as in C, where the library is compiled before the program.
#[inline(never)]
fn record(recorder: &NetworkEventRecorder<&Flag>, event: NetworkEvent, code: i32) -> bool {
    recorder.record(event, WsaError::outcome(code)).signal_error.is_none()
}

#[inline(never)]
fn enumerate(
    recorder: &NetworkEventRecorder<&Flag>,
    event: &Flag,
    out: &mut WSANETWORKEVENTS,
) -> bool {
    let report = recorder.enumerate_and_reset(event);
    report.map(|report| out.store(&report)).is_ok()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let event = Flag(AtomicBool::new(false));
    let recorder = NetworkEventRecorder::new();
    recorder.select(NetworkEvents::FD_ACCEPT | NetworkEvents::FD_CONNECT, &event).unwrap();
    let is_cycle = arguments.first().is_some_and(|case| case == "cycle");
    let count = arguments.get(1).and_then(|count| count.parse().ok());
    let mut out = WSANETWORKEVENTS::default();
    let succeeded = (0..count.unwrap_or(0_u32)).all(|_| {
        record(black_box(&recorder), black_box(NetworkEvent::Accept), black_box(0))
            && (!is_cycle || enumerate(black_box(&recorder), black_box(&event), &mut out))
    });
    if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
