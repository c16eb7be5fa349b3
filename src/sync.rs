//! The primitives under the recorder: the real ones, or those of a checker: loom's, which knows every
//! schedule and the memory model (`--cfg wsp_loom`), or shuttle's, which draws schedules at random and
//! makes every atomic sequentially consistent (`--cfg wsp_shuttle`).

#[cfg(not(any(wsp_loom, wsp_shuttle)))]
pub(crate) use core::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};
#[cfg(all(not(any(wsp_loom, wsp_shuttle)), feature = "std"))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

#[cfg(wsp_loom)]
pub(crate) use loom::{
    cell::UnsafeCell,
    sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering},
    sync::{Condvar, Mutex, MutexGuard},
};

#[cfg(wsp_shuttle)]
pub(crate) use shuttle::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering},
};

/// `core`'s cell with the interface of loom's.
#[cfg(not(wsp_loom))]
#[derive(Debug)]
pub(crate) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

#[cfg(not(wsp_loom))]
impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(core::cell::UnsafeCell::new(value))
    }

    pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

/// Gives way to the thread that is being waited for: a few turns of the processor's own pause, then,
/// where there is `std`, the rest of the time slice.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    turns: u32,
}

impl Backoff {
    pub(crate) fn wait(&mut self) {
        #[cfg(wsp_loom)]
        loom::thread::yield_now();
        #[cfg(wsp_shuttle)]
        shuttle::thread::yield_now();
        #[cfg(all(not(any(wsp_loom, wsp_shuttle)), feature = "std"))]
        if self.turns >= 64 {
            return std::thread::yield_now();
        }
        #[cfg(not(any(wsp_loom, wsp_shuttle)))]
        core::hint::spin_loop();
        self.turns = self.turns.saturating_add(1);
    }
}
