// The check of docs/guide/DRIVER.md.

use std::vec::Vec;

/// The user's bytes, of which only so many may be written.
struct User {
    bytes: [u8; 44],
    writable: usize,
}

impl User {
    fn new(writable: usize) -> Self {
        Self { bytes: [0xFF; 44], writable }
    }

    fn words(&self) -> [i32; 11] {
        std::array::from_fn(|at| i32::from_ne_bytes(*self.bytes[4 * at..].first_chunk().unwrap()))
    }
}

impl UserBuffer for User {
    fn write(&mut self, offset: usize, bytes: &[u8]) -> bool {
        let end = offset + bytes.len();
        let is_there = end <= self.writable;
        if is_there {
            self.bytes[offset..end].copy_from_slice(bytes);
        }
        is_there
    }
}

/// Receives into a buffer whose bytes are all there.
fn receive(device: &Device<'_>, s: SOCKET, room: usize) -> Result<Vec<u8>, WsaError> {
    let mut user = User::new(44);
    let count = device.ioctl_receive(s, &mut user, room)?;
    assert!(user.bytes[count..].iter().all(|byte| *byte == 0xFF));
    Ok(user.bytes[..count].to_vec())
}

/// Enumerates into a buffer whose bytes are all there: the mask, and the codes of the report.
fn enumerate(device: &Device<'_>, s: SOCKET, handle: WSAEVENT) -> Result<(i32, Vec<i32>), WsaError> {
    let mut user = User::new(44);
    device.ioctl_enumerate(s, handle, &mut user)?;
    let words = user.words();
    let (mask, codes) = words.split_first().unwrap();
    let written = codes.iter().copied().filter(|code| *code != -1);
    Ok((*mask, written.collect()))
}

fn check() {
    let events = [const { DeviceEvent(AtomicBool::new(false)) }; 2];
    let device = Device::new(&events);
    let handle = WSAEVENT(2);
    let s = device.open().unwrap();
    device.ioctl_select(s, handle, 0x3FF).unwrap();
    device.interrupt(s, Packet::Response);
    assert!(events[1].is_set() && !events[0].is_set());

    // A fault anywhere: nothing is lost, and the event object stays signaled.
    for writable in [0, 4, 12] {
        let mut user = User::new(writable);
        let faulted = device.ioctl_enumerate(s, handle, &mut user);
        assert_eq!(faulted, Err(WsaError::WSAEFAULT));
        assert_eq!(user.words()[0], -1, "the mask is last");
        assert!(events[1].is_set());
    }
    assert_eq!(enumerate(&device, s, handle), Ok((0x12, Vec::from([0, 0]))));
    assert!(!events[1].is_set());

    device.interrupt(s, Packet::CreditUpdate); // nobody was refused
    assert!(!events[1].is_set());
    device.interrupt(s, Packet::Rw(b"abc"));
    device.interrupt(s, Packet::Rw(b"de"));
    assert_eq!(enumerate(&device, s, handle), Ok((1, Vec::from([0]))));
    // A fault anywhere: no byte is lost, and nothing is signaled.
    for writable in 0..4 {
        let faulted = device.ioctl_receive(s, &mut User::new(writable), 4);
        assert_eq!(faulted, Err(WsaError::WSAEFAULT));
        assert!(!events[1].is_set());
    }
    assert_eq!(receive(&device, s, 4).as_deref(), Ok(&b"abcd"[..]));
    assert!(events[1].is_set(), "one byte is left");
    assert_eq!(receive(&device, s, 4).as_deref(), Ok(&b"e"[..]));
    assert_eq!(receive(&device, s, 4), Err(WsaError::WSAEWOULDBLOCK));
    // Round the ring.
    for at in 0..2 * RING as u8 {
        device.interrupt(s, Packet::Rw(&[at, !at]));
        assert_eq!(receive(&device, s, 44), Ok(Vec::from([at, !at])));
    }
    device.interrupt(s, Packet::Reset);
    let code = WsaError::WSAECONNABORTED.code();
    assert_eq!(enumerate(&device, s, handle), Ok((0x20, Vec::from([code]))), "and no FD_READ");

    // A close waits for the calls under way, and nobody else finds the socket any more.
    device.interrupt(s, Packet::Rw(b"unread"));
    let closed = WsaError::WSAENOTSOCK;
    let under_way = device.find_socket(s).unwrap();
    std::thread::scope(|scope| {
        let close = scope.spawn(|| device.close(s));
        while device.find_socket(s).is_some() {
            assert!(!close.is_finished(), "the socket is in use");
        }
        assert_eq!(device.close(s), Err(closed));
        assert!(!close.is_finished(), "the socket is in use");
        assert_ne!(device.open(), Some(s), "the slot is in use");
        under_way.events.record(NetworkEvent::Close, Ok(()));
        drop(under_way);
        assert_eq!(close.join().unwrap(), Ok(()));
    });
    assert_eq!(enumerate(&device, s, handle), Err(closed));
    assert_eq!(device.close(s), Err(closed));
    device.interrupt(s, Packet::Response); // late: nobody's
    assert_eq!(device.open(), Some(s));
    assert_eq!(receive(&device, s, 4), Err(WsaError::WSAEWOULDBLOCK));
    assert_eq!(enumerate(&device, s, handle), Ok((0, Vec::new())));
    device.interrupt(s, Packet::Reset);
    device.ioctl_select(s, handle, 0x3FF).unwrap();
    let code = WsaError::WSAECONNREFUSED.code();
    assert_eq!(enumerate(&device, s, handle), Ok((0x10, Vec::from([code]))));
    // A call gives up its own use, and no other.
    for _ in 0..3 {
        assert!(device.find_socket(0).is_none() && device.find_socket(9).is_none());
        device.close(s).unwrap();
        assert!(device.find_socket(s).is_none());
        assert_eq!(device.open(), Some(s));
    }

    // Interrupts at any time, while the socket is closed and opened again.
    std::thread::scope(|scope| {
        let interrupts = scope.spawn(|| {
            for _ in 0..10_000 {
                device.interrupt(s, Packet::Response);
                device.interrupt(s, Packet::Reset);
            }
        });
        while !interrupts.is_finished() {
            device.close(s).unwrap();
            assert_eq!(device.open(), Some(s));
            device.ioctl_select(s, handle, 0x3FF).unwrap();
            assert_eq!(receive(&device, s, 44), Err(WsaError::WSAEWOULDBLOCK));
        }
    });
}
