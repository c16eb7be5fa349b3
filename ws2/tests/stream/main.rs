//! The stream provider on real TCP sockets. Each test is named after the rule of docs/CONTRACT.md that it shows
//! at work. The scripts of `../scripts` are played in our provider alone; `referee` plays them in Winsock too. The
//! other files have what a script cannot say: it takes a race, a look into the record, or a reset.
//!
//! The provider reports conditions, so every event latches. Where Windows and Wine differ, it does what Windows
//! does, except that a new arrival is not recorded until its event is re-enabled (L1).

mod close;
mod connect;
mod data;
#[path = "../scripts/scripts.rs"]
mod scripts;
mod selection;
mod support;

use support::{agree, differ};
