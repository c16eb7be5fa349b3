//! `AsyncEvent`: wakers, cancelled waits, polls.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use wsp_events::{AsyncEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};

use crate::common::{EventObject, must_return};

impl EventObject for AsyncEvent {
    fn create() -> Self {
        Self::new()
    }
    fn is_signaled(&self) -> bool {
        self.is_set()
    }
    fn wait_for_it(&self) {
        self.wait_blocking();
    }
}

type Wait<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A wait in a runtime that counts how often it is woken.
struct Task<'a> {
    wait: Wait<'a>,
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
        is_over(&mut self.wait, &self.wakes.clone().into())
    }

    fn wakes(&self) -> usize {
        self.wakes.0.load(SeqCst)
    }

    /// How often its waker is in the list.
    fn listed(&self) -> usize {
        Arc::strong_count(&self.wakes) - 1
    }

    fn cancel(self) {
        drop(self.wait);
        assert_eq!(Arc::strong_count(&self.wakes), 1, "its waker is still in the list");
    }
}

fn is_over(wait: &mut Wait<'_>, waker: &Waker) -> bool {
    wait.as_mut().poll(&mut Context::from_waker(waker)) == Poll::Ready(())
}

/// Catches a set that wakes only one wait, a wait that returns only if the event object is still set, and a wait that takes
/// any poll for a wake-up.
#[test]
fn a_set_releases_all_who_wait_though_a_reset_follows() {
    let event = AsyncEvent::new();
    let (mut unpolled, mut waiting) = (Task::new(&event), [0; 3].map(|_| Task::waiting(&event)));
    event.reset();
    assert!(!waiting[0].is_over());
    assert_eq!(waiting[0].wakes(), 0);
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

/// Catches a cancelled wait that leaves its waker in the list or removes another's, also one of an earlier turn; a wake-up
/// that is lost because the wait that got it is cancelled; and a cancelled wait that changes the event object.
#[test]
fn a_cancelled_wait_leaves_nothing_behind() {
    let event = AsyncEvent::new();
    let mut earlier = Task::waiting(&event);
    event.set();
    event.reset();
    let [mut first, second, third] = [0; 3].map(|_| Task::waiting(&event));
    assert!(earlier.is_over());
    earlier.cancel();
    assert!(!first.is_over());
    assert_eq!([&first, &second, &third].map(Task::listed), [1; 3], "the first was polled twice");
    second.cancel();
    Task::waiting(&event).cancel();
    Task::new(&event).cancel();
    assert_eq!([&first, &third].map(Task::listed), [1; 2]);
    event.set();
    assert_eq!([&first, &third].map(|task| (task.wakes(), task.listed())), [(1, 0); 2]);
    third.cancel();
    assert!(event.is_set() && first.is_over());
    event.reset();
    first.cancel();
    Task::waiting(&event).cancel();
}

/// A task of an executor that keeps its tasks only in a queue.
struct Queued {
    wait: Mutex<Wait<'static>>,
    queue: Sender<Arc<Self>>,
}

impl Wake for Queued {
    fn wake(self: Arc<Self>) {
        // If the executor is gone, this drops the task, and the wait with it.
        _ = self.queue.clone().send(self);
    }
}

/// A wait that owns its event object.
fn wait_for(event: &Arc<AsyncEvent>) -> Wait<'static> {
    let event = Arc::clone(event);
    Box::pin(async move { event.wait().await })
}

/// Catches wakers that are called under a lock which a cancelled wait needs.
#[test]
fn a_waker_that_drops_its_task() {
    must_return(|| {
        let event = Arc::new(AsyncEvent::new());
        let (queue, executor) = channel();
        for _ in 0..3 {
            let wait = Mutex::new(wait_for(&event));
            let task = Arc::new(Queued { wait, queue: queue.clone() });
            let waker = Arc::clone(&task).into();
            assert!(!is_over(&mut task.wait.lock().unwrap(), &waker));
        }
        drop(executor);
        let recorder = NetworkEventRecorder::new();
        recorder.select(NetworkEvents::FD_READ, Arc::clone(&event)).unwrap();
        assert_eq!(Arc::strong_count(&event), 5);
        recorder.record(NetworkEvent::Read, Ok(()));
        assert_eq!(Arc::strong_count(&event), 2, "a task is still there");
    });
}

