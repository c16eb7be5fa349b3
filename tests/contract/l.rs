//! L: conditions and re-enabling.

use wsp_events::{NetworkEvent, NetworkEvents, ReenablingCall, Wake};

use crate::support::*;

const CONDITIONS: NetworkEvents = NetworkEvents::LATCHING_FOR_CONDITIONS;
/// Latched when the recorder is made (L3).
const FROM_THE_BEGINNING: NetworkEvents =
    NetworkEvents::FD_ROUTING_INTERFACE_CHANGE.union(NetworkEvents::FD_ADDRESS_LIST_CHANGE);

/// A recorder that latches, with a selection, and its event object.
fn latching(latching: NetworkEvents, selected: NetworkEvents) -> (Recorder, std::sync::Arc<Event>) {
    let (recorder, event) = (Recorder::with_latching(latching), Event::new());
    recorder.select(selected, event.clone()).unwrap();
    (recorder, event)
}

/// Catches an event that is recorded or signaled again after its report without a re-enabling call, and
/// one that is silenced although it is not in the latching set.
#[test]
fn l1_a_latched_event_stays_quiet_after_its_report() {
    let (recorder, event) = latching(CONDITIONS, ALL);
    assert_eq!(recorder.record(NetworkEvent::Read, Ok(())).wake, Wake::Set);
    assert_eq!(recorder.enumerate_and_reset(&*event).unwrap().events(), READ);
    event.log();
    for outcome in [Ok(()), Err(DOWN)] {
        let again = recorder.record(NetworkEvent::Read, outcome);
        assert_eq!((again.new, again.wake), (NONE, Wake::NotNeeded));
    }
    assert_eq!((event.log(), recorder.recorded()), (vec![], NONE));
    assert_eq!(recorder.latched(), READ | FROM_THE_BEGINNING);

    // Others are not affected, also in one batch with it.
    let batch = [(NetworkEvent::Read, Ok(())), (NetworkEvent::GroupQos, Ok(()))];
    for _ in 0..2 {
        assert_eq!(recorder.record_all(batch).new, NetworkEvents::FD_GROUP_QOS);
        assert_eq!(recorder.enumerate().unwrap().to_string(), "FD_GROUP_QOS: success");
    }

    // Windows, for arrivals: FD_READ comes again, FD_WRITE does not.
    let (recorder, _event) = latching(NetworkEvents::LATCHING_FOR_ARRIVALS, ALL);
    for expected in [READ | NetworkEvents::FD_WRITE, READ] {
        recorder.record_all([(NetworkEvent::Read, Ok(())), (NetworkEvent::Write, Ok(()))]);
        assert_eq!(recorder.enumerate().unwrap().events(), expected);
    }
}

/// Catches a latch that hides an error from a report that has not been made yet (R3), and one that ends
/// when the event is withdrawn.
#[test]
fn l1_until_the_report_an_error_replaces_a_success() {
    let (recorder, event) = latching(CONDITIONS, ALL);
    recorder.record(NetworkEvent::Close, Ok(()));
    recorder.record(NetworkEvent::Close, Err(RESET));
    assert_eq!(event.log(), [Call::Set]);
    assert_eq!(recorder.enumerate().unwrap().outcome(NetworkEvent::Close), Some(Err(RESET)));

    recorder.record(NetworkEvent::Read, Ok(()));
    recorder.withdraw(READ);
    assert_eq!(recorder.record(NetworkEvent::Read, Ok(())).new, NONE);
}

/// Catches a report that is put back and is then, being latched, gone.
#[test]
fn l1_a_failed_enumeration_changes_nothing() {
    let (recorder, event) = latching(CONDITIONS, ALL);
    recorder.record(NetworkEvent::Close, Err(RESET));
    event.on_reset(refuse);
    recorder.enumerate_and_reset(&*event).unwrap_err();
    assert_eq!(recorder.enumerate().unwrap().outcome(NetworkEvent::Close), Some(Err(RESET)));
    assert_eq!(recorder.latched(), CLOSE | FROM_THE_BEGINNING);
}

/// Catches a re-enabling call that leaves the old occurrence in the record, so that the next one is a repeat and is
/// not signaled. Two connections wait, one is accepted, with and without latching.
#[test]
fn l2_accepting_one_of_two_signals_again() {
    for set in [NONE, CONDITIONS] {
        let (listener, event) = latching(set, ACCEPT);
        listener.record(NetworkEvent::Accept, Ok(()));
        listener.record(NetworkEvent::Accept, Ok(()));
        event.log();

        listener.reenable_for(ReenablingCall::Accept);
        listener.record(NetworkEvent::Accept, Ok(()));
        assert_eq!(event.log(), [Call::Set]);
        assert_eq!(listener.enumerate_and_reset(&*event).unwrap().events(), ACCEPT);
        listener.reenable_for(ReenablingCall::Accept);
        assert_eq!(listener.enumerate_and_reset(&*event).unwrap().events(), NONE);
    }
}

