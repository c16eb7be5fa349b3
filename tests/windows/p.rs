//! P: what lives how long, and event objects that are shared.

use std::process;

use windows_sys::Win32::Foundation::{WAIT_OBJECT_0, WAIT_TIMEOUT};
use windows_sys::Win32::System::Threading::{EVENT_ALL_ACCESS, WaitForMultipleObjects};
use wsp_events::NetworkEvent;

use crate::support::*;

/// A name that no other run of the tests has.
fn unique(name: &str) -> String {
    format!("Local\\wsp-events-{}-{name}", process::id())
}

/// Catches a selection that ends, or goes wrong, when the application closes its handle.
#[test]
fn p2_the_application_closes_its_handle_while_it_is_selected() {
    let _alone = alone();
    let ((s, socket), waiter) = (socket(), Handle::event());
    // Whoever gets the number next has nothing to do with the selection.
    let others = with_the_number_of_a_closed_handle(
        || waiter.with_rights(EVENT_ALL_ACCESS),
        |handle| assert_eq!(select(s, handle, READ), SUCCEEDED),
    );
    socket.record(NetworkEvent::Read, Ok(()));
    assert!(waiter.is_set());
    assert!(!others.iter().any(Handle::is_set));
    assert_eq!(enumerate(s, waiter.raw()), report(READ));
    assert!(!waiter.is_set());
    socket.record(NetworkEvent::Read, Ok(()));
    assert!(waiter.is_set());
    socket.close().unwrap();
}

/// Catches an event object that outlives its last selection, and one that does not live to see its end:
/// replaced, ended, closed, inherited.
#[test]
fn p2_an_event_object_lives_exactly_as_long_as_it_is_selected() {
    let _alone = alone();
    let ((s, socket), name) = (socket(), unique("lifetime"));
    let select_by_name = |s| {
        assert!(!exists(&name));
        let event = Handle::named_event(&name);
        assert_eq!(select(s, event.raw(), READ), SUCCEEDED);
        event.close();
        assert!(exists(&name), "a selection keeps it");
    };
    let other = Handle::event();

    select_by_name(s);
    socket.record(NetworkEvent::Read, Ok(()));
    assert_eq!(enumerate(s, other.raw()), report(READ));
    assert!(exists(&name), "enumerating does not end the selection");
    assert_eq!(select(s, other.raw(), READ), SUCCEEDED);
    assert!(!exists(&name), "it was replaced");

    select_by_name(s);
    assert_eq!(select(s, other.raw(), NONE), SUCCEEDED);
    assert!(!exists(&name), "the selection has ended");

    select_by_name(s);
    let (_, accepted) = socket_of(socket.inherit().unwrap());
    socket.close().unwrap();
    assert!(exists(&name), "the accepted socket keeps it");
    accepted.close().unwrap();
    assert!(!exists(&name), "the last socket was closed");
}

/// Catches a wait that is not for this event object, and a socket whose record goes with another's.
#[test]
fn p3_several_sockets_and_event_objects_in_one_wait() {
    let _alone = alone();
    let events = [Handle::event(), Handle::event(), Handle::event()];
    let handles = events.each_ref().map(Handle::raw);
    let wait = || {
        // SAFETY: there are three handles, all open.
        unsafe { WaitForMultipleObjects(3, handles.as_ptr(), 0, 0) }
    };
    let sockets = [(); 6].map(|()| socket());
    for (at, (s, _)) in sockets.iter().enumerate() {
        assert_eq!(select(*s, handles[at / 2], READ | CLOSE), SUCCEEDED);
    }
    assert_eq!(wait(), WAIT_TIMEOUT);

    let [_, _, (two, socket_two), (three, socket_three), ..] = &sockets;
    socket_two.record(NetworkEvent::Read, Ok(()));
    socket_three.record(NetworkEvent::Close, Ok(()));
    assert_eq!(wait(), WAIT_OBJECT_0 + 1);
    assert_eq!(enumerate(*two, handles[1]), report(READ));
    assert_eq!(wait(), WAIT_TIMEOUT);
    assert_eq!(enumerate(*three, handles[1]), report(CLOSE));

    sockets[5].1.record(NetworkEvent::Close, Ok(()));
    assert_eq!(wait(), WAIT_OBJECT_0 + 2);
    for (_, socket) in sockets {
        socket.close().unwrap();
    }
}
