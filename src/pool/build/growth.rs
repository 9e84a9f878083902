//! What kernels say as they build a pool: how many pages there are at first, and which CPU it is.

use super::Builder;
use crate::mode::Mode;

impl<M: Mode> Builder<M> {
    /// How many pages are online at first, from the first one on: 0 to all of them. The others are
    /// offline until [`Pool::online`] brings them, and [`Pool::offline`] can take any. If nothing is
    /// said, all pages are online for good.
    ///
    /// The pool's capacity is what [`Pool::builder`] was told: its metadata, and the addresses of
    /// its region, are for all pages. The memory of a page need not be there before the page is
    /// online; a mapping that is populated or locked has that of all. A pool that can grow or shrink
    /// takes a bit of metadata a page more. Magazines are sized for the capacity, too: where much
    /// less is online, one cache can hold all of it, unless
    /// [`magazine_capacity`](Self::magazine_capacity) says how much.
    ///
    /// ```
    /// # use pagesheaf::{Pool, ShortReason};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).initially(2).build()?;
    /// let pages = [pool.alloc()?, pool.alloc()?];
    /// assert_eq!(pool.alloc().err(), Some(ShortReason::Exhausted));
    /// let counted = pool.audit().pages;
    /// assert_eq!((counted.capacity, counted.out, counted.offline), (1000, 2, 998));
    /// # drop(pages);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`Pool::builder`]: crate::Pool::builder
    /// [`Pool::offline`]: crate::Pool::offline
    /// [`Pool::online`]: crate::Pool::online
    pub const fn initially(mut self, pages: usize) -> Self {
        self.initially = Some(pages);
        self
    }

    /// What tells CPUs apart: the number of the one that the call is made on, whatever it is a moment
    /// later, from 0 on. Calls on the pool, and drops, begin with the shared cache of this number
    /// (modulo [`shared_caches`](Self::shared_caches)), and with the depot beside it.
    ///
    /// If nothing is said, threads are told apart (feature `std`); without `std` nothing is, so that
    /// all of these calls meet in the first shared cache. A wrong number costs time and no more.
    ///
    /// The function is called in every call on the pool, in every drop of a page, and where a cache
    /// refills, also in interrupt handlers. It must not panic, nor call this pool.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// fn current_cpu() -> usize {
    ///     0 // a kernel reads a register
    /// }
    ///
    /// let builder = Pool::builder(1000).shared_caches(8).cpu_hint(current_cpu);
    /// # let _ = builder;
    /// ```
    pub const fn cpu_hint(mut self, cpu: fn() -> usize) -> Self {
        self.cpu_hint = Some(cpu);
        self
    }

    /// Leaves wakers to [`Pool::maintain`](crate::Pool::maintain): no other call runs one.
    ///
    /// A free wakes the first of those who wait for pages. A thread that waits
    /// (`alloc_bulk_timeout`) is woken by one call of the system, which may be made anywhere; but
    /// the waker of a task ([`Pool::alloc_bulk_async`](crate::Pool::alloc_bulk_async)) is code of
    /// its executor. So say `true` where pages are freed in signal handlers or interrupts while tasks
    /// wait, and call `maintain` as often as a task is to look for pages.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).defer_wakes(true).build()?;
    /// # let _ = pool;
    /// # Ok::<(), pagesheaf::BuildError>(())
    /// ```
    pub const fn defer_wakes(mut self, defer: bool) -> Self {
        self.defer_wakes = defer;
        self
    }
}
