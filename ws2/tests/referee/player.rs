//! Plays a script in a world: the sockets, their peers, and the event objects e and f.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use socket2::SockRef;
use windows_sys::Win32::Networking::WinSock::WSAEWOULDBLOCK;
use wsp_events::{INVALID_SOCKET, NetworkEvents, SOCKET, WSAEVENT};

use crate::observation::{Answer, Observation};
use crate::script::{EventArg, EventName, Late, Op, Port};
use crate::world::{ANY_PORT, Event, LIMIT, World};
use ws2::{MSG_OOB, MSG_PEEK};

pub(crate) struct Player<W: World> {
    world: &'static W,
    sockets: Vec<Socket>,
    events: [Event; 2],
    closed_events: [bool; 2],
    /// Listeners of the peers, and ports that are bound so that nobody listens there.
    ports: Vec<socket2::Socket>,
    /// What the peers send next: never the same twice in a row, so that bytes tell where they come from.
    letter: u8,
}

struct Socket {
    s: SOCKET,
    open: bool,
    address: Option<SocketAddr>,
    /// Of a listener: those that nobody has accepted yet.
    clients: VecDeque<TcpStream>,
    peer: Option<TcpStream>,
    /// What was sent to the peer, and it has not read.
    unheard: usize,
}

impl Socket {
    fn peer(&self) -> &TcpStream {
        self.peer.as_ref().expect("the script lets a peer act that is not there")
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
    pub(crate) fn play(&mut self, op: &Op) -> Observation {
        let mut seen = self.act(op);
        // What only this process does has been done when it returns.
        if !matches!(
            op,
            Op::NewListener
                | Op::NewSocket
                | Op::SelectNoSocket { .. }
                | Op::EnumerateNoSocket { .. }
                | Op::EnumerateNoSocketToNull { .. }
                | Op::AppResets(_)
                | Op::AppSets(_)
                | Op::CloseEvent(_)
        ) {
            self.world.settle();
        }
        seen.set = self.events_set();
        seen
    }

    /// Of every socket what is recorded and selected, in a world that can be asked.
    pub(crate) fn reportable(&self) -> Vec<NetworkEvents> {
        self.sockets.iter().map(|socket| self.world.reportable(socket.s)).collect()
    }

    /// Sets one event object or both, as the application could.
    pub(crate) fn set_events(&self, set: [bool; 2]) {
        for (event, _) in self.events.iter().zip(set).filter(|(_, set)| *set) {
            event.set();
        }
    }

    pub(crate) fn settle(&self) {
        self.world.settle();
    }

    pub(crate) fn events_set(&self) -> [bool; 2] {
        self.events.each_ref().map(Event::is_set)
    }

    fn act(&mut self, op: &Op) -> Observation {
        match *op {
            Op::NewListener => {
                let (s, address) = self.world.listener();
                self.add(s, None).address = Some(address);
                Observation::default()
            }
            Op::NewSocket => {
                let s = self.world.socket();
                self.add(s, None);
                Observation::default()
            }
            Op::NewConnected => {
                let listener = TcpListener::bind(ANY_PORT).unwrap();
                let s = self.world.socket_connected_to(listener.local_addr().unwrap());
                let (peer, _) = listener.accept().unwrap();
                self.add(s, Some(peer));
                Observation::default()
            }
            Op::NewRefused => {
                let s = self.world.socket_connected_to(self.closed_port());
                self.add(s, None);
                Observation::default()
            }
            Op::Select { s, events, e } => self.select(self.sockets[s].s, events, e),
            Op::SelectNoSocket { events, e } => self.select(self.world.no_socket(), events, e),
            Op::Deselect { s } => {
                self.select(self.sockets[s].s, NetworkEvents::empty(), EventArg::Null)
            }
            Op::Enumerate { s, e } => self.enumerate(self.sockets[s].s, e),
            Op::EnumerateNoSocket { e } => self.enumerate(self.world.no_socket(), e),
            Op::EnumerateWhile { s, e, late } => self.enumerate_while(s, e, late),
            Op::EnumerateToNull { s, e } => self.enumerate_to_null(self.sockets[s].s, e),
            Op::EnumerateNoSocketToNull { e } => self.enumerate_to_null(self.world.no_socket(), e),
            Op::Connect { s, port } => self.connect(s, port),
            Op::PeerConnects { s } => {
                let client = TcpStream::connect(self.sockets[s].address.unwrap()).unwrap();
                self.sockets[s].clients.push_back(patient(client));
                Observation::default()
            }
            Op::Accept { s } => {
                let accepted = self.world.accept(self.sockets[s].s);
                let answer = Answer::of(accepted.map(|_| 0));
                let peer = accepted.ok().and_then(|_| self.sockets[s].clients.pop_front());
                self.add(accepted.unwrap_or(INVALID_SOCKET), peer).open = accepted.is_ok();
                Observation { answer: Some(answer), ..Default::default() }
            }
            Op::PeerSends { s, n } => {
                let bytes = self.letters(n);
                self.sockets[s].peer().write_all(&bytes).unwrap();
                Observation::default()
            }
            Op::PeerSendsOob { s } => {
                SockRef::from(self.sockets[s].peer()).send_out_of_band(b"!").unwrap();
                Observation::default()
            }
            Op::Recv { s, n } => self.recv(s, n, 0),
            Op::Peek { s, n } => self.recv(s, n, MSG_PEEK),
            Op::RecvOob { s } => self.recv(s, 1, MSG_OOB),
            Op::Send { s, n } => {
                let sent = self.world.send(self.sockets[s].s, &vec![b's'; n]);
                self.sockets[s].unheard += sent.unwrap_or(0);
                Observation { answer: Some(Answer::of(sent)), ..Default::default() }
            }
            Op::FillSendBuffer { s } => self.fill(s),
            Op::PeerDrains { s } => {
                self.drain(s);
                Observation::default()
            }
            Op::FillAndDrain { s } => {
                let seen = self.fill(s);
                self.drain(s);
                seen
            }
            Op::PeerCloses { s } => {
                self.sockets[s].peer = None;
                Observation::default()
            }
            Op::PeerShutsDown { s } => {
                self.sockets[s].peer().shutdown(Shutdown::Write).unwrap();
                Observation::default()
            }
            Op::PeerResets { s } => {
                SockRef::from(self.sockets[s].peer()).set_linger(Some(Duration::ZERO)).unwrap();
                self.sockets[s].peer = None;
                Observation::default()
            }
            Op::ShutDownSend { s } => {
                let done = self.world.shut_down_send(self.sockets[s].s);
                Observation { answer: Some(Answer::of(done.map(|()| 0))), ..Default::default() }
            }
            Op::CloseSocket { s } => {
                let closed = self.world.close(self.sockets[s].s);
                self.sockets[s].open = false;
                Observation { answer: Some(Answer::of(closed.map(|()| 0))), ..Default::default() }
            }
            Op::AppResets(event) => {
                self.events[event as usize].reset();
                Observation::default()
            }
            Op::AppSets(event) => {
                self.events[event as usize].set();
                Observation::default()
            }
            Op::CloseEvent(event) => {
                self.world.close_event(self.events[event as usize].handle);
                self.closed_events[event as usize] = true;
                Observation::default()
            }
        }
    }

    fn add(&mut self, s: SOCKET, peer: Option<TcpStream>) -> &mut Socket {
        let (address, clients) = (None, VecDeque::new());
        let peer = peer.map(patient);
        self.sockets.push(Socket { s, open: true, address, clients, peer, unheard: 0 });
        self.sockets.last_mut().unwrap()
    }

    fn handle(&self, e: EventArg) -> WSAEVENT {
        match e {
            EventArg::E => self.events[EventName::E as usize].handle,
            EventArg::F => self.events[EventName::F as usize].handle,
            EventArg::Null => WSAEVENT::NULL,
            // More than this process ever opens.
            EventArg::Bad => WSAEVENT(0xBAD_BAD0),
        }
    }

    fn select(&self, s: SOCKET, events: NetworkEvents, e: EventArg) -> Observation {
        let answer = self.world.event_select(s, self.handle(e), events);
        Observation { answer: Some(answer), ..Default::default() }
    }

    fn enumerate(&self, s: SOCKET, e: EventArg) -> Observation {
        let (answer, written) = self.world.enum_network_events(s, self.handle(e));
        Observation { answer: Some(answer), written: Some(written), ..Default::default() }
    }

    fn enumerate_to_null(&self, s: SOCKET, e: EventArg) -> Observation {
        let answer = self.world.enum_network_events_to_null(s, self.handle(e));
        Observation { answer: Some(answer), ..Default::default() }
    }

    fn enumerate_while(&mut self, s: usize, e: EventArg, late: Late) -> Observation {
        let (world, clients) = (self.world, Arc::new(Mutex::new(None)));
        let come: Box<dyn FnOnce() + Send> = match late {
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
                Box::new(move || {
                    SockRef::from(&peer).send_out_of_band(b"!").unwrap();
                })
            }
        };
        let come: Box<dyn FnOnce() + Send> = Box::new(move || {
            come();
            // Until it is recorded.
            world.settle();
        });
        let event = e.name().map(|name| &self.events[name as usize]);
        let seen = match event.and_then(|event| event.at_reset.as_ref()) {
            Some(hook) => {
                *hook.lock().unwrap() = Some(come);
                let seen = self.enumerate(self.sockets[s].s, e);
                // It comes all the same when nothing was reset.
                let left = hook.lock().unwrap().take();
                if let Some(come) = left {
                    come();
                }
                seen
            }
            None => {
                let seen = self.enumerate(self.sockets[s].s, e);
                come();
                seen
            }
        };
        let client = clients.lock().unwrap().take();
        self.sockets[s].clients.extend(client.map(patient));
        seen
    }

