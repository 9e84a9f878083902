//! The core of a pool: metadata, and where the pages are. Handles and owners point at it.
//!
//! Invariant: the core lives until the last handle is gone *and* every page is back. Whatever is called through a
//! pointer to it is called by a handle or by the owner of a page, so it is alive.

mod alloc;
mod block;
mod close;
mod drain;
mod free;
mod harden;
mod lend;
mod run;
mod shared;
#[cfg(test)]
mod within;

use core::alloc::Layout;
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::NonNull;

pub(crate) use free::Faults;
use shared::Starts;

use crate::cache::Slot;
use crate::depot::{DEPOT_MAX, Depot};
use crate::error::{BadPage, BuildError, Fault, PageError};
use crate::magazine::{MagazinePlan, Magazines};
use crate::mode::{Mode, ModeFlags};
use crate::page::{PageId, PageWord, Place, ZONE};
use crate::region::{Backing, RegionKind};
use crate::sync::{Atomic, Ordering, entropy};
use crate::table::{Padded, Plan, Spot, Table};
use crate::zone::{Zone, ZonePlan};

/// What a pool is built from, checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    pub(crate) pages: u32,
    pub(crate) page_size: usize,
    pub(crate) owned_slots: usize,
    pub(crate) shared_slots: usize,
    pub(crate) magazine: usize,
    pub(crate) colours: u32,
    pub(crate) panics: bool,
}

/// How many pages' worth of magazines the depot has, at the most. The rest of the pages lives in the zone.
const DEPOT_PAGES: usize = 1 << 16;

impl Config {
    fn slots(&self) -> usize {
        self.owned_slots + self.shared_slots
    }

    /// Two magazines for each slot, and the depot's.
    fn magazines(&self) -> usize {
        let own = 2 * self.slots();
        let depot = (self.pages as usize).min(DEPOT_PAGES).div_ceil(self.magazine) + self.slots();
        (own + depot).min(DEPOT_MAX)
    }
}

/// How the metadata of a pool is cut.
pub(crate) struct CorePlan<M> {
    config: Config,
    plan: Plan,
    words: Spot<PageWord>,
    zone: ZonePlan,
    magazines: MagazinePlan,
    slots: Spot<Slot>,
    mode: PhantomData<M>,
}

impl<M: Mode> CorePlan<M> {
    pub(crate) fn new(config: Config) -> Result<Self, BuildError> {
        let mut plan = Plan::starting_with::<Core<M>>();
        let tables = |plan: &mut Plan| {
            let stateful = M::CHECKS || M::REFCOUNT;
            Some((
                plan.table(config.slots())?,
                ZonePlan::new(plan, config.pages as usize)?,
                plan.table(if stateful { config.pages as usize } else { 0 })?,
                MagazinePlan::new(plan, config.magazines(), config.magazine)?,
            ))
        };
        let (slots, zone, words, magazines) = tables(&mut plan).ok_or(BuildError::Overflow)?;
        Ok(CorePlan { config, plan, words, zone, magazines, slots, mode: PhantomData })
    }

    pub(crate) fn layout(&self) -> Layout {
        self.plan.layout()
    }

    /// Builds a core in `block`, with one handle.
    ///
    /// # Safety
    /// `block` has the plan's layout and is the core's from now on; `memory` says how to give it back, if at all.
    pub(crate) unsafe fn build(
        self,
        block: NonNull<u8>,
        region: Backing,
        memory: Option<Layout>,
    ) -> NonNull<Core<M>> {
        let Config { pages, page_size, owned_slots, colours, panics, .. } = self.config;
        // SAFETY: passed on to the caller, here and below.
        let magazines = unsafe { Magazines::new(block, self.magazines) };
        let in_slots = 2 * self.config.slots() as u32;
        let depot = Depot::new(&magazines, in_slots + 1, self.config.magazines() as u32);
        let zone_words = pages.div_ceil(64) as usize;
        let slot = |index: usize| {
            let cursor = index as u64 * zone_words as u64 / self.config.slots() as u64;
            let random = entropy(block.as_ptr()) ^ ((index as u64) << 32);
            Slot::new(&magazines, 2 * index as u32 + 1, cursor as u32, random)
        };
        // SAFETY: as above.
        let slots = unsafe { Table::fill(block, self.slots, slot) };
        let tables = Tables {
            base: region.base,
            addresses_only: region.info.kind == RegionKind::Addresses,
            page_shift: page_size.trailing_zeros(),
            pages,
            // SAFETY: as above.
            words: unsafe { Table::fill(block, self.words, |_| PageWord::new()) },
            magazines,
            // SAFETY: as above.
            zone: unsafe { Zone::new(block, self.zone, pages as usize) },
        };
        let core = Core {
            tables,
            colours,
            owned_slots,
            starts: Starts::new(self.config.slots() - owned_slots),
            panics,
            slots,
            depot: Padded(depot),
            books: Padded(Books {
                orphans: Atomic::new(close::LIVE),
                handles: Atomic::new(1),
                lent: Atomic::new(0),
                bad: Atomic::new(0),
                faults: Atomic::new(0),
                taints: Atomic::new(0),
                alarm: Atomic::new(0),
            }),
            region,
            memory,
            mode: PhantomData,
        };
        let place = block.cast::<Core<M>>();
        // SAFETY: the plan starts with a core.
        unsafe { place.write(core) };
        place
    }
}

