//! The descriptors of the OS that sockets have, so that a child that was forked can close its copies. Otherwise no
//! connection of the parent's would end before the child does.
//!
//! A child must take no lock. So there is one bit for each descriptor. It is set after the OS has given the descriptor
//! out, and cleared before the OS gets it back: a bit that is set never stands for a descriptor of someone else's. A
//! socket that another thread makes or closes at the moment of the fork may stay open in the child.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};

use socket2::Socket;

/// For 2^20 descriptors, as many as a process may have unless the system was changed. Memory is taken for those that
/// there have been.
static OPEN: [AtomicU64; 1 << 14] = [const { AtomicU64::new(0) }; 1 << 14];

fn place(descriptor: RawFd) -> Option<(&'static AtomicU64, u64)> {
    let number = usize::try_from(descriptor).ok()?;
    Some((OPEN.get(number / 64)?, 1 << (number % 64)))
}

/// Drop it before the socket is closed.
pub(super) struct Open(RawFd);

impl Open {
    pub(super) fn new(socket: &Socket) -> Self {
        let descriptor = socket.as_raw_fd();
        if let Some((word, bit)) = place(descriptor) {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Self(descriptor)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some((word, bit)) = place(self.0) {
            word.fetch_and(!bit, Ordering::Relaxed);
        }
    }
}

/// In a child that was forked: closes what is its parent's.
pub(crate) fn close_inherited() {
    for (at, word) in OPEN.iter().enumerate() {
        let bits = word.swap(0, Ordering::Relaxed);
        for bit in (0..64).filter(|bit| bits & 1 << bit != 0) {
            // SAFETY: it is a descriptor of a socket that this process does not use.
            unsafe { libc::close((at * 64 + bit) as RawFd) };
        }
    }
}
