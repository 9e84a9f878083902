//! Pools that are built with fewer pages than they can have.

use super::Builder;
use crate::mode::Mode;

impl<M: Mode> Builder<M> {
    /// How many pages are online at first, from the first one on: 0 to all of them. The others are
    /// offline until [`Pool::online`] brings them, and [`Pool::offline`] can take any. If nothing is
    /// said, all pages are online for good.
    ///
    /// The pool's capacity is what [`Pool::builder`] was told: its metadata, and the addresses of
    /// its region, are for all pages. The memory of a page need not be there before the page is
    /// online. A pool that can grow or shrink takes a bit of metadata a page more.
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
}
