//! The functions of the table: each turns its C arguments into those of [`Winsock`].
//!
//! As the two for network events do (E9), they check first whether there is a provider, then whether the descriptor
//! is a socket, and then the other arguments, before anything changes.

use std::ffi::c_void;
use std::ops::Deref;
use std::ptr::{self, null_mut};

use socket2::{Domain, Type};
use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, FIONBIO, FIONREAD, INVALID_SOCKET, IPPROTO_TCP, IPPROTO_UDP,
    LPCONDITIONPROC, LPWSAOVERLAPPED_COMPLETION_ROUTINE, QOS, SIOCATMARK, SOCK_DGRAM, SOCK_STREAM,
    SOCKADDR, SOCKET, SOCKET_ERROR, WSABUF, WSAPROTOCOL_INFOW, WSATHREADID, WSPPROC_TABLE,
};
use windows_sys::Win32::System::IO::OVERLAPPED;
use wsp_events::spi::{CurrentProvider, lp_wsp_enum_network_events, lp_wsp_event_select};
use wsp_events::{Provider, WsaError};

use crate::boundary::{
    Buffers, answer, check, check_address_output, read, read_address, read_bytes, write,
    write_address,
};
use ws2::Winsock;

/// What this provider serves, except WSPCleanup. The rest of the table is null.
pub(crate) fn table() -> WSPPROC_TABLE {
    WSPPROC_TABLE {
        lpWSPAccept: Some(accept),
        lpWSPBind: Some(bind),
        lpWSPCloseSocket: Some(close_socket),
        lpWSPConnect: Some(connect),
        lpWSPEnumNetworkEvents: lp_wsp_enum_network_events::<Winsock>(),
        lpWSPEventSelect: lp_wsp_event_select::<Winsock>(),
        lpWSPGetPeerName: Some(get_peer_name),
        lpWSPGetSockName: Some(get_sock_name),
        lpWSPGetSockOpt: Some(get_sock_opt),
        lpWSPIoctl: Some(ioctl),
        lpWSPListen: Some(listen),
        lpWSPRecv: Some(recv),
        lpWSPRecvFrom: Some(recv_from),
        lpWSPSend: Some(send),
        lpWSPSendTo: Some(send_to),
        lpWSPSetSockOpt: Some(set_sock_opt),
        lpWSPShutdown: Some(shutdown),
        lpWSPSocket: Some(socket),
        ..WSPPROC_TABLE::default()
    }
}

fn provider() -> Result<impl Deref<Target = Winsock>, WsaError> {
    let provider = Winsock::current().filter(|it| it.subsystem_is_up());
    provider.ok_or(WsaError::WSAENETDOWN)
}

/// The provider of a call on this socket.
fn provider_of(s: SOCKET) -> Result<impl Deref<Target = Winsock>, WsaError> {
    let provider = provider()?;
    let known = provider.find_socket(s).is_some();
    known.then_some(provider).ok_or(WsaError::WSAENOTSOCK)
}

/// The address family of a socket.
fn family(provider: &Winsock, s: SOCKET) -> Result<u16, WsaError> {
    let (domain, _) = provider.kind(s)?;
    Ok(if domain == Domain::IPV6 { AF_INET6 } else { AF_INET })
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
        let domain = match u16::try_from(family) {
            Ok(AF_INET) => Domain::IPV4,
            Ok(AF_INET6) => Domain::IPV6,
            _ => return Err(WsaError::WSAEAFNOSUPPORT),
        };
        let (kind, its_protocol) = match kind {
            SOCK_STREAM => (Type::STREAM, IPPROTO_TCP),
            SOCK_DGRAM => (Type::DGRAM, IPPROTO_UDP),
            _ => return Err(WsaError::WSAESOCKTNOSUPPORT),
        };
        if ![0, its_protocol].contains(&protocol) {
            return Err(WsaError::WSAEPROTONOSUPPORT);
        }
        provider.create_socket(domain, kind)
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
            check_address_output(family(&provider, s)?, name, length)?;
            write_address(provider.local_address(s)?, name, length);
        }
        Ok(0)
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}

