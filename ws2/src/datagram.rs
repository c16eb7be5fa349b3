//! A datagram socket: its state, and what is found when it is looked at.
//!
//! Like `stream`, under the socket's lock. One FD_READ may stand for several datagrams. A port that no one has is
//! WSAECONNRESET on the next receive, whether or not the socket is connected.

use std::net::SocketAddr;

use socket2::Socket;
use wsp_events::{NetworkEvent, ReenablingCall, WsaError};

use crate::Result;
use crate::look::{Conditions, News, Received, Reenable};
use crate::os::{self, Interest, MSG_OOB, MSG_PEEK, Ready, uninitialised};

pub(crate) struct Datagram {
    peer: Option<SocketAddr>,
    bound: bool,
    readable: bool,
    /// A datagram of this socket has come to a port that no one has.
    unreachable: bool,
    room: bool,
    awaits_room: bool,
    shut_receive: bool,
    shut_send: bool,
}

impl Datagram {
    pub(crate) fn new() -> Self {
        Self {
            peer: None,
            bound: false,
            readable: false,
            unreachable: false,
            room: true,
            awaits_room: false,
            shut_receive: false,
            shut_send: false,
        }
    }

    pub(crate) fn is_bound(&self) -> bool {
        self.bound
    }

    pub(crate) fn peer(&self) -> Result<SocketAddr> {
        self.peer.ok_or(WsaError::WSAENOTCONN)
    }

    /// From now on there is room to send.
    pub(crate) fn bound(&mut self, news: &mut News) {
        if !std::mem::replace(&mut self.bound, true) {
            news.add(NetworkEvent::Write, Ok(()));
        }
    }

    pub(crate) fn connect(
        &mut self,
        os: &Socket,
        peer: SocketAddr,
        news: &mut News,
        reenable: Reenable<'_>,
    ) -> Result {
        let mut connected = os.connect(&peer.into());
        if connected.is_err()
            && let Some(earlier) = self.peer
        {
            // Unix keeps the address from which the earlier peer is reached, and there may be no way from it to this one.
            self.disconnect(os)?;
            connected = os.connect(&peer.into());
            if connected.is_err() {
                os.connect(&earlier.into())?;
                self.peer = Some(earlier);
            }
        }
        connected.map_err(|error| no_port(error.into()))?;
        reenable(ReenablingCall::Connect);
        self.peer = Some(peer);
        self.bound = true;
        news.add(NetworkEvent::Connect, Ok(()));
        news.add(NetworkEvent::Write, Ok(()));
        Ok(())
    }

