//! Event objects, and the wait for one or several of them.

use std::array;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ws2::event::{Event, Waited, wait};
use wsp_events::EventSignal;

use Waited::{Signaled, TimedOut};

/// Far more than any wait here needs: only a failing test waits that long.
const LIMIT: Duration = Duration::from_secs(20);
const NOW: Option<Duration> = Some(Duration::ZERO);
/// Long enough for a thread to sleep, often enough.
const SHORT: Option<Duration> = Some(Duration::from_micros(50));

const MANUAL: bool = true;
const AUTO: bool = false;

fn event(manual_reset: bool) -> Arc<Event> {
    Event::new(manual_reset, false)
}

fn set(event: &Event) {
    event.set_event().unwrap();
}

fn reset(event: &Event) {
    event.reset_event().unwrap();
}

fn is_set(event: &Arc<Event>) -> bool {
    wait(&[Arc::clone(event)], false, NOW) == Signaled(0)
}

/// Catches an initial state that is ignored; a set or a reset without effect; and a wait that resets the wrong kind.
#[test]
fn the_state_of_an_event_object() {
    for manual_reset in [MANUAL, AUTO] {
        assert!(!is_set(&event(manual_reset)));
        let event = Event::new(manual_reset, true);
        assert!(is_set(&event));
        assert_eq!(is_set(&event), manual_reset, "after a wait");
        set(&event);
        set(&event);
        assert!(is_set(&event));
        assert_eq!(is_set(&event), manual_reset, "two sets are one");
        set(&event);
        reset(&event);
        assert!(!is_set(&event));
    }
}

/// Catches a wait that does not prefer the lowest index, or that resets more than it returns.
#[test]
fn a_wait_for_any_takes_the_lowest_index() {
    let events: [_; 64] = array::from_fn(|at| event(at % 2 == 0));
    for at in [3, 8, 9, 63] {
        set(&events[at]);
    }
    assert_eq!(wait(&events, false, NOW), Signaled(3));
    assert_eq!(wait(&events, false, Some(LIMIT)), Signaled(8));
    assert_eq!(wait(&events[..10], false, None), Signaled(8), "it is of manual reset");
    reset(&events[8]);
    assert_eq!(wait(&events, false, NOW), Signaled(9));
    assert_eq!(wait(&events, false, NOW), Signaled(63));
    assert_eq!(wait(&events, false, NOW), TimedOut);
}

/// Catches a wait for all that takes some of them, or leaves some.
#[test]
fn a_wait_for_all_takes_all_or_none() {
    let events = [event(AUTO), event(MANUAL), event(AUTO)];
    set(&events[0]);
    set(&events[1]);
    assert_eq!(wait(&events, true, NOW), TimedOut);
    assert_eq!(wait(&events, true, SHORT), TimedOut);
    set(&events[2]);
    assert_eq!(wait(&events, true, NOW), Signaled(0));
    assert_eq!(events.each_ref().map(is_set), [false, true, false]);
}

/// A wait that ends in time. One whose thread is not woken sees at the limit that it has ended.
fn wait_long(events: &[Arc<Event>], all: bool) -> Waited {
    wait_to_end(events, all, LIMIT)
}

fn wait_to_end(events: &[Arc<Event>], all: bool, limit: Duration) -> Waited {
    let begun = Instant::now();
    let waited = wait(events, all, Some(limit));
    assert!(begun.elapsed() < LIMIT, "{waited:?}, but the thread was not woken");
    waited
}

/// How many waits there are for an event object.
fn waits(event: &Event) -> usize {
    let text = format!("{event:?}");
    text.trim_end_matches(" }").rsplit(' ').next().unwrap().parse().unwrap()
}

/// A wait on another thread. Its outcome comes out of `outcomes`, with its name.
struct Waits {
    sender: mpsc::Sender<(u32, Waited)>,
    outcomes: mpsc::Receiver<(u32, Waited)>,
}

impl Waits {
    fn new() -> Self {
        let (sender, outcomes) = mpsc::channel();
        Self { sender, outcomes }
    }

    /// Starts one, and returns when it has begun.
    fn start(&self, name: u32, events: &[&Arc<Event>], all: bool) {
        self.start_limited(name, events, all, LIMIT);
    }

    fn start_limited(&self, name: u32, events: &[&Arc<Event>], all: bool, limit: Duration) {
        let before = waits(events[0]);
        let sender = self.sender.clone();
        let events: Vec<_> = events.iter().copied().cloned().collect();
        let first = Arc::clone(&events[0]);
        thread::spawn(move || sender.send((name, wait_to_end(&events, all, limit))));
        let begun = Instant::now();
        while waits(&first) == before {
            assert!(begun.elapsed() < LIMIT, "wait {name} does not begin");
            thread::yield_now();
        }
    }

    fn next(&self) -> (u32, Waited) {
        self.outcomes.recv_timeout(LIMIT).expect("a wait that ends")
    }
}

