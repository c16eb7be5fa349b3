//! One step of a whole provider, and what it shows to whoever made it: the words that the `model`, the
//! `library` and those who choose the steps have in common.

use wsp_events::INVALID_SOCKET;

use crate::event_object::{Call, Script};
use crate::socket::Events;
use crate::vocabulary::{Answer, Operation};

/// What a descriptor or a handle may be.
#[derive(Clone, Copy, Debug)]
pub enum Name {
    /// The one that was given out so many others before; it may be stale by now (P1).
    Given(usize),
    /// A value that is never given out.
    Never(usize),
}

pub const NO_DESCRIPTORS: [usize; 5] = [0, 1, 0xFFFF, INVALID_SOCKET - 1, INVALID_SOCKET];

#[derive(Clone, Copy, Debug)]
pub enum Pointer {
    Null,
    Aligned,
    Misaligned,
}

/// Which of the ways into the library a call takes.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// The functions of a WSPPROC_TABLE, which look for the current instance; there is none while the
    /// subsystem is down.
    Table {
        errno: Pointer,
    },
    /// The same over an instance.
    C {
        errno: Pointer,
    },
    Rust,
}

impl Way {
    /// What `lpErrno` is, if the way has one.
    pub fn errno(self) -> Option<Pointer> {
        match self {
            Self::Table { errno } | Self::C { errno } => Some(errno),
            Self::Rust => None,
        }
    }
}

#[derive(Clone, Debug)]
pub enum Transition {
    /// Under a descriptor of the table's, or under one that it gave out before and that is closed.
    OpenSocket {
        latching: Events,
        reused: Option<usize>,
    },
    /// A socket that is accepted on the one that the descriptor names (S8).
    Accept(Name),
    Duplicate(Name),
    CloseDescriptor(Name),
    /// By the number of the socket. A close ends its record while its descriptors are still there, as for a call that
    /// has looked its socket up just before a close (P5).
    Operate(usize, Operation),
    Select {
        descriptor: Name,
        handle: Name,
        mask: i32,
        way: Way,
    },
    Enumerate {
        descriptor: Name,
        handle: Name,
        out: Pointer,
        way: Way,
    },
    /// Under a handle of its own, or under one that was given out before and is closed.
    OpenEvent {
        reused: Option<usize>,
    },
    CloseEvent(Name),
    Arm {
        object: usize,
        call: Call,
        script: Script,
    },
    ApplicationResets(Name),
    SubsystemIsUp(bool),
}

/// How WSPEventSelect and WSPEnumNetworkEvents end.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    SubsystemFailed,
    NotASocket,
    InvalidEventObject,
    NullOutput,
    /// As the recorder answers.
    Recorder(Answer),
}

/// What a step shows to whoever made it.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Nothing,
    Recorder(Answer),
    NewDescriptor(bool),
    /// How many descriptors the socket has left, if there was one.
    Removed(Option<usize>),
    /// With what the report is as a C struct.
    Rust {
        outcome: Outcome,
        out: Memory,
    },
    C {
        returned: i32,
        errno: Memory,
        out: Memory,
    },
}

/// Memory that a C function gets a pointer into. It starts full of sentinels; the comparison is byte by
/// byte (E2, E7, E10).
#[derive(Clone, Debug, PartialEq)]
#[repr(align(4))]
pub struct Memory([u8; 56]);

impl Memory {
    pub const SENTINEL: Self = Self([0xA5; 56]);

    fn offset(pointer: Pointer) -> Option<usize> {
        match pointer {
            Pointer::Null => None,
            Pointer::Aligned => Some(4),
            Pointer::Misaligned => Some(5),
        }
    }

    pub fn pointer<T>(&mut self, pointer: Pointer) -> *mut T {
        match Self::offset(pointer) {
            None => std::ptr::null_mut(),
            Some(offset) => self.0[offset..].as_mut_ptr().cast(),
        }
    }

    /// What a C `int`, the `index`-th behind the pointer, looks like.
    pub fn with_int(mut self, pointer: Pointer, index: usize, int: i32) -> Self {
        if let Some(offset) = Self::offset(pointer) {
            let at = offset + 4 * index;
            self.0[at..at + 4].copy_from_slice(&int.to_ne_bytes());
        }
        self
    }
}
