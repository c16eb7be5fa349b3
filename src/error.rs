//! Errors: [`WsaError`] is the Winsock code that an event or a call carries (V3, V4); the others are
//! what this crate's own operations answer, each with the code it becomes in `lpErrno` (E9).

#[cfg(feature = "std")]
mod io;
mod wsa;

pub use wsa::WsaError;

use thiserror::Error;

/// An event object could not be set or reset: the error code of the operating system.
///
/// The code is whatever the event object's own calls answer (a Win32 error, an `errno`, an NTSTATUS);
/// it is carried, never interpreted. Seen from Winsock the event object is an invalid argument:
/// [`SignalError::errno`] is WSAEINVAL.
///
/// ```
/// use wsp_events::SignalError;
///
/// let invalid_handle = SignalError::from_os_code(6);
/// assert_eq!(invalid_handle.os_code(), 6);
/// assert_eq!(invalid_handle.to_string(), "the event object failed with OS error 6");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("the event object failed with OS error {0}")]
pub struct SignalError(i32);

impl SignalError {
    /// Carries an error code of the operating system.
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

/// Why a recorder refused to select, enumerate or close. Nothing has changed (E7, S6).
///
/// ```
/// use wsp_events::{RecorderError, WsaError};
///
/// assert_eq!(RecorderError::Closed.errno(), WsaError::WSAENOTSOCK);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum RecorderError {
    /// The socket was closed (P5).
    #[error("the socket is closed")]
    Closed,
    /// The call came from inside the recorder's own event object, where it would have to wait for
    /// itself (K4).
    #[error("the call came from inside the recorder's own event object")]
    Reentrant,
    /// The event object could not be set (S6) or reset (E7).
    #[error(transparent)]
    Signal(#[from] SignalError),
}

impl RecorderError {
    /// The code for `lpErrno` (E9): WSAENOTSOCK for a closed socket, else WSAEINVAL.
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

/// Why [`event_select`] or [`enum_network_events`] failed: one of the three reasons that the SPI
/// knows, checked in this order (E9). Nothing has changed (E7).
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
pub enum ProviderError {
    /// WSAENETDOWN: the provider can no longer reach its records.
    #[error("the network subsystem failed")]
    SubsystemFailed,
    /// WSAENOTSOCK: the descriptor is not a socket of this provider, or no longer.
    #[error("the descriptor is not a socket")]
    NotASocket,
    /// WSAEINVAL: the handle is not an event object that this provider can use.
    #[error("the handle is not an event object")]
    InvalidEventObject,
    /// The recorder refused: WSAENOTSOCK if the socket was closed meanwhile, else WSAEINVAL.
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

/// A [`SocketTable`](crate::SocketTable) has given out all the descriptors it has.
///
/// ```
/// use wsp_events::{TableFull, WsaError};
///
/// assert_eq!(TableFull.errno(), WsaError::WSAEMFILE);
/// ```
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("there are no descriptors left")]
pub struct TableFull;

#[cfg(feature = "std")]
impl TableFull {
    /// The code that WSPSocket and WSPAccept answer with: WSAEMFILE.
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
