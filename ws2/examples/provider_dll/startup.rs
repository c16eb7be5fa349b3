//! WSPStartup and WSPCleanup.

use std::sync::{Arc, Mutex, PoisonError};

use windows_sys::Win32::Networking::WinSock::{
    LPWSPSTARTUP, SOCKET_ERROR, WSAPROTOCOL_INFOW, WSPDATA, WSPPROC_TABLE, WSPUPCALLTABLE,
};
use wsp_events::WsaError;

use crate::boundary::{answer, check, contain, write};
use crate::functions;
use ws2::{Handles, Winsock};

/// 2.2, with the major version in the low byte.
const VERSION: u16 = 0x0202;

/// How many calls of WSPStartup have had no WSPCleanup yet. The provider ends with the last.
static STARTUPS: Mutex<u32> = Mutex::new(0);

/// The entry point: agrees on the version, and fills the table.
///
/// # Safety
///
/// `data` and `table` are null or valid for the writes of what they point to.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn WSPStartup(
    version: u16,
    // An output, although `windows-sys` says const.
    data: *const WSPDATA,
    _protocol_info: *const WSAPROTOCOL_INFOW,
    // The system's functions for blocking hooks, overlapped operations and handles.
    _upcalls: WSPUPCALLTABLE,
    table: *mut WSPPROC_TABLE,
) -> i32 {
    // SAFETY: both are as this function's caller promises.
    let call = || unsafe { start(version, data.cast_mut(), table) };
    match contain(WsaError::WSASYSNOTREADY, call) {
        Ok(()) => 0,
        Err(error) => error.code(),
    }
}

/// It has the type that ws2_32 expects.
const _: LPWSPSTARTUP = Some(WSPStartup);

/// # Safety
///
/// As for [`WSPStartup`].
unsafe fn start(
    version: u16,
    data: *mut WSPDATA,
    table: *mut WSPPROC_TABLE,
) -> Result<(), WsaError> {
    // Both numbers are compared: 1.255 is less than 2.2.
    if version.swap_bytes() < VERSION.swap_bytes() {
        return Err(WsaError::WSAVERNOTSUPPORTED);
    }
    check(data)?;
    check(table)?;
    let mut startups = STARTUPS.lock().unwrap_or_else(PoisonError::into_inner);
    if *startups == 0 {
        let provider = Winsock::new(Arc::new(Handles::new()), |_, _| ());
        let provider = provider.map_err(|_| WsaError::WSASYSNOTREADY)?;
        ws2::startup(provider.with_win32_events());
    }
    *startups += 1;
    drop(startups);
    let mut description = [0; 256];
    let text = "wsp-events: TCP and UDP".encode_utf16();
    description.iter_mut().zip(text).for_each(|(to, from)| *to = from);
    // SAFETY: neither is null, and they are as this function's caller promises.
    unsafe {
        write(
            data,
            WSPDATA { wVersion: VERSION, wHighVersion: VERSION, szDescription: description },
        )?;
        write(table, WSPPROC_TABLE { lpWSPCleanup: Some(cleanup), ..functions::table() })
    }
}

/// WSPCleanup: the last one ends the provider, with its sockets, its selections and its thread.
unsafe extern "system" fn cleanup(errno: *mut i32) -> i32 {
    let call = || {
        // Locked to the end, so that a concurrent WSPStartup makes a provider after that.
        let mut startups = STARTUPS.lock().unwrap_or_else(PoisonError::into_inner);
        *startups = startups.checked_sub(1).ok_or(WsaError::WSANOTINITIALISED)?;
        if *startups == 0 {
            ws2::cleanup();
        }
        Ok(0)
    };
    // SAFETY: `errno` is null or valid, as Winsock promises.
    unsafe { answer(errno, SOCKET_ERROR, call) }
}
