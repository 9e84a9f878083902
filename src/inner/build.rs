//! Building a core: what it is built from, and how its metadata is cut.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::ptr::NonNull;

use super::exact::ExactTurn;
use super::maintain::Upkeep;
use super::shared::Starts;
use super::{Core, PoolCounters, Tables, poison};
use crate::depot::{DEPOT_MAX, Depots};
use crate::error::BuildError;
use crate::magazine::{Magazine, MagazineLayout, Magazines};
use crate::mapping::RegionKind;
use crate::metadata::{MetadataBlock, MetadataLayout, Padded, Span};
use crate::mode::{Mode, Policy};
use crate::page::{AtomicCount, AtomicMark, AtomicPageState};
use crate::region::{Backing, ZeroedMemory};
use crate::slot::Slot;
use crate::sync::{Atomic, DEPOTS, entropy};
use crate::zone::{Cursor, Habits, Zone, ZoneLayout};

/// What a pool is built from, checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    pub(crate) pages: u32,
    pub(crate) page_size: usize,
    pub(crate) owned_slots: usize,
    pub(crate) shared_slots: usize,
    pub(crate) magazine: usize,
    /// A power of two, if anything is said.
    pub(crate) depots: Option<usize>,
    pub(crate) colors: u32,
    pub(crate) panics: bool,
    pub(crate) poison_every: u32,
    pub(crate) poison_lazily: bool,
    /// With QUARANTINE: how many used pages wait in the zone before one is used again.
    pub(crate) quarantine: Option<usize>,
    /// Whether the region is zero at first.
    pub(crate) zeroed: bool,
}

/// How many pages' worth of magazines the depots have, at the most. The rest of the pages lives in the zone.
const DEPOT_PAGES: usize = 1 << 16;

/// How many magazines a depot has at the least, if nothing is said of how many depots there are.
const DEPOT_MAGAZINES: usize = 16;

impl Config {
    pub(super) fn slots(&self) -> usize {
        self.owned_slots + self.shared_slots
    }

    /// One depot for each slot, rounded up, but not so many that each has few magazines.
    pub(super) fn depots(&self) -> usize {
        let usual = || {
            let filled = (self.magazines() - 2 * self.slots()) / DEPOT_MAGAZINES;
            let most = 1 << filled.max(1).ilog2();
            self.slots().next_power_of_two().min(most).min(DEPOTS)
        };
        self.depots.unwrap_or_else(usual)
    }

    /// Two magazines for each slot, and the depots'.
    pub(super) fn magazines(&self) -> usize {
        let own = 2 * self.slots();
        let depot = (self.pages as usize).min(DEPOT_PAGES).div_ceil(self.magazine) + self.slots();
        (own + depot).min(DEPOT_MAX)
    }
}

/// How the metadata of a pool is cut.
pub(crate) struct CoreLayout<M> {
    config: Config,
    layout: MetadataLayout,
    words: Span<AtomicPageState>,
    marks: Span<AtomicMark>,
    counts: Span<AtomicCount>,
    poisoned: Span<Atomic<u64>>,
    zone: ZoneLayout,
    magazines: MagazineLayout,
    slots: Span<Slot>,
    mode: PhantomData<M>,
}

impl<M: Mode> CoreLayout<M> {
    pub(crate) fn new(config: Config) -> Result<Self, BuildError> {
        let mut layout = MetadataLayout::starting_with::<Core<M>>();
        let tables = |layout: &mut MetadataLayout| {
            let pages = config.pages as usize;
            Some((
                layout.table(config.slots())?,
                ZoneLayout::with(layout, pages, config.zeroed)?,
                layout.table(if M::CHECKS && !M::COMPACT { pages } else { 0 })?,
                layout.table(if M::COMPACT { pages } else { 0 })?,
                layout.table(if M::REFCOUNT { pages } else { 0 })?,
                layout.table(if M::POISONS { pages.div_ceil(64) } else { 0 })?,
                MagazineLayout::new(layout, config.magazines(), config.magazine)?,
            ))
        };
        let (slots, zone, words, marks, counts, poisoned, magazines) =
            tables(&mut layout).ok_or(BuildError::Overflow)?;
        Ok(CoreLayout {
            config,
            layout,
            words,
            marks,
            counts,
            poisoned,
            zone,
            magazines,
            slots,
            mode: PhantomData,
        })
    }

    pub(crate) fn layout(&self) -> Layout {
        self.layout.layout()
    }

    /// Builds a core in `block`, with one handle.
    ///
    /// # Safety
    /// `block` has this layout and is the core's from now on; `memory` is what keeps it, zeroed, unless it is kept for
    /// good, with whatever bytes.
    pub(crate) unsafe fn build(
        self,
        block: NonNull<u8>,
        region: Backing,
        memory: Option<ZeroedMemory>,
    ) -> NonNull<Core<M>> {
        let config = self.config;
        let Config { pages, page_size, owned_slots, colors, panics, poison_every, .. } = config;
        let random = entropy(block.as_ptr());
        // SAFETY: passed on to the caller: the spans are of this layout.
        let mut block = unsafe { MetadataBlock::new(block, memory.is_some()) };
        let magazines = Magazines::new(&mut block, self.magazines);
        // SAFETY: each number is made a magazine once: two for each slot, the others for one depot each.
        let magazine = |number: usize| unsafe { Magazine::from_number(number as u32) };
        let in_slots = 2 * config.slots();
        let in_depots = in_slots + 1..config.magazines() + 1;
        let depots = Depots::new(config.depots(), &magazines, in_depots, magazine);
        let habits = Habits::new(page_size, config.quarantine).purging(region.info.purgeable);
        let slot = |index: usize| {
            let cursor = Cursor::new(habits.home(index, config.slots(), pages));
            let mut random = random ^ ((index as u64) << 32);
            let until_poison = poison::gap(&mut random, poison_every);
            let own = [2 * index + 1, 2 * index + 2].map(magazine);
            Slot::new(&magazines, own, cursor, depots.home(index), random, until_poison)
        };
        let slots = block.fill(self.slots, slot);
        let tables = Tables {
            base: region.base,
            addresses_only: region.info.kind == RegionKind::Addresses,
            page_shift: page_size.trailing_zeros(),
            pages,
            words: block.fill_zero(self.words),
            marks: block.fill_zero(self.marks),
            counts: block.fill_zero(self.counts),
            poisoned: block.fill_zero(self.poisoned),
            zone: Zone::new(&mut block, self.zone, pages as usize, habits),
            magazines,
        };
        let mut core = Core {
            tables,
            colors,
            owned_slots,
            starts: Starts::new(config.slots() - owned_slots),
            panics,
            poison_every,
            dry_without_cache: Atomic::new(0),
            slots,
            depots,
            counters: Padded(PoolCounters::new()),
            exact_turn: Padded(ExactTurn::new()),
            upkeep: Padded(Upkeep::new()),
            region,
            mode: PhantomData,
            _memory: memory,
        };
        if !config.poison_lazily {
            core.poison_new();
        }
        block.start_with(core)
    }
}

#[cfg(test)]
mod tests;
