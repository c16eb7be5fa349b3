// The check of docs/guide/LOOK_ALIKE.md.

fn check() {
    use wsp_events::{NetworkEvent, wsa::SOCKET_ERROR};
    let event_object = EventObject::default();
    let handle = HANDLES.create_event(&event_object);
    let s = HANDLES.socket();
    let t = HANDLES.duplicate(s).unwrap();
    assert_eq!((handle.0, s, t), (4, 8, 12));
    let mut out = WSANETWORKEVENTS::default();
    // SAFETY: the pointers come from references.
    let mut enumerate = |s, handle| unsafe { (WSAEnumNetworkEvents(s, handle, &mut out), out) };
    // Before WSAStartup there is nothing.
    assert_eq!(unsafe { WSAEventSelect(s, handle, 1) }, SOCKET_ERROR);
    assert_eq!(LAST_ERROR.get(), WsaError::WSANOTINITIALISED.code());
    STARTUPS.store(1, Ordering::Release);
    // A socket is not an event object, and an event object is not a socket.
    assert_eq!(unsafe { WSAEventSelect(s, WSAEVENT(t), 1) }, SOCKET_ERROR);
    assert_eq!(LAST_ERROR.get(), WsaError::WSAEINVAL.code());
    assert_eq!(unsafe { WSAEventSelect(handle.0, handle, 1) }, SOCKET_ERROR);
    assert_eq!(LAST_ERROR.get(), WsaError::WSAENOTSOCK.code());
    assert_eq!(unsafe { WSAEnumNetworkEvents(s, handle, std::ptr::null_mut()) }, SOCKET_ERROR);
    assert_eq!(LAST_ERROR.get(), WsaError::WSAEFAULT.code());
    // The duplicate empties the record.
    assert_eq!(unsafe { WSAEventSelect(s, handle, 1) }, 0);
    let under_way = Provider::find_socket(&HANDLES, s).unwrap();
    under_way.events.record(NetworkEvent::Read, Ok(()));
    assert!(event_object.is_set());
    let (result, out) = enumerate(t, handle);
    assert_eq!((result, out.lNetworkEvents, event_object.is_set()), (0, 1, false));
    // Once closed, the number names the next socket, which has a record of its own.
    HANDLES.close(s, Some(Kind::Socket)).unwrap();
    assert!(under_way.events.selected().contains(NetworkEvents::FD_READ), "a handle is left");
    let next = HANDLES.socket();
    assert_eq!(next, s);
    HANDLES.close(t, None).unwrap();
    assert!(under_way.events.selected().is_empty());
    assert_eq!(unsafe { WSAEventSelect(next, handle, 1) }, 0);
    under_way.events.record(NetworkEvent::Read, Ok(()));
    let (result, out) = enumerate(next, handle);
    assert_eq!((result, out.lNetworkEvents), (0, 0));
    // What is gone, and what is of another kind.
    assert_eq!(HANDLES.close(t, Some(Kind::Socket)), Err(WsaError::WSAENOTSOCK));
    for kind in [None, Some(Kind::EventObject)] {
        assert_eq!(HANDLES.close(t, kind), Err(WSA_INVALID_HANDLE));
    }
    assert_eq!(HANDLES.close(handle.0, Some(Kind::Socket)), Err(WsaError::WSAENOTSOCK));
    assert_eq!(HANDLES.close(next, Some(Kind::EventObject)), Err(WSA_INVALID_HANDLE));
    assert_eq!(enumerate(next, handle).0, 0, "both are still there");
    // A selected event object outlives its handle (P2).
    HANDLES.close(handle.0, Some(Kind::EventObject)).unwrap();
    let socket = Provider::find_socket(&HANDLES, next).unwrap();
    socket.events.record(NetworkEvent::Read, Ok(()));
    assert!(event_object.is_set());
    assert_eq!(enumerate(next, handle).0, SOCKET_ERROR);
}
