//! Who holds which page, since when, and what happened to each: the feature `track`.
//!
//! Invariant: a page's record changes before others can have the page, and after its owner has it. It lies in the
//! pool's metadata. Only atomics are written, and nobody waits: so what others read while pages come and go is a look
//! in motion.

use core::fmt;
use core::panic::Location;

use crate::clock::Clock;
use crate::history::{Age, Event, History};
use crate::metadata::{MetadataBlock, MetadataLayout, MetadataSlice, Span};
use crate::page::PageId;
use crate::record::{Held, Record};
use crate::slot::Slot;
use crate::sync::{Atomic, Ordering};
use crate::trail::Trail;

/// Where a call of the pool is, in its user's sources.
#[derive(Clone, Copy)]
pub(crate) struct Caller(&'static Location<'static>);

impl Caller {
    /// The call that is being made, through functions that are marked with `track_caller`.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn here() -> Self {
        Caller(Location::caller())
    }

    /// A number for the record.
    fn site(self) -> u64 {
        core::ptr::from_ref(self.0).expose_provenance() as u64
    }
}

/// Who allocates: a call, and what it is made on.
#[derive(Clone, Copy)]
pub(crate) struct By {
    caller: Caller,
    /// 0 for a pool; else a cache's number and one, above the version of its name.
    holder: u64,
}

impl By {
    /// A call of a pool.
    #[inline(always)]
    pub(crate) fn pool(caller: Caller) -> Self {
        By { caller, holder: 0 }
    }

    /// A call of the cache that has this one of the slots.
    #[inline(always)]
    pub(crate) fn cache(caller: Caller, slots: &[Slot], slot: &Slot) -> Self {
        let number = (core::ptr::from_ref(slot).addr() - slots.as_ptr().addr()) / size_of::<Slot>();
        By { caller, holder: (number as u64 + 1) << 32 | u64::from(slot.name.version()) }
    }
}

/// How a pool's records are cut from its metadata.
pub(crate) struct TrackerLayout(Span<Record>);

impl TrackerLayout {
    pub(crate) const fn new(layout: &mut MetadataLayout, pages: usize) -> Option<Self> {
        match layout.table(pages) {
            Some(records) => Some(TrackerLayout(records)),
            None => None,
        }
    }
}

/// What is known of a pool's pages.
pub(crate) struct Tracker {
    records: MetadataSlice<Record>,
    clock: Clock,
    /// The events of the page that tainted the pool, as they were then; 0 while there is none.
    tainted: Atomic<u64>,
}

impl Tracker {
    /// Whether anything is known.
    pub(crate) const IS_ON: bool = true;

    pub(crate) fn new(block: &mut MetadataBlock, layout: TrackerLayout) -> Self {
        let records = block.fill_zero(layout.0);
        Tracker { records, clock: Clock::new(), tainted: Atomic::new(0) }
    }

    /// The record of a page, if there is such a page.
    fn record(&self, id: PageId) -> Option<&Record> {
        self.records.get(id.index() as usize)
    }

    /// Pages have left for their owner, who does not have them yet.
    pub(crate) fn allocated<I: Iterator<Item = PageId>>(&self, ids: impl FnOnce() -> I, by: By) {
        let mut ids = ids().filter_map(|id| self.record(id)).peekable();
        if ids.peek().is_some() {
            let By { caller, holder } = by;
            let held = Held { site: caller.site(), holder, since: self.clock.now(), lent: 0 };
            ids.for_each(|record| record.allocated(held));
        }
    }

    /// The call that allocated pages, whose owner the caller is, was made here.
    pub(crate) fn moved<I: Iterator<Item = PageId>>(
        &self,
        ids: impl FnOnce() -> I,
        caller: Caller,
    ) {
        ids().filter_map(|id| self.record(id)).for_each(|record| record.moved(caller.site()));
    }

    /// Pages are about to be freed, by a call.
    pub(crate) fn freed(&self, ids: &[PageId]) {
        ids.iter().filter_map(|&id| self.record(id)).for_each(|it| it.freed(Event::Freed));
    }

    /// Pages are about to be freed, by a drop.
    pub(crate) fn dropped(&self, ids: &[PageId]) {
        ids.iter().filter_map(|&id| self.record(id)).for_each(|it| it.freed(Event::Dropped));
    }

    /// Pages are about to be given up with a ticket.
    pub(crate) fn fenced(&self, ids: &[PageId]) {
        ids.iter().filter_map(|&id| self.record(id)).for_each(|it| it.freed(Event::Fenced));
    }

    /// The pages of a block are about to be freed, which was found to be one.
    pub(crate) fn block_freed<I: Iterator<Item = PageId>>(&self, ids: impl FnOnce() -> I) {
        ids().filter_map(|id| self.record(id)).for_each(|it| it.freed(Event::Freed));
    }

    /// The pages of a block are smaller blocks, or pages, from now on.
    pub(crate) fn split<I: Iterator<Item = PageId>>(&self, ids: impl FnOnce() -> I) {
        ids().for_each(|id| self.note(id, Event::Split));
    }

    /// A page that was about to be freed is refused.
    #[cold]
    pub(crate) fn free_refused(&self, id: PageId) {
        if let Some(record) = self.record(id) {
            record.free_refused();
        }
    }

    /// A block is refused, of which this is the first page.
    #[cold]
    pub(crate) fn block_refused(&self, first: PageId) {
        self.note_out(first, Event::FreeRefused, Event::FreedAgain);
    }

