//! What `park` and the leader of `os` are made of: here the standard library's, in their model (tests/leader_model) loom's.

#[cfg(unix)]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
