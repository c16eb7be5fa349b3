//! [`ManualResetEvent`]: an event object for the threads of one process, on every OS with `std`.
//!
//! Setting and resetting take no lock unless a thread sleeps. The protocol follows. Each paragraph names the models in
//! `tests/event_objects/models.rs` that fail if it is broken.
//!
//! **One word.** It counts turns, from nonsignaled to signaled and back: an odd count means signaled. One bit,
//! `WAITED`, says that a thread sleeps or is about to. Every change of the word is a read-modify-write. The 63-bit count
//! does not wrap in practice.
//!
//! **A set turns one bit on**, the count's lowest, and asks only whether it was off: that takes no look before it. The
//! reset turns the bit off and carries it to the next.
//!
//! **A set always writes, even if it changes nothing.** The reset that ends the turn reads from the last write,
//! and all writes of the turn are read-modify-writes; so it synchronizes with every set of that turn, as
//! [`EventSignal`] requires. A set that is only a load would order nothing: a thread could wipe it out and still
//! not see what was done before it. A reset that finds nothing to reset may be a load, because it wipes nothing out.
//! If the value that it has read lacks a set, that set is later than this reset.
//! *`a_reset_sees_what_came_before_a_set`, `a_wait_sees_what_came_before_the_set`.*
//!
//! **A wait lasts until its turn ends.** It notes the turn in which it began and sleeps until the word shows
//! another turn. So a set releases it even if a reset follows before it has run. A slow set, which wakes all sleeping
//! threads, does not release a wait that began after the reset.
//! *`a_set_releases_a_wait_although_a_reset_follows`, `a_later_wait_is_not_released_by_an_earlier_set`.*
//!
//! **No thread is left asleep.** A wait turns `WAITED` on under the lock, and only in its own turn; falling
//! asleep releases the lock. A set that ends the turn looks afterwards whether `WAITED` is on. If so, it takes the lock,
//! turns `WAITED` off, releases the lock, and wakes the sleepers: by then every thread that had turned `WAITED` on
//! is asleep. A thread that is woken before its turn has ended, since the set was an earlier one and slow, turns it on
//! again. A wait that times out leaves it on, and a later set then wakes nobody.
//! *`a_set_wakes_every_wait`, `two_sets_wake_a_wait`, `a_later_wait_is_not_released_by_an_earlier_set`.*

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::EventSignal;
use crate::error::SignalError;
use crate::sync::{AtomicU64, Condvar, Mutex, MutexGuard, Ordering, const_fn};

/// A thread sleeps, or is about to.
const WAITED: u64 = 1;
/// One turn. This bit of the word is on while the event object is signaled.
const TURN: u64 = 2;

/// A manual-reset event object for the threads of this process, on every OS, like one that `CreateEvent(NULL, TRUE, …)`
/// creates on Windows.
///
/// Many threads can wait. A set releases every thread that is waiting at that moment, even if a reset follows before all of
/// them have run, as on Windows.
///
/// ```
/// use std::sync::Arc;
/// use std::thread;
/// use wsp_events::ManualResetEvent;
///
/// let event = Arc::new(ManualResetEvent::new());
/// let waiter = thread::spawn({
///     let event = Arc::clone(&event);
///     move || event.wait()
/// });
/// event.set();
/// waiter.join().unwrap();
/// assert!(event.is_set());
/// ```
#[derive(Debug)]
pub struct ManualResetEvent {
    word: AtomicU64,
    sleepers: Mutex<()>,
    woken: Condvar,
}

impl ManualResetEvent {
    const_fn! {
        /// A nonsignaled event object.
        ///
        /// ```
        /// # use wsp_events::ManualResetEvent;
        /// static EVENT: ManualResetEvent = ManualResetEvent::new();
        /// assert!(!EVENT.is_set());
        /// ```
        #[must_use]
        pub const fn new() -> Self {
            Self { word: AtomicU64::new(0), sleepers: Mutex::new(()), woken: Condvar::new() }
        }
    }

