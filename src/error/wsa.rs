//! The Winsock error codes (V3), and which of them the SPI documents for which event (V4).

use core::fmt;
use core::num::NonZeroI32;

use crate::event::NetworkEvent;

/// A Winsock error code: an `int` that is not zero (V3).
///
/// Zero means success throughout Winsock, so an [`Outcome`] has the size of a C `int`. The codes of the Winsock headers
/// are associated constants. Any other number is kept unchanged.
///
/// The errors of this crate convert to it, and so does `std::io::Error`. On a datagram socket, for an attempt to connect,
/// and for the code of FD_CLOSE, that conversion is not what Winsock says: use [`of_datagram`](Self::of_datagram),
/// [`of_connect`](Self::of_connect) and [`of_close`](Self::of_close) there.
///
/// It prints with its name, its number and a short explanation; `{:#}` leaves the explanation out.
///
/// ```
/// use wsp_events::WsaError;
///
/// let refused = WsaError::WSAECONNREFUSED;
/// assert_eq!(refused.code(), 10061);
/// assert_eq!(refused.to_string(), "WSAECONNREFUSED (10061): the peer refused the connection");
/// assert_eq!(format!("{refused:#}"), "WSAECONNREFUSED (10061)");
/// assert_eq!(WsaError::from_code(77).unwrap().to_string(), "error 77");
/// assert_eq!(size_of::<Result<(), WsaError>>(), size_of::<i32>());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct WsaError(NonZeroI32);

/// Success, or a Winsock error code: the outcome of an event, as an element of `iErrorCode` says it (R2), or of a call.
///
/// The errors of this crate become their codes with `?` (E9):
///
#[cfg_attr(feature = "std", doc = "```")]
#[cfg_attr(not(feature = "std"), doc = "```ignore")]
/// use wsp_events::{EventSignal, NetworkEventRecorder, Outcome, WsaError};
///
/// /// WSPCloseSocket.
/// fn close_socket(socket: Option<&NetworkEventRecorder<impl EventSignal>>) -> Outcome {
///     socket.ok_or(WsaError::WSAENOTSOCK)?.close()?;
///     Ok(())
/// }
/// # let recorder = NetworkEventRecorder::<wsp_events::ManualResetEvent>::new();
/// # assert_eq!(close_socket(Some(&recorder)), Ok(()));
/// # assert_eq!(close_socket(Some(&recorder)), Err(WsaError::WSAENOTSOCK));
/// ```
pub type Outcome = Result<(), WsaError>;

impl WsaError {
    /// The error with this number; `None` for 0, which is success.
    ///
    /// ```
    /// # use wsp_events::WsaError;
    /// assert_eq!(WsaError::from_code(10050), Some(WsaError::WSAENETDOWN));
    /// assert_eq!(WsaError::from_code(0), None);
    /// ```
    #[must_use]
    pub const fn from_code(code: i32) -> Option<Self> {
        match NonZeroI32::new(code) {
            Some(code) => Some(Self(code)),
            None => None,
        }
    }

    /// The number, never 0.
    ///
    /// ```
    /// # use wsp_events::WsaError;
    /// assert_eq!(WsaError::WSAENOTSOCK.code(), 10038);
    /// ```
    #[must_use]
    pub const fn code(self) -> i32 {
        self.0.get()
    }

