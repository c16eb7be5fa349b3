//! A thread of the program that waits for the poller itself, and the poller's own thread: no wake-up is lost between
//! them. How soon it comes is no matter here; a test fails only if it does not come at all. On Windows nobody waits for the
//! poller but its own thread, and the promises are the same.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use socket2::{Domain, Type};
use ws2::event::{Event, Waited};
use ws2::select::Sets;
use ws2::{Handles, Winsock};
use wsp_events::{
    EventSignal, ManualResetEvent, NetworkEvent, NetworkEvents, SOCKET, SignalError, WSAEVENT,
    enum_network_events, event_select,
};

/// Far more than any wait here needs: only a failing test waits that long.
const LIMIT: Duration = Duration::from_secs(20);
const ROUNDS: usize = 2_000;

fn winsock() -> Arc<Winsock> {
    Arc::new(Winsock::new(Arc::new(Handles::new()), |_, _| ()).unwrap())
}

/// A socket of ours, and its peer.
fn connection(winsock: &Winsock) -> (SOCKET, TcpStream) {
    let listener = winsock.create_socket(Domain::IPV4, Type::STREAM).unwrap();
    winsock.bind(listener, SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0)).unwrap();
    winsock.listen(listener, 1).unwrap();
    let peer = TcpStream::connect(winsock.local_address(listener).unwrap()).unwrap();
    let (s, _) = winsock.accept(listener).unwrap();
    winsock.close_socket(listener).unwrap();
    (s, peer)
}

/// An event object of auto reset that FD_READ sets.
fn readable(winsock: &Winsock, s: SOCKET) -> (Arc<Event>, WSAEVENT) {
    let event = Event::new(false, false);
    let handle = winsock.handles().insert_event(Arc::clone(&event)).unwrap();
    event_select(winsock, s, handle, NetworkEvents::FD_READ).unwrap();
    (event, handle)
}

/// An event object of the program's own kind, which calls back when it is set.
struct Calls<F>(F);

impl<F: Fn()> EventSignal for Calls<F> {
    fn set_event(&self) -> Result<(), SignalError> {
        (self.0)();
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        Ok(())
    }
}

/// FD_READ calls.
fn on_read(winsock: &Winsock, s: SOCKET, call: impl Fn() + Send + Sync + 'static) -> WSAEVENT {
    let handle = winsock.handles().insert_signal(Arc::new(Calls(call))).unwrap();
    event_select(winsock, s, handle, NetworkEvents::FD_READ).unwrap();
    handle
}

/// Pumps.
fn poll(winsock: &Winsock) {
    let unset = Event::new(false, false);
    assert_eq!(winsock.wait(&[unset], false, Some(Duration::ZERO)), Waited::TimedOut);
}

fn wait(winsock: &Winsock, event: &Arc<Event>) {
    let waited = winsock.wait(&[Arc::clone(event)], false, Some(LIMIT));
    assert_eq!(waited, Waited::Signaled(0), "a wake-up was lost");
}

fn receive(winsock: &Winsock, s: SOCKET) {
    assert_eq!(winsock.recv(s, &mut [0; 8], 0), Ok(1));
}

/// Waits on a thread of its own.
fn waiting(winsock: &Arc<Winsock>, event: &Arc<Event>) -> Receiver<()> {
    let (winsock, event) = (Arc::clone(winsock), Arc::clone(event));
    let (done, ends) = mpsc::channel();
    thread::spawn(move || {
        wait(&winsock, &event);
        done.send(()).unwrap();
    });
    ends
}

fn ends(wait: &Receiver<()>) {
    wait.recv_timeout(LIMIT).expect("a wake-up was lost");
}

