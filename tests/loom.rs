//! Models of the recorder's protocol, run through every schedule that loom finds within the bound on
//! preemptions. Each states its property in one line, and names the rules (docs/CONTRACT.md) and the
//! paragraph of the protocol (src/recorder.rs) that it guards.
//!
//! `.ci/threads loom` runs them; `.ci/breaches loom` shows that they fail when the protocol is broken.
#![cfg(wsp_loom)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use loom::cell::UnsafeCell;

use loom::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use loom::sync::atomic::{AtomicBool, AtomicU32};
use loom::thread;
use wsp_events::{
    EventSignal, NetworkEvent, NetworkEventRecorder, NetworkEvents, RecorderError, ReenablingCall,
    Report, SignalError, Wake, WsaError,
};

const READ: NetworkEvents = NetworkEvents::FD_READ;
const ACCEPT: NetworkEvents = NetworkEvents::FD_ACCEPT;
const CLOSE: NetworkEvents = NetworkEvents::FD_CLOSE;
const BOTH: NetworkEvents = ACCEPT.union(CLOSE);
const ALL: NetworkEvents = BOTH.union(READ);
const DOWN: Result<(), WsaError> = Err(WsaError::WSAENETDOWN);
const RESET: Result<(), WsaError> = Err(WsaError::WSAECONNRESET);

/// An event object that orders nothing by itself: what one thread may see of another's writes, it sees
/// by the recorder alone. The cells make loom fail if two calls on it overlap, or if nothing orders
/// them (K3).
struct Event {
    set: AtomicBool,
    sets: UnsafeCell<u32>,
}

// SAFETY: what must not be shared is in loom's own cells, which fail the model if it is.
unsafe impl Sync for Event {}

impl Event {
    fn new() -> Self {
        Self { set: AtomicBool::new(false), sets: UnsafeCell::new(0) }
    }

    fn is_set(&self) -> bool {
        self.set.load(Relaxed)
    }

    /// To be asked at rest only.
    fn sets(&self) -> u32 {
        // SAFETY: loom fails the model if a write overlaps.
        self.sets.with(|sets| unsafe { *sets })
    }
}

impl EventSignal for Event {
    fn set_event(&self) -> Result<(), SignalError> {
        // SAFETY: loom fails the model if another access overlaps.
        self.sets.with_mut(|sets| unsafe { *sets += 1 });
        self.set.store(true, Relaxed);
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.sets.with_mut(|_| ());
        self.set.store(false, Relaxed);
        Ok(())
    }
}

type Recorder<S> = NetworkEventRecorder<S>;
type Shared = Arc<Recorder<Arc<Event>>>;

/// Three preemptions are thorough; where a thread waits for another, two are what is feasible.
/// `MORE_PREEMPTIONS=1` allows one more, for who has the time.
fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    let more = std::env::var("MORE_PREEMPTIONS").map_or(0, |more| more.parse().unwrap());
    builder.preemption_bound = Some(preemptions + more);
    builder.max_branches = 100_000;
    builder.check(body);
}

fn selected(events: NetworkEvents) -> (Shared, Arc<Event>) {
    let event = Arc::new(Event::new());
    let recorder = Arc::new(Recorder::new());
    recorder.select(events, Arc::clone(&event)).unwrap();
    (recorder, event)
}

fn enumerate(recorder: &Shared, event: &Event) -> Report {
    recorder.enumerate_and_reset(event).unwrap()
}

/// E5, both ways: for an event object that serves this recorder alone and passes every enumeration.
fn assert_at_rest<S>(recorder: &Recorder<S>, event: &Event) {
    let reportable = !(recorder.recorded() & recorder.selected()).is_empty();
    assert_eq!(reportable, event.is_set() || recorder.owes_set(), "E5");
}

/// E3, E5: two occurrences and a report: each is in the report or still recorded, never both.
#[test]
fn e3_two_recorders_and_an_enumerator() {
    model(3, || {
        let (recorder, event) = selected(BOTH);
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Accept, Ok(())).unwrap()
        });
        let third = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Close, Ok(())).unwrap()
        });
        let report = enumerate(&recorder, &event);
        assert_eq!(other.join().unwrap().new, ACCEPT);
        assert_eq!(third.join().unwrap().new, CLOSE);

        assert_eq!(report.events() ^ recorder.recorded(), BOTH, "E3");
        assert_at_rest(&recorder, &event);
    });
}

