//! The cases.

pub mod bursts;
pub mod drain;
pub mod large;
pub mod refills;
pub mod reserve;
pub mod search;
pub mod service;
pub mod two_threads;
