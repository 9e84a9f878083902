//! Building a core: what it is built from, and how its metadata is cut.

use core::alloc::Layout;
use core::marker::PhantomData;
use core::ptr::NonNull;

use super::alarm::Alarm;
use super::exact::ExactTurn;
use super::maintain::Upkeep;
use super::shared::Starts;
use super::{Core, PoolCounters, Tables, poison};
use crate::depot::fenced::{FencedLayout, FencedMagazines};
use crate::depot::{DEPOT_MAX, Depots};
use crate::error::{BuildError, Pressure, Taint};
use crate::injector::Injector;
use crate::line::Line;
use crate::magazine::{Magazine, MagazineLayout, Magazines};
use crate::mapping::RegionKind;
use crate::metadata::{MetadataBlock, MetadataLayout, Padded, Span};
use crate::mode::{Mode, Policy};
use crate::page::{AtomicCount, AtomicMark, AtomicPageState, PageId, PageSize};
use crate::plan::FaultPlan;
use crate::region::{Backing, Hooks, ZeroedMemory};
use crate::sanitizer::Sanitizer;
use crate::slot::Slot;
use crate::sync::{Atomic, DEPOTS, entropy};
use crate::ticket::Fences;
use crate::tracker::{Tracker, TrackerLayout};
use crate::zone::{Cursor, Habits, Marks, OfflinePages, Zone, ZoneLayout};

/// What a pool is built from, checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    pub(crate) pages: u32,
    /// So many are online at first, from the first page on, if some can be offline.
    pub(crate) initially: Option<u32>,
    pub(crate) page_size: PageSize,
    pub(crate) owned_slots: usize,
    pub(crate) shared_slots: usize,
    pub(crate) magazine: usize,
    /// A power of two, if anything is said.
    pub(crate) depots: Option<usize>,
    pub(crate) colors: u32,
    pub(crate) panics: bool,
    /// What a taint is told to.
    pub(crate) on_taint: Option<fn(&Taint)>,
    /// What the crossing of a mark is told to.
    pub(crate) on_pressure: Option<fn(&Pressure)>,
    /// How many pages stay in the zone for others.
    pub(crate) marks: Marks,
    /// Wakers are called by upkeep only.
    pub(crate) defer_wakes: bool,
    pub(crate) poison_every: u32,
    pub(crate) poison_lazily: bool,
    /// With QUARANTINE: how many used pages wait in the zone before one is used again.
    pub(crate) quarantine: Option<usize>,
    /// Whether the region is zero at first.
    pub(crate) zeroed: bool,
    /// The number of the CPU that a call is made on, about.
    pub(crate) cpu_hint: Option<fn() -> usize>,
    /// What is told of pages that come and go.
    pub(crate) hooks: Hooks,
    /// After what pages come free.
    pub(crate) fences: Fences,
    /// Which calls are to fail.
    pub(crate) faults: Option<FaultPlan>,
}

/// How many pages' worth of magazines the depots have, at the most. The rest of the pages lives in the zone.
const DEPOT_PAGES: usize = 1 << 16;

/// How many magazines a depot has at the least, if nothing is said of how many depots there are.
const DEPOT_MAGAZINES: usize = 16;

impl Config {
    pub(super) const fn slots(&self) -> usize {
        self.owned_slots + self.shared_slots
    }

    /// One depot for each slot, rounded up, but not so many that each has few magazines.
    pub(super) const fn depots(&self) -> usize {
        if let Some(depots) = self.depots {
            return depots;
        }
        let filled = (self.magazines() - 2 * self.slots()) / DEPOT_MAGAZINES;
        let most = 1 << if filled == 0 { 0 } else { filled.ilog2() };
        least(least(self.slots().next_power_of_two(), most), DEPOTS)
    }

    /// Two magazines for each slot, and the depots'.
    pub(super) const fn magazines(&self) -> usize {
        let own = 2 * self.slots();
        let pages = least(self.pages as usize, DEPOT_PAGES);
        least(own + pages.div_ceil(self.magazine) + self.slots(), DEPOT_MAX)
    }
}

const fn least(one: usize, other: usize) -> usize {
    if one < other { one } else { other }
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
    offline: Span<Atomic<u64>>,
    magazines: MagazineLayout,
    fenced: FencedLayout,
    slots: Span<Slot>,
    tracker: TrackerLayout,
    mode: PhantomData<M>,
}

impl<M: Mode> CoreLayout<M> {
    pub(crate) const fn new(config: Config) -> Result<Self, BuildError> {
        match Self::cut(config) {
            Some(layout) => Ok(layout),
            None => Err(BuildError::Overflow),
        }
    }

