// The check of docs/guide/DRIVER.md.

fn check() {
    let events = [const { DeviceEvent(Cell::new(false)) }; 2];
    let mut device = Device::new(&events);
    let handle = wsp_events::WSAEVENT(2);
    let s = device.open().unwrap();
    device.ioctl_select(s, handle, 0x3FF).unwrap();
    device.packet(s, Packet::Response);
    assert!(events[1].is_set() && !events[0].is_set());
    let report = device.ioctl_enumerate(s, handle).unwrap();
    assert_eq!(report.events(), NetworkEvents::FD_CONNECT | NetworkEvents::FD_WRITE);
    assert!(!events[1].is_set());
    device.packet(s, Packet::CreditUpdate); // nobody was refused
    assert!(!events[1].is_set());
    device.packet(s, Packet::Rw);
    device.packet(s, Packet::Reset);
    let report = device.ioctl_enumerate(s, handle).unwrap();
    assert_eq!(report.outcome(NetworkEvent::Read), Some(Ok(())));
    assert_eq!(report.outcome(NetworkEvent::Close), Some(Err(WsaError::WSAECONNRESET)));
    device.close(s).unwrap();
    assert_eq!(device.ioctl_enumerate(s, handle), Err(ProviderError::NotASocket));
    assert_eq!(device.open(), Some(s));
    assert!(device.ioctl_enumerate(s, handle).unwrap().events().is_empty());
    device.packet(s, Packet::Reset);
    device.ioctl_select(s, handle, 0x3FF).unwrap();
    let report = device.ioctl_enumerate(s, handle).unwrap();
    assert_eq!(report.outcome(NetworkEvent::Connect), Some(Err(WsaError::WSAECONNREFUSED)));
}
