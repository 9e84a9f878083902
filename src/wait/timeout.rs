//! The calls whose threads wait, for some time at the most.

use core::pin::pin;
use core::time::Duration;

use crate::cache::Cache;
use crate::error::{WaitError, WaitReason};
use crate::inner::Core;
use crate::line::{Class, Sleeper};
use crate::mode::Mode;
use crate::owned::PageBatch;
use crate::pool::{Critical, Pool, StaticPool};
use crate::sync::{Deadline, defect, pause};
use crate::tracker::{By, Caller};
use crate::wait::{Asker, Progress, Request};

/// How soon the first in line looks again at what nobody tells of: caches that are idle, or stealable.
const INTERVAL: Duration = Duration::from_millis(10);

/// The same, where others were in the middle of calls.
const SOON: Duration = Duration::from_micros(100);

/// Waits until all pages have come, or the time is up: then `whole` says whether none is to come.
fn wait<M: Mode, const N: usize>(
    core: &Core<M>,
    batch: &mut PageBatch<M, N>,
    (want, whole): (usize, bool),
    class: Class,
    timeout: Duration,
    by: By,
) -> Result<(), WaitError> {
    let end = Deadline::after(timeout);
    let mut request = Request::new(core, batch, want, class, by);
    // Dropped before the request: so who is next is there when the pages come back.
    let spot = pin!(core.spot(class, Sleeper::Thread, want));
    let spot = spot.into_ref();
    core.come_to_wait(&spot);
    while !spot.try_enter() {
        pause();
    }
    let done = loop {
        // Before the look: what comes after it changes the word, and the thread does not fall asleep.
        let mut seen = core.line.event();
        let mut most = Duration::MAX;
        if spot.is_first() {
            match request.look() {
                Ok(Progress::Served) => break Ok(()),
                Ok(Progress::Waits) => most = INTERVAL,
                Ok(Progress::Soon) => most = SOON,
                Err(error) => break Err(error),
            }
        } else {
            request.give_back();
        }
        if defect!("wait-seen") {
            seen = core.line.event();
        }
        let left = end.left();
        if left.is_zero() {
            break Err(request.error(WaitReason::TimedOut));
        }
        spot.sleep(seen, left.min(most));
    };
    if done.is_ok() || !whole {
        request.deliver(spot);
    }
    done
}

/// Stamps the calls on a type: the receiver is as that of its other calls.
macro_rules! waiting {
    ([$($parameters:tt)*] $type:ty, $self:ident, [$($receiver:tt)+], [$($again:tt)+], $class:ident, $core:expr) => {
        impl<M: Mode $($parameters)*> $type {
            /// Appends `want` pages to `batch`, and waits for them at most for `timeout`: as long as pages
            /// come, it takes them; when none comes, its thread sleeps.
            ///
            /// Threads and tasks wait in one line, and calls that do not wait may be quicker: see
            /// [`alloc_bulk_async`](Self::alloc_bulk_async), which also says when this is a deadlock. The
            /// timeout is the way out of it. The first in line looks again each 10 ms at caches that are
            /// [idle](crate::Cache::idle) or stealable.
            ///
            /// Not for signal handlers.
            ///
            /// # Errors
            /// When the time is up: the pages that had come are in the batch, and
            /// [`had`](crate::WaitError::had) says how many. Or when the request can never be served, at
            /// once.
            ///
            /// ```
            /// # use std::time::Duration;
            /// # use pagesheaf::{PageBatch, Pool, WaitReason};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(8).build()?;
            /// let (mut some, mut batch) = (PageBatch::new(), PageBatch::new());
            /// pool.alloc_bulk_timeout(&mut some, 6, Duration::from_secs(1))?;
            /// let error = pool.alloc_bulk_timeout(&mut batch, 4, Duration::from_millis(1));
            /// let error = error.expect_err("two are left");
            /// assert_eq!((error.had, error.reason), (2, WaitReason::TimedOut));
            /// assert_eq!(batch.len(), 2);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_bulk_timeout<const N: usize>(
                $($receiver)+,
                batch: &mut PageBatch<M, N>,
                want: usize,
                timeout: Duration,
            ) -> Result<(), WaitError> {
                let caller = Caller::here();
                let by = Asker::by(&$($again)+, caller);
                if Asker::before_waiting($($again)+, batch, want, caller)? {
                    return Ok(());
                }
                wait($core, batch, (want, false), Class::$class, timeout, by)
            }

            /// As [`alloc_bulk_timeout`](Self::alloc_bulk_timeout), all or none: when the time is up, what had
            /// come goes back, and the batch is as it was.
            ///
            /// # Errors
            /// As [`alloc_bulk_timeout`](Self::alloc_bulk_timeout); no page is new.
            ///
            /// ```
            /// # use std::time::Duration;
            /// # use pagesheaf::{PageBatch, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(8).build()?;
            /// let (mut some, mut batch) = (PageBatch::new(), PageBatch::new());
            /// pool.alloc_bulk_exact(&mut some, 6)?;
            /// let error = pool.alloc_bulk_exact_timeout(&mut batch, 4, Duration::from_millis(1));
            /// assert_eq!((error.expect_err("two are left").had, batch.len()), (2, 0));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_bulk_exact_timeout<const N: usize>(
                $($receiver)+,
                batch: &mut PageBatch<M, N>,
                want: usize,
                timeout: Duration,
            ) -> Result<(), WaitError> {
                let caller = Caller::here();
                let by = Asker::by(&$($again)+, caller);
                if Asker::before_waiting($($again)+, batch, want, caller)? {
                    return Ok(());
                }
                wait($core, batch, (want, true), Class::$class, timeout, by)
            }
        }
    };
}

