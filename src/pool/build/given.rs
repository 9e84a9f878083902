//! Pools in the memory that a kernel has: with holes, or with their metadata in the same range.

use core::mem::MaybeUninit;
use core::ops::Range;
use core::slice;

use super::Builder;
use crate::error::BuildError;
use crate::mode::Mode;
use crate::page::PageId;
use crate::pool::Pool;

/// How a range of memory is cut: pages from the first multiple of their alignment on, and the metadata at
/// the end.
struct Cut {
    pages: usize,
    /// The address of the first page.
    first: usize,
    /// The address and the bytes of the metadata.
    metadata: (usize, usize),
}

impl<M: Mode> Builder<M> {
    /// Builds the pool without a heap, with its metadata at the end of the same memory: of as many
    /// pages as fit, at most those that [`Pool::builder`] was told.
    ///
    /// The pages start at the first multiple of their alignment. Name [`max_caches`](Self::max_caches) and
    /// [`shared_caches`](Self::shared_caches), as for [`build_in`](Self::build_in), which says when the
    /// memory can be used again, too. [`initially`](Self::initially) is at most all pages that fit.
    ///
    /// ```
    /// # use core::mem::MaybeUninit;
    /// # use pagesheaf::{Checked, Pool};
    /// let memory: &'static mut [u8] = Box::leak(vec![0; 1 << 20].into_boxed_slice());
    /// let builder = Pool::builder(1000).mode::<Checked>().max_caches(2).shared_caches(1);
    /// // SAFETY: the memory is zeroed, leaked, and used by nobody else.
    /// let pool = unsafe { builder.build_in_range(memory.as_mut_ptr_range()) }?;
    /// assert!((240..256).contains(&pool.capacity()), "{pool}");
    /// # Ok::<(), pagesheaf::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the request; that the range has no room for a page and the metadata; or that
    /// the builder has a region, which this range is.
    ///
    /// # Safety
    /// All bytes of the range are as [`Region::caller`] asks: valid, inside one allocation; readable
    /// and writable; within the provenance of its start; allocated until the pool is closed and every
    /// page is back; the pool's alone until then; and initialised, for they become pages.
    ///
    /// [`Region::caller`]: crate::Region::caller
    pub unsafe fn build_in_range(mut self, memory: Range<*mut u8>) -> Result<Pool<M>, BuildError> {
        if self.region.is_some() {
            return Err(BuildError::RegionTwice);
        }
        let cut = self.cut(memory.start.addr()..memory.end.addr())?;
        let (metadata, size) = cut.metadata;
        let [first, metadata] = [cut.first, metadata].map(|at| memory.start.with_addr(at));
        let metadata: *mut MaybeUninit<u8> = metadata.cast();
        self.initially = self.initially.map(|online| online.min(cut.pages));
        self.pages = cut.pages;
        // SAFETY: both lie in the range, side by side, which is as `build_in` asks by the caller's
        // promise.
        unsafe { self.build_in(first, slice::from_raw_parts_mut(metadata, size)) }
    }

    /// The most pages that a range has room for beside their metadata, and where they lie.
    fn cut(&self, memory: Range<usize>) -> Result<Cut, BuildError> {
        let slots = self.usual_slots();
        // Wrong requests are refused for what they are.
        let plan = self.plan_of(1, slots)?.0;
        let (least, align) = (plan.layout().size(), plan.page_alignment());
        let have = memory.end.saturating_sub(memory.start);
        let cut = |pages: usize| {
            let (plan, bytes) = self.plan_of(pages, slots).ok()?;
            let layout = plan.layout();
            let first = memory.start.checked_next_multiple_of(align)?;
            let metadata = memory.end.checked_sub(layout.size())?;
            let metadata = metadata - metadata % layout.align();
            let fits = first.checked_add(bytes)? <= metadata;
            fits.then_some(Cut { pages, first, metadata: (metadata, layout.size()) })
        };
        // So many fit, and so many do not: one page more than there is room for without metadata.
        let (mut fit, mut beyond) = (None, self.pages.min(have / self.page_size) + 1);
        let mut low = 0;
        while beyond - low > 1 {
            let pages = low + (beyond - low) / 2;
            match cut(pages) {
                some @ Some(_) => (fit, low) = (some, pages),
                None => beyond = pages,
            }
        }
        let need = least.saturating_add(self.page_size);
        fit.ok_or(BuildError::RegionTooSmall { need, have })
    }

