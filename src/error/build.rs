//! Why there is no pool, or no cache.

mod says;

use super::system::MemoryLimit;
use crate::mode::ModeFlags;

/// Why a pool was not built.
///
/// ```
/// use pagesheaf::{BuildError, Pool};
///
/// let error = Pool::builder(100).page_size(1000).build().expect_err("no multiple of 64");
/// assert_eq!(error, BuildError::PageSize { bytes: 1000 });
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A pool of no pages.
    NoPages,
    /// More than 2³² − 1 pages.
    TooManyPages {
        /// How many were asked for.
        pages: usize,
        /// How many there are numbers for: see [`Builder::id_bits`](crate::Builder::id_bits).
        most: u32,
    },
    /// More pages at first than the pool can have.
    Initially {
        /// How many were to be online.
        pages: usize,
        /// How many the pool can have.
        capacity: usize,
    },
    /// A page size that is not a multiple of 64.
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
    /// More fences than a pool can have.
    Fences {
        /// How many there are.
        fences: usize,
        /// The most that a pool can have.
        most: usize,
    },
    /// A number of depots that is not a power of two, or too many.
    Depots {
        /// How many were asked for.
        depots: usize,
        /// The most that a pool can have.
        most: usize,
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
    /// A region that is to be purged, together with what forbids that.
    Purge {
        /// What that is.
        with: &'static str,
    },
    /// A length for the quarantine, in a mode without one.
    QuarantineLength {
        /// The pool's mode.
        mode: ModeFlags,
    },
    /// Marks that cannot be: `low` below the reserve, or no page above it.
    Watermarks {
        /// The mark at which bulk calls stop.
        low: usize,
        /// The pages that stay for critical calls.
        reserve: usize,
        /// How many pages the pool has.
        capacity: usize,
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
    /// A region beside the range of `build_in_range`.
    RegionTwice,
    /// A range of `build_in_ranges` that is not inside the pages.
    RangeOutside {
        /// Its first address.
        start: usize,
        /// The address behind it.
        end: usize,
    },
    /// Two ranges of `build_in_ranges` have a page in common.
    RangesOverlap {
        /// The page's address.
        address: usize,
    },
    /// The numbers of caches were not named, and no compiler knows the processors.
    CachesUnnamed,
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
    /// The system has no memory to give.
    NoMemory {
        /// What it was for.
        what: &'static str,
        /// How many bytes were asked for.
        bytes: usize,
        /// What keeps it from giving more.
        limit: MemoryLimit,
        /// The system's error number.
        code: i32,
    },
    /// The system does not lock so much memory.
    Lock {
        /// How many bytes were to be locked.
        bytes: usize,
        /// `RLIMIT_MEMLOCK`, in bytes, if there is a limit.
        limit: Option<u64>,
        /// How many bytes the process has locked already, if the system says so.
        locked: Option<u64>,
        /// The system's error number.
        code: i32,
    },
    /// The system has too few huge pages, or does not give them to this process.
    HugePages {
        /// How many were asked for.
        pages: usize,
        /// The bytes of each.
        size: usize,
        /// How many are free and promised to nobody, if the system says so.
        free: Option<u64>,
        /// The system's error number.
        code: i32,
    },
    /// The system has no huge pages of this size.
    NoSuchHugePages {
        /// The size asked for.
        bytes: usize,
        /// The sizes that it has: bit n stands for 2ⁿ bytes. 0 if it does not say.
        sizes: u64,
        /// The system's error number.
        code: i32,
    },
    /// A size of huge pages that is not a power of two above a page of the system.
    HugePageSize {
        /// The size asked for.
        bytes: usize,
        /// The bytes of a page of the system.
        system: usize,
    },
    /// A size of huge pages, which were not asked for.
    HugePagesOff {
        /// The size.
        bytes: usize,
    },
    /// The system does not bind the region to this memory node.
    Node {
        /// The node asked for.
        node: u32,
        /// The nodes that it has, of the first 64: bit n stands for node n. 0 if it does not say.
        online: u64,
        /// The system's error number.
        code: i32,
    },
    /// The system refused something else.
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

impl core::error::Error for BuildError {}

impl BuildError {
    /// The system's error number, if it was the system that refused.
    ///
    /// ```
    /// # use pagesheaf::{BuildError, Pool};
    /// let error = Pool::builder(0).build().expect_err("no pages");
    /// assert_eq!(error.raw_os_error(), None);
    /// let error = BuildError::System { what: "memory for the region", code: 13 };
    /// assert_eq!(error.raw_os_error(), Some(13));
    /// ```
    #[must_use]
    pub const fn raw_os_error(&self) -> Option<i32> {
        match *self {
            BuildError::NoMemory { code, .. }
            | BuildError::Lock { code, .. }
            | BuildError::HugePages { code, .. }
            | BuildError::NoSuchHugePages { code, .. }
            | BuildError::Node { code, .. }
            | BuildError::System { code, .. } => Some(code),
            _ => None,
        }
    }
}
