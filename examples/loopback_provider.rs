//! A service provider over real TCP sockets, and a switch that uses it.
//!
//! `cargo run --example loopback_provider` plays both in five scenes, and prints who does what, and when. It
//! fails if a promise of the library is not kept. The rules in parentheses are those of docs/CONTRACT.md.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{fmt::Display, mem, process::ExitCode};

use wsp_events::{spi::*, *};

const INTRODUCTION: &str = "\
A service provider implements sockets for Winsock. A switch is the part of Winsock that calls it: it selects
events of a socket, waits for an event object, and asks what has happened. A SAN provider reports FD_ACCEPT, a
connection waits to be accepted, and FD_CONNECT, an attempt to connect has ended. The sockets here are real.\n";

/// The event object of the switch.
struct EventObject(ManualResetEvent);
static EVENT: EventObject = EventObject(ManualResetEvent::new());
type Event = &'static EventObject;
/// The handle by which the switch names it.
const HANDLE: WSAEVENT = WSAEVENT(4);
/// When the switch takes a wake-up for lost. Windows takes two seconds to refuse a connection.
const LIMIT: Duration = Duration::from_secs(30);
/// Runs in the middle of its next reset.
static AT_RESET: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

impl EventSignal for EventObject {
    fn set_event(&self) -> Result<(), SignalError> {
        self.0.set_event()
    }
    fn reset_event(&self) -> Result<(), SignalError> {
        let at_reset = AT_RESET.lock().unwrap().take();
        at_reset.into_iter().for_each(|happen| happen());
        self.0.reset_event()
    }
}

/// A socket of the provider: its recorder and its connection; a listener has those that wait for the switch.
#[derive(Default)]
struct Socket {
    recorder: NetworkEventRecorder<Event>,
    streams: Mutex<VecDeque<TcpStream>>,
}

static SOCKETS: SocketTable<Socket> = SocketTable::new();
static IS_UP: AtomicBool = AtomicBool::new(true);

/// What WSPEventSelect and WSPEnumNetworkEvents need to know of the provider.
struct SanProvider;

impl Provider for SanProvider {
    type EventObject = Event;
    type Socket<'a> = SocketRef<Socket>;
    type EventObjectToReset<'a> = Event;
    fn subsystem_is_up(&self) -> bool {
        IS_UP.load(SeqCst)
    }
    fn find_socket(&self, descriptor: SOCKET) -> Option<SocketRef<Socket>> {
        SOCKETS.get(descriptor)
    }
    fn recorder_of(socket: &SocketRef<Socket>) -> &NetworkEventRecorder<Event> {
        &socket.recorder
    }
    fn event_object_to_select(&self, handle: WSAEVENT) -> Option<Event> {
        (handle == HANDLE).then_some(&EVENT)
    }
    fn event_object_to_reset(&self, handle: WSAEVENT) -> Option<Event> {
        self.event_object_to_select(handle)
    }
}

impl Socket {
    /// A thread of the provider makes a connection, and records the outcome.
    fn start(
        this: &SocketRef<Self>,
        event: NetworkEvent,
        get: impl FnOnce() -> io::Result<TcpStream> + Send + 'static,
    ) -> JoinHandle<()> {
        let this = this.clone();
        thread::spawn(move || {
            let outcome = get().map_err(WsaError::from);
            // The connection and its event under one lock: no accept comes between (L2). The wake-up after it (R9).
            let mut streams = this.streams.lock().unwrap();
            let recorded = this.record(event, outcome.map(|stream| streams.push_back(stream)));
            drop(streams);
            recorded.signal();
        })
    }

