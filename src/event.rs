//! The ten network events of Winsock: [`NetworkEvent`] is one of them, [`NetworkEvents`] a set (V1).

use bitflags::{Flags, bitflags};
use core::fmt;

/// The number of network events, `FD_MAX_EVENTS` (V1): the length of `iErrorCode`.
///
/// ```
/// assert_eq!(wsp_events::FD_MAX_EVENTS, wsp_events::NetworkEvent::ALL.len());
/// ```
pub const FD_MAX_EVENTS: usize = 10;

/// One FD_XXX network event. Its discriminant is its bit position in `lNetworkEvents` and its index
/// in `iErrorCode` (V1, R2).
///
/// It prints as its Winsock name. The names with FD_ are those of the masks, as in C: [`NetworkEvents::FD_READ`] is the set
/// that contains [`NetworkEvent::Read`].
///
/// ```
/// use wsp_events::NetworkEvent;
///
/// assert_eq!(NetworkEvent::Connect.bit_position(), 4);
/// assert_eq!(NetworkEvent::Connect.to_string(), "FD_CONNECT");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum NetworkEvent {
    /// FD_READ: there is data to receive.
    #[doc(alias("FD_READ", "FD_READ_BIT"))]
    Read = 0,
    /// FD_WRITE: there is room to send.
    #[doc(alias("FD_WRITE", "FD_WRITE_BIT"))]
    Write = 1,
    /// FD_OOB: out-of-band data has arrived.
    #[doc(alias("FD_OOB", "FD_OOB_BIT"))]
    Oob = 2,
    /// FD_ACCEPT: a connection waits to be accepted.
    #[doc(alias("FD_ACCEPT", "FD_ACCEPT_BIT"))]
    Accept = 3,
    /// FD_CONNECT: an attempt to connect has ended.
    #[doc(alias("FD_CONNECT", "FD_CONNECT_BIT"))]
    Connect = 4,
    /// FD_CLOSE: the peer has closed the connection, or it was lost.
    #[doc(alias("FD_CLOSE", "FD_CLOSE_BIT"))]
    Close = 5,
    /// FD_QOS: the quality of service has changed.
    #[doc(alias("FD_QOS", "FD_QOS_BIT"))]
    Qos = 6,
    /// FD_GROUP_QOS: reserved by Winsock for socket groups.
    #[doc(alias("FD_GROUP_QOS", "FD_GROUP_QOS_BIT"))]
    GroupQos = 7,
    /// FD_ROUTING_INTERFACE_CHANGE: the interface that leads to a destination has changed.
    #[doc(alias("FD_ROUTING_INTERFACE_CHANGE", "FD_ROUTING_INTERFACE_CHANGE_BIT"))]
    RoutingInterfaceChange = 8,
    /// FD_ADDRESS_LIST_CHANGE: the list of local addresses has changed.
    #[doc(alias("FD_ADDRESS_LIST_CHANGE", "FD_ADDRESS_LIST_CHANGE_BIT"))]
    AddressListChange = 9,
}

impl NetworkEvent {
    /// All ten, by bit position.
    pub const ALL: [Self; FD_MAX_EVENTS] = [
        Self::Read,
        Self::Write,
        Self::Oob,
        Self::Accept,
        Self::Connect,
        Self::Close,
        Self::Qos,
        Self::GroupQos,
        Self::RoutingInterfaceChange,
        Self::AddressListChange,
    ];

    /// The bit's position in `lNetworkEvents`, 0 to 9, which is also the index in `iErrorCode`. Winsock
    /// calls it `FD_READ_BIT` and so on.
    ///
    /// ```
    /// # use wsp_events::NetworkEvent;
    /// assert_eq!(NetworkEvent::AddressListChange.bit_position(), 9);
    /// ```
    #[must_use]
    pub const fn bit_position(self) -> usize {
        self as usize
    }

    /// The event at a bit position; `None` from 10 on.
    ///
    /// ```
    /// # use wsp_events::NetworkEvent;
    /// assert_eq!(NetworkEvent::from_bit_position(3), Some(NetworkEvent::Accept));
    /// assert_eq!(NetworkEvent::from_bit_position(10), None);
    /// ```
    #[must_use]
    pub const fn from_bit_position(position: usize) -> Option<Self> {
        if position < FD_MAX_EVENTS { Some(Self::ALL[position]) } else { None }
    }

    /// The set that contains only this event.
    ///
    /// ```
    /// # use wsp_events::{NetworkEvent, NetworkEvents};
    /// assert_eq!(NetworkEvent::Oob.flag(), NetworkEvents::FD_OOB);
    /// ```
    #[must_use]
    pub const fn flag(self) -> NetworkEvents {
        NetworkEvents::from_bits_retain(1 << self as u8)
    }

