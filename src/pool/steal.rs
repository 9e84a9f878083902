//! Taking the pages of stealable caches whose threads do nothing.
//!
//! Invariant: nothing is taken without proof that a fence was made (`sync::Fenced`).

use super::Pool;
use crate::cache::Cache;
use crate::error::{CacheError, Call};
use crate::mode::Mode;
use crate::sync::{fence_all_threads, register_fences};

/// A way to make every other thread, or processor, execute a full memory fence: for
/// [`Pool::steal_idle_with`].
///
/// The threads that use stealable caches need no fence of their own in each call, because whoever steals makes them
/// execute one. On Linux [`Pool::steal_idle`] has the system do it (`membarrier`). A kernel sends an interrupt to each
/// processor, and waits until all have answered: to take an interrupt, and to return from it, orders what came before
/// and what comes after as a fence does, or the handler executes one.
///
/// ```
/// use pagesheaf::AsymmetricFence;
///
/// /// The fence of a machine with one processor, and threads that are preempted: all others stand still, and what
/// /// switched away from them was a fence.
/// struct OneProcessor;
///
/// // SAFETY: no other thread runs, and each executed a fence when it was switched away from.
/// unsafe impl AsymmetricFence for OneProcessor {
///     fn fence_others(&self) -> bool {
///         true
///     }
/// }
/// ```
///
/// # Safety
/// When [`fence_others`](Self::fence_others) returns true, every other thread that is in a call of a stealable cache,
/// or begins one, of each pool that this is given to, has executed a full memory fence (one that orders earlier stores
/// before later loads, as `fence(SeqCst)` does) at some moment between the call and its return.
pub unsafe trait AsymmetricFence {
    /// Makes the others execute a fence. Returns whether they did: if not, nothing is stolen.
    ///
    /// It may wait, and it may call the pool; while it runs, the caches from which pages may be stolen do not use
    /// their pages: their calls go the way of the pool's.
    fn fence_others(&self) -> bool;
}

/// That of the system.
struct SystemFence;

// SAFETY: where light fences are real ones, each thread executes its own in each call; elsewhere the system says
// whether it has made all threads of the process execute one.
unsafe impl AsymmetricFence for SystemFence {
    fn fence_others(&self) -> bool {
        fence_all_threads()
    }
}

impl<M: Mode> Pool<M> {
    /// A cache from which [`steal_idle`](Self::steal_idle) can take pages whenever it is in no call.
    ///
    /// For threads that may sleep, for however long, where nobody can wrap the sleep in
    /// [`Cache::idle`](Cache::idle). Each call takes two stores more than one of a plain cache,
    /// whether anybody steals or not. With `std`, on systems other than Linux, it also takes a
    /// fence; without `std` whoever steals brings one ([`AsymmetricFence`]).
    ///
    /// On Linux this tells the system that the process will make fences (`membarrier`). It may refuse, as an old filter
    /// of system calls does: then nothing can be stolen, and `steal_idle` asks instead. A sandbox that *kills* who
    /// makes a system call that it does not know kills the process here: in such a sandbox use plain caches.
    ///
    /// # Errors
    /// As [`cache`](Self::cache).
    ///
    /// ```
    /// # use pagesheaf::{Cache, DefaultMode, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let mut cache: Cache<DefaultMode, true> = pool.cache_stealable()?;
    /// let page = cache.alloc()?;
    /// cache.free(page);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cache_stealable(&self) -> Result<Cache<M, true>, CacheError> {
        register_fences();
        Cache::new(self.core.clone(), None)
    }

    /// Puts into the zone, where every call can get them, the pages of all caches whose threads do nothing: of
    /// stealable caches ([`cache_stealable`](Self::cache_stealable)) that are in no call, and of those that are
    /// [`idle`](Cache::idle). Returns how many pages came.
    ///
    /// It has the system interrupt the other threads of the process for a moment, on the processors where such are
    /// running, and may sleep; so no allocation does it by itself, and it does not belong in a signal handler. Call it
    /// when a call came back short with [`ShortReason::Cached`](crate::ShortReason::Cached), and rarely otherwise: each
    /// cache that it took from starts empty.
    ///
    /// A cache in the middle of a call keeps its pages. If the system refuses the fence, stealable caches are only
    /// asked for their pages, as by [`drain`](Self::drain), and give them up at their next calls; so they are without
    /// `std`.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool, ShortReason};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(8).max_caches(2).magazine_capacity(8).build()?;
    /// let (mut sleeper, mut worker) = (pool.cache_stealable()?, pool.cache_stealable()?);
    /// let mut batch = PageBatch::new();
    /// assert_eq!(sleeper.alloc_bulk(&mut batch, 8).allocated, 8);
    /// sleeper.free_bulk(&mut batch);
    /// // The thread of `sleeper` does something else for a while; it has said so to nobody.
    /// let got = worker.alloc_bulk(&mut batch, 8);
    /// assert_eq!(got.reason, Some(ShortReason::Cached));
    /// if pool.steal_idle() > 0 {
    ///     worker.alloc_bulk_exact(&mut batch, 8 - got.allocated)?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn steal_idle(&self) -> usize {
        self.steal_idle_with(&SystemFence)
    }

    /// As [`steal_idle`](Self::steal_idle), by a fence of the caller's: for kernels, which send an interrupt.
    ///
    /// ```
    /// # use pagesheaf::{AsymmetricFence, Pool};
    /// /// A kernel's: it has a call that interrupts all other processors, and waits for them.
    /// struct Interrupt;
    ///
    /// # fn interrupt_others() -> bool { false }
    /// // SAFETY: each processor executes a full fence in the handler of the interrupt, or the call fails.
    /// unsafe impl AsymmetricFence for Interrupt {
    ///     fn fence_others(&self) -> bool {
    ///         interrupt_others()
    ///     }
    /// }
    ///
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// assert_eq!(pool.steal_idle_with(&Interrupt), 0, "no cache has any");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn steal_idle_with(&self, fence: &impl AsymmetricFence) -> usize {
        let pages = self.core.steal_idle(|_| true, || fence.fence_others());
        self.core.conclude(Call::StealIdle);
        pages
    }
}