/// Catches a set that wakes only one thread, or not those that wait for more; and a thread that looks again after it
/// was woken, and finds the event object reset.
#[test]
fn a_set_releases_what_waits_although_a_reset_follows() {
    let (event, other) = (event(MANUAL), Event::new(MANUAL, true));
    let waiting = Waits::new();
    for name in 0..3 {
        waiting.start(2 * name, &[&event], false);
        waiting.start(2 * name + 1, &[&event, &other], true);
    }
    set(&event);
    reset(&event);
    let released: BTreeSet<_> = (0..6).map(|_| waiting.next()).collect();
    assert_eq!(released, (0..6).map(|name| (name, Signaled(0))).collect());
    assert!(!is_set(&event));
    assert_eq!(waits(&event), 0);
}

/// Catches a set that releases two waits, or a younger one, or that stays after it released one.
#[test]
fn a_set_of_auto_reset_releases_one_wait_the_oldest() {
    let event = event(AUTO);
    let waiting = Waits::new();
    for name in 0..4 {
        waiting.start(name, &[&event], false);
    }
    for name in 0..4 {
        set(&event);
        assert_eq!(waiting.next(), (name, Signaled(0)));
    }
    assert!(!is_set(&event));
    set(&event);
    assert!(is_set(&event), "no wait is left that it could release");
}

/// Catches a wait that ends twice, and one that does not take itself off an event object that has not ended it.
#[test]
fn a_wait_takes_one_event_object_of_many() {
    let events: [_; 64] = array::from_fn(|_| event(AUTO));
    let waiting = Waits::new();
    waiting.start(0, &events.each_ref(), false);
    set(&events[40]);
    set(&events[7]);
    set(&events[40]);
    assert_eq!(waiting.next(), (0, Signaled(40)));
    for (at, event) in events.iter().enumerate() {
        assert_eq!(waits(event), 0);
        assert_eq!(is_set(event), [7, 40].contains(&at), "{at}");
    }
}

/// Catches a wait for all that remembers what was signaled once, that takes a part meanwhile, or that keeps others from
/// it.
#[test]
fn a_wait_for_all_needs_all_at_the_same_moment() {
    let (a, b) = (event(AUTO), event(MANUAL));
    let waiting = Waits::new();
    waiting.start(1, &[&a, &b], true);
    set(&a);
    assert!(is_set(&a), "not taken by the wait for all");
    set(&b);
    reset(&b);
    set(&a);
    waiting.start(2, &[&b, &a], true);
    reset(&a);
    waiting.start(3, &[&a], false);
    set(&a);
    assert_eq!(waiting.next(), (3, Signaled(0)));
    set(&b);
    set(&a);
    assert_eq!(waiting.next(), (1, Signaled(0)));
    set(&a);
    assert_eq!(waiting.next(), (2, Signaled(0)));
    assert!(!is_set(&a) && is_set(&b));
}

/// Catches a time limit that overflows.
#[test]
fn a_time_limit_beyond_the_clock() {
    let event = event(AUTO);
    let waiting = Waits::new();
    waiting.start_limited(0, &[&event], false, Duration::MAX);
    set(&event);
    assert_eq!(waiting.next(), (0, Signaled(0)));
}

/// Catches a wait whose time is up in the moment that a set ends it, and that forgets the set.
#[test]
fn a_wait_that_times_out_takes_nothing() {
    const SETS: u32 = 2_000;
    let events: [_; 3] = array::from_fn(|_| event(AUTO));
    let seen = event(AUTO);
    let (consumer_events, consumer_seen) = (events.clone(), Arc::clone(&seen));
    let consumer = thread::spawn(move || {
        let mut timed_out = 0;
        for _ in 0..SETS {
            while wait(&consumer_events, false, SHORT) == TimedOut {
                timed_out += 1;
            }
            set(&consumer_seen);
        }
        timed_out
    });
    for at in 0..SETS {
        // Some sets come before the time is up, some afterwards, and some in this moment.
        thread::sleep(Duration::from_micros(u64::from(at % 100)));
        set(&events[at as usize % 3]);
        assert_eq!(wait_long(&[Arc::clone(&seen)], false), Signaled(0), "set {at} was lost");
    }
    assert!(consumer.join().unwrap() > 0, "no wait timed out");
}

/// Philosophers. Catches a wait for all that takes one fork and waits for the other, and a fork in two hands.
#[test]
fn waits_for_all_share_event_objects() {
    const PHILOSOPHERS: usize = 4;
    let forks: [_; PHILOSOPHERS] = array::from_fn(|_| Event::new(AUTO, true));
    let in_use: [_; PHILOSOPHERS] = array::from_fn(|_| AtomicBool::new(false));
    thread::scope(|scope| {
        for at in 0..PHILOSOPHERS {
            let (forks, in_use) = (&forks, &in_use);
            scope.spawn(move || {
                let hands = [at, (at + 1) % PHILOSOPHERS];
                let mine = hands.map(|fork| Arc::clone(&forks[fork]));
                for _ in 0..2_000 {
                    assert_eq!(wait_long(&mine, true), Signaled(0));
                    for fork in hands {
                        assert!(!in_use[fork].swap(true, Ordering::Relaxed));
                    }
                    thread::yield_now();
                    for fork in hands {
                        in_use[fork].store(false, Ordering::Relaxed);
                        set(&forks[fork]);
                    }
                }
            });
        }
    });
    assert!(forks.iter().all(is_set));
}
