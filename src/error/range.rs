//! Why a range of pages cannot go offline or come back.

use core::fmt;

use super::Count;
use crate::page::PageId;

/// Why a range of pages did not come online, or go offline. Nothing has changed.
///
/// ```
/// # use pagesheaf::{PageId, Pool, RangeError};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).initially(50).build()?;
/// // SAFETY: the pages are refused: they are online.
/// let error = unsafe { pool.online(7..10) }.expect_err("they are online");
/// assert_eq!(error, RangeError::AlreadyOnline { page: PageId::new(7) });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeError {
    /// The pool was built without [`Builder::initially`](crate::Builder::initially).
    FixedSize,
    /// The range ends before it starts.
    Backwards {
        /// The first page.
        start: u32,
        /// The page behind the last one.
        end: u32,
    },
    /// The range has pages that the pool has not.
    PastTheEnd {
        /// The page behind the last one.
        end: u32,
        /// How many pages the pool can have.
        capacity: u32,
    },
    /// Pages were to come online, and this one is online.
    AlreadyOnline {
        /// The first such page.
        page: PageId,
    },
    /// Pages were to come online, and the state of this one says that somebody has it, though it is marked as offline.
    /// Modes that check find that its metadata has been overwritten.
    Corrupt {
        /// The first such page.
        page: PageId,
    },
    /// Pages were to go offline, and all of them are offline.
    AlreadyOffline {
        /// The first of them.
        page: PageId,
    },
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            RangeError::FixedSize => {
                f.write_str(
                    "the pool is of a fixed size: build it with Builder::initially(pages), ",
                )?;
                f.write_str("which may be all of them, to have pages offline")
            }
            RangeError::Backwards { start, end } => {
                write!(f, "the range ends at page {end}, before it starts at page {start}: ")?;
                f.write_str("name the first page first, and then the one behind the last")
            }
            RangeError::PastTheEnd { end, capacity } => {
                let capacity = Count(capacity.into(), "page");
                write!(f, "the range ends at page {end}, and the pool can have {capacity}: ")?;
                f.write_str("tell Pool::builder the most that it will ever have")
            }
            RangeError::AlreadyOnline { page } => {
                write!(f, "{page} is online already: name pages that are offline, ")?;
                f.write_str("which Pool::is_offline tells; none has come online")
            }
            RangeError::Corrupt { page } => {
                write!(
                    f,
                    "{page} is marked as offline, but its state says that somebody has it, "
                )?;
                f.write_str("so the pool's metadata is corrupt: look for what wrote there; the ")?;
                f.write_str("pages beside it can come online")
            }
            RangeError::AlreadyOffline { page } => {
                write!(f, "{page} is offline already, and so are all pages of the range: ")?;
                f.write_str("call Pool::online to bring them back")
            }
        }
    }
}

impl core::error::Error for RangeError {}
