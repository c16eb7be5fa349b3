//! The network-event record of Winsock, for code that implements sockets: a virtual-socket driver, a ws2_32
//! look-alike, an emulator, a user-space network stack, a SAN service provider.
//!
//! Such code must remember which FD_XXX events happened on each socket, and with which error codes. When something
//! happens, it must set an event object, which threads wait for. When WSPEnumNetworkEvents asks for the record, it must
//! hand it over exactly once: record, clear, reset, in this order, without losing an event or a wake-up. This crate is
//! that part, complete: one [`NetworkEventRecorder`] for each socket.
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
//! socket.record(NetworkEvent::Connect, Err(WsaError::WSAECONNREFUSED));
//!
//! // The switch wakes up and calls WSPEnumNetworkEvents.
//! event.wait();
//! let report = socket.enumerate_and_reset(&event)?;
//! assert_eq!(report.to_string(), "FD_CONNECT: WSAECONNREFUSED (10061)");
//! assert!(!event.is_set());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A provider looks at the socket and records what it sees under the lock of the socket
//! ([`record_unsignaled`](NetworkEventRecorder::record_unsignaled)), and signals after it (R9). The [`guide`] shows how.
//! It goes from an empty file to a working provider, and has a page for each kind of code that implements sockets.
//!
//! What is promised stands in the [`contract`], in numbered rules, from V1 (the ten events) to P5 (a call that races a
//! close). The documentation, the code and the tests name them wherever they apply. How each promise is checked:
//! [`reliability`]; what a call costs: [`performance`].
//!
//! # The parts, bottom to top
//!
#![doc = include_str!("../docs/pictures/rooms.svg")]
//!
//! | part | what it is |
//! |---|---|
//! | [`NetworkEvent`], [`NetworkEvents`] | one of the ten events; a set of them, `lNetworkEvents` |
//! | [`WsaError`], [`RecorderError`], [`ProviderError`], [`SignalError`] | the Winsock codes; the errors of this crate's calls, each with its code for `lpErrno` |
//! | [`latching`], [`ReenablingCall`] | providers that report conditions: which events latch, and which call re-enables them |
//! | [`Report`] | what one enumeration carried, by value |
//! | [`EventSignal`], [`ManualResetEvent`] | the event object as a recorder sees it; one for the threads of a process, on every OS |
//! | [`AsyncEvent`] | an event object for tasks, in every async runtime (feature `async`) |
//! | [`unix`] | an event object for pollers, a file descriptor (feature `pollable`, on Unix) |
//! | [`win32`] | the event objects of Windows (on Windows) |
//! | [`NetworkEventRecorder`] | the record of one socket: record, select, enumerate, withdraw, re-enable, renew, inherit, close |
//! | [`Provider`], [`event_select`], [`enum_network_events`], [`SocketTable`] | the two calls over descriptors and handles; a table of descriptors |
//! | [`spi`] | the two calls with their C signatures, for a WSPPROC_TABLE |
//! | [`wsa`] | the same two as programs call them, for a look-alike of ws2_32 |
//! | [`Traced`] | a wrapper around an event object or a recorder that traces its calls (feature `tracing`) |
//!
//! Use as many of these layers as you need. A driver with event objects of its own uses the recorder and implements
//! [`EventSignal`]. A look-alike with its own handle table also implements [`Provider`]. A provider DLL also puts the
//! functions of [`spi`] into its procedure table, and a look-alike exports those of [`wsa`].
//!
//! # Features
//!
//! - `std` (default): [`ManualResetEvent`] and [`SocketTable`]; conversions from and to `std::io::Error`. A panic does
//!   not cross the C boundary but becomes WSAENETDOWN. An event object that selects on its own recorder gets an error
//!   instead of a hang (K4). On Windows also [`win32`], which depends on windows-sys.
//! - `alloc`: [`EventSignal`] for `Arc<T>` and `Box<T>`. Part of `std`.
//! - `pollable`: the event object of [`unix`], which depends on rustix. No effect on Windows. Needs `std`.
//! - `async`: [`AsyncEvent`]. Needs `alloc`; without `std` it lacks the wait that blocks a thread.
//! - `tracing`: [`Traced`], which depends on tracing, without its `std`. Needs `alloc`.
//!
//! Without features the crate needs only `core` (K7), and on every target 64-bit atomics.
//!
// What this build does not have is on docs.rs.
#![cfg_attr(
    not(feature = "std"),
    doc = "[`guide`]: https://docs.rs/wsp-events/latest/wsp_events/guide/index.html"
)]
#![cfg_attr(
    not(feature = "std"),
    doc = "[`ManualResetEvent`]: https://docs.rs/wsp-events/latest/wsp_events/struct.ManualResetEvent.html"
)]
#![cfg_attr(
    not(feature = "std"),
    doc = "[`SocketTable`]: https://docs.rs/wsp-events/latest/wsp_events/struct.SocketTable.html"
)]
#![cfg_attr(
    not(feature = "async"),
    doc = "[`AsyncEvent`]: https://docs.rs/wsp-events/latest/wsp_events/struct.AsyncEvent.html"
)]
#![cfg_attr(
    not(feature = "tracing"),
    doc = "[`Traced`]: https://docs.rs/wsp-events/latest/wsp_events/struct.Traced.html"
)]
#![cfg_attr(
    not(all(unix, feature = "pollable")),
    doc = "[`unix`]: https://docs.rs/wsp-events/latest/wsp_events/unix/index.html"
)]
#![cfg_attr(
    not(all(windows, feature = "std")),
    doc = "[`win32`]: https://docs.rs/wsp-events/latest/x86_64-pc-windows-msvc/wsp_events/win32/index.html"
)]
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
mod handle;
pub mod latching;
mod panics;
// The examples of some modules use an event object of `std`. Without `std` rustdoc cannot run them, and does not see these
// modules. (A plain `cfg` would make docs.rs say that they need `std`.)
#[cfg_attr(all(doctest, not(feature = "std")), cfg(false))]
mod provider;
#[cfg_attr(all(doctest, not(feature = "std")), cfg(false))]
mod recorder;
mod report;
mod signal;
#[cfg_attr(all(doctest, not(feature = "std")), cfg(false))]
pub mod spi;
mod sync;
#[cfg(feature = "tracing")]
#[cfg_attr(all(doctest, not(feature = "std")), cfg(false))]
mod traced;
#[cfg_attr(all(doctest, not(feature = "std")), cfg(false))]
pub mod wsa;

