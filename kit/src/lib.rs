//! What `wsp-events` is tested with, one of each: used by the state machines and the search for an order of calls
//! (`tests`), and by the fuzz target (`fuzz/` at the root).
//!
//! | module | what it is |
//! |---|---|
//! | [`socket`] | what one socket remembers, in plain words: arrays of `Option<i32>`, no bits, no library |
//! | [`world`] | sockets and event objects, for calls that come one after the other |
//! | [`words`] | the library's values in those words, and back |
//! | [`vocabulary`] | the calls, as values that can be made, and what they answer |
//! | [`event_object`] | the event object that follows a script: it fails, panics and calls back where the script says so |
//! | [`sequential`] | event objects for calls that come one after the other, and the comparison with the world |
//! | [`provider`] | a whole provider: its steps, what they must show, and the library that they are made on |
//!
//! The contract's tests (`tests/contract` at the root) do not use this package. A dev-dependency on it would turn the
//! feature `std` of the library on in every test, those of `--no-default-features` included; and the published
//! package, which has the contract's tests, does not have this one.

pub mod event_object;
pub mod provider;
pub mod sequential;
pub mod socket;
pub mod vocabulary;
pub mod words;
pub mod world;
