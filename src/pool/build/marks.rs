//! How many pages stay for whom, and who is told when few are left.

use super::Builder;
use crate::error::Pressure;
use crate::mode::Mode;

impl<M: Mode> Builder<M> {
    /// At how many free pages bulk calls stop, and say [`ShortReason::Watermark`](crate::ShortReason::Watermark).
    /// A call for one page goes on, down to the [`critical_reserve`](Self::critical_reserve). If nothing is said:
    /// at the reserve, too.
    ///
    /// The mark is of the pages that no cache and no depot holds ([`Pages::free`](crate::Pages::free)). It is
    /// claimed before pages are taken: however many calls refill at once, together they stop there. What lies in the
    /// call's own cache, in a depot or in an idle cache can be had whatever the count is, and a cache that refills
    /// takes more than its call needs only from what is above this mark. Blocks of two pages and more are bulk.
    /// Waiting calls stop there, too, and wait for what comes above it; a request for so many pages that the mark
    /// stands in its way is refused.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool, ShortReason};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).low(20).build()?;
    /// let mut batch = PageBatch::new();
    /// let bulk = pool.alloc_bulk(&mut batch, 90);
    /// assert_eq!((bulk.allocated, bulk.reason), (80, Some(ShortReason::Watermark)));
    /// assert!(pool.alloc().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn low(mut self, pages: usize) -> Self {
        self.low = Some(pages);
        self
    }

    /// How many free pages stay for the calls of [`Pool::critical`](crate::Pool::critical): all others stop there.
    /// None, if nothing is said.
    ///
    /// Critical calls may take them all. While fewer are left than the reserve, every cache is asked for what it
    /// holds, and what comes back fills the reserve before others get any.
    ///
    /// ```
    /// # use pagesheaf::{Pool, ShortReason};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).critical_reserve(99).build()?;
    /// let page = pool.alloc()?;
    /// assert_eq!(pool.alloc().err(), Some(ShortReason::Watermark));
    /// assert!(pool.critical().alloc().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn critical_reserve(mut self, pages: usize) -> Self {
        self.reserve = pages;
        self
    }

    /// What is called when few pages are left: each time that the count comes down to [`low`](Self::low), and each
    /// time that it comes down to the [`critical_reserve`](Self::critical_reserve), once.
    ///
    /// It is called at the end of the call that crossed the mark, or of another that ends meanwhile, when that holds
    /// nothing any more: so it may use the pool, to give back what can be had again, say. A call that waits calls it
    /// before it sleeps. A raw allocation leaves it to the next call that is neither one nor a drop, and with
    /// [`defer_wakes`](Self::defer_wakes) all leave it to [`Pool::maintain`](crate::Pool::maintain): that is for
    /// pools that signal handlers use. It should not panic, or the call's result is lost, and not wait: of a call that
    /// waits itself, it would wait for that.
    ///
    /// ```
    /// # use pagesheaf::{Pool, Pressure};
    /// fn shed(pressure: &Pressure) {
    ///     eprintln!("{pressure}: give back what can be read again");
    /// }
    ///
    /// let builder = Pool::builder(1000).low(100).on_pressure(shed);
    /// # let _ = builder;
    /// ```
    pub const fn on_pressure(mut self, hook: fn(&Pressure)) -> Self {
        self.on_pressure = Some(hook);
        self
    }
}
