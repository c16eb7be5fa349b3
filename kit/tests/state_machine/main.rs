//! Long random sequences of calls, compared after every step with the plain model: on the recorder alone (`recorder`),
//! and on a whole provider with descriptors, handles and the C functions (`provider`). `moves` contains the random parts
//! that both use; the model and the library's side are the package's own.
//!
//! The fuzz target (`fuzz/`) makes the provider's steps, on the same library and against the same model; there libFuzzer
//! chooses them.
//!
//! A failing sequence shrinks, and is kept in kit/tests/proptest-regressions and run first from then on.
//! `PROPTEST_CASES=20000` makes a longer run.
#![cfg(not(any(wsp_loom, wsp_shuttle)))]

mod moves;
mod provider;
mod recorder;

use proptest::test_runner::{Config, TestError, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};

/// Runs `cases` sequences, unless the environment says how many. A failure prints the steps of the shrunk sequence, one
/// on each line, and not the states of the model.
fn run<M: StateMachineTest>(cases: u32, source: &'static str) {
    let mut config = Config { source_file: Some(source), ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    let sequences = M::Reference::sequential_strategy(1..200);
    let result = TestRunner::new(config.clone()).run(&sequences, |(state, steps, seen)| {
        M::test_sequential(config.clone(), state, steps, seen);
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, (_, steps, _))) => {
            let steps: String = steps.iter().map(|step| format!("\n    {step:?}")).collect();
            panic!("{reason}\nafter these steps:{steps}");
        }
        Err(aborted) => panic!("{aborted}"),
    }
}
