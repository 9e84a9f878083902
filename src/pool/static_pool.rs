//! A pool in a `static`: built once, by whoever comes first, and kept for ever.
//!
//! Invariant: the cell is written once, by the one call that is building, before the state says
//! `BUILT`; and read only by those who have seen it say so, which it says for ever.

mod calls;

use core::fmt;
use core::mem::ManuallyDrop;
use core::panic::{RefUnwindSafe, UnwindSafe};

use super::{Builder, Pool};
use crate::error::{BuildError, InitError, NotBuilt};
use crate::mode::{DefaultMode, Mode};
use crate::sync::{Atomic, ExclusiveCell, Ordering, const_in_real, defect, ordering};

/// There is no pool.
const UNBUILT: u32 = 0;
/// A call is building one.
const BUILDING: u32 = 1;
/// There is one, for ever.
const BUILT: u32 = 2;

/// A pool for a `static`: made without one, and built once when the program knows how.
///
/// It is for programs, kernels and implementations of traits that have no place for a value: every
/// function finds the pool by its name. No call waits, so any may come from an interrupt or a
/// signal handler. The most usual of the allocating calls are here too, and say [`NotBuilt`] until
/// there is a pool; [`get`](Self::get) has all the others.
///
/// The static has one handle, which it never gives up: the pool cannot be closed. [`Pool::close`]
/// of a clone of it says that there is another handle. Caches are handles as in any pool, and pages
/// come home by themselves as they do there.
///
/// ```
/// use pagesheaf::{PageBatch, Pool, ShortReason, StaticPool};
///
/// static POOL: StaticPool = StaticPool::new();
///
/// fn receive() -> Result<usize, ShortReason> {
///     let mut page = POOL.alloc()?; // an error before the pool is built, or when it is empty
///     page.fill(7);
///     Ok(page.len())
/// }
///
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// assert_eq!(receive(), Err(ShortReason::NotBuilt));
/// POOL.init(Pool::builder(1024))?; // once, early in `main`
/// assert_eq!(receive(), Ok(4096));
/// let mut cache = POOL.cache()?; // for a thread that allocates much
/// let mut batch = PageBatch::new();
/// assert_eq!(cache.alloc_bulk(&mut batch, 64).allocated, 64);
/// cache.free_bulk(&mut batch);
/// assert_eq!(POOL.get()?.audit().pages.out, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A pool of another mode names it: `static POOL: StaticPool<Bare> = StaticPool::new();` takes
/// `Pool::builder(1024).mode()`. Without a heap, see [`init_with`](Self::init_with);
/// `docs/statics.md` has the whole way, with the traits of other crates.
///
/// A `StaticPool` that is no static, but a field or a local, gives up its handle when it is
/// dropped, as a [`Pool`] does.
///
/// # Fork
/// A child of `fork` has the pool as any other: see [`Pool::after_fork`]. If another thread was
/// building it at that moment, nobody in the child ever ends that: it stays *building*.
pub struct StaticPool<M: Mode = DefaultMode> {
    state: Atomic<u32>,
    pool: ExclusiveCell<Option<Pool<M>>>,
}

// SAFETY: the cell is written by the one call that is building, and read by those who have seen that
// it has ended; a pool may be shared between threads, and moved to others.
unsafe impl<M: Mode> Sync for StaticPool<M> {}

// A panic of the caller's code while the pool is built leaves the static without one, as it was.
impl<M: Mode> UnwindSafe for StaticPool<M> {}
impl<M: Mode> RefUnwindSafe for StaticPool<M> {}

/// The right to build the pool. Dropped, it gives up: the next call may try.
struct Turn<'a, M: Mode>(&'a StaticPool<M>);

impl<M: Mode> StaticPool<M> {
    const_in_real! {
        /// No pool yet.
        ///
        /// ```
        /// use pagesheaf::{Bare, NotBuilt, StaticPool};
        ///
        /// static POOL: StaticPool<Bare> = StaticPool::new();
        /// assert_eq!(POOL.get().err(), Some(NotBuilt));
        /// ```
        #[must_use]
        pub fn new() -> Self {
            StaticPool { state: Atomic::new(UNBUILT), pool: ExclusiveCell::new(None) }
        }
    }

    /// Builds the pool, with its metadata on the heap (feature `std`), as [`Builder::build`] does.
    /// Returns it. The first call that succeeds is the only one that does.
    ///
    /// Whoever may not be the first goes on with what there is:
    ///
    /// ```
    /// use pagesheaf::{InitError, Pool, StaticPool};
    ///
    /// static POOL: StaticPool = StaticPool::new();
    ///
    /// /// The pool, which the first caller builds. An error while another is at it.
    /// fn pool() -> Result<&'static Pool, InitError> {
    ///     if let Ok(pool) = POOL.get() {
    ///         return Ok(pool);
    ///     }
    ///     POOL.init(Pool::builder(1024)).or_else(|error| POOL.get().map_err(|_| error))
    /// }
    ///
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let (one, two) = (pool()?, pool()?);
    /// assert!(std::ptr::eq(one, two));
    /// # Ok::<(), InitError>(())
    /// ```
    ///
    /// # Errors
    /// [`InitError::Built`] when there is a pool; [`InitError::Building`] while another call builds
    /// it, for which this one does not wait; [`InitError::Failed`] when this one could not. After
    /// the last, the static is as it was, and another call can try.
    pub fn init(&self, builder: Builder<M>) -> Result<&Pool<M>, InitError> {
        self.init_with(|| builder.build())
    }