    /// A call is refused that is no free.
    #[cold]
    pub(crate) fn refused(&self, id: PageId) {
        self.note_out(id, Event::Refused, Event::UsedFree);
    }

    /// Something happened to a page that is out.
    pub(crate) fn note(&self, id: PageId, event: Event) {
        self.note_out(id, event, Event::UsedFree);
    }

    fn note_out(&self, id: PageId, event: Event, otherwise: Event) {
        if let Some(record) = self.record(id) {
            record.note_out(event, otherwise);
        }
    }

    /// A page is withheld, or back, whatever it was.
    pub(crate) fn end(&self, id: PageId, event: Event) {
        if let Some(record) = self.record(id) {
            record.note(event);
        }
    }

    /// A page is a device's.
    pub(crate) fn lent(&self, id: PageId) {
        if let Some(record) = self.record(id) {
            record.lent(self.clock.now());
        }
    }

    /// A page is back from a device.
    pub(crate) fn reclaimed(&self, id: PageId) {
        if let Some(record) = self.record(id) {
            record.lent(0);
        }
    }

    /// The events of a page.
    pub(crate) fn history(&self, id: PageId) -> History {
        self.record(id).map_or_else(History::default, Record::history)
    }

    /// The same, for a fault.
    pub(crate) fn trail(&self, id: PageId) -> Trail {
        Trail(self.history(id))
    }

    /// Keeps the events of the page that taints the pool, if it is the first that does.
    pub(crate) fn keep_tainted(&self, id: PageId, is_first: impl FnOnce() -> bool) {
        if !is_first() {
            return;
        }
        // Relaxed, here and below: the word says all.
        let (relaxed, events) = (Ordering::Relaxed, self.history(id).word());
        // If there are some, they are the first page's.
        _ = self.tainted.compare_exchange(0, events, relaxed, relaxed);
    }

    /// What was kept.
    pub(crate) fn tainted(&self) -> Trail {
        Trail(History::of(self.tainted.load(Ordering::Relaxed)))
    }

    /// What is known of a page, if it is out.
    fn look(&self, page: PageId, slots: &[Slot]) -> Option<Outstanding> {
        let (history, held) = self.record(page)?.look()?;
        let holder = held.map_or(0, |held| held.holder);
        let cache = (holder >> 32).checked_sub(1).map(|number| number as usize);
        let slot = cache.and_then(|number| slots.get(number));
        let since = |moment| self.clock.since(moment);
        Some(Outstanding {
            page,
            location: held.map(|held| {
                let site =
                    core::ptr::with_exposed_provenance::<Location<'static>>(held.site as usize);
                // SAFETY: a record has been stored whole by an allocation, whose site is a location that lives for
                // ever.
                unsafe { &*site }
            }),
            cache,
            name: slot.and_then(|slot| slot.name.get_version(holder as u32)),
            age: held.map(|held| since(held.since)),
            lent: held.filter(|held| held.lent != 0).map(|held| since(held.lent)),
            history,
        })
    }

    /// What is known of all pages that are out.
    pub(crate) fn outstanding<'a>(
        &'a self,
        slots: &'a [Slot],
    ) -> impl Iterator<Item = Outstanding> + use<'a> {
        let pages = 0..self.records.len() as u32;
        pages.filter_map(move |page| self.look(PageId::new(page), slots))
    }

    /// A line for each of the first pages that are out.
    pub(crate) fn say(&self, slots: &[Slot], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// So many have one.
        const SAID: usize = 8;
        let mut all = self.outstanding(slots);
        all.by_ref().take(SAID).try_for_each(|held| write!(f, "\n  {held}"))?;
        if all.next().is_some() { f.write_str("\n  …") } else { Ok(()) }
    }
}

/// A page that is out, and who has it: see [`Pool::outstanding`](crate::Pool::outstanding).
///
/// ```
/// # use pagesheaf::Pool;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let page = pool.alloc()?;
/// for held in pool.outstanding() {
///     println!("{} was allocated at {:?}, {:?} ago", held.page, held.location, held.age);
/// }
/// # drop(page);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outstanding {
    /// The page; of a block, each of its pages.
    pub page: PageId,
    /// Where the call is that allocated it. `None` where another call was just about to allocate it, or to lend it.
    pub location: Option<&'static Location<'static>>,
    /// The [number](crate::Cache::number) of the cache that it was allocated through. `None` for a call of the pool,
    /// and for one that has waited.
    pub cache: Option<usize>,
    /// The cache's name, if it has one. `None` as soon as another cache has its number.
    pub name: Option<&'static str>,
    /// How long ago it was allocated. `None` where `location` is.
    pub age: Option<Age>,
    /// If it is lent to a device: how long ago it was lent.
    pub lent: Option<Age>,
    /// Its last events.
    pub history: History,
}

impl fmt::Display for Outstanding {
    /// `page 5: out for 3.2s, by src/main.rs:10:25 through cache 0 "rx"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.page)?;
        if let Some(lent) = self.lent {
            write!(f, "lent for {lent}, ")?;
        }
        let (Some(age), Some(location)) = (self.age, self.location) else {
            return f.write_str("out, and changing hands");
        };
        write!(f, "out for {age}, by {location}")?;
        match (self.cache, self.name) {
            (Some(number), Some(name)) => write!(f, " through cache {number} {name:?}"),
            (Some(number), None) => write!(f, " through cache {number}"),
            (None, _) => Ok(()),
        }
    }
}
