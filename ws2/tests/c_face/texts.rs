//! Addresses as texts, and the other functions of the system.

use std::ffi::CStr;
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};

use crate::api::*;

fn inet_addr(text: &CStr) -> Result<[u8; 4], ()> {
    let address = succeeds!(ws2_inet_addr(text.as_ptr().cast()));
    if address == u32::MAX { Err(()) } else { Ok(address.to_ne_bytes()) }
}

/// Catches a number that is read in the wrong base, a part that is too large, and one that fills the wrong bytes.
#[test]
fn inet_addr_takes_one_to_four_numbers_of_three_bases() {
    for (text, address) in [
        (c"1.2.3.4", Ok([1, 2, 3, 4])),
        (c"255.255.255.254", Ok([255, 255, 255, 254])),
        (c"1.2.772", Ok([1, 2, 3, 4])),
        (c"1.131844", Ok([1, 2, 3, 4])),
        (c"16909060", Ok([1, 2, 3, 4])),
        (c"0x10.010.0.0X1f", Ok([16, 8, 0, 31])),
        (c"0", Ok([0; 4])),
        (c" ", Ok([0; 4])),
        (c"1.2.3.4 and more", Ok([1, 2, 3, 4])),
        (c"", Err(())),
        (c" 1.2.3.4", Err(())),
        (c"1.2.3.4x", Err(())),
        (c"1.2.3.", Err(())),
        (c"1..3.4", Err(())),
        (c"1.2.3.4.0", Err(())),
        (c"256.2.3.4", Err(())),
        (c"1.2.3.256", Err(())),
        (c"1.16777216", Err(())),
        (c"4294967296", Err(())),
        (c"08", Err(())),
        (c"0x", Err(())),
        (c"+1", Err(())),
        (c"-1", Err(())),
    ] {
        assert_eq!(inet_addr(text), address, "{text:?}");
    }
    fails!(WSAEFAULT, ws2_inet_addr(null()));
}

/// Catches bytes in the wrong order, a buffer that is too small and written all the same, and a family that is not
/// checked.
#[test]
fn addresses_become_texts_and_come_back() {
    let mut address = [0xcc_u8; 16];
    assert_eq!(
        succeeds!(ws2_inet_pton(AF_INET, c"1.2.3.4".as_ptr().cast(), address.as_mut_ptr())),
        1
    );
    assert_eq!(address[..5], [1, 2, 3, 4, 0xcc]);
    let text = succeeds!(ws2_inet_ntoa(u32::from_ne_bytes([1, 2, 3, 4])));
    // SAFETY: it is the thread's.
    assert_eq!(unsafe { CStr::from_ptr(text.cast()) }, c"1.2.3.4");
    let v6 = c"2001:db8::1";
    assert_eq!(succeeds!(ws2_inet_pton(AF_INET6, v6.as_ptr().cast(), address.as_mut_ptr())), 1);
    let mut text = [0xcc_u8; 16];
    let returned = succeeds!(ws2_inet_ntop(AF_INET6, address.as_ptr(), text.as_mut_ptr(), 12));
    assert_eq!((returned, &text[..13]), (text.as_ptr(), &b"2001:db8::1\0\xcc"[..]));
    for none in [c"1.2.3", c"1.2.3.4 ", c"01.2.3.4", c"x"] {
        let code = succeeds!(ws2_inet_pton(AF_INET, none.as_ptr().cast(), address.as_mut_ptr()));
        assert_eq!(code, 0, "{none:?}");
    }
    fails!(WSAEAFNOSUPPORT, ws2_inet_pton(7, c"1.2.3.4".as_ptr().cast(), address.as_mut_ptr()));
    fails!(WSAEFAULT, ws2_inet_pton(AF_INET, null(), address.as_mut_ptr()));
    fails!(WSAEFAULT, ws2_inet_pton(AF_INET, c"1.2.3.4".as_ptr().cast(), null_mut()));
    let too_small = (null(), Some(WsaError::WSA_INVALID_PARAMETER));
    let mut text = [0xcc_u8; 16];
    assert_eq!(call!(ws2_inet_ntop(AF_INET6, address.as_ptr(), text.as_mut_ptr(), 11)), too_small);
    assert_eq!(text, [0xcc; 16]);
    assert_eq!(call!(ws2_inet_ntop(AF_INET6, address.as_ptr(), null_mut(), 99)), too_small);
    let no_family = (null(), Some(WsaError::WSAEAFNOSUPPORT));
    assert_eq!(call!(ws2_inet_ntop(7, address.as_ptr(), text.as_mut_ptr(), 16)), no_family);
}

/// Catches a name that is cut, and a length that C has made out of -1.
#[test]
fn gethostname_needs_room_for_the_whole_name() {
    start();
    let mut name = [0xcc_u8; 300];
    assert_eq!(succeeds!(ws2_gethostname(name.as_mut_ptr(), 300)), 0);
    let length = name.iter().position(|byte| *byte == 0).unwrap();
    assert_eq!(name[length + 1], 0xcc);
    assert_eq!(succeeds!(ws2_gethostname(name.as_mut_ptr(), length + 1)), 0);
    fails!(WSAEFAULT, ws2_gethostname(name.as_mut_ptr(), length));
    fails!(WSAEFAULT, ws2_gethostname(name.as_mut_ptr(), usize::MAX));
    fails!(WSAEFAULT, ws2_gethostname(null_mut(), 300));
}

/// Catches a sleep that ends early, and a clock that counts something else.
#[test]
fn time_passes_in_milliseconds() {
    let (start, ticks) = (Instant::now(), succeeds!(GetTickCount()));
    succeeds!(Sleep(20));
    assert!(start.elapsed() >= Duration::from_millis(20));
    let passed = u128::from(succeeds!(GetTickCount()).wrapping_sub(ticks));
    let most = start.elapsed().as_millis() + 1;
    assert!((19..=most).contains(&passed), "{passed} of {most}");
}
