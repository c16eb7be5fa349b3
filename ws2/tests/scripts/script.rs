//! A script: what is done to the sockets of a world, as plain data.

use wsp_events::NetworkEvents;

pub(crate) const NONE: NetworkEvents = NetworkEvents::empty();
pub(crate) const ACCEPT: NetworkEvents = NetworkEvents::FD_ACCEPT;
pub(crate) const CONNECT: NetworkEvents = NetworkEvents::FD_CONNECT;
pub(crate) const READ: NetworkEvents = NetworkEvents::FD_READ;
pub(crate) const WRITE: NetworkEvents = NetworkEvents::FD_WRITE;
pub(crate) const OOB: NetworkEvents = NetworkEvents::FD_OOB;
pub(crate) const CLOSE: NetworkEvents = NetworkEvents::FD_CLOSE;
pub(crate) const ALL: NetworkEvents = NetworkEvents::FD_ALL_EVENTS;

/// The number of a socket in a script: sockets are numbered in the order in which operations make them.
pub(crate) type Number = usize;

/// Stands for a descriptor that never was a socket.
pub(crate) const NO_SOCKET: Number = usize::MAX;

/// One operation. The first number is that of the socket; the second is a number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Makes a socket that listens.
    NewListener,
    /// Makes a socket, connects it by a call that waits, and selects nothing.
    NewConnected,
    /// The same, but nobody listens at the port.
    NewRefused,
    /// Makes a socket and leaves it unconnected.
    NewSocket,
    Select(Number, NetworkEvents, Handle),
    Enumerate(Number, Handle),
    EnumerateToNull(Number, Handle),
    /// An enumeration during which something arrives. In our world it arrives while the event object is
    /// reset, which is after the report was taken (E4). So it must look as if it had arrived just after the
    /// call; in Winsock's world it does arrive then.
    EnumerateWhile(Number, Handle, Late),
    /// Starts to connect by a call that does not wait.
    Connect(Number, Port),
    PeerConnects(Number),
    /// Makes a socket even if it fails; that one is no socket.
    Accept(Number),
    PeerSends(Number, usize),
    PeerSendsOob(Number),
    Recv(Number, usize),
    Peek(Number, usize),
    RecvOob(Number),
    Send(Number, usize),
    /// Sends until there is no more room.
    FillSendBuffer(Number),
    /// The peer receives all that was sent to it.
    PeerDrains(Number),
    /// The last two in one step, for systems that make room bit by bit, at times that a script cannot know.
    FillAndDrain(Number),
    PeerCloses(Number),
    PeerShutsDown(Number),
    PeerResets(Number),
    ShutDownSend(Number),
    CloseSocket(Number),
    AppResets(Handle),
    AppSets(Handle),
    /// The application closes its handle, and still sees the event object through a duplicate.
    CloseEvent(Handle),
}

/// What a call gets as the handle of an event object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handle {
    E,
    F,
    /// No handle.
    Null,
    /// A handle of nothing.
    Bad,
}

impl Handle {
    /// The index of the event object, if the handle has one.
    pub(crate) fn index(self) -> Option<usize> {
        match self {
            Self::E => Some(0),
            Self::F => Some(1),
            Self::Null | Self::Bad => None,
        }
    }
}

/// Whether anybody listens at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    Open,
    Closed,
}

/// What arrives during an [`Op::EnumerateWhile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Late {
    Connection,
    Data,
    OobData,
}
