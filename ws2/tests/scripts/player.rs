//! Plays a script in a world: the sockets, their peers, and the event objects e and f.

use std::collections::VecDeque;
use std::fmt;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use wsp_events::{INVALID_SOCKET, SOCKET, WSAEVENT, WsaError};

use super::script::{Handle, Late, NO_SOCKET, Number, Op, Port};
use super::world::{ANY_PORT, Event, World, patient, reset, send_oob};
use ws2::switch::Answer;
use ws2::{MSG_OOB, MSG_PEEK};

/// All that a program could see of a step, in one world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    /// The answer and the outputs of the call, if the operation is a call on a socket.
    pub(crate) call: String,
    /// Whether e and f are set, once the world has come to rest.
    pub(crate) set: [bool; 2],
}

/// `0, FD_READ: success, set: e`.
impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.call.is_empty() { "" } else { ", " };
        let set = match self.set {
            [false, false] => "none",
            [true, false] => "e",
            [false, true] => "f",
            [true, true] => "e f",
        };
        write!(f, "{}{separator}set: {set}", self.call)
    }
}

pub(crate) struct Player<W: World> {
    world: &'static W,
    pub(crate) sockets: Vec<Socket>,
    pub(crate) events: [Event; 2],
    closed_events: [bool; 2],
    /// Sockets that are bound, so that nobody listens at their ports.
    ports: Vec<socket2::Socket>,
    /// What the peers send next: never the same twice in a row, so that bytes tell where they come from.
    letter: u8,
}

pub(crate) struct Socket {
    pub(crate) s: SOCKET,
    open: bool,
    address: Option<SocketAddr>,
    /// Of a listener: clients whose connections are not accepted yet.
    clients: VecDeque<TcpStream>,
    peer: Option<TcpStream>,
    /// How much was sent to the peer that it has not read.
    unheard: usize,
}

impl Socket {
    fn peer(&self) -> &TcpStream {
        self.peer.as_ref().expect("the socket of the script has a peer")
    }
}

impl<W: World> Player<W> {
    pub(crate) fn new(world: &'static W) -> Self {
        Self {
            world,
            sockets: Vec::new(),
            events: [world.event(), world.event()],
            closed_events: [false; 2],
            ports: Vec::new(),
            letter: b'a',
        }
    }

    /// Does it, and lets the world come to rest.
    pub(crate) fn play(&mut self, op: Op) -> Observation {
        let call = self.act(op);
        // These only change this process: their effect is there when they return.
        if !matches!(
            op,
            Op::NewListener | Op::NewSocket | Op::AppResets(_) | Op::AppSets(_) | Op::CloseEvent(_)
        ) {
            self.world.settle();
        }
        Observation { call, set: self.events_set() }
    }

    pub(crate) fn settle(&self) {
        self.world.settle();
    }

    pub(crate) fn events_set(&self) -> [bool; 2] {
        self.events.each_ref().map(Event::is_set)
    }

