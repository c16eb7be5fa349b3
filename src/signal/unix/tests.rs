//! What only a descriptor does: pollers, full buffers, the operating system's errors. For the
//! eventfd and the pipe; [`crate::signal::tests`] has what all event objects have in common.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::thread;
use std::time::{Duration, Instant};
use std::vec::Vec;

use polling::{Event, Events, PollMode, Poller};
use rustix::io::{FdFlags, fcntl_getfd};

use super::pipe::Pipe;
use super::{PollableEvent, done, wait_until_readable};
use crate::error::SignalError;
use crate::signal::EventSignal;
use crate::signal::tests::EventObject;

impl EventObject for PollableEvent {
    // Descriptors are few.
    const MANY: usize = 100;

    fn create() -> Self {
        Self::new().unwrap()
    }
    fn is_signaled(&self) -> bool {
        self.wait_timeout(Duration::ZERO).unwrap()
    }
    fn wait_for_it(&self) {
        self.wait().unwrap();
    }
}

impl EventObject for Pipe {
    // Descriptors are few.
    const MANY: usize = 100;

    fn create() -> Self {
        Self::new().unwrap()
    }
    fn is_signaled(&self) -> bool {
        wait_until_readable(self.as_fd(), Some(Instant::now())).unwrap()
    }
    fn wait_for_it(&self) {
        assert!(wait_until_readable(self.as_fd(), None).unwrap());
    }
}

impl EventSignal for Pipe {
    fn set_event(&self) -> Result<(), SignalError> {
        done(self.set())
    }
    fn reset_event(&self) -> Result<(), SignalError> {
        done(self.reset())
    }
}

/// Polls once, without waiting. Returns the keys that the poller reports.
fn told(poller: &Poller) -> Vec<usize> {
    let mut events = Events::new();
    poller.wait(&mut events, Some(Duration::ZERO)).unwrap();
    let mut keys: Vec<_> = events.iter().map(|event| event.key).collect();
    keys.sort_unstable();
    keys
}

fn poller_with(fd: BorrowedFd<'_>, key: usize, mode: PollMode) -> Poller {
    let poller = Poller::new().unwrap();
    // SAFETY: a descriptor that is closed is out of the poller, unless it was duplicated; here it is not.
    unsafe { poller.add_with_mode(&fd, Event::readable(key), mode) }.unwrap();
    poller
}

fn level_edge_and_oneshot<E: EventObject + AsFd>() {
    let event = E::create();
    let level = poller_with(event.as_fd(), 1, PollMode::Level);
    let edge = poller_with(event.as_fd(), 2, PollMode::Edge);
    let oneshot = poller_with(event.as_fd(), 3, PollMode::Oneshot);
    let all_told = || (told(&level), told(&edge), told(&oneshot));
    let none = || Vec::<usize>::new();
    assert_eq!(all_told(), (none(), none(), none()));
    for round in 0..3 {
        event.set_event().unwrap();
        let expected = if round == 0 { Vec::from([3]) } else { none() };
        assert_eq!(all_told(), (Vec::from([1]), Vec::from([2]), expected));
        assert_eq!(all_told(), (Vec::from([1]), none(), none()), "only a level is told twice");
        event.reset_event().unwrap();
        assert_eq!(all_told(), (none(), none(), none()));
    }
    oneshot.modify(event.as_fd(), Event::readable(3)).unwrap();
    assert_eq!(told(&oneshot), none());
    event.set_event().unwrap();
    assert_eq!(told(&oneshot), [3]);
    let late = poller_with(event.as_fd(), 4, PollMode::Edge);
    assert_eq!(told(&late), [4], "it was set before it came to the poller");
}

/// Catches a wait that ends with its first poll although there is time left.
#[test]
fn a_long_wait_polls_again() {
    for _ in 0..10 {
        let event = PollableEvent::new().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| event.set_event().unwrap());
            assert!(event.wait_timeout(Duration::from_secs(3600)).unwrap());
        });
    }
}

/// Catches a number other than the descriptor's.
#[test]
fn the_number_is_the_descriptors() {
    let event = PollableEvent::new().unwrap();
    assert_eq!(event.as_raw_fd(), event.as_fd().as_raw_fd());
}

/// Catches a set that is no edge, a reset that leaves the descriptor readable, and a descriptor that is no longer readable
/// once a poller has reported it.
#[test]
fn level_edge_and_oneshot_pollers() {
    level_edge_and_oneshot::<PollableEvent>();
    level_edge_and_oneshot::<Pipe>();
}

/// Catches a descriptor that child processes inherit.
#[test]
fn close_on_exec() {
    for fd in [PollableEvent::create().as_fd(), Pipe::create().as_fd()] {
        assert!(fcntl_getfd(fd).unwrap().contains(FdFlags::CLOEXEC));
    }
}

/// Catches a wait that ends before its timeout or after it, or overflows.
#[test]
fn a_wait_ends_with_its_timeout_or_with_a_set() {
    let event = PollableEvent::create();
    let (start, timeout) = (Instant::now(), Duration::from_millis(5));
    assert!(!event.wait_timeout(timeout).unwrap());
    assert!(start.elapsed() >= timeout);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| event.wait_timeout(Duration::MAX).unwrap());
        event.set_event().unwrap();
        assert!(waiter.join().unwrap());
    });
}

/// Catches an error that is ignored, or loses its `errno`.
#[test]
fn an_error_carries_the_errno() {
    use rustix::io::Errno;

    assert_eq!(done(Err(Errno::AGAIN)), Ok(()));
    let bad = SignalError::from_os_code(Errno::BADF.raw_os_error());
    assert_eq!(done(Err(Errno::BADF)), Err(bad));
}
