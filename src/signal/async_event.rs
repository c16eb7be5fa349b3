//! [`AsyncEvent`]: an event object that tasks await, in any async runtime.
//!
//! The protocol follows. Each paragraph names the models and tests in `tests/event_objects` that fail if it is broken.
//!
//! **One word.** It counts turns, from nonsignaled to signaled and back: an odd count means signaled. Two bits
//! are about the list of wakers. `LOCKED`: one thread has the list to itself. `WAITED`: the list is not empty. Every
//! change of the word is a read-modify-write. The 62-bit count does not wrap in practice.
//!
//! **A set always writes, even if it changes nothing.** The reset that ends the turn reads from the last write, and
//! all writes are read-modify-writes; so it synchronizes with every set of that turn, as [`EventSignal`] requires. *`a_reset_sees_what_came_before_a_set`.*
//!
//! **A wait lasts until its turn ends.** It notes the turn in which it began, and is over when the word shows another
//! turn. A reset that follows the set does not undo that. *`a_set_releases_a_wait_although_a_reset_follows`,
//! `a_later_wait_is_not_released_by_an_earlier_set`.*
//!
//! **The list belongs to one turn.** A wait puts its waker into the list, or takes it out, under `LOCKED`, which
//! it gets only if the word still shows its turn. A wait whose turn is over has nothing to do there.
//!
//! **A set never waits.** If `WAITED` is on, the exchange that ends the turn also turns `LOCKED` on: the set has
//! the list, takes it and wakes. If `LOCKED` was on already, the set returns, and the holder does it. If the holder
//! is an earlier set, it is about to do so. If it is a wait, it unlocks by a compare-exchange, which fails because
//! the turn has ended; the wait then does what the set would have done. A wait does wait for the holder, for a few
//! instructions and perhaps an allocation: it spins, and with `std` soon yields. *`a_set_wakes_every_wait`,
//! `two_sets_wake_a_wait`, `a_set_and_a_reset_meet_a_second_poll`.*
//!
//! **Wakers are called without the lock.** The list is taken as a whole and unlocked, and only then are the
//! wakers called. Wakers are also cloned and dropped outside the lock. So a waker may set, reset,
//! await and cancel. A wait that begins meanwhile is not in the list that was taken.
//! *`a_waker_that_drops_its_task`, `a_waker_that_uses_the_event_object`, `a_waker_whose_drop_uses_the_event_object`.*
//!
//! **A cancelled wait** takes its waker out of the list. If its turn is over, the thread that took
//! the list has its waker, and calls it in vain. *`a_cancelled_wait_leaves_nothing_behind`,
//! `a_cancelled_wait_meets_a_set_and_a_wait`, `two_waits_are_cancelled_and_one_is_not`.*

use alloc::collections::BTreeMap;
use core::mem;
use core::panic::RefUnwindSafe;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use super::EventSignal;
use crate::error::SignalError;
use crate::sync::{AtomicU64, Backoff, Ordering, UnsafeCell, const_fn};

/// A thread has the list of wakers to itself.
const LOCKED: u64 = 1;
/// The list is not empty. Off while the event object is signaled, except under `LOCKED`.
const WAITED: u64 = 2;
/// One turn. This bit of the word is on while the event object is signaled.
const TURN: u64 = 4;

/// A manual-reset event object that tasks await. It works in every async runtime, and without `std`. With the feature
/// `async`.
///
/// Many tasks and threads can wait. A set releases every wait that has begun, even if a reset follows before one of
/// them has run, as with a `ManualResetEvent`. A wait begins with the call of
/// [`wait`](Self::wait), even if the future is polled later. Only a set releases it. To cancel a wait, drop its future at
/// any time; the event object and the other waits stay as they are.
///
/// Setting calls the wakers of the waiting tasks on the thread that sets. It waits for no other thread. If another thread
/// is just beginning or cancelling a wait, that thread calls the wakers instead, as its next step.
///
/// A waker may set and reset the event object, begin, poll and cancel waits, and drop its task. No lock is held meanwhile.
/// It runs inside the event object (K4): one that runs its task at once may record and enumerate there, but selecting and
/// closing fail with [`RecorderError::Reentrant`](crate::RecorderError::Reentrant).
/// If a waker panics, the others are still called, and then the first panic continues. Without `std` a panic cannot be
/// caught: it continues at once, and the remaining wakers are not called.
///
/// The first poll of a wait allocates. Setting does not allocate, and frees what the waits have allocated. A wait that is
/// polled or dropped waits a moment for another one that is, or for a set; without `std` it spins. So do not poll or drop
/// a wait in an interrupt handler. Setting and resetting never spin.
///
/// ```
/// use std::sync::Arc;
/// use wsp_events::{AsyncEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let event = Arc::new(AsyncEvent::new());
/// let recorder = Arc::new(NetworkEventRecorder::new());
/// recorder.select(NetworkEvents::FD_ACCEPT, Arc::clone(&event))?;
///
/// // The provider. Here it is a task; it could be any thread.
/// let provider = Arc::clone(&recorder);
/// tokio::spawn(async move { provider.record(NetworkEvent::Accept, Ok(())) });
///
/// // The switch.
/// event.wait().await;
/// assert_eq!(recorder.enumerate_and_reset(&event)?.to_string(), "FD_ACCEPT: success");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AsyncEvent {
    word: AtomicU64,
    wakers: UnsafeCell<Wakers>,
}

