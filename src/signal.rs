//! Event objects: the trait [`EventSignal`], and one file for each kind of event object.

#[cfg(feature = "async")]
mod async_event;
#[cfg(feature = "std")]
mod manual_reset;
#[cfg(all(test, feature = "std"))]
mod tests;
#[cfg(all(unix, feature = "pollable"))]
pub mod unix;
#[cfg(all(windows, feature = "std"))]
pub mod win32;

#[cfg(feature = "async")]
pub use async_event::AsyncEvent;
#[cfg(feature = "std")]
pub use manual_reset::ManualResetEvent;

use core::ffi::c_void;

use crate::error::SignalError;

/// The handle of an event object, as Winsock passes it. Null is none.
///
/// It is a name that comes from outside, not a reference: a provider looks it up, and never follows it
/// as it stands. Whoever passes one has the right to have that event object set and reset.
pub type WSAEVENT = *mut c_void;

/// An event object: what SetEvent and ResetEvent do to a WSAEVENT.
///
/// A recorder never makes two of its calls on its event object at the same time (K3), so an
/// implementation needs no lock against its own recorder; and it may be neither `Send` nor `Sync`, as
/// long as the recorder then stays on one thread as well. It must be a *manual-reset* event object: an
/// auto-reset one eats the wake-up that a second waiter, or a later look, relies on.
///
/// From inside either call the same recorder may be told of further events; what they record is
/// signaled before the outer call returns. Selecting, enumerating, inheriting from it or closing it
/// there is refused with [`RecorderError::Reentrant`] (K4; without the feature `std` the recorder
/// cannot tell who calls, and such a call waits for ever: it must not be made). A panic leaves the
/// recorder usable and the set owed (K5).
///
/// [`RecorderError::Reentrant`]: crate::RecorderError::Reentrant
///
/// ```
/// use std::cell::Cell;
/// use wsp_events::{EventSignal, NetworkEvent, NetworkEventRecorder, NetworkEvents, SignalError};
///
/// /// An event object of one's own: a driver's, say, that needs no atomics.
/// #[derive(Default)]
/// struct Flag(Cell<bool>);
///
/// impl EventSignal for Flag {
///     fn set_event(&self) -> Result<(), SignalError> {
///         self.0.set(true);
///         Ok(())
///     }
///     fn reset_event(&self) -> Result<(), SignalError> {
///         self.0.set(false);
///         Ok(())
///     }
/// }
///
/// let flag = Flag::default();
/// let recorder = NetworkEventRecorder::new();
/// recorder.select(NetworkEvents::FD_ACCEPT, &flag)?;
/// recorder.record(NetworkEvent::Accept, Ok(()))?;
/// assert!(flag.0.get());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait EventSignal {
    /// Sets the event object to signaled, as SetEvent does; nothing changes if it is already.
    ///
    /// # Errors
    ///
    /// The operating system's code. The recorder then owes the set and tries again (R6).
    fn set_event(&self) -> Result<(), SignalError>;

    /// Sets the event object to nonsignaled, as ResetEvent does; nothing changes if it is already.
    ///
    /// # Errors
    ///
    /// The operating system's code. The enumeration then fails and changes nothing (E7).
    fn reset_event(&self) -> Result<(), SignalError>;
}

macro_rules! forward {
    ($($(#[$attribute:meta])* $pointer:ty),*) => {$(
        $(#[$attribute])*
        impl<T: EventSignal + ?Sized> EventSignal for $pointer {
            fn set_event(&self) -> Result<(), SignalError> {
                T::set_event(self)
            }
            fn reset_event(&self) -> Result<(), SignalError> {
                T::reset_event(self)
            }
        }
    )*};
}

forward!(
    &T,
    #[cfg(feature = "alloc")]
    alloc::sync::Arc<T>,
    #[cfg(feature = "alloc")]
    alloc::boxed::Box<T>
);
