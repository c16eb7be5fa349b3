//! What recording answers, and the second of its two steps.

use core::fmt;

use super::held::Guarded;
use super::state::{Recording, Wake};
use crate::error::SignalError;
use crate::event::NetworkEvents;
use crate::signal::EventSignal;

/// What recording did.
///
/// ```
/// use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, Wake};
///
/// let recorder = NetworkEventRecorder::new();
/// recorder.select(NetworkEvents::FD_READ, ManualResetEvent::new())?;
///
/// let first = recorder.record(NetworkEvent::Read, Ok(()));
/// assert_eq!((first.new, first.wake), (NetworkEvents::FD_READ, Wake::Set));
/// let repeat = recorder.record(NetworkEvent::Read, Ok(()));
/// assert_eq!((repeat.new, repeat.wake), (NetworkEvents::empty(), Wake::NotNeeded));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// The events that were not in the record before this call. Repeats are not among them (R3).
    /// Empty once the socket is closed.
    pub new: NetworkEvents,
    /// Who sets the event object.
    pub wake: Wake,
    /// The error of the set, if this call's failed. The events are recorded all the same, and the set is owed (R6).
    pub signal_error: Option<SignalError>,
}

impl Recorded {
    /// What follows a recording: sets the event object, if that is this call's wake.
    #[inline(always)]
    pub(super) fn of<S: EventSignal>(guarded: &Guarded<S>, recording: Recording) -> Self {
        let Recording { new, wake, .. } = recording;
        Self { new, wake, signal_error: guarded.set(wake).err() }
    }

    /// The same as a `Result`, for a provider that does something about an event object that cannot be set.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder};
    /// let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// recorder.record(NetworkEvent::Read, Ok(())).signaled()?;
    /// # Ok::<(), wsp_events::SignalError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`signal_error`](Self::signal_error).
    pub fn signaled(self) -> Result<Self, SignalError> {
        self.signal_error.map_or(Ok(self), Err)
    }
}

/// What was recorded, and not signaled yet: the first of two steps (R9). [`signal`](Self::signal) is the second.
///
/// Until then the set is *owed* (R6): the next recording, selection or failing enumeration sets the event object, and a
/// report or a withdrawal after which nothing is reportable makes the set void. Nobody waits for the second step, and
/// nothing is lost without it. To drop the value leaves the set owed. It does not set, because a drop may run under the
/// very lock that the two steps are to keep SetEvent out of.
///
/// ```
/// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
/// let event = ManualResetEvent::new();
/// let recorder = NetworkEventRecorder::new();
/// recorder.select(NetworkEvents::FD_READ, &event)?;
///
/// // A provider that empties its queue under one lock signals all sockets after it.
/// let recorded = vec![recorder.record_unsignaled(NetworkEvent::Read, Ok(()))];
/// assert!(!event.is_set());
/// for recorded in recorded {
///     recorded.signal();
/// }
/// assert!(event.is_set());
/// # Ok::<(), wsp_events::RecorderError>(())
/// ```
#[must_use = "nobody is woken before `signal` is called"]
pub struct Unsignaled<'a, S> {
    guarded: &'a Guarded<S>,
    recording: Recording,
}

impl<'a, S: EventSignal> Unsignaled<'a, S> {
    #[inline]
    pub(super) fn new(guarded: &'a Guarded<S>, recording: Recording) -> Self {
        Self { guarded, recording }
    }

    /// The events that were not in the record before, as [`Recorded::new`].
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// let recorded = recorder.record_unsignaled(NetworkEvent::Read, Ok(()));
    /// assert_eq!(recorded.new_events(), NetworkEvents::FD_READ);
    /// # recorded.signal();
    /// ```
    #[must_use]
    pub fn new_events(&self) -> NetworkEvents {
        self.recording.new
    }

    /// The second step: sets the event object if that is still owed. Call it without a lock that the event object's
    /// set needs.
    ///
    /// [`Wake::NotNeeded`] means that there was nothing to set from the beginning, or that meanwhile another call has
    /// set the event object or is about to, or that a report or a withdrawal came first.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, Wake};
    /// let event = ManualResetEvent::new();
    /// let recorder = NetworkEventRecorder::new();
    /// recorder.select(NetworkEvents::FD_READ, &event)?;
    /// let recorded = recorder.record_unsignaled(NetworkEvent::Read, Ok(()));
    /// recorder.withdraw(NetworkEvents::FD_READ); // a receive has emptied the socket
    /// assert_eq!(recorded.signal().wake, Wake::NotNeeded);
    /// assert!(!event.is_set());
    /// # Ok::<(), wsp_events::RecorderError>(())
    /// ```
    #[inline]
    pub fn signal(self) -> Recorded {
        let Self { guarded, recording } = self;
        let owed = recording.wake != Wake::NotNeeded && guarded.shared.look().is_owed();
        let wake = if owed {
            guarded.shared.exchange(|word| Some(word.claim_owed_set()))
        } else {
            Wake::NotNeeded
        };
        Recorded::of(guarded, Recording { wake, ..recording })
    }
}

impl<S> fmt::Debug for Unsignaled<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsignaled").field("new", &self.recording.new).finish_non_exhaustive()
    }
}