/// E4, E5 (hazard 1): what is recorded while the event object is being reset leaves it set.
#[test]
fn e4_record_during_the_reset() {
    model(3, || {
        let (recorder, event) = selected(BOTH);
        recorder.record(NetworkEvent::Accept, Ok(())).unwrap();
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Close, Ok(())).unwrap()
        });
        let report = enumerate(&recorder, &event);
        other.join().unwrap();

        assert!(report.events().contains(ACCEPT));
        assert_eq!(report.events() ^ recorder.recorded(), BOTH, "E3");
        assert_at_rest(&recorder, &event);
    });
}

/// E3 (hazard 2): data that was queued before a repeat is seen by whoever got the event, or the event
/// is recorded anew.
#[test]
fn e3_repeat_publishes_what_was_queued() {
    model(3, || {
        let (recorder, event) = selected(READ);
        recorder.record(NetworkEvent::Read, Ok(())).unwrap();
        let queued = Arc::new(AtomicU32::new(1));
        let other = thread::spawn({
            let (recorder, queued) = (Arc::clone(&recorder), Arc::clone(&queued));
            move || {
                queued.store(2, Relaxed);
                recorder.record(NetworkEvent::Read, Ok(())).unwrap();
            }
        });
        assert_eq!(enumerate(&recorder, &event).events(), READ);
        let seen = queued.load(Relaxed);
        other.join().unwrap();

        assert!(seen == 2 || recorder.recorded() == READ, "data waits for ever");
        assert_at_rest(&recorder, &event);
    });
}

/// E3, R2: an error is reported whole, once, with its own code.
#[test]
fn e3_error_against_enumerate() {
    model(3, || {
        let (recorder, event) = selected(ACCEPT);
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Accept, DOWN).unwrap()
        });
        let first = enumerate(&recorder, &event);
        other.join().unwrap();
        assert_at_rest(&recorder, &event);
        let second = enumerate(&recorder, &event);

        let outcomes = [first, second].map(|report| report.outcome(NetworkEvent::Accept));
        assert!(outcomes == [Some(DOWN), None] || outcomes == [None, Some(DOWN)], "{outcomes:?}");
    });
}

/// E3, R3: of two errors at the same time one is kept, with the code of the one that was first.
#[test]
fn r3_two_errors() {
    model(3, || {
        let (recorder, event) = selected(CLOSE);
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Close, DOWN).unwrap()
        });
        let mine = recorder.record(NetworkEvent::Close, RESET).unwrap();
        let others = other.join().unwrap();

        let kept = if mine.new == CLOSE { RESET } else { DOWN };
        assert_ne!(mine.new, others.new);
        assert_eq!(enumerate(&recorder, &event).outcome(NetworkEvent::Close), Some(kept), "R3");
    });
}

/// R2, E3 (hazard 3): a later occurrence's code never gets into the report of an earlier one.
#[test]
fn e3_code_of_another() {
    model(3, || {
        let (recorder, event) = selected(CLOSE);
        recorder.record(NetworkEvent::Close, RESET).unwrap();
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Close, DOWN).unwrap()
        });
        let first = enumerate(&recorder, &event);
        other.join().unwrap();
        let second = enumerate(&recorder, &event);

        assert_eq!(first.outcome(NetworkEvent::Close), Some(RESET), "R3");
        assert!([None, Some(DOWN)].contains(&second.outcome(NetworkEvent::Close)));
    });
}

