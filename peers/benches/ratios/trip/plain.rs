//! Plain `mio`: the program thread waits for the poller itself, and nothing is recorded.

use std::hint::black_box;
use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};
use rustix::io::ioctl_fionread;

use super::{ANY_PORT, BUFFER, CONNECTIONS, echo};
use crate::machine::run_on;

const LISTENER: Token = Token(usize::MAX);

/// The sockets, by token.
pub(super) struct Sockets {
    listener: TcpListener,
    streams: Vec<Option<(TcpStream, Vec<u8>)>>,
    closed: usize,
    buffer: Vec<u8>,
}

impl Sockets {
    pub(super) fn listening(poll: &Poll) -> (SocketAddr, Self) {
        let mut listener = TcpListener::bind(ANY_PORT).unwrap();
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE).unwrap();
        let address = listener.local_addr().unwrap();
        (address, Self { listener, streams: Vec::new(), closed: 0, buffer: vec![0; BUFFER] })
    }

    pub(super) fn are_closed(&self) -> bool {
        self.closed == CONNECTIONS
    }

    pub(super) fn count_unread(&self, token: Token) {
        if let Some(Some((stream, _))) = self.streams.get(token.0) {
            black_box(ioctl_fionread(stream).unwrap());
        }
    }

    pub(super) fn serve(&mut self, registry: &Registry, token: Token) {
        if token == LISTENER {
            while let Ok((mut stream, _)) = self.listener.accept() {
                let both = Interest::READABLE | Interest::WRITABLE;
                registry.register(&mut stream, Token(self.streams.len()), both).unwrap();
                self.streams.push(Some((stream, Vec::new())));
            }
        } else if let Some((stream, unsent)) = &mut self.streams[token.0]
            && !echo(stream, unsent, &mut self.buffer).unwrap()
        {
            self.streams[token.0] = None;
            self.closed += 1;
        }
    }
}

pub(crate) fn serve(processor: usize) -> (SocketAddr, JoinHandle<()>) {
    let mut poll = Poll::new().unwrap();
    let (address, mut sockets) = Sockets::listening(&poll);
    let server = thread::spawn(move || {
        run_on(processor);
        let registry = poll.registry().try_clone().unwrap();
        let mut events = Events::with_capacity(256);
        while !sockets.are_closed() {
            poll.poll(&mut events, None).unwrap();
            events.iter().for_each(|event| sockets.serve(&registry, event.token()));
        }
    });
    (address, server)
}
