//! A service provider over real TCP, and a switch that uses it.
//!
//! `cargo run --example loopback_provider` prints a timeline: who did what when, in five scenes. What
//! the scenes promise is checked, and the exit code says whether all of it was kept. The rules in
//! parentheses stand in docs/CONTRACT.md.
//!
//! The provider is in `loopback/`, and so is the switch, which knows it by two C functions,
//! WSPEventSelect and WSPEnumNetworkEvents. The stage here plays the rest: the clients, the peers, and
//! the calls of the switch that have nothing to do with network events.

mod loopback;
#[path = "loopback/timeline.rs"]
mod timeline;

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::ptr;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use wsp_events::spi::{WSPEnumNetworkEvents, WSPEventSelect};
use wsp_events::{NetworkEventRecorder, NetworkEvents, Provider, SOCKET, WSAEVENT, WsaError};

use loopback::switch::{Answer, Switch, Written};
use loopback::{LoopbackProvider, Model, Signal};
use timeline::{Timeline, TracedEvent};

/// What a SAN switch selects (V1).
const SAN_EVENTS: NetworkEvents = NetworkEvents::FD_ACCEPT.union(NetworkEvents::FD_CONNECT);

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Longer than it takes anything to happen on loopback.
const SOON: Duration = Duration::from_secs(1);

/// But Windows believes a refusal only after it has asked again, for two seconds.
const UNTIL_REFUSED: Duration = Duration::from_secs(3);

/// When the program ends, whatever has become of it.
const CURTAIN: Duration = Duration::from_millis(4700);

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let timeline = Arc::new(Timeline::new());
    let (done, end) = mpsc::channel();
    thread::spawn({
        let timeline = Arc::clone(&timeline);
        move || {
            let played = play(&timeline).map_err(|error| error.to_string());
            let _sent = done.send(played);
        }
    });
    // Every wait of the scenes has its limit. If something hangs or panics all the same, that is told.
    let played = end.recv_timeout(CURTAIN).map_err(|error| error.to_string());
    if let Err(error) = played.and_then(|played| played) {
        let promise = format!("the scenes are played to the end ({error})");
        timeline.check(promise, false);
    }
    if timeline.end() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn play(timeline: &Arc<Timeline>) -> Result {
    type Scene = fn(&Stage) -> Result;
    let scenes: [(&str, Scene); 5] = [
        ("1. Connections come in: one, then two together", Stage::accept_connections),
        ("2. Sockets are connected: one, and another in vain", Stage::connect_sockets),
        ("3. Sixteen sockets share one event object", Stage::share_an_event_object),
        ("4. A connection comes in while a report is being made", Stage::connect_during_a_report),
        ("5. The network goes down, and at last the provider", Stage::go_down),
    ];
    let provider = LoopbackProvider::new(Model::San, {
        let timeline = Arc::clone(timeline);
        move |s, happening| timeline.happened(s, happening)
    })?;
    let stage = Stage {
        provider: loopback::startup(provider),
        switch: Switch {
            event_select: WSPEventSelect::<LoopbackProvider>,
            enum_network_events: WSPEnumNetworkEvents::<LoopbackProvider>,
        },
        timeline: Arc::clone(timeline),
    };
    for (title, scene) in scenes {
        timeline.title(title);
        // Each scene has sockets of its own, and needs nothing of the one before.
        if let Err(error) = scene(&stage) {
            timeline.check(format_args!("the scene comes to its end ({error})"), false);
        }
    }
    loopback::cleanup();
    Ok(())
}

#[derive(Clone)]
struct Stage {
    provider: Arc<LoopbackProvider>,
    switch: Switch,
    timeline: Arc<Timeline>,
}

/// An event object, and the handle that the provider knows it by.
struct Event {
    object: Arc<TracedEvent>,
    handle: WSAEVENT,
}

