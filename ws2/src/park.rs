//! How a thread waits: it parks, until another thread unparks it or its time is over.
//!
//! Each wait has a place of its own, and not each thread, as with `std::thread::park`: nothing of it outlives the wait.

#[cfg(unix)]
use std::mem;
use std::sync::{Arc, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex, MutexGuard};

/// Where one thread waits, with [`Winsock::park`](crate::Winsock::park).
#[derive(Clone, Default)]
pub struct Parker(Arc<Place>);

#[derive(Default)]
struct Place {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    unparked: bool,
    /// The thread sleeps here. To notify one that does not costs a system call all the same.
    sleeps: bool,
    /// The thread sleeps elsewhere, and this ends its sleep.
    waker: Option<Waker>,
}

impl Parker {
    /// Whether both are the same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Ends the thread's park, or else its next one.
    pub fn unpark(&self) {
        let mut state = self.0.lock();
        state.unparked = true;
        match state.waker.take() {
            Some(waker) => waker.wake(),
            None if state.sleeps => self.0.changed.notify_one(),
            None => {}
        }
    }

    /// Parks this thread, the only one that waits here, until it is unparked or the time is over. `false` if it was over
    /// before.
    pub(crate) fn park_until(&self, deadline: Option<Instant>) -> bool {
        self.park_for(
            deadline.map_or(Duration::MAX, |it| it.saturating_duration_since(Instant::now())),
        )
    }

    /// The same with the time that is left.
    pub(crate) fn park_for(&self, left: Duration) -> bool {
        let mut state = self.0.lock();
        if !state.unparked {
            if left.is_zero() {
                return false;
            }
            state.sleeps = true;
            let waited = self.0.changed.wait_timeout_while(state, left, |state| !state.unparked);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.sleeps = false;
        }
        state.unparked = false;
        true
    }

    /// This thread will sleep elsewhere until the waker is woken. Not if it is unparked already.
    #[cfg(unix)]
    pub(crate) fn begin_sleep(&self, waker: &Waker) -> bool {
        let mut state = self.0.lock();
        let sleeps = !mem::take(&mut state.unparked);
        state.waker = sleeps.then(|| waker.clone());
        sleeps
    }

    #[cfg(unix)]
    pub(crate) fn was_unparked(&self) -> bool {
        mem::take(&mut self.0.lock().unparked)
    }

    #[cfg(unix)]
    pub(crate) fn end_sleep(&self) {
        self.0.lock().waker = None;
    }
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
