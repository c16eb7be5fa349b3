//! The same calls again, while a second thread works: on the same record, which it enumerates without pause; on a record
//! next to it in memory; and on another socket of the same table.

use std::hint::{black_box, spin_loop};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use wsp_events::{EventSignal, ManualResetEvent};

use crate::cases::table::{Map, Sockets};
use crate::measure::{Apart, Run, in_turns, time};
#[cfg(target_os = "linux")]
use crate::peers::EventFd;
use crate::peers::{Empty, OK, ParkingLotByHand, RESET, Record, StdByHand, cycle, selected};

const ROUNDS: usize = 151;
const CALLS: u32 = 1_000;

/// What the second thread does.
const REST: usize = 0;
const OURS: usize = 1;
const OTHER: usize = 2;
const END: usize = 3;

/// As [`Run::calls`], of the first call of each side, while a second thread makes the second one without pause. Returns the
/// nanoseconds that a call of the second thread took.
fn compare(
    run: &mut Run,
    name: &'static str,
    (mut ours, beside_ours): (impl FnMut(), impl Fn() + Sync),
    (mut other, beside_other): (impl FnMut(), impl Fn() + Sync),
) -> Vec<(f64, f64)> {
    let [Apart(wanted), Apart(doing)] = &[(); 2].map(|()| Apart(AtomicUsize::new(REST)));
    let calls_done = AtomicUsize::new(0);
    let switch_to = |work| {
        wanted.store(work, Ordering::SeqCst);
        while doing.load(Ordering::SeqCst) != work {
            spin_loop();
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut calls = 0;
            loop {
                let work = wanted.load(Ordering::Relaxed);
                if doing.load(Ordering::Relaxed) != work {
                    calls_done.store(mem::take(&mut calls), Ordering::Relaxed);
                    doing.store(work, Ordering::SeqCst);
                }
                match work {
                    OURS => beside_ours(),
                    OTHER => beside_other(),
                    END => break,
                    _ => spin_loop(),
                }
                calls += 1;
            }
        });
        let round = |work, call: &mut dyn FnMut()| {
            switch_to(work);
            let nanoseconds = time(CALLS, call);
            switch_to(REST);
            let beside = calls_done.load(Ordering::Relaxed) as f64;
            (nanoseconds, nanoseconds * f64::from(CALLS) / beside)
        };
        let pairs = in_turns(ROUNDS, || round(OURS, &mut ours), || round(OTHER, &mut other));
        run.pairs(name, pairs.iter().map(|(ours, other)| (ours.0, other.0)).collect());
        switch_to(END);
        pairs.into_iter().map(|(ours, other)| (ours.1, other.1)).collect()
    })
}

pub(crate) fn measure(run: &mut Run) {
    let Apart(recorder) = &Apart(selected(Empty));
    let Apart(by_hand) = &Apart(StdByHand::selected(Empty));
    let Apart(parking_lot) = &Apart(ParkingLotByHand::selected(Empty));
    let enumerate = || recorder.take_and_reset(&Empty);
    let enumerate_by_hand = || by_hand.take_and_reset(&Empty);
    let beside = |run: &mut Run, name, ours: &dyn Fn(), other: &dyn Fn()| {
        compare(run, name, (ours, enumerate), (other, enumerate_by_hand))
    };
    let record = || recorder.note(OK);
    let name = "contended_record_vs_mutex";
    let enumerations = beside(run, name, &record, &|| by_hand.note(OK));
    run.pairs("enumerate_beside_record_vs_mutex", enumerations);
    compare(
        run,
        "contended_record_vs_parking_lot",
        (record, enumerate),
        (|| parking_lot.note(OK), || parking_lot.take_and_reset(&Empty)),
    );
    look_and_exchange(run, by_hand);
    let error = || recorder.note(RESET);
    beside(run, "contended_error_vs_mutex", &error, &|| by_hand.note(RESET));
    let batch = || recorder.note_two();
    beside(run, "contended_batch_vs_mutex", &batch, &|| by_hand.note_two());
    beside(run, "contended_enumerate_vs_mutex", &enumerate, &enumerate_by_hand);
    let select = || recorder.select_all(Empty);
    beside(run, "contended_select_vs_mutex", &select, &|| by_hand.select_all(Empty));
    cycle_with(run, "contended_cycle_vs_mutex", || Empty);
    cycle_with(run, "contended_cycle_event_vs_mutex", || Arc::new(ManualResetEvent::new()));
    #[cfg(target_os = "linux")]
    cycle_with(run, "contended_eventfd_cycle_vs_mutex", || Arc::new(EventFd::new()));
    side_by_side(run);
    by_descriptor(run);
}

/// Record and enumerate.
fn cycle_with<S: EventSignal + Clone + Send + Sync>(
    run: &mut Run,
    name: &'static str,
    new_event: fn() -> S,
) {
    let [event, other] = [new_event(), new_event()];
    let Apart(recorder) = &Apart(selected(event.clone()));
    let Apart(by_hand) = &Apart(StdByHand::selected(other.clone()));
    compare(
        run,
        name,
        (|| cycle(recorder, OK, &event), || recorder.take_and_reset(&event)),
        (|| cycle(by_hand, OK, &other), || by_hand.take_and_reset(&other)),
    );
}

/// The least that recording needs: it must know what the word is before the exchange, since a latched event is not recorded
/// (L1), and an event that is not selected does not set the event object (R4). The other thread makes the exchange of an
/// enumeration, and looks again.
fn look_and_exchange(run: &mut Run, by_hand: &StdByHand<Empty>) {
    const RECORDED: u64 = 1;

    fn exchange(word: &AtomicU64, step: impl Fn(u64) -> u64) {
        let step = |word| Some(step(word));
        _ = black_box(black_box(word).fetch_update(Ordering::AcqRel, Ordering::Relaxed, step));
    }

    let Apart(word) = &Apart(AtomicU64::new(0));
    let enumerate = || {
        exchange(word, |word| word & !RECORDED);
        black_box(word.load(Ordering::Relaxed));
    };
    compare(
        run,
        "contended_look_and_exchange_vs_mutex",
        (|| exchange(word, |word| word | RECORDED), enumerate),
        (|| by_hand.note(OK), || by_hand.take_and_reset(&Empty)),
    );
}

/// Each thread has a recorder of its own; at most they share a cache line.
fn side_by_side(run: &mut Run) {
    let [near, nearer] = &[(); 2].map(|()| selected(Empty));
    let [far, other] = &[(); 2].map(|()| StdByHand::selected(Empty));
    let ours = (|| cycle(near, OK, &Empty), || cycle(nearer, OK, &Empty));
    let by_hand = (|| cycle(far, OK, &Empty), || cycle(other, OK, &Empty));
    compare(run, "side_by_side_cycle_vs_mutex", ours, by_hand);
    compare(run, "side_by_side_cycle_vs_alone", ours, (ours.0, spin_loop));
}

/// Each thread has a socket of its own; they share the table.
fn by_descriptor(run: &mut Run) {
    let event = Arc::new(ManualResetEvent::new());
    let (sockets, descriptors) = Sockets::with(1_000, &event);
    let (map, others) = Map::with(1_000, &event);
    let ours = (|| sockets.enumerate(descriptors[0]), || sockets.enumerate(descriptors[1]));
    let in_map = (|| map.enumerate(others[0]), || map.enumerate(others[1]));
    compare(run, "other_socket_vs_map", ours, in_map);
    compare(run, "other_socket_vs_alone", ours, (ours.0, spin_loop));
}
