//! K: concurrency, cost and embedding. What threads may do to each other is checked by the models in
//! tests/loom; here stand the cases that one can write down, and the cost.

use std::cell::Cell;
use std::mem::size_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use wsp_events::{
    EventSignal, ManualResetEvent, NetworkEvent, NetworkEventRecorder, RecorderError, SignalError,
    Wake,
};

use crate::support::*;

/// Catches an operation that needs `&mut self`, and a recorder that cannot be shared although its event
/// object can: this compiles, or it does not.
#[test]
fn k1_every_operation_takes_a_shared_reference_from_any_thread() {
    fn shared<T: Send + Sync>(recorder: T) -> T {
        recorder
    }
    let recorder = shared(NetworkEventRecorder::<ManualResetEvent>::new());
    thread::scope(|scope| {
        for event in NetworkEvent::ALL {
            let recorder = &recorder;
            scope.spawn(move || {
                recorder.select(ALL, ManualResetEvent::new()).unwrap();
                recorder.record(event, Ok(()));
                recorder.enumerate().unwrap();
                recorder.withdraw(event.flag());
                recorder.deselect().unwrap();
            });
        }
    });
    assert_eq!(recorder.recorded(), NONE);
}

/// Starts a thread whose call is inside the event object until `go_on` receives something. After the limit it
/// continues anyway, so that the test sees a call that waits for it.
fn busy(
    event: &Event,
    inside: Call,
    call: impl FnOnce() + Send + 'static,
) -> (Sender<()>, thread::JoinHandle<()>) {
    let (entered, is_inside) = channel();
    let (go_on, leave) = channel::<()>();
    event.on(inside, move || {
        entered.send(()).unwrap();
        let _timed_out = leave.recv_timeout(LIMIT);
        Ok(())
    });
    let thread = thread::spawn(call);
    is_inside.recv().unwrap();
    (go_on, thread)
}

/// Catches a call that waits for a thread inside SetEvent or ResetEvent: everything but a selection and a
/// close; and a set that is left to that thread.
#[test]
fn k2_nothing_but_a_selection_waits_for_the_event_object() {
    for inside in [Call::Set, Call::Reset] {
        let (recorder, event) = selected(ALL);
        let call = with((&recorder, &event), move |(recorder, event)| match inside {
            Call::Reset => _ = recorder.enumerate_and_reset(&*event).unwrap(),
            _ => _ = recorder.record(NetworkEvent::Oob, Ok(())),
        });
        let (go_on, thread) = busy(&event, inside, call);
        let success = recorder.record(NetworkEvent::Read, Ok(()));
        let error = recorder.record(NetworkEvent::Close, Err(RESET));
        assert_eq!((success.wake, error.wake), (Wake::Set, Wake::Set));
        let report = recorder.enumerate_and_reset(&*event).unwrap();
        assert_eq!(report.outcome(NetworkEvent::Close), Some(Err(RESET)));
        recorder.record(NetworkEvent::Close, Err(RESET));
        recorder.withdraw(CLOSE);
        recorder.reenable(NetworkEvent::Read);
        assert_eq!(recorder.inherit().unwrap().selected(), ALL);
        go_on.send(()).expect("the thread inside has gone on before the calls returned");
        thread.join().unwrap();
    }
}

/// Catches a selection or a close that returns while a call on the event object that it replaces is under way, and
/// an event that is recorded meanwhile and not signaled.
#[test]
fn k3_a_selection_waits_until_nobody_uses_the_old_event_object() {
    let end = |call: fn(&Recorder)| {
        let (recorder, event) = selected(ALL);
        let record = with(&recorder, |recorder| _ = recorder.record(NetworkEvent::Read, Ok(())));
        let (go_on, thread) = busy(&event, Call::Set, record);
        let other = thread::spawn(with(&recorder, move |recorder| call(&recorder)));
        // It holds the recorder as soon as a record is left to it.
        let begin = Instant::now();
        while recorder.record(NetworkEvent::Close, Err(RESET)).wake != Wake::HandedOver {
            assert!(begin.elapsed() < LIMIT, "K3: it does not hold the recorder");
            recorder.withdraw(CLOSE);
        }
        // And as long as the old event object is in use.
        for _ in 0..1_000 {
            recorder.withdraw(CLOSE);
            let recorded = recorder.record(NetworkEvent::Close, Err(RESET));
            assert_eq!(recorded.wake, Wake::HandedOver, "K3");
            thread::yield_now();
        }
        assert!(!other.is_finished(), "K3");
        go_on.send(()).unwrap();
        thread.join().unwrap();
        other.join().unwrap();
        assert_eq!(Arc::strong_count(&event), 1, "P2");
        recorder
    };
    let recorder = end(|recorder| recorder.select(CLOSE, Event::new()).unwrap());
    assert_eq!(recorder.recorded(), READ | CLOSE);
    assert!(!recorder.owes_set());
    assert_eq!(end(|recorder| recorder.deselect().unwrap()).selected(), NONE);
    assert_eq!(end(|recorder| recorder.close().unwrap()).recorded(), NONE);
}

