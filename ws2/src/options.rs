//! setsockopt() and getsockopt(): Winsock's options on a socket of the OS.
//!
//! An option's value is a BOOL or another number of four bytes; that of SO_LINGER is two numbers of two. A BOOL can be set
//! and read in fewer bytes too, as on Windows: then it is one byte.
//!
//! These differ from Unix's:
//!
//! - SO_REUSEADDR: Winsock's takes an address away from the socket that has it. No system but Windows does that. A stream
//!   can bind to an address whose last connections linger (TIME_WAIT) without the option, as on Windows: the OS's is
//!   always set. For datagrams it is the OS's: several sockets share an address if all have set it.
//! - SO_EXCLUSIVEADDRUSE: is the rule on other systems, so it changes nothing. It cannot be set together with
//!   SO_REUSEADDR.
//! - SO_RCVBUF, SO_SNDBUF: what was set is what is read. The OS may have taken another size (Linux takes twice as much,
//!   for its own use), and as long as nothing was set, its own size is read.
//! - SO_DONTROUTE: is ignored on IPv4, as Winsock's reference says.
//! - IPV6_V6ONLY: is on at the beginning, as on Windows.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use wsp_events::WsaError;

use crate::Result;

const SOL_SOCKET: i32 = 0xffff;
const IPPROTO_IP: i32 = 0;
const IPPROTO_TCP: i32 = 6;
const IPPROTO_IPV6: i32 = 41;

const SO_ACCEPTCONN: i32 = 0x0002;
const SO_REUSEADDR: i32 = 0x0004;
const SO_KEEPALIVE: i32 = 0x0008;
const SO_DONTROUTE: i32 = 0x0010;
const SO_BROADCAST: i32 = 0x0020;
const SO_LINGER: i32 = 0x0080;
const SO_OOBINLINE: i32 = 0x0100;
const SO_DONTLINGER: i32 = !SO_LINGER;
const SO_EXCLUSIVEADDRUSE: i32 = !SO_REUSEADDR;
const SO_SNDBUF: i32 = 0x1001;
const SO_RCVBUF: i32 = 0x1002;
const SO_SNDTIMEO: i32 = 0x1005;
const SO_RCVTIMEO: i32 = 0x1006;
const SO_ERROR: i32 = 0x1007;
const SO_TYPE: i32 = 0x1008;
const TCP_NODELAY: i32 = 1;
const IP_TTL: i32 = 4;
const IPV6_UNICAST_HOPS: i32 = 4;
const IPV6_V6ONLY: i32 = 27;

/// A socket's options, as far as it keeps them itself.
#[derive(Clone, Default)]
pub(crate) struct Options {
    /// SO_RCVTIMEO and SO_SNDTIMEO.
    pub(crate) time_limits: [Option<Duration>; 2],
    /// SO_OOBINLINE.
    pub(crate) inline: bool,
    reuse: bool,
    exclusive: bool,
    dont_route: bool,
    /// SO_RCVBUF and SO_SNDBUF, once they were set.
    buffers: [Option<i32>; 2],
}

/// What the socket itself knows.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) domain: Domain,
    pub(crate) kind: Type,
    pub(crate) is_listening: bool,
    /// SO_ERROR. To read it does not clear it, as on Windows.
    pub(crate) error: Option<WsaError>,
}

/// What a new socket of the OS must have.
pub(crate) fn prepare(os: &Socket, domain: Domain) -> Result {
    if domain == Domain::IPV6 {
        os.set_only_v6(true)?;
    }
    Ok(())
}

/// bind(). A stream can have an address whose last connections linger (TIME_WAIT), as on Windows. Unix allows that only
/// if both sockets have SO_REUSEADDR: those that [`listen`] has prepared, and this one. It must not keep the option:
/// another socket that binds in the same way would get the same address.
///
/// Datagrams can be bound to the broadcast address with SO_BROADCAST only. Linux allows it without.
pub(crate) fn bind(os: &Socket, address: SocketAddr, kind: Type) -> Result {
    if kind == Type::DGRAM && address.ip() == Ipv4Addr::BROADCAST && !os.broadcast()? {
        return Err(WsaError::WSAEACCES);
    }
    let bound = os.bind(&address.into()).map_err(WsaError::from);
    if cfg!(windows) || kind != Type::STREAM || bound != Err(WsaError::WSAEADDRINUSE) {
        return bound;
    }
    os.set_reuse_address(true)?;
    let bound = os.bind(&address.into());
    os.set_reuse_address(false)?;
    Ok(bound?)
}

