//! Event objects: the trait [`EventSignal`], and a file for each kind.

#[cfg(feature = "async")]
mod async_event;
#[cfg(feature = "std")]
mod manual_reset;
#[cfg(all(unix, feature = "pollable"))]
pub mod unix;
#[cfg(all(windows, feature = "std"))]
pub mod win32;

#[cfg(feature = "async")]
pub use async_event::AsyncEvent;
#[cfg(feature = "std")]
pub use manual_reset::ManualResetEvent;

use crate::error::SignalError;

/// An event object: what SetEvent and ResetEvent do to a WSAEVENT.
///
/// # What a set must order
///
/// *What was done before a set, even a set that changes nothing because the event object is already set, is seen
/// by the thread that resets it afterwards.* In terms of memory ordering: a reset that wipes a set out synchronizes
/// with that set, and with every set that found the event object already set (E5, K3).
///
/// The reason: a recorder records an occurrence and then sets; an enumeration takes the report, resets, and then
/// looks at the record again. If the reset wipes out the set for an occurrence that is not in the report, that look must
/// see the occurrence, or else no thread is woken for it. The application relies on the same when it resets the event
/// object itself and then looks for work.
///
/// How to keep it:
///
/// - A set is a read-modify-write with `Release` ordering that always writes, or it takes a lock. It must not
///   return early because a plain load has shown that the event object is set.
/// - A reset is a read-modify-write with `Acquire` ordering, or it takes the same lock. It may return early if
///   there is nothing to reset.
/// - A system call that always takes a lock of the kernel is as good as a lock. If the kernel has a shortcut for an event
///   object that is already set, put a `SeqCst` fence before the set and another after the reset.
///
/// The example below needs none of this, since its event object stays on one thread. Every event object of this crate
/// meets the requirement.
///
/// # Threads
///
/// A recorder that is shared calls its event object from several threads at once, and so needs an `S` that is
/// `Send` and `Sync`. On one thread it needs neither.
///
/// # Calls from inside
///
/// Both functions may use the same recorder: record, enumerate, withdraw and re-enable. Selecting, deselecting and
/// closing fail there with [`RecorderError::Reentrant`] (K4). Without the feature `std` the recorder cannot tell who calls.
/// Such a call would wait for itself, and must not be made; nor may a set be answered with an enumeration that fails, which
/// sets again. A panic leaves the recorder usable and the set owed (K5).
///
/// # Waiting
///
/// The recorder does not care how threads wait for its event object. In an event object of your own, register the waiter
/// first and look at the flag afterwards. In the other order, a set between the two wakes no thread.
///
/// An auto-reset event object works, but its set wakes only one waiter, and a later look does not see it. If several
/// threads wait, use a manual-reset one.
///
/// [`RecorderError::Reentrant`]: crate::RecorderError::Reentrant
///
/// ```
/// use std::cell::Cell;
/// use wsp_events::{EventSignal, NetworkEvent, NetworkEventRecorder, NetworkEvents, SignalError};
///
/// /// An event object for one thread: it needs no atomics.
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
/// recorder.record(NetworkEvent::Accept, Ok(()));
/// assert!(flag.0.get());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait EventSignal {
    /// Makes the event object signaled, as SetEvent does. If it is signaled already, it stays so, and this
    /// call orders memory [all the same](EventSignal#what-a-set-must-order).
    ///
    /// # Errors
    ///
    /// The operating system's code. The set is then owed, and the recorder tries it again (R6).
    #[doc(alias("SetEvent", "WSASetEvent"))]
    fn set_event(&self) -> Result<(), SignalError>;

    /// Makes the event object nonsignaled, as ResetEvent does. If it is nonsignaled already, nothing changes.
    ///
    /// # Errors
    ///
    /// The operating system's code. The enumeration then fails and changes nothing (E7).
    #[doc(alias("ResetEvent", "WSAResetEvent"))]
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
