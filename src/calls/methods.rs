//! The public methods of caches and pools, to be stamped on both.

/// Stamps the calls on a type. The hot ones are always inlined: a compiler that weighs their size, two kinds of cache
/// together, leaves them out of loops, and a pair for one page takes 22 instructions more. The type
/// may have more parameters than its mode, `M`. What is in scope where it is used must be: `MaybeUninit`, the errors,
/// the owners, `GivenUp`, and the modes' traits.
macro_rules! methods {
    ([$($parameters:tt)*] $type:ty, $self:ident, [$($receiver:tt)+], $marks:ident) => {
        impl<M: Mode $($parameters)*> $type {
            /// Allocates one page. Its bytes are whatever they were, or poison.
            ///
            /// # Errors
            /// Why there was none.
            #[inline(always)]
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc($($receiver)+) -> Result<Page<M>, ShortReason> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc(front))
            }

            /// Allocates one page of zeros. In a region that was mapped, or comes from the heap, a
            /// page that nobody has had yet, or whose memory the system was given back, is not
            /// written again.
            ///
            /// # Errors
            /// Why there was none.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_zeroed($($receiver)+) -> Result<Page<M>, ShortReason> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_zeroed(front))
            }

            /// Frees one page. A page of another pool goes home to it.
            #[inline(always)]
            pub fn free($($receiver)+, page: Page<M>) {
                $crate::calls::through!($marks, $self, front, $crate::calls::free(front, page));
            }

            /// Appends up to `want` pages to `batch`. The result may be short, and says why.
            ///
            /// Which pages come is not promised of this call or any other for many, nor in which order: not those that
            /// were freed last, neighbours, or ascending numbers. The batch keeps the order in which they came.
            #[inline(always)]
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_bulk<const N: usize>($($receiver)+, batch: &mut PageBatch<M, N>, want: usize) -> BulkAlloc {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_bulk(front, batch, want))
            }

            /// As `alloc_bulk`, and every byte of the new pages is zero.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_bulk_zeroed<const N: usize>($($receiver)+, batch: &mut PageBatch<M, N>, want: usize) -> BulkAlloc {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_bulk_zeroed(front, batch, want))
            }

            /// Appends exactly `want` pages to `batch`, or none.
            ///
            /// # Errors
            /// How many there were, and why not more; the batch is as it was.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_bulk_exact<const N: usize>($($receiver)+, batch: &mut PageBatch<M, N>, want: usize) -> Result<(), ExactError> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_bulk_exact(front, batch, want, $crate::error::Call::AllocBulkExact))
            }

            /// The same, in a call that waits if there are too few: that is no failure.
            #[cfg_attr(feature = "track", track_caller)]
            pub(crate) fn alloc_or_wait<const N: usize>($($receiver)+, batch: &mut PageBatch<M, N>, want: usize) -> bool {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_bulk_exact(front, batch, want, $crate::error::Call::Wait)).is_ok()
            }

            /// Allocates `n` pages beforehand, at most 256, or none: to be taken one by one where nothing may fail or
            /// wait. See [`Prefilled`](crate::Prefilled), which a batch of another capacity becomes, too.
            ///
            /// # Errors
            /// As `alloc_bulk_exact`.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn prefill($($receiver)+, n: usize) -> Result<$crate::owned::Prefilled<M>, ExactError> {
                let mut batch = PageBatch::new();
                $self.alloc_bulk_exact(&mut batch, n)?;
                Ok(batch.into())
            }

            /// Fills the empty slots of an array, from its start and in ascending order, and only those. The result tells how many slots are
            /// populated, and how many of them are new; it may be short, and says why. See
            /// [`Filled`](crate::Filled).
            #[cfg_attr(feature = "track", track_caller)]
            pub fn fill_vacant($($receiver)+, pages: &mut [Option<Page<M>>]) -> $crate::error::Filled {
                $crate::calls::through!($marks, $self, front, $crate::calls::fill_vacant(front, pages))
            }

            /// Frees all pages of a batch, which is empty afterwards. No reference count is touched: nothing else
            /// can own these pages. Pages of another pool go home to it. The batch's order makes no difference.
            #[inline(always)]
            pub fn free_bulk<const N: usize>($($receiver)+, batch: &mut PageBatch<M, N>) {
                $crate::calls::through!($marks, $self, front, $crate::calls::free_bulk(front, batch));
            }

            /// Frees pages from wherever they are: a `Vec` that is drained, the fields of a struct that goes. They go back in
            /// bulks, without an array of the caller's. Pages of another pool go home to it. What an iterator that panics
            /// has given is freed.
            pub fn free_all($($receiver)+, pages: impl IntoIterator<Item = Page<M>>) {
                let mut batch = PageBatch::<M, 64>::empty();
                for page in pages {
                    if let Err(error) = batch.push(page) {
                        // It is full, or of another pool.
                        $self.free_bulk(&mut batch);
                        batch.push(error.page).expect("an empty batch takes any page");
                    }
                }
                $self.free_bulk(&mut batch);
            }

            /// Frees all pages of a batch when a ticket has passed: when what still uses them (a device, a socket that
            /// sends without copying) has come so far. The batch is empty afterwards. Until then the pages are
            /// [`fenced`](crate::Pages::fenced): nobody has them, and nobody can. If the ticket has passed already,
            /// this is `free_bulk`.
            ///
            /// Whoever gives pages up with a ticket says that they are initialised, and stay so: what uses them still
            /// only reads them, or writes bytes. A ticket is of one of the pool's
            /// [`fences`](crate::Builder::fences); a number is one of the first. The call asks the fence, so it does not
            /// belong into a signal handler. Fenced pages keep the pool open: call [`Pool::close`](crate::Pool::close)
            /// or [`Pool::reap_fences`](crate::Pool::reap_fences) before the last handle goes, because no drop asks.
            ///
            /// # Errors
            /// The pool has no such fence, or no magazine to keep the pages in; or they are of another pool. The batch
            /// is as it was.
            pub fn free_bulk_after<const N: usize>($($receiver)+, batch: &mut PageBatch<M, N>, ticket: impl Into<$crate::ticket::Ticket>) -> Result<(), $crate::error::FenceError> {
                let ticket = ticket.into();
                $crate::calls::through!($marks, $self, front, $crate::calls::free_bulk_after(front, batch, ticket))
            }

            /// Allocates up to `out.len()` pages as ids, without owners. Returns those it got, which stand at the start of
            /// `out` in no order that is promised, and why not more.
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

            /// Adds a reference to each page, in the order of `ids`. Returns the number of pages whose count was increased.
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

            /// Drops a reference to each page, in the order of `ids`, and frees those that nobody holds any more. Returns how
            /// many it freed.
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
                $crate::calls::through!($marks, $self, front, unsafe { $crate::calls::release_bulk(front, ids) })
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

            /// Hands pages of a batch to a device, from the batch's start and in its order, as many as `out` has room for.
            /// Lent pages have no owner in Rust until they are reclaimed; they count as out when the pool closes.
            ///
            /// Nothing is lent from a batch of another pool.
            pub fn lend_bulk<'o, const N: usize>($($receiver)+, batch: &mut PageBatch<M, N>, out: &'o mut [MaybeUninit<PageId>]) -> &'o mut [PageId] {
                $crate::calls::through!($marks, $self, front, $crate::calls::lend_bulk(front, batch, out))
            }

            /// Takes pages back from a device into a batch, at its end in the order of `ids`, as many as it has room for.
            /// Returns how many.
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

/// Makes a call through the front of a type. Where the type's parameter says so, the call is marked, until it ends; by
/// a guard, also if it panics. A plain cache has no guard in its code at all, not even one that does nothing.
macro_rules! through {
    (unmarked, $self:ident, $front:ident, $call:expr) => {{
        let $front = $self.front();
        $call
    }};
    (marked, $self:ident, $front:ident, $call:expr) => {
        if STEALABLE {
            let mut marked = $self.enter();
            let $front = marked.front();
            $call
        } else {
            let $front = $self.front();
            $call
        }
    };
}

pub(crate) use {methods, through};
