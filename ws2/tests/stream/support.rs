//! What the tests are made of: sockets of the provider, peers that are plain sockets of the OS, and waits that
//! have a limit.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Instant;

use wsp_events::{NetworkEventRecorder, NetworkEvents, Provider, SOCKET, WSAEVENT, WsaError};

use crate::scripts::measured::Step;
use crate::scripts::ours::READY;
use crate::scripts::player::Player;
use crate::scripts::script::{Late, Op};
use crate::scripts::world::{Event, LIMIT, patient};
use ws2::switch::{Answer, Switch, Written};
use ws2::{SEES_OOB_AT_ONCE, Signal, Winsock};

pub(crate) use crate::scripts::ours::{Ours, provider};
pub(crate) use crate::scripts::script::{ACCEPT, ALL, CLOSE, CONNECT, OOB, READ, WRITE};
pub(crate) use crate::scripts::world::{ANY_PORT, World, reset, send_oob, until};

pub(crate) const SWITCH: Switch = Ours::SWITCH;

/// What a non-blocking connect answers.
pub(crate) const STARTED: Result<(), WsaError> = Err(WsaError::WSAEWOULDBLOCK);

/// Our provider shows what the steps say.
#[track_caller]
pub(crate) fn agree(steps: &[Step]) {
    let with_oob = |op| matches!(op, Op::PeerSendsOob(_) | Op::EnumerateWhile(_, _, Late::OobData));
    if !SEES_OOB_AT_ONCE && steps.iter().any(|&(op, _)| with_oob(op)) {
        return;
    }
    let mut ours = Player::new(&Ours);
    for (at, &(op, expected)) in steps.iter().enumerate() {
        let mut seen = ours.play(op);
        let agrees = |seen: &_| expected.is_empty() || format!("{seen}") == expected;
        let deadline = Instant::now() + LIMIT;
        while !agrees(&seen) && Instant::now() < deadline {
            ours.settle();
            seen.set = ours.events_set();
        }
        assert!(agrees(&seen), "step {}, {op:?}: {seen}", at + 1);
    }
}

/// Our provider shows this at the last step.
#[track_caller]
pub(crate) fn differ(script: &[Op], _winsock: &str, ours: &'static str) {
    let mut steps: Vec<_> = script.iter().map(|&op| (op, "")).collect();
    steps.last_mut().unwrap().1 = ours;
    agree(&steps);
}

/// A socket of the provider, closed at the end of its test.
pub(crate) struct Socket(pub(crate) SOCKET);

impl Socket {
    pub(crate) fn new() -> Self {
        Self(Ours.socket())
    }

    /// A socket that is connected, with these events selected and the event object reset; and its peer.
    pub(crate) fn selected(events: NetworkEvents) -> (Self, TcpStream, Event) {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let s = Self(Ours.socket_connected_to(listener.local_addr().unwrap()));
        let (peer, _) = listener.accept().unwrap();
        let e = Ours.event();
        s.select(events, &e);
        // What connecting has left: FD_CONNECT and FD_WRITE.
        s.enumerate(e.handle);
        (s, patient(peer), e)
    }

    pub(crate) fn listening(events: NetworkEvents) -> (Self, SocketAddr, Event) {
        let (s, address) = Ours.listener();
        let (s, e) = (Self(s), Ours.event());
        s.select(events, &e);
        (s, address, e)
    }

    pub(crate) fn connect(&self, address: SocketAddr) -> Result<(), WsaError> {
        provider().connect(self.0, address)
    }

    pub(crate) fn accept(&self) -> Self {
        Self(provider().accept(self.0).unwrap().0)
    }

    #[track_caller]
    pub(crate) fn select(&self, events: NetworkEvents, event: &Event) {
        assert_eq!(SWITCH.event_select(self.0, event.handle, events), Answer::SUCCESS);
    }

    #[track_caller]
    fn enumerate(&self, event: WSAEVENT) -> Written {
        let (answer, written) = SWITCH.enum_network_events(self.0, event);
        assert_eq!(answer, Answer::SUCCESS);
        assert!(written.is_exact(), "something is written that is not reported (E2)");
        written
    }

    /// The report, as text.
    #[track_caller]
    pub(crate) fn report(&self, event: &Event) -> String {
        self.enumerate(event.handle).to_string()
    }

    /// Waits for the event object, and takes the report.
    #[track_caller]
    pub(crate) fn next_report(&self, event: &Event) -> String {
        event.wait();
        self.report(event)
    }

    /// Once all that has arrived is recorded, there is nothing to report.
    #[track_caller]
    pub(crate) fn assert_quiet(&self, event: &Event) {
        Ours.settle();
        assert!(!event.is_set(), "the event object is set");
        assert_eq!(self.report(event), "no network events");
    }

    /// The poller has reported what there is, and does not report it again and again.
    #[track_caller]
    pub(crate) fn assert_poller_rests(&self) {
        let ready = || READY.lock().unwrap().get(&self.0).copied();
        Ours.settle();
        let before = ready();
        Ours.settle();
        assert_eq!(ready(), before, "the poller reports the socket again and again");
    }

    pub(crate) fn send(&self, bytes: &[u8]) -> Result<usize, WsaError> {
        provider().send(self.0, bytes, 0)
    }

    /// Receives up to `length` bytes.
    pub(crate) fn recv(&self, length: usize, flags: i32) -> Result<Vec<u8>, WsaError> {
        let mut buffer = vec![0; length];
        let received = provider().recv(self.0, &mut buffer, flags)?;
        buffer.truncate(received);
        Ok(buffer)
    }

    /// Sends until there is no more room.
    pub(crate) fn fill(&self) {
        let refusal = loop {
            if let Err(error) = self.send(&[b'f'; 16 * 1024]) {
                break error;
            }
        };
        assert_eq!(refusal, WsaError::WSAEWOULDBLOCK);
    }

    /// Sends until the connection is found to be gone.
    #[track_caller]
    pub(crate) fn send_until_lost(&self) {
        until("sending fails", || {
            self.send(b"x").is_err_and(|error| error != WsaError::WSAEWOULDBLOCK)
        });
    }

    #[track_caller]
    pub(crate) fn wait_recorded(&self, events: NetworkEvents) {
        until("it is recorded", || self.with_record(|record| record.recorded().contains(events)));
    }

    pub(crate) fn with_record<R>(
        &self,
        look: impl FnOnce(&NetworkEventRecorder<Signal>) -> R,
    ) -> R {
        look(Winsock::recorder_of(&provider().find_socket(self.0).unwrap()))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Some tests have closed it themselves.
        let _closed = provider().close_socket(self.0);
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    patient(TcpStream::connect(address).unwrap())
}
