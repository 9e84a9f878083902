//! What a device is told of a pool, and what it has of it.
//!
//! Invariant: what is listed is looked up when the iterator comes to it, and is of that moment.

use core::ptr::NonNull;

use super::Pool;
use crate::calls;
use crate::error::Call;
use crate::mode::Mode;
use crate::page::{FromDevice, PageId};

/// Bytes of a part of a region, but where a page is larger: io_uring registers buffers of 1 GiB at the most.
const PART: usize = 1 << 30;

impl<M: Mode> Pool<M> {
    /// The pages that a device has, in ascending order, each looked up when the iterator comes to it; `None` in a mode
    /// that does not check, which counts them ([`Pages::lent`](crate::Pages::lent)) and does not know which they are.
    ///
    /// This is a look, and no licence to take them back: see [`reclaim_all`](Self::reclaim_all).
    ///
    /// ```
    /// # use pagesheaf::{Bare, Checked, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let id = pool.alloc()?.lend();
    /// assert!(pool.lent().expect("the mode checks").eq([id]));
    /// # // SAFETY: no device has the page.
    /// # unsafe { pool.reclaim(id) }?;
    /// assert!(Pool::builder(100).mode::<Bare>().build()?.lent().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn lent(&self) -> Option<impl Iterator<Item = PageId>> {
        M::CHECKS.then(|| self.core.lent_pages())
    }

    /// Frees every page that is lent, and says how many these were: when the device is gone, with all that it had.
    /// Other pages stay as they are, those that are out, too. `None`, and nothing is freed, in a mode that does not
    /// check: see [`lent`](Self::lent). There the program keeps the offsets that it lent, for `free_lent`; or it closes
    /// the pool, and [`recover_forgotten`](crate::CloseError::recover_forgotten) takes back everything.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let page = pool.alloc()?;
    /// assert_eq!(pool.lend_new(64).count(), 64);
    /// // The interface is taken down, and its rings are unmapped.
    /// // SAFETY: no device has any page of this pool, and all bytes are initialised.
    /// assert_eq!(unsafe { pool.reclaim_all() }, Some(64));
    /// let pages = pool.audit().pages;
    /// assert_eq!((pages.lent, pages.out), (0, 1));
    /// # drop(page);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Safety
    /// No device uses a lent page of this pool any more, whichever device it was lent to; all their bytes are
    /// initialised. Nobody lends pages, or takes lent ones back, while this goes on, and nobody takes back later what
    /// was lent before.
    pub unsafe fn reclaim_all(&self) -> Option<usize> {
        // SAFETY: no device has any of them, by the caller's promise.
        let pages = unsafe { FromDevice::new(self.lent()?) };
        let freed = calls::free_lent(self.front(), pages, Call::ReclaimAll);
        Some(freed.unwrap_or_else(|error| error.done))
    }

    /// All memory of the pages, as one slice: with the provenance of all of it, for what is told of a region once, such
    /// as a UMEM. It is that of [`region_info`](Self::region_info), offline pages included, and stays where it is until
    /// the pool is closed and every page is back. Page `id` starts at `offset(id)` in it.
    ///
    /// In a pool of addresses the pointer is a number, not to be dereferenced; there is none for a region at address 0.
    /// A reference to all of it is never right while others have pages. Whoever writes through the pointer has the
    /// pages, and leaves every byte initialised (not the padding of a struct).
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).page_size(2048).build()?;
    /// let region = pool.region().expect("the pool has bytes");
    /// assert_eq!(region.len(), 100 * 2048);
    /// let page = pool.alloc()?;
    /// let at = pool.offset(page.id()).expect("a page of this pool") as usize;
    /// assert_eq!(region.cast::<u8>().as_ptr().wrapping_add(at), page.base_ptr());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn region(&self) -> Option<NonNull<[u8]>> {
        let bytes = self.capacity() * self.page_size();
        Some(NonNull::slice_from_raw_parts(NonNull::new(self.core.base)?, bytes))
    }

    /// The same memory in parts of 1 GiB, or a little less where pages do not fill that, the last of which may be
    /// smaller; none is larger, unless a page is. They are in ascending order, side by side, and each has whole pages:
    /// what io_uring registers as buffers. [`region_of`](Self::region_of) says in which of them a page lies.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// // As the system calls have them.
    /// let buffers: Vec<(*mut u8, usize)> =
    ///     pool.regions().map(|part| (part.cast().as_ptr(), part.len())).collect();
    /// assert_eq!((buffers.len(), buffers[0].1), (1, 100 * pool.page_size()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn regions(&self) -> impl ExactSizeIterator<Item = NonNull<[u8]>> {
        let base = self.core.base;
        let (bytes, part) = (self.capacity() * self.page_size(), self.part());
        let parts = NonNull::new(base).map_or(0, |_| bytes.div_ceil(part));
        (0..parts).map(move |at| {
            let start = at * part;
            let first = NonNull::new(base.wrapping_add(start)).unwrap_or(NonNull::dangling());
            NonNull::slice_from_raw_parts(first, part.min(bytes - start))
        })
    }

    /// In which of [`regions`](Self::regions) a page lies: the index of its registered buffer. `None` if the pool has
    /// no such page.
    ///
    /// ```
    /// # use pagesheaf::{PageId, Pool, Region};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let region = Region::addresses(1 << 30, 3 << 30);
    /// let pool = Pool::builder(3 << 18).region(region).build()?;
    /// assert_eq!((pool.regions().len(), pool.region_of(PageId::new((1 << 18) + 7))), (3, Some(1)));
    /// assert_eq!(pool.region_of(PageId::new(3 << 18)), None);
    /// # Ok::<(), pagesheaf::BuildError>(())
    /// ```
    #[must_use]
    pub fn region_of(&self, id: PageId) -> Option<usize> {
        Some((self.offset(id)? / self.part() as u64) as usize)
    }

    /// Bytes of each of the regions but the last: whole pages.
    fn part(&self) -> usize {
        let page = self.page_size();
        (PART - PART % page).max(page)
    }

    /// What the address of every page is a multiple of, and its offset, too: in any region, the largest power of two
    /// that divides the page's size, which is that size, if it is one. A direct read or write (`O_DIRECT`) into a page
    /// needs no more than that the device asks for at most so much.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).page_size(2048).build()?;
    /// assert_eq!(pool.alignment(), 2048);
    /// assert!(pool.alloc()?.base_ptr().addr().is_multiple_of(pool.alignment()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn alignment(&self) -> usize {
        self.core.page_size.alignment()
    }
}
