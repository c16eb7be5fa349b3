//! Addresses in and out: `sockaddr_in` and `sockaddr_in6` as Windows has them, in 16 and 28 bytes.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use socket2::Domain;
use wsp_events::WsaError;

use super::boundary::{check, length, read, write};
use crate::Result;

pub(super) const AF_UNSPEC: u16 = 0;
pub(super) const AF_INET: u16 = 2;
pub(super) const AF_INET6: u16 = 23;

/// The number by which Winsock knows a socket's family.
pub(super) fn family_of(domain: Domain) -> u16 {
    if domain == Domain::IPV6 { AF_INET6 } else { AF_INET }
}

/// How long the addresses of a socket are.
pub(super) fn length_of(domain: Domain) -> usize {
    if domain == Domain::IPV6 { size_of::<In6>() } else { size_of::<In>() }
}

/// `sockaddr_in`. The numbers are in network byte order.
#[derive(Clone, Copy)]
#[repr(C)]
struct In {
    family: u16,
    port: [u8; 2],
    address: [u8; 4],
    zero: [u8; 8],
}

/// `sockaddr_in6`. The port and the address are in network byte order.
#[derive(Clone, Copy)]
#[repr(C)]
struct In6 {
    family: u16,
    port: [u8; 2],
    flow_info: u32,
    address: [u8; 16],
    scope_id: u32,
}

/// The address that the program gives for a socket of this domain, which the socket may refuse. `None` is none: the
/// family is AF_UNSPEC.
///
/// # Safety
///
/// `name` fails [`check`], or is valid for reads of `length` bytes.
pub(super) unsafe fn read_address_or_none(
    domain: Domain,
    name: *const u8,
    length: i32,
) -> Result<Option<SocketAddr>> {
    if self::length(length)? < length_of(domain) {
        return Err(WsaError::WSAEFAULT);
    }
    check(name, length_of(domain))?;
    // SAFETY: the address is at least this long, and the caller guarantees the rest.
    match unsafe { read(name.cast::<u16>()) }? {
        AF_UNSPEC => Ok(None),
        AF_INET => {
            // SAFETY: as above.
            let In { port, address, .. } = unsafe { read(name.cast::<In>()) }?;
            Ok(Some((Ipv4Addr::from(address), u16::from_be_bytes(port)).into()))
        }
        // Only here is it known to be long enough.
        AF_INET6 if domain == Domain::IPV6 => {
            // SAFETY: as above.
            let In6 { port, flow_info, address, scope_id, .. } = unsafe { read(name.cast()) }?;
            let (ip, port) = (Ipv6Addr::from(address), u16::from_be_bytes(port));
            Ok(Some(SocketAddrV6::new(ip, port, flow_info, scope_id).into()))
        }
        _ => Err(WsaError::WSAEAFNOSUPPORT),
    }
}

/// The address that the program gives for a socket of this domain.
///
/// # Safety
///
/// As for [`read_address_or_none`].
pub(super) unsafe fn read_address(
    domain: Domain,
    name: *const u8,
    length: i32,
) -> Result<SocketAddr> {
    // SAFETY: the caller guarantees it.
    unsafe { read_address_or_none(domain, name, length) }?.ok_or(WsaError::WSAEAFNOSUPPORT)
}

/// Where the program wants an address: checked before the call changes anything.
pub(super) struct AddressOut {
    name: *mut u8,
    room: usize,
    length: *mut i32,
}

impl AddressOut {
    /// # Safety
    ///
    /// `length` fails [`check`], or is valid for reads and writes of an `int`. `name` fails it too, or is valid for
    /// writes of as many bytes as stand there. Both are so as long as the result is in use.
    pub(super) unsafe fn new(domain: Domain, name: *mut u8, length: *mut i32) -> Result<Self> {
        // SAFETY: the caller guarantees it.
        let room = self::length(unsafe { read(length) }?)?;
        if room < length_of(domain) {
            return Err(WsaError::WSAEFAULT);
        }
        check(name, length_of(domain))?;
        Ok(Self { name, room, length })
    }

    /// The same where the program may want no address: then one of the pointers is null.
    ///
    /// # Safety
    ///
    /// As for [`new`](Self::new).
    pub(super) unsafe fn wanted(
        domain: Domain,
        name: *mut u8,
        length: *mut i32,
    ) -> Result<Option<Self>> {
        if name.is_null() || length.is_null() {
            return Ok(None);
        }
        // SAFETY: the caller guarantees it.
        unsafe { Self::new(domain, name, length) }.map(Some)
    }

    /// Writes an address of the domain.
    pub(super) fn write(&self, address: SocketAddr) -> Result {
        let port = address.port().to_be_bytes();
        match address {
            SocketAddr::V4(v4) => {
                let address = v4.ip().octets();
                self.put(In { family: AF_INET, port, address, zero: [0; 8] })
            }
            SocketAddr::V6(v6) => self.put(In6 {
                family: AF_INET6,
                port,
                flow_info: v6.flowinfo(),
                address: v6.ip().octets(),
                scope_id: v6.scope_id(),
            }),
        }
    }

    fn put<A>(&self, address: A) -> Result {
        if size_of::<A>() > self.room {
            return Err(WsaError::WSAEFAULT);
        }
        // SAFETY: there is room, and the caller of `new` guarantees the rest.
        unsafe { write(self.name.cast::<A>(), address)? };
        // SAFETY: the caller of `new` guarantees it.
        unsafe { write(self.length, size_of::<A>() as i32) }
    }
}
