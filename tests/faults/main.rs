//! What goes wrong around a recorder, and must cost nothing: event objects that fail, panic, are slow or
//! call back, with other threads at work (`storm`); and a socket that closes, a provider that goes, a network
//! that goes down, a thread that dies in the middle of every operation (`middle`).
//!
//! Nothing here is decided by a clock: the limits of the waits only end a test that hangs.
#![cfg(all(feature = "std", not(wsp_loom)))]

mod middle;
mod storm;
mod support;
