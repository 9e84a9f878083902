//! How many caches a pool has, and how many pages they hold.

use super::Builder;
use crate::mode::Mode;

impl<M: Mode> Builder<M> {
    /// How many owned caches can live at once: twice the processors and at least 8 if nothing is said.
    ///
    /// A cache is for a thread or CPU, so there are usually as many as processors; twice as many,
    /// and 8 on a small machine, leave room for threads that come while others go, and for caches
    /// of signal handlers. There are not more, because each of them costs, also while nobody has
    /// it: about 3.5 KiB, and in a small pool a share of the pages, as magazines are made smaller
    /// the more caches there can be (see [`magazine_capacity`](Self::magazine_capacity)). A program
    /// with more threads that allocate says how many here; a thread without a cache calls the pool.
    ///
    /// ```
    /// # use pagesheaf::{CacheError, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).max_caches(1).build()?;
    /// let cache = pool.cache()?;
    /// assert_eq!(pool.cache().err(), Some(CacheError::NoSlot { slots: 1 }));
    /// # drop(cache);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn max_caches(mut self, slots: usize) -> Self {
        self.caches = Some(slots);
        self
    }

    /// How many cache slots calls on the pool and drops share. With none, they go straight to the zone.
    ///
    /// If nothing is said: the number of processors, 2 to 64, but no more than hold half of the pages together. So a
    /// tiny pool, or one whose magazines hold all of it, has none: its pages would lie where the calls of others cannot
    /// see them. See [`Pool::hidden_by_call`](crate::Pool::hidden_by_call).
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).shared_caches(0).build()?;
    /// drop(pool.alloc()?);
    /// assert_eq!(pool.audit().pages.cached, 0); // every page is in the zone
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn shared_caches(mut self, slots: usize) -> Self {
        self.shared_caches = Some(slots);
        self
    }

    /// How many ids a magazine holds, 1 to 256. A cache has two, so it holds twice as many pages at the most. If
    /// nothing is said: 256, or fewer in a small pool, so that all caches together hold at most half of it (or one page
    /// a magazine, where that is more), and of pages above 4 KiB, so that a magazine holds 1 MiB of them (or 16, where
    /// that is more). Multiples of 16 are quickest: they fill cache lines.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).magazine_capacity(16).build()?;
    /// let mut cache = pool.cache()?;
    /// drop(cache.alloc()?);
    /// assert!(pool.holders().all(|holder| holder.pages <= 32)); // two magazines each
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn magazine_capacity(mut self, ids: usize) -> Self {
        self.magazine = Some(ids);
        self
    }

    /// How many depots the pool has: a power of two, 1 to 32. A cache exchanges its magazines at a depot of
    /// its own, or of few caches, and at another only when that one has none to give. If nothing is said: one
    /// for each cache slot, rounded up to a power of two, or fewer in a pool of few magazines. One depot is
    /// where all caches meet; more depots than cache slots bring nothing.
    ///
    /// ```
    /// use pagesheaf::Pool;
    ///
    /// let builder = Pool::builder(1 << 20).max_caches(16).depots(16);
    /// # let _ = builder;
    /// ```
    pub const fn depots(mut self, n: usize) -> Self {
        self.depots = Some(n);
        self
    }

    /// Staggers where the used part of pages starts over this many cache lines, 1 to as many as a page has; see
    /// `Page::headroom`. 1, which staggers nothing, if nothing is said.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).cache_color(8).build()?;
    /// let page = pool.alloc()?;
    /// assert!(page.headroom() < 8 * 64); // bytes to leave out at the start
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn cache_color(mut self, lines: usize) -> Self {
        self.colors = lines;
        self
    }
}
