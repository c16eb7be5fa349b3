//! The one that is judged: the provider, by its two C functions.

use std::net::SocketAddr;
use std::os::windows::io::AsHandle;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;
use std::{ptr, thread};

use wsp_events::spi::{SOCKET_ERROR, WSANETWORKEVENTS, WSPEnumNetworkEvents, WSPEventSelect};
use wsp_events::win32::OwnedEvent;
use wsp_events::{EventSignal, NetworkEvents, Provider, SOCKET, SignalError, WSAEVENT, WsaError};

use crate::observation::{Answer, UNTOUCHED, Written};
use crate::world::{ANY_PORT, Event, Fence, Hook, LIMIT, World};
use ws2::{LoopbackProvider, Model};

pub(crate) struct Ours;

static FENCE: Mutex<Option<Fence>> = Mutex::new(None);

/// Winsock's connections live as long as the process, and so does the provider.
fn provider() -> &'static LoopbackProvider {
    static PROVIDER: OnceLock<Arc<LoopbackProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| ws2::startup(LoopbackProvider::new(Model::Streams, |_, _| ()).unwrap()))
}

/// An event object during whose reset something can happen.
struct Hooked {
    event: OwnedEvent,
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
    fn listener(&self) -> (SOCKET, SocketAddr) {
        let s = self.socket();
        provider().bind(s, ANY_PORT).unwrap();
        provider().listen(s).unwrap();
        (s, provider().local_address(s).unwrap())
    }

    fn socket(&self) -> SOCKET {
        provider().create_socket().unwrap()
    }

    /// The provider has no call that waits; so the record is looked at.
    fn socket_connected_to(&self, address: SocketAddr) -> SOCKET {
        let s = self.socket();
        provider().connect(s, address).unwrap();
        let socket = provider().find_socket(s).unwrap();
        let deadline = Instant::now() + LIMIT;
        while !LoopbackProvider::recorder_of(&socket).recorded().contains(NetworkEvents::FD_CONNECT)
        {
            assert!(Instant::now() < deadline, "the attempt to connect does not end");
            thread::yield_now();
        }
        if let Ok(stream) = provider().stream(s) {
            stream.set_tcp_nodelay(true).unwrap();
        }
        s
    }

    /// The provider leaves it to its caller to answer WSAEWOULDBLOCK.
    fn connect(&self, s: SOCKET, address: SocketAddr) -> Result<(), i32> {
        code(provider().connect(s, address).and(Err(WsaError::WSAEWOULDBLOCK)))
    }

    fn accept(&self, s: SOCKET) -> Result<SOCKET, i32> {
        let s = code(provider().accept(s))?;
        provider().stream(s).unwrap().set_tcp_nodelay(true).unwrap();
        Ok(s)
    }

    fn recv(&self, s: SOCKET, buffer: &mut [u8], flags: i32) -> Result<usize, i32> {
        code(provider().recv(s, buffer, flags))
    }

    fn send(&self, s: SOCKET, bytes: &[u8]) -> Result<usize, i32> {
        code(provider().send(s, bytes, 0))
    }

    fn shut_down_send(&self, s: SOCKET) -> Result<(), i32> {
        code(provider().shutdown_send(s))
    }

    fn close(&self, s: SOCKET) -> Result<(), i32> {
        code(provider().close_socket(s))
    }

    fn event(&self) -> Event {
        let event = OwnedEvent::new().unwrap();
        let watch = event.as_handle().try_clone_to_owned().unwrap();
        let at_reset = Hook::default();
        let hooked = Hooked { event, at_reset: Arc::clone(&at_reset) };
        let handle = provider().create_event(Arc::new(hooked)).unwrap();
        Event { handle, watch, at_reset: Some(at_reset) }
    }

    fn close_event(&self, event: WSAEVENT) {
        provider().close_event(event).unwrap();
    }

    fn event_select(&self, s: SOCKET, event: WSAEVENT, events: NetworkEvents) -> Answer {
        let mut errno = UNTOUCHED;
        let mask = events.bits().cast_signed();
        // SAFETY: `errno` is valid for the write.
        let returned = unsafe { WSPEventSelect::<LoopbackProvider>(s, event, mask, &mut errno) };
        answer(returned, errno)
    }

    fn enum_network_events(&self, s: SOCKET, event: WSAEVENT) -> (Answer, Written) {
        let Written { mask, codes } = Written::UNTOUCHED;
        let mut out = WSANETWORKEVENTS { lNetworkEvents: mask, iErrorCode: codes };
        let mut errno = UNTOUCHED;
        // SAFETY: `out` and `errno` are valid for the writes.
        let returned =
            unsafe { WSPEnumNetworkEvents::<LoopbackProvider>(s, event, &mut out, &mut errno) };
        let written = Written { mask: out.lNetworkEvents, codes: out.iErrorCode };
        (answer(returned, errno), written)
    }

    fn enum_network_events_to_null(&self, s: SOCKET, event: WSAEVENT) -> Answer {
        let (out, mut errno) = (ptr::null_mut(), UNTOUCHED);
        // SAFETY: a null `lpNetworkEvents` is allowed (E10), and `errno` is valid for the write.
        let returned =
            unsafe { WSPEnumNetworkEvents::<LoopbackProvider>(s, event, out, &mut errno) };
        answer(returned, errno)
    }

    fn reportable(&self, s: SOCKET) -> NetworkEvents {
        provider().find_socket(s).map_or_else(NetworkEvents::empty, |socket| {
            let recorder = LoopbackProvider::recorder_of(&socket);
            recorder.recorded() & recorder.selected()
        })
    }

    fn no_socket(&self) -> SOCKET {
        4
    }

    fn fence(&self) -> &Mutex<Option<Fence>> {
        &FENCE
    }
}

/// A code is there if one was written: on failure, and on nothing else (E10).
fn answer(returned: i32, errno: i32) -> Answer {
    let written = errno != UNTOUCHED || returned == SOCKET_ERROR;
    Answer { returned, error: written.then_some(errno) }
}

fn code<T>(result: Result<T, WsaError>) -> Result<T, i32> {
    result.map_err(WsaError::code)
}