/// listen(). The connections that are accepted have the listener's options.
pub(crate) fn listen(os: &Socket, backlog: i32) -> Result {
    if cfg!(unix) {
        os.set_reuse_address(true)?;
    }
    Ok(os.listen(backlog)?)
}

impl Options {
    /// setsockopt(). What can only be read is no option here.
    pub(crate) fn set(
        &mut self,
        os: &Socket,
        known: Known,
        level: i32,
        name: i32,
        value: &[u8],
    ) -> Result {
        check_level(known, level)?;
        let is_stream = known.kind == Type::STREAM;
        match (level, name) {
            (SOL_SOCKET, SO_REUSEADDR) => {
                let reuse = flag(value)?;
                if reuse && self.exclusive {
                    return Err(WsaError::WSAEINVAL);
                }
                if !is_stream || cfg!(windows) {
                    os.set_reuse_address(reuse)?;
                }
                self.reuse = reuse;
            }
            (SOL_SOCKET, SO_EXCLUSIVEADDRUSE) => {
                let exclusive = flag(value)?;
                if exclusive && self.reuse {
                    return Err(WsaError::WSAEINVAL);
                }
                self.exclusive = exclusive;
            }
            (SOL_SOCKET, SO_KEEPALIVE) => os.set_keepalive(flag(value)?)?,
            (SOL_SOCKET, SO_BROADCAST) => os.set_broadcast(flag(value)?)?,
            (SOL_SOCKET, SO_OOBINLINE) => {
                self.inline = flag(value)?;
                os.set_out_of_band_inline(self.inline)?;
            }
            (SOL_SOCKET, SO_DONTROUTE) if known.domain == Domain::IPV4 => {
                self.dont_route = flag(value)?;
            }
            (SOL_SOCKET, SO_LINGER) if is_stream => {
                let [on, seconds] = linger(value)?;
                let time = (on != 0).then(|| Duration::from_secs(seconds.into()));
                os.set_linger(time)?;
            }
            (SOL_SOCKET, SO_DONTLINGER) if is_stream => {
                os.set_linger(if flag(value)? { None } else { Some(Duration::ZERO) })?;
            }
            (SOL_SOCKET, SO_RCVBUF | SO_SNDBUF) => {
                let set = number(value)?;
                let size = usize::try_from(set).map_err(|_| WsaError::WSAEINVAL)?;
                match name {
                    SO_RCVBUF => os.set_recv_buffer_size(size)?,
                    _ => os.set_send_buffer_size(size)?,
                }
                self.buffers[usize::from(name == SO_SNDBUF)] = Some(set);
            }
            (SOL_SOCKET, SO_RCVTIMEO | SO_SNDTIMEO) => {
                let limit = match number(value)?.cast_unsigned() {
                    0 => None,
                    milliseconds => Some(Duration::from_millis(milliseconds.into())),
                };
                self.time_limits[usize::from(name == SO_SNDTIMEO)] = limit;
            }
            (IPPROTO_TCP, TCP_NODELAY) => os.set_tcp_nodelay(flag(value)?)?,
            (IPPROTO_IP, IP_TTL) => os.set_ttl_v4(number(value)?.cast_unsigned())?,
            (IPPROTO_IPV6, IPV6_UNICAST_HOPS) => {
                os.set_unicast_hops_v6(number(value)?.cast_unsigned())?;
            }
            (IPPROTO_IPV6, IPV6_V6ONLY) => os.set_only_v6(flag(value)?)?,
            _ => return Err(WsaError::WSAENOPROTOOPT),
        }
        Ok(())
    }

