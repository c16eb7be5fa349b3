//! R: recording.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use wsp_events::{NetworkEvent, NetworkEvents, Outcome, RecorderError, Wake, WsaError};

use crate::support::*;

/// Catches a record that forgets an event that was not selected yet.
#[test]
fn r1_an_occurrence_before_the_selection_is_not_lost() {
    let recorder = Recorder::new();
    let recorded = recorder.record(NetworkEvent::Connect, Err(REFUSED));
    assert_eq!((recorded.new, recorded.wake), (CONNECT, Wake::NotNeeded));

    let event = Event::new();
    recorder.select(CONNECT, event.clone()).unwrap();
    assert!(event.is_set());
    assert_eq!(recorder.enumerate().unwrap().outcome(NetworkEvent::Connect), Some(Err(REFUSED)));
}

/// Catches a recorder that does not show what is in it.
#[test]
fn r1_the_record_can_be_looked_at() {
    let (recorder, _event) = selected(READ | CLOSE);
    recorder.record(NetworkEvent::Read, Ok(()));
    assert_eq!((recorder.recorded(), recorder.selected()), (READ, READ | CLOSE));
    let shown = format!("{recorder:?}");
    let expected = "recorded: FD_READ, selected: FD_READ | FD_CLOSE, \
                    owes_set: false, closed: false";
    assert!(shown.contains(expected), "{shown}");
}

/// Catches a code at the wrong index, in the record or in the C struct, and success written as something else than 0.
#[test]
fn r2_the_code_stands_at_the_bit_position() {
    for event in NetworkEvent::ALL {
        let (provider, s, socket, handle, _) = serving(ALL.mask());
        for code in [10_000 + event.bit_position() as i32, 0] {
            ask_for_changes(&socket);
            socket.record(event, WsaError::from_code(code).map_or(Ok(()), Err));
            let (_, _, out) = provider.enumerate(s, handle);
            assert_eq!(out.iErrorCode[event.bit_position()], code);
        }
    }
}

/// Catches an error that is hidden by an earlier success, or painted over by a later error or success;
/// and a repeat that touches the signal.
#[test]
fn r3_what_a_repeat_changes() {
    let cases = [
        ([Ok(()), Ok(())], Ok(())),
        ([Ok(()), Err(RESET)], Err(RESET)),
        ([Err(RESET), Ok(())], Err(RESET)),
        ([Err(RESET), Err(DOWN)], Err(RESET)),
    ];
    for ([first, second], kept) in cases {
        let (recorder, event) = selected(CLOSE);
        assert_eq!(recorder.record(NetworkEvent::Close, first).new, CLOSE);
        let repeat = recorder.record(NetworkEvent::Close, second);

        assert_eq!((repeat.new, repeat.wake), (NONE, Wake::NotNeeded));
        assert_eq!(event.log(), [Call::Set]);
        assert_eq!(recorder.enumerate().unwrap().outcome(NetworkEvent::Close), Some(kept));
    }
}

/// Catches a signal that is not set for a new event, is set for a repeat, or for an event that nobody
/// selected. The application's own reset makes the difference visible.
#[test]
fn r4_only_a_new_selected_event_sets_the_signal() {
    let (recorder, event) = selected(READ | CLOSE);
    assert_eq!(recorder.record(NetworkEvent::Read, Ok(())).wake, Wake::Set);
    assert_eq!(event.log(), [Call::Set]);

    event.reset_by_the_application();
    assert_eq!(recorder.record(NetworkEvent::Read, Ok(())).wake, Wake::NotNeeded);
    assert_eq!(recorder.record(NetworkEvent::Write, Ok(())).wake, Wake::NotNeeded);
    assert!(!event.is_set());

    assert_eq!(recorder.record(NetworkEvent::Close, Ok(())).wake, Wake::Set);
    assert!(event.is_set());
    assert_eq!(event.log(), [Call::Set]);
}

