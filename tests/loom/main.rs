//! Models of the recorder's protocol and of the table of descriptors, run through every schedule that loom
//! finds within the bound on preemptions. Each names the rules (docs/CONTRACT.md) that it guards, and the
//! mistake that it catches.
//!
//! Every model of [`model`] runs twice: as it stands, and with one more thread that resets the event object
//! at some moment, as an application, another socket or an auto-reset wait does. What a model asks at rest
//! takes that into account: a reset excuses a missing signal only if it may have come after the recording.
//!
//! `.ci/threads loom` runs them.
#![cfg(wsp_loom)]

mod locked;
mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::Mutex as Ledger;
use std::sync::atomic::AtomicUsize as Count;

use loom::cell::UnsafeCell;
use loom::sync::Mutex;
use loom::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use loom::sync::atomic::{AtomicBool, AtomicU32};
use loom::thread::{self, JoinHandle};
use wsp_events::{
    EventSignal, NetworkEvent, NetworkEventRecorder, NetworkEvents, Provider, Recorded,
    RecorderError, ReenablingCall, Report, SOCKET, SignalError, Unsignaled, WSAEVENT, Wake,
    WsaError, event_select,
};

use NetworkEvent::{Accept, Close, Connect, Read};

const READ: NetworkEvents = NetworkEvents::FD_READ;
const ACCEPT: NetworkEvents = NetworkEvents::FD_ACCEPT;
const CLOSE: NetworkEvents = NetworkEvents::FD_CLOSE;
const BOTH: NetworkEvents = ACCEPT.union(CLOSE);
const OK: Result<(), WsaError> = Ok(());
const DOWN: Result<(), WsaError> = Err(WsaError::WSAENETDOWN);
const RESET: Result<(), WsaError> = Err(WsaError::WSAECONNRESET);

/// An event object that orders only what [`EventSignal`] requires. It can be made to fail or panic. Loom does not see
/// its counts.
struct Event {
    set: AtomicBool,
    /// Read by each call: loom fails the model if that overlaps with [`Event::bury`].
    alive: UnsafeCell<()>,
    sets: Count,
    sets_to_fail: Count,
    resets_to_fail: Count,
    panics: bool,
    ledger: Arc<World>,
}

// SAFETY: what must not be shared is in loom's own cell, which fails the model if it is.
unsafe impl Sync for Event {}

impl Event {
    fn is_set(&self) -> bool {
        self.set.load(Relaxed)
    }

    fn sets(&self) -> usize {
        self.sets.load(SeqCst)
    }

    /// No call on it is under way, and none begins (K3).
    fn bury(&self) {
        self.alive.with_mut(|_| ());
    }

    fn trip(&self, left: &Count) -> Result<(), SignalError> {
        self.alive.with(|_| ());
        let times = left.load(SeqCst);
        if times == 0 {
            return Ok(());
        }
        left.store(times - 1, SeqCst);
        if self.panics {
            std::panic::resume_unwind(Box::new("planted"));
        }
        Err(SignalError::from_os_code(6))
    }

    /// ResetEvent by somebody else.
    fn reset_by_another(&self) {
        self.set.swap(false, Acquire);
        self.ledger.note_reset();
    }
}

impl EventSignal for Event {
    fn set_event(&self) -> Result<(), SignalError> {
        self.trip(&self.sets_to_fail)?;
        self.sets.fetch_add(1, SeqCst);
        self.set.swap(true, Release);
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.trip(&self.resets_to_fail)?;
        self.set.swap(false, Acquire);
        Ok(())
    }
}

type Recorder = NetworkEventRecorder<Arc<Event>>;

/// What one run of a model shares. It keeps moments, by which it judges whether a reset by somebody else
/// excuses that an event object is not set (E5).
struct World {
    others_reset: bool,
    clock: Count,
    /// When somebody else has reset an event object last.
    reset: Count,
    /// When the call began that recorded each event last.
    recorded: [Count; 10],
    others: Ledger<Vec<JoinHandle<()>>>,
}

impl World {
    fn new(others_reset: bool) -> Arc<Self> {
        Arc::new(Self {
            others_reset,
            clock: Count::new(1),
            reset: Count::new(0),
            recorded: Default::default(),
            others: Ledger::default(),
        })
    }

    fn now(&self) -> usize {
        self.clock.fetch_add(1, SeqCst)
    }

    fn note_reset(&self) {
        self.reset.store(self.now(), SeqCst);
    }

    fn event_object(self: &Arc<Self>) -> Arc<Event> {
        self.faulty(false)
    }

    fn faulty(self: &Arc<Self>, panics: bool) -> Arc<Event> {
        Arc::new(Event {
            set: AtomicBool::new(false),
            alive: UnsafeCell::new(()),
            sets: Count::new(0),
            sets_to_fail: Count::new(0),
            resets_to_fail: Count::new(0),
            panics,
            ledger: Arc::clone(self),
        })
    }

    fn selected(self: &Arc<Self>, events: NetworkEvents) -> (Arc<Recorder>, Arc<Event>) {
        self.selected_with(Recorder::new(), events, self.event_object())
    }

    fn selected_with(
        self: &Arc<Self>,
        recorder: Recorder,
        events: NetworkEvents,
        event: Arc<Event>,
    ) -> (Arc<Recorder>, Arc<Event>) {
        let recorder = Arc::new(recorder);
        recorder.select(events, Arc::clone(&event)).unwrap();
        self.let_others_reset(&event);
        (recorder, event)
    }

    fn let_others_reset(&self, event: &Arc<Event>) {
        if self.others_reset {
            let event = Arc::clone(event);
            let other = thread::spawn(move || event.reset_by_another());
            self.others.lock().unwrap().push(other);
        }
    }

    /// Records. Keeps the moment of the call if the event is new.
    fn record(
        &self,
        recorder: &Recorder,
        event: NetworkEvent,
        outcome: Result<(), WsaError>,
    ) -> Recorded {
        let from = self.now();
        let recorded = recorder.record(event, outcome);
        if !recorded.new.is_empty() {
            self.recorded[event.bit_position()].store(from, SeqCst);
        }
        recorded
    }

