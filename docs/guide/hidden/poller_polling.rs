// Completes the first program of docs/guide/POLLER.md where it is tested: the implementation of Provider, and a switch
// on real connections.

use wsp_events::{Provider, WSAEVENT};

impl Provider for MyProvider {
    type EventObject = EventObject;
    type Socket<'a> = Arc<Stream>;
    type EventObjectToReset<'a> = EventObject;

    fn subsystem_is_up(&self) -> bool {
        true
    }

    fn find_socket(&self, s: SOCKET) -> Option<Arc<Stream>> {
        self.streams.lock().unwrap().get(&s).cloned()
    }

    fn recorder_of(stream: &Arc<Stream>) -> &NetworkEventRecorder<EventObject> {
        &stream.events
    }

    fn event_object_to_select(&self, handle: WSAEVENT) -> Option<EventObject> {
        (handle == WSAEVENT(4)).then(|| EventObject::clone(&self.event_object))
    }

    fn event_object_to_reset(&self, handle: WSAEVENT) -> Option<EventObject> {
        self.event_object_to_select(handle)
    }

    fn on_selected(&self, stream: &Arc<Stream>, _events: NetworkEvents) {
        stream.on_selected();
    }
}

/// The switch waits and enumerates, until it is told something.
fn next_report(provider: &MyProvider, s: SOCKET) -> String {
    loop {
        let limit = std::time::Duration::from_secs(60);
        assert!(provider.event_object.wait_timeout(limit), "a wake-up was lost");
        let report = wsp_events::enum_network_events(provider, s, WSAEVENT(4)).unwrap();
        if !report.events().is_empty() {
            return report.to_string();
        }
    }
}

fn new_provider() -> MyProvider {
    MyProvider {
        poller: Arc::new(Poller::new().unwrap()),
        streams: Mutex::default(),
        event_object: EventObject::default(),
        ended: AtomicBool::new(false),
    }
}