/// Catches a batch that sets nothing because a part of it is a repeat or something else is reportable.
#[test]
fn r4_news_among_repeats_sets_the_signal() {
    let (recorder, event) = selected(READ | CLOSE);
    recorder.record(NetworkEvent::Read, Ok(()));
    event.reset_by_the_application();
    let batch = [NetworkEvent::Read, NetworkEvent::Write, NetworkEvent::Close];
    let recorded = recorder.record_all(batch.map(|event| (event, Ok(()))));
    assert_eq!((recorded.new, recorded.wake), (NetworkEvents::FD_WRITE | CLOSE, Wake::Set));
    assert!(event.is_set());
}

/// Catches a batch that sets the event object for each event, one whose repeats do not follow R3, and an empty one that
/// does something.
#[test]
fn r5_a_batch_is_one_step() {
    let (recorder, event) = selected(ALL);
    ask_for_changes(&recorder);
    assert_eq!(recorder.record_all([]).new, NONE);
    assert_eq!(event.log(), []);
    let recorded = recorder.record_all(NetworkEvent::ALL.map(|event| (event, Ok(()))));
    assert_eq!((recorded.new, recorded.wake), (ALL, Wake::Set));
    assert_eq!(event.log(), [Call::Set]);
    assert_eq!(recorder.enumerate().unwrap().events(), ALL);

    let close = NetworkEvent::Close;
    recorder.record_all([(close, Ok(())), (close, Err(RESET)), (close, Err(DOWN))]);
    assert_eq!(recorder.enumerate().unwrap().outcome(close), Some(Err(RESET)));
}

/// A recorder whose event object could not be set for a FD_CLOSE.
fn owing(outcome: Outcome) -> (Arc<Recorder>, Arc<Event>) {
    let (recorder, event) = selected(CLOSE);
    event.on_set(refuse);
    let refused = recorder.record(NetworkEvent::Close, outcome).signaled().unwrap_err();
    assert_eq!((refused, refused.os_code()), (BAD_HANDLE, 6));
    assert!(recorder.owes_set());
    (recorder, event)
}

/// Catches a set that is forgotten when it fails, one that is tried again although it succeeded, and an
/// error that is not the event object's own.
#[test]
fn r6_a_failed_set_is_owed_to_the_next_record() {
    let (recorder, event) = owing(Err(RESET));
    assert_eq!(recorder.recorded(), CLOSE);
    // A repeat of another event tries again, fails again, and the next one succeeds.
    event.on_set(refuse);
    assert_eq!(recorder.record(NetworkEvent::Write, Ok(())).signaled(), Err(BAD_HANDLE));
    assert_eq!(recorder.record(NetworkEvent::Write, Ok(())).wake, Wake::Set);
    assert!(event.is_set() && !recorder.owes_set());
    assert_eq!(recorder.record(NetworkEvent::Write, Ok(())).wake, Wake::NotNeeded);
}

/// Catches a debt that a selection or a failing enumeration does not pay.
#[test]
fn r6_a_failed_set_is_owed_to_the_next_selection_and_enumeration() {
    let (recorder, event) = owing(Err(RESET));
    recorder.select(CLOSE, event.clone()).unwrap();
    assert!(event.is_set() && !recorder.owes_set());

    let (recorder, event) = owing(Err(RESET));
    let other = Event::new();
    other.on_reset(refuse);
    recorder.enumerate_and_reset(&*other).unwrap_err();
    assert!(event.is_set() && !recorder.owes_set());
}

/// Catches a set that was made and counts as failed for the next call.
#[test]
fn r6_a_set_that_was_made_is_not_owed() {
    let (recorder, _event) = selected(CLOSE);
    recorder.record(NetworkEvent::Close, Ok(()));
    let other = Event::new();
    other.on_reset(refuse);
    recorder.enumerate_and_reset(&*other).unwrap_err();
    assert!(!recorder.owes_set());
    assert_eq!(recorder.record(NetworkEvent::Close, Ok(())).wake, Wake::NotNeeded);
}