/// The scenes.
impl Stage {
    fn accept_connections(&self) -> Result {
        let event = self.event()?;
        let (listener, address) = self.listener(&event)?;
        let nonblocking = self.provider.is_nonblocking(listener)?;
        self.promise("selecting made the socket non-blocking (S9)", nonblocking);

        let mut client = self.client(address)?;
        self.wait(&event, SOON)?;
        let stage = self.clone();
        event.object.interrupt_next_reset(move || stage.promise_cleared(listener));
        self.report(listener, &event, "FD_ACCEPT: success")?;
        self.promise("the event object is reset (E4)", !event.object.is_set());

        let accepted = self.accept(listener)?;
        let selection = self.record_of(accepted, |record| record.selected());
        self.promise(
            "the accepted socket inherited the selection (S8)",
            selection == Some(SAN_EVENTS),
        );
        (&*self.provider.stream(accepted)?).write_all(b"hello")?;
        let mut heard = [0; 5];
        client.read_exact(&mut heard)?;
        self.promise("the client hears the accepted socket say hello", heard == *b"hello");

        let before = self.timeline.counts().begun;
        let clients = [self.client(address)?, self.client(address)?];
        let arrived = self.timeline.wait_for_records(before + clients.len());
        self.check("both connections are recorded", arrived);
        self.wait(&event, SOON)?;
        self.report(listener, &event, "FD_ACCEPT: success")?;
        self.promise("two connections are one FD_ACCEPT (R3)", !event.object.is_set());
        self.accept(listener)?;
        self.promise("one still waits, and that is signaled anew (L2)", event.object.is_set());
        self.wait(&event, SOON)?;
        self.report(listener, &event, "FD_ACCEPT: success")?;
        self.accept(listener)?;
        self.promise("none waits, and nothing is signaled (E5)", !event.object.is_set());
        self.report(listener, &event, "no network events")?;
        let one_more = self.provider.accept(listener);
        self.check("a further accept would block", one_more == Err(WsaError::WSAEWOULDBLOCK));
        Ok(self.provider.close_socket(listener)?)
    }

    fn connect_sockets(&self) -> Result {
        let event = self.event()?;
        let peer = TcpListener::bind(ANY_PORT)?;
        let s = self.socket("socket 1", &event)?;
        self.connect(s, peer.local_addr()?)?;
        self.wait(&event, SOON)?;
        self.report(s, &event, "FD_CONNECT: success")?;
        self.promise("the event object is reset (E4)", !event.object.is_set());
        let connected_to = self.provider.stream(s)?.peer_addr()?.as_socket();
        self.promise("the socket is connected", connected_to == Some(peer.local_addr()?));

        // Bound and not listening: a closed port, which nobody else can open meanwhile.
        let closed = self.provider.create_socket()?;
        self.provider.bind(closed, ANY_PORT)?;
        let t = self.socket("socket 2", &event)?;
        self.connect(t, self.provider.local_address(closed)?)?;
        self.wait(&event, UNTIL_REFUSED)?;
        self.report(t, &event, "FD_CONNECT: WSAECONNREFUSED (10061)")?;
        self.report(t, &event, "no network events")?;
        self.promise("what was reported is not reported again (E3)", !event.object.is_set());
        for s in [s, closed, t] {
            self.provider.close_socket(s)?;
        }
        Ok(())
    }

    fn share_an_event_object(&self) -> Result {
        const SOCKETS: usize = 16;
        self.timeline.be_brief();
        let event = self.event()?;
        let peer = TcpListener::bind(ANY_PORT)?;
        let mut sockets = Vec::new();
        for n in 1..=SOCKETS {
            sockets.push(self.socket(&format!("socket {n}"), &event)?);
        }
        self.timeline.tell("switch", format_args!("connect {SOCKETS} sockets"));
        for &s in &sockets {
            self.connect(s, peer.local_addr()?)?;
        }

        let mut reports = [0; SOCKETS];
        while reports.contains(&0) {
            self.wait(&event, SOON)?;
            // P3: one reset, and every socket is looked at after it. If the other enumerations reset the
            // event object too, they could wipe out what it says of a socket that they do not look at.
            let mut to_reset = event.handle;
            let mut in_this_pass = 0;
            for (&s, reports) in sockets.iter().zip(&mut reports) {
                let written = self.enumerate(s, to_reset)?;
                to_reset = ptr::null_mut();
                if !written.events().is_empty() {
                    self.check_text(&written, "FD_CONNECT: success");
                    *reports += 1;
                    in_this_pass += 1;
                }
            }
            self.timeline
                .tell("switch", format_args!("enumerate all {SOCKETS}: {in_this_pass} report"));
        }
        self.promise("every socket was reported once (P3)", reports == [1; SOCKETS]);
        for s in sockets {
            self.provider.close_socket(s)?;
        }
        Ok(())
    }

