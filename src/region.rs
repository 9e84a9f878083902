//! Where the pages are: mapped, from the heap, given by the caller, or only addresses.
//!
//! Invariant: a region of bytes is initialised from the start and stays mapped, at one place, until its backing is
//! dropped, which the core does last.

use core::alloc::Layout;
use core::fmt;
use core::ptr::NonNull;

use crate::error::BuildError;
use crate::{heap, map};

/// Whether huge pages should back a mapped region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HugePages {
    /// Ordinary pages.
    #[default]
    Off,
    /// Reserved huge pages (`MAP_HUGETLB`), else transparent ones if the system has them, else ordinary ones;
    /// [`RegionInfo::huge_pages`] says which.
    Try,
    /// Reserved huge pages, or an error.
    Require,
}

/// How a region is to be mapped. Guard pages are on, everything else is off, until said otherwise.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Mapping {
    pub(crate) huge: HugePages,
    pub(crate) populate: bool,
    pub(crate) lock: bool,
    pub(crate) guard: bool,
}

impl Mapping {
    /// Which pages of the system should back it.
    pub const fn huge_pages(mut self, huge: HugePages) -> Self {
        self.huge = huge;
        self
    }

    /// Whether all of it is backed with memory when the pool is built, instead of at the first touch.
    pub const fn populate(mut self, populate: bool) -> Self {
        self.populate = populate;
        self
    }

    /// Whether it is locked in memory (`mlock`), which the system may refuse.
    pub const fn lock(mut self, lock: bool) -> Self {
        self.lock = lock;
        self
    }

    /// Whether an inaccessible page stands at both ends.
    ///
    /// The region ends at the guard behind it. Where all its pages do not fill whole pages of the system (or whole huge
    /// pages, where these are asked for), what is left over lies before it: [`RegionInfo::slack_before`] bytes, which an
    /// access that goes astray can touch.
    pub const fn guard_pages(mut self, guard: bool) -> Self {
        self.guard = guard;
        self
    }
}

impl From<Mapping> for Region {
    fn from(mapping: Mapping) -> Self {
        Region(Kind::Mapped(mapping))
    }
}

/// Where a pool's pages come from. A region makes one pool, so it cannot be copied:
///
/// ```compile_fail,E0382
/// # use pagesheaf::{BuildError, Pool, Region};
/// # fn twice(region: Region) -> Result<(), BuildError> {
/// let one = Pool::builder(100).region(region).build()?;
/// let two = Pool::builder(100).region(region).build()?; // it has been moved
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Region(Kind);

#[derive(Debug)]
enum Kind {
    Mapped(Mapping),
    Heap,
    Caller { base: NonNull<u8>, bytes: usize },
    Addresses { base: usize, bytes: usize },
}

impl Region {
    /// Memory mapped from the system (Linux, with feature `std`).
    pub const fn mapped() -> Mapping {
        Mapping { huge: HugePages::Off, populate: false, lock: false, guard: true }
    }

    /// Zeroed memory from the global allocator (feature `std`).
    pub const fn heap() -> Self {
        Region(Kind::Heap)
    }

    /// The caller's own memory: `bytes` bytes from `base` on. The pool uses as many of them as its pages need.
    ///
    /// # Safety
    /// From now on until the pool is closed and every page is back, or the region is dropped unused:
    ///
    /// - *Validity*: all `bytes` bytes lie inside one allocation. Memory that is mapped and belongs to no allocator of
    ///   Rust's, such as a `static` of a linker script's or a device's buffer, counts as one.
    /// - *Writability*: they can be read and written, through `base`: neither it nor what it was made of is a shared
    ///   reference to bytes outside a cell, nor is the memory mapped for reading only.
    /// - *Provenance*: `base` may access all of them, and not only those that the reference it was made of covers.
    /// - *Lifetime*: they stay allocated, and where they are. Pages may be dropped on any thread, long after the last
    ///   handle.
    /// - *Exclusiveness*: they are the pool's alone. Nobody else reads or writes them but through the pages, and no other
    ///   pool has any of them.
    /// - *Initialisation*: each byte is initialised, for pages are read as bytes before anybody has written them. Whoever
    ///   writes through a raw pointer, or lets a device write, leaves them initialised.
    ///
    /// # Examples
    /// ```
    /// # use std::ptr::NonNull;
    /// # use pagesheaf::{Pool, Region};
    /// #[repr(align(4096))]
    /// struct Memory([u8; 16 * 4096]);
    ///
    /// let memory = Box::leak(Box::new(Memory([0; 16 * 4096])));
    /// let base = NonNull::from(&mut memory.0).cast();
    /// // SAFETY: the memory is one allocation, zeroed, leaked, and used by nobody else from here on.
    /// let region = unsafe { Region::caller(base, 16 * 4096) };
    /// let builder = Pool::builder(16).region(region);
    /// # assert!(builder.metadata_layout().is_ok());
    /// ```
    pub const unsafe fn caller(base: NonNull<u8>, bytes: usize) -> Self {
        Region(Kind::Caller { base, bytes })
    }

    /// Addresses that are never dereferenced: device memory, or physical pages before they are mapped. Such a pool
    /// has the raw calls only.
    pub const fn addresses(base: usize, bytes: usize) -> Self {
        Region(Kind::Addresses { base, bytes })
    }

    /// What a pool gets when nothing else is said: a mapping where there is one, else the heap.
    pub(crate) fn standard() -> Self {
        if map::AVAILABLE { Self::mapped().into() } else { Self::heap() }
    }

