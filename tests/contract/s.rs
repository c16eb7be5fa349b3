//! S: selecting.

use std::sync::Arc;

use wsp_events::{NetworkEvent, RecorderError, WSAEVENT};

use crate::support::*;

/// Catches a selection that is added to the earlier one.
#[test]
fn s1_a_new_selection_replaces_mask_and_event_object() {
    let (recorder, first) = selected(READ);
    let second = Event::new();
    recorder.select(CLOSE, second.clone()).unwrap();
    assert_eq!(recorder.selected(), CLOSE);

    recorder.record(NetworkEvent::Read, Ok(()));
    assert_eq!((first.log(), second.log()), (vec![], vec![]));
    recorder.record(NetworkEvent::Close, Ok(()));
    assert_eq!((first.log(), second.log()), (vec![], vec![Call::Set]));
}

/// Catches a selection that clears the record (the bug of viosock's pull request 1121), does not set the
/// new event object, or sets it for an event that is not selected.
#[test]
fn s2_selecting_forgets_nothing() {
    let (recorder, first) = selected(READ);
    recorder.record(NetworkEvent::Read, Ok(()));
    recorder.record(NetworkEvent::Close, Err(RESET));

    let second = Event::new();
    recorder.select(CONNECT, second.clone()).unwrap();
    assert_eq!(second.log(), []);
    let third = Event::new();
    recorder.select(READ | CLOSE, third.clone()).unwrap();
    assert_eq!(third.log(), [Call::Set]);
    assert!(first.is_set());
    assert_eq!(
        recorder.enumerate().unwrap().to_string(),
        "FD_READ: success, FD_CLOSE: WSAECONNRESET (10054)"
    );
}

/// Catches a zero mask that does not end the selection, forgets the record, or looks at the handle.
#[test]
fn s3_a_zero_mask_ends_the_selection() {
    let (recorder, event) = selected(READ);
    recorder.record(NetworkEvent::Read, Ok(()));
    recorder.deselect().unwrap();
    recorder.record(NetworkEvent::Close, Ok(()));
    assert_eq!(recorder.selected(), NONE);
    assert_eq!(recorder.enumerate().unwrap().events(), NONE);
    assert_eq!(recorder.recorded(), READ | CLOSE);
    assert_eq!(event.log(), [Call::Set]);
    assert_eq!(Arc::strong_count(&event), 1);

    let (recorder, event) = selected(READ);
    let ignored = Event::new();
    recorder.select(NONE, ignored.clone()).unwrap();
    assert_eq!(recorder.selected(), NONE);
    assert_eq!((Arc::strong_count(&event), Arc::strong_count(&ignored)), (1, 1));

    let (provider, s, socket, _, _) = serving(1);
    assert_eq!(provider.select(s, WSAEVENT(99), 0), (0, -7));
    assert_eq!(socket.selected(), NONE);
}

/// Catches unknown bits that are kept, or make the mask non-zero.
#[test]
fn s4_unknown_bits_are_dropped_first() {
    let (provider, s, socket, handle, _) = serving(0);
    assert_eq!(provider.select(s, handle, !0x3ff | 0x20), (0, -7));
    assert_eq!(socket.selected(), CLOSE);
    assert_eq!(provider.select(s, WSAEVENT::NULL, i32::MIN), (0, -7));
    assert_eq!(socket.selected(), NONE);
}

/// Catches a bad handle that is accepted, or that ends the earlier selection.
#[test]
fn s4_a_bad_event_object_leaves_the_earlier_selection() {
    let (provider, s, socket, _, event) = serving(CLOSE.mask());
    for bad in [0, 99] {
        assert_eq!(provider.select(s, WSAEVENT(bad), READ.mask()), (-1, 10022));
        assert_eq!(socket.selected(), CLOSE);
    }
    socket.record(NetworkEvent::Close, Ok(()));
    assert!(event.is_set());
}

/// Catches a replaced event object that is set or reset.
#[test]
fn s5_the_replaced_event_object_is_left_alone() {
    let (recorder, first) = selected(READ);
    recorder.record(NetworkEvent::Read, Ok(()));
    first.log();
    recorder.select(READ, Event::new()).unwrap();
    assert!(first.is_set());
    recorder.select(READ, first.clone()).unwrap();
    recorder.select(NONE, first.clone()).unwrap();
    assert_eq!(first.log(), [Call::Set], "only where it was the new one");
    assert!(first.is_set());
}

