//! Sockets from socket() to closesocket(): their calls but those that send and receive.

use std::ffi::c_void;
use std::process;

use socket2::{Domain, Type};
use wsp_events::spi::SOCKET_ERROR;
use wsp_events::{INVALID_SOCKET, SOCKET, WsaError};

use super::address::{
    AF_INET, AF_INET6, AF_UNSPEC, AddressOut, family_of, length_of, read_address,
    read_address_or_none,
};
use super::boundary::{check, length, read, read_all, write};
use super::startup::{Current, on_current};
use crate::Result;

const SOCK_STREAM: i32 = 1;
const SOCK_DGRAM: i32 = 2;
const IPPROTO_TCP: i32 = 6;
const IPPROTO_UDP: i32 = 17;
const FROM_PROTOCOL_INFO: i32 = -1;

/// What WSASocket's flags may be; neither means anything here.
const WSA_FLAG_OVERLAPPED: u32 = 0x01;
const WSA_FLAG_NO_HANDLE_INHERIT: u32 = 0x80;

/// WSAPROTOCOL_INFO, in which a name is 256 characters: those of C, or of 16 bits.
#[derive(Clone, Copy)]
#[repr(C)]
struct ProtocolInfo<Character> {
    service_flags: [u32; 4],
    provider_flags: u32,
    provider_id: [u32; 4],
    catalog_entry_id: u32,
    chain_length: i32,
    chain_entries: [u32; 7],
    version: i32,
    address_family: i32,
    max_address: i32,
    min_address: i32,
    socket_type: i32,
    protocol: i32,
    protocol_max_offset: i32,
    network_byte_order: i32,
    security_scheme: i32,
    message_size: u32,
    /// Here, the descriptor of the socket to duplicate. Winsock leaves this field to the provider, and a program does
    /// not set it.
    provider_reserved: u32,
    name: [Character; 256],
}

/// What distinguishes TCP from UDP: WSAPROTOCOL_INFO's flags (XP1_…), protocol, largest message and name.
fn protocol_of(kind: Type) -> (u32, i32, u32, &'static str) {
    match kind {
        // CONNECTIONLESS, MESSAGE_ORIENTED, SUPPORT_BROADCAST, SUPPORT_MULTIPOINT, IFS_HANDLES
        Type::DGRAM => (0x20609, IPPROTO_UDP, 65507, "UDP"),
        // GUARANTEED_DELIVERY, GUARANTEED_ORDER, GRACEFUL_CLOSE, EXPEDITED_DATA, IFS_HANDLES
        _ => (0x20066, IPPROTO_TCP, 0, "TCP"),
    }
}

impl<Character: From<u8> + Copy> ProtocolInfo<Character> {
    fn of(s: SOCKET, (domain, kind): (Domain, Type)) -> Result<Self> {
        /// Says that a socket of protocol 0 has this one.
        const PFL_MATCHES_PROTOCOL_ZERO: u32 = 8;
        let (flags, protocol, message_size, protocol_name) = protocol_of(kind);
        let address = length_of(domain) as i32;
        let is_v6 = domain == Domain::IPV6;
        let mut name = [Character::from(0); 256];
        let text = [protocol_name, if is_v6 { "/IPv6" } else { "/IP" }].concat();
        name.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from.into());
        Ok(Self {
            service_flags: [flags, 0, 0, 0],
            provider_flags: PFL_MATCHES_PROTOCOL_ZERO,
            provider_id: [0; 4],
            catalog_entry_id: 1,
            chain_length: 1,
            chain_entries: [0; 7],
            version: 2,
            address_family: family_of(domain).into(),
            max_address: address,
            min_address: address,
            socket_type: if kind == Type::DGRAM { SOCK_DGRAM } else { SOCK_STREAM },
            protocol,
            protocol_max_offset: 0,
            network_byte_order: 0,
            security_scheme: 0,
            message_size,
            provider_reserved: s.try_into().map_err(|_| WsaError::WSAENOTSOCK)?,
            name,
        })
    }
}

/// The kind of socket that the program asks for. If it leaves the type or the family open, the protocol says it.
fn kind_of(family: i32, socket_type: i32, protocol: i32) -> Result<(Domain, Type)> {
    if family == AF_UNSPEC.into() && protocol == 0 {
        return Err(WsaError::WSAEINVAL);
    }
    let kind = match (socket_type, protocol) {
        (SOCK_STREAM, _) | (0, 0 | IPPROTO_TCP) => Type::STREAM,
        (SOCK_DGRAM, _) | (0, IPPROTO_UDP) => Type::DGRAM,
        (0, _) => return Err(WsaError::WSAEPROTONOSUPPORT),
        _ => return Err(WsaError::WSAESOCKTNOSUPPORT),
    };
    let domain = match u16::try_from(family) {
        Ok(AF_UNSPEC | AF_INET) => Domain::IPV4,
        Ok(AF_INET6) => Domain::IPV6,
        _ => return Err(WsaError::WSAEAFNOSUPPORT),
    };
    if protocol != 0 && protocol != protocol_of(kind).1 {
        return Err(WsaError::WSAEPROTONOSUPPORT);
    }
    Ok((domain, kind))
}