    /// Builds the pool in whatever way `build` does: without a heap, by
    /// [`Builder::build_in`]. Returns it. The first call that succeeds is the only one that does.
    ///
    /// `build` runs in one call at a time, and never again after it has returned a pool. So it is
    /// the place to take a static's memory, which needs no `static mut`:
    ///
    /// ```
    /// use core::cell::UnsafeCell;
    /// use core::mem::MaybeUninit;
    ///
    /// use pagesheaf::{Checked, InitError, Pool, StaticPool};
    ///
    /// static POOL: StaticPool<Checked> = StaticPool::new();
    ///
    /// /// Aligned to a page, and to the 128 bytes of the metadata.
    /// #[repr(C, align(256))]
    /// struct Memory<const N: usize>(UnsafeCell<[MaybeUninit<u8>; N]>);
    /// // SAFETY: it is taken in `start` alone, by the one call that builds the pool.
    /// unsafe impl<const N: usize> Sync for Memory<N> {}
    ///
    /// static PAGES: Memory<{ 64 * 256 }> = Memory(UnsafeCell::new([MaybeUninit::new(0); 64 * 256]));
    /// static METADATA: Memory<16384> = Memory(UnsafeCell::new([MaybeUninit::uninit(); 16384]));
    ///
    /// fn start() -> Result<&'static Pool<Checked>, InitError> {
    ///     let builder = Pool::builder(64).mode().page_size(256);
    ///     let builder = builder.max_caches(2).shared_caches(1).magazine_capacity(8);
    ///     POOL.init_with(|| {
    ///         // SAFETY: this runs in one call at a time, which has the memory to itself, and never
    ///         // again once the pool has it.
    ///         let metadata: &'static mut [MaybeUninit<u8>] = unsafe { &mut *METADATA.0.get() };
    ///         // SAFETY: the same of the pages, which are a static, initialised and aligned to 256.
    ///         unsafe { builder.build_in(PAGES.0.get().cast(), metadata) }
    ///     })
    /// }
    ///
    /// assert_eq!(start()?.capacity(), 64);
    /// assert_eq!(start().expect_err("there is one"), InitError::Built);
    /// # Ok::<(), InitError>(())
    /// ```
    ///
    /// While `build` runs, the static says that it is not built, to `build` itself as well, and
    /// `init` says that it is building. If `build` panics, the static is as it was. A clone of the
    /// pool that `build` keeps is another handle, as of any pool.
    ///
    /// # Errors
    /// As [`init`](Self::init); `build` was not called unless it is [`InitError::Failed`].
    pub fn init_with(
        &self,
        build: impl FnOnce() -> Result<Pool<M>, BuildError>,
    ) -> Result<&Pool<M>, InitError> {
        let turn = self.try_begin()?;
        // An error, or a panic, drops the turn.
        let pool = build()?;
        Ok(turn.publish(pool))
    }

    /// The turn to build, if there is no pool, and nobody else has it. Never waits.
    fn try_begin(&self) -> Result<Turn<'_, M>, InitError> {
        // Acquire: pairs with the Release of a turn that was given up: who tries again finds what
        // it was to be built of as the last one left it. Whoever is told that the pool is built
        // comes to it through `get`.
        let (acquire, relaxed) = (Ordering::Acquire, Ordering::Relaxed);
        match self.state.compare_exchange(UNBUILT, BUILDING, acquire, relaxed) {
            Ok(_) => Ok(Turn(self)),
            Err(_) if defect!("static-twice") => Ok(Turn(self)),
            Err(BUILDING) => Err(InitError::Building),
            Err(_) => Err(InitError::Built),
        }
    }

    /// The pool, with all its calls: for as long as the program runs, if this is a static.
    ///
    /// ```
    /// use pagesheaf::{Pool, StaticPool};
    ///
    /// static POOL: StaticPool = StaticPool::new();
    ///
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// POOL.init(Pool::builder(100))?;
    /// let pool: &'static Pool = POOL.get()?;
    /// let id = pool.alloc()?.lend();
    /// assert_eq!(pool.audit().pages.lent, 1);
    /// // SAFETY: the page was lent to nobody, and is reclaimed once.
    /// drop(unsafe { pool.reclaim(id) }?);
    /// pool.drain();
    /// println!("{pool}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NotBuilt`] before the pool is built, also while it is being built.
    #[inline]
    pub fn get(&self) -> Result<&Pool<M>, NotBuilt> {
        // Acquire: pairs with the Release in `Turn::publish`.
        if self.state.load(ordering!(Acquire, "static-look")) != BUILT {
            return Err(NotBuilt);
        }
        // SAFETY: the cell was written before the state said so, and is never written again.
        let pool = unsafe { self.pool.get() };
        pool.as_ref().ok_or(NotBuilt)
    }
}

impl<'a, M: Mode> Turn<'a, M> {
    /// Keeps the pool for good.
    fn publish(self, pool: Pool<M>) -> &'a Pool<M> {
        let of = ManuallyDrop::new(self).0;
        // SAFETY: nobody reads the cell before the state says `BUILT`, and nobody else writes it:
        // the caller has the turn.
        let pool = &*unsafe { of.pool.get_mut() }.insert(pool);
        // Release: pairs with the Acquire in `StaticPool::get`.
        of.state.store(BUILT, ordering!(Release, "static-publish"));
        pool
    }
}

impl<M: Mode> Drop for Turn<'_, M> {
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `StaticPool::try_begin`.
        self.0.state.store(UNBUILT, ordering!(Release, "static-failed"));
    }
}

impl<M: Mode> Default for StaticPool<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Mode> fmt::Display for StaticPool<M> {
    /// As the pool's, or that it is not built.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.get() {
            Ok(pool) => fmt::Display::fmt(pool, f),
            Err(NotBuilt) => f.write_str("not built"),
        }
    }
}

impl<M: Mode> fmt::Debug for StaticPool<M> {
    /// As `Display`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