    fn connect(&mut self, s: usize, port: Port) -> Observation {
        let answer = match port {
            Port::Closed => {
                let address = self.closed_port();
                self.world.connect(self.sockets[s].s, address)
            }
            Port::Open => {
                let listener = TcpListener::bind(ANY_PORT).unwrap();
                let address = listener.local_addr().unwrap();
                let answer = self.world.connect(self.sockets[s].s, address);
                if answer == Err(WSAEWOULDBLOCK) {
                    self.sockets[s].peer = Some(patient(listener.accept().unwrap().0));
                }
                answer
            }
        };
        Observation { answer: Some(Answer::of(answer.map(|()| 0))), ..Default::default() }
    }

    fn recv(&self, s: usize, n: usize, flags: i32) -> Observation {
        let mut bytes = vec![0; n];
        let received = self.world.recv(self.sockets[s].s, &mut bytes, flags);
        bytes.truncate(received.unwrap_or(0));
        let answer = Some(Answer::of(received));
        Observation { answer, bytes: Some(bytes), ..Default::default() }
    }

    /// How much there was room for is the system's business: only the end is shown.
    fn fill(&mut self, s: usize) -> Observation {
        let mut refusals = 0;
        let answer = loop {
            match self.world.send(self.sockets[s].s, &[b's'; 64 * 1024]) {
                Ok(sent) => self.sockets[s].unheard += sent,
                // The peer's side takes more in by and by.
                Err(WSAEWOULDBLOCK) if refusals < 3 => {
                    refusals += 1;
                    thread::sleep(Duration::from_millis(2));
                }
                Err(error) => break Answer::of(Err(error)),
            }
        };
        Observation { answer: Some(answer), ..Default::default() }
    }

    fn drain(&mut self, s: usize) {
        let mut heard = vec![0; self.sockets[s].unheard];
        self.sockets[s].peer().read_exact(&mut heard).unwrap();
        self.sockets[s].unheard = 0;
    }

    fn letters(&mut self, n: usize) -> Vec<u8> {
        let mut next = || {
            self.letter = if self.letter == b'z' { b'a' } else { self.letter + 1 };
            self.letter
        };
        (0..n).map(|_| next()).collect()
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

/// A peer that does not wait for ever, and sends at once.
fn patient(peer: TcpStream) -> TcpStream {
    peer.set_read_timeout(Some(LIMIT)).unwrap();
    peer.set_write_timeout(Some(LIMIT)).unwrap();
    peer.set_nodelay(true).unwrap();
    peer
}
