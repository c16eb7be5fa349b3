//! What adopters reach for: a provider behind a pointer, `?` into a Winsock code, a report without a struct, the errors
//! of real sockets, an event object by its own methods.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use wsp_events::{
    NetworkEvent, NetworkEvents, Outcome, Outcomes, Provider, ProviderError, RecorderError, Report,
    SOCKET, TableFull, WSAEVENT, WsaError, enum_network_events, event_select,
};

use crate::support::*;

/// Both calls, and each of their errors, through whatever `P` is.
fn both_calls<P: Provider>(pointer: P, behind: &TestProvider) {
    let ((s, socket), (handle, event)) = (behind.socket(), behind.event());
    let nothing = WSAEVENT(4096);
    assert_eq!(event_select(&pointer, s, handle, ACCEPT), Ok(()));
    assert_eq!(socket.selected(), ACCEPT);
    assert_eq!(*behind.told.lock().unwrap(), [ACCEPT]);
    socket.record(NetworkEvent::Accept, Ok(()));
    assert!(event.is_set());
    assert_eq!(enum_network_events(&pointer, s, handle).map(|report| report.events()), Ok(ACCEPT));
    assert_eq!(event.log(), [Call::Set, Call::Reset]);

    let calls = |s: SOCKET, handle| {
        let enumerated = enum_network_events(&pointer, s, handle).map(drop);
        assert_eq!(event_select(&pointer, s, handle, READ), enumerated);
        enumerated
    };
    assert_eq!(calls(s, nothing), Err(ProviderError::InvalidEventObject));
    assert_eq!(calls(s + 4, nothing), Err(ProviderError::NotASocket));
    behind.up.store(false, SeqCst);
    assert_eq!(calls(s + 4, nothing), Err(ProviderError::SubsystemFailed));
}

/// Catches a pointer that does not pass on the default method, so that the socket stays a blocking one, and one that
/// answers something else than the provider.
#[test]
fn s9_a_provider_behind_a_pointer_is_told() {
    let provider = TestProvider::new();
    both_calls(&provider, &provider);
    let provider = Arc::new(TestProvider::new());
    both_calls(Arc::clone(&provider), &provider);
    let provider = Arc::new(TestProvider::new());
    both_calls::<&Arc<_>>(&provider, &provider);
}

/// Catches an error that `?` turns into another code than its own.
#[test]
fn e9_errors_become_their_codes() {
    fn code(outcome: Result<(), impl Into<WsaError>>) -> Outcome {
        outcome.map_err(Into::into)
    }
    assert_eq!(code(Err(BAD_HANDLE)), Err(WsaError::WSAEINVAL));
    assert_eq!(code(Err(TableFull)), Err(WsaError::WSAEMFILE));
    for error in
        [RecorderError::Closed, RecorderError::Reentrant, RecorderError::Signal(BAD_HANDLE)]
    {
        assert_eq!(code(Err(error)), Err(error.errno()));
        assert_eq!(code(Err(ProviderError::Recorder(error))), Err(error.errno()));
    }
    for (error, expected) in [
        (ProviderError::SubsystemFailed, 10050),
        (ProviderError::NotASocket, 10038),
        (ProviderError::InvalidEventObject, 10022),
    ] {
        assert_eq!(code(Err(error)).unwrap_err().code(), expected);
    }
}

/// Of every set of events, with a code for every other one.
fn reports() -> impl Iterator<Item = (NetworkEvents, Report)> {
    (0..=ALL.mask()).map(|mask| {
        let events = NetworkEvents::from_mask(mask);
        let (recorder, _event) = selected(ALL);
        ask_for_changes(&recorder);
        recorder.record_all(events.members().map(|event| (event, outcome_of(event))));
        (events, recorder.enumerate().unwrap())
    })
}

fn outcome_of(event: NetworkEvent) -> Outcome {
    let position = event.bit_position() as i32;
    if position % 2 == 0 { Ok(()) } else { Err(WsaError::from_code(-1 - position).unwrap()) }
}

/// Catches an offset that is not the field's, a write beside those of the report, and another order.
#[test]
fn e2_writes_go_where_the_struct_has_its_fields() {
    for (events, report) in reports() {
        // In the byte order that this machine does not have.
        let mut memory = [0x5A; 44];
        let offsets: Vec<_> = report.writes().map(|(offset, _)| offset).collect();
        let (mask, codes) = offsets.split_last().unwrap();
        assert!(*mask == 0 && codes.is_sorted(), "the mask comes last");
        for (offset, value) in report.writes() {
            memory[offset..offset + 4].copy_from_slice(&value.swap_bytes().to_ne_bytes());
        }
        let mut expected = untouched();
        expected.lNetworkEvents = events.mask().swap_bytes();
        for event in events.members() {
            let code = outcome_of(event).map_or_else(WsaError::code, |()| 0);
            expected.iErrorCode[event.bit_position()] = code.swap_bytes();
        }
        let mut bytes = expected.lNetworkEvents.to_ne_bytes().to_vec();
        bytes.extend(expected.iErrorCode.iter().flat_map(|code| code.to_ne_bytes()));
        assert_eq!(memory[..], bytes, "{report}");
    }
}

