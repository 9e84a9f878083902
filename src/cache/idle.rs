//! A cache that is not used for a while, and whose pages others may take.
//!
//! Invariant: a cache is idle only while nobody can call it: in [`Cache::idle`], which borrows it, or as a
//! [`ParkedCache`], which has no other call than to come back. There is no guard whose drop would matter: what
//! ends the one stands in that call's own frame, and a parked cache that is forgotten stays idle.

use core::fmt;

use super::Cache;
use crate::calls::{self, Frontend};
use crate::error::Call;
use crate::mode::{DefaultMode, Mode};

/// A cache that is idle until [`resume`](Self::resume): it keeps its pages, and whoever runs dry may take them.
///
/// It is made by [`Cache::park`]. Dropping it is dropping the cache. One that is forgotten
/// ([`mem::forget`](core::mem::forget)) stays idle: no page is lost, but its slot and its handle are.
///
/// ```
/// # use pagesheaf::{Page, Pool, ParkedCache};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(8).max_caches(2).build()?;
/// let (mut sleeper, mut worker) = (pool.cache()?, pool.cache()?);
/// let page = sleeper.alloc()?;
/// sleeper.free(page);
/// let parked: ParkedCache = sleeper.park();
/// // All eight pages can be had, wherever they are.
/// let pages: Vec<Page> = (0..8).map(|_| worker.alloc()).collect::<Result<_, _>>()?;
/// drop(pages);
/// let mut sleeper = parked.resume();
/// sleeper.alloc()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a parked cache is dropped with its slot, unless it is resumed"]
pub struct ParkedCache<M: Mode = DefaultMode, const STEALABLE: bool = false>(Cache<M, STEALABLE>);

/// Ends the idle time of a cache when [`Cache::idle`] does, also by a panic.
struct Return<'a, M: Mode, const STEALABLE: bool>(&'a mut Cache<M, STEALABLE>);

/// A call that does nothing else.
fn answer<M: Mode>(mut front: impl Frontend<M>) {
    front.begin();
}

impl<M: Mode, const STEALABLE: bool> Drop for Return<'_, M, STEALABLE> {
    fn drop(&mut self) {
        self.0.slot.enter().as_mut().take_back();
    }
}

impl<M: Mode, const STEALABLE: bool> Cache<M, STEALABLE> {
    /// Calls `poll`, which waits for something, and lets others take from the cache meanwhile.
    ///
    /// Nothing moves: the cache keeps its pages, unless somebody has asked for them before, or runs
    /// dry meanwhile. It costs two atomic operations, whether `poll` waits or not; so call it
    /// around every wait: an event loop's `epoll_wait`, a channel's `recv`, a sleep. When it
    /// returns, also by a panic, the cache is in use again. If somebody is just taking from it, its
    /// calls go through shared caches, as a pool's do, until that is over.
    ///
    /// `poll` cannot use the cache, but it may use the pool. See [`park`](Self::park) for runtimes that call one
    /// function before a thread sleeps, and another one after.
    ///
    /// ```
    /// # use pagesheaf::{Pool, ShortReason};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1).build()?;
    /// let (mut reader, mut writer) = (pool.cache()?, pool.cache()?);
    /// let page = reader.alloc()?;
    /// reader.free(page);
    /// assert_eq!(writer.alloc().err(), Some(ShortReason::Cached), "the reader has it");
    /// let page = reader.idle(|| writer.alloc())?;
    /// assert_eq!(reader.alloc().err(), Some(ShortReason::Exhausted), "the writer has it");
    /// # drop(page);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn idle<R>(&mut self, poll: impl FnOnce() -> R) -> R {
        self.go_idle();
        let _return = Return(self);
        poll()
    }

    /// Lets others take from the cache until [`ParkedCache::resume`]. Nothing moves: see [`idle`](Self::idle).
    ///
    /// A runtime whose threads tell when they go to sleep keeps the cache of each thread where two functions can
    /// reach it, and parks and resumes it there. For tokio, these are `on_thread_park` and `on_thread_unpark` of
    /// `tokio::runtime::Builder`, both called on the thread itself:
    ///
    /// ```
    /// use std::cell::RefCell;
    ///
    /// use pagesheaf::{Cache, ParkedCache, Pool};
    ///
    /// enum Local {
    ///     Absent,
    ///     Awake(Cache),
    ///     Asleep(ParkedCache),
    /// }
    ///
    /// thread_local!(static LOCAL: RefCell<Local> = const { RefCell::new(Local::Absent) });
    ///
    /// /// For `on_thread_park`.
    /// fn park() {
    ///     LOCAL.with_borrow_mut(|local| {
    ///         *local = match std::mem::replace(local, Local::Absent) {
    ///             Local::Awake(cache) => Local::Asleep(cache.park()),
    ///             other => other,
    ///         };
    ///     });
    /// }
    ///
    /// /// For `on_thread_unpark`.
    /// fn unpark() {
    ///     LOCAL.with_borrow_mut(|local| {
    ///         *local = match std::mem::replace(local, Local::Absent) {
    ///             Local::Asleep(cache) => Local::Awake(cache.resume()),
    ///             other => other,
    ///         };
    ///     });
    /// }
    ///
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// LOCAL.set(Local::Awake(pool.cache()?));
    /// park();
    /// assert!(pool.alloc().is_ok());
    /// unpark();
    /// assert!(LOCAL.with_borrow(|local| matches!(local, Local::Awake(_))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn park(mut self) -> ParkedCache<M, STEALABLE> {
        self.go_idle();
        ParkedCache(self)
    }

    /// Answers what the cache was asked for, and lets others take from it.
    fn go_idle(&mut self) {
        calls::through!(marked, self, front, answer(front));
        self.core.conclude(Call::Idle);
        self.slot.go_idle();
        self.core.see_idle(self.slot.shared());
    }
}

impl<M: Mode, const STEALABLE: bool> ParkedCache<M, STEALABLE> {
    /// The cache, in use again.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let mut cache = pool.cache()?.park().resume();
    /// cache.alloc()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "dropping the cache gives its slot back"]
    pub fn resume(mut self) -> Cache<M, STEALABLE> {
        self.0.slot.enter().as_mut().take_back();
        self.0
    }

    /// The number of the cache: see [`Cache::number`].
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let parked = pool.cache()?.park();
    /// assert_eq!(parked.number(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn number(&self) -> usize {
        self.0.number()
    }
}

impl<M: Mode, const STEALABLE: bool> fmt::Debug for ParkedCache<M, STEALABLE> {
    /// As the pool's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parked{:?}", self.0)
    }
}
