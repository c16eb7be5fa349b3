//! The event objects of Windows, and the C boundary in the types of `windows-sys`: a file a section of
//! docs/CONTRACT.md, each test named after the rule it holds in place. They run on Windows, and under
//! Wine (`.ci/windows`).
#![cfg(windows)]

mod e;
mod k;
mod p;
mod s;
mod support;
mod v;