#[cfg(feature = "std")]
pub use error::TableFull;
pub use error::{Outcome, ProviderError, RecorderError, SignalError, WsaError};
pub use event::{FD_MAX_EVENTS, NetworkEvent, NetworkEvents};
pub use handle::{INVALID_SOCKET, SOCKET, WSAEVENT};
pub use latching::call::ReenablingCall;
#[cfg_attr(all(doctest, not(feature = "std")), cfg(false))]
pub use provider::{Provider, enum_network_events, enum_network_events_with, event_select};
#[cfg(feature = "std")]
pub use provider::{Removed, SocketRef, SocketTable};
#[cfg_attr(all(doctest, not(feature = "std")), cfg(false))]
pub use recorder::{NetworkEventRecorder, Recorded, Unsignaled, Wake};
pub use report::{Outcomes, Report};
#[cfg(feature = "async")]
pub use signal::AsyncEvent;
pub use signal::EventSignal;
#[cfg(feature = "std")]
pub use signal::ManualResetEvent;
#[cfg(all(unix, feature = "pollable"))]
pub use signal::unix;
#[cfg(all(windows, feature = "std"))]
pub use signal::win32;
#[cfg(feature = "tracing")]
#[cfg_attr(all(doctest, not(feature = "std")), cfg(false))]
pub use traced::Traced;

// Pages of documentation, and no part of the library. Where a link is defined twice the first definition counts: here
// it leads to a module, in the file itself to another file.
#[cfg(any(doc, doctest))]
#[cfg_attr(docsrs, doc(auto_cfg = false))]
#[doc = include_str!("../docs/CONTRACT.md")]
pub mod contract {}

#[cfg(any(doc, doctest))]
#[cfg_attr(docsrs, doc(auto_cfg = false))]
#[doc = "[contract]: crate::contract"]
#[doc = include_str!("../docs/RELIABILITY.md")]
pub mod reliability {}

#[cfg(any(doc, doctest))]
#[cfg_attr(docsrs, doc(auto_cfg = false))]
#[doc = "[cost]: #the-plots"]
#[doc = "[sockets]: #the-plots"]
#[doc = "[threads]: #the-plots"]
#[doc = "[sharing]: #the-plots"]
#[doc = include_str!("../docs/PERFORMANCE.md")]
#[doc = "# The plots\n"]
#[doc = include_str!("../docs/cost.svg")]
#[doc = ""]
#[doc = include_str!("../docs/sockets.svg")]
#[doc = ""]
#[doc = include_str!("../docs/threads.svg")]
#[doc = ""]
#[doc = include_str!("../docs/sharing.svg")]
pub mod performance {}

#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
