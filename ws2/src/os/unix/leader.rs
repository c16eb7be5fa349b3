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
//! - The words that count and tell may be seen late: they order nothing. Whoever must not be overlooked also unparks the
//!   other, under a lock.
//! - A leader is unparked through a pipe. That it sleeps stands in its [`Parker`], under whose lock it has also seen that
//!   it was not unparked before. A byte that comes too late ends the next leader's sleep early.
//! - The end is told through the poller. Whoever takes that out tells it again, so that it reaches the poller's thread and
//!   the leader.
//!
//! A leader that pumps runs foreign code, the sets of event objects, and waits for a pump that is under way on another
//! thread. So it can return after its time limit, by as long as the slowest set takes.
//!
//! Tested by: `ws2/tests/leader_model.rs`, through every schedule, also with naps that never end; `ws2/tests/leader.rs`, on
//! real sockets.

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::{Shared, is_pumping};
use crate::park::Parker;
use crate::sync::{AtomicBool, AtomicUsize, Ordering};

/// Short for a program that sleeps elsewhere, and long enough that a nap's end is no hundredth of the wake-ups.
pub(super) const NAP: Duration = Duration::from_millis(4);

/// The threads that wait.
#[derive(Default)]
pub(super) struct Waiters {
    /// 1 for the leader, and 2 for each thread that is parked.
    count: AtomicUsize,
    /// A thread that waits has pumped since the poller's thread last looked.
    attended: AtomicBool,
    /// Where the poller's thread naps.
    nap: Parker,
}

/// A thread that waits, from its beginning to its end.
struct Waiter {
    waiters: Arc<Waiters>,
    leads: bool,
}

impl Waiter {
    fn new(waiters: &Arc<Waiters>, may_lead: bool) -> Self {
        let enter = |count| Some(if count == 0 && may_lead { 1 } else { count + 2 });
        let before = waiters.count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, enter);
        let leads = may_lead && before == Ok(0);
        if !leads {
            waiters.nap.unpark();
        }
        Self { waiters: Arc::clone(waiters), leads }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let left = if self.leads { 1 } else { 2 };
        self.waiters.count.fetch_sub(left, Ordering::Relaxed);
    }
}

/// For a thread of the program that would sleep.
pub(crate) struct Sleeper(pub(super) Arc<Shared>);

impl Sleeper {
    /// As [`Parker::park_until`]. `kept` is kept by a leader only.
    pub(crate) fn park(self, kept: impl Sized, parker: &Parker, deadline: Option<Instant>) -> bool {
        let may_lead = !is_pumping() && !self.0.stopped.load(Ordering::Acquire);
        let waiter = Waiter::new(&self.0.waiters, may_lead);
        if waiter.leads {
            let in_time = self.0.lead(parker, deadline);
            // What is kept goes last: WSACleanup waits for it, and then nothing of the Winsock may be left.
            drop((waiter, self, kept));
            return in_time;
        }
        self.0.pump();
        // What is kept would keep a WSACleanup waiting.
        drop((self, kept));
        parker.park_until(deadline)
    }
}

impl Shared {
    /// The poller's thread, until it is stopped or the poller fails. It waits for the poller as for any other descriptor;
    /// only `pump` takes anything out of it.
    pub(super) fn run(&self) {
        while !self.stopped.load(Ordering::Acquire) && self.wait_for_poller() {
            self.nap();
            self.pump();
        }
    }

    /// Ends the poller's thread, and the leader's sleep: both sleep on the poller. `false`: they may sleep on.
    pub(super) fn end(&self) -> bool {
        self.stopped.store(true, Ordering::Release);
        self.waiters.nap.unpark();
        self.waker.wake().is_ok()
    }

    /// The poller's thread has seen an arrival.
    fn nap(&self) {
        let Waiters { attended, count, nap } = &*self.waiters;
        while attended.swap(false, Ordering::Relaxed)
            && count.load(Ordering::Relaxed) <= 1
            && !self.stopped.load(Ordering::Acquire)
        {
            nap.park_for(NAP);
        }
    }

    /// Pumps, in place of the poller's thread.
    pub(super) fn attend(&self) {
        // Inside a pump, perhaps of another Winsock, it would only say so.
        if !is_pumping() {
            self.waiters.attended.store(true, Ordering::Relaxed);
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
            let is_due = self.pipe.sleep(&self.registry, left);
            parker.end_sleep();
            if is_due {
                self.attend();
            }
            if left == Some(Duration::ZERO) {
                return parker.was_unparked();
            }
        }
    }
}