    /// E5: every model ends with this. With `alone` also the converse: the event object serves this
    /// recorder alone, it passes every enumeration, and nothing is withdrawn; a report may have overtaken
    /// a set, so that the converse holds after one more.
    fn assert_at_rest(&self, recorder: &Recorder, event: &Event, alone: bool) {
        for other in self.others.lock().unwrap().drain(..) {
            other.join().unwrap();
        }
        let reportable = recorder.recorded() & recorder.selected();
        let is_told = event.is_set() || recorder.owes_set();
        let reset = self.reset.load(SeqCst);
        let at = |event: NetworkEvent| self.recorded[event.bit_position()].load(SeqCst);
        let excused = reportable.members().all(|event| reset > at(event));
        assert!(
            reportable.is_empty() || is_told || excused,
            "E5: nobody is notified of {reportable}"
        );
        if alone && reportable.is_empty() {
            assert!(!recorder.owes_set(), "R6: a set is owed for nothing");
            let report = recorder.enumerate_and_reset(event).unwrap();
            assert!(report.events().is_empty() && !event.is_set(), "E5, E8");
        }
    }
}

/// Three preemptions are thorough; where a thread waits for another, two are what is feasible.
/// `MORE_PREEMPTIONS=1` allows one more, if there is the time.
fn model(preemptions: usize, body: fn(&Arc<World>)) {
    for others_reset in [false, true] {
        check(preemptions, move || body(&World::new(others_reset)));
    }
}

fn check(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    let more = std::env::var("MORE_PREEMPTIONS").map_or(0, |more| more.parse().unwrap());
    builder.preemption_bound = Some(preemptions + more);
    builder.max_branches = 100_000;
    builder.check(body);
}

/// A thread with the recorder and the world.
fn spawn<T: 'static>(
    world: &Arc<World>,
    recorder: &Arc<Recorder>,
    body: impl FnOnce(&World, &Recorder) -> T + 'static,
) -> JoinHandle<T> {
    let (world, recorder) = (Arc::clone(world), Arc::clone(recorder));
    thread::spawn(move || body(&world, &recorder))
}

fn enumerate(recorder: &Recorder, event: &Event) -> Report {
    recorder.enumerate_and_reset(event).unwrap()
}

/// E3, E5: two occurrences and a report. Each is in the report or still recorded, never both.
#[test]
fn e3_two_recorders_and_an_enumerator() {
    model(3, |world| {
        let (recorder, event) = world.selected(BOTH);
        let other = spawn(world, &recorder, |world, recorder| {
            world.record(recorder, Accept, OK);
        });
        let third = spawn(world, &recorder, |world, recorder| {
            world.record(recorder, Close, OK);
        });
        let report = enumerate(&recorder, &event);
        other.join().unwrap();
        third.join().unwrap();

        assert_eq!(report.events() ^ recorder.recorded(), BOTH, "E3");
        world.assert_at_rest(&recorder, &event, true);
    });
}

/// E4, E5: what is recorded while the event object is being reset leaves it set. Catches an enumeration
/// that does not look again.
#[test]
fn e4_record_during_the_reset() {
    model(3, |world| {
        let (recorder, event) = world.selected(BOTH);
        world.record(&recorder, Accept, OK);
        let other = spawn(world, &recorder, |world, recorder| {
            world.record(recorder, Close, OK);
        });
        let report = enumerate(&recorder, &event);
        other.join().unwrap();

        assert!(report.events().contains(ACCEPT));
        assert_eq!(report.events() ^ recorder.recorded(), BOTH, "E3");
        world.assert_at_rest(&recorder, &event, true);
    });
}

/// E3: data that was queued before a repeat is seen by the thread that gets the event, or the event is recorded
/// again. Catches a repeat that only looks.
#[test]
fn e3_repeat_publishes_what_was_queued() {
    model(3, |world| {
        let (recorder, event) = world.selected(READ);
        world.record(&recorder, Read, OK);
        let queued = Arc::new(AtomicU32::new(1));
        let other = spawn(world, &recorder, {
            let queued = Arc::clone(&queued);
            move |world, recorder| {
                queued.store(2, Relaxed);
                world.record(recorder, Read, OK);
            }
        });
        assert_eq!(enumerate(&recorder, &event).events(), READ);
        let seen = queued.load(Relaxed);
        other.join().unwrap();

        assert!(seen == 2 || recorder.recorded() == READ, "data waits for ever");
        world.assert_at_rest(&recorder, &event, true);
    });
}

/// E3, R2: an error is reported whole, once, with its own code.
#[test]
fn e3_error_against_enumerate() {
    model(3, |world| {
        let (recorder, event) = world.selected(ACCEPT);
        let other = spawn(world, &recorder, |world, recorder| {
            world.record(recorder, Accept, DOWN);
        });
        let first = enumerate(&recorder, &event);
        other.join().unwrap();
        world.assert_at_rest(&recorder, &event, false);
        let second = enumerate(&recorder, &event);

        let outcomes = [first, second].map(|report| report.outcome(Accept));
        assert!(outcomes == [Some(DOWN), None] || outcomes == [None, Some(DOWN)], "{outcomes:?}");
    });
}

/// R3: of two errors at the same time the first is kept, with its own code. Catches a cell that both write.
#[test]
fn r3_two_errors() {
    model(3, |world| {
        let (recorder, event) = world.selected(CLOSE);
        let other =
            spawn(world, &recorder, |world, recorder| world.record(recorder, Close, DOWN).new);
        let mine = world.record(&recorder, Close, RESET).new;
        let others = other.join().unwrap();

        assert_eq!(mine ^ others, CLOSE);
        world.assert_at_rest(&recorder, &event, false);
        let kept = if mine == CLOSE { RESET } else { DOWN };
        assert_eq!(enumerate(&recorder, &event).outcome(Close), Some(kept), "R3");
    });
}

/// R2, E3: a later occurrence's code never gets into the report of an earlier one. Catches codes that are
/// collected after the bits were taken.
#[test]
fn e3_code_of_another() {
    model(3, |world| {
        let (recorder, event) = world.selected(CLOSE);
        world.record(&recorder, Close, RESET);
        let other = spawn(world, &recorder, |world, recorder| {
            world.record(recorder, Close, DOWN);
        });
        let first = enumerate(&recorder, &event);
        other.join().unwrap();
        world.assert_at_rest(&recorder, &event, false);
        let second = enumerate(&recorder, &event);

        assert_eq!(first.outcome(Close), Some(RESET), "R3");
        assert!([None, Some(DOWN)].contains(&second.outcome(Close)));
    });
}

