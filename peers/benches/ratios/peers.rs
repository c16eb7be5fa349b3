//! The other side: the record as people write it by hand, the neighbours' event objects, and event objects
//! to have below both.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};

use wsp_events::{
    EventSignal, FD_MAX_EVENTS, ManualResetEvent, NetworkEvent, NetworkEvents, SignalError,
    WsaError,
};

/// An event object that costs nothing, so that what is measured is the record around it.
#[derive(Clone, Copy)]
pub(crate) struct Empty;

impl EventSignal for Empty {
    fn set_event(&self) -> Result<(), SignalError> {
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        Ok(())
    }
}

/// A lock around a value.
pub(crate) trait Lock<T> {
    fn new(value: T) -> Self;
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R;
}

impl<T> Lock<T> for Mutex<T> {
    fn new(value: T) -> Self {
        Self::new(value)
    }

    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.lock().unwrap())
    }
}

impl<T> Lock<T> for parking_lot::Mutex<T> {
    fn new(value: T) -> Self {
        Self::new(value)
    }

    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.lock())
    }
}

/// The record as it is written by hand: the plain struct, and the event object, under one lock.
pub(crate) struct Plain<S> {
    recorded: u32,
    codes: [i32; FD_MAX_EVENTS],
    selected: u32,
    signal: S,
}

pub(crate) type StdByHand<S> = ByHand<Mutex<Plain<S>>>;
pub(crate) type ParkingLotByHand<S> = ByHand<parking_lot::Mutex<Plain<S>>>;

pub(crate) struct ByHand<L>(L);

impl<L> ByHand<L> {
    pub(crate) fn new<S: EventSignal>(selected: NetworkEvents, signal: S) -> Self
    where
        L: Lock<Plain<S>>,
    {
        let selected = selected.bits();
        Self(L::new(Plain { recorded: 0, codes: [0; FD_MAX_EVENTS], selected, signal }))
    }

    #[inline]
    pub(crate) fn record<S: EventSignal>(&self, event: NetworkEvent, outcome: Result<(), WsaError>)
    where
        L: Lock<Plain<S>>,
    {
        self.0.with(|plain| {
            if plain.put(event, outcome) {
                plain.signal.set_event().unwrap();
            }
        });
    }

    #[inline]
    pub(crate) fn record_two<S: EventSignal>(&self, occurrences: [NetworkEvent; 2])
    where
        L: Lock<Plain<S>>,
    {
        self.0.with(|plain| {
            let [one, two] = occurrences;
            if plain.put(one, Ok(())) | plain.put(two, Ok(())) {
                plain.signal.set_event().unwrap();
            }
        });
    }

    #[inline]
    pub(crate) fn enumerate<S: EventSignal>(
        &self,
        reset: impl FnOnce() -> Result<(), SignalError>,
    ) -> (u32, [i32; FD_MAX_EVENTS])
    where
        L: Lock<Plain<S>>,
    {
        self.0.with(|plain| {
            let reported = plain.recorded & plain.selected;
            plain.recorded &= !reported;
            reset().unwrap();
            (reported, plain.codes)
        })
    }

    #[inline]
    pub(crate) fn select<S: EventSignal>(&self, selected: NetworkEvents, signal: S)
    where
        L: Lock<Plain<S>>,
    {
        self.0.with(|plain| {
            plain.selected = selected.bits();
            plain.signal = signal;
            if plain.recorded & plain.selected != 0 {
                plain.signal.set_event().unwrap();
            }
        });
    }
}

impl<S> Plain<S> {
    /// Whether that is news to be signaled.
    #[inline]
    fn put(&mut self, event: NetworkEvent, outcome: Result<(), WsaError>) -> bool {
        let bit = event.flag().bits();
        if self.recorded & bit != 0 {
            return false;
        }
        self.recorded |= bit;
        self.codes[event.bit_position()] = outcome.map_or_else(WsaError::code, |()| 0);
        self.selected & bit != 0
    }
}

/// What an event object inside the process is asked for.
pub(crate) trait EventObject: Sync {
    fn set(&self);
    fn reset(&self);
}

impl EventObject for ManualResetEvent {
    fn set(&self) {
        self.set();
    }

    fn reset(&self) {
        self.reset();
    }
}

impl EventObject for rsevents::ManualResetEvent {
    fn set(&self) {
        self.set();
    }

    fn reset(&self) {
        self.reset();
    }
}

/// A manual-reset event object over `event-listener`, as its documentation shows it: a flag and the event.
/// The flag's stores order themselves against the fence in `notify`, and against the waiter's own.
#[derive(Default)]
pub(crate) struct ListenerEvent {
    set: AtomicBool,
    event: event_listener::Event,
}

impl EventObject for ListenerEvent {
    fn set(&self) {
        self.set.store(true, Ordering::Release);
        self.event.notify(usize::MAX);
    }

    fn reset(&self) {
        self.set.store(false, Ordering::Release);
    }
}

/// A manual-reset event object over the standard library's condition variable. It counts who waits, since
/// to notify a condition variable calls the operating system even if nobody does.
#[derive(Default)]
pub(crate) struct CondvarEvent {
    state: Mutex<CondvarState>,
    released: Condvar,
}

#[derive(Default)]
struct CondvarState {
    set: bool,
    waiters: usize,
}

impl EventObject for CondvarEvent {
    fn set(&self) {
        let mut state = self.state.lock().unwrap();
        state.set = true;
        let somebody_waits = state.waiters > 0;
        drop(state);
        if somebody_waits {
            self.released.notify_all();
        }
    }

    fn reset(&self) {
        self.state.lock().unwrap().set = false;
    }
}

/// Linux's own: set by a write, reset by a read.
#[cfg(target_os = "linux")]
pub(crate) struct EventFd(rustix::fd::OwnedFd);

#[cfg(target_os = "linux")]
impl EventFd {
    pub(crate) fn new() -> Self {
        Self(rustix::event::eventfd(0, rustix::event::EventfdFlags::NONBLOCK).unwrap())
    }

    #[inline]
    pub(crate) fn set(&self) {
        rustix::io::write(&self.0, &1_u64.to_ne_bytes()).unwrap();
    }

    #[inline]
    pub(crate) fn reset(&self) {
        match rustix::io::read(&self.0, &mut [0; 8]) {
            // It was set, or it was not.
            Ok(_) | Err(rustix::io::Errno::AGAIN) => (),
            Err(error) => panic!("{error}"),
        }
    }
}

#[cfg(target_os = "linux")]
impl EventSignal for EventFd {
    fn set_event(&self) -> Result<(), SignalError> {
        self.set();
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.reset();
        Ok(())
    }
}
