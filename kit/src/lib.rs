//! What `wsp-events` is tested with, used by the state machines and the search for an order of calls (`tests`), and by
//! the fuzz target (`fuzz/` at the root).
//!
//! | module | what it contains |
//! |---|---|
//! | [`socket`] | what one socket remembers, plainly: arrays of `Option<i32>`, no bits, no library |
//! | [`words`] | the library's values in those words, and back |
//! | [`vocabulary`] | the calls on a recorder, as values, and what they answer |
//! | [`event_object`] | the event object that follows a script: it fails, panics and calls back where the script says so |
//! | [`calls`] | the calls, made on the library |
//! | [`world`] | the calls, made on the plain model: sockets and event objects, one call after the other |
//! | [`sequential`] | the library's side for calls that come one after the other, and the comparison with the world |
//! | [`provider`] | a whole provider: its steps, the model's side and the library's side |
//!
//! A new call gets a variant of [`vocabulary::Operation`]. [`calls::perform`] makes it, [`world`] answers it, and
//! `tests/linear/order.rs` says what it may answer while other calls are under way.
//!
//! The contract's tests (`tests/contract` at the root) do not use this package. A dev-dependency on it would turn on
//! the library's feature `std` in every test, also in those of `--no-default-features`; and the published package,
//! which contains the contract's tests, does not contain this one.

pub mod calls;
pub mod event_object;
pub mod provider;
pub mod sequential;
pub mod socket;
pub mod vocabulary;
pub mod words;
pub mod world;

/// Where the event objects' atomics come from: a model checker for tests/linear, else the standard library.
#[cfg(wsp_loom)]
pub use loom as checker;
#[cfg(wsp_shuttle)]
pub use shuttle as checker;
#[cfg(not(any(wsp_loom, wsp_shuttle)))]
pub use std as checker;
