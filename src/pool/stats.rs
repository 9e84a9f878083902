//! Reports: what a pool is doing, in numbers that add up.
//!
//! Invariant: free + cached + out + lent + bad + offline + fenced + promised + lost = capacity, at rest. A report
//! starts with the mode, and says "not collected" of what the mode does not count.

mod calls;
mod figures;
#[cfg(test)]
mod tests;

use core::fmt;

pub use calls::Calls;

use crate::error::{BadPage, Count};
use crate::mode::{Mode, ModeFlags, hardening};
use crate::pool::Pool;

/// Where a pool's pages are.
///
/// Exact at rest. While others allocate and free, each figure is of a moment of its own, so that
/// the figures need not add up; but none is above the capacity.
///
/// ```
/// # use pagesheaf::Pool;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let page = pool.alloc()?;
/// let pages = pool.audit().pages;
/// assert_eq!((pages.capacity, pages.out, pages.free + pages.cached), (100, 1, 99));
/// assert!(pages.adds_up());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pages {
    /// All pages.
    pub capacity: u64,
    /// In the zone.
    pub free: u64,
    /// Free, in caches and in the depots. After a fault they may be out of reach: see
    /// [`ShortReason::Cached`](crate::ShortReason::Cached).
    pub cached: u64,
    /// Owned; lent pages are not among them.
    pub out: u64,
    /// Handed to devices.
    pub lent: u64,
    /// Withheld after a fault. Where a fault has left no page to name, at least as many as it may
    /// have cost; [`Pool::after_fork`] and
    /// [`recover_forgotten`](crate::CloseError::recover_forgotten) count those that are named only.
    pub bad: u64,
    /// Offline: not given out before [`Pool::online`] brings them.
    pub offline: u64,
    /// Given up with a ticket that has not passed, as far as anybody has asked: see
    /// [`Pool::free_bulk_after`].
    pub fenced: u64,
    /// In the hands of those who wait for more: see [`Pool::alloc_bulk_async`]. They get these
    /// pages with the others, or put them back.
    pub promised: u64,
    /// Lost to a forked child: see [`Pool::after_fork`]. Elsewhere 0. No audit takes them for
    /// corrupt.
    pub lost: u64,
}

impl Pages {
    /// Whether the figures add up to the capacity, as they do at rest.
    #[must_use]
    pub const fn adds_up(&self) -> bool {
        let sum = self.free as u128 + self.cached as u128 + self.out as u128;
        let gone = self.bad as u128 + self.offline as u128 + self.lost as u128;
        let lent = self.lent as u128 + self.fenced as u128 + self.promised as u128;
        sum + lent + gone == self.capacity as u128
    }
}

impl fmt::Display for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pages { capacity, free, cached, out, lent, bad, .. } = self;
        let Pages { offline, fenced, promised, lost, .. } = self;
        write!(
            f,
            "capacity {capacity} = free {free} + cached {cached} + out {out} + lent {lent} + bad {bad}"
        )?;
        let more =
            [(*offline, "offline"), (*fenced, "fenced"), (*promised, "promised"), (*lost, "lost")];
        for (some, what) in more {
            if some > 0 {
                write!(f, " + {what} {some}")?;
            }
        }
        Ok(())
    }
}

/// A pool's statistics: see [`Pool::stats`]. Exact at rest.
///
/// ```
/// # use pagesheaf::{Checked, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).mode::<Checked>().build()?;
/// drop(pool.alloc()?);
/// println!("{}", pool.stats().expect("the mode collects them"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// The pool's mode.
    pub mode: ModeFlags,
    /// Where the pages are.
    pub pages: Pages,
    /// What all caches did together.
    pub calls: Calls,
    /// Pages allocated while no cache and no shared one was at hand: all were busy, or there are none.
    pub uncached: u64,
    /// Pages that came back without a cache: by a drop, while no shared cache was at hand, when their ticket had
    /// passed, or by [`recover_forgotten`](crate::CloseError::recover_forgotten). A page that is withheld as it would
    /// be lent is among them.
    pub dropped: u64,
    /// Poisoned pages that were verified when they left: all of them, or a sample; see
    /// [`poison_every`](crate::Builder::poison_every).
    pub poison_checks: u64,
    /// Faults seen.
    pub faults: u64,
    /// Pages whose memory the system has been given back by [`Pool::maintain`].
    pub purged: u64,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; ", self.mode, self.pages)?;
        self.done(f)
    }
}

