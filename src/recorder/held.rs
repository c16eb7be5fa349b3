//! The signal in one thread's hands: those of a holder, or those of a recording that sets it.

use core::cell::Cell;
use core::mem;

use super::NetworkEventRecorder;
use super::caller::Left;
use super::state::Word;
use crate::error::SignalError;
use crate::signal::EventSignal;

/// The signal, which this thread has to itself: made only where an exchange has just given it to this
/// thread, and gone before the thread lets go of it.
struct InHand<'a, S>(&'a NetworkEventRecorder<S>);

impl<S> InHand<'_, S> {
    #[inline]
    fn with_signal<R>(&self, f: impl FnOnce(Option<&S>) -> R) -> R {
        // SAFETY: every other thread is kept out as long as this one has the signal, and the one place
        // that writes the cell, `replace`, has `&mut self`. Noticed by: every model in tests/loom.rs.
        self.0.signal.with(|signal| f(unsafe { &*signal }.as_ref()))
    }

    fn replace(&mut self, signal: Option<S>) -> Option<S> {
        // SAFETY: every other thread is kept out as long as this one has the signal, and `&mut self`
        // keeps out this one's other uses. Noticed by: every model in tests/loom.rs that selects.
        self.0.signal.with_mut(|cell| mem::replace(unsafe { &mut *cell }, signal))
    }

    /// Runs the user's code; a call that comes back from it on this thread is known (K4).
    #[inline]
    fn call<R>(&self, f: impl FnOnce() -> R) -> R {
        self.0.caller.enter();
        let result = f();
        self.0.caller.leave();
        result
    }
}

impl<S: EventSignal> InHand<'_, S> {
    #[inline]
    fn set(&self) -> Result<(), SignalError> {
        self.with_signal(|signal| signal.map_or(Ok(()), S::set_event))
    }
}

/// The signal, for a recording to set: it leaves by a store.
///
/// To drop it, as a failed set and a panic do, leaves the set owed (R6, K5).
pub(super) struct Setter<'a, S>(InHand<'a, S>);

impl<'a, S: EventSignal> Setter<'a, S> {
    /// After an exchange that has turned `setting` on.
    #[inline]
    pub(super) fn new(recorder: &'a NetworkEventRecorder<S>) -> Self {
        Self(InHand(recorder))
    }

    /// Sets the signal, once more for what others hand over meanwhile, and lets go of it.
    ///
    /// # Errors
    ///
    /// The set has failed: it is owed (R6).
    #[inline]
    pub(super) fn set(self) -> Result<(), SignalError> {
        let recorder = self.0.0;
        recorder.caller.enter();
        self.0.set()?;
        let mut word = recorder.look();
        while let Some(next) = word.serve() {
            match recorder.try_exchange(word, next) {
                Ok(()) => {
                    self.0.set()?;
                    word = recorder.look();
                }
                Err(current) => word = current,
            }
        }
        recorder.caller.leave_as(Left::Set);
        mem::forget(self);
        Ok(())
    }
}

impl<S> Drop for Setter<'_, S> {
    #[cold]
    fn drop(&mut self) {
        let recorder = self.0.0;
        recorder.caller.leave();
        if recorder.exchange(|word| Some((word.set_failed(), word.is_awaited()))) {
            recorder.caller.leave_as(Left::Failed);
        }
    }
}

/// The signal, held by this thread: made only where an exchange has just turned `held` on, and whoever has
/// it turns `held` off exactly once, by leaving or else by dropping it.
///
/// To drop it, as a failed set and a panic do, leaves the set owed (R6, K5).
pub(super) struct Held<'a, S> {
    hand: InHand<'a, S>,
    /// The word as this thread last made it: a guess at what it is.
    pub(super) word: Word,
    left: Cell<bool>,
}

impl<'a, S> Held<'a, S> {
    #[inline]
    pub(super) fn new(recorder: &'a NetworkEventRecorder<S>, word: Word) -> Self {
        Self { hand: InHand(recorder), word, left: Cell::new(false) }
    }

    #[inline]
    pub(super) fn with_signal<R>(&self, f: impl FnOnce(Option<&S>) -> R) -> R {
        self.hand.with_signal(f)
    }

    pub(super) fn replace(&mut self, signal: Option<S>) -> Option<S> {
        self.hand.replace(signal)
    }

    /// Runs the user's code; a call that comes back from it on this thread is known (K4).
    #[inline]
    pub(super) fn call<R>(&self, f: impl FnOnce() -> R) -> R {
        self.hand.call(f)
    }
}

impl<S: EventSignal> Held<'_, S> {
    /// Sets the selected event object.
    #[inline]
    pub(super) fn set(&self) -> Result<(), SignalError> {
        self.call(|| self.hand.set())
    }

    /// Lets go of the signal, after setting it for what others have handed over (K2).
    ///
    /// # Errors
    ///
    /// That set has failed: it is owed (R6). The call around it has succeeded all the same.
    #[inline]
    pub(super) fn leave(&self) -> Result<(), SignalError> {
        let mut word = self.word;
        loop {
            let next = word.leave();
            match self.hand.0.try_exchange(word, next) {
                Err(current) => word = current,
                Ok(()) if next.is_held() => {
                    self.set()?;
                    word = next;
                }
                Ok(()) => break,
            }
        }
        self.left.set(true);
        Ok(())
    }

    /// Lets go of the signal in a call that has no way to tell of a set that failed for others: it is
    /// owed (R6), which is all that can be done.
    pub(super) fn leave_quietly(self) {
        let _owed = self.leave();
    }
}

impl<S> Drop for Held<'_, S> {
    fn drop(&mut self) {
        if !self.left.get() {
            self.hand.0.caller.leave();
            self.hand.0.exchange(|word| Some((word.leave_owing(), ())));
        }
    }
}
