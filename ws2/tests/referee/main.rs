//! Winsock as the referee: ws2_32 and our provider play the same scripts of socket operations in one process.
//! What a program could see is compared after every step.
//!
//! | file | what it contains |
//! |---|---|
//! | `scripts` (shared with the test `stream`) | the fixed scripts, our provider, and what plays a script |
//! | `winsock` | the calls of ws2_32 |
//! | `referee` | plays in both worlds, and names the first step at which they differ |
//! | `alone` | what cannot be in the shared tables: it ends the process, or takes more steps in one world than in the other |
//! | `random` | random scripts |
//!
//! The referee may be Wine's ws2_32. Where Wine differs from Windows as programs know it, that is an exception
//! like any other. In both worlds every event latches once it is recorded (L1), so that a new arrival of FD_READ,
//! FD_OOB or FD_ACCEPT is not recorded either. Wine does so, and so does a provider of conditions such as ours.
#![cfg(windows)]

mod alone;
mod random;
mod referee;
#[path = "../scripts/scripts.rs"]
mod scripts;
mod winsock;

use referee::{agree, differ};