    fn record(&self, event: NetworkEvent, outcome: Result<(), WsaError>) -> Unsignaled<'_, Event> {
        say("provider", format_args!("records {event}: {}", text(outcome)));
        self.recorder.record_unsignaled(event, outcome)
    }

    /// WSPAccept: a new socket, which begins with the listener's selection (S8).
    fn accept(&self) -> Result<Self> {
        say("switch", "accepts a connection");
        let recorder = self.recorder.inherit()?;
        let mut waiting = self.streams.lock().unwrap();
        self.recorder.reenable_for(ReenablingCall::Accept); // re-enable, take, look, record (L2)
        let stream = waiting.pop_front().ok_or(WsaError::WSAEWOULDBLOCK)?;
        let recorded = (!waiting.is_empty()).then(|| self.record(NetworkEvent::Accept, Ok(())));
        drop(waiting);
        recorded.map(Unsignaled::signal);
        Ok(Self { recorder, streams: Mutex::new([stream].into()) })
    }
}

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;
static START: LazyLock<Instant> = LazyLock::new(Instant::now);
static CHECKS: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2]; // failed, passed

fn say(who: &str, what: impl Display) {
    let mut out = io::stdout().lock();
    _ = writeln!(out, "{:8.2} ms  {who:<10}{what}", START.elapsed().as_secs_f64() * 1e3);
}

fn check(promise: &str, kept: bool) {
    CHECKS[usize::from(kept)].fetch_add(1, SeqCst);
    say(if kept { "  checked" } else { "  FAILED" }, promise);
}

fn text(outcome: Result<(), WsaError>) -> String {
    outcome.map_or_else(|error| format!("{error:#}"), |()| "success".into())
}

/// The switch creates a socket, and selects its events.
fn socket() -> Result<(SOCKET, SocketRef<Socket>)> {
    let s = SOCKETS.insert(Socket::default()).map_err(TableFull::errno)?;
    event_select(&SanProvider, s, HANDLE, NetworkEvents::FD_ACCEPT | NetworkEvents::FD_CONNECT)?;
    Ok((s, SOCKETS.get(s).ok_or(WsaError::WSAENOTSOCK)?))
}

fn wait() -> Result {
    let set = EVENT.0.wait_timeout(LIMIT);
    check("the event object is set", set);
    Ok(set.then_some(()).ok_or("a wake-up is lost")?)
}

/// WSPEnumNetworkEvents: the report of a socket, in words. A null handle resets no event object.
fn enumerate(s: SOCKET, handle: WSAEVENT) -> Result<String, WsaError> {
    const MARK: i32 = 0x5E5E_5E5E; // stands wherever the call may write
    let mut report = WSANETWORKEVENTS { lNetworkEvents: MARK, iErrorCode: [MARK; FD_MAX_EVENTS] };
    let mut errno = 0;
    // SAFETY: `report` and `errno` are valid for the writes.
    unsafe { wsp_enum_network_events(&SanProvider, s, handle, &mut report, &mut errno) };
    WsaError::from_code(errno).map_or(Ok(()), Err)?;
    let written = |at: &usize| report.iErrorCode[*at] != MARK;
    if (0..FD_MAX_EVENTS).filter(written).ne(report.iter().map(|it| it.0.bit_position())) {
        check("the codes of the reported events are written, and no others (E2)", false);
    }
    let events = report.iter().map(|(event, outcome)| format!("{event}: {}", text(outcome)));
    Ok(events.collect::<Vec<_>>().join(", "))
}

fn expect(s: SOCKET, report: &str) -> Result<(), WsaError> {
    enumerate(s, HANDLE).map(|it| check(&format!("the report is {report}"), it == report))
}

