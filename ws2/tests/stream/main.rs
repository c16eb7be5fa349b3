//! The stream provider on real TCP sockets: what was measured of sockets as programs
//! know them, each line a test, named after the rule of docs/CONTRACT.md that it shows at work.
//!
//! The provider reports conditions, so that every event latches. Where Windows and Wine differ, or nobody
//! knows, it does what Windows does, except that a new arrival is no news until its event is re-enabled
//! (L1).

mod close;
mod connect;
mod data;
mod selection;
mod support;
