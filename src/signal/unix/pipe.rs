//! A pipe, readable while there is a byte in it: for a Unix without eventfd.
//!
//! It meets the requirement of [`EventSignal`](crate::EventSignal): a kernel takes the pipe's lock in every write, even if
//! the pipe is full, and in every read that takes something. (Linux takes its mutex even in a read that finds nothing.
//! FreeBSD may not, but such a reset wipes nothing out.) A poll takes no lock.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, ioctl_fionbio, read, retry_on_intr, write};

#[derive(Debug)]
pub(crate) struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl Pipe {
    pub(crate) fn new() -> io::Result<Self> {
        // Close-on-exec, like every descriptor of the standard library.
        let (reader, writer) = io::pipe()?;
        let (reader, writer) = (OwnedFd::from(reader), OwnedFd::from(writer));
        ioctl_fionbio(&reader, true)?;
        ioctl_fionbio(&writer, true)?;
        Ok(Self { reader, writer })
    }

    /// Adds a byte. Would block if the pipe is full.
    pub(crate) fn set(&self) -> Result<usize, Errno> {
        retry_on_intr(|| write(&self.writer, &[1]))
    }

    /// Takes all bytes, usually by one read: a read that does not fill the buffer has emptied the pipe. A concurrent set
    /// counts as before this call if it comes before the last read, and otherwise as after it.
    pub(crate) fn reset(&self) -> Result<usize, Errno> {
        let mut bytes = [0_u8; 1024];
        loop {
            let taken = retry_on_intr(|| read(&self.reader, &mut bytes))?;
            if taken < bytes.len() {
                return Ok(taken);
            }
        }
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
