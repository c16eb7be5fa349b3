//! The calls on a recorder, as values, and what they answer. `calls` makes them on the library, and `world` on the
//! plain model.

use wsp_events::{
    NetworkEvent, NetworkEvents, ProviderError, Recorded, RecorderError, Report, SignalError, Wake,
};

use crate::words::{Occurrences, occurrences_of};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// An event and its code, 0 for a success.
    Record(NetworkEvent, i32),
    /// Several as one step (R5).
    RecordAll(Occurrences),
    /// The first of two steps; the second never comes (R9).
    RecordUnsignaled(NetworkEvent, i32),
    /// Both steps (R9).
    RecordInTwoSteps(NetworkEvent, i32),
    /// A record as new (R8).
    Renew,
    Withdraw(NetworkEvents),
    Reenable(NetworkEvent),
    /// With the number of an event object.
    Select(NetworkEvents, usize),
    Deselect,
    /// With the number of the event object to reset.
    Enumerate(Option<usize>),
    /// An enumeration whose delivery fails (E7); with the number of the event object to reset.
    FailToDeliver(Option<usize>),
    Inherit,
    Close,
    /// The application resets an event object itself.
    ApplicationResets(usize),
    /// The thread gives up its reference to the recorder.
    Drop,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    Recorded {
        new: NetworkEvents,
        wake: Wake,
    },
    Reported {
        report: Occurrences,
        signal_error: Option<i32>,
    },
    /// With the number of the socket that an accept has created.
    Inherited(usize),
    /// With the event object's own code.
    SignalFailed(i32),
    /// The delivery has failed.
    NotDelivered,
    Closed,
    Reentrant,
    /// The event object's panic went through the call (K5).
    Unwound,
    SubsystemFailed,
    NotASocket,
    /// A handle that names no event object, or a null `lpNetworkEvents`.
    InvalidArgument,
}

impl Operation {
    /// Whether the call keeps other calls away from the event object (K3): sets that become due are left to it (K2),
    /// and inside an event object it is refused (K4).
    pub fn holds(&self) -> bool {
        matches!(self, Self::Select(..) | Self::Deselect | Self::Close)
    }

    /// Whether a closed record refuses the call.
    pub fn is_refused_when_closed(&self) -> bool {
        self.holds() || self.takes() || matches!(self, Self::Inherit)
    }

    /// Whether the call takes a report.
    pub fn takes(&self) -> bool {
        matches!(self, Self::Enumerate(_) | Self::FailToDeliver(_))
    }

    /// Whether the call leaves a set owed, for an instant or for good (R6, R9, E7), so that another may take it over.
    pub fn owes(&self) -> bool {
        let in_two_steps = matches!(self, Self::RecordUnsignaled(..) | Self::RecordInTwoSteps(..));
        in_two_steps || matches!(self, Self::FailToDeliver(_))
    }
}

impl From<()> for Answer {
    fn from((): ()) -> Self {
        Self::Done
    }
}

impl From<Recorded> for Answer {
    fn from(Recorded { new, wake, signal_error, .. }: Recorded) -> Self {
        signal_error
            .map_or(Self::Recorded { new, wake }, |error| Self::SignalFailed(error.os_code()))
    }
}

impl From<Report> for Answer {
    fn from(report: Report) -> Self {
        let signal_error = report.signal_error().map(SignalError::os_code);
        Self::Reported { report: occurrences_of(&report), signal_error }
    }
}

impl From<ProviderError> for Answer {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::SubsystemFailed => Self::SubsystemFailed,
            ProviderError::NotASocket => Self::NotASocket,
            ProviderError::InvalidEventObject => Self::InvalidArgument,
            ProviderError::Recorder(RecorderError::Closed) => Self::Closed,
            ProviderError::Recorder(RecorderError::Reentrant) => Self::Reentrant,
            ProviderError::Recorder(RecorderError::Signal(error)) => {
                Self::SignalFailed(error.os_code())
            }
            _ => unreachable!("the model has no answer for it: {error}"),
        }
    }
}

impl<T: Into<Self>, E: Into<ProviderError>> From<Result<T, E>> for Answer {
    fn from(result: Result<T, E>) -> Self {
        result.map_or_else(|error| error.into().into(), T::into)
    }
}