    /// The name in the Winsock headers.
    ///
    /// ```
    /// # use wsp_events::NetworkEvent;
    /// assert_eq!(NetworkEvent::GroupQos.name(), "FD_GROUP_QOS");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        NetworkEvents::FLAGS[self.bit_position()].name()
    }
}

impl fmt::Display for NetworkEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

bitflags! {
    /// A set of network events: the mask `lNetworkEvents`, with Winsock's names and values (V1).
    ///
    /// [`NetworkEvents::from_mask`] converts a `long` from outside, and drops the bits that are no event
    /// (S4). The set prints as the Winsock names of its events, with `{}` and with `{:?}`.
    ///
    /// ```
    /// use wsp_events::NetworkEvents;
    ///
    /// let san = NetworkEvents::FD_ACCEPT | NetworkEvents::FD_CONNECT;
    /// assert_eq!(san.bits(), 0x18);
    /// assert_eq!(san.to_string(), "FD_ACCEPT | FD_CONNECT");
    /// assert_eq!(format!("{:?}", NetworkEvents::empty()), "none");
    /// ```
    #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
    pub struct NetworkEvents: u32 {
        /// There is data to receive.
        const FD_READ = 1 << 0;
        /// There is room to send.
        const FD_WRITE = 1 << 1;
        /// Out-of-band data has arrived.
        const FD_OOB = 1 << 2;
        /// A connection waits to be accepted.
        const FD_ACCEPT = 1 << 3;
        /// An attempt to connect has ended.
        const FD_CONNECT = 1 << 4;
        /// The peer has closed the connection, or it was lost.
        const FD_CLOSE = 1 << 5;
        /// The quality of service has changed.
        const FD_QOS = 1 << 6;
        /// Reserved by Winsock for socket groups.
        const FD_GROUP_QOS = 1 << 7;
        /// The interface that leads to a destination has changed.
        const FD_ROUTING_INTERFACE_CHANGE = 1 << 8;
        /// The list of local addresses has changed.
        const FD_ADDRESS_LIST_CHANGE = 1 << 9;
    }
}

impl NetworkEvents {
    /// All ten events, 0x3FF.
    pub const FD_ALL_EVENTS: Self = Self::all();

    /// The events in an `lNetworkEvents` argument. Bits outside [`FD_ALL_EVENTS`] are dropped (S4).
    ///
    /// [`FD_ALL_EVENTS`]: Self::FD_ALL_EVENTS
    ///
    /// ```
    /// # use wsp_events::NetworkEvents;
    /// assert_eq!(NetworkEvents::from_mask(0x408), NetworkEvents::FD_ACCEPT);
    /// assert!(NetworkEvents::from_mask(i32::MIN).is_empty());
    /// ```
    #[must_use]
    #[doc(alias = "lNetworkEvents")]
    pub const fn from_mask(mask: i32) -> Self {
        Self::from_bits_truncate(mask as u32)
    }

    /// The set as an `lNetworkEvents` value, a Windows `long`.
    ///
    /// ```
    /// # use wsp_events::NetworkEvents;
    /// assert_eq!(NetworkEvents::FD_CLOSE.mask(), 32);
    /// ```
    #[must_use]
    #[doc(alias = "lNetworkEvents")]
    pub const fn mask(self) -> i32 {
        self.bits() as i32
    }

    /// The events of the set, in the order of their bits. (`iter`, from bitflags, gives sets of one event.)
    ///
    /// ```
    /// # use wsp_events::{NetworkEvent, NetworkEvents};
    /// let both = NetworkEvents::FD_CLOSE | NetworkEvents::FD_READ;
    /// assert!(both.members().eq([NetworkEvent::Read, NetworkEvent::Close]));
    /// ```
    pub fn members(self) -> impl Iterator<Item = NetworkEvent> {
        let mut rest = self & Self::FD_ALL_EVENTS;
        core::iter::from_fn(move || {
            let event = NetworkEvent::from_bit_position(rest.bits().trailing_zeros() as usize)?;
            rest -= event.flag();
            Some(event)
        })
    }
}

impl From<NetworkEvent> for NetworkEvents {
    fn from(event: NetworkEvent) -> Self {
        event.flag()
    }
}

impl FromIterator<NetworkEvent> for NetworkEvents {
    fn from_iter<I: IntoIterator<Item = NetworkEvent>>(events: I) -> Self {
        events.into_iter().map(NetworkEvent::flag).collect()
    }
}

impl fmt::Display for NetworkEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        bitflags::parser::to_writer(self, f)
    }
}

/// As it prints otherwise.
impl fmt::Debug for NetworkEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
