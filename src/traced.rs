//! [`Traced`]: a trace, through the `tracing` crate, of the calls on an event object or a recorder.

use core::ops::Deref;

use tracing::{Level, Span, event, field};

use crate::error::{RecorderError, SignalError, WsaError};
use crate::event::{NetworkEvent, NetworkEvents};
use crate::latching::ReenablingCall;
use crate::recorder::{NetworkEventRecorder, Recorded};
use crate::report::Report;
use crate::signal::EventSignal;

/// A wrapper that makes a trace: around an [`EventSignal`] it is an event object that tells of
/// every set and reset, around a [`NetworkEventRecorder`] a recorder that tells of every call. With
/// the feature `tracing`.
///
/// Put it where the inner one was: it has the same calls, and all else of the inner one by
/// dereferencing. The [`Span`] says which event object or socket it is; every call runs inside it,
/// so that the sets that a `record` leads to stand inside the socket's span too. [`Span::none`]
/// will do.
///
/// When a call is over it is told of by one event, which has the call's name as its name and
/// message: at level DEBUG if it has succeeded, at WARN, with the field `error`, if not. Codes and
/// events have their Winsock names.
///
/// | event | fields |
/// |---|---|
/// | `set`, `reset` | |
/// | `record` | `occurred`: the occurrences with their outcomes, as a [`Report`] prints them; `new`: the events that were not recorded yet; `wake`: [`Wake`](crate::Wake), what became of the wake-up |
/// | `select` | `events` |
/// | `deselect`, `inherit`, `close` | |
/// | `enumerate` | `report`; `signal_error`, if there is [one](Report::signal_error) |
/// | `withdraw`, `reenable` | `events` |
///
/// What goes past the wrapper is not told of: a [`Provider`](crate::Provider) hands out the
/// recorder inside, so that of a WSPEventSelect and a WSPEnumNetworkEvents one sees what they do to
/// a traced event object. The wrapper itself allocates nothing and never waits; whether the whole
/// does is up to the subscriber, which runs inside the call, and must not select or enumerate on
/// the same recorder when told of a set or reset (K4).
///
/// It works without `std`, with an allocator, on targets that have atomics as wide as a pointer:
/// that is what the `tracing` crate asks for.
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
/// socket.record(NetworkEvent::Accept, Ok(()))?;
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
}

impl<T> Deref for Traced<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

/// Tells of a call that is over. A field that is `None` is left out.
macro_rules! told {
    ($name:literal, $result:expr $(, $field:ident = $value:expr)*) => {
        match &$result {
            Ok(_) => event!(name: $name, Level::DEBUG, $($field = $value,)* $name),
            Err(error) => event!(name: $name, Level::WARN, $($field = $value,)* %error, $name),
        }
    };
}

impl<S: EventSignal> EventSignal for Traced<S> {
    fn set_event(&self) -> Result<(), SignalError> {
        self.span.in_scope(|| {
            let result = self.inner.set_event();
            told!("set", result);
            result
        })
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.span.in_scope(|| {
            let result = self.inner.reset_event();
            told!("reset", result);
            result
        })
    }
}

/// The calls of [`NetworkEventRecorder`], each as it is there, and traced.
impl<S: EventSignal> Traced<NetworkEventRecorder<S>> {
    /// [`NetworkEventRecorder::record`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, Traced, WsaError};
    /// let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// let recorder = Traced::new(recorder, tracing::debug_span!("socket", s = 3));
    /// recorder.record(NetworkEvent::Close, Err(WsaError::WSAECONNRESET))?;
    /// // DEBUG socket{s=3}: record occurred=FD_CLOSE: WSAECONNRESET (10054) new=FD_CLOSE wake=NotNeeded
    /// # Ok::<(), wsp_events::SignalError>(())
    /// ```
    pub fn record(
        &self,
        event: NetworkEvent,
        outcome: Result<(), WsaError>,
    ) -> Result<Recorded, SignalError> {
        self.record_all([(event, outcome)])
    }