#[unsafe(no_mangle)]
extern "C" fn ws2_socket(family: i32, socket_type: i32, protocol: i32) -> SOCKET {
    on_current(INVALID_SOCKET, |winsock| {
        let (domain, kind) = kind_of(family, socket_type, protocol)?;
        winsock.create_socket(domain, kind)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn WSASocketA(
    family: i32,
    socket_type: i32,
    protocol: i32,
    info: *const ProtocolInfo<u8>,
    group: u32,
    flags: u32,
) -> SOCKET {
    // SAFETY: the program promises that it is null or valid.
    on_current(INVALID_SOCKET, |winsock| unsafe {
        create(winsock, [family, socket_type, protocol], info, group, flags)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn WSASocketW(
    family: i32,
    socket_type: i32,
    protocol: i32,
    info: *const ProtocolInfo<u16>,
    group: u32,
    flags: u32,
) -> SOCKET {
    // SAFETY: the program promises that it is null or valid.
    on_current(INVALID_SOCKET, |winsock| unsafe {
        create(winsock, [family, socket_type, protocol], info, group, flags)
    })
}

/// A socket as asked for, or another descriptor of the socket that the structure names.
///
/// # Safety
///
/// `info` is as for [`read`].
unsafe fn create<Character: Copy>(
    winsock: &Current,
    mut kind: [i32; 3],
    info: *const ProtocolInfo<Character>,
    group: u32,
    flags: u32,
) -> Result<SOCKET> {
    if group != 0 || flags & !(WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT) != 0 {
        return Err(WsaError::WSAEINVAL);
    }
    if !info.is_null() {
        // SAFETY: the caller guarantees it.
        let info = unsafe { read(info) }?;
        if info.provider_reserved != 0 {
            // It may have been closed since: then the structure is not valid any more.
            let duplicate = winsock.duplicate(info.provider_reserved as SOCKET);
            return duplicate.map_err(|error| match error {
                WsaError::WSAENOTSOCK => WsaError::WSAEINVAL,
                error => error,
            });
        }
        let of_info = [info.address_family, info.socket_type, info.protocol];
        for (asked, of_info) in kind.iter_mut().zip(of_info) {
            if *asked == FROM_PROTOCOL_INFO {
                *asked = of_info;
            }
        }
    }
    let [family, socket_type, protocol] = kind;
    let (domain, kind) = kind_of(family, socket_type, protocol)?;
    winsock.create_socket(domain, kind)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn WSADuplicateSocketA(
    s: SOCKET,
    process: u32,
    info: *mut ProtocolInfo<u8>,
) -> i32 {
    // SAFETY: the program promises that it is null or valid.
    on_current(SOCKET_ERROR, |winsock| unsafe { describe(winsock, s, process, info) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn WSADuplicateSocketW(
    s: SOCKET,
    process: u32,
    info: *mut ProtocolInfo<u16>,
) -> i32 {
    // SAFETY: the program promises that it is null or valid.
    on_current(SOCKET_ERROR, |winsock| unsafe { describe(winsock, s, process, info) })
}

/// Fills in a structure by which WSASocket, in this process, finds the socket.
///
/// # Safety
///
/// `info` is as for [`write()`].
unsafe fn describe<Character: From<u8> + Copy>(
    winsock: &Current,
    s: SOCKET,
    process: u32,
    info: *mut ProtocolInfo<Character>,
) -> Result<i32> {
    let kind = winsock.kind(s)?;
    check(info, 1)?;
    if process != process::id() {
        return Err(WsaError::WSAEINVAL);
    }
    // SAFETY: the caller guarantees it.
    unsafe { write(info, ProtocolInfo::of(s, kind)?) }?;
    Ok(0)
}

#[unsafe(no_mangle)]
extern "C" fn closesocket(s: SOCKET) -> i32 {
    on_current(SOCKET_ERROR, |winsock| winsock.close_socket(s).map(|()| 0))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_bind(s: SOCKET, name: *const u8, length: i32) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        let (domain, _) = winsock.kind(s)?;
        // SAFETY: the program promises it.
        let address = unsafe { read_address(domain, name, length) }?;
        winsock.bind(s, address).map(|()| 0)
    })
}

#[unsafe(no_mangle)]
extern "C" fn ws2_listen(s: SOCKET, backlog: i32) -> i32 {
    on_current(SOCKET_ERROR, |winsock| winsock.listen(s, backlog).map(|()| 0))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_accept(s: SOCKET, name: *mut u8, length: *mut i32) -> SOCKET {
    // SAFETY: the program promises that both are null or valid.
    on_current(INVALID_SOCKET, |winsock| unsafe { accept(winsock, s, name, length) })
}

/// There is nobody to ask for a condition function: the OS has accepted the connection already.
#[unsafe(no_mangle)]
unsafe extern "C" fn WSAAccept(
    s: SOCKET,
    name: *mut u8,
    length: *mut i32,
    condition: super::boundary::Routine,
    _condition_data: usize,
) -> SOCKET {
    on_current(INVALID_SOCKET, |winsock| {
        winsock.kind(s)?;
        if condition.is_some() {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        // SAFETY: the program promises that both are null or valid.
        unsafe { accept(winsock, s, name, length) }
    })
}

/// The output is checked before a connection is taken.
///
/// # Safety
///
/// The pointers are as for [`AddressOut::new`].
unsafe fn accept(winsock: &Current, s: SOCKET, name: *mut u8, length: *mut i32) -> Result<SOCKET> {
    let (domain, _) = winsock.kind(s)?;
    // SAFETY: the caller guarantees it.
    let out = unsafe { AddressOut::wanted(domain, name, length) }?;
    let (accepted, peer) = winsock.accept(s)?;
    if let Some(out) = out {
        out.write(peer)?;
    }
    Ok(accepted)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_connect(s: SOCKET, name: *const u8, length: i32) -> i32 {
    // SAFETY: the program promises that it is null or valid.
    on_current(SOCKET_ERROR, |winsock| unsafe { connect(winsock, s, name, length) })
}

/// TCP and UDP carry no data of the caller's or the callee's, and no quality of service.
#[unsafe(no_mangle)]
unsafe extern "C" fn WSAConnect(
    s: SOCKET,
    name: *const u8,
    length: i32,
    caller_data: *const c_void,
    callee_data: *const c_void,
    socket_qos: *const c_void,
    group_qos: *const c_void,
) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        winsock.kind(s)?;
        if [caller_data, callee_data, socket_qos, group_qos].iter().any(|it| !it.is_null()) {
            return Err(WsaError::WSAEOPNOTSUPP);
        }
        // SAFETY: the program promises that it is null or valid.
        unsafe { connect(winsock, s, name, length) }
    })
}

/// To no address, or to one that is nothing but zeros, a datagram socket ends its association.
///
/// # Safety
///
/// The pointer is as for [`read_address`].
unsafe fn connect(winsock: &Current, s: SOCKET, name: *const u8, length: i32) -> Result<i32> {
    let (domain, kind) = winsock.kind(s)?;
    // SAFETY: the caller guarantees it.
    let peer = unsafe { read_address_or_none(domain, name, length) }?;
    let is_none = peer.is_none_or(|peer| peer.ip().is_unspecified());
    match peer {
        _ if is_none && kind == Type::DGRAM => winsock.disconnect(s)?,
        Some(peer) => winsock.connect(s, peer)?,
        None => return Err(WsaError::WSAEAFNOSUPPORT),
    }
    Ok(0)
}

#[unsafe(no_mangle)]
extern "C" fn ws2_shutdown(s: SOCKET, how: i32) -> i32 {
    on_current(SOCKET_ERROR, |winsock| winsock.shutdown(s, how).map(|()| 0))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_getsockname(s: SOCKET, name: *mut u8, length: *mut i32) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        // SAFETY: the program promises that both are null or valid.
        let out = unsafe { AddressOut::new(winsock.kind(s)?.0, name, length) }?;
        out.write(winsock.local_address(s)?).map(|()| 0)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_getpeername(s: SOCKET, name: *mut u8, length: *mut i32) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        // SAFETY: the program promises that both are null or valid.
        let out = unsafe { AddressOut::new(winsock.kind(s)?.0, name, length) }?;
        out.write(winsock.peer_address(s)?).map(|()| 0)
    })
}

/// Longer than any option.
const OPTION_ROOM: usize = 64;

#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_getsockopt(
    s: SOCKET,
    level: i32,
    name: i32,
    value: *mut u8,
    value_length: *mut i32,
) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        winsock.kind(s)?;
        // SAFETY: the program promises that it is null or valid.
        let room = length(unsafe { read(value_length) }?)?;
        check(value, room.max(1))?;
        let mut out = [0; OPTION_ROOM];
        let written = winsock.option(s, level, name, &mut out[..room.min(OPTION_ROOM)])?;
        for (at, byte) in out[..written].iter().enumerate() {
            // SAFETY: it is inside of what the program has room for.
            unsafe { write(value.add(at), *byte) }?;
        }
        // SAFETY: as for the read.
        unsafe { write(value_length, written as i32) }?;
        Ok(0)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_setsockopt(
    s: SOCKET,
    level: i32,
    name: i32,
    value: *const u8,
    value_length: i32,
) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        winsock.kind(s)?;
        let length = length(value_length)?.min(OPTION_ROOM);
        // SAFETY: the program promises that there are so many bytes.
        let value = unsafe { read_all(value, length) }?;
        winsock.set_option(s, level, name, &value).map(|()| 0)
    })
}
