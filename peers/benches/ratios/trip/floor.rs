//! The floor: plain `mio` with the system calls that the promises of `ws2` take, and nothing recorded. The program
//! thread sleeps where another thread that sets an event object could wake it, too; each arrival is counted; and whoever
//! looks at a socket asks the poller first.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mio::{Events, Poll, Token};
use rustix::event::{PollFd, PollFlags, poll};

use super::plain::Sockets;
use crate::machine::run_on;

struct Server {
    poll: Poll,
    events: Events,
    sockets: Sockets,
    ready: VecDeque<Token>,
}

impl Server {
    fn ask(&mut self) {
        self.poll.poll(&mut self.events, Some(Duration::ZERO)).unwrap();
        for event in &self.events {
            self.sockets.count_unread(event.token());
            self.ready.push_back(event.token());
        }
    }

    fn run(mut self) {
        let registry = self.poll.registry().try_clone().unwrap();
        let (others, _into) = UnixStream::pair().unwrap();
        while !self.sockets.are_closed() {
            let [poller, others] =
                [PollFd::new(&registry, PollFlags::IN), PollFd::new(&others, PollFlags::IN)];
            poll(&mut [poller, others], None).unwrap();
            self.ask();
            while let Some(token) = self.ready.pop_front() {
                self.ask();
                self.sockets.serve(&registry, token);
            }
        }
    }
}

pub(crate) fn serve(processor: usize) -> (SocketAddr, JoinHandle<()>) {
    let poll = Poll::new().unwrap();
    let (address, sockets) = Sockets::listening(&poll);
    let (events, ready) = (Events::with_capacity(256), VecDeque::new());
    let server = Server { poll, events, sockets, ready };
    let run = move || {
        run_on(processor);
        server.run();
    };
    (address, thread::spawn(run))
}