    /// What the call shows, if it is a call on a socket.
    fn act(&mut self, op: Op) -> String {
        match op {
            Op::NewListener => {
                let (s, address) = self.world.listener();
                self.add(s, None).address = Some(address);
            }
            Op::NewSocket => {
                self.add(self.world.socket(), None);
            }
            Op::NewConnected => {
                let listener = TcpListener::bind(ANY_PORT).unwrap();
                let s = self.world.socket_connected_to(listener.local_addr().unwrap());
                let (peer, _) = listener.accept().unwrap();
                self.add(s, Some(peer));
            }
            Op::NewRefused => {
                let s = self.world.socket_connected_to(self.closed_port());
                self.add(s, None);
            }
            Op::Select(s, events, e) => {
                return W::SWITCH.event_select(self.s(s), self.handle(e), events).to_string();
            }
            Op::Enumerate(s, e) => return self.enumerate(s, e),
            Op::EnumerateWhile(s, e, late) => return self.enumerate_while(s, e, late),
            Op::EnumerateToNull(s, e) => {
                return W::SWITCH
                    .enum_network_events_to_null(self.s(s), self.handle(e))
                    .to_string();
            }
            Op::Connect(s, port) => return self.connect(s, port),
            Op::PeerConnects(s) => {
                let client = TcpStream::connect(self.sockets[s].address.unwrap()).unwrap();
                self.sockets[s].clients.push_back(patient(client));
            }
            Op::Accept(s) => {
                let accepted = self.world.accept(self.s(s));
                let peer = accepted.ok().and_then(|_| self.sockets[s].clients.pop_front());
                self.add(accepted.unwrap_or(INVALID_SOCKET), peer).open = accepted.is_ok();
                return shown(accepted.map(|_| 0));
            }
            Op::PeerSends(s, length) => {
                let bytes = self.letters(length);
                self.sockets[s].peer().write_all(&bytes).unwrap();
            }
            Op::PeerSendsOob(s) => send_oob(self.sockets[s].peer()),
            Op::Recv(s, length) => return self.recv(s, length, 0),
            Op::Peek(s, length) => return self.recv(s, length, MSG_PEEK),
            Op::RecvOob(s) => return self.recv(s, 1, MSG_OOB),
            Op::Send(s, length) => {
                let sent = self.world.send(self.s(s), &vec![b's'; length]);
                self.sockets[s].unheard += sent.unwrap_or(0);
                return shown(sent);
            }
            Op::FillSendBuffer(s) => return self.fill(s),
            Op::PeerDrains(s) => self.drain(s),
            Op::FillAndDrain(s) => {
                let filled = self.fill(s);
                self.drain(s);
                return filled;
            }
            Op::PeerCloses(s) => self.sockets[s].peer = None,
            Op::PeerShutsDown(s) => self.sockets[s].peer().shutdown(Shutdown::Write).unwrap(),
            Op::PeerResets(s) => reset(self.sockets[s].peer.take().unwrap()),
            Op::ShutDownSend(s) => {
                return shown(self.world.shut_down_send(self.s(s)).map(|()| 0));
            }
            Op::CloseSocket(s) => {
                self.sockets[s].open = false;
                return shown(self.world.close(self.s(s)).map(|()| 0));
            }
            Op::AppResets(e) => self.events[e.index().unwrap()].reset(),
            Op::AppSets(e) => self.events[e.index().unwrap()].set(),
            Op::CloseEvent(e) => {
                self.world.close_event(self.handle(e));
                self.closed_events[e.index().unwrap()] = true;
            }
        }
        String::new()
    }

    fn add(&mut self, s: SOCKET, peer: Option<TcpStream>) -> &mut Socket {
        let (address, clients) = (None, VecDeque::new());
        let peer = peer.map(patient);
        self.sockets.push(Socket { s, open: true, address, clients, peer, unheard: 0 });
        self.sockets.last_mut().unwrap()
    }

    fn s(&self, number: Number) -> SOCKET {
        if number == NO_SOCKET { self.world.no_socket() } else { self.sockets[number].s }
    }

    fn handle(&self, e: Handle) -> WSAEVENT {
        match e {
            Handle::E => self.events[0].handle,
            Handle::F => self.events[1].handle,
            Handle::Null => WSAEVENT::NULL,
            // More than this process ever opens.
            Handle::Bad => WSAEVENT(0xBAD_BAD0),
        }
    }

    fn enumerate(&self, s: Number, e: Handle) -> String {
        let (answer, written) = W::SWITCH.enum_network_events(self.s(s), self.handle(e));
        let mut shown = format!("{answer}, {written}");
        if !written.is_untouched() && !written.is_exact() {
            shown += &format!(", but not exactly (E2): {written:?}");
        }
        shown
    }

