//! Owned contiguous pages.

mod pieces;

use core::borrow::{Borrow, BorrowMut};
use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use crate::error::Call;
use crate::inner::{Core, Faults};
use crate::mode::{DefaultMode, Mode};
use crate::page::{Order, PageId};

pub use pieces::{IntoBlocks, IntoPages};

/// The sole owner of 2^order contiguous pages and their bytes. The number of the first page is a
/// multiple of as many; its address is one of their bytes, if that is so of the pool's first page.
/// Dropping the block frees them.
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

    /// Gives up ownership without freeing: the number of its first page, and its order. The block
    /// stays out, until it is freed by
    /// [`free_block_raw`](crate::Pool::free_block_raw) or has an owner again, by [`Block::from_raw`].
    ///
    /// ```
    /// # use pagesheaf::{Order, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let (first, order) = pool.alloc_block(Order::try_from(3)?)?.into_raw();
    /// // SAFETY: nobody else has the block, and nobody wrote it.
    /// unsafe { pool.free_block_raw(first, order) }?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "a block whose number is lost is never freed"]
    pub fn into_raw(self) -> (PageId, Order) {
        let block = ManuallyDrop::new(self);
        (block.first, block.order)
    }

    /// Splits it into blocks of an order that is not larger, which are freed one by one, in any order.
    ///
    /// # Errors
    /// The block as it was, if the order is larger.
    ///
    /// ```
    /// # use pagesheaf::{Order, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let [five, three] = [Order::try_from(5)?, Order::try_from(3)?];
    /// let block = pool.alloc_block(five)?;
    /// let first = block.id().index();
    /// let blocks = block.split(three).expect("it is larger");
    /// assert!(blocks.map(|block| block.id().index()).eq((first..first + 32).step_by(8)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn split(self, order: Order) -> Result<IntoBlocks<M>, Self> {
        if order > self.order { Err(self) } else { Ok(IntoBlocks::of(self, order)) }
    }

    /// Splits it into pages, which are freed one by one, in any order.
    ///
    /// ```
    /// # use pagesheaf::{Order, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let block = pool.alloc_block(Order::try_from(3)?)?;
    /// let mut pages: Vec<_> = block.into_pages().collect();
    /// assert_eq!(pages.len(), 8);
    /// pool.free(pages.swap_remove(5));
    /// drop(pages);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_pages(self) -> IntoPages<M> {
        IntoPages::of(self)
    }

    /// Where the block starts: as [`Page::base_ptr`](crate::Page::base_ptr). Whoever writes through
    /// the pointer leaves every byte initialised (not the padding of a struct).
    ///
    /// ```
    /// # use pagesheaf::{Order, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let block = pool.alloc_block(Order::try_from(2)?)?;
    /// assert_eq!(pool.id_at(block.base_ptr().addr()), Some(block.id()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
        let _ = core.record(&faults, freed, Call::Drop);
        core.conclude_quietly(Call::Drop);
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
