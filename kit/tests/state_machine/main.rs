//! Long random sequences of calls, checked after every step against a model that anyone can follow by
//! eye: the recorder alone (`recorder`), and a whole provider with descriptors, handles and the C
//! functions around it (`provider`). `moves` has the random parts that both use; the model and the library's side
//! are the package's own.
//!
//! The fuzz target (`fuzz/`) makes the provider's steps, on the same library and against the same model, but lets
//! libFuzzer choose them.
//!
//! A failing sequence shrinks, and is kept in kit/tests/proptest-regressions and run first from then on.
//! `PROPTEST_CASES=20000` makes a longer run.
#![cfg(not(any(wsp_loom, wsp_shuttle)))]

mod moves;
mod provider;
mod recorder;

use proptest::test_runner::Config;

/// So many cases, unless the environment says otherwise.
fn config(cases: u32) -> Config {
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => Config::default(),
        None => Config::with_cases(cases),
    }
}
