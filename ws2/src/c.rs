//! The C face: the functions of `winsock2.h`, `ws2tcpip.h` and `windows.h`, for C programs on Unix. README.md says how
//! to compile a program with them.
//!
//! # Names
//!
//! Where the C library has a function of the same name, ours begins with `ws2_`, and the header makes one of the other.
//!
//! # Errors
//!
//! As the reference has them, in its order: WSANOTINITIALISED, WSAENOTSOCK, then the arguments, WSAEFAULT before
//! WSAEINVAL, then the state of the socket. Nothing is received, accepted or changed before the arguments are checked.
//! `boundary` says which pointers are answered with WSAEFAULT. A pointer to memory that is not there is not found: the
//! program ends by a signal, where Windows answers WSAEFAULT.
//!
//! # The end of a Winsock
//!
//! The last WSACleanup closes all sockets. Calls that wait return WSAEINTR, and it waits for them. Then nothing is
//! left: no thread, no descriptor, no memory but a few kilobytes that stay for the next WSAStartup. Event objects stay,
//! as on Windows.
//!
//! # Forks
//!
//! A child that was forked has no thread but one, and whatever another thread had locked stays locked. So it has none
//! of its parent's handles, of sockets or of event objects, and every call answers as before the first WSAStartup. It
//! can call WSAStartup itself.
//!
//! # Threads that end inside a call
//!
//! No call is a cancellation point (pthread_cancel). A thread that is cancelled while it waits in a call ends when the
//! call has ended: closesocket, for example, ends it. So no thread takes a lock with it, or data that it has received.

#![allow(non_snake_case, reason = "Winsock's own names")]

mod address;
mod boundary;
mod control;
mod events;
mod select;
mod sockets;
mod startup;
mod system;
mod transfer;
