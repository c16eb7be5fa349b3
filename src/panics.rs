//! Panics of foreign code: where they must not go on, and what must happen when they do.

use core::mem;

/// Makes a call; `None` if it panicked.
#[cfg(feature = "std")]
pub(crate) fn contain<R>(call: impl FnOnce() -> R) -> Option<R> {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    catch_unwind(AssertUnwindSafe(call))
        .map_err(|payload| {
            // The payload is foreign too, and its destructor could panic as well.
            if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                mem::forget(second);
            }
        })
        .ok()
}

/// Without `std` a panic cannot be caught.
#[cfg(not(feature = "std"))]
pub(crate) fn contain<R>(call: impl FnOnce() -> R) -> Option<R> {
    Some(call())
}

/// Does something when it is dropped, also by a panic.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> OnDrop<F> {
    pub(crate) fn disarm(self) {
        mem::forget(self);
    }
}

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
