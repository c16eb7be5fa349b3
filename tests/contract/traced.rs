//! The trace that `Traced` makes: which events, of which level, in which span, with which fields. The
//! subscriber is a few lines here; any other would do.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::with_default;
use tracing::{Metadata, Span, Subscriber, debug_span};
use wsp_events::{
    ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, RecorderError,
    ReenablingCall, Traced, WsaError,
};

use crate::support::{BAD_HANDLE, Event, refuse, with};

const READ_OR_CLOSE: NetworkEvents = NetworkEvents::FD_READ.union(NetworkEvents::FD_CLOSE);

/// Writes each event as a line: its level, the spans around it, its name, its fields.
#[derive(Default)]
struct Trace {
    spans: Mutex<Vec<&'static str>>,
    entered: Mutex<Vec<&'static str>>,
    lines: Mutex<Vec<String>>,
}

/// The fields of an event, in the order that they stand in.
#[derive(Default)]
struct Fields {
    message: String,
    others: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => write!(self.others, " {name}={value:?}").unwrap(),
        }
    }
}

impl Subscriber for Trace {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut spans = self.spans.lock().unwrap();
        spans.push(span.metadata().name());
        Id::from_u64(spans.len() as u64)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        assert_eq!(metadata.name(), fields.message);
        assert_eq!(metadata.target(), "wsp_events::traced");
        let spans = self.entered.lock().unwrap().join(":");
        let line = format!("{} {spans}: {}{}", metadata.level(), metadata.name(), fields.others);
        self.lines.lock().unwrap().push(line);
    }
    fn enter(&self, span: &Id) {
        let name = self.spans.lock().unwrap()[span.into_u64() as usize - 1];
        self.entered.lock().unwrap().push(name);
    }
    fn exit(&self, _: &Id) {
        self.entered.lock().unwrap().pop();
    }
}

/// A trace of what `body` does.
fn trace(body: impl FnOnce()) -> Vec<String> {
    let trace = Arc::new(Trace::default());
    with_default(Arc::clone(&trace), body);
    assert!(trace.entered.lock().unwrap().is_empty(), "a span was not left");
    let mut lines = trace.lines.lock().unwrap();
    std::mem::take(&mut lines)
}

type TracedEvent = Traced<Event>;

fn event_object() -> Arc<TracedEvent> {
    Arc::new(Traced::new(Event::default(), debug_span!("event")))
}

fn socket() -> Traced<NetworkEventRecorder<Arc<TracedEvent>>> {
    let latching = NetworkEvents::FD_WRITE;
    Traced::new(NetworkEventRecorder::with_latching(latching), debug_span!("socket"))
}

/// Catches a call that is not traced, a wrong name or span, and a field that is missing or wrong.
#[test]
fn every_call_is_told_of() {
    let lines = trace(|| {
        let (socket, event) = (socket(), event_object());
        socket.select(READ_OR_CLOSE, Arc::clone(&event)).unwrap();
        socket.record(NetworkEvent::Close, Err(WsaError::WSAECONNRESET));
        socket.record(NetworkEvent::Close, Ok(()));
        socket.record_all([(NetworkEvent::Write, Ok(())), (NetworkEvent::Oob, Ok(()))]);
        socket.enumerate_and_reset(&event).unwrap();
        socket.enumerate().unwrap();
        socket.reenable_for(ReenablingCall::SendWouldBlock);
        socket.reenable(NetworkEvent::Read);
        socket.withdraw(NetworkEvents::FD_OOB);
        socket.record_unsignaled(NetworkEvent::Read, Ok(())).signal();
        let fault = |_: &wsp_events::Report| Err(WsaError::WSAEFAULT);
        socket.enumerate_with(fault).unwrap_err();
        socket.enumerate_and_reset_with(&event, |_| Ok::<_, WsaError>(())).unwrap();
        socket.renew();
        socket.inherit().unwrap();
        socket.deselect().unwrap();
        socket.close().unwrap();
    });
    assert_eq!(
        lines,
        [
            "DEBUG socket: select events=FD_READ | FD_CLOSE",
            "DEBUG socket:event: set",
            "DEBUG socket: record occurred=FD_CLOSE: WSAECONNRESET (10054) new=FD_CLOSE wake=Set",
            "DEBUG socket: record occurred=FD_CLOSE: success new=none wake=NotNeeded",
            "DEBUG socket: record occurred=FD_WRITE: success, FD_OOB: success \
             new=FD_WRITE | FD_OOB wake=NotNeeded",
            "DEBUG socket:event: reset",
            "DEBUG socket: enumerate report=FD_CLOSE: WSAECONNRESET (10054)",
            "DEBUG socket: enumerate report=no network events",
            "DEBUG socket: reenable events=FD_WRITE",
            "DEBUG socket: reenable events=FD_READ",
            "DEBUG socket: withdraw events=FD_OOB",
            "DEBUG socket: record occurred=FD_READ: success new=FD_READ",
            "DEBUG event: set",
            "DEBUG socket:event: set",
            "WARN socket: enumerate error=WSAEFAULT (10014): bad address",
            "DEBUG socket:event: reset",
            "DEBUG socket: enumerate report=FD_READ: success",
            "DEBUG socket: renew",
            "DEBUG socket: inherit",
            "DEBUG socket: deselect",
            "DEBUG socket: close",
        ]
    );
}

