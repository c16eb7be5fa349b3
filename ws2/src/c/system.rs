//! Names, addresses as texts, and time: what programs expect beside the sockets.

use std::cell::Cell;
use std::ffi::c_void;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::process;
use std::ptr;
use std::thread;
use std::time::Duration;

use wsp_events::WsaError;
use wsp_events::spi::SOCKET_ERROR;

use super::address::{AF_INET, AF_INET6};
use super::boundary::{answer, check, deferring_cancellation, read, text, write};
use super::startup::on_current;
use crate::Result;

/// # Safety
///
/// `to` is as for [`check`], or valid for writes of the bytes and a null character.
unsafe fn write_text(to: *mut u8, room: usize, bytes: &[u8], no_room: WsaError) -> Result {
    if room <= bytes.len() || check(to, room).is_err() {
        return Err(no_room);
    }
    for (at, byte) in bytes.iter().chain(&[0]).enumerate() {
        // SAFETY: there is room, and the caller guarantees the rest.
        unsafe { write(to.add(at), *byte) }?;
    }
    Ok(())
}

/// A negative length, which C has made a `size_t`, is longer than any memory.
#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_gethostname(name: *mut u8, length: usize) -> i32 {
    on_current(SOCKET_ERROR, |_| {
        let mut host = [0_u8; 256];
        // SAFETY: it is valid for that many bytes, of which the last stays 0.
        if unsafe { libc::gethostname(host.as_mut_ptr().cast(), host.len() - 1) } != 0 {
            return Err(std::io::Error::last_os_error().into());
        }
        let bytes = host.split(|byte| *byte == 0).next().unwrap_or_default();
        // SAFETY: the program promises that there is so much room.
        unsafe { write_text(name, length, bytes, WsaError::WSAEFAULT) }?;
        Ok(0)
    })
}

/// A number as C writes it: decimal, octal or hexadecimal.
fn number(text: &[u8]) -> Option<u32> {
    let (digits, radix) = match text {
        [b'0', b'x' | b'X', digits @ ..] => (digits, 16),
        [b'0', digits @ ..] if !digits.is_empty() => (digits, 8),
        _ => (text, 10),
    };
    if digits.iter().all(u8::is_ascii_hexdigit) {
        u32::from_str_radix(str::from_utf8(digits).ok()?, radix).ok()
    } else {
        None
    }
}

/// One to four numbers, of which the last fills the rest of the address. What follows a space is ignored. A space alone
/// is no address, but 0.
fn parse(text: &[u8]) -> Option<u32> {
    if text == b" " {
        return Some(0);
    }
    let text = text.split(u8::is_ascii_whitespace).next()?;
    let parts: Vec<u32> = text.split(|byte| *byte == b'.').map(number).collect::<Option<_>>()?;
    let (last, bytes) = parts.split_last()?;
    if bytes.len() > 3 || bytes.iter().any(|byte| *byte > 255) {
        return None;
    }
    let rest = 32 - 8 * bytes.len() as u32;
    if u64::from(*last) >= 1 << rest {
        return None;
    }
    let front = bytes.iter().fold(0, |address, byte| address << 8 | u64::from(*byte)) << rest;
    u32::try_from(front).ok().map(|front| front | last)
}

/// In network byte order. What is no address is INADDR_NONE, which sets no last error unless the pointer is bad.
#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_inet_addr(address: *const u8) -> u32 {
    answer(u32::MAX, || {
        // SAFETY: the program promises that it is null or a text.
        let text = unsafe { text(address) }?;
        Ok(parse(text).map_or(u32::MAX, u32::to_be))
    })
}

/// `struct in_addr`, in network byte order.
#[repr(C)]
struct InAddr(u32);

/// The text is valid until the thread's next call.
#[unsafe(no_mangle)]
extern "C" fn ws2_inet_ntoa(address: InAddr) -> *const u8 {
    thread_local! {
        static TEXT: Cell<[u8; 16]> = const { Cell::new([0; 16]) };
    }
    let mut bytes = [0; 16];
    let text = Ipv4Addr::from(u32::from_be(address.0)).to_string();
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    TEXT.set(bytes);
    TEXT.with(|text| text.as_ptr().cast_const().cast())
}

/// 1 for an address, 0 for what is none.
#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_inet_pton(family: i32, address: *const u8, out: *mut c_void) -> i32 {
    answer(SOCKET_ERROR, || {
        let family = u16::try_from(family).unwrap_or_default();
        if !matches!(family, AF_INET | AF_INET6) {
            return Err(WsaError::WSAEAFNOSUPPORT);
        }
        // SAFETY: the program promises that it is null or a text.
        let text = str::from_utf8(unsafe { text(address) }?).unwrap_or_default();
        check(out.cast::<u8>(), 1)?;
        // SAFETY: the program promises that there is room for an address of the family.
        unsafe {
            if family == AF_INET {
                let Ok(address) = text.parse::<Ipv4Addr>() else { return Ok(0) };
                write(out.cast(), address.octets())?;
            } else {
                let Ok(address) = text.parse::<Ipv6Addr>() else { return Ok(0) };
                write(out.cast(), address.octets())?;
            }
        }
        Ok(1)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_inet_ntop(
    family: i32,
    address: *const c_void,
    out: *mut u8,
    room: usize,
) -> *const u8 {
    answer(ptr::null(), || {
        let text = match u16::try_from(family) {
            Ok(AF_INET) => {
                // SAFETY: the program promises that it points to an address of the family.
                Ipv4Addr::from(unsafe { read(address.cast::<[u8; 4]>()) }?).to_string()
            }
            Ok(AF_INET6) => {
                // SAFETY: as above.
                Ipv6Addr::from(unsafe { read(address.cast::<[u8; 16]>()) }?).to_string()
            }
            _ => return Err(WsaError::WSAEAFNOSUPPORT),
        };
        let no_room = WsaError::WSA_INVALID_PARAMETER;
        // SAFETY: the program promises that there is so much room.
        unsafe { write_text(out, room, text.as_bytes(), no_room) }?;
        Ok(out.cast_const())
    })
}

#[unsafe(no_mangle)]
extern "C" fn GetCurrentProcessId() -> u32 {
    process::id()
}

/// Milliseconds since the system's start, which begin again after 49.7 days.
#[unsafe(no_mangle)]
extern "C" fn GetTickCount() -> u32 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is valid for the write.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    let now = Duration::new(now.tv_sec as u64, now.tv_nsec as u32);
    now.as_millis() as u32
}

#[unsafe(no_mangle)]
extern "C" fn Sleep(milliseconds: u32) {
    deferring_cancellation(|| {
        let is_infinite = milliseconds == u32::MAX;
        thread::sleep(if is_infinite {
            Duration::MAX
        } else {
            Duration::from_millis(milliseconds.into())
        });
    });
}
