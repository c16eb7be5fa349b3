//! P: the provider around it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use wsp_events::spi::WSANETWORKEVENTS;
use wsp_events::{INVALID_SOCKET, NetworkEvent, RecorderError, SOCKET, SocketTable, TableFull};

use crate::support::*;

/// A table whose descriptors are held against P1, with a number in each of its sockets.
#[derive(Default)]
struct Checked {
    table: SocketTable<usize>,
    sockets: usize,
    closes: usize,
    /// How many closes there had been when a descriptor was closed.
    closed: HashMap<SOCKET, usize>,
    came_back: usize,
}

impl Checked {
    fn open(&mut self) -> SOCKET {
        self.sockets += 1;
        let s = self.table.insert(self.sockets).unwrap();
        self.check(s, self.sockets)
    }

    fn duplicate(&mut self, s: SOCKET) -> SOCKET {
        let socket = *self.table.get(s).unwrap();
        let t = self.table.duplicate(s).unwrap().unwrap();
        self.check(t, socket)
    }

    fn check(&mut self, s: SOCKET, socket: usize) -> SOCKET {
        assert!(s > 0 && s.is_multiple_of(4) && s < 1 << 31, "{s:#x} is no descriptor");
        // What a program passes that keeps it in an `int`, or in 32 bits without a sign.
        for kept in [s, s as i32 as SOCKET, s as u32 as SOCKET] {
            assert_eq!(self.table.get(kept).as_deref(), Some(&socket));
        }
        if let Some(closes) = self.closed.remove(&s) {
            let later = self.closes - closes;
            assert!(later >= 65_536, "{s:#x} came back after {later} closes");
            self.came_back += 1;
        }
        s
    }

    fn close(&mut self, s: SOCKET) {
        self.table.remove(s).unwrap();
        self.closes += 1;
        self.closed.insert(s, self.closes);
        assert!(self.table.get(s).is_none());
        assert!(self.table.remove(s).is_none());
    }
}

/// Enough for values to come back, unless thousands are open at a time.
const CLOSES: usize = 90_000;

/// Catches a value that comes back too early, whatever the order of the calls, one that never does, a bad
/// value, a value that two sockets have, and a stale one that finds the next socket.
#[test]
fn p1_a_value_comes_back_after_65536_closes() {
    for at_a_time in [1, 2, 65, 3_000] {
        let mut checked = Checked::default();
        for round in 0..CLOSES / at_a_time {
            let mut open: Vec<_> = (0..at_a_time).map(|_| checked.open()).collect();
            if round % 2 == 1 {
                open.reverse();
            }
            open.into_iter().for_each(|s| checked.close(s));
        }
        assert!(at_a_time > 1_000 || checked.came_back > 0, "{at_a_time}: no value comes back");
    }
    // One socket that always gets another descriptor before it loses the one it has.
    let mut checked = Checked::default();
    let mut s = checked.open();
    for _ in 0..CLOSES {
        let t = checked.duplicate(s);
        checked.close(s);
        s = t;
    }
    assert!(checked.came_back > 0, "no value of a duplicate comes back");
    assert_eq!(*checked.table.get(s).unwrap(), 1);
}

/// Catches the same in a full table, one that holds less than is documented, and failed calls that take a slot or are
/// counted.
#[test]
fn p1_a_full_table_keeps_the_promise() {
    let mut checked = Checked::default();
    let mut open = vec![];
    while let Ok(s) = checked.table.insert(open.len()) {
        open.push(s);
    }
    assert!(open.iter().enumerate().all(|(number, s)| *checked.table.get(*s).unwrap() == number));
    assert_eq!(checked.table.duplicate(open[0]), Err(TableFull));
    // The documented number stays open.
    let closed = open.split_off(2_096_895);
    for &s in &closed {
        assert_eq!(checked.table.insert(0), Err(TableFull));
        assert_eq!(checked.table.remove(s).unwrap().remaining, 0);
    }
    assert_eq!(checked.table.insert(0), Err(TableFull));
    let last = open.pop().unwrap();
    assert_eq!(checked.table.remove(last).unwrap().remaining, 0);

    // There is one descriptor, for a new socket or for a second descriptor of an old one.
    for round in 0..CLOSES {
        assert_eq!(checked.table.duplicate(last), Ok(None));
        let s = if round % 2 == 0 { checked.open() } else { checked.duplicate(open[0]) };
        assert_eq!(checked.table.insert(0), Err(TableFull));
        assert_eq!(checked.table.duplicate(s), Err(TableFull));
        checked.close(s);
    }
    assert!(checked.came_back > 0, "no value comes back in a full table");
    assert_eq!(checked.table.remove(open[0]).unwrap().remaining, 0, "a failed duplicate counts");
}

/// Catches a closed descriptor that the two calls still take.
#[test]
fn p1_a_closed_descriptor_is_not_a_socket() {
    let provider = TestProvider::new();
    let (handle, _) = provider.event();
    let closed = [(); 1_000].map(|()| provider.socket().0);
    for s in closed {
        provider.sockets.remove(s).unwrap();
    }
    provider.socket();
    for s in closed {
        assert_eq!(provider.select(s, handle, 1), (-1, 10038));
        assert_eq!(provider.enumerate(s, handle), (-1, 10038, untouched()));
    }
}

/// Catches a number that is taken for a descriptor because it differs in the low bits, the sign or above 32 bits only.
#[test]
fn p1_only_the_number_itself_names_a_socket() {
    let table = SocketTable::new();
    let s = table.insert(()).unwrap();
    let others = (0..SOCKET::BITS).map(|bit| s ^ (1 << bit)).chain([0, INVALID_SOCKET]);
    for other in others {
        assert!(table.get(other).is_none());
        assert!(table.remove(other).is_none());
        assert_eq!(table.duplicate(other), Ok(None));
    }
    assert!(table.get(s).is_some());
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
    recorder.withdraw(ALL);
    recorder.reenable(NetworkEvent::Read);
    recorder.renew();
    let left = [recorder.selected(), recorder.recorded(), recorder.latched()];
    assert_eq!((left, recorder.owes_set()), ([NONE; 3], false));
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

/// Catches a table that prints its eight kilobytes, and a reference that does not print its socket.
#[test]
fn p4_what_a_table_prints() {
    let table = SocketTable::new();
    let s = table.insert("socket").unwrap();
    table.duplicate(s).unwrap();
    assert_eq!(format!("{table:?}"), "SocketTable { sockets: 1, .. }");
    assert_eq!(format!("{:?}", table.get(s).unwrap()), r#""socket""#);
}
