//! Why there is no pool, or no cache.

use core::fmt;

use super::Count;
use crate::mode::ModeFlags;

/// Why a pool was not built.
///
/// ```
/// use pagesheaf::{BuildError, Pool};
///
/// let error = Pool::builder(100).page_size(1000).build().expect_err("not a power of two");
/// assert_eq!(error, BuildError::PageSize { bytes: 1000 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A pool of no pages.
    NoPages,
    /// More than 2³² − 1 pages.
    TooManyPages {
        /// How many were asked for.
        pages: usize,
    },
    /// A page size that is not a power of two of at least 64.
    PageSize {
        /// The size asked for.
        bytes: usize,
    },
    /// The pages, or their metadata, do not fit an address space.
    Overflow,
    /// A magazine of no ids, or of more than 256.
    MagazineCapacity {
        /// The size asked for.
        ids: usize,
    },
    /// No cache slot at all, or more than the magazines can serve.
    MaxCaches {
        /// Owned and shared slots together.
        slots: usize,
    },
    /// Cache lines of color that are none, or more than a page has.
    CacheColor {
        /// The lines asked for.
        lines: usize,
        /// How many a page has.
        most: usize,
    },
    /// The region would go past the top of the address space.
    PastTheTop {
        /// Where it starts.
        base: usize,
        /// The bytes of all pages.
        bytes: usize,
    },
    /// Sampled poison in a mode without poison, or of one page in none.
    PoisonEvery {
        /// One page in so many was asked for.
        pages: u32,
        /// The pool's mode.
        mode: ModeFlags,
    },
    /// Poison that is to be lazy, in a mode without poison.
    PoisonLazily {
        /// The pool's mode.
        mode: ModeFlags,
    },
    /// The region holds fewer bytes than the pages need.
    RegionTooSmall {
        /// What the pages need.
        need: usize,
        /// What the region has.
        have: usize,
    },
    /// The region does not start at a multiple of the page size.
    RegionMisaligned {
        /// The multiple.
        align: usize,
    },
    /// `build_in` was given another base than the region of addresses.
    BaseMismatch,
    /// The metadata memory is too small.
    MetadataTooSmall {
        /// What `metadata_layout` says.
        need: usize,
        /// What was given.
        have: usize,
    },
    /// The metadata memory is not aligned.
    MetadataMisaligned {
        /// What `metadata_layout` says.
        align: usize,
    },
    /// The system refused.
    System {
        /// What was being done.
        what: &'static str,
        /// The system's error number.
        code: i32,
    },
    /// This build or platform cannot do it.
    Unsupported {
        /// What was asked for.
        what: &'static str,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            BuildError::NoPages => f.write_str("a pool needs at least one page"),
            BuildError::TooManyPages { pages } => {
                write!(f, "{pages} pages are more than 2^32 - 1")
            }
            BuildError::PageSize { bytes } => {
                let bytes = Count(bytes as u64, "byte");
                write!(f, "a page size of {bytes} is not a power of two of at least 64")
            }
            BuildError::Overflow => f.write_str("the pages do not fit an address space"),
            BuildError::MagazineCapacity { ids } => {
                write!(f, "a magazine of {ids} ids is not in 1..=256")
            }
            BuildError::MaxCaches { slots } => {
                write!(f, "{slots} cache slots are not in 1..=16384")
            }
            BuildError::CacheColor { lines: 0, .. } => {
                f.write_str("cache_color(0) is not a choice: 1, the least, staggers nothing")
            }
            BuildError::CacheColor { lines, most } => {
                let (bytes, most) = (64 * most, Count(most as u64, "cache line"));
                let range = if most.0 == 1 { "" } else { "1 to " };
                write!(
                    f,
                    "pages of {bytes} bytes have room for {range}{most} of color, not for {lines}"
                )
            }
            BuildError::PastTheTop { base, bytes } => {
                write!(f, "{bytes} bytes from {base:#x} on go past the top of the address space")
            }
            BuildError::PoisonEvery { pages: 0, .. } => {
                f.write_str("poison_every(0) poisons one page in none: 1 means every page")
            }
            BuildError::PoisonEvery { mode, .. } => {
                write!(f, "poison_every needs a mode that poisons [{mode}]")
            }
            BuildError::PoisonLazily { mode } => {
                write!(f, "poison_lazily needs a mode that poisons [{mode}]")
            }
            BuildError::RegionTooSmall { need, have } => {
                write!(f, "the region has {}, the pages need {need}", Count(have as u64, "byte"))
            }
            BuildError::RegionMisaligned { align } => {
                write!(f, "the region does not start at a multiple of {align} bytes")
            }
            BuildError::BaseMismatch => f.write_str("the base is not the region's"),
            BuildError::MetadataTooSmall { need, have } => {
                write!(
                    f,
                    "the metadata memory has {}, {need} are needed",
                    Count(have as u64, "byte")
                )
            }
            BuildError::MetadataMisaligned { align } => {
                write!(f, "the metadata memory is not aligned to {align} bytes")
            }
            BuildError::System { what, code } => {
                write!(f, "the system refused {what} (error {code})")
            }
            BuildError::Unsupported { what } => write!(f, "{what} is not available in this build"),
        }
    }
}

impl core::error::Error for BuildError {}

/// Why there is no cache to be had.
///
/// ```
/// # use pagesheaf::{CacheError, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).max_caches(1).build()?;
/// let cache = pool.cache()?;
/// assert_eq!(pool.cache().expect_err("there is one"), CacheError::NoSlot { slots: 1 });
/// drop(cache);
/// let cache = pool.cache()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheError {
    /// Every slot is owned by a live cache.
    NoSlot {
        /// How many slots the pool was built with.
        slots: usize,
    },
}

impl fmt::Display for CacheError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CacheError::NoSlot { slots: 0 } => f.write_str("the pool was built with max_caches(0)"),
            CacheError::NoSlot { slots: 1 } => f.write_str("the only cache slot is in use"),
            CacheError::NoSlot { slots } => write!(f, "all {slots} cache slots are in use"),
        }
    }
}

impl core::error::Error for CacheError {}
