//! An event object that a thread can wait for together with others.

use std::sync::Arc;

use wsp_events::{EventSignal, ManualResetEvent, SignalError};

/// A thread waits for several of these by waiting for the one bell that they all ring, and then looking
/// which of them are set: what WSAWaitForMultipleEvents is elsewhere.
#[derive(Debug)]
pub(crate) struct EventObject {
    event: ManualResetEvent,
    bell: Arc<ManualResetEvent>,
}

impl EventObject {
    pub(crate) fn new(bell: &Arc<ManualResetEvent>) -> Arc<Self> {
        Arc::new(Self { event: ManualResetEvent::new(), bell: Arc::clone(bell) })
    }

    pub(crate) fn is_set(&self) -> bool {
        self.event.is_set()
    }

    /// As SetEvent by somebody who is no recorder.
    pub(crate) fn set(&self) {
        self.event.set();
        self.bell.set();
    }
}

impl EventSignal for EventObject {
    fn set_event(&self) -> Result<(), SignalError> {
        self.set();
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.event.reset();
        Ok(())
    }
}
