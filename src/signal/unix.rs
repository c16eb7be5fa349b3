//! Event objects for pollers: [`PollableEvent`], which is a file descriptor. On Unix, with the feature `pollable`.
//!
//! A poller (epoll, kqueue, and what builds on them: `polling`, `mio`, tokio's `AsyncFd`) waits for thousands of file
//! descriptors at once: sockets, timers, and these event objects. The descriptor is *readable* while the event object is
//! set. It stays readable until the reset, for every poller that looks, in every process that has the descriptor.
//!
//! # How to use a poller
//!
//! Register the descriptor for reading, once. Never read from it or write to it; only [`EventSignal`] does. When the poller
//! reports it as readable, enumerate, and pass the event object so that it is reset. The rest depends on the poller:
//!
//! - **Level-triggered** (`poll`, epoll by default): it reports the descriptor in every wait as long as the event object is
//!   set. Nothing else is needed.
//! - **Oneshot** (`polling` by default): it reports the descriptor once. Arm it again after the enumeration. If the event
//!   object was set again meanwhile, the poller reports it at once.
//! - **Edge-triggered** (`mio`): it reports the descriptor when the event object becomes set, and when it is set at
//!   registration. If the event object is not reset, the poller may never report it again. So an enumeration must reset it
//!   *every* time, before the poller waits again. Nothing needs to be armed again: after that reset the recorder sets the
//!   event object for everything that is not in the report, at the latest before the enumeration returns (E5), and this is
//!   a new edge. If many sockets share the event object, reset it once and enumerate all of them after that (P3). A
//!   program that leaves the event object set must itself remember to enumerate later.
//! - **tokio's `AsyncFd`** is edge-triggered and remembers: `readable` returns at once until `clear_ready`. Enumerate first,
//!   then clear. In the other order the next `readable` may return for an event object that is already reset; this costs
//!   an empty report and loses nothing. Do not clear if you have not reset.
//!
//! The examples `mio_provider` and `tokio_provider` show the last two.
//!
//! ```
//! use polling::{Event, Events, Poller};
//! use std::sync::Arc;
//! use wsp_events::unix::PollableEvent;
//! use wsp_events::{NetworkEvent, NetworkEventRecorder, NetworkEvents};
//!
//! let poller = Poller::new()?;
//! let mut sockets = Vec::new();
//! for key in 0..100 {
//!     let (recorder, event) = (NetworkEventRecorder::new(), Arc::new(PollableEvent::new()?));
//!     // SAFETY: the poller is dropped last, and this descriptor is deleted from it before.
//!     unsafe { poller.add(&event, Event::readable(key))? };
//!     recorder.select(NetworkEvents::FD_CONNECT, Arc::clone(&event))?;
//!     sockets.push((recorder, event));
//! }
//! sockets[17].0.record(NetworkEvent::Connect, Ok(()));
//!
//! let mut events = Events::new();
//! poller.wait(&mut events, None)?;
//! for readable in events.iter() {
//!     let (recorder, event) = &sockets[readable.key];
//!     assert_eq!(recorder.enumerate_and_reset(event)?.to_string(), "FD_CONNECT: success");
//!     poller.modify(event, Event::readable(readable.key))?; // oneshot: arm it again
//! }
//! # for (_, event) in &sockets {
//! #     poller.delete(event)?;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(any(target_os = "linux", target_os = "android"))]
mod eventfd;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod pipe;

#[cfg(any(target_os = "linux", target_os = "android"))]
use eventfd::EventFd as Object;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use pipe::Pipe as Object;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::EventSignal;
use crate::error::SignalError;

/// A manual-reset event object that is a file descriptor: readable while it is set. An eventfd on Linux, a pipe (two
/// descriptors) elsewhere.
///
/// It is made for pollers; see [how to use a poller](self#how-to-use-a-poller). Any number of recorders and pollers can
/// share it (P3). Child processes do not inherit the descriptor. It is closed on drop, so remove it from the poller first.
///
/// Setting and resetting are one system call each (a reset of a pipe that was set over a thousand times, a few), and do
/// not block: an eventfd whose counter is full, or a pipe whose
/// buffer is full, is set already. A set that begins after a reset has returned is never lost.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use wsp_events::unix::PollableEvent;
/// use wsp_events::{NetworkEvent, NetworkEventRecorder, NetworkEvents};
///
/// let event = Arc::new(PollableEvent::new()?);
/// let recorder = NetworkEventRecorder::new();
/// recorder.select(NetworkEvents::FD_READ, Arc::clone(&event))?;
/// recorder.record(NetworkEvent::Read, Ok(()));
///
/// event.wait()?;
/// assert_eq!(recorder.enumerate_and_reset(&event)?.events(), NetworkEvents::FD_READ);
/// assert!(!event.wait_timeout(Duration::ZERO)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[doc(alias("eventfd", "epoll", "kqueue", "poll"))]
pub struct PollableEvent(Object);

