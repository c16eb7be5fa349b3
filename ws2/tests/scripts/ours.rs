//! Our provider, through its two C functions.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use wsp_events::{EventSignal, Provider, SOCKET, SignalError, WSAEVENT, WsaError};

use super::script::CONNECT;
use super::world::{ANY_PORT, Event, Fence, Hook, SystemEvent, World, until};
use ws2::switch::Switch;
use ws2::{Happening, LoopbackProvider, Model};

pub(crate) struct Ours;

static FENCE: Mutex<Option<Fence>> = Mutex::new(None);

/// How often the poller has reported each socket as ready.
pub(crate) static READY: Mutex<BTreeMap<SOCKET, usize>> = Mutex::new(BTreeMap::new());

/// One provider for all the tests. It lives as long as the process, as Winsock's connections do.
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

/// An event object during whose reset something can happen.
struct Hooked {
    event: Arc<SystemEvent>,
    at_reset: Hook,
}

impl EventSignal for Hooked {
    fn set_event(&self) -> Result<(), SignalError> {
        self.event.set_event()
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.event.reset_event()?;
        let hook = self.at_reset.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(hook) = hook {
            hook();
        }
        Ok(())
    }
}

impl World for Ours {
    const SWITCH: Switch = Switch::of::<LoopbackProvider>();

    fn listener(&self) -> (SOCKET, SocketAddr) {
        let s = self.socket();
        provider().bind(s, ANY_PORT).unwrap();
        provider().listen(s).unwrap();
        (s, provider().local_address(s).unwrap())
    }

    fn socket(&self) -> SOCKET {
        provider().create_socket().unwrap()
    }

    /// The provider has no blocking call, so this watches the record.
    fn socket_connected_to(&self, address: SocketAddr) -> SOCKET {
        let s = self.socket();
        provider().connect(s, address).unwrap();
        let socket = provider().find_socket(s).unwrap();
        let recorder = LoopbackProvider::recorder_of(&socket);
        until("the attempt to connect ends", || recorder.recorded().contains(CONNECT));
        if let Ok(stream) = provider().stream(s) {
            stream.set_tcp_nodelay(true).unwrap();
        }
        s
    }

    /// The provider leaves it to its caller to answer WSAEWOULDBLOCK.
    fn connect(&self, s: SOCKET, address: SocketAddr) -> Result<(), WsaError> {
        provider().connect(s, address).and(Err(WsaError::WSAEWOULDBLOCK))
    }

    fn accept(&self, s: SOCKET) -> Result<SOCKET, WsaError> {
        let s = provider().accept(s)?;
        provider().stream(s).unwrap().set_tcp_nodelay(true).unwrap();
        Ok(s)
    }

    fn recv(&self, s: SOCKET, buffer: &mut [u8], flags: i32) -> Result<usize, WsaError> {
        provider().recv(s, buffer, flags)
    }

    fn send(&self, s: SOCKET, bytes: &[u8]) -> Result<usize, WsaError> {
        provider().send(s, bytes, 0)
    }

    fn shut_down_send(&self, s: SOCKET) -> Result<(), WsaError> {
        provider().shutdown_send(s)
    }

    fn close(&self, s: SOCKET) -> Result<(), WsaError> {
        provider().close_socket(s)
    }

    fn event(&self) -> Event {
        #[cfg(windows)]
        let event = Arc::new(SystemEvent::new().unwrap());
        #[cfg(not(windows))]
        let event = Arc::new(SystemEvent::new());
        let at_reset = Hook::default();
        let hooked = Hooked { event: Arc::clone(&event), at_reset: Arc::clone(&at_reset) };
        let handle = provider().create_event(Arc::new(hooked)).unwrap();
        Event { handle, object: event, at_reset: Some(at_reset) }
    }

    fn close_event(&self, event: WSAEVENT) {
        provider().close_event(event).unwrap();
    }

    fn no_socket(&self) -> SOCKET {
        2 // no multiple of 4 (P1)
    }

    fn fence(&self) -> &Mutex<Option<Fence>> {
        &FENCE
    }
}
