#![cfg_attr(any(feature = "std", not(doctest)), doc = include_str!("../docs/LATCHING.md"))]

use crate::event::{NetworkEvent, NetworkEvents};

/// # What to latch
///
/// A provider that reports *arrivals* (a packet or a connection has arrived) records each of them, and its recorders
/// latch nothing. A provider that reports *conditions* (there is something to read) records the same condition again
/// and again, and latching makes it one occurrence: once recorded, the event is ignored until its re-enabling call, even
/// after its report (L1).
///
/// Choose the set when you create a recorder, with
/// [`NetworkEventRecorder::with_latching`](crate::NetworkEventRecorder::with_latching).
impl NetworkEvents {
    /// For a provider that reports conditions, such as the readiness of a level-triggered poller: every event that can
    /// latch. All but FD_GROUP_QOS, which has no re-enabling call (L3).
    ///
    /// ```
    /// # use wsp_events::NetworkEvents;
    /// let latching = NetworkEvents::LATCHING_FOR_CONDITIONS;
    /// assert_eq!(latching, NetworkEvents::all() - NetworkEvents::FD_GROUP_QOS);
    /// ```
    pub const LATCHING_FOR_CONDITIONS: Self = Self::all().difference(Self::FD_GROUP_QOS);

    /// For a provider that reports arrivals and wants to behave like Windows: a new arrival of FD_READ, FD_OOB or
    /// FD_ACCEPT is recorded even without a re-enabling call; the other events latch (L1).
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

    /// The events that start latched: a program is notified of such a change only after it has asked (L3).
    pub(crate) const LATCHED_FROM_THE_BEGINNING: Self =
        Self::FD_ROUTING_INTERFACE_CHANGE.union(Self::FD_ADDRESS_LIST_CHANGE);
}

/// A call that re-enables an event (L3): the table of Winsock's documentation as data.
///
/// A provider passes the call to
/// [`reenable_for`](crate::NetworkEventRecorder::reenable_for) after it has checked the arguments, and before
/// it looks at the condition (L2). A call that fails after that has re-enabled all the same. No call re-enables FD_CLOSE
/// and FD_GROUP_QOS.
///
/// ```
/// use wsp_events::{NetworkEvent, ReenablingCall};
///
/// assert_eq!(ReenablingCall::Recv { oob: false }.event(), NetworkEvent::Read);
/// assert_eq!(ReenablingCall::Recv { oob: true }.event(), NetworkEvent::Oob);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReenablingCall {
    /// WSPRecv, WSPRecvFrom and the like, with or without MSG_PEEK.
    Recv {
        /// With MSG_OOB. The call then re-enables FD_OOB, otherwise FD_READ.
        oob: bool,
    },
    /// WSPSend, WSPSendTo and the like, if the call has just failed with WSAEWOULDBLOCK: FD_WRITE. A send that succeeds
    /// re-enables nothing. Afterwards the provider looks, or has its poller look, whether there is room again.
    SendWouldBlock,
    /// WSPAccept and AcceptEx: FD_ACCEPT. Do not pass a WSPAccept whose condition function defers the connection, which
    /// fails with WSATRY_AGAIN: the connection still waits.
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