/// Catches an unpark that does not end a leader's sleep, and one between the look and the sleep.
#[test]
fn a_set_ends_the_sleep_of_a_leader() {
    let winsock = winsock();
    let [ping, pong] = [(); 2].map(|()| Event::new(false, false));
    let other = thread::spawn({
        let (ping, pong) = (Arc::clone(&ping), Arc::clone(&pong));
        move || {
            for _ in 0..ROUNDS {
                let waited = ws2::event::wait(&[Arc::clone(&ping)], false, Some(LIMIT));
                assert_eq!(waited, Waited::Signaled(0));
                pong.set_event().unwrap();
            }
        }
    });
    for _ in 0..ROUNDS {
        ping.set_event().unwrap();
        wait(&winsock, &pong);
    }
    other.join().unwrap();
}

/// Catches an arrival that a leader sleeps through, or takes for someone else's.
#[test]
fn an_arrival_ends_the_sleep_of_a_leader() {
    let winsock = winsock();
    let (s, mut peer) = connection(&winsock);
    let (event, handle) = readable(&winsock, s);
    let (ask, asked) = mpsc::channel();
    let other = thread::spawn(move || {
        for () in asked {
            peer.write_all(b"a").unwrap();
        }
    });
    for _ in 0..ROUNDS {
        ask.send(()).unwrap();
        wait(&winsock, &event);
        let report = enum_network_events(&*winsock, s, handle).unwrap();
        assert!(report.contains(NetworkEvent::Read));
        receive(&winsock, s);
    }
    drop(ask);
    other.join().unwrap();
}

/// Catches a poller's thread that leaves arrivals to a leader that has gone.
#[test]
fn a_thread_that_is_parked_outlasts_the_leader() {
    let winsock = winsock();
    let (s, mut peer) = connection(&winsock);
    let (event, _) = readable(&winsock, s);
    for _ in 0..ROUNDS / 10 {
        let end = Event::new(false, false);
        let waits = [waiting(&winsock, &end), waiting(&winsock, &event)];
        // Whichever leads.
        thread::yield_now();
        end.set_event().unwrap();
        ends(&waits[0]);
        peer.write_all(b"a").unwrap();
        ends(&waits[1]);
        receive(&winsock, s);
    }
}

/// Catches a poller's thread that naps for ever.
#[test]
fn what_comes_after_the_last_wait_is_recorded() {
    let winsock = winsock();
    let (s, mut peer) = connection(&winsock);
    let elsewhere = Arc::new(ManualResetEvent::new());
    let handle = winsock.handles().insert_signal(elsewhere.clone()).unwrap();
    event_select(&*winsock, s, handle, NetworkEvents::FD_READ).unwrap();
    for _ in 0..ROUNDS / 10 {
        // It has pumped, and does not come back.
        poll(&winsock);
        peer.write_all(b"a").unwrap();
        assert!(elsewhere.wait_timeout(LIMIT), "an arrival was lost");
        enum_network_events(&*winsock, s, handle).unwrap();
        receive(&winsock, s);
    }
}

/// A thread that waits again and again for what is set already, until the flag is set. It pumps if it waits for one of
/// several event objects.
fn never_waits(
    winsock: &Arc<Winsock>,
    events: usize,
    done: &Arc<AtomicBool>,
) -> thread::JoinHandle<()> {
    let (winsock, done) = (Arc::clone(winsock), Arc::clone(done));
    let set = vec![Event::new(true, true); events];
    thread::spawn(move || {
        while !done.load(Ordering::Relaxed) {
            assert_eq!(winsock.wait(&set, false, Some(LIMIT)), Waited::Signaled(0));
            thread::yield_now();
        }
    })
}

