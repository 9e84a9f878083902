//! The public methods of caches and pools for pages that have owners, to be stamped on both.

/// Stamps the calls on a type. The hot ones are always inlined: a compiler that weighs their size, two kinds of cache
/// together, leaves them out of loops, and a pair for one page takes 22 instructions more. The type
/// may have more parameters than its mode, `M`. What is in scope where it is used must be: the errors, the owners, and
/// the modes' traits.
macro_rules! methods {
    ([$($parameters:tt)*] $type:ty, $self:ident, [$($receiver:tt)+], $marks:ident) => {
        impl<M: Mode $($parameters)*> $type {
            /// Allocates one page. Its bytes are whatever they were, or poison.
            ///
            /// ```
            /// # use pagesheaf::Pool;
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut page = pool.alloc()?;
            /// page.fill(7);
            /// drop(page); // which frees it
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
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
            /// ```
            /// # use pagesheaf::Pool;
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let page = pool.alloc_zeroed()?;
            /// assert!(page.iter().all(|&byte| byte == 0));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// Why there was none.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_zeroed($($receiver)+) -> Result<Page<M>, ShortReason> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_zeroed(front))
            }

            /// Frees one page. A page of another pool goes home to it.
            ///
            /// ```
            /// # use pagesheaf::Pool;
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut cache = pool.cache()?;
            /// let page = cache.alloc()?;
            /// cache.free(page); // quicker than a drop: it goes into this cache
            /// assert_eq!(pool.audit().pages.out, 0);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[inline(always)]
            pub fn free($($receiver)+, page: Page<M>) {
                $crate::calls::through!($marks, $self, front, $crate::calls::free(front, page));
            }

            /// Appends up to `want` pages to `batch`. The result may be short, and says why.
            ///
            /// Which pages come is not promised of this call or any other for many, nor in which order: not those that
            /// were freed last, neighbours, or ascending numbers. The batch keeps the order in which they came.
            ///
            /// ```
            /// # use pagesheaf::{PageBatch, Pool, ShortReason};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut batch = PageBatch::new();
            /// let got = pool.alloc_bulk(&mut batch, 64);
            /// assert_eq!((got.allocated, got.reason), (64, None));
            /// let got = pool.alloc_bulk(&mut batch, 64);
            /// assert_eq!((got.allocated, got.reason), (36, Some(ShortReason::Exhausted)));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[inline(always)]
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_bulk<const N: usize>($($receiver)+, batch: &mut PageBatch<M, N>, want: usize) -> BulkAlloc {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_bulk(front, batch, want))
            }

            /// As `alloc_bulk`, and every byte of the new pages is zero.
            ///
            /// ```
            /// # use pagesheaf::{PageBatch, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut batch = PageBatch::new();
            /// assert_eq!(pool.alloc_bulk_zeroed(&mut batch, 8).allocated, 8);
            /// assert!(batch.iter().flatten().all(|&byte| byte == 0));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_bulk_zeroed<const N: usize>($($receiver)+, batch: &mut PageBatch<M, N>, want: usize) -> BulkAlloc {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_bulk_zeroed(front, batch, want))
            }

            /// Appends exactly `want` pages to `batch`, or none.
            ///
            /// ```
            /// # use pagesheaf::{PageBatch, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut batch = PageBatch::new();
            /// pool.alloc_bulk_exact(&mut batch, 64)?;
            /// let error = pool.alloc_bulk_exact(&mut batch, 64).expect_err("36 are left");
            /// assert_eq!((error.want, error.had, batch.len()), (64, 36, 64));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
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
            /// ```
            /// # use pagesheaf::Pool;
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut reserved = pool.prefill(8)?; // from here on nothing fails
            /// let page = reserved.next().expect("8 are there");
            /// assert_eq!(reserved.len(), 7);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// As `alloc_bulk_exact`.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn prefill($($receiver)+, n: usize) -> Result<$crate::owned::Prefilled<M>, ExactError> {
                let mut batch = PageBatch::new();
                $self.alloc_bulk_exact(&mut batch, n)?;
                Ok(batch.into())
            }

            /// Fills the empty slots of an array, from its start and in ascending order, and only those. The result
            /// tells how many slots are populated, and how many of them are new; it may be short, and says why. See
            /// [`Filled`](crate::Filled).
            ///
            /// ```
            /// # use pagesheaf::Pool;
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut ring = [const { None }; 8];
            /// ring[3] = Some(pool.alloc()?);
            /// let filled = pool.fill_vacant(&mut ring);
            /// assert_eq!((filled.allocated, filled.populated, filled.reason), (7, 8, None));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[cfg_attr(feature = "track", track_caller)]
            pub fn fill_vacant($($receiver)+, pages: &mut [Option<Page<M>>]) -> $crate::error::Filled {
                $crate::calls::through!($marks, $self, front, $crate::calls::fill_vacant(front, pages))
            }

            /// Frees all pages of a batch, which is empty afterwards. No reference count is touched: nothing else
            /// can own these pages. Pages of another pool go home to it. The batch's order makes no difference.
            ///
            /// ```
            /// # use pagesheaf::{PageBatch, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut batch = PageBatch::new();
            /// pool.alloc_bulk_exact(&mut batch, 64)?;
            /// pool.free_bulk(&mut batch);
            /// assert_eq!((batch.len(), pool.audit().pages.out), (0, 0));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[inline(always)]
            pub fn free_bulk<const N: usize>($($receiver)+, batch: &mut PageBatch<M, N>) {
                $crate::calls::through!($marks, $self, front, $crate::calls::free_bulk(front, batch));
            }

            /// Frees pages from wherever they are: a `Vec` that is drained, the fields of a struct that goes. They go
            /// back in bulks, without an array of the caller's. Pages of another pool go home to it. Their order makes
            /// no difference. What an iterator that panics has given is freed.
            ///
            /// ```
            /// # use pagesheaf::{Page, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut queue: Vec<Page> = (0..10).map(|_| pool.alloc()).collect::<Result<_, _>>()?;
            /// pool.free_all(queue.drain(..));
            /// assert_eq!(pool.audit().pages.out, 0);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
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
            /// this is `free_bulk`. The batch's order makes no difference.
            ///
            /// Whoever gives pages up with a ticket says that they are initialised, and stay so: what uses them still
            /// only reads them, or writes bytes. A ticket is of one of the pool's
            /// [`fences`](crate::Builder::fences); a number is one of the first. The call asks the fence, so it does
            /// not belong into a signal handler. Fenced pages keep the pool open: call
            /// [`Pool::close`](crate::Pool::close) or [`Pool::reap_fences`](crate::Pool::reap_fences) before the last
            /// handle goes, because no drop asks.
            ///
            /// ```
            /// # use pagesheaf::{Fence, PageBatch, Pool};
            /// # use std::sync::atomic::{AtomicU64, Ordering};
            /// # struct Sent(AtomicU64);
            /// # impl Fence for Sent {
            /// #     fn passed(&self, ticket: u64) -> bool { self.0.load(Ordering::Acquire) >= ticket }
            /// # }
            /// # static SENT: Sent = Sent(AtomicU64::new(0));
            /// # static FENCES: [&dyn Fence; 1] = [&SENT];
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).fences(&FENCES).build()?;
            /// let mut batch = PageBatch::new();
            /// pool.alloc_bulk_exact(&mut batch, 8)?;
            /// pool.free_bulk_after(&mut batch, 1)?; // a device counts to 1 when it has sent them
            /// assert_eq!(pool.audit().pages.fenced, 8);
            /// SENT.0.store(1, Ordering::Release);
            /// assert_eq!(pool.reap_fences(), 8);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// The pool has no such fence, or no magazine to keep the pages in; or they are of another pool; or a
            /// `FaultPlan` has it so. The batch is as it was.
            pub fn free_bulk_after<const N: usize>($($receiver)+, batch: &mut PageBatch<M, N>, ticket: impl Into<$crate::ticket::Ticket>) -> Result<(), $crate::error::FenceError> {
                let ticket = ticket.into();
                $crate::calls::through!($marks, $self, front, $crate::calls::free_bulk_after(front, batch, ticket))
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