/// R2: codes of two events are collected by two threads, one after the other. Catches a second thread that
/// empties cells while the first does.
#[test]
fn e3_two_collectors() {
    model(2, |world| {
        let (recorder, event) = world.selected(BOTH);
        world.record(&recorder, Close, RESET);
        world.record(&recorder, Accept, DOWN);
        let other = spawn(world, &recorder, |world, recorder| {
            recorder.withdraw(CLOSE);
            world.record(recorder, Close, DOWN);
        });
        let first = enumerate(&recorder, &event);
        other.join().unwrap();
        world.assert_at_rest(&recorder, &event, false);
        let second = enumerate(&recorder, &event);

        let outcomes =
            [first, second].map(|report| (report.outcome(Accept), report.outcome(Close)));
        let legal = [
            [(Some(DOWN), Some(RESET)), (None, Some(DOWN))],
            [(Some(DOWN), None), (None, Some(DOWN))],
            [(Some(DOWN), Some(DOWN)), (None, None)],
        ];
        assert!(legal.contains(&outcomes), "{outcomes:?}");
    });
}

/// R7, E3: a code that was withdrawn and one that came after it are not mixed up by a report.
#[test]
fn r7_withdraw_and_a_new_error_against_enumerate() {
    model(3, |world| {
        let (recorder, event) = world.selected(CLOSE);
        world.record(&recorder, Close, RESET);
        let other = spawn(world, &recorder, |world, recorder| {
            recorder.withdraw(CLOSE);
            world.record(recorder, Close, DOWN).new
        });
        let first = enumerate(&recorder, &event).outcome(Close);
        assert_eq!(other.join().unwrap(), CLOSE, "what was withdrawn is no longer recorded");
        world.assert_at_rest(&recorder, &event, false);
        let second = enumerate(&recorder, &event).outcome(Close);

        let legal = [
            [Some(RESET), Some(DOWN)], // enumerate, withdraw, record
            [None, Some(DOWN)],        // withdraw, enumerate, record
            [Some(DOWN), None],        // withdraw, record, enumerate
        ];
        assert!(legal.contains(&[first, second]), "{first:?}, {second:?}");
    });
}

/// R3, E5: an error that takes the place of a recorded success is never lost, nor is the event's signal.
#[test]
fn r3_upgrade_against_enumerate() {
    model(3, |world| {
        let (recorder, event) = world.selected(CLOSE);
        world.record(&recorder, Close, OK);
        let other = spawn(world, &recorder, |world, recorder| {
            world.record(recorder, Close, RESET);
        });
        let first = enumerate(&recorder, &event).outcome(Close);
        other.join().unwrap();
        world.assert_at_rest(&recorder, &event, false);
        let second = enumerate(&recorder, &event).outcome(Close);

        let legal = [[Some(RESET), None], [Some(Ok(())), Some(RESET)]];
        assert!(legal.contains(&[first, second]), "{first:?}, {second:?}");
    });
}

/// R5: a batch is in a report whole, or not at all.
#[test]
fn r5_batch_against_enumerate() {
    model(3, |world| {
        let (recorder, event) = world.selected(BOTH);
        let other = spawn(world, &recorder, |_, recorder| {
            recorder.record_all([(Accept, Ok(())), (Close, RESET)]);
        });
        let first = enumerate(&recorder, &event);
        other.join().unwrap();
        let second = enumerate(&recorder, &event);

        let (whole, rest) =
            if first.events().is_empty() { (second, first) } else { (first, second) };
        assert!(rest.events().is_empty(), "R5: {first} | {second}");
        assert_eq!(whole.events(), BOTH, "R5");
        assert_eq!(whole.outcome(Close), Some(RESET));
        world.assert_at_rest(&recorder, &event, true);
    });
}

/// E3: two enumerations at the same time never report the same occurrence.
#[test]
fn e3_two_enumerators() {
    model(3, |world| {
        let (recorder, event) = world.selected(BOTH);
        world.record(&recorder, Close, RESET);
        let other = spawn(world, &recorder, {
            let event = Arc::clone(&event);
            move |_, recorder| enumerate(recorder, &event).events()
        });
        let mine = enumerate(&recorder, &event).events();
        let others = other.join().unwrap();

        assert_eq!(mine ^ others, CLOSE, "E3");
        world.assert_at_rest(&recorder, &event, true);
    });
}

/// E3, E5: records beside enumerations. Each occurrence is in one report or still recorded.
#[test]
fn e3_two_records_against_two_enumerations() {
    model(2, |world| {
        let (recorder, event) = world.selected(BOTH);
        let other = spawn(world, &recorder, |world, recorder| {
            world.record(recorder, Accept, OK);
            world.record(recorder, Close, OK);
        });
        let reported = [(); 2].map(|()| enumerate(&recorder, &event).events());
        other.join().unwrap();

        assert!((reported[0] & reported[1]).is_empty());
        assert_eq!((reported[0] | reported[1]) ^ recorder.recorded(), BOTH, "E3");
        world.assert_at_rest(&recorder, &event, true);
    });
}

/// Waits as a program does, and resets the event object itself: by ResetEvent, or by an auto-reset wait.
fn wait_and_reset(event: &Event) {
    while event.set.compare_exchange(true, false, Acquire, Relaxed).is_err() {
        thread::yield_now();
    }
    event.ledger.note_reset();
}

/// A program that waits, resets the event object itself, consumes the condition, and finds more of it, which
/// is recorded again, while the record that woke it is still inside the set. It must be signaled again.
fn consumed_and_found_more(world: &Arc<World>, event: NetworkEvent, call: ReenablingCall) {
    let latching = NetworkEvents::empty();
    let recorder = Recorder::with_latching(latching);
    let (recorder, object) = world.selected_with(recorder, event.flag(), world.event_object());
    let network = spawn(world, &recorder, move |world, recorder| {
        world.record(recorder, event, OK);
    });
    if !world.others_reset {
        wait_and_reset(&object);
    }
    recorder.reenable_for(call);
    world.record(&recorder, event, OK);
    network.join().unwrap();
    world.assert_at_rest(&recorder, &object, false);
}

