//! What the record costs against the limits of the machine, against what people write by hand, and against other crates,
//! side by side in one run:
//!
//!     cargo bench -p peers --bench ratios
//!     cargo bench -p peers --bench ratios -- contended    only these cases; their names are in `CASES`
//!
//! It prints the processor and a table for each kind of case, with a verdict for each row that has a target. Then come lines
//! for scripts: `verdict ROW WORDS`, `ratio ROW_vs_SIDE VALUE`, `cost ROW.SIDE VALUE`, and `curve PLOT SERIES X NANOSECONDS`,
//! from which `--bench plots` draws. The exit code is 1 if a target is missed; else 3 if a row is not told; else 0.
//!
//! On Windows nothing is measured here: the library's bench `win32` measures the event objects of Windows.

use std::process::ExitCode;

#[cfg(not(windows))]
mod bare;
#[cfg(not(windows))]
mod beside;
#[cfg(not(windows))]
mod cases;
#[cfg(not(windows))]
mod machine;
#[cfg(not(windows))]
mod measure;
#[cfg(not(windows))]
mod memory;
#[cfg(not(windows))]
mod peers;
#[cfg(not(windows))]
mod report;
#[cfg(not(windows))]
mod row;
#[cfg(not(windows))]
mod tables;
#[cfg(not(windows))]
mod trip;
#[cfg(not(windows))]
mod turns;

#[cfg(windows)]
fn main() -> ExitCode {
    eprintln!(
        "nothing is measured: the peers are measured on Unix; on Windows run the bench win32"
    );
    ExitCode::SUCCESS
}

#[cfg(not(windows))]
type Case = (&'static str, fn(&mut report::Run));

#[cfg(not(windows))]
const CASES: [Case; 8] = [
    ("alone", cases::alone::measure),
    ("event", cases::event::measure),
    ("contended", cases::contended::measure),
    ("wake", cases::wake::measure),
    ("table", cases::table::measure),
    ("memory", cases::table::measure_memory),
    ("growth", cases::growth::measure),
    ("trip", cases::trip::measure),
];

#[cfg(not(windows))]
fn main() -> ExitCode {
    // `cargo bench` adds an option of its own.
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    if let Some(only) = &only
        && !CASES.iter().any(|(name, _)| name == only)
    {
        eprintln!("no case is named {only}");
        return ExitCode::from(2);
    }
    let mut run = report::Run::default();
    for (name, measure) in CASES {
        if only.as_ref().is_none_or(|only| only == name) {
            eprintln!("{name} …");
            measure(&mut run);
        }
    }
    println!("{}\n", machine::name());
    run.finish()
}