/// The part of a core that does not depend on the mode: where pages are, and what is known of them.
pub(crate) struct Tables {
    pub(crate) base: *mut u8,
    pub(crate) addresses_only: bool,
    pub(crate) page_shift: u32,
    pub(crate) pages: u32,
    pub(crate) words: Table<PageWord>,
    pub(crate) magazines: Magazines,
    pub(crate) zone: Zone,
}

/// What handles and owners point at.
pub(crate) struct Core<M> {
    tables: Tables,
    pub(crate) colours: u32,
    pub(crate) owned_slots: usize,
    starts: Starts,
    panics: bool,
    pub(crate) slots: Table<Slot>,
    depot: Padded<Depot>,
    pub(crate) books: Padded<Books>,
    pub(crate) region: Backing,
    memory: Option<Layout>,
    mode: PhantomData<M>,
}

/// The figures that no slot keeps.
pub(crate) struct Books {
    /// Pages freed without a cache, counted down; see `close`.
    pub(crate) orphans: Atomic<u64>,
    /// Live handles.
    pub(crate) handles: Atomic<u64>,
    /// Pages lent to devices.
    pub(crate) lent: Atomic<u64>,
    /// Pages withheld for good.
    pub(crate) bad: Atomic<u64>,
    /// Faults seen.
    pub(crate) faults: Atomic<u64>,
    /// Reasons not to trust the pool any more: faults and elevated frees.
    pub(crate) taints: Atomic<u64>,
    /// Not 0 when a page was withheld and nobody has panicked yet.
    alarm: Atomic<u64>,
}

// SAFETY: the core's tables are shared words, except what a slot's holder owns; the base is a plain address.
unsafe impl<M> Sync for Core<M> {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl<M> Send for Core<M> {}

impl<M> Deref for Core<M> {
    type Target = Tables;

    #[inline(always)]
    fn deref(&self) -> &Tables {
        &self.tables
    }
}

impl Tables {
    /// The address of a page, which is in range.
    #[inline(always)]
    pub(crate) fn address(&self, id: PageId) -> *mut u8 {
        self.base.wrapping_add((id.index() as usize) << self.page_shift)
    }

    /// Bytes of a page.
    #[inline(always)]
    pub(crate) fn page_size(&self) -> usize {
        1 << self.page_shift
    }

    /// The word of a page. Call it in modes that have words only.
    #[inline(always)]
    pub(crate) fn word(&self, id: PageId) -> &PageWord {
        &self.words[id.index() as usize]
    }

    /// Whether the place that a page's word names still holds it.
    pub(crate) fn is_member(&self, place: Place, id: PageId) -> bool {
        if place == ZONE { self.zone.holds(id) } else { self.magazines.lookup().holds(place, id) }
    }
}

impl<M: Mode> Core<M> {
    /// The call's faults as an error; the pool remembers them.
    pub(crate) fn judge(&self, faults: &Faults, done: usize) -> Result<(), PageError> {
        let Some((page, position, fault)) = faults.first else {
            return Ok(());
        };
        let error = PageError {
            page,
            position,
            fault,
            count: faults.count,
            done,
            mode: ModeFlags::of::<M>(),
        };
        self.books.faults.fetch_add(faults.count as u64, Ordering::Relaxed);
        self.taint();
        Err(error)
    }

    /// As [`Self::judge`], and panics if the pool was built to: for whatever is not a drop.
    pub(crate) fn verdict(&self, faults: &Faults, done: usize) -> Result<(), PageError> {
        self.alarm();
        let judged = self.judge(faults, done);
        match judged {
            Err(error) if self.panics => panic!("pagesheaf: {error}"),
            judged => judged,
        }
    }

    /// Panics if a page was withheld since the last time, and the pool was built to: for whatever is not a drop, when
    /// its work is done.
    #[inline]
    pub(crate) fn alarm(&self) {
        if self.panics
            && self.books.alarm.fetch_and(0, Ordering::Relaxed) != 0
            && let Some(bad) = self.bad_pages().next()
        {
            panic!("pagesheaf: {bad}");
        }
    }

    /// The pages that are withheld, in modes that withhold any.
    pub(crate) fn bad_pages(&self) -> impl Iterator<Item = BadPage> {
        let words = self.words.iter().enumerate();
        words.filter_map(|(index, word)| {
            let page = PageId::new(index as u32);
            Some(BadPage { page, fault: word.withheld()?, mode: ModeFlags::of::<M>() })
        })
    }

    /// The pool can no longer be trusted fully.
    pub(crate) fn taint(&self) {
        self.books.taints.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a page out of circulation for good.
    #[cold]
    pub(crate) fn withhold(&self, id: PageId, why: Fault) {
        self.word(id).withhold(why);
        // Relaxed: the page's word is read again by whoever panics, which may be another thread later.
        self.books.alarm.store(1, Ordering::Relaxed);
        self.books.bad.fetch_add(1, Ordering::Relaxed);
        self.books.faults.fetch_add(1, Ordering::Relaxed);
        self.taint();
    }
}
