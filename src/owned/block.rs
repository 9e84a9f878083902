//! Owned contiguous pages.

use core::borrow::{Borrow, BorrowMut};
use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use crate::inner::{Core, Faults};
use crate::mode::{DefaultMode, Mode};
use crate::page::{Order, PageId};

/// The sole owner of 2^order contiguous pages, aligned to their number, and their bytes. Dropping
/// it frees them.
///
/// ```
/// # use pagesheaf::{Order, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let order = Order::try_from(3)?;
/// let mut block = pool.alloc_block(order)?;
/// assert_eq!(block.len(), 8 * pool.page_size());
/// assert_eq!(block.id().index() % 8, 0);
/// block.fill(7);
/// pool.free_block(block);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Block<M: Mode = DefaultMode> {
    core: NonNull<Core<M>>,
    first: PageId,
    order: Order,
}

// SAFETY: a block is bytes and a pointer to a core, which is shared between threads.
unsafe impl<M: Mode> Send for Block<M> {}
// SAFETY: sharing it shares its bytes, read-only.
unsafe impl<M: Mode> Sync for Block<M> {}

impl<M: Mode> Block<M> {
    /// # Safety
    /// The block is out, of a core with bytes, and the caller gives up its ownership.
    pub(crate) unsafe fn new(core: NonNull<Core<M>>, first: PageId, order: Order) -> Self {
        Block { core, first, order }
    }

    pub(crate) fn core(&self) -> NonNull<Core<M>> {
        self.core
    }

    pub(crate) fn into_parts(self) -> (PageId, Order) {
        let block = ManuallyDrop::new(self);
        (block.first, block.order)
    }

    fn shared(&self) -> &Core<M> {
        // SAFETY: pages that are out keep their core alive.
        unsafe { self.core.as_ref() }
    }

    /// The number of its first page.
    #[must_use]
    pub fn id(&self) -> PageId {
        self.first
    }

    /// Its order.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// Where the block starts: as [`Page::base_ptr`](crate::Page::base_ptr). Whoever writes through
    /// the pointer leaves every byte initialised (not the padding of a struct).
    #[must_use]
    pub fn base_ptr(&self) -> *mut u8 {
        self.shared().address(self.first)
    }

    fn bytes(&self) -> usize {
        self.shared().page_size() << self.order.get()
    }
}

impl<M: Mode> Deref for Block<M> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the owner's pages lie side by side in the region, are initialised, and nobody
        // else writes them.
        unsafe { core::slice::from_raw_parts(self.base_ptr(), self.bytes()) }
    }
}

impl<M: Mode> DerefMut for Block<M> {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and nobody else reads them.
        unsafe { core::slice::from_raw_parts_mut(self.base_ptr(), self.bytes()) }
    }
}

impl<M: Mode> AsRef<[u8]> for Block<M> {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<M: Mode> AsMut<[u8]> for Block<M> {
    fn as_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl<M: Mode> Borrow<[u8]> for Block<M> {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl<M: Mode> BorrowMut<[u8]> for Block<M> {
    fn borrow_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl<M: Mode> Drop for Block<M> {
    fn drop(&mut self) {
        let core = self.shared();
        let mut faults = Faults::default();
        let freed = core.free_block(self.first, self.order, &mut faults);
        // A drop never panics: the pool remembers.
        let _ = core.record(&faults, freed);
        // SAFETY: the block's pages are back, and the owner ends here.
        unsafe { Core::release_pages(self.core, None, freed) };
    }
}

impl<M: Mode> fmt::Debug for Block<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.first.index();
        f.debug_struct("Block").field("first", &first).field("order", &self.order.get()).finish()
    }
}
