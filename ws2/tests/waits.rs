//! Blocking calls that another thread, the peer or the machine puts off.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Type};
use ws2::event::Event;
use ws2::select::Sets;
use ws2::{Handles, MSG_OOB, MSG_PEEK, Winsock};
use wsp_events::{
    EventSignal, NetworkEvents, SOCKET, SignalError, WSAEVENT, WsaError, enum_network_events,
    event_select,
};

/// Far more than any wait here needs: only a failing test waits that long.
const LIMIT: Duration = Duration::from_secs(20);

const SOL_SOCKET: i32 = 0xffff;
const SO_OOBINLINE: i32 = 0x0100;
const SO_SNDTIMEO: i32 = 0x1005;
const SO_RCVTIMEO: i32 = 0x1006;
const MSG_WAITALL: i32 = 8;

fn winsock() -> Arc<Winsock> {
    Arc::new(Winsock::new(Arc::new(Handles::new()), |_, _| ()).unwrap())
}

fn local() -> SocketAddr {
    SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0)
}

/// A socket of ours, and its peer, which does not wait for ever.
fn connection(winsock: &Winsock) -> (SOCKET, TcpStream) {
    let listener = winsock.create_socket(Domain::IPV4, Type::STREAM).unwrap();
    winsock.bind(listener, local()).unwrap();
    winsock.listen(listener, 1).unwrap();
    let peer = TcpStream::connect(winsock.local_address(listener).unwrap()).unwrap();
    peer.set_read_timeout(Some(LIMIT)).unwrap();
    let (s, _) = winsock.accept(listener).unwrap();
    winsock.close_socket(listener).unwrap();
    (s, peer)
}

/// What the call answers, on a thread of its own.
fn answer<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(call()));
    told.recv_timeout(LIMIT).expect("it goes on")
}

/// Catches a call that takes the socket for blocking at first, and then for non-blocking: it has sent a part, and answers
/// WSAEWOULDBLOCK.
#[test]
fn a_blocking_send_ends_as_it_began() {
    let winsock = winsock();
    let (s, mut peer) = connection(&winsock);
    let bytes = vec![7; 1 << 25];
    let send = thread::spawn({
        let (winsock, bytes) = (Arc::clone(&winsock), bytes.clone());
        move || winsock.send(s, &bytes, 0)
    });
    // It is under way, and will find no room again and again: who takes little at a time is slower.
    peer.read_exact(&mut [0]).unwrap();
    winsock.set_nonblocking(s, true).unwrap();
    let mut buffer = [0; 1024];
    let mut received = 1;
    while received < bytes.len() && !send.is_finished() {
        received += peer.read(&mut buffer).unwrap();
    }
    assert_eq!(send.join().unwrap(), Ok(bytes.len()));
}

/// Catches a time limit that begins anew with each piece that is sent.
#[test]
fn the_time_limit_is_that_of_the_whole_send() {
    let winsock = winsock();
    let (s, mut peer) = connection(&winsock);
    winsock.set_option(s, SOL_SOCKET, SO_SNDTIMEO, &500_i32.to_ne_bytes()).unwrap();
    let send = thread::spawn(move || winsock.send(s, &vec![0; 1 << 30], 0));
    // Some of it is always received in time, and all of it never.
    let started = Instant::now();
    let mut buffer = vec![0; 1 << 18];
    while started.elapsed() < LIMIT && !send.is_finished() {
        assert!(peer.read(&mut buffer).unwrap() > 0);
        thread::sleep(Duration::from_millis(20));
    }
    assert!(send.is_finished(), "it goes on");
    assert_eq!(send.join().unwrap(), Err(WsaError::WSAETIMEDOUT));
}

/// Catches an event of a receive that the next one, in the same call, has made untrue.
#[test]
fn a_receive_in_parts_leaves_no_event_of_what_it_has_received() {
    let winsock = winsock();
    let (s, mut peer) = connection(&winsock);
    peer.write_all(b"ab").unwrap();
    SockRef::from(&peer).send_out_of_band(b"X").unwrap();
    peer.write_all(b"cd").unwrap();
    let mut byte = [0];
    assert_eq!(winsock.recv(s, &mut byte, MSG_OOB), Ok(1));
    let mut buffer = [0; 4];
    assert_eq!(winsock.recv(s, &mut buffer, MSG_WAITALL), Ok(4));
    assert_eq!((&buffer, &byte), (b"abcd", b"X"));
    let handle = winsock.handles().insert_event(Event::new(true, false)).unwrap();
    event_select(&*winsock, s, handle, NetworkEvents::FD_READ).unwrap();
    let report = enum_network_events(&*winsock, s, handle).unwrap();
    assert!(report.is_empty(), "there is nothing to read");
}

