//! The numbers by which Winsock names a socket and an event object.

use core::ffi::c_void;
use core::fmt;
use core::num::TryFromIntError;

/// A socket descriptor, as Winsock passes it.
pub type SOCKET = usize;

/// The value that is never a descriptor.
pub const INVALID_SOCKET: SOCKET = SOCKET::MAX;

/// The handle of an event object, as Winsock passes it. [`NULL`](Self::NULL) names none.
///
/// It is a number from outside, not a reference: a provider looks it up, and never dereferences it. A caller that passes
/// it allows that event object to be set and reset. At the C boundary it is passed like a pointer. It converts from and to
/// a pointer, and from and to the 32 bits in which an emulated program keeps it. It prints in hexadecimal.
///
/// ```
/// use std::collections::HashMap;
/// use wsp_events::WSAEVENT;
///
/// let handle = WSAEVENT::from(0x24_u32); // from a 32-bit guest
/// assert_eq!(format!("{handle:?}"), "WSAEVENT(0x24)");
/// assert_eq!(u32::try_from(handle), Ok(0x24));
/// assert!(!handle.is_null());
///
/// let names = HashMap::from([(handle, "first")]);
/// assert_eq!(names.get(&WSAEVENT(0x24)), Some(&"first"));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
#[doc(alias = "HANDLE")]
pub struct WSAEVENT(pub usize);

impl WSAEVENT {
    /// No event object: `WSA_INVALID_EVENT`.
    #[doc(alias = "WSA_INVALID_EVENT")]
    pub const NULL: Self = Self(0);

    /// Whether the handle names no event object.
    ///
    /// ```
    /// # use wsp_events::WSAEVENT;
    /// assert!(WSAEVENT::NULL.is_null());
    /// ```
    #[must_use]
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Debug for WSAEVENT {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WSAEVENT({self})")
    }
}

impl fmt::Display for WSAEVENT {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// A HANDLE of Windows.
impl From<*mut c_void> for WSAEVENT {
    fn from(handle: *mut c_void) -> Self {
        Self(handle.addr())
    }
}

/// A HANDLE of Windows.
impl From<WSAEVENT> for *mut c_void {
    fn from(handle: WSAEVENT) -> Self {
        core::ptr::without_provenance_mut(handle.0)
    }
}

/// A handle of a 32-bit program.
impl From<u32> for WSAEVENT {
    fn from(handle: u32) -> Self {
        Self(handle as usize)
    }
}

/// For a 32-bit program: fails if the handle has more bits.
impl TryFrom<WSAEVENT> for u32 {
    type Error = TryFromIntError;

    fn try_from(handle: WSAEVENT) -> Result<Self, TryFromIntError> {
        handle.0.try_into()
    }
}
