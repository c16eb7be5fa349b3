// Completes the second program of docs/guide/POLLER.md where it is tested: what it has in common with the first, and a
// switch on a real connection.

use wsp_events::NetworkEvents;

impl Stream {
    fn locked<T>(&self, step: impl FnOnce(&mut Os) -> T) -> T {
        let mut os = self.os.lock().unwrap();
        let result = step(&mut os);
        let recorded = self.look(&mut os);
        drop(os);
        recorded.signal();
        result
    }

    fn recv(&self, buffer: &mut [u8]) -> Result<usize, WsaError> {
        self.locked(|os| {
            self.events.reenable_for(ReenablingCall::Recv { oob: false });
            os.call(|socket| socket.read(buffer))
        })
    }
}

impl Os {
    fn call<T>(&mut self, call: T) -> Result<usize, WsaError>
    where
        T: FnOnce(&mut TcpStream) -> io::Result<usize>,
    {
        if self.lost {
            return Err(WsaError::WSAECONNRESET);
        }
        let result = call(&mut self.socket).map_err(WsaError::from);
        self.lost = result.is_err_and(is_loss);
        result
    }

    fn input(&mut self) -> Option<(NetworkEvent, Outcome)> {
        match self.call(|socket| socket.peek(&mut [0])) {
            Ok(0) => Some((NetworkEvent::Close, Ok(()))),
            Ok(_) => Some((NetworkEvent::Read, Ok(()))),
            Err(error) if is_loss(error) => {
                Some((NetworkEvent::Close, Err(WsaError::of_close(error))))
            }
            Err(_) => None,
        }
    }
}

fn is_loss(error: WsaError) -> bool {
    matches!(
        error,
        WsaError::WSAECONNRESET
            | WsaError::WSAECONNABORTED
            | WsaError::WSAENETRESET
            | WsaError::WSAETIMEDOUT
            | WsaError::WSAENETDOWN
            | WsaError::WSAENETUNREACH
            | WsaError::WSAEHOSTDOWN
            | WsaError::WSAEHOSTUNREACH
    )
}

/// The switch waits and enumerates, until it is told something.
fn next_report(stream: &Stream, event_object: &EventObject) -> String {
    loop {
        let limit = std::time::Duration::from_secs(60);
        assert!(event_object.wait_timeout(limit), "a wake-up was lost");
        let report = stream.events.enumerate_and_reset(event_object).unwrap();
        if !report.events().is_empty() {
            return report.to_string();
        }
    }
}

type Streams = Mutex<HashMap<SOCKET, Arc<Stream>>>;

fn connect_to(
    listener: &std::net::TcpListener,
    registry: &Registry,
    s: SOCKET,
) -> (std::net::TcpStream, Arc<Stream>) {
    let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let socket = listener.accept().unwrap().0;
    socket.set_nonblocking(true).unwrap();
    let (socket, token) = (TcpStream::from_std(socket), Token(s));
    let stream = Stream {
        events: NetworkEventRecorder::with_latching(NetworkEvents::LATCHING_FOR_ARRIVALS),
        registry: registry.try_clone().unwrap(),
        os: Mutex::new(Os { socket, token, has_room: true, lost: false, end: None }),
    };
    (peer, Arc::new(stream))
}

pub(crate) fn check() {
    it_is_in_the_map_before_the_first_edge();
    let mut poll = mio::Poll::new().unwrap();
    let registry = poll.registry().try_clone().unwrap();
    let stop = mio::Waker::new(&registry, Token(0)).unwrap();
    let streams = Streams::default();
    let run = || {
        let mut edges = mio::Events::with_capacity(16);
        loop {
            poll.poll(&mut edges, None).unwrap();
            for edge in &edges {
                if edge.token() == Token(0) {
                    return;
                }
                let stream = streams.lock().unwrap().get(&(edge.token().0 % ARM)).cloned();
                stream.iter().for_each(|stream| stream.on_edge(edge));
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(run);
        let play = std::panic::AssertUnwindSafe(|| play(&registry, &streams));
        let done = std::panic::catch_unwind(play);
        stop.wake().unwrap();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// Catches a first edge that finds nobody.
fn it_is_in_the_map_before_the_first_edge() {
    let mut poll = mio::Poll::new().unwrap();
    let streams = Streams::default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (_peer, stream) = connect_to(&listener, poll.registry(), 4);
    std::thread::scope(|scope| {
        let map = streams.lock().unwrap();
        scope.spawn(|| insert(&streams, 4, stream).unwrap());
        let mut edges = mio::Events::with_capacity(16);
        poll.poll(&mut edges, Some(std::time::Duration::from_millis(100))).unwrap();
        assert!(edges.is_empty(), "an edge for nobody");
        drop(map);
        poll.poll(&mut edges, None).unwrap();
        assert_eq!(edges.iter().next().unwrap().token(), Token(4));
    });
}

fn play(registry: &Registry, streams: &Streams) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let connect = |s| {
        let (peer, stream) = connect_to(&listener, registry, s);
        insert(streams, s, Arc::clone(&stream)).unwrap();
        (peer, stream)
    };
    let event = EventObject::default();
    let all = NetworkEvents::FD_READ | NetworkEvents::FD_WRITE | NetworkEvents::FD_CLOSE;

    // A descriptor as a `SocketTable` gives out after 257 closes: catches a token that has no room for it.
    let (mut peer, stream) = connect(0x80_0004);
    stream.events.select(all, Arc::clone(&event)).unwrap();
    assert_eq!(next_report(&stream, &event), "FD_WRITE: success");
    // Each arrival is reported, received or not.
    for byte in b"ab" {
        peer.write_all(&[*byte]).unwrap();
        assert_eq!(next_report(&stream, &event), "FD_READ: success");
    }
    // A partial receive reports the rest.
    assert_eq!(stream.recv(&mut [0]), Ok(1));
    assert_eq!(next_report(&stream, &event), "FD_READ: success");
    assert_eq!(stream.recv(&mut [0]), Ok(1));
    assert_eq!(stream.recv(&mut [0]), Err(WsaError::WSAEWOULDBLOCK));
    assert!(stream.events.recorded().is_empty());
    // An error that passes does not end the connection.
    let passes = WsaError::WSAEINTR;
    assert_eq!(stream.locked(|os| os.call(|_| Err(passes.into()))), Err(passes));
    assert_eq!(stream.recv(&mut [0]), Err(WsaError::WSAEWOULDBLOCK));

    // No room, and room again.
    let mut sent = 0;
    while let Ok(count) = stream.send(&[0; 1 << 16]) {
        sent += count;
    }
    peer.read_exact(&mut vec![0; sent]).unwrap();
    assert_eq!(next_report(&stream, &event), "FD_WRITE: success");

    // The end is reported although data before it is unread.
    stream.events.select(NetworkEvents::FD_CLOSE, Arc::clone(&event)).unwrap();
    peer.write_all(b"x").unwrap();
    drop(peer);
    assert_eq!(next_report(&stream, &event), "FD_CLOSE: success");
    assert_eq!(stream.recv(&mut [0; 9]), Ok(1));
    assert_eq!(stream.recv(&mut [0; 9]), Ok(0));

    // A reset.
    let (peer, stream) = connect(4);
    stream.events.select(NetworkEvents::FD_CLOSE, Arc::clone(&event)).unwrap();
    socket2::SockRef::from(&peer).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(peer);
    assert_eq!(next_report(&stream, &event), "FD_CLOSE: WSAECONNABORTED (10053)");
    assert_eq!(stream.recv(&mut [0]), Err(WsaError::WSAECONNRESET));
}
