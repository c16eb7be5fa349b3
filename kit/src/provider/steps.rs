//! One step of a whole provider, and what it shows to its caller: the words that the `model`, the `library` and the
//! generators of steps have in common.

use wsp_events::{INVALID_SOCKET, NetworkEvents};

use crate::event_object::{Call, Script};
use crate::vocabulary::{Answer, Operation};

/// What a descriptor or a handle may be.
#[derive(Clone, Copy, Debug)]
pub enum Name {
    /// By its place in the order of those that were given out. It may be stale (P1).
    Given(usize),
    /// A value that is never given out.
    Never(usize),
}

impl Name {
    /// What it names, if anything. The names have the order in which they were given out.
    pub fn in_names(self, names: &[Option<usize>]) -> Option<usize> {
        match self {
            Self::Given(at) => names[at],
            Self::Never(_) => None,
        }
    }
}

pub const NO_DESCRIPTORS: [usize; 5] = [0, 1, 0xFFFF, INVALID_SOCKET - 1, INVALID_SOCKET];

#[derive(Clone, Copy, Debug)]
pub enum Pointer {
    Null,
    Aligned,
    Misaligned,
}

/// Through which functions of the library a call goes.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// Those of a WSPPROC_TABLE, which look for the current instance; there is none while the subsystem is down.
    Table,
    /// The C functions over an instance.
    C,
    Rust,
}

/// What WSPEventSelect and WSPEnumNetworkEvents are both passed.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    pub descriptor: Name,
    pub handle: Name,
    pub way: Way,
    /// `lpErrno`, which the Rust functions do not have.
    pub errno: Pointer,
}

#[derive(Clone, Debug)]
pub enum Transition {
    /// Under a new descriptor, or under a closed one, which is reused.
    OpenSocket {
        latching: NetworkEvents,
        reused: Option<usize>,
    },
    /// A socket is accepted on the one that the descriptor names (S8).
    Accept(Name),
    Duplicate(Name),
    CloseDescriptor(Name),
    /// By the number of the socket. A close ends its record while its descriptors are still there, as for a call that
    /// has looked its socket up just before a close (P5).
    Operate(usize, Operation),
    /// With the mask.
    Select(Passed, i32),
    /// With `lpNetworkEvents`.
    Enumerate(Passed, Pointer),
    /// Under a new handle, or under a closed one, which is reused.
    OpenEvent {
        reused: Option<usize>,
    },
    CloseEvent(Name),
    /// By the number of the event object.
    Arm(usize, Call, Script),
    ApplicationResets(Name),
    SubsystemIsUp(bool),
}

/// What a step shows to its caller.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Answer(Answer),
    /// How many descriptors the socket has left.
    Removed(usize),
    /// With the report as a C struct.
    Rust {
        answer: Answer,
        out: Memory,
    },
    C {
        returned: i32,
        errno: Memory,
        out: Memory,
    },
}

/// Memory that a C function gets a pointer into. It starts full of sentinels, and is compared byte by byte (E2, E7,
/// E10).
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

    /// What a function writes through a pointer: an `int`, by its index in the struct there.
    pub fn write(&mut self, pointer: Pointer, index: usize, int: i32) {
        if let Some(offset) = Self::offset(pointer) {
            let at = offset + 4 * index;
            self.0[at..at + 4].copy_from_slice(&int.to_ne_bytes());
        }
    }
}
