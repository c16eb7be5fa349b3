//! `std::io::Error` to Winsock code and back (V3).

use std::io::{Error, ErrorKind};

use super::WsaError;

/// The kinds that have a Winsock code. If two kinds have the same code, the code converts back to the first.
const KINDS: &[(ErrorKind, WsaError)] = &[
    (ErrorKind::AddrInUse, WsaError::WSAEADDRINUSE),
    (ErrorKind::AddrNotAvailable, WsaError::WSAEADDRNOTAVAIL),
    (ErrorKind::ConnectionAborted, WsaError::WSAECONNABORTED),
    (ErrorKind::ConnectionRefused, WsaError::WSAECONNREFUSED),
    (ErrorKind::ConnectionReset, WsaError::WSAECONNRESET),
    (ErrorKind::DirectoryNotEmpty, WsaError::WSAENOTEMPTY),
    (ErrorKind::HostUnreachable, WsaError::WSAEHOSTUNREACH),
    (ErrorKind::Interrupted, WsaError::WSAEINTR),
    (ErrorKind::InvalidInput, WsaError::WSAEINVAL),
    (ErrorKind::NetworkDown, WsaError::WSAENETDOWN),
    (ErrorKind::NetworkUnreachable, WsaError::WSAENETUNREACH),
    (ErrorKind::NotConnected, WsaError::WSAENOTCONN),
    (ErrorKind::OutOfMemory, WsaError::WSAENOBUFS),
    (ErrorKind::PermissionDenied, WsaError::WSAEACCES),
    (ErrorKind::QuotaExceeded, WsaError::WSAEDQUOT),
    (ErrorKind::StaleNetworkFileHandle, WsaError::WSAESTALE),
    (ErrorKind::TimedOut, WsaError::WSAETIMEDOUT),
    (ErrorKind::Unsupported, WsaError::WSAEOPNOTSUPP),
    (ErrorKind::WouldBlock, WsaError::WSAEWOULDBLOCK),
    // A send fails like this some time after the peer has reset the connection.
    (ErrorKind::BrokenPipe, WsaError::WSAECONNRESET),
];

/// The code behind the operating system's own number, where the platform's numbers are known.
fn from_raw(raw: i32) -> Option<WsaError> {
    const BSD: bool = cfg!(any(
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "dragonfly",
    ));
    // All architectures but a few.
    const LINUX: bool = cfg!(all(
        any(target_os = "linux", target_os = "android"),
        not(any(
            target_arch = "mips",
            target_arch = "mips32r6",
            target_arch = "mips64",
            target_arch = "mips64r6",
            target_arch = "sparc",
            target_arch = "sparc64",
        )),
    ));
    if cfg!(windows) {
        // A socket's error is the Winsock code.
        return WsaError::from_code(raw).filter(|error| error.name().is_some());
    }
    // Winsock took its numbers from BSD and added 10000. A number whose kind leads to the same code needs no row.
    let bsd = match raw {
        9 | 14 | 24 if BSD || LINUX => raw,
        35..=71 if BSD => raw,
        _ if !LINUX => return None,
        23 => 24,
        36 => 63,
        40 => 62,
        66 => 71,
        87 => 68,
        // ENOTSOCK to ECONNREFUSED: Linux has them in the order of BSD.
        88..=111 => raw - 50,
        112 => 64,
        114 => 37,
        115 => 36,
        _ => return None,
    };
    WsaError::from_code(10000 + bsd)
}

/// The Winsock code of a socket call's error. The operating system's own number decides if it is known, because
/// `ErrorKind` does not distinguish some (ENOBUFS, EAFNOSUPPORT). Otherwise the kind decides. If neither is known, the
/// code is WSASYSCALLFAILURE. An error made from a [`WsaError`] converts back to that error.
///
/// In three places Winsock has another code than this conversion: on a datagram socket, see [`WsaError::of_datagram`],
/// for an attempt to connect, see [`WsaError::of_connect`], and in FD_CLOSE, see [`WsaError::of_close`].
///
/// ```
/// use std::io;
/// use wsp_events::WsaError;
///
/// let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
/// assert_eq!(WsaError::from(&refused), WsaError::WSAECONNREFUSED);
/// assert_eq!(WsaError::from(&io::Error::other("odd")), WsaError::WSASYSCALLFAILURE);
/// ```
impl From<&Error> for WsaError {
    fn from(error: &Error) -> Self {
        let itself = error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()).copied();
        let of_kind = || KINDS.iter().find(|(kind, _)| *kind == error.kind()).map(|&(_, wsa)| wsa);
        itself
            .or_else(|| error.raw_os_error().and_then(from_raw))
            .or_else(of_kind)
            .unwrap_or(Self::WSASYSCALLFAILURE)
    }
}

/// As for `&std::io::Error`.
///
/// ```
/// # use wsp_events::WsaError;
/// # use std::io::{Error, ErrorKind};
/// assert_eq!(WsaError::from(Error::from(ErrorKind::TimedOut)), WsaError::WSAETIMEDOUT);
/// ```
impl From<Error> for WsaError {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

/// The `io::Error` with the same meaning. Every code converts back to itself.
///
/// On Windows a code with a name becomes the operating system's own error; elsewhere, and for a
/// nameless code, it is carried inside an error of the same kind.
///
/// ```
/// use std::io;
/// use wsp_events::WsaError;
///
/// let error = io::Error::from(WsaError::WSAECONNREFUSED);
/// assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
/// assert_eq!(WsaError::from(error), WsaError::WSAECONNREFUSED);
/// ```
impl From<WsaError> for Error {
    fn from(error: WsaError) -> Self {
        if cfg!(windows) && error.name().is_some() {
            return Self::from_raw_os_error(error.code());
        }
        let kind = KINDS.iter().find(|(_, wsa)| *wsa == error).map(|&(kind, _)| kind);
        Self::new(kind.unwrap_or(ErrorKind::Other), error)
    }
}
