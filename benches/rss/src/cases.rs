//! The cases.

pub mod bursts;
pub mod drain;
pub mod large;
pub mod two_threads;