/// Catches a send that leaves FD_WRITE in the record although it has just found no room, and one that leaves
/// it latched for ever.
#[test]
fn l2_a_full_socket_does_not_report_that_it_has_room() {
    let (recorder, _event) = selected(ALL);
    for event in NetworkEvent::ALL {
        recorder.record(event, Ok(()));
        recorder.reenable(event);
    }
    assert!(recorder.recorded().is_empty());

    let (recorder, _event) = latching(NetworkEvents::FD_WRITE, ALL);
    let record = || recorder.record(NetworkEvent::Write, Ok(())).new;
    let write = NetworkEvents::FD_WRITE;
    assert_eq!(record(), write);
    recorder.reenable_for(ReenablingCall::SendWouldBlock);
    assert_eq!((recorder.recorded(), recorder.latched()), (NONE, FROM_THE_BEGINNING));
    assert!(recorder.enumerate().unwrap().events().is_empty());
    assert_eq!(record(), write, "there is room again");
    assert_eq!(recorder.enumerate().unwrap().events(), write);
    assert_eq!(record(), NONE);
}

/// Catches a wrong line in the table, a latch that FD_GROUP_QOS gets, and one that the two WSPIoctl events
/// do not begin with.
#[test]
fn l3_which_call_reenables_which_event() {
    use NetworkEvent::*;
    let calls = [
        (ReenablingCall::Recv { oob: false }, Read),
        (ReenablingCall::Recv { oob: true }, Oob),
        (ReenablingCall::SendWouldBlock, Write),
        (ReenablingCall::Accept, Accept),
        (ReenablingCall::Connect, Connect),
        (ReenablingCall::GetQos, Qos),
        (ReenablingCall::RoutingInterfaceChange, RoutingInterfaceChange),
        (ReenablingCall::AddressListChange, AddressListChange),
    ];
    let (recorder, _event) = latching(ALL, ALL);
    assert_eq!(recorder.latched(), FROM_THE_BEGINNING);
    recorder.record_all(NetworkEvent::ALL.map(|event| (event, Ok(()))));
    assert_eq!(recorder.enumerate().unwrap().events(), ALL - FROM_THE_BEGINNING);
    assert_eq!(recorder.latched(), ALL - GroupQos.flag());

    let mut latched = recorder.latched();
    for (call, event) in calls {
        recorder.reenable_for(call);
        latched -= event.flag();
        assert_eq!(recorder.latched(), latched, "{call:?}");
        assert_eq!(recorder.record(event, Ok(())).new, event.flag());
        latched |= event.flag();
    }
    assert_eq!(recorder.record(Close, Ok(())).new, NONE, "re-enabled by no call");
}

/// Catches a selection that makes FD_WRITE come again.
#[test]
fn l4_selecting_again_reenables_nothing() {
    let (recorder, event) = latching(CONDITIONS, ALL);
    recorder.record(NetworkEvent::Write, Ok(()));
    recorder.enumerate_and_reset(&*event).unwrap();
    event.log();
    for mask in [ALL, NetworkEvents::FD_WRITE, NONE, ALL] {
        recorder.select(mask, event.clone()).unwrap();
        assert_eq!(recorder.record(NetworkEvent::Write, Ok(())).new, NONE);
    }
    assert_eq!(event.log(), []);
}

/// Catches an accepted socket that does not latch, or begins with the listener's latches.
#[test]
fn s8_an_accepted_socket_inherits_the_latching_set() {
    let (listener, _event) = latching(READ | ACCEPT, ALL);
    listener.record_all([(NetworkEvent::Accept, Ok(())), (NetworkEvent::Read, Ok(()))]);
    let accepted = listener.inherit().unwrap();
    assert_eq!((accepted.latched(), accepted.recorded()), (FROM_THE_BEGINNING, NONE));
    for event in [NetworkEvent::Read, NetworkEvent::Write] {
        accepted.record(event, Ok(()));
    }
    assert_eq!(accepted.latched(), READ | FROM_THE_BEGINNING);
}

/// Catches a recorder that tells a program of a change for which it has not asked, or of a second one.
#[test]
fn l3_nobody_is_told_of_a_change_who_has_not_asked() {
    let (recorder, _event) = selected(ALL);
    let changes = [NetworkEvent::RoutingInterfaceChange, NetworkEvent::AddressListChange];
    let changed = || recorder.record_all(changes.map(|event| (event, Ok(())))).new;
    for _ in 0..2 {
        assert_eq!(changed(), NONE);
        ask_for_changes(&recorder);
        assert_eq!(changed(), FROM_THE_BEGINNING);
        assert_eq!(recorder.enumerate().unwrap().events(), FROM_THE_BEGINNING);
    }
    assert_eq!(recorder.inherit().unwrap().latched(), FROM_THE_BEGINNING);
}

/// Catches a poller that watches for what nobody waits for, or for what it has reported.
#[test]
fn l1_what_to_watch_for() {
    let (recorder, event) = latching(CONDITIONS, READ | CLOSE);
    assert_eq!(recorder.interest(), READ | CLOSE);
    recorder.record(NetworkEvent::Read, Ok(()));
    recorder.record(NetworkEvent::Write, Ok(()));
    assert_eq!(recorder.interest(), CLOSE);
    recorder.enumerate_and_reset(&*event).unwrap();
    assert_eq!(recorder.interest(), CLOSE);
    recorder.reenable(NetworkEvent::Read);
    assert_eq!(recorder.interest(), READ | CLOSE);
    recorder.deselect().unwrap();
    assert_eq!(recorder.interest(), NONE);
}