/// Catches a poller's thread that naps for as long as others begin to wait, though they do not pump.
#[test]
fn what_comes_is_recorded_while_another_thread_finds_what_it_waits_for() {
    let winsock = winsock();
    let (s, mut peer) = connection(&winsock);
    let elsewhere = Arc::new(ManualResetEvent::new());
    let handle = winsock.handles().insert_signal(elsewhere.clone()).unwrap();
    event_select(&*winsock, s, handle, NetworkEvents::FD_READ).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let other = never_waits(&winsock, 1, &done);
    for _ in 0..10 {
        peer.write_all(b"a").unwrap();
        let came = elsewhere.wait_timeout(LIMIT);
        done.store(!came, Ordering::Relaxed);
        assert!(came, "an arrival was lost");
        enum_network_events(&*winsock, s, handle).unwrap();
        receive(&winsock, s);
    }
    done.store(true, Ordering::Relaxed);
    other.join().unwrap();
}

/// Catches the same at the end, where it hangs.
#[test]
fn a_winsock_ends_while_another_thread_finds_what_it_waits_for() {
    for round in 0..ROUNDS / 50 {
        let winsock = winsock();
        let done = Arc::new(AtomicBool::new(false));
        let other = never_waits(&winsock, 1 + round % 2, &done);
        thread::sleep(Duration::from_millis(1));
        let (ended, end) = mpsc::channel();
        thread::spawn(move || {
            winsock.shut_down();
            ended.send(()).unwrap();
        });
        let ended = end.recv_timeout(LIMIT);
        done.store(true, Ordering::Relaxed);
        other.join().unwrap();
        ended.expect("it did not end");
    }
}

/// Catches a panic that ends the wait of a thread which only happens to pump, loses what has come at the same time, keeps
/// from another thread what it waits for, or leaks its payload.
#[test]
fn an_event_object_that_panics_harms_no_other() {
    let winsock = winsock();
    let payload = Arc::new(());
    let before = connection(&winsock);
    let thrown = Arc::clone(&payload);
    on_read(&winsock, before.0, move || panic::panic_any(Arc::clone(&thrown)));
    let (s, peer) = connection(&winsock);
    let (event, _) = readable(&winsock, s);
    let end = Event::new(false, false);
    let wait = waiting(&winsock, &end);
    let (selected, is_selected) = mpsc::channel();
    thread::spawn({
        let (winsock, s) = (Arc::clone(&winsock), before.0);
        move || {
            winsock.select(&mut Sets { read: vec![s], ..Sets::default() }, None).unwrap();
            selected.send(()).unwrap();
        }
    });
    // Until it waits, most likely.
    thread::sleep(Duration::from_millis(20));
    for mut peer in [&before.1, &peer] {
        peer.write_all(b"a").unwrap();
    }
    ends(&waiting(&winsock, &event));
    ends(&is_selected);
    end.set_event().unwrap();
    ends(&wait);
    winsock.shut_down();
    assert_eq!(Arc::strong_count(&payload), 2);
}

/// Catches an end that waits for the poller's thread, while that waits for the pump under way here.
#[test]
fn an_event_object_ends_the_winsock_that_sets_it() {
    let winsock = winsock();
    let (ended, is_ended) = mpsc::channel();
    let (s, mut peer) = connection(&winsock);
    let weak = Arc::downgrade(&winsock);
    on_read(&winsock, s, move || {
        weak.upgrade().unwrap().shut_down();
        ended.send(()).unwrap();
    });
    let end = Event::new(false, false);
    let wait = waiting(&winsock, &end);
    peer.write_all(b"a").unwrap();
    ends(&is_ended);
    end.set_event().unwrap();
    ends(&wait);
}

/// Catches a poller's thread that naps because of a thread that cannot pump: inside a pump, here of another Winsock.
#[test]
fn an_event_object_polls_another_winsock() {
    let [outer, inner] = [winsock(), winsock()];
    let (came, comes) = mpsc::channel();
    let (s, mut peer) = connection(&inner);
    on_read(&inner, s, move || came.send(()).unwrap());
    let (asked, is_asked) = mpsc::channel();
    let (t, mut asking) = connection(&outer);
    let done = Arc::new(AtomicBool::new(false));
    on_read(&outer, t, {
        let (inner, done) = (Arc::clone(&inner), Arc::clone(&done));
        move || {
            asked.send(()).unwrap();
            while !done.load(Ordering::Relaxed) {
                poll(&inner);
            }
        }
    });
    asking.write_all(b"a").unwrap();
    ends(&is_asked);
    peer.write_all(b"a").unwrap();
    let has_come = comes.recv_timeout(LIMIT);
    done.store(true, Ordering::Relaxed);
    has_come.expect("an arrival was lost");
}

