//! The stream provider on real TCP sockets. Each test is named after the rule of docs/CONTRACT.md that it shows
//! at work. The scripts of `../scripts` are played in our provider alone; `referee` plays them in Winsock too. The
//! other files have what a script cannot say: it takes a race, a look into the record, or a reset.
//!
//! The provider reports arrivals of FD_READ, FD_OOB and FD_ACCEPT, as Windows does, and the other events latch (L1).

mod close;
mod connect;
mod data;
#[path = "../scripts/scripts.rs"]
mod scripts;
mod selection;
mod support;

use support::{agree, differ};
