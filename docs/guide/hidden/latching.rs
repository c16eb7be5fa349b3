// The check of docs/LATCHING.md.

fn check() {
    use wsp_events::NetworkEvents;
    let events = NetworkEventRecorder::with_latching(NetworkEvents::LATCHING_FOR_CONDITIONS);
    let stream = Stream { buffer: Mutex::default(), events };
    stream.on_data(b"x");
    stream.on_data(b"yz");
    assert_eq!(stream.recv(&mut [0; 9], true), Ok(3));
    assert_eq!(stream.events.recorded(), NetworkEvents::FD_READ);
    assert_eq!(stream.recv(&mut [0; 1], false), Ok(1));
    assert_eq!(stream.events.recorded(), NetworkEvents::FD_READ);
    assert_eq!(stream.recv(&mut [0; 9], false), Ok(2));
    assert!(stream.events.recorded().is_empty());
}