/// The wakers of the waits that were polled, in the order of their first polls.
type Wakers = BTreeMap<u64, Waker>;

// SAFETY: the list is used only by the thread that has turned `LOCKED` on, and `Wakers` is `Send`.
// Tested by: a_set_wakes_every_wait, whose cell fails when two threads use it at once.
unsafe impl Sync for AsyncEvent {}

/// No panic interrupts a change of the list.
impl RefUnwindSafe for AsyncEvent {}

impl AsyncEvent {
    const_fn! {
        /// A nonsignaled event object.
        ///
        /// ```
        /// # use wsp_events::AsyncEvent;
        /// static EVENT: AsyncEvent = AsyncEvent::new();
        /// assert!(!EVENT.is_set());
        /// ```
        #[must_use]
        pub const fn new() -> Self {
            Self { word: AtomicU64::new(0), wakers: UnsafeCell::new(BTreeMap::new()) }
        }
    }

    /// Signals the event object and releases every wait.
    ///
    /// ```
    /// # use wsp_events::AsyncEvent;
    /// # let event = AsyncEvent::new();
    /// event.set();
    /// assert!(event.is_set());
    /// ```
    pub fn set(&self) {
        let set = |word| match word {
            _ if is_set(word) => Some(word),
            _ if word & WAITED != 0 => Some((word + TURN) | LOCKED),
            _ => Some(word + TURN),
        };
        let before = self.word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, set);
        if before.is_ok_and(|word| !is_set(word) && word & (WAITED | LOCKED) == WAITED) {
            self.unlock_and_wake();
        }
    }

    /// Makes the event object nonsignaled: a wait that begins now waits for the next set.
    ///
    /// ```
    /// # use wsp_events::AsyncEvent;
    /// # let event = AsyncEvent::new();
    /// event.set();
    /// event.reset();
    /// assert!(!event.is_set());
    /// ```
    pub fn reset(&self) {
        let reset = |word| is_set(word).then_some(word + TURN);
        _ = self.word.fetch_update(Ordering::Acquire, Ordering::Relaxed, reset);
    }

    /// Whether the event object is signaled.
    ///
    /// ```
    /// # use wsp_events::AsyncEvent;
    /// assert!(!AsyncEvent::new().is_set());
    /// ```
    #[must_use]
    pub fn is_set(&self) -> bool {
        is_set(self.look())
    }

    /// Waits until the event object is set. The wait begins with this call. If the event object is set already, the future
    /// is ready at once.
    ///
    /// ```
    /// # use wsp_events::AsyncEvent;
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let event = AsyncEvent::new();
    /// let wait = event.wait();
    /// event.set();
    /// event.reset();
    /// wait.await;
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn wait(&self) -> impl Future<Output = ()> + Send + Sync + '_ {
        Wait { event: self, turn: turn(self.look()), key: None }
    }

    /// Like [`wait`](Self::wait), but blocks the thread until the event object is set. Not for use inside a task.
    ///
    /// ```
    /// # use wsp_events::AsyncEvent;
    /// # let event = AsyncEvent::new();
    /// event.set();
    /// event.wait_blocking();
    /// ```
    #[cfg(feature = "std")]
    pub fn wait_blocking(&self) {
        struct Unpark(std::thread::Thread);
        impl alloc::task::Wake for Unpark {
            fn wake(self: alloc::sync::Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = alloc::sync::Arc::new(Unpark(std::thread::current())).into();
        let mut wait = core::pin::pin!(self.wait());
        while wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            std::thread::park();
        }
    }

    /// A thread that sees a set here also sees what was done before it.
    fn look(&self) -> u64 {
        self.word.load(Ordering::Acquire)
    }

    /// Runs `change` on the list, under the lock. `None` if the turn is over: then the list is not that turn's.
    fn with_wakers<R>(&self, turn: u64, change: impl FnOnce(&mut Wakers) -> R) -> Option<R> {
        let lock = |word| (word & !WAITED == turn).then_some(word | LOCKED);
        let mut backoff = Backoff::new();
        let locked = loop {
            match self.word.fetch_update(Ordering::Acquire, Ordering::Acquire, lock) {
                Ok(word) => break word | LOCKED,
                Err(word) if self::turn(word) != turn => return None,
                Err(_) => backoff.wait(),
            }
        };
        let (result, word) = self.wakers.with_mut(|wakers| {
            // SAFETY: this thread has turned `LOCKED` on.
            // Tested by: a_set_wakes_every_wait.
            let wakers = unsafe { &mut *wakers };
            (change(wakers), if wakers.is_empty() { turn } else { turn | WAITED })
        });
        // This fails if the turn has ended meanwhile.
        let unlocked =
            self.word.compare_exchange(locked, word, Ordering::Release, Ordering::Relaxed);
        if unlocked.is_err() {
            self.unlock_and_wake();
        }
        Some(result)
    }

    /// Takes the list, whose turn has ended, unlocks it, and calls the wakers.
    #[cold]
    fn unlock_and_wake(&self) {
        // SAFETY: this thread has turned `LOCKED` on.
        // Tested by: a_set_wakes_every_wait.
        let wakers = self.wakers.with_mut(|wakers| mem::take(unsafe { &mut *wakers }));
        self.word.fetch_and(!(LOCKED | WAITED), Ordering::Release);
        wake(wakers);
    }
}