/// E5: receive, and there is more. Catches a record that leaves its set to another that is inside.
#[test]
fn e5_an_application_resets_and_receives() {
    model(3, |world| {
        consumed_and_found_more(world, Read, ReenablingCall::Recv { oob: false });
    });
}

/// E5: accept, and another connection waits.
#[test]
fn e5_an_application_resets_and_accepts() {
    model(3, |world| consumed_and_found_more(world, Accept, ReenablingCall::Accept));
}

/// E5: the same with another event in the place of the second FD_READ.
#[test]
fn e5_an_application_resets_and_another_event_comes() {
    model(3, |world| {
        let (recorder, event) = world.selected(READ | CLOSE);
        let network = spawn(world, &recorder, |world, recorder| {
            world.record(recorder, Read, OK);
        });
        if !world.others_reset {
            wait_and_reset(&event);
        }
        world.record(&recorder, Close, OK);
        network.join().unwrap();
        world.assert_at_rest(&recorder, &event, false);
    });
}

/// E5, P3: one event object for two sockets. An enumeration of the one, which resets it, does not excuse
/// what is recorded on the other afterwards; and who wakes finds it.
#[test]
fn p3_one_event_object_for_two_sockets() {
    model(2, |world| {
        let (one, event) = world.selected(CLOSE);
        let two = Arc::new(Recorder::new());
        two.select(CLOSE, Arc::clone(&event)).unwrap();
        let network = spawn(world, &one, {
            let two = Arc::clone(&two);
            move |world, one| {
                world.record(one, Close, OK);
                two.record(Close, OK);
            }
        });
        // A pass: reset with the first, then all others.
        let mut reported = [enumerate(&one, &event).events(), two.enumerate().unwrap().events()];
        network.join().unwrap();
        for other in world.others.lock().unwrap().drain(..) {
            other.join().unwrap();
        }
        let others_reset = world.reset.load(SeqCst) > 0;
        if event.is_set() || others_reset {
            reported[0] |= enumerate(&one, &event).events();
            reported[1] |= two.enumerate().unwrap().events();
        }
        assert_eq!(reported, [CLOSE; 2], "P3: the program sleeps, and something is recorded");
    });
}

/// S1, S2, S5: what is recorded while the selection changes is signaled on the event object that stands in
/// the end. The old one is not set for what was never selected with it.
#[test]
fn s1_record_against_reselection() {
    model(3, |world| {
        let (recorder, old) = world.selected(ACCEPT);
        let new = world.event_object();
        let other = spawn(world, &recorder, |world, recorder| {
            world.record(recorder, Close, OK);
        });
        recorder.select(CLOSE, Arc::clone(&new)).unwrap();
        other.join().unwrap();

        assert!(new.is_set(), "S2");
        assert_eq!((old.sets(), new.sets()), (0, 1), "S5, R4");
        world.assert_at_rest(&recorder, &new, false);
    });
}

/// S1, S2: an event of both selections is signaled on the new event object, however they interleave.
#[test]
fn s2_record_of_an_event_that_stays_selected() {
    model(3, |world| {
        let (recorder, old) = world.selected(CLOSE);
        let new = world.event_object();
        let other = spawn(world, &recorder, |world, recorder| {
            world.record(recorder, Close, RESET);
        });
        recorder.select(CLOSE, Arc::clone(&new)).unwrap();
        other.join().unwrap();

        assert!(new.is_set(), "S2");
        assert!(old.sets() <= 1);
        assert_eq!(recorder.enumerate().unwrap().outcome(Close), Some(RESET));
        world.assert_at_rest(&recorder, &new, false);
    });
}

/// S2, E5: a program that serves a shared event object is woken by a selection that is still under way; it
/// resets the event object and enumerates. Catches a selection that takes its first set for its last.
#[test]
fn s2_a_pass_over_all_sockets_against_a_selection() {
    model(2, |world| {
        let (recorder, old) = world.selected(ACCEPT);
        let new = world.event_object();
        recorder.record(Close, OK);
        let program = spawn(world, &recorder, {
            let new = Arc::clone(&new);
            move |_, recorder| {
                if new.is_set() {
                    // The first socket of the pass was another one.
                    new.set.swap(false, Acquire);
                    return recorder.enumerate().unwrap().events();
                }
                enumerate(recorder, &new).events()
            }
        });
        recorder.select(CLOSE, Arc::clone(&new)).unwrap();
        let reported = program.join().unwrap();

        assert_eq!(reported | recorder.recorded(), CLOSE);
        assert!(reported == CLOSE || new.is_set(), "E5");
        assert_eq!(old.sets(), 0, "S5");
    });
}

/// A provider of one socket that keeps what it was told by a store.
struct Told {
    recorder: Recorder,
    events: [Arc<Event>; 2],
    told: AtomicU32,
}

impl Provider for Told {
    type EventObject = Arc<Event>;
    type Socket<'a> = &'a Self;
    type EventObjectToReset<'a> = Arc<Event>;

    fn subsystem_is_up(&self) -> bool {
        true
    }
    fn find_socket(&self, _: SOCKET) -> Option<&Self> {
        Some(self)
    }
    fn recorder_of<'s>(socket: &'s &Self) -> &'s Recorder {
        &socket.recorder
    }
    fn event_object_to_select(&self, handle: WSAEVENT) -> Option<Arc<Event>> {
        Some(Arc::clone(&self.events[handle.0 - 1]))
    }
    fn event_object_to_reset(&self, _: WSAEVENT) -> Option<Arc<Event>> {
        None
    }
    fn on_selected(&self, _: &&Self, events: NetworkEvents) {
        self.told.store(events.bits(), Release);
    }
}

/// S9: of two selections at once the provider is told last of the one that stands. Catches a look that passes
/// what the provider has written.
#[test]
fn s9_two_selections_at_once() {
    check(3, || {
        let world = World::new(false);
        let events = [(); 2].map(|()| world.event_object());
        let provider =
            Arc::new(Told { recorder: Recorder::new(), events, told: AtomicU32::new(0) });
        let select = |provider: &Told, handle, events| {
            event_select(provider, 4, WSAEVENT(handle), events).unwrap();
        };
        let other = thread::spawn({
            let provider = Arc::clone(&provider);
            move || select(&provider, 1, READ)
        });
        select(&provider, 2, CLOSE);
        other.join().unwrap();
        assert_eq!(provider.told.load(Relaxed), provider.recorder.selected().bits(), "S9");
    });
}

