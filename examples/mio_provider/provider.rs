//! The provider: sockets that mio tells of, each with its record.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

use mio::net::{TcpListener, TcpStream};
use wsp_events::unix::PollableEvent;
use wsp_events::{
    NetworkEvent, NetworkEventRecorder, NetworkEvents, ReenablingCall, SignalError, WsaError,
};

pub(crate) type Recorder = NetworkEventRecorder<Arc<PollableEvent>>;

/// What is recorded here are conditions, again and again; so every event latches.
fn recorder() -> Recorder {
    Recorder::with_latching(NetworkEvents::LATCHING_FOR_CONDITIONS)
}

/// A listening socket.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) record: Recorder,
    backlog: VecDeque<TcpStream>,
}

impl Listener {
    pub(crate) fn new(socket: TcpListener) -> Self {
        Self { socket, record: recorder(), backlog: VecDeque::new() }
    }

    /// mio says that it is ready, once for all that wait: so all of them are taken.
    pub(crate) fn ready(&mut self) -> io::Result<()> {
        loop {
            match self.socket.accept() {
                Ok((stream, _)) => self.backlog.push_back(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            self.record.record(NetworkEvent::Accept, Ok(())).map_err(io::Error::other)?;
        }
    }

    /// WSPAccept. It re-enables FD_ACCEPT, and if one more waits, that is recorded anew.
    pub(crate) fn accept(&mut self) -> Result<Option<TcpStream>, SignalError> {
        self.record.on_reenabling_call(ReenablingCall::Accept);
        let accepted = self.backlog.pop_front();
        if !self.backlog.is_empty() {
            self.record.record(NetworkEvent::Accept, Ok(()))?;
        }
        Ok(accepted)
    }
}

/// A connected socket.
pub(crate) struct Connection {
    pub(crate) socket: TcpStream,
    pub(crate) record: Recorder,
}

impl Connection {
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self { socket, record: recorder() }
    }

    /// Records what there is: when mio says that it is ready, and after every receive.
    pub(crate) fn look(&self) -> Result<(), SignalError> {
        let (event, outcome) = match self.socket.peek(&mut [0]) {
            Ok(0) => (NetworkEvent::Close, Ok(())),
            Ok(_) => (NetworkEvent::Read, Ok(())),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => (NetworkEvent::Close, Err(WsaError::from(error))),
        };
        self.record.record(event, outcome).map(drop)
    }

    /// WSPRecv.
    pub(crate) fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.record.on_reenabling_call(ReenablingCall::Recv { oob: false });
        let received = self.socket.read(buffer);
        self.look().map_err(io::Error::other)?;
        received
    }
}