    /// As [`build_in`](Self::build_in), of memory with holes: only whole pages that lie in one of
    /// `ranges` are online. The others are offline, as after [`Pool::offline`], and count as that; so
    /// the pool closes while they are there. [`Pool::online`] brings them, when there is memory.
    ///
    /// Ranges are of addresses, from the pages' first on: `base` is page 0, wherever the first range
    /// starts. They come in any order, may end within a page, which is not used then, and have no page
    /// in common. What [`initially`](Self::initially) says plays no part, but for the size of the metadata:
    /// say `initially(0)`, so that [`metadata_layout`](Self::metadata_layout) has room for offline pages.
    ///
    /// ```
    /// # use core::mem::MaybeUninit;
    /// # use pagesheaf::{Checked, Pool, Region};
    /// // What firmware says of physical memory.
    /// let usable = [0x0..0x9_fc00, 0x10_0000..0x20_0000];
    /// let builder = Pool::builder(512).mode::<Checked>().initially(0);
    /// let builder = builder.region(Region::addresses(0, 0x20_0000));
    /// # let layout = builder.metadata_layout()?;
    /// # let bytes = layout.size() + layout.align();
    /// # let bytes: &'static mut [u8] = Box::leak(vec![0; bytes].into_boxed_slice());
    /// # let skip = bytes.as_ptr().align_offset(layout.align());
    /// # let bytes = &mut bytes[skip..];
    /// # // SAFETY: bytes that are not read as such.
    /// # let metadata = unsafe { &mut *(&raw mut *bytes as *mut [MaybeUninit<u8>]) };
    /// // SAFETY: the region is one of addresses, which nobody else gives out.
    /// let pool = unsafe { builder.build_in_ranges(core::ptr::null_mut(), &usable, metadata) }?;
    /// let pages = pool.audit().pages;
    /// assert_eq!((pages.free, pages.offline), (0x9f + 0x100, 0x61));
    /// pool.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`build_in`](Self::build_in), and when a range has addresses that are not the pages', or two
    /// have a page in common.
    ///
    /// # Safety
    /// As [`build_in`](Self::build_in), of the pages that lie in `ranges`: valid, inside one
    /// allocation; readable and writable; within the provenance of `base`; allocated until the pool is
    /// closed and every page is back; the pool's alone until then; and initialised.
    pub unsafe fn build_in_ranges(
        mut self,
        base: *mut u8,
        ranges: &[Range<usize>],
        metadata: &'static mut [MaybeUninit<u8>],
    ) -> Result<Pool<M>, BuildError> {
        let (start, page) = (base.addr(), self.page_size);
        // Wrong requests are refused for what they are.
        let (_, bytes) = self.plan()?;
        let whole =
            |range: &Range<usize>| whole_pages(range.start - start..range.end - start, page);
        for (at, range) in ranges.iter().enumerate() {
            let Range { start: from, end } = *range;
            let is_inside = from <= end && from >= start && end - start <= bytes;
            if !is_inside {
                return Err(BuildError::RangeOutside { start: from, end });
            }
            let pages = whole(range);
            // Of a range without a whole page, nothing is in common with another.
            let meets =
                |other: &Range<usize>| pages.start.max(other.start) < pages.end.min(other.end);
            if let Some(other) = ranges[..at].iter().map(whole).find(meets) {
                let address = start + pages.start.max(other.start) * page;
                return Err(BuildError::RangesOverlap { address });
            }
        }
        self.initially = Some(0);
        let given = ranges.iter().map(whole).filter(|pages| !pages.is_empty());
        let given = given.map(|pages| (PageId::new(pages.start as u32), pages.len()));
        // SAFETY: passed on to the caller.
        unsafe { self.build_given(base, metadata, given) }
    }
}

/// The pages of this size that lie in a range of offsets as a whole.
fn whole_pages(offsets: Range<usize>, size: usize) -> Range<usize> {
    let first = offsets.start.div_ceil(size);
    first..(offsets.end / size).max(first)
}
