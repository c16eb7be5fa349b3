//! Models of the leader and of a thread that parks, through every schedule that loom finds within a bound on preemptions.
//! The source is the library's own, over loom's primitives. What the two rest on stands here: a poller that says whether
//! something has arrived, until a pump has taken it out, and event objects that the pump sets.
//!
//! Most models run twice. First a nap of the poller's thread never ends, so that whoever waits for its end does not
//! return. Then it is over as soon as it has begun. A wake-up that is lost leaves threads that wait for ever, which loom
//! reports as a deadlock.
//!
//! Taken for granted: a pump handles all that has arrived before it, and poll() reports what nobody has taken out, to
//! every thread that asks. There are no deadlines here, and at most two threads that wait.
//!
//! `.ci/ws2 models` runs them.
#![cfg(ws2_loom)]

#[path = "../src/os/unix/leader.rs"]
mod leader;
#[allow(unreachable_pub, dead_code, reason = "the library has other users of it")]
#[path = "../src/park.rs"]
mod park;

use std::cell::Cell;
use std::io;
use std::mem;
use std::sync::{Arc, OnceLock};
use std::task::Wake;
use std::time::Duration;

use loom::thread::{self, JoinHandle};

use leader::{Sleeper, Waiters};
use park::Parker;
use sync::{AtomicBool, Mutex, MutexGuard};

/// In place of src/sync.rs.
mod sync {
    use std::sync::LockResult;
    use std::time::Duration;

    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    pub(crate) use loom::sync::{Mutex, MutexGuard};

    #[derive(Default)]
    pub(crate) struct Condvar(loom::sync::Condvar);

    impl Condvar {
        /// Loom has no time. Only a nap has a limit.
        pub(crate) fn wait_timeout_while<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            left: Duration,
            condition: impl Fn(&mut T) -> bool,
        ) -> LockResult<(MutexGuard<'a, T>, ())> {
            if left < Duration::MAX && super::NAPS_END.get() {
                return Ok((guard, ()));
            }
            while condition(&mut guard) {
                guard = self.0.wait(guard).unwrap();
            }
            Ok((guard, ()))
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }
    }
}

std::thread_local! {
    /// Loom runs all threads of a model on one.
    static NAPS_END: Cell<bool> = const { Cell::new(false) };
}

loom::thread_local! {
    static PUMPING: Cell<bool> = Cell::new(false);
}

fn is_pumping() -> bool {
    PUMPING.with(Cell::get)
}

/// What the system knows, of two sockets.
#[derive(Default)]
struct System {
    state: Mutex<Known>,
    changed: loom::sync::Condvar,
}

#[derive(Default)]
struct Known {
    arrived: [bool; 2],
    /// The poller's waker was woken.
    stops: bool,
    /// The pipe is not empty.
    awake: bool,
}

impl Known {
    fn is_due(&self) -> bool {
        self.arrived != [false; 2] || self.stops
    }
}

impl System {
    fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
    }

    /// poll().
    fn poll(&self, is_over: impl Fn(&Known) -> bool) -> MutexGuard<'_, Known> {
        let mut state = self.state.lock().unwrap();
        while !is_over(&state) {
            state = self.changed.wait(state).unwrap();
        }
        state
    }
}

/// In place of src/os/unix/sleep.rs.
struct Pipe(Arc<System>);

impl Pipe {
    fn sleep(&self, poller: &System, _left: Option<Duration>) -> bool {
        let mut state = poller.poll(|known| known.is_due() || known.awake);
        state.awake = false;
        state.is_due()
    }
}

impl Wake for Pipe {
    fn wake(self: Arc<Self>) {
        self.0.change(|known| known.awake = true);
    }
}

struct Waker(Arc<System>);

impl Waker {
    fn wake(&self) -> io::Result<()> {
        self.0.change(|known| known.stops = true);
        Ok(())
    }
}

/// An event object of auto reset, for one thread that waits.
#[derive(Default)]
struct Event(Mutex<(bool, Option<Parker>)>);