/// S6: a selection whose event object cannot be set leaves no trace, and what is recorded meanwhile is
/// signaled on the earlier event object.
#[test]
fn s6_failing_selection_against_record() {
    model(3, |world| {
        let (recorder, old) = world.selected(CLOSE);
        world.record(&recorder, Accept, OK);
        let failing = world.event_object();
        failing.sets_to_fail.store(1, SeqCst);
        let other = spawn(world, &recorder, |world, recorder| {
            world.record(recorder, Close, OK);
        });
        let refused = recorder.select(ACCEPT, failing);
        assert_eq!(refused, Err(SignalError::from_os_code(6).into()));
        other.join().unwrap();

        assert_eq!(recorder.selected(), CLOSE, "S6");
        assert_eq!(old.sets(), 1);
        world.assert_at_rest(&recorder, &old, false);
    });
}

/// S6, E1: no report is taken under a selection that fails.
#[test]
fn s6_failing_selection_against_enumerate() {
    model(3, |world| {
        let (recorder, old) = world.selected(CLOSE);
        world.record(&recorder, Accept, OK);
        let failing = world.event_object();
        failing.sets_to_fail.store(1, SeqCst);
        let other = spawn(world, &recorder, {
            let old = Arc::clone(&old);
            move |_, recorder| enumerate(recorder, &old).events()
        });
        recorder.select(ACCEPT, failing).unwrap_err();
        assert_eq!(other.join().unwrap(), NetworkEvents::empty(), "E1");
        assert_eq!(recorder.recorded(), ACCEPT);
        world.assert_at_rest(&recorder, &old, false);
    });
}

/// K3: once a selection has returned, no call on the event object that it replaced is under way, and none
/// begins. Catches a selection that does not wait, and a record that counts itself out before it sets.
#[test]
fn k3_no_call_on_an_event_object_that_was_replaced() {
    model(3, |world| {
        let (recorder, old) = world.selected(BOTH);
        let others = [Accept, Close].map(|event| {
            spawn(world, &recorder, move |world, recorder| {
                world.record(recorder, event, OK);
            })
        });
        let new = world.event_object();
        recorder.select(BOTH, Arc::clone(&new)).unwrap();
        if !world.others_reset {
            old.bury();
        }
        for other in others {
            other.join().unwrap();
        }
        assert!(new.is_set(), "S2");
        world.assert_at_rest(&recorder, &new, false);
    });
}

/// K3: the same for the end of a selection, and for a close.
#[test]
fn k3_no_call_on_an_event_object_that_was_let_go() {
    for close in [false, true] {
        check(3, move || {
            let world = World::new(false);
            let (recorder, old) = world.selected(CLOSE);
            let other = spawn(&world, &recorder, |world, recorder| {
                world.record(recorder, Close, RESET);
            });
            if close { recorder.close() } else { recorder.deselect() }.unwrap();
            old.bury();
            other.join().unwrap();
            assert_eq!(Arc::strong_count(&old), 1, "P2: the selection's reference is gone");
        });
    }
}

/// E7, R3: a report that could not be completed is put back under what came meanwhile, and signaled.
#[test]
fn e7_failing_reset_against_records() {
    model(3, |world| {
        let (recorder, event) = world.selected(BOTH);
        event.resets_to_fail.store(1, SeqCst);
        world.record(&recorder, Close, RESET);
        let other = spawn(world, &recorder, |world, recorder| {
            world.record(recorder, Close, DOWN);
            world.record(recorder, Accept, DOWN);
        });
        recorder.enumerate_and_reset(&*event).unwrap_err();
        other.join().unwrap();

        world.assert_at_rest(&recorder, &event, false);
        let report = enumerate(&recorder, &event);
        assert_eq!(report.outcome(Close), Some(RESET), "the first error stays");
        assert_eq!(report.outcome(Accept), Some(DOWN), "nothing is overwritten");
    });
}

/// E7: the application has reset the event object after the recording, and the enumeration fails: what was
/// put back is signaled again.
#[test]
fn e7_what_is_put_back_is_signaled() {
    model(3, |world| {
        let (recorder, event) = world.selected(BOTH);
        world.record(&recorder, Close, RESET);
        let other = spawn(world, &recorder, {
            let event = Arc::clone(&event);
            move |world, recorder| {
                // Its own reset, and the look of this one, come between the taking and the putting back.
                let report = enumerate(recorder, &event);
                world.record(recorder, Accept, OK);
                report.events()
            }
        });
        let bad = world.event_object();
        bad.resets_to_fail.store(1, SeqCst);
        recorder.enumerate_and_reset(&*bad).unwrap_err();
        let reported = other.join().unwrap();

        assert_eq!(reported ^ recorder.recorded(), BOTH, "E7");
        if !world.others_reset {
            assert!(event.is_set(), "E5");
        }
        world.assert_at_rest(&recorder, &event, false);
    });
}

/// E7: an attempt to connect was refused, the next one succeeds, and an enumeration between them fails: the refusal is
/// not put back over the success.
#[test]
fn e7_what_is_reenabled_is_not_put_back() {
    model(3, |world| {
        let recorder = Recorder::with_latching(NetworkEvents::LATCHING_FOR_CONDITIONS);
        let connect = NetworkEvents::FD_CONNECT;
        let (recorder, event) = world.selected_with(recorder, connect, world.event_object());
        world.record(&recorder, Connect, RESET);
        let other = spawn(world, &recorder, |world, recorder| {
            recorder.reenable_for(ReenablingCall::Connect);
            world.record(recorder, Connect, OK);
        });
        let bad = world.event_object();
        bad.resets_to_fail.store(1, SeqCst);
        recorder.enumerate_and_reset(&*bad).unwrap_err();
        other.join().unwrap();

        world.assert_at_rest(&recorder, &event, false);
        assert_eq!(recorder.enumerate().unwrap().outcome(Connect), Some(OK));
    });
}