    /// The meaning of an element of `iErrorCode`: 0 is success, any other number is an error (R2).
    ///
    /// ```
    /// # use wsp_events::WsaError;
    /// assert_eq!(WsaError::outcome(0), Ok(()));
    /// assert_eq!(WsaError::outcome(10060), Err(WsaError::WSAETIMEDOUT));
    /// ```
    #[doc(alias = "iErrorCode")]
    pub const fn outcome(code: i32) -> Outcome {
        match Self::from_code(code) {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    /// The code of an error of a *datagram* socket (UDP), where Unix and Winsock differ.
    ///
    /// If a datagram was sent to a port that is not open, the next receive or send fails. Unix says ECONNREFUSED there,
    /// Winsock WSAECONNRESET. Any other code stays as it is: a datagram that is too long to send is WSAEMSGSIZE on both.
    ///
    /// A datagram that is longer than the buffer of the receive is WSAEMSGSIZE for Winsock, and what did not fit is gone.
    /// On Unix such a call succeeds, so that there is no error to convert. The provider must notice it itself: MSG_TRUNC
    /// tells the length.
    ///
    /// Source: Winsock's reference of WSARecvFrom; checked on sockets.
    ///
    #[cfg_attr(feature = "std", doc = "```")]
    #[cfg_attr(not(feature = "std"), doc = "```ignore")]
    /// use std::net::UdpSocket;
    /// use wsp_events::WsaError;
    ///
    /// fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Result<usize, WsaError> {
    ///     socket.recv(buffer).map_err(WsaError::of_datagram)
    /// }
    /// # let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    /// # assert_eq!(WsaError::of_datagram(&refused), WsaError::WSAECONNRESET);
    /// ```
    #[must_use]
    pub fn of_datagram(error: impl Into<Self>) -> Self {
        match error.into() {
            Self::WSAECONNREFUSED => Self::WSAECONNRESET,
            other => other,
        }
    }

    /// The code of an attempt to connect, where Unix and Winsock differ.
    ///
    /// If a non-blocking socket has begun to connect, Unix says EINPROGRESS, Winsock WSAEWOULDBLOCK. (WSAEINPROGRESS is
    /// about a blocking call of Winsock 1.1, and programs take it for a failure.) Any other code stays as it is.
    ///
    /// Source: Winsock's reference of connect; checked on sockets.
    ///
    #[cfg_attr(feature = "std", doc = "```")]
    #[cfg_attr(not(feature = "std"), doc = "```ignore")]
    /// use std::io;
    /// use wsp_events::{Outcome, WsaError};
    ///
    /// /// WSPConnect. What the socket's own `connect` says is `called`.
    /// fn connect(called: io::Result<()>) -> Outcome {
    ///     called.map_err(WsaError::of_connect)
    /// }
    /// # let begun = Err(WsaError::WSAEINPROGRESS.into()); // as `WsaError::from` makes it of EINPROGRESS
    /// # assert_eq!(connect(begun), Err(WsaError::WSAEWOULDBLOCK));
    /// ```
    #[must_use]
    pub fn of_connect(error: impl Into<Self>) -> Self {
        match error.into() {
            Self::WSAEINPROGRESS => Self::WSAEWOULDBLOCK,
            other => other,
        }
    }

    /// The code of FD_CLOSE for a connection that has ended with an error.
    ///
    /// Winsock does not say in FD_CLOSE how a connection was lost. It is WSAECONNABORTED even if the peer has reset the
    /// connection, where receive and send fail with WSAECONNRESET; and WSAENETDOWN if the network is down. (The reference
    /// also names WSAECONNRESET. Windows does not report it.)
    ///
    /// Source: V4; seen on Windows.
    ///
    #[cfg_attr(feature = "std", doc = "```")]
    #[cfg_attr(not(feature = "std"), doc = "```ignore")]
    /// use std::io::{self, ErrorKind};
    /// use wsp_events::{Outcome, WsaError};
    ///
    /// /// What FD_CLOSE says of a connection, from what a look at it (a receive with MSG_PEEK) has answered.
    /// fn end_of(peeked: io::Result<usize>) -> Option<Outcome> {
    ///     match peeked {
    ///         Ok(0) => Some(Ok(())),
    ///         Ok(_) => None,
    ///         Err(error) if error.kind() == ErrorKind::WouldBlock => None,
    ///         Err(error) => Some(Err(WsaError::of_close(error))),
    ///     }
    /// }
    ///
    /// let reset = io::Error::from(ErrorKind::ConnectionReset);
    /// assert_eq!(end_of(Err(reset)), Some(Err(WsaError::WSAECONNABORTED)));
    /// ```
    #[must_use]
    pub fn of_close(error: impl Into<Self>) -> Self {
        match error.into() {
            Self::WSAENETDOWN => Self::WSAENETDOWN,
            _ => Self::WSAECONNABORTED,
        }
    }

    /// The codes that the SPI reference documents for an event (V4). Any other can be recorded as well.
    ///
    /// ```
    /// # use wsp_events::{NetworkEvent, WsaError};
    /// assert!(WsaError::documented_for(NetworkEvent::Connect).contains(&WsaError::WSAETIMEDOUT));
    /// assert_eq!(WsaError::documented_for(NetworkEvent::Accept), [WsaError::WSAENETDOWN]);
    /// ```
    #[must_use]
    pub const fn documented_for(event: NetworkEvent) -> &'static [Self] {
        match event {
            NetworkEvent::Connect => &[
                Self::WSAECONNREFUSED,
                Self::WSAENETUNREACH,
                Self::WSAENOBUFS,
                Self::WSAETIMEDOUT,
                Self::WSAEAFNOSUPPORT,
            ],
            NetworkEvent::Close => &[Self::WSAENETDOWN, Self::WSAECONNRESET, Self::WSAECONNABORTED],
            NetworkEvent::RoutingInterfaceChange => &[Self::WSAENETUNREACH, Self::WSAENETDOWN],
            _ => &[Self::WSAENETDOWN],
        }
    }

    fn entry(self) -> Option<&'static (i32, &'static str, &'static str)> {
        CODES.binary_search_by_key(&self.code(), |&(code, ..)| code).ok().map(|at| &CODES[at])
    }

