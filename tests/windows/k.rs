//! K: many threads on real event objects.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::Threading::{WaitForMultipleObjects, WaitForSingleObject};
use wsp_events::NetworkEvent;

use crate::support::*;

const SOCKETS: usize = 8;
const EVENTS: usize = 3;
const PRODUCERS: u32 = 3;
const PACKETS: u32 = 3_000;

/// Catches a wake-up that is lost: packets are queued and recorded by several threads, while the switch
/// waits, enumerates and takes them, and another thread selects again and again.
#[test]
fn k1_no_wake_up_is_lost_among_many_threads() {
    let _alone = alone();
    let events: [_; EVENTS] = std::array::from_fn(|_| Handle::event());
    let sockets: [_; SOCKETS] = std::array::from_fn(|_| socket());
    let queues: [_; SOCKETS] = std::array::from_fn(|_| AtomicU32::new(0));
    for (at, (s, _)) in sockets.iter().enumerate() {
        assert_eq!(select(*s, events[at % EVENTS].raw(), READ), SUCCEEDED);
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (events, sockets, queues, done) = (&events, &sockets, &queues, &done);
        for producer in 0..PRODUCERS {
            scope.spawn(move || {
                for packet in 0..PACKETS {
                    let at = (packet.wrapping_mul(7) + producer) as usize % SOCKETS;
                    queues[at].fetch_add(1, Ordering::Relaxed);
                    sockets[at].1.record(NetworkEvent::Read, Ok(()));
                }
            });
        }
        scope.spawn(move || {
            let mut round = 0;
            while !done.load(Ordering::Relaxed) {
                let s = sockets[round % SOCKETS].0;
                assert_eq!(select(s, events[round % EVENTS].raw(), READ), SUCCEEDED);
                round += 1;
            }
        });
        let taken = take_all(events, sockets, queues);
        done.store(true, Ordering::Relaxed);
        assert_eq!(taken, PRODUCERS * PACKETS, "a wake-up was lost");
    });
    for (_, socket) in sockets {
        socket.close().unwrap();
    }
}

/// The switch: waits, enumerates every socket and takes what is reported, until all has come or nothing comes for too
/// long.
fn take_all(
    events: &[Handle; EVENTS],
    sockets: &[(wsp_events::SOCKET, wsp_events::SocketRef<Recorder>); SOCKETS],
    queues: &[AtomicU32; SOCKETS],
) -> u32 {
    let handles = events.each_ref().map(Handle::raw);
    let mut taken = 0;
    while taken < PRODUCERS * PACKETS {
        // SAFETY: the handles are open.
        let woken = unsafe {
            WaitForMultipleObjects(EVENTS as u32, handles.as_ptr(), 0, LIMIT.as_millis() as u32)
        };
        let Some(event) = handles.get((woken - WAIT_OBJECT_0) as usize) else {
            break;
        };
        for (at, (s, _)) in sockets.iter().enumerate() {
            // Only the first call resets the event object: a later reset would take the wake-up of a
            // socket that was asked before (P3).
            let event = if at == 0 { *event } else { std::ptr::null_mut() };
            let (result, _, out) = enumerate(*s, event);
            assert_eq!(result, 0);
            if out.lNetworkEvents != 0 {
                taken += queues[at].swap(0, Ordering::Relaxed);
            }
        }
    }
    taken
}

/// Catches two threads that come into each other's way in one record: each occurrence is reported once.
#[test]
fn k1_two_switches_on_one_socket() {
    let _alone = alone();
    let ((s, socket), event) = (socket(), Handle::event());
    assert_eq!(select(s, event.raw(), READ), SUCCEEDED);
    let (recorded, reported) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let what = socket.record(NetworkEvent::Read, Ok(()));
                    recorded.fetch_add(u32::from(what.new == READ), Ordering::Relaxed);
                }
            });
            scope.spawn(|| {
                for _ in 0..2_000 {
                    let (result, _, out) = enumerate(s, event.raw());
                    assert_eq!(result, 0);
                    reported.fetch_add(u32::from(out.lNetworkEvents == 1), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(event.is_set(), socket.recorded() == READ, "E5");
    let left = u32::from(socket.recorded() == READ);
    assert_eq!(recorded.into_inner(), reported.into_inner() + left, "E3");
    socket.close().unwrap();
}

/// A wait as programs make it. False says that a wake-up was lost.
fn wait(event: &Handle) -> bool {
    // SAFETY: the handle is open.
    unsafe { WaitForSingleObject(event.raw(), LIMIT.as_millis() as u32) == WAIT_OBJECT_0 }
}

/// Catches a wake-up that an auto-reset wait and a set under way lose between them: one thread waits, and enumerates both
/// sockets of the event object after each wake-up.
#[test]
fn k1_one_waiter_of_an_auto_reset_event_object_loses_nothing() {
    let _alone = alone();
    let (event, sockets) = (Handle::auto_reset_event(), [(); 2].map(|()| socket()));
    let queues = [AtomicU32::new(0), AtomicU32::new(0)];
    for (s, _) in &sockets {
        assert_eq!(select(*s, event.raw(), READ), SUCCEEDED);
    }
    thread::scope(|scope| {
        for (queue, (_, socket)) in queues.iter().zip(&sockets) {
            scope.spawn(|| {
                for _ in 0..PACKETS {
                    queue.fetch_add(1, Ordering::Relaxed);
                    socket.record(NetworkEvent::Read, Ok(()));
                }
            });
        }
        let mut taken = 0;
        while taken < 2 * PACKETS && wait(&event) {
            for (at, (s, _)) in sockets.iter().enumerate() {
                // Reset with the first, as in `take_all`; the wait has reset it already.
                let event = if at == 0 { event.raw() } else { std::ptr::null_mut() };
                let (result, _, out) = enumerate(*s, event);
                assert_eq!(result, 0);
                if out.lNetworkEvents != 0 {
                    taken += queues[at].swap(0, Ordering::Relaxed);
                }
            }
        }
        assert_eq!(taken, 2 * PACKETS, "a wake-up was lost");
    });
    for (_, socket) in sockets {
        socket.close().unwrap();
    }
}

/// Catches a set that releases both of two waiting threads, or none: each gets one of two reports.
#[test]
fn s4_a_set_of_an_auto_reset_event_object_releases_one_thread() {
    let _alone = alone();
    let ((s, socket), event) = (socket(), Handle::auto_reset_event());
    assert_eq!(select(s, event.raw(), READ), SUCCEEDED);
    let (reports, reported) = channel();
    thread::scope(|scope| {
        for _ in 0..2 {
            let (reports, event) = (reports.clone(), &event);
            scope.spawn(move || {
                let woken = wait(event);
                reports.send((woken, enumerate(s, event.raw()))).unwrap();
            });
        }
        for _ in 0..2 {
            socket.record(NetworkEvent::Read, Ok(()));
            assert_eq!(reported.recv().unwrap(), (true, report(READ)));
        }
    });
    assert!(!event.is_set());
    socket.close().unwrap();
}
