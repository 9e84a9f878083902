//! Closing a pool on purpose, saying what is missing, and recovering what was forgotten.
//!
//! Invariant: what a [`CloseError`] says is looked up when it is asked, and is of that moment.

use core::fmt;

use crate::error::{Call, Count, debug_by_display};
use crate::mode::{DefaultMode, Mode};
use crate::page::PageId;
use crate::pool::Pool;
use crate::pool::holders::Named;
use crate::sync::Ordering;

/// A pool that could not be closed, and what keeps it open.
///
/// The pool is still whole: go on with [`into_pool`](Self::into_pool), or drop this to close the
/// pool when the last handle and the last page are gone. Each figure is looked up when it is asked
/// for: where `main` returns the error, its own pages and caches are gone before it is printed, and
/// the text says only that something was alive.
///
/// In the child of a fork, pages that were [`lost`](crate::Pages::lost) are not out, but
/// [`ids`](Self::ids) names them among the missing.
///
/// ```
/// # use pagesheaf::Pool;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let page = pool.alloc()?;
/// let error = pool.close().expect_err("a page is out");
/// assert_eq!((error.handles(), error.out()), (0, 1));
/// assert!(error.ids().eq([page.id()]));
/// drop(page);
/// assert_eq!(error.ids().count(), 0, "the page is free now");
/// error.into_pool().close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CloseError<M: Mode = DefaultMode> {
    pub(crate) pool: Pool<M>,
}

impl<M: Mode> Pool<M> {
    /// Closes the pool: gives back its memory now.
    ///
    /// Dropping the last handle also closes it, once every page is back; this says whether they
    /// are. If it returns `Ok`, nothing touches the pages or the metadata any more: memory that was
    /// given to [`Builder::build_in`](crate::Builder::build_in) is its giver's again.
    ///
    /// # Errors
    /// When other handles live (pools, caches), or pages are out; lent pages are. Pages that are
    /// offline are not out.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// drop(pool.alloc()?);
    /// pool.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(self) -> Result<(), CloseError<M>> {
        let error = CloseError { pool: self };
        if error.handles() > 0 {
            return Err(error);
        }
        error.pool.core.reap_fences();
        error.pool.core.drain();
        // Nobody waits here any more who could put back what was promised.
        if error.pool.core.out() > 0 || error.pool.core.line.promised() > 0 {
            // A panic would lose the handle, with which the pages can be had back.
            error.pool.core.conclude_quietly(Call::Close);
            return Err(error);
        }
        error.pool.core.conclude(Call::Close);
        Ok(())
    }
}

impl<M: Mode> CloseError<M> {
    /// How many other handles live at this moment.
    #[must_use]
    pub fn handles(&self) -> u64 {
        // Acquire: pairs with the Release of handles that went, whose counters are read next.
        self.pool.core.counters.handles.load(Ordering::Acquire) - 1
    }

    /// How many pages are out: at most the pool's capacity. Lent ones, those that wait for a ticket, and those that
    /// were promised to a future which was forgotten as it waited are among them.
    ///
    /// Exact at rest. While other handles live, others may allocate and free meanwhile.
    #[must_use]
    pub fn out(&self) -> u64 {
        self.balance().clamp(0, self.pool.core.pages.into()) as u64
    }

