//! A recorder in memory of C's: how large it is, and how a call tells that one was made there.

use wsp_events::{NetworkEventRecorder, WsaError};

use crate::event_object::Retained;

/// WSP_RECORDER_SIZE.
pub const RECORDER_SIZE: usize = 80;

/// WSP_RECORDER_ALIGNMENT.
pub const RECORDER_ALIGNMENT: usize = 8;

/// `wsp_recorder`: a recorder, under a mark that says so.
#[repr(C, align(8))]
pub struct Recorder {
    made: u64,
    recorder: NetworkEventRecorder<Retained>,
}

// With pointers of 32 bits a recorder is smaller, and C has some bytes too many.
const _: () = assert!(align_of::<Recorder>() == RECORDER_ALIGNMENT);
const _: () = assert!(
    size_of::<Recorder>() == RECORDER_SIZE
        || size_of::<usize>() < 8 && size_of::<Recorder>() < RECORDER_SIZE
);
// K1: threads share it.
const _: fn() = || {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Recorder>();
};

/// What stands in a recorder that was made at this address, and hardly in anything else: a copy has another address.
fn mark(at: *const Recorder) -> u64 {
    at.addr() as u64 ^ 0xE5C1_77D3_0B9A_4E26
}

fn is_place(at: *const Recorder) -> bool {
    !at.is_null() && at.is_aligned()
}

/// The recorder that was made at an address.
///
/// # Safety
///
/// `at` is null, misaligned, or points to memory of [`RECORDER_SIZE`] bytes that stays while the result is in use. Nobody
/// makes a recorder there meanwhile.
#[inline]
pub(crate) unsafe fn find<'a>(
    at: *const Recorder,
) -> Result<&'a NetworkEventRecorder<Retained>, WsaError> {
    // SAFETY: not null and aligned, and the caller guarantees the memory.
    // Tested by: misuse_is_a_code.
    if !is_place(at) || unsafe { (&raw const (*at).made).read() } != mark(at) {
        return Err(WsaError::WSAEINVAL);
    }
    // SAFETY: the mark says that `make` has written a recorder here. Nobody has a `&mut` to it, and it is `Sync`.
    // Tested by: misuse_is_a_code, k1_threads, under `.ci/c sanitizers`.
    Ok(unsafe { &(*at).recorder })
}

/// Makes a recorder at an address.
///
/// # Safety
///
/// `at` is null, misaligned, or points to memory of [`RECORDER_SIZE`] bytes that nobody else uses. What it contains is
/// overwritten, and not dropped.
pub(crate) unsafe fn make(
    at: *mut Recorder,
    recorder: impl FnOnce() -> Result<NetworkEventRecorder<Retained>, WsaError>,
) -> Result<(), WsaError> {
    if !is_place(at) {
        return Err(WsaError::WSAEINVAL);
    }
    let recorder = Recorder { made: mark(at), recorder: recorder()? };
    // SAFETY: not null and aligned, and the caller guarantees the memory.
    // Tested by: misuse_is_a_code, under `.ci/c sanitizers`.
    unsafe { at.write(recorder) };
    Ok(())
}
