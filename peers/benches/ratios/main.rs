//! What the record costs against the limits of the machine, against what people write by hand, and against other crates,
//! side by side in one run:
//!
//!     cargo bench -p peers --bench ratios
//!
//! Standard error gets a table for people, and the verdict. Standard output gets lines for scripts: `ratio NAME VALUE`,
//! `cost NAME NANOSECONDS` for each of its two sides, and `curve PLOT SERIES X NANOSECONDS`, from which `--bench plots`
//! draws. The program fails if a ratio is over its target, unless `peers/benches/floors.toml` names a floor that
//! excuses it in the same run.
//!
//! On Windows nothing is measured here: `--bench win32` measures the event objects of Windows.

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

/// The most that each ratio may be.
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
    eprintln!(
        "nothing is measured: the peers are measured on Unix; on Windows run the bench win32"
    );
    ExitCode::SUCCESS
}

#[cfg(not(windows))]
fn main() -> ExitCode {
    let mut run = measure::Run::default();
    cases::alone::measure(&mut run);
    cases::event::measure(&mut run);
    cases::contended::measure(&mut run);
    cases::wake::measure(&mut run);
    cases::table::measure(&mut run);
    cases::threads::measure(&mut run);
    run.print();
    if floors::check(&run, TARGETS) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
