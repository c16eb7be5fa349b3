//! What every function does at the C boundary: how it answers, and what it relies on.
//!
//! A function answers by its return value and the thread's last error. It relies on pointers only as far as the program
//! promises: a pointer is null, or may be used for the length that the program gives. Nothing need be aligned, and
//! output need not be initialised. Two more kinds of pointer are answered as null ones are, since programs pass them
//! and the check costs nothing: small numbers, where no memory is, and what ends beyond the memory of any program.

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::slice;

use wsp_events::WsaError;

use crate::Result;
use crate::panics::contain;

/// What a function of the type BOOL answers.
pub(super) const TRUE: i32 = 1;
/// What a function of the type BOOL answers.
pub(super) const FALSE: i32 = 0;

/// A function of the program's that these functions never call.
pub(super) type Routine = Option<unsafe extern "C" fn()>;

thread_local! {
    /// Of WSAGetLastError and GetLastError.
    static LAST_ERROR: Cell<i32> = const { Cell::new(0) };
}

pub(super) fn last_error() -> i32 {
    LAST_ERROR.get()
}

pub(super) fn set_last_error(code: i32) {
    LAST_ERROR.set(code);
}

/// Makes a call. If it fails, the code becomes the last error, and the answer is `failed`.
pub(super) fn answer<T>(failed: T, call: impl FnOnce() -> Result<T>) -> T {
    attempt(call).unwrap_or_else(|error| {
        set_last_error(error.code());
        failed
    })
}

/// Makes a call whose thread is not cancelled (pthread_cancel) before it returns: the C library would unwind it by force,
/// out of whatever it holds.
pub(super) fn deferring_cancellation<R>(call: impl FnOnce() -> R) -> R {
    unsafe extern "C" {
        // POSIX. The crate libc does not have it.
        fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
    }
    const PTHREAD_CANCEL_DISABLE: c_int = if cfg!(target_vendor = "apple") { 0 } else { 1 };
    let mut state = PTHREAD_CANCEL_DISABLE;
    // SAFETY: `state` is valid for the write.
    unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &mut state) };
    let answer = call();
    // SAFETY: a null pointer is allowed, and the state is what this thread had.
    unsafe { pthread_setcancelstate(state, ptr::null_mut()) };
    answer
}

/// Makes a call. A panic in it does not cross the boundary: it becomes WSAENETDOWN.
pub(super) fn attempt<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    deferring_cancellation(|| contain(call)).unwrap_or(Err(WsaError::WSAENETDOWN))
}

/// Checks a pointer to so many values.
pub(super) fn check<T>(pointer: *const T, count: usize) -> Result {
    /// Systems keep this much unmapped, for the sake of null pointers.
    const FIRST: usize = 0x1_0000;
    /// Where pointers have 64 bits, the upper half of them is the kernel's.
    const END: usize = if usize::BITS == 64 { usize::MAX / 2 } else { usize::MAX };
    let start = pointer.addr();
    let end = size_of::<T>().checked_mul(count).and_then(|size| start.checked_add(size));
    match end {
        Some(end) if start >= FIRST && end <= END => Ok(()),
        _ => Err(WsaError::WSAEFAULT),
    }
}

/// # Safety
///
/// `pointer` fails [`check`], or is valid for the read of a `T`, of which any bytes are a value.
pub(super) unsafe fn read<T: Copy>(pointer: *const T) -> Result<T> {
    check(pointer, 1)?;
    // SAFETY: the caller guarantees it.
    Ok(unsafe { pointer.read_unaligned() })
}

/// # Safety
///
/// As for [`read`], for so many of them.
pub(super) unsafe fn read_all<T: Copy>(pointer: *const T, count: usize) -> Result<Vec<T>> {
    check(pointer, count)?;
    // SAFETY: the caller guarantees it.
    Ok((0..count).map(|at| unsafe { pointer.add(at).read_unaligned() }).collect())
}

/// # Safety
///
/// `pointer` fails [`check`], or is valid for the write of a `T`.
pub(super) unsafe fn write<T>(pointer: *mut T, value: T) -> Result {
    check(pointer, 1)?;
    // SAFETY: the caller guarantees it.
    unsafe { pointer.write_unaligned(value) };
    Ok(())
}

/// The length of a buffer. A negative one is WSAEFAULT: no buffer is that long.
pub(super) fn length(length: i32) -> Result<usize> {
    usize::try_from(length).map_err(|_| WsaError::WSAEFAULT)
}

/// What the program sends. No bytes are nowhere: then the pointer may be null.
///
/// # Safety
///
/// `buffer` fails [`check`], or is valid for reads of `length` bytes as long as the result is in use.
pub(super) unsafe fn bytes<'a>(buffer: *const u8, length: usize) -> Result<&'a [u8]> {
    if length == 0 {
        return Ok(&[]);
    }
    check(buffer, length)?;
    // SAFETY: the caller guarantees it. A program that changes them meanwhile cannot know what it sends.
    Ok(unsafe { slice::from_raw_parts(buffer, length) })
}

/// Where the program receives.
///
/// # Safety
///
/// `buffer` fails [`check`], or is valid for writes of `length` bytes as long as the result is in use, by nobody else.
pub(super) unsafe fn buffer<'a>(buffer: *mut u8, length: usize) -> Result<&'a mut [u8]> {
    if length == 0 {
        return Ok(&mut []);
    }
    check(buffer, length)?;
    // SAFETY: the caller guarantees it. The program may not have initialised the bytes. What C has allocated comes from
    // outside of Rust, where bytes always have some value, and they are written before they are read.
    Ok(unsafe { slice::from_raw_parts_mut(buffer, length) })
}

/// A text of the program's.
///
/// # Safety
///
/// `text` fails [`check`], or points to characters that end with a null character.
pub(super) unsafe fn text<'a>(text: *const u8) -> Result<&'a [u8]> {
    check(text, 1)?;
    // SAFETY: the caller guarantees it.
    Ok(unsafe { CStr::from_ptr(text.cast()) }.to_bytes())
}

/// These functions do not serve overlapped operations.
pub(super) fn check_not_overlapped(overlapped: *const c_void, routine: Routine) -> Result {
    if overlapped.is_null() && routine.is_none() { Ok(()) } else { Err(WsaError::WSAEOPNOTSUPP) }
}
