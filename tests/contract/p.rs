//! P: the provider around it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use wsp_events::spi::WSANETWORKEVENTS;
use wsp_events::{NetworkEvent, RecorderError, SocketTable};

use crate::support::*;

/// Catches sockets that get into each other's places when there are many, and a descriptor that is used again for another
/// socket.
#[test]
fn p1_a_descriptor_names_one_socket() {
    let (provider, _, _, handle, _) = serving(0);
    let mut closed = HashSet::new();
    for _ in 0..10 {
        let sockets: Vec<_> = (0..1_000).map(|_| provider.socket()).collect();
        assert_eq!(provider.sockets.sockets().len(), 1 + sockets.len());
        for (s, socket) in sockets {
            assert!(std::ptr::eq(&*provider.sockets.get(s).unwrap(), &*socket));
            assert!(std::ptr::eq(&*provider.sockets.remove(s).unwrap().socket, &*socket));
            assert!(closed.insert(s), "the descriptor came back");
        }
    }
    provider.socket();
    for s in closed {
        assert_eq!(provider.select(s, handle, 1), (-1, 10038));
    }
}

/// Catches a call under way on a closed socket that reaches the record of the socket after it.
#[test]
fn p1_a_call_under_way_stays_with_its_socket() {
    let provider = TestProvider::new();
    let (s, old) = provider.socket();
    provider.sockets.remove(s);
    let (_, new) = provider.socket();
    old.record(NetworkEvent::Close, Ok(()));
    assert_eq!((old.recorded(), new.recorded()), (CLOSE, NONE));
}

/// Catches an enumeration that ends the selection, and an event object that is leaked or dropped too
/// early: by a selection, a refusal, an enumeration, a close, a drop.
#[test]
fn p2_an_event_object_lives_as_long_as_it_is_needed() {
    let (provider, s, socket, handle, event) = serving(0);
    let (other_handle, other) = provider.event();
    // One reference is this test's, one the table's.
    let references = || (Arc::strong_count(&event) - 2, Arc::strong_count(&other) - 2);
    provider.select(s, handle, 1);
    assert_eq!(references(), (1, 0));
    provider.select(s, handle, 2);
    assert_eq!(references(), (1, 0));
    provider.select(s, other_handle, 3);
    assert_eq!(references(), (0, 1));
    provider.enumerate(s, handle);
    assert_eq!(references(), (0, 1));
    assert_eq!(socket.selected().mask(), 3, "the selection stands");
    event.on_set(refuse);
    socket.record(NetworkEvent::Read, Ok(()));
    assert_eq!(provider.select(s, handle, 3), (-1, 10022));
    assert_eq!(references(), (0, 1));
    let accepted = socket.inherit().unwrap();
    assert_eq!(references(), (0, 2));
    drop(accepted);
    provider.sockets.remove(s).unwrap().socket.close().unwrap();
    assert_eq!(references(), (0, 0));
}

/// Catches a handle whose closing takes the event object away from a selection.
#[test]
fn p2_a_selected_event_object_outlives_its_handle() {
    let (provider, s, socket, handle, event) = serving(READ.mask());
    provider.events.lock().unwrap().clear();
    socket.record(NetworkEvent::Read, Ok(()));
    assert!(event.is_set());
    assert_eq!(provider.enumerate(s, handle), (-1, 10022, untouched()));
}

/// Catches a recorder that takes its event object for set because it has set it before: another
/// socket's enumeration resets it.
#[test]
fn p3_one_event_object_for_many_sockets() {
    let provider = TestProvider::new();
    let (handle, event) = provider.event();
    let sockets = [(); 3].map(|()| provider.socket());
    for (s, socket) in &sockets {
        provider.select(*s, handle, 0x3ff);
        socket.record(NetworkEvent::Read, Ok(()));
    }
    let report = |mask| WSANETWORKEVENTS { lNetworkEvents: mask, ..untouched() };
    let mut read = report(1);
    read.iErrorCode[0] = 0;

    assert_eq!(provider.enumerate(sockets[0].0, handle), (0, -7, read));
    assert!(!event.is_set());
    assert_eq!((sockets[1].1.recorded(), sockets[2].1.recorded()), (READ, READ));

    // One that still has something recorded gets more.
    sockets[1].1.record(NetworkEvent::Close, Ok(()));
    assert!(event.is_set());
    let mut both = read;
    (both.lNetworkEvents, both.iErrorCode[5]) = (0x21, 0);
    assert_eq!(provider.enumerate(sockets[1].0, handle), (0, -7, both));
    assert_eq!(provider.enumerate(sockets[2].0, handle), (0, -7, read));
    for (s, _) in sockets {
        assert_eq!(provider.enumerate(s, handle), (0, -7, report(0)));
    }
}

