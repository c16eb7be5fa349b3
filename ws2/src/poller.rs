//! The thread that learns from the OS what happens.

use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use polling::{Event, Events, Poller};
use socket2::Socket;
use wsp_events::{SocketTable, TableFull, WsaError};

/// Called when a watched socket is ready.
pub(crate) type OnReady = Box<dyn Fn(Event) + Send + Sync>;

/// Watches sockets until it is dropped.
pub(crate) struct PollerThread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    poller: Poller,
    /// What to call, by poll key. The keys are descriptors of a table of their own: the switch's can be
    /// duplicated and closed one by one, and these stay. A late readiness of a socket that is no longer
    /// watched finds nothing, since its key stays away for 65,536 closes (P1).
    watched: SocketTable<OnReady>,
    stopped: AtomicBool,
}

impl PollerThread {
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared {
            poller: Poller::new()?,
            watched: SocketTable::new(),
            stopped: AtomicBool::new(false),
        });
        let thread = thread::Builder::new().name("poller".into()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.run()
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Without the thread nothing more is recorded: the network subsystem has failed.
    pub(crate) fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|it| !it.is_finished())
    }

    /// Calls `on_ready` when `source` is ready for the `interest`, once each time it is armed.
    pub(crate) fn watch(
        &self,
        on_ready: OnReady,
        source: Socket,
        interest: impl FnOnce(usize) -> Event,
    ) -> Result<Watched, WsaError> {
        let key = self.shared.watched.insert(on_ready);
        let watched = Watched {
            source: Arc::new(source),
            key: key.map_err(TableFull::errno)?,
            shared: Arc::clone(&self.shared),
        };
        // SAFETY: the poller must lose the source before the source is dropped. `watched` keeps the
        // source until it is dropped itself, and takes it from the poller first.
        unsafe { self.shared.poller.add(&*watched.source, interest(watched.key)) }?;
        Ok(watched)
    }
}

impl Drop for PollerThread {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        // Without the notification the thread may never wake up. Then it is left behind, which is better than a
        // hang.
        let notified = self.shared.poller.notify().is_ok();
        if let Some(thread) = self.thread.take().filter(|_| notified) {
            let _panicked = thread.join();
        }
    }
}

impl Shared {
    /// Ends when it is stopped or the poller fails.
    fn run(&self) {
        let mut ready = Events::new();
        while !self.stopped.load(Ordering::Acquire) {
            ready.clear();
            if self.poller.wait(&mut ready, None).is_err() {
                return;
            }
            for event in ready.iter() {
                if let Some(on_ready) = self.watched.get(event.key) {
                    on_ready(event);
                }
            }
        }
    }
}

/// A socket of the OS that the poller watches.
pub(crate) struct Watched {
    source: Arc<Socket>,
    key: usize,
    shared: Arc<Shared>,
}

impl Watched {
    /// Waits for the next readiness: the poller reports one and then drops the interest. A condition that holds
    /// already is reported too.
    pub(crate) fn arm(&self, interest: impl FnOnce(usize) -> Event) {
        // It fails only for a source that is not in the poller; this one is.
        let _ok = self.shared.poller.modify(&*self.source, interest(self.key));
    }

    /// The socket, for use when it is no longer watched.
    pub(crate) fn source(&self) -> Arc<Socket> {
        Arc::clone(&self.source)
    }
}

impl Deref for Watched {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.source
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ok = self.shared.poller.delete(&*self.source);
        self.shared.watched.remove(self.key);
    }
}
