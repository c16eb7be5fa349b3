//! The primitives under the recorder: the real ones, or those of a checker: loom's, which knows every
//! schedule and the memory model (`--cfg wsp_loom`), or shuttle's, which draws schedules at random and
//! makes every atomic sequentially consistent (`--cfg wsp_shuttle`).

use core::hint::spin_loop;
use core::mem;

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

#[cfg(all(not(any(wsp_loom, wsp_shuttle)), not(feature = "std")))]
pub(crate) use core::hint::spin_loop as yield_now;
#[cfg(wsp_loom)]
pub(crate) use loom::thread::yield_now;
#[cfg(wsp_shuttle)]
pub(crate) use shuttle::thread::yield_now;
#[cfg(all(not(any(wsp_loom, wsp_shuttle)), feature = "std"))]
pub(crate) use std::thread::yield_now;

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

/// Whether a checker runs this. It runs the other threads between any two steps, and to pause would add steps.
pub(crate) const IS_CHECKED: bool = cfg!(any(wsp_loom, wsp_shuttle));

/// As many as let a short set end, and cost a thread that waits for nothing no more than a change of threads.
const PAUSES: u32 = if IS_CHECKED { 0 } else { 64 };

/// Lets another thread finish, once, where that is a matter of speed alone.
#[derive(Debug)]
pub(crate) struct Patience(bool);

impl Patience {
    pub(crate) const fn new() -> Self {
        Self(true)
    }

    /// Some of the processor's own pauses, the first time that it is called: whether it was. No look comes between
    /// them: each takes the cache line from the thread that is to finish, and makes it slower.
    #[cold]
    #[inline(never)]
    pub(crate) fn pause(&mut self) -> bool {
        let first = mem::take(&mut self.0);
        if first {
            (0..PAUSES).for_each(|_| spin_loop());
        }
        first
    }
}

/// Gives way to the thread that is being waited for: a few turns of the processor's own pause, then, where there
/// is `std`, the rest of the time slice.
#[derive(Debug)]
pub(crate) struct Backoff {
    pauses: u32,
}

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self { pauses: PAUSES }
    }

    pub(crate) fn wait(&mut self) {
        if self.pauses == 0 {
            return yield_now();
        }
        spin_loop();
        self.pauses = self.pauses.saturating_sub(1);
    }
}
