//! Errors. [`WsaError`] is the Winsock code of an event or a call (V3, V4). The others are the errors of this crate's
//! own calls, each with its code for `lpErrno` (E9), into which `?` converts it.

#[cfg(feature = "std")]
mod io;
mod wsa;

pub use wsa::{Outcome, WsaError};

use thiserror::Error;

/// An event object could not be set or reset. Contains the error code of the operating system.
///
/// The code is whatever the event object's calls return: a Win32 error, an `errno`, an NTSTATUS. This crate does not
/// interpret it. For Winsock the event object is an invalid argument, so [`SignalError::errno`] is WSAEINVAL.
///
/// ```
/// use wsp_events::SignalError;
///
/// let invalid_handle = SignalError::from_os_code(6);
/// assert_eq!(invalid_handle.os_code(), 6);
/// assert_eq!(invalid_handle.to_string(), "the event object failed with OS error 6 (WSAEINVAL)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("the event object failed with OS error {0} (WSAEINVAL)")]
pub struct SignalError(i32);

impl SignalError {
    /// The error with this code of the operating system.
    ///
    /// ```
    /// # use wsp_events::SignalError;
    /// assert_eq!(SignalError::from_os_code(-1), SignalError::from_os_code(-1));
    /// ```
    #[must_use]
    pub const fn from_os_code(code: i32) -> Self {
        Self(code)
    }

    /// The operating system's code.
    ///
    /// ```
    /// # use wsp_events::SignalError;
    /// assert_eq!(SignalError::from_os_code(9).os_code(), 9);
    /// ```
    #[must_use]
    pub const fn os_code(self) -> i32 {
        self.0
    }

    /// The code for `lpErrno`: WSAEINVAL (E9, S6).
    ///
    /// ```
    /// # use wsp_events::{SignalError, WsaError};
    /// assert_eq!(SignalError::from_os_code(6).errno(), WsaError::WSAEINVAL);
    /// ```
    #[must_use]
    pub const fn errno(self) -> WsaError {
        WsaError::WSAEINVAL
    }
}

/// Why a call on a recorder failed. Nothing has changed (E7, S6).
///
/// ```
/// use wsp_events::{RecorderError, WsaError};
///
/// assert_eq!(RecorderError::Closed.errno(), WsaError::WSAENOTSOCK);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum RecorderError {
    /// The socket is closed (P5).
    #[error("the socket is closed (WSAENOTSOCK)")]
    Closed,
    /// The call came from inside the recorder's own event object, where it would wait for itself (K4).
    #[error("the call came from inside the recorder's own event object (WSAEINVAL)")]
    Reentrant,
    /// The event object could not be set (S6) or reset (E7).
    #[error(transparent)]
    Signal(#[from] SignalError),
}

impl RecorderError {
    /// The code for `lpErrno` (E9): WSAENOTSOCK for a closed socket, otherwise WSAEINVAL.
    ///
    /// ```
    /// # use wsp_events::{RecorderError, WsaError};
    /// assert_eq!(RecorderError::Reentrant.errno(), WsaError::WSAEINVAL);
    /// ```
    #[must_use]
    pub const fn errno(self) -> WsaError {
        match self {
            Self::Closed => WsaError::WSAENOTSOCK,
            Self::Reentrant => WsaError::WSAEINVAL,
            Self::Signal(error) => error.errno(),
        }
    }
}

/// Why [`event_select`] or [`enum_network_events`] failed: one of the three errors of the SPI, checked in this order
/// (E9). Nothing has changed (E7).
///
/// [`event_select`]: crate::event_select
/// [`enum_network_events`]: crate::enum_network_events
///
/// ```
/// use wsp_events::{ProviderError, WsaError};
///
/// assert_eq!(ProviderError::SubsystemFailed.errno(), WsaError::WSAENETDOWN);
/// assert_eq!(ProviderError::NotASocket.errno(), WsaError::WSAENOTSOCK);
/// assert_eq!(ProviderError::InvalidEventObject.errno(), WsaError::WSAEINVAL);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// WSAENETDOWN: the provider can no longer reach its records.
    #[error("the network subsystem failed (WSAENETDOWN)")]
    SubsystemFailed,
    /// WSAENOTSOCK: the descriptor does not name a socket of this provider, or no longer does.
    #[error("the descriptor is not a socket (WSAENOTSOCK)")]
    NotASocket,
    /// WSAEINVAL: the handle does not name an event object that this provider can use.
    #[error("the handle is not an event object (WSAEINVAL)")]
    InvalidEventObject,
    /// The recorder's call failed: WSAENOTSOCK if the socket was closed meanwhile, otherwise WSAEINVAL.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
}

impl ProviderError {
    /// The code for `lpErrno` (E9).
    ///
    /// ```
    /// # use wsp_events::{ProviderError, RecorderError, WsaError};
    /// let closed = ProviderError::from(RecorderError::Closed);
    /// assert_eq!(closed.errno(), WsaError::WSAENOTSOCK);
    /// ```
    #[must_use]
    pub const fn errno(self) -> WsaError {
        match self {
            Self::SubsystemFailed => WsaError::WSAENETDOWN,
            Self::NotASocket => WsaError::WSAENOTSOCK,
            Self::InvalidEventObject => WsaError::WSAEINVAL,
            Self::Recorder(error) => error.errno(),
        }
    }
}

/// A [`SocketTable`](crate::SocketTable) has no descriptor that it may give out: at least 2 096 895 are open (P1).
///
/// ```
/// use wsp_events::{TableFull, WsaError};
///
/// assert_eq!(TableFull.errno(), WsaError::WSAEMFILE);
/// ```
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("no descriptors are left (WSAEMFILE)")]
pub struct TableFull;

#[cfg(feature = "std")]
impl TableFull {
    /// The code for WSPSocket and WSPAccept: WSAEMFILE.
    ///
    /// ```
    /// # use wsp_events::TableFull;
    /// assert_eq!(TableFull.errno().name(), Some("WSAEMFILE"));
    /// ```
    #[must_use]
    pub const fn errno(self) -> WsaError {
        WsaError::WSAEMFILE
    }
}

macro_rules! into_its_code {
    ($($(#[$attribute:meta])* $error:ty),*) => {$(
        /// Its code for `lpErrno` (E9), so that `?` works in a function that returns an [`Outcome`].
        $(#[$attribute])*
        impl From<$error> for WsaError {
            fn from(error: $error) -> Self {
                error.errno()
            }
        }
    )*};
}

into_its_code!(
    SignalError,
    RecorderError,
    ProviderError,
    #[cfg(feature = "std")]
    TableFull
);
