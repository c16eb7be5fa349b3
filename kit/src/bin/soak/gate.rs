//! Where the providers wait for the next round, and the referee for its end.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    round: u64,
    arrived: usize,
    is_over: bool,
}

impl Gate {
    /// A provider: waits for a round later than `round`; `None` when there is none.
    pub(crate) fn next(&self, round: u64) -> Option<u64> {
        let mut state = self.lock();
        while state.round == round && !state.is_over {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        (!state.is_over).then_some(state.round)
    }

    /// A provider: its round is done.
    pub(crate) fn arrive(&self) {
        self.lock().arrived += 1;
        self.changed.notify_all();
    }

    /// The referee: begins a round.
    pub(crate) fn start(&self) {
        let mut state = self.lock();
        state.round += 1;
        state.arrived = 0;
        self.changed.notify_all();
    }

    /// The referee: whether all have arrived within so much time.
    pub(crate) fn have_arrived(&self, providers: usize, within: Duration) -> bool {
        let running = |state: &mut State| state.arrived < providers;
        let waited = self.changed.wait_timeout_while(self.lock(), within, running);
        waited.unwrap_or_else(PoisonError::into_inner).0.arrived == providers
    }

    pub(crate) fn end(&self) {
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