/// R7, E3: a code that was withdrawn and one that came after it are not mixed up by a report.
#[test]
fn r7_withdraw_and_a_new_error_against_enumerate() {
    model(3, || {
        let (recorder, event) = selected(CLOSE);
        recorder.record(NetworkEvent::Close, RESET).unwrap();
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || {
                recorder.withdraw(CLOSE);
                recorder.record(NetworkEvent::Close, DOWN).unwrap().new
            }
        });
        let first = enumerate(&recorder, &event).outcome(NetworkEvent::Close);
        assert_eq!(other.join().unwrap(), CLOSE, "what was withdrawn is no longer recorded");
        let second = enumerate(&recorder, &event).outcome(NetworkEvent::Close);

        let legal = [
            [Some(RESET), Some(DOWN)], // enumerate, withdraw, record
            [None, Some(DOWN)],        // withdraw, enumerate, record
            [Some(DOWN), None],        // withdraw, record, enumerate
        ];
        assert!(legal.contains(&[first, second]), "{first:?}, {second:?}");
    });
}

/// R3, E5 (hazard 6): an error that takes the place of a recorded success is never lost, nor is the
/// event's signal, while others use the signal.
#[test]
fn r3_upgrade_against_enumerate() {
    model(3, || {
        let (recorder, event) = selected(CLOSE);
        recorder.record(NetworkEvent::Close, Ok(())).unwrap();
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Close, RESET).unwrap()
        });
        let first = enumerate(&recorder, &event).outcome(NetworkEvent::Close);
        other.join().unwrap();
        assert_at_rest(&recorder, &event);
        let second = enumerate(&recorder, &event).outcome(NetworkEvent::Close);

        let legal = [[Some(RESET), None], [Some(Ok(())), Some(RESET)]];
        assert!(legal.contains(&[first, second]), "{first:?}, {second:?}");
    });
}

/// R3, E5 (hazard 6): the signal of an event that is handed over is set although the event's code is
/// being written while the holder leaves.
#[test]
fn r3_upgrade_while_the_holder_leaves() {
    model(3, || {
        let (recorder, event) = selected(BOTH);
        let success = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || {
                recorder.record(NetworkEvent::Close, Ok(())).unwrap();
            }
        });
        let error = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || {
                recorder.record(NetworkEvent::Close, RESET).unwrap();
            }
        });
        let report = enumerate(&recorder, &event);
        success.join().unwrap();
        error.join().unwrap();

        assert!(!(report.events() | recorder.recorded()).is_empty());
        assert_at_rest(&recorder, &event);
    });
}

/// R5: a batch is in a report whole, or not at all.
#[test]
fn r5_batch_against_enumerate() {
    model(3, || {
        let (recorder, event) = selected(BOTH);
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || {
                let batch = [(NetworkEvent::Accept, Ok(())), (NetworkEvent::Close, RESET)];
                recorder.record_all(batch).unwrap()
            }
        });
        let first = enumerate(&recorder, &event);
        other.join().unwrap();
        let second = enumerate(&recorder, &event);

        let (whole, rest) =
            if first.events().is_empty() { (second, first) } else { (first, second) };
        assert!(rest.events().is_empty(), "R5: {first} | {second}");
        assert_eq!(whole.events(), BOTH, "R5");
        assert_eq!(whole.outcome(NetworkEvent::Close), Some(RESET));
        assert!(!event.is_set());
    });
}

/// S1, S2, S5 (hazard 4): what is recorded while the selection changes is signaled on the event object
/// that stands in the end; the old one hears only of what was its own.
#[test]
fn s1_record_against_reselection() {
    model(3, || {
        let (recorder, old) = selected(ACCEPT);
        let new = Arc::new(Event::new());
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Close, Ok(())).unwrap()
        });
        recorder.select(CLOSE, Arc::clone(&new)).unwrap();
        other.join().unwrap();

        assert!(new.is_set(), "S2");
        assert!(!old.is_set(), "S5");
        assert_eq!(new.sets(), 1, "R4: one occurrence, one set");
    });
}

/// S1, S2: an event of both selections is signaled on the new event object, however they interleave.
#[test]
fn s2_record_of_an_event_that_stays_selected() {
    model(3, || {
        let (recorder, old) = selected(CLOSE);
        let new = Arc::new(Event::new());
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Close, RESET).unwrap()
        });
        recorder.select(CLOSE, Arc::clone(&new)).unwrap();
        other.join().unwrap();

        assert!(new.is_set(), "S2");
        assert!(old.sets() <= 1);
        assert_eq!(recorder.enumerate().unwrap().outcome(NetworkEvent::Close), Some(RESET));
    });
}

