// The check of docs/guide/WAITING.md: a function for each rule.

fn check() {
    the_lowest_index_comes_first();
    all_means_at_the_same_moment();
    one_set_of_auto_reset_releases_one_wait();
    a_set_releases_those_who_wait_although_a_reset_follows();
    times();
    arguments();
    a_timeout_loses_no_set();
    a_recorder_sets_it();
}

fn set(event: &Event) {
    event.set_event().unwrap();
}

/// What a look without waiting answers.
fn look(events: &[&Arc<Event>], all: bool) -> u32 {
    let events: Vec<_> = events.iter().map(|event| Arc::clone(event)).collect();
    wait_for_multiple_events(&events, all, 0).unwrap()
}

/// A thread that waits without end, and has begun to.
fn waiting(events: &[&Arc<Event>], all: bool) -> thread::JoinHandle<u32> {
    let events: Vec<_> = events.iter().map(|event| Arc::clone(event)).collect();
    let before = lock().len();
    let thread =
        thread::spawn(move || wait_for_multiple_events(&events, all, WSA_INFINITE).unwrap());
    while lock().len() == before {
        assert!(!thread.is_finished(), "it did not wait");
        thread::yield_now();
    }
    thread
}

/// Catches a search from the wrong end, a reset of what is not the answer, and a manual-reset event object that is reset.
fn the_lowest_index_comes_first() {
    let (a, b, c) = (Event::new(false, false), Event::new(true, true), Event::new(true, true));
    assert_eq!(look(&[&a, &b, &c], false), WSA_WAIT_EVENT_0 + 1);
    assert_eq!(look(&[&a, &b, &c], false), WSA_WAIT_EVENT_0 + 2, "the third was left signaled");
    assert_eq!(look(&[&a, &b, &c], false), WSA_WAIT_TIMEOUT);
    set(&a);
    assert_eq!([look(&[&a], false), look(&[&a], false)], [WSA_WAIT_EVENT_0; 2]);
    a.reset_event().unwrap();
    assert_eq!(look(&[&a], false), WSA_WAIT_TIMEOUT);
}

/// Catches a wait that collects one event object after the other.
fn all_means_at_the_same_moment() {
    let (a, b) = (Event::new(true, true), Event::new(true, false));
    let thread = waiting(&[&a, &b], true);
    assert_eq!(look(&[&a], false), WSA_WAIT_EVENT_0, "the wait for all has not taken it");
    set(&b);
    assert_eq!(lock().len(), 1, "both were signaled, but never together");
    set(&a);
    assert_eq!(thread.join().unwrap(), WSA_WAIT_EVENT_0);
    assert_eq!(look(&[&a, &b], false), WSA_WAIT_TIMEOUT, "both are reset");
    let manual = Event::new(false, true);
    set(&a);
    assert_eq!(look(&[&a, &manual], true), WSA_WAIT_EVENT_0);
    assert_eq!(look(&[&manual], true), WSA_WAIT_EVENT_0);
}

/// Catches a set that releases two waits, or leaves the event object signaled as well.
fn one_set_of_auto_reset_releases_one_wait() {
    let (auto, other) = (Event::new(true, false), Event::new(false, false));
    let first = waiting(&[&auto], false);
    let second = waiting(&[&other, &auto], false);
    set(&auto);
    assert_eq!(first.join().unwrap(), WSA_WAIT_EVENT_0);
    assert_eq!(lock().len(), 1);
    assert_eq!(look(&[&auto], false), WSA_WAIT_TIMEOUT);
    set(&auto);
    assert_eq!(second.join().unwrap(), WSA_WAIT_EVENT_0 + 1);
    set(&auto);
    set(&auto); // signaled already: still one
    assert_eq!(look(&[&auto], false), WSA_WAIT_EVENT_0);
    assert_eq!(look(&[&auto], false), WSA_WAIT_TIMEOUT);
}

/// Catches waits that look at the flag only when they run again.
fn a_set_releases_those_who_wait_although_a_reset_follows() {
    let manual = Event::new(false, false);
    let threads = [waiting(&[&manual], false), waiting(&[&manual], true)];
    set(&manual);
    manual.reset_event().unwrap();
    assert_eq!(threads.map(|thread| thread.join().unwrap()), [WSA_WAIT_EVENT_0; 2]);
    assert_eq!(look(&[&manual], false), WSA_WAIT_TIMEOUT);
}

/// Catches a time of 0 that sleeps, a finite one that never ends, and a wait that stays on the list.
fn times() {
    let (never, set) = (Event::new(false, false), Event::new(false, true));
    for time in [0, 1] {
        assert_eq!(wait_for_multiple_events(&[never.clone()], false, time), Ok(WSA_WAIT_TIMEOUT));
        assert!(lock().is_empty());
    }
    for time in [0, 1, WSA_INFINITE - 1, WSA_INFINITE] {
        assert_eq!(wait_for_multiple_events(&[set.clone()], false, time), Ok(WSA_WAIT_EVENT_0));
    }
}

fn arguments() {
    let failed = Err(WSA_INVALID_PARAMETER);
    let event = Event::new(false, true);
    assert_eq!(wait_for_multiple_events(&[], false, 0), failed);
    let many: Vec<_> = (0..65).map(|at| Event::new(false, at == 63)).collect();
    assert_eq!(wait_for_multiple_events(&many, false, 0), failed);
    assert_eq!(wait_for_multiple_events(&many[..64], false, 0), Ok(WSA_WAIT_EVENT_0 + 63));
    let twice = [event.clone(), event];
    assert_eq!(wait_for_multiple_events(&twice, true, 0), failed);
    assert_eq!(wait_for_multiple_events(&twice, false, 0), Ok(WSA_WAIT_EVENT_0));
}

/// Catches a wait that takes an auto-reset event object at its last moment and answers a time-out.
fn a_timeout_loses_no_set() {
    const SETS: usize = 2_000;
    let (ping, pong) = (Event::new(true, false), Event::new(true, false));
    let (get, answer) = (ping.clone(), pong.clone());
    let other = thread::spawn(move || {
        for _ in 0..SETS {
            while wait_for_multiple_events(&[get.clone()], false, 0) != Ok(WSA_WAIT_EVENT_0) {}
            set(&answer);
        }
    });
    for _ in 0..SETS {
        set(&ping);
        assert_eq!(wait_for_multiple_events(&[pong.clone()], false, 60_000), Ok(WSA_WAIT_EVENT_0));
    }
    other.join().unwrap();
}

/// Catches an event object that does not fit the recorder.
fn a_recorder_sets_it() {
    use wsp_events::{NetworkEvent, NetworkEventRecorder, NetworkEvents};
    for auto_reset in [false, true] {
        let (other, event) = (Event::new(false, false), Event::new(auto_reset, false));
        let recorder = NetworkEventRecorder::new();
        recorder.select(NetworkEvents::FD_READ, event.clone()).unwrap();
        let thread = waiting(&[&other, &event], false);
        recorder.record(NetworkEvent::Read, Ok(()));
        assert_eq!(thread.join().unwrap(), WSA_WAIT_EVENT_0 + 1);
        let report = recorder.enumerate_and_reset(&event).unwrap();
        assert_eq!(report.events(), NetworkEvents::FD_READ);
        assert_eq!(look(&[&event], false), WSA_WAIT_TIMEOUT);
    }
}