/// Catches a selection that half stands although its event object could not be set.
#[test]
fn s6_a_new_event_object_that_cannot_be_set() {
    let (recorder, first) = selected(CLOSE);
    recorder.record(NetworkEvent::Read, Ok(()));
    let second = Event::new();
    second.on_set(refuse);
    let refused = recorder.select(READ, second.clone());

    assert_eq!(refused, Err(RecorderError::Signal(BAD_HANDLE)));
    assert_eq!(refused.unwrap_err().errno().code(), 10022);
    assert_eq!(recorder.selected(), CLOSE);
    assert_eq!(Arc::strong_count(&second), 1);
    assert_eq!(first.log(), []);
    recorder.record(NetworkEvent::Close, Ok(()));
    assert_eq!((first.log(), second.log()), (vec![Call::Set], vec![]));
}

/// Catches an event that is recorded while a selection fails, and is not signaled, or signaled twice.
#[test]
fn s6_news_during_a_refused_selection_reaches_the_earlier_event_object() {
    let (recorder, first) = selected(CLOSE);
    recorder.record(NetworkEvent::Read, Ok(()));
    let second = Event::new();
    second.on_set(with(&recorder, |recorder| {
        recorder.record(NetworkEvent::Close, Ok(()));
        refuse()
    }));
    recorder.select(READ, second.clone()).unwrap_err();
    assert_eq!((first.log(), second.log()), (vec![Call::Set], vec![]));
}

/// Catches a close that sets, resets or leaks the event object, or leaves the selection.
#[test]
fn s7_closing_ends_the_selection() {
    for signaled in [false, true] {
        let (recorder, event) = selected(READ);
        if signaled {
            recorder.record(NetworkEvent::Read, Ok(()));
        }
        event.log();
        recorder.close().unwrap();
        assert_eq!(event.is_set(), signaled);
        assert_eq!(event.log(), []);
        assert_eq!(Arc::strong_count(&event), 1);
        assert_eq!((recorder.selected(), recorder.recorded()), (NONE, NONE));
    }
}

/// Catches an accepted socket without the listener's selection, with its record, or without a reference
/// of its own to the event object.
#[test]
fn s8_an_accepted_socket_inherits_the_selection() {
    let (listener, event) = selected(ACCEPT | READ);
    listener.record(NetworkEvent::Accept, Ok(()));
    let accepted = listener.inherit().unwrap();
    assert_eq!((accepted.selected(), accepted.recorded()), (ACCEPT | READ, NONE));
    assert_eq!(Arc::strong_count(&event), 3);

    listener.close().unwrap();
    event.log();
    accepted.record(NetworkEvent::Read, Ok(()));
    assert_eq!(event.log(), [Call::Set]);
    assert_eq!(Recorder::new().inherit().unwrap().selected(), NONE);
}

/// Catches a provider that is not notified, or is notified of a selection that failed.
#[test]
fn s9_the_provider_is_told_of_every_selection() {
    let (provider, s, _, handle, _) = serving(0x8);
    provider.select(s, WSAEVENT::NULL, 0x8);
    provider.select(s, handle, 0);
    assert_eq!(*provider.told.lock().unwrap(), [ACCEPT, NONE]);
}

/// Catches a provider that cannot know when to refuse ioctlsocket(FIONBIO, 0): a failed selection that seems to stand, or
/// one that stands and does not seem to.
#[test]
fn s9_a_provider_can_ask_whether_a_selection_stands() {
    let (provider, s, socket, handle, event) = serving(0);
    let stands = || !socket.selected().is_empty();
    assert!(!stands());
    provider.select(s, WSAEVENT(99), 0x8);
    assert!(!stands());
    provider.select(s, handle, 0x8);
    assert!(stands());
    provider.enumerate(s, handle);
    provider.select(s, WSAEVENT(99), 0x1);
    assert!(stands(), "the earlier one");
    provider.select(s, handle, 0);
    assert!(!stands());
    assert!(!event.is_set());
}

/// Catches a provider whose last notification names the selection that does not stand, when two race.
#[test]
fn s9_the_last_word_is_about_the_selection_that_stands() {
    let (provider, s, _, handle, _) = serving(0);
    // The other selection comes between the first one and what the provider is told.
    *provider.on_selected.lock().unwrap() = Some(Box::new(move |provider| {
        provider.select(s, WSAEVENT(4), 0x1);
    }));
    provider.select(s, handle, 0x8);
    assert_eq!(*provider.told.lock().unwrap(), [READ, ACCEPT, READ]);
}

/// Catches a selection that fails, although it stands, because the provider panics when it is told.
#[test]
fn s9_a_provider_that_panics_when_it_is_told() {
    let (provider, s, socket, handle, _) = serving(0);
    *provider.on_selected.lock().unwrap() = Some(Box::new(|_| _ = blow_up()));
    assert_eq!(provider.select(s, handle, 0x8), (0, -7));
    assert_eq!(socket.selected(), ACCEPT);
}