/// S6: a selection whose event object cannot be set leaves no trace, and what is recorded meanwhile is
/// signaled on the earlier event object.
#[test]
fn s6_failing_selection_against_record() {
    model(3, || {
        let (recorder, old) = selected_any(CLOSE);
        recorder.record(NetworkEvent::Accept, Ok(())).unwrap();
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Close, Ok(())).unwrap()
        });
        let error = SignalError::from_os_code(6);
        let refused = recorder.select(ACCEPT, Arc::new(Faulty::failing_to_set(1)));
        assert_eq!(refused, Err(RecorderError::Signal(error)));
        other.join().unwrap();

        assert_eq!(recorder.selected(), CLOSE, "S6");
        assert!(old.event.is_set(), "E5");
        assert_eq!(old.event.sets(), 1);
    });
}

/// E3: two enumerations at the same time never report the same occurrence.
#[test]
fn e3_two_enumerators() {
    model(3, || {
        let (recorder, event) = selected(BOTH);
        recorder.record(NetworkEvent::Close, RESET).unwrap();
        let other = thread::spawn({
            let (recorder, event) = (Arc::clone(&recorder), Arc::clone(&event));
            move || enumerate(&recorder, &event)
        });
        let mine = enumerate(&recorder, &event);
        let others = other.join().unwrap();

        assert_eq!(mine.events() ^ others.events(), CLOSE, "E3");
        assert_at_rest(&recorder, &event);
    });
}

/// An event object with planted failures and panics; what it does otherwise, `event` does.
struct Faulty {
    event: Event,
    sets_to_fail: AtomicU32,
    resets_to_fail: AtomicU32,
    panics: bool,
}

impl Faulty {
    fn new(sets_to_fail: u32, resets_to_fail: u32, panics: bool) -> Self {
        let (sets_to_fail, resets_to_fail) =
            (AtomicU32::new(sets_to_fail), AtomicU32::new(resets_to_fail));
        Self { event: Event::new(), sets_to_fail, resets_to_fail, panics }
    }

    fn failing_to_set(times: u32) -> Self {
        Self::new(times, 0, false)
    }

    fn trip(&self, left: &AtomicU32) -> Result<(), SignalError> {
        let times = left.load(Relaxed);
        if times == 0 {
            return Ok(());
        }
        left.store(times - 1, Relaxed);
        if self.panics {
            std::panic::resume_unwind(Box::new("planted"));
        }
        Err(SignalError::from_os_code(6))
    }
}

impl EventSignal for Faulty {
    fn set_event(&self) -> Result<(), SignalError> {
        self.trip(&self.sets_to_fail)?;
        self.event.set_event()
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.trip(&self.resets_to_fail)?;
        self.event.reset_event()
    }
}

/// A recorder that is selected with a well-behaved event object of the faulty kind.
fn selected_any(events: NetworkEvents) -> (Arc<Recorder<Arc<Faulty>>>, Arc<Faulty>) {
    selected_faulty(events, Faulty::failing_to_set(0))
}

fn selected_faulty(
    events: NetworkEvents,
    faulty: Faulty,
) -> (Arc<Recorder<Arc<Faulty>>>, Arc<Faulty>) {
    let event = Arc::new(faulty);
    let recorder = Arc::new(Recorder::new());
    recorder.select(events, Arc::clone(&event)).unwrap();
    (recorder, event)
}

/// E7, R3 (hazard 5): a report that could not be completed is put back under what came meanwhile.
#[test]
fn e7_failing_reset_against_records() {
    model(3, || {
        let (recorder, event) = selected_faulty(BOTH, Faulty::new(0, 1, false));
        recorder.record(NetworkEvent::Close, RESET).unwrap();
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || {
                recorder.record(NetworkEvent::Close, DOWN).unwrap();
                recorder.record(NetworkEvent::Accept, DOWN).unwrap();
            }
        });
        assert!(recorder.enumerate_and_reset(&*event).is_err());
        other.join().unwrap();

        assert_at_rest(&recorder, &event.event);
        let report = recorder.enumerate_and_reset(&*event).unwrap();
        assert_eq!(report.outcome(NetworkEvent::Close), Some(RESET), "the first error stays");
        assert_eq!(report.outcome(NetworkEvent::Accept), Some(DOWN), "nothing is overwritten");
    });
}

