//! The rules of docs/CONTRACT.md, a file a section, each test named after the rule it holds in place.
//!
//! For each rule there is a breach, a patch of the library in tests/breaches. `.ci/breaches` applies them one by
//! one and shows which tests of the rule's own number fail.
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