/// Catches bytes that a receive has taken, and loses when its time is over.
#[test]
fn a_receive_in_parts_answers_what_it_has_received_in_time() {
    let winsock = winsock();
    let (s, mut peer) = connection(&winsock);
    winsock.set_option(s, SOL_SOCKET, SO_RCVTIMEO, &200_i32.to_ne_bytes()).unwrap();
    peer.write_all(b"ab").unwrap();
    assert_eq!(winsock.recv(s, &mut [0; 4], MSG_WAITALL), Ok(2));
    assert_eq!(winsock.recv(s, &mut [0; 4], MSG_WAITALL), Err(WsaError::WSAETIMEDOUT));
}

/// Catches a receive of out-of-band data that waits for ever when the peer has closed its direction.
#[test]
fn a_receive_of_an_urgent_byte_ends_with_the_stream() {
    let winsock = winsock();
    let (s, peer) = connection(&winsock);
    peer.shutdown(Shutdown::Write).unwrap();
    assert_eq!(answer(move || winsock.recv(s, &mut [0], MSG_OOB)), Ok(0));
}

/// Catches a receive that passes over an urgent byte which is not reported yet: it is gone, and nobody is told.
#[test]
#[cfg_attr(windows, ignore = "Wine's own receive passes over it")]
fn an_urgent_byte_before_the_data_is_not_lost() {
    let winsock = winsock();
    for known in [false, true].repeat(10) {
        let (s, mut peer) = connection(&winsock);
        winsock.set_option(s, SOL_SOCKET, SO_RCVTIMEO, &5_000_i32.to_ne_bytes()).unwrap();
        let receive = |flags| {
            let mut buffer = [0; 9];
            winsock.recv(s, &mut buffer, flags).map(|length| buffer[..length].to_vec())
        };
        for _ in 0..3 {
            if known {
                peer.write_all(b"a").unwrap();
                let mut read = Sets { read: vec![s], ..Sets::default() };
                assert_eq!(winsock.select(&mut read, Some(LIMIT)), Ok(1));
            }
            SockRef::from(&peer).send_out_of_band(b"!").unwrap();
            peer.write_all(b"b").unwrap();
            if known {
                assert_eq!(receive(0).unwrap(), b"a");
            }
            assert_eq!(receive(0).unwrap(), b"b");
            assert_eq!(receive(MSG_OOB).unwrap(), b"!");
        }
    }
}

/// Catches an urgent byte that is taken for the one before it, which was received, and dropped.
#[cfg(target_os = "linux")]
#[test]
fn an_urgent_byte_after_another_is_received_in_line() {
    let winsock = winsock();
    let (s, peer) = connection(&winsock);
    for (urgent, inline) in [(b'1', 0), (b'2', 1_i32)] {
        SockRef::from(&peer).send_out_of_band(&[urgent]).unwrap();
        let mut except = Sets { except: vec![s], ..Sets::default() };
        assert_eq!(winsock.select(&mut except, Some(LIMIT)), Ok(1));
        winsock.set_option(s, SOL_SOCKET, SO_OOBINLINE, &inline.to_ne_bytes()).unwrap();
        winsock.set_nonblocking(s, true).unwrap();
        let mut byte = [0];
        assert_eq!(winsock.recv(s, &mut byte, if inline == 0 { MSG_OOB } else { 0 }), Ok(1));
        assert_eq!(byte, [urgent]);
    }
}

/// Catches an urgent byte that becomes ordinary data, and nobody is told.
#[test]
fn an_urgent_byte_in_line_is_data() {
    let winsock = winsock();
    for _ in 0..50 {
        let (s, peer) = connection(&winsock);
        SockRef::from(&peer).send_out_of_band(b"X").unwrap();
        let mut except = Sets { except: vec![s], ..Sets::default() };
        assert_eq!(winsock.select(&mut except, Some(LIMIT)), Ok(1));
        let (tell, told) = mpsc::channel();
        thread::spawn({
            let winsock = Arc::clone(&winsock);
            move || {
                tell.send(Ok(0)).unwrap();
                tell.send(winsock.recv(s, &mut [0], MSG_PEEK)).unwrap();
            }
        });
        told.recv().unwrap().unwrap();
        // Now the thread most likely waits.
        thread::yield_now();
        winsock.set_option(s, SOL_SOCKET, SO_OOBINLINE, &1_i32.to_ne_bytes()).unwrap();
        assert_eq!(told.recv_timeout(LIMIT), Ok(Ok(1)));
        let mut read = Sets { read: vec![s], ..Sets::default() };
        assert_eq!(winsock.select(&mut read, Some(Duration::ZERO)), Ok(1));
        assert_eq!(winsock.recv(s, &mut [0], 0), Ok(1));
    }
}

