//! What can go wrong, in words: the page, what was wrong, and the mode.

use core::fmt;

use crate::mode::ModeFlags;
use crate::page::PageId;

/// So many of something, in words.
struct Plural(usize, &'static str);

impl fmt::Display for Plural {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plural(number, what) = self;
        write!(f, "{number} {what}{}", if *number == 1 { "" } else { "s" })
    }
}

/// Why a bulk call stopped before it had everything that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ShortReason {
    /// No page is free anywhere.
    Exhausted,
    /// Pages are free, but in other threads' caches; they give them up at their next call.
    Cached,
    /// The batch, or the array, has no room for more.
    BatchFull,
    /// The batch holds pages of another pool.
    OtherPool,
    /// The pool has addresses only: use the raw calls.
    AddressOnly,
}

impl fmt::Display for ShortReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ShortReason::Exhausted => "no page is free",
            ShortReason::Cached => "the free pages are in other threads' caches",
            ShortReason::BatchFull => "the batch is full",
            ShortReason::OtherPool => "the batch holds pages of another pool",
            ShortReason::AddressOnly => "the pool has addresses only: use the raw calls",
        })
    }
}

impl core::error::Error for ShortReason {}

/// What a bulk allocation did.
#[must_use = "bulk allocation may return fewer pages than asked"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkAlloc {
    /// How many pages this call added.
    pub allocated: usize,
    /// Why it stopped early; `None` when it added all that were wanted.
    pub reason: Option<ShortReason>,
}

/// An all-or-none allocation that got none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExactError {
    /// How many pages were asked for.
    pub want: usize,
    /// How many there were; they have been put back.
    pub had: usize,
    /// Why there were no more.
    pub reason: ShortReason,
}

impl fmt::Display for ExactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} pages: {}", self.had, self.want, self.reason)
    }
}

impl core::error::Error for ExactError {}

/// Why pages cannot go into a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BatchError {
    /// The batch has too little room.
    Full,
    /// The batch holds pages of another pool.
    OtherPool,
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BatchError::Full => "the batch is full",
            BatchError::OtherPool => "the batch holds pages of another pool",
        })
    }
}

impl core::error::Error for BatchError {}

impl From<BatchError> for ShortReason {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Full => ShortReason::BatchFull,
            BatchError::OtherPool => ShortReason::OtherPool,
        }
    }
}

/// What was wrong with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The pool has no page of this number.
    OutOfRange,
    /// The page is free already: a double free, or it was never allocated.
    AlreadyFree,
    /// Others hold references to the page.
    Shared {
        /// How many references there are.
        references: u32,
    },
    /// The page's reference count has stuck at its limit: it is never freed.
    Saturated,
    /// The page is part of a block of this order, and is freed with it.
    InBlock {
        /// The block's order.
        order: u8,
    },
    /// The page is not the start of a block that is out.
    NotABlock,
    /// The page is lent to a device.
    Lent,
    /// The page is not lent.
    NotLent,
    /// The page was to go into a batch of another pool.
    OtherPool,
    /// The page was withheld after an earlier fault.
    Withheld,
    /// The page's contents were written after it was freed.
    Poison {
        /// The first byte that had changed.
        offset: u32,
    },
    /// The page's state word makes no sense: memory was corrupted.
    Corrupt,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::OutOfRange => f.write_str("is outside the pool"),
            Fault::AlreadyFree => f.write_str("is already free"),
            Fault::Shared { references } => write!(f, "is shared by {references} references"),
            Fault::Saturated => f.write_str("has a saturated reference count"),
            Fault::InBlock { order } => write!(f, "is part of a block of order {order}"),
            Fault::NotABlock => f.write_str("is not the start of a block"),
            Fault::Lent => f.write_str("is lent to a device"),
            Fault::NotLent => f.write_str("is not lent"),
            Fault::OtherPool => f.write_str("was to go into a batch of another pool"),
            Fault::Withheld => f.write_str("was withheld after an earlier fault"),
            Fault::Poison { offset } => {
                write!(f, "was written after it was freed, at byte {offset}")
            }
            Fault::Corrupt => f.write_str("has a corrupt state word"),
        }
    }
}

/// Pages that could not be freed (or retained, released, reclaimed). The others of the call were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageError {
    /// The first bad page.
    pub page: PageId,
    /// Its position in the call's pages.
    pub position: usize,
    /// What was wrong with it.
    pub fault: Fault,
    /// How many pages of the call were bad.
    pub count: usize,
    /// How many pages of the call went through.
    pub done: usize,
    /// The pool's mode.
    pub mode: ModeFlags,
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at position {} {}", self.page, self.position, self.fault)?;
        if self.count > 1 {
            write!(f, ", and {} more bad pages", self.count - 1)?;
        }
        write!(f, " [{}]", self.mode)
    }
}

impl core::error::Error for PageError {}

/// A page that is withheld for good: it was found bad while it was free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadPage {
    /// The page.
    pub page: PageId,
    /// What was wrong with it.
    pub fault: Fault,
    /// The pool's mode.
    pub mode: ModeFlags,
}

impl fmt::Display for BadPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} [{}]", self.page, self.fault, self.mode)
    }
}

impl core::error::Error for BadPage {}

/// Why a pool was not built.
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
                let bytes = Plural(bytes, "byte");
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
                let (bytes, most) = (64 * most, Plural(most, "cache line"));
                let range = if most.0 == 1 { "" } else { "1 to " };
                write!(
                    f,
                    "pages of {bytes} bytes have room for {range}{most} of color, not for {lines}"
                )
            }
            BuildError::PastTheTop { base, bytes } => {
                write!(f, "{bytes} bytes from {base:#x} on go past the top of the address space")
            }
            BuildError::RegionTooSmall { need, have } => {
                write!(f, "the region has {}, the pages need {need}", Plural(have, "byte"))
            }
            BuildError::RegionMisaligned { align } => {
                write!(f, "the region does not start at a multiple of {align} bytes")
            }
            BuildError::BaseMismatch => f.write_str("the base is not the region's"),
            BuildError::MetadataTooSmall { need, have } => {
                write!(f, "the metadata memory has {}, {need} are needed", Plural(have, "byte"))
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
        let CacheError::NoSlot { slots } = self;
        match slots {
            0 => f.write_str("the pool was built with max_caches(0)"),
            1 => f.write_str("the only cache slot is in use"),
            _ => write!(f, "all {slots} cache slots are in use"),
        }
    }
}

impl core::error::Error for CacheError {}