/// K5: the same when the reset panics: the report is not lost, and a set is owed.
#[test]
fn k5_panicking_reset_against_a_record() {
    model(3, |world| {
        let (recorder, event) = world.selected_with(Recorder::new(), BOTH, world.faulty(true));
        world.record(&recorder, Close, RESET);
        event.resets_to_fail.store(1, SeqCst);
        let other = spawn(world, &recorder, |world, recorder| {
            world.record(recorder, Accept, OK);
        });
        let panicked = catch_unwind(AssertUnwindSafe(|| recorder.enumerate_and_reset(&*event)));
        assert!(panicked.is_err());
        other.join().unwrap();

        assert_eq!(recorder.recorded(), BOTH);
        world.assert_at_rest(&recorder, &event, false);
    });
}

/// E7, R2: a report without a code is put back while another thread empties a cell. Catches a putting back that ends the
/// other thread's turn: a second one would empty the cell too, and wait for a code that never comes.
#[test]
fn e7_putting_back_beside_a_collector() {
    model(2, |world| {
        let (recorder, event) = world.selected(ACCEPT);
        event.resets_to_fail.store(1, SeqCst);
        world.record(&recorder, Accept, OK);
        world.record(&recorder, Close, RESET);
        let other = spawn(world, &recorder, |_, recorder| recorder.withdraw(CLOSE));
        recorder.enumerate_and_reset(&*event).unwrap_err();
        recorder.withdraw(CLOSE);
        other.join().unwrap();

        assert_eq!(recorder.recorded(), ACCEPT);
        world.assert_at_rest(&recorder, &event, false);
    });
}

/// R6, K5: a set that fails or panics is owed, beside one that does not. A repeat tries again.
fn failing_set_beside_another(world: &Arc<World>, panics: bool) {
    let (recorder, event) = world.selected_with(Recorder::new(), BOTH, world.faulty(panics));
    event.sets_to_fail.store(1, SeqCst);
    let record = |world: &World, recorder: &Recorder, event| {
        let call = || world.record(recorder, event, OK);
        catch_unwind(AssertUnwindSafe(call))
            .map_or(true, |recorded| recorded.signal_error.is_some())
    };
    let other = spawn(world, &recorder, move |world, recorder| record(world, recorder, Accept));
    let mine = record(world, &recorder, Close);
    let others = other.join().unwrap();

    assert_eq!(recorder.recorded(), BOTH, "R6: recorded all the same");
    assert!(mine != others, "one of them has failed");
    world.assert_at_rest(&recorder, &event, false);
    recorder.record(Close, OK);
    assert!(!recorder.owes_set(), "R6");
}

/// R6: catches a debt that is forgotten, or that stays for ever.
#[test]
fn r6_failing_set_beside_another() {
    model(3, |world| failing_set_beside_another(world, false));
}

/// K5: catches a count that is lost by a panic: the selection would wait for ever.
#[test]
fn k5_panicking_set_beside_another() {
    model(3, |world| {
        failing_set_beside_another(world, true);
    });
    check(3, || {
        let world = World::new(false);
        let (recorder, event) = world.selected_with(Recorder::new(), BOTH, world.faulty(true));
        event.sets_to_fail.store(1, SeqCst);
        let other = spawn(&world, &recorder, |_, recorder| {
            _ = catch_unwind(AssertUnwindSafe(|| recorder.record(Close, OK)));
        });
        recorder.select(CLOSE, world.event_object()).unwrap();
        other.join().unwrap();
        assert_eq!(recorder.recorded(), CLOSE);
        recorder.record(Close, OK);
        assert!(!recorder.owes_set(), "R6");
    });
}

/// R6, E7: a set that fails while an enumeration has the report, whose reset then fails too.
#[test]
fn r6_failing_set_against_failing_reset() {
    model(3, |world| {
        let (recorder, event) = world.selected(BOTH);
        event.sets_to_fail.store(1, SeqCst);
        event.resets_to_fail.store(1, SeqCst);
        let other = spawn(world, &recorder, |world, recorder| {
            _ = world.record(recorder, Close, OK);
        });
        recorder.enumerate_and_reset(&*event).unwrap_err();
        other.join().unwrap();

        assert_eq!(recorder.recorded(), CLOSE, "E7");
        world.assert_at_rest(&recorder, &event, false);
    });
}

/// R6: a withdrawal, a report and a new selection end a debt only if nothing is left to signal.
#[test]
fn r6_a_debt_is_for_what_is_recorded_when_it_is_judged() {
    model(3, |world| {
        let (recorder, event) = world.selected(BOTH);
        world.record(&recorder, Accept, OK);
        event.reset_event().unwrap();
        event.sets_to_fail.store(1, SeqCst);
        let other = spawn(world, &recorder, |world, recorder| {
            _ = world.record(recorder, Close, OK);
        });
        recorder.withdraw(ACCEPT);
        other.join().unwrap();

        assert_eq!(recorder.recorded(), CLOSE);
        world.assert_at_rest(&recorder, &event, false);
    });
}

