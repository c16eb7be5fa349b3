//! Who waits for the poller: its own thread always does, and a thread of the program that would sleep does, too.
//!
//! If the poller's thread alone did, each arrival would wake two threads one after the other: that one, which records
//! it, and then the one that waits for the event object.
//!
//! A thread that begins to wait while no other does *leads*. It sleeps until the poller has something or it is
//! unparked. If the poller has something, it pumps, and so sets the event object that it waits for itself. A thread
//! that begins to wait while another does is parked, and the poller's thread serves it; so is one that waits inside a pump,
//! where an event object calls back. So there is never more than one leader, and threads that wait side by side are woken
//! as if there were none.
//!
//! An arrival makes the poller's descriptor readable for both, until one of them has pumped. The poller's thread would
//! only get in the leader's way. So if a thread of the program that waits has pumped since it last looked, it *naps*, and
//! again and again as long as one has pumped meanwhile. What came before such a pump is recorded.
//!
//! No wake-up is lost:
//!
//! - Whatever a leader does or leaves undone, the poller's thread pumps after a nap in which nobody else has. That is the
//!   delay, of two naps, for a program that has waited here and then sleeps elsewhere: on an event object of its own kind,
//!   or in a wait that began before WSAStartup. A thread that loses its processor as it begins to pump adds one nap.
//! - A thread that is parked waits for no nap: it ends the one under way, and none begins while it is parked. The leader
//!   and the parked threads are one count, so the poller's thread sees both.
//! - A leader is unparked through a pipe. That it sleeps stands in its [`Parker`], under whose lock it has also seen that
//!   it was not unparked before. A byte that comes too late ends the next leader's sleep early.
//!
//! A leader that pumps runs foreign code, the sets of event objects, and waits for a pump that is under way on another
//! thread. So it can return after its time limit, by as long as the slowest set takes.
//!
//! Tested by: `ws2/tests/leader.rs`, and with naps of an hour by `.ci/ws2 naps`.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use mio::unix::pipe::{self, Receiver, Sender};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::{AsFd, PUMPING, Shared};
use crate::park::Parker;

/// Short for a program that sleeps elsewhere, and long enough that a nap's end is no hundredth of the wake-ups. `.ci/ws2 naps`
/// makes it an hour, so that whoever must not wait for a nap hangs if it does.
const NAP: Duration = Duration::from_millis(if cfg!(long_naps) { 3_600_000 } else { 4 });

/// The threads that wait.
#[derive(Default)]
pub(super) struct Waiters {
    /// 1 for the leader, and 2 for each thread that is parked.
    count: AtomicUsize,
    /// A thread that waits has pumped since the poller's thread last looked.
    attended: AtomicBool,
    pub(super) poller: OnceLock<Thread>,
}

impl Waiters {
    pub(super) fn end_nap(&self) {
        self.poller.get().inspect(|thread| thread.unpark());
    }
}

/// A thread that waits, from its beginning to its end.
struct Waiter {
    waiters: Arc<Waiters>,
    leads: bool,
}

impl Waiter {
    fn new(waiters: &Arc<Waiters>, may_lead: bool) -> Self {
        let enter = |count| Some(if count == 0 && may_lead { 1 } else { count + 2 });
        let before = waiters.count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, enter);
        let leads = may_lead && before == Ok(0);
        if !leads {
            waiters.end_nap();
        }
        Self { waiters: Arc::clone(waiters), leads }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let left = if self.leads { 1 } else { 2 };
        self.waiters.count.fetch_sub(left, Ordering::SeqCst);
    }
}

/// Ends the leader's sleep. Both ends live equally long, so that no write is a SIGPIPE.
pub(super) struct Pipe {
    into: Sender,
    out: Receiver,
}

impl Pipe {
    pub(super) fn new() -> io::Result<Arc<Self>> {
        let (into, out) = pipe::new()?;
        Ok(Arc::new(Self { into, out }))
    }
}

impl Wake for Pipe {
    fn wake(self: Arc<Self>) {
        // It fails if the pipe is full, and then the leader does not sleep.
        let _full = (&self.into).write(&[1]);
    }
}

/// For a thread of the program that would sleep.
pub(crate) struct Sleeper(pub(super) Arc<Shared>);

impl Sleeper {
    /// As [`Parker::park_until`]. `kept` is kept by a leader only.
    pub(crate) fn park(self, kept: impl Sized, parker: &Parker, deadline: Option<Instant>) -> bool {
        let may_lead = !PUMPING.get() && !self.0.stopped.load(Ordering::Acquire);
        let waiter = Waiter::new(&self.0.waiters, may_lead);
        if waiter.leads {
            return self.0.lead(parker, deadline);
        }
        self.0.pump();
        // What is kept would keep a WSACleanup waiting.
        drop((self, kept));
        parker.park_until(deadline)
    }
}

impl Shared {
    /// The poller's thread has seen an arrival.
    pub(super) fn nap(&self) {
        let Waiters { attended, count, .. } = &*self.waiters;
        while attended.swap(false, Ordering::SeqCst)
            && count.load(Ordering::SeqCst) <= 1
            && !self.stopped.load(Ordering::Acquire)
        {
            thread::park_timeout(NAP);
        }
    }

    /// Pumps, in place of the poller's thread.
    pub(super) fn attend(&self) {
        // Inside a pump, perhaps of another Winsock, it would only say so.
        if !PUMPING.get() {
            self.waiters.attended.store(true, Ordering::SeqCst);
            self.pump();
        }
    }

    fn lead(&self, parker: &Parker, deadline: Option<Instant>) -> bool {
        let waker = Waker::from(Arc::clone(&self.pipe));
        loop {
            let left = deadline.map(|it| it.saturating_duration_since(Instant::now()));
            if self.stopped.load(Ordering::Acquire) || !parker.begin_sleep(&waker) {
                return true;
            }
            let is_due = self.sleep(left);
            parker.end_sleep();
            if is_due {
                self.attend();
            }
            if left == Some(Duration::ZERO) {
                return parker.was_unparked();
            }
        }
    }

    /// Whether the poller has something. Returns early after a signal, or if it cannot sleep: RLIMIT_NOFILE may allow for one
    /// descriptor only.
    fn sleep(&self, left: Option<Duration>) -> bool {
        let mut descriptors = [self.registry.as_fd(), self.pipe.out.as_fd()]
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
            let _taken = (&self.pipe.out).read(&mut [0; 64]);
        }
        poller
    }
}
