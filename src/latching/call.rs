//! [`ReenablingCall`]: which call re-enables which event.

use crate::event::NetworkEvent;

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
#[non_exhaustive]
pub enum ReenablingCall {
    /// WSPRecv, WSPRecvFrom and the like, with or without MSG_PEEK.
    #[doc(alias("WSPRecv", "WSPRecvFrom", "WSARecv", "WSARecvFrom", "MSG_OOB"))]
    Recv {
        /// With MSG_OOB. The call then re-enables FD_OOB, otherwise FD_READ.
        oob: bool,
    },
    /// WSPSend, WSPSendTo and the like, if the call has just failed with WSAEWOULDBLOCK: FD_WRITE. A send that succeeds
    /// re-enables nothing. Afterwards the provider looks, or has its poller look, whether there is room again.
    #[doc(alias("Send", "WSPSend", "WSPSendTo", "WSASend", "WSASendTo"))]
    SendWouldBlock,
    /// WSPAccept and AcceptEx: FD_ACCEPT. Do not pass a WSPAccept whose condition function defers the connection, which
    /// fails with WSATRY_AGAIN: the connection still waits.
    #[doc(alias("WSPAccept", "WSAAccept", "AcceptEx"))]
    Accept,
    /// WSPConnect: FD_CONNECT. A new attempt makes the old outcome stale.
    #[doc(alias("WSPConnect", "WSAConnect", "ConnectEx"))]
    Connect,
    /// WSPIoctl with SIO_GET_QOS: FD_QOS.
    #[doc(alias = "SIO_GET_QOS")]
    GetQos,
    /// WSPIoctl with SIO_ROUTING_INTERFACE_CHANGE: FD_ROUTING_INTERFACE_CHANGE.
    #[doc(alias = "SIO_ROUTING_INTERFACE_CHANGE")]
    RoutingInterfaceChange,
    /// WSPIoctl with SIO_ADDRESS_LIST_CHANGE: FD_ADDRESS_LIST_CHANGE.
    #[doc(alias = "SIO_ADDRESS_LIST_CHANGE")]
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
