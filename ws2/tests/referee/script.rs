//! A script: what is done to the sockets of a world, as plain data.

use std::fmt;

use wsp_events::NetworkEvents;

/// One operation. Sockets go by the number of the operation that made them, in the order of making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Makes a socket that listens.
    NewListener,
    /// Makes a socket, connects it by a call that waits, and selects nothing.
    NewConnected,
    /// As above, to a port where nobody listens.
    NewRefused,
    /// Makes a socket and leaves it alone.
    NewSocket,
    Select {
        s: usize,
        events: NetworkEvents,
        e: EventArg,
    },
    Deselect {
        s: usize,
    },
    Enumerate {
        s: usize,
        e: EventArg,
    },
    /// An enumeration during which something comes: in our world while the event object is reset, which by
    /// E4 is after the report was taken; so that it must look as if it had come just after the call, which
    /// is what Winsock gets.
    EnumerateWhile {
        s: usize,
        e: EventArg,
        late: Late,
    },
    EnumerateToNull {
        s: usize,
        e: EventArg,
    },
    /// A selection and an enumeration of something that never was a socket.
    SelectNoSocket {
        events: NetworkEvents,
        e: EventArg,
    },
    EnumerateNoSocket {
        e: EventArg,
    },
    EnumerateNoSocketToNull {
        e: EventArg,
    },
    /// Starts to connect by a call that does not wait.
    Connect {
        s: usize,
        port: Port,
    },
    PeerConnects {
        s: usize,
    },
    /// Makes a socket also when it fails: one that is none.
    Accept {
        s: usize,
    },
    PeerSends {
        s: usize,
        n: usize,
    },
    PeerSendsOob {
        s: usize,
    },
    Recv {
        s: usize,
        n: usize,
    },
    Peek {
        s: usize,
        n: usize,
    },
    RecvOob {
        s: usize,
    },
    Send {
        s: usize,
        n: usize,
    },
    /// Sends until there is no more room.
    FillSendBuffer {
        s: usize,
    },
    PeerDrains {
        s: usize,
    },
    /// The two before in one: where the system makes room by and by, nobody sees when.
    FillAndDrain {
        s: usize,
    },
    PeerCloses {
        s: usize,
    },
    PeerShutsDown {
        s: usize,
    },
    PeerResets {
        s: usize,
    },
    ShutDownSend {
        s: usize,
    },
    CloseSocket {
        s: usize,
    },
    AppResets(EventName),
    AppSets(EventName),
    /// The application closes its handle, and goes on looking at the event object by a duplicate.
    CloseEvent(EventName),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventName {
    E,
    F,
}

/// What a call gets for an event object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventArg {
    E,
    F,
    /// No handle.
    Null,
    /// A handle of nothing.
    Bad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    Open,
    Closed,
}

/// What comes during an [`Op::EnumerateWhile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Late {
    Connection,
    Data,
    OobData,
}

impl EventArg {
    pub(crate) fn name(self) -> Option<EventName> {
        match self {
            Self::E => Some(EventName::E),
            Self::F => Some(EventName::F),
            Self::Null | Self::Bad => None,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Select { s, events, e } => write!(f, "Select {{ s: {s}, {events}, {e:?} }}"),
            Self::Enumerate { s, e } => write!(f, "Enumerate {{ s: {s}, {e:?} }}"),
            other => write!(f, "{other:?}"),
        }
    }
}