    pub(crate) fn disconnect(&mut self, os: &Socket) -> Result {
        let before = os.local_addr().ok().and_then(|it| it.as_socket());
        os::disconnect(os)?;
        self.peer = None;
        let now = os.local_addr().ok().and_then(|it| it.as_socket());
        // Linux takes a port away that it has chosen itself. Then nothing would come any more.
        match (before, now) {
            (Some(before), Some(mut now)) if now.port() != before.port() => {
                now.set_port(before.port());
                let address = if now.ip().is_unspecified() { now } else { before };
                Ok(os.bind(&address.into())?)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn look(&mut self, os: &Socket, ready: Ready, news: &mut News) {
        // While room is awaited, room is reported together with datagrams that are not new.
        let only_room = self.awaits_room && self.readable;
        self.look_for_datagrams(os, ready.error);
        if self.is_readable() && !only_room {
            news.add(NetworkEvent::Read, Ok(()));
        }
        if ready.write {
            self.look_for_room(os, news);
        }
    }

    fn look_for_datagrams(&mut self, os: &Socket, error: bool) {
        if error {
            self.unreachable |= os::take_unreachable(os);
        }
        let mut waits = peek(os);
        if let Err(error) = waits
            && is_of_earlier(error)
        {
            self.unreachable |= take_error(os, error);
            waits = peek(os);
        }
        self.readable = waits.is_ok();
    }

    fn is_readable(&self) -> bool {
        self.bound && !self.shut_receive && (self.readable || self.unreachable)
    }

    pub(crate) fn look_for_room(&mut self, os: &Socket, news: &mut News) {
        self.room = os::has_room(os);
        if self.room && std::mem::take(&mut self.awaits_room) && !self.shut_send {
            news.add(NetworkEvent::Write, Ok(()));
        }
    }

    pub(crate) fn send(
        &mut self,
        os: &Socket,
        bytes: &[u8],
        flags: i32,
        to: Option<SocketAddr>,
        news: &mut News,
    ) -> Result<usize> {
        /// MSG_DONTROUTE: allowed, and ignored.
        const MSG_DONTROUTE: i32 = 4;
        check_flags(flags, MSG_DONTROUTE)?;
        if self.shut_send {
            return Err(WsaError::WSAESHUTDOWN);
        }
        if to.is_none() && self.peer.is_none() {
            return Err(WsaError::WSAENOTCONN);
        }
        let send = || match to {
            Some(to) => os.send_to(bytes, &to.into()),
            None => os.send(bytes),
        };
        let mut sent = send().map_err(WsaError::from);
        // Perhaps of an earlier datagram. Winsock gives that of a port which no one has to the next receive.
        if let Err(error) = sent
            && is_of_earlier(error)
        {
            if take_error(os, error) {
                self.unreachable = true;
                if self.is_readable() {
                    news.add(NetworkEvent::Read, Ok(()));
                }
            }
            sent = send().map_err(WsaError::from);
        }
        if !self.bound {
            sent = sent.map_err(no_port);
        }
        match sent {
            Ok(_) => self.bound(news),
            Err(WsaError::WSAEWOULDBLOCK) => (self.room, self.awaits_room) = (false, true),
            Err(_) => {}
        }
        sent
    }

    pub(crate) fn recv(
        &mut self,
        os: &Socket,
        buffer: &mut [u8],
        flags: i32,
        news: &mut News,
        reenable: Reenable<'_>,
    ) -> Result<Received> {
        check_flags(flags, MSG_PEEK)?;
        if !self.bound {
            return Err(WsaError::WSAEINVAL);
        }
        if self.shut_receive {
            return Err(WsaError::WSAESHUTDOWN);
        }
        // L2, L3, as for a stream.
        reenable(ReenablingCall::Recv { oob: false });
        let mut received = if std::mem::take(&mut self.unreachable) {
            Err(WsaError::WSAECONNRESET)
        } else {
            receive(os, buffer, flags)
        };
        if let Err(error) = received
            && is_of_earlier(error)
        {
            received = if is_unreachable(error) || take_error(os, error) {
                Err(WsaError::WSAECONNRESET)
            } else {
                receive(os, buffer, flags)
            };
        }
        self.look_for_datagrams(os, false);
        if self.is_readable() {
            news.add(NetworkEvent::Read, Ok(()));
        }
        received
    }

    pub(crate) fn shutdown(&mut self, receive: bool, send: bool) -> Result {
        self.shut_receive |= receive;
        self.shut_send |= send;
        Ok(())
    }

    pub(crate) fn conditions(&mut self) -> Conditions {
        Conditions {
            data: self.is_readable(),
            ended: self.shut_receive,
            room: self.room,
            ..Conditions::default()
        }
    }

    pub(crate) fn interest(&self) -> Interest {
        Interest { read: self.bound && !self.readable, write: self.awaits_room, priority: false }
    }
}

/// Datagrams have no out-of-band data.
fn check_flags(flags: i32, allowed: i32) -> Result {
    match flags & !allowed {
        0 => Ok(()),
        MSG_OOB => Err(WsaError::WSAEOPNOTSUPP),
        _ => Err(WsaError::WSAEINVAL),
    }
}

/// What has no port gets one. If there is none, Linux answers that the call would block: nothing would end that wait.
fn no_port(error: WsaError) -> WsaError {
    if error == WsaError::WSAEWOULDBLOCK { WsaError::WSAENOBUFS } else { error }
}

/// Unix says that a connection was refused.
fn is_unreachable(error: WsaError) -> bool {
    matches!(error, WsaError::WSAECONNREFUSED | WsaError::WSAECONNRESET)
}

/// Whether a call may have got the error of an earlier datagram, in place of its own answer. Unix gives the next call any
/// that the network has told: that no one has the port, or that there is no way to the host.
fn is_of_earlier(error: WsaError) -> bool {
    is_unreachable(error) || cfg!(unix) && error != WsaError::WSAEWOULDBLOCK
}

/// Takes it, and those behind it. Whether one of them was a port that no one has: Winsock tells no others.
fn take_error(os: &Socket, error: WsaError) -> bool {
    os::take_unreachable(os) || is_unreachable(error)
}

/// Whether a datagram waits. Windows says that it is longer than the buffer.
fn peek(os: &Socket) -> Result {
    match receive(os, &mut [0], MSG_PEEK) {
        Err(WsaError::WSAEMSGSIZE) if cfg!(windows) => Ok(()),
        looked => looked.map(drop),
    }
}

fn receive(os: &Socket, buffer: &mut [u8], flags: i32) -> Result<Received> {
    let room = buffer.len();
    let mut buffers = [socket2::MaybeUninitSlice::new(uninitialised(buffer))];
    let (length, flags, from) = os.recv_from_vectored_with_flags(&mut buffers, flags)?;
    let truncated = flags.is_truncated();
    // Wine does not say how much it has received of a datagram that was cut.
    let length = if truncated { room } else { length };
    Ok(Received { length, from: from.as_socket(), truncated })
}
