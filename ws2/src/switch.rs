//! The switch: the other side of the contract. It selects, waits on event objects, and enumerates.
//!
//! As ws2_32 does, it knows a provider by two C functions, descriptors and handles. It checks every byte that a
//! call may write.
#![allow(clippy::not_unsafe_ptr_arg_deref, reason = "a handle is no pointer to anything")]

use std::fmt;
use std::ptr;

use wsp_events::spi::{
    CurrentProvider, SOCKET_ERROR, WSANETWORKEVENTS, WSPEnumNetworkEvents, WSPEventSelect,
};
use wsp_events::{FD_MAX_EVENTS, NetworkEvent, NetworkEvents, SOCKET, WSAEVENT, WsaError};

/// `LPWSPEVENTSELECT`.
pub type EventSelect = unsafe extern "system" fn(SOCKET, WSAEVENT, i32, *mut i32) -> i32;

/// `LPWSPENUMNETWORKEVENTS`.
pub type EnumNetworkEvents =
    unsafe extern "system" fn(SOCKET, WSAEVENT, *mut WSANETWORKEVENTS, *mut i32) -> i32;

/// What stands, before every call, wherever the provider may write. It shows what the provider has written.
const UNTOUCHED: i32 = 0x5E5E_5E5E;

/// The part of a WSPPROC_TABLE that network events need.
#[derive(Clone, Copy)]
pub struct Switch {
    /// WSPEventSelect.
    pub event_select: EventSelect,
    /// WSPEnumNetworkEvents.
    pub enum_network_events: EnumNetworkEvents,
}

impl Switch {
    /// The functions of a provider in this process.
    pub const fn of<P: CurrentProvider>() -> Self {
        Self { event_select: WSPEventSelect::<P>, enum_network_events: WSPEnumNetworkEvents::<P> }
    }

    /// Calls WSPEventSelect.
    pub fn event_select(&self, s: SOCKET, event: WSAEVENT, events: NetworkEvents) -> Answer {
        let mut errno = UNTOUCHED;
        // SAFETY: `errno` is valid for the write.
        let returned = unsafe { (self.event_select)(s, event, events.mask(), &mut errno) };
        Answer { returned, errno }
    }

    /// Calls WSPEnumNetworkEvents. Returns the answer and what was written.
    pub fn enum_network_events(&self, s: SOCKET, event: WSAEVENT) -> (Answer, Written) {
        let mut events =
            WSANETWORKEVENTS { lNetworkEvents: UNTOUCHED, iErrorCode: [UNTOUCHED; FD_MAX_EVENTS] };
        let mut errno = UNTOUCHED;
        // SAFETY: `events` and `errno` are valid for the writes.
        let returned = unsafe { (self.enum_network_events)(s, event, &mut events, &mut errno) };
        (Answer { returned, errno }, Written(events))
    }

    /// Calls WSPEnumNetworkEvents without an output, which must fail.
    pub fn enum_network_events_to_null(&self, s: SOCKET, event: WSAEVENT) -> Answer {
        let mut errno = UNTOUCHED;
        // SAFETY: a null `lpNetworkEvents` is allowed, and `errno` is valid for the write.
        let returned = unsafe { (self.enum_network_events)(s, event, ptr::null_mut(), &mut errno) };
        Answer { returned, errno }
    }
}

/// What a call returned, and what it left at `lpErrno`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    returned: i32,
    errno: i32,
}

impl Answer {
    /// 0, and nothing at `lpErrno` (E10).
    pub const SUCCESS: Self = Self { returned: 0, errno: UNTOUCHED };

    /// SOCKET_ERROR, and this code at `lpErrno`.
    pub const fn error(error: WsaError) -> Self {
        Self { returned: SOCKET_ERROR, errno: error.code() }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.returned {
            SOCKET_ERROR => f.write_str("SOCKET_ERROR")?,
            returned => write!(f, "{returned}")?,
        }
        match WsaError::from_code(self.errno) {
            Some(_) if self.errno == UNTOUCHED => Ok(()),
            Some(error) => write!(f, ", {error:#}"),
            None => f.write_str(", errno 0"),
        }
    }
}

/// A WSANETWORKEVENTS after the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written(WSANETWORKEVENTS);

impl Written {
    /// The events whose bits are in the mask.
    pub fn events(&self) -> NetworkEvents {
        NetworkEvents::from_mask(self.0.lNetworkEvents)
    }

    /// The outcome of an event that is in the report.
    pub fn outcome(&self, event: NetworkEvent) -> Option<Result<(), WsaError>> {
        self.0.iter().find(|(it, _)| *it == event).map(|(_, outcome)| outcome)
    }

    /// Whether nothing was written.
    pub fn is_untouched(&self) -> bool {
        self.0.lNetworkEvents == UNTOUCHED && self.0.iErrorCode == [UNTOUCHED; FD_MAX_EVENTS]
    }

    /// E2: an element is written if and only if its bit is in the mask, and no other bit is.
    pub fn is_exact(&self) -> bool {
        let written = |event: &NetworkEvent| self.0.iErrorCode[event.bit_position()] != UNTOUCHED;
        self.events().mask() == self.0.lNetworkEvents
            && NetworkEvent::ALL.into_iter().filter(written).eq(self.events().members())
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_untouched() {
            return f.write_str("nothing written");
        }
        if self.events().is_empty() {
            return f.write_str("no network events");
        }
        for (at, (event, outcome)) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            match outcome {
                Ok(()) => write!(f, "{separator}{event}: success")?,
                Err(error) => write!(f, "{separator}{event}: {error:#}")?,
            }
        }
        Ok(())
    }
}