    /// The name in the Winsock headers, if the code has one.
    ///
    /// ```
    /// # use wsp_events::WsaError;
    /// assert_eq!(WsaError::WSAEINVAL.name(), Some("WSAEINVAL"));
    /// assert_eq!(WsaError::from_code(1).unwrap().name(), None);
    /// ```
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.entry().map(|&(_, name, _)| name)
    }
}

impl fmt::Display for WsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry() {
            Some((code, name, _)) if f.alternate() => write!(f, "{name} ({code})"),
            Some((code, name, text)) => write!(f, "{name} ({code}): {text}"),
            None => write!(f, "error {}", self.code()),
        }
    }
}

impl fmt::Debug for WsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "WsaError({})", self.code()),
        }
    }
}

impl core::error::Error for WsaError {}

/// Defines the constants and `CODES`, which is sorted by number for `entry`.
macro_rules! codes {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        impl WsaError {
            $(
                #[doc = concat!($code, ": ", $text, ".")]
                pub const $name: Self = Self(NonZeroI32::new($code).unwrap());
            )*
        }

        const CODES: &[(i32, &str, &str)] = &[$(($code, stringify!($name), $text)),*];
    };
}

codes! {
    WSA_INVALID_HANDLE = 6, "the handle of the event object is not valid";
    WSA_NOT_ENOUGH_MEMORY = 8, "not enough memory";
    WSA_INVALID_PARAMETER = 87, "a parameter is not valid";
    WSA_OPERATION_ABORTED = 995, "the overlapped operation was aborted";
    WSA_IO_INCOMPLETE = 996, "the overlapped operation is not complete";
    WSA_IO_PENDING = 997, "the overlapped operation is under way";
    WSAEINTR = 10004, "the call was interrupted";
    WSAEBADF = 10009, "the file handle is not valid";
    WSAEACCES = 10013, "permission denied";
    WSAEFAULT = 10014, "bad address";
    WSAEINVAL = 10022, "invalid argument";
    WSAEMFILE = 10024, "too many open sockets";
    WSAEWOULDBLOCK = 10035, "the call would block";
    WSAEINPROGRESS = 10036, "a blocking call is in progress";
    WSAEALREADY = 10037, "the operation is already in progress";
    WSAENOTSOCK = 10038, "not a socket";
    WSAEDESTADDRREQ = 10039, "a destination address is required";
    WSAEMSGSIZE = 10040, "the message is too long";
    WSAEPROTOTYPE = 10041, "the protocol is of the wrong type for the socket";
    WSAENOPROTOOPT = 10042, "no such protocol option";
    WSAEPROTONOSUPPORT = 10043, "the protocol is not supported";
    WSAESOCKTNOSUPPORT = 10044, "the socket type is not supported";
    WSAEOPNOTSUPP = 10045, "the operation is not supported";
    WSAEPFNOSUPPORT = 10046, "the protocol family is not supported";
    WSAEAFNOSUPPORT = 10047, "the address family is not supported";
    WSAEADDRINUSE = 10048, "the address is in use";
    WSAEADDRNOTAVAIL = 10049, "the address is not available";
    WSAENETDOWN = 10050, "the network is down";
    WSAENETUNREACH = 10051, "the network cannot be reached";
    WSAENETRESET = 10052, "the network dropped the connection";
    WSAECONNABORTED = 10053, "the connection was aborted";
    WSAECONNRESET = 10054, "the peer reset the connection";
    WSAENOBUFS = 10055, "no buffer space is available";
    WSAEISCONN = 10056, "the socket is already connected";
    WSAENOTCONN = 10057, "the socket is not connected";
    WSAESHUTDOWN = 10058, "the socket was shut down";
    WSAETOOMANYREFS = 10059, "too many references";
    WSAETIMEDOUT = 10060, "the attempt timed out";
    WSAECONNREFUSED = 10061, "the peer refused the connection";
    WSAELOOP = 10062, "too many symbolic links";
    WSAENAMETOOLONG = 10063, "the name is too long";
    WSAEHOSTDOWN = 10064, "the host is down";
    WSAEHOSTUNREACH = 10065, "the host cannot be reached";
    WSAENOTEMPTY = 10066, "the directory is not empty";
    WSAEPROCLIM = 10067, "too many processes";
    WSAEUSERS = 10068, "the user quota is exceeded";
    WSAEDQUOT = 10069, "the disk quota is exceeded";
    WSAESTALE = 10070, "the file handle is stale";
    WSAEREMOTE = 10071, "the item is remote";
    WSASYSNOTREADY = 10091, "the network subsystem is not ready";
    WSAVERNOTSUPPORTED = 10092, "this version of Winsock is not supported";
    WSANOTINITIALISED = 10093, "WSAStartup was not called";
    WSAEDISCON = 10101, "the peer is shutting down gracefully";
    WSAENOMORE = 10102, "no more results";
    WSAECANCELLED = 10103, "the call was cancelled";
    WSAEINVALIDPROCTABLE = 10104, "the procedure table is not valid";
    WSAEINVALIDPROVIDER = 10105, "the service provider is not valid";
    WSAEPROVIDERFAILEDINIT = 10106, "the service provider failed to start";
    WSASYSCALLFAILURE = 10107, "a system call failed";
    WSASERVICE_NOT_FOUND = 10108, "no such service";
    WSATYPE_NOT_FOUND = 10109, "no such class";
    WSA_E_NO_MORE = 10110, "no more results";
    WSA_E_CANCELLED = 10111, "the call was cancelled";
    WSAEREFUSED = 10112, "the query was refused";
    WSAHOST_NOT_FOUND = 11001, "no such host";
    WSATRY_AGAIN = 11002, "a temporary failure: try again";
    WSANO_RECOVERY = 11003, "a failure that cannot be recovered";
    WSANO_DATA = 11004, "no data of the requested type";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v3_codes_are_sorted_and_each_is_found_by_its_number() {
        assert!(CODES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for &(code, name, _) in CODES {
            assert_eq!(WsaError::from_code(code).unwrap().name(), Some(name));
        }
    }
}
