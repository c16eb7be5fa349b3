//! V: values and layout, against those of `windows-sys`.

use std::mem::{align_of, offset_of, size_of};

use windows_sys::Win32::Networking::WinSock;
use wsp_events::spi::WSANETWORKEVENTS;
use wsp_events::{FD_MAX_EVENTS, NetworkEvents, WsaError};

/// Catches an event at another bit than `windows-sys` has it.
#[test]
fn v1_windows_sys_has_the_same_events() {
    let bits = [
        (NetworkEvents::FD_READ, WinSock::FD_READ_BIT),
        (NetworkEvents::FD_WRITE, WinSock::FD_WRITE_BIT),
        (NetworkEvents::FD_OOB, WinSock::FD_OOB_BIT),
        (NetworkEvents::FD_ACCEPT, WinSock::FD_ACCEPT_BIT),
        (NetworkEvents::FD_CONNECT, WinSock::FD_CONNECT_BIT),
        (NetworkEvents::FD_CLOSE, WinSock::FD_CLOSE_BIT),
        (NetworkEvents::FD_QOS, WinSock::FD_QOS_BIT),
        (NetworkEvents::FD_GROUP_QOS, WinSock::FD_GROUP_QOS_BIT),
        (NetworkEvents::FD_ROUTING_INTERFACE_CHANGE, WinSock::FD_ROUTING_INTERFACE_CHANGE_BIT),
        (NetworkEvents::FD_ADDRESS_LIST_CHANGE, WinSock::FD_ADDRESS_LIST_CHANGE_BIT),
    ];
    for (event, bit) in bits {
        assert_eq!(event.bits(), 1 << bit, "{event}");
    }
    let masks = [
        (NetworkEvents::FD_READ, WinSock::FD_READ),
        (NetworkEvents::FD_WRITE, WinSock::FD_WRITE),
        (NetworkEvents::FD_OOB, WinSock::FD_OOB),
        (NetworkEvents::FD_ACCEPT, WinSock::FD_ACCEPT),
        (NetworkEvents::FD_CONNECT, WinSock::FD_CONNECT),
        (NetworkEvents::FD_CLOSE, WinSock::FD_CLOSE),
    ];
    for (event, mask) in masks {
        assert_eq!(event.bits(), mask, "{event}");
    }
    assert_eq!(FD_MAX_EVENTS, WinSock::FD_MAX_EVENTS as usize);
    assert_eq!(NetworkEvents::FD_ALL_EVENTS.bits(), (1 << WinSock::FD_MAX_EVENTS) - 1);
}

/// Catches a struct that is not the one of `windows-sys`, and a conversion that mixes anything up.
#[test]
fn v2_windows_sys_has_the_same_struct() {
    type Theirs = WinSock::WSANETWORKEVENTS;
    type Ours = WSANETWORKEVENTS;
    assert_eq!(size_of::<Theirs>(), size_of::<Ours>());
    assert_eq!(align_of::<Theirs>(), align_of::<Ours>());
    assert_eq!(offset_of!(Theirs, lNetworkEvents), offset_of!(Ours, lNetworkEvents));
    assert_eq!(offset_of!(Theirs, iErrorCode), offset_of!(Ours, iErrorCode));

    let codes = std::array::from_fn(|at| 10_050 + at as i32);
    let ours = Ours { lNetworkEvents: 0x2a5, iErrorCode: codes };
    let theirs = Theirs::from(ours);
    assert_eq!((theirs.lNetworkEvents, theirs.iErrorCode), (0x2a5, codes));
    assert_eq!(Ours::from(theirs), ours);
}

/// Catches a code with another number than `windows-sys` has under this name, and one that stands in
/// our table and not in this list.
#[test]
fn v3_windows_sys_has_the_same_codes() {
    macro_rules! same {
        ($($name:ident)*) => {
            [$((WsaError::$name, WinSock::$name, stringify!($name))),*]
        };
    }
    let codes = same! {
        WSAEINTR WSAEBADF WSAEACCES WSAEFAULT WSAEINVAL WSAEMFILE WSAEWOULDBLOCK WSAEINPROGRESS
        WSAEALREADY WSAENOTSOCK WSAEDESTADDRREQ WSAEMSGSIZE WSAEPROTOTYPE WSAENOPROTOOPT
        WSAEPROTONOSUPPORT WSAESOCKTNOSUPPORT WSAEOPNOTSUPP WSAEPFNOSUPPORT WSAEAFNOSUPPORT
        WSAEADDRINUSE WSAEADDRNOTAVAIL WSAENETDOWN WSAENETUNREACH WSAENETRESET WSAECONNABORTED
        WSAECONNRESET WSAENOBUFS WSAEISCONN WSAENOTCONN WSAESHUTDOWN WSAETOOMANYREFS WSAETIMEDOUT
        WSAECONNREFUSED WSAELOOP WSAENAMETOOLONG WSAEHOSTDOWN WSAEHOSTUNREACH WSAENOTEMPTY
        WSAEPROCLIM WSAEUSERS WSAEDQUOT WSAESTALE WSAEREMOTE WSASYSNOTREADY WSAVERNOTSUPPORTED
        WSANOTINITIALISED WSAEDISCON WSAENOMORE WSAECANCELLED WSAEINVALIDPROCTABLE
        WSAEINVALIDPROVIDER WSAEPROVIDERFAILEDINIT WSASYSCALLFAILURE WSASERVICE_NOT_FOUND
        WSATYPE_NOT_FOUND WSA_E_NO_MORE WSA_E_CANCELLED WSAEREFUSED WSAHOST_NOT_FOUND WSATRY_AGAIN
        WSANO_RECOVERY WSANO_DATA
    };
    for (ours, theirs, name) in codes {
        assert_eq!((ours.code(), ours.name()), (theirs, Some(name)));
    }
    let named = (10_000..12_000).filter_map(|code| WsaError::from_code(code)?.name());
    let listed = |name: &str| codes.iter().any(|code| code.2 == name);
    let unlisted: Vec<_> = named.filter(|name| !listed(name)).collect();
    assert!(unlisted.is_empty(), "{unlisted:?}");
}