fn check() {
    what_the_poller_said_before_the_send();
    an_accepted_socket_is_in_the_map_before_it_looks();
    what_ends_a_connection();
    let provider = new_provider();
    std::thread::scope(|scope| {
        scope.spawn(|| provider.run());
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(&provider)));
        provider.ended.store(true, Ordering::Release);
        provider.poller.notify().unwrap();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

const READ_WRITE_CLOSE: NetworkEvents =
    NetworkEvents::FD_READ.union(NetworkEvents::FD_WRITE).union(NetworkEvents::FD_CLOSE);

fn new_listener() -> (std::net::TcpListener, NetworkEventRecorder<EventObject>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let latching = NetworkEvents::LATCHING_FOR_CONDITIONS;
    (listener, NetworkEventRecorder::with_latching(latching))
}

/// The peer, and the socket of the operating system that is accepted.
fn connect_to(listener: &std::net::TcpListener) -> (TcpStream, TcpStream) {
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (peer, listener.accept().unwrap().0)
}

/// Catches a full socket that reports FD_WRITE because of what the poller has said before. There is no thread.
fn what_the_poller_said_before_the_send() {
    let provider = new_provider();
    let (listener, events) = new_listener();
    let (peer, socket) = connect_to(&listener);
    provider.accepted(&events, 4, socket).unwrap();
    let stream = provider.find_socket(4).unwrap();
    stream.events.select(NetworkEvents::FD_WRITE, EventObject::default()).unwrap();
    let writable = || Event::writable(stream.os.lock().unwrap().key);
    let said_before = writable();
    while stream.send(&[0; 1 << 16]).is_ok() {}
    stream.on_ready(said_before);
    assert!(stream.events.recorded().is_empty(), "a full socket has room");
    stream.on_ready(writable());
    assert_eq!(stream.events.recorded(), NetworkEvents::FD_WRITE);
    drop(peer);
}

/// Catches a first look, which may arm, before the map has the socket: the poller's answer would find nobody.
fn an_accepted_socket_is_in_the_map_before_it_looks() {
    let provider = new_provider();
    let (listener, events) = new_listener();
    events.select(READ_WRITE_CLOSE, EventObject::clone(&provider.event_object)).unwrap();
    let (_peer, socket) = connect_to(&listener);
    std::thread::scope(|scope| {
        let map = provider.streams.lock().unwrap();
        scope.spawn(|| provider.accepted(&events, 4, socket).unwrap());
        let limit = std::time::Duration::from_millis(100);
        assert!(!provider.event_object.wait_timeout(limit), "a look at what nobody finds");
        drop(map);
        assert_eq!(next_report(&provider, 4), "FD_WRITE: success");
    });
}

/// Catches an error that passes and is taken for the end of the connection.
fn what_ends_a_connection() {
    let provider = new_provider();
    let (listener, events) = new_listener();
    let (_peer, socket) = connect_to(&listener);
    provider.accepted(&events, 4, socket).unwrap();
    let stream = provider.find_socket(4).unwrap();
    let fails = |error: WsaError| stream.locked(|os| os.call(|_| Err(error.into())));
    for passes in [WsaError::WSAEINTR, WsaError::WSAENOBUFS, WsaError::WSAEWOULDBLOCK] {
        assert_eq!(fails(passes), Err(passes));
        assert_eq!(stream.events.recorded(), NetworkEvents::FD_WRITE, "{passes}");
    }
    assert!(fails(WsaError::WSAETIMEDOUT).is_err());
    assert!(stream.events.recorded().contains(NetworkEvents::FD_CLOSE));
}

/// What a `SocketTable` gives out after 257 closes. Catches a key that has no room for it.
const BIG: SOCKET = 0x80_0004;

fn play(provider: &MyProvider) {
    let (listener, events) = new_listener();
    let select = |s, events| wsp_events::event_select(provider, s, WSAEVENT(4), events).unwrap();

    let (mut peer, socket) = connect_to(&listener);
    provider.accepted(&events, BIG, socket).unwrap();
    let stream = provider.find_socket(BIG).unwrap();
    // The selection arms: this comes after it.
    select(BIG, READ_WRITE_CLOSE);
    assert_eq!(next_report(provider, BIG), "FD_WRITE: success");
    peer.write_all(b"abc").unwrap();
    assert_eq!(next_report(provider, BIG), "FD_READ: success");
    // What is left is recorded by the receive; when nothing is, it arms.
    let mut byte = [0];
    assert_eq!(stream.recv(&mut byte), Ok(1));
    assert_eq!(next_report(provider, BIG), "FD_READ: success");
    assert_eq!(stream.recv(&mut [0; 9]), Ok(2));
    assert_eq!(stream.recv(&mut byte), Err(WsaError::WSAEWOULDBLOCK));
    assert!(!provider.event_object.is_set());
    peer.write_all(b"d").unwrap();
    assert_eq!(next_report(provider, BIG), "FD_READ: success");

    // No room, with FD_READ latched and unread data; and room again when the peer has received.
    let mut sent = 0;
    while let Ok(count) = stream.send(&[0; 1 << 16]) {
        sent += count;
    }
    peer.read_exact(&mut vec![0; sent]).unwrap();
    assert_eq!(next_report(provider, BIG), "FD_WRITE: success");
    assert!(stream.send(&[0]).is_ok());

    // A selection of other events arms for them: the end of the connection, when the data before it is received.
    select(BIG, NetworkEvents::FD_CLOSE);
    assert_eq!(stream.recv(&mut byte), Ok(1));
    peer.read_exact(&mut byte).unwrap();
    drop(peer);
    assert_eq!(next_report(provider, BIG), "FD_CLOSE: success");
    assert_eq!(stream.recv(&mut byte), Ok(0));

    if cfg!(unix) {
        let (peer, socket) = connect_to(&listener);
        provider.accepted(&events, 8, socket).unwrap();
        an_urgent_byte_and_a_reset(provider, peer);
        attempts_to_connect(provider, &listener);
    }
    if cfg!(target_os = "linux") {
        an_attempt_that_lasts(provider);
        connected_and_reset_at_once(provider, connect_to(&listener));
    }

    // Whatever holds and is latched wakes nobody: a poller that spins makes thousands of arms.
    for stream in provider.streams.lock().unwrap().values() {
        let arms = stream.os.lock().unwrap().key / ARM;
        assert!(arms < 100, "the poller is armed for what holds: {arms} times");
    }
}

/// Not under Wine, which forgets a reset.
fn an_urgent_byte_and_a_reset(provider: &MyProvider, peer: TcpStream) {
    let mut byte = [0];
    wsp_events::event_select(provider, 8, WSAEVENT(4), READ_WRITE_CLOSE).unwrap();
    assert_eq!(next_report(provider, 8), "FD_WRITE: success");
    let stream = provider.find_socket(8).unwrap();
    let peer = socket2::Socket::from(peer);
    peer.send_out_of_band(b"!").unwrap();
    assert_eq!(next_report(provider, 8), "FD_READ: success");
    assert_eq!(stream.recv(&mut byte), Ok(1));
    peer.set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(peer);
    assert_eq!(next_report(provider, 8), "FD_CLOSE: WSAECONNABORTED (10053)");
    assert_eq!(stream.recv(&mut byte), Err(WsaError::WSAECONNRESET));
    assert_eq!(stream.send(&byte), Err(WsaError::WSAECONNRESET));
}

/// Catches a look, or an arm, on a socket that has not connected, and an attempt that the one before it spoils. Not on
/// Windows, which takes two seconds to refuse.
fn attempts_to_connect(provider: &MyProvider, listener: &std::net::TcpListener) {
    let all = READ_WRITE_CLOSE | NetworkEvents::FD_CONNECT;
    let select = |s, events| wsp_events::event_select(provider, s, WSAEVENT(4), events).unwrap();
    provider.created(12).unwrap();
    let stream = provider.find_socket(12).unwrap();
    select(12, all);
    assert_eq!(stream.recv(&mut [0]), Err(WsaError::WSAENOTCONN));
    assert_eq!(stream.send(&[0]), Err(WsaError::WSAENOTCONN));
    assert!(stream.events.recorded().is_empty());
    assert_eq!(stream.os.lock().unwrap().key, 12, "armed");

    let nobody = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    nobody.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let nobody = nobody.local_addr().unwrap().as_socket().unwrap();
    for _ in 0..2 {
        // Some systems tell a refusal at once.
        match stream.connect(nobody) {
            Err(WsaError::WSAEWOULDBLOCK) => {
                let report = next_report(provider, 12);
                assert_eq!(report, "FD_CONNECT: WSAECONNREFUSED (10061)");
            }
            refused => assert_eq!(refused, Err(WsaError::WSAECONNREFUSED)),
        }
        assert_eq!(stream.recv(&mut [0]), Err(WsaError::WSAENOTCONN));
    }

    let begun = stream.connect(listener.local_addr().unwrap());
    assert!(matches!(begun, Ok(()) | Err(WsaError::WSAEWOULDBLOCK)), "{begun:?}");
    let mut peer = listener.accept().unwrap().0;
    assert_eq!(next_report(provider, 12), "FD_WRITE: success, FD_CONNECT: success");
    assert_eq!(stream.connect(nobody), Err(WsaError::WSAEISCONN));
    peer.write_all(b"x").unwrap();
    assert_eq!(next_report(provider, 12), "FD_READ: success");
    assert_eq!(stream.recv(&mut [0]), Ok(1));
    drop(peer);
    assert_eq!(next_report(provider, 12), "FD_CLOSE: success");
}

/// Catches an attempt that is over before it has ended, and one that nobody watches because FD_CONNECT is not selected.
/// Linux drops the first packet to a full queue, and sends it again after a second.
fn an_attempt_that_lasts(provider: &MyProvider) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let listener = std::net::TcpListener::from(listener);
    let to = listener.local_addr().unwrap();
    let _first = TcpStream::connect(to).unwrap();

    provider.created(16).unwrap();
    let stream = provider.find_socket(16).unwrap();
    assert_eq!(stream.connect(to), Err(WsaError::WSAEWOULDBLOCK));
    assert_eq!(stream.connect(to), Err(WsaError::WSAEALREADY));
    assert!(stream.events.recorded().is_empty(), "nobody has accepted");
    let _accepted = listener.accept().unwrap();
    let both = NetworkEvents::FD_CONNECT | NetworkEvents::FD_WRITE;
    let from = std::time::Instant::now();
    while stream.events.recorded() != both {
        assert!(from.elapsed().as_secs() < 60, "the outcome waits for a selection");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    wsp_events::event_select(provider, 16, WSAEVENT(4), both).unwrap();
    assert_eq!(next_report(provider, 16), "FD_WRITE: success, FD_CONNECT: success");
}

/// Catches the reset of a connection that is reported as the failure of its attempt. Linux tells of it at once.
fn connected_and_reset_at_once(provider: &MyProvider, (peer, socket): (TcpStream, TcpStream)) {
    SockRef::from(&socket).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(socket);
    let (_, events) = new_listener();
    let all = READ_WRITE_CLOSE | NetworkEvents::FD_CONNECT;
    events.select(all, EventObject::clone(&provider.event_object)).unwrap();
    provider.insert(20, peer, State::Connecting, events).unwrap();
    let lost = "FD_WRITE: success, FD_CONNECT: success, FD_CLOSE: WSAECONNABORTED (10053)";
    assert_eq!(next_report(provider, 20), lost);
}
