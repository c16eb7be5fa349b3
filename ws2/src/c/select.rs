//! select() and WSAPoll().

use std::time::Duration;

use libc::timeval;
use wsp_events::spi::SOCKET_ERROR;
use wsp_events::{SOCKET, WsaError};

use super::boundary::{read, read_all, write};
use super::startup::on_current;
use crate::Result;
use crate::select::{PollFd, Sets};

/// More than there can be sockets: such a set was not initialised.
const MOST: usize = 1 << 21;

/// An `fd_set`. Its size is the program's own, by its FD_SETSIZE: only `count` tells how many sockets there are.
#[repr(C)]
struct FdSet {
    count: u32,
    sockets: [SOCKET; 0],
}

/// The sockets of a set. A set that is null is empty.
///
/// # Safety
///
/// `set` fails `boundary::check`, or points to a set that is valid for reads.
unsafe fn sockets_of(set: *const FdSet) -> Result<Vec<SOCKET>> {
    if set.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the caller guarantees it; the fields need not be aligned.
    let count = unsafe { read(&raw const (*set).count) }? as usize;
    if count > MOST {
        return Err(WsaError::WSAEFAULT);
    }
    // SAFETY: as above.
    unsafe { read_all((&raw const (*set).sockets).cast(), count) }
}

/// Leaves these in a set: some of those that were in it.
///
/// # Safety
///
/// As for [`sockets_of`], and valid for writes.
unsafe fn leave(set: *mut FdSet, sockets: &[SOCKET]) -> Result {
    if set.is_null() {
        return Ok(());
    }
    // SAFETY: the caller guarantees it.
    let first = unsafe { &raw mut (*set).sockets }.cast::<SOCKET>();
    for (at, s) in sockets.iter().enumerate() {
        // SAFETY: there were at least as many.
        unsafe { write(first.add(at), *s) }?;
    }
    // SAFETY: the caller guarantees it.
    unsafe { write(&raw mut (*set).count, sockets.len() as u32) }
}

/// `None` is no time limit.
///
/// # Safety
///
/// `time` is as for [`read`], or null.
unsafe fn time_limit(time: *const timeval) -> Result<Option<Duration>> {
    if time.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller guarantees it.
    let time = unsafe { read(time) }?;
    let invalid = |_| WsaError::WSAEINVAL;
    let seconds = Duration::from_secs(time.tv_sec.try_into().map_err(invalid)?);
    let microseconds = Duration::from_micros(time.tv_usec.try_into().map_err(invalid)?);
    Ok(Some(seconds.saturating_add(microseconds)))
}

/// The number of the highest descriptor is ignored, as on Windows.
#[unsafe(no_mangle)]
unsafe extern "C" fn ws2_select(
    _: i32,
    read: *mut FdSet,
    write: *mut FdSet,
    except: *mut FdSet,
    time: *const timeval,
) -> i32 {
    // SAFETY: the program promises that each of these is null or valid.
    on_current(SOCKET_ERROR, |winsock| unsafe {
        let mut sets = Sets {
            read: sockets_of(read)?,
            write: sockets_of(write)?,
            except: sockets_of(except)?,
        };
        if sets.read.is_empty() && sets.write.is_empty() && sets.except.is_empty() {
            return Err(WsaError::WSAEINVAL);
        }
        let ready = winsock.select(&mut sets, time_limit(time)?)?;
        leave(read, &sets.read)?;
        leave(write, &sets.write)?;
        leave(except, &sets.except)?;
        Ok(ready as i32)
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn WSAPoll(sockets: *mut PollFd, count: u32, milliseconds: i32) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        let count = count as usize;
        if count == 0 || count > MOST {
            return Err(WsaError::WSAEINVAL);
        }
        // SAFETY: the program promises that there are so many.
        let mut polled = unsafe { read_all(sockets, count) }?;
        let time = u64::try_from(milliseconds).ok().map(Duration::from_millis);
        let answer = winsock.poll(&mut polled, time);
        for (at, it) in polled.iter().enumerate() {
            // SAFETY: as for the read.
            unsafe { write(&raw mut (*sockets.add(at)).revents, it.revents) }?;
        }
        answer.map(|ready| ready as i32)
    })
}
