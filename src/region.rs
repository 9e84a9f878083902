//! Where the pages are: mapped, from the heap, given by the caller, or only addresses.
//!
//! Invariant: a region of bytes is initialised from the start and stays mapped, at one place, until
//! its backing is dropped, which the core does last.

mod hooks;
mod zeroed;

use core::alloc::Layout;
use core::ops::Range;
use core::ptr::NonNull;

pub(crate) use hooks::Hooks;
pub use hooks::PageRange;
pub(crate) use zeroed::ZeroedMemory;

use crate::error::BuildError;
use crate::mapping::{Mapping, RegionInfo, RegionKind};
use crate::{heap, map};

impl From<Mapping> for Region {
    fn from(mapping: Mapping) -> Self {
        Region(Kind::Mapped(mapping))
    }
}

/// Where a pool's pages come from.
///
/// ```
/// # use pagesheaf::{Pool, Region};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let region = Region::heap(); // or `mapped()`, `caller(…)`, `addresses(…)`
/// let pool = Pool::builder(100).region(region).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A region makes one pool, so it cannot be copied:
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
    ///
    /// ```
    /// # use pagesheaf::{Pool, Region};
    /// let builder = Pool::builder(1024).region(Region::mapped().populate(true));
    /// # let _ = builder;
    /// ```
    pub const fn mapped() -> Mapping {
        Mapping::new()
    }

    /// Zeroed memory from the global allocator (feature `std`).
    ///
    /// ```
    /// # use pagesheaf::{Pool, Region};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).region(Region::heap()).build()?;
    /// println!("{}", pool.region_info());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn heap() -> Self {
        Region(Kind::Heap)
    }

    /// The caller's own memory: `bytes` bytes from `base` on. The pool uses as many of them as its
    /// pages need.
    ///
    /// # Safety
    /// From now on until the pool is closed and every page is back, or the region is dropped
    /// unused. Where the pool does not start with all its pages
    /// ([`Builder::initially`](crate::Builder::initially)), or some go offline later, this is asked of
    /// the bytes of pages that are online, from when they come until they go:
    ///
    /// - *Validity*: all `bytes` bytes lie inside one allocation. Memory that is mapped and belongs to no allocator of
    ///   Rust's, such as a `static` of a linker script's or a device's buffer, counts as one.
    /// - *Writability*: they can be read and written, through `base`: neither it nor what it was made of is a shared
    ///   reference to bytes outside a cell, nor is the memory mapped for reading only.
    /// - *Provenance*: `base` may access all of them, and not only those that the reference it was made of covers.
    /// - *Lifetime*: they stay allocated, and where they are. Pages may be dropped on any thread, long after the last
    ///   handle.
    /// - *Exclusiveness*: they are the pool's alone. Nobody else reads or writes them but through the pages, and no
    ///   other pool has any of them: a region in a `const` item is another one wherever the item is named. After a
    ///   `fork`, parent and child do not both use the pool if the memory is shared between them (`MAP_SHARED`): each
    ///   would give out the same bytes.
    /// - *Initialisation*: each byte is initialised, for pages are read as bytes before anybody has written them.
    ///   Whoever writes through a raw pointer, or lets a device write, leaves them initialised.
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

    /// Addresses that are never dereferenced: device memory, or physical pages before they are
    /// mapped. Such a pool has the raw calls only.
    ///
    /// ```
    /// # use pagesheaf::{Pool, Region};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let region = Region::addresses(0x4000_0000, 100 * 4096);
    /// let pool = Pool::builder(100).region(region).build()?;
    /// let id = pool.alloc_raw()?;
    /// assert_eq!(pool.address(id), Some(0x4000_0000 + id.index() as usize * 4096));
    /// # // SAFETY: nobody else has the page, which has no bytes.
    /// # unsafe { pool.free_raw(id) }?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn addresses(base: usize, bytes: usize) -> Self {
        Region(Kind::Addresses { base, bytes })
    }

    /// What a pool gets when nothing else is said: a mapping where there is one, else the heap.
    pub(crate) fn standard() -> Self {
        if map::AVAILABLE { Self::mapped().into() } else { Self::heap() }
    }

    /// Whether the memory is zero at first.
    pub(crate) fn is_zeroed(&self) -> bool {
        matches!(self.0, Kind::Mapped(_) | Kind::Heap)
    }

    /// Whether memory of free pages is to be given back to the system.
    pub(crate) fn is_to_be_purged(&self) -> bool {
        matches!(&self.0, Kind::Mapped(mapping) if mapping.purge)
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
                info: RegionInfo::plain(kind, base, bytes),
                _memory: Memory::Theirs,
            })
        };
        match self.0 {
            Kind::Mapped(mapping) => {
                let map::Mapped { base, info, reservation } = map::map(mapping, bytes, align)?;
                Ok(Backing { base, info, _memory: Memory::Mapped(reservation) })
            }
            Kind::Heap => {
                let layout =
                    Layout::from_size_align(bytes, align).map_err(|_| BuildError::Overflow)?;
                let block = heap::Block::new(layout)?;
                let base = block.start().as_ptr();
                let info = RegionInfo::plain(RegionKind::Heap, base, bytes);
                Ok(Backing { base, info, _memory: Memory::Heap(block) })
            }
            Kind::Caller { base, bytes } => given(base.as_ptr(), bytes, RegionKind::Caller),
            Kind::Addresses { base, bytes } => {
                given(core::ptr::without_provenance_mut(base), bytes, RegionKind::Addresses)
            }
        }
    }
}

/// A region in hand. Dropping it gives the memory back.
pub(crate) struct Backing {
    pub(crate) base: *mut u8,
    pub(crate) info: RegionInfo,
    _memory: Memory,
}

impl Backing {
    /// Gives the memory of whole pages of the system inside these bytes back to it: they are zero from then on. Returns
    /// which bytes that were, from `start` on, or the system's error number.
    ///
    /// # Safety
    /// The region is purgeable and has these bytes; nobody else reads or writes them meanwhile, or needs what they
    /// hold.
    pub(crate) unsafe fn purge(&self, start: *mut u8, bytes: usize) -> Result<Range<usize>, i32> {
        debug_assert!(self.info.purgeable);
        // SAFETY: passed on to the caller: only regions that are mapped are purgeable.
        unsafe { map::purge(start, bytes) }
    }
}

/// What keeps a region's memory.
#[allow(
    dead_code,
    reason = "each build has some of the ways only, and dropping it is all that it is for"
)]
enum Memory {
    Theirs,
    Heap(heap::Block),
    Mapped(map::Reservation),
}
