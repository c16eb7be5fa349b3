//! [`Report`]: what one enumeration takes out of a record.

use core::fmt;
use core::iter::once;

use crate::error::{Outcome, SignalError, WsaError};
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
#[doc(alias = "WSANETWORKEVENTS")]
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
    #[doc(alias = "lNetworkEvents")]
    pub const fn events(&self) -> NetworkEvents {
        self.events
    }

    /// Whether there are no events in the report: the event object was set, and what it was set for is gone (E8, R7).
    ///
    /// ```
    /// # use wsp_events::Report;
    /// assert!(Report::default().is_empty());
    /// ```
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether an event is in the report. (For a set of events: `report.events().contains(..)`.)
    ///
    #[cfg_attr(feature = "std", doc = "```")]
    #[cfg_attr(not(feature = "std"), doc = "```ignore")]
    /// # use wsp_events::*;
    /// # let recorder = NetworkEventRecorder::new();
    /// # recorder.select(NetworkEvents::FD_READ, ManualResetEvent::new())?;
    /// recorder.record(NetworkEvent::Read, Ok(()));
    /// let report = recorder.enumerate()?;
    /// assert!(report.contains(NetworkEvent::Read));
    /// assert!(!report.contains(NetworkEvent::Close));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn contains(&self, event: NetworkEvent) -> bool {
        self.events.contains(event.flag())
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
    #[doc(alias = "iErrorCode")]
    pub fn outcome(&self, event: NetworkEvent) -> Option<Outcome> {
        self.contains(event).then(|| WsaError::outcome(self.codes[event.bit_position()]))
    }

    /// The events with their outcomes, in the order of their bits. A `for` loop takes the report itself.
    ///
    /// ```
    /// # use wsp_events::Report;
    /// assert_eq!(Report::default().iter().count(), 0);
    /// ```
    pub const fn iter(&self) -> Outcomes {
        Outcomes(*self)
    }

    /// What WSPEnumNetworkEvents writes: pairs of an offset in bytes into the 44 bytes of a WSANETWORKEVENTS, and the
    /// 32-bit value that is written there (V2).
    ///
    /// The codes of the events in the report come first, in the order of their bits, and the mask last, at 0: if memory
    /// faults in between, the caller's mask does not name an event whose code is not there. The code of
    /// bit *n* at 4 + 4*n*. All other bytes keep what the caller has there (E2). This is for memory in which there is no
    /// struct to refer to: a 32-bit guest's, in the byte order of the guest, or a user's buffer, seen from a kernel.
    ///
    #[cfg_attr(feature = "std", doc = "```")]
    #[cfg_attr(not(feature = "std"), doc = "```ignore")]
    /// # use wsp_events::*;
    /// /// Writes at an address of a little-endian guest. `None` if the guest has no memory there.
    /// fn store(report: &Report, memory: &mut [u8], address: usize) -> Option<()> {
    ///     let out = memory.get_mut(address..)?.get_mut(..44)?;
    ///     for (offset, value) in report.writes() {
    ///         out[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
    ///     }
    ///     Some(())
    /// }
    ///
    /// # let recorder = NetworkEventRecorder::new();
    /// # recorder.select(NetworkEvents::FD_CONNECT, ManualResetEvent::new())?;
    /// recorder.record(NetworkEvent::Connect, Err(WsaError::WSAECONNREFUSED));
    /// let report = recorder.enumerate()?;
    /// assert!(report.writes().eq([(20, 10061), (0, 16)]));
    ///
    /// let mut memory = [0xAA; 64];
    /// assert_eq!(store(&report, &mut memory, 8), Some(()));
    /// assert_eq!(memory[8..12], [16, 0, 0, 0]);
    /// assert_eq!(memory[28..32], [0x4D, 0x27, 0, 0]);
    /// assert_eq!(memory[12..28], [0xAA; 16]);
    /// # assert_eq!(store(&report, &mut memory, 21), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias("WSANETWORKEVENTS", "lNetworkEvents", "iErrorCode"))]
    pub fn writes(&self) -> impl Iterator<Item = (usize, i32)> + '_ {
        let code = |event: NetworkEvent| {
            let at = event.bit_position();
            (4 + 4 * at, self.codes[at])
        };
        self.events.members().map(code).chain(once((0, self.events.mask())))
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

/// The events of a [`Report`] with their outcomes, in the order of their bits.
///
#[cfg_attr(feature = "std", doc = "```")]
#[cfg_attr(not(feature = "std"), doc = "```ignore")]
/// # use wsp_events::*;
/// # let recorder = NetworkEventRecorder::new();
/// # recorder.select(NetworkEvents::FD_ALL_EVENTS, ManualResetEvent::new())?;
/// # recorder.record(NetworkEvent::Close, Err(WsaError::WSAECONNABORTED));
/// # let mut seen = Vec::new();
/// for (event, outcome) in recorder.enumerate()? {
///     // Accept, receive, or tear down.
/// #   seen.push((event, outcome));
/// }
/// # assert_eq!(seen, [(NetworkEvent::Close, Err(WsaError::WSAECONNABORTED))]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Outcomes(Report);

impl Iterator for Outcomes {
    type Item = (NetworkEvent, Outcome);

    fn next(&mut self) -> Option<Self::Item> {
        let event = self.0.events.members().next()?;
        self.0.events -= event.flag();
        Some((event, WsaError::outcome(self.0.codes[event.bit_position()])))
    }
}

impl IntoIterator for Report {
    type Item = (NetworkEvent, Outcome);
    type IntoIter = Outcomes;

    fn into_iter(self) -> Outcomes {
        self.iter()
    }
}

impl IntoIterator for &Report {
    type Item = (NetworkEvent, Outcome);
    type IntoIter = Outcomes;

    fn into_iter(self) -> Outcomes {
        self.iter()
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