unsafe extern "system" fn get_peer_name(
    s: SOCKET,
    name: *mut SOCKADDR,
    length: *mut i32,
    errno: *mut i32,
) -> i32 {
    let call = || {
        let provider = provider_of(s)?;
        // SAFETY: the name has the length that stands at `length`, as Winsock promises.
        unsafe {
            check_address_output(family(&provider, s)?, name, length)?;
            write_address(provider.peer_address(s)?, name, length);
        }
        Ok(0)
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}

unsafe extern "system" fn listen(s: SOCKET, backlog: i32, errno: *mut i32) -> i32 {
    let call = || provider_of(s)?.listen(s, backlog).map(|()| 0);
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}

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
        let is_null = peer.ip().is_unspecified() && peer.port() == 0;
        if is_null && provider.kind(s)?.1 == Type::DGRAM {
            provider.disconnect(s)?;
        } else {
            provider.connect(s, peer)?;
        }
        Ok(0)
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
            unsafe { check_address_output(family(&provider, s)?, name, length) }?;
        }
        let (accepted, peer) = provider.accept(s)?;
        if !name.is_null() {
            // SAFETY: the name has the length that stands at `length`, as Winsock promises.
            unsafe { write_address(peer, name, length) };
        }
        Ok(accepted)
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, INVALID_SOCKET, call) }
}

unsafe extern "system" fn shutdown(s: SOCKET, how: i32, errno: *mut i32) -> i32 {
    let call = || provider_of(s)?.shutdown(s, how).map(|()| 0);
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}

unsafe extern "system" fn close_socket(s: SOCKET, errno: *mut i32) -> i32 {
    let call = || provider_of(s)?.close_socket(s).map(|()| 0);
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}

