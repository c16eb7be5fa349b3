//! Panics of foreign code, of the program's event objects for example: where they must not go on.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Makes a call; `None` if it panics. The payload is foreign as well: dropping it may panic once more.
pub(crate) fn contain<R>(call: impl FnOnce() -> R) -> Option<R> {
    let dropped = |payload| {
        catch_unwind(AssertUnwindSafe(|| drop(payload))).unwrap_or_else(mem::forget);
    };
    catch_unwind(AssertUnwindSafe(call)).map_err(dropped).ok()
}
