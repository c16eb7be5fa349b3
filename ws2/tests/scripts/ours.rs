//! Our Winsock, through its two C functions.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use socket2::{Domain, Type};
use wsp_events::{EventSignal, SOCKET, SignalError, WSAEVENT, WsaError};

use super::world::{ANY_PORT, Event, Fence, Hook, SystemEvent, World};
use ws2::switch::Switch;
use ws2::{Handles, Happening, Winsock};

pub(crate) struct Ours;

static FENCE: Mutex<Option<Fence>> = Mutex::new(None);

/// How often the poller has reported each socket as ready.
pub(crate) static READY: Mutex<BTreeMap<SOCKET, usize>> = Mutex::new(BTreeMap::new());

/// One Winsock for all the tests. It lives as long as the process, as Winsock's connections do.
pub(crate) fn provider() -> &'static Winsock {
    static PROVIDER: OnceLock<Arc<Winsock>> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        let observer = |s, happening| {
            if let Happening::Ready = happening {
                *READY.lock().unwrap().entry(s).or_default() += 1;
            }
        };
        ws2::startup(Winsock::new(Arc::new(Handles::new()), observer).unwrap())
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

fn send_at_once(s: SOCKET) {
    provider().with_os_socket(s, |os| os.set_tcp_nodelay(true)).unwrap().unwrap();
}

impl World for Ours {
    const SWITCH: Switch = Switch::of::<Winsock>();

    fn listener(&self) -> (SOCKET, SocketAddr) {
        let s = self.socket();
        provider().bind(s, ANY_PORT).unwrap();
        provider().listen(s, 1024).unwrap();
        (s, provider().local_address(s).unwrap())
    }

    fn socket(&self) -> SOCKET {
        let s = provider().create_socket(Domain::IPV4, Type::STREAM).unwrap();
        provider().set_nonblocking(s, true).unwrap();
        s
    }

    fn socket_connected_to(&self, address: SocketAddr) -> SOCKET {
        let s = provider().create_socket(Domain::IPV4, Type::STREAM).unwrap();
        let _refused = provider().connect(s, address);
        provider().set_nonblocking(s, true).unwrap();
        send_at_once(s);
        s
    }

    fn connect(&self, s: SOCKET, address: SocketAddr) -> Result<(), WsaError> {
        provider().connect(s, address)
    }

    fn accept(&self, s: SOCKET) -> Result<SOCKET, WsaError> {
        let (s, _) = provider().accept(s)?;
        send_at_once(s);
        Ok(s)
    }

    fn recv(&self, s: SOCKET, buffer: &mut [u8], flags: i32) -> Result<usize, WsaError> {
        provider().recv(s, buffer, flags)
    }

    fn send(&self, s: SOCKET, bytes: &[u8]) -> Result<usize, WsaError> {
        provider().send(s, bytes, 0)
    }

    fn shut_down_send(&self, s: SOCKET) -> Result<(), WsaError> {
        provider().shutdown(s, 1)
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
        let handle = provider().handles().insert_signal(Arc::new(hooked)).unwrap();
        Event { handle, object: event, at_reset: Some(at_reset) }
    }

    fn close_event(&self, event: WSAEVENT) {
        provider().handles().close_event(event).unwrap();
    }

    fn no_socket(&self) -> SOCKET {
        2 // no multiple of 4 (P1)
    }

    fn fence(&self) -> &Mutex<Option<Fence>> {
        &FENCE
    }
}
