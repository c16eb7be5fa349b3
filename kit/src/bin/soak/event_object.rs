//! An event object that a thread can wait for together with others.

use std::sync::Arc;

use wsp_events::{EventSignal, ManualResetEvent, SignalError};

/// A thread that waits for several of these waits for the bell that all of them ring, and then looks which of them are
/// set, as WSAWaitForMultipleEvents does.
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

    pub(crate) fn set(&self) {
        self.event.set();
        self.bell.set();
    }

    pub(crate) fn reset(&self) {
        self.event.reset();
    }
}

impl EventSignal for EventObject {
    fn set_event(&self) -> Result<(), SignalError> {
        self.set();
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.reset();
        Ok(())
    }
}
