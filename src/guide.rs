//! Guides: how to write a provider, and how to embed the crate in each kind of code that implements sockets. Every
//! program on these pages is compiled and run by the tests.
//!
#![doc = include_str!("../docs/pictures/timeline.svg")]
//!
//! The picture shows what the crate does for you, on every thread and in every order. An event that is recorded while a
//! report is taken is not lost, and the event object is set for it.
//!
//! | you write | read |
//! |---|---|
//! | your first provider | [`provider`]: from an empty file to a working one, in six steps |
//! | a DLL that ws2_32 or a SAN switch loads | [`dll`] |
//! | a driver without `std` | [`driver`] |
//! | ws2_32 itself, for programs on Linux or macOS | [`look_alike`] |
//! | a provider over a poller, which reports conditions | [`poller`], and [`latching`](crate::latching) |
//! | a runtime for 32-bit programs, with their memory and their handles | [`emulator`] |
//! | the provider in C or C++ | [`c`] |
//! | an event object, or you choose one | [`event_objects`] |
//! | for applications that select auto-reset event objects | [`auto_reset`] |
//! | WSAWaitForMultipleEvents: a wait for several event objects | [`waiting`] |
//! | the socket calls themselves: which event, which code, and what your operating system says instead | [`sockets`] |
//!
//! These modules exist in the documentation only.

#![allow(unused_imports, reason = "the imports are for the links of the pages")]

pub mod provider {
    #![doc = "[other]: crate::latching#what-the-other-order-does"]
    #![doc = include_str!("../docs/guide/PROVIDER.md")]
    //! # The complete file
    //!
    #![doc = include_str!("../docs/pictures/embedding.svg")]
    //!
    //! ```
    #![doc = include_str!("../examples/first_provider.rs")]
    //! ```
    //!
    //! # What comes next
    //!
    //! - Your sockets come from a poller, which says "readable" as long as it is true? Create the recorders with
    //!   [`with_latching`](crate::NetworkEventRecorder::with_latching); see [`poller`] and [`latching`].
    //! - An accepted socket starts with its listener's selection:
    //!   [`inherit`](crate::NetworkEventRecorder::inherit) (S8).
    //! - Events that happen together, such as a connection and room to send, are recorded as one step:
    //!   [`record_all`](crate::NetworkEventRecorder::record_all) (R5).
    //! - A selection makes the socket non-blocking, and you need to watch only for the selected events:
    //!   [`Provider::on_selected`] (S9).
    //! - A second descriptor of the same socket: [`SocketTable::duplicate`] (P4).
    //! - Sockets of a 32-bit program: a descriptor fits into 32 bits, signed or unsigned (P1).
    //! - All rules by number: the [`contract`]. The example `loopback_provider` shows some of them at work over real
    //!   TCP sockets.
    use crate::guide::*;
    use crate::spi::*;
    use crate::*;
}

pub mod dll {
    #![doc = include_str!("../docs/guide/DLL.md")]
    use crate::guide::*;
    use crate::*;
}

pub mod driver {
    #![doc = include_str!("../docs/guide/DRIVER.md")]
    use crate::guide::*;
    use crate::*;
}

pub mod look_alike {
    #![doc = include_str!("../docs/guide/LOOK_ALIKE.md")]
    use crate::guide::*;
    use crate::*;
}

pub mod emulator {
    #![doc = include_str!("../docs/guide/EMULATOR.md")]
    use crate::guide::*;
    use crate::*;
}

pub mod c {
    #![doc = include_str!("../docs/guide/C.md")]
    use crate::guide::*;
    use crate::spi::*;
    use crate::*;
}

pub mod poller {
    #![doc = "[latching]: crate::latching"]
    #![doc = "[other]: crate::latching#what-the-other-order-does"]
    #![doc = include_str!("../docs/guide/POLLER.md")]
    use crate::*;
}

pub mod event_objects {
    #![doc = include_str!("../docs/guide/EVENT_OBJECTS.md")]
    use crate::guide::*;
    use crate::*;
}

pub mod auto_reset {
    #![doc = include_str!("../docs/guide/AUTO_RESET.md")]
    use crate::guide::*;
    use crate::*;
}

pub mod waiting {
    #![doc = include_str!("../docs/guide/WAITING.md")]
    use crate::guide::*;
    use crate::*;
}

pub mod sockets {
    #![doc = include_str!("../docs/guide/SOCKETS.md")]
    use crate::guide::*;
    use crate::*;
}
