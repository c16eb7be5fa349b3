//! The recorders whose event objects the current thread is inside, so that a call that would wait for itself is
//! refused (K4). Without `std` there is no thread-local memory: such a call is forbidden by
//! documentation.

#[cfg(feature = "std")]
mod this_thread {
    use core::cell::Cell;
    use core::sync::atomic::{Ordering, compiler_fence};

    use crate::panics::OnDrop;
    use crate::sync::per_thread;

    /// Beyond this depth a thread counts as inside every recorder.
    const DEPTH: usize = 8;

    per_thread!(CALLS: Calls = Calls { depth: Cell::new(0), recorders: [const { Cell::new(0) }; DEPTH] });

    /// The recorders by address, outermost first; a recorder does not move during a call.
    struct Calls {
        depth: Cell<usize>,
        recorders: [Cell<usize>; DEPTH],
    }

    /// Runs `call`, in which this thread is inside the recorder's event object.
    pub(in crate::recorder) fn inside<T, R>(recorder: &T, call: impl FnOnce() -> R) -> R {
        CALLS.with(|calls| {
            let depth = calls.depth.get();
            // In this order: a signal handler that records in between must not take the same place.
            calls.depth.set(depth + 1);
            compiler_fence(Ordering::SeqCst);
            if let Some(entry) = calls.recorders.get(depth) {
                entry.set(core::ptr::from_ref(recorder).addr());
            }
            let _leave = OnDrop(|| calls.depth.set(depth));
            call()
        })
    }

    /// Whether this thread is inside the recorder's event object.
    pub(in crate::recorder) fn is_inside<T>(recorder: &T) -> bool {
        let recorder = core::ptr::from_ref(recorder).addr();
        CALLS.with(|calls| {
            let known = calls.recorders.get(..calls.depth.get());
            known.is_none_or(|known| known.iter().any(|entry| entry.get() == recorder))
        })
    }
}

#[cfg(not(feature = "std"))]
mod this_thread {
    pub(in crate::recorder) fn inside<T, R>(_: &T, call: impl FnOnce() -> R) -> R {
        call()
    }

    pub(in crate::recorder) const fn is_inside<T>(_: &T) -> bool {
        false
    }
}

pub(super) use this_thread::{inside, is_inside};

#[cfg(all(test, feature = "std", not(any(wsp_loom, wsp_shuttle))))]
mod tests {
    use super::*;

    /// Catches a thread that is taken for another, a call that is still known when it is over, and an
    /// outer call that an inner one hides.
    #[test]
    fn k4_a_thread_knows_its_own_calls_and_no_others() {
        let (outer, inner) = (1, 2);
        inside(&outer, || {
            inside(&inner, || {
                assert!(is_inside(&outer) && is_inside(&inner));
                std::thread::scope(|scope| {
                    scope.spawn(|| assert!(!is_inside(&outer) && !is_inside(&inner)));
                });
            });
            assert!(is_inside(&outer) && !is_inside(&inner));
        });
        assert!(!is_inside(&outer));
    }

    /// Catches a panic that leaves the thread inside.
    #[test]
    fn k5_a_panic_ends_the_call() {
        let recorder = 1;
        let call = || inside(&recorder, || std::panic::resume_unwind(std::boxed::Box::new(())));
        assert!(std::panic::catch_unwind(call).is_err());
        assert!(!is_inside(&recorder));
    }

    /// Catches a call that is forgotten, or writes past the end, where calls are nested too deep.
    #[test]
    fn k4_what_cannot_be_remembered_is_refused() {
        fn nest(recorders: &[u8], check: &dyn Fn()) {
            match recorders.split_first() {
                Some((first, rest)) => inside(first, || nest(rest, check)),
                None => check(),
            }
        }
        let (recorders, other) = ([0; 20], 0);
        nest(&recorders[..8], &|| assert!(is_inside(&recorders[7]) && !is_inside(&other)));
        nest(&recorders, &|| assert!(recorders.iter().chain([&other]).all(is_inside)));
        nest(&recorders[..3], &|| assert!(!is_inside(&recorders[3])));
    }
}
