//! Linearizability: every schedule of a few calls on a recorder, and random schedules of many, are judged
//! against the plain model of a socket (`kit::socket`, the same that long random
//! sequences of calls are checked against). Each call is logged with its answer and with the moments of
//! its beginning and its end; then an order of the calls is searched for, in which the plain model
//! answers the same, and ends with what is seen at rest. Calls that did not overlap keep their order, so
//! that what comes first and last (the starting state, the look at rest) does too. If there is no such
//! order, no program could explain to itself what it saw, and the test fails.
//!
//! | file | what it is |
//! |---|---|
//! | `stage` | what the threads share: event objects that follow a script, a clock, a log |
//! | `scene` | threads and their calls: played on one schedule, and judged |
//! | `rest` | what is seen when all calls are over |
//! | `order` | the search |
//! | `checker` | what loom and shuttle do differently |
//! | `pairs`, `triples` | loom: every pair of calls, and chosen sets of three |
//! | `random` | shuttle: four threads, long programs |
//!
//! # What is compared, and how
//!
//! Exactly, call by call: what was new (R3, R5, L1), the report with its codes (E1, E3, R2), refusals
//! (P5, S6, E7), the selection that an accepted socket inherits (S8). Exactly, at rest: what is recorded
//! with which codes, selected and latched; how often each event object was reset (E6, E8), and which
//! ones are alive (P2).
//!
//! One call is not one step: an enumeration whose reset fails or panics has its report out for a while
//! (src/recorder/protocol.rs), and in the order it has two places, its taking and its putting back.
//!
//! Signals are not part of that order, since a set follows its recording:
//!
//! - At rest E5 holds, both ways, on the conditions that the contract names. A reset by somebody else (the
//!   application, another socket) excuses a missing signal only if it may have come after the recording and
//!   the selection. A set is owed only for something reportable, after a failure, and is tried again by the
//!   next record (R6, K5).
//! - An answer `NotNeeded` means that nothing new was selected; `Set`, that something was (or that a set
//!   had failed); `HandedOver`, that a selection or a close was under way (R4, K2).
//! - Where no set fails, there are at most as many sets as news, selections, resets and withdrawals
//!   account for (R4, S5).
//! - What an event object tries from inside is done, or refused (K4).
//!
//! `.ci/threads` runs this; `.ci/breaches search` shows that it can fail.
#![cfg(any(wsp_loom, wsp_shuttle))]

mod checker;
mod order;
#[cfg(wsp_loom)]
mod pairs;
#[cfg(wsp_shuttle)]
mod random;
mod rest;
mod scene;
mod stage;
#[cfg(wsp_loom)]
mod triples;
