//! The rules of docs/CONTRACT.md, a file a section, each test named after the rule it holds in place. Two files
//! have what goes wrong around a recorder, and must cost nothing: `middle` has a fault in the middle of every
//! operation, `storm` event objects that fail, panic, are slow or call back, with many threads at work. `traced` is
//! the trace that `Traced` makes. `wsa` has E11, and `auto_reset` an event object that its waits reset.
//!
//! For each rule there is a breach, a patch of the library in tests/breaches. `.ci/breaches` applies them one by
//! one and shows which tests of the rule's own number fail.
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
