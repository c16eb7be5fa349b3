//! What the record costs around a real event object of Windows: a full cycle of record and
//! enumerate_and_reset against bare SetEvent and ResetEvent, measured side by side in one run:
//!
//!     cargo bench --bench win32        (on Windows; `.ci/windows bench` runs it under Wine)
//!
//! The ratio is the median over rounds; in each round the two sides run one right after the other. A table
//! goes to standard error, one line `ratio NAME VALUE` to standard output. The program fails when the
//! ratio is over its target. Elsewhere it says so and succeeds.

use std::process::ExitCode;

#[cfg(not(windows))]
fn main() -> ExitCode {
    eprintln!("there are no Win32 event objects here: this measures on Windows only");
    ExitCode::SUCCESS
}

#[cfg(windows)]
fn main() -> ExitCode {
    use std::hint::black_box;
    use std::os::windows::io::{AsHandle, AsRawHandle};
    use std::sync::Arc;

    use windows_sys::Win32::System::Threading::{ResetEvent, SetEvent};
    use wsp_events::win32::{BorrowedEvent, OwnedEvent};
    use wsp_events::{NetworkEvent, NetworkEventRecorder, NetworkEvents};

    const TARGET: f64 = 1.05;
    const ROUNDS: usize = 301;

    // Both sides work on one event object, the application's, and each by the handle that it would have:
    // the record sets a duplicate and resets the application's.
    let event = OwnedEvent::new().unwrap();
    let duplicate = Arc::new(OwnedEvent::duplicate(event.as_handle()).unwrap());
    let recorder = NetworkEventRecorder::new();
    recorder.select(NetworkEvents::FD_ALL_EVENTS, Arc::clone(&duplicate)).unwrap();
    let (set, reset) = (duplicate.as_raw_handle(), event.as_raw_handle());
    let mut ours = || {
        black_box(black_box(&recorder).record(NetworkEvent::Read, Ok(())));
        // SAFETY: the handle is open.
        let event = unsafe { BorrowedEvent::borrow_raw(black_box(reset).into()) };
        black_box(black_box(&recorder).enumerate_and_reset(&event).unwrap());
    };
    // SAFETY: both handles are open.
    let mut bare = || unsafe {
        assert_ne!(SetEvent(black_box(set)), 0);
        assert_ne!(ResetEvent(black_box(reset)), 0);
    };

    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        // Who comes first changes, so that neither gains by it.
        rounds.push(if round % 2 == 0 {
            let ours = time(&mut ours);
            (ours, time(&mut bare))
        } else {
            let bare = time(&mut bare);
            (time(&mut ours), bare)
        });
    }
    let ratio = median(rounds.iter().map(|(ours, bare)| ours / bare).collect());
    let ours = median(rounds.iter().map(|round| round.0).collect());
    let bare = median(rounds.iter().map(|round| round.1).collect());
    eprintln!("{:<20} {:>7} {:>7} {:>9} {:>9}", "", "ratio", "target", "ours, ns", "bare, ns");
    eprintln!("{:<20} {ratio:>7.3} {TARGET:>7.2} {ours:>9.1} {bare:>9.1}", "win32_cycle_vs_bare");
    println!("ratio win32_cycle_vs_bare {ratio:.3}");
    if ratio > TARGET { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Nanoseconds a call.
#[cfg(windows)]
fn time(call: &mut impl FnMut()) -> f64 {
    const CALLS: u32 = 200;

    let start = std::time::Instant::now();
    for _ in 0..CALLS {
        call();
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

#[cfg(windows)]
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
