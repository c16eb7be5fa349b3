//! Long random sequences of calls, checked after every step against a model that anyone can follow by
//! eye: the recorder alone (`recorder`), and a whole provider with descriptors, handles and the C
//! functions around it (`provider`).
//!
//! | file | what it is |
//! |---|---|
//! | `socket` | the contract in plain words: arrays of `Option<i32>`, no bits, no library |
//! | `model` | the same with event objects around it, for calls that come one after the other |
//! | `words` | the library's values in those words |
//! | `stage` | the library's side: event objects that follow a script and keep a log |
//! | `moves` | the random parts that both machines use |
//! | `recorder` | the machine of the recorder |
//! | `steps` | one step of a whole provider, and what it shows |
//! | `reference`, `library` | what the steps must show, and the library that they are made on |
//! | `provider` | the machine of the provider |
//!
//! The fuzz target (`fuzz/`) makes the same steps, on the same library and against the same model, but lets
//! libFuzzer choose them.
//!
//! A failing sequence shrinks, and is kept beside its machine's source (`*.regressions`) and run first
//! from then on. `PROPTEST_CASES=20000` makes a longer run.

mod library;
mod model;
mod moves;
mod provider;
mod recorder;
mod reference;
mod socket;
mod stage;
mod steps;
mod words;

use proptest::test_runner::{Config, FailurePersistence, FileFailurePersistence};

/// So many cases, unless the environment says otherwise, and failures kept beside the source.
fn config(cases: u32) -> Config {
    let from_environment = Config::default();
    let kept: Box<dyn FailurePersistence> =
        Box::new(FileFailurePersistence::WithSource("regressions"));
    Config {
        cases: match std::env::var_os("PROPTEST_CASES") {
            Some(_) => from_environment.cases,
            None => cases,
        },
        failure_persistence: from_environment.failure_persistence.is_some().then_some(kept),
        ..from_environment
    }
}
