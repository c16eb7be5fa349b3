// Completes the first program of docs/guide/POLLER.md where it is tested: the provider's table, and a switch on a real
// connection.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents};
use wsp_events::{Provider, ReenablingCall, SOCKET, Unsignaled, WSAEVENT, WsaError};

type EventObject = Arc<ManualResetEvent>;

include!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guide/hidden/poller_os.rs"));

impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.poller.delete(&self.os.get_mut().unwrap().socket);
    }
}

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
    let provider = new_provider();
    std::thread::scope(|scope| {
        scope.spawn(|| provider.run());
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(&provider)));
        provider.ended.store(true, Ordering::Release);
        provider.poller.notify().unwrap();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// Catches a full socket that reports FD_WRITE because of what the poller has said before. There is no thread.
fn what_the_poller_said_before_the_send() {
    let provider = new_provider();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    provider.connected(4, listener.accept().unwrap().0).unwrap();
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

fn play(provider: &MyProvider) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let connect = || {
        let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (peer, listener.accept().unwrap().0)
    };
    let select = |s, events| wsp_events::event_select(provider, s, WSAEVENT(4), events).unwrap();
    let all = NetworkEvents::FD_READ | NetworkEvents::FD_WRITE | NetworkEvents::FD_CLOSE;

    let (mut peer, socket) = connect();
    provider.connected(4, socket).unwrap();
    let stream = provider.find_socket(4).unwrap();
    // The selection arms: this comes after it.
    select(4, all);
    assert_eq!(next_report(provider, 4), "FD_WRITE: success");
    peer.write_all(b"abc").unwrap();
    assert_eq!(next_report(provider, 4), "FD_READ: success");
    // What is left is recorded by the receive; when nothing is, it arms.
    let mut byte = [0];
    assert_eq!(stream.recv(&mut byte), Ok(1));
    assert_eq!(next_report(provider, 4), "FD_READ: success");
    assert_eq!(stream.recv(&mut [0; 9]), Ok(2));
    assert_eq!(stream.recv(&mut byte), Err(WsaError::WSAEWOULDBLOCK));
    assert!(!provider.event_object.is_set());
    peer.write_all(b"d").unwrap();
    assert_eq!(next_report(provider, 4), "FD_READ: success");

    // No room, with FD_READ latched and unread data; and room again when the peer has received.
    let mut sent = 0;
    while let Ok(count) = stream.send(&[0; 1 << 16]) {
        sent += count;
    }
    peer.read_exact(&mut vec![0; sent]).unwrap();
    assert_eq!(next_report(provider, 4), "FD_WRITE: success");
    assert!(stream.send(&[0]).is_ok());

    // A selection of other events arms for them: the end of the connection, when the data before it is received.
    select(4, NetworkEvents::FD_CLOSE);
    assert_eq!(stream.recv(&mut byte), Ok(1));
    peer.read_exact(&mut byte).unwrap();
    drop(peer);
    assert_eq!(next_report(provider, 4), "FD_CLOSE: success");
    assert_eq!(stream.recv(&mut byte), Ok(0));

    if cfg!(unix) {
        an_urgent_byte_and_a_reset(provider, connect());
    }

    // Whatever holds and is latched wakes nobody: a poller that spins makes thousands of arms.
    for stream in provider.streams.lock().unwrap().values() {
        let arms = stream.os.lock().unwrap().key / ARM;
        assert!(arms < 100, "the poller is armed for what holds: {arms} times");
    }
}

/// Not under Wine, which forgets a reset.
fn an_urgent_byte_and_a_reset(provider: &MyProvider, (peer, socket): (TcpStream, TcpStream)) {
    let mut byte = [0];
    provider.connected(8, socket).unwrap();
    let all = NetworkEvents::FD_READ | NetworkEvents::FD_WRITE | NetworkEvents::FD_CLOSE;
    wsp_events::event_select(provider, 8, WSAEVENT(4), all).unwrap();
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
