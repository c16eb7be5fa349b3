//! Changes of the machine's addresses and routes: the notifications of rtnetlink(7).

use std::io;

use libc::{AF_INET, AF_INET6, AF_NETLINK, AF_UNSPEC, IFF_UP};
use libc::{RTM_DELADDR, RTM_DELROUTE, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE};
use rustix::net::netlink::SocketAddrNetlink;
use socket2::{Domain, Socket, Type};
use wsp_events::{NetworkEvents, WsaError};

use super::{Changes, Poller, Watched, receive};

const GROUPS: i32 = libc::RTMGRP_LINK
    | libc::RTMGRP_IPV4_IFADDR
    | libc::RTMGRP_IPV6_IFADDR
    | libc::RTMGRP_IPV4_ROUTE
    | libc::RTMGRP_IPV6_ROUTE;

const ADDRESSES: NetworkEvents = NetworkEvents::FD_ADDRESS_LIST_CHANGE;
const ROUTES: NetworkEvents = NetworkEvents::FD_ROUTING_INTERFACE_CHANGE;

/// An `nlmsghdr` and an `ifinfomsg`, the longest structure that may follow. Each notification is a datagram, and what
/// comes after its head is not needed.
const HEAD: usize = 32;

/// Calls `on_changes` from now on, until the answer is dropped.
pub(crate) fn watch_changes(
    poller: &Poller,
    on_changes: impl Fn(Changes) + Send + Sync + 'static,
) -> Result<Watched, WsaError> {
    let netlink = Socket::new(Domain::from(AF_NETLINK), Type::RAW.nonblocking(), None)?;
    let address = SocketAddrNetlink::new(0, GROUPS.cast_unsigned());
    rustix::net::bind(&netlink, &address).map_err(io::Error::from)?;
    let reader = netlink.try_clone()?;
    poller.watch(netlink, Box::new(move |_| on_changes(take_changes(&reader))))
}

fn take_changes(netlink: &Socket) -> Changes {
    let mut changes = Changes { v4: NetworkEvents::empty(), v6: NetworkEvents::empty() };
    let mut head = [0; HEAD];
    loop {
        let (family, events) = match receive(netlink, &mut head, 0) {
            Ok(_) => (i32::from(head[16]), events_in(&head)),
            // Notifications were lost, and more will be until the socket is empty.
            Err(WsaError::WSAENOBUFS) => (AF_UNSPEC, ADDRESSES | ROUTES),
            Err(_) => return changes,
        };
        if family != AF_INET6 {
            changes.v4 |= events;
        }
        if family != AF_INET {
            changes.v6 |= events;
        }
    }
}

fn events_in(head: &[u8; HEAD]) -> NetworkEvents {
    let ifi_change = i32::from_ne_bytes([head[28], head[29], head[30], head[31]]);
    match u16::from_ne_bytes([head[4], head[5]]) {
        RTM_NEWADDR | RTM_DELADDR => ADDRESSES,
        RTM_NEWROUTE | RTM_DELROUTE => ROUTES,
        // The IPv4 routes of a link that goes down go without a notification.
        RTM_NEWLINK if ifi_change & IFF_UP != 0 => ROUTES,
        _ => NetworkEvents::empty(),
    }
}
