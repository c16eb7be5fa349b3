//! The tests of every event object that one can wait for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use wsp_events::{EventSignal, NetworkEvent, NetworkEventRecorder, NetworkEvents};

pub(crate) trait EventObject: EventSignal + Send + Sync + 'static {
    fn create() -> Self;
    fn is_signaled(&self) -> bool;
    fn wait_for_it(&self);
}

for_each! {
    must_return,
    [
        a_level_until_the_reset,
        a_wait_lasts_until_the_set,
        one_reset_undoes_many_sets,
        p3_many_recorders_share_it,
    ],
    {
        manual_reset: wsp_events::ManualResetEvent,
        #[cfg(feature = "async")]
        async_event: wsp_events::AsyncEvent,
        #[cfg(all(unix, feature = "pollable"))]
        pollable: wsp_events::unix::PollableEvent,
        #[cfg(all(unix, feature = "pollable"))]
        pipe: crate::pollable::pipe::Pipe,
    }
}

/// Runs `body` on a thread of its own and fails if it has not returned after a long while.
pub(crate) fn must_return(body: fn()) {
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
        for _ in 0..2 {
            event.reset_event().unwrap();
            assert!(!event.is_signaled());
        }
    }
}

/// Catches a wait that returns before the set.
fn a_wait_lasts_until_the_set<E: EventObject>() {
    let (event, sets) = (E::create(), AtomicUsize::new(0));
    for set in 1..=100 {
        thread::scope(|scope| {
            scope.spawn(|| {
                sets.store(set, SeqCst);
                event.set_event().unwrap();
            });
            event.wait_for_it();
            assert_eq!(sets.load(SeqCst), set);
        });
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

/// Catches a wake-up that is lost when many threads set and reset at once. The test waits until each occurrence is
/// reported.
fn p3_many_recorders_share_it<E: EventObject>() {
    const ROUNDS: usize = 2000;
    let event = Arc::new(E::create());
    let sockets = [(); 4].map(|()| {
        let recorder = Arc::new(NetworkEventRecorder::new());
        recorder.select(NetworkEvents::FD_ACCEPT, Arc::clone(&event)).unwrap();
        let (accept, accepted) = channel();
        let provider = Arc::clone(&recorder);
        thread::spawn(move || {
            for _ in 0..ROUNDS {
                provider.record(NetworkEvent::Accept, Ok(()));
                accepted.recv().unwrap();
            }
        });
        (recorder, accept)
    });
    let mut reports = 0;
    while reports < 4 * ROUNDS {
        event.wait_for_it();
        event.reset_event().unwrap();
        for (recorder, accept) in &sockets {
            if !recorder.enumerate().unwrap().events().is_empty() {
                reports += 1;
                accept.send(()).unwrap();
            }
        }
    }
    assert!(!event.is_signaled());
}
