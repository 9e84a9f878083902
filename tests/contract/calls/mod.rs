//! Every call does what it says, on a cache and on a pool, in every mode.

mod addresses;
mod arrays;
mod batches;
mod blocks;
mod boxed;
mod bulk;
mod devices;
mod iterators;
mod large_blocks;
mod lent;
mod pieces;
mod places;
mod raw;
mod shared;
mod single;
