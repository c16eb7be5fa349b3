//! The same tests for every event object that one can wait for: a manual-reset event object is what
//! they say it is, and nothing is lost when threads set, reset and wait at the same time.

#[cfg(feature = "async")]
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Release, SeqCst};
use std::sync::mpsc::channel;
#[cfg(feature = "async")]
use std::task::{Context, Wake};
use std::thread;
use std::time::Duration;
use std::vec::Vec;

use super::EventSignal;
#[cfg(feature = "async")]
use crate::error::SignalError;
use crate::event::{NetworkEvent, NetworkEvents};
use crate::recorder::NetworkEventRecorder;
use crate::sync::Backoff;

pub(super) trait EventObject: EventSignal + Send + Sync + 'static {
    fn create() -> Self;
    fn is_signaled(&self) -> bool;
    fn wait_for_it(&self);
}

impl EventObject for super::ManualResetEvent {
    fn create() -> Self {
        Self::new()
    }
    fn is_signaled(&self) -> bool {
        self.is_set()
    }
    fn wait_for_it(&self) {
        self.wait();
    }
}

#[cfg(feature = "async")]
impl EventObject for super::AsyncEvent {
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

/// An [`AsyncEvent`](super::AsyncEvent) that is awaited, where the other is waited for by blocking.
#[cfg(feature = "async")]
struct Awaited(super::AsyncEvent);

#[cfg(feature = "async")]
impl EventSignal for Awaited {
    fn set_event(&self) -> Result<(), SignalError> {
        self.0.set_event()
    }
    fn reset_event(&self) -> Result<(), SignalError> {
        self.0.reset_event()
    }
}

#[cfg(feature = "async")]
impl EventObject for Awaited {
    fn create() -> Self {
        Self(super::AsyncEvent::new())
    }
    fn is_signaled(&self) -> bool {
        self.0.is_set()
    }
    fn wait_for_it(&self) {
        struct Parked(thread::Thread);
        impl Wake for Parked {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Arc::new(Parked(thread::current())).into();
        let mut wait = pin!(self.0.wait());
        while wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            thread::park();
        }
    }
}

macro_rules! event_objects {
    ($($(#[$attribute:meta])* $kind:ident: $object:ty,)*) => {$(
        $(#[$attribute])*
        mod $kind {
            #[test]
            fn a_level_until_the_reset() {
                super::must_return(super::a_level_until_the_reset::<$object>);
            }
            #[test]
            fn a_wait_lasts_until_the_set() {
                super::must_return(super::a_wait_lasts_until_the_set::<$object>);
            }
            #[test]
            fn one_reset_undoes_many_sets() {
                super::must_return(super::one_reset_undoes_many_sets::<$object>);
            }
            #[test]
            fn a_set_that_meets_a_wait() {
                super::must_return(super::a_set_that_meets_a_wait::<$object>);
            }
            #[test]
            fn p3_many_recorders_share_it() {
                super::must_return(super::p3_many_recorders_share_it::<$object>);
            }
        }
    )*};
}

event_objects! {
    manual_reset: crate::ManualResetEvent,
    #[cfg(feature = "async")]
    blocking: crate::AsyncEvent,
    #[cfg(feature = "async")]
    awaited: super::Awaited,
    #[cfg(all(unix, feature = "pollable"))]
    pollable: crate::unix::PollableEvent,
    #[cfg(all(unix, feature = "pollable"))]
    pipe: crate::unix::pipe::Pipe,
}

/// Runs `body` on a thread of its own and fails if it has not returned after a long while.
pub(super) fn must_return(body: fn()) {
    let (done, result) = channel();
    thread::spawn(move || {
        body();
        done.send(())
    });
    result.recv_timeout(Duration::from_secs(60)).expect("it hangs, or has panicked");
}

/// Catches an event object that is set when it is made, that a wait resets, and that blocks when it is
/// reset twice.
fn a_level_until_the_reset<E: EventObject>() {
    let event = E::create();
    assert!(!event.is_signaled());
    for _ in 0..2 {
        event.set_event().unwrap();
        event.wait_for_it();
        event.wait_for_it();
        assert!(event.is_signaled());
        event.reset_event().unwrap();
        assert!(!event.is_signaled());
        event.reset_event().unwrap();
        assert!(!event.is_signaled());
    }
}

/// Catches a wait that is over before the set.
fn a_wait_lasts_until_the_set<E: EventObject>() {
    let (event, sets) = (Arc::new(E::create()), Arc::new(AtomicUsize::new(0)));
    for set in 1..=100 {
        let setter = thread::spawn({
            let (event, sets) = (Arc::clone(&event), Arc::clone(&sets));
            move || {
                sets.store(set, SeqCst);
                event.set_event().unwrap();
            }
        });
        event.wait_for_it();
        assert_eq!(sets.load(SeqCst), set);
        setter.join().unwrap();
        event.reset_event().unwrap();
    }
}

/// Catches a set that blocks or fails when a pipe is full, and a reset that leaves a part.
fn one_reset_undoes_many_sets<E: EventObject>() {
    let event = E::create();
    for _ in 0..100_000 {
        event.set_event().unwrap();
    }
    assert!(event.is_signaled());
    event.reset_event().unwrap();
    assert!(!event.is_signaled());
}

/// Catches a set that is missed by a wait which has looked already, and does not sleep yet: not in
/// every run, but in most of those that have two processors.
fn a_set_that_meets_a_wait<E: EventObject>() {
    const ROUNDS: usize = 50_000;
    let (event, round) = (Arc::new(E::create()), Arc::new(AtomicUsize::new(0)));
    let setter = thread::spawn({
        let (event, round) = (Arc::clone(&event), Arc::clone(&round));
        move || {
            for n in 1..=ROUNDS {
                // Close behind the wait, if there is a processor for each.
                let mut backoff = Backoff::new();
                while round.load(Acquire) < n {
                    backoff.wait();
                }
                event.set_event().unwrap();
            }
        }
    });
    for n in 1..=ROUNDS {
        round.store(n, Release);
        // So that the set comes a little earlier or later each time.
        (0..n % 16).for_each(|_| std::hint::spin_loop());
        event.wait_for_it();
        event.reset_event().unwrap();
    }
    setter.join().unwrap();
}

/// Catches a wake-up that is lost where sets and resets of many threads meet: every occurrence is
/// waited for until it is reported.
fn p3_many_recorders_share_it<E: EventObject>() {
    const ROUNDS: usize = 2000;
    let event = Arc::new(E::create());
    let sockets: Vec<_> = (0..4)
        .map(|_| {
            let recorder = NetworkEventRecorder::new();
            recorder.select(NetworkEvents::FD_ACCEPT, Arc::clone(&event)).unwrap();
            let (accept, accepted) = channel();
            (Arc::new(recorder), accept, accepted)
        })
        .collect();
    let mut switch = Vec::new();
    for (recorder, accept, accepted) in sockets {
        switch.push((Arc::clone(&recorder), accept));
        thread::spawn(move || {
            for _ in 0..ROUNDS {
                recorder.record(NetworkEvent::Accept, Ok(())).unwrap();
                accepted.recv().unwrap();
            }
        });
    }
    let mut reports = 0;
    while reports < 4 * ROUNDS {
        event.wait_for_it();
        event.reset_event().unwrap();
        for (recorder, accept) in &switch {
            if !recorder.enumerate().unwrap().events().is_empty() {
                reports += 1;
                accept.send(()).unwrap();
            }
        }
    }
    assert!(!event.is_signaled());
}
