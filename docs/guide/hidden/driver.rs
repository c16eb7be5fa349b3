// The check of docs/guide/DRIVER.md.

use std::vec::Vec;

/// The user's bytes, of which only so many may be written.
struct User {
    words: [i32; 11],
    writable: usize,
}

impl UserBuffer for User {
    fn write(&mut self, offset: usize, value: i32) -> bool {
        let is_there = offset < self.writable;
        if is_there {
            self.words[offset / 4] = value;
        }
        is_there
    }
}

/// Enumerates into a buffer whose bytes are all there: the mask, and the codes of the report.
fn enumerate(device: &Device<'_>, s: SOCKET, handle: WSAEVENT) -> Result<(i32, Vec<i32>), WsaError> {
    let mut user = User { words: [-1; 11], writable: 44 };
    device.ioctl_enumerate(s, handle, &mut user)?;
    let (mask, codes) = user.words.split_first().unwrap();
    let written = codes.iter().copied().filter(|code| *code != -1);
    Ok((*mask, written.collect()))
}

fn check() {
    let events = [const { DeviceEvent(AtomicBool::new(false)) }; 2];
    let mut device = Device::new(&events);
    let handle = WSAEVENT(2);
    let s = device.open().unwrap();
    device.ioctl_select(s, handle, 0x3FF).unwrap();
    device.interrupt(s, Packet::Response);
    assert!(events[1].is_set() && !events[0].is_set());

    // A fault anywhere: nothing is lost, and the event object stays signaled.
    for writable in [0, 4, 12] {
        let mut user = User { words: [-1; 11], writable };
        let faulted = device.ioctl_enumerate(s, handle, &mut user);
        assert_eq!(faulted, Err(WsaError::WSAEFAULT));
        assert_eq!(user.words[0], -1, "the mask is last");
        assert!(events[1].is_set());
    }
    assert_eq!(enumerate(&device, s, handle), Ok((0x12, Vec::from([0, 0]))));
    assert!(!events[1].is_set());

    device.interrupt(s, Packet::CreditUpdate); // nobody was refused
    assert!(!events[1].is_set());
    device.interrupt(s, Packet::Rw(3));
    device.interrupt(s, Packet::Rw(2));
    assert_eq!(enumerate(&device, s, handle), Ok((1, Vec::from([0]))));
    assert_eq!(device.ioctl_receive(s, 4), Ok(4));
    assert!(events[1].is_set(), "one byte is left");
    assert_eq!(device.ioctl_receive(s, 4), Ok(1));
    assert_eq!(device.ioctl_receive(s, 4), Err(WsaError::WSAEWOULDBLOCK));
    device.interrupt(s, Packet::Reset);
    let code = WsaError::WSAECONNABORTED.code();
    assert_eq!(enumerate(&device, s, handle), Ok((0x20, Vec::from([code]))), "and no FD_READ");

    device.close(s).unwrap();
    let closed = WsaError::WSAENOTSOCK;
    assert_eq!(enumerate(&device, s, handle), Err(closed));
    assert_eq!(device.open(), Some(s));
    assert_eq!(enumerate(&device, s, handle), Ok((0, Vec::new())));
    device.interrupt(s, Packet::Reset);
    device.ioctl_select(s, handle, 0x3FF).unwrap();
    let code = WsaError::WSAECONNREFUSED.code();
    assert_eq!(enumerate(&device, s, handle), Ok((0x10, Vec::from([code]))));
}