impl Audit {
    /// Whether nothing is out of order: the figures add up, and no page is misplaced or corrupt, as far as the mode
    /// looks. Of a pool at rest; while others work, pages on their way can be in no figure, or in two.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let page = pool.alloc()?;
    /// assert!(pool.audit().is_clean());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let none = |pages: Option<u64>| pages.is_none_or(|pages| pages == 0);
        self.pages.adds_up() && none(self.misplaced) && none(self.corrupt)
    }
}

impl Stats {
    /// What was done, without the mode and the pages.
    fn done(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; ", self.calls)?;
        if self.uncached > 0 {
            write!(f, "allocated without a cache {}; ", self.uncached)?;
        }
        write!(f, "dropped {}; faults {}", self.dropped, self.faults)?;
        if self.mode.hardening & hardening::POISON != 0 {
            write!(f, "; poison verified on {}", Count(self.poison_checks, "page"))?;
        }
        if self.purged > 0 {
            write!(f, "; purged {}", Count(self.purged, "page"))?;
        }
        Ok(())
    }
}

/// A count of every page, one by one: see [`Pool::audit`]. Exact at rest.
///
/// ```
/// # use pagesheaf::Pool;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let audit = Pool::builder(100).build()?.audit();
/// assert!(audit.is_clean(), "{audit}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audit {
    /// The pool's mode.
    pub mode: ModeFlags,
    /// Where the pages are.
    pub pages: Pages,
    /// Free pages whose word says that they are somewhere else, each looked at several times, so
    /// that a page that moves meanwhile is not taken for one; `None` in modes that do not check.
    /// Exact at rest.
    pub misplaced: Option<u64>,
    /// Pages that are neither in the zone nor in a magazine, and whose word cannot be that of a
    /// page that is out, lent or withheld: see [`Pool::audit`]. `None` in modes that do not check.
    /// Exact at rest; while others are at work, pages on their way may be among them.
    pub corrupt: Option<u64>,
    /// Free pages that nobody has had, in groups of 4,096 of which nobody has had any, or none since
    /// the system got all their memory back ([`Pool::maintain`]): the audit has counted them, and
    /// has not looked at their words.
    pub untouched: u64,
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.mode, self.pages)?;
        for (what, found) in [("misplaced", self.misplaced), ("corrupt", self.corrupt)] {
            match found {
                Some(found) => write!(f, "; {what} {found}")?,
                None => write!(f, "; {what} not collected")?,
            }
        }
        match self.untouched {
            0 => Ok(()),
            untouched => write!(f, "; {} untouched", Count(untouched, "page")),
        }
    }
}

impl<M: Mode> Pool<M> {
    fn pages(&self, free: usize, offline: u64) -> Pages {
        let capacity = u64::from(self.core.pages);
        // Sums of figures from different moments may be off by what happens meanwhile, even below
        // zero; and lent is where a mode that does not check believed that a page was lent. No
        // figure leaves 0..=capacity.
        let bounded = |figure: u64| (figure as i64).clamp(0, capacity as i64) as u64;
        let (lent, fenced) = (bounded(self.core.lent()), bounded(self.core.fenced.pages()));
        Pages {
            capacity,
            free: bounded(free as u64),
            cached: bounded(self.core.cached() as u64),
            out: bounded(self.core.out().wrapping_sub(lent + fenced)),
            lent,
            bad: bounded(self.core.bad()),
            offline: bounded(offline),
            fenced,
            promised: bounded(self.core.line.promised()),
            lost: bounded(self.core.lost()),
        }
    }

    /// Where the pages are, by what is counted as they move.
    fn pages_now(&self) -> Pages {
        self.pages(self.core.zone.free(), self.core.offline.len())
    }

