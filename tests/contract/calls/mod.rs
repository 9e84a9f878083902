//! Every call does what it says, on a cache and on a pool, in every mode.

#[macro_use]
#[path = "../common/mod.rs"]
mod common;

mod addresses;
mod batches;
mod blocks;
mod bulk;
mod lent;
mod raw;
mod shared;
mod single;
