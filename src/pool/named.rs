//! Caches that have a name, and pages from the start.
//!
//! Invariant: it stands above the core, but for the name, which lies beside the slot: a cache is filled by public
//! calls.

use core::mem::MaybeUninit;

use super::Pool;
use crate::cache::Cache;
use crate::error::CacheError;
use crate::magazine::MAGAZINE_MAX;
use crate::mode::{DefaultMode, Mode};
use crate::sync::register_fences;

/// A cache in the making: see [`Pool::cache_named`].
///
/// ```
/// # use pagesheaf::Pool;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(1000).magazine_capacity(64).build()?;
/// let mut rx = pool.cache_named("rx").min(32).stealable().build()?;
/// assert_eq!(rx.name(), Some("rx"));
/// # drop(rx.alloc()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "`build` makes the cache"]
pub struct CacheBuilder<'p, M: Mode = DefaultMode, const STEALABLE: bool = false> {
    pool: &'p Pool<M>,
    name: &'static str,
    min: usize,
}

impl<M: Mode> Pool<M> {
    /// Begins to make a cache that has a name, under which reports speak of it: [`holders`](Self::holders), the lines
    /// of `{:#}`, and the error of a [`close`](Self::close) that finds it alive. Several caches may have the same name.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).magazine_capacity(64).build()?;
    /// let mut rx = pool.cache_named("rx").min(64).build()?;
    /// let holder = pool.holders().next().expect("it is filled");
    /// assert_eq!((holder.name, holder.pages >= 64), (Some("rx"), true));
    /// println!("{holder}"); // cache 0 "rx" (in use) holds 64 pages
    /// # drop(rx.alloc()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cache_named(&self, name: &'static str) -> CacheBuilder<'_, M> {
        CacheBuilder { pool: self, name, min: 0 }
    }

    /// The name of the cache with this [number](Cache::number), or of the last one that had it, if it has one: for
    /// figures by number ([`per_cache`](Self::per_cache)).
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).build()?;
    /// let rx = pool.cache_named("rx").build()?;
    /// for (number, calls) in pool.per_cache() {
    ///     println!("{}: {calls}", pool.cache_name(number).unwrap_or("another"));
    /// }
    /// assert_eq!((pool.cache_name(rx.number()), pool.cache_name(1)), (Some("rx"), None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn cache_name(&self, number: usize) -> Option<&'static str> {
        self.core.slots.get(number)?.name.get()
    }
}

impl<'p, M: Mode, const STEALABLE: bool> CacheBuilder<'p, M, STEALABLE> {
    /// How many free pages the cache holds when it is made, at most as many as a magazine's capacity
    /// ([`Builder::magazine_capacity`](crate::Builder::magazine_capacity)): its first calls need no refill. None if
    /// nothing is said. It is no reserve: they go as any of its pages do.
    ///
    /// ```
    /// # use pagesheaf::{CacheError, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).magazine_capacity(64).build()?;
    /// assert!(pool.cache_named("rx").min(64).build().is_ok());
    /// let error = pool.cache_named("rx").min(65).build().expect_err("a magazine has 64");
    /// assert_eq!(error, CacheError::Minimum { pages: 65, most: 64 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn min(mut self, pages: usize) -> Self {
        self.min = pages;
        self
    }

    /// Makes it one whose pages can be stolen: see [`Pool::cache_stealable`].
    ///
    /// ```
    /// # use pagesheaf::{Cache, DefaultMode, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).build()?;
    /// let rx: Cache<DefaultMode, true> = pool.cache_named("rx").stealable().build()?;
    /// # drop(rx);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn stealable(self) -> CacheBuilder<'p, M, true> {
        CacheBuilder { pool: self.pool, name: self.name, min: self.min }
    }

    /// Makes the cache.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).build()?;
    /// let rx = pool.cache_named("rx").build()?;
    /// println!("{:#}", rx.pool()); // a line for each cache
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Pool::cache`]; [`CacheError::Minimum`] if no cache can hold as many pages, and [`CacheError::Short`] if
    /// not so many could be had.
    #[cfg_attr(feature = "track", track_caller)]
    pub fn build(self) -> Result<Cache<M, STEALABLE>, CacheError> {
        let (pages, most) = (self.min, self.pool.core.magazines.capacity());
        if pages > most {
            return Err(CacheError::Minimum { pages, most });
        }
        if STEALABLE {
            register_fences();
        }
        let mut cache = Cache::new(self.pool.core.clone(), Some(self.name))?;
        let mut out = [MaybeUninit::uninit(); MAGAZINE_MAX];
        let (ids, reason) = cache.alloc_bulk_raw(&mut out[..pages]);
        let had = ids.len();
        // SAFETY: the pages were just allocated, and nobody has touched them.
        let freed = unsafe { cache.free_bulk_raw(ids) };
        // What is wrong with a page of the cache's own, the pool remembers.
        let _ = freed;
        match reason {
            None => Ok(cache),
            Some(reason) => Err(CacheError::Short { pages, had, reason }),
        }
    }
}
