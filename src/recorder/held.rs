//! The event object beside the record, and the two guards under which it is used: [`User`], one of many,
//! and [`Held`], alone.

use core::mem;
use core::panic::{RefUnwindSafe, UnwindSafe};

use super::inside::{inside, is_inside};
use super::shared::Shared;
use super::state::{Wake, Word};
use crate::error::{RecorderError, SignalError};
use crate::event::NetworkEvents;
use crate::panics::contain;
use crate::signal::EventSignal;
use crate::sync::{UnsafeCell, const_fn};

/// A record, and the event object that is set for it.
pub(super) struct Guarded<S> {
    pub(super) shared: Shared,
    signal: UnsafeCell<Option<S>>,
}

// SAFETY: `signal` is the only part that is not `Sync` by itself. Users share it (`S: Sync`); a holder,
// which is alone with it, moves an `S` in or out (`S: Send`).
// Tested by: every model in tests/loom, whose cells report a call that overlaps a swap.
unsafe impl<S: Send + Sync> Sync for Guarded<S> {}

// K5: a panic of the event object leaves the record whole.
impl<S> UnwindSafe for Guarded<S> {}
impl<S> RefUnwindSafe for Guarded<S> {}

impl<S> Guarded<S> {
    const_fn! {
        pub(super) const fn new(shared: Shared, signal: Option<S>) -> Self {
            Self { shared, signal: UnsafeCell::new(signal) }
        }
    }

    /// The user that an exchange has just counted in; `None` if it has left the set to a holder.
    #[inline]
    pub(super) fn user(&self, wake: Wake) -> Option<User<'_, S>> {
        (wake == Wake::Set).then(|| User(self))
    }

    /// Sets the event object, if that is this call's wake.
    #[inline]
    pub(super) fn set(&self, wake: Wake) -> Result<(), SignalError>
    where
        S: EventSignal,
    {
        self.user(wake).map_or(Ok(()), |user| user.set())
    }

    /// Makes the caller a user, once nobody holds the event object. Returns the word that it has entered.
    pub(super) fn enter(&self) -> Result<(User<'_, S>, Word), RecorderError> {
        let entered = self.shared.exchange(|word| match word.enter() {
            _ if word.is_closed() => Some((word, Err(RecorderError::Closed))),
            Some(next) => Some((next, Ok(word))),
            None if is_inside(&self.shared) => Some((word, Err(RecorderError::Reentrant))),
            None => None,
        });
        entered.map(|word| (User(self), word))
    }

    /// Makes the caller the holder, once there is no other and no user.
    #[inline]
    pub(super) fn hold(&self) -> Result<Held<'_, S>, RecorderError> {
        if is_inside(&self.shared) {
            return Err(RecorderError::Reentrant);
        }
        let word = self.shared.exchange(|word| {
            let next = if word.is_closed() { word } else { word.hold()? };
            Some((next, next))
        });
        if word.is_closed() {
            return Err(RecorderError::Closed);
        }
        let mut held = Held { guarded: self, word };
        held.word = self.shared.wait_for_users(word);
        Ok(held)
    }
}

/// One of the calls that use the event object. It is made where an exchange has just counted it in. If it is
/// dropped (after a failed set or a panic), a set is owed (R6, K5).
pub(super) struct User<'a, S>(&'a Guarded<S>);

impl<S> User<'_, S> {
    #[inline]
    fn with_signal<R>(&self, f: impl FnOnce(Option<&S>) -> R) -> R {
        // SAFETY: the one place that writes the cell is `Held::replace`, and a holder has waited until no
        // user is counted. Tested by: every model in tests/loom that selects.
        self.0.signal.with(|signal| f(unsafe { &*signal }.as_ref()))
    }

    #[inline]
    fn leave(self) {
        self.0.shared.leave();
        mem::forget(self);
    }

    /// Sets the event object, and leaves.
    ///
    /// # Errors
    ///
    /// The set has failed: it is owed (R6).
    #[inline]
    pub(super) fn set(self) -> Result<(), SignalError>
    where
        S: EventSignal,
    {
        let set = || self.with_signal(|signal| signal.map_or(Ok(()), S::set_event));
        inside(&self.0.shared, set)?;
        self.leave();
        Ok(())
    }

    /// Sets the event object at the end of a call that has succeeded or failed already. If it fails or panics
    /// the set is owed, which is all that can be done (R6, K5).
    pub(super) fn set_or_owe(self)
    where
        S: EventSignal,
    {
        _ = contain(|| self.set());
    }

    /// What a socket that is accepted on this one begins with, and leaves.
    pub(super) fn inherit(self, word: Word) -> Guarded<S>
    where
        S: Clone,
    {
        let signal = inside(&self.0.shared, || self.with_signal(|signal| signal.cloned()));
        let inherited = Guarded::new(self.0.shared.inherited(word), signal);
        self.leave();
        inherited
    }
}

impl<S> Drop for User<'_, S> {
    #[cold]
    fn drop(&mut self) {
        self.0.shared.exchange(|word| Some((word.leave_owing(), ())));
    }
}

/// The call that keeps all others away from the event object. It is made where an exchange has just held
/// the word, and nobody is counted. To drop it, as a panic does, ends that and leaves a set owed (K5).
pub(super) struct Held<'a, S> {
    guarded: &'a Guarded<S>,
    /// The word, when the last user had left.
    pub(super) word: Word,
}

impl<'a, S> Held<'a, S> {
    fn replace(&mut self, signal: Option<S>) -> Option<S> {
        // SAFETY: there is one holder, no user came in since it held the word, and it has waited until
        // those before were gone; `&mut self` keeps out its own other uses.
        // Tested by: every model in tests/loom that selects.
        self.guarded.signal.with_mut(|cell| mem::replace(unsafe { &mut *cell }, signal))
    }

    /// Puts mask and event object in the place of the old ones (S1), and leaves. Returns the old event
    /// object, and the user who sets the new one if that is owed.
    #[inline]
    pub(super) fn install(
        mut self,
        events: NetworkEvents,
        signal: Option<S>,
    ) -> (Option<S>, Option<User<'a, S>>) {
        let replaced = self.replace(signal);
        (replaced, self.release(events))
    }

    /// Leaves, with `events` selected. Returns the user who sets the event object if that is owed.
    #[inline]
    pub(super) fn release(self, events: NetworkEvents) -> Option<User<'a, S>> {
        let wake = self.guarded.shared.exchange_from(self.word, |word| word.release(events));
        let guarded = self.guarded;
        mem::forget(self);
        guarded.user(wake)
    }

    /// Closes the record, and leaves. Returns the event object.
    pub(super) fn close(mut self) -> Option<S> {
        let signal = self.replace(None);
        self.guarded.shared.exchange(|_| Some((Word::CLOSED, ())));
        mem::forget(self);
        signal
    }
}

impl<S> Drop for Held<'_, S> {
    #[cold]
    fn drop(&mut self) {
        self.guarded.shared.exchange(|word| Some((word.release_owing(), ())));
    }
}
