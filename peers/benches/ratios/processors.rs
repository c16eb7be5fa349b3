//! Where a thread runs.

/// A processor (which may be one of two in a core), or any that the scheduler chooses.
#[derive(Clone, Copy)]
pub(crate) struct Processor(Option<usize>);

impl Processor {
    pub(crate) const ANY: Self = Self(None);

    /// Two processors, if this process may run on two and threads can be held to them.
    pub(crate) fn two() -> Option<[Self; 2]> {
        let mut ours = ours();
        Some([Self(Some(ours.next()?)), Self(Some(ours.next()?))])
    }

    /// Holds the calling thread here for the rest of its life.
    pub(crate) fn run_here(self) {
        if let Some(processor) = self.0 {
            hold_to(processor);
        }
    }
}

#[cfg(target_os = "linux")]
fn ours() -> impl Iterator<Item = usize> {
    let ours = rustix::thread::sched_getaffinity(None).unwrap();
    (0..rustix::thread::CpuSet::MAX_CPU).filter(move |&processor| ours.is_set(processor))
}

#[cfg(target_os = "linux")]
fn hold_to(processor: usize) {
    let mut only = rustix::thread::CpuSet::new();
    only.set(processor);
    rustix::thread::sched_setaffinity(None, &only).unwrap();
}

/// Elsewhere this bench holds no thread to a processor.
#[cfg(not(target_os = "linux"))]
fn ours() -> impl Iterator<Item = usize> {
    std::iter::empty()
}

#[cfg(not(target_os = "linux"))]
fn hold_to(_: usize) {}
