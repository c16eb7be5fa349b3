//! A Winsock service provider as a DLL: TCP and UDP, over IPv4 and IPv6.
//!
//! It exports WSPStartup, which fills the WSPPROC_TABLE of the program that loads the DLL: ws2_32, a SAN switch, or
//! the test `ws2/tests/provider_dll`. Its sockets are those of the library `ws2`. It has no code of its own for
//! network events: WSPEventSelect and WSPEnumNetworkEvents are those of `wsp-events`.
//!
//! | | |
//! |---|---|
//! | `startup` | WSPStartup and WSPCleanup |
//! | `functions` | the functions of the table |
//! | `boundary` | what these share: answers, addresses and buffers in C |
//!
//! As the SPI has it, a socket is blocking until FIONBIO or WSPEventSelect makes it non-blocking (S9).
//!
//! A provider in real use also has the functions that are missing in the table, overlapped operations, and socket
//! handles that the whole system knows (WPUCreateSocketHandle).
//!
//! `cargo build -p ws2 --example provider_dll --target x86_64-pc-windows-gnu` makes `provider_dll.dll`. On other
//! systems than Windows this is empty.

#[cfg(windows)]
mod boundary;
#[cfg(windows)]
mod functions;
#[cfg(windows)]
mod startup;

#[cfg(windows)]
pub use startup::WSPStartup;