    /// getsockopt(): answers how many bytes it has written.
    pub(crate) fn get(
        &self,
        os: &Socket,
        known: Known,
        level: i32,
        name: i32,
        out: &mut [u8],
    ) -> Result<usize> {
        if out.is_empty() {
            return Err(WsaError::WSAEFAULT);
        }
        check_level(known, level)?;
        let is_stream = known.kind == Type::STREAM;
        match (level, name) {
            (SOL_SOCKET, SO_REUSEADDR) => put_flag(out, self.reuse),
            (SOL_SOCKET, SO_EXCLUSIVEADDRUSE) => put_flag(out, self.exclusive),
            (SOL_SOCKET, SO_KEEPALIVE) => put_flag(out, os.keepalive()?),
            (SOL_SOCKET, SO_BROADCAST) => put_flag(out, os.broadcast()?),
            (SOL_SOCKET, SO_OOBINLINE) => put_flag(out, self.inline),
            (SOL_SOCKET, SO_DONTROUTE) if known.domain == Domain::IPV4 => {
                put_flag(out, self.dont_route)
            }
            (SOL_SOCKET, SO_LINGER) if is_stream => {
                let time = os.linger()?;
                let seconds = time.map_or(0, |time| time.as_secs().try_into().unwrap_or(u16::MAX));
                let [on, seconds] = [u16::from(time.is_some()), seconds].map(u16::to_ne_bytes);
                put(out, [on[0], on[1], seconds[0], seconds[1]])
            }
            (SOL_SOCKET, SO_DONTLINGER) if is_stream => put_flag(out, os.linger()?.is_none()),
            (SOL_SOCKET, SO_ACCEPTCONN) if is_stream => put_flag(out, known.is_listening),
            (SOL_SOCKET, SO_RCVBUF | SO_SNDBUF) => {
                let size = match (self.buffers[usize::from(name == SO_SNDBUF)], name) {
                    (Some(set), _) => set,
                    (None, SO_RCVBUF) => os.recv_buffer_size()?.try_into().unwrap_or(i32::MAX),
                    (None, _) => os.send_buffer_size()?.try_into().unwrap_or(i32::MAX),
                };
                put(out, size.to_ne_bytes())
            }
            (SOL_SOCKET, SO_RCVTIMEO | SO_SNDTIMEO) => {
                let limit = self.time_limits[usize::from(name == SO_SNDTIMEO)];
                put(out, limit.map_or(0, |limit| limit.as_millis() as u32).to_ne_bytes())
            }
            (SOL_SOCKET, SO_ERROR) => put(out, known.error.map_or(0, WsaError::code).to_ne_bytes()),
            (SOL_SOCKET, SO_TYPE) => put(out, if is_stream { 1_i32 } else { 2 }.to_ne_bytes()),
            (IPPROTO_TCP, TCP_NODELAY) => put_flag(out, os.tcp_nodelay()?),
            (IPPROTO_IP, IP_TTL) => put(out, os.ttl_v4()?.to_ne_bytes()),
            (IPPROTO_IPV6, IPV6_UNICAST_HOPS) => put(out, os.unicast_hops_v6()?.to_ne_bytes()),
            (IPPROTO_IPV6, IPV6_V6ONLY) => put_flag(out, os.only_v6()?),
            _ => Err(WsaError::WSAENOPROTOOPT),
        }
    }
}

/// WSAEINVAL: the socket has no options of this level.
fn check_level(known: Known, level: i32) -> Result {
    let exists = match level {
        SOL_SOCKET => true,
        IPPROTO_TCP => known.kind == Type::STREAM,
        IPPROTO_IP => known.domain == Domain::IPV4,
        IPPROTO_IPV6 => known.domain == Domain::IPV6,
        _ => false,
    };
    if exists { Ok(()) } else { Err(WsaError::WSAEINVAL) }
}

fn flag(value: &[u8]) -> Result<bool> {
    let bytes = &value[..value.len().min(4)];
    if bytes.is_empty() { Err(WsaError::WSAEFAULT) } else { Ok(bytes.iter().any(|it| *it != 0)) }
}

fn number(value: &[u8]) -> Result<i32> {
    value.first_chunk().copied().map(i32::from_ne_bytes).ok_or(WsaError::WSAEFAULT)
}

/// `l_onoff` and `l_linger`, the latter in seconds.
fn linger(value: &[u8]) -> Result<[u16; 2]> {
    let [a, b, c, d] = *value.first_chunk().ok_or(WsaError::WSAEFAULT)?;
    Ok([[a, b], [c, d]].map(u16::from_ne_bytes))
}

fn put(out: &mut [u8], value: [u8; 4]) -> Result<usize> {
    *out.first_chunk_mut().ok_or(WsaError::WSAEFAULT)? = value;
    Ok(value.len())
}

fn put_flag(out: &mut [u8], on: bool) -> Result<usize> {
    match out {
        [only, _, _] | [only, _] | [only] => {
            *only = on.into();
            Ok(1)
        }
        _ => put(out, i32::from(on).to_ne_bytes()),
    }
}