/// Catches a record that sets for ever on behalf of another thread, which withdraws and records beside it.
#[test]
fn k2_one_record_sets_once() {
    let (recorder, event) = selected(ALL);
    event.on_set(with(&recorder, |recorder| {
        for _ in 0..10 {
            recorder.withdraw(READ);
            assert_eq!(recorder.record(NetworkEvent::Read, Ok(())).wake, Wake::Set);
        }
        Ok(())
    }));
    recorder.record(NetworkEvent::Read, Ok(()));
    assert_eq!(event.log(), [Call::Set; 11]);
}

/// Catches a code that is stored after the set: the withdrawal waits for it.
#[test]
fn k2_a_set_that_withdraws_its_own_error() {
    let (recorder, event) = selected(ALL);
    event.on_set(with(&recorder, |recorder| {
        recorder.withdraw(CLOSE);
        Ok(())
    }));
    let again = recorder.clone();
    must_return(move || recorder.record(NetworkEvent::Close, Err(RESET)));
    assert!(again.enumerate().unwrap().events().is_empty());
}

/// Catches a deadlock when the event object records on its own recorder, and an event that is lost there.
#[test]
fn k4_a_signal_that_records() {
    let (recorder, event) = selected(ALL);
    event.on_set(with(&recorder, |recorder| {
        let success = recorder.record(NetworkEvent::Write, Ok(()));
        let error = recorder.record(NetworkEvent::Close, Err(RESET));
        assert_eq!((success.wake, error.wake), (Wake::Set, Wake::Set));
        Ok(())
    }));
    let recorded =
        must_return(with(&recorder, |recorder| recorder.record(NetworkEvent::Read, Ok(()))));
    assert_eq!(recorded.wake, Wake::Set);
    assert_eq!(event.log(), [Call::Set; 3], "each by the call that brought the news");
    assert_eq!(
        recorder.enumerate().unwrap().to_string(),
        "FD_READ: success, FD_WRITE: success, FD_CLOSE: WSAECONNRESET (10054)"
    );
}

/// What would wait for itself inside an event object of `recorder` is refused there, and nothing else is.
fn call_back(recorder: &Recorder) -> Answer {
    let answers = [recorder.select(READ, Event::new()), recorder.deselect(), recorder.close()];
    assert_eq!(answers, [Err(RecorderError::Reentrant); 3]);
    recorder.record(NetworkEvent::Close, Err(RESET));
    recorder.withdraw(CLOSE);
    recorder.reenable(NetworkEvent::Close);
    recorder.enumerate().unwrap();
    recorder.enumerate_and_reset(&*Event::new()).unwrap();
    recorder.inherit().unwrap();
    Ok(())
}

/// Catches a hang where the event object calls back what has to wait for it, and a refusal where nothing
/// has.
#[test]
fn k4_waiting_for_oneself_is_refused() {
    let (recorder, event) = selected(ALL);
    for call in [Call::Set, Call::Reset] {
        event.on(call, with(&recorder, |recorder| call_back(&recorder)));
    }
    must_return(with((&recorder, &event), |(recorder, event)| {
        recorder.record(NetworkEvent::Read, Ok(()));
        recorder.enumerate_and_reset(&*event).unwrap();
    }));
    // Nothing of it has changed the selection, and from outside everything works.
    assert_eq!(recorder.selected(), ALL);
    recorder.record(NetworkEvent::Read, Ok(()));
    assert_eq!(recorder.enumerate_and_reset(&*event).unwrap().events(), READ);
}

/// Catches a thread whose inner call hides the outer one, where two recorders' event objects call each
/// other's recorders.
#[test]
fn k4_two_event_objects_that_call_each_other() {
    let ((one, first), (two, second)) = (selected(ALL), selected(ALL));
    first.on_set(with(&two, |two| two.record(NetworkEvent::Read, Ok(())).signaled().map(drop)));
    second.on_set(with((&one, &two), |(one, two)| {
        call_back(&one)?;
        call_back(&two)
    }));
    must_return(move || one.record(NetworkEvent::Read, Ok(())));
    assert_eq!(two.selected(), ALL);
}

/// Catches two recorders whose event objects enumerate each other from inside a set, on two threads, and
/// do not return.
#[test]
fn k4_two_event_objects_that_enumerate_each_other() {
    let ((one, first), (two, second)) = (selected(ALL), selected(ALL));
    let meet = Arc::new(Barrier::new(2));
    for (event, recorder, other) in [(&first, &two, &second), (&second, &one, &first)] {
        let meet = meet.clone();
        event.on_set(with((recorder, other), move |(recorder, event)| {
            meet.wait();
            recorder.enumerate_and_reset(&*event).unwrap();
            Ok(())
        }));
    }
    let other = thread::spawn(move || two.record(NetworkEvent::Read, Ok(())));
    must_return(move || one.record(NetworkEvent::Read, Ok(())));
    must_return(move || other.join().unwrap());
}