unsafe extern "system" fn set_sock_opt(
    s: SOCKET,
    level: i32,
    name: i32,
    value: *const u8,
    length: i32,
    errno: *mut i32,
) -> i32 {
    let call = || {
        let provider = provider_of(s)?;
        // SAFETY: the value has its length, as Winsock promises.
        let value = unsafe { read_bytes(value, length) }?;
        provider.set_option(s, level, name, &value).map(|()| 0)
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}

unsafe extern "system" fn get_sock_opt(
    s: SOCKET,
    level: i32,
    name: i32,
    value: *mut u8,
    length: *mut i32,
    errno: *mut i32,
) -> i32 {
    let call = || {
        let provider = provider_of(s)?;
        check(value)?;
        // SAFETY: the length is null or valid, as Winsock promises.
        let room = unsafe { read(length) }?;
        // No option is longer.
        let mut bytes = vec![0; room.clamp(0, 16) as usize];
        let written = provider.option(s, level, name, &mut bytes)?;
        // SAFETY: there is room for so much, as Winsock promises, and the length is valid.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), value, written);
            write(length, written as i32)?;
        }
        Ok(0)
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}

/// FIONBIO, FIONREAD and SIOCATMARK.
unsafe extern "system" fn ioctl(
    s: SOCKET,
    code: u32,
    input: *const c_void,
    input_length: u32,
    output: *mut c_void,
    output_length: u32,
    returned: *mut u32,
    overlapped: *mut OVERLAPPED,
    routine: LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    _thread: *const WSATHREADID,
    errno: *mut i32,
) -> i32 {
    const NUMBER: u32 = size_of::<u32>() as u32;
    let call = || {
        let provider = provider_of(s)?;
        if !overlapped.is_null() || routine.is_some() {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        check(returned)?;
        let answer = match code.cast_signed() {
            FIONBIO if input_length < NUMBER => return Err(WsaError::WSAEFAULT),
            FIONBIO => {
                // SAFETY: the input has its length, as Winsock promises.
                let nonblocking = unsafe { read(input.cast::<u32>()) }?;
                provider.set_nonblocking(s, nonblocking != 0)?;
                None
            }
            FIONREAD | SIOCATMARK if output.is_null() || output_length < NUMBER => {
                return Err(WsaError::WSAEFAULT);
            }
            FIONREAD => Some(provider.unread(s)?),
            SIOCATMARK => Some(provider.at_mark(s)?.into()),
            _ => return Err(WsaError::WSAEOPNOTSUPP),
        };
        // SAFETY: the output has its length, and `returned` is valid, as Winsock promises.
        unsafe {
            if let Some(answer) = answer {
                write(output.cast(), answer)?;
            }
            write(returned, if answer.is_some() { NUMBER } else { 0 })?;
        }
        Ok(0)
    };
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
    thread: *const WSATHREADID,
    errno: *mut i32,
) -> i32 {
    let (to, length) = (null_mut(), 0);
    // SAFETY: as Winsock promises, and no address may be null.
    unsafe {
        send_to(s, buffers, count, sent, flags, to, length, overlapped, routine, thread, errno)
    }
}

unsafe extern "system" fn send_to(
    s: SOCKET,
    buffers: *const WSABUF,
    count: u32,
    sent: *mut u32,
    flags: u32,
    to: *const SOCKADDR,
    length: i32,
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
        let to = if to.is_null() {
            None
        } else {
            // SAFETY: the name has its length, as Winsock promises.
            Some(unsafe { read_address(to, length) }?)
        };
        // SAFETY: the buffers are what they say, as Winsock promises.
        let buffers = unsafe { Buffers::new(buffers, count) }?;
        let length = provider.send_to(s, &buffers.gather(), flags.cast_signed(), to)?;
        // SAFETY: `sent` is valid, as Winsock promises.
        unsafe { write(sent, length as u32) }?;
        Ok(0)
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}

unsafe extern "system" fn recv(
    s: SOCKET,
    buffers: *const WSABUF,
    count: u32,
    received: *mut u32,
    flags: *mut u32,
    overlapped: *mut OVERLAPPED,
    routine: LPWSAOVERLAPPED_COMPLETION_ROUTINE,
    thread: *const WSATHREADID,
    // An output, although `windows-sys` says const.
    errno: *const i32,
) -> i32 {
    let (from, length, errno) = (null_mut(), null_mut(), errno.cast_mut());
    // SAFETY: as Winsock promises, and no address may be null.
    unsafe {
        recv_from(
            s, buffers, count, received, flags, from, length, overlapped, routine, thread, errno,
        )
    }
}

/// The flags stay as they are: what Winsock can add to them is for protocols that this provider does not have.
unsafe extern "system" fn recv_from(
    s: SOCKET,
    buffers: *const WSABUF,
    count: u32,
    received: *mut u32,
    flags: *mut u32,
    from: *mut SOCKADDR,
    length: *mut i32,
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
        check(received)?;
        // SAFETY: the flags are null or valid, as Winsock promises.
        let flags = unsafe { read(flags) }?;
        // Before a datagram is taken: it could not be given back.
        if !from.is_null() {
            // SAFETY: `length` is null or valid, as Winsock promises.
            unsafe { check_address_output(family(&provider, s)?, from, length) }?;
        }
        // SAFETY: the buffers are what they say, as Winsock promises.
        let buffers = unsafe { Buffers::new(buffers, count) }?;
        let mut bytes = buffers.room();
        let it = provider.recv_from(s, &mut bytes, flags.cast_signed())?;
        buffers.scatter(&bytes[..it.length]);
        // SAFETY: `received` is valid, and the name has the length that stands at `length`, as Winsock promises.
        unsafe {
            write(received, it.length as u32)?;
            if let Some(sender) = it.from
                && !from.is_null()
            {
                write_address(sender, from, length);
            }
        }
        if it.truncated { Err(WsaError::WSAEMSGSIZE) } else { Ok(0) }
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}
