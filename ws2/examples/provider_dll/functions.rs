//! The functions of the table: each turns its C arguments into those of [`LoopbackProvider`].
//!
//! As the two for network events do (E9), they check first whether there is a provider, then whether the descriptor
//! is a socket, and then the other arguments, before anything changes.

use std::ops::Deref;

use windows_sys::Win32::Networking::WinSock::{
    AF_INET, INVALID_SOCKET, IPPROTO_TCP, LPCONDITIONPROC, LPWSAOVERLAPPED_COMPLETION_ROUTINE, QOS,
    SOCK_STREAM, SOCKADDR, SOCKET, SOCKET_ERROR, WSABUF, WSAPROTOCOL_INFOW, WSATHREADID,
    WSPPROC_TABLE,
};
use windows_sys::Win32::System::IO::OVERLAPPED;
use wsp_events::spi::{CurrentProvider, lp_wsp_enum_network_events, lp_wsp_event_select};
use wsp_events::{Provider, WsaError};

use crate::boundary::{
    Buffers, answer, check, check_address_output, read_address, write, write_address,
};
use ws2::LoopbackProvider;

/// What this provider serves, except WSPCleanup. The rest of the table is null.
pub(crate) fn table() -> WSPPROC_TABLE {
    WSPPROC_TABLE {
        lpWSPAccept: Some(accept),
        lpWSPBind: Some(bind),
        lpWSPCloseSocket: Some(close_socket),
        lpWSPConnect: Some(connect),
        lpWSPEnumNetworkEvents: lp_wsp_enum_network_events::<LoopbackProvider>(),
        lpWSPEventSelect: lp_wsp_event_select::<LoopbackProvider>(),
        lpWSPGetSockName: Some(get_sock_name),
        lpWSPListen: Some(listen),
        lpWSPRecv: Some(recv),
        lpWSPSend: Some(send),
        lpWSPSocket: Some(socket),
        ..WSPPROC_TABLE::default()
    }
}

fn provider() -> Result<impl Deref<Target = LoopbackProvider>, WsaError> {
    let provider = LoopbackProvider::current().filter(|it| it.subsystem_is_up());
    provider.ok_or(WsaError::WSAENETDOWN)
}

/// The provider of a call on this socket.
fn provider_of(s: SOCKET) -> Result<impl Deref<Target = LoopbackProvider>, WsaError> {
    let provider = provider()?;
    let known = provider.find_socket(s).is_some();
    known.then_some(provider).ok_or(WsaError::WSAENOTSOCK)
}

unsafe extern "system" fn socket(
    family: i32,
    kind: i32,
    protocol: i32,
    _protocol_info: *const WSAPROTOCOL_INFOW,
    _group: u32,
    _flags: u32,
    errno: *mut i32,
) -> SOCKET {
    let call = || {
        let provider = provider()?;
        if family != i32::from(AF_INET) {
            return Err(WsaError::WSAEAFNOSUPPORT);
        }
        if kind != SOCK_STREAM {
            return Err(WsaError::WSAESOCKTNOSUPPORT);
        }
        if ![0, IPPROTO_TCP].contains(&protocol) {
            return Err(WsaError::WSAEPROTONOSUPPORT);
        }
        provider.create_socket()
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, INVALID_SOCKET, call) }
}

