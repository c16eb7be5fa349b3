//! What the operating system knows about a socket, and the thread that learns it.
//!
//! A [`Poller`] calls back when something about a [`Watched`] socket may have changed. A call-back is a hint: whoever
//! gets it looks at the socket under its own lock.
//!
//! | | Linux, macOS, BSD (`unix`) | Windows (`windows`) |
//! |---|---|---|
//! | the poller | `mio`, edge-triggered: each arrival calls back | `polling`, one-shot: calls back once each time it is [armed](Watched::arm) |
//! | an arrival while an earlier one was not received or accepted | is reported | is seen by the next receive or accept |
//! | the peer's close behind unread data | is reported at once | is seen when the data has been received |
//! | changes of addresses and routes | Linux: rtnetlink (`changes`); others: not watched | not watched |
//! | a thread of the program that would sleep | waits for the poller itself (`unix::leader`) | is parked |
//! | [`Poller::pump`] | handles everything that the system has to tell, on the calling thread | does nothing |

#[cfg(target_os = "linux")]
mod changes;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::mem::MaybeUninit;

use socket2::{Domain, Socket};
use wsp_events::{NetworkEvents, WsaError};

#[cfg(target_os = "linux")]
pub(crate) use changes::watch_changes;
#[cfg(unix)]
pub(crate) use unix::{
    Poller, Sleeper, Watched, at_mark, close_inherited, disconnect, has_read_closed, has_room,
    has_unsent, has_urgent, is_readable, report_unreachable, take_unreachable, unread,
};
#[cfg(windows)]
pub(crate) use windows::{
    Poller, Sleeper, Watched, at_mark, disconnect, has_read_closed, has_room, has_unsent,
    has_urgent, is_readable, report_unreachable, take_unreachable, unread,
};

/// The number in Winsock and in every OS.
pub const MSG_OOB: i32 = 1;
/// The number in Winsock and in every OS.
pub const MSG_PEEK: i32 = 2;

/// Has a send on a connection that is gone only answer so: a program without Unix's habits would be ended by SIGPIPE.
/// (Apple's sockets have an option for it, which socket2 sets.)
#[cfg(all(unix, not(target_vendor = "apple")))]
pub(crate) const NO_SIGNAL: i32 = libc::MSG_NOSIGNAL;
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
pub(crate) const NO_SIGNAL: i32 = 0;

/// Whether the poller reports out-of-band data. The BSDs' (kqueue) cannot: there it is seen only with the next
/// ordinary data, or at the end of the connection.
pub const SEES_OOB_AT_ONCE: bool = !cfg!(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly",
));

/// What may have changed. Whether there is something to receive or to accept is looked at in any case.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ready {
    pub(crate) write: bool,
    /// Out-of-band data.
    pub(crate) priority: bool,
    /// The peer has closed its direction. Data may be unread.
    pub(crate) read_closed: bool,
    pub(crate) error: bool,
}

/// What a one-shot poller is to look for, and an edge-triggered one on a datagram socket.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(unix, allow(dead_code, reason = "an edge-triggered poller looks for everything"))]
pub(crate) struct Interest {
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) priority: bool,
}

/// Called when a watched socket may have changed.
pub(crate) type OnReady = Box<dyn Fn(Ready) + Send + Sync>;

/// What has changed on the machine, for the sockets of each family: FD_ADDRESS_LIST_CHANGE and
/// FD_ROUTING_INTERFACE_CHANGE.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux notifies of changes"))]
pub(crate) struct Changes {
    pub(crate) v4: NetworkEvents,
    pub(crate) v6: NetworkEvents,
}

impl Changes {
    pub(crate) fn of(self, family: Domain) -> NetworkEvents {
        if family == Domain::IPV6 { self.v6 } else { self.v4 }
    }
}

/// What other systems have for this is not used.
#[cfg(not(target_os = "linux"))]
pub(crate) fn watch_changes(
    _: &Poller,
    _: impl Fn(Changes) + Send + Sync + 'static,
) -> Result<Watched, WsaError> {
    Err(WsaError::WSAEOPNOTSUPP)
}

/// recv() into initialised bytes.
pub(crate) fn receive(socket: &Socket, buffer: &mut [u8], flags: i32) -> Result<usize, WsaError> {
    Ok(socket.recv_with_flags(uninitialised(buffer), flags)?)
}

/// The same bytes, as socket2's functions take them.
pub(crate) fn uninitialised(buffer: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: the layout is the same, and socket2 promises that its functions for receiving write no uninitialised
    // bytes, so that they can be used with a buffer of bytes.
    unsafe { &mut *(std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>]) }
}
