//! `mio` with a thread that waits for it and hands what is ready to the program thread: what every record costs whose
//! poller has a thread of its own. Nothing is recorded.

use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

use mio::{Events, Poll, Token};

use super::plain::Sockets;

#[derive(Default)]
struct Queue {
    ready: Mutex<Vec<Token>>,
    changed: Condvar,
}

pub(crate) fn serve() -> (SocketAddr, JoinHandle<()>) {
    let mut poll = Poll::new().unwrap();
    let (address, mut sockets) = Sockets::listening(&poll);
    let registry = poll.registry().try_clone().unwrap();
    let queue = Arc::new(Queue::default());
    // It ends with the process.
    thread::spawn({
        let queue = Arc::clone(&queue);
        move || {
            let mut events = Events::with_capacity(256);
            loop {
                poll.poll(&mut events, None).unwrap();
                queue.ready.lock().unwrap().extend(events.iter().map(|event| event.token()));
                queue.changed.notify_one();
            }
        }
    });
    let server = thread::spawn(move || {
        let mut tokens = Vec::new();
        while !sockets.are_closed() {
            let ready = queue.ready.lock().unwrap();
            let mut ready = queue.changed.wait_while(ready, |ready| ready.is_empty()).unwrap();
            mem::swap(&mut *ready, &mut tokens);
            drop(ready);
            tokens.drain(..).for_each(|token| sockets.serve(&registry, token));
        }
    });
    (address, server)
}