/// E7, K5: the same when the reset panics: the report is not lost with it, and a set is owed.
#[test]
fn k5_panicking_reset_against_a_record() {
    model(3, || {
        let (recorder, event) = selected_faulty(BOTH, Faulty::new(0, 1, true));
        recorder.record(NetworkEvent::Close, RESET).unwrap();
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Accept, Ok(())).unwrap()
        });
        let panicked = catch_unwind(AssertUnwindSafe(|| recorder.enumerate_and_reset(&*event)));
        assert!(panicked.is_err());
        other.join().unwrap();

        assert_eq!(recorder.recorded(), BOTH);
        assert!(event.event.is_set(), "E5");
    });
}

/// R6, K2: a set that fails is owed, with all that was handed over to the failing recording.
#[test]
fn r6_failing_set_with_news_handed_over() {
    model(3, || failing_set_with_news_handed_over(false, false));
}

/// K5: the same for a set that panics.
#[test]
fn k5_panicking_set_with_news_handed_over() {
    model(3, || failing_set_with_news_handed_over(true, false));
}

/// R6, K2 (hazard 7): the same where the recording holds the signal, since another one had it before.
#[test]
fn r6_failing_holder_with_news_handed_over() {
    model(3, || failing_set_with_news_handed_over(false, true));
}

/// K5 (hazard 7): the same for a set that panics.
#[test]
fn k5_panicking_holder_with_news_handed_over() {
    model(3, || failing_set_with_news_handed_over(true, true));
}

fn failing_set_with_news_handed_over(panics: bool, after_another: bool) {
    let (recorder, event) = selected_faulty(ALL, Faulty::new(0, 0, panics));
    if after_another {
        recorder.record(NetworkEvent::Read, Ok(())).unwrap();
        // P3: somebody else has reset the event object.
        event.event.reset_event().unwrap();
    }
    event.sets_to_fail.store(1, Relaxed);
    let record = |recorder: &Recorder<Arc<Faulty>>, event| {
        let call = || recorder.record(event, Ok(()));
        catch_unwind(AssertUnwindSafe(call)).unwrap_or(Err(SignalError::from_os_code(-1)))
    };
    let other = thread::spawn({
        let recorder = Arc::clone(&recorder);
        move || record(&recorder, NetworkEvent::Accept)
    });
    let mine = record(&recorder, NetworkEvent::Close);
    let others = other.join().unwrap();

    assert!(recorder.recorded().contains(BOTH), "R6: recorded all the same");
    assert_eq!([mine, others].iter().filter(|result| result.is_err()).count(), 1);
    assert!(event.event.is_set() || recorder.owes_set(), "E5");
    // R6: a repeat tries again.
    recorder.record(NetworkEvent::Close, Ok(())).unwrap();
    assert!(event.event.is_set() && !recorder.owes_set(), "R6");
}

/// R6, E7 (hazard 10): a set that fails while an enumeration has the report, whose reset then fails too, is
/// owed again with the report.
#[test]
fn r6_failing_set_against_failing_reset() {
    model(3, || {
        let (recorder, event) = selected_faulty(BOTH, Faulty::new(1, 1, false));
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Close, Ok(()))
        });
        recorder.enumerate_and_reset(&*event).unwrap_err();
        let recorded = other.join().unwrap();

        // The recording has seen its own set fail, or the enumeration has, that of what was left to it.
        assert!(recorded.is_err() || recorded.unwrap().wake == Wake::HandedOver);
        assert_eq!(recorder.recorded(), CLOSE, "E7");
        assert!(event.event.is_set() || recorder.owes_set(), "E5");
    });
}