    fn enumerate_while(&mut self, s: Number, e: Handle, late: Late) -> String {
        let (world, clients) = (self.world, Arc::new(Mutex::new(None)));
        let arrive: Box<dyn FnOnce() + Send> = match late {
            Late::Connection => {
                let address = self.sockets[s].address.unwrap();
                let clients = Arc::clone(&clients);
                Box::new(move || {
                    *clients.lock().unwrap() = Some(TcpStream::connect(address).unwrap());
                })
            }
            Late::Data => {
                let bytes = self.letters(1);
                let mut peer = self.sockets[s].peer().try_clone().unwrap();
                Box::new(move || peer.write_all(&bytes).unwrap())
            }
            Late::OobData => {
                let peer = self.sockets[s].peer().try_clone().unwrap();
                Box::new(move || send_oob(&peer))
            }
        };
        // And wait until it is recorded.
        let arrive: Box<dyn FnOnce() + Send> = Box::new(move || {
            arrive();
            world.settle();
        });
        let hook = e.index().and_then(|at| self.events[at].at_reset.clone()).unwrap_or_default();
        *hook.lock().unwrap() = Some(arrive);
        let seen = self.enumerate(s, e);
        // It arrives now if nothing was reset, or if this world has no hook.
        let left = hook.lock().unwrap().take();
        if let Some(arrive) = left {
            arrive();
        }
        let client = clients.lock().unwrap().take();
        self.sockets[s].clients.extend(client.map(patient));
        seen
    }

    fn connect(&mut self, s: Number, port: Port) -> String {
        let answer = match port {
            Port::Closed => {
                let address = self.closed_port();
                self.world.connect(self.s(s), address)
            }
            Port::Open => {
                let listener = TcpListener::bind(ANY_PORT).unwrap();
                let answer = self.world.connect(self.s(s), listener.local_addr().unwrap());
                if answer == Err(WsaError::WSAEWOULDBLOCK) {
                    self.sockets[s].peer = Some(patient(listener.accept().unwrap().0));
                }
                answer
            }
        };
        shown(answer.map(|()| 0))
    }

    fn recv(&self, s: Number, length: usize, flags: i32) -> String {
        let mut bytes = vec![0; length];
        let received = self.world.recv(self.s(s), &mut bytes, flags);
        bytes.truncate(received.unwrap_or(0));
        format!("{}, {:?}", shown(received), String::from_utf8_lossy(&bytes))
    }

    /// How much there was room for depends on the system: only the end is shown. The peer's side takes more in bit by
    /// bit, so it is the end when several sends in a row find no room.
    fn fill(&mut self, s: Number) -> String {
        let mut refusals = 0;
        loop {
            match self.world.send(self.s(s), &[b's'; 64 * 1024]) {
                Ok(sent) => {
                    self.sockets[s].unheard += sent;
                    refusals = 0;
                }
                Err(WsaError::WSAEWOULDBLOCK) if refusals < 3 => {
                    refusals += 1;
                    thread::sleep(Duration::from_millis(2));
                }
                refused => return shown(refused),
            }
        }
    }

    fn drain(&mut self, s: Number) {
        let mut heard = vec![0; self.sockets[s].unheard];
        self.sockets[s].peer().read_exact(&mut heard).unwrap();
        assert!(heard.iter().all(|byte| *byte == b's'), "the peer hears what was sent");
        self.sockets[s].unheard = 0;
    }

    fn letters(&mut self, length: usize) -> Vec<u8> {
        let mut next = || {
            self.letter = if self.letter == b'z' { b'a' } else { self.letter + 1 };
            self.letter
        };
        (0..length).map(|_| next()).collect()
    }

    fn closed_port(&mut self) -> SocketAddr {
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&ANY_PORT.into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        self.ports.push(socket);
        address
    }
}

impl<W: World> Drop for Player<W> {
    fn drop(&mut self) {
        for socket in self.sockets.iter().filter(|socket| socket.open) {
            let _ = self.world.close(socket.s);
        }
        for (event, closed) in self.events.iter().zip(self.closed_events) {
            if !closed {
                self.world.close_event(event.handle);
            }
        }
    }
}

/// The answer of a call that is no WSP function here, as if it were.
fn shown(result: Result<usize, WsaError>) -> String {
    match result {
        Ok(length) => length.to_string(),
        Err(error) => Answer::error(error).to_string(),
    }
}
