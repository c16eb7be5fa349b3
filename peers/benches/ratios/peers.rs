//! The two sides: this crate's record and the same record written by hand; other crates' event objects; and event objects
//! for both records to set.

use std::hint::black_box;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};

use wsp_events::{
    EventSignal, FD_MAX_EVENTS, NetworkEvent, NetworkEventRecorder, NetworkEvents, SignalError,
    WsaError,
};

pub(crate) const ALL: NetworkEvents = NetworkEvents::FD_ALL_EVENTS;
pub(crate) const READ: NetworkEvent = NetworkEvent::Read;
pub(crate) const CLOSE: NetworkEvent = NetworkEvent::Close;

pub(crate) type Outcome = Result<(), WsaError>;
pub(crate) const OK: Outcome = Ok(());
pub(crate) const RESET: Outcome = Err(WsaError::WSAECONNRESET);

/// A socket's record. The compiler knows neither which one it is, nor that the result is not used.
pub(crate) trait Record<S> {
    /// Records FD_READ.
    fn note(&self, outcome: Outcome);
    /// Records FD_READ and FD_CLOSE as one step.
    fn note_two(&self);
    /// Enumerates.
    fn take_and_reset(&self, event: &S);
    /// Selects all events.
    fn select_all(&self, signal: S);
}

/// Inlined, so that the outcome is a constant, as in a program.
#[inline(always)]
pub(crate) fn cycle<S>(record: &impl Record<S>, outcome: Outcome, event: &S) {
    record.note(outcome);
    record.take_and_reset(event);
}

pub(crate) fn selected<S: EventSignal>(signal: S) -> NetworkEventRecorder<S> {
    let recorder = NetworkEventRecorder::new();
    recorder.select(ALL, signal).unwrap();
    recorder
}

impl<S: EventSignal> Record<S> for NetworkEventRecorder<S> {
    #[inline(always)]
    fn note(&self, outcome: Outcome) {
        black_box(black_box(self).record(READ, outcome));
    }

    #[inline]
    fn note_two(&self) {
        black_box(black_box(self).record_all([(READ, OK), (CLOSE, OK)]));
    }

    #[inline]
    fn take_and_reset(&self, event: &S) {
        _ = black_box(black_box(self).enumerate_and_reset(event));
    }

    #[inline]
    fn select_all(&self, signal: S) {
        black_box(self).select(ALL, signal).unwrap();
    }
}

/// A lock around a value.
pub(crate) trait Lock: From<Self::Value> {
    type Value;
    fn with<R>(&self, f: impl FnOnce(&mut Self::Value) -> R) -> R;
}

impl<T> Lock for Mutex<T> {
    type Value = T;

    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.lock().unwrap())
    }
}

impl<T> Lock for parking_lot::Mutex<T> {
    type Value = T;

    #[inline]
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.lock())
    }
}

/// The record as it is written by hand: the plain struct and the event object under one lock.
pub(crate) struct ByHand<L>(L);

pub(crate) struct Plain<S> {
    recorded: u32,
    codes: [i32; FD_MAX_EVENTS],
    selected: u32,
    signal: S,
}

pub(crate) type StdByHand<S> = ByHand<Mutex<Plain<S>>>;
pub(crate) type ParkingLotByHand<S> = ByHand<parking_lot::Mutex<Plain<S>>>;

impl<S: EventSignal, L: Lock<Value = Plain<S>>> ByHand<L> {
    pub(crate) fn selected(signal: S) -> Self {
        let codes = [0; FD_MAX_EVENTS];
        Self(L::from(Plain { recorded: 0, codes, selected: ALL.bits(), signal }))
    }
}

impl<S: EventSignal, L: Lock<Value = Plain<S>>> Record<S> for ByHand<L> {
    #[inline(always)]
    fn note(&self, outcome: Outcome) {
        black_box(self).0.with(|plain| {
            let is_due = plain.put(READ, outcome);
            plain.set_if(is_due);
        });
    }

    #[inline]
    fn note_two(&self) {
        black_box(self).0.with(|plain| {
            let is_due = plain.put(READ, OK) | plain.put(CLOSE, OK);
            plain.set_if(is_due);
        });
    }

    #[inline]
    fn take_and_reset(&self, event: &S) {
        black_box(black_box(self).0.with(|plain| plain.take(|| event.reset_event())));
    }

    #[inline]
    fn select_all(&self, signal: S) {
        let old = black_box(self).0.with(|plain| {
            plain.selected = ALL.bits();
            let old = mem::replace(&mut plain.signal, signal);
            plain.set_if(plain.recorded & plain.selected != 0);
            old
        });
        drop(old);
    }
}

impl<S: EventSignal> Plain<S> {
    /// Returns whether the event object must be set.
    #[inline]
    fn put(&mut self, event: NetworkEvent, outcome: Outcome) -> bool {
        let bit = event.flag().bits();
        let is_new = self.recorded & bit == 0;
        let code = &mut self.codes[event.bit_position()];
        // An error takes the place of a success (R3).
        if is_new || *code == 0 {
            *code = outcome.map_or_else(WsaError::code, |()| 0);
        }
        self.recorded |= bit;
        is_new && self.selected & bit != 0
    }

    #[inline]
    fn set_if(&self, is_due: bool) {
        if is_due {
            self.signal.set_event().unwrap();
        }
    }

    #[inline]
    fn take(
        &mut self,
        reset: impl FnOnce() -> Result<(), SignalError>,
    ) -> (u32, [i32; FD_MAX_EVENTS]) {
        let reported = self.recorded & self.selected;
        self.recorded &= !reported;
        reset().unwrap();
        (reported, self.codes)
    }
}

/// An event object that costs nothing, to measure the record around it.
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

/// A manual-reset event object over `event-listener`, as its documentation shows it: a flag and the event. The fence in
/// `notify`, and the waiter's own, order the stores to the flag.
#[derive(Default)]
pub(crate) struct ListenerEvent {
    set: AtomicBool,
    event: event_listener::Event,
}

impl ListenerEvent {
    #[inline]
    pub(crate) fn set(&self) {
        self.set.store(true, Ordering::Release);
        self.event.notify(usize::MAX);
    }

    #[inline]
    pub(crate) fn reset(&self) {
        self.set.store(false, Ordering::Release);
    }
}

/// A manual-reset event object over the standard library's condition variable. It counts its waiters, since notifying a
/// condition variable calls the operating system even without any.
#[derive(Default)]
pub(crate) struct CondvarEvent {
    /// Whether it is set, and how many threads wait.
    state: Mutex<(bool, usize)>,
    released: Condvar,
}

impl CondvarEvent {
    #[inline]
    pub(crate) fn set(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 = true;
        let has_waiters = state.1 > 0;
        drop(state);
        if has_waiters {
            self.released.notify_all();
        }
    }

    #[inline]
    pub(crate) fn reset(&self) {
        self.state.lock().unwrap().0 = false;
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
}

#[cfg(target_os = "linux")]
impl EventSignal for EventFd {
    #[inline]
    fn set_event(&self) -> Result<(), SignalError> {
        rustix::io::write(&self.0, &1_u64.to_ne_bytes()).unwrap();
        Ok(())
    }

    #[inline]
    fn reset_event(&self) -> Result<(), SignalError> {
        match rustix::io::read(&self.0, &mut [0; 8]) {
            // It was set, or it was not.
            Ok(_) | Err(rustix::io::Errno::AGAIN) => Ok(()),
            Err(error) => panic!("{error}"),
        }
    }
}
