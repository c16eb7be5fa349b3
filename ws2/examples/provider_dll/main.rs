//! A Winsock service provider as a DLL: TCP on the loopback interface.
//!
//! The export is WSPStartup, which fills the WSPPROC_TABLE of whoever loads the DLL: ws2_32, a SAN switch,
//! or the test `ws2/tests/provider_dll`. Its sockets are those of the library `ws2`, and there is nothing in it for
//! network events: WSPEventSelect and WSPEnumNetworkEvents are those of `wsp-events`.
//!
//! | | |
//! |---|---|
//! | `startup` | WSPStartup and WSPCleanup |
//! | `functions` | the functions of the table |
//! | `boundary` | what they share: answers, addresses, buffers in C |
//!
//! What a provider in real use has beside this: the functions that are missing in the table, blocking
//! calls (here every socket is non-blocking from the beginning), overlapped operations, IPv6, and handles
//! for its sockets that the whole system knows (WPUCreateSocketHandle).
//!
//! `cargo build -p ws2 --example provider_dll --target x86_64-pc-windows-gnu` makes `provider_dll.dll`. Where
//! there is no Winsock, this is empty.

#[cfg(windows)]
mod boundary;
#[cfg(windows)]
mod functions;
#[cfg(windows)]
mod startup;

#[cfg(windows)]
pub use startup::WSPStartup;
