//! How a leader sleeps: on the poller and on a pipe, which ends the sleep.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::task::Wake;
use std::thread;
use std::time::Duration;

use mio::unix::pipe::{self, Receiver, Sender};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::leader::NAP;

/// Both ends live equally long, so that no write is a SIGPIPE.
pub(super) struct Pipe {
    into: Sender,
    out: Receiver,
}

impl Pipe {
    pub(super) fn new() -> io::Result<Arc<Self>> {
        let (into, out) = pipe::new()?;
        Ok(Arc::new(Self { into, out }))
    }

    /// Whether the poller has something. Returns early after a signal, or if it cannot sleep: RLIMIT_NOFILE may allow for
    /// one descriptor only.
    pub(super) fn sleep(&self, poller: &impl AsFd, left: Option<Duration>) -> bool {
        let mut descriptors = [poller.as_fd(), self.out.as_fd()]
            .map(|it| PollFd::from_borrowed_fd(it, PollFlags::IN));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut descriptors, left.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return false,
            Err(_) => {
                thread::sleep(NAP);
                return true;
            }
        }
        let [poller, pipe] = descriptors.map(|it| !it.revents().is_empty());
        if pipe {
            let _taken = (&self.out).read(&mut [0; 64]);
        }
        poller
    }
}

impl Wake for Pipe {
    fn wake(self: Arc<Self>) {
        // It fails if the pipe is full, and then the leader does not sleep.
        let _full = (&self.into).write(&[1]);
    }
}
