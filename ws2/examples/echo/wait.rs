//! WSAWaitForMultipleEvents: one thread waits for up to 64 event objects together.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wsp_events::{EventSignal, SignalError};

use crate::counts::{Count, add};

/// WSA_MAXIMUM_WAIT_EVENTS.
pub(crate) const MAXIMUM_WAIT_EVENTS: usize = 64;

/// The event objects that one thread waits for, one bit each.
#[derive(Default)]
pub(crate) struct WaitSet {
    set: Mutex<u64>,
    released: Condvar,
}

/// One of them: a manual-reset event object.
pub(crate) struct Member {
    wait_set: Arc<WaitSet>,
    bit: u64,
}

impl WaitSet {
    pub(crate) fn member(self: &Arc<Self>, at: usize) -> Arc<Member> {
        assert!(at < MAXIMUM_WAIT_EVENTS);
        Arc::new(Member { wait_set: Arc::clone(self), bit: 1 << at })
    }

    /// Waits until one of them is set. The indices of those that are: none after the time limit.
    pub(crate) fn wait(&self, limit: Duration) -> Vec<usize> {
        add(Count::Wait, 1);
        let (set, _) = self
            .released
            .wait_timeout_while(self.lock(), limit, |set| *set == 0)
            .unwrap_or_else(PoisonError::into_inner);
        let set = *set;
        (0..MAXIMUM_WAIT_EVENTS).filter(|at| set & 1 << at != 0).collect()
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventSignal for Member {
    fn set_event(&self) -> Result<(), SignalError> {
        add(Count::SetEvent, 1);
        *self.wait_set.lock() |= self.bit;
        self.wait_set.released.notify_one();
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        *self.wait_set.lock() &= !self.bit;
        Ok(())
    }
}