    /// The address that a region of addresses starts at.
    pub(crate) fn first_address(&self) -> Option<usize> {
        match self.0 {
            Kind::Addresses { base, .. } => Some(base),
            _ => None,
        }
    }

    /// Gets hold of `bytes` bytes at a multiple of `align`.
    pub(crate) fn acquire(self, bytes: usize, align: usize) -> Result<Backing, BuildError> {
        let given = |base: *mut u8, have: usize, kind| {
            if have < bytes {
                return Err(BuildError::RegionTooSmall { need: bytes, have });
            }
            if !base.addr().is_multiple_of(align) {
                return Err(BuildError::RegionMisaligned { align });
            }
            // A region may end where the address space does.
            if base.addr().checked_add(bytes - 1).is_none() {
                return Err(BuildError::PastTheTop { base: base.addr(), bytes });
            }
            Ok(Backing {
                base,
                release: Release::Nothing,
                info: RegionInfo::plain(kind, base, bytes),
            })
        };
        match self.0 {
            Kind::Mapped(mapping) => map::map(mapping, bytes, align),
            Kind::Heap => {
                let layout =
                    Layout::from_size_align(bytes, align).map_err(|_| BuildError::Overflow)?;
                let base = heap::alloc(layout)?;
                let info = RegionInfo::plain(RegionKind::Heap, base.as_ptr(), bytes);
                Ok(Backing { base: base.as_ptr(), release: Release::Free { base, layout }, info })
            }
            Kind::Caller { base, bytes } => given(base.as_ptr(), bytes, RegionKind::Caller),
            Kind::Addresses { base, bytes } => {
                given(core::ptr::without_provenance_mut(base), bytes, RegionKind::Addresses)
            }
        }
    }
}

/// A region in hand.
pub(crate) struct Backing {
    pub(crate) base: *mut u8,
    pub(crate) release: Release,
    pub(crate) info: RegionInfo,
}

/// How a region is given back.
#[allow(dead_code, reason = "each build has some of the ways only")]
pub(crate) enum Release {
    Nothing,
    Free { base: NonNull<u8>, layout: Layout },
    Unmap { start: *mut u8, bytes: usize },
}

impl Drop for Backing {
    fn drop(&mut self) {
        match self.release {
            Release::Nothing => {}
            // SAFETY: it came from the heap with this layout, and nobody uses it any more.
            Release::Free { base, layout } => unsafe { heap::dealloc(base, layout) },
            // SAFETY: it was mapped like this, and nobody uses it any more.
            Release::Unmap { start, bytes } => unsafe { map::unmap(start, bytes) },
        }
    }
}

/// What kind of region a pool has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegionKind {
    /// Mapped from the system.
    Mapped,
    /// From the global allocator.
    Heap,
    /// The caller's own memory.
    Caller,
    /// Addresses only.
    Addresses,
}

/// Which huge pages a region got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Huge {
    /// None were asked for, or the region is not mapped by the pool.
    Off,
    /// Reserved huge pages back all of it.
    Reserved,
    /// Reserved ones were refused; the system was advised to use transparent ones, and may.
    Advised {
        /// The system's error number.
        refused: i32,
    },
    /// Reserved ones were refused and there are no transparent ones: ordinary pages back it.
    Refused {
        /// The system's error number.
        code: i32,
    },
}

/// What a pool's region turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegionInfo {
    /// Where it came from.
    pub kind: RegionKind,
    /// Its first address.
    pub base: usize,
    /// The bytes of all pages.
    pub bytes: usize,
    /// Which huge pages back it.
    pub huge_pages: Huge,
    /// Whether all of it was backed with memory at once.
    pub populated: bool,
    /// Whether it is locked in memory.
    pub locked: bool,
    /// Whether an inaccessible page stands at both ends.
    pub guarded: bool,
    /// Bytes between the guard before the region and the region, which an access that goes astray can touch: what is left
    /// of the system's pages, or huge pages, that back it. 0 without guards, where nothing is said of what lies there.
    pub slack_before: usize,
    /// Bytes between the region and the guard behind it, as above.
    pub slack_after: usize,
}

impl RegionInfo {
    fn plain(kind: RegionKind, base: *mut u8, bytes: usize) -> Self {
        RegionInfo {
            kind,
            base: base.addr(),
            bytes,
            huge_pages: Huge::Off,
            populated: false,
            locked: false,
            guarded: false,
            slack_before: 0,
            slack_after: 0,
        }
    }
}

impl fmt::Display for RegionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            RegionKind::Mapped => "mapped",
            RegionKind::Heap => "heap",
            RegionKind::Caller => "caller's memory",
            RegionKind::Addresses => "addresses only",
        };
        write!(f, "{kind}, {} bytes at {:#x}", self.bytes, self.base)?;
        match self.huge_pages {
            Huge::Off => {}
            Huge::Reserved => f.write_str(", huge pages")?,
            Huge::Advised { refused } => {
                write!(f, ", transparent huge pages (reserved ones refused: error {refused})")?;
            }
            Huge::Refused { code } => write!(f, ", huge pages refused (error {code})")?,
        }
        for (on, what) in
            [(self.populated, "populated"), (self.locked, "locked"), (self.guarded, "guarded")]
        {
            if on {
                write!(f, ", {what}")?;
            }
        }
        let (before, after) = (self.slack_before, self.slack_after);
        if (before, after) != (0, 0) {
            write!(f, ", with {before} usable bytes before it and {after} behind")?;
        }
        Ok(())
    }
}
