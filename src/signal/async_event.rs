//! [`AsyncEvent`]: an event object that tasks await, in any runtime.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

use event_listener::{Event, EventListener};

use super::EventSignal;
use crate::error::SignalError;

/// A manual-reset event object that is awaited: in every runtime, since it needs nothing of one.
/// With the feature `async`; it does without `std`.
///
/// Many tasks and threads can wait. A set releases everyone who is waiting at that moment, even if
/// a reset follows before one of them has run, as with a
/// [`ManualResetEvent`](crate::ManualResetEvent); whoever has called [`wait`](Self::wait) is
/// waiting, though the future may not have been polled yet. Nothing but a set releases them. To
/// cancel a wait (drop its future, at any moment) takes nothing from anybody: the event object
/// stays as it is, and the other waits go on.
///
/// Setting wakes the waiting tasks on the thread that records, by their wakers, and waits for none
/// of them.
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
/// // The provider: in a task here, it could be any thread.
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
    /// How often the event object has changed: odd while it is set.
    changes: AtomicU64,
    released: Event,
    /// Whether anyone has ever waited: before that a set has nobody to wake, and the first use of
    /// `released` allocates, which is not for the thread that records (K6).
    awaited: AtomicBool,
}

impl AsyncEvent {
    /// A nonsignaled event object.
    ///
    /// ```
    /// # use wsp_events::AsyncEvent;
    /// static EVENT: AsyncEvent = AsyncEvent::new();
    /// assert!(!EVENT.is_set());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self { changes: AtomicU64::new(0), released: Event::new(), awaited: AtomicBool::new(false) }
    }

    /// Signals the event object and releases whoever waits.
    ///
    /// ```
    /// # use wsp_events::AsyncEvent;
    /// # let event = AsyncEvent::new();
    /// event.set();
    /// assert!(event.is_set());
    /// ```
    pub fn set(&self) {
        self.change(|changes| !is_set(changes));
        // Even if it was set: the thread that has set it may not have come to this line yet.
        if self.awaited.load(SeqCst) {
            self.released.notify(usize::MAX);
        }
    }

    /// Makes the event object nonsignaled: who waits from now on waits for the next set.
    ///
    /// ```
    /// # use wsp_events::AsyncEvent;
    /// # let event = AsyncEvent::new();
    /// event.set();
    /// event.reset();
    /// assert!(!event.is_set());
    /// ```
    pub fn reset(&self) {
        self.change(is_set);
    }

    /// Whether the event object is signaled.
    ///
    /// ```
    /// # use wsp_events::AsyncEvent;
    /// assert!(!AsyncEvent::new().is_set());
    /// ```
    #[must_use]
    pub fn is_set(&self) -> bool {
        is_set(self.changes())
    }

    /// Waits until the event object is set, from this call on; the future is ready at once if it is.
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
        let since = self.changes();
        async move {
            let mut listener = None;
            while !self.was_set(since) {
                match listener.take() {
                    None => listener = Some(self.listen()),
                    Some(listener) => listener.await,
                }
            }
        }
    }

    /// As [`wait`](Self::wait), for a thread: it blocks until the event object is set. Not for use
    /// inside a task.
    ///
    /// ```
    /// # use wsp_events::AsyncEvent;
    /// # let event = AsyncEvent::new();
    /// event.set();
    /// event.wait_blocking();
    /// ```
    #[cfg(feature = "std")]
    pub fn wait_blocking(&self) {
        use event_listener::Listener;

        let since = self.changes();
        let mut listener = None;
        while !self.was_set(since) {
            match listener.take() {
                None => listener = Some(self.listen()),
                Some(listener) => listener.wait(),
            }
        }
    }

    /// A listener, which is told of what comes from now on: so the wait looks once more before it
    /// relies on it. A wait writes `awaited` and then reads `changes`, a set does it the other way
    /// round: one of them sees the other.
    fn listen(&self) -> EventListener {
        let listener = self.released.listen();
        self.awaited.store(true, SeqCst);
        listener
    }

    fn change(&self, wanted: impl Fn(u64) -> bool) {
        let next = |changes| wanted(changes).then_some(changes + 1);
        // Refused if it is as wanted already.
        let _ = self.changes.fetch_update(SeqCst, SeqCst, next);
    }

    fn changes(&self) -> u64 {
        self.changes.load(SeqCst)
    }

    /// Whether it is set, or has been in between.
    fn was_set(&self, since: u64) -> bool {
        is_set(since) || self.changes() != since
    }
}

const fn is_set(changes: u64) -> bool {
    changes % 2 == 1
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

#[cfg(all(test, feature = "std"))]
mod tests {
    use std::boxed::Box;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::{Context, Poll, Wake};

    use super::*;

    /// A wait in a runtime that counts how often it is woken.
    struct Task<'a> {
        wait: Pin<Box<dyn Future<Output = ()> + 'a>>,
        wakes: Arc<Wakes>,
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    impl<'a> Task<'a> {
        fn new(event: &'a AsyncEvent) -> Self {
            Self { wait: Box::pin(event.wait()), wakes: Arc::default() }
        }

        /// A wait that has been polled and is pending.
        fn waiting(event: &'a AsyncEvent) -> Self {
            let mut task = Self::new(event);
            assert!(!task.is_over());
            task
        }

        fn is_over(&mut self) -> bool {
            let waker = self.wakes.clone().into();
            self.wait.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Ready(())
        }

        fn wakes(&self) -> usize {
            self.wakes.0.load(SeqCst)
        }
    }

    /// Catches a set that wakes one alone, and a wait that is over only if the event object is
    /// still set.
    #[test]
    fn a_set_releases_all_who_wait_though_a_reset_follows() {
        let event = AsyncEvent::new();
        let (mut unpolled, mut waiting) =
            (Task::new(&event), [0; 3].map(|_| Task::waiting(&event)));
        event.set();
        event.reset();
        let mut later = Task::waiting(&event);
        for task in &mut waiting {
            assert_eq!(task.wakes(), 1);
            assert!(task.is_over());
        }
        assert!(unpolled.is_over());
        assert!(!later.is_over());
        assert_eq!(later.wakes(), 0);
    }

    /// Catches a wake-up that is lost with the wait that it had reached, and a cancelled wait that
    /// leaves the event object changed.
    #[test]
    fn a_cancelled_wait_takes_nothing_from_anybody() {
        let event = AsyncEvent::new();
        let [before, woken] = [0; 2].map(|_| Task::waiting(&event));
        let mut other = Task::waiting(&event);
        drop(before);
        event.set();
        assert_eq!(woken.wakes(), 1);
        drop(woken);
        assert!(event.is_set());
        assert_eq!(other.wakes(), 1);
        assert!(other.is_over());
        assert!(Task::new(&event).is_over());
    }

    /// Catches a wait that trusts whatever wakes it: a set, say, that was reset before the wait
    /// began and only now comes to waking.
    #[test]
    fn nothing_but_a_set_releases() {
        let event = AsyncEvent::new();
        let mut task = Task::waiting(&event);
        event.released.notify(usize::MAX);
        assert_eq!(task.wakes(), 1);
        assert!(!task.is_over());
        event.set();
        assert_eq!(task.wakes(), 2);
        assert!(task.is_over());
    }

    /// Catches a set that returns before those who wait are woken, because another thread's set is
    /// halfway.
    #[test]
    fn a_set_that_another_has_begun_wakes_too() {
        let event = AsyncEvent::new();
        let task = Task::waiting(&event);
        event.change(|changes| !is_set(changes));
        event.set();
        assert_eq!(task.wakes(), 1);
    }
}
