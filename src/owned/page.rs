//! One owned page.

use core::borrow::{Borrow, BorrowMut};
use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use super::SharedPage;
use crate::error::Call;
use crate::inner::{Core, Faults};
use crate::mode::{DefaultMode, Mode, Refcounted};
use crate::page::{GivenUp, PageId};

/// The sole owner of a page, and its bytes. Dropping it anywhere frees the page.
///
/// It is two words, `Send`, and without a lifetime: it outlives the handles of its pool. It reads
/// and writes as a slice of bytes, which a free page's next owner may see: zero what is secret, or
/// use a mode that poisons.
///
/// ```
/// # use pagesheaf::Pool;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let mut page = pool.alloc()?;
/// page[..5].copy_from_slice(b"hello");
/// let owner = std::thread::spawn(move || page);
/// let page = owner.join().expect("no panic");
/// assert!(page.starts_with(b"hello"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Page<M: Mode = DefaultMode> {
    core: NonNull<Core<M>>,
    id: PageId,
}

// SAFETY: a page is bytes and a pointer to a core, which is shared between threads.
unsafe impl<M: Mode> Send for Page<M> {}
// SAFETY: sharing it shares its bytes, read-only.
unsafe impl<M: Mode> Sync for Page<M> {}

impl<M: Mode> Page<M> {
    /// # Safety
    /// The page is out, in range, of a core with bytes, and the caller gives up its ownership.
    #[inline(always)]
    pub(crate) unsafe fn new(core: NonNull<Core<M>>, id: PageId) -> Self {
        Page { core, id }
    }

    #[inline(always)]
    pub(crate) fn core(&self) -> NonNull<Core<M>> {
        self.core
    }

    #[inline(always)]
    pub(super) fn shared(&self) -> &Core<M> {
        // SAFETY: a page that is out keeps its core alive.
        unsafe { self.core.as_ref() }
    }

    /// Its number in the pool.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let page = pool.alloc()?;
    /// assert_eq!(pool.id_at(page.as_ptr().addr()), Some(page.id()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn id(&self) -> PageId {
        self.id
    }

    /// Where the page starts: for devices and system calls. To read or write bytes here, use the
    /// slice.
    ///
    /// The pointer is good for [`len`](slice::len) bytes, as long as the page is out. Whoever
    /// writes through it leaves every byte initialised (not the padding of a struct): safe code
    /// reads them next.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut page = pool.alloc()?;
    /// // SAFETY: the byte lies in the page, which nobody else uses.
    /// unsafe { page.base_ptr().write(7) };
    /// assert_eq!(page[0], 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn base_ptr(&self) -> *mut u8 {
        self.shared().address(self.id)
    }

    /// Where the part to use starts, in bytes, so that the first lines of different pages fall into
    /// different cache sets: a multiple of 64 below `cache_color` lines. 0 in a pool without
    /// colours.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).cache_color(8).build()?;
    /// let page = pool.alloc()?;
    /// assert_eq!(page.headroom(), page.id().index() as usize % 8 * 64);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn headroom(&self) -> usize {
        self.shared().headroom(self.id)
    }

    /// Writes zeros to every byte.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let mut page = pool.alloc()?;
    /// page.zero();
    /// assert!(page.iter().all(|&byte| byte == 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn zero(&mut self) {
        self.fill(0);
    }

    /// Gives up the owner and keeps the page out: [`Page::from_raw`] or a raw free takes it from
    /// there. Each of these asks that all bytes of the page are initialised.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let id = pool.alloc()?.into_raw();
    /// // SAFETY: the page was just given up, nobody else has its id, and nobody wrote it.
    /// unsafe { pool.free_bulk_raw(&[id]) }?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "the page leaks if its id is lost"]
    #[inline(always)]
    pub fn into_raw(self) -> PageId {
        ManuallyDrop::new(self).id
    }

    /// Hands the page to a device: [`Pool::reclaim`](crate::Pool::reclaim) or `reclaim_bulk` takes it
    /// back. A lent page has no owner, and counts as out when the pool closes.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let id = pool.alloc()?.lend();
    /// assert_eq!(pool.audit().pages.lent, 1);
    /// // The device works.
    /// // SAFETY: it is done; this pool lent the page, and all its bytes are initialised.
    /// let page = unsafe { pool.reclaim(id) }?;
    /// assert_eq!(page.id(), id);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "the page is never reclaimed if its id is lost"]
    pub fn lend(self) -> PageId {
        let page = ManuallyDrop::new(self);
        let core = page.shared();
        match core.lend(page.id) {
            Ok(()) => core.count_lent(1),
            Err(fault) => {
                // The page is not what its word says; it stays out.
                let mut faults = Faults::default();
                faults.add(page.id, 0, fault);
                // The call has no error to return; the pool remembers. By a panic the id would be lost.
                core.record_for_later(&faults, 0, Call::Lend);
            }
        }
        page.id
    }

    /// Makes it shareable, with one reference.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let one = pool.alloc()?.into_shared();
    /// let two = one.clone();
    /// assert_eq!((one.id(), two.refcount()), (two.id(), 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn into_shared(self) -> SharedPage<M>
    where
        M: Refcounted,
    {
        SharedPage::new(self)
    }
}

impl<M: Mode> Deref for Page<M> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: the owner's page lies in the region, is initialised, and nobody else writes it.
        unsafe { core::slice::from_raw_parts(self.base_ptr(), self.shared().page_size()) }
    }
}

impl<M: Mode> DerefMut for Page<M> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and nobody else reads it.
        unsafe { core::slice::from_raw_parts_mut(self.base_ptr(), self.shared().page_size()) }
    }
}

impl<M: Mode> AsRef<[u8]> for Page<M> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<M: Mode> AsMut<[u8]> for Page<M> {
    fn as_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl<M: Mode> Borrow<[u8]> for Page<M> {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl<M: Mode> BorrowMut<[u8]> for Page<M> {
    fn borrow_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl<M: Mode> Drop for Page<M> {
    fn drop(&mut self) {
        let ids = [self.id];
        // SAFETY: the page was its owner's alone, is initialised, and the owner ends here.
        unsafe { Core::drop_pages(self.core, GivenUp::new(&ids)) };
    }
}

impl<M: Mode> fmt::Debug for Page<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Page").field(&self.id.index()).finish()
    }
}
