//! The public methods of caches and pools for pages that are named by their ids, to be stamped on both.

/// Stamps the calls without owners on a type, as `methods` does the others. What is in scope where it is used must be:
/// `MaybeUninit`, the errors, `PageBatch`, `GivenUp`, and the modes' traits.
macro_rules! raw_methods {
    ([$($parameters:tt)*] $type:ty, $self:ident, [$($receiver:tt)+], $marks:ident) => {
        impl<M: Mode $($parameters)*> $type {
            /// Allocates up to `out.len()` pages as ids, without owners. Returns those it got, which stand at the start
            /// of `out` in no order that is promised, and why not more.
            ///
            /// ```
            /// # use pagesheaf::Pool;
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// # use std::mem::MaybeUninit;
            /// let pool = Pool::builder(100).build()?;
            /// let mut out = [MaybeUninit::uninit(); 32];
            /// let (ids, reason) = pool.alloc_bulk_raw(&mut out);
            /// assert_eq!((ids.len(), reason), (32, None));
            /// // SAFETY: the pages are ours alone, and nobody wrote them.
            /// unsafe { pool.free_bulk_raw(ids) }?;
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_bulk_raw<'o>($($receiver)+, out: &'o mut [MaybeUninit<PageId>]) -> (&'o mut [PageId], Option<ShortReason>) {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_bulk_raw(front, out))
            }

            /// Allocates one page as an id, without an owner. It goes back by `free_raw`.
            ///
            /// ```
            /// # use pagesheaf::Pool;
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let id = pool.alloc_raw()?;
            /// // SAFETY: the page is ours alone, and nobody wrote it.
            /// unsafe { pool.free_raw(id) }?;
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// Why there was none.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_raw($($receiver)+) -> Result<PageId, ShortReason> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_raw(front))
            }

            /// Frees one page by its id.
            ///
            /// ```
            /// # use pagesheaf::Pool;
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let id = pool.alloc()?.into_raw();
            /// // SAFETY: the page's owner just gave it up, and nobody wrote it.
            /// unsafe { pool.free_raw(id) }?;
            /// assert_eq!(pool.audit().pages.out, 0);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// As `free_bulk_raw`.
            ///
            /// # Safety
            /// As `free_bulk_raw`: the caller is the sole owner of the page, of this pool, and gives it up; its bytes
            /// are initialised.
            pub unsafe fn free_raw($($receiver)+, id: PageId) -> Result<(), PageError> {
                let ids = [id];
                // SAFETY: the caller gives up the page.
                $crate::calls::through!($marks, $self, front, $crate::calls::free_bulk_raw(front, unsafe { GivenUp::new(&ids) }))
            }

            /// Frees pages by id, in whichever order.
            ///
            /// ```
            /// # use pagesheaf::{Checked, Fault, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).mode::<Checked>().build()?;
            /// let ids = [pool.alloc_raw()?, pool.alloc_raw()?];
            /// // SAFETY: the pages are ours alone, and nobody wrote them.
            /// unsafe { pool.free_bulk_raw(&ids) }?;
            /// // SAFETY: nobody has them; so this mode refuses both.
            /// let error = unsafe { pool.free_bulk_raw(&ids) }.expect_err("they are free");
            /// assert_eq!((error.page, error.fault, error.count), (ids[0], Fault::AlreadyFree, 2));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// The first bad page, where the mode looks: with reference counts, one whose count is not one; with
            /// checks, also one that is free, lent, part of a block or out of range. The other pages are freed; bad
            /// ones stay as they are, and the pool is tainted.
            ///
            /// # Safety
            /// The caller is the sole owner of each page (references already dropped), all of this pool, each named
            /// once, and gives it up; its bytes are initialised (a value with padding leaves bytes that are not). In
            /// checking modes a call that breaks this is found and reported, where `features.md` says so.
            pub unsafe fn free_bulk_raw($($receiver)+, ids: &[PageId]) -> Result<(), PageError> {
                // SAFETY: the caller gives up the pages.
                $crate::calls::through!($marks, $self, front, $crate::calls::free_bulk_raw(front, unsafe { GivenUp::new(ids) }))
            }

            /// Adds a reference to each page, in the order of `ids`. Returns the number of pages whose count was
            /// increased.
            ///
            /// ```
            /// # use pagesheaf::{Checked, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).mode::<Checked>().build()?;
            /// let ids = [pool.alloc_raw()?, pool.alloc_raw()?];
            /// // SAFETY: the first reference to each page is ours; nobody wrote them.
            /// unsafe {
            ///     assert_eq!(pool.retain_bulk(&ids)?, 2);
            ///     assert_eq!(pool.release_bulk(&ids)?, 0, "a reference to each is left");
            ///     assert_eq!(pool.release_bulk(&ids)?, 2);
            /// }
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// The first page that has none to add to, or whose count has stuck; the others are retained.
            ///
            /// # Safety
            /// The caller holds a reference to each page, by a raw call or from `SharedPage`: a `Page` or `PageBatch`
            /// owns its pages alone, and frees them whatever the counts are.
            pub unsafe fn retain_bulk($($receiver)+, ids: &[PageId]) -> Result<usize, PageError>
            where
                M: Refcounted,
            {
                $crate::calls::through!($marks, $self, front, $crate::calls::retain_bulk(front, ids))
            }

            /// Drops a reference to each page, in the order of `ids`, and frees those that nobody holds any more.
            /// Returns how many it freed.
            ///
            /// ```
            /// # use pagesheaf::{Checked, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).mode::<Checked>().build()?;
            /// let [one, two] = [pool.alloc_raw()?, pool.alloc_raw()?];
            /// // SAFETY: the references are ours, each is given up once, and nobody wrote the pages.
            /// unsafe {
            ///     pool.retain_bulk(&[one])?;
            ///     assert_eq!(pool.release_bulk(&[one, two])?, 1, "the first page has another reference");
            ///     assert_eq!(pool.release_bulk(&[one])?, 1);
            /// }
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// The first bad page; the others are released.
            ///
            /// # Safety
            /// The caller holds a reference to each page, and gives it up; its bytes are initialised.
            pub unsafe fn release_bulk($($receiver)+, ids: &[PageId]) -> Result<usize, PageError>
            where
                M: Refcounted,
            {
                // SAFETY: passed on to the caller.
                $crate::calls::through!($marks, $self, front, $crate::calls::release_bulk(front, unsafe { GivenUp::new(ids) }))
            }

            /// Adds `n` references to one page, in one step: for who cuts it into parts, each of which goes its way.
            /// [`SharedPage::retain_many`](crate::SharedPage::retain_many) is the same with owners.
            ///
            /// ```
            /// # use pagesheaf::{Checked, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).mode::<Checked>().build()?;
            /// let id = pool.alloc_raw()?;
            /// // SAFETY: the first reference is ours, and nobody else has the page; nobody wrote it.
            /// unsafe {
            ///     pool.retain_many(id, 16)?;
            ///     // Eight parts are used, and given up; then what is left.
            ///     assert_eq!(pool.release_bulk(&[id; 8])?, 0);
            ///     assert!(pool.release_many(id, 9)?, "the page is free");
            /// }
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// As `retain_bulk`.
            ///
            /// # Safety
            /// As `retain_bulk`: the caller holds a reference to the page.
            pub unsafe fn retain_many($($receiver)+, id: PageId, n: u32) -> Result<(), PageError>
            where
                M: Refcounted,
            {
                $crate::calls::through!($marks, $self, front, $crate::calls::retain_many(front, id, n))
            }

            /// Drops `n` references to one page, in one step, and frees it if nobody holds it any more. Returns
            /// whether it did.
            ///
            /// ```
            /// # use pagesheaf::{Checked, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).mode::<Checked>().build()?;
            /// let id = pool.alloc_raw()?;
            /// // SAFETY: the references are ours, each is given up once, and nobody wrote the page.
            /// unsafe {
            ///     pool.retain_many(id, 7)?;
            ///     assert!(!pool.release_many(id, 5)?, "three references are left");
            ///     assert!(pool.release_many(id, 3)?);
            /// }
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// What is wrong with the page: as `release_bulk`, and in every mode when it has fewer references. Then
            /// none is dropped.
            ///
            /// # Safety
            /// As `release_bulk`: the caller holds so many references to the page, and gives them up; its bytes are
            /// initialised.
            pub unsafe fn release_many($($receiver)+, id: PageId, n: u32) -> Result<bool, PageError>
            where
                M: Refcounted,
            {
                let ids = [id];
                // SAFETY: the caller gives up the references; if they are the last, the page.
                $crate::calls::through!($marks, $self, front, $crate::calls::release_many(front, unsafe { GivenUp::new(&ids) }, n))
            }

            /// Frees pages whatever their counts are, which become one, and taints the pool.
            ///
            /// ```
            /// # use pagesheaf::{Checked, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).mode::<Checked>().build()?;
            /// let id = pool.alloc_raw()?;
            /// // SAFETY: nobody wrote the page, and nobody uses either reference any more.
            /// unsafe {
            ///     pool.retain_bulk(&[id])?;
            ///     pool.free_bulk_ignoring_refcounts(&[id])?;
            /// }
            /// assert!(pool.is_tainted() && pool.audit().pages.out == 0);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// As `free_bulk_raw`, but never for a count.
            ///
            /// # Safety
            /// As `free_bulk_raw`, initialised bytes included; and whoever holds references never uses or drops them
            /// again.
            pub unsafe fn free_bulk_ignoring_refcounts($($receiver)+, ids: &[PageId]) -> Result<(), PageError> {
                // SAFETY: the caller gives up the pages, and so do the holders of references.
                $crate::calls::through!($marks, $self, front, $crate::calls::free_bulk_ignoring_refcounts(front, unsafe { GivenUp::new(ids) }))
            }

            /// Hands pages of a batch to a device, from the batch's start and in its order, as many as `out` has room
            /// for. Lent pages have no owner in Rust until they are reclaimed; they count as out when the pool closes.
            ///
            /// Nothing is lent from a batch of another pool.
            ///
            /// ```
            /// # use pagesheaf::{PageBatch, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// # use std::mem::MaybeUninit;
            /// let pool = Pool::builder(100).build()?;
            /// let mut batch = PageBatch::new();
            /// pool.alloc_bulk_exact(&mut batch, 8)?;
            /// let mut ring = [MaybeUninit::uninit(); 4];
            /// let ids = pool.lend_bulk(&mut batch, &mut ring);
            /// assert_eq!((ids.len(), batch.len(), pool.audit().pages.lent), (4, 4, 4));
            /// # // SAFETY: no device has them, and nobody wrote them.
            /// # unsafe { pool.reclaim_bulk(ids, &mut batch) }?;
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            pub fn lend_bulk<'o, const N: usize>($($receiver)+, batch: &mut PageBatch<M, N>, out: &'o mut [MaybeUninit<PageId>]) -> &'o mut [PageId] {
                $crate::calls::through!($marks, $self, front, $crate::calls::lend_bulk(front, batch, out))
            }

            /// Takes pages back from a device into a batch, at its end in the order of `ids`, as many as it has room
            /// for. Returns how many.
            ///
            /// ```
            /// # use pagesheaf::{PageBatch, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let ids = [pool.alloc()?.lend(), pool.alloc()?.lend()];
            /// let mut batch = PageBatch::new();
            /// // SAFETY: the device is done with the pages, which this pool lent; all their bytes are initialised.
            /// assert_eq!(unsafe { pool.reclaim_bulk(&ids, &mut batch) }?, 2);
            /// assert_eq!(batch.ids(), ids);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// The first page that is not lent (in checking modes), or is none of this pool's; the others are
            /// reclaimed.
            ///
            /// # Safety
            /// The device is done with the pages, which this pool lent and which are reclaimed once; their bytes are
            /// initialised.
            pub unsafe fn reclaim_bulk<const N: usize>($($receiver)+, ids: &[PageId], batch: &mut PageBatch<M, N>) -> Result<usize, PageError> {
                // SAFETY: the device has given up the pages, by the caller's promise.
                let pages = unsafe { $crate::page::FromDevice::new(ids.iter().copied()) };
                let call = ($crate::error::Call::ReclaimBulk, ids.len());
                $crate::calls::through!($marks, $self, front, $crate::calls::reclaim(front, pages, batch, call))
            }
        }
    };
}

pub(crate) use raw_methods;
