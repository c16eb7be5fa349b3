//! [`Report`]: what one enumeration takes out of a record.

use core::fmt;

use crate::error::{SignalError, WsaError};
use crate::event::{FD_MAX_EVENTS, NetworkEvent, NetworkEvents};

/// The network events that one enumeration took out of a record, each with its outcome (E1).
///
/// A report is a plain value. It was taken from the record as one step. A failed enumeration has no report, and does not
/// touch the caller's memory (E7). It prints as the names of its events and codes.
///
#[cfg_attr(feature = "std", doc = "```")]
#[cfg_attr(not(feature = "std"), doc = "```ignore")]
/// use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, WsaError};
///
/// let event = ManualResetEvent::new();
/// let recorder = NetworkEventRecorder::new();
/// recorder.select(NetworkEvents::FD_CONNECT, &event)?;
/// recorder.record(NetworkEvent::Connect, Err(WsaError::WSAECONNREFUSED));
///
/// let report = recorder.enumerate_and_reset(&event)?;
/// assert_eq!(report.to_string(), "FD_CONNECT: WSAECONNREFUSED (10061)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub(crate) events: NetworkEvents,
    /// By bit position; 0 for success and for every event that is not in the report.
    pub(crate) codes: [i32; FD_MAX_EVENTS],
    pub(crate) signal_error: Option<SignalError>,
}

impl Report {
    /// The events in the report, for `lNetworkEvents`.
    ///
    /// ```
    /// # use wsp_events::Report;
    /// assert!(Report::default().events().is_empty());
    /// ```
    #[must_use]
    pub const fn events(&self) -> NetworkEvents {
        self.events
    }

    /// The outcome of an event; `None` if it is not in the report.
    ///
    #[cfg_attr(feature = "std", doc = "```")]
    #[cfg_attr(not(feature = "std"), doc = "```ignore")]
    /// # use wsp_events::*;
    /// # let recorder = NetworkEventRecorder::new();
    /// # recorder.select(NetworkEvents::FD_CONNECT, ManualResetEvent::new())?;
    /// recorder.record(NetworkEvent::Connect, Ok(()));
    /// let report = recorder.enumerate()?;
    /// assert_eq!(report.outcome(NetworkEvent::Connect), Some(Ok(())));
    /// assert_eq!(report.outcome(NetworkEvent::Accept), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn outcome(&self, event: NetworkEvent) -> Option<Result<(), WsaError>> {
        self.events
            .contains(event.flag())
            .then(|| WsaError::outcome(self.codes[event.bit_position()]))
    }

    /// The events with their outcomes, in the order of their bits.
    ///
    /// ```
    /// # use wsp_events::Report;
    /// assert_eq!(Report::default().iter().count(), 0);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (NetworkEvent, Result<(), WsaError>)> + '_ {
        self.events
            .members()
            .map(|event| (event, WsaError::outcome(self.codes[event.bit_position()])))
    }

    /// The error of a set that the enumeration made after its reset, for events that were recorded meanwhile. That set is
    /// still owed (R6). The enumeration does not fail because of it: it has its report already (E7).
    ///
    /// ```
    /// # use wsp_events::Report;
    /// assert_eq!(Report::default().signal_error(), None);
    /// ```
    #[must_use]
    pub const fn signal_error(&self) -> Option<SignalError> {
        self.signal_error
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.events.is_empty() {
            return f.write_str("no network events");
        }
        for (at, (event, outcome)) in self.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            match outcome {
                Ok(()) => write!(f, "{separator}{event}: success")?,
                Err(error) => write!(f, "{separator}{event}: {error:#}")?,
            }
        }
        Ok(())
    }
}
