//! What the record costs against the limits of the machine, against what people write by hand, and
//! against its neighbours, all side by side in one run:
//!
//!     cargo bench -p peers --bench ratios
//!
//! A table goes to standard error, for people. For scripts there go to standard output: one line
//! `ratio NAME VALUE` each, `cost NAME NANOSECONDS` for what the two sides of it took, and
//! `curve PLOT SERIES X NANOSECONDS`, from which `--bench plots` draws. The program fails when a ratio is
//! over its target, unless `peers/benches/floors.toml` says why, and the same run shows it.
//!
//! On Windows it says that it measures elsewhere: there `--bench win32` has the event objects that count.

use std::process::ExitCode;

#[cfg(not(windows))]
mod cases;
#[cfg(not(windows))]
mod floors;
#[cfg(not(windows))]
mod measure;
#[cfg(not(windows))]
mod memory;
#[cfg(not(windows))]
mod peers;
#[cfg(not(windows))]
mod processors;

/// At most.
#[cfg(not(windows))]
const TARGETS: &[(&str, f64)] = &[
    ("repeat_vs_rmw", 1.15),
    ("cycle_vs_mutex", 0.70),
    ("cycle_vs_two_rmw", 1.50),
    ("cycle_event_vs_mutex", 0.80),
    ("contended_record_vs_mutex", 0.60),
    ("contended_error_vs_mutex", 1.00),
    ("contended_batch_vs_mutex", 1.00),
    ("contended_enumerate_vs_mutex", 1.00),
    ("contended_cycle_vs_mutex", 1.00),
    ("contended_cycle_event_vs_mutex", 1.00),
    ("eventfd_cycle_vs_bare", 1.15),
    ("batch_vs_two", 0.70),
    ("event_vs_best_neighbour", 1.00),
    ("wake_p50_vs_condvar", 1.00),
    ("wake_p99_vs_condvar", 1.00),
    ("report_p50_vs_condvar", 1.00),
    ("report_p99_vs_condvar", 1.00),
    ("scale_1m_vs_1k", 4.00),
    ("bytes_recorder", 64.0),
    ("bytes_socket", 128.0),
];

#[cfg(windows)]
fn main() -> ExitCode {
    eprintln!("the peers are measured on Unix; on Windows run the bench win32");
    ExitCode::SUCCESS
}

#[cfg(not(windows))]
fn main() -> ExitCode {
    let mut run = measure::Run::new();
    cases::alone::measure(&mut run);
    cases::event::measure(&mut run);
    cases::contended::measure(&mut run);
    cases::wake::measure(&mut run);
    cases::table::measure(&mut run);
    cases::threads::measure(&mut run);
    run.print();
    if floors::check(&run, TARGETS) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