    /// Gathers the statistics; `None` in a mode that does not collect them. Exact at rest.
    ///
    /// ```
    /// # use pagesheaf::{Checked, PageBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 30)?;
    /// pool.free_bulk(&mut batch);
    /// let stats = pool.stats().expect("the mode collects them");
    /// assert_eq!((stats.calls.allocated, stats.calls.alloc_calls, stats.faults), (30, 1, 0));
    /// println!("{stats}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> Option<Stats> {
        let uncached =
            Calls { failed_exact: self.core.failed_exact_without_slot(), ..Calls::default() };
        M::STATS.then(|| Stats {
            mode: self.mode(),
            pages: self.pages_now(),
            calls: self.per_cache().fold(uncached, |sum, (_, calls)| sum.plus(calls)),
            uncached: self.core.allocated_uncached(),
            dropped: self.core.dropped(),
            poison_checks: self.core.poison_checks(),
            faults: self.core.faults(),
            purged: self.core.purged(),
        })
    }

    /// What each cache slot in use did, owned ones first, with its number; nothing in a mode that
    /// does not collect it.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let mut cache = pool.cache()?;
    /// let page = cache.alloc()?;
    /// cache.free(page);
    /// let (number, calls) = pool.per_cache().next().expect("a cache in use");
    /// assert_eq!((number, calls.allocated, calls.freed), (0, 1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn per_cache(&self) -> impl Iterator<Item = (usize, Calls)> {
        let slots = self.core.slots.iter().enumerate().filter(|_| M::STATS);
        slots
            .map(|(number, slot)| (number, slot.is_locked(), Calls::of(&slot.counters)))
            .filter(|(_, held, calls)| *held || *calls != Calls::default())
            .map(|(number, _, calls)| (number, calls))
    }

    /// Counts every page, in any mode, without stopping anybody: exact at rest.
    ///
    /// In checking modes it also looks at the word of every page, and changes nothing:
    ///
    /// - [`misplaced`](Audit::misplaced): entries of the zone and of magazines whose id is no
    ///   page's, or whose page's word names another place or state. It finds a corrupted word, id
    ///   or length, and a bit of the zone that was set.
    /// - [`corrupt`](Audit::corrupt): pages that lie nowhere, with a word that no page which is
    ///   out, lent or withheld has: an unknown kind, a count, an order or a place that cannot be,
    ///   a block's page without its block. With [`CLAIM`](crate::hardening::CLAIM) also a word that
    ///   says that the page is free: the zone's bit was cleared, or its magazine lost.
    ///
    /// It does not find a word that was changed into another that can be: of a page that is out,
    /// another place or (in modes that count) another count; without `CLAIM`, that it is out at
    /// all. In [`Compact`](crate::Compact) a page's byte stands for its word. An audit finds every
    /// byte with one flipped bit. A byte does not say where its page lies, so an audit finds no free
    /// page that lies nowhere, or in two places.
    ///
    /// Of groups of 4,096 pages that nobody has had, or of which all are offline, it looks at bits
    /// only, so that a large pool of which little was used is looked at soon, and stays as small as
    /// it was: [`untouched`](Audit::untouched) says how many free pages that are. So it does of
    /// groups that are as new since [`maintain`](Self::maintain) gave their memory back: what is
    /// wrong with a word there is found as its page leaves.
    ///
    /// It looks at no page's contents, no summary of the zone and no link of a magazine. No check
    /// covers the core's header, the cache slots and, in the hot path, a cache's magazines.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let lent = pool.alloc()?.lend();
    /// let audit = pool.audit();
    /// assert_eq!((audit.pages.lent, audit.pages.out), (1, 0));
    /// assert!(audit.pages.adds_up() && audit.misplaced.unwrap_or(0) == 0, "{audit}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn audit(&self) -> Audit {
        let core = &*self.core;
        Audit {
            mode: self.mode(),
            pages: self.pages(core.zone.count(), core.offline.count(core.pages as usize)),
            misplaced: M::CHECKS.then(|| core.misplaced()),
            corrupt: M::CHECKS.then(|| core.corrupt()),
            untouched: core.zone.untouched() as u64,
        }
    }

    /// The pages that are withheld, each because it was found bad while it was free.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// for bad in pool.bad_pages() {
    ///     println!("{bad}");
    /// }
    /// assert_eq!(pool.bad_pages().count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bad_pages(&self) -> impl Iterator<Item = BadPage> {
        self.core.bad_pages()
    }

    fn report(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.mode(), self.pages_now())?;
        match self.stats() {
            Some(stats) => {
                f.write_str("; ")?;
                stats.done(f)?;
            }
            None => f.write_str("; statistics not collected")?,
        }
        if let Some(taint) = self.taint() {
            f.write_str("; tainted: ")?;
            taint.say(f)?;
        }
        write!(f, "; {}", self.core.region.info)?;
        if f.alternate() {
            for bad in self.bad_pages() {
                write!(f, "\n  {bad}")?;
            }
            self.report_caches(f)?;
        }
        Ok(())
    }
}

impl<M: Mode> fmt::Display for Pool<M> {
    /// The mode, where the pages are, what was done; with `{:#}` also a line for each bad page and
    /// each cache: what it holds, and what it did.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.report(f)
    }
}

impl<M: Mode> fmt::Debug for Pool<M> {
    /// As `Display`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.report(f)
    }
}