/// Calls every waker, even if some of them panic. Then the first panic continues.
#[cfg(feature = "std")]
fn wake(wakers: Wakers) {
    use std::panic::{catch_unwind, resume_unwind};

    let mut panic = Ok(());
    for waker in wakers.into_values() {
        let result = catch_unwind(|| waker.wake());
        if panic.is_ok() {
            panic = result;
        } else {
            // Dropping its payload could panic.
            mem::forget(result);
        }
    }
    panic.unwrap_or_else(|payload| resume_unwind(payload));
}

#[cfg(not(feature = "std"))]
fn wake(wakers: Wakers) {
    wakers.into_values().for_each(Waker::wake);
}

struct Wait<'a> {
    event: &'a AsyncEvent,
    /// The turn in which the wait began.
    turn: u64,
    /// The waker's key in the list, as long as that turn lasts.
    key: Option<u64>,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // Signaled: the wait's turn is over, or it began while signaled.
        if self.event.is_set() {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        let listed = self.event.with_wakers(self.turn, |wakers| {
            let next = || wakers.last_key_value().map_or(0, |(last, _)| last + 1);
            let key = self.key.unwrap_or_else(next);
            (key, wakers.insert(key, waker))
        });
        // The waker that was replaced is dropped after the unlocking.
        let Some((key, _replaced)) = listed else { return Poll::Ready(()) };
        self.key = Some(key);
        Poll::Pending
    }
}

/// The wait is cancelled, or over.
impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            // The waker is dropped after the unlocking.
            self.event.with_wakers(self.turn, |wakers| wakers.remove(&key));
        }
    }
}

const fn turn(word: u64) -> u64 {
    word & !(LOCKED | WAITED)
}

const fn is_set(word: u64) -> bool {
    word & TURN != 0
}

impl Default for AsyncEvent {
    fn default() -> Self {
        Self::new()
    }
}

/// Never fails.
impl EventSignal for AsyncEvent {
    fn set_event(&self) -> Result<(), SignalError> {
        self.set();
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.reset();
        Ok(())
    }
}

#[cfg(all(test, feature = "std", not(any(wsp_loom, wsp_shuttle))))]
mod tests {
    use std::sync::{Arc, mpsc::channel};
    use std::task::Wake;
    use std::time::Duration;

    use super::*;

    struct Woken(std::sync::mpsc::Sender<()>);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.send(()).unwrap();
        }
    }

    /// Catches a set that waits for a wait that has the list, and a set whose wake-ups get lost there.
    #[test]
    fn a_set_leaves_the_waking_to_the_wait_that_has_the_list() {
        let (waker, woken) = channel();
        let (done, result) = channel();
        std::thread::spawn(move || {
            let event = AsyncEvent::new();
            let waker = Arc::new(Woken(waker)).into();
            let mut wait = core::pin::pin!(event.wait());
            assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            event.with_wakers(0, |_| {
                event.set();
                event.reset();
                event.set();
                assert!(woken.try_recv().is_err());
            });
            woken.try_recv().unwrap();
            event.reset();
            assert_eq!(event.word.load(Ordering::Relaxed), 4 * TURN, "nobody waits");
            done.send(()).unwrap();
        });
        result.recv_timeout(Duration::from_secs(60)).expect("it hangs, or has panicked");
    }
}
