//! [`Traced`]: a trace, through the `tracing` crate, of the calls on an event object or a recorder.

use core::fmt::Display;
use core::ops::Deref;

use tracing::{Level, Span, event, field};

use crate::error::{Outcome, RecorderError, SignalError};
use crate::event::{NetworkEvent, NetworkEvents};
use crate::latching::ReenablingCall;
use crate::recorder::{NetworkEventRecorder, Recorded, Unsignaled};
use crate::report::Report;
use crate::signal::EventSignal;

/// A wrapper that traces calls. Around an [`EventSignal`] it traces every set and reset, around a
/// [`NetworkEventRecorder`] every call. With the feature `tracing`.
///
/// Use it in place of what it wraps: it has the same calls, and dereferences to the rest. The [`Span`] says which event
/// object or socket it is. Every call runs inside that span, so the set that a `record` causes is inside the socket's span,
/// too. [`Span::none`] is possible.
///
/// Each call emits one trace event when it ends, which has the call's name as its name and message. The level is DEBUG if
/// the call has succeeded, otherwise WARN, with the field `error`. Codes and network events have their Winsock names.
///
/// | trace event | fields |
/// |---|---|
/// | `set`, `reset` | |
/// | `record` | `occurred`: the occurrences with their outcomes, as a [`Report`] prints them; `new`: the events that were not recorded yet; `wake`: who sets the event object, a [`Wake`](crate::Wake) |
/// | `select` | `events` |
/// | `deselect`, `inherit`, `renew`, `close` | |
/// | `enumerate` | `report`; `signal_error`, if there is [one](Report::signal_error) |
/// | `withdraw`, `reenable` | `events` |
///
/// Calls that bypass the wrapper are not traced. A [`Provider`](crate::Provider) returns the inner recorder, so of a
/// WSPEventSelect or WSPEnumNetworkEvents only the sets and resets of a traced event object are seen. The wrapper itself
/// does not allocate and never waits. The subscriber runs inside the call, and may do either: `record_unsignaled` calls it
/// under the provider's lock. It must not select, deselect or close the same recorder while it handles the trace event of a set or reset (K4).
///
/// It works without `std`, with an allocator, on targets with pointer-sized atomics. The `tracing` crate needs these.
///
/// ```
/// use std::sync::Arc;
/// use tracing::debug_span;
/// use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, Traced};
///
/// let event = Arc::new(Traced::new(ManualResetEvent::new(), debug_span!("event object")));
/// let socket = Traced::new(NetworkEventRecorder::new(), debug_span!("socket", s = 3));
///
/// socket.select(NetworkEvents::FD_ACCEPT, Arc::clone(&event))?;
/// // DEBUG socket{s=3}: select events=FD_ACCEPT
/// socket.record(NetworkEvent::Accept, Ok(()));
/// // DEBUG socket{s=3}:event object: set
/// // DEBUG socket{s=3}: record occurred=FD_ACCEPT: success new=FD_ACCEPT wake=Set
/// assert!(event.is_set());
/// let report = socket.enumerate_and_reset(&event)?;
/// // DEBUG socket{s=3}:event object: reset
/// // DEBUG socket{s=3}: enumerate report=FD_ACCEPT: success
/// # assert_eq!(report.to_string(), "FD_ACCEPT: success");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Traced<T> {
    inner: T,
    span: Span,
}

impl<T> Traced<T> {
    /// Traces the calls on `inner`, inside `span`.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, Traced};
    /// let event = Traced::new(ManualResetEvent::new(), tracing::Span::none());
    /// assert!(!event.is_set());
    /// ```
    #[must_use]
    pub const fn new(inner: T, span: Span) -> Self {
        Self { inner, span }
    }

    /// Makes a call and traces its result, inside the span.
    fn traced<R>(&self, call: impl FnOnce(&T) -> R, trace: impl FnOnce(&R)) -> R {
        self.span.in_scope(|| {
            let result = call(&self.inner);
            trace(&result);
            result
        })
    }
}

impl<T> Deref for Traced<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

/// Emits the trace event of a call that has ended. A field that is `None` is left out.
macro_rules! trace {
    ($name:literal, $result:expr $(, $field:ident = $value:expr)*) => {
        match $result {
            Ok(_) => event!(name: $name, Level::DEBUG, $($field = $value,)* $name),
            Err(error) => event!(name: $name, Level::WARN, $($field = $value,)* %error, $name),
        }
    };
}

impl<S: EventSignal> EventSignal for Traced<S> {
    fn set_event(&self) -> Result<(), SignalError> {
        self.traced(S::set_event, |result| trace!("set", result))
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.traced(S::reset_event, |result| trace!("reset", result))
    }
}

