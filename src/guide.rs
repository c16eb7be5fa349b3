//! Guides: how to write a provider, and how to embed the crate in each kind of code that plays the socket
//! side. Every program on these pages is compiled and run by the tests.
//!
#![doc = include_str!("../docs/pictures/timeline.svg")]
//!
//! What the crate does for you is this picture, on every thread and in every order: what happens while a
//! report is taken is neither lost nor left without a wake-up.
//!
//! | you write | read |
//! |---|---|
//! | your first provider | [`provider`]: from an empty file to a working one, in six steps |
//! | a DLL that ws2_32, or a SAN switch, loads | [`dll`] |
//! | a driver without `std` | [`driver`] |
//! | ws2_32 itself for programs on Linux or macOS | [`look_alike`] |
//! | a provider over a poller, which reports conditions | [`latching`](crate::latching) |
//! | your own event object, or none of your own | [`event_objects`] |
//!
//! These modules are in the documentation alone, and no part of the library.

#![allow(unused_imports, reason = "the imports are for the links of the pages")]

pub mod provider {
    #![doc = include_str!("../docs/guide/PROVIDER.md")]
    //! # The whole of it
    //!
    #![doc = include_str!("../docs/pictures/embedding.svg")]
    //!
    //! ```
    #![doc = include_str!("../examples/first_provider.rs")]
    //! ```
    //!
    //! # What comes next
    //!
    //! - Your sockets come from a poller, which says "readable" for as long as it is true? Make the recorders
    //!   with [`with_latching`](crate::NetworkEventRecorder::with_latching): see [`latching`].
    //! - An accepted socket begins with its listener's selection:
    //!   [`inherit`](crate::NetworkEventRecorder::inherit) (S8).
    //! - What happens together, a connection and room to send, is recorded as one step:
    //!   [`record_all`](crate::NetworkEventRecorder::record_all) (R5).
    //! - A selection makes the socket non-blocking, and you may watch for just those events:
    //!   [`Provider::selected`] (S9).
    //! - A second descriptor of the same socket: [`SocketTable::duplicate`] (P4).
    //! - The rules by number are in `docs/CONTRACT.md`; the example `loopback_provider` shows some of them
    //!   at work over real TCP sockets.
    use crate::guide::*;
    use crate::spi::*;
    use crate::*;
}

pub mod dll {
    #![doc = include_str!("../docs/guide/DLL.md")]
    use crate::*;
}

pub mod driver {
    #![doc = include_str!("../docs/guide/DRIVER.md")]
    use crate::*;
}

pub mod look_alike {
    #![doc = include_str!("../docs/guide/LOOK_ALIKE.md")]
    use crate::guide::*;
    use crate::spi::*;
    use crate::*;
}

pub mod event_objects {
    #![doc = include_str!("../docs/guide/EVENT_OBJECTS.md")]
    use crate::*;
}