/// Catches an `inherit` that is not known to be inside while it clones the event object.
#[test]
fn k4_a_clone_that_calls_back() {
    let (recorder, event) = (Arc::new(NetworkEventRecorder::new()), Event::new());
    recorder.select(ALL, Handle(event.clone())).unwrap();
    let script = with(&recorder, |recorder| {
        assert_eq!(recorder.deselect(), Err(RecorderError::Reentrant));
        Ok(())
    });
    event.on(Call::Clone, script);
    must_return(move || recorder.inherit().unwrap());
}

/// Catches a report that is lost with a panic, a recorder that is unusable afterwards, and a set that
/// is not owed.
#[test]
fn k5_a_signal_that_panics() {
    let (recorder, event) = selected(ALL);
    let call = |body: &dyn Fn()| catch_unwind(AssertUnwindSafe(body)).unwrap_err();

    event.on_set(blow_up);
    call(&|| _ = recorder.record(NetworkEvent::Close, Err(RESET)));
    assert_eq!((recorder.recorded(), recorder.owes_set()), (CLOSE, true));

    event.on_reset(blow_up);
    call(&|| _ = recorder.enumerate_and_reset(&*event));
    assert_eq!((recorder.recorded(), recorder.owes_set()), (CLOSE, true));

    // In the set after a reset that has succeeded, when the report was all but handed out.
    event.on_reset(with((&recorder, &event), |(recorder, event)| {
        event.on_set(blow_up);
        recorder.record(NetworkEvent::Read, Ok(())).signaled().map(drop)
    }));
    call(&|| _ = recorder.enumerate_and_reset(&*event));
    assert_eq!((recorder.recorded(), recorder.owes_set()), (CLOSE | READ, true));

    let refused = Event::new();
    refused.on_set(blow_up);
    call(&|| _ = recorder.select(CLOSE, refused.clone()));
    assert_eq!((recorder.selected(), Arc::strong_count(&refused)), (ALL, 1));

    assert_eq!(recorder.record(NetworkEvent::Close, Ok(())).wake, Wake::Set);
    assert_eq!(
        recorder.enumerate_and_reset(&*event).unwrap().to_string(),
        "FD_READ: success, FD_CLOSE: WSAECONNRESET (10054)"
    );
    assert!(!event.is_set());
}

/// Catches a lost set when a reset wipes out a set that was made inside it, and then panics.
#[test]
fn k5_a_reset_that_wipes_out_and_panics() {
    let (recorder, event) = selected(ALL);
    event.on_reset(with((&recorder, &event), |(recorder, event)| {
        recorder.record(NetworkEvent::Read, Ok(()));
        event.reset_by_the_application();
        blow_up()
    }));
    catch_unwind(AssertUnwindSafe(|| recorder.enumerate_and_reset(&*event))).unwrap_err();
    assert_eq!(recorder.recorded(), READ);
    assert!(event.is_set() || recorder.owes_set(), "E5");
}

/// Catches a selection that is lost, or unwinds, because the set for what came meanwhile panics.
#[test]
fn k5_the_last_set_of_a_selection_panics() {
    let (recorder, _event) = selected(ALL);
    recorder.record(NetworkEvent::Read, Ok(()));
    let new = Event::new();
    new.on_set(with((&recorder, &new), |(recorder, new)| {
        new.on_set(blow_up);
        recorder.record(NetworkEvent::Close, Ok(())).signaled().map(drop)
    }));
    recorder.select(READ | CLOSE, new).unwrap();
    assert_eq!(recorder.selected(), READ | CLOSE);
    assert!(recorder.owes_set());
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
    recorder.record(NetworkEvent::Read, Ok(()));
    assert!(signaled.get());
    recorder.enumerate_and_reset(&Bound(&signaled)).unwrap();
    assert!(!signaled.get());
}

/// Catches an event object that is set again and again, because it answers its set with an enumeration that fails.
#[test]
fn k4_an_enumeration_that_fails_inside_the_event_object() {
    for resets in [false, true] {
        let (recorder, event) = selected(READ);
        let (inside, object) = (Arc::clone(&recorder), Event::new());
        let sets = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sets);
        event.always(move |_| {
            assert!(counted.fetch_add(1, SeqCst) < 10, "without end");
            object.on_reset(refuse);
            let refused = match resets {
                false => inside.enumerate_with(|_| Err(RecorderError::Signal(BAD_HANDLE))),
                true => inside.enumerate_and_reset(&*object),
            };
            assert_eq!(refused, Err(RecorderError::Signal(BAD_HANDLE)));
            Ok(())
        });
        recorder.record(NetworkEvent::Read, Ok(()));
        assert_eq!(sets.load(SeqCst), 1);
        assert_eq!((recorder.recorded(), recorder.owes_set()), (READ, true), "E5, E7");
        event.calm(); // its script has a reference to the recorder
    }
}
