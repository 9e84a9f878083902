//! A pool grows and shrinks within its capacity.
//!
//! Invariant: a call that is refused has changed nothing.

use core::fmt;
use core::ops::Range;

use super::Pool;
use crate::error::{Call, Count, RangeError};
use crate::mode::{DefaultMode, Mode};
use crate::page::PageId;
use crate::zone::Floor;

/// What [`Pool::offline`] did: how many pages went, and which are still online.
///
/// ```
/// # use pagesheaf::Pool;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).initially(100).build()?;
/// let page = pool.alloc()?;
/// let went = pool.offline(0..100)?;
/// println!("{went}"); // 99 pages went offline, 1 page of the range online
/// assert_eq!((went.count(), went.still_online().next()), (99, Some(page.id())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "pages that are out, or in a cache in use, stay online"]
pub struct WentOffline<'a, M: Mode = DefaultMode> {
    pool: &'a Pool<M>,
    pages: Range<u32>,
    count: usize,
}

impl<M: Mode> WentOffline<'_, M> {
    /// How many pages the call took offline.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).initially(100).build()?;
    /// assert_eq!(pool.offline(0..40)?.count(), 40);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The pages of the range that are online, each looked up when the iterator comes to it: those
    /// that are out, lent or withheld, and free ones that lie in caches which are in use
    /// ([`Pool::holders`] names the caches) or on their way in another call. Caches give them up at
    /// their next call; try again then.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).initially(100).build()?;
    /// let page = pool.alloc()?;
    /// for id in pool.offline(0..100)?.still_online() {
    ///     assert_eq!(id, page.id()); // to be freed first
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn still_online(&self) -> impl Iterator<Item = PageId> {
        self.pages.clone().map(PageId::new).filter(|&id| !self.pool.is_offline(id))
    }
}

impl<M: Mode> fmt::Display for WentOffline<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let online = Count(self.still_online().count() as u64, "page");
        write!(f, "{} went offline, {online} of the range online", Count(self.count as u64, "page"))
    }
}

impl<M: Mode> fmt::Debug for WentOffline<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WentOffline({self})")
    }
}

impl<M: Mode> Pool<M> {
    /// Takes the free pages of a range offline: the pool gives none of them out, and touches none
    /// of their bytes, until [`online`](Self::online) brings them back. For memory that is to be
    /// taken away (ballooning, hot-unplug), or is wanted elsewhere. A region that the pool has mapped
    /// is unmapped as a whole when the pool is gone: give its memory back by `madvise`, and leave
    /// the addresses alone.
    ///
    /// If some of the pages are neither offline nor in the zone, the pool is drained first, and
    /// caches in use are asked for what they hold. Pages that are out stay online, and the result
    /// names them: free them, and try again. A cache of one's own is drained by
    /// [`Cache::drain`](crate::Cache::drain), one that waits by [`steal_idle`](Self::steal_idle).
    ///
    /// What former owners did to the pages happens before this call returns. In modes with
    /// [`POISON`](crate::hardening::POISON) a poisoned page is verified as it goes; one that was
    /// written after its free is withheld, and stays online.
    ///
    /// # Errors
    /// When the pool was built without [`Builder::initially`](crate::Builder::initially), the range
    /// has pages that the pool has not, or all its pages are offline. A range of no pages is none of
    /// these.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).initially(100).build()?;
    /// let page = pool.alloc()?;
    /// let went = pool.offline(0..100)?;
    /// assert_eq!(went.count(), 99);
    /// assert!(went.still_online().eq([page.id()]));
    /// drop(page);
    /// assert_eq!(pool.offline(0..100)?.count(), 1);
    /// // SAFETY: the pool has mapped all of its memory, and nobody has touched it meanwhile.
    /// unsafe { pool.online(0..50) }?;
    /// assert_eq!(pool.audit().pages.offline, 50);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn offline(&self, pages: Range<u32>) -> Result<WentOffline<'_, M>, RangeError> {
        let (first, len) = self.checked(&pages)?;
        if len > 0 && self.core.offline.first_online(first, len).is_none() {
            return Err(RangeError::AlreadyOffline { page: first });
        }
        self.core.reap_fences_for(usize::MAX, Floor::None);
        let count = self.core.take_offline(first, len);
        self.core.conclude(Call::Offline);
        Ok(WentOffline { pool: self, pages, count })
    }

    /// Brings pages online that are offline, because they [went](Self::offline) or were
    /// [never there](crate::Builder::initially): all of the range, or none.
    ///
    /// In modes with [`POISON`](crate::hardening::POISON) this writes to the pages, as building the
    /// pool does, unless [`poison_lazily`](crate::Builder::poison_lazily) puts it off.
    ///
    /// # Errors
    /// When the pool was built without [`Builder::initially`](crate::Builder::initially), or the range
    /// has pages that the pool has not, or that are online; in modes that check, also when the state of a
    /// page says that somebody has it.
    ///
    /// # Safety
    /// In a pool of addresses the pages are the pool's alone. In any other, from now on until they
    /// have gone offline, or the pool is closed and every page is back, the bytes of these pages
    /// are as [`Region::caller`](crate::Region::caller) asks of all: valid, inside one allocation
    /// (that of the region); readable and writable; within the provenance of the region's base;
    /// allocated, and where they are; the pool's alone; and initialised. Memory that the pool has
    /// mapped or allocated itself is all this, unless somebody has taken it away, or put another
    /// mapping in its place, while the pages were offline.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1 << 20).initially(100).build()?;
    /// // SAFETY: the pool has mapped memory for all pages it can have, which nobody else knows.
    /// unsafe { pool.online(100..200) }?;
    /// let pages = pool.audit().pages;
    /// assert_eq!((pages.free, pages.offline), (200, (1 << 20) - 200));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub unsafe fn online(&self, pages: Range<u32>) -> Result<(), RangeError> {
        let (first, len) = self.checked(&pages)?;
        let came = self.core.bring_online(first, len);
        self.core.conclude(Call::Online);
        came
    }

    /// Whether the pool has the page, and it is offline. Another thread may take it offline, or
    /// bring it back, a moment later.
    ///
    /// ```
    /// # use pagesheaf::{PageId, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(10).initially(4).build()?;
    /// let offline = (0..20).map(PageId::new).filter(|&id| pool.is_offline(id));
    /// assert_eq!(offline.count(), 6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_offline(&self, id: PageId) -> bool {
        self.core.offline.has(id)
    }

    /// The first page of a range, and how many it has, all of the pool.
    fn checked(&self, pages: &Range<u32>) -> Result<(PageId, usize), RangeError> {
        let Range { start, end } = *pages;
        let len = end.checked_sub(start).ok_or(RangeError::Backwards { start, end })?;
        let capacity = self.core.pages;
        if !self.core.offline.is_kept() {
            return Err(RangeError::FixedSize);
        }
        if end > capacity {
            return Err(RangeError::PastTheEnd { end, capacity });
        }
        Ok((PageId::new(start), len as usize))
    }
}