    /// [`NetworkEventRecorder::record_all`]; the trace has one event for all, named `record`.
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, Traced};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// recorder.record_all([(NetworkEvent::Connect, Ok(())), (NetworkEvent::Write, Ok(()))])?;
    /// // DEBUG record occurred=FD_WRITE: success, FD_CONNECT: success new=FD_WRITE | FD_CONNECT wake=NotNeeded
    /// # Ok::<(), wsp_events::SignalError>(())
    /// ```
    pub fn record_all(
        &self,
        occurrences: impl IntoIterator<Item = (NetworkEvent, Result<(), WsaError>)>,
    ) -> Result<Recorded, SignalError> {
        let occurred = merge(occurrences);
        self.span.in_scope(|| {
            let result = self.inner.record_all(occurred.iter());
            let recorded = result.ok();
            told!(
                "record",
                result,
                occurred = field::display(occurred),
                new = recorded.map(|recorded| field::display(recorded.new)),
                wake = recorded.map(|recorded| field::debug(recorded.wake))
            );
            result
        })
    }

    /// [`NetworkEventRecorder::select`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, NetworkEvents, Traced};
    /// # let recorder = Traced::new(NetworkEventRecorder::new(), tracing::Span::none());
    /// recorder.select(NetworkEvents::FD_READ | NetworkEvents::FD_CLOSE, ManualResetEvent::new())?;
    /// // DEBUG select events=FD_READ | FD_CLOSE
    /// # Ok::<(), wsp_events::RecorderError>(())
    /// ```
    pub fn select(&self, events: NetworkEvents, signal: S) -> Result<(), RecorderError> {
        self.span.in_scope(|| {
            let result = self.inner.select(events, signal);
            told!("select", result, events = field::display(events));
            result
        })
    }

    /// [`NetworkEventRecorder::deselect`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, RecorderError, Traced};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// # recorder.close()?;
    /// assert_eq!(recorder.deselect(), Err(RecorderError::Closed));
    /// // WARN deselect error=the socket is closed
    /// # Ok::<(), RecorderError>(())
    /// ```
    pub fn deselect(&self) -> Result<(), RecorderError> {
        self.span.in_scope(|| {
            let result = self.inner.deselect();
            told!("deselect", result);
            result
        })
    }

    /// [`NetworkEventRecorder::enumerate`].
    ///
    /// # Errors
    ///
    /// As there.
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

    /// [`NetworkEventRecorder::enumerate_and_reset`]; the trace names it `enumerate`, and a traced
    /// event object tells of the reset by itself.
    ///
    /// # Errors
    ///
    /// As there.
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

    fn report(
        &self,
        enumerate: impl FnOnce(&NetworkEventRecorder<S>) -> Result<Report, RecorderError>,
    ) -> Result<Report, RecorderError> {
        self.span.in_scope(|| {
            let result = enumerate(&self.inner);
            let report = result.ok();
            told!(
                "enumerate",
                result,
                report = report.map(field::display),
                signal_error = report.and_then(|report| report.signal_error()).map(field::display)
            );
            result
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
        self.span.in_scope(|| {
            self.inner.withdraw(events);
            event!(name: "withdraw", Level::DEBUG, %events, "withdraw");
        });
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
        self.span.in_scope(|| {
            self.inner.reenable(event);
            event!(name: "reenable", Level::DEBUG, events = %event, "reenable");
        });
    }

    /// [`NetworkEventRecorder::on_reenabling_call`]; the trace names it `reenable`.
    ///
    /// ```
    /// # use wsp_events::{ManualResetEvent, NetworkEventRecorder, ReenablingCall, Traced};
    /// # let recorder = NetworkEventRecorder::<ManualResetEvent>::new();
    /// # let recorder = Traced::new(recorder, tracing::Span::none());
    /// recorder.on_reenabling_call(ReenablingCall::Recv { oob: false });
    /// // DEBUG reenable events=FD_READ
    /// ```
    pub fn on_reenabling_call(&self, call: ReenablingCall) {
        self.reenable(call.event());
    }

    /// [`NetworkEventRecorder::inherit`]. The accepted socket's recorder is not traced yet: it gets
    /// a span of its own.
    ///
    /// # Errors
    ///
    /// As there.
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
        self.span.in_scope(|| {
            let result = self.inner.inherit();
            told!("inherit", result);
            result
        })
    }

    /// [`NetworkEventRecorder::close`].
    ///
    /// # Errors
    ///
    /// As there.
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
        self.span.in_scope(|| {
            let result = self.inner.close();
            told!("close", result);
            result
        })
    }
}

/// Occurrences as one step records them: an error takes the place of a success, and the first error
/// stays (R3, R5).
fn merge(occurrences: impl IntoIterator<Item = (NetworkEvent, Result<(), WsaError>)>) -> Report {
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