/// K3, E5 (hazard 8): a recording never takes the signal from one that is inside it still, although the
/// word looks as it did when an earlier one had left.
#[test]
fn k3_a_recording_that_is_taken_for_an_earlier_one() {
    model(3, || {
        let (recorder, event) = selected(BOTH);
        recorder.record(NetworkEvent::Accept, Ok(())).unwrap();
        let other = thread::spawn({
            let (recorder, event) = (Arc::clone(&recorder), Arc::clone(&event));
            move || {
                let report = enumerate(&recorder, &event);
                recorder.record(NetworkEvent::Accept, Ok(())).unwrap();
                report.events()
            }
        });
        recorder.record(NetworkEvent::Close, Ok(())).unwrap();
        let reported = other.join().unwrap();

        assert!(reported.contains(ACCEPT));
        assert_eq!(recorder.recorded(), BOTH - (reported - ACCEPT), "E3");
        assert_at_rest(&recorder, &event);
    });
}

/// R6, K3 (hazard 11): the same where that one fails: it has gone, and the signal is the later one's.
#[test]
fn r6_a_failing_recording_that_is_taken_for_an_earlier_one() {
    model(3, || {
        let (recorder, event) = selected_faulty(BOTH, Faulty::failing_to_set(0));
        recorder.record(NetworkEvent::Accept, Ok(())).unwrap();
        let other = thread::spawn({
            let (recorder, event) = (Arc::clone(&recorder), Arc::clone(&event));
            move || {
                let report = recorder.enumerate_and_reset(&*event).unwrap();
                event.sets_to_fail.store(1, Relaxed);
                _ = recorder.record(NetworkEvent::Accept, Ok(()));
                report.events()
            }
        });
        _ = recorder.record(NetworkEvent::Close, Ok(()));
        let reported = other.join().unwrap();

        assert_eq!(recorder.recorded(), BOTH - (reported - ACCEPT), "E3");
        assert!(event.event.is_set() || recorder.owes_set(), "E5");
        // Nobody is taken to be there still.
        event.sets_to_fail.store(0, Relaxed);
        recorder.enumerate_and_reset(&*event).unwrap();
    });
}

/// E5: why a holder leaves by an exchange. One thread looks whether news has come and then says, by a
/// store, that it has gone; the other brings news and then looks whether the first is there still. Both
/// may find that the other has it.
#[test]
#[should_panic(expected = "nobody sets the signal")]
fn e5_leaving_a_reset_by_a_store_loses() {
    model(2, || {
        let news = Arc::new(AtomicBool::new(false));
        let has_left = Arc::new(AtomicBool::new(false));
        let recording = thread::spawn({
            let (news, has_left) = (Arc::clone(&news), Arc::clone(&has_left));
            move || {
                news.swap(true, AcqRel);
                has_left.load(Acquire)
            }
        });
        // The signal has just been reset.
        let mut holder_sets = news.load(Acquire);
        has_left.store(true, Release);
        // To look once more afterwards does not help: the store may come after that look.
        holder_sets |= news.load(Acquire);
        let recording_sets = recording.join().unwrap();

        assert!(holder_sets || recording_sets, "nobody sets the signal");
    });
}

/// An event object that, from inside its first set, records an error on its own recorder and tries
/// what is refused there.
struct Inside {
    event: Event,
    recorder: UnsafeCell<Option<Arc<Recorder<Arc<Self>>>>>,
}

// SAFETY: as for `Event`.
unsafe impl Sync for Inside {}

impl EventSignal for Inside {
    fn set_event(&self) -> Result<(), SignalError> {
        // SAFETY: as in `Event`.
        if let Some(recorder) = self.recorder.with_mut(|cell| unsafe { (*cell).take() }) {
            let recorded = recorder.record(NetworkEvent::Close, RESET)?;
            assert!(recorded.new.is_empty() || recorded.wake == Wake::HandedOver, "K4");
            assert_eq!(recorder.enumerate(), Err(RecorderError::Reentrant), "K4");
            assert_eq!(recorder.deselect(), Err(RecorderError::Reentrant), "K4");
        }
        self.event.set_event()
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.event.reset_event()
    }
}

