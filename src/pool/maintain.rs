//! Upkeep on demand: what is not needed goes back.

use crate::error::Call;
pub use crate::inner::{Maintained, NotPurged};
use crate::mode::Mode;
use crate::pool::Pool;
use crate::sync::fence_all_threads;

impl<M: Mode> Pool<M> {
    /// Upkeep, to be called from time to time: by a timer, say, or an idle loop.
    ///
    /// Pages whose tickets have passed come free ([`reap_fences`](Self::reap_fences)).
    ///
    /// Pages that lay in the depots at the end of each of the last four periods, or are more than
    /// caches allocated in any, go to the zone; a period is the time between two calls. What leaves
    /// the depots and comes back within each period is among them: its caches refill from the zone
    /// then, which takes a little longer. Then, if the region was mapped with
    /// [`Mapping::purge`](crate::Mapping::purge), the system gets the memory of as many free pages
    /// as nobody has needed in any of these periods: first that of whole areas of 2 MiB, from the
    /// far end of the region, then that of single pages. The next touch of such a page costs what a
    /// first touch costs, and finds zeros.
    ///
    /// Only allocations count: pages that are freed make nothing look needed. What caches hold through
    /// which nobody has allocated in any of these periods goes to the zone, too: that of the pool's
    /// own ones, of those that are [`idle`](crate::Cache::idle), and of stealable ones that are in no
    /// call, as by [`steal_idle`](Self::steal_idle). A plain cache keeps what it holds until it calls
    /// [`drain`](crate::Cache::drain), or is dropped.
    ///
    /// Call it at any time, but not in a signal handler or an interrupt: it looks at every word of
    /// the zone, and waits for the system. It does nothing while another thread is in it. Pages
    /// whose memory is going back cannot be had for that moment: a call that needs them says
    /// [`Busy`](crate::ShortReason::Busy), one for a block may say
    /// [`Fragmented`](crate::ShortReason::Fragmented), and one that asks for such a page by its
    /// number may say that it is out. They are the pages of one area at the most. The child of a
    /// fork in that moment has [lost](crate::Pages::lost) up to 64 of them: those that were on their
    /// way. A thread that stops for good in this call keeps them; after 1,024 calls that found it
    /// there, others go on without it.
    ///
    /// Memory goes back by at most 1,024 system calls, one for an area or for a run of neighbouring
    /// pages. If that is too few, [`Maintained::not_purged`] is [`Later`](NotPurged::Later), and the
    /// next call goes on.
    ///
    /// ```
    /// use pagesheaf::{PageBatch, Pool, Region};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    ///
    /// let region = Region::mapped().purge(true);
    /// let pool = Pool::builder(10_000).region(region).build()?;
    /// let mut batch: PageBatch<_, 4096> = PageBatch::empty();
    /// pool.alloc_bulk_exact(&mut batch, 4096)?;
    /// batch.iter_mut().for_each(|page| page[0] = 1);
    /// drop(batch);
    /// let purged: usize = (0..10).map(|_| pool.maintain().purged).sum();
    /// assert!(purged > 3000, "the rest lies in caches");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn maintain(&self) -> Maintained {
        let done = self.core.maintain(fence_all_threads);
        self.core.line.look_again();
        self.core.note_crossings();
        self.core.conclude(Call::Maintain);
        done
    }

    /// Frees the pages whose tickets have passed: see [`free_bulk_after`](Self::free_bulk_after). Returns how many.
    /// Call it when a fence has gone on, so that whoever needs pages finds them; [`maintain`](Self::maintain) does the
    /// same. Not for signal handlers, because it asks the fences.
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
    /// assert_eq!((pool.audit().pages.fenced, pool.reap_fences()), (8, 0));
    /// SENT.0.store(1, Ordering::Release);
    /// assert_eq!((pool.reap_fences(), pool.audit().pages.fenced), (8, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reap_fences(&self) -> usize {
        let pages = self.core.reap_fences();
        self.core.conclude(Call::ReapFences);
        pages
    }
}
