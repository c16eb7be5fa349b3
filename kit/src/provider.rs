//! A whole provider: descriptors, handles, and the C functions around the recorders.

pub mod library;
pub mod model;
pub mod steps;