/// K4: an event object that records from inside its set does not hang, and its news is signaled, while
/// another thread enumerates.
#[test]
fn k4_signal_that_records() {
    model(3, || {
        let event = Arc::new(Inside { event: Event::new(), recorder: UnsafeCell::new(None) });
        let recorder = Arc::new(Recorder::new());
        recorder.select(BOTH, Arc::clone(&event)).unwrap();
        // SAFETY: as in `Event`.
        event.recorder.with_mut(|cell| unsafe { *cell = Some(Arc::clone(&recorder)) });
        let other = thread::spawn({
            let (recorder, event) = (Arc::clone(&recorder), Arc::clone(&event));
            move || recorder.enumerate_and_reset(&*event).unwrap()
        });
        recorder.record(NetworkEvent::Accept, Ok(())).unwrap();
        let first = other.join().unwrap();

        assert_at_rest(&recorder, &event.event);
        let second = recorder.enumerate_and_reset(&*event).unwrap();
        assert_eq!(first.events() ^ second.events(), BOTH, "K4: kept, and once");
    });
}

/// K4: a thread's own mark is never taken for another's: who waits for a busy event object is not
/// refused as if it were inside.
#[test]
fn k4_waiting_is_not_reentrance() {
    model(3, || {
        let (recorder, event) = selected(CLOSE);
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Close, Ok(())).unwrap()
        });
        enumerate(&recorder, &event);
        enumerate(&recorder, &event);
        other.join().unwrap();
        assert_at_rest(&recorder, &event);
    });
}

/// One connection waits and is recorded; another arrives while `accept` takes one. What waits in the end
/// must be recorded and signaled.
fn arrival_during_an_accept(
    latching: NetworkEvents,
    accept: fn(&Recorder<Arc<Event>>, &AtomicU32),
) {
    let event = Arc::new(Event::new());
    let recorder = Arc::new(Recorder::with_latching(latching));
    recorder.select(ACCEPT, Arc::clone(&event)).unwrap();
    let backlog = Arc::new(AtomicU32::new(1));
    recorder.record(NetworkEvent::Accept, Ok(())).unwrap();
    let other = thread::spawn({
        let (recorder, backlog) = (Arc::clone(&recorder), Arc::clone(&backlog));
        move || {
            backlog.fetch_add(1, Relaxed);
            recorder.record(NetworkEvent::Accept, Ok(())).unwrap();
        }
    });
    accept(&recorder, &backlog);
    other.join().unwrap();

    assert_eq!(backlog.load(Relaxed), 1);
    assert_eq!(recorder.recorded(), ACCEPT, "L2: a connection waits and nobody is told");
    assert!(event.is_set());
}

fn accept(recorder: &Recorder<Arc<Event>>, backlog: &AtomicU32) {
    recorder.on_reenabling_call(ReenablingCall::Accept);
    if backlog.fetch_sub(1, Relaxed) > 1 {
        recorder.record(NetworkEvent::Accept, Ok(())).unwrap();
    }
}

/// L2: re-enable, then look: a connection that arrives during an accept is seen by it, or recorded.
#[test]
fn l2_reenable_before_looking() {
    model(3, || arrival_during_an_accept(NetworkEvents::empty(), accept));
}

/// L2: the same where FD_ACCEPT latches.
#[test]
fn l2_reenable_before_looking_with_latching() {
    model(3, || arrival_during_an_accept(ACCEPT, accept));
}

/// L2, the wrong order: it looks, and re-enables afterwards. What arrives in between is withdrawn.
#[test]
#[should_panic(expected = "a connection waits and nobody is told")]
fn l2_looking_before_reenabling_loses() {
    model(3, || {
        arrival_during_an_accept(ACCEPT, |recorder, backlog| {
            let more = backlog.fetch_sub(1, Relaxed) > 1;
            recorder.on_reenabling_call(ReenablingCall::Accept);
            if more {
                recorder.record(NetworkEvent::Accept, Ok(())).unwrap();
            }
        });
    });
}

/// L1, E3: a condition that two threads see at the same time is reported once, whoever enumerates when.
#[test]
fn l1_one_condition_is_one_occurrence() {
    model(3, || {
        let event = Arc::new(Event::new());
        let recorder = Arc::new(Recorder::with_latching(READ));
        recorder.select(READ, Arc::clone(&event)).unwrap();
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Read, Ok(())).unwrap().new
        });
        let mine = recorder.record(NetworkEvent::Read, Ok(())).unwrap().new;
        let first = enumerate(&recorder, &event).events();
        let others = other.join().unwrap();

        assert_eq!(mine ^ others, READ, "one of them was the first");
        assert_eq!(first, READ);
        assert_at_rest(&recorder, &event);
        assert!(enumerate(&recorder, &event).events().is_empty(), "L1");
    });
}

