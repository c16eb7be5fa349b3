//! A fault in the middle of every operation: the table of operations and faults, each with another thread at
//! work on the same recorder. The middle is where the recorder runs somebody else's code; nothing else can
//! stop a thread inside an operation. (`withdraw`, `reenable` and an enumeration without an event object
//! run none.)

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use wsp_events::{
    NetworkEvent, NetworkEvents, ProviderError, RecorderError, Report, SOCKET, SignalError,
    WSAEVENT, WsaError, enum_network_events, event_select,
};

use crate::support::*;

/// Two selections that differ.
const FIRST: NetworkEvents = ALL.difference(NetworkEvents::FD_OOB);
const SECOND: NetworkEvents = ALL.difference(NetworkEvents::FD_QOS);
const DEAD: Result<(), ProviderError> = Err(ProviderError::SubsystemFailed);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Record,
    RecordError,
    RecordAll,
    /// Stopped while it sets the new event object.
    Select,
    /// Stopped while it drops the old one.
    SelectAgain,
    Deselect,
    Enumerate,
    /// Stopped after its reset, while it sets for what was recorded meanwhile.
    EnumerateAndSet,
    Inherit,
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// None: the table itself.
    Nothing,
    EventObjectFails,
    ThreadDies,
    SocketIsClosed,
    ProviderIsDropped,
    NetworkGoesDown,
}

use Fault::*;
use Operation::*;

const OPERATIONS: [Operation; 10] = [
    Record,
    RecordError,
    RecordAll,
    Select,
    SelectAgain,
    Deselect,
    Enumerate,
    EnumerateAndSet,
    Inherit,
    Close,
];

/// What has happened on the socket, with the code of each (0 for success).
type Ledger = BTreeMap<usize, i32>;

fn note(ledger: &mut Ledger, event: NetworkEvent, outcome: Result<(), WsaError>) {
    let code = outcome.map_or_else(WsaError::code, |()| 0);
    assert_eq!(ledger.insert(event.bit_position(), code), None, "E3: {event} comes out twice");
}

type Provider = TestProvider<Handle>;

/// The provider gives them out in this order.
fn handle(object: usize) -> WSAEVENT {
    WSAEVENT(4 * (object + 1))
}

impl Operation {
    fn moment(self) -> (usize, Call) {
        match self {
            Record | RecordError | RecordAll | EnumerateAndSet => (0, Call::Set),
            Select => (1, Call::Set),
            Enumerate => (0, Call::Reset),
            Inherit => (0, Call::Clone),
            SelectAgain | Deselect | Close => (0, Call::Drop),
        }
    }

    fn occurrences(self) -> Vec<(NetworkEvent, Result<(), WsaError>)> {
        let (success, error) =
            ((NetworkEvent::Write, Ok(())), (NetworkEvent::Connect, Err(REFUSED)));
        match self {
            Record | EnumerateAndSet => vec![success],
            RecordError => vec![error],
            RecordAll => vec![success, error],
            _ => vec![],
        }
    }

    /// The report, if it is the operation that has one.
    fn perform(self, provider: &Provider, s: SOCKET) -> Result<Option<Report>, ProviderError> {
        let socket = provider.sockets.get(s).unwrap();
        let of_signal = |error: SignalError| ProviderError::Recorder(error.into());
        match self {
            Record | RecordError => {
                let [(event, outcome)] = self.occurrences()[..] else { unreachable!() };
                socket.record(event, outcome).signaled().map_err(of_signal)?;
            }
            RecordAll => _ = socket.record_all(self.occurrences()).signaled().map_err(of_signal)?,
            Select | SelectAgain => event_select(provider, s, handle(1), SECOND)?,
            Deselect => event_select(provider, s, handle(0), NONE)?,
            Enumerate | EnumerateAndSet => {
                return enum_network_events(provider, s, handle(0)).map(Some);
            }
            Inherit => drop(socket.inherit()?),
            Close => provider.sockets.remove(s).unwrap().socket.close()?,
        }
        Ok(None)
    }
}

fn is_applicable(operation: Operation, fault: Fault) -> bool {
    // A clone and a drop have no way to fail.
    fault != EventObjectFails || matches!(operation.moment().1, Call::Set | Call::Reset)
}

