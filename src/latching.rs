#![cfg_attr(any(feature = "std", not(doctest)), doc = include_str!("../docs/LATCHING.md"))]

// The page is public, and what it is about is at the root of the crate: one path to each name.
pub(crate) mod call;

pub(crate) use call::ReenablingCall;

use crate::event::NetworkEvents;

/// # What to latch
///
/// A provider that reports *arrivals* (a packet or a connection has arrived) records each of them, and its recorders
/// latch nothing but the two change events (L3). A provider that reports *conditions* (there is something to read) records the same condition again
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
