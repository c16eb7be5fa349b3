//! Pollable event objects: [`PollableEvent`], which is a file descriptor. On Unix, with the feature
//! `pollable`.
//!
//! A thread can wait for one event object; a poller (epoll, kqueue, and what stands on them: `polling`,
//! `mio`, tokio's `AsyncFd`) waits for thousands of file descriptors at once, sockets, timers and these
//! among them. The descriptor is *readable* while the event object is set. That is a level: it stays
//! readable until the reset, for every poller that looks, and in every process that has the descriptor.
//!
//! # What to ask of a poller
//!
//! Register the descriptor for reading, once, and never read from it or write to it: setting and
//! resetting are [`EventSignal`]'s. When the poller tells of it, enumerate, and pass the event
//! object, so that it is reset. The rest depends on how the poller tells:
//!
//! - **Level-triggered** (`poll`, epoll as it is by default): it tells in every wait for as long as
//!   the event object is set. Nothing else is to be done.
//! - **Oneshot** (`polling` by default): it tells once, and is to be armed again after the
//!   enumeration. If the event object was set again meanwhile, it tells at once.
//! - **Edge-triggered** (`mio`): it tells when the event object becomes set, and of one that is set
//!   when it is registered. An event object that was told of and is not reset may never be told of
//!   again. So *every* time it is told of, an enumeration must reset it, before the poller waits
//!   again. Nothing is armed again: the recorder sets the event object after that reset for
//!   whatever is not in the report, at the latest before the enumeration returns (E5), and that is
//!   a new edge. Where many sockets share the event object, it is reset once and all of them are
//!   enumerated after that (P3). A program that must leave it set (it has no time for the report
//!   now, say) keeps that in mind by itself.
//! - **tokio's `AsyncFd`** is edge-triggered and remembers: `readable` returns at once until
//!   `clear_ready`. Enumerate first, then clear; the other way round the next `readable` may return
//!   for an event object that is reset, which costs an empty report and loses nothing. Do not clear
//!   what was not reset.
//!
//! `examples/mio_provider.rs` and `examples/tokio_provider.rs` show the last two.
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
//! sockets[17].0.record(NetworkEvent::Connect, Ok(()))?;
//!
//! let mut events = Events::new();
//! poller.wait(&mut events, None)?;
//! for told in events.iter() {
//!     let (recorder, event) = &sockets[told.key];
//!     assert_eq!(recorder.enumerate_and_reset(event)?.to_string(), "FD_CONNECT: success");
//!     poller.modify(event, Event::readable(told.key))?; // it is oneshot
//! }
//! # for (_, event) in &sockets {
//! #     poller.delete(event)?;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(any(target_os = "linux", target_os = "android"))]
mod eventfd;
// Tested on Linux, too: it is all that the other systems have.
#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
pub(super) mod pipe;
#[cfg(test)]
mod tests;

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

/// A manual-reset event object that is a file descriptor: readable while it is set. An eventfd on
/// Linux, a pipe (two descriptors) elsewhere.
///
/// It is there for pollers; [how](self#what-to-ask-of-a-poller) is told at the module. Any number
/// of recorders and pollers can share it (P3). The descriptor is not inherited by the programs that
/// this one starts; it is closed on drop, so take it out of the poller before.
///
/// Setting and resetting are one system call each, and do not block: an eventfd whose counter is full, or a
/// pipe whose buffer is full, is set already. A set that begins after a reset has returned is
/// never lost.
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
/// recorder.record(NetworkEvent::Read, Ok(()))?;
///
/// event.wait()?;
/// assert_eq!(recorder.enumerate_and_reset(&event)?.events(), NetworkEvents::FD_READ);
/// assert!(!event.wait_timeout(Duration::ZERO)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PollableEvent(Object);

impl PollableEvent {
    /// A nonsignaled event object.
    ///
    /// # Errors
    ///
    /// The operating system's; most likely the process has as many files open as it may (EMFILE,
    /// which as a [`WsaError`](crate::WsaError) is WSAEMFILE).
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

    /// Waits until the event object is set; returns at once if it is.
    ///
    /// A thread that is woken up looks again: if the event object is reset before it does, it goes
    /// on waiting. (A [`ManualResetEvent`](crate::ManualResetEvent) releases it even then.) Whoever
    /// has reset it has the report, so with a recorder nothing is missed.
    ///
    /// # Errors
    ///
    /// The operating system's: it lacks memory. To be interrupted by a signal is none.
    ///
    /// ```
    /// # use wsp_events::{EventSignal, unix::PollableEvent};
    /// let event = PollableEvent::new()?;
    /// event.set_event()?;
    /// event.wait()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait(&self) -> io::Result<()> {
        wait_until_readable(self.as_fd(), None).map(|_set| ())
    }

    /// As [`wait`](Self::wait), but no longer than `timeout`; with a timeout of zero it only looks.
    /// Whether the event object was set.
    ///
    /// # Errors
    ///
    /// As for [`wait`](Self::wait).
    ///
    /// ```
    /// # use wsp_events::{EventSignal, unix::PollableEvent};
    /// use std::time::Duration;
    ///
    /// let event = PollableEvent::new()?;
    /// assert!(!event.wait_timeout(Duration::ZERO)?);
    /// event.set_event()?;
    /// assert!(event.wait_timeout(Duration::MAX)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wait_timeout(&self, timeout: Duration) -> io::Result<bool> {
        // A timeout that ends after the clock does has no end.
        wait_until_readable(self.as_fd(), Instant::now().checked_add(timeout))
    }
}

/// An error carries the `errno`. There is none in practice: the descriptor is this object's own.
///
/// What was done before a set is seen after the reset that wipes it out: each is one system call, under one lock
/// of the kernel's, even if it changes nothing.
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

/// The same, for pollers that want a number (mio's `SourceFd`, tokio's `AsyncFd`): open, and this
/// one, for as long as the event object lives.
impl AsRawFd for PollableEvent {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

/// That the descriptor would block says that it is as it should be: too full to be set more, or empty.
fn done(result: Result<usize, Errno>) -> Result<(), SignalError> {
    match result {
        Ok(_) | Err(Errno::AGAIN) => Ok(()),
        Err(errno) => Err(SignalError::from_os_code(errno.raw_os_error())),
    }
}

/// Whether it is readable before the deadline; it is looked at once at least.
fn wait_until_readable(fd: BorrowedFd<'_>, deadline: Option<Instant>) -> io::Result<bool> {
    // A day: where poll counts in milliseconds, it counts to 24 days. No test waits for so long.
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
