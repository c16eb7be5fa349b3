//! What the two checkers do differently.

#[cfg(wsp_loom)]
pub(crate) use loom::{
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
#[cfg(wsp_shuttle)]
pub(crate) use shuttle::{
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};
