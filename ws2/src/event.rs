//! Event objects, and the wait for one or several of them.
//!
//! One lock guards all event objects and all waits. So "all of them at the same moment" needs no further thought, a
//! wait for any of them takes the lowest index, and a wait that times out has taken nothing. To look and to register are
//! one step, so no set is missed. A set ends the waits that it satisfies before it returns, so a reset directly after it
//! takes nothing away from them.
//!
//! The lock is held briefly: by a set or a reset for some ten nanoseconds, by the beginning and the end of a wait that
//! blocks for some ten per event object. No thread is woken under it. Each event object knows its waits, so a set looks
//! at no others. A set of a signaled event object looks at none: those that it could end have ended already, or need
//! another event object that is not signaled.

#[cfg(unix)]
use std::cell::Cell;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use slab::Slab;
use wsp_events::{EventSignal, SignalError};

use crate::park::Parker;

/// An event object of manual or auto reset.
///
/// What a thread did before a set, even one that changes nothing, is seen by the thread that resets or waits afterwards
/// (K3): both take the lock.
pub struct Event(EventId);

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waited {
    /// The event object at this index was signaled; for a wait for all of them, the index is 0.
    Signaled(u32),
    /// None was, or not all were at the same moment.
    TimedOut,
}

type EventId = usize;
type WaitId = usize;

static WORLD: Mutex<World> = Mutex::new(World { events: Slab::new(), waits: Slab::new() });

struct World {
    events: Slab<State>,
    waits: Slab<Wait>,
}

/// The state of an event object.
struct State {
    manual_reset: bool,
    signaled: bool,
    /// The waits for it, oldest first. Some may have ended, and their threads have not run since.
    waits: Vec<WaitId>,
}

/// A wait that did not end at once.
struct Wait {
    events: Vec<EventId>,
    all: bool,
    /// Woken when the wait has ended.
    thread: Parker,
    ended: Option<u32>,
}

impl Event {
    /// CreateEvent.
    #[must_use]
    pub fn new(manual_reset: bool, signaled: bool) -> Arc<Self> {
        let state = State { manual_reset, signaled, waits: Vec::new() };
        Arc::new(Self(lock().events.insert(state)))
    }
}

impl EventSignal for Event {
    fn set_event(&self) -> Result<(), SignalError> {
        let woken = lock().set(self.0);
        woken.iter().for_each(Parker::unpark);
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        lock().events[self.0].signaled = false;
        Ok(())
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        lock().events.remove(self.0);
    }
}

/// Prints how many waits there are for it, too.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (manual_reset, signaled, waits) = {
            let State { manual_reset, signaled, waits } = &lock().events[self.0];
            (*manual_reset, *signaled, waits.len())
        };
        f.debug_struct("Event")
            .field("manual_reset", &manual_reset)
            .field("signaled", &signaled)
            .field("waits", &waits)
            .finish()
    }
}

/// Waits for one of the event objects, or for all of them. `None` is no time limit. What ends the wait is reset if it
/// is of auto reset: the event object whose index is returned, or each of them.
#[must_use]
pub fn wait(events: &[Arc<Event>], all: bool, timeout: Option<Duration>) -> Waited {
    wait_by(events, all, timeout, Parker::park_until)
}

/// The same, by a thread that parks in its own way.
pub(crate) fn wait_by(
    events: &[Arc<Event>],
    all: bool,
    timeout: Option<Duration>,
    park: impl Fn(&Parker, Option<Instant>) -> bool,
) -> Waited {
    let ids = events.iter().map(|event| event.0);
    let mut world = lock();
    if let Some(index) = take(&mut world.events, ids.clone(), all) {
        return Waited::Signaled(index);
    }
    if timeout == Some(Duration::ZERO) {
        return Waited::TimedOut;
    }
    let parker = Parker::default();
    let wait = world.register(ids.collect(), all, parker.clone());
    drop(world);

    // A time limit that the clock does not reach is none.
    let deadline = timeout.and_then(|time| Instant::now().checked_add(time));
    loop {
        let has_time = park(&parker, deadline);
        // Looked at after the time is up, too: a set may have ended the wait, and what it took must not be lost.
        let mut world = lock();
        if world.waits[wait].ended.is_some() || !has_time {
            let ended = world.unregister(wait);
            return ended.map_or(Waited::TimedOut, Waited::Signaled);
        }
    }
}

/// The index that ends a wait for these event objects, if they do. Then what is of auto reset is reset.
fn take(
    events: &mut Slab<State>,
    mut ids: impl Iterator<Item = EventId> + Clone,
    all: bool,
) -> Option<u32> {
    let signaled = |id: EventId| events[id].signaled;
    if all {
        if !ids.clone().all(signaled) {
            return None;
        }
        ids.for_each(|id| events[id].taken());
        return Some(0);
    }
    let index = ids.clone().position(signaled)?;
    events[ids.nth(index)?].taken();
    u32::try_from(index).ok()
}

impl World {
    /// Signals an event object and ends the waits that it satisfies, oldest first. Returns their threads.
    fn set(&mut self, id: EventId) -> Vec<Parker> {
        let Self { events, waits } = self;
        let mut threads = Vec::new();
        if mem::replace(&mut events[id].signaled, true) {
            return threads;
        }
        let mut waiting = mem::take(&mut events[id].waits);
        waiting.retain(|&at| {
            let wait = &mut waits[at];
            if wait.ended.is_none() && events[id].signaled {
                wait.ended = take(events, wait.events.iter().copied(), wait.all);
                threads.extend(wait.ended.map(|_| wait.thread.clone()));
            }
            wait.ended.is_none()
        });
        events[id].waits = waiting;
        threads
    }

    /// A wait of this thread, known to each of its event objects.
    fn register(&mut self, events: Vec<EventId>, all: bool, thread: Parker) -> WaitId {
        let wait = Wait { events: events.clone(), all, thread, ended: None };
        let at = self.waits.insert(wait);
        for id in events {
            self.events[id].waits.push(at);
        }
        at
    }

    fn unregister(&mut self, at: WaitId) -> Option<u32> {
        let Wait { events, ended, .. } = self.waits.remove(at);
        for id in events {
            self.events[id].waits.retain(|&other| other != at);
        }
        ended
    }
}

impl State {
    /// It has ended a wait.
    fn taken(&mut self) {
        self.signaled &= self.manual_reset;
    }
}

/// A poisoned lock guards nothing half done: only memory that is not there could make a thread panic.
fn lock() -> MutexGuard<'static, World> {
    WORLD.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
thread_local! {
    static HELD: Cell<Option<MutexGuard<'static, World>>> = const { Cell::new(None) };
}

/// Keeps every other thread away from the event objects, until [`release`]: around a fork, so that the child finds the
/// lock free and what it guards whole.
#[cfg(unix)]
pub(crate) fn hold() {
    let _at_its_end = HELD.try_with(|held| held.set(held.take().or_else(|| Some(lock()))));
}

#[cfg(unix)]
pub(crate) fn release() {
    let _at_its_end = HELD.try_with(Cell::take);
}
