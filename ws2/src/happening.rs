//! What happens at a socket, for a program that wants to see it, and which changes it can ask for.

use std::sync::Arc;

use wsp_events::{Recorded, ReenablingCall, SOCKET};

/// Called with what happens inside. The descriptor is the first one that the socket had.
pub type Observer = Arc<dyn Fn(SOCKET, Happening) + Send + Sync>;

/// What happens inside.
#[derive(Clone, Copy, Debug)]
pub enum Happening {
    /// The OS has something for the socket: a connection to accept, the outcome of an attempt to connect, data,
    /// room to send, or the end of the connection.
    Ready,
    /// Events have been recorded. If the event object could not be set, the set is owed, and the next call on the
    /// recorder tries again (R6): nothing more has to be done.
    Recorded(Recorded),
}

/// A change that a program can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// SIO_ADDRESS_LIST_CHANGE: of the addresses that sockets of this family can be bound to.
    AddressList,
    /// SIO_ROUTING_INTERFACE_CHANGE: of the routes of the family. A change of any route counts, as Winsock allows.
    Routing,
}

impl Change {
    pub(crate) const ALL: [Self; 2] = [Self::AddressList, Self::Routing];

    pub(crate) fn call(self) -> ReenablingCall {
        match self {
            Self::AddressList => ReenablingCall::AddressListChange,
            Self::Routing => ReenablingCall::RoutingInterfaceChange,
        }
    }
}
