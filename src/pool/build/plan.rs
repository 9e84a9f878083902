//! What a builder was asked for, checked, and how large its metadata is.
//!
//! Invariant: all of it can be done while a program is compiled, so that a static can have the size.

use core::alloc::Layout;

use super::{Builder, OnBadPage};
use crate::depot::DEPOTS_MAX;
use crate::depot::fenced::FENCES_MAX;
use crate::error::BuildError;
use crate::heap;
use crate::inner::{Config, CoreLayout};
use crate::magazine::{MAGAZINE_MAX, whole_lines};
use crate::mode::{Mode, ModeFlags, Policy};
use crate::page::PageSize;
use crate::region::Region;
use crate::zone::Marks;

/// The most cache slots of a pool: each has two magazines, and a depot can name 65,535.
pub(super) const SLOTS_MAX: usize = 1 << 14;

/// The memory of the pages in a magazine, if nothing is said, and if these are not fewer than a line of ids. Pages of a
/// magazine are used in turn: what is in a processor's cache of the first ones is gone when their turn comes again.
const MAGAZINE_BYTES: usize = 1 << 20;
const MAGAZINE_LEAST: usize = 16;

impl<M: Mode> Builder<M> {
    /// The owned and the shared slots if nothing is said of them.
    pub(super) fn usual_slots(&self) -> (usize, usize) {
        let (owned, shared) = usual_slots(heap::parallelism());
        let owned = self.caches.unwrap_or(owned);
        (owned, self.shared_caches.unwrap_or_else(|| self.fair_shared(owned, shared)))
    }

    /// So many shared slots, or as many as hold no more than half of the pages together. A pool without caches has one.
    fn fair_shared(&self, owned: usize, shared: usize) -> usize {
        let magazine = match self.magazine {
            Some(ids) => ids.max(1),
            None => usual_magazine((self.pages, self.page_size), owned.saturating_add(shared)),
        };
        shared.min(self.pages / (4 * magazine)).max(usize::from(owned == 0))
    }

    /// What a pool of so many pages, at most those that were asked for, is built from.
    pub(super) const fn config_of(
        &self,
        pages: usize,
        slots: (usize, usize),
    ) -> Result<Config, BuildError> {
        let most = self.most_pages();
        if self.pages as u64 > most as u64 {
            return Err(BuildError::TooManyPages { pages: self.pages, most });
        }
        if self.pages == 0 {
            return Err(BuildError::NoPages);
        }
        let initially = match self.initially {
            Some(online) if online > self.pages => {
                return Err(BuildError::Initially { pages: online, capacity: self.pages });
            }
            Some(online) => Some(if online < pages { online } else { pages } as u32),
            None => None,
        };
        let Some(page_size) = PageSize::new(self.page_size) else {
            return Err(BuildError::PageSize { bytes: self.page_size });
        };
        let most = self.page_size / 64;
        if self.colors == 0 || self.colors > most || self.colors as u64 > u32::MAX as u64 {
            return Err(BuildError::CacheColor { lines: self.colors, most });
        }
        if let Some(pages) = self.poison_every
            && (pages == 0 || !M::POISONS)
        {
            let mode = ModeFlags::of::<M>();
            return Err(BuildError::PoisonEvery { pages, mode });
        }
        if self.poison_lazily && !M::POISONS {
            return Err(BuildError::PoisonLazily { mode: ModeFlags::of::<M>() });
        }
        if self.quarantine.is_some() && !M::QUARANTINES {
            return Err(BuildError::QuarantineLength { mode: ModeFlags::of::<M>() });
        }
        let low = match self.low {
            Some(low) => low,
            None => self.reserve,
        };
        if low < self.reserve || low >= pages && low > 0 {
            return Err(BuildError::Watermarks { low, reserve: self.reserve, capacity: pages });
        }
        let (owned_slots, shared_slots) = slots;
        let slots = owned_slots.saturating_add(shared_slots);
        if slots == 0 || slots > SLOTS_MAX {
            return Err(BuildError::MaxCaches { slots });
        }
        let magazine = match self.magazine {
            Some(ids) => ids,
            None => usual_magazine((pages, self.page_size), slots),
        };
        if magazine == 0 || magazine > MAGAZINE_MAX {
            return Err(BuildError::MagazineCapacity { ids: magazine });
        }
        if let Some(depots) = self.depots
            && (!depots.is_power_of_two() || depots > DEPOTS_MAX)
        {
            return Err(BuildError::Depots { depots, most: DEPOTS_MAX });
        }
        let fences = self.fences.0.len();
        if fences > FENCES_MAX {
            return Err(BuildError::Fences { fences, most: FENCES_MAX });
        }
        Ok(Config {
            pages: pages as u32,
            initially,
            page_size,
            owned_slots,
            shared_slots,
            magazine,
            depots: self.depots,
            colors: self.colors as u32,
            panics: matches!(self.on_bad_page, OnBadPage::Panic),
            on_taint: self.on_taint,
            on_pressure: self.on_pressure,
            marks: Marks { low: low as u32, reserve: self.reserve as u32 },
            poison_every: match self.poison_every {
                Some(pages) => pages,
                None => 1,
            },
            poison_lazily: self.poison_lazily,
            zeroed: false,
            cpu_hint: self.cpu_hint,
            hooks: self.hooks,
            fences: self.fences,
            faults: self.faults,
            defer_wakes: self.defer_wakes,
            quarantine: match self.quarantine {
                _ if !M::QUARANTINES => None,
                None => Some(usize::MAX),
                some => some,
            },
        })
    }

