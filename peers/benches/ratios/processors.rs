//! Where a thread runs.

/// A processor to run on (which may be one of two in a core), or whichever the scheduler likes.
#[derive(Clone, Copy)]
pub(crate) struct Processor(Option<usize>);

impl Processor {
    pub(crate) const ANY: Self = Self(None);

    /// Two processors, if this process may run on two and threads can be held to them.
    pub(crate) fn two() -> Option<[Self; 2]> {
        let mut ours = ours();
        Some([Self(Some(ours.next()?)), Self(Some(ours.next()?))])
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::Processor;

    pub(super) fn ours() -> impl Iterator<Item = usize> {
        let ours = sched_getaffinity(None).unwrap();
        (0..CpuSet::MAX_CPU).filter(move |&processor| ours.is_set(processor))
    }

    impl Processor {
        /// Holds the calling thread here for the rest of its life.
        pub(crate) fn run_here(self) {
            if let Some(processor) = self.0 {
                let mut only = CpuSet::new();
                only.set(processor);
                sched_setaffinity(None, &only).unwrap();
            }
        }
    }
}

#[cfg(target_os = "linux")]
use linux::ours;

/// Elsewhere this bench does not try.
#[cfg(not(target_os = "linux"))]
fn ours() -> impl Iterator<Item = usize> {
    std::iter::empty()
}

#[cfg(not(target_os = "linux"))]
impl Processor {
    pub(crate) fn run_here(self) {
        assert!(self.0.is_none());
    }
}
