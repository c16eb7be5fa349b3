//! Scripts of socket operations, and what a program sees at each step. Two tests play them: `stream` in our
//! provider, on every system; `referee` in Winsock too, and compares.
//!
//! | file | what it contains |
//! |---|---|
//! | `script` | the operations |
//! | `world` | the calls that the operations are made of, and how a world comes to rest |
//! | `ours` | these calls, as our provider has them |
//! | `player` | plays operations in a world |
//! | `measured` | fixed scripts: what was measured of Winsock |
//! | `exceptions` | where Winsock and our provider differ, and the rule that makes ours right |

mod exceptions;
pub(crate) mod measured;
pub(crate) mod ours;
pub(crate) mod player;
pub(crate) mod script;
pub(crate) mod world;
