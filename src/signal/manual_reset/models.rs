//! Models of the protocol, run through every schedule that loom finds within the bound on preemptions.
//! They look at the word, to know that somebody sleeps.

use std::sync::Arc;

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use super::{ManualResetEvent, WAITED};

fn model(body: impl Fn(Arc<ManualResetEvent>) + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || body(Arc::new(ManualResetEvent::new())));
}

fn spawn(
    event: &Arc<ManualResetEvent>,
    body: impl FnOnce(&ManualResetEvent) + 'static,
) -> thread::JoinHandle<()> {
    let event = Arc::clone(event);
    thread::spawn(move || body(&event))
}

fn until_somebody_sleeps(event: &ManualResetEvent) {
    while event.word.load(Ordering::Relaxed) & WAITED == 0 {
        thread::yield_now();
    }
}

/// Catches a waiter that is left asleep. Loom reports a deadlock.
#[test]
fn a_set_wakes_every_sleeper() {
    model(|event| {
        let waiters = [(); 2].map(|()| spawn(&event, ManualResetEvent::wait));
        event.set();
        for waiter in waiters {
            waiter.join().unwrap();
        }
        assert!(event.is_set());
    });
}

/// Catches two sets that each leave the waking to the other.
#[test]
fn two_sets_wake_a_sleeper() {
    model(|event| {
        let waiter = spawn(&event, ManualResetEvent::wait);
        let other = spawn(&event, ManualResetEvent::set);
        event.set();
        waiter.join().unwrap();
        other.join().unwrap();
    });
}

/// Catches a waiter that asks whether the event object is set instead of whether it was set.
#[test]
fn a_set_releases_who_waits_although_a_reset_follows() {
    model(|event| {
        let waiter = spawn(&event, ManualResetEvent::wait);
        until_somebody_sleeps(&event);
        event.set();
        event.reset();
        waiter.join().unwrap();
        assert!(!event.is_set());
    });
}

/// Catches an earlier set whose end releases a later waiter.
#[test]
fn who_comes_after_the_reset_waits_for_the_next_set() {
    model(|event| {
        let first = spawn(&event, ManualResetEvent::wait);
        until_somebody_sleeps(&event);
        let sets = Arc::new(AtomicU32::new(1));
        let setter = spawn(&event, ManualResetEvent::set);
        while !event.is_set() {
            thread::yield_now();
        }
        event.reset();
        let second = spawn(&event, {
            let sets = Arc::clone(&sets);
            move |event| {
                event.wait();
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

/// Catches a set that releases a waiter which does not see what was done before the set.
#[test]
fn a_waiter_sees_what_came_before_the_set() {
    model(|event| {
        let done = Arc::new(AtomicU32::new(0));
        let waiter = spawn(&event, {
            let done = Arc::clone(&done);
            move |event| {
                event.wait();
                assert_eq!(done.load(Ordering::Relaxed), 1);
            }
        });
        done.store(1, Ordering::Relaxed);
        event.set();
        waiter.join().unwrap();
    });
}
