//! The rules of docs/CONTRACT.md, a file a section, each test named after the rule it holds in place.
//!
//! Breaches of the rules are planted in the library behind `cfg(wsp_mutant = "…")`; `.ci/rules` builds
//! them one by one and shows for each the tests of its own id that fail.
#![cfg(all(feature = "std", not(wsp_loom)))]

mod citations;
mod e;
#[path = "../faulty/mod.rs"]
mod faulty;
mod k;
mod l;
mod p;
mod r;
mod s;
mod support;
mod v;
