//! A switch over the provider DLL of `ws2/examples/provider_dll`. It knows the provider as ws2_32 does: by
//! LoadLibrary, WSPStartup and the table that WSPStartup fills. The event objects are those of Windows, and the
//! connections are real. Each test is named after the rule of docs/CONTRACT.md that it shows at work. The tests run
//! on Windows, and under Wine (`.ci/windows`).
//!
//! `cargo test -p ws2` builds the DLL before it runs the tests. With `--test provider_dll`, or with the name of a test,
//! it does not: the DLL is then the one of the last `cargo build -p ws2 --example provider_dll`.
#![cfg(windows)]

mod blocking;
mod close;
mod connections;
mod data;
mod datagrams;
mod failures;
mod startup;
mod switch;
mod threads;
