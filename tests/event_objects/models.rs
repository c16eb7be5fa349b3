//! Models of the protocols of `ManualResetEvent` and `AsyncEvent`, run through every schedule that loom finds within
//! the bound on preemptions. Loom reports a deadlock if a waiting thread is not woken, and fails if two threads use the
//! list of wakers at once.

use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use loom::sync::atomic::{AtomicBool, AtomicU32};
use loom::thread::{self, JoinHandle};
use wsp_events::{AsyncEvent, EventSignal, ManualResetEvent};

trait Object: EventSignal + Default + Send + Sync + 'static {
    fn set(&self) {
        self.set_event().unwrap();
    }
    fn reset(&self) {
        self.reset_event().unwrap();
    }
    fn is_set(&self) -> bool;
    fn wait(&self);
    /// A thread that sleeps, or is about to.
    fn waiting(event: &Arc<Self>) -> JoinHandle<()>;
}

impl Object for ManualResetEvent {
    fn is_set(&self) -> bool {
        self.is_set()
    }
    fn wait(&self) {
        self.wait();
    }
    fn waiting(event: &Arc<Self>) -> JoinHandle<()> {
        let thread = spawn(event, Self::wait);
        while !event.is_waited_for() {
            thread::yield_now();
        }
        thread
    }
}

impl Object for AsyncEvent {
    fn is_set(&self) -> bool {
        self.is_set()
    }
    fn wait(&self) {
        drive(self, 1, || ());
    }
    fn waiting(event: &Arc<Self>) -> JoinHandle<()> {
        waiting(event, 1)
    }
}

/// A thread whose wait is in the list, and is polled so often before the thread is parked.
fn waiting(event: &Arc<AsyncEvent>, polls: u32) -> JoinHandle<()> {
    let listed = Arc::new(AtomicBool::new(false));
    let is_listed = Arc::clone(&listed);
    let thread = spawn(event, move |event| drive(event, polls, || listed.store(true, Release)));
    while !is_listed.load(Acquire) {
        thread::yield_now();
    }
    thread
}

/// A runtime with one task. It says when the wait is in the list.
fn drive(event: &AsyncEvent, mut polls: u32, listed: impl Fn()) {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let context = &mut Context::from_waker(&waker);
    // Not dropped by a panic: loom does not run on after one, and the test would be aborted.
    let mut wait = ManuallyDrop::new(Box::pin(event.wait()));
    while wait.as_mut().poll(context).is_pending() {
        listed();
        if polls > 1 {
            polls -= 1;
        } else {
            thread::park();
        }
    }
    drop(ManuallyDrop::into_inner(wait));
}

fn model<E: Object>(body: fn(Arc<E>)) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || body(Arc::default()));
}

fn spawn<E: Object>(event: &Arc<E>, body: impl FnOnce(&E) + 'static) -> JoinHandle<()> {
    let event = Arc::clone(event);
    thread::spawn(move || body(&event))
}

for_each! {
    model,
    [
        a_set_wakes_every_wait,
        two_sets_wake_a_wait,
        a_set_releases_a_wait_although_a_reset_follows,
        a_later_wait_is_not_released_by_an_earlier_set,
        a_reset_sees_what_came_before_a_set,
        a_wait_sees_what_came_before_the_set,
    ],
    {
        manual_reset: wsp_events::ManualResetEvent,
        async_event: wsp_events::AsyncEvent,
    }
}

/// Catches a wait that is never woken, and two threads that use the list at once.
fn a_set_wakes_every_wait<E: Object>(event: Arc<E>) {
    let waits = [(); 2].map(|()| spawn(&event, E::wait));
    event.set();
    for wait in waits {
        wait.join().unwrap();
    }
    assert!(event.is_set());
}

/// Catches two sets that each leave the waking to the other.
fn two_sets_wake_a_wait<E: Object>(event: Arc<E>) {
    let wait = spawn(&event, E::wait);
    let other = spawn(&event, E::set);
    event.set();
    wait.join().unwrap();
    other.join().unwrap();
}

