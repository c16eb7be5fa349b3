//! Winsock as the referee: one script of socket operations, played by ws2_32 and by our
//! provider, in one process; what a program could see is compared after every step.
//!
//! | file | what it is |
//! |---|---|
//! | `script` | the operations |
//! | `world`, `winsock`, `ours` | the calls, and the two that have them |
//! | `player` | plays operations in a world |
//! | `observation` | what a step shows |
//! | `referee` | plays in both worlds, and names the first step at which they differ |
//! | `measured` | fixed scripts: what was measured of Winsock |
//! | `exceptions` | where the two differ, and the rule that makes us right |
//! | `random` | random scripts |
//!
//! The referee may be Wine's ws2_32. Where that differs from Windows, as programs know it, it is an exception
//! like any other. Both latch every event once it is recorded (L1), also a new arrival of FD_READ, FD_OOB or
//! FD_ACCEPT: that is Wine's way, and a provider's of conditions, as this one is.
#![cfg(windows)]

mod exceptions;
mod measured;
mod observation;
mod ours;
mod player;
mod random;
mod referee;
mod script;
mod winsock;
mod world;