/// A waker that does something when it is woken, and something when the last of its clones is dropped.
fn acts(
    woken: impl Fn() + Send + Sync + 'static,
    dropped: impl Fn() + Send + Sync + 'static,
) -> Waker {
    struct Acts<W: Fn(), D: Fn()>(W, D);
    impl<W: Fn() + Send + Sync, D: Fn() + Send + Sync> Wake for Acts<W, D> {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
    }
    impl<W: Fn(), D: Fn()> Drop for Acts<W, D> {
        fn drop(&mut self) {
            (self.1)();
        }
    }
    Arc::new(Acts(woken, dropped)).into()
}

/// What a waker may do with the event object: begin, poll and cancel waits, and set and reset it, so that more wakers are
/// called.
fn use_in_every_way(event: &AsyncEvent) {
    let mut at_the_moment = Task::new(event);
    _ = at_the_moment.is_over();
    event.reset();
    let [mut kept, dropped] = [0; 2].map(|_| Task::waiting(event));
    drop(dropped);
    event.set();
    assert!(event.is_set());
    assert_eq!(kept.wakes(), 1);
    assert!(kept.is_over());
    event.reset();
    drop(Task::waiting(event));
}

/// Catches a waker that is called under a lock, and a set that never returns because it also wakes waits that its wakers
/// begin.
#[test]
fn a_waker_that_uses_the_event_object() {
    must_return(|| {
        let event = Arc::new(AsyncEvent::new());
        let waits = Arc::new(Mutex::new(Vec::new()));
        let wakes = Arc::new(AtomicUsize::new(0));
        let waker = |again: Option<Waker>| {
            let (event, waits, wakes) =
                (Arc::clone(&event), Arc::clone(&waits), Arc::clone(&wakes));
            let woken = move || {
                wakes.fetch_add(1, SeqCst);
                use_in_every_way(&event);
                // It was reset: the same task waits again.
                let mut wait = wait_for(&event);
                assert!(!is_over(&mut wait, again.as_ref().unwrap_or(Waker::noop())));
                waits.lock().unwrap().push(wait);
            };
            acts(woken, || ())
        };
        let (first, second) = (waker(None), waker(Some(waker(None))));
        let mut waiting = [0; 2].map(|_| wait_for(&event));
        assert!(!is_over(&mut waiting[0], &first));
        assert!(!is_over(&mut waiting[1], &second));
        event.set();
        assert_eq!(wakes.load(SeqCst), 2);
        assert!(waiting.iter_mut().all(|wait| is_over(wait, Waker::noop())));
        // The second waker's wait is the only one that still has a waker of these.
        event.set();
        assert_eq!(wakes.load(SeqCst), 3);
    });
}

/// Catches a waker that is dropped under a lock, when it is replaced or when its wait is dropped.
#[test]
fn a_waker_whose_drop_uses_the_event_object() {
    must_return(|| {
        let event = Arc::new(AsyncEvent::new());
        let drops = Arc::new(AtomicUsize::new(0));
        let waker = || {
            let (event, drops) = (Arc::clone(&event), Arc::clone(&drops));
            let dropped = move || {
                use_in_every_way(&event);
                drops.fetch_add(1, SeqCst);
            };
            acts(|| (), dropped)
        };
        let mut wait = wait_for(&event);
        let second = waker();
        assert!(!is_over(&mut wait, &waker()));
        assert_eq!(drops.load(SeqCst), 0);
        assert!(!is_over(&mut wait, &second));
        assert_eq!(drops.load(SeqCst), 1, "the second has taken the place of the first");
        assert!(is_over(&mut wait, &second), "the first has set the event object");
        let mut wait = wait_for(&event);
        assert!(!is_over(&mut wait, &waker()));
        drop(wait);
        assert_eq!(drops.load(SeqCst), 2, "the third is cancelled");
    });
}

/// Catches a panic that prevents the wake-ups of others, is ignored, or leaves the event object locked.
#[test]
fn a_waker_that_panics_does_so_after_the_others() {
    must_return(|| {
        let event = AsyncEvent::new();
        let before = Task::waiting(&event);
        let mut panicking = [0; 2].map(|_| Box::pin(event.wait()) as Wait<'_>);
        for (n, wait) in panicking.iter_mut().enumerate() {
            assert!(!is_over(wait, &acts(move || std::panic::panic_any(n), || ())));
        }
        let after = Task::waiting(&event);
        let panic = catch_unwind(AssertUnwindSafe(|| event.set())).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&0_usize), "the first panic");
        assert_eq!((before.wakes(), after.wakes()), (1, 1));
        assert!(event.is_set());
        event.reset();
        let later = Task::waiting(&event);
        event.set();
        assert_eq!(later.wakes(), 1);
    });
}