impl Event {
    /// Unparks the thread, whose wait goes on.
    fn disturb(&self) {
        let thread = self.0.lock().unwrap().1.clone();
        thread.inspect(Parker::unpark);
    }

    fn set(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 = true;
        let thread = state.1.take();
        drop(state);
        thread.inspect(Parker::unpark);
    }
}

/// In place of src/os/unix.rs.
struct Shared {
    registry: Arc<System>,
    waker: Waker,
    pipe: Arc<Pipe>,
    stopped: AtomicBool,
    waiters: Arc<Waiters>,
    /// Locked by a pump.
    poller: Mutex<()>,
    /// An arrival at a socket sets its event object.
    events: [Event; 2],
    /// An arrival at the first also calls this.
    calls: OnceLock<Box<dyn Fn()>>,
}

impl Shared {
    fn new() -> Arc<Self> {
        let system = Arc::new(System::default());
        Arc::new(Self {
            registry: Arc::clone(&system),
            waker: Waker(Arc::clone(&system)),
            pipe: Arc::new(Pipe(system)),
            stopped: AtomicBool::new(false),
            waiters: Arc::default(),
            poller: Mutex::new(()),
            events: Default::default(),
            calls: OnceLock::new(),
        })
    }

    fn wait_for_poller(&self) -> bool {
        drop(self.registry.poll(Known::is_due));
        true
    }

    fn pump(&self) {
        if PUMPING.with(|it| it.replace(true)) {
            return;
        }
        let poller = self.poller.lock().unwrap();
        let mut known = self.registry.state.lock().unwrap();
        let (arrived, stops) = (mem::take(&mut known.arrived), mem::take(&mut known.stops));
        drop(known);
        for (socket, event) in self.events.iter().enumerate().filter(|it| arrived[it.0]) {
            event.set();
            if socket == 0 {
                self.calls.get().inspect(|call| call());
            }
        }
        if stops {
            self.waker.wake().unwrap();
        }
        drop(poller);
        PUMPING.with(|it| it.set(false));
    }

    fn arrive(&self, socket: usize) {
        self.registry.change(|known| known.arrived[socket] = true);
    }

    /// A wait for the event object.
    fn wait(self: &Arc<Self>, event: usize) {
        self.wait_by(event, |parker| {
            Sleeper(Arc::clone(self)).park((), parker, None);
        });
    }

    /// A wait of the program's own kind.
    fn wait_elsewhere(&self, event: usize) {
        self.wait_by(event, |parker| {
            parker.park_until(None);
        });
    }

    fn wait_by(&self, event: usize, park: impl Fn(&Parker)) {
        let parker = Parker::default();
        loop {
            let mut state = self.events[event].0.lock().unwrap();
            if mem::take(&mut state.0) {
                return;
            }
            state.1 = Some(parker.clone());
            drop(state);
            park(&parker);
        }
    }
}

fn spawn(shared: &Arc<Shared>, body: impl FnOnce(&Arc<Shared>) + 'static) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    thread::spawn(move || body(&shared))
}

