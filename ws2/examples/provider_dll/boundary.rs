//! What every function does at the C boundary. It answers by return value and `lpErrno`. It relies on pointers only
//! as far as Winsock promises; nothing from outside need be aligned.

use std::mem;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::slice;

use windows_sys::Win32::Networking::WinSock::{AF_INET, SOCKADDR, SOCKADDR_IN, WSABUF};
use wsp_events::WsaError;

const ADDRESS_LENGTH: i32 = size_of::<SOCKADDR_IN>() as i32;

/// One call sends or receives at most this much. The caller sees how much it was, and calls again.
const MOST: usize = 1 << 16;

/// Runs a call. If it fails or panics, the answer is `failed`, and the code stands at `errno`, which may be null
/// (E10).
///
/// # Safety
///
/// `errno` is null or valid for the write of an `int`.
pub(crate) unsafe fn answer<T>(
    errno: *mut i32,
    failed: T,
    call: impl FnOnce() -> Result<T, WsaError>,
) -> T {
    match contain(WsaError::WSAENETDOWN, call) {
        Ok(answer) => answer,
        Err(error) => {
            if !errno.is_null() {
                // SAFETY: it is not null, and as this function's caller promises.
                unsafe { errno.write_unaligned(error.code()) };
            }
            failed
        }
    }
}

/// A panic must not cross the boundary: it becomes an error (E10).
pub(crate) fn contain<T>(
    panicked: WsaError,
    call: impl FnOnce() -> Result<T, WsaError>,
) -> Result<T, WsaError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| {
        // Its destructor could panic as well.
        mem::forget(payload);
        Err(panicked)
    })
}

/// Writes an output that must not be null.
///
/// # Safety
///
/// `out` is null or valid for the write of a `T`.
pub(crate) unsafe fn write<T>(out: *mut T, value: T) -> Result<(), WsaError> {
    check(out)?;
    // SAFETY: it is not null, and as this function's caller promises.
    unsafe { out.write_unaligned(value) };
    Ok(())
}

/// Checks an output before anything changes.
pub(crate) fn check<T>(out: *const T) -> Result<(), WsaError> {
    if out.is_null() { Err(WsaError::WSAEFAULT) } else { Ok(()) }
}

/// # Safety
///
/// `name` is null or valid for reads of `length` bytes.
pub(crate) unsafe fn read_address(
    name: *const SOCKADDR,
    length: i32,
) -> Result<SocketAddr, WsaError> {
    if name.is_null() || length < ADDRESS_LENGTH {
        return Err(WsaError::WSAEFAULT);
    }
    // SAFETY: it is not null, and as this function's caller promises.
    let address = unsafe { name.cast::<SOCKADDR_IN>().read_unaligned() };
    if address.sin_family != AF_INET {
        return Err(WsaError::WSAEAFNOSUPPORT);
    }
    // SAFETY: any bytes are a number.
    let ip = unsafe { address.sin_addr.S_un.S_addr };
    let ip = Ipv4Addr::from(ip.to_ne_bytes());
    Ok(SocketAddrV4::new(ip, u16::from_be(address.sin_port)).into())
}

/// Whether there is room for [`write_address`].
///
/// # Safety
///
/// `length` is null or valid for the read of an `int`.
pub(crate) unsafe fn check_address_output(
    name: *mut SOCKADDR,
    length: *mut i32,
) -> Result<(), WsaError> {
    check(name)?;
    check(length)?;
    // SAFETY: it is not null, and as this function's caller promises.
    let length = unsafe { length.read_unaligned() };
    if length < ADDRESS_LENGTH { Err(WsaError::WSAEFAULT) } else { Ok(()) }
}

/// # Safety
///
/// [`check_address_output`] has succeeded, `name` is valid for writes of as many bytes as stand at `length`,
/// and `length` for the write of an `int`.
pub(crate) unsafe fn write_address(
    address: SocketAddr,
    name: *mut SOCKADDR,
    length: *mut i32,
) -> Result<(), WsaError> {
    let SocketAddr::V4(address) = address else {
        return Err(WsaError::WSAEAFNOSUPPORT);
    };
    let mut out = SOCKADDR_IN {
        sin_family: AF_INET,
        sin_port: address.port().to_be(),
        ..SOCKADDR_IN::default()
    };
    out.sin_addr.S_un.S_addr = u32::from_ne_bytes(address.ip().octets());
    // SAFETY: there is room for an address, and both are as this function's caller promises.
    unsafe {
        name.cast::<SOCKADDR_IN>().write_unaligned(out);
        length.write_unaligned(ADDRESS_LENGTH);
    }
    Ok(())
}

/// The buffers of a WSPSend or WSPRecv, which together are one.
///
/// The bytes go through a buffer of our own. So there is never a reference to the application's memory, which it need
/// not have initialised.
pub(crate) struct Buffers(Vec<WSABUF>);

impl Buffers {
    /// # Safety
    ///
    /// `first` is null or valid for reads of `count` WSABUFs. As long as this is in use, each buffer that is not null
    /// is valid for its length: for reads if it is gathered, for writes if it is scattered.
    pub(crate) unsafe fn new(first: *const WSABUF, count: u32) -> Result<Self, WsaError> {
        if first.is_null() && count > 0 {
            return Err(WsaError::WSAEFAULT);
        }
        // SAFETY: it is not null if anything is read, and as this function's caller promises.
        let read = |at| unsafe { first.add(at).read_unaligned() };
        let buffers: Vec<_> = (0..count as usize).map(read).collect();
        if buffers.iter().any(|buffer| buffer.buf.is_null() && buffer.len > 0) {
            return Err(WsaError::WSAEFAULT);
        }
        Ok(Self(buffers))
    }

    /// How many bytes they hold or have room for.
    pub(crate) fn len(&self) -> usize {
        self.pieces(MOST).map(|(_, length)| length).sum()
    }

    /// The pieces that `length` bytes fill.
    fn pieces(&self, length: usize) -> impl Iterator<Item = (*mut u8, usize)> {
        self.0.iter().scan(length, |left, buffer| {
            let length = (*left).min(buffer.len as usize);
            *left -= length;
            Some((buffer.buf, length))
        })
    }

    /// The bytes that they hold.
    pub(crate) fn gather(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        for (buffer, length) in self.pieces(MOST).filter(|piece| piece.1 > 0) {
            // SAFETY: the buffer is not null, and as the caller of `new` promises.
            bytes.extend_from_slice(unsafe { slice::from_raw_parts(buffer, length) });
        }
        bytes
    }

    /// Fills them with these bytes, as far as they go.
    pub(crate) fn scatter(&self, mut bytes: &[u8]) {
        for (buffer, length) in self.pieces(bytes.len()).filter(|piece| piece.1 > 0) {
            let (now, later) = bytes.split_at(length);
            // SAFETY: the buffer is not null, and as the caller of `new` promises.
            unsafe { ptr::copy_nonoverlapping(now.as_ptr(), buffer, length) };
            bytes = later;
        }
    }
}
