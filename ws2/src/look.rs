//! What a look at a socket finds, and what a receive takes.

use std::net::SocketAddr;

use wsp_events::{NetworkEvent, Outcome, ReenablingCall};

/// Re-enables an event before the call looks at the condition (L2).
pub(crate) type Reenable<'a> = &'a dyn Fn(ReenablingCall);

/// What a look has found: recorded as one step (R5).
#[derive(Default)]
pub(crate) struct News(pub(crate) Vec<(NetworkEvent, Outcome)>);

impl News {
    pub(crate) fn add(&mut self, event: NetworkEvent, outcome: Outcome) {
        self.0.push((event, outcome));
    }

    /// R7, of what is not recorded yet.
    pub(crate) fn withdraw(&mut self, event: NetworkEvent) {
        self.0.retain(|(it, _)| *it != event);
    }
}

/// What holds of a socket, for `select` and `WSAPoll`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Conditions {
    /// There is data to receive, or a connection to accept.
    pub(crate) data: bool,
    /// A send does not block.
    pub(crate) room: bool,
    /// There is out-of-band data, and not in the stream.
    pub(crate) urgent: bool,
    /// The last attempt to connect has failed.
    pub(crate) failed: bool,
    /// Nothing more can be received: the peer has closed its direction, or the program has.
    pub(crate) ended: bool,
    pub(crate) lost: bool,
}

/// What a receive has received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// How many bytes of the buffer are filled.
    pub length: usize,
    /// Who has sent the datagram.
    pub from: Option<SocketAddr>,
    /// The datagram was longer than the buffer, and its rest is gone: WSAEMSGSIZE.
    pub truncated: bool,
}
