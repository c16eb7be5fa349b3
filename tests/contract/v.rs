//! V: values and layout.

use std::ffi::c_void;
use std::io::{Error, ErrorKind};
use std::mem::{align_of, offset_of, size_of};

use wsp_events::spi::WSANETWORKEVENTS;
use wsp_events::{FD_MAX_EVENTS, NetworkEvent, NetworkEvents, WSAEVENT, WsaError};

use crate::support::selected;

/// Catches an event at another bit than the Winsock headers have it, and a missing one.
#[test]
fn v1_ten_events_by_bit_position() {
    let headers = [
        ("FD_READ", 0x001),
        ("FD_WRITE", 0x002),
        ("FD_OOB", 0x004),
        ("FD_ACCEPT", 0x008),
        ("FD_CONNECT", 0x010),
        ("FD_CLOSE", 0x020),
        ("FD_QOS", 0x040),
        ("FD_GROUP_QOS", 0x080),
        ("FD_ROUTING_INTERFACE_CHANGE", 0x100),
        ("FD_ADDRESS_LIST_CHANGE", 0x200),
    ];
    assert_eq!(FD_MAX_EVENTS, 10);
    assert_eq!(NetworkEvents::FD_ALL_EVENTS.bits(), 0x3ff);
    for (position, (event, (name, bit))) in NetworkEvent::ALL.into_iter().zip(headers).enumerate() {
        assert_eq!(event.bit_position(), position);
        assert_eq!(NetworkEvent::from_bit_position(position), Some(event));
        assert_eq!((event.name(), event.flag().mask()), (name, bit));
        assert_eq!(NetworkEvents::from_name(name), Some(event.flag()));
        assert_eq!(NetworkEvents::from(event).to_string(), name);
    }
    assert_eq!(NetworkEvent::from_bit_position(FD_MAX_EVENTS), None);
}

/// Catches a `long` of 8 bytes, padding, or another order of the fields.
#[test]
fn v2_wsanetworkevents_is_the_c_struct() {
    assert_eq!((size_of::<WSANETWORKEVENTS>(), align_of::<WSANETWORKEVENTS>()), (44, 4));
    assert_eq!(offset_of!(WSANETWORKEVENTS, lNetworkEvents), 0);
    assert_eq!(offset_of!(WSANETWORKEVENTS, iErrorCode), 4);
}

/// Catches a wrong number, a wrong name, and a text that is not the promised one.
#[test]
fn v3_codes_carry_their_winsock_numbers_and_names() {
    let named = [
        (WsaError::WSAENETDOWN, 10050, "WSAENETDOWN"),
        (WsaError::WSAENETUNREACH, 10051, "WSAENETUNREACH"),
        (WsaError::WSAECONNABORTED, 10053, "WSAECONNABORTED"),
        (WsaError::WSAECONNRESET, 10054, "WSAECONNRESET"),
        (WsaError::WSAENOBUFS, 10055, "WSAENOBUFS"),
        (WsaError::WSAETIMEDOUT, 10060, "WSAETIMEDOUT"),
        (WsaError::WSAECONNREFUSED, 10061, "WSAECONNREFUSED"),
        (WsaError::WSAEINVAL, 10022, "WSAEINVAL"),
        (WsaError::WSAENOTSOCK, 10038, "WSAENOTSOCK"),
        (WsaError::WSA_INVALID_HANDLE, 6, "WSA_INVALID_HANDLE"),
        (WsaError::WSA_NOT_ENOUGH_MEMORY, 8, "WSA_NOT_ENOUGH_MEMORY"),
        (WsaError::WSA_INVALID_PARAMETER, 87, "WSA_INVALID_PARAMETER"),
        (WsaError::WSA_OPERATION_ABORTED, 995, "WSA_OPERATION_ABORTED"),
        (WsaError::WSA_IO_INCOMPLETE, 996, "WSA_IO_INCOMPLETE"),
        (WsaError::WSA_IO_PENDING, 997, "WSA_IO_PENDING"),
    ];
    for (error, code, name) in named {
        assert_eq!((error.code(), error.name()), (code, Some(name)));
        assert!(error.to_string().starts_with(&format!("{name} ({code}): ")));
        assert_eq!(format!("{error:?}"), name);
    }
    assert_eq!(format!("{:?}", WsaError::from_code(77).unwrap()), "WsaError(77)");
}

