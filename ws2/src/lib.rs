//! Winsock over the sockets of the operating system: streams and datagrams, IPv4 and IPv6, blocking and not.
//!
//! Everything about network events is `wsp-events`. The rest is a thin layer over `socket2` and a poller. It shows where
//! the library's parts go in a provider, and what a provider must do itself to keep the rules of docs/CONTRACT.md, which
//! the comments cite.
//!
//! It has three faces: [`Winsock`] for Rust; the functions of `winsock2.h` for C programs on Unix (`c`); and a provider
//! DLL that Windows' own ws2_32 loads (`examples/provider_dll`).
//!
//! | | |
//! |---|---|
//! | [`winsock`] | the calls, by descriptor |
//! | [`select`] | select() and WSAPoll() |
//! | [`handles`] | handles of sockets and event objects |
//! | [`event`] | event objects, and the wait for several of them |
//! | `socket` | one socket: its lock, its record, and the threads that wait for it |
//! | `stream`, `datagram` | the state of a socket, and what a look at it finds |
//! | `look` | what a look finds, and what a receive takes |
//! | `happening` | what happens at a socket, for a program that wants to see it |
//! | `park` | how a thread waits |
//! | `sync` | what `park` and `os` use between threads |
//! | `panics` | where panics of the program's code end |
//! | `os` | what the OS knows about a socket, and the thread that learns it |
//! | [`switch`] | the other side of the contract: it selects, waits and enumerates |

#[cfg(unix)]
mod c;
mod datagram;
pub mod event;
pub mod handles;
mod happening;
mod look;
mod options;
mod os;
mod panics;
mod park;
pub mod select;
mod socket;
mod stream;
pub mod switch;
mod sync;
pub mod winsock;

use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use wsp_events::spi::CurrentProvider;
use wsp_events::{EventSignal, WsaError};

pub use handles::Handles;
pub use happening::{Change, Happening, Observer};
pub use look::Received;
pub use os::{MSG_OOB, MSG_PEEK, SEES_OOB_AT_ONCE};
pub use park::Parker;
pub use winsock::Winsock;

/// An event object of any kind. Each socket's selection has its own reference to it (P2).
pub type Signal = Arc<dyn EventSignal + Send + Sync>;

/// The answer of a call, or its error code.
pub type Result<T = (), E = WsaError> = std::result::Result<T, E>;

/// The instance of the C functions, which get no context to find it by.
static CURRENT: RwLock<Option<Arc<Winsock>>> = RwLock::new(None);

/// WSPStartup, WSAStartup: it becomes the current one.
pub fn startup(provider: Winsock) -> Arc<Winsock> {
    let provider = Arc::new(provider);
    exchange_current(Some(Arc::clone(&provider)));
    provider
}

/// WSPCleanup, WSACleanup. All sockets are closed, and calls that wait return.
pub fn cleanup() {
    exchange_current(None);
}

fn exchange_current(provider: Option<Arc<Winsock>>) {
    let mut current = CURRENT.write().unwrap_or_else(PoisonError::into_inner);
    let previous = std::mem::replace(&mut *current, provider);
    drop(current);
    // It joins the poller thread: not under the lock. A call under way may keep the rest of it for a while.
    if let Some(previous) = previous {
        previous.shut_down();
    }
}

impl CurrentProvider for Winsock {
    fn current() -> Option<impl Deref<Target = Self>> {
        CURRENT.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