/// Catches the same thread taken for a leader, when it waits.
#[test]
fn an_event_object_waits_on_another_winsock() {
    let [outer, inner] = [winsock(), winsock()];
    let (s, mut peer) = connection(&inner);
    let (event, _) = readable(&inner, s);
    let (answered, answers) = mpsc::channel();
    let (t, mut asking) = connection(&outer);
    let handle = on_read(&outer, t, {
        let inner = Arc::clone(&inner);
        move || {
            wait(&inner, &event);
            answered.send(()).unwrap();
        }
    });
    for _ in 0..ROUNDS / 20 {
        asking.write_all(b"a").unwrap();
        // The poller's thread may nap now.
        poll(&inner);
        peer.write_all(b"a").unwrap();
        ends(&answers);
        receive(&inner, s);
        enum_network_events(&*outer, t, handle).unwrap();
        receive(&outer, t);
    }
}

/// Catches a leader that a WSACleanup leaves where nothing ends its sleep.
#[test]
fn a_wait_outlasts_the_winsock() {
    for _ in 0..ROUNDS / 10 {
        let winsock = winsock();
        let event = Event::new(false, false);
        let wait = waiting(&winsock, &event);
        thread::yield_now();
        winsock.shut_down();
        event.set_event().unwrap();
        ends(&wait);
    }
}

/// Catches a blocking call that finds nothing, then finds data itself, and waits for a report of it: on Windows there is
/// none.
#[test]
fn data_comes_while_a_receive_looks() {
    let winsock = winsock();
    let (s, mut peer) = connection(&winsock);
    let (done, received) = mpsc::channel();
    thread::spawn(move || {
        for _ in 0..ROUNDS {
            receive(&winsock, s);
            done.send(()).unwrap();
        }
    });
    for _ in 0..ROUNDS {
        peer.write_all(b"a").unwrap();
        ends(&received);
    }
}

/// Catches a look that sees that there is no room, and has nobody report it when it comes: no send has found none.
#[test]
fn room_comes_while_a_thread_waits_for_it() {
    let winsock = winsock();
    let (s, mut peer) = connection(&winsock);
    winsock.set_nonblocking(s, true).unwrap();
    let writable = {
        let winsock = Arc::clone(&winsock);
        move |time| {
            winsock.select(&mut Sets { write: vec![s], ..Sets::default() }, Some(time)).unwrap()
        }
    };
    let mut sent = 0;
    while writable(Duration::ZERO) > 0 {
        // As much as there is room for.
        sent += winsock.send(s, &vec![0; 1 << 26], 0).unwrap();
    }
    let (done, waits) = mpsc::channel();
    thread::spawn(move || {
        assert_eq!(writable(LIMIT), 1);
        done.send(()).unwrap();
    });
    peer.read_exact(&mut vec![0; sent]).unwrap();
    ends(&waits);
}

/// Catches a leader that takes what a thread in a blocking call waits for, and does not wake it.
#[test]
fn blocking_calls_and_waits_together() {
    let winsock = winsock();
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (s, mut peer) = connection(&winsock);
            let winsock = Arc::clone(&winsock);
            thread::spawn(move || {
                let other = thread::spawn(move || {
                    for _ in 0..ROUNDS {
                        peer.write_all(b"a").unwrap();
                    }
                });
                (0..ROUNDS).for_each(|_| {
                    assert_eq!(winsock.recv(s, &mut [0; 1], 0), Ok(1));
                });
                other.join().unwrap();
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}
