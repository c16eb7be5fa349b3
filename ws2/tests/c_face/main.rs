//! The C face, called as C calls it. (`tests/c` has programs in C, whose output is compared with that of Windows; here
//! is what they cannot show: bad arguments, the process, and threads that end.)
#![cfg(unix)]

mod api;
mod arguments;
mod forks;
mod options;
mod sockets;
mod startup;
mod texts;
#[cfg(target_os = "linux")]
mod threads;