/// The calls of [`NetworkEventRecorder`], traced. Each returns what the traced call returns, its errors included.
impl<S: EventSignal> Traced<NetworkEventRecorder<S>> {
    /// [`NetworkEventRecorder::record`].
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, Traced, WsaError};
    /// let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// let recorder = Traced::new(recorder, tracing::debug_span!("socket", s = 3));
    /// recorder.record(NetworkEvent::Close, Err(WsaError::WSAECONNRESET));
    /// // DEBUG socket{s=3}: record occurred=FD_CLOSE: WSAECONNRESET (10054) new=FD_CLOSE wake=NotNeeded
    /// ```
    pub fn record(&self, event: NetworkEvent, outcome: Outcome) -> Recorded {
        self.record_all([(event, outcome)])
    }

    /// [`NetworkEventRecorder::record_all`]. It emits one trace event for all occurrences, named `record`.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, Traced};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// recorder.record_all([(NetworkEvent::Connect, Ok(())), (NetworkEvent::Write, Ok(()))]);
    /// // DEBUG record occurred=FD_WRITE: success, FD_CONNECT: success new=FD_WRITE | FD_CONNECT wake=NotNeeded
    /// ```
    pub fn record_all(
        &self,
        occurrences: impl IntoIterator<Item = (NetworkEvent, Outcome)>,
    ) -> Recorded {
        let occurred = merge(occurrences);
        self.traced(
            |recorder| recorder.record_all(occurred.iter()),
            |recorded| {
                trace!(
                    "record",
                    recorded.signaled(),
                    occurred = field::display(occurred),
                    new = field::display(recorded.new),
                    wake = field::debug(recorded.wake)
                );
            },
        )
    }

    /// [`NetworkEventRecorder::record_unsignaled`]. Its trace event is named `record`, and has no `wake` yet. The
    /// second step is not in the span: a traced event object emits its own trace event when it is set.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, Traced};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// let recorded = recorder.record_unsignaled(NetworkEvent::Read, Ok(()));
    /// // DEBUG record occurred=FD_READ: success new=FD_READ
    /// recorded.signal();
    /// ```
    pub fn record_unsignaled(&self, event: NetworkEvent, outcome: Outcome) -> Unsignaled<'_, S> {
        self.record_all_unsignaled([(event, outcome)])
    }

    /// [`NetworkEventRecorder::record_all_unsignaled`], with one trace event for all occurrences.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, Traced};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// let connected = [(NetworkEvent::Connect, Ok(())), (NetworkEvent::Write, Ok(()))];
    /// recorder.record_all_unsignaled(connected).signal();
    /// // DEBUG record occurred=FD_WRITE: success, FD_CONNECT: success new=FD_WRITE | FD_CONNECT
    /// ```
    pub fn record_all_unsignaled(
        &self,
        occurrences: impl IntoIterator<Item = (NetworkEvent, Outcome)>,
    ) -> Unsignaled<'_, S> {
        let occurred = merge(occurrences);
        self.span.in_scope(|| {
            let recorded = self.inner.record_all_unsignaled(occurred.iter());
            let new = recorded.new_events();
            event!(name: "record", Level::DEBUG, %occurred, %new, "record");
            recorded
        })
    }

    /// [`NetworkEventRecorder::select`].
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, NetworkEvents, Traced};
    /// # let recorder = Traced::new(NetworkEventRecorder::new(), tracing::Span::none());
    /// recorder.select(NetworkEvents::FD_READ | NetworkEvents::FD_CLOSE, ManualResetEvent::new())?;
    /// // DEBUG select events=FD_READ | FD_CLOSE
    /// # Ok::<(), wsp_events::RecorderError>(())
    /// ```
    pub fn select(&self, events: NetworkEvents, signal: S) -> Result<(), RecorderError> {
        self.traced(
            |recorder| recorder.select(events, signal),
            |result| trace!("select", result, events = field::display(events)),
        )
    }

    /// [`NetworkEventRecorder::deselect`].
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, RecorderError, Traced};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// # recorder.close()?;
    /// assert_eq!(recorder.deselect(), Err(RecorderError::Closed));
    /// // WARN deselect error=the socket is closed (WSAENOTSOCK)
    /// # Ok::<(), RecorderError>(())
    /// ```
    pub fn deselect(&self) -> Result<(), RecorderError> {
        self.traced(|recorder| recorder.deselect(), |result| trace!("deselect", result))
    }

    /// [`NetworkEventRecorder::enumerate`].
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, Traced};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// recorder.enumerate()?;
    /// // DEBUG enumerate report=no network events
    /// # Ok::<(), wsp_events::RecorderError>(())
    /// ```
    pub fn enumerate(&self) -> Result<Report, RecorderError> {
        self.report(|recorder| recorder.enumerate())
    }

    /// [`NetworkEventRecorder::enumerate_and_reset`]. Its trace event is named `enumerate`; a traced event object emits its
    /// own for the reset.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, Traced};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// let event = Traced::new(ManualResetEvent::new(), tracing::debug_span!("event object"));
    /// recorder.enumerate_and_reset(&event)?;
    /// // DEBUG event object: reset
    /// // DEBUG enumerate report=no network events
    /// # Ok::<(), wsp_events::RecorderError>(())
    /// ```
    pub fn enumerate_and_reset<E>(&self, event: &E) -> Result<Report, RecorderError>
    where
        E: EventSignal + ?Sized,
    {
        self.report(|recorder| recorder.enumerate_and_reset(event))
    }

    /// [`NetworkEventRecorder::enumerate_with`]. Its trace event is named `enumerate`.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, Traced, WsaError};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// assert_eq!(recorder.enumerate_with(|_| Err(WsaError::WSAEFAULT)), Err(WsaError::WSAEFAULT));
    /// // WARN enumerate error=WSAEFAULT (10014): bad address
    /// ```
    pub fn enumerate_with<F>(
        &self,
        deliver: impl FnOnce(&Report) -> Result<(), F>,
    ) -> Result<Report, F>
    where
        F: From<RecorderError> + Display,
    {
        self.report(|recorder| recorder.enumerate_with(deliver))
    }

    /// [`NetworkEventRecorder::enumerate_and_reset_with`]. Its trace event is named `enumerate`.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, Traced, WsaError};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// # let event = ManualResetEvent::new();
    /// recorder.enumerate_and_reset_with(&event, |_| Ok::<_, WsaError>(()))?;
    /// // DEBUG enumerate report=no network events
    /// # Ok::<(), WsaError>(())
    /// ```
    pub fn enumerate_and_reset_with<E, F>(
        &self,
        event: &E,
        deliver: impl FnOnce(&Report) -> Result<(), F>,
    ) -> Result<Report, F>
    where
        E: EventSignal + ?Sized,
        F: From<RecorderError> + Display,
    {
        self.report(|recorder| recorder.enumerate_and_reset_with(event, deliver))
    }

    fn report<F: Display>(
        &self,
        enumerate: impl FnOnce(&NetworkEventRecorder<S>) -> Result<Report, F>,
    ) -> Result<Report, F> {
        self.traced(enumerate, |result| {
            let report = result.as_ref().ok().copied();
            trace!(
                "enumerate",
                result,
                report = report.map(field::display),
                signal_error = report.and_then(|report| report.signal_error()).map(field::display)
            );
        })
    }

    /// [`NetworkEventRecorder::withdraw`].
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, NetworkEvents, Traced};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// recorder.withdraw(NetworkEvents::FD_CONNECT);
    /// // DEBUG withdraw events=FD_CONNECT
    /// ```
    pub fn withdraw(&self, events: NetworkEvents) {
        self.traced(
            |recorder| recorder.withdraw(events),
            |()| event!(name: "withdraw", Level::DEBUG, %events, "withdraw"),
        );
    }

    /// [`NetworkEventRecorder::renew`].
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, Traced};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// recorder.renew();
    /// // DEBUG renew
    /// ```
    pub fn renew(&self) {
        self.traced(|recorder| recorder.renew(), |()| event!(name: "renew", Level::DEBUG, "renew"));
    }

    /// [`NetworkEventRecorder::reenable`].
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, Traced};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// recorder.reenable(NetworkEvent::Accept);
    /// // DEBUG reenable events=FD_ACCEPT
    /// ```
    pub fn reenable(&self, event: NetworkEvent) {
        self.traced(
            |recorder| recorder.reenable(event),
            |()| event!(name: "reenable", Level::DEBUG, events = %event, "reenable"),
        );
    }

    /// [`NetworkEventRecorder::reenable_for`]. Its trace event is named `reenable`.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, ReenablingCall, Traced};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// recorder.reenable_for(ReenablingCall::Recv { oob: false });
    /// // DEBUG reenable events=FD_READ
    /// ```
    pub fn reenable_for(&self, call: ReenablingCall) {
        self.reenable(call.event());
    }

    /// [`NetworkEventRecorder::inherit`]. The accepted socket's recorder is not traced: wrap it with its own span.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, Traced};
    /// # let listener = NetworkEventRecorder::<Arc<ManualResetEvent>>::new();
    /// # let listener = Traced::new(listener, tracing::Span::none());
    /// let accepted = Traced::new(listener.inherit()?, tracing::debug_span!("socket", s = 4));
    /// // DEBUG inherit
    /// # Ok::<(), wsp_events::RecorderError>(())
    /// ```
    pub fn inherit(&self) -> Result<NetworkEventRecorder<S>, RecorderError>
    where
        S: Clone,
    {
        self.traced(|recorder| recorder.inherit(), |result| trace!("inherit", result))
    }

    /// [`NetworkEventRecorder::close`].
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, Traced};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// recorder.close()?;
    /// // DEBUG close
    /// # Ok::<(), wsp_events::RecorderError>(())
    /// ```
    pub fn close(&self) -> Result<(), RecorderError> {
        self.traced(|recorder| recorder.close(), |result| trace!("close", result))
    }
}

/// The occurrences as one step records them: an error replaces a success, and the first error stays (R3, R5).
fn merge(occurrences: impl IntoIterator<Item = (NetworkEvent, Outcome)>) -> Report {
    let mut merged = Report::default();
    for (event, outcome) in occurrences {
        merged.events |= event.flag();
        let code = &mut merged.codes[event.bit_position()];
        if let (0, Err(error)) = (*code, outcome) {
            *code = error.code();
        }
    }
    merged
}
