//! The referee: ws2_32.

use std::net::SocketAddr;
use std::os::windows::io::{
    AsHandle, AsRawHandle, BorrowedSocket, FromRawHandle, IntoRawHandle, IntoRawSocket, OwnedHandle,
};
use std::sync::Mutex;
use std::{io, ptr};

use socket2::{Domain, SockRef, Socket, Type};
use windows_sys::Win32::Networking::WinSock;
use wsp_events::spi::SOCKET_ERROR;
use wsp_events::win32::OwnedEvent;
use wsp_events::{NetworkEvents, SOCKET, WSAEVENT};

use crate::observation::{Answer, Written};
use crate::world::{ANY_PORT, Event, Fence, World};

pub(crate) struct Winsock;

static FENCE: Mutex<Option<Fence>> = Mutex::new(None);

impl World for Winsock {
    fn listener(&self) -> (SOCKET, SocketAddr) {
        let socket = new_socket();
        socket.bind(&ANY_PORT.into()).unwrap();
        socket.listen(16).unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        (descriptor(socket), address)
    }

    fn socket(&self) -> SOCKET {
        let socket = new_socket();
        socket.set_nonblocking(true).unwrap();
        descriptor(socket)
    }

    fn socket_connected_to(&self, address: SocketAddr) -> SOCKET {
        let socket = new_socket();
        let _refused = socket.connect(&address.into());
        socket.set_nonblocking(true).unwrap();
        descriptor(socket)
    }

    fn connect(&self, s: SOCKET, address: SocketAddr) -> Result<(), i32> {
        on(s, |socket| socket.connect(&address.into()))
    }

    fn accept(&self, s: SOCKET) -> Result<SOCKET, i32> {
        on(s, |socket| {
            let (accepted, _) = socket.accept()?;
            accepted.set_nonblocking(true)?;
            accepted.set_tcp_nodelay(true)?;
            Ok(descriptor(accepted))
        })
    }

    fn recv(&self, s: SOCKET, buffer: &mut [u8], flags: i32) -> Result<usize, i32> {
        let length = buffer.len().try_into().unwrap();
        // SAFETY: the buffer is valid for that many writes.
        result(unsafe { WinSock::recv(s, buffer.as_mut_ptr(), length, flags) })
    }

    fn send(&self, s: SOCKET, bytes: &[u8]) -> Result<usize, i32> {
        let length = bytes.len().try_into().unwrap();
        // SAFETY: the bytes are valid for that many reads.
        result(unsafe { WinSock::send(s, bytes.as_ptr(), length, 0) })
    }

    fn shut_down_send(&self, s: SOCKET) -> Result<(), i32> {
        on(s, |socket| socket.shutdown(std::net::Shutdown::Write))
    }

    fn close(&self, s: SOCKET) -> Result<(), i32> {
        // SAFETY: the scripts close only sockets of their own.
        result(unsafe { WinSock::closesocket(s) }).map(|_| ())
    }

    fn event(&self) -> Event {
        let event = OwnedEvent::new().unwrap();
        let watch = event.as_handle().try_clone_to_owned().unwrap();
        let handle = OwnedHandle::from(event).into_raw_handle();
        Event { handle: handle.into(), watch, at_reset: None }
    }

    fn close_event(&self, event: WSAEVENT) {
        // SAFETY: `event` has let go of it.
        drop(unsafe { OwnedHandle::from_raw_handle(event.into()) });
    }

    fn event_select(&self, s: SOCKET, event: WSAEVENT, events: NetworkEvents) -> Answer {
        // SAFETY: it is only numbers.
        answer(unsafe { WinSock::WSAEventSelect(s, event.0 as _, events.bits().cast_signed()) })
    }

    fn enum_network_events(&self, s: SOCKET, event: WSAEVENT) -> (Answer, Written) {
        let Written { mask, codes } = Written::UNTOUCHED;
        let mut out = WinSock::WSANETWORKEVENTS { lNetworkEvents: mask, iErrorCode: codes };
        // SAFETY: `out` is valid for the write.
        let answer = answer(unsafe { WinSock::WSAEnumNetworkEvents(s, event.0 as _, &mut out) });
        (answer, Written { mask: out.lNetworkEvents, codes: out.iErrorCode })
    }

    fn enum_network_events_to_null(&self, s: SOCKET, event: WSAEVENT) -> Answer {
        // SAFETY: that it is not allowed is what the tests are about.
        answer(unsafe { WinSock::WSAEnumNetworkEvents(s, event.0 as _, ptr::null_mut()) })
    }

    fn reportable(&self, _: SOCKET) -> NetworkEvents {
        unreachable!("Winsock cannot be asked")
    }

    /// A handle, but of an event object that lives as long as the process.
    fn no_socket(&self) -> SOCKET {
        static EVENT: std::sync::OnceLock<OwnedEvent> = std::sync::OnceLock::new();
        EVENT.get_or_init(|| OwnedEvent::new().unwrap()).as_raw_handle().addr()
    }

    fn fence(&self) -> &Mutex<Option<Fence>> {
        &FENCE
    }
}

fn new_socket() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_tcp_nodelay(true).unwrap();
    socket
}

fn descriptor(socket: Socket) -> SOCKET {
    socket.into_raw_socket().try_into().unwrap()
}

fn on<T>(s: SOCKET, call: impl FnOnce(SockRef<'_>) -> io::Result<T>) -> Result<T, i32> {
    // SAFETY: the scripts make such calls on open sockets only.
    let socket = unsafe { BorrowedSocket::borrow_raw(s as _) };
    call(SockRef::from(&socket)).map_err(|error| error.raw_os_error().unwrap())
}

fn answer(returned: i32) -> Answer {
    let error = (returned == SOCKET_ERROR).then(last_error);
    Answer { returned, error }
}

fn result(returned: i32) -> Result<usize, i32> {
    usize::try_from(returned).map_err(|_| last_error())
}

fn last_error() -> i32 {
    // SAFETY: it looks at a number of this thread.
    unsafe { WinSock::WSAGetLastError() }
}
