// The check of docs/guide/EMULATOR.md.

const TEB: u32 = 0x1000;
const OUT: u32 = 0x1101; // not aligned

fn check() {
    use wsp_events::NetworkEvent;
    let memory = Memory { base: TEB, bytes: Mutex::new(vec![0xEE; 0x200]) };
    let guest = Guest { memory, startups: AtomicU32::new(0), handles: Mutex::default() };
    let thread = GuestThread { teb: TEB };
    let word = |address| guest.memory.with(address, 4, |at| i32::from_le_bytes(at.try_into().unwrap()));
    let last_error = || word(TEB + LAST_ERROR).unwrap();
    let untouched = i32::from_le_bytes([0xEE; 4]);

    let event_object = EventObject::default();
    let recorder = NetworkEventRecorder::new();
    let socket = Arc::new(Socket { events: recorder });
    let event = guest.insert(Object::EventObject(Arc::clone(&event_object))).unwrap();
    let s = guest.insert(Object::Socket(Arc::clone(&socket))).unwrap();
    assert_eq!((event, s), (4, 8));
    // Before WSAStartup there is nothing, not even bad numbers.
    let calls = |s, event, output| {
        let mut codes = Vec::new();
        assert_eq!(guest.wsa_event_select(&thread, s, event, 1), u32::MAX);
        codes.push(last_error());
        assert_eq!(guest.wsa_enum_network_events(&thread, s, event, output), u32::MAX);
        codes.push(last_error());
        codes
    };
    assert_eq!(calls(0, 99, 0), [10093, 10093]);
    guest.startups.store(1, Ordering::Release);
    // Everything else is wrong, and one thing after the other is put right (E11).
    assert_eq!(calls(0, 99, 0), [10038, 10038]);
    assert_eq!(calls(s, 99, 0), [10022, 10014]);
    assert_eq!(calls(s, 99, OUT), [10022, 10022]);
    guest.memory.with(TEB + LAST_ERROR, 4, |at| at.fill(0xEE)).unwrap();
    assert_eq!(guest.wsa_event_select(&thread, s, event, 0x3FF), 0);
    assert_eq!(last_error(), untouched, "a success leaves it alone");
    // Numbers that name nothing, or something else.
    for (s, event, code) in [(u32::MAX, 4, 10038), (0, 4, 10038), (4, 4, 10038), (8, 8, 10022)] {
        assert_eq!(guest.wsa_event_select(&thread, s, event, 1), u32::MAX);
        assert_eq!(last_error(), code);
    }
    if let Ok(number) = usize::try_from(0x1_0000_0008_u64) {
        assert!(guest.object(number).is_none(), "not cut off");
    }

    // The host's side: a connection is refused.
    socket.events.record(NetworkEvent::Connect, Err(WsaError::WSAECONNREFUSED));
    socket.events.record(NetworkEvent::Read, Ok(()));
    // A null pointer, an address below, a struct whose end is missing.
    for output in [0, TEB - 1, TEB + 0x200 - 43, u32::MAX] {
        assert_eq!(guest.wsa_enum_network_events(&thread, s, event, output), u32::MAX);
        assert_eq!(last_error(), WsaError::WSAEFAULT.code());
        assert!(event_object.is_set(), "nothing was taken");
    }
    assert_eq!(word(TEB + 0x200 - 43), Some(untouched), "nothing was written");
    assert_eq!(guest.wsa_enum_network_events(&thread, s, event, OUT), 0);
    let out = std::array::from_fn(|at| word(OUT + 4 * at as u32).unwrap());
    let mut expected = [untouched; 11];
    (expected[0], expected[1], expected[5]) = (0x11, 0, 10061);
    assert_eq!(out, expected);
    assert!(!event_object.is_set());
    assert_eq!(guest.wsa_enum_network_events(&thread, s, 0, OUT), 0);
    assert_eq!(word(OUT), Some(0), "it was taken once");
}
