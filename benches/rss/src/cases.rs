//! The cases.

pub mod bursts;
pub mod drain;
pub mod two_threads;
