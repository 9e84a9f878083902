//! The interface of the crate `buffer-pool` 0.2.1, with which a CDN proxy pools its buffers, over pages of a pool.
//!
//! A program written for that crate names this one in its `use`, and compiles. What was the memory of a
//! [`ConsumeBuffer`], a `Vec` that wandered through queues, is a page: it comes from the [`Pool`], through a cache of
//! the thread, and goes home when the buffer is dropped, on any thread. There are as many pages as the original would
//! have kept values, each as large as those that it kept. Beyond that the heap serves, as it did: no call fails.
//!
//! What differs:
//! - The limit is of buffers that have a page, not of those that lie idle. Who comes later gets memory from the heap.
//!   It is freed when the buffer is dropped, and not kept.
//! - Who writes more than a page holds gets a block: 2ⁿ neighbouring pages of the same limit, one slice, which go home
//!   when the buffer is dropped. Where no block is whole, or none is that large, the heap serves.
//! - [`Pool::get`] has a page at once, where the original's may have no memory yet.
//! - `S` is only for values that own memory of the heap, such as `Vec<u8>`. They are kept in lists, as the original
//!   does: a page cannot be the memory of a `Vec`.
//! - There are no gauges of a crate for metrics. [`Pool::pages`] has figures, and their text for Prometheus.
//! - [`ConsumeBuffer::into_vec`] copies what is in a page. [`ConsumeBuffer::expand`] panics at once if more is
//!   consumed, and not when the bytes are next looked at.
//! - All bytes that can be seen are initialised. `expand` of the original shows memory that nobody wrote.
//!
//! The program of this package restates what a proxy does, and runs it over both by turns:
//!
//! ```text
//! cargo run --release -p sharded             # the demo: every byte checked, and figures
//! cargo run --release -p sharded -- --quick  # the same in some seconds
//! ```

mod buffer;
mod caches;
mod io;
mod pages;
mod pool;
mod reuse;

pub use buffer::ConsumeBuffer;
pub use io::{PooledBuf, RawPoolBufDatagramIo, RawPoolBufIo};
#[doc(hidden)]
pub use pages::Pages;
pub use pool::{Pool, Pooled};
pub use reuse::Reuse;

/// The guide shows an `ArrayQueue`: here the doctests of the page use the crate itself.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/locked_vec.md")]
struct LockedVec;
