//! The cases.

pub mod bursts;
pub mod drain;
pub mod large;
pub mod service;
pub mod two_threads;
