//! Who is inside the recorder's event object, so that a call from there is refused and does not wait
//! for itself (K4).

#[cfg(feature = "std")]
pub(super) use known::Caller;
#[cfg(not(feature = "std"))]
pub(super) use unknown::Caller;

#[cfg(feature = "std")]
mod known {
    use crate::sync::{AtomicUsize, Ordering};

    /// A number that no other living thread has: the address of something that each has of its own.
    /// A later thread gets the address only after this one has ended, and comes after all it did.
    #[cfg(not(any(wsp_loom, wsp_shuttle)))]
    #[inline]
    fn this_thread() -> usize {
        std::thread_local!(static MARK: u8 = const { 0 });
        MARK.with(|mark| core::ptr::from_ref(mark) as usize)
    }

    /// The checkers run all threads on one, and have thread-locals of their own; and loom does not see
    /// the order that the reuse of memory brings: it gets numbers that are never used again.
    #[cfg(any(wsp_loom, wsp_shuttle))]
    fn this_thread() -> usize {
        #[cfg(wsp_loom)]
        use loom::thread_local;
        #[cfg(wsp_shuttle)]
        use shuttle::thread_local;

        static LAST: core::sync::atomic::AtomicUsize = core::sync::atomic::AtomicUsize::new(0);
        thread_local!(static MARK: usize = 1 + LAST.fetch_add(1, Ordering::Relaxed));
        MARK.with(|mark| *mark)
    }

    /// The thread that holds the signal and is inside one of its calls, or 0.
    ///
    /// Relaxed is enough. Only the holder writes here, and it clears what it wrote before it lets go
    /// of the signal; a thread that reads its own number has therefore written it and not yet cleared
    /// it, whatever else it may see late.
    #[derive(Debug)]
    pub(in crate::recorder) struct Caller(AtomicUsize);

    impl Caller {
        #[cfg(not(wsp_loom))]
        pub(in crate::recorder) const fn nobody() -> Self {
            Self(AtomicUsize::new(0))
        }

        #[cfg(wsp_loom)]
        #[inline]
        pub(in crate::recorder) fn nobody() -> Self {
            Self(AtomicUsize::new(0))
        }

        #[inline]
        pub(in crate::recorder) fn enter(&self) {
            self.0.store(this_thread(), Ordering::Relaxed);
        }

        #[inline]
        pub(in crate::recorder) fn leave(&self) {
            self.0.store(0, Ordering::Relaxed);
        }

        #[inline]
        pub(in crate::recorder) fn is_this_thread(&self) -> bool {
            self.0.load(Ordering::Relaxed) == this_thread()
        }
    }
}

#[cfg(not(feature = "std"))]
mod unknown {
    /// Without `std` threads have no identity, and the re-entrant call is forbidden by documentation.
    #[derive(Debug)]
    pub(in crate::recorder) struct Caller;

    impl Caller {
        pub(in crate::recorder) const fn nobody() -> Self {
            Self
        }

        #[inline]
        pub(in crate::recorder) fn enter(&self) {}

        #[inline]
        pub(in crate::recorder) fn leave(&self) {}

        #[inline]
        pub(in crate::recorder) fn is_this_thread(&self) -> bool {
            false
        }
    }
}