unsafe extern "system" fn bind(
    s: SOCKET,
    name: *const SOCKADDR,
    length: i32,
    errno: *mut i32,
) -> i32 {
    let call = || {
        let provider = provider_of(s)?;
        // SAFETY: the name has its length, as Winsock promises.
        let address = unsafe { read_address(name, length) }?;
        provider.bind(s, address).map(|()| 0)
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}

unsafe extern "system" fn get_sock_name(
    s: SOCKET,
    name: *mut SOCKADDR,
    length: *mut i32,
    errno: *mut i32,
) -> i32 {
    let call = || {
        let provider = provider_of(s)?;
        // SAFETY: the name has the length that stands at `length`, as Winsock promises.
        unsafe {
            check_address_output(name, length)?;
            write_address(provider.local_address(s)?, name, length)?;
        }
        Ok(0)
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}

unsafe extern "system" fn listen(s: SOCKET, _backlog: i32, errno: *mut i32) -> i32 {
    let call = || provider_of(s)?.listen(s).map(|()| 0);
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}

/// Starts an attempt, which is WSAEWOULDBLOCK. FD_CONNECT has the outcome.
unsafe extern "system" fn connect(
    s: SOCKET,
    name: *const SOCKADDR,
    length: i32,
    _caller_data: *const WSABUF,
    _callee_data: *mut WSABUF,
    _qos: *const QOS,
    _group_qos: *const QOS,
    errno: *mut i32,
) -> i32 {
    let call = || {
        let provider = provider_of(s)?;
        // SAFETY: the name has its length, as Winsock promises.
        let peer = unsafe { read_address(name, length) }?;
        provider.connect(s, peer)?;
        Err(WsaError::WSAEWOULDBLOCK)
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}

unsafe extern "system" fn accept(
    s: SOCKET,
    name: *mut SOCKADDR,
    length: *mut i32,
    condition: LPCONDITIONPROC,
    _callback_data: usize,
    errno: *mut i32,
) -> SOCKET {
    let call = || {
        let provider = provider_of(s)?;
        if condition.is_some() {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        // Before a connection is taken: it could not be given back.
        if !name.is_null() {
            // SAFETY: `length` is null or valid, as Winsock promises.
            unsafe { check_address_output(name, length) }?;
        }
        let accepted = provider.accept(s)?;
        if !name.is_null() {
            let peer = provider.stream(accepted).and_then(|stream| Ok(stream.peer_addr()?));
            let peer = peer.ok().and_then(|peer| peer.as_socket());
            // SAFETY: the name has the length that stands at `length`, as Winsock promises.
            let written = peer.map(|peer| unsafe { write_address(peer, name, length) });
            if !matches!(written, Some(Ok(()))) {
                // The connection has ended already, and its peer has no address: FD_CLOSE will report that.
                // SAFETY: `length` is valid, as has been checked.
                unsafe { write(length, 0) }?;
            }
        }
        Ok(accepted)
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, INVALID_SOCKET, call) }
}

unsafe extern "system" fn close_socket(s: SOCKET, errno: *mut i32) -> i32 {
    let call = || provider_of(s)?.close_socket(s).map(|()| 0);
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}

unsafe extern "system" fn send(
    s: SOCKET,
    buffers: *const WSABUF,
    count: u32,
    sent: *mut u32,
    flags: u32,
    overlapped: *mut OVERLAPPED,
    routine: LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    _thread: *const WSATHREADID,
    errno: *mut i32,
) -> i32 {
    let call = || {
        let provider = provider_of(s)?;
        if !overlapped.is_null() || routine.is_some() {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        check(sent)?;
        // SAFETY: the buffers are what they say, as Winsock promises.
        let buffers = unsafe { Buffers::new(buffers, count) }?;
        let length = provider.send(s, &buffers.gather(), flags.cast_signed())?;
        // SAFETY: `sent` is valid, as Winsock promises.
        unsafe { write(sent, length as u32) }?;
        Ok(0)
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}

/// The flags stay as they are: what Winsock can add to them is for message sockets.
unsafe extern "system" fn recv(
    s: SOCKET,
    buffers: *const WSABUF,
    count: u32,
    received: *mut u32,
    flags: *mut u32,
    overlapped: *mut OVERLAPPED,
    routine: LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    _thread: *const WSATHREADID,
    // An output, although `windows-sys` says const.
    errno: *const i32,
) -> i32 {
    let call = || {
        let provider = provider_of(s)?;
        if !overlapped.is_null() || routine.is_some() {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        check(received)?;
        check(flags)?;
        // SAFETY: the flags are not null, and valid, as Winsock promises.
        let flags = unsafe { flags.read_unaligned() };
        // SAFETY: the buffers are what they say, as Winsock promises.
        let buffers = unsafe { Buffers::new(buffers, count) }?;
        let mut bytes = vec![0; buffers.len()];
        let length = provider.recv(s, &mut bytes, flags.cast_signed())?;
        buffers.scatter(&bytes[..length]);
        // SAFETY: `received` is valid, as Winsock promises.
        unsafe { write(received, length as u32) }?;
        Ok(0)
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno.cast_mut(), SOCKET_ERROR, call) }
}
