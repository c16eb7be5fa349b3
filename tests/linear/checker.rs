//! What the two checkers do differently: their threads, and how one notices that two calls overlap.

#[cfg(wsp_loom)]
pub(crate) use loom::{sync::Arc, thread};
#[cfg(wsp_shuttle)]
pub(crate) use shuttle::{sync::Arc, thread};

/// A stretch of code that one thread may be in at a time, and that hands nothing from one to the next:
/// what orders them must be somebody else's.
#[cfg(wsp_loom)]
pub(crate) struct Exclusive(loom::cell::UnsafeCell<()>);

// SAFETY: there is nothing in the cell; loom's own part of it is for all threads, and fails the model if
// they overlap. Noticed by: `.ci/breaches K3 search`, where they do.
#[cfg(wsp_loom)]
unsafe impl Sync for Exclusive {}

#[cfg(wsp_loom)]
impl Exclusive {
    pub(crate) fn new() -> Self {
        Self(loom::cell::UnsafeCell::new(()))
    }

    /// Loom fails the model if two threads are in here, and also if nothing orders them.
    pub(crate) fn enter<R>(&self, body: impl FnOnce() -> R) -> R {
        self.0.with_mut(|_| body())
    }
}

#[cfg(wsp_shuttle)]
pub(crate) struct Exclusive(shuttle::sync::atomic::AtomicBool);

#[cfg(wsp_shuttle)]
impl Exclusive {
    pub(crate) fn new() -> Self {
        Self(shuttle::sync::atomic::AtomicBool::new(false))
    }

    /// Each access is a place where shuttle may go on with another thread.
    pub(crate) fn enter<R>(&self, body: impl FnOnce() -> R) -> R {
        use shuttle::sync::atomic::Ordering::SeqCst;

        assert!(!self.0.swap(true, SeqCst), "K3: two calls on one event object overlap");
        let result = body();
        self.0.store(false, SeqCst);
        result
    }
}