/// Catches a code that is masked, mapped or taken for success on its way through the record.
#[test]
fn v3_any_int_comes_out_unchanged() {
    let (recorder, _event) = selected(NetworkEvents::FD_CLOSE);
    for code in [1, -1, 77, i32::MIN, i32::MAX] {
        let error = WsaError::from_code(code).unwrap();
        recorder.record(NetworkEvent::Close, Err(error));
        let outcome = recorder.enumerate().unwrap().outcome(NetworkEvent::Close);
        assert_eq!(outcome, Some(Err(error)));
        assert_eq!(outcome.unwrap().unwrap_err().code(), code);
    }
}

/// Catches a wrong or missing row: the system's headers and Winsock's have the same names.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
#[test]
fn v3_every_errno_that_winsock_has_by_its_name() {
    macro_rules! with_names {
        ($($errno:ident)*) => { [$((libc::$errno, concat!("WSA", stringify!($errno)))),*] };
    }
    let named = with_names! {
        EINTR EBADF EACCES EFAULT EINVAL EMFILE EWOULDBLOCK EINPROGRESS EALREADY ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE
        ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL
        ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT
        ECONNREFUSED ELOOP ENAMETOOLONG EHOSTDOWN EHOSTUNREACH ENOTEMPTY EUSERS EDQUOT ESTALE EREMOTE
    };
    let of = |errno| WsaError::from(Error::from_raw_os_error(errno));
    for (errno, name) in named {
        assert_eq!(of(errno).name(), Some(name), "errno {errno}");
    }
    assert_eq!([libc::EPERM, libc::ENFILE].map(of), [WsaError::WSAEACCES, WsaError::WSAEMFILE]);
    assert_eq!([libc::ENOENT, 0, -1, 4000].map(of), [WsaError::WSASYSCALLFAILURE; 4]);
}

#[test]
fn v3_every_code_survives_the_way_through_io_error() {
    for code in (-20..12_000).filter(|&code| code != 0).chain([i32::MIN, i32::MAX]) {
        let error = WsaError::from_code(code).unwrap();
        assert_eq!(WsaError::from(Error::from(error)), error);
    }
}

/// Catches a wrong row, and a code whose `io::Error` is of another kind than the operating system's own would be.
#[test]
fn v3_kinds_lead_to_their_codes_and_back() {
    use ErrorKind::*;
    let kind = |code| Error::from(WsaError::from_code(code).unwrap()).kind();
    let codes = [
        10004, 10013, 10022, 10035, 10045, 10048, 10049, 10050, 10051, 10053, 10054, 10055, 10057,
        10060, 10061, 10065, 10066, 10069, 10070,
    ];
    let kinds = codes.map(kind);
    if cfg!(not(windows)) {
        assert_eq!(kinds.map(|kind| WsaError::from(Error::from(kind)).code()), codes);
    }
    assert_eq!([10060, 10054, 77].map(kind), [TimedOut, ConnectionReset, Other]);
    assert_eq!(WsaError::from(Error::from(BrokenPipe)), WsaError::WSAECONNRESET);
}

/// Catches a handle that changes on its way, and one that a 32-bit program cannot have.
#[test]
fn v2_a_handle_is_the_same_in_each_form() {
    let handle = WSAEVENT::from(0xffff_fff4_u32);
    assert_eq!(
        (format!("{handle:?}"), handle.to_string()),
        ("WSAEVENT(0xfffffff4)".into(), "0xfffffff4".into())
    );
    let pointer: *mut c_void = handle.into();
    assert_eq!((pointer.addr(), WSAEVENT::from(pointer)), (handle.0, handle));
    assert_eq!(u32::try_from(handle), Ok(0xffff_fff4));
    #[cfg(target_pointer_width = "64")]
    assert!(u32::try_from(WSAEVENT(1 << 32)).is_err());
}

/// Catches a code that the SPI documents and the table does not name, and one too many.
#[test]
fn v4_documented_codes() {
    use NetworkEvent::{Close, Connect, RoutingInterfaceChange};
    for event in NetworkEvent::ALL {
        let expected: &[i32] = match event {
            Connect => &[10061, 10051, 10055, 10060, 10047],
            Close => &[10050, 10054, 10053],
            RoutingInterfaceChange => &[10051, 10050],
            _ => &[10050],
        };
        let documented = WsaError::documented_for(event).iter().map(|error| error.code());
        assert!(documented.eq(expected.iter().copied()), "{event}");
    }
}
