//! K: concurrency, cost and embedding. What threads may do to each other is checked by the models in
//! tests/loom.rs; here stand the cases that one can write down, and the cost.

use std::cell::Cell;
use std::mem::size_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use wsp_events::{
    EventSignal, ManualResetEvent, NetworkEvent, NetworkEventRecorder, RecorderError, SignalError,
    Wake,
};

use crate::support::*;

/// Catches an operation that needs `&mut self`, and a recorder that cannot be shared although its event
/// object can be sent: this compiles, or it does not.
#[test]
fn k1_every_operation_takes_a_shared_reference_from_any_thread() {
    fn shared<T: Send + Sync>(recorder: T) -> T {
        recorder
    }
    // Send, and not Sync.
    type NotSync = Cell<bool>;
    struct Signal(NotSync);
    impl EventSignal for Signal {
        fn set_event(&self) -> Result<(), SignalError> {
            self.0.set(true);
            Ok(())
        }
        fn reset_event(&self) -> Result<(), SignalError> {
            self.0.set(false);
            Ok(())
        }
    }
    let recorder = shared(NetworkEventRecorder::<Signal>::new());
    thread::scope(|scope| {
        for event in NetworkEvent::ALL {
            let recorder = &recorder;
            scope.spawn(move || {
                recorder.select(ALL, Signal(Cell::new(false))).unwrap();
                recorder.record(event, Ok(())).unwrap();
                recorder.enumerate().unwrap();
                recorder.withdraw(event.flag());
                recorder.deselect().unwrap();
            });
        }
    });
    assert_eq!(recorder.recorded(), NONE);
}

/// Catches a record that waits for a thread inside SetEvent or ResetEvent, success or error, and a
/// hand-over that the holder does not see to.
#[test]
fn k2_recording_does_not_wait_for_the_holder() {
    let (recorder, event) = selected(ALL);
    let (entered, inside) = channel();
    let (go_on, leave) = channel::<()>();
    event.on_reset(move || {
        entered.send(()).unwrap();
        // If the other thread waits for this one, this one goes on after a while: then it is seen.
        let _timed_out = leave.recv_timeout(Duration::from_secs(2));
        Ok(())
    });
    let holder = thread::spawn({
        let (recorder, event) = (recorder.clone(), event.clone());
        move || recorder.enumerate_and_reset(&*event).unwrap()
    });
    inside.recv().unwrap();
    let success = recorder.record(NetworkEvent::Read, Ok(())).unwrap();
    let error = recorder.record(NetworkEvent::Close, Err(RESET)).unwrap();
    assert_eq!((success.wake, error.wake), (Wake::HandedOver, Wake::HandedOver));
    go_on.send(()).expect("the holder has gone on before the records returned");
    holder.join().unwrap();
    assert_eq!(event.log(), [Call::Reset, Call::Set]);
    assert_eq!(recorder.recorded(), READ | CLOSE);
}

/// Catches two calls on the event object at the same time, many threads at work.
#[test]
fn k3_calls_on_the_signal_never_overlap() {
    let (recorder, event) = selected(ALL);
    // First the sure case: a record from inside a call.
    event.on_reset({
        let recorder = recorder.clone();
        move || recorder.record(NetworkEvent::Oob, Ok(())).map(drop)
    });
    recorder.enumerate_and_reset(&*event).unwrap();
    assert!(!event.overlapped());

    thread::scope(|scope| {
        for at in 0..4 {
            let (recorder, event) = (&recorder, &event);
            scope.spawn(move || {
                for round in 0..500 {
                    match (at + round) % 4 {
                        0 => drop(recorder.enumerate_and_reset(&**event)),
                        1 => drop(recorder.select(ALL, event.clone())),
                        2 => drop(recorder.record(NetworkEvent::Close, Err(RESET))),
                        _ => drop(recorder.record(NetworkEvent::Read, Ok(()))),
                    }
                }
            });
        }
    });
    assert!(!event.overlapped());
    assert_eq!(event.is_set(), !recorder.recorded().is_empty(), "E5");
}

/// Catches a deadlock where the event object records on its own recorder, and news that is lost there.
#[test]
fn k4_a_signal_that_records() {
    let (recorder, event) = selected(ALL);
    event.on_set({
        let recorder = recorder.clone();
        move || {
            let success = recorder.record(NetworkEvent::Write, Ok(()))?;
            let error = recorder.record(NetworkEvent::Close, Err(RESET))?;
            assert_eq!((success.wake, error.wake), (Wake::HandedOver, Wake::HandedOver));
            Ok(())
        }
    });
    let wake = must_return({
        let recorder = recorder.clone();
        move || recorder.record(NetworkEvent::Read, Ok(())).unwrap().wake
    });
    assert_eq!(wake, Wake::Set);
    assert_eq!(event.log(), [Call::Set, Call::Set], "once more for what was handed over");
    assert_eq!(
        recorder.enumerate().unwrap().to_string(),
        "FD_READ: success, FD_WRITE: success, FD_CLOSE: WSAECONNRESET (10054)"
    );
}

