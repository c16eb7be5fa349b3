//! A world of sockets and event objects, and how it is brought to rest.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use wsp_events::{EventSignal, SOCKET, WSAEVENT, WsaError};

use super::script::READ;
use ws2::switch::{Answer, Switch};

pub(crate) const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What has not happened by then does not happen: only a test that fails waits that long.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Waits until the condition holds.
#[track_caller]
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The calls that a script is made of, as one implementation of Winsock has them.
pub(crate) trait World: Sync + 'static {
    /// WSPEventSelect and WSPEnumNetworkEvents.
    const SWITCH: Switch;

    /// A non-blocking socket that listens.
    fn listener(&self) -> (SOCKET, SocketAddr);
    /// A non-blocking socket.
    fn socket(&self) -> SOCKET;
    /// A socket whose attempt to connect has ended, in success or failure.
    fn socket_connected_to(&self, address: SocketAddr) -> SOCKET;
    fn connect(&self, s: SOCKET, address: SocketAddr) -> Result<(), WsaError>;
    fn accept(&self, s: SOCKET) -> Result<SOCKET, WsaError>;
    fn recv(&self, s: SOCKET, buffer: &mut [u8], flags: i32) -> Result<usize, WsaError>;
    fn send(&self, s: SOCKET, bytes: &[u8]) -> Result<usize, WsaError>;
    fn shut_down_send(&self, s: SOCKET) -> Result<(), WsaError>;
    fn close(&self, s: SOCKET) -> Result<(), WsaError>;

    fn event(&self) -> Event;
    fn close_event(&self, event: WSAEVENT);

    /// A number that never was a socket.
    fn no_socket(&self) -> SOCKET;

    fn fence(&self) -> &Mutex<Option<Fence>>;

    /// Waits until all that has arrived is recorded. In both worlds one thread learns what arrives (our
    /// poller's; that of the Wine server) and takes what is ready in rounds. The fence is a connection of
    /// its own: once its data has gone round twice, what arrived before is recorded. So no test sleeps to
    /// see that nothing happens.
    fn settle(&self)
    where
        Self: Sized,
    {
        // Once it has failed, no other test has to wait for it.
        let mut fence = self.fence().lock().expect("the fence has not failed in another test");
        let fence = fence.get_or_insert_with(|| Fence::new(self));
        for _ in 0..2 {
            fence.go_round(self);
        }
    }
}

/// What is done while an event object is being reset, in a world that can.
pub(crate) type Hook = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

pub(crate) struct Event {
    /// What the world's calls know it by.
    pub(crate) handle: WSAEVENT,
    /// The event object itself, which stays when the handle is closed.
    pub(crate) object: Arc<dyn EventObject>,
    pub(crate) at_reset: Option<Hook>,
}

impl Event {
    pub(crate) fn is_set(&self) -> bool {
        self.object.wait(Duration::ZERO)
    }

    #[track_caller]
    pub(crate) fn wait(&self) {
        assert!(self.object.wait(LIMIT), "the event object was not set");
    }

    pub(crate) fn set(&self) {
        self.object.set_event().unwrap();
    }

    pub(crate) fn reset(&self) {
        self.object.reset_event().unwrap();
    }
}

/// A manual-reset event object. On Windows it is one of Windows'.
pub(crate) trait EventObject: EventSignal + Send + Sync {
    /// Whether it is set before the time is over.
    fn wait(&self, limit: Duration) -> bool;
}

#[cfg(not(windows))]
pub(crate) type SystemEvent = wsp_events::ManualResetEvent;

#[cfg(not(windows))]
impl EventObject for SystemEvent {
    fn wait(&self, limit: Duration) -> bool {
        self.wait_timeout(limit)
    }
}

#[cfg(windows)]
pub(crate) type SystemEvent = wsp_events::win32::OwnedEvent;

#[cfg(windows)]
impl EventObject for SystemEvent {
    fn wait(&self, limit: Duration) -> bool {
        use std::os::windows::io::AsRawHandle;

        use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
        use windows_sys::Win32::System::Threading::WaitForSingleObject;

        let limit = limit.as_millis().try_into().unwrap();
        // SAFETY: the handle is open.
        unsafe { WaitForSingleObject(self.as_raw_handle(), limit) == WAIT_OBJECT_0 }
    }
}

/// A connection that the scripts do not know of.
pub(crate) struct Fence {
    s: SOCKET,
    event: Event,
    peer: TcpStream,
}

impl Fence {
    fn new<W: World>(world: &W) -> Self {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let s = world.socket_connected_to(listener.local_addr().unwrap());
        let peer = patient(listener.accept().unwrap().0);
        let event = world.event();
        assert_eq!(W::SWITCH.event_select(s, event.handle, READ), Answer::SUCCESS);
        Self { s, event, peer }
    }

    fn go_round<W: World>(&mut self, world: &W) {
        self.peer.write_all(b"-").unwrap();
        self.event.wait();
        let (answer, written) = W::SWITCH.enum_network_events(self.s, self.event.handle);
        assert_eq!((answer, written.events()), (Answer::SUCCESS, READ));
        assert_eq!(world.recv(self.s, &mut [0; 2], 0), Ok(1));
    }
}

/// A peer that does not wait for ever, and sends at once.
pub(crate) fn patient(peer: TcpStream) -> TcpStream {
    peer.set_read_timeout(Some(LIMIT)).unwrap();
    peer.set_write_timeout(Some(LIMIT)).unwrap();
    peer.set_nodelay(true).unwrap();
    peer
}

/// Resets the connection.
pub(crate) fn reset(peer: TcpStream) {
    socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
}

pub(crate) fn send_oob(peer: &TcpStream) {
    assert_eq!(socket2::SockRef::from(peer).send_out_of_band(b"!").unwrap(), 1);
}
