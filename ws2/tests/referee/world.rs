//! A world of sockets and event objects, and how it is brought to rest.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::Threading::{ResetEvent, SetEvent, WaitForSingleObject};
use wsp_events::{NetworkEvents, SOCKET, WSAEVENT};

use crate::observation::{Answer, Written};

pub(crate) const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What has not happened by then does not happen: only a test that fails waits that long.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// The calls that a script is made of, as one implementation of Winsock has them. An error is its code.
pub(crate) trait World: Sync + 'static {
    /// A socket that listens, and never makes its caller wait.
    fn listener(&self) -> (SOCKET, SocketAddr);
    /// A socket that never makes its caller wait.
    fn socket(&self) -> SOCKET;
    /// A socket whose attempt to connect has ended, however it did.
    fn socket_connected_to(&self, address: SocketAddr) -> SOCKET;
    fn connect(&self, s: SOCKET, address: SocketAddr) -> Result<(), i32>;
    fn accept(&self, s: SOCKET) -> Result<SOCKET, i32>;
    fn recv(&self, s: SOCKET, buffer: &mut [u8], flags: i32) -> Result<usize, i32>;
    fn send(&self, s: SOCKET, bytes: &[u8]) -> Result<usize, i32>;
    fn shut_down_send(&self, s: SOCKET) -> Result<(), i32>;
    fn close(&self, s: SOCKET) -> Result<(), i32>;

    fn event(&self) -> Event;
    fn close_event(&self, event: WSAEVENT);
    fn event_select(&self, s: SOCKET, event: WSAEVENT, events: NetworkEvents) -> Answer;
    fn enum_network_events(&self, s: SOCKET, event: WSAEVENT) -> (Answer, Written);
    fn enum_network_events_to_null(&self, s: SOCKET, event: WSAEVENT) -> Answer;

    /// What is recorded and selected, in a world that can be asked.
    fn reportable(&self, s: SOCKET) -> NetworkEvents;

    /// A number that never was a socket.
    fn no_socket(&self) -> SOCKET;

    fn fence(&self) -> &Mutex<Option<Fence>>;

    /// Lets everything that has come be recorded. Both worlds learn what comes from one thread each (our
    /// poller's; that of the Wine server), which takes what is ready in rounds; so a connection of the
    /// fence's own that goes twice round is a definite later happening, and nobody has to sleep to see
    /// that nothing happens.
    fn settle(&self)
    where
        Self: Sized,
    {
        let mut fence = self.fence().lock().unwrap_or_else(PoisonError::into_inner);
        let fence = fence.get_or_insert_with(|| Fence::new(self));
        for _ in 0..2 {
            fence.go_round(self);
        }
    }
}

/// What is done while an event object is being reset, in a world that can.
pub(crate) type Hook = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// An event object of Windows.
pub(crate) struct Event {
    /// What the world's calls know it by.
    pub(crate) handle: WSAEVENT,
    /// Another handle, to look at it.
    pub(crate) watch: OwnedHandle,
    pub(crate) at_reset: Option<Hook>,
}

impl Event {
    pub(crate) fn is_set(&self) -> bool {
        self.wait(Duration::ZERO)
    }

    fn wait(&self, limit: Duration) -> bool {
        let limit = limit.as_millis().try_into().unwrap();
        // SAFETY: the handle is open.
        unsafe { WaitForSingleObject(self.watch.as_raw_handle(), limit) == WAIT_OBJECT_0 }
    }

    pub(crate) fn set(&self) {
        // SAFETY: the handle is open.
        assert_ne!(unsafe { SetEvent(self.watch.as_raw_handle()) }, 0);
    }

    pub(crate) fn reset(&self) {
        // SAFETY: the handle is open.
        assert_ne!(unsafe { ResetEvent(self.watch.as_raw_handle()) }, 0);
    }
}

/// A connection that the scripts do not know of.
pub(crate) struct Fence {
    s: SOCKET,
    event: Event,
    peer: TcpStream,
}

// SAFETY: the handle in `event` is a number to this process.
unsafe impl Send for Fence {}

impl Fence {
    fn new(world: &impl World) -> Self {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let s = world.socket_connected_to(listener.local_addr().unwrap());
        let (peer, _) = listener.accept().unwrap();
        peer.set_nodelay(true).unwrap();
        let event = world.event();
        let selected = world.event_select(s, event.handle, NetworkEvents::FD_READ);
        assert_eq!(selected, Answer::of(Ok(0)));
        Self { s, event, peer }
    }

    fn go_round(&mut self, world: &impl World) {
        self.peer.write_all(b"-").unwrap();
        assert!(self.event.wait(LIMIT), "the fence was not told of its data");
        let (answer, written) = world.enum_network_events(self.s, self.event.handle);
        assert_eq!((answer, written.mask), (Answer::of(Ok(0)), NetworkEvents::FD_READ.mask()));
        assert_eq!(world.recv(self.s, &mut [0; 2], 0), Ok(1));
    }
}