/// Catches a wait that asks whether the event object is set instead of whether it was set, and a set whose wake-up is lost
/// because a reset comes before the wait has unlocked the list.
fn a_set_releases_a_wait_although_a_reset_follows<E: Object>(event: Arc<E>) {
    let wait = E::waiting(&event);
    event.set();
    event.reset();
    wait.join().unwrap();
    assert!(!event.is_set());
}

/// Catches an earlier set whose end releases a later wait or takes its waker.
fn a_later_wait_is_not_released_by_an_earlier_set<E: Object>(event: Arc<E>) {
    let first = E::waiting(&event);
    let sets = Arc::new(AtomicU32::new(1));
    let setter = spawn(&event, E::set);
    while !event.is_set() {
        thread::yield_now();
    }
    event.reset();
    let seen = Arc::clone(&sets);
    let second = spawn(&event, move |event| {
        event.wait();
        assert_eq!(seen.load(Relaxed), 2, "released by the set before it came");
    });
    sets.store(2, Relaxed);
    event.set();
    for thread in [first, setter, second] {
        thread.join().unwrap();
    }
}

/// Catches a set that orders nothing because the event object is already set. A thread that then resets must see what was
/// done before that set, or find the event object set.
fn a_reset_sees_what_came_before_a_set<E: Object>(event: Arc<E>) {
    event.set();
    let done = Arc::new(AtomicU32::new(0));
    let before = Arc::clone(&done);
    let setter = spawn(&event, move |event| {
        before.store(1, Relaxed);
        event.set();
    });
    event.reset();
    let seen = done.load(Relaxed) == 1;
    setter.join().unwrap();
    assert!(seen || event.is_set());
}

/// Catches a set that releases a wait which does not see what was done before the set.
fn a_wait_sees_what_came_before_the_set<E: Object>(event: Arc<E>) {
    let done = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&done);
    let waiter = spawn(&event, move |event| {
        event.wait();
        assert_eq!(seen.load(Relaxed), 1);
    });
    done.store(1, Relaxed);
    event.set();
    waiter.join().unwrap();
}

/// Catches a wait that has the list and does not notice a set and a reset.
#[test]
fn a_set_and_a_reset_meet_a_second_poll() {
    model(|event| {
        let wait = waiting(&event, 2);
        event.set();
        event.reset();
        wait.join().unwrap();
    });
}

/// A waker that does nothing. Its references say whether it is in a list.
struct Idle;

impl Wake for Idle {
    fn wake(self: Arc<Self>) {}
}

/// A wait that has been polled.
fn polled<'a>(event: &'a AsyncEvent, waker: &Arc<Idle>) -> Pin<Box<impl Future<Output = ()> + 'a>> {
    let mut wait = Box::pin(event.wait());
    _ = wait.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(waker))));
    wait
}

/// Catches a wait that is cancelled while others begin and are released, and removes one of their wakers, leaves its own in
/// the list, or leaves the list locked.
#[test]
fn a_cancelled_wait_meets_a_set_and_a_wait() {
    model(|event| {
        let idle = Arc::new(Idle);
        let waker = Arc::clone(&idle);
        let cancelled = spawn(&event, move |event| drop(polled(event, &waker)));
        let wait = spawn(&event, Object::wait);
        event.set();
        wait.join().unwrap();
        cancelled.join().unwrap();
        assert_eq!(Arc::strong_count(&idle), 1, "the cancelled wait is in the list");
        event.reset();
        // This waits for the list.
        drop(polled(&event, &idle));
    });
}

/// Catches a wait that is cancelled before any set, and leaves its waker in the list or removes another's.
#[test]
fn two_waits_are_cancelled_and_one_is_not() {
    model(|event| {
        let wakers = [(); 3].map(|()| Arc::new(Idle));
        let listed = || wakers.each_ref().map(|waker| Arc::strong_count(waker) - 1);
        let kept = polled(&event, &wakers[0]);
        let waker = Arc::clone(&wakers[1]);
        let other = spawn(&event, move |event| drop(polled(event, &waker)));
        drop(polled(&event, &wakers[2]));
        other.join().unwrap();
        assert_eq!(listed(), [1, 0, 0]);
        drop(kept);
        assert_eq!(listed(), [0; 3]);
    });
}
