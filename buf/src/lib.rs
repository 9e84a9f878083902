//! Buffers over the pages of [`pagesheaf`]: what a page is to a program that reads and writes streams or packets.
//!
//! - [`PageBuf`]: one page with headroom, bytes that count, and room behind them. It has one owner, who writes it.
//! - [`SharedBuf`]: a part of a page that many hold, by the page's reference count. It is read only, and can be cut.
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
//! Without the feature `std` the crate needs `core` and `alloc`. The feature `bytes` has the traits and the type of the
//! crate of that name.

#![no_std]
#![deny(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "bytes")]
mod bytes;
mod chain;
mod error;
#[cfg(feature = "std")]
mod io;
mod page_buf;
mod range;
mod shared;
mod shared_chain;

pub use chain::BufChain;
pub use error::{NoRoom, NotPrepended};
pub use page_buf::PageBuf;
pub use shared::SharedBuf;
pub use shared_chain::SharedChain;
