//! Models of the protocol, run through every schedule that loom finds within the bound on preemptions. Loom's
//! cell around the list fails when two threads use it at once.

use std::boxed::Box;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use super::{AsyncEvent, WAITED};

fn model(body: impl Fn(Arc<AsyncEvent>) + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || body(Arc::new(AsyncEvent::new())));
}

fn spawn(
    event: &Arc<AsyncEvent>,
    body: impl FnOnce(&AsyncEvent) + 'static,
) -> thread::JoinHandle<()> {
    let event = Arc::clone(event);
    thread::spawn(move || body(&event))
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A runtime with one task. A lost wake-up leaves it parked, and loom reports a deadlock.
fn wait(event: &AsyncEvent) {
    wait_polled_twice(event, false);
}

fn wait_polled_twice(event: &AsyncEvent, twice: bool) {
    let waker = Arc::new(Unpark(thread::current())).into();
    let context = &mut Context::from_waker(&waker);
    // Not dropped by a panic: loom does not run on after one, and the test would be aborted.
    let mut wait = ManuallyDrop::new(Box::pin(event.wait()));
    if twice {
        _ = wait.as_mut().poll(context);
    }
    while wait.as_mut().poll(context).is_pending() {
        thread::park();
    }
    drop(ManuallyDrop::into_inner(wait));
}

/// A wait that has been polled, with a waker that does nothing.
fn polled(event: &AsyncEvent) -> Pin<Box<impl Future<Output = ()> + '_>> {
    let mut wait = Box::pin(event.wait());
    _ = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    wait
}

fn until_somebody_waits(event: &AsyncEvent) {
    while event.word.load(Ordering::Relaxed) & WAITED == 0 {
        thread::yield_now();
    }
}

/// Catches a wait that is never woken, and two threads that use the list at once.
#[test]
fn a_set_wakes_every_wait() {
    model(|event| {
        let waits = [(); 2].map(|()| spawn(&event, wait));
        event.set();
        for wait in waits {
            wait.join().unwrap();
        }
        assert!(event.is_set());
    });
}

/// Catches two sets that each leave the waking to the other.
#[test]
fn two_sets_wake_a_wait() {
    model(|event| {
        let wait = spawn(&event, wait);
        let other = spawn(&event, AsyncEvent::set);
        event.set();
        wait.join().unwrap();
        other.join().unwrap();
    });
}

/// Catches a set whose wake-up is lost because a reset comes before the wait has unlocked the list, and a wait that asks
/// whether the event object is set instead of whether it was set.
#[test]
fn a_set_releases_a_wait_although_a_reset_follows() {
    model(|event| {
        let wait = spawn(&event, wait);
        until_somebody_waits(&event);
        event.set();
        event.reset();
        wait.join().unwrap();
        assert!(!event.is_set());
    });
}

/// Catches a wait that has the list and does not notice a set and a reset.
#[test]
fn a_set_and_a_reset_meet_a_second_poll() {
    model(|event| {
        let wait = spawn(&event, |event| wait_polled_twice(event, true));
        until_somebody_waits(&event);
        event.set();
        event.reset();
        wait.join().unwrap();
    });
}

/// Catches an earlier set whose end releases a later wait or takes its waker.
#[test]
fn a_later_wait_is_not_released_by_an_earlier_set() {
    model(|event| {
        let first = spawn(&event, wait);
        until_somebody_waits(&event);
        let sets = Arc::new(AtomicU32::new(1));
        let setter = spawn(&event, AsyncEvent::set);
        while !event.is_set() {
            thread::yield_now();
        }
        event.reset();
        let second = spawn(&event, {
            let sets = Arc::clone(&sets);
            move |event| {
                wait(event);
                assert_eq!(sets.load(Ordering::Relaxed), 2, "released by the set before it came");
            }
        });
        sets.store(2, Ordering::Relaxed);
        event.set();
        for thread in [first, setter, second] {
            thread.join().unwrap();
        }
    });
}

/// Catches a set that orders nothing because the event object is already set. A thread that then resets must see what was
/// done before that set, or find the event object set.
#[test]
fn a_reset_sees_what_came_before_a_set() {
    model(|event| {
        event.set();
        let done = Arc::new(AtomicU32::new(0));
        let setter = spawn(&event, {
            let done = Arc::clone(&done);
            move |event| {
                done.store(1, Ordering::Relaxed);
                event.set();
            }
        });
        event.reset();
        let seen = done.load(Ordering::Relaxed) == 1;
        setter.join().unwrap();
        assert!(seen || event.is_set());
    });
}

/// Catches a set that releases a wait which does not see what was done before the set.
#[test]
fn a_wait_sees_what_came_before_the_set() {
    model(|event| {
        let done = Arc::new(AtomicU32::new(0));
        let waiter = spawn(&event, {
            let done = Arc::clone(&done);
            move |event| {
                wait(event);
                assert_eq!(done.load(Ordering::Relaxed), 1);
            }
        });
        done.store(1, Ordering::Relaxed);
        event.set();
        waiter.join().unwrap();
    });
}

/// Catches a wait that is cancelled while others begin and are released, and removes one of their wakers, leaves its own in
/// the list, or leaves the list locked.
#[test]
fn a_cancelled_wait_meets_a_set_and_a_wait() {
    model(|event| {
        let cancelled = spawn(&event, |event| drop(polled(event)));
        let wait = spawn(&event, wait);
        event.set();
        wait.join().unwrap();
        cancelled.join().unwrap();
        assert_eq!(event.word.load(Ordering::Relaxed), super::TURN, "somebody is in the list");
    });
}

/// Catches a wait that is cancelled before any set, and leaves its waker in the list or removes another's.
#[test]
fn two_waits_are_cancelled_and_one_is_not() {
    model(|event| {
        let kept = polled(&event);
        let other = spawn(&event, |event| drop(polled(event)));
        drop(polled(&event));
        other.join().unwrap();
        let listed = event.with_wakers(0, |wakers| wakers.len());
        assert_eq!(listed, Some(1));
        drop(kept);
        assert_eq!(event.word.load(Ordering::Relaxed), 0, "somebody is in the list");
    });
}
