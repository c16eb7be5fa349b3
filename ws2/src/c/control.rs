//! ioctlsocket() and WSAIoctl().

use std::ffi::c_void;

use wsp_events::spi::SOCKET_ERROR;
use wsp_events::{ReenablingCall, SOCKET, WsaError};

use super::address::read_address;
use super::boundary::{Routine, check, check_not_overlapped, read, write};
use super::startup::{Current, on_current};
use crate::{Change, Result};

const FIONBIO: u32 = 0x8004_667e;
const FIONREAD: u32 = 0x4004_667f;
const SIOCATMARK: u32 = 0x4004_7307;
const SIO_GET_QOS: u32 = 0xc800_0007;
const SIO_ROUTING_INTERFACE_CHANGE: u32 = 0x8800_0015;
const SIO_ADDRESS_LIST_CHANGE: u32 = 0x2800_0017;

#[unsafe(no_mangle)]
unsafe extern "C" fn ioctlsocket(s: SOCKET, command: i32, argument: *mut u32) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        winsock.kind(s)?;
        let command = command.cast_unsigned();
        // SAFETY: the program promises that it is null or valid.
        match unsafe { simple(winsock, s, command, argument, argument) } {
            Some(done) => done.map(|_| 0),
            None => Err(WsaError::WSAEOPNOTSUPP),
        }
    })
}

/// The commands that both functions have, which take a number or give one. Answers how many bytes it has given.
///
/// # Safety
///
/// `input` is as for [`read`], and `output` as for [`write()`].
unsafe fn simple(
    winsock: &Current,
    s: SOCKET,
    command: u32,
    input: *const u32,
    output: *mut u32,
) -> Option<Result<usize>> {
    let give = |number: &dyn Fn() -> Result<u32>| {
        check(output, 1)?;
        // SAFETY: the caller guarantees it.
        unsafe { write(output, number()?) }?;
        Ok(size_of::<u32>())
    };
    Some(match command {
        // SAFETY: the caller guarantees it.
        FIONBIO => unsafe { read(input) }.and_then(|on| {
            winsock.set_nonblocking(s, on != 0)?;
            Ok(0)
        }),
        FIONREAD => give(&|| winsock.unread(s)),
        SIOCATMARK => give(&|| winsock.at_mark(s).map(u32::from)),
        _ => return None,
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn WSAIoctl(
    s: SOCKET,
    command: u32,
    input: *const c_void,
    input_length: u32,
    output: *mut c_void,
    output_length: u32,
    given: *mut u32,
    overlapped: *const c_void,
    routine: Routine,
) -> i32 {
    on_current(SOCKET_ERROR, |winsock| {
        let (domain, _) = winsock.kind(s)?;
        check_not_overlapped(overlapped, routine)?;
        check(given, 1)?;
        // A number that is too short is none.
        let number = |there: bool, pointer: *mut c_void| {
            if there { pointer.cast::<u32>() } else { std::ptr::null_mut() }
        };
        let in_number = number(input_length >= 4, input.cast_mut());
        let out_number = number(output_length >= 4, output);
        // SAFETY: the program promises that the pointers are null or valid.
        let length = match unsafe { simple(winsock, s, command, in_number, out_number) } {
            Some(length) => length?,
            None => {
                let destination = || {
                    let length = input_length.try_into().unwrap_or(i32::MAX);
                    // SAFETY: the program promises that there are so many bytes.
                    unsafe { read_address(domain, input.cast(), length) }
                };
                match command {
                    SIO_ADDRESS_LIST_CHANGE => winsock.await_change(s, Change::AddressList)?,
                    SIO_ROUTING_INTERFACE_CHANGE => {
                        destination()?;
                        winsock.await_change(s, Change::Routing)?;
                    }
                    SIO_GET_QOS => {
                        // There is none. It re-enables FD_QOS all the same (L3).
                        winsock.reenable(s, ReenablingCall::GetQos)?;
                        return Err(WsaError::WSAEOPNOTSUPP);
                    }
                    _ => return Err(WsaError::WSAEOPNOTSUPP),
                }
                0
            }
        };
        // SAFETY: the program promises that it is valid.
        unsafe { write(given, length as u32) }?;
        Ok(0)
    })
}
