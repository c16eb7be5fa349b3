//! How a thread waits: it parks, until another thread unparks it or its time is over.
//!
//! Each wait has a place of its own, and not each thread, as with `std::thread::park`: nothing of it outlives the wait.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Where one thread waits.
#[derive(Clone, Default)]
pub(crate) struct Parker(Arc<Place>);

#[derive(Default)]
struct Place {
    unparked: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    /// Whether both are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Ends the thread's park, or else its next one.
    pub(crate) fn unpark(&self) {
        *self.0.lock() = true;
        self.0.changed.notify_one();
    }

    /// Parks this thread, the only one that waits here, until it is unparked or the time is over. Whether there was time left. It may
    /// return early.
    pub(crate) fn park_until(&self, deadline: Option<Instant>) -> bool {
        let mut unparked = self.0.lock();
        if !*unparked {
            let left = deadline.map(|it| it.saturating_duration_since(Instant::now()));
            unparked = match left {
                None => self.0.changed.wait(unparked).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => return false,
                Some(left) => {
                    let woken = self.0.changed.wait_timeout(unparked, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        *unparked = false;
        true
    }
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.unparked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
