//! Buffers over the pages of [`pagesheaf`]: what a page is to a program that reads and writes streams or packets.
//!
//! - [`PageBuf`]: one page with headroom, bytes that count, and room behind them. It has one owner, who writes it.
//! - [`BlockBuf`]: the same over a block of neighbouring pages, for what is longer than a page and must not be cut.
//! - [`SharedBuf`]: a part of a page that many hold, by the page's reference count. It is read only, and can be cut.
//! - [`Tagged`]: a batch of pages with something beside each, such as where in it a packet lies.
//! - [`PageVec`]: a batch that grows.
//! - [`BufChain`]: several pages for a payload that is longer than one; frozen, a [`SharedChain`] that many hold.
//!
//! Dropping the last owner gives the page back to its pool, on any thread.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use pagesheaf::Pool;
//! use pagesheaf_buf::PageBuf;
//!
//! # if Pool::builder(1).build().is_err() { return Ok(()) }
//! let pool = Pool::builder(64).build()?;
//! let mut packet = PageBuf::with_headroom(pool.alloc()?, 64);
//! packet.append(b"payload")?;
//! packet.prepend(b"header ")?;
//! let shared = packet.freeze();
//! let (header, payload) = shared.split_at(7);
//! assert_eq!((&*header, &*payload), (&b"header "[..], &b"payload"[..]));
//! # Ok(())
//! # }
//! ```
//!
//! Without the feature `std` the buffers need `alloc`, a feature of its own, and without both there are none: for
//! kernels that want `Frames` alone. Each other feature is named after the crate whose traits it has:
//!
//! | feature | what it has |
//! |---|---|
//! | `bytes` | `Buf` and `BufMut` for all buffers, `Bytes` from a shared one without a copy |
//! | `compio-buf` | `IoBuf` and `IoBufMut`, for reads and writes of compio |
//! | `monoio` | its `IoBuf` and `IoBufMut` |
//! | `tokio-uring` | its `IoBuf` and `IoBufMut` |
//! | `x86_64` | `Frames`: a cache as the frame allocator of page tables |
//! | `metrics` | `record`, `describe`: a pool's figures for the program's recorder, and what each is |
//!
//! A read of a runtime fills a [`PageBuf`] or a [`BlockBuf`] from its first byte on, as it fills a `Vec`: the headroom
//! stays. With compio and tokio-uring, what counted before and is longer still counts behind; [`OwnedBuf::reset`]
//! before the read leaves nothing of it.

#![no_std]
#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// What is said above speaks of buffers, which are not there then.
#![cfg_attr(not(feature = "alloc"), allow(rustdoc::broken_intra_doc_links))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "alloc")]
mod buffers;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "alloc")]
mod page_vec;
mod tagged;
#[cfg(all(feature = "x86_64", target_arch = "x86_64"))]
mod x86_64;

#[cfg(feature = "alloc")]
pub use buffers::{
    Backing, BlockBuf, BufChain, NoRoom, NotPrepended, OwnedBuf, PageBuf, SharedBuf, SharedChain,
};
#[cfg(feature = "metrics")]
pub use metrics::{describe, record};
#[cfg(feature = "alloc")]
pub use page_vec::PageVec;
pub use tagged::Tagged;
#[cfg(all(feature = "x86_64", target_arch = "x86_64"))]
pub use x86_64::{Frames, NoFrame, RefusedFrame};

#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
