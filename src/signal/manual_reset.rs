//! [`ManualResetEvent`]: an event object inside one process, on every OS that has `std`.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::EventSignal;
use crate::error::SignalError;

/// A manual-reset event object inside this process, on every OS: what `CreateEvent(NULL, TRUE, …)`
/// makes on Windows.
///
/// Many threads can wait. A set releases every thread that is waiting at that moment, even if a reset
/// follows before one of them has run, as on Windows.
///
/// ```
/// use std::sync::Arc;
/// use std::thread;
/// use wsp_events::ManualResetEvent;
///
/// let event = Arc::new(ManualResetEvent::new());
/// let waiter = thread::spawn({
///     let event = Arc::clone(&event);
///     move || event.wait()
/// });
/// event.set();
/// waiter.join().unwrap();
/// assert!(event.is_set());
/// ```
#[derive(Debug, Default)]
pub struct ManualResetEvent {
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Debug, Default)]
struct State {
    set: bool,
    /// How often the event went from nonsignaled to signaled: a waiter that slept through a set and
    /// the reset behind it finds the number changed.
    sets: u64,
    /// Without waiters a set need not call the operating system.
    waiters: usize,
}

impl ManualResetEvent {
    /// A nonsignaled event object.
    ///
    /// ```
    /// # use wsp_events::ManualResetEvent;
    /// static EVENT: ManualResetEvent = ManualResetEvent::new();
    /// assert!(!EVENT.is_set());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        let state = State { set: false, sets: 0, waiters: 0 };
        Self { state: Mutex::new(state), released: Condvar::new() }
    }

    /// Signals the event object and releases whoever waits.
    ///
    /// ```
    /// # use wsp_events::ManualResetEvent;
    /// # let event = ManualResetEvent::new();
    /// event.set();
    /// event.wait(); // returns at once, now and until the reset
    /// event.wait();
    /// ```
    pub fn set(&self) {
        let mut state = self.lock();
        if !state.set {
            state.set = true;
            state.sets += 1;
            if state.waiters > 0 {
                self.released.notify_all();
            }
        }
    }

    /// Makes the event object nonsignaled: who waits from now on waits for the next set.
    ///
    /// ```
    /// # use wsp_events::ManualResetEvent;
    /// # let event = ManualResetEvent::new();
    /// event.set();
    /// event.reset();
    /// assert!(!event.is_set());
    /// ```
    pub fn reset(&self) {
        self.lock().set = false;
    }

    /// Whether the event object is signaled.
    ///
    /// ```
    /// # use wsp_events::ManualResetEvent;
    /// assert!(!ManualResetEvent::new().is_set());
    /// ```
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.lock().set
    }

    /// Waits until the event object is set; returns at once if it is.
    ///
    /// ```
    /// # use wsp_events::ManualResetEvent;
    /// # let event = ManualResetEvent::new();
    /// event.set();
    /// event.wait();
    /// ```
    pub fn wait(&self) {
        self.wait_until(None);
    }

    /// As [`wait`](Self::wait), but no longer than `timeout`. Whether the event object was set.
    ///
    /// ```
    /// # use wsp_events::ManualResetEvent;
    /// use std::time::Duration;
    ///
    /// let event = ManualResetEvent::new();
    /// assert!(!event.wait_timeout(Duration::ZERO));
    /// event.set();
    /// assert!(event.wait_timeout(Duration::MAX));
    /// ```
    #[must_use = "false says that the event object was not set in time"]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        // A timeout that ends after the clock does has no end.
        self.wait_until(Instant::now().checked_add(timeout))
    }

    fn wait_until(&self, deadline: Option<Instant>) -> bool {
        let mut state = self.lock();
        let before = state.sets;
        state.waiters += 1;
        while !state.set && state.sets == before {
            let Some(deadline) = deadline else {
                state = self.released.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let woken = self.released.wait_timeout(state, left);
            (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
        state.waiters -= 1;
        state.set || state.sets != before
    }

    /// Nothing panics while the lock is held, so a poisoned one holds nothing half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Never fails.
impl EventSignal for ManualResetEvent {
    fn set_event(&self) -> Result<(), SignalError> {
        self.set();
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.reset();
        Ok(())
    }
}
