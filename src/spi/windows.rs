//! The C boundary in the types of `windows-sys`, for the WSPPROC_TABLE of a provider DLL.

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Networking::WinSock;
use windows_sys::Win32::Networking::WinSock::{LPWSPENUMNETWORKEVENTS, LPWSPEVENTSELECT};

use super::{CurrentProvider, WSANETWORKEVENTS, WSPEnumNetworkEvents, WSPEventSelect};
use crate::handle::{SOCKET, WSAEVENT};

// The two structs have the same layout (V2), so a pointer to one can be used as a pointer to the other.
const _: () = assert!(
    size_of::<WinSock::WSANETWORKEVENTS>() == size_of::<WSANETWORKEVENTS>()
        && align_of::<WinSock::WSANETWORKEVENTS>() == align_of::<WSANETWORKEVENTS>()
);

/// [`WSPEventSelect`] as `windows-sys` types it: for `lpWSPEventSelect` of its WSPPROC_TABLE.
///
/// The function itself does not fit: for `windows-sys` a WSAEVENT is a number here, and a pointer in
/// [`lp_wsp_enum_network_events`].
///
/// ```
/// use windows_sys::Win32::Networking::WinSock::WSPPROC_TABLE;
/// use wsp_events::spi::{CurrentProvider, lp_wsp_enum_network_events, lp_wsp_event_select};
///
/// /// What WSPStartup does about network events.
/// fn fill<P: CurrentProvider>(table: &mut WSPPROC_TABLE) {
///     table.lpWSPEventSelect = lp_wsp_event_select::<P>();
///     table.lpWSPEnumNetworkEvents = lp_wsp_enum_network_events::<P>();
/// }
/// ```
#[must_use]
pub const fn lp_wsp_event_select<P: CurrentProvider>() -> LPWSPEVENTSELECT {
    /// # Safety
    ///
    /// As for [`WSPEventSelect`].
    unsafe extern "system" fn call<P: CurrentProvider>(
        s: SOCKET,
        event: WinSock::WSAEVENT,
        events: i32,
        errno: *mut i32,
    ) -> i32 {
        let event = WSAEVENT(event.cast_unsigned());
        // SAFETY: the caller guarantees the arguments.
        // Tested by: e10_the_functions_stand_in_a_procedure_table.
        unsafe { WSPEventSelect::<P>(s, event, events, errno) }
    }
    Some(call::<P>)
}

/// [`WSPEnumNetworkEvents`] as `windows-sys` types it: for `lpWSPEnumNetworkEvents` of its
/// WSPPROC_TABLE.
///
/// The example of [`lp_wsp_event_select`] uses it.
///
/// ```
/// use windows_sys::Win32::Networking::WinSock::LPWSPENUMNETWORKEVENTS;
/// use wsp_events::spi::{CurrentProvider, lp_wsp_enum_network_events};
///
/// fn of<P: CurrentProvider>() -> LPWSPENUMNETWORKEVENTS {
///     lp_wsp_enum_network_events::<P>()
/// }
/// ```
#[must_use]
pub const fn lp_wsp_enum_network_events<P: CurrentProvider>() -> LPWSPENUMNETWORKEVENTS {
    /// # Safety
    ///
    /// As for [`WSPEnumNetworkEvents`].
    unsafe extern "system" fn call<P: CurrentProvider>(
        s: SOCKET,
        event: HANDLE,
        out: *mut WinSock::WSANETWORKEVENTS,
        errno: *mut i32,
    ) -> i32 {
        // SAFETY: the caller guarantees the arguments, and the structs have the same layout.
        // Tested by: e10_the_functions_stand_in_a_procedure_table, v2_windows_sys_has_the_same_struct.
        unsafe { WSPEnumNetworkEvents::<P>(s, event.into(), out.cast(), errno) }
    }
    Some(call::<P>)
}

/// Converts to the struct of `windows-sys`.
impl From<WSANETWORKEVENTS> for WinSock::WSANETWORKEVENTS {
    fn from(events: WSANETWORKEVENTS) -> Self {
        Self { lNetworkEvents: events.lNetworkEvents, iErrorCode: events.iErrorCode }
    }
}

/// Converts from the struct of `windows-sys`.
impl From<WinSock::WSANETWORKEVENTS> for WSANETWORKEVENTS {
    fn from(events: WinSock::WSANETWORKEVENTS) -> Self {
        Self { lNetworkEvents: events.lNetworkEvents, iErrorCode: events.iErrorCode }
    }
}
