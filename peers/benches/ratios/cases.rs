//! The cases, by what they need: one thread, an event object, a second thread, a waiter, a table.

pub(crate) mod alone;
pub(crate) mod contended;
pub(crate) mod event;
pub(crate) mod table;
pub(crate) mod threads;
pub(crate) mod wake;
