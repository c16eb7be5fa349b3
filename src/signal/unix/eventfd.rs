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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::EventSignal;
    use crate::signal::unix::{Object, PollableEvent};

    /// Catches a set that blocks, fails or starts again from zero when the counter is at its maximum.
    #[test]
    fn a_full_counter_is_set() {
        let event = PollableEvent(Object::new().unwrap());
        assert_eq!(write(&event.0.0, &(u64::MAX - 1).to_ne_bytes()), Ok(8));
        assert_eq!(event.0.set(), Err(Errno::AGAIN));
        event.set_event().unwrap();
        assert!(event.wait_timeout(std::time::Duration::ZERO).unwrap());
        event.reset_event().unwrap();
        assert!(!event.wait_timeout(std::time::Duration::ZERO).unwrap());
    }
}
