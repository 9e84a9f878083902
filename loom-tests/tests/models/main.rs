//! The models, a module for each mechanism, from the ground up.

mod closing;
mod common;
mod counters;
mod depot;
mod depots;
mod drain;
mod foreign;
mod ownership;
mod page;
mod poison;
mod pressure;
mod slot;
mod zone;