    fn connect_during_a_report(&self) -> Result {
        let event = self.event()?;
        let (listener, address) = self.listener(&event)?;
        let _first = self.client(address)?;
        self.wait(&event, SOON)?;

        // ResetEvent has been called, and has not yet reset: the one moment at which a wake-up can be
        // wiped out. A client connects, and only when that is recorded does the reset go on.
        let (meanwhile, came) = mpsc::channel();
        let stage = self.clone();
        event.object.interrupt_next_reset(move || {
            stage.promise_cleared(listener);
            let before = stage.timeline.counts().begun;
            let client = stage.client(address);
            let recorded = stage.timeline.wait_for_records(before + 1);
            stage.check("the connection is recorded before the reset", recorded);
            let kept = stage.record_of(listener, |record| record.recorded());
            stage.check("it is in the record (E3)", kept == Some(NetworkEvents::FD_ACCEPT));
            let _sent = meanwhile.send(client);
        });
        self.report(listener, &event, "FD_ACCEPT: success")?;
        let _second = came.try_recv()??;
        self.promise("the connection that came meanwhile is signaled (E5)", event.object.is_set());
        self.wait(&event, SOON)?;
        self.report(listener, &event, "FD_ACCEPT: success")?;

        // Accepting one records FD_ACCEPT for the other (L2), and accepting that withdraws it.
        self.accept(listener)?;
        self.accept(listener)?;
        self.promise("withdrawing does not reset (R7)", event.object.is_set());
        self.report(listener, &event, "no network events")?;
        self.promise("an empty report does (E8)", !event.object.is_set());
        Ok(self.provider.close_socket(listener)?)
    }

    fn go_down(&self) -> Result {
        let event = self.event()?;
        let (listener, _) = self.listener(&event)?;
        self.timeline.tell("provider", "the network is down");
        self.provider.network_down();
        self.wait(&event, SOON)?;

        self.timeline.tell("switch", "WSPEnumNetworkEvents(listener) with a null lpNetworkEvents");
        let answer = self.switch.enum_network_events_to_null(listener, event.handle);
        self.answer(answer, Answer::error(WsaError::WSAEINVAL));
        self.promise("the call that failed did not reset (E7)", event.object.is_set());
        self.report(listener, &event, "FD_ACCEPT: WSAENETDOWN (10050)")?;

        let duplicate = self.provider.duplicate(listener)?;
        self.timeline.name(duplicate, "its duplicate");
        self.timeline.tell("switch", "duplicate listener, and close it");
        self.provider.close_socket(listener)?;
        self.both_fail(listener, &event, WsaError::WSAENOTSOCK);
        self.report(duplicate, &event, "no network events")?;

        self.timeline.tell("provider", "the network subsystem fails");
        self.provider.fail();
        // Of the closed descriptor, too: that is looked at first (E9).
        self.both_fail(duplicate, &event, WsaError::WSAENETDOWN);
        self.both_fail(listener, &event, WsaError::WSAENETDOWN);
        Ok(())
    }
}

/// What the scenes are made of.
impl Stage {
    fn event(&self) -> Result<Event> {
        let object = Arc::new(TracedEvent::new(&self.timeline));
        let handle = self.provider.create_event(object.clone())?;
        Ok(Event { object, handle })
    }

    /// A socket for which the SAN events are selected.
    fn socket(&self, name: &str, event: &Event) -> Result<SOCKET> {
        let s = self.provider.create_socket()?;
        self.timeline.name(s, name);
        self.timeline.note("switch", format_args!("WSPEventSelect({name}): {SAN_EVENTS}"));
        let answer = self.switch.event_select(s, event.handle, SAN_EVENTS);
        self.check("WSPEventSelect succeeds (E10)", answer == Answer::SUCCESS);
        Ok(s)
    }

