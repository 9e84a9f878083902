//! Blocks without owners: to an owner, and into pieces.

use crate::error::{Call, PageError, ShortReason};
use crate::inner::{Faults, block_pages};
use crate::mode::Mode;
use crate::owned::Block;
use crate::page::{Fault, Order, PageId};
use crate::pool::Pool;

impl<M: Mode> Pool<M> {
    /// Splits a block without an owner: into blocks of the order `into`, or into single pages. They
    /// are out as the block was, and each is freed by itself, in any order, by
    /// [`free_block_raw`](Self::free_block_raw) or as any other page.
    ///
    /// An owned block is split by [`Block::split`] and [`Block::into_pages`].
    ///
    /// ```
    /// # use pagesheaf::{Order, PageId, Pool, Region};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let region = Region::addresses(0x4000_0000, 100 * 4096);
    /// let pool = Pool::builder(100).region(region).build()?;
    /// let [two, one] = [Order::try_from(2)?, Order::try_from(1)?];
    /// let first = pool.alloc_block_raw(two)?;
    /// let third = PageId::new(first.index() + 2);
    /// // SAFETY: nobody else has the block, or its pieces, and no page has bytes.
    /// unsafe {
    ///     pool.split_block_raw(first, two, Some(one))?;
    ///     pool.split_block_raw(third, one, None)?;
    ///     pool.free_bulk_raw(&[PageId::new(third.index() + 1), third])?;
    ///     pool.free_block_raw(first, one)?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong, and nothing was split: no block of this order can start there, or `into` is
    /// larger; with checks, none that is out does. A page behind the first whose state makes no
    /// sense is named, and stays as it is; the others are pieces.
    ///
    /// # Safety
    /// The caller is the sole owner of the block, which was allocated from this pool in this order,
    /// or came of one that was split into this order. From now on it owns the pieces in its stead.
    pub unsafe fn split_block_raw(
        &self,
        first: PageId,
        order: Order,
        into: Option<Order>,
    ) -> Result<(), PageError> {
        let mut faults = Faults::default();
        let pieces = self.core.split_block(first, order, into, &mut faults);
        self.core.record_or_panic(&faults, pieces, Call::SplitBlockRaw)
    }
}

impl<M: Mode> Block<M> {
    /// The owner of a block that came from [`Block::into_raw`] or a raw allocation.
    ///
    /// # Safety
    /// The block is out of this pool, in this order, nothing else owns it, and all its bytes are
    /// initialised: what was written through a pointer has left no byte (a struct's padding)
    /// uninitialised.
    ///
    /// # Panics
    /// When no block of this order can start at this page of the pool, the pool has addresses only,
    /// or a page of the block is offline.
    ///
    /// ```
    /// # use pagesheaf::{Block, Order, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).build()?;
    /// let (first, order) = pool.alloc_block(Order::try_from(3)?)?.into_raw();
    /// // SAFETY: the block was just given up, nobody else has its number, and nobody wrote it.
    /// let block = unsafe { Block::from_raw(&pool, first, order) };
    /// assert_eq!((block.id(), block.order()), (first, order));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub unsafe fn from_raw(pool: &Pool<M>, first: PageId, order: Order) -> Self {
        let (core, fault, mode) = (&pool.core, Fault::NotABlock, pool.mode());
        assert!(
            core.fits(first, order),
            "pagesheaf: {first} {}: {} [{mode}]",
            fault.fact(&format_args!(" of order {}", order.get())),
            fault.advice()
        );
        assert!(!core.addresses_only, "pagesheaf: {}", ShortReason::AddressOnly);
        if let Some(id) = core.offline.first(first, order.pages()) {
            panic!("pagesheaf: {id} {} [{mode}]", Fault::Offline);
        }
        core.vouch_written(block_pages(first, order));
        // SAFETY: the caller gives it to us.
        unsafe { Block::new(core.pointer(), first, order) }
    }
}
