//! One thread, a recorder that nobody else uses: against bare read-modify-writes, and by hand.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use wsp_events::{
    EventSignal, ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, Report,
    WsaError,
};

use crate::measure::{ROUNDS, Run, nanoseconds};
#[cfg(target_os = "linux")]
use crate::peers::EventFd;
use crate::peers::{ByHand, Empty, Lock, ParkingLotByHand, Plain, StdByHand};

const ALL: NetworkEvents = NetworkEvents::FD_ALL_EVENTS;
const READ: NetworkEvent = NetworkEvent::Read;
const RESET: Result<(), WsaError> = Err(WsaError::WSAECONNRESET);

pub(crate) fn selected<S: EventSignal>(signal: S) -> NetworkEventRecorder<S> {
    let recorder = NetworkEventRecorder::new();
    recorder.select(ALL, signal).unwrap();
    recorder
}

fn rmw(word: &AtomicU64) {
    black_box(black_box(word).fetch_add(1, Ordering::AcqRel));
}

/// What a recorder cannot do without: one exchange that records, one that says that the event object is no longer
/// in use, and one that takes the report, which is returned.
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

pub(crate) fn cycle<S: EventSignal>(recorder: &NetworkEventRecorder<S>, event: &S) {
    _ = black_box(black_box(recorder).record(READ, Ok(())));
    _ = black_box(black_box(recorder).enumerate_and_reset(event));
}

pub(crate) fn cycle_by_hand<S: EventSignal, L: Lock<Plain<S>>>(by_hand: &ByHand<L>, event: &S) {
    black_box(by_hand).record(READ, Ok(()));
    black_box(black_box(by_hand).enumerate(|| event.reset_event()));
}

pub(crate) fn measure(run: &mut Run) {
    let word = AtomicU64::new(0);
    let recorder = selected(Empty);
    let by_hand = StdByHand::new(ALL, Empty);
    let parking_lot = ParkingLotByHand::new(ALL, Empty);

    let repeat = || _ = black_box(black_box(&recorder).record(READ, Ok(())).signaled().is_ok());
    repeat();
    by_hand.record(READ, Ok(()));
    run.calls("repeat_vs_rmw", repeat, || rmw(&word));
    run.calls("repeat_vs_mutex", repeat, || black_box(&by_hand).record(READ, Ok(())));
    parking_lot.record(READ, Ok(()));
    run.calls("repeat_vs_parking_lot", repeat, || black_box(&parking_lot).record(READ, Ok(())));

    let ours = || cycle(&recorder, &Empty);
    let mutex = || cycle_by_hand(&by_hand, &Empty);
    run.calls("cycle_vs_mutex", ours, mutex);
    run.calls("cycle_vs_parking_lot", ours, || cycle_by_hand(&parking_lot, &Empty));
    run.calls("cycle_vs_two_rmw", ours, || (rmw(&word), rmw(&word)).0);
    run.calls("three_rmw_vs_mutex", || three_exchanges(&word, |_| ()), mutex);
    let two = || (rmw(&word), rmw(&word)).0;
    run.calls("three_rmw_vs_two_rmw", || three_exchanges(&word, |_| ()), two);

    with_an_event(run);
    #[cfg(target_os = "linux")]
    over_eventfd(run);

    let error = || {
        _ = black_box(black_box(&recorder).record(READ, RESET));
        _ = black_box(black_box(&recorder).enumerate_and_reset(&Empty));
    };
    let error_by_hand = || {
        black_box(&by_hand).record(READ, RESET);
        black_box(black_box(&by_hand).enumerate(|| Empty.reset_event()));
    };
    run.calls("error_cycle_vs_mutex", error, error_by_hand);
    batch(run);

    let nothing = || _ = black_box(black_box(&recorder).enumerate_and_reset(&Empty));
    let nothing_by_hand = || _ = black_box(black_box(&by_hand).enumerate(|| Empty.reset_event()));
    run.calls("enumerate_nothing_vs_mutex", nothing, nothing_by_hand);
    let select = || black_box(&recorder).select(ALL, Empty).unwrap();
    run.calls("select_vs_mutex", select, || black_box(&by_hand).select(ALL, Empty));
}

fn with_an_event(run: &mut Run) {
    let (one, two) = (Arc::new(ManualResetEvent::new()), Arc::new(ManualResetEvent::new()));
    let recorder = selected(Arc::clone(&one));
    let by_hand = StdByHand::new(ALL, Arc::clone(&two));
    let parking_lot = ParkingLotByHand::new(ALL, Arc::clone(&two));
    let mutex = || cycle_by_hand(&by_hand, &two);
    run.calls("cycle_event_vs_mutex", || cycle(&recorder, &one), mutex);
    run.calls(
        "cycle_event_vs_parking_lot",
        || cycle(&recorder, &one),
        || {
            cycle_by_hand(&parking_lot, &two);
        },
    );
    let bare = || {
        black_box(&two).set();
        black_box(&two).reset();
    };
    run.calls("cycle_event_vs_bare", || cycle(&recorder, &one), bare);
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
    let by_hand = StdByHand::new(ALL, Arc::clone(&event));
    let bare = || {
        black_box(&event).set();
        black_box(&event).reset();
    };
    run.calls("eventfd_cycle_vs_bare", || cycle(&recorder, &event), bare);
    run.calls(
        "eventfd_cycle_vs_mutex",
        || cycle(&recorder, &event),
        || {
            cycle_by_hand(&by_hand, &event);
        },
    );
}

/// Two events that are new, on one recorder after the other; that they are taken out again does not count.
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
    let one_batch = |recorder: &NetworkEventRecorder<Empty>| {
        _ = black_box(recorder.record_all([(READ, Ok(())), (NetworkEvent::Close, Ok(()))]));
    };
    let two_records = |recorder: &NetworkEventRecorder<Empty>| {
        _ = black_box(recorder.record(READ, Ok(())));
        _ = black_box(recorder.record(NetworkEvent::Close, Ok(())));
    };
    run.rounds("batch_vs_two", ROUNDS, || round(one_batch), || round(two_records));
}
