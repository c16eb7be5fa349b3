//! The provider: sockets that tasks look after, each with its record. It works with every event object.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::{Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use wsp_events::{
    EventSignal, NetworkEvent, NetworkEventRecorder, ReenablingCall, SignalError, WsaError,
};

/// A listening socket.
pub(crate) struct Listener<S> {
    socket: TcpListener,
    backlog: Mutex<VecDeque<TcpStream>>,
    pub(crate) record: NetworkEventRecorder<S>,
}

impl<S: EventSignal> Listener<S> {
    pub(crate) fn new(socket: TcpListener) -> Self {
        Self { socket, backlog: Mutex::default(), record: NetworkEventRecorder::new() }
    }

    /// The task that accepts connections as they come.
    pub(crate) async fn watch(&self) -> io::Result<()> {
        loop {
            let (stream, _) = self.socket.accept().await?;
            self.with_backlog(|backlog| backlog.push_back(stream));
            self.record.record(NetworkEvent::Accept, Ok(())).map_err(io::Error::other)?;
        }
    }

    /// WSPAccept. It re-enables FD_ACCEPT, and if one more waits, that is recorded anew.
    pub(crate) fn accept(&self) -> Result<Option<TcpStream>, SignalError> {
        self.record.on_reenabling_call(ReenablingCall::Accept);
        let (accepted, more) =
            self.with_backlog(|backlog| (backlog.pop_front(), !backlog.is_empty()));
        if more {
            self.record.record(NetworkEvent::Accept, Ok(()))?;
        }
        Ok(accepted)
    }

    fn with_backlog<R>(&self, f: impl FnOnce(&mut VecDeque<TcpStream>) -> R) -> R {
        f(&mut self.backlog.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A connected socket.
pub(crate) struct Connection<S> {
    socket: TcpStream,
    received: Mutex<VecDeque<u8>>,
    pub(crate) record: NetworkEventRecorder<S>,
}

impl<S: EventSignal> Connection<S> {
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self { socket, received: Mutex::default(), record: NetworkEventRecorder::new() }
    }

    /// The task that takes what arrives, to the end of the connection.
    pub(crate) async fn watch(&self) -> Result<(), SignalError> {
        let mut bytes = [0; 64];
        let outcome = loop {
            if let Err(error) = self.socket.readable().await {
                break Err(error);
            }
            match self.socket.try_read(&mut bytes) {
                Ok(0) => break Ok(()),
                Ok(count) => {
                    self.with_received(|received| received.extend(&bytes[..count]));
                    self.record.record(NetworkEvent::Read, Ok(()))?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => break Err(error),
            }
        };
        self.record.record(NetworkEvent::Close, outcome.map_err(WsaError::from)).map(drop)
    }

    /// WSPRecv: all there is.
    pub(crate) fn recv(&self) -> Vec<u8> {
        self.record.on_reenabling_call(ReenablingCall::Recv { oob: false });
        self.with_received(|received| received.drain(..).collect())
    }

    /// WSPSend.
    pub(crate) async fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            self.socket.writable().await?;
            match self.socket.try_write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                sent => return sent,
            }
        }
    }

    fn with_received<R>(&self, f: impl FnOnce(&mut VecDeque<u8>) -> R) -> R {
        f(&mut self.received.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
