//! L: conditions and re-enabling. This release keeps L2, which binds SAN providers too.

use wsp_events::NetworkEvent;

use crate::support::*;

/// Catches a re-enabling call that leaves the old occurrence, so that the next one is a mere repeat and
/// signals nobody: two connections wait, one is accepted.
#[test]
fn l2_accepting_one_of_two_signals_again() {
    let (listener, event) = selected(ACCEPT);
    listener.record(NetworkEvent::Accept, Ok(())).unwrap();
    listener.record(NetworkEvent::Accept, Ok(())).unwrap();
    event.log();

    listener.reenable(NetworkEvent::Accept);
    listener.record(NetworkEvent::Accept, Ok(())).unwrap();
    assert_eq!(event.log(), [Call::Set]);
    listener.reenable(NetworkEvent::Accept);
    assert_eq!(listener.enumerate_and_reset(&*event).unwrap().events(), NONE);
}

/// Catches a send that takes FD_WRITE out of the record.
#[test]
fn l2_fd_write_is_never_withdrawn() {
    let (recorder, _event) = selected(ALL);
    for event in NetworkEvent::ALL {
        recorder.record(event, Ok(())).unwrap();
        recorder.reenable(event);
    }
    assert_eq!(recorder.enumerate().unwrap().to_string(), "FD_WRITE: success");
}
