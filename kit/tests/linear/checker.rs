//! What the two checkers do differently.

use std::sync::atomic::Ordering;

#[cfg(wsp_loom)]
pub(crate) use loom::{sync::Arc, sync::atomic::AtomicBool, thread};
#[cfg(wsp_shuttle)]
pub(crate) use shuttle::{sync::Arc, sync::atomic::AtomicBool, thread};

/// The state of an event object: the checker's own atomic.
pub(crate) struct Flag(AtomicBool);

impl kit::event_object::Flag for Flag {
    fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    fn swap(&self, signaled: bool, order: Ordering) -> bool {
        self.0.swap(signaled, order)
    }

    fn load(&self, order: Ordering) -> bool {
        self.0.load(order)
    }
}