/// Runs the body beside the poller's thread, which must end after it.
fn model(preemptions: usize, naps: &[Naps], body: fn(&Arc<Shared>)) {
    for &naps in naps {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(preemptions);
        builder.max_branches = 100_000;
        builder.check(move || {
            NAPS_END.set(naps == Naps::End);
            let shared = Shared::new();
            let poller = spawn(&shared, |shared| shared.run());
            body(&shared);
            assert!(shared.end());
            poller.join().unwrap();
        });
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Naps {
    End,
    AreForEver,
}

const ANY: &[Naps] = &[Naps::AreForEver, Naps::End];

/// Catches an arrival between a leader's look and its sleep, and a nap in its way.
#[test]
fn an_arrival_ends_a_wait() {
    model(3, ANY, |shared| {
        let network = spawn(shared, |shared| shared.arrive(0));
        shared.wait(0);
        network.join().unwrap();
    });
}

/// Catches an unpark that does not end a leader's sleep.
#[test]
fn a_set_ends_the_sleep_of_a_leader() {
    model(3, ANY, |shared| {
        let program = spawn(shared, |shared| shared.events[0].set());
        shared.wait(0);
        program.join().unwrap();
    });
}

/// Catches a thread that is parked while the poller's thread naps.
#[test]
fn two_threads_wait() {
    model(2, ANY, |shared| {
        let other = spawn(shared, |shared| {
            shared.arrive(0);
            shared.wait(1);
        });
        shared.arrive(1);
        shared.wait(0);
        other.join().unwrap();
    });
}

/// Catches a poller's thread that leaves arrivals to a leader that has gone: in a nap that nobody has ended, and in one
/// that it has begun although a thread is parked.
#[test]
fn a_thread_that_is_parked_outlasts_the_leader() {
    model(2, ANY, |shared| {
        shared.arrive(0);
        shared.attend();
        shared.wait(0);
        let other = spawn(shared, |shared| shared.wait(1));
        let program = spawn(shared, |shared| shared.events[0].set());
        shared.wait(0);
        shared.attend();
        shared.arrive(1);
        other.join().unwrap();
        program.join().unwrap();
    });
}

/// What a thread keeps while it leads: its socket, in the library.
struct Kept(Arc<Shared>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.events[1].set();
    }
}

/// Catches a leader that sleeps on after the end, which waits for what the leader keeps.
#[test]
fn the_end_ends_the_sleep_of_a_leader() {
    model(3, ANY, |shared| {
        let program = spawn(shared, |shared| {
            shared.wait_by(0, |parker| {
                Sleeper(Arc::clone(shared)).park(Kept(Arc::clone(shared)), parker, None);
            });
        });
        assert!(shared.end());
        shared.wait_elsewhere(1);
        shared.events[0].set();
        program.join().unwrap();
    });
}

/// Catches what is left of an unpark that has not ended a wait: of another socket's news, in `select` for example.
#[test]
fn a_wait_goes_on_after_an_unpark() {
    model(2, ANY, |shared| {
        let other = spawn(shared, |shared| shared.wait(1));
        let program = spawn(shared, |shared| {
            shared.events[0].disturb();
            shared.arrive(0);
        });
        shared.wait(0);
        program.join().unwrap();
        shared.arrive(1);
        other.join().unwrap();
    });
}

/// Catches a nap that is never over for a program that pumps and then sleeps elsewhere.
#[test]
fn what_comes_after_the_last_wait_is_recorded() {
    model(3, &[Naps::End], |shared| {
        let program = spawn(shared, |shared| shared.attend());
        shared.arrive(0);
        shared.wait_elsewhere(0);
        program.join().unwrap();
    });
}

/// Catches a wait inside a pump that leads, and so waits for the pump that it is in.
#[test]
fn an_event_object_waits() {
    model(2, ANY, |shared| {
        let inside = Arc::downgrade(shared);
        let waits = Box::new(move || inside.upgrade().unwrap().wait(1));
        assert!(shared.calls.set(waits).is_ok());
        let network = spawn(shared, |shared| {
            shared.arrive(0);
            // Nobody can take it out before that pump is over.
            shared.arrive(1);
            shared.events[1].set();
        });
        shared.wait_elsewhere(0);
        network.join().unwrap();
    });
}

/// Catches a thread inside the pump of one Winsock that says it has pumped another, and has not.
#[test]
fn an_event_object_polls_another_winsock() {
    model(2, ANY, |shared| {
        let other = Shared::new();
        let poller = spawn(&other, |other| other.run());
        let polled = Arc::clone(&other);
        assert!(shared.calls.set(Box::new(move || polled.attend())).is_ok());
        shared.arrive(0);
        other.arrive(0);
        other.wait_elsewhere(0);
        assert!(other.end());
        poller.join().unwrap();
    });
}
