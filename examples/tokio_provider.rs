//! A provider whose sockets are tokio's, and a switch whose tasks wait for event objects by tokio's `AsyncFd`.
//!
//! `cargo run --example tokio_provider --features pollable` serves 300 clients. Each connection has an event
//! object of its own, a `PollableEvent`, and two tasks: the provider's records what happens, the switch's waits
//! for the event object and echoes what the client says. The even clients close their connection in the end, the
//! odd ones reset it. The program fails if a report says anything else.
//!
//! The event objects of the example `async_provider` need no descriptors. These here can be shared with other
//! pollers and other processes.

#[cfg(unix)]
fn main() -> Result<std::process::ExitCode, Box<dyn std::error::Error + Send + Sync>> {
    unix::main()
}

#[cfg(not(unix))]
fn main() {
    println!("PollableEvent is for Unix; Windows has wsp_events::win32");
}

#[cfg(unix)]
mod unix {
    use std::io::{self, ErrorKind, Read, Write};
    use std::net::{self, SocketAddr};
    use std::process::ExitCode;
    use std::sync::{Arc, Mutex};
    use std::thread::{self, JoinHandle};
    use std::time::Duration;

    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::runtime::Runtime;
    use tokio::task::JoinSet;
    use tokio::time::timeout;
    use wsp_events::unix::PollableEvent;
    use wsp_events::{
        NetworkEvent, NetworkEventRecorder, NetworkEvents, ReenablingCall, Report, Unsignaled,
        WsaError,
    };

    type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
    type Recorder = NetworkEventRecorder<Arc<PollableEvent>>;

    const CLIENTS: u32 = 300;
    /// More than the whole program takes, even on a busy machine.
    const LIMIT: Duration = Duration::from_secs(30);

    /// A socket of the provider, with what has come in and not been taken: connections or bytes.
    struct Socket<T, In> {
        tokio: T,
        incoming: Mutex<Vec<In>>,
        record: Recorder,
    }

    /// A new socket, and its event object.
    fn socket<T, In>(tokio: T, events: NetworkEvents) -> Result<(Arc<Socket<T, In>>, Event)> {
        let event = Event::new()?;
        let record = Recorder::new();
        record.select(events, event.0.get_ref().clone())?;
        Ok((Arc::new(Socket { tokio, incoming: Mutex::default(), record }), event))
    }

    impl<T, In> Socket<T, In> {
        /// Something has come in: it is queued and recorded under the lock, and signaled after it (R9).
        fn came(&self, event: NetworkEvent, news: impl IntoIterator<Item = In>) {
            let mut incoming = self.incoming.lock().unwrap();
            incoming.extend(news);
            let recorded = self.record.record_unsignaled(event, Ok(()));
            drop(incoming);
            recorded.signal();
        }

        /// A call that takes from it, under the same lock: re-enable, take, record what is left (L2).
        fn take<Out>(&self, call: ReenablingCall, take: impl FnOnce(&mut Vec<In>) -> Out) -> Out {
            let mut incoming = self.incoming.lock().unwrap();
            self.record.reenable_for(call);
            let taken = take(&mut incoming);
            let more = !incoming.is_empty();
            let recorded = more.then(|| self.record.record_unsignaled(call.event(), Ok(())));
            drop(incoming);
            recorded.map(Unsignaled::signal);
            taken
        }
    }

    impl Socket<TcpListener, TcpStream> {
        /// The provider's task: it takes connections from the operating system as they come.
        async fn watch(self: Arc<Self>) -> Result {
            loop {
                let (stream, _) = self.tokio.accept().await?;
                self.came(NetworkEvent::Accept, [stream]);
            }
        }

        /// WSPAccept.
        fn accept(&self) -> Option<TcpStream> {
            self.take(ReenablingCall::Accept, Vec::pop)
        }
    }

    impl Socket<TcpStream, u8> {
        /// The provider's task: it takes what arrives, to the end of the connection.
        async fn watch(self: Arc<Self>) -> Result {
            let mut bytes = [0; 64];
            let outcome = loop {
                self.tokio.readable().await?;
                match self.tokio.try_read(&mut bytes) {
                    Ok(0) => break Ok(()),
                    Ok(count) => self.came(NetworkEvent::Read, bytes[..count].iter().copied()),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => break Err(WsaError::of_close(error)),
                }
            };
            self.record.record(NetworkEvent::Close, outcome);
            Ok(())
        }

        /// WSPRecv: all there is.
        fn recv(&self) -> Vec<u8> {
            self.take(ReenablingCall::Recv { oob: false }, std::mem::take)
        }

