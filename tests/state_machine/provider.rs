//! A whole provider: sockets by descriptor in a `SocketTable`, event objects by handle, and the switch's
//! calls on them, through the C functions and through the Rust ones beneath.
//!
//! Here are the moves and what they show; `reference` says what they must show, `library` makes them.

mod library;
mod reference;

use proptest_state_machine::prop_state_machine;
use wsp_events::INVALID_SOCKET;

use crate::model::{Answer, Call, Operation, Script};
use crate::socket::Events;
use library::TestProvider;

prop_state_machine! {
    #![proptest_config(crate::config(384))]

    #[test]
    fn e9_provider_agrees_with_the_plain_model(sequential 1..200 => TestProvider);
}

/// What a descriptor or a handle may be.
#[derive(Clone, Copy, Debug)]
enum Name {
    /// The one that was given out so many others before; it may be stale by now (P1).
    Given(usize),
    /// A value that is never given out.
    Never(usize),
}

const NO_DESCRIPTORS: [usize; 5] = [0, 1, 0xFFFF, INVALID_SOCKET - 1, INVALID_SOCKET];
/// Null comes most often: it has a meaning of its own (E6, S4).
const NO_HANDLES: [usize; 5] = [0, 0, 0, 7, usize::MAX];

#[derive(Clone, Copy, Debug)]
enum Pointer {
    Null,
    Aligned,
    Misaligned,
}

/// Which of the two ways into the library a call takes.
#[derive(Clone, Copy, Debug)]
enum Way {
    C { errno: Pointer },
    Rust,
}

#[derive(Clone, Debug)]
enum Transition {
    OpenSocket {
        latching: Events,
    },
    /// A socket that is accepted on the one that the descriptor names (S8).
    Accept(Name),
    Duplicate(Name),
    CloseDescriptor(Name),
    /// The socket's record ends while its descriptors are still there, as for a call that has looked
    /// its socket up just before a close (P5).
    CloseRecord(usize),
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
    OpenEvent,
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
enum Outcome {
    SubsystemFailed,
    NotASocket,
    InvalidEventObject,
    NullOutput,
    /// As the recorder answers.
    Recorder(Answer),
}

/// What a step shows to whoever made it.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Nothing,
    Recorder(Answer),
    NewDescriptor(bool),
    /// How many descriptors the socket has left, if there was one.
    Removed(Option<usize>),
    Rust(Outcome),
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
struct Memory([u8; 56]);

impl Memory {
    const SENTINEL: Self = Self([0xA5; 56]);

    fn offset(pointer: Pointer) -> Option<usize> {
        match pointer {
            Pointer::Null => None,
            Pointer::Aligned => Some(4),
            Pointer::Misaligned => Some(5),
        }
    }

    fn pointer<T>(&mut self, pointer: Pointer) -> *mut T {
        match Self::offset(pointer) {
            None => std::ptr::null_mut(),
            Some(offset) => self.0[offset..].as_mut_ptr().cast(),
        }
    }

    /// What a C `int`, the `index`-th behind the pointer, looks like.
    fn with_int(mut self, pointer: Pointer, index: usize, int: i32) -> Self {
        if let Some(offset) = Self::offset(pointer) {
            let at = offset + 4 * index;
            self.0[at..at + 4].copy_from_slice(&int.to_ne_bytes());
        }
        self
    }
}