impl PollableEvent {
    /// A nonsignaled event object.
    ///
    /// # Errors
    ///
    /// The operating system's. Most likely the process has too many open files: EMFILE, which as a
    /// [`WsaError`](crate::WsaError) is WSAEMFILE.
    ///
    /// ```
    /// # use wsp_events::unix::PollableEvent;
    /// use std::os::fd::AsRawFd;
    ///
    /// assert!(PollableEvent::new()?.as_raw_fd() >= 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new() -> io::Result<Self> {
        Object::new().map(Self)
    }

    /// Makes the event object signaled, and its descriptor readable. The same as
    /// [`set_event`](EventSignal::set_event), with the error of the standard library.
    ///
    /// # Errors
    ///
    /// The operating system's. In practice there is none, because the descriptor belongs to this object.
    ///
    /// ```
    /// # use wsp_events::unix::PollableEvent;
    /// let event = PollableEvent::new()?;
    /// event.set()?;
    /// assert!(event.is_set()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn set(&self) -> io::Result<()> {
        self.set_event().map_err(os_error)
    }

    /// Makes the event object nonsignaled: a wait that begins now waits for the next set. The same as
    /// [`reset_event`](EventSignal::reset_event), with the error of the standard library.
    ///
    /// # Errors
    ///
    /// As for [`set`](Self::set).
    ///
    /// ```
    /// # use wsp_events::unix::PollableEvent;
    /// # let event = PollableEvent::new()?;
    /// event.set()?;
    /// event.reset()?;
    /// assert!(!event.is_set()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn reset(&self) -> io::Result<()> {
        self.reset_event().map_err(os_error)
    }

    /// Whether the event object is signaled. It stays so.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    ///
    /// ```
    /// # use wsp_events::unix::PollableEvent;
    /// assert!(!PollableEvent::new()?.is_set()?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn is_set(&self) -> io::Result<bool> {
        self.wait_timeout(Duration::ZERO)
    }

    /// Waits until the event object is set. Returns at once if it is set already.
    ///
    /// A thread that is woken up looks again. If the event object was reset meanwhile, it continues to wait. (A
    /// [`ManualResetEvent`](crate::ManualResetEvent) releases it even then.) With a recorder nothing is missed, since the
    /// thread that has reset the event object has the report.
    ///
    /// # Errors
    ///
    /// The operating system's: it is out of memory. An interruption by a signal is not an error.
    ///
    /// ```
    /// # use wsp_events::unix::PollableEvent;
    /// let event = PollableEvent::new()?;
    /// event.set()?;
    /// event.wait()?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn wait(&self) -> io::Result<()> {
        wait_until_readable(self.as_fd(), None).map(|_set| ())
    }

    /// Like [`wait`](Self::wait), but no longer than `timeout`. With a timeout of zero it only looks. Returns whether the
    /// event object was set.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    ///
    /// ```
    /// # use wsp_events::unix::PollableEvent;
    /// use std::time::Duration;
    ///
    /// let event = PollableEvent::new()?;
    /// assert!(!event.wait_timeout(Duration::ZERO)?);
    /// event.set()?;
    /// assert!(event.wait_timeout(Duration::MAX)?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn wait_timeout(&self, timeout: Duration) -> io::Result<bool> {
        // A timeout beyond the end of the clock is no timeout.
        wait_until_readable(self.as_fd(), Instant::now().checked_add(timeout))
    }
}

/// An error contains the `errno`. In practice there is none, because the descriptor belongs to this object.
///
/// What was done before a set is visible after the reset that wipes it out: both are system calls that take the same lock
/// of the kernel, even if they change nothing.
impl EventSignal for PollableEvent {
    fn set_event(&self) -> Result<(), SignalError> {
        done(self.0.set())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        done(self.0.reset())
    }
}

/// The descriptor that is readable while the event object is set.
impl AsFd for PollableEvent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The same, for pollers that take a number (mio's `SourceFd`, tokio's `AsyncFd`). The number is valid as long as the event
/// object lives.
impl AsRawFd for PollableEvent {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

/// A descriptor that would block is in the right state already: full if it is to be set, empty if it is to be reset.
fn done(result: Result<usize, Errno>) -> Result<(), SignalError> {
    match result {
        Ok(_) | Err(Errno::AGAIN) => Ok(()),
        Err(errno) => Err(SignalError::from_os_code(errno.raw_os_error())),
    }
}

fn os_error(error: SignalError) -> io::Error {
    io::Error::from_raw_os_error(error.os_code())
}

/// Whether the descriptor becomes readable before the deadline. It looks at least once.
fn wait_until_readable(fd: BorrowedFd<'_>, deadline: Option<Instant>) -> io::Result<bool> {
    // At most a day at a time, since a poll that counts milliseconds overflows after 24 days. The tests use a nanosecond.
    const LONGEST: Duration = Duration::from_nanos(if cfg!(test) { 1 } else { 86_400_000_000_000 });
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left.min(LONGEST)).ok());
        match poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], timeout.as_ref()) {
            Ok(0) if left == Some(Duration::ZERO) => return Ok(false),
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(errno) => return Err(errno.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Catches a wait that ends with its first poll although there is time left.
    #[test]
    fn a_long_wait_polls_again() {
        for _ in 0..10 {
            let event = PollableEvent::new().unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| event.set_event().unwrap());
                assert!(event.wait_timeout(Duration::from_secs(3600)).unwrap());
            });
        }
    }

    /// Catches an error that is ignored, or loses its `errno`.
    #[test]
    fn an_error_carries_the_errno() {
        assert_eq!(done(Err(Errno::AGAIN)), Ok(()));
        let bad = SignalError::from_os_code(Errno::BADF.raw_os_error());
        assert_eq!(done(Err(Errno::BADF)), Err(bad));
    }
}
