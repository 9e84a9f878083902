//! The public methods of caches and pools for blocks, and for what is asked for by its number, to be stamped on both.

/// Stamps the calls for blocks on a type, as `methods` does the others.
macro_rules! block_methods {
    ([$($parameters:tt)*] $type:ty, $self:ident, [$($receiver:tt)+], $marks:ident) => {
        impl<M: Mode $($parameters)*> $type {
            /// Allocates a contiguous block of 2^order pages, whose number is a multiple of as
            /// many.
            ///
            /// ```
            /// # use pagesheaf::{Order, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut block = pool.alloc_block(Order::try_from(2)?)?;
            /// assert_eq!((block.len(), block.id().index() % 4), (4 * 4096, 0));
            /// block.fill(7);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// Why there was none; free pages may be there, but not side by side.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_block($($receiver)+, order: Order) -> Result<Block<M>, ShortReason> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_block(front, order))
            }

            /// Fills the empty slots of an array with blocks of 2^order pages, and only those
            /// slots. What was allocated is counted in blocks. The result may be short, and says
            /// why. Which blocks they are, and in which order, is not promised.
            ///
            /// ```
            /// # use pagesheaf::{Order, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut blocks = [const { None }; 5];
            /// let bulk = pool.alloc_blocks_bulk(Order::try_from(3)?, &mut blocks);
            /// assert_eq!((bulk.allocated, bulk.populated, bulk.reason), (5, 5, None));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_blocks_bulk($($receiver)+, order: Order, out: &mut [Option<Block<M>>]) -> $crate::error::Filled {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_blocks_bulk(front, order, out))
            }

            /// Frees a block. A block of another pool goes home to it.
            ///
            /// ```
            /// # use pagesheaf::{Order, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let block = pool.alloc_block(Order::try_from(2)?)?;
            /// pool.free_block(block);
            /// assert_eq!(pool.audit().pages.out, 0);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            pub fn free_block($($receiver)+, block: Block<M>) {
                $crate::calls::through!($marks, $self, front, $crate::calls::free_block(front, block));
            }

            /// As `alloc_block`, without an owner: returns the first page. Pools of addresses have
            /// this call, too.
            ///
            /// ```
            /// # use pagesheaf::{Order, Pool, Region};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let region = Region::addresses(0x4000_0000, 100 * 4096);
            /// let pool = Pool::builder(100).region(region).build()?;
            /// let order = Order::try_from(4)?;
            /// let first = pool.alloc_block_raw(order)?;
            /// assert_eq!(first.index() as usize % order.pages(), 0);
            /// // SAFETY: nobody else has the block, and its pages have no bytes.
            /// unsafe { pool.free_block_raw(first, order) }?;
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// As `alloc_block`.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_block_raw($($receiver)+, order: Order) -> Result<PageId, ShortReason> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_block_raw(front, order))
            }

            /// Allocates up to `out.len()` blocks of 2^order pages, without owners. Returns the
            /// first page of each, and why there are no more.
            ///
            /// ```
            /// # use core::mem::MaybeUninit;
            /// # use pagesheaf::{Order, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let order = Order::try_from(3)?;
            /// let mut out = [MaybeUninit::uninit(); 5];
            /// let (blocks, reason) = pool.alloc_blocks_bulk_raw(order, &mut out);
            /// assert_eq!((blocks.len(), reason), (5, None));
            /// for &mut first in blocks {
            ///     // SAFETY: nobody else has the block, and nobody wrote it.
            ///     unsafe { pool.free_block_raw(first, order) }?;
            /// }
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_blocks_bulk_raw<'o>($($receiver)+, order: Order, out: &'o mut [MaybeUninit<PageId>]) -> (&'o mut [PageId], Option<ShortReason>) {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_blocks_bulk_raw(front, order, out))
            }

            /// Frees a block by its first page.
            ///
            /// ```
            /// # use pagesheaf::{Checked, Order, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).mode::<Checked>().build()?;
            /// let (order, larger) = (Order::try_from(3)?, Order::try_from(4)?);
            /// let first = pool.alloc_block_raw(order)?;
            /// // SAFETY: nobody else has the block, and nobody wrote it; this mode refuses another order.
            /// let error = unsafe { pool.free_block_raw(first, larger) }.expect_err("it is smaller");
            /// assert_eq!(error.page, first);
            /// // SAFETY: the same, and this is its order.
            /// unsafe { pool.free_block_raw(first, order) }?;
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// What is wrong, and nothing was freed: no block of this order can start there; with
            /// checks, none that is out does. A page that is in the zone already is named in every
            /// mode, and the others are freed.
            ///
            /// # Safety
            /// The caller is the sole owner of the block, which was allocated from this pool in
            /// this order, or came of one that was split into this order, and gives it up; its
            /// bytes are initialised (a value with padding leaves bytes that are not). In checking
            /// modes a call that breaks this is found and reported, where `features.md` says so.
            pub unsafe fn free_block_raw($($receiver)+, first: PageId, order: Order) -> Result<(), PageError> {
                $crate::calls::through!($marks, $self, front, $crate::calls::free_block_raw(front, first, order))
            }

            /// Allocates the page of this number.
            ///
            /// ```
            /// # use pagesheaf::{PageId, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let page = pool.alloc_at(PageId::new(42))?;
            /// assert_eq!(page.id().index(), 42);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// Where the page is, if it cannot be had. If it is cached, what can be drained is
            /// drained first.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_at($($receiver)+, id: PageId) -> Result<Page<M>, $crate::error::PlaceError> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_at(front, id))
            }

            /// As `alloc_at`, without an owner. Pools of addresses have this call, too.
            ///
            /// ```
            /// # use pagesheaf::{PageId, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let id = PageId::new(42);
            /// pool.alloc_at_raw(id)?;
            /// // SAFETY: nobody else has the page, and nobody wrote it.
            /// unsafe { pool.free_bulk_raw(&[id]) }?;
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// As `alloc_at`.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_at_raw($($receiver)+, id: PageId) -> Result<(), $crate::error::PlaceError> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_at_raw(front, id, None))
            }

            /// Allocates the block of 2^order pages that starts at this page, whose number is a
            /// multiple of as many.
            ///
            /// ```
            /// # use pagesheaf::{Order, PageId, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let block = pool.alloc_block_at(PageId::new(40), Order::try_from(3)?)?;
            /// assert_eq!((block.id().index(), block.len()), (40, 8 * pool.page_size()));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// The first page of it that cannot be had, and where that is. If it is cached, what
            /// can be drained is drained first.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_block_at($($receiver)+, first: PageId, order: Order) -> Result<Block<M>, $crate::error::PlaceError> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_block_at(front, first, order))
            }

            /// As `alloc_block_at`, without an owner. Pools of addresses have this call, too.
            ///
            /// ```
            /// # use pagesheaf::{Order, PageId, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let (first, order) = (PageId::new(40), Order::try_from(3)?);
            /// pool.alloc_block_at_raw(first, order)?;
            /// // SAFETY: nobody else has the block, and nobody wrote it.
            /// unsafe { pool.free_block_raw(first, order) }?;
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// As `alloc_block_at`.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_block_at_raw($($receiver)+, first: PageId, order: Order) -> Result<(), $crate::error::PlaceError> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_at_raw(front, first, Some(order)))
            }
        }
    };
}

pub(crate) use block_methods;
