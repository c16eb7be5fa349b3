//! Sending and receiving.

use std::borrow::Cow;
use std::ffi::c_void;
use std::ptr;

use socket2::Type;
use wsp_events::spi::SOCKET_ERROR;
use wsp_events::{SOCKET, WsaError};

use super::address::{AddressOut, read_address};
use super::boundary::{
    Routine, buffer, bytes, check, check_not_overlapped, length, read, read_all, write,
};
use super::startup::{Current, on_current};
use crate::{Received, Result};

/// WSABUF.
#[derive(Clone, Copy)]
#[repr(C)]
struct WsaBuf {
    length: u32,
    bytes: *mut u8,
}

const MSG_WAITALL: i32 = 8;

/// A receive took the beginning of a datagram that is longer.
const MSG_PARTIAL: u32 = 0x8000;

#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_send(s: SOCKET, data: *const u8, size: i32, flags: i32) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        winsock.kind(s)?;
        // SAFETY: the program promises that there are so many bytes.
        let data = unsafe { bytes(data, length(size)?) }?;
        winsock.send(s, data, flags).map(|sent| sent as i32)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_sendto(
    s: SOCKET,
    data: *const u8,
    size: i32,
    flags: i32,
    to: *const u8,
    to_length: i32,
) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        winsock.kind(s)?;
        // SAFETY: the program promises that there are so many bytes.
        let data = unsafe { bytes(data, length(size)?) }?;
        // SAFETY: the program promises that the address is null or valid.
        unsafe { send_to(winsock, s, data, flags, to, to_length) }.map(|sent| sent as i32)
    })
}

/// A stream ignores the address.
///
/// # Safety
///
/// The address is as for [`read_address`].
unsafe fn send_to(
    winsock: &Current,
    s: SOCKET,
    data: &[u8],
    flags: i32,
    to: *const u8,
    to_length: i32,
) -> Result<usize> {
    let (domain, kind) = winsock.kind(s)?;
    if to.is_null() || kind == Type::STREAM {
        return winsock.send(s, data, flags);
    }
    // SAFETY: the caller guarantees it.
    let to = unsafe { read_address(domain, to, to_length) }?;
    winsock.send_to(s, data, flags, Some(to))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_recv(s: SOCKET, data: *mut u8, size: i32, flags: i32) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        winsock.kind(s)?;
        // SAFETY: the program promises that there is so much room.
        let data = unsafe { buffer(data, length(size)?) }?;
        winsock.recv(s, data, flags).map(|received| received as i32)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_recvfrom(
    s: SOCKET,
    data: *mut u8,
    size: i32,
    flags: i32,
    from: *mut u8,
    from_length: *mut i32,
) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        winsock.kind(s)?;
        // SAFETY: the program promises that there is so much room.
        let data = unsafe { buffer(data, length(size)?) }?;
        // SAFETY: the program promises that both are null or valid.
        let received = unsafe { receive_from(winsock, s, data, flags, from, from_length) }?;
        if received.truncated {
            return Err(WsaError::WSAEMSGSIZE);
        }
        Ok(received.length as i32)
    })
}