        /// WSPSend.
        async fn send(&self, bytes: &[u8]) -> io::Result<usize> {
            loop {
                self.tokio.writable().await?;
                match self.tokio.try_write(bytes) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    sent => return sent,
                }
            }
        }
    }

    /// An event object in tokio's own poller.
    struct Event(AsyncFd<Arc<PollableEvent>>);

    impl Event {
        fn new() -> io::Result<Self> {
            let event = Arc::new(PollableEvent::new()?);
            // SAFETY: an event object has one descriptor, and the `AsyncFd` keeps it open.
            Ok(Self(unsafe { AsyncFd::register_with_interest(event, Interest::READABLE) }?))
        }

        /// Waits until it is set, and takes the report.
        async fn next_report(&self, record: &Recorder) -> Result<Report> {
            // tokio remembers that the descriptor was readable. Clear that when the enumeration has reset
            // the event object, and not if it has failed.
            let mut set = self.0.readable().await?;
            let report = record.enumerate_and_reset(self.0.get_ref())?;
            set.clear_ready();
            Ok(report)
        }
    }

    /// The switch: accepts the connections, and serves each in a task.
    async fn serve_all(listener: TcpListener) -> Result {
        let (listener, event) = socket(listener, NetworkEvents::FD_ACCEPT)?;
        tokio::spawn(Arc::clone(&listener).watch());
        let mut connections = JoinSet::new();
        while connections.len() < CLIENTS as usize {
            event.next_report(&listener.record).await?;
            // One at a time: if more wait, the event object is set again.
            if let Some(stream) = listener.accept() {
                connections.spawn(serve(stream));
            }
        }
        for shown in (0..).map(|served| served < 4) {
            let Some(served) = connections.join_next().await else { break };
            let (number, reports) = served??;
            if shown {
                println!("client {number}: {}", reports.join("; "));
            }
            let end = ["FD_CLOSE: success", "FD_CLOSE: WSAECONNABORTED (10053)"];
            let end = end[number as usize % 2];
            if reports != ["FD_READ: success", "FD_READ: success", end] {
                return Err(format!("client {number} was reported as {reports:?}").into());
            }
        }
        Ok(())
    }

    /// Serves a connection until it is closed: the client's number, and what was reported.
    async fn serve(stream: TcpStream) -> Result<(u32, Vec<String>)> {
        let (connection, event) = socket(stream, NetworkEvents::FD_READ | NetworkEvents::FD_CLOSE)?;
        tokio::spawn(Arc::clone(&connection).watch());
        let (mut number, mut reports, mut empty) = (0, Vec::new(), 0);
        loop {
            let report = event.next_report(&connection.record).await?;
            if report.events().is_empty() {
                empty += 1; // a receive has already taken what the event object was set for
                if empty > 3 {
                    return Err("the event object is set again and again for nothing".into());
                }
                continue;
            }
            reports.push(report.to_string());
            if report.events().contains(NetworkEvents::FD_READ) {
                let said = connection.recv();
                connection.send(&said).await?;
                number = u32::from_be_bytes(said[..].try_into()?);
            }
            if report.events().contains(NetworkEvents::FD_CLOSE) {
                if event.0.get_ref().wait_timeout(Duration::ZERO)? {
                    return Err("the event object is set when all was reported".into());
                }
                return Ok((number, reports));
            }
        }
    }

    pub(crate) fn main() -> Result<ExitCode> {
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let clients = visit(listener.local_addr()?);
        if let Err(error) = runtime.block_on(async { timeout(LIMIT, serve_all(listener)).await? }) {
            println!("FAILED: {error}");
            return Ok(ExitCode::FAILURE);
        }
        clients.join().expect("the clients do not panic")?;
        println!("{CLIENTS} connections: each was reported as its client used it");
        Ok(ExitCode::SUCCESS)
    }

    /// All clients at once, on a thread of their own.
    fn visit(address: SocketAddr) -> JoinHandle<io::Result<()>> {
        thread::spawn(move || {
            let connect = |number: u32| {
                let mut stream = net::TcpStream::connect_timeout(&address, LIMIT)?;
                stream.set_read_timeout(Some(LIMIT))?;
                stream.write_all(&number.to_be_bytes()).map(|()| stream)
            };
            let streams = (0..CLIENTS).map(connect).collect::<io::Result<Vec<_>>>()?;
            for (number, mut stream) in (0..).zip(streams) {
                let mut heard = [[0; 4]; 2];
                stream.read_exact(&mut heard[0])?;
                stream.write_all(&heard[0])?;
                stream.read_exact(&mut heard[1])?;
                assert_eq!(heard.map(u32::from_be_bytes), [number; 2], "another's number");
                if number % 2 == 1 {
                    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
                }
            }
            Ok(())
        })
    }
}
