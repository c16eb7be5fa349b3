//! The same calls again, while a second thread is at work: on the same recorder, where it enumerates
//! without pause; on a recorder beside it in memory; and on another socket of the same table.

use std::hint::{black_box, spin_loop};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use wsp_events::{EventSignal, ManualResetEvent, NetworkEvent, NetworkEvents, WsaError};

use crate::cases::alone::{cycle, cycle_by_hand, selected};
use crate::cases::table::{Map, Sockets};
use crate::measure::{Apart, Run, time};
#[cfg(target_os = "linux")]
use crate::peers::EventFd;
use crate::peers::{Empty, ParkingLotByHand, StdByHand};

const ROUNDS: usize = 151;
const CALLS: u32 = 1_000;

const ALL: NetworkEvents = NetworkEvents::FD_ALL_EVENTS;
const READ: NetworkEvent = NetworkEvent::Read;
const CLOSE: NetworkEvent = NetworkEvent::Close;
const RESET: Result<(), WsaError> = Err(WsaError::WSAECONNRESET);

/// What the second thread is to do.
const REST: usize = 0;
const OURS: usize = 1;
const OTHER: usize = 2;
const END: usize = 3;

/// As [`Run::calls`], while a second thread does `beside_ours` or `beside_other` without pause. Returns what a
/// call of the second thread took.
fn compare(
    run: &mut Run,
    name: &'static str,
    mut ours: impl FnMut(),
    mut other: impl FnMut(),
    beside_ours: impl Fn() + Sync,
    beside_other: impl Fn() + Sync,
) -> Vec<(f64, f64)> {
    let [Apart(wanted), Apart(doing)] = &[(); 2].map(|()| Apart(AtomicUsize::new(REST)));
    let calls_done = AtomicUsize::new(0);
    let order = |work| {
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
            order(work);
            let nanoseconds = time(CALLS, call);
            order(REST);
            let beside = calls_done.load(Ordering::Relaxed) as f64;
            (nanoseconds, nanoseconds * f64::from(CALLS) / beside)
        };
        let pairs = (0..ROUNDS).map(|at| {
            if at % 2 == 0 {
                let ours = round(OURS, &mut ours);
                (ours, round(OTHER, &mut other))
            } else {
                let other = round(OTHER, &mut other);
                (round(OURS, &mut ours), other)
            }
        });
        let pairs: Vec<_> = pairs.collect();
        run.pairs(name, pairs.iter().map(|(ours, other)| (ours.0, other.0)).collect());
        order(END);
        pairs.into_iter().map(|(ours, other)| (ours.1, other.1)).collect()
    })
}