    /// Signals the event object and releases every waiting thread.
    ///
    /// ```
    /// # use wsp_events::ManualResetEvent;
    /// # let event = ManualResetEvent::new();
    /// event.set();
    /// event.wait(); // returns at once, now and until the reset
    /// event.wait();
    /// ```
    #[inline]
    pub fn set(&self) {
        let before = self.word.fetch_or(TURN, Ordering::Release);
        if !is_set(before) && is_waited_for(self.word.load(Ordering::Relaxed)) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        let sleepers = self.lock();
        self.word.fetch_and(!WAITED, Ordering::Relaxed);
        drop(sleepers);
        self.woken.notify_all();
    }

    /// Makes the event object nonsignaled: a wait that begins now waits for the next set.
    ///
    /// ```
    /// # use wsp_events::ManualResetEvent;
    /// # let event = ManualResetEvent::new();
    /// event.set();
    /// event.reset();
    /// assert!(!event.is_set());
    /// ```
    #[inline]
    pub fn reset(&self) {
        let turn = |word| is_set(word).then_some(word + TURN);
        _ = self.word.fetch_update(Ordering::Acquire, Ordering::Relaxed, turn);
    }

    /// Whether the event object is signaled.
    ///
    /// ```
    /// # use wsp_events::ManualResetEvent;
    /// assert!(!ManualResetEvent::new().is_set());
    /// ```
    #[must_use]
    pub fn is_set(&self) -> bool {
        is_set(self.look())
    }

    /// Waits until the event object is set. Returns at once if it is set already.
    ///
    /// ```
    /// # use wsp_events::ManualResetEvent;
    /// # let event = ManualResetEvent::new();
    /// event.set();
    /// event.wait();
    /// ```
    pub fn wait(&self) {
        self.wait_until(None);
    }

    /// Like [`wait`](Self::wait), but no longer than `timeout`. Returns whether the event object was set.
    ///
    /// ```
    /// # use wsp_events::ManualResetEvent;
    /// use std::time::Duration;
    ///
    /// let event = ManualResetEvent::new();
    /// assert!(!event.wait_timeout(Duration::ZERO));
    /// event.set();
    /// assert!(event.wait_timeout(Duration::MAX));
    /// ```
    #[must_use = "false says that the event object was not set in time"]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        if timeout.is_zero() {
            return self.is_set();
        }
        // A timeout beyond the end of the clock is no timeout.
        self.wait_until(Instant::now().checked_add(timeout))
    }

    fn wait_until(&self, deadline: Option<Instant>) -> bool {
        let came = turns(self.look());
        if is_set(came) {
            return true;
        }
        let mut sleepers = self.lock();
        let sleep = |word| (turns(word) == came).then_some(word | WAITED);
        while self.word.fetch_update(Ordering::Relaxed, Ordering::Acquire, sleep).is_ok() {
            let Some(deadline) = deadline else {
                sleepers = self.woken.wait(sleepers).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let woken = self.woken.wait_timeout(sleepers, left);
            (sleepers, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// For the models: whether a thread sleeps, or is about to.
    #[cfg(wsp_loom)]
    #[doc(hidden)]
    pub fn is_waited_for(&self) -> bool {
        is_waited_for(self.look())
    }

    /// A thread that sees a set here also sees what was done before it.
    fn look(&self) -> u64 {
        self.word.load(Ordering::Acquire)
    }

    /// A poisoned lock will do: it guards no data.
    fn lock(&self) -> MutexGuard<'_, ()> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn turns(word: u64) -> u64 {
    word & !WAITED
}

const fn is_set(word: u64) -> bool {
    word & TURN != 0
}

const fn is_waited_for(word: u64) -> bool {
    word & WAITED != 0
}

impl Default for ManualResetEvent {
    fn default() -> Self {
        Self::new()
    }
}

/// Never fails.
impl EventSignal for ManualResetEvent {
    #[inline]
    fn set_event(&self) -> Result<(), SignalError> {
        self.set();
        Ok(())
    }

    #[inline]
    fn reset_event(&self) -> Result<(), SignalError> {
        self.reset();
        Ok(())
    }
}
