//! An eventfd: a counter in the kernel, readable while it is not zero.
//!
//! It meets the requirement of [`EventSignal`](crate::EventSignal): Linux takes the spin lock of the eventfd's wait queue
//! in every write and every read, also in those that return EAGAIN. So never ask `poll` first whether there is
//! anything to do: it looks at the counter without the lock.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{Errno, read, retry_on_intr, write};

#[derive(Debug)]
pub(super) struct EventFd(OwnedFd);

impl EventFd {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Adds one to the counter. Would block at its maximum.
    pub(super) fn set(&self) -> Result<usize, Errno> {
        retry_on_intr(|| write(&self.0, &1_u64.to_ne_bytes()))
    }

    /// Makes the counter zero. Would block if it is zero already.
    pub(super) fn reset(&self) -> Result<usize, Errno> {
        retry_on_intr(|| read(&self.0, &mut [0_u8; size_of::<u64>()]))
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
