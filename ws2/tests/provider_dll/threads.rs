//! K: the table from many threads at once.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use windows_sys::Win32::Networking::WinSock::SOCKET;

use crate::switch::*;

const CLIENTS: usize = 6;
const ROUNDS: usize = 5;
/// Longer than what the server receives at once.
const MESSAGE: usize = 10_000;

/// Catches a lost wake-up, and data that reaches the wrong socket: clients and a server, all on sockets of the
/// provider, while other threads make calls that fail.
#[test]
fn k1_clients_and_a_server_in_many_threads() {
    let (_alone, switch) = (alone(), switch());
    let (listener, address) = switch.listener();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let done = &done;
        let server = scope.spawn(move || serve(switch, listener, CLIENTS * ROUNDS));
        for _ in 0..2 {
            scope.spawn(move || {
                let event = Event::new();
                while !done.load(Ordering::Relaxed) {
                    assert_eq!(switch.enumerate(0, event.raw()), Err(WSAENOTSOCK));
                    assert_eq!(switch.event_select(listener, null_mut(), FD_READ), Err(WSAEINVAL));
                    let s = switch.socket().unwrap();
                    switch.event_select(s, event.raw(), FD_CONNECT).unwrap();
                    switch.close(s).unwrap();
                }
            });
        }
        let clients: [_; CLIENTS] = std::array::from_fn(|client| {
            scope.spawn(move || {
                let event = Event::new();
                for round in 0..ROUNDS {
                    let message: Vec<_> =
                        (0..MESSAGE).map(|at| (at * 7 + client + round) as u8).collect();
                    assert!(echo(switch, &event, address, &message) == message, "{client} {round}");
                }
            })
        });
        // The other threads must end even if one of these fails.
        let clients = clients.map(|client| client.join());
        let server = server.join();
        done.store(true, Ordering::Relaxed);
        assert!(clients.iter().all(Result::is_ok) && server.is_ok());
    });
    switch.close(listener).unwrap();
}

/// One event object for all the sockets: the accepted ones have it from the listener (S8).
fn serve(switch: &Switch, listener: SOCKET, connections: usize) {
    let event = Event::new();
    switch.event_select(listener, event.raw(), FD_ACCEPT | FD_READ | FD_WRITE | FD_CLOSE).unwrap();
    let mut sockets = HashMap::<SOCKET, Vec<u8>>::new();
    let mut closed = 0;
    while closed < connections {
        let open = sockets.len();
        assert_eq!(wait_for(&[&event]), Some(0), "{closed} of {connections} closed, {open} open");
        // P3: the first call of the pass resets the event object, and no other.
        let report = switch.enumerate(listener, event.raw()).unwrap();
        if report.events & FD_ACCEPT != 0 {
            let (s, _) = switch.accept(listener).unwrap();
            sockets.insert(s, Vec::new());
        }
        sockets.retain(|s, bytes| {
            let report = switch.enumerate(*s, null_mut()).unwrap();
            if report.events & FD_READ != 0 {
                bytes.extend(switch.recv(*s).unwrap_or_default());
            }
            while !bytes.is_empty() {
                match switch.send(*s, &[bytes]) {
                    Ok(sent) => drop(bytes.drain(..sent)),
                    // FD_WRITE will be reported.
                    Err(WSAEWOULDBLOCK) => break,
                    Err(error) => panic!("{error}"),
                }
            }
            if report.events & FD_CLOSE != 0 {
                // FD_CLOSE need not wait until everything was received.
                assert_eq!(switch.recv(*s), Ok(Vec::new()), "the client has got everything back");
                switch.close(*s).unwrap();
                closed += 1;
            }
            report.events & FD_CLOSE == 0
        });
    }
}

fn echo(switch: &Switch, event: &Event, address: SocketAddr, message: &[u8]) -> Vec<u8> {
    let s = switch.socket().unwrap();
    let events = FD_CONNECT | FD_READ | FD_WRITE | FD_CLOSE;
    switch.event_select(s, event.raw(), events).unwrap();
    assert_eq!(switch.connect(s, address), Err(WSAEWOULDBLOCK));
    let (mut sent, mut received) = (0, Vec::new());
    while received.len() < message.len() {
        let report = switch.wait(s, event);
        assert_eq!(report.events & FD_CLOSE, 0);
        if report.events & FD_WRITE != 0 {
            while sent < message.len() {
                let end = message.len().min(sent + 3_000);
                match switch.send(s, &[&message[sent..end]]) {
                    Ok(length) => sent += length,
                    Err(WSAEWOULDBLOCK) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        if report.events & FD_READ != 0 {
            received.extend(switch.recv(s).unwrap_or_default());
        }
    }
    switch.close(s).unwrap();
    received
}

/// Catches a call that races a close and neither completes nor fails with WSAENOTSOCK; and one that reaches the next
/// socket.
#[test]
fn p5_calls_race_a_close() {
    let (_alone, switch) = (alone(), switch());
    for _ in 0..50 {
        let event = Event::new();
        let s = switch.socket().unwrap();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let answers = [
                            switch.event_select(s, event.raw(), FD_READ),
                            switch.enumerate(s, event.raw()).map(drop),
                            switch.event_select(s, event.raw(), 0),
                        ];
                        assert!(answers.iter().all(|it| matches!(it, Ok(()) | Err(WSAENOTSOCK))));
                    }
                });
            }
            scope.spawn(|| switch.close(s).unwrap());
            scope.spawn(|| {
                let next = switch.socket().unwrap();
                assert_ne!(next, s);
                assert_eq!(switch.enumerate(next, null_mut()), Ok(Report::of(0)));
                switch.close(next).unwrap();
            });
        });
        assert!(!event.is_set());
    }
}