/// Catches a record that belongs to a descriptor, and a socket that ends before its last one.
#[test]
fn p4_the_record_belongs_to_the_socket() {
    let (provider, s, socket, handle, event) = serving(0);
    let t = provider.sockets.duplicate(s).unwrap().unwrap();
    provider.select(s, handle, READ.mask());
    provider.select(t, handle, CLOSE.mask());
    assert_eq!(socket.selected(), CLOSE);
    socket.record(NetworkEvent::Close, Ok(()));
    assert_eq!(provider.enumerate(t, handle).2.lNetworkEvents, CLOSE.mask());
    assert_eq!(provider.enumerate(s, handle).2.lNetworkEvents, 0);

    assert_eq!(provider.sockets.sockets().len(), 1);
    assert_eq!(provider.sockets.remove(s).unwrap().remaining, 1);
    assert_eq!(provider.select(s, handle, 1), (-1, 10038));
    socket.record(NetworkEvent::Close, Ok(()));
    assert!(event.is_set());
    assert_eq!(provider.enumerate(t, handle).2.lNetworkEvents, CLOSE.mask());
    assert_eq!(provider.sockets.remove(t).unwrap().remaining, 0);
    assert!(provider.sockets.sockets().is_empty());
}

/// Catches a closed record that can be selected, signaled or filled again.
#[test]
fn p5_nothing_reaches_a_closed_record() {
    let (recorder, event) = selected(ALL);
    recorder.close().unwrap();
    assert_eq!(recorder.select(READ, event.clone()), Err(RecorderError::Closed));
    assert_eq!(recorder.deselect(), Err(RecorderError::Closed));
    assert_eq!(recorder.inherit().map(drop), Err(RecorderError::Closed));
    assert_eq!(recorder.enumerate_and_reset(&*event), Err(RecorderError::Closed));
    assert_eq!(recorder.close(), Err(RecorderError::Closed));
    assert_eq!(recorder.record(NetworkEvent::Read, Err(RESET)).new, NONE);
    assert_eq!((recorder.selected(), recorder.recorded()), (NONE, NONE));
    assert_eq!(event.log(), []);
    assert_eq!(Arc::strong_count(&event), 1);
}

/// Catches a call that neither completes nor fails with WSAENOTSOCK while another thread closes, and one
/// that finds an earlier or later socket than its descriptor names.
#[test]
fn p5_calls_that_race_a_close() {
    let table = SocketTable::new();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..4_usize {
            let (table, stop) = (&table, &stop);
            scope.spawn(move || {
                let mut stale = Vec::new();
                for round in 0..2_000 {
                    let s = table.insert((thread, round)).unwrap();
                    let t = table.duplicate(s).unwrap().unwrap();
                    assert_eq!(table.get(t).map(|socket| *socket), Some((thread, round)));
                    assert_eq!(table.remove(s).unwrap().remaining, 1);
                    assert_eq!(*table.remove(t).unwrap().socket, (thread, round));
                    stale.extend([s, t]);
                    assert!(table.get(stale[round]).is_none());
                }
                stop.store(true, SeqCst);
            });
        }
        let provider = TestProvider::new();
        let (handle, event) = provider.event();
        while !stop.load(SeqCst) {
            let (s, socket) = provider.socket();
            thread::scope(|calls| {
                calls.spawn(|| provider.sockets.remove(s).unwrap().socket.close().unwrap());
                let (result, errno) = provider.select(s, handle, 1);
                assert!(result == 0 || errno == 10038);
                let (result, errno, out) = provider.enumerate(s, handle);
                assert!(result == 0 || (errno == 10038 && out == untouched()));
            });
            assert_eq!((socket.selected(), socket.recorded()), (NONE, NONE));
            assert_eq!(Arc::strong_count(&event), 2, "P2");
        }
    });
    assert!(table.sockets().is_empty());
}
