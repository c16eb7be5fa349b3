//! The network-event record of Winsock, for code that plays the socket side: a service provider, a
//! virtual-socket driver, a ws2_32 look-alike, a user-space network stack.
//!
//! Such code must remember which FD_XXX events happened on each socket, with their error codes, signal
//! an event object, and hand the record over exactly once through WSPEnumNetworkEvents: record, clear,
//! reset, in that order, with no event and no wake-up lost. This crate is that part, whole; one
//! [`NetworkEventRecorder`] a socket.
//!
#![cfg_attr(feature = "std", doc = "```")]
#![cfg_attr(not(feature = "std"), doc = "```ignore")]
//! use std::sync::Arc;
//! use wsp_events::{ManualResetEvent, NetworkEvent, NetworkEventRecorder, NetworkEvents, WsaError};
//!
//! // The provider keeps a recorder in each of its sockets.
//! let socket = NetworkEventRecorder::new();
//!
//! // WSPEventSelect: the switch names events and an event object.
//! let event = Arc::new(ManualResetEvent::new());
//! socket.select(NetworkEvents::FD_ACCEPT | NetworkEvents::FD_CONNECT, Arc::clone(&event))?;
//!
//! // Something happens, on any thread: record it.
//! socket.record(NetworkEvent::Connect, Err(WsaError::WSAECONNREFUSED))?;
//!
//! // The switch wakes up and calls WSPEnumNetworkEvents.
//! event.wait();
//! let report = socket.enumerate_and_reset(&event)?;
//! assert_eq!(report.to_string(), "FD_CONNECT: WSAECONNREFUSED (10061)");
//! assert!(!event.is_set());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To write a provider, begin with the [`guide`]: from an empty file to a working one, and a page for each
//! kind of code that plays the socket side.
//!
//! # The rooms, bottom to top
//!
#![doc = include_str!("../docs/pictures/rooms.svg")]
//!
//! | | |
//! |---|---|
//! | [`NetworkEvent`], [`NetworkEvents`] | one of the ten events; a set of them, `lNetworkEvents` |
//! | [`WsaError`] and the errors | the Winsock codes; what this crate's calls answer, each with its code for `lpErrno` |
//! | [`latching`], [`ReenablingCall`] | conditions: what latches, and which call re-enables it |
//! | [`Report`] | what one enumeration carried, by value |
//! | [`EventSignal`], [`ManualResetEvent`] | what SetEvent and ResetEvent are here; an event object on every OS |
//! | `AsyncEvent` | an event object for tasks, in every runtime (feature `async`) |
//! | `unix` | the event object for pollers, a file descriptor: on Unix alone (feature `pollable`) |
//! | `win32` | the event objects of Windows, and there alone |
//! | [`NetworkEventRecorder`] | the record of one socket: record, select, enumerate, withdraw, re-enable, inherit, close |
//! | [`Provider`], [`event_select`], [`enum_network_events`], [`SocketTable`] | the two calls over descriptors and handles; descriptors for a provider that has none |
//! | [`spi`] | the two calls with their C signatures, for a WSPPROC_TABLE |
//! | `Traced` | around an event object or a recorder: a trace of its calls (feature `tracing`) |
//!
//! Take as many floors as you need. A driver with event objects of its own uses the recorder and
//! implements [`EventSignal`]; a look-alike with its own handle table implements [`Provider`] on top of
//! it; a provider DLL puts the functions of [`spi`] into its procedure table.
//!
//! # The rules
//!
//! What is promised has numbers, from V1 (the ten events) to P5 (a call that races a close). They stand
//! in `docs/CONTRACT.md`, and the documentation, the code and the tests name them where they keep them.
//!
//! # Features
//!
//! - `std` (default): [`ManualResetEvent`], [`SocketTable`], conversions from and to `std::io::Error`; a
//!   panic does not cross the C boundary but becomes WSAENETDOWN; and a call from inside the recorder's
//!   own event object that would wait for itself is refused (K4). On Windows also `win32`, with a
//!   dependency on windows-sys.
//! - `alloc`: [`EventSignal`] for `Arc<T>` and `Box<T>`. Part of `std`.
//! - `pollable`: `unix::PollableEvent`, with a dependency on rustix; nothing on Windows. Needs `std`.
//! - `async`: `AsyncEvent`. Needs `alloc`; without `std` it lacks the wait that blocks a thread.
//! - `tracing`: `Traced`, with a dependency on tracing, of which it takes nothing that needs `std`. Needs
//!   `alloc`.
//!
//! Without any the crate needs `core` alone (K7), and 64-bit atomics on every target.
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg), doc(auto_cfg(hide(wsp_loom))))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(not(target_has_atomic = "64"))]
compile_error!("wsp-events needs a target with 64-bit atomics: a socket's record is one such word");

mod error;
mod event;
#[cfg(all(any(doc, doctest), feature = "std"))]
#[cfg_attr(docsrs, doc(auto_cfg = false))]
pub mod guide;
pub mod latching;
// Examples that make an event object of `std`. Without it rustdoc has nothing to run them with, and does not
// look here.
#[cfg(any(feature = "std", not(doctest)))]
mod provider;
#[cfg(any(feature = "std", not(doctest)))]
mod recorder;
mod report;
mod signal;
#[cfg(any(feature = "std", not(doctest)))]
pub mod spi;
mod sync;
#[cfg(all(feature = "tracing", any(feature = "std", not(doctest))))]
mod traced;

#[cfg(feature = "std")]
pub use error::TableFull;
pub use error::{ProviderError, RecorderError, SignalError, WsaError};
pub use event::{FD_MAX_EVENTS, NetworkEvent, NetworkEvents};
pub use latching::ReenablingCall;
#[cfg(any(feature = "std", not(doctest)))]
pub use provider::{INVALID_SOCKET, Provider, SOCKET, enum_network_events, event_select};
#[cfg(feature = "std")]
pub use provider::{Removed, SocketRef, SocketTable};
#[cfg(any(feature = "std", not(doctest)))]
pub use recorder::{NetworkEventRecorder, Recorded, Wake};
pub use report::Report;
#[cfg(feature = "async")]
pub use signal::AsyncEvent;
#[cfg(feature = "std")]
pub use signal::ManualResetEvent;
#[cfg(all(unix, feature = "pollable"))]
pub use signal::unix;
#[cfg(all(windows, feature = "std"))]
pub use signal::win32;
pub use signal::{EventSignal, WSAEVENT};
#[cfg(all(feature = "tracing", any(feature = "std", not(doctest))))]
pub use traced::Traced;

#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
