//! The cases.

pub(crate) mod alone;
pub(crate) mod contended;
pub(crate) mod event;
pub(crate) mod table;
pub(crate) mod threads;
pub(crate) mod wake;
