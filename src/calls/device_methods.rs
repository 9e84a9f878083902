//! The public methods of caches and pools by which a device gets pages and gives them back, to be stamped on both.

/// Stamps them on a type, with whatever generics it has. `$lender` is what a [`Lending`](super::Lending) keeps of it,
/// which is `$lend`.
macro_rules! device_methods {
    ([$($generics:tt)*] $type:ty, $self:ident, [$($receiver:tt)+], $marks:ident, [[$($lenders:tt)*] $lender:ty, $($lend:tt)+]) => {
        impl<$($generics)*> $type {
            /// Allocates up to `n` pages and lends them to a device, in one pass: an iterator of their offsets, for the
            /// `insert` of a ring. It says why it ended, if it came short, and how many were taken: see
            /// [`Lending`](crate::Lending).
            ///
            /// Nothing of the pages is written: a device writes them, or a pointer
            /// ([`Pool::ptr`](crate::Pool::ptr)), before anybody reads them as more than bytes of no meaning. Lent
            /// pages have no owner in Rust. They come back by `reclaim_at`, into a batch, or by `free_lent`. Pools of
            /// addresses have this call, too. The order of the pages is not promised.
            ///
            /// ```
            /// # use pagesheaf::Pool;
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut cache = pool.cache()?;
            /// let ring: Vec<u64> = cache.lend_new(64).collect();
            /// assert_eq!((ring.len(), pool.audit().pages.lent), (64, 64));
            /// // SAFETY: the device is done; the pages were lent by this pool, and no byte is uninitialised.
            /// assert_eq!(unsafe { cache.free_lent(ring) }?, 64);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[inline]
            #[cfg_attr(feature = "track", track_caller)]
            pub fn lend_new<'l>($($receiver)+, n: usize) -> $crate::calls::Lending<$lender> {
                $crate::calls::Lending::new($($lend)+, n, $crate::tracker::Caller::here())
            }

            /// Lends the pages of a batch to a device as they are taken from the iterator that is returned, from the
            /// batch's start and in its order. The others are in the batch when the iterator is dropped: see
            /// [`Lending`](crate::Lending).
            ///
            /// Nothing is lent from a batch of another pool. In checking modes a page that cannot be lent stays in the
            /// batch, at its start, and the pool is tainted.
            ///
            /// ```
            /// # use pagesheaf::{PageBatch, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut cache = pool.cache()?;
            /// let mut packets = PageBatch::new();
            /// cache.alloc_bulk_exact(&mut packets, 10)?;
            /// packets.iter_mut().for_each(|bytes| bytes.fill(7));
            /// // The device's ring has room for four.
            /// let ring: Vec<u64> = cache.lend(&mut packets).take(4).collect();
            /// assert_eq!((ring.len(), packets.len()), (4, 6));
            /// // SAFETY: the device has sent them; this pool lent them, and all their bytes are initialised.
            /// assert_eq!(unsafe { cache.reclaim_at(ring, &mut packets) }?, 4);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[inline]
            #[cfg_attr(feature = "track", track_caller)]
            pub fn lend<'l, const N: usize>(
                $($receiver)+,
                batch: &'l mut $crate::owned::PageBatch<M, N>,
            ) -> $crate::calls::Lending<$crate::calls::FromBatch<'l, M, N>> {
                let caller = $crate::tracker::Caller::here();
                $crate::calls::through!($marks, $self, front, $crate::calls::begin(front));
                $crate::calls::lend($self.handle(), batch, caller)
            }

            /// Takes pages back from a device into a batch, at whose end they are in the iterator's order. An offset is
            /// in bytes from the region's start, and may be anywhere in its page. Returns how many pages came back.
            ///
            /// Numbers ([`PageId`](crate::PageId)) do as well as offsets: see [`NamesPage`](crate::NamesPage).
            ///
            /// Nothing more is taken from the iterator when the batch is full: pass `&mut offsets` to go on with it. If
            /// it panics, what it gave before is in the batch.
            ///
            /// ```
            /// # use pagesheaf::{PageBatch, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// # let pool = Pool::builder(100).build()?;
            /// # let mut cache = pool.cache()?;
            /// let ring: Vec<u64> = cache.lend_new(10).collect();
            /// // Packets were received somewhere in these pages.
            /// let mut received = ring.iter().map(|offset| offset + 256);
            /// let mut batch = PageBatch::<_, 8>::empty();
            /// // SAFETY: the device is done with these pages, which this pool lent; all their bytes are initialised.
            /// assert_eq!(unsafe { cache.reclaim_at(&mut received, &mut batch) }?, 8);
            /// cache.free_bulk(&mut batch);
            /// // SAFETY: the same of the others.
            /// assert_eq!(unsafe { cache.reclaim_at(received, &mut batch) }?, 2);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// The first offset that is past the end (its page is the one that would be there), or whose page is not
            /// lent (in checking modes); the other pages are reclaimed. If the batch holds pages of another pool, or
            /// the pool has addresses only, the first offset is refused, and no other one is taken from the iterator.
            ///
            /// # Safety
            /// The device is done with the pages, which this pool lent and each of which is named once; their bytes are
            /// initialised.
            pub unsafe fn reclaim_at<'l, const N: usize>(
                $($receiver)+,
                pages: impl IntoIterator<Item = impl $crate::page::NamesPage>,
                batch: &mut $crate::owned::PageBatch<M, N>,
            ) -> Result<usize, $crate::error::PageError> {
                let size = $self.handle().page_size;
                let ids = pages.into_iter().map(|page| $crate::page::NamesPage::page(page, size));
                // SAFETY: the device has given up the pages, by the caller's promise.
                let pages = unsafe { $crate::page::FromDevice::new(ids) };
                let call = ($crate::error::Call::ReclaimAt, 1);
                $crate::calls::through!($marks, $self, front, $crate::calls::reclaim(front, pages, batch, call))
            }

            /// Takes one page back from a device.
            ///
            /// ```
            /// # use pagesheaf::Pool;
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut cache = pool.cache()?;
            /// let id = pool.alloc()?.lend();
            /// // SAFETY: the device is done with the page, which this pool lent; all its bytes are initialised.
            /// let page = unsafe { cache.reclaim(id) }?;
            /// assert_eq!(page.id(), id);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// When the page is not lent (in checking modes), or the pool has no such page. The pool stays as it is.
            ///
            /// # Safety
            /// The device is done with the page, which was lent by this pool and is reclaimed once; its bytes are
            /// initialised.
            pub unsafe fn reclaim<'l>(
                $($receiver)+,
                id: $crate::page::PageId,
            ) -> Result<$crate::owned::Page<M>, $crate::error::PageError> {
                // SAFETY: the device has given up the page, by the caller's promise.
                let page = unsafe { $crate::page::FromDevice::new(core::iter::once(id)) };
                $crate::calls::through!($marks, $self, front, $crate::calls::reclaim_one(front, page))
            }

            /// Frees pages that a device is done with, in one pass: as `reclaim_at`, and `free_bulk` of what came back.
            /// Returns how many were freed. The order makes no difference to what is freed.
            ///
            /// Numbers ([`PageId`](crate::PageId)) do as well as offsets: see [`NamesPage`](crate::NamesPage).
            ///
            /// All of them are taken from the iterator. If it panics, the pages of those that it gave before are freed.
            ///
            /// ```
            /// # use pagesheaf::{Checked, Fault, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).mode::<Checked>().build()?;
            /// let mut ring: Vec<u64> = pool.lend_new(2).collect();
            /// ring.insert(1, 1 << 40);
            /// // SAFETY: the device is done with two pages, which this pool lent; the third offset is refused.
            /// let error = unsafe { pool.free_lent(ring) }.expect_err("an offset is past the end");
            /// assert_eq!((error.position, error.fault, error.done), (1, Fault::OutOfRange, 2));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// The first offset that is past the end, or whose page is not lent (in checking modes); the other pages
            /// are freed.
            ///
            /// # Safety
            /// The device is done with the pages, which this pool lent and each of which is named once; their bytes are
            /// initialised. Nobody uses them any more.
            pub unsafe fn free_lent<'l>(
                $($receiver)+,
                pages: impl IntoIterator<Item = impl $crate::page::NamesPage>,
            ) -> Result<usize, $crate::error::PageError> {
                let size = $self.handle().page_size;
                let ids = pages.into_iter().map(|page| $crate::page::NamesPage::page(page, size));
                // SAFETY: the device has given up the pages, by the caller's promise.
                let pages = unsafe { $crate::page::FromDevice::new(ids) };
                let call = $crate::error::Call::FreeLent;
                $crate::calls::through!($marks, $self, front, $crate::calls::free_lent(front, pages, call))
            }
        }

        // SAFETY: the pages are lent as they are allocated.
        unsafe impl<$($lenders)*> $crate::calls::Lender for $lender {
            type Chunk = $crate::calls::Chunk;

            fn size_of_pages(&self) -> $crate::page::PageSize {
                self.handle().page_size
            }

            fn refill(
                &mut $self,
                chunk: &mut Self::Chunk,
                progress: &mut $crate::calls::Progress,
            ) -> $crate::calls::Refilled {
                $crate::calls::through!($marks, $self, front, $crate::calls::lend_new(front, chunk, progress))
            }

            #[inline(always)]
            fn ahead(&self, chunk: &Self::Chunk) -> usize {
                chunk.len()
            }

            #[inline(always)]
            fn take(&mut self, chunk: &mut Self::Chunk) -> Option<$crate::page::PageId> {
                chunk.take()
            }

            fn end(&mut $self, chunk: &mut Self::Chunk) {
                if chunk.len() > 0 {
                    $crate::calls::through!($marks, $self, front, $crate::calls::unlend(front, chunk));
                }
            }
        }
    };
}

pub(crate) use device_methods;