/// The sender of a datagram is told even if the datagram was too long. The peer of a stream is not. The output is
/// checked before anything is received.
///
/// # Safety
///
/// The pointers are as for [`AddressOut::new`].
unsafe fn receive_from(
    winsock: &Current,
    s: SOCKET,
    data: &mut [u8],
    flags: i32,
    from: *mut u8,
    from_length: *mut i32,
) -> Result<Received> {
    let (domain, kind) = winsock.kind(s)?;
    let out = if kind == Type::STREAM {
        None
    } else {
        // SAFETY: the caller guarantees it.
        unsafe { AddressOut::wanted(domain, from, from_length) }?
    };
    let received = winsock.recv_from(s, data, flags)?;
    if let (Some(out), Some(sender)) = (out, received.from) {
        out.write(sender)?;
    }
    Ok(received)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn WSASend(
    s: SOCKET,
    buffers: *const WsaBuf,
    count: u32,
    sent: *mut u32,
    flags: u32,
    overlapped: *const c_void,
    routine: Routine,
) -> i32 {
    // SAFETY: the program promises that the buffers are what they say, and the rest as for the other calls.
    unsafe { WSASendTo(s, buffers, count, sent, flags, ptr::null(), 0, overlapped, routine) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn WSASendTo(
    s: SOCKET,
    buffers: *const WsaBuf,
    count: u32,
    sent: *mut u32,
    flags: u32,
    to: *const u8,
    to_length: i32,
    overlapped: *const c_void,
    routine: Routine,
) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        winsock.kind(s)?;
        check_not_overlapped(overlapped, routine)?;
        check(sent, 1)?;
        // SAFETY: the program promises that the buffers are what they say.
        let buffers = unsafe { Buffers::new(buffers, count) }?;
        let data = buffers.gather()?;
        // SAFETY: the program promises that the address is null or valid.
        let length = unsafe { send_to(winsock, s, &data, flags.cast_signed(), to, to_length) }?;
        // SAFETY: the program promises that it is valid.
        unsafe { write(sent, length as u32) }?;
        Ok(0)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn WSARecv(
    s: SOCKET,
    buffers: *const WsaBuf,
    count: u32,
    received: *mut u32,
    flags: *mut u32,
    overlapped: *const c_void,
    routine: Routine,
) -> i32 {
    let none = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the program promises that the buffers are what they say, and the rest as for the other calls.
    unsafe { WSARecvFrom(s, buffers, count, received, flags, none.0, none.1, overlapped, routine) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn WSARecvFrom(
    s: SOCKET,
    buffers: *const WsaBuf,
    count: u32,
    received: *mut u32,
    flags: *mut u32,
    from: *mut u8,
    from_length: *mut i32,
    overlapped: *const c_void,
    routine: Routine,
) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        winsock.kind(s)?;
        check_not_overlapped(overlapped, routine)?;
        check(received, 1)?;
        // SAFETY: the program promises that it is null or valid.
        let asked = unsafe { read(flags) }?.cast_signed();
        // SAFETY: the program promises that the buffers are what they say.
        let buffers = unsafe { Buffers::new(buffers, count) }?;
        // SAFETY: the program promises that both are null or valid.
        let receive =
            |data: &mut [u8]| unsafe { receive_from(winsock, s, data, asked, from, from_length) };
        let Received { length, truncated, .. } = buffers.fill(asked & MSG_WAITALL != 0, receive)?;
        // SAFETY: the program promises that both are valid.
        unsafe {
            write(received, length as u32)?;
            write(flags, if truncated { MSG_PARTIAL } else { 0 })?;
        }
        if truncated { Err(WsaError::WSAEMSGSIZE) } else { Ok(0) }
    })
}

/// The buffers of a WSASend or WSARecv, which together are one.
struct Buffers(Vec<WsaBuf>);

impl Buffers {
    /// # Safety
    ///
    /// `first` fails [`check`], or is valid for reads of `count` structures. As long as the result is in use, each
    /// buffer fails it too, or is valid for its length: for reads if it is gathered, for writes if it is filled.
    unsafe fn new(first: *const WsaBuf, count: u32) -> Result<Self> {
        if count == 0 {
            return Err(WsaError::WSAEINVAL);
        }
        // SAFETY: the caller guarantees it.
        let buffers = unsafe { read_all(first, count as usize) }?;
        for buffer in buffers.iter().filter(|it| it.length > 0) {
            check(buffer.bytes, buffer.length as usize)?;
        }
        Ok(Self(buffers))
    }

    /// What they hold. One buffer is not copied.
    fn gather(&self) -> Result<Cow<'_, [u8]>> {
        let mut pieces = self.0.iter().map(|buffer| {
            // SAFETY: the caller of `new` guarantees it.
            unsafe { bytes(buffer.bytes, buffer.length as usize) }
        });
        if self.0.len() == 1
            && let Some(only) = pieces.next()
        {
            return only.map(Cow::Borrowed);
        }
        Ok(Cow::Owned(pieces.collect::<Result<Vec<_>>>()?.concat()))
    }

    /// Fills them, in their order, `all` of them or as far as there is data. If there is more than one, the data comes by
    /// way of memory of our own.
    fn fill(
        &self,
        all: bool,
        receive: impl FnOnce(&mut [u8]) -> Result<Received>,
    ) -> Result<Received> {
        /// A stream gives at most this much at once. No datagram has more.
        const MOST: usize = 1 << 20;
        if let [only] = &self.0[..] {
            // SAFETY: the caller of `new` guarantees it.
            return receive(unsafe { buffer(only.bytes, only.length as usize) }?);
        }
        let sum = self.0.iter().fold(0_usize, |sum, it| sum.saturating_add(it.length as usize));
        let room = if all { sum } else { sum.min(MOST) };
        let mut staged = Vec::new();
        staged.try_reserve_exact(room).map_err(|_| WsaError::WSAENOBUFS)?;
        staged.resize(room, 0);
        let received = receive(&mut staged)?;
        let mut rest = &staged[..received.length];
        for it in &self.0 {
            let (now, later) = rest.split_at(rest.len().min(it.length as usize));
            // SAFETY: the caller of `new` guarantees it.
            unsafe { buffer(it.bytes, now.len()) }?.copy_from_slice(now);
            rest = later;
        }
        Ok(received)
    }
}
