//! The same tests for every event object that one can wait for: a manual-reset event object is what
//! they say it is, and nothing is lost when threads set, reset and wait at the same time.

#[cfg(feature = "async")]
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::mpsc::channel;
#[cfg(feature = "async")]
use std::task::{Context, Wake};
use std::thread;
use std::time::{Duration, Instant};
use std::vec::Vec;

use super::EventSignal;
#[cfg(feature = "async")]
use crate::error::SignalError;
use crate::event::{NetworkEvent, NetworkEvents};
use crate::recorder::NetworkEventRecorder;
use crate::sync::Backoff;

pub(super) trait EventObject: EventSignal + Send + Sync + 'static {
    /// How many a test may create at once.
    const MANY: usize = 2000;

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

/// An [`AsyncEvent`](super::AsyncEvent) that is awaited. The tests wait for a plain one by blocking.
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
            fn a_set_that_changes_nothing_is_ordered() {
                super::must_return(super::a_set_that_changes_nothing_is_ordered::<$object>);
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

/// Catches an event object that is signaled when created, is reset by a wait, or blocks when reset twice.
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

/// Catches a wait that returns before the set.
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

/// Catches a set that blocks or fails when a pipe is full, and a reset that does not empty it.
fn one_reset_undoes_many_sets<E: EventObject>() {
    let event = E::create();
    for _ in 0..100_000 {
        event.set_event().unwrap();
    }
    assert!(event.is_signaled());
    event.reset_event().unwrap();
    assert!(!event.is_signaled());
}

/// Catches a set that is missed by a wait that has already looked and does not sleep yet. On two processors most runs
/// catch it.
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

/// Catches a set that orders nothing if it changes nothing, which violates the requirement of [`EventSignal`]. One thread
/// stores and sets, from event object to event object; the other resets and loads at the event object that the first
/// thread is at. If a set looks first and returns because the event object is set, about a hundred of the meetings show
/// it on x86-64. None does if the look is a system call, which takes longer than the store.
fn a_set_that_changes_nothing_is_ordered<E: EventObject>() {
    const MEETINGS: usize = 2000;
    /// On a busy machine the two threads seldom run at the same time.
    const AT_MOST: Duration = Duration::from_millis(500);

    /// On its own cache lines, so that a store to it takes a while.
    #[repr(align(128))]
    #[derive(Default)]
    struct Alone(AtomicUsize);
    struct Socket<E> {
        event: E,
        recorded: Alone,
    }

    let create = |_| Socket { event: E::create(), recorded: Alone::default() };
    let sockets: Arc<Vec<_>> = Arc::new((0..E::MANY).map(create).collect());
    let (round, place) = (Arc::new(Alone::default()), Arc::new(Alone::default()));
    let setter = thread::spawn({
        let (sockets, round, place) =
            (Arc::clone(&sockets), Arc::clone(&round), Arc::clone(&place));
        move || {
            hold_to_processor(1);
            let mut last = 0;
            loop {
                let now = round.0.load(Acquire);
                if now == usize::MAX {
                    return;
                }
                if now == last {
                    std::hint::spin_loop();
                    continue;
                }
                last = now;
                for (at, socket) in sockets.iter().enumerate() {
                    place.0.store(at, Relaxed);
                    socket.recorded.0.store(now, Relaxed);
                    socket.event.set_event().unwrap();
                }
                place.0.store(sockets.len(), Release);
            }
        }
    });
    hold_to_processor(0);
    let start = Instant::now();
    let (mut now, mut meetings, mut lost) = (0, 0, 0);
    while meetings < MEETINGS && start.elapsed() < AT_MOST {
        sockets.iter().for_each(|socket| socket.event.set_event().unwrap());
        place.0.store(0, Relaxed);
        now += 1;
        round.0.store(now, Release);
        let (mut next, mut resets, mut unseen) = (0, 0, Vec::new());
        loop {
            let here = place.0.load(Acquire);
            if here == sockets.len() {
                break;
            }
            // A little ahead, more or less.
            let at = here + resets % 4;
            if at < next || at >= sockets.len() {
                std::hint::spin_loop();
                continue;
            }
            let socket = &sockets[at];
            socket.event.reset_event().unwrap();
            if socket.recorded.0.load(Relaxed) != now {
                unseen.push(socket);
            }
            meetings += usize::from(place.0.load(Relaxed) != here);
            (next, resets) = (at + 1, resets + 1);
        }
        lost += unseen.iter().filter(|socket| !socket.event.is_signaled()).count();
    }
    round.0.store(usize::MAX, Release);
    setter.join().unwrap();
    assert_eq!(lost, 0, "wiped out by a reset that has not seen what was done before the set");
}

/// Pins the calling thread to one of two processors, if there are two. A busy scheduler may leave two threads that spin for
/// each other on one processor.
#[cfg(target_os = "linux")]
fn hold_to_processor(n: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let allowed = sched_getaffinity(None).unwrap();
    let mut one = CpuSet::new();
    if let Some(cpu) = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).nth(n) {
        one.set(cpu);
        sched_setaffinity(None, &one).unwrap();
    }
}

#[cfg(not(target_os = "linux"))]
fn hold_to_processor(_: usize) {}

/// Catches a wake-up that is lost when many threads set and reset at once. The test waits until each occurrence is
/// reported.
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
                recorder.record(NetworkEvent::Accept, Ok(()));
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