/// L2, E3: a re-enabling call against an enumeration: the event is withdrawn or reported, and in the end
/// it can be recorded anew.
#[test]
fn l2_reenable_against_enumerate() {
    model(3, || {
        let event = Arc::new(Event::new());
        let recorder = Arc::new(Recorder::with_latching(BOTH));
        recorder.select(BOTH, Arc::clone(&event)).unwrap();
        recorder.record(NetworkEvent::Close, RESET).unwrap();
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.reenable(NetworkEvent::Close)
        });
        let first = enumerate(&recorder, &event).outcome(NetworkEvent::Close);
        other.join().unwrap();

        assert!([None, Some(RESET)].contains(&first));
        assert!(recorder.recorded().is_empty() && recorder.latched().is_empty());
        assert_eq!(recorder.record(NetworkEvent::Close, DOWN).unwrap().new, CLOSE);
        let second = enumerate(&recorder, &event).outcome(NetworkEvent::Close);
        assert_eq!(second, Some(DOWN));
    });
}

/// L4, S2: a re-selection against a re-enabling call and the record behind it: the selection undoes
/// neither, and the new event object hears of the event.
#[test]
fn l4_reenable_against_reselection() {
    model(3, || {
        let old = Arc::new(Event::new());
        let recorder = Arc::new(Recorder::with_latching(READ));
        recorder.select(READ, Arc::clone(&old)).unwrap();
        recorder.record(NetworkEvent::Read, Ok(())).unwrap();
        recorder.enumerate_and_reset(&*old).unwrap();
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || {
                recorder.reenable(NetworkEvent::Read);
                recorder.record(NetworkEvent::Read, Ok(())).unwrap().new
            }
        });
        let new = Arc::new(Event::new());
        recorder.select(READ, Arc::clone(&new)).unwrap();
        assert_eq!(other.join().unwrap(), READ);

        assert!(new.is_set(), "S2");
        assert_eq!((recorder.recorded(), recorder.latched()), (READ, READ));
    });
}

/// P5, S7: an enumeration that races a close reports, or is refused; the closed record holds nothing.
#[test]
fn p5_close_against_enumerate_and_record() {
    model(2, || {
        let (recorder, event) = selected(CLOSE);
        let other = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.record(NetworkEvent::Close, RESET).unwrap()
        });
        let closer = thread::spawn({
            let recorder = Arc::clone(&recorder);
            move || recorder.close().unwrap()
        });
        match recorder.enumerate_and_reset(&*event) {
            Ok(report) => {
                assert!(matches!(report.outcome(NetworkEvent::Close), None | Some(RESET)))
            }
            Err(error) => assert_eq!(error, RecorderError::Closed),
        }
        other.join().unwrap();
        closer.join().unwrap();

        assert!(recorder.recorded().is_empty() && recorder.selected().is_empty());
        assert!(!recorder.owes_set());
        assert_eq!(Arc::strong_count(&event), 1, "P2: the selection's reference is gone");
    });
}

/// S8: a socket that is accepted while the listener's selection changes inherits the one or the other,
/// mask and event object together.
#[test]
fn s8_inherit_against_reselection() {
    model(3, || {
        let (listener, first) = selected(ACCEPT);
        let second = Arc::new(Event::new());
        let other = thread::spawn({
            let (listener, second) = (Arc::clone(&listener), Arc::clone(&second));
            move || listener.select(CLOSE, second).unwrap()
        });
        let accepted = listener.inherit().unwrap();
        other.join().unwrap();

        accepted
            .record_all([(NetworkEvent::Accept, Ok(())), (NetworkEvent::Close, Ok(()))])
            .unwrap();
        let inherited = accepted.selected();
        assert_eq!((first.is_set(), second.is_set()), (inherited == ACCEPT, inherited == CLOSE));
        assert!(first.is_set() != second.is_set(), "S8");
        assert!(listener.recorded().is_empty());
    });
}
