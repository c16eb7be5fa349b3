//! From handle to event object.

#[cfg(windows)]
use wsp_events::win32::{BorrowedEvent, OwnedEvent};
use wsp_events::{EventSignal, SignalError, SocketRef, SocketTable, TableFull, WSAEVENT, WsaError};

use crate::Signal;

/// Where the handles come from.
pub(crate) enum EventObjects {
    /// From the provider, for any kind of event object. A table of descriptors serves as a table of handles:
    /// they are never null, and a closed one stays away for 65,536 closes (P1). Boxed because it is large.
    Own(Box<SocketTable<Signal>>),
    /// From Windows. Then there is no table.
    #[cfg(windows)]
    Win32,
}

impl EventObjects {
    pub(crate) fn create(&self, event: Signal) -> Result<WSAEVENT, WsaError> {
        match self {
            Self::Own(events) => {
                let handle = events.insert(event).map_err(TableFull::errno)?;
                Ok(WSAEVENT(handle))
            }
            #[cfg(windows)]
            Self::Win32 => Err(WsaError::WSAEOPNOTSUPP),
        }
    }

    pub(crate) fn close(&self, event: WSAEVENT) -> Result<(), WsaError> {
        match self {
            Self::Own(events) => events.remove(event.0).map(drop).ok_or(WsaError::WSAEINVAL),
            #[cfg(windows)]
            Self::Win32 => Err(WsaError::WSAEOPNOTSUPP),
        }
    }

    /// A reference for a selection to keep (P2).
    pub(crate) fn to_select(&self, handle: WSAEVENT) -> Option<Signal> {
        match self {
            Self::Own(events) => events.get(handle.0).map(|event| Signal::clone(&event)),
            #[cfg(windows)]
            Self::Win32 => {
                // SAFETY: the application has passed it to WSAEventSelect, to be set and reset.
                let event = unsafe { OwnedEvent::duplicate_raw(handle) }.ok()?;
                Some(std::sync::Arc::new(event))
            }
        }
    }

    /// For one reset (E6). Windows checks the handle itself when it is used.
    pub(crate) fn to_reset(&self, handle: WSAEVENT) -> Option<EventToReset> {
        match self {
            Self::Own(events) => events.get(handle.0).map(EventToReset::Own),
            #[cfg(windows)]
            Self::Win32 => {
                // SAFETY: the application has passed it to WSAEnumNetworkEvents, to be reset.
                Some(EventToReset::Win32(unsafe { BorrowedEvent::borrow_raw(handle) }))
            }
        }
    }
}

pub enum EventToReset {
    Own(SocketRef<Signal>),
    #[cfg(windows)]
    Win32(BorrowedEvent<'static>),
}

impl EventSignal for EventToReset {
    fn set_event(&self) -> Result<(), SignalError> {
        match self {
            Self::Own(event) => event.set_event(),
            #[cfg(windows)]
            Self::Win32(event) => event.set_event(),
        }
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        match self {
            Self::Own(event) => event.reset_event(),
            #[cfg(windows)]
            Self::Win32(event) => event.reset_event(),
        }
    }
}
