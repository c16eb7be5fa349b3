// Completes the second program of docs/guide/POLLER.md where it is tested: what it has in common with the first, and a
// switch on a real connection.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
use wsp_events::{ReenablingCall, Unsignaled, WsaError};

type EventObject = Arc<ManualResetEvent>;

const ARM: usize = 1 << 16;

include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guide/hidden/poller_os.rs"));

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
    fn input(&mut self) -> Option<(NetworkEvent, Result<(), WsaError>)> {
        match self.call(|socket| socket.peek(&mut [0])) {
            Ok(0) => Some((NetworkEvent::Close, Ok(()))),
            Ok(_) => Some((NetworkEvent::Read, Ok(()))),
            Err(WsaError::WSAEWOULDBLOCK) => None,
            Err(_) => Some((NetworkEvent::Close, Err(WsaError::WSAECONNABORTED))),
        }
    }
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

pub(crate) fn check() {
    let mut poll = mio::Poll::new().unwrap();
    let registry = poll.registry().try_clone().unwrap();
    let stop = mio::Waker::new(&registry, Token(0)).unwrap();
    let streams = Mutex::new(Vec::<Arc<Stream>>::new());
    let run = || {
        let mut edges = mio::Events::with_capacity(16);
        loop {
            poll.poll(&mut edges, None).unwrap();
            for edge in &edges {
                let Some(at) = (edge.token().0 % ARM).checked_sub(1) else { return };
                let stream = Arc::clone(&streams.lock().unwrap()[at]);
                stream.on_edge(edge);
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

fn play(registry: &Registry, streams: &Mutex<Vec<Arc<Stream>>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let connect = || {
        let peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let socket = listener.accept().unwrap().0;
        socket.set_nonblocking(true).unwrap();
        let latching = NetworkEvents::LATCHING_FOR_ARRIVALS;
        let mut streams = streams.lock().unwrap();
        let token = Token(streams.len() + 1);
        let mut socket = TcpStream::from_std(socket);
        registry.register(&mut socket, token, BOTH).unwrap();
        let stream = Arc::new(Stream {
            events: NetworkEventRecorder::with_latching(latching),
            registry: registry.try_clone().unwrap(),
            os: Mutex::new(Os { socket, token, has_room: true, reset: false, end: None }),
        });
        stream.locked(|_| ()); // records FD_WRITE
        streams.push(Arc::clone(&stream));
        (peer, stream)
    };
    let event = EventObject::default();
    let all = NetworkEvents::FD_READ | NetworkEvents::FD_WRITE | NetworkEvents::FD_CLOSE;

    let (mut peer, stream) = connect();
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
    let (peer, stream) = connect();
    stream.events.select(NetworkEvents::FD_CLOSE, Arc::clone(&event)).unwrap();
    socket2::SockRef::from(&peer).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(peer);
    assert_eq!(next_report(&stream, &event), "FD_CLOSE: WSAECONNABORTED (10053)");
    assert_eq!(stream.recv(&mut [0]), Err(WsaError::WSAECONNRESET));
}