waiting!([] Pool<M>, self, [&self], [self], Ordinary, &self.core);
waiting!([] Critical<'_, M>, self, [&self], [self], Critical, &self.pool().core);
waiting!([, const STEALABLE: bool] Cache<M, STEALABLE>, self, [&mut self], [&mut *self], Ordinary, self.handle());

impl<M: Mode> StaticPool<M> {
    /// As [`Pool::alloc_bulk_timeout`](crate::Pool::alloc_bulk_timeout). It does not wait for the pool
    /// to be built.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use pagesheaf::{PageBatch, Pool, ShortReason, StaticPool, WaitReason};
    /// static POOL: StaticPool = StaticPool::new();
    /// let mut batch = PageBatch::new();
    /// let error = POOL.alloc_bulk_timeout(&mut batch, 64, Duration::MAX).expect_err("no pool");
    /// assert_eq!(error.reason, WaitReason::Refused(ShortReason::NotBuilt));
    /// POOL.init(Pool::builder(100))?;
    /// POOL.alloc_bulk_timeout(&mut batch, 64, Duration::from_secs(1))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As the pool's; [`ShortReason::NotBuilt`](crate::ShortReason::NotBuilt) before it is built.
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc_bulk_timeout<const N: usize>(
        &self,
        batch: &mut PageBatch<M, N>,
        want: usize,
        timeout: Duration,
    ) -> Result<(), WaitError> {
        self.get_to_wait(want)?.alloc_bulk_timeout(batch, want, timeout)
    }

    /// As [`Pool::alloc_bulk_exact_timeout`](crate::Pool::alloc_bulk_exact_timeout). It does not wait
    /// for the pool to be built.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use pagesheaf::{PageBatch, Pool, StaticPool};
    /// # static POOL: StaticPool = StaticPool::new();
    /// # POOL.init(Pool::builder(100))?;
    /// let mut batch = PageBatch::new();
    /// POOL.alloc_bulk_exact_timeout(&mut batch, 64, Duration::from_secs(1))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`alloc_bulk_timeout`](Self::alloc_bulk_timeout); no page is new.
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc_bulk_exact_timeout<const N: usize>(
        &self,
        batch: &mut PageBatch<M, N>,
        want: usize,
        timeout: Duration,
    ) -> Result<(), WaitError> {
        self.get_to_wait(want)?.alloc_bulk_exact_timeout(batch, want, timeout)
    }
}
