//! The primitives that the crate uses: the real ones or, in our tests, those of a model checker. Loom tries every
//! schedule and knows the memory model (`--cfg wsp_loom`). Shuttle tries random schedules, with every atomic
//! sequentially consistent (`--cfg wsp_shuttle`).

#[cfg(not(any(wsp_loom, wsp_shuttle)))]
pub(crate) use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};
#[cfg(all(not(any(wsp_loom, wsp_shuttle)), feature = "std"))]
pub(crate) use {
    core::sync::atomic::AtomicUsize,
    std::sync::{Condvar, Mutex, MutexGuard, RwLock},
};

#[cfg(wsp_loom)]
pub(crate) use loom::{
    cell::UnsafeCell,
    sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering},
    sync::{Condvar, Mutex, MutexGuard, RwLock},
};

#[cfg(wsp_shuttle)]
pub(crate) use shuttle::sync::{
    Condvar, Mutex, MutexGuard, RwLock,
    atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering},
};

#[cfg(all(not(any(wsp_loom, wsp_shuttle)), not(feature = "std")))]
use core::hint::spin_loop as yield_now;
#[cfg(wsp_loom)]
use loom::thread::yield_now;
#[cfg(wsp_shuttle)]
use shuttle::thread::yield_now;

/// Cold: a caller saves no registers for it before it has to wait.
#[cfg(all(not(any(wsp_loom, wsp_shuttle)), feature = "std"))]
#[cold]
fn yield_now() {
    std::thread::yield_now();
}

/// A `const fn`; under loom a plain `fn`, because loom's primitives cannot be created in a `const`.
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visibility:vis const fn $($rest:tt)*) => {
        #[cfg(not(wsp_loom))]
        $(#[$attribute])*
        $visibility const fn $($rest)*

        #[cfg(wsp_loom)]
        $(#[$attribute])*
        $visibility fn $($rest)*
    };
}

/// An array that has the same value everywhere.
#[cfg(not(wsp_loom))]
macro_rules! array {
    ($value:expr; $length:expr) => {
        [const { $value }; $length]
    };
}

#[cfg(wsp_loom)]
macro_rules! array {
    ($value:expr; $length:expr) => {
        core::array::from_fn::<_, $length, _>(|_| $value)
    };
}

/// A thread-local value. The checkers run all their threads on one, and have a macro of their own.
#[cfg(feature = "std")]
macro_rules! per_thread {
    ($name:ident: $type:ty = $value:expr) => {
        #[cfg(not(any(wsp_loom, wsp_shuttle)))]
        std::thread_local!(static $name: $type = const { $value });
        #[cfg(wsp_loom)]
        loom::thread_local!(static $name: $type = $value;);
        #[cfg(wsp_shuttle)]
        shuttle::thread_local!(static $name: $type = $value;);
    };
}

#[cfg(feature = "std")]
pub(crate) use per_thread;
pub(crate) use {array, const_fn};

/// `core`'s cell, with the interface of loom's.
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

/// Waits for another thread: with a few pause instructions, then, with `std`, by yielding.
#[derive(Debug)]
pub(crate) struct Backoff {
    pauses: u32,
}

impl Backoff {
    /// A checker runs other threads between any two steps: pauses would only add steps.
    const IS_CHECKED: bool = cfg!(any(wsp_loom, wsp_shuttle));

    const PAUSES: u32 = if Self::IS_CHECKED { 0 } else { 32 };

    /// Two: with none or one the thread that enumerates takes the line from the one that records, with four
    /// it is the other way round (docs/PERFORMANCE.md).
    pub(crate) const PAUSES_AFTER_A_MISS: u32 = if Self::IS_CHECKED { 0 } else { 2 };

    pub(crate) const fn new() -> Self {
        Self { pauses: Self::PAUSES }
    }

    #[inline]
    pub(crate) fn wait(&mut self) {
        if self.pauses == 0 {
            return yield_now();
        }
        core::hint::spin_loop();
        self.pauses -= 1;
    }
}