/// Catches a set that stays owed when nothing is reportable any more.
#[test]
fn r6_a_debt_is_void_when_nothing_is_reportable() {
    for outcome in [Ok(()), Err(RESET)] {
        let (recorder, event) = owing(outcome);
        assert_eq!(recorder.enumerate().unwrap().events(), CLOSE);
        assert!(!recorder.owes_set());
        recorder.record(NetworkEvent::Write, Ok(()));
        assert!(!event.is_set());
    }
}

/// Catches an error that gets lost because the enumeration that ran the set had its report by then.
#[test]
fn r6_a_set_that_fails_behind_a_report_is_told_and_owed() {
    let (recorder, event) = selected(ALL);
    recorder.record(NetworkEvent::Read, Ok(()));
    event.on_reset(with((&recorder, &event), |(recorder, event)| {
        recorder.record(NetworkEvent::Close, Ok(()));
        event.on_set(refuse);
        Ok(())
    }));
    let report = recorder.enumerate_and_reset(&*event).unwrap();
    assert_eq!((report.events(), report.signal_error()), (READ, Some(BAD_HANDLE)));
    assert!(recorder.owes_set());
    assert_eq!(recorder.recorded(), CLOSE);
}

/// Catches a withdrawal that leaves the event or its code, resets the signal, or takes other events.
#[test]
fn r7_what_is_withdrawn_is_not_reported() {
    let (recorder, event) = selected(ALL);
    recorder.record(NetworkEvent::Read, Ok(()));
    recorder.record(NetworkEvent::Connect, Err(REFUSED));
    recorder.record(NetworkEvent::Close, Err(RESET));
    recorder.withdraw(READ | CONNECT);
    assert!(event.is_set());
    assert_eq!(recorder.enumerate_and_reset(&*event).unwrap().events(), CLOSE);

    // The old code does not come back with a new success.
    recorder.record(NetworkEvent::Connect, Ok(()));
    assert_eq!(recorder.enumerate().unwrap().outcome(NetworkEvent::Connect), Some(Ok(())));
}

/// Catches a withdrawal that takes bits which are no event for something else in the record.
#[test]
fn r7_bits_that_are_no_event_are_dropped() {
    let (recorder, event) = selected(READ | CLOSE);
    recorder.withdraw(NetworkEvents::from_bits_retain(!ALL.bits()));
    assert_eq!(recorder.selected(), READ | CLOSE);
    recorder.record(NetworkEvent::Read, Ok(()));
    assert!(event.is_set());
}

/// Catches a record that keeps an event, a code or a latch of the connection before, and one that loses the
/// selection or touches the event object.
#[test]
fn r8_the_next_connection_is_like_the_first() {
    let connected = [(NetworkEvent::Connect, Ok(())), (NetworkEvent::Write, Ok(()))];
    let event = Event::new();
    let recorder = Recorder::with_latching(NetworkEvents::LATCHING_FOR_CONDITIONS);
    recorder.select(ALL, event.clone()).unwrap();
    for reports_the_end in [true, false, true] {
        assert_eq!(recorder.record_all(connected).wake, Wake::Set);
        let report = recorder.enumerate_and_reset(&*event).unwrap();
        assert_eq!(report.to_string(), "FD_WRITE: success, FD_CONNECT: success");
        recorder.record(NetworkEvent::Close, Err(RESET));
        if reports_the_end {
            let report = recorder.enumerate_and_reset(&*event).unwrap();
            assert_eq!(report.outcome(NetworkEvent::Close), Some(Err(RESET)));
        }
        event.log();
        recorder.renew();
        assert_eq!((event.log(), recorder.recorded(), recorder.selected()), (vec![], NONE, ALL));
        let change = recorder.record(NetworkEvent::AddressListChange, Ok(()));
        assert_eq!(change.new, NONE, "it starts latched");
    }
    recorder.close().unwrap();
    recorder.renew();
    assert_eq!(recorder.enumerate(), Err(RecorderError::Closed));
}

