//! Linearizability: every schedule of a few calls on a recorder, and random schedules of many, are compared with the
//! plain model of a socket (`kit::socket`). Each call is logged with its answer and with the times of its beginning and
//! its end. Then an order of the calls is searched for in which the plain model gives the same answers, and ends in the
//! state that was seen at rest. Calls that did not overlap keep their order, so that the starting state comes first and
//! the look at rest last. If there is no such order, the test fails.
//!
//! | file | what it contains |
//! |---|---|
//! | `stage` | what the threads share: event objects that follow a script, a clock, a log |
//! | `scene` | threads and their calls: played on one schedule, and judged |
//! | `rest` | what is seen when all calls are over |
//! | `order` | the search |
//! | `pairs`, `triples` | loom: every pair of calls, and chosen sets of three |
//! | `random` | shuttle: four threads, long programs |
//!
//! # What is compared, and how
//!
//! Exactly, call by call: what was new (R3, R5, L1), the report with its codes (E1, E3, R2), refusals (P5, S6, E7), the
//! selection that an accepted socket inherits (S8). Exactly, at rest: what is recorded, with its codes, selected and
//! latched; how often each event object was reset (E6, E8), and which ones are alive (P2).
//!
//! One call is not one step: an enumeration whose reset fails or panics has its report out for a while
//! (src/recorder/protocol.rs). It has two places in the order, where it takes the report and where it puts it back.
//!
//! Sets are not part of that order, since a set follows its recording:
//!
//! - At rest E5 holds, both ways, under the conditions that the contract names. A reset by the application or by another
//!   socket excuses a missing signal only if it may have come after the recording and the selection. A set is owed only
//!   for something reportable, after a failure, and the next record tries it again (R6, K5).
//! - The answer `NotNeeded` means that nothing new was selected; `Set`, that something was (or that a set had failed);
//!   `HandedOver`, that a selection or a close was under way (R4, K2).
//! - If no set fails, there are at most as many sets as new events, selections, resets and withdrawals account for (R4,
//!   S5).
//! - What an event object calls from inside is done, or refused (K4).
//!
//! `.ci/threads` runs this; `.ci/breaches search` shows that it can fail.
#![cfg(any(wsp_loom, wsp_shuttle))]

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
