//! Our stream provider, with an event object for each socket.
//!
//! WSAWaitForMultipleEvents takes 64 event objects at most. So the program brings event objects of its own, as one with a
//! thousand sockets does: a set puts the socket into a queue, and the program's thread waits until something is in it.

use std::io::{self, Read, Write};
use std::mem;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use socket2::{Domain, Type};
use ws2::{Handles, Parker, Winsock};
use wsp_events::{
    EventSignal, NetworkEvent, NetworkEvents, SOCKET, SignalError, WSAEVENT, WsaError,
    enum_network_events, event_select,
};

use super::{ANY_PORT, BUFFER, CONNECTIONS, echo};
use crate::machine::run_on;

#[derive(Default)]
struct Queue {
    ready: Mutex<Vec<usize>>,
    program: Parker,
}

/// A socket's event object, of manual reset.
struct Queued {
    at: usize,
    signaled: AtomicBool,
    queue: Arc<Queue>,
}

/// The exchanges order what was done before a set for the thread that resets (K3).
impl EventSignal for Queued {
    fn set_event(&self) -> Result<(), SignalError> {
        if !self.signaled.swap(true, Ordering::AcqRel) {
            let mut ready = self.queue.ready.lock().unwrap();
            ready.push(self.at);
            if ready.len() == 1 {
                drop(ready);
                self.queue.program.unpark();
            }
        }
        Ok(())
    }

    fn reset_event(&self) -> Result<(), SignalError> {
        self.signaled.swap(false, Ordering::AcqRel);
        Ok(())
    }
}

struct Server {
    winsock: Winsock,
    queue: Arc<Queue>,
    sockets: Vec<(SOCKET, WSAEVENT, Vec<u8>)>,
    closed: usize,
    buffer: Vec<u8>,
}

impl Server {
    fn add(&mut self, s: SOCKET, events: NetworkEvents) {
        let (at, queue) = (self.sockets.len(), Arc::clone(&self.queue));
        let event = Arc::new(Queued { at, signaled: AtomicBool::new(false), queue });
        let event = self.winsock.handles().insert_signal(event).unwrap();
        self.sockets.push((s, event, Vec::new()));
        event_select(&self.winsock, s, event, events).unwrap();
    }

    fn serve(&mut self, at: usize) {
        let (s, event, unsent) = &mut self.sockets[at];
        let (s, event) = (*s, *event);
        let report = enum_network_events(&self.winsock, s, event).unwrap();
        if report.contains(NetworkEvent::Accept) {
            match self.winsock.accept(s) {
                Err(WsaError::WSAEWOULDBLOCK) => {}
                accepted => {
                    let events = NetworkEvents::FD_READ | NetworkEvents::FD_WRITE;
                    self.add(accepted.unwrap().0, events | NetworkEvents::FD_CLOSE);
                }
            }
        } else if !report.is_empty()
            && !echo(Stream(&self.winsock, s), unsent, &mut self.buffer).unwrap()
        {
            self.winsock.close_socket(s).unwrap();
            self.winsock.handles().close_event(event).unwrap();
            self.closed += 1;
        }
    }

    fn run(mut self) {
        let mut ready = Vec::new();
        while self.closed < CONNECTIONS {
            self.winsock.park(&self.queue.program, None);
            mem::swap(&mut *self.queue.ready.lock().unwrap(), &mut ready);
            ready.drain(..).for_each(|at| self.serve(at));
        }
    }
}

struct Stream<'a>(&'a Winsock, SOCKET);

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.0.recv(self.1, buffer, 0)?)
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.0.send(self.1, bytes, 0)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn serve(processor: usize) -> (SocketAddr, JoinHandle<()>) {
    let winsock = Winsock::new(Arc::new(Handles::new()), |_, _| ()).unwrap();
    let listener = winsock.create_socket(Domain::IPV4, Type::STREAM).unwrap();
    winsock.bind(listener, ANY_PORT).unwrap();
    winsock.listen(listener, i32::MAX).unwrap();
    let address = winsock.local_address(listener).unwrap();
    let server = thread::spawn(move || {
        run_on(processor);
        let (queue, buffer) = (Arc::new(Queue::default()), vec![0; BUFFER]);
        let mut server = Server { winsock, queue, sockets: Vec::new(), closed: 0, buffer };
        server.add(listener, NetworkEvents::FD_ACCEPT);
        server.run();
    });
    (address, server)
}