/// Catches a send and an attempt to connect that wait for a port as if it were room: nothing would end that wait.
#[cfg(target_os = "linux")]
#[test]
fn datagrams_without_a_port_are_not_sent() {
    use std::os::fd::AsRawFd;

    /// Of linux/in.h: the lowest port that the socket may have, and in the upper half the highest.
    const IP_LOCAL_PORT_RANGE: i32 = 51;

    // There is one, and another socket has it.
    let other = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let range = u32::from(port) << 16 | u32::from(port);
    let to = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);

    let winsock = winsock();
    let s = winsock.create_socket(Domain::IPV4, Type::DGRAM).unwrap();
    let set = winsock.with_os_socket(s, |os| {
        let range = std::ptr::from_ref(&range).cast();
        // SAFETY: the option takes four bytes, and gets them.
        unsafe { libc::setsockopt(os.as_raw_fd(), libc::IPPROTO_IP, IP_LOCAL_PORT_RANGE, range, 4) }
    });
    assert_eq!(set, Ok(0), "this test needs Linux 6.3 or later");
    let sender = Arc::clone(&winsock);
    let sent = answer(move || sender.send_to(s, b"a", 0, Some(to)));
    assert_eq!(sent, Err(WsaError::WSAENOBUFS));
    assert_eq!(answer(move || winsock.connect(s, to)), Err(WsaError::WSAENOBUFS));
}

/// Catches a time limit that does not end a wait as long as something comes that it does not wait for.
#[cfg(target_os = "linux")]
#[test]
fn what_comes_does_not_put_off_the_time_limit() {
    use std::sync::OnceLock;
    use ws2::Happening;

    let connected = Arc::new(OnceLock::<(Arc<Winsock>, SOCKET, TcpStream)>::new());
    let begun = Instant::now();
    let observer = {
        let connected = Arc::clone(&connected);
        // Whatever comes is received at once, and then more comes.
        move |_, what| {
            if let (Happening::Ready, Some((winsock, s, peer))) = (what, connected.get())
                && begun.elapsed() < LIMIT
            {
                let _none = winsock.with_os_socket(*s, |mut os| os.read(&mut [0; 9]));
                (&mut &*peer).write_all(b"a").unwrap();
            }
        }
    };
    let winsock = Arc::new(Winsock::new(Arc::new(Handles::new()), observer).unwrap());
    let (s, peer) = connection(&winsock);
    winsock.set_option(s, SOL_SOCKET, SO_RCVTIMEO, &50_i32.to_ne_bytes()).unwrap();
    (&mut &peer).write_all(b"a").unwrap();
    assert!(connected.set((Arc::clone(&winsock), s, peer)).is_ok());
    (&mut &connected.get().unwrap().2).write_all(b"a").unwrap();
    let mut except = Sets { except: vec![s], ..Sets::default() };
    assert_eq!(winsock.select(&mut except, Some(Duration::from_millis(50))), Ok(0));
    assert_eq!(winsock.recv(s, &mut [0], MSG_OOB), Err(WsaError::WSAETIMEDOUT));
    assert!(begun.elapsed() < LIMIT, "both went on as long as more came");
}

/// Catches a socket whose calls still wait when its selection stands and has set the event object.
#[test]
#[cfg_attr(windows, ignore = "nothing pumps there")]
fn who_is_told_by_the_event_object_does_not_wait() {
    struct Asks(Arc<Winsock>, SOCKET, TcpStream, mpsc::Sender<(NetworkEvents, bool)>);

    impl EventSignal for Asks {
        fn set_event(&self) -> Result<(), SignalError> {
            let Self(winsock, s, peer, tell) = self;
            let report = enum_network_events(&**winsock, *s, WSAEVENT::NULL).unwrap();
            let _gone = tell.send((report.events(), winsock.is_nonblocking(*s).unwrap()));
            // The first time, the selection is not made yet: this is left to it.
            peer.shutdown(Shutdown::Write).unwrap();
            winsock.pump();
            Ok(())
        }

        fn reset_event(&self) -> Result<(), SignalError> {
            Ok(())
        }
    }

    let winsock = winsock();
    let (s, mut peer) = connection(&winsock);
    peer.write_all(b"a").unwrap();
    let mut read = Sets { read: vec![s], ..Sets::default() };
    assert_eq!(winsock.select(&mut read, Some(LIMIT)), Ok(1));
    let (tell, told) = mpsc::channel();
    let asks = Asks(Arc::clone(&winsock), s, peer, tell);
    let handle = winsock.handles().insert_signal(Arc::new(asks)).unwrap();
    let events = NetworkEvents::FD_READ | NetworkEvents::FD_CLOSE;
    event_select(&*winsock, s, handle, events).unwrap();
    assert_eq!(told.try_iter().last(), Some((events, true)));
}