pub(crate) fn measure(run: &mut Run) {
    let Apart(recorder) = &Apart(selected(Empty));
    let Apart(by_hand) = &Apart(StdByHand::new(ALL, Empty));
    let enumerate = || _ = black_box(black_box(recorder).enumerate_and_reset(&Empty));
    let enumerate_by_hand = || _ = black_box(black_box(by_hand).enumerate(|| Empty.reset_event()));
    let beside = |run: &mut Run, name, ours: &dyn Fn(), other: &dyn Fn()| {
        compare(run, name, ours, other, enumerate, enumerate_by_hand)
    };
    let record = |outcome| _ = black_box(black_box(recorder).record(READ, outcome));
    let record_by_hand = |outcome| black_box(by_hand).record(READ, outcome);
    let name = "contended_record_vs_mutex";
    let enumerations = beside(run, name, &|| record(Ok(())), &|| record_by_hand(Ok(())));
    run.pairs("enumerate_beside_record_vs_mutex", enumerations);
    let Apart(parking_lot) = &Apart(ParkingLotByHand::new(ALL, Empty));
    compare(
        run,
        "contended_record_vs_parking_lot",
        || record(Ok(())),
        || black_box(parking_lot).record(READ, Ok(())),
        enumerate,
        || _ = black_box(black_box(parking_lot).enumerate(|| Empty.reset_event())),
    );
    look_and_exchange(run, &|| record_by_hand(Ok(())), &enumerate_by_hand);
    beside(run, "contended_error_vs_mutex", &|| record(RESET), &|| record_by_hand(RESET));
    beside(
        run,
        "contended_batch_vs_mutex",
        &|| _ = black_box(black_box(recorder).record_all([(READ, Ok(())), (CLOSE, Ok(()))])),
        &|| black_box(by_hand).record_two([READ, CLOSE]),
    );
    beside(run, "contended_enumerate_vs_mutex", &enumerate, &enumerate_by_hand);
    beside(
        run,
        "contended_select_vs_mutex",
        &|| black_box(recorder).select(ALL, Empty).unwrap(),
        &|| black_box(by_hand).select(ALL, Empty),
    );
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
    let Apart(by_hand) = &Apart(StdByHand::new(ALL, other.clone()));
    let enumerate = || _ = black_box(black_box(recorder).enumerate_and_reset(&event));
    let enumerate_by_hand = || _ = black_box(black_box(by_hand).enumerate(|| other.reset_event()));
    compare(
        run,
        name,
        || cycle(recorder, &event),
        || cycle_by_hand(by_hand, &other),
        enumerate,
        enumerate_by_hand,
    );
}

/// What recording cannot do without: it must know what the word is before it makes it another, since a
/// latched event is not recorded (L1), and an event that is not selected does not set the event object (R4). The
/// other thread makes the exchange of an enumeration, and looks again.
fn look_and_exchange(
    run: &mut Run,
    record_by_hand: &dyn Fn(),
    enumerate_by_hand: &(impl Fn() + Sync),
) {
    const RECORDED: u64 = 1;

    fn exchange(word: &AtomicU64, step: impl Fn(u64) -> u64) {
        let step = |word| Some(step(word));
        _ = black_box(black_box(word).fetch_update(Ordering::AcqRel, Ordering::Relaxed, step));
    }

    let Apart(word) = &Apart(AtomicU64::new(0));
    compare(
        run,
        "contended_look_and_exchange_vs_mutex",
        || exchange(word, |word| word | RECORDED),
        record_by_hand,
        || {
            exchange(word, |word| word & !RECORDED);
            black_box(word.load(Ordering::Relaxed));
        },
        enumerate_by_hand,
    );
}

/// Each thread has a recorder to itself; what they share is, at most, a cache line.
fn side_by_side(run: &mut Run) {
    let [near, nearer] = &[(); 2].map(|()| selected(Empty));
    let [far, other] = &[(); 2].map(|()| StdByHand::new(ALL, Empty));
    compare(
        run,
        "side_by_side_cycle_vs_mutex",
        || cycle(near, &Empty),
        || cycle_by_hand(far, &Empty),
        || cycle(nearer, &Empty),
        || cycle_by_hand(other, &Empty),
    );
    compare(
        run,
        "side_by_side_cycle_vs_alone",
        || cycle(near, &Empty),
        || cycle(near, &Empty),
        || cycle(nearer, &Empty),
        spin_loop,
    );
}

/// Each thread has a socket to itself; what they share is the table.
fn by_descriptor(run: &mut Run) {
    let event = Arc::new(ManualResetEvent::new());
    let (sockets, descriptors) = Sockets::with(1_000, &event);
    let (map, others) = Map::with(1_000, &event);
    compare(
        run,
        "other_socket_vs_map",
        || sockets.enumerate(descriptors[0]),
        || map.enumerate(others[0]),
        || sockets.enumerate(descriptors[1]),
        || map.enumerate(others[1]),
    );
    compare(
        run,
        "other_socket_vs_alone",
        || sockets.enumerate(descriptors[0]),
        || sockets.enumerate(descriptors[0]),
        || sockets.enumerate(descriptors[1]),
        spin_loop,
    );
}