/// Catches a debt of the connection before.
#[test]
fn r8_what_was_owed_is_void() {
    let (recorder, event) = selected(CLOSE);
    event.on_set(refuse);
    recorder.record(NetworkEvent::Close, Ok(()));
    recorder.renew();
    assert!(!recorder.owes_set());
}

/// Catches a first step that touches the event object or records nothing, and a second one that does not set.
#[test]
fn r9_the_event_object_is_set_by_the_second_step() {
    let (recorder, event) = selected(READ | CLOSE);
    let read = recorder.record_unsignaled(NetworkEvent::Read, Ok(()));
    let close = recorder.record_all_unsignaled([(NetworkEvent::Close, Err(RESET))]);
    assert_eq!((event.log(), recorder.recorded()), (vec![], READ | CLOSE));
    let recorded = read.signal();
    assert_eq!((recorded.new, recorded.wake), (READ, Wake::Set));
    // That set was for both.
    let recorded = close.signal();
    assert_eq!((recorded.new, recorded.wake), (CLOSE, Wake::NotNeeded));
    assert_eq!(event.log(), [Call::Set]);
    let report = recorder.enumerate_and_reset(&*event).unwrap();
    assert_eq!(report.outcome(NetworkEvent::Close), Some(Err(RESET)));
    assert_eq!(event.log(), [Call::Reset]);
    // Without a selection, and for a repeat, there is nothing to set.
    recorder.deselect().unwrap();
    for _ in 0..2 {
        let recorded = recorder.record_unsignaled(NetworkEvent::Read, Ok(()));
        assert_eq!((recorder.owes_set(), recorded.signal().wake), (false, Wake::NotNeeded));
    }
}

/// Catches a second step that wakes a program for what is gone.
#[test]
fn r9_a_report_or_a_withdrawal_in_between_makes_the_second_step_void() {
    type Between = fn(&Recorder, &Arc<Event>);
    let between: [Between; 6] = [
        |recorder, event| {
            assert_eq!(recorder.enumerate_and_reset(&**event).unwrap().events(), READ)
        },
        |recorder, _| recorder.withdraw(READ),
        |recorder, _| recorder.reenable(NetworkEvent::Read),
        |recorder, _| recorder.renew(),
        |recorder, _| recorder.deselect().unwrap(),
        |recorder, _| recorder.close().unwrap(),
    ];
    for (at, between) in between.into_iter().enumerate() {
        let (recorder, event) = selected(READ);
        let recorded = recorder.record_unsignaled(NetworkEvent::Read, Ok(()));
        between(&recorder, &event);
        event.log();
        let recorded = recorded.signal();
        assert_eq!((recorded.wake, event.log()), (Wake::NotNeeded, vec![]), "{at}");
    }
}

/// Catches a debt that is forgotten when the second step never comes, fails or panics.
#[test]
fn r9_without_the_second_step_the_set_is_owed() {
    type Second = fn(&Recorder, &Arc<Event>);
    let second: [Second; 3] = [
        |recorder, _| drop(recorder.record_unsignaled(NetworkEvent::Read, Ok(()))),
        |recorder, event| {
            event.on_set(refuse);
            let recorded = recorder.record_unsignaled(NetworkEvent::Read, Ok(())).signal();
            assert_eq!(recorded.signal_error, Some(BAD_HANDLE));
        },
        |recorder, event| {
            event.on_set(blow_up);
            let recorded = recorder.record_unsignaled(NetworkEvent::Read, Ok(()));
            catch_unwind(AssertUnwindSafe(|| recorded.signal())).unwrap_err();
        },
    ];
    for second in second {
        let (recorder, event) = selected(READ);
        second(&recorder, &event);
        assert!(recorder.owes_set() && !event.is_set());
        assert_eq!(recorder.record(NetworkEvent::Write, Ok(())).wake, Wake::Set);
        assert!(!recorder.owes_set() && event.is_set());
    }
}
