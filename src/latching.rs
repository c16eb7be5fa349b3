#![cfg_attr(any(feature = "std", not(doctest)), doc = include_str!("../docs/LATCHING.md"))]

use crate::event::{NetworkEvent, NetworkEvents};

/// # What to latch
///
/// A provider that reports *arrivals* (a packet came, a connection came) records each of them, and its
/// recorders latch nothing. One that reports *conditions* (there is something to read, and still, and
/// still) records them again and again, and latching makes one occurrence of one condition: once
/// recorded, an event stays quiet, also after its report, until its re-enabling call (L1).
///
/// The set is chosen when a recorder is made, by
/// [`NetworkEventRecorder::with_latching`](crate::NetworkEventRecorder::with_latching).
impl NetworkEvents {
    /// For a provider that reports conditions, such as a poller's level-triggered readiness: every event
    /// that can latch. All but FD_GROUP_QOS, which has no re-enabling call (L3).
    ///
    /// ```
    /// # use wsp_events::NetworkEvents;
    /// let latching = NetworkEvents::LATCHING_FOR_CONDITIONS;
    /// assert_eq!(latching, NetworkEvents::all() - NetworkEvents::FD_GROUP_QOS);
    /// ```
    pub const LATCHING_FOR_CONDITIONS: Self = Self::all().difference(Self::FD_GROUP_QOS);

    /// For a provider that reports arrivals and wants to be seen as Windows is: a new arrival of FD_READ,
    /// FD_OOB or FD_ACCEPT is news even without a re-enabling call, the other events latch (L1).
    ///
    /// ```
    /// # use wsp_events::NetworkEvents;
    /// let latching = NetworkEvents::LATCHING_FOR_ARRIVALS;
    /// assert!(!latching.contains(NetworkEvents::FD_READ));
    /// assert!(latching.contains(NetworkEvents::FD_WRITE));
    /// ```
    pub const LATCHING_FOR_ARRIVALS: Self = Self::LATCHING_FOR_CONDITIONS
        .difference(Self::FD_READ)
        .difference(Self::FD_OOB)
        .difference(Self::FD_ACCEPT);

    /// The events that are latched from the beginning: nobody is told of a change before having asked
    /// for it once (L3).
    pub(crate) const LATCHED_FROM_THE_BEGINNING: Self =
        Self::FD_ROUTING_INTERFACE_CHANGE.union(Self::FD_ADDRESS_LIST_CHANGE);
}

/// A call that re-enables an event (L3): the table of Winsock's documentation as data.
///
/// A provider tells its recorder of the call with
/// [`on_reenabling_call`](crate::NetworkEventRecorder::on_reenabling_call) once the arguments are found to
/// be good, and before it looks at the condition (L2). A call that fails after that has re-enabled all
/// the same. FD_CLOSE and FD_GROUP_QOS are re-enabled by no call.
///
/// ```
/// use wsp_events::{NetworkEvent, ReenablingCall};
///
/// assert_eq!(ReenablingCall::Recv { oob: false }.event(), NetworkEvent::Read);
/// assert_eq!(ReenablingCall::Recv { oob: true }.event(), NetworkEvent::Oob);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReenablingCall {
    /// WSPRecv, WSPRecvFrom and the like; MSG_PEEK or not.
    Recv {
        /// With MSG_OOB: it re-enables FD_OOB then, else FD_READ.
        oob: bool,
    },
    /// A WSPSend, WSPSendTo and the like that has just failed with WSAEWOULDBLOCK, and only that:
    /// FD_WRITE. A send that succeeds re-enables nothing. The provider then looks, or has its poller
    /// look, whether there is room again.
    SendWouldBlock,
    /// WSPAccept and AcceptEx: FD_ACCEPT. A WSPAccept whose condition function defers the connection
    /// fails with WSATRY_AGAIN and is not to be told: the connection still waits.
    Accept,
    /// WSPConnect: FD_CONNECT. A new attempt makes the old outcome stale.
    Connect,
    /// WSPIoctl with SIO_GET_QOS: FD_QOS.
    GetQos,
    /// WSPIoctl with SIO_ROUTING_INTERFACE_CHANGE: FD_ROUTING_INTERFACE_CHANGE.
    RoutingInterfaceChange,
    /// WSPIoctl with SIO_ADDRESS_LIST_CHANGE: FD_ADDRESS_LIST_CHANGE.
    AddressListChange,
}

impl ReenablingCall {
    /// The event that the call re-enables.
    ///
    /// ```
    /// # use wsp_events::{NetworkEvent, ReenablingCall};
    /// assert_eq!(ReenablingCall::SendWouldBlock.event(), NetworkEvent::Write);
    /// ```
    #[must_use]
    pub const fn event(self) -> NetworkEvent {
        match self {
            Self::Recv { oob: false } => NetworkEvent::Read,
            Self::Recv { oob: true } => NetworkEvent::Oob,
            Self::SendWouldBlock => NetworkEvent::Write,
            Self::Accept => NetworkEvent::Accept,
            Self::Connect => NetworkEvent::Connect,
            Self::GetQos => NetworkEvent::Qos,
            Self::RoutingInterfaceChange => NetworkEvent::RoutingInterfaceChange,
            Self::AddressListChange => NetworkEvent::AddressListChange,
        }
    }
}
