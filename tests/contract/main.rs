//! The rules of docs/CONTRACT.md, a file for each section, each test named after the rule that it checks. `middle` has a
//! fault in the middle of every operation, `storm` event objects that fail, panic, are slow or call back, with many
//! threads at work. `traced` is the trace that `Traced` makes. `wsa` has E11, `auto_reset` an event object that its waits
//! reset, and `surface` what is said twice: conversions and ways to read a report.
//!
//! `.ci/breaches` breaks each rule by a patch of the library, and shows which tests with the rule's number fail.
#![cfg(all(feature = "std", not(wsp_loom)))]

mod auto_reset;
mod citations;
mod e;
mod k;
mod l;
mod middle;
mod p;
mod r;
mod s;
mod storm;
mod support;
mod surface;
#[cfg(feature = "tracing")]
mod traced;
mod v;
mod wsa;
