//! One thread, and a record that no other thread uses: against bare read-modify-writes, and by hand.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use wsp_events::{EventSignal, ManualResetEvent, NetworkEventRecorder, Report};

use crate::measure::{ROUNDS, Run, nanoseconds};
#[cfg(target_os = "linux")]
use crate::peers::EventFd;
use crate::peers::{
    CLOSE, Empty, OK, ParkingLotByHand, READ, RESET, Record, StdByHand, cycle, selected,
};

fn rmw(word: &AtomicU64) {
    black_box(black_box(word).fetch_add(1, Ordering::AcqRel));
}

/// The least that a recorder needs: one exchange that records, one after the set, to say that the event object is no
/// longer in use, and one that takes the report, which is returned.
fn three_exchanges(word: &AtomicU64, between: impl Fn(usize)) {
    let mut now = black_box(word).load(Ordering::Relaxed);
    for exchange in 0..3 {
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        match black_box(word).compare_exchange(now, now + 1, success, failure) {
            Ok(_) => now += 1,
            Err(current) => now = current,
        }
        between(exchange);
    }
    black_box((now, Report::default()));
}

pub(crate) fn measure(run: &mut Run) {
    let word = AtomicU64::new(0);
    let recorder = selected(Empty);
    let by_hand = StdByHand::selected(Empty);
    let parking_lot = ParkingLotByHand::selected(Empty);

    let repeat = || _ = black_box(black_box(&recorder).record(READ, OK).signaled().is_ok());
    repeat();
    by_hand.note(OK);
    parking_lot.note(OK);
    run.calls("repeat_vs_rmw", repeat, || rmw(&word));
    run.calls("repeat_vs_mutex", repeat, || by_hand.note(OK));
    run.calls("repeat_vs_parking_lot", repeat, || parking_lot.note(OK));

    let ours = || cycle(&recorder, OK, &Empty);
    let mutex = || cycle(&by_hand, OK, &Empty);
    let two_rmw = || (rmw(&word), rmw(&word)).0;
    let three_rmw = || three_exchanges(&word, |_| ());
    run.calls("cycle_vs_mutex", ours, mutex);
    run.calls("cycle_vs_parking_lot", ours, || cycle(&parking_lot, OK, &Empty));
    run.calls("cycle_vs_two_rmw", ours, two_rmw);
    run.calls("three_rmw_vs_mutex", three_rmw, mutex);
    run.calls("three_rmw_vs_two_rmw", three_rmw, two_rmw);

    with_an_event(run);
    #[cfg(target_os = "linux")]
    over_eventfd(run);

    let error = || cycle(&recorder, RESET, &Empty);
    run.calls("error_cycle_vs_mutex", error, || cycle(&by_hand, RESET, &Empty));
    batch(run);
    let nothing = || recorder.take_and_reset(&Empty);
    run.calls("enumerate_nothing_vs_mutex", nothing, || by_hand.take_and_reset(&Empty));
    let select = || recorder.select_all(Empty);
    run.calls("select_vs_mutex", select, || by_hand.select_all(Empty));
}

fn set_and_reset(event: &impl EventSignal) {
    black_box(event).set_event().unwrap();
    black_box(event).reset_event().unwrap();
}

fn with_an_event(run: &mut Run) {
    let [one, two] = [(); 2].map(|()| Arc::new(ManualResetEvent::new()));
    let recorder = selected(Arc::clone(&one));
    let by_hand = StdByHand::selected(Arc::clone(&two));
    let parking_lot = ParkingLotByHand::selected(Arc::clone(&two));
    let ours = || cycle(&recorder, OK, &one);
    let mutex = || cycle(&by_hand, OK, &two);
    run.calls("cycle_event_vs_mutex", ours, mutex);
    run.calls("cycle_event_vs_parking_lot", ours, || cycle(&parking_lot, OK, &two));
    run.calls("cycle_event_vs_bare", ours, || set_and_reset(&two));
    let word = AtomicU64::new(0);
    let three = || {
        three_exchanges(&word, |exchange| match exchange {
            0 => black_box(&one).set(),
            1 => black_box(&one).reset(),
            _ => (),
        });
    };
    run.calls("three_rmw_event_vs_mutex", three, mutex);
}

#[cfg(target_os = "linux")]
fn over_eventfd(run: &mut Run) {
    let event = Arc::new(EventFd::new());
    let recorder = selected(Arc::clone(&event));
    let by_hand = StdByHand::selected(Arc::clone(&event));
    let ours = || cycle(&recorder, OK, &event);
    run.calls("eventfd_cycle_vs_bare", ours, || set_and_reset(&event));
    run.calls("eventfd_cycle_vs_mutex", ours, || cycle(&by_hand, OK, &event));
}

/// Two new events, on one recorder after the other. The enumerations that take them out again are not measured.
fn batch(run: &mut Run) {
    const RECORDERS: usize = 256;

    let recorders: Vec<_> = (0..RECORDERS).map(|_| selected(Empty)).collect();
    let round = |record: fn(&NetworkEventRecorder<Empty>)| {
        let start = Instant::now();
        for recorder in &recorders {
            record(black_box(recorder));
        }
        let nanoseconds = nanoseconds(start);
        for recorder in &recorders {
            assert_eq!(recorder.enumerate().unwrap().iter().count(), 2);
        }
        nanoseconds / RECORDERS as f64
    };
    let two_records = |recorder: &NetworkEventRecorder<Empty>| {
        _ = black_box(recorder.record(READ, OK));
        _ = black_box(recorder.record(CLOSE, OK));
    };
    run.rounds("batch_vs_two", ROUNDS, || round(Record::note_two), || round(two_records));
}