/// Catches a failure that is traced as a success or not at all, and a failure that the wrapper hides or adds.
#[test]
fn failures_are_warnings() {
    let failed = |what| format!("{what} error=the event object failed with OS error 6 (WSAEINVAL)");
    let lines = trace(|| {
        let (socket, event) = (socket(), event_object());
        socket.select(READ_OR_CLOSE, Arc::clone(&event)).unwrap();
        event.on_set(refuse);
        assert_eq!(socket.record(NetworkEvent::Read, Ok(())).signaled(), Err(BAD_HANDLE));
        assert!(socket.owes_set());
        event.on_reset(refuse);
        let refused = Err(RecorderError::Signal(BAD_HANDLE));
        assert_eq!(socket.enumerate_and_reset(&event), refused);
        assert!(!socket.owes_set() && event.is_set());
        socket.close().unwrap();
        assert_eq!(socket.select(READ_OR_CLOSE, event), Err(RecorderError::Closed));
    });
    assert_eq!(
        lines,
        [
            "DEBUG socket: select events=FD_READ | FD_CLOSE".to_owned(),
            failed("WARN socket:event: set"),
            failed("WARN socket: record occurred=FD_READ: success new=FD_READ wake=Set"),
            failed("WARN socket:event: reset"),
            "DEBUG socket:event: set".to_owned(),
            failed("WARN socket: enumerate"),
            "DEBUG socket: close".to_owned(),
            "WARN socket: select events=FD_READ | FD_CLOSE error=the socket is closed (WSAENOTSOCK)".to_owned(),
        ]
    );
}

/// Catches an error after the report (R6) that the trace leaves out.
#[test]
fn r6_a_set_that_failed_during_the_enumeration() {
    let lines = trace(|| {
        let socket = Arc::new(socket());
        let event = event_object();
        socket.select(READ_OR_CLOSE, Arc::clone(&event)).unwrap();
        event.on_reset(with((&socket, &event), |(socket, event)| {
            socket.record(NetworkEvent::Read, Ok(()));
            event.on_set(refuse);
            Ok(())
        }));
        let report = socket.enumerate_and_reset(&event).unwrap();
        assert_eq!(report.signal_error(), Some(BAD_HANDLE));
    });
    assert_eq!(
        lines[1..],
        [
            "DEBUG socket:event:socket:event: set",
            "DEBUG socket:event:socket: record occurred=FD_READ: success new=FD_READ wake=Set",
            "DEBUG socket:event: reset",
            "WARN socket:event: set error=the event object failed with OS error 6 (WSAEINVAL)",
            "DEBUG socket: enumerate report=no network events \
             signal_error=the event object failed with OS error 6 (WSAEINVAL)",
        ]
    );
}

/// Catches a batch that the wrapper merges otherwise than the recorder does (R3, R5).
#[test]
fn r5_a_batch_is_recorded_as_it_was_given() {
    let down = Err(WsaError::WSAENETDOWN);
    let reset = Err(WsaError::WSAECONNRESET);
    let batch = [
        (NetworkEvent::Close, Ok(())),
        (NetworkEvent::Close, down),
        (NetworkEvent::Close, reset),
        (NetworkEvent::Read, reset),
        (NetworkEvent::Read, Ok(())),
    ];
    let plain = NetworkEventRecorder::<ManualResetEvent>::new();
    let traced = Traced::new(NetworkEventRecorder::<ManualResetEvent>::new(), Span::none());
    for recorder in [&plain, &*traced] {
        recorder.select(READ_OR_CLOSE, ManualResetEvent::new()).unwrap();
    }
    assert_eq!(plain.record_all(batch), traced.record_all(batch));
    assert_eq!(plain.enumerate(), traced.enumerate());
}