fn play() -> Result {
    const ACCEPT: &str = "FD_ACCEPT: success";
    say("", "1. Connections come in: one, then two before the switch looks");
    let os = Arc::new(TcpListener::bind("127.0.0.1:0")?);
    // A client connects, and a thread of the provider takes its connection from the operating system.
    let visit = move |listener: &SocketRef<Socket>| {
        let (client, os) = (os.local_addr().and_then(TcpStream::connect), os.clone());
        Socket::start(listener, NetworkEvent::Accept, move || Ok(client.and(os.accept())?.0))
    };
    let (s, listener) = socket()?;
    visit(&listener);
    wait()?;
    let reported = listener.clone();
    *AT_RESET.lock().unwrap() = Some(Box::new(move || {
        let cleared = reported.recorder.recorded().is_empty();
        check("the record is cleared before the event object is reset (E4)", cleared);
    }));
    expect(s, ACCEPT)?;
    let inherited = listener.accept()?.recorder.selected();
    check("the accepted socket has the selection", inherited == listener.recorder.selected());
    _ = [visit(&listener), visit(&listener)].map(|visit| visit.join().unwrap());
    expect(s, ACCEPT)?;
    check("two connections are one FD_ACCEPT (R3)", !EVENT.0.is_set());
    listener.accept()?;
    check("but the accept signals that one more waits (L2)", EVENT.0.is_set());
    expect(s, ACCEPT)?;
    listener.accept()?;
    check("none waits, and nothing is signaled (E5)", !EVENT.0.is_set());

    say("", "2. A socket connects, and another is refused");
    let peer = TcpListener::bind("127.0.0.1:0")?;
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?; // no one listens there any more
    let start = |address| -> Result<SOCKET> {
        let (s, socket) = socket()?;
        Socket::start(&socket, NetworkEvent::Connect, move || TcpStream::connect(address));
        Ok(s)
    };
    let connects = start(peer.local_addr()?)?;
    wait()?;
    expect(connects, "FD_CONNECT: success")?;
    let is_refused = start(closed)?;
    wait()?;
    expect(is_refused, "FD_CONNECT: WSAECONNREFUSED (10061)")?;

    say("", "3. Sixteen sockets connect; they share one event object");
    let sockets = (0..16).map(|_| start(peer.local_addr()?)).collect::<Result<Vec<_>>>()?;
    let mut reports = [0; 16];
    while reports.contains(&0) {
        wait()?;
        let mut handle = HANDLE; // for the first; NULL for the others, which reset nothing (P3)
        for (&s, reports) in sockets.iter().zip(&mut reports) {
            let report = enumerate(s, mem::take(&mut handle))?;
            *reports += usize::from(report == "FD_CONNECT: success");
        }
    }
    check("each socket is reported once", reports == [1; 16]);

    say("", "4. A connection comes in while the report of another is made");
    visit(&listener).join().unwrap();
    let meanwhile = listener.clone();
    *AT_RESET.lock().unwrap() = Some(Box::new(move || visit(&meanwhile).join().unwrap()));
    expect(s, ACCEPT)?;
    check("it is signaled, although the reset came after it (E5)", EVENT.0.is_set());
    expect(s, ACCEPT)?;

    say("", "5. The network goes down; the socket is closed; the provider fails");
    let fails = |why| check(&format!("a call fails: {why:#}"), enumerate(s, HANDLE) == Err(why));
    listener.record(NetworkEvent::Accept, Err(WsaError::WSAENETDOWN)).signal();
    expect(s, "FD_ACCEPT: WSAENETDOWN (10050)")?;
    SOCKETS.remove(s).ok_or(WsaError::WSAENOTSOCK)?.socket.recorder.close()?;
    fails(WsaError::WSAENOTSOCK);
    IS_UP.store(false, SeqCst);
    fails(WsaError::WSAENETDOWN); // this is checked first (E9)
    Ok(())
}

fn main() -> ExitCode {
    println!("{INTRODUCTION}");
    if let Err(error) = play() {
        check(&format!("the scenes come to their end ({error})"), false);
    }
    let [failed, passed] = CHECKS.each_ref().map(|count| count.load(SeqCst));
    let verdict = if failed == 0 { "All is as promised" } else { "FAILED" };
    say("", format_args!("{verdict}: {passed} checks passed, {failed} failed"));
    ExitCode::from(u8::from(failed > 0))
}