/// Catches an event that one of the ways to read a report leaves out or makes up.
#[test]
fn e1_every_way_to_read_a_report_agrees() {
    for (events, report) in reports() {
        assert_eq!(report.is_empty(), events.is_empty());
        for event in NetworkEvent::ALL {
            let is_in = events.contains(event.flag());
            assert_eq!(report.contains(event), is_in);
            assert_eq!(report.outcome(event), is_in.then(|| outcome_of(event)));
        }
        let expected = || events.members().map(|event| (event, outcome_of(event)));
        let outcomes: Outcomes = report.iter();
        assert!(outcomes.eq(expected()));
        assert!((&report).into_iter().eq(expected()));
        assert!(report.into_iter().eq(expected()));
    }
}

/// A datagram socket on the loopback. A receive that would last for ever fails.
fn datagrams() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(socket)
}

/// Catches the code that Unix has for it: "connection refused". (Windows has Winsock's own, and Wine has none: the receive
/// waits.)
#[cfg(unix)]
#[test]
fn v3_a_port_that_is_not_open_resets_a_datagram_socket() -> io::Result<()> {
    let (socket, nobody) = (datagrams()?, datagrams()?);
    // It keeps the port, and takes datagrams from itself alone.
    nobody.connect(nobody.local_addr()?)?;
    socket.connect(nobody.local_addr()?)?;
    socket.send(b"is anybody there?")?;
    let error = socket.recv(&mut [0; 8]).unwrap_err();
    assert_eq!(WsaError::from(&error), WsaError::WSAECONNREFUSED, "{error}");
    assert_eq!(WsaError::of_datagram(error), WsaError::WSAECONNRESET);
    Ok(())
}

/// Catches a conversion that changes more than it says, and documentation that is wrong about long datagrams.
#[test]
fn v3_a_datagram_that_is_too_long() -> io::Result<()> {
    let (socket, peer) = (datagrams()?, datagrams()?);
    socket.connect(peer.local_addr()?)?;
    peer.connect(socket.local_addr()?)?;
    let error = socket.send(&[0; 70_000]).unwrap_err();
    assert_eq!(WsaError::of_datagram(error), WsaError::WSAEMSGSIZE);

    let mut start = [0; 4];
    socket.send(b"too long")?;
    let received = peer.recv(&mut start);
    if cfg!(unix) {
        assert_eq!(received?, 4, "what did not fit is gone, without an error");
    } else {
        assert_eq!(WsaError::of_datagram(received.unwrap_err()), WsaError::WSAEMSGSIZE);
    }
    socket.send(b"next")?;
    assert_eq!((peer.recv(&mut start)?, &start), (4, b"next"));

    peer.set_nonblocking(true)?;
    let error = peer.recv(&mut start).unwrap_err();
    assert_eq!(WsaError::of_datagram(error), WsaError::WSAEWOULDBLOCK);
    Ok(())
}

/// Catches the code that Unix has for it, which programs take for a failure, and a conversion that changes more than it
/// says. (Windows has Winsock's own.)
#[cfg(unix)]
#[test]
fn v3_an_attempt_to_connect_has_begun() -> io::Result<()> {
    use socket2::{Domain, Socket, Type};

    let nobody = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    nobody.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let error = socket.connect(&nobody.local_addr()?).unwrap_err();
    assert_eq!(WsaError::of_connect(error), WsaError::WSAECONNREFUSED);

    nobody.listen(1)?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let error = socket.connect(&nobody.local_addr()?).unwrap_err();
    assert_eq!(WsaError::from(&error), WsaError::WSAEINPROGRESS, "{error}");
    assert_eq!(WsaError::of_connect(error), WsaError::WSAEWOULDBLOCK);
    Ok(())
}

/// Catches one code for both: what a receive says of a reset is not what FD_CLOSE says. (Wine takes the reset for a
/// graceful close.)
#[cfg(unix)]
#[test]
fn v3_a_reset_in_fd_close() -> io::Result<()> {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut stream = TcpStream::connect(listener.local_addr()?)?;
    let (accepted, _) = listener.accept()?;
    socket2::SockRef::from(&accepted).set_linger(Some(Duration::ZERO))?;
    drop(accepted);
    let error = stream.read(&mut [0]).unwrap_err();
    assert_eq!(WsaError::from(&error), WsaError::WSAECONNRESET);
    assert_eq!(WsaError::of_close(error), WsaError::WSAECONNABORTED);
    Ok(())
}

/// Catches a code that FD_CLOSE does not have.
#[test]
fn v4_whatever_ends_a_connection_has_a_code_of_fd_close() {
    assert_eq!(WsaError::of_close(WsaError::WSAETIMEDOUT), WsaError::WSAECONNABORTED);
    assert_eq!(WsaError::of_close(DOWN), DOWN);
    let documented = WsaError::documented_for(NetworkEvent::Close);
    for code in (-20..12_000).filter_map(WsaError::from_code) {
        assert!(documented.contains(&WsaError::of_close(code)), "{code}");
    }
}

/// Catches a method that does what another one says, and a look that takes the signal away.
#[cfg(all(unix, feature = "pollable"))]
#[test]
fn a_pollable_event_by_its_own_methods() -> io::Result<()> {
    use wsp_events::EventSignal;
    use wsp_events::unix::PollableEvent;

    let event = PollableEvent::new()?;
    assert!(!event.is_set()?);
    for _ in 0..2 {
        event.set()?;
        assert!(event.is_set()? && event.is_set()?);
    }
    event.reset()?;
    assert!(!event.is_set()?);
    event.reset()?;

    event.set_event().unwrap();
    assert!(event.is_set()?);
    event.reset_event().unwrap();
    assert!(!event.is_set()?);
    Ok(())
}
