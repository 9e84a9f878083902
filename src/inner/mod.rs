//! The core of a pool: metadata, and where the pages are. Handles and owners point at it.
//!
//! Invariant: the core lives until the last handle is gone *and* every page is back. Whatever is called
//! through a pointer to it is called by a handle or by the owner of a page, so it is alive.
//!
//! A room for every verb: `build`; `alloc` and `free`, each with its fast path; `push` (into a
//! magazine), `verify` (of pages that leave or move), `compact` (both, where pages have bytes),
//! `exchange` (of magazines, with the depots), `accounting` (every count), `alarm` (what is said of faults), `drain`,
//! `steal` (from idle caches), `claims` (of stealable ones), `pressure` (who finds nothing), `reading` (of all counters
//! at one moment), `exact` (all or none), `run` (pages of a free that lay side by side), `block`, `place` (what is
//! asked for by its number), `lend`, `fenced` (frees that wait for a ticket), `poison`, `zeroed` (pages of zeros),
//! `doubt` (pages that others may hold still), `marks` (what stays for others), `supply` (for who waits), `maintain`
//! (what is not needed goes back), `resize` (pages go offline and come back), `hooks` (who is told of that), `sanitize`
//! (which pages a tool lets nobody touch), `shared` (which slot a thread starts at), `audit` (looks at every page),
//! `fork` (what a child does first), `lifecycle` (closing) and `recover` (of forgotten pages).

mod accounting;
pub(crate) mod alarm;
mod alloc;
mod audit;
mod block;
mod build;
mod claims;
mod compact;
mod doubt;
mod drain;
pub(crate) mod exact;
mod exchange;
mod fenced;
mod fork;
mod free;
mod hooks;
mod lend;
mod lifecycle;
mod maintain;
mod marks;
mod place;
mod poison;
mod pressure;
mod push;
mod reading;
mod recover;
mod resize;
mod run;
mod sanitize;
mod shared;
mod steal;
mod supply;
#[cfg(test)]
pub(crate) mod tests;
mod verify;
mod zeroed;

use core::marker::PhantomData;
use core::ops::Deref;
use core::panic::{RefUnwindSafe, UnwindSafe};

pub(crate) use accounting::{Faults, PoolCounters};
pub(crate) use block::block_pages;
pub(crate) use build::{Config, CoreLayout};
pub(crate) use fork::AfterFork;
pub use maintain::{Maintained, NotPurged};
pub(crate) use pressure::Step;
pub(crate) use reading::InSlot;

use crate::depot::Depots;
use crate::depot::fenced::FencedMagazines;
use crate::error::Pressure;
use crate::injector::Injector;
use crate::line::Line;
use crate::magazine::Magazines;
use crate::metadata::{MetadataSlice, Padded};
use crate::page::{AtomicCount, AtomicMark, AtomicPageState, PageId, PageSize, References};
use crate::region::{Backing, Hooks, ZeroedMemory};
use crate::sanitizer::Sanitizer;
use crate::slot::Slot;
use crate::sync::Atomic;
use crate::tracker::Tracker;
use crate::zone::{OfflinePages, Zone};

/// 2⁶⁴ divided by the golden ratio: multiples of it lie far apart.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The part of a core that does not depend on the mode: where pages are, and what is known of them.
pub(crate) struct Tables {
    pub(crate) base: *mut u8,
    pub(crate) addresses_only: bool,
    pub(crate) page_size: PageSize,
    pub(crate) pages: u32,
    /// A word a page, in modes that check.
    pub(crate) words: MetadataSlice<AtomicPageState>,
    /// A byte a page, in the mode that has no words.
    pub(crate) marks: MetadataSlice<AtomicMark>,
    /// A count a page, in modes that count.
    pub(crate) counts: MetadataSlice<AtomicCount>,
    /// A bit a page, in modes that poison: whether the page is.
    pub(crate) poisoned: MetadataSlice<Atomic<u64>>,
    pub(crate) magazines: Magazines,
    pub(crate) zone: Zone,
    /// The pages that the pool does not have to give out for now.
    pub(crate) offline: OfflinePages,
    /// What is told which pages may be touched.
    sanitizer: Sanitizer,
}

/// What handles and owners point at.
pub(crate) struct Core<M> {
    tables: Tables,
    pub(crate) colors: u32,
    pub(crate) owned_slots: usize,
    starts: shared::Starts,
    alarm: alarm::Alarm,
    /// What the crossing of a mark is told to.
    on_pressure: Option<fn(&Pressure)>,
    /// What is told of pages that come and go.
    hooks: Hooks,
    poison_every: u32,
    poison_lazily: bool,
    /// 1 if a call on the pool got nothing, and none has got pages since; see `pressure`.
    dry_without_cache: Atomic<u32>,
    pub(crate) slots: MetadataSlice<Slot>,
    pub(crate) depots: Depots,
    pub(crate) fenced: FencedMagazines,
    pub(crate) counters: Padded<PoolCounters>,
    exact_turn: Padded<exact::ExactTurn>,
    upkeep: Padded<maintain::Upkeep>,
    /// Who waits for pages. Calls look at a word of it as they end.
    pub(crate) line: Line,
    pub(crate) region: Backing,
    pub(crate) injector: Injector,
    pub(crate) tracker: Tracker,
    mode: PhantomData<M>,
    /// What all this lies in, if the core is to give it back: dropped last.
    _memory: Option<ZeroedMemory>,
}

// SAFETY: the core's tables are shared words; a slot's exclusive part is reached through its guard only; the
// base is a plain address.
unsafe impl<M> Sync for Core<M> {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl<M> Send for Core<M> {}

// Whoever catches a panic finds a core as a call leaves it. No call runs the caller's code between
// two of its steps: an iterator that a batch takes pages from is asked between calls, and a pool
// that panics for a bad page has moved and counted all other pages before
// (`Core::record_or_panic`).
impl<M> UnwindSafe for Core<M> {}
impl<M> RefUnwindSafe for Core<M> {}

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
        self.base.wrapping_add(self.page_size.offset(id) as usize)
    }

    /// Bytes of a page.
    #[inline(always)]
    pub(crate) fn page_size(&self) -> usize {
        self.page_size.bytes()
    }

    /// The word of a page that is in range. Call it in modes that have words only.
    #[inline(always)]
    pub(crate) fn word(&self, id: PageId) -> &AtomicPageState {
        &self.words[id.index() as usize]
    }

    /// The references of a page that is in range. Call it in modes that count only.
    #[inline(always)]
    pub(crate) fn references(&self, id: PageId) -> References<'_> {
        let index = id.index() as usize;
        References::new(self.words.get(index), &self.counts[index])
    }

    /// What the count of a page says whose word is marked as shared; 0 where there is none.
    #[cold]
    pub(crate) fn shared_references(&self, id: PageId) -> u32 {
        self.counts.get(id.index() as usize).map_or(0, AtomicCount::load)
    }
}
