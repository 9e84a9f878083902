//! What a pool will hold and cost, before it is built.

use core::fmt;

use super::Builder;
use super::plan::plan;
use crate::error::BuildError;
use crate::mode::{Mode, ModeFlags};

/// What a pool will hold, and what it will cost: of [`Builder::report`].
///
/// ```
/// # use pagesheaf::Pool;
/// let builder = Pool::builder(1000).max_caches(4).shared_caches(0).magazine_capacity(32);
/// let report = builder.report()?;
/// assert_eq!((report.in_a_cache(), report.in_caches(), report.assured()), (64, 256, 1000 - 192));
/// println!("{report}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildReport {
    /// The pool's mode.
    pub mode: ModeFlags,
    /// All pages.
    pub capacity: usize,
    /// Those of them that are online at first.
    pub online: usize,
    /// Bytes of a page.
    pub page_size: usize,
    /// Bytes of all pages.
    pub region_bytes: usize,
    /// Bytes of the pool's own tables, as [`Builder::build`] makes them;
    /// [`metadata_layout`](Builder::metadata_layout) is for [`Builder::build_in`], whose pages are not known to be
    /// zero.
    pub metadata_bytes: usize,
    /// So many caches can live at once.
    pub caches: usize,
    /// So many slots serve the calls without a cache.
    pub shared_caches: usize,
    /// Ids in a magazine, of which each cache and each shared slot has two.
    pub magazine_capacity: usize,
    /// At so many free pages bulk calls stop.
    pub low: usize,
    /// At so many free pages all calls stop but the critical ones.
    pub critical_reserve: usize,
}

impl BuildReport {
    /// The most pages that one cache holds, and that others may have to wait for.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// let report = Pool::builder(1000).magazine_capacity(32).report()?;
    /// assert_eq!(report.in_a_cache(), 64);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn in_a_cache(&self) -> usize {
        2 * self.magazine_capacity
    }

    /// The most pages that all caches hold. What shared slots hold, others take out.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// let report = Pool::builder(1000).max_caches(4).magazine_capacity(32).report()?;
    /// assert_eq!(report.in_caches(), 256);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn in_caches(&self) -> usize {
        let most = self.caches * self.in_a_cache();
        if most < self.online { most } else { self.online }
    }

    /// The most pages that a call in progress hides from others: see
    /// [`Pool::hidden_by_call`](crate::Pool::hidden_by_call).
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let builder = Pool::builder(1000).magazine_capacity(16).max_caches(2).shared_caches(2);
    /// assert_eq!(builder.report()?.hidden_by_call(), 64);
    /// assert_eq!(builder.build()?.hidden_by_call(), 64);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn hidden_by_call(&self) -> usize {
        hidden_by_call(self.caches + self.shared_caches, self.magazine_capacity, self.capacity)
    }

    /// How many pages bulk calls of one thread can surely have out together with all others, if every other cache is
    /// full and its owner sleeps: the online pages without those caches' and without [`low`](Self::low). A pool is
    /// large enough if that is the most that are ever out at once.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// let report = Pool::builder(1000).max_caches(4).magazine_capacity(32).low(8).report()?;
    /// assert_eq!(report.assured(), 1000 - 3 * 64 - 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn assured(&self) -> usize {
        let others = self.caches.saturating_sub(1) * self.in_a_cache();
        self.online.saturating_sub(others).saturating_sub(self.low)
    }
}

/// The most pages that a call in progress hides from others, in a pool of so many slots.
pub(crate) const fn hidden_by_call(slots: usize, magazine: usize, capacity: usize) -> usize {
    // Its own slot, and one at a time of the others; without one, a magazine of a depot or an idle slot.
    let most = 2 * if slots < 2 { slots } else { 2 } * magazine;
    if most < capacity { most } else { capacity }
}

impl fmt::Display for BuildReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BuildReport { capacity, page_size, region_bytes, metadata_bytes, .. } = *self;
        write!(f, "{capacity} pages of {page_size} bytes: {region_bytes} bytes")?;
        writeln!(f, " and {metadata_bytes} of metadata, {} a page", metadata_bytes / capacity)?;
        if self.online != capacity {
            writeln!(f, "{} of them are online at first", self.online)?;
        }
        write!(
            f,
            "up to {} caches with two magazines of {} ids",
            self.caches, self.magazine_capacity
        )?;
        writeln!(f, " each: they hold up to {} pages", self.in_caches())?;
        write!(f, "{} pages can be out, whatever other caches hold", self.assured())?;
        if self.low > 0 {
            write!(
                f,
                "; {} stay, of which {} are for critical calls",
                self.low, self.critical_reserve
            )?;
        }
        write!(f, " [{}]", self.mode)
    }
}

impl<M: Mode> Builder<M> {
    /// What the pool will hold and cost. Nothing is built, and no memory is asked for.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool};
    /// let builder = Pool::builder(10_000).page_size(2048).mode::<Checked>();
    /// let report = builder.max_caches(4).shared_caches(2).magazine_capacity(64).report()?;
    /// assert_eq!(report.region_bytes, 10_000 * 2048);
    /// // Three caches that sleep keep at most two magazines each.
    /// assert_eq!((report.in_a_cache(), report.assured()), (128, 10_000 - 3 * 128));
    /// println!("{report}");
    /// # Ok::<(), pagesheaf::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// What is wrong with the request, as [`Self::build`] says it. Whether the system has the memory is found out
    /// when the pool is built.
    pub fn report(&self) -> Result<BuildReport, BuildError> {
        let config = self.config_with_region()?;
        let (layout, region_bytes) = plan::<M>(config)?;
        Ok(BuildReport {
            mode: ModeFlags::of::<M>(),
            capacity: self.pages,
            online: config.initially.unwrap_or(config.pages) as usize,
            page_size: config.page_size.bytes(),
            region_bytes,
            metadata_bytes: layout.layout().size(),
            caches: config.owned_slots,
            shared_caches: config.shared_slots,
            magazine_capacity: config.magazine,
            low: config.marks.low as usize,
            critical_reserve: config.marks.reserve as usize,
        })
    }
}
