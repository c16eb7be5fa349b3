//! The record of one socket. From bottom to top: the prose of how threads share it, the word and its
//! transitions, the word with its cells, the guards of the event object, what recording answers, the calls.

mod calls;
mod held;
mod inside;
mod protocol;
mod recorded;
mod shared;
mod state;

pub use calls::NetworkEventRecorder;
pub use recorded::{Recorded, Unsignaled};
pub use state::Wake;