/// An event object that calls back: its first set, reset or clone runs a scripted call.
struct Inside {
    event: Arc<Event>,
    act: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Inside {
    fn new(world: &Arc<World>) -> Arc<Self> {
        Arc::new(Self { event: world.event_object(), act: Mutex::new(None) })
    }

    fn act(&self) {
        let act = self.act.lock().unwrap().take();
        act.into_iter().for_each(|act| act());
    }
}

/// A selection's reference, whose clone is foreign code too.
struct Reference(Arc<Inside>);

impl Clone for Reference {
    fn clone(&self) -> Self {
        self.0.act();
        Self(Arc::clone(&self.0))
    }
}

impl EventSignal for Reference {
    fn set_event(&self) -> Result<(), SignalError> {
        self.0.act();
        self.0.event.set_event()
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.0.event.reset_event()
    }
}

/// What an event object may do inside, and what is refused there.
fn call_back(recorder: &NetworkEventRecorder<Reference>, object: &Arc<Inside>) {
    recorder.record(Close, RESET);
    assert_eq!(recorder.deselect(), Err(RecorderError::Reentrant), "K4");
    let again = Reference(Arc::clone(object));
    assert_eq!(recorder.select(BOTH, again), Err(RecorderError::Reentrant), "K4");
    assert_eq!(recorder.close(), Err(RecorderError::Reentrant), "K4");
    recorder.withdraw(READ);
    recorder.reenable(Read);
}

/// K4: an event object that calls back from inside its set does not hang, and what it records is signaled,
/// while another thread enumerates, or selects.
#[test]
fn k4_an_event_object_that_calls_back() {
    for selects in [false, true] {
        check(2, move || {
            let world = World::new(false);
            let object = Inside::new(&world);
            let recorder = Arc::new(NetworkEventRecorder::new());
            recorder.select(BOTH, Reference(Arc::clone(&object))).unwrap();
            *object.act.lock().unwrap() = Some(Box::new({
                let (recorder, object) = (Arc::clone(&recorder), Arc::clone(&object));
                move || call_back(&recorder, &object)
            }));
            let other = thread::spawn({
                let (recorder, object) = (Arc::clone(&recorder), Arc::clone(&object));
                move || {
                    if selects {
                        recorder.select(BOTH, Reference(object)).unwrap();
                        return NetworkEvents::empty();
                    }
                    recorder.enumerate_and_reset(&*object.event).unwrap().events()
                }
            });
            recorder.record(Accept, Ok(()));
            let reported = other.join().unwrap();

            assert_eq!(reported ^ recorder.recorded(), BOTH, "K4: kept, and once");
            assert!(recorder.recorded().is_empty() || object.event.is_set(), "E5");
        });
    }
}

/// K4: a clone that calls back while the selection changes is refused what would wait for itself. Catches
/// an `inherit` that leaves no mark.
#[test]
fn k4_a_clone_that_calls_back() {
    check(2, || {
        let world = World::new(false);
        let object = Inside::new(&world);
        let recorder = Arc::new(NetworkEventRecorder::new());
        recorder.select(BOTH, Reference(Arc::clone(&object))).unwrap();
        *object.act.lock().unwrap() = Some(Box::new({
            let (recorder, object) = (Arc::clone(&recorder), Arc::clone(&object));
            move || call_back(&recorder, &object)
        }));
        let other = thread::spawn({
            let (recorder, object) = (Arc::clone(&recorder), Arc::clone(&object));
            move || recorder.select(CLOSE, Reference(object)).unwrap()
        });
        let inherited = recorder.inherit().unwrap();
        other.join().unwrap();
        assert!([BOTH, CLOSE].contains(&inherited.selected()));
        assert_eq!(recorder.recorded(), CLOSE);
        assert!(object.event.is_set(), "E5");
    });
}

/// K4: a thread that waits for a busy event object is not refused as if it were inside.
#[test]
fn k4_waiting_is_not_reentrance() {
    model(3, |world| {
        let (recorder, event) = world.selected(CLOSE);
        let other = spawn(world, &recorder, |world, recorder| {
            world.record(recorder, Close, OK);
        });
        recorder.select(CLOSE, Arc::clone(&event)).unwrap();
        recorder.inherit().unwrap();
        other.join().unwrap();
        world.assert_at_rest(&recorder, &event, false);
    });
}

/// One connection waits and is recorded; another arrives while `accept` takes one. What waits in the end
/// must be recorded and signaled.
fn arrival_during_an_accept(
    world: &Arc<World>,
    latching: NetworkEvents,
    accept: fn(&World, &Recorder, &AtomicU32),
) {
    let recorder = Recorder::with_latching(latching);
    let (recorder, event) = world.selected_with(recorder, ACCEPT, world.event_object());
    let backlog = Arc::new(AtomicU32::new(1));
    world.record(&recorder, Accept, OK);
    let other = spawn(world, &recorder, {
        let backlog = Arc::clone(&backlog);
        move |world, recorder| {
            backlog.fetch_add(1, Relaxed);
            world.record(recorder, Accept, OK);
        }
    });
    accept(world, &recorder, &backlog);
    other.join().unwrap();

    assert_eq!(backlog.load(Relaxed), 1);
    assert_eq!(recorder.recorded(), ACCEPT, "L2: a connection waits and nobody is told");
    world.assert_at_rest(&recorder, &event, false);
}

fn accept(world: &World, recorder: &Recorder, backlog: &AtomicU32) {
    recorder.reenable_for(ReenablingCall::Accept);
    if backlog.fetch_sub(1, Relaxed) > 1 {
        world.record(recorder, Accept, OK);
    }
}

/// L2: re-enable, then look: a connection that arrives during an accept is seen by it, or recorded.
#[test]
fn l2_reenable_before_looking() {
    model(3, |world| arrival_during_an_accept(world, NetworkEvents::empty(), accept));
}

/// L2: the same where FD_ACCEPT latches.
#[test]
fn l2_reenable_before_looking_with_latching() {
    model(3, |world| arrival_during_an_accept(world, ACCEPT, accept));
}

/// L2, the wrong order: it looks, and re-enables afterwards. What arrives in between is withdrawn.
#[test]
#[should_panic(expected = "a connection waits and nobody is told")]
fn l2_looking_before_reenabling_loses() {
    model(3, |world| {
        arrival_during_an_accept(world, ACCEPT, |world, recorder, backlog| {
            let more = backlog.fetch_sub(1, Relaxed) > 1;
            recorder.reenable_for(ReenablingCall::Accept);
            if more {
                world.record(recorder, Accept, OK);
            }
        });
    });
}

/// L1, E3: a condition that two threads see at the same time is reported once.
#[test]
fn l1_one_condition_is_one_occurrence() {
    model(3, |world| {
        let recorder = Recorder::with_latching(READ);
        let (recorder, event) = world.selected_with(recorder, READ, world.event_object());
        let other = spawn(world, &recorder, |world, recorder| world.record(recorder, Read, OK).new);
        let mine = world.record(&recorder, Read, OK).new;
        let first = enumerate(&recorder, &event).events();
        let others = other.join().unwrap();

        assert_eq!(mine ^ others, READ, "one of them was the first");
        assert_eq!(first, READ);
        world.assert_at_rest(&recorder, &event, true);
        assert!(enumerate(&recorder, &event).events().is_empty(), "L1");
    });
}

/// L2, E3: a re-enabling call against an enumeration: the event is withdrawn or reported, and in the end
/// it can be recorded anew.
#[test]
fn l2_reenable_against_enumerate() {
    model(3, |world| {
        let recorder = Recorder::with_latching(BOTH);
        let (recorder, event) = world.selected_with(recorder, BOTH, world.event_object());
        world.record(&recorder, Close, RESET);
        let other = spawn(world, &recorder, |_, recorder| recorder.reenable(Close));
        let first = enumerate(&recorder, &event).outcome(Close);
        other.join().unwrap();

        assert!([None, Some(RESET)].contains(&first));
        assert!(recorder.recorded().is_empty() && !recorder.latched().contains(CLOSE));
        assert_eq!(world.record(&recorder, Close, DOWN).new, CLOSE);
        world.assert_at_rest(&recorder, &event, false);
        assert_eq!(enumerate(&recorder, &event).outcome(Close), Some(DOWN));
    });
}

/// L4, S2: a re-selection against a re-enabling call and the record behind it: the selection undoes
/// neither, and the new event object is set.
#[test]
fn l4_reenable_against_reselection() {
    model(3, |world| {
        let recorder = Recorder::with_latching(READ);
        let (recorder, old) = world.selected_with(recorder, READ, world.event_object());
        world.record(&recorder, Read, OK);
        enumerate(&recorder, &old);
        let other = spawn(world, &recorder, |world, recorder| {
            recorder.reenable(Read);
            world.record(recorder, Read, OK).new
        });
        let new = world.event_object();
        recorder.select(READ, Arc::clone(&new)).unwrap();
        assert_eq!(other.join().unwrap(), READ);

        assert!(new.is_set(), "S2");
        assert_eq!((recorder.recorded(), recorder.latched() & READ), (READ, READ));
        world.assert_at_rest(&recorder, &new, false);
    });
}

/// P5, S7: an enumeration that races a close reports, or is refused; the closed record holds nothing.
#[test]
fn p5_close_against_enumerate_and_record() {
    check(2, || {
        let world = World::new(false);
        let (recorder, event) = world.selected(CLOSE);
        let other = spawn(&world, &recorder, |world, recorder| {
            world.record(recorder, Close, RESET);
        });
        let closer = spawn(&world, &recorder, |_, recorder| recorder.close().unwrap());
        match recorder.enumerate_and_reset(&*event) {
            Ok(report) => assert!(matches!(report.outcome(Close), None | Some(RESET))),
            Err(error) => assert_eq!(error, RecorderError::Closed),
        }
        other.join().unwrap();
        closer.join().unwrap();

        assert!(recorder.recorded().is_empty() && recorder.selected().is_empty());
        assert!(!recorder.owes_set());
        assert_eq!(Arc::strong_count(&event), 1, "P2: the selection's reference is gone");
    });
}

/// P5: a thread whose report is refused sees what was done before the close. Catches a refusal after a plain look.
#[test]
fn p5_a_refused_report_sees_what_was_done_before_the_close() {
    check(3, || {
        let world = World::new(false);
        let (recorder, event) = world.selected(CLOSE);
        let is_gone = Arc::new(AtomicBool::new(false));
        let closer = spawn(&world, &recorder, {
            let is_gone = Arc::clone(&is_gone);
            move |_, recorder| {
                is_gone.store(true, Relaxed);
                recorder.close().unwrap();
            }
        });
        if recorder.enumerate_and_reset(&*event).is_err() {
            assert!(is_gone.load(Relaxed), "P5");
        }
        closer.join().unwrap();
    });
}

/// S8: a socket that is accepted while the listener's selection changes inherits the one or the other,
/// mask and event object together.
#[test]
fn s8_inherit_against_reselection() {
    check(3, || {
        let world = World::new(false);
        let (listener, first) = world.selected(ACCEPT);
        let second = world.event_object();
        let other = spawn(&world, &listener, {
            let second = Arc::clone(&second);
            move |_, listener| listener.select(CLOSE, second).unwrap()
        });
        let accepted = listener.inherit().unwrap();
        other.join().unwrap();

        accepted.record_all([(Accept, Ok(())), (Close, Ok(()))]);
        let inherited = accepted.selected();
        assert_eq!((first.is_set(), second.is_set()), (inherited == ACCEPT, inherited == CLOSE));
        assert!(first.is_set() != second.is_set(), "S8");
        assert!(listener.recorded().is_empty());
    });
}

/// S8, E5: a connection is accepted while a recording of the next one is still inside the set. Catches an
/// `inherit` that wipes or swallows the listener's signal.
#[test]
fn s8_inherit_against_record() {
    model(3, |world| {
        let (listener, event) = world.selected(ACCEPT);
        let other = spawn(world, &listener, |world, listener| {
            world.record(listener, Accept, OK);
        });
        let accepted = listener.inherit().unwrap();
        other.join().unwrap();
        assert_eq!((accepted.selected(), accepted.recorded()), (ACCEPT, NetworkEvents::empty()));
        world.assert_at_rest(&listener, &event, false);
    });
}

/// E5, the first release's mistake: a record leaves the set to a thread that is inside the event object already. That
/// thread looks at the record and then ends with a store. The event is recorded between, and another thread had reset
/// the event object.
#[test]
#[should_panic(expected = "nobody sets the event object")]
fn e5_leaving_news_to_a_thread_inside_loses() {
    check(2, || {
        let is_set = Arc::new(AtomicBool::new(true));
        let news = Arc::new(AtomicBool::new(false));
        let has_left = Arc::new(AtomicBool::new(false));
        let network = thread::spawn({
            let (news, has_left) = (Arc::clone(&news), Arc::clone(&has_left));
            let is_set = Arc::clone(&is_set);
            move || {
                if news.load(Acquire) {
                    is_set.store(true, Release);
                }
                has_left.store(true, Release);
            }
        });
        // The application resets, and there is more: news.
        is_set.store(false, Release);
        news.swap(true, AcqRel);
        if has_left.load(Acquire) {
            is_set.store(true, Release);
        }
        network.join().unwrap();
        assert!(is_set.load(Acquire), "nobody sets the event object");
    });
}

/// R4: what a record answers is what it did.
#[test]
fn r4_a_record_beside_nobody_sets_itself() {
    check(2, || {
        let world = World::new(false);
        let (recorder, event) = world.selected(BOTH);
        let other = spawn(&world, &recorder, |_, recorder| recorder.record(Accept, OK).wake);
        let mine = recorder.record(Close, OK).wake;
        assert_eq!((mine, other.join().unwrap()), (Wake::Set, Wake::Set));
        assert_eq!(event.sets(), 2);
    });
}
