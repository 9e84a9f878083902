//! Who is told when pages come to the pool, and when they go.

use super::Builder;
use crate::mode::Mode;
use crate::region::PageRange;

impl<M: Mode> Builder<M> {
    /// What is called with the whole region when the pool is built, before anybody has it: to register it with a device
    /// once, say, whose registration is then kept for as long as the pool lives, whoever uses its pages.
    ///
    /// It is called before [`on_init`](Self::on_init), and may not fail: a program that cannot register its pool notes
    /// that, and gives the pool up. If it panics, the pool is dropped, and the other hooks are told of that, too. It
    /// may write to the pages: modes that poison do so after it. A region that is registered may be pinned by it: so
    /// together with [`Mapping::purge`](crate::Mapping::purge) it is [`BuildError::Purge`](crate::BuildError::Purge).
    ///
    /// ```
    /// # use pagesheaf::{PageRange, Pool};
    /// fn register(region: &PageRange) {
    ///     println!("{} bytes at {:p}", region.bytes, region.start);
    /// }
    ///
    /// fn forget(region: &PageRange) {
    ///     println!("{} bytes at {:p} go", region.bytes, region.start);
    /// }
    ///
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).on_region(register).on_region_end(forget).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn on_region(mut self, hook: fn(&PageRange)) -> Self {
        self.hooks.region = Some(hook);
        self
    }

    /// What is called with the whole region before its memory goes: when the last handle and the last page are gone, in
    /// whatever thread that is, and so perhaps in a drop. It must not panic.
    ///
    /// ```
    /// # use pagesheaf::{PageRange, Pool};
    /// fn forget(region: &PageRange) {
    ///     println!("{} bytes at {:p} go", region.bytes, region.start);
    /// }
    ///
    /// let builder = Pool::builder(1000).on_region_end(forget);
    /// # let _ = builder;
    /// ```
    pub const fn on_region_end(mut self, hook: fn(&PageRange)) -> Self {
        self.hooks.region_end = Some(hook);
        self
    }

    /// What is called with pages that come to the pool, neighbours together: once for each page, and not at each use.
    /// It is told of all that are online when the pool is built, and of those that [`Pool::online`] brings, before
    /// anybody can have them. If it panics there, the pages are online all the same. It may write to the pages, and
    /// does not go together with purging, as [`on_region`](Self::on_region).
    ///
    /// [`PageRange::each`] names the pages one by one.
    ///
    /// [`Pool::online`]: crate::Pool::online
    ///
    /// ```
    /// # use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    /// # use pagesheaf::{PageRange, Pool};
    /// static KNOWN: AtomicUsize = AtomicUsize::new(0);
    ///
    /// fn add(pages: &PageRange) {
    ///     KNOWN.fetch_add(pages.pages, Relaxed);
    /// }
    ///
    /// fn remove(pages: &PageRange) {
    ///     KNOWN.fetch_sub(pages.pages, Relaxed);
    /// }
    ///
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).initially(60).on_init(add).on_retire(remove).build()?;
    /// drop(pool.alloc()?);
    /// assert_eq!(KNOWN.load(Relaxed), 60);
    /// assert_eq!((pool.offline(10..30)?.count(), KNOWN.load(Relaxed)), (20, 40));
    /// pool.close()?;
    /// assert_eq!(KNOWN.load(Relaxed), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn on_init(mut self, hook: fn(&PageRange)) -> Self {
        self.hooks.init = Some(hook);
        self
    }

    /// What is called with pages that have left the pool, neighbours together: once for each page that
    /// [`Pool::offline`](crate::Pool::offline) takes, when it has gone, and for all others before the region's memory
    /// goes, as [`on_region_end`](Self::on_region_end) and before it. Whoever brings a page online again while it is
    /// on its way may be told of that first.
    ///
    /// ```
    /// # use pagesheaf::{PageRange, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// fn remove(pages: &PageRange) {
    ///     println!("{} pages from {} on have left", pages.pages, pages.first);
    /// }
    ///
    /// let pool = Pool::builder(100).initially(60).on_retire(remove).build()?;
    /// assert_eq!(pool.offline(10..30)?.count(), 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn on_retire(mut self, hook: fn(&PageRange)) -> Self {
        self.hooks.retire = Some(hook);
        self
    }
}
