//! `PollableEvent`: pollers, full buffers, inherited descriptors.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::thread;
use std::time::{Duration, Instant};

use polling::{Event, Events, PollMode, Poller};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, FdFlags, fcntl_getfd};
use wsp_events::unix::PollableEvent;
use wsp_events::{EventSignal, SignalError};

use crate::common::EventObject;
use pipe::Pipe;

/// What a `PollableEvent` is on a Unix without eventfd. It is compiled here so that it is tested on Linux, too.
#[path = "../../src/signal/unix/pipe.rs"]
pub(crate) mod pipe;

impl EventObject for PollableEvent {
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
    fn create() -> Self {
        Self::new().unwrap()
    }
    fn is_signaled(&self) -> bool {
        is_readable(self.as_fd(), Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))
    }
    fn wait_for_it(&self) {
        assert!(is_readable(self.as_fd(), None));
    }
}

fn is_readable(fd: BorrowedFd<'_>, timeout: Option<&Timespec>) -> bool {
    poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], timeout).unwrap() == 1
}

impl EventSignal for Pipe {
    fn set_event(&self) -> Result<(), SignalError> {
        done(self.set())
    }
    fn reset_event(&self) -> Result<(), SignalError> {
        done(self.reset())
    }
}

fn done(result: Result<usize, Errno>) -> Result<(), SignalError> {
    match result {
        Ok(_) | Err(Errno::AGAIN) => Ok(()),
        Err(errno) => Err(SignalError::from_os_code(errno.raw_os_error())),
    }
}

/// Polls once, without waiting. Returns the keys that the poller reports.
fn reported(poller: &Poller) -> Vec<usize> {
    let mut events = Events::new();
    poller.wait(&mut events, Some(Duration::ZERO)).unwrap();
    events.iter().map(|event| event.key).collect()
}

fn poller_with(fd: BorrowedFd<'_>, key: usize, mode: PollMode) -> Poller {
    let poller = Poller::new().unwrap();
    // SAFETY: a descriptor that is closed is out of the poller, unless it was duplicated; here it is not.
    unsafe { poller.add_with_mode(&fd, Event::readable(key), mode) }.unwrap();
    poller
}

/// Catches a set that is no edge, a reset that leaves the descriptor readable, and a descriptor that is no longer readable
/// once a poller has reported it.
#[test]
fn level_edge_and_oneshot_pollers() {
    level_edge_and_oneshot::<PollableEvent>();
    level_edge_and_oneshot::<Pipe>();
}

fn level_edge_and_oneshot<E: EventObject + AsFd>() {
    let event = E::create();
    let level = poller_with(event.as_fd(), 1, PollMode::Level);
    let edge = poller_with(event.as_fd(), 2, PollMode::Edge);
    let oneshot = poller_with(event.as_fd(), 3, PollMode::Oneshot);
    let all = || [&level, &edge, &oneshot].map(reported).concat();
    assert_eq!(all(), []);
    for round in 0..3 {
        event.set_event().unwrap();
        assert_eq!(all(), [1, 2, 3][..if round == 0 { 3 } else { 2 }]);
        assert_eq!(all(), [1], "only a level is reported twice");
        event.reset_event().unwrap();
        assert_eq!(all(), []);
    }
    oneshot.modify(event.as_fd(), Event::readable(3)).unwrap();
    assert_eq!(reported(&oneshot), []);
    event.set_event().unwrap();
    assert_eq!(reported(&oneshot), [3]);
    let late = poller_with(event.as_fd(), 4, PollMode::Edge);
    assert_eq!(reported(&late), [4], "it was set before it came to the poller");
}

/// Catches a number other than the descriptor's, and a descriptor that child processes inherit.
#[test]
fn the_descriptor() {
    let event = PollableEvent::create();
    assert_eq!(event.as_raw_fd(), event.as_fd().as_raw_fd());
    for fd in [event.as_fd(), Pipe::create().as_fd()] {
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

/// Catches a set that blocks, fails or starts again from zero when the eventfd's counter is at its maximum.
#[cfg(target_os = "linux")]
#[test]
fn a_full_counter_is_set() {
    let event = PollableEvent::create();
    assert_eq!(rustix::io::write(&event, &(u64::MAX - 1).to_ne_bytes()), Ok(8));
    event.set_event().unwrap();
    assert!(event.is_signaled());
    event.reset_event().unwrap();
    assert!(!event.is_signaled());
}