    /// The plan of the metadata of so many pages, and their bytes, of which nothing is known.
    pub(super) const fn plan_of(
        &self,
        pages: usize,
        slots: (usize, usize),
    ) -> Result<(CoreLayout<M>, usize), BuildError> {
        match self.config_of(pages, slots) {
            Ok(config) => plan(config),
            Err(error) => Err(error),
        }
    }

    /// The plan of the metadata, and the bytes of the pages, of which nothing is known.
    pub(super) fn plan(&self) -> Result<(CoreLayout<M>, usize), BuildError> {
        self.plan_of(self.pages, self.usual_slots())
    }

    /// What the pool is built from if it gets its region itself, which may be zero at first.
    pub(super) fn config_with_region(&self) -> Result<Config, BuildError> {
        let config = self.config_of(self.pages, self.usual_slots())?;
        Ok(Config { zeroed: self.region.as_ref().is_none_or(Region::is_zeroed), ..config })
    }

    /// The plan of that.
    pub(super) fn plan_with_region(&self) -> Result<(CoreLayout<M>, usize), BuildError> {
        plan(self.config_with_region()?)
    }

    /// How much memory [`Self::build_in`] needs for the metadata.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// let builder = Pool::builder(1 << 20).max_caches(8).shared_caches(2);
    /// let layout = builder.metadata_layout()?;
    /// println!("{} bytes, aligned to {}", layout.size(), layout.align());
    /// # Ok::<(), pagesheaf::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn metadata_layout(&self) -> Result<Layout, BuildError> {
        Ok(self.plan()?.0.layout())
    }

    /// As [`metadata_layout`](Self::metadata_layout), while the program is compiled: so that the
    /// metadata can be a static of just the size that it needs. The region plays no part: it can be
    /// named later.
    ///
    /// ```
    /// use core::alloc::Layout;
    ///
    /// use pagesheaf::{Builder, Checked, Pool};
    ///
    /// const fn builder() -> Builder<Checked> {
    ///     Pool::builder(64).mode::<Checked>().max_caches(2).shared_caches(1)
    /// }
    /// const METADATA: Layout = match builder().static_metadata_layout() {
    ///     Ok(layout) => layout,
    ///     Err(_) => panic!("the builder asks for what cannot be"),
    /// };
    /// assert_eq!(builder().metadata_layout()?, METADATA);
    /// # Ok::<(), pagesheaf::BuildError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::build`], and when [`max_caches`](Self::max_caches) or
    /// [`shared_caches`](Self::shared_caches) was not named: no compiler knows the processors of the
    /// machine that the program will run on.
    pub const fn static_metadata_layout(&self) -> Result<Layout, BuildError> {
        let (Some(owned), Some(shared)) = (self.caches, self.shared_caches) else {
            return Err(BuildError::CachesUnnamed);
        };
        match self.plan_of(self.pages, (owned, shared)) {
            Ok((plan, _)) => Ok(plan.layout()),
            Err(error) => Err(error),
        }
    }
}

/// How many owned and shared slots a pool has if nothing is said.
pub(super) fn usual_slots(processors: usize) -> (usize, usize) {
    ((2 * processors).max(8), processors.clamp(2, 64))
}

/// How many ids a magazine holds if nothing is said: all caches together hold at most half of the pages, or each
/// magazine one; and of large pages no more than [`MAGAZINE_BYTES`], or a line of ids.
const fn usual_magazine((pages, page_size): (usize, usize), slots: usize) -> usize {
    // As many slots as this are refused elsewhere, and so are pages of no bytes.
    let most = match MAGAZINE_BYTES.checked_div(page_size) {
        Some(pages) if pages < MAGAZINE_LEAST => MAGAZINE_LEAST,
        Some(pages) if pages < MAGAZINE_MAX => whole_lines(pages),
        _ => MAGAZINE_MAX,
    };
    match whole_lines(pages / slots.saturating_mul(4)) {
        0 => 1,
        fair if fair > most => most,
        fair => fair,
    }
}

/// The plan of the metadata, and the bytes of the pages.
pub(super) const fn plan<M: Mode>(config: Config) -> Result<(CoreLayout<M>, usize), BuildError> {
    let Some(bytes) = (config.pages as usize).checked_mul(config.page_size.bytes()) else {
        return Err(BuildError::Overflow);
    };
    if bytes > isize::MAX as usize {
        return Err(BuildError::Overflow);
    }
    match CoreLayout::new(config) {
        Ok(layout) => Ok((layout, bytes)),
        Err(error) => Err(error),
    }
}
