//! One provider for all the tests, as in a process of programs, and what the tests are made of: peers that
//! are plain sockets of the OS, event objects, and waits that have a limit.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;
use wsp_events::spi::{WSPEnumNetworkEvents, WSPEventSelect};
use wsp_events::{
    ManualResetEvent, NetworkEventRecorder, NetworkEvents, Provider, SOCKET, WSAEVENT, WsaError,
};

use ws2::switch::{Answer, Switch, Written};
use ws2::{Happening, LoopbackProvider, MSG_PEEK, Model, Signal};

pub(crate) const ACCEPT: NetworkEvents = NetworkEvents::FD_ACCEPT;
pub(crate) const CONNECT: NetworkEvents = NetworkEvents::FD_CONNECT;
pub(crate) const READ: NetworkEvents = NetworkEvents::FD_READ;
pub(crate) const WRITE: NetworkEvents = NetworkEvents::FD_WRITE;
pub(crate) const OOB: NetworkEvents = NetworkEvents::FD_OOB;
pub(crate) const CLOSE: NetworkEvents = NetworkEvents::FD_CLOSE;
pub(crate) const ALL: NetworkEvents = NetworkEvents::FD_ALL_EVENTS;

pub(crate) const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What has not happened by then does not happen: only a test that fails waits that long.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) const SWITCH: Switch = Switch {
    event_select: WSPEventSelect::<LoopbackProvider>,
    enum_network_events: WSPEnumNetworkEvents::<LoopbackProvider>,
};

pub(crate) fn provider() -> &'static LoopbackProvider {
    static PROVIDER: OnceLock<Arc<LoopbackProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        let observer = |s, happening: &Happening<'_>| {
            if let Happening::Ready = happening {
                *READY.lock().unwrap().entry(s).or_default() += 1;
            }
        };
        ws2::startup(LoopbackProvider::new(Model::Streams, observer).unwrap())
    })
}

/// How often the poller has told of each socket.
static READY: Mutex<BTreeMap<SOCKET, usize>> = Mutex::new(BTreeMap::new());

/// Waits until it is so.
#[track_caller]
pub(crate) fn until(what: &str, so: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !so() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// An event object, and the handle that the provider knows it by.
pub(crate) struct Event {
    pub(crate) object: Arc<ManualResetEvent>,
    pub(crate) handle: WSAEVENT,
}

impl Event {
    pub(crate) fn new() -> Self {
        let object = Arc::new(ManualResetEvent::new());
        let handle = provider().create_event(object.clone()).unwrap();
        Self { object, handle }
    }

    #[track_caller]
    pub(crate) fn wait(&self) {
        assert!(self.object.wait_timeout(LIMIT), "the event object was not set");
    }

    pub(crate) fn is_set(&self) -> bool {
        self.object.is_set()
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // One test has closed it itself.
        let _closed = provider().close_event(self.handle);
    }
}

/// A socket of the provider, closed at the end of its test.
pub(crate) struct Socket(pub(crate) SOCKET);

impl Socket {
    pub(crate) fn new() -> Self {
        Self(provider().create_socket().unwrap())
    }

    /// A socket that is connected, to this peer.
    pub(crate) fn connected() -> (Self, TcpStream) {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let s = Self::new();
        provider().connect(s.0, listener.local_addr().unwrap()).unwrap();
        let (peer, _) = listener.accept().unwrap();
        s.wait_recorded(CONNECT);
        (s, patient(peer))
    }

    /// As [`connected`](Self::connected), with these events selected, and the event object reset.
    pub(crate) fn selected(events: NetworkEvents) -> (Self, TcpStream, Event) {
        let (s, peer) = Self::connected();
        let e = Event::new();
        s.select(events, &e);
        // What the connecting has left: FD_CONNECT and FD_WRITE.
        s.enumerate(e.handle);
        (s, peer, e)
    }

    pub(crate) fn listening(events: NetworkEvents) -> (Self, SocketAddr, Event) {
        let (s, e) = (Self::new(), Event::new());
        provider().bind(s.0, ANY_PORT).unwrap();
        provider().listen(s.0).unwrap();
        s.select(events, &e);
        let address = provider().local_address(s.0).unwrap();
        (s, address, e)
    }

    pub(crate) fn accept(&self) -> Self {
        Self(provider().accept(self.0).unwrap())
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

    #[track_caller]
    pub(crate) fn report_without_reset(&self) -> String {
        self.enumerate(WSAEVENT::NULL).to_string()
    }

    /// Waits for the event object, and takes the report.
    #[track_caller]
    pub(crate) fn next_report(&self, event: &Event) -> String {
        event.wait();
        self.report(event)
    }

    /// Whatever there is in the poller is recorded, and it is nothing.
    #[track_caller]
    pub(crate) fn assert_quiet(&self, event: &Event) {
        fence();
        assert!(!event.is_set(), "the event object is set");
        assert_eq!(self.report(event), "no network events");
    }

    /// The poller has told what there is, and is not made to tell it again and again.
    #[track_caller]
    pub(crate) fn assert_poller_rests(&self) {
        let ready = || READY.lock().unwrap().get(&self.0).copied();
        fence();
        let before = ready();
        fence();
        assert_eq!(ready(), before, "the poller tells of the socket for ever");
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

    /// Waits until so many bytes can be received, without a call on the provider's socket.
    #[track_caller]
    pub(crate) fn wait_received(&self, length: usize) {
        let stream = provider().stream(self.0).unwrap();
        until("the data comes", || {
            let mut buffer = [std::mem::MaybeUninit::uninit(); 64];
            stream.recv_with_flags(&mut buffer, MSG_PEEK).is_ok_and(|there| there >= length)
        });
    }

    /// Sends until there is no more room; how much.
    pub(crate) fn fill(&self) -> usize {
        let mut sent = 0;
        loop {
            match self.send(&[b'f'; 16 * 1024]) {
                Ok(length) => sent += length,
                Err(error) => {
                    assert_eq!(error, WsaError::WSAEWOULDBLOCK);
                    return sent;
                }
            }
        }
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
        look(LoopbackProvider::recorder_of(&provider().find_socket(self.0).unwrap()))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Some tests have closed it themselves.
        let _closed = provider().close_socket(self.0);
    }
}

/// A peer that does not wait for ever.
pub(crate) fn patient(peer: TcpStream) -> TcpStream {
    peer.set_read_timeout(Some(LIMIT)).unwrap();
    peer.set_write_timeout(Some(LIMIT)).unwrap();
    peer.set_nodelay(true).unwrap();
    peer
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    patient(TcpStream::connect(address).unwrap())
}

/// What the peer hears, so many bytes of it.
#[track_caller]
pub(crate) fn hear(mut peer: &TcpStream, length: usize) -> Vec<u8> {
    let mut heard = vec![0; length];
    peer.read_exact(&mut heard).unwrap();
    heard
}

/// Resets the connection.
pub(crate) fn reset(peer: TcpStream) {
    SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
}

/// Lets the poller's thread come to the end of what it had before: it goes twice round with a socket of the
/// fence's own. A definite later happening, so that nobody has to sleep to see that nothing happens.
#[track_caller]
fn fence() {
    let (s, mut peer, e) = Socket::selected(READ);
    for _ in 0..2 {
        peer.write_all(b"-").unwrap();
        assert_eq!(s.next_report(&e), "FD_READ: success");
        assert_eq!(s.recv(2, 0).unwrap(), b"-");
    }
}
