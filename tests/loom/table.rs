//! Models of [`SocketTable`]: a socket that gets a descriptor while it loses another.

use loom::thread;
use wsp_events::{SOCKET, SocketTable};

use super::check;

/// Gives the only socket another descriptor, and removes the one that it had.
fn moved(table: &SocketTable<()>, s: SOCKET) -> SOCKET {
    let t = table.duplicate(s).unwrap().unwrap();
    table.remove(s).unwrap();
    t
}

/// P4. Catches a duplicate that lets go of the lock before the socket has its new descriptor: the socket is nowhere, and
/// the provider takes the removed descriptor for the last one.
#[test]
fn p4_a_duplicate_beside_a_removal() {
    check(3, || {
        let table = loom::sync::Arc::new(SocketTable::new());
        let s = table.insert(()).unwrap();
        let other = thread::spawn({
            let table = table.clone();
            move || table.duplicate(s).unwrap()
        });
        let remaining = table.remove(s).unwrap().remaining;
        let listed = table.sockets().len();
        let others = usize::from(other.join().unwrap().is_some());
        assert_eq!((remaining, listed), (others, others));
    });
}

/// P4. Catches a list that is made without the lock: the list has passed the new place, and finds the old one empty.
#[test]
fn p4_a_socket_that_moves_is_listed() {
    check(3, || {
        let table = loom::sync::Arc::new(SocketTable::new());
        let mut s = table.insert(()).unwrap();
        // The first slot is in the second of 64 shards. From the last shard the socket moves to the first one.
        for _ in 1..63 {
            s = moved(&table, s);
        }
        let other = thread::spawn({
            let table = table.clone();
            move || moved(&table, s)
        });
        assert_eq!(table.sockets().len(), 1);
        other.join().unwrap();
    });
}
