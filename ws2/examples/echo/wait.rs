//! WSAWaitForMultipleEvents: one thread waits for up to 64 event objects together.

use std::sync::Arc;
use std::time::Duration;

use wsp_events::WSAEVENT;

use crate::counts::{Count, add};
use crate::{Result, STALL};
use ws2::Winsock;
use ws2::event::{Event, Waited, wait};

/// WSA_MAXIMUM_WAIT_EVENTS.
pub(crate) const MAXIMUM_WAIT_EVENTS: usize = 64;

/// The event objects that one thread waits for.
pub(crate) struct WaitSet {
    events: Vec<Arc<Event>>,
    handles: Vec<WSAEVENT>,
}

impl WaitSet {
    /// So many of manual reset.
    pub(crate) fn new(winsock: &Winsock, count: usize) -> Result<Self> {
        assert!(count <= MAXIMUM_WAIT_EVENTS);
        let events: Vec<_> = (0..count).map(|_| Event::new(true, false)).collect();
        let handles = events.iter().map(|event| winsock.handles().insert_event(Arc::clone(event)));
        let handles = handles.collect::<Result<_, _>>()?;
        Ok(Self { events, handles })
    }

    /// What WSAEventSelect and WSAEnumNetworkEvents take.
    pub(crate) fn handle(&self, at: usize) -> WSAEVENT {
        self.handles[at]
    }

    pub(crate) fn event(&self, at: usize) -> &Event {
        &self.events[at]
    }

    /// Waits until one of them is set. The indices of all that are: as programs do that would not starve the sockets
    /// behind a busy one.
    pub(crate) fn wait(&self, winsock: &Winsock) -> Result<Vec<usize>> {
        add(Count::Wait, 1);
        let Waited::Signaled(first) = winsock.wait(&self.events, false, Some(STALL)) else {
            return Err("a program waited too long: an event was lost".into());
        };
        let set = |at: &usize| {
            let event = std::slice::from_ref(&self.events[*at]);
            matches!(wait(event, false, Some(Duration::ZERO)), Waited::Signaled(_))
        };
        let set: Vec<_> = (first as usize..self.events.len()).filter(set).collect();
        add(Count::WakeUp, set.len());
        Ok(set)
    }
}
