// The check of docs/guide/DLL.md.

fn check() {
    use wsp_events::spi::{SOCKET_ERROR, WSANETWORKEVENTS, WSPEnumNetworkEvents, WSPEventSelect};
    use wsp_events::{NetworkEvent, NetworkEvents};
    let (select, enumerate) = (WSPEventSelect::<MyProvider>, WSPEnumNetworkEvents::<MyProvider>);
    let (mut errno, none) = (0, WSAEVENT::NULL);
    // SAFETY: the pointers are null or come from references; no handle names anything.
    unsafe {
        assert_eq!((select(4, none, 0, &mut errno), errno), (SOCKET_ERROR, 10050));
        let provider = Arc::new(MyProvider::default());
        set_current(Some(Arc::clone(&provider)));
        let socket = Socket { events: NetworkEventRecorder::new() };
        let s = provider.sockets.insert(socket).unwrap();
        assert_eq!((select(s, none, 0x3FF, &mut errno), errno), (SOCKET_ERROR, 10022));
        let nothing = WSAEVENT(4 << 20);
        assert_eq!((select(s, nothing, 0x3FF, &mut errno), errno), (SOCKET_ERROR, 10022));
        let mut out = WSANETWORKEVENTS::default();
        assert_eq!(enumerate(s, none, &mut out, &mut errno), 0);
        assert_eq!(enumerate(s, nothing, &mut out, &mut errno), SOCKET_ERROR);
        let socket = provider.sockets.get(s).unwrap();
        socket.events.record(NetworkEvent::Accept, Ok(()));
        assert_eq!(socket.events.recorded(), NetworkEvents::FD_ACCEPT);
        provider.close_socket(s).unwrap();
        assert_eq!((select(s, none, 0, &mut errno), errno), (SOCKET_ERROR, 10038));
        // The last WSPCleanup ends a socket that is still open and in use.
        let socket = Socket { events: NetworkEventRecorder::new() };
        let s = provider.sockets.insert(socket).unwrap();
        let socket = provider.sockets.get(s).unwrap();
        set_current(None);
        assert_eq!((select(s, none, 0, &mut errno), errno), (SOCKET_ERROR, 10050));
        assert_eq!(socket.events.enumerate(), Err(wsp_events::RecorderError::Closed));
    }
}
