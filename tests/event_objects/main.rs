//! The event objects. `common` has the tests that all of them pass: each is manual-reset, and no wake-up is lost when
//! threads set, reset and wait at the same time. Beside it is a file for each kind, with what only that kind does, and
//! the models of the protocols (`.ci/threads loom`).
#![cfg(feature = "std")]

/// Makes each test of a list for each type of a list, in a module for each type: `RUN(test::<TYPE>)`.
macro_rules! for_each {
    ($run:ident, $tests:tt, {$($(#[$attribute:meta])* $kind:ident: $object:ty,)*}) => {$(
        $(#[$attribute])*
        mod $kind {
            for_each!($run, $object, $tests);
        }
    )*};
    ($run:ident, $object:ty, [$($test:ident),* $(,)?]) => {$(
        #[test]
        fn $test() {
            super::$run(super::$test::<$object>);
        }
    )*};
}

#[cfg(all(feature = "async", not(wsp_loom)))]
mod async_event;
#[cfg(not(wsp_loom))]
mod common;
#[cfg(not(wsp_loom))]
mod manual_reset;
#[cfg(all(feature = "async", wsp_loom))]
mod models;
#[cfg(all(unix, feature = "pollable", not(wsp_loom)))]
mod pollable;