    /// How many of the pages that are out wait for a ticket: see [`Pool::free_bulk_after`]. Wait for it, and
    /// close again: without a handle nobody asks any more.
    ///
    /// ```
    /// # use pagesheaf::{Fence, PageBatch, Pool};
    /// # use std::sync::atomic::{AtomicU64, Ordering};
    /// # struct Sent(AtomicU64);
    /// # impl Fence for Sent {
    /// #     fn passed(&self, ticket: u64) -> bool { self.0.load(Ordering::Acquire) >= ticket }
    /// # }
    /// # static SENT: Sent = Sent(AtomicU64::new(0));
    /// # static FENCES: [&dyn Fence; 1] = [&SENT];
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).fences(&FENCES).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 8)?;
    /// pool.free_bulk_after(&mut batch, 1)?;
    /// let error = pool.close().expect_err("a device has not sent them");
    /// assert_eq!((error.fenced(), error.out()), (8, 8));
    /// SENT.0.store(1, Ordering::Release);
    /// assert!(error.into_pool().close().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn fenced(&self) -> u64 {
        self.pool.core.fenced.pages().min(self.pool.core.pages.into())
    }

    /// How many of the pages that are out are lent to a device. In modes that check, [`Pool::lent`] names them, and
    /// [`Pool::reclaim_all`] frees them when the device is gone.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let (page, id) = (pool.alloc()?, pool.alloc()?.lend());
    /// let error = pool.close().expect_err("a page is out, and one is lent");
    /// assert_eq!((error.out(), error.lent()), (2, 1));
    /// # let pool = error.into_pool();
    /// # // SAFETY: no device has the page.
    /// # unsafe { pool.reclaim(id) }?;
    /// # drop(page);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn lent(&self) -> u64 {
        self.pool.core.lent().min(self.pool.core.pages.into())
    }

    /// Pages allocated and not freed, and those that were promised. Below zero if more were freed, which only wrong
    /// `unsafe` calls can do, or if figures of different moments were added up.
    fn balance(&self) -> i64 {
        self.pool.core.out().wrapping_add(self.pool.core.line.promised()) as i64
    }

    /// The pages that are out, or lost, each looked up when the iterator comes to it: a page that was
    /// dropped since is not named. None are named while other handles live, because their caches
    /// may hold pages.
    ///
    /// This is a look, and no licence to make owners: a page that is named may have an owner (a
    /// [`Page`], a batch, a device) that is still at work, and may be free a moment later.
    /// [`Page::from_raw`] asks for more than being named here. To get back pages that were
    /// forgotten, see [`recover_forgotten`](Self::recover_forgotten).
    ///
    /// While a thread is in the middle of a drop, pages that lie in the shared cache it uses may
    /// still be named.
    ///
    /// [`Page`]: crate::Page
    /// [`Page::from_raw`]: crate::Page::from_raw
    pub fn ids(&self) -> impl Iterator<Item = PageId> {
        let core = &*self.pool.core;
        let pages = if self.handles() == 0 { core.pages } else { 0 };
        let mut drained_at = None;
        (0..pages).map(PageId::new).filter(move |&id| {
            if !core.is_missing(id) {
                return false;
            }
            // Pages dropped since the last look lie in shared caches or in the depots. None is
            // allocated any more, so the number of those that are out tells whether there are such.
            let out = core.out();
            if drained_at != Some(out) {
                core.drain();
                drained_at = (core.cached() == 0).then_some(out);
            }
            core.is_missing(id)
        })
    }

    /// The pool, to go on with.
    #[must_use = "dropping the pool closes it when its last page comes back"]
    pub fn into_pool(self) -> Pool<M> {
        self.pool
    }

    /// Puts every page that is out, or lent, back into the pool, and says how many these were. For
    /// pages whose owners were forgotten (`mem::forget`, a leaked box, ids that were lost, a device
    /// that is gone).
    ///
    /// The pages are free afterwards, whatever their states were (shared, part of a block, lent);
    /// no page counts as out, or as lost. Pages that are withheld stay so, and those that are offline
    /// too. Free pages that a fault
    /// had made unreachable, such as those of a depot's stack that was cut off, can be had
    /// again.
    ///
    /// # Errors
    /// This error, and no page was recovered, while other handles live, or when a shared cache is
    /// busy: a thread ended inside a call. It may say nothing of a thread that is still inside one.
    ///
    /// # Safety
    /// - Every drop or free of a page of this pool that has begun has returned, and happens before
    ///   this call: join the threads that dropped, or synchronize with them. No mode can notice a
    ///   drop that has not ended.
    /// - No owner of any page that is still out is used or dropped again: no [`Page`],
    ///   [`PageBatch`], [`Block`], [`SharedPage`], raw id or pointer, on any thread.
    /// - No device uses a lent page any more, nor one that waits for a ticket.
    /// - All bytes of these pages are initialised.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// std::mem::forget(pool.alloc()?);
    /// let error = pool.close().expect_err("a page was forgotten");
    /// // SAFETY: nobody has the page any more, and nobody wrote it.
    /// let (pool, recovered) = unsafe { error.recover_forgotten() }?;
    /// assert_eq!(recovered, 1);
    /// pool.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`Page`]: crate::Page
    /// [`PageBatch`]: crate::PageBatch
    /// [`Block`]: crate::Block
    /// [`SharedPage`]: crate::SharedPage
    pub unsafe fn recover_forgotten(self) -> Result<(Pool<M>, usize), Self> {
        if self.handles() > 0 {
            return Err(self);
        }
        // SAFETY: this is the only handle; the rest is the caller's promise: that no drop goes on, and
        // that nobody uses what is out.
        let recovered = unsafe { self.pool.core.recover_forgotten() };
        self.pool.core.conclude_quietly(Call::RecoverForgotten);
        match recovered {
            Some(recovered) => Ok((self.pool, recovered)),
            None => Err(self),
        }
    }

    /// Names the caches that live and have names.
    fn say_named(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// How many caches are named.
        const NAMED: usize = 4;
        let core = &self.pool.core;
        let slots = core.slots[..core.owned_slots].iter().enumerate();
        let live = slots.filter(|(_, slot)| slot.is_locked());
        let named = live.filter_map(|(number, slot)| Some((number, slot.name.get()?)));
        for (at, (number, name)) in named.take(NAMED + 1).enumerate() {
            let cache = Named { number, name: Some(name) };
            match at {
                0 => write!(f, "; there is {cache}")?,
                NAMED => f.write_str(", …")?,
                _ => write!(f, ", {cache}")?,
            }
        }
        Ok(())
    }

    /// Names the pages that are missing, `out` of them, and says what to do about them.
    fn say_missing(&self, out: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// How many pages are named.
        const NAMED: usize = 8;
        let (mut ids, mut named) = ([PageId::new(0); NAMED + 1], 0);
        for (to, id) in ids.iter_mut().zip(self.ids()) {
            *to = id;
            named += 1;
        }
        write!(f, "the pool has {} out", Count(out, "page"))?;
        for (at, id) in ids[..named].iter().enumerate() {
            match at {
                0 if named == 1 => write!(f, ": {id}")?,
                0 => write!(f, ": pages {}", id.index())?,
                NAMED => f.write_str(", …")?,
                _ => write!(f, ", {}", id.index())?,
            }
        }
        if self.fenced() > 0 {
            let they_are = Share(self.fenced(), out);
            write!(f, "; {they_are} given up with a ticket: close when its fence has passed it")?;
        }
        if self.lent() > 0 {
            let they_are = Share(self.lent(), out);
            write!(f, "; {they_are} lent: reclaim what a device has before close")?;
        }
        let promised = self.pool.core.line.promised();
        if promised > 0 {
            let they_are = Share(promised, out);
            write!(f, "; {they_are} promised to a call that was forgotten as it waited: ")?;
            f.write_str("see CloseError::recover_forgotten")?;
        }
        let others = out.saturating_sub(self.fenced() + self.lent() + promised);
        if others == 0 {
            return Ok(());
        }
        let (them, were) = match (others == 1, others == out) {
            (true, true) => ("it", "it was"),
            (true, false) => ("the other", "it was"),
            (false, true) => ("them", "they were"),
            (false, false) => ("the others", "they were"),
        };
        write!(f, "; drop {them} before close, or, if {were} forgotten, ")?;
        f.write_str("see CloseError::recover_forgotten")
    }
}