    const fn cut(config: Config) -> Option<Self> {
        let mut layout = MetadataLayout::starting_with::<Core<M>>();
        let pages = config.pages as usize;
        let words = if M::HAS_WORDS { pages } else { 0 };
        let marks = if M::COMPACT { pages } else { 0 };
        let counts = if M::REFCOUNT { pages } else { 0 };
        let poisoned = if M::POISONS { pages.div_ceil(64) } else { 0 };
        let offline = if config.initially.is_some() { pages } else { 0 };
        let Some(slots) = layout.table(config.slots()) else { return None };
        let Some(zone) = ZoneLayout::new(&mut layout, pages, config.zeroed) else { return None };
        let Some(offline) = OfflinePages::layout(&mut layout, offline) else { return None };
        let Some(words) = layout.table(words) else { return None };
        let Some(marks) = layout.table(marks) else { return None };
        let Some(counts) = layout.table(counts) else { return None };
        let Some(poisoned) = layout.table(poisoned) else { return None };
        let magazines = MagazineLayout::new(&mut layout, config.magazines(), config.magazine);
        let Some(magazines) = magazines else { return None };
        let fences = config.fences.0.len();
        let Some(fenced) = FencedLayout::new(&mut layout, fences, config.magazines()) else {
            return None;
        };
        let Some(tracker) = TrackerLayout::new(&mut layout, pages) else { return None };
        Some(CoreLayout {
            config,
            layout,
            words,
            marks,
            counts,
            poisoned,
            zone,
            offline,
            magazines,
            fenced,
            slots,
            tracker,
            mode: PhantomData,
        })
    }

    pub(crate) const fn layout(&self) -> Layout {
        self.layout.layout()
    }

    /// What the address of the first page is a multiple of.
    pub(crate) const fn page_alignment(&self) -> usize {
        self.config.page_size.alignment()
    }

    /// Builds a core in `block`, with one handle. Of pages that are offline, `given` come online: each
    /// is where the first is and how many follow.
    ///
    /// # Safety
    /// `block` has this layout and is the core's from now on; `memory` is what keeps it, zeroed, unless it is kept for
    /// good, with whatever bytes.
    pub(crate) unsafe fn build(
        self,
        block: NonNull<u8>,
        region: Backing,
        memory: Option<ZeroedMemory>,
        given: impl Iterator<Item = (PageId, usize)>,
    ) -> NonNull<Core<M>> {
        let config = self.config;
        let Config { pages, page_size, owned_slots, colors, panics, poison_every, .. } = config;
        let online = config.initially.unwrap_or(pages) as usize;
        let random = entropy(block.as_ptr());
        // SAFETY: passed on to the caller: the spans are of this layout.
        let mut block = unsafe { MetadataBlock::new(block, memory.is_some()) };
        let magazines = Magazines::new(&mut block, self.magazines);
        // SAFETY: each number is made a magazine once: two for each slot, the others for one depot each.
        let magazine = |number: usize| unsafe { Magazine::from_number(number as u32) };
        let in_slots = 2 * config.slots();
        let in_depots = in_slots + 1..config.magazines() + 1;
        let depots = Depots::new(config.depots(), &magazines, in_depots, magazine);
        let habits = Habits::new(page_size.bytes(), config.quarantine);
        let habits = habits.purging(region.info.purgeable).keeping(config.marks);
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
            page_size,
            pages,
            words: block.fill_zero(self.words),
            marks: block.fill_zero(self.marks),
            counts: block.fill_zero(self.counts),
            poisoned: block.fill_zero(self.poisoned),
            zone: Zone::new(&mut block, self.zone, online, habits),
            offline: OfflinePages::new(&mut block, self.offline, pages as usize, online),
            magazines,
            sanitizer: Sanitizer::new(),
        };
        let tracker = Tracker::new(&mut block, self.tracker);
        let mut core = Core {
            tables,
            colors,
            owned_slots,
            starts: Starts::new(config.slots() - owned_slots, config.cpu_hint),
            alarm: Alarm::new(panics, config.on_taint),
            line: Line::new(config.defer_wakes, config.marks.low > 0),
            on_pressure: config.on_pressure,
            hooks: config.hooks,
            poison_every,
            poison_lazily: config.poison_lazily,
            dry_without_cache: Atomic::new(0),
            slots,
            depots,
            fenced: FencedMagazines::new(&mut block, self.fenced, config.fences),
            counters: Padded(PoolCounters::new()),
            exact_turn: Padded(ExactTurn::new()),
            upkeep: Padded(Upkeep::new()),
            region,
            injector: Injector::new(config.faults),
            tracker,
            mode: PhantomData,
            _memory: memory,
        };
        let mut end = online as u32;
        for (first, count) in given {
            core.begin_online(first, count);
            end = end.max(first.index() + count as u32);
        }
        // What is not reserved may be more than the machine has.
        if !(config.poison_lazily || core.region.info.no_reserve) {
            core.poison_new(end);
        }
        core.begin_to_fill_reserve();
        block.start_with(core)
    }
}

#[cfg(test)]
mod tests;
