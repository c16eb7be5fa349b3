//! `ManualResetEvent`: waits with a timeout.

use std::time::Duration;

use wsp_events::ManualResetEvent;

use crate::common::EventObject;

impl EventObject for ManualResetEvent {
    fn create() -> Self {
        Self::new()
    }
    fn is_signaled(&self) -> bool {
        self.is_set()
    }
    fn wait_for_it(&self) {
        self.wait();
    }
}

/// Catches a wait that takes a timeout for a set, or a set for a timeout.
#[test]
fn a_wait_says_whether_it_was_set() {
    let event = ManualResetEvent::new();
    let moment = Duration::from_millis(1);
    assert!([Duration::ZERO, moment].map(|time| event.wait_timeout(time)) == [false; 2]);
    event.set();
    let times = [Duration::ZERO, moment, Duration::MAX];
    assert!(times.map(|time| event.wait_timeout(time)) == [true; 3]);
}