/// Catches a hang where the event object calls back what has to wait for it.
#[test]
fn k4_waiting_for_oneself_is_refused() {
    let (recorder, event) = selected(ALL);
    let answers = Arc::new(Mutex::new(Vec::new()));
    event.on_set({
        let (recorder, answers) = (recorder.clone(), answers.clone());
        move || {
            let mut answers = answers.lock().unwrap();
            answers.push(recorder.enumerate().map(drop));
            answers.push(recorder.enumerate_and_reset(&*Event::new()).map(drop));
            answers.push(recorder.select(READ, Event::new()));
            answers.push(recorder.deselect());
            answers.push(recorder.inherit().map(drop));
            answers.push(recorder.close());
            Ok(())
        }
    });
    must_return({
        let recorder = recorder.clone();
        move || recorder.record(NetworkEvent::Read, Ok(())).unwrap()
    });
    assert_eq!(*answers.lock().unwrap(), [Err(RecorderError::Reentrant); 6]);
    // Nothing of it has changed anything, and from outside everything works.
    assert_eq!((recorder.selected(), recorder.recorded()), (ALL, READ));
    assert_eq!(recorder.enumerate_and_reset(&*event).unwrap().events(), READ);
}

/// Catches a report that is lost with a panic, a recorder that is unusable afterwards, and a set that
/// is not owed.
#[test]
fn k5_a_signal_that_panics() {
    let (recorder, event) = selected(ALL);
    let call = |body: &dyn Fn()| catch_unwind(AssertUnwindSafe(body)).unwrap_err();

    event.on_set(blow_up);
    call(&|| _ = recorder.record(NetworkEvent::Close, Err(RESET)));
    assert_eq!(recorder.recorded(), CLOSE);
    assert!(recorder.owes_set());

    event.on_reset(blow_up);
    call(&|| _ = recorder.enumerate_and_reset(&*event));
    assert_eq!(recorder.recorded(), CLOSE);
    assert!(recorder.owes_set());

    // In the set after a reset that has succeeded, when the report was all but handed out.
    event.on_reset({
        let (recorder, event) = (recorder.clone(), event.clone());
        move || {
            event.on_set(blow_up);
            recorder.record(NetworkEvent::Read, Ok(())).map(drop)
        }
    });
    call(&|| _ = recorder.enumerate_and_reset(&*event));
    assert_eq!(recorder.recorded(), CLOSE | READ);
    assert!(recorder.owes_set());

    let refused = Event::new();
    refused.on_set(blow_up);
    call(&|| _ = recorder.select(CLOSE, refused.clone()));
    assert_eq!((recorder.selected(), Arc::strong_count(&refused)), (ALL, 1));

    assert_eq!(recorder.record(NetworkEvent::Close, Ok(())).unwrap().wake, Wake::Set);
    assert_eq!(
        recorder.enumerate_and_reset(&*event).unwrap().to_string(),
        "FD_READ: success, FD_CLOSE: WSAECONNRESET (10054)"
    );
    assert!(!event.is_set());
}

/// Catches a recorder that outgrows a cache line, and one that cannot be made in a `const`. (That
/// nothing is allocated is checked in tests/allocation.rs.)
#[test]
fn k6_a_recorder_is_at_most_64_bytes_and_const() {
    static EMPTY: NetworkEventRecorder<&ManualResetEvent> = NetworkEventRecorder::new();
    assert!(EMPTY.recorded().is_empty());
    assert!(size_of::<NetworkEventRecorder<Arc<ManualResetEvent>>>() <= 64);
    assert!(size_of::<NetworkEventRecorder<&ManualResetEvent>>() <= 64);
}

/// Catches a bound (`Send`, `Sync`, `'static`, `Clone`, an allocation) that a driver's event object does
/// not meet. (That the core is built without `std` is checked by `.ci/package no-std`.)
#[test]
fn k7_an_event_object_may_be_borrowed_and_bound_to_its_thread() {
    struct Bound<'a>(&'a Cell<bool>);
    impl EventSignal for Bound<'_> {
        fn set_event(&self) -> Result<(), SignalError> {
            self.0.set(true);
            Ok(())
        }
        fn reset_event(&self) -> Result<(), SignalError> {
            self.0.set(false);
            Ok(())
        }
    }
    let signaled = Cell::new(false);
    let recorder = NetworkEventRecorder::new();
    recorder.select(READ, Bound(&signaled)).unwrap();
    recorder.record(NetworkEvent::Read, Ok(())).unwrap();
    assert!(signaled.get());
    recorder.enumerate_and_reset(&Bound(&signaled)).unwrap();
    assert!(!signaled.get());
}
