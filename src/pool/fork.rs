//! What a forked child calls before anything else.

use super::Pool;
use crate::cache::Cache;
use crate::error::Call;
use crate::inner::AfterFork;
use crate::mode::Mode;

/// A cache, stealable or not, that goes on in a forked child: see [`Pool::after_fork`].
///
/// ```
/// # use pagesheaf::{AnyCache, DefaultMode, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let (mut plain, mut stealable) = (pool.cache()?, pool.cache_stealable()?);
/// // What a child passes to `after_fork`.
/// let kept: [&mut dyn AnyCache<DefaultMode>; 2] = [&mut plain, &mut stealable];
/// # let _ = kept;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait AnyCache<M: Mode>: sealed::Kept<M> {}

impl<M: Mode, const STEALABLE: bool> AnyCache<M> for Cache<M, STEALABLE> {}

mod sealed {
    use super::{AfterFork, Mode};

    pub trait Kept<M: Mode> {
        /// The cache goes on, if it is of that pool.
        fn keep(&mut self, fork: &AfterFork<'_, M>);
    }
}

impl<M: Mode, const STEALABLE: bool> sealed::Kept<M> for Cache<M, STEALABLE> {
    fn keep(&mut self, fork: &AfterFork<'_, M>) {
        if fork.is_of(self.handle().pointer()) {
            fork.keep(self.owner_mut().enter().as_mut());
        }
    }
}

impl<M: Mode> Pool<M> {
    /// Makes the pool whole in the child of a `fork`: the first call there, before any other of
    /// this pool.
    ///
    /// A child has one thread, the one that forked. To it the parent's other threads stand still
    /// for ever, wherever they were: in the middle of a call, or with pages in their caches. This
    /// call
    ///
    /// - puts the pages that nobody had back into the zone: those of shared caches, of idle ones
    ///   and of the depots;
    /// - gives back the cache slots of all other threads, shared ones too, empty: [`Pool::cache`]
    ///   has as many again as the pool was built for, less those in `kept`;
    /// - counts what these slots held, and what other threads had in hand in the middle of a call,
    ///   as [`lost`](crate::Pages::lost). Pages that certainly lay in a cache are free instead;
    ///   only checking modes can tell.
    ///
    /// From then on the figures add up again, if they did so far: when something was found to be
    /// corrupt ([`Pool::is_tainted`]), pages in the middle of a call may count as out although they
    /// are free. Caches in `kept` keep their pages; caches of other pools in it are left alone.
    ///
    /// What it does not change: pages out at the fork are still out, those of other threads too,
    /// which nobody may ever free; pages in the middle of a call may count as out or as lost.
    /// References to shared pages stay counted likewise. Pages that are offline stay so; one that was
    /// going or coming in another thread may count as lost.
    ///
    /// Whoever waited for pages in another thread is no longer in line. Pages
    /// [`promised`](crate::Pages::promised) to it stay so, as do those that wait for a ticket. A future of
    /// the calling thread may be polled or dropped: it comes into the line again, at its end.
    ///
    /// Handles of other threads stay counted, caches that were not kept too: the pool does not
    /// close by itself, and [`recover_forgotten`](crate::CloseError::recover_forgotten) refuses. It
    /// gets lost pages back, and [`CloseError::ids`](crate::CloseError::ids) names them, only where
    /// the other threads had no handle of their own, because all used one pool by reference.
    ///
    /// # Without this call
    /// A child that goes on without it is sound, and no page is handed out twice: allocations and
    /// frees never wait for a thread that stands still. But shared caches that were busy stay so,
    /// caches of other threads keep their slots and their pages, a call that waits for pages may
    /// hang behind other threads' places in line, and no figure of a report need be right.
    ///
    /// # Memory
    /// Parent and child must not go on with the *same* pages: the region (and the metadata, see
    /// [`Builder::build_in`](crate::Builder::build_in)) must be private memory, which a fork
    /// copies. What the crate maps itself is. A lent page stays lent; which copy its device goes on
    /// with is the system's affair.
    ///
    /// ```no_run
    /// # use pagesheaf::Pool;
    /// # unsafe extern "C" { fn fork() -> i32; }
    /// let pool = Pool::builder(1000).build()?;
    /// let mut cache = pool.cache()?;
    /// // SAFETY: the child only does what a child may.
    /// if unsafe { fork() } == 0 {
    ///     // SAFETY: nothing of the pool was used in the child before, and of its caches only this
    ///     // one will be.
    ///     unsafe { pool.after_fork(&mut [&mut cache]) };
    ///     assert!(pool.audit().pages.adds_up());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Safety
    /// - The calling thread is the only one of the process: that of a forked child, which has
    ///   called nothing of this pool since the fork, and may start threads after this call.
    /// - The fork did not interrupt that thread in a call of this pool (by a signal handler that
    ///   forks).
    /// - `kept` has every cache of this pool, of those made before this call, that is used or
    ///   dropped from now on. Any other is forgotten with [`mem::forget`](core::mem::forget), or
    ///   left where it is; a parked one too, unless it was resumed before this call, which
    ///   [`ParkedCache::resume`](crate::ParkedCache::resume) may be. So is one in whose
    ///   [`idle`](Cache::idle) the fork happened.
    /// - No other thread was in the middle of a call, or of a drop, of a cache in `kept`, or of a
    ///   page, batch or id that is used or dropped from now on.
    pub unsafe fn after_fork(&self, kept: &mut [&mut dyn AnyCache<M>]) {
        // SAFETY: passed on to the caller; all caches of `kept` that are this pool's are kept
        // below.
        let fork = unsafe { self.core.after_fork() };
        kept.iter_mut().for_each(|cache| cache.keep(&fork));
        fork.finish();
        self.core.conclude_quietly(Call::AfterFork);
    }
}
