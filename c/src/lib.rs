//! The recorder of `wsp-events` for C and C++, as a static library without `std` and without an allocator. Its
//! reference is the header, `include/wsp_events.h`; `tests/header.rs` compares the two. `README.md` says how to build it.
//!
//! Built with `--profile c`, where a panic aborts, the library is `no_std` and has a panic handler of its own, which no
//! call reaches (`.ci/c panics`). In any other profile it has the handler of `std`, which says what went wrong: the
//! checks of the workspace need that, and so do our tests of the debug build.

#![no_std]

#[cfg(not(panic = "abort"))]
extern crate std;

mod calls;
mod event_object;
mod memory;

pub use calls::*;
pub use event_object::{EventObject, EventObjectCalls};
pub use memory::{RECORDER_ALIGNMENT, RECORDER_SIZE, Recorder};

/// Required where there is no `std`, and never called.
#[cfg(panic = "abort")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