/// Runs one cell of the table, with another thread at work on the recorder in the middle, or without.
fn cell(operation: Operation, fault: Fault, with_another: bool) {
    let provider = Arc::new(Provider::of_kind());
    let objects = [(); 2].map(|()| provider.event().1);
    let (s, socket) = provider.socket();
    event_select(&*provider, s, handle(0), FIRST).unwrap();
    socket.record(NetworkEvent::Close, Err(RESET));
    objects[0].reset_by_the_application();

    // Whoever loads the provider can let it go; a call under way has a reference of its own.
    let current = Arc::new(Mutex::new(Some(Arc::clone(&provider))));
    let gone = Arc::downgrade(&provider);
    let (closer, closing) = channel();
    let (object, moment) = operation.moment();
    let strike = with((&socket, &current), move |(socket, current)| {
        if with_another {
            must_return(with(&socket, |socket| socket.record(NetworkEvent::Read, Ok(()))));
        }
        match fault {
            Nothing => {}
            EventObjectFails => return Err(BAD_HANDLE),
            ThreadDies => return blow_up(),
            SocketIsClosed => {
                let (begun, begins) = channel();
                let thread = thread::spawn(move || {
                    begun.send(()).unwrap();
                    _ = socket.close();
                });
                begins.recv().unwrap();
                closer.send(thread).unwrap();
            }
            ProviderIsDropped => drop(current.lock().unwrap().take()),
            NetworkGoesDown => {
                current.lock().unwrap().as_ref().unwrap().up.store(false, SeqCst);
                must_return(move || socket.record(NetworkEvent::Accept, Err(DOWN)));
            }
        }
        Ok(())
    });
    if operation == EnumerateAndSet {
        objects[0].on_reset(with((&socket, &objects[0]), |(recorder, set_later)| {
            set_later.on_set(strike);
            recorder.record(NetworkEvent::Write, Ok(())).signaled().map(drop)
        }));
    } else {
        objects[object].on(moment, strike);
    }

    let result = thread::spawn(move || operation.perform(&provider, s)).join();
    objects.iter().for_each(|object| object.calm());
    closing.into_iter().for_each(|closer| closer.join().unwrap());
    let provider = current.lock().unwrap().take();
    assert_eq!(gone.upgrade().is_none(), fault == ProviderIsDropped, "P2: it ends with the call");

    let died = result.is_err();
    assert_eq!(died, fault == ThreadDies, "the thread dies where it is told to");
    let mut reported = Ledger::new();
    match &result {
        Ok(Ok(report)) => {
            for (event, outcome) in report.iter().flat_map(Report::iter) {
                note(&mut reported, event, outcome);
            }
        }
        Ok(Err(error)) => {
            let of_object = fault == EventObjectFails && error.errno() == WsaError::WSAEINVAL;
            assert!(of_object, "P5: {error} is no answer");
        }
        Err(_) => {}
    }

    if operation == Close || fault == SocketIsClosed {
        assert!(operation != Close || !objects[0].is_set(), "S7: a close leaves it as it is");
        assert_eq!(socket.select(ALL, Handle(Arc::default())), Err(RecorderError::Closed), "P5");
        assert_eq!(socket.record(NetworkEvent::Read, Ok(())).new, NONE, "P5");
        assert_eq!((socket.recorded(), socket.selected()), (NONE, NONE), "S7, P5");
    } else {
        // What happened before, in the middle, and in the operation itself: all of it, once.
        let mut happened = Ledger::new();
        note(&mut happened, NetworkEvent::Close, Err(RESET));
        if with_another {
            note(&mut happened, NetworkEvent::Read, Ok(()));
        }
        for (event, outcome) in operation.occurrences() {
            note(&mut happened, event, outcome);
        }
        if fault == NetworkGoesDown {
            note(&mut happened, NetworkEvent::Accept, Err(DOWN));
            let provider = provider.as_deref().unwrap();
            let selected = event_select(provider, s, handle(1), ALL);
            let enumerated = enum_network_events(provider, s, handle(0)).map(drop);
            let no_socket = event_select(provider, 0, handle(1), ALL);
            assert_eq!((selected, enumerated, no_socket), (DEAD, DEAD, DEAD), "E9");
        }
        let selected = match operation {
            Deselect => None,
            SelectAgain => Some(1),
            Select if !matches!(fault, EventObjectFails | ThreadDies) => Some(1),
            _ => Some(0),
        };
        let events = selected.map_or(NONE, |object| [FIRST, SECOND][object]);
        assert_eq!(socket.selected(), events, "S1, S3, S6");
        // Nobody needs to be told again of what was recorded before the application's own reset.
        let news = !(socket.recorded() - NetworkEvents::FD_CLOSE).is_empty();
        if let Some(object) = selected
            && news
        {
            assert!(objects[object].is_set() || socket.owes_set(), "E5, R6: nobody is told");
        }
        let fresh = Event::new();
        socket.select(ALL, Handle(Arc::clone(&fresh))).unwrap();
        let is_left = !socket.recorded().is_empty();
        assert_eq!(fresh.is_set(), is_left, "S2");
        for (event, outcome) in socket.enumerate().unwrap().iter() {
            note(&mut reported, event, outcome);
        }
        assert_eq!(reported, happened, "E3, E7, K5, R1: what happened, and what came out");
        socket.close().unwrap();
    }

    // P2: this test's own references, and those of the provider if it is still there.
    drop(socket);
    drop(provider);
    assert!(gone.upgrade().is_none(), "P2: something keeps the provider");
    for object in &objects {
        assert_eq!(Arc::strong_count(object), 1, "P2: something keeps an event object");
    }
}

fn table(fault: Fault) {
    for operation in OPERATIONS.into_iter().filter(|&operation| is_applicable(operation, fault)) {
        for with_another in [true, false] {
            println!("{operation:?}, {fault:?}, with another thread: {with_another}");
            must_return(move || cell(operation, fault, with_another));
        }
    }
}

/// Catches an operation that goes wrong without a fault, so that the table would prove nothing; a record
/// that waits (K2) while another thread is in the middle of any operation.
#[test]
fn k2_nothing_goes_wrong() {
    table(Nothing);
}

/// Catches a call that fails and has changed something (E7, S6), and a set that is not owed (R6).
#[test]
fn e7_the_event_object_fails() {
    table(EventObjectFails);
}

/// Catches a report that dies with the thread, half a selection, and a recorder that stays held (K5).
#[test]
fn k5_the_thread_dies() {
    table(ThreadDies);
}

/// Catches a call that neither completes nor fails, and a selection that is left after the close (P5, S7).
#[test]
fn p5_the_socket_is_closed() {
    table(SocketIsClosed);
}

/// Catches an event object that outlives the provider, or does not live as long as the call (P2).
#[test]
fn p2_the_provider_is_dropped() {
    table(ProviderIsDropped);
}

/// Catches a record that is emptied by a call that then fails with WSAENETDOWN (E7, E9).
#[test]
fn e9_the_network_goes_down() {
    table(NetworkGoesDown);
}
