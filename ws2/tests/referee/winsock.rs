//! The referee: ws2_32.

use std::net::SocketAddr;
use std::os::windows::io::{
    AsHandle, AsRawHandle, BorrowedSocket, FromRawHandle, IntoRawHandle, IntoRawSocket, OwnedHandle,
};
use std::sync::{Arc, Mutex, OnceLock};
use std::{io, net};

use socket2::{Domain, SockRef, Socket, Type};
use windows_sys::Win32::Networking::WinSock;
use wsp_events::spi::{SOCKET_ERROR, WSANETWORKEVENTS};
use wsp_events::win32::OwnedEvent;
use wsp_events::{SOCKET, WSAEVENT, WsaError};

use crate::scripts::world::{ANY_PORT, Event, Fence, World};
use ws2::switch::Switch;

pub(crate) struct Winsock;

static FENCE: Mutex<Option<Fence>> = Mutex::new(None);

impl World for Winsock {
    const SWITCH: Switch = Switch { event_select, enum_network_events };

    fn listener(&self) -> (SOCKET, SocketAddr) {
        let socket = new_socket();
        socket.bind(&ANY_PORT.into()).unwrap();
        socket.listen(16).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        (nonblocking(socket), address)
    }

    fn socket(&self) -> SOCKET {
        nonblocking(new_socket())
    }

    fn socket_connected_to(&self, address: SocketAddr) -> SOCKET {
        let socket = new_socket();
        let _refused = socket.connect(&address.into());
        nonblocking(socket)
    }

    fn connect(&self, s: SOCKET, address: SocketAddr) -> Result<(), WsaError> {
        on(s, |socket| socket.connect(&address.into()))
    }

    fn accept(&self, s: SOCKET) -> Result<SOCKET, WsaError> {
        let (accepted, _) = on(s, |socket| socket.accept())?;
        accepted.set_tcp_nodelay(true)?;
        Ok(nonblocking(accepted))
    }

    fn recv(&self, s: SOCKET, buffer: &mut [u8], flags: i32) -> Result<usize, WsaError> {
        let length = buffer.len().try_into().unwrap();
        // SAFETY: the buffer is valid for that many writes.
        result(unsafe { WinSock::recv(s, buffer.as_mut_ptr(), length, flags) })
    }

    fn send(&self, s: SOCKET, bytes: &[u8]) -> Result<usize, WsaError> {
        on(s, |socket| socket.send(bytes))
    }

    fn shut_down_send(&self, s: SOCKET) -> Result<(), WsaError> {
        on(s, |socket| socket.shutdown(net::Shutdown::Write))
    }

    fn close(&self, s: SOCKET) -> Result<(), WsaError> {
        // SAFETY: the scripts close only sockets of their own.
        result(unsafe { WinSock::closesocket(s) }).map(|_| ())
    }

    fn event(&self) -> Event {
        let event = OwnedEvent::new().unwrap();
        let handle = event.as_handle().try_clone_to_owned().unwrap().into_raw_handle();
        Event { handle: handle.into(), object: Arc::new(event), at_reset: None }
    }

    fn close_event(&self, event: WSAEVENT) {
        // SAFETY: `event` has given up its ownership.
        drop(unsafe { OwnedHandle::from_raw_handle(event.into()) });
    }

    /// A handle, but of an event object that lives as long as the process.
    fn no_socket(&self) -> SOCKET {
        static EVENT: OnceLock<OwnedEvent> = OnceLock::new();
        EVENT.get_or_init(|| OwnedEvent::new().unwrap()).as_raw_handle().addr()
    }

    fn fence(&self) -> &Mutex<Option<Fence>> {
        &FENCE
    }
}

/// WSAEventSelect, with the error where WSPEventSelect leaves it.
unsafe extern "system" fn event_select(
    s: SOCKET,
    event: WSAEVENT,
    events: i32,
    errno: *mut i32,
) -> i32 {
    // SAFETY: it is only numbers; `errno` is as the caller promises.
    unsafe { with_errno(WinSock::WSAEventSelect(s, event.0 as _, events), errno) }
}

/// WSAEnumNetworkEvents, as above.
unsafe extern "system" fn enum_network_events(
    s: SOCKET,
    event: WSAEVENT,
    out: *mut WSANETWORKEVENTS,
    errno: *mut i32,
) -> i32 {
    // SAFETY: the layouts are the same (V2); the pointers are as the caller promises. That `out` must not be null
    // is what `e10_a_null_output` is about.
    unsafe { with_errno(WinSock::WSAEnumNetworkEvents(s, event.0 as _, out.cast()), errno) }
}

/// # Safety
///
/// `errno` is valid for the write.
unsafe fn with_errno(returned: i32, errno: *mut i32) -> i32 {
    if returned == SOCKET_ERROR {
        // SAFETY: it is as the caller promises.
        unsafe { errno.write(last_error().code()) };
    }
    returned
}

fn new_socket() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_tcp_nodelay(true).unwrap();
    socket
}

fn nonblocking(socket: Socket) -> SOCKET {
    socket.set_nonblocking(true).unwrap();
    socket.into_raw_socket().try_into().unwrap()
}

fn on<T>(s: SOCKET, call: impl FnOnce(SockRef<'_>) -> io::Result<T>) -> Result<T, WsaError> {
    // SAFETY: the scripts make such calls on open sockets only.
    let socket = unsafe { BorrowedSocket::borrow_raw(s as _) };
    call(SockRef::from(&socket)).map_err(WsaError::from)
}

fn result(returned: i32) -> Result<usize, WsaError> {
    usize::try_from(returned).map_err(|_| last_error())
}

fn last_error() -> WsaError {
    // SAFETY: it reads a number of this thread.
    WsaError::from_code(unsafe { WinSock::WSAGetLastError() }).unwrap()
}