/// Some of the pages that are out, as the start of a sentence: so many, of how many.
struct Share(u64, u64);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Share(_, 1) => f.write_str("it is"),
            Share(some, out) if some >= out => f.write_str("all of them are"),
            Share(1, _) => f.write_str("1 of them is"),
            Share(some, _) => write!(f, "{some} of them are"),
        }
    }
}

impl<M: Mode> fmt::Display for CloseError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In this order: pages may come back meanwhile, and `out` is then not below the balance.
        let (handles, out, balance) = (self.handles(), self.out(), self.balance());
        if handles > 0 {
            let (others, out) = (Count(handles, "other handle"), Count(out, "page"));
            let drop_them = match handles {
                1 => "a Pool or a Cache: drop it before close",
                _ => "Pools or Caches: drop them before close",
            };
            write!(f, "the pool has {others} ({drop_them}")?;
            self.say_named(f)?;
            write!(f, ") and about {out} out")?;
        } else if balance < 0 {
            let more = Count(balance.unsigned_abs(), "page");
            write!(f, "{more} more came back to the pool than left it: look for a second free")?;
        } else if balance == 0 {
            f.write_str("a page, another Pool or a Cache was alive when the pool was closed, ")?;
            f.write_str("and is gone now: drop it before close, or close again")?;
        } else {
            self.say_missing(out, f)?;
        }
        write!(f, " [{}]", self.pool.mode())?;
        self.pool.core.tracker.say(&self.pool.core.slots, f)
    }
}

debug_by_display!(CloseError<M>);

impl<M: Mode> core::error::Error for CloseError<M> {}