    fn listener(&self, event: &Event) -> Result<(SOCKET, SocketAddr)> {
        let s = self.socket("listener", event)?;
        self.timeline.tell("switch", "bind and listen");
        self.provider.bind(s, ANY_PORT)?;
        self.provider.listen(s)?;
        Ok((s, self.provider.local_address(s)?))
    }

    fn client(&self, address: SocketAddr) -> io::Result<TcpStream> {
        self.timeline.tell("client", "connect");
        let client = TcpStream::connect_timeout(&address, self.timeline.patience(SOON))?;
        client.set_read_timeout(Some(SOON))?;
        self.timeline.count(|counts| counts.connections += 1);
        Ok(client)
    }

    fn connect(&self, s: SOCKET, peer: SocketAddr) -> Result {
        self.timeline.note("switch", format_args!("connect {}", self.timeline.name_of(s)));
        Ok(self.provider.connect(s, peer)?)
    }

    fn accept(&self, listener: SOCKET) -> Result<SOCKET> {
        self.timeline.tell("switch", "accept a connection");
        Ok(self.provider.accept(listener)?)
    }

    fn wait(&self, event: &Event, limit: Duration) -> Result {
        self.timeline.tell("switch", "wait for the event object");
        if event.object.wait(limit) {
            self.timeline.tell("switch", "the event object is set");
            Ok(())
        } else {
            Err("the event object was not set in time".into())
        }
    }

    fn enumerate(&self, s: SOCKET, event: WSAEVENT) -> Result<Written> {
        let name = self.timeline.name_of(s);
        self.timeline.note("switch", format_args!("WSPEnumNetworkEvents({name})"));
        let (answer, written) = self.switch.enum_network_events(s, event);
        if answer != Answer::SUCCESS {
            return Err(format!("WSPEnumNetworkEvents({name}) answered {answer}").into());
        }
        self.timeline.note("switch", format_args!("report: {written}"));
        self.timeline.count(|counts| counts.reports += 1);
        self.check("nothing is written but what is reported (E2)", written.is_exact());
        Ok(written)
    }

    fn report(&self, s: SOCKET, event: &Event, expected: &str) -> Result {
        let written = self.enumerate(s, event.handle)?;
        self.check_text(&written, expected);
        Ok(())
    }

    fn check_text(&self, written: &Written, expected: &str) {
        let promise = format_args!("the report is: {expected}");
        self.check(promise, written.to_string() == expected);
    }

    /// Both calls answer with this error, and leave the output alone (E7, E9).
    fn both_fail(&self, s: SOCKET, event: &Event, error: WsaError) {
        let name = self.timeline.name_of(s);
        self.timeline.tell("switch", format_args!("WSPEventSelect({name})"));
        let answer = self.switch.event_select(s, event.handle, SAN_EVENTS);
        self.answer(answer, Answer::error(error));
        self.timeline.tell("switch", format_args!("WSPEnumNetworkEvents({name})"));
        let (answer, written) = self.switch.enum_network_events(s, event.handle);
        self.answer(answer, Answer::error(error));
        self.check("a failed call writes nothing (E7)", written.is_untouched());
    }

    fn answer(&self, answer: Answer, expected: Answer) {
        self.timeline.tell("switch", format_args!("  answers {answer}"));
        self.check(format_args!("the answer is {expected} (E9)"), answer == expected);
    }

    /// Looks at a record from outside, without taking anything.
    fn record_of(
        &self,
        s: SOCKET,
        look: fn(&NetworkEventRecorder<Signal>) -> NetworkEvents,
    ) -> Option<NetworkEvents> {
        let socket = self.provider.socket(s)?;
        Some(look(LoopbackProvider::recorder(&socket)))
    }

    /// To be called in the middle of a report.
    fn promise_cleared(&self, s: SOCKET) {
        let left = self.record_of(s, |record| record.recorded()).unwrap_or(SAN_EVENTS);
        self.timeline.tell("provider", format_args!("clear: the record holds {left}"));
        self.promise("the record is clear when ResetEvent is called (E4)", left.is_empty());
    }

    fn promise(&self, promise: &str, kept: bool) {
        self.timeline.promise(promise, kept);
    }

    fn check(&self, promise: impl Display, kept: bool) {
        self.timeline.check(promise, kept);
    }
}
