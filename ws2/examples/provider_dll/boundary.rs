//! What every function does at the C boundary. It answers by return value and `lpErrno`. It relies on pointers only
//! as far as Winsock promises; nothing from outside need be aligned.

use std::mem;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::slice;

use socket2::{SockAddr, SockAddrStorage};
use windows_sys::Win32::Networking::WinSock::{
    AF_INET6, SOCKADDR, SOCKADDR_IN, SOCKADDR_IN6, WSABUF,
};
use wsp_events::WsaError;

/// One call receives at most this much, which is more than a datagram has. The caller sees how much it was, and calls
/// again.
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

/// Reads an input that must not be null.
///
/// # Safety
///
/// `at` is null or valid for the read of a `T`, of which any bytes are a value.
pub(crate) unsafe fn read<T: Copy>(at: *const T) -> Result<T, WsaError> {
    check(at)?;
    // SAFETY: it is not null, and as this function's caller promises.
    Ok(unsafe { at.read_unaligned() })
}

/// Reads an input that must be neither null nor empty.
///
/// # Safety
///
/// `at` is null or valid for reads of `length` bytes.
pub(crate) unsafe fn read_bytes(at: *const u8, length: i32) -> Result<Vec<u8>, WsaError> {
    check(at)?;
    let length = usize::try_from(length).ok().filter(|length| *length > 0);
    let length = length.ok_or(WsaError::WSAEFAULT)?;
    // SAFETY: it is not null, and as this function's caller promises.
    Ok(unsafe { slice::from_raw_parts(at, length) }.to_vec())
}

/// # Safety
///
/// `name` is null or valid for reads of `length` bytes.
pub(crate) unsafe fn read_address(
    name: *const SOCKADDR,
    length: i32,
) -> Result<SocketAddr, WsaError> {
    // SAFETY: as this function's caller promises.
    let bytes = unsafe { read_bytes(name.cast(), length) }?;
    let fill = |storage: *mut SockAddrStorage, capacity: *mut i32| {
        // SAFETY: both are valid, as `try_init` promises.
        unsafe {
            let room = usize::try_from(*capacity).unwrap_or(0);
            ptr::copy_nonoverlapping(bytes.as_ptr(), storage.cast(), bytes.len().min(room));
        }
        Ok(())
    };
    // SAFETY: the storage was zeroed, and any bytes are an address, if only one of an unknown family.
    let ((), address) = unsafe { SockAddr::try_init(fill) }?;
    if bytes.len() < length_of(address.family()) {
        return Err(WsaError::WSAEFAULT);
    }
    address.as_socket().ok_or(WsaError::WSAEAFNOSUPPORT)
}

/// The length of an address of this family.
fn length_of(family: u16) -> usize {
    if family == AF_INET6 { size_of::<SOCKADDR_IN6>() } else { size_of::<SOCKADDR_IN>() }
}

/// Whether there is room for [`write_address`].
///
/// # Safety
///
/// `length` is null or valid for the read of an `int`.
pub(crate) unsafe fn check_address_output(
    family: u16,
    name: *mut SOCKADDR,
    length: *mut i32,
) -> Result<(), WsaError> {
    check(name)?;
    // SAFETY: as this function's caller promises.
    let room = unsafe { read(length) }?;
    if usize::try_from(room).unwrap_or(0) < length_of(family) {
        return Err(WsaError::WSAEFAULT);
    }
    Ok(())
}

/// # Safety
///
/// [`check_address_output`] has succeeded for the family of this address, `name` is valid for writes of as many bytes as
/// stand at `length`, and `length` for the write of an `int`.
pub(crate) unsafe fn write_address(address: SocketAddr, name: *mut SOCKADDR, length: *mut i32) {
    let address = SockAddr::from(address);
    // SAFETY: there is room for an address, and both are as this function's caller promises.
    unsafe {
        let bytes = address.as_ptr().cast::<u8>();
        ptr::copy_nonoverlapping(bytes, name.cast(), length_of(address.family()));
        length.write_unaligned(address.len());
    }
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

    /// Room for what one call receives into them.
    pub(crate) fn room(&self) -> Vec<u8> {
        vec![0; self.pieces(MOST).map(|(_, length)| length).sum()]
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
        let mut bytes = Vec::new();
        for (buffer, length) in self.pieces(usize::MAX).filter(|piece| piece.1 > 0) {
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
