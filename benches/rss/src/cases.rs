//! The cases.

pub mod bursts;
pub mod drain;
pub mod service;
pub mod two_threads;
