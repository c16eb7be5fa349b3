//! S4: an auto-reset event object is a valid one. A wait that finds it set resets it, and releases one thread; everything
//! else is E5 and P3.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use wsp_events::{EventSignal, NetworkEvent, NetworkEventRecorder, SignalError};

use crate::support::*;

/// CreateEvent(NULL, FALSE, FALSE, NULL).
#[derive(Default)]
struct AutoReset {
    set: Mutex<bool>,
    waiters: Condvar,
}

impl AutoReset {
    fn wait(&self) {
        let mut set = self.waiters.wait_while(self.set.lock().unwrap(), |set| !*set).unwrap();
        *set = false;
    }

    /// A wait that gives up at once; whether the event object was set.
    fn poll(&self) -> bool {
        std::mem::take(&mut *self.set.lock().unwrap())
    }
}

impl EventSignal for AutoReset {
    fn set_event(&self) -> Result<(), SignalError> {
        *self.set.lock().unwrap() = true;
        self.waiters.notify_one();
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        *self.set.lock().unwrap() = false;
        Ok(())
    }
}

type Recorder = NetworkEventRecorder<Arc<AutoReset>>;

fn sockets<const N: usize>() -> (Arc<AutoReset>, [Recorder; N]) {
    let event = Arc::<AutoReset>::default();
    let sockets = [(); N].map(|()| Recorder::new());
    sockets.iter().for_each(|socket| socket.select(READ | CLOSE, event.clone()).unwrap());
    (event, sockets)
}

/// Catches a recorder that takes its event object for set because nobody has reported since it set it: the wait has reset
/// it.
#[test]
fn e5_what_a_wait_has_reset_excuses_nothing() {
    let (event, [socket]) = sockets();
    socket.record(NetworkEvent::Read, Ok(()));
    assert!(event.poll() && !event.poll());
    socket.record(NetworkEvent::Read, Err(RESET));
    assert!(!event.poll(), "a repeat (R3)");
    socket.record(NetworkEvent::Close, Ok(()));
    assert!(event.poll(), "it was reset before this was recorded");

    // Selected again, it is set for what is recorded, though the wait has reset it (S2).
    socket.select(READ | CLOSE, event.clone()).unwrap();
    assert!(event.poll());
    assert_eq!(socket.enumerate_and_reset(&event).unwrap().events(), READ | CLOSE);
    assert!(!event.poll());
}

/// Catches a set that wakes several waiters' worth, and one that wakes none: each of two waiting threads gets one of two
/// reports.
#[test]
fn s4_each_set_releases_one_of_two_waiting_threads() {
    let (event, [socket]) = sockets();
    let socket = Arc::new(socket);
    let (reports, reported) = channel();
    for _ in 0..2 {
        let (event, socket, reports) = (event.clone(), socket.clone(), reports.clone());
        thread::spawn(move || {
            event.wait();
            reports.send(socket.enumerate_and_reset(&event).unwrap().events()).unwrap();
        });
    }
    must_return(move || {
        for _ in 0..2 {
            socket.record(NetworkEvent::Read, Ok(()));
            assert_eq!(reported.recv().unwrap(), READ);
        }
        assert!(!event.poll());
    });
}

const RECORDINGS: u32 = 20_000;

/// Several threads record on `N` sockets of one event object; the only waiting thread enumerates all of them after each
/// wake-up. It passes the event object to the first enumeration, or to none.
fn nothing_is_lost<const N: usize>(reset_too: bool) {
    let (event, sockets) = sockets::<N>();
    let sockets = Arc::new(sockets);
    let queues: Arc<[[AtomicU32; 2]; N]> = Arc::new([(); N].map(|()| Default::default()));
    for producer in 0..2 {
        let (sockets, queues) = (sockets.clone(), queues.clone());
        thread::spawn(move || {
            for packet in 0..RECORDINGS {
                let (at, which) = ((packet / 2) as usize % N, (packet + producer) as usize % 2);
                queues[at][which].fetch_add(1, SeqCst);
                sockets[at].record([NetworkEvent::Read, NetworkEvent::Close][which], Ok(()));
            }
        });
    }
    must_return(move || {
        let mut taken = 0;
        while taken < 2 * RECORDINGS {
            event.wait();
            for (at, socket) in sockets.iter().enumerate() {
                let report = match reset_too && at == 0 {
                    true => socket.enumerate_and_reset(&event),
                    false => socket.enumerate(),
                };
                for (which, event) in [READ, CLOSE].into_iter().enumerate() {
                    if report.unwrap().events().contains(event) {
                        taken += queues[at][which].swap(0, SeqCst);
                    }
                }
            }
        }
        assert_eq!(taken, 2 * RECORDINGS);
    });
}

/// Catches a wake-up that is lost between the wait's reset, the enumeration's, and a set under way: with one waiter, each
/// would hang it.
#[test]
fn e5_one_waiter_of_an_auto_reset_event_object_loses_nothing() {
    nothing_is_lost::<1>(true);
    nothing_is_lost::<1>(false);
}

/// The same with one event object for several sockets.
#[test]
fn p3_an_auto_reset_event_object_of_several_sockets() {
    nothing_is_lost::<3>(true);
    nothing_is_lost::<3>(false);
}
