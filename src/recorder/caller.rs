//! Who is inside the recorder's event object: so that a call from there is refused and does not wait for
//! itself (K4), and so that a recording can leave by a store.

use crate::sync::{AtomicUsize, Ordering};

/// Nobody; or, while a recording has the signal, nobody yet.
const NOBODY: usize = 0;
/// The recording that had the signal has set it and left.
const SET: usize = 1;
/// The recording that had the signal has left and could not set it; a holder is waiting for this.
const FAILED: usize = 2;
#[cfg(not(feature = "std"))]
const SOMEBODY: usize = 3;

/// The thread that is inside the event object, or what became of the recording that had the signal last.
///
/// Only the thread that has the signal writes here, and it leaves `NOBODY` behind, unless it is a
/// recording: that one leaves by writing how it ended, and whoever takes the signal next makes that
/// `NOBODY`.
///
/// Relaxed is enough for what a thread asks about itself: if it reads its own number it has written it
/// and not yet cleared it, whatever else it may see late. It is not for what became of a recording, whose
/// use of the signal comes before the next one's.
#[derive(Debug)]
pub(super) struct Caller(AtomicUsize);

/// How a recording left the signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Set,
    Failed,
}

impl Caller {
    #[cfg(not(wsp_loom))]
    pub(super) const fn nobody() -> Self {
        Self(AtomicUsize::new(NOBODY))
    }

    #[cfg(wsp_loom)]
    pub(super) fn nobody() -> Self {
        Self(AtomicUsize::new(NOBODY))
    }

    #[inline]
    pub(super) fn enter(&self) {
        self.0.store(this_thread(), Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn leave(&self) {
        self.0.store(NOBODY, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn leave_as(&self, left: Left) {
        let value = match left {
            Left::Set => SET,
            Left::Failed => FAILED,
        };
        self.0.store(value, Ordering::Release);
    }

    /// How the recording that had the signal left it, if it is seen to have left.
    #[inline]
    pub(super) fn left(&self) -> Option<Left> {
        match self.0.load(Ordering::Acquire) {
            SET => Some(Left::Set),
            FAILED => Some(Left::Failed),
            _ => None,
        }
    }

    /// Without `std` threads have no identity, and the re-entrant call is forbidden by documentation.
    #[inline]
    pub(super) fn is_this_thread(&self) -> bool {
        cfg!(feature = "std") && self.0.load(Ordering::Relaxed) == this_thread()
    }
}

/// A number that no other living thread has: the address of something that each has of its own.
/// A later thread gets the address only after this one has ended, and comes after all it did.
#[cfg(all(feature = "std", not(any(wsp_loom, wsp_shuttle))))]
#[inline]
fn this_thread() -> usize {
    // Aligned so that no address is one of the small numbers above.
    std::thread_local!(static MARK: usize = const { 0 });
    MARK.with(|mark| core::ptr::from_ref(mark) as usize)
}

/// The checkers run all threads on one, and have thread-locals of their own; and loom does not see the
/// order that the reuse of memory brings: it gets numbers that are never used again.
#[cfg(all(feature = "std", any(wsp_loom, wsp_shuttle)))]
fn this_thread() -> usize {
    #[cfg(wsp_loom)]
    use loom::thread_local;
    #[cfg(wsp_shuttle)]
    use shuttle::thread_local;

    static LAST: core::sync::atomic::AtomicUsize = core::sync::atomic::AtomicUsize::new(FAILED);
    thread_local!(static MARK: usize = 1 + LAST.fetch_add(1, Ordering::Relaxed));
    MARK.with(|mark| *mark)
}

#[cfg(not(feature = "std"))]
const fn this_thread() -> usize {
    SOMEBODY
}

#[cfg(all(test, feature = "std", not(any(wsp_loom, wsp_shuttle))))]
mod tests {
    use super::*;

    /// Catches a thread that is taken for another, which would be refused where it may wait, and one that
    /// is inside for ever.
    #[test]
    fn k4_only_the_thread_that_entered_is_inside() {
        let caller = Caller::nobody();
        assert!(!caller.is_this_thread());
        caller.enter();
        assert!(caller.is_this_thread());
        std::thread::scope(|scope| {
            scope.spawn(|| assert!(!caller.is_this_thread()));
        });
        caller.leave();
        assert!(!caller.is_this_thread());
    }

    /// Catches a recording that is seen to leave while it is there, or not to leave, or to have failed
    /// when it has not.
    #[test]
    fn k2_how_a_recording_left() {
        let caller = Caller::nobody();
        assert_eq!(caller.left(), None);
        for left in [Left::Set, Left::Failed] {
            caller.enter();
            assert_eq!(caller.left(), None);
            caller.leave_as(left);
            assert_eq!(caller.left(), Some(left));
        }
        caller.leave();
        assert_eq!(caller.left(), None);
    }
}
