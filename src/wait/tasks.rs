//! The calls whose tasks wait, on any executor, without a heap.

use core::future::{Future, pending, poll_fn};
use core::pin::{Pin, pin};
use core::task::{Context, Poll};

use super::{Asker, Progress, Request};
use crate::cache::Cache;
use crate::error::WaitError;
use crate::inner::Core;
use crate::line::{Class, Sleeper, Spot};
use crate::mode::Mode;
use crate::owned::PageBatch;
use crate::pool::{Critical, Pool};
use crate::sync::{LOOKS, defect};
use crate::tracker::{By, Caller};

/// A poll of a request, in line.
fn poll<M: Mode, const N: usize>(
    request: &mut Request<'_, M, N>,
    spot: Pin<&Spot<'_>>,
    looks: &mut u32,
    context: &mut Context<'_>,
) -> Poll<Result<(), WaitError>> {
    let waker = context.waker();
    if !spot.try_enter() || !defect!("wait-look") && !spot.try_leave_waker(waker) {
        // Somebody has the list, for a moment.
        waker.wake_by_ref();
        return Poll::Pending;
    }
    let progress = if spot.is_first() {
        request.look()
    } else {
        request.give_back();
        Ok(Progress::Waits)
    };
    if defect!("wait-look") {
        spot.try_leave_waker(waker);
    }
    match progress {
        Ok(Progress::Served) => return Poll::Ready(Ok(())),
        Ok(Progress::Soon) if *looks < LOOKS => {
            *looks += 1;
            waker.wake_by_ref();
        }
        Ok(Progress::Soon) => {}
        Ok(Progress::Waits) => *looks = 0,
        Err(error) => return Poll::Ready(Err(error)),
    }
    Poll::Pending
}

/// Waits until all pages have come. It looks again whenever a future that `sleep` makes is ready.
async fn wait<M: Mode, T: Future<Output = ()>, const N: usize>(
    core: &Core<M>,
    batch: &mut PageBatch<M, N>,
    want: usize,
    class: Class,
    by: By,
    mut sleep: impl FnMut() -> T,
) -> Result<(), WaitError> {
    let mut request = Request::new(core, batch, want, class, by);
    // Dropped before the request: so who is next is there when the pages come back.
    let spot = pin!(core.spot(class, Sleeper::Task, want));
    let spot = spot.into_ref();
    let mut tick = pin!(sleep());
    let mut looks = 0;
    let done = poll_fn(|context| {
        core.come_to_wait(&spot);
        if tick.as_mut().poll(context).is_ready() {
            looks = 0;
            tick.set(sleep());
            if tick.as_mut().poll(context).is_ready() {
                // It does not sleep: the task is polled again, as if it had.
                tick.set(sleep());
                context.waker().wake_by_ref();
            }
        }
        poll(&mut request, spot, &mut looks, context)
    });
    done.await?;
    request.deliver(spot);
    Ok(())
}

/// Stamps the calls on a type: the receiver is as that of its other calls.
macro_rules! waiting {
    ([$($parameters:tt)*] $type:ty, $self:ident, [$($receiver:tt)+], [$($again:tt)+], $class:ident, $core:expr) => {
        impl<M: Mode $($parameters)*> $type {
            /// Appends exactly `want` pages to `batch`, and waits until there are so many: the future is ready
            /// when all have come. It needs no heap and no executor of a kind.
            ///
            /// Who waits is served in the order of first polls, tasks and threads
            /// (`alloc_bulk_timeout`) in one line. The first in line takes what comes, and
            /// keeps it until it has all: so whoever wants many gets them, and the others wait
            /// meanwhile. These pages count as [`promised`](crate::Pages::promised). Those who wait
            /// through [`critical`](crate::Pool::critical) come before all others: when one takes the
            /// turn of another, that is woken, and gives back what it had. A future that is
            /// dropped before it is ready leaves nothing behind: what it had goes back, the batch is
            /// as it was, and the next in line is woken.
            ///
            /// Calls that do not wait are not in the line, and may be quicker. While somebody waits,
            /// caches give up what they hold at each call, and leave the last page to who waits, though
            /// not twice in a row.
            ///
            /// A free wakes the first in line. What nobody tells of is a cache whose thread makes no
            /// call: an [idle](crate::Cache::idle) or stealable one is looked at when the future is
            /// polled first, at each [`Pool::maintain`](crate::Pool::maintain), and as often as
            /// [`alloc_bulk_async_with`](Self::alloc_bulk_async_with) says.
            ///
            /// A waker is called at the end of the call that brought pages, when that holds nothing
            /// any more; see [`Builder::defer_wakes`](crate::Builder::defer_wakes) for handlers. Poll
            /// and drop the future outside of handlers: leaving the line may wait a moment for
            /// another thread that enters or leaves it.
            ///
            /// # Deadlock
            /// Pages that the waiting task has are not taken from it. Tasks that each have some and wait
            /// for more, together more than there are, wait for ever: give back what you have first, ask
            /// for all at once, or give up after some time, by dropping the future.
            ///
            /// A future that has been polled keeps its place until it is served or dropped. If it is the
            /// first, and nobody polls it any more, those behind it wait for as long, and no fast path
            /// runs; nor does it give back what it has when a critical one comes: drop what is not polled. One
            /// that was pinned and then forgotten ([`forget`](core::mem::forget)) never leaves.
            ///
            /// # Errors
            /// When the request can never be served, at once: see
            /// [`WaitReason`](crate::WaitReason). The batch is as it was.
            ///
            /// ```
            /// # use std::future::Future;
            /// # use std::pin::pin;
            /// # use std::task::{Context, Poll, Waker};
            /// # use pagesheaf::{PageBatch, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(8).build()?;
            /// let (mut all, mut batch) = (PageBatch::new(), PageBatch::new());
            /// pool.alloc_bulk_exact(&mut all, 8)?;
            /// {
            ///     // In a program: `pool.alloc_bulk_async(&mut batch, 4).await?`.
            ///     let mut pages = pin!(pool.alloc_bulk_async(&mut batch, 4));
            ///     let mut context = Context::from_waker(Waker::noop());
            ///     assert!(pages.as_mut().poll(&mut context).is_pending());
            ///     (0..5).for_each(|_| drop(all.pop()));
            ///     assert_eq!(pages.as_mut().poll(&mut context), Poll::Ready(Ok(())));
            /// }
            /// assert_eq!(batch.len(), 4);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_bulk_async<'a, const N: usize>(
                $($receiver)+,
                batch: &'a mut PageBatch<M, N>,
                want: usize,
            ) -> impl Future<Output = Result<(), WaitError>> {
                $self.alloc_bulk_async_with(batch, want, pending::<()>)
            }

            /// As [`alloc_bulk_async`](Self::alloc_bulk_async), and looks again whenever a future that
            /// `sleep` makes is ready: at caches that have gone idle, stealable ones, and what calls
            /// had in hand.
            ///
            /// # Errors
            /// As [`alloc_bulk_async`](Self::alloc_bulk_async).
            ///
            /// ```
            /// # use core::future::ready;
            /// # use pagesheaf::{PageBatch, Pool, WaitError};
            /// # async fn sleep() {}
            /// async fn take(pool: &Pool, batch: &mut PageBatch) -> Result<(), WaitError> {
            ///     // `sleep` is the executor's.
            ///     pool.alloc_bulk_async_with(batch, 64, || sleep()).await
            /// }
            /// # let _ = take;
            /// ```
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_bulk_async_with<'a, T: Future<Output = ()>, const N: usize>(
                $($receiver)+,
                batch: &'a mut PageBatch<M, N>,
                want: usize,
                sleep: impl FnMut() -> T,
            ) -> impl Future<Output = Result<(), WaitError>> {
                let caller = Caller::here();
                async move {
                    let by = Asker::by(&$($again)+, caller);
                    if Asker::before_waiting($($again)+, batch, want, caller)? {
                        return Ok(());
                    }
                    let core: &Core<M> = $core;
                    wait(core, batch, want, Class::$class, by, sleep).await
                }
            }
        }
    };
}

waiting!([] Pool<M>, self, [&'a self], [self], Ordinary, &self.core);
waiting!([] Critical<'_, M>, self, [&'a self], [self], Critical, &self.pool().core);
waiting!([, const STEALABLE: bool] Cache<M, STEALABLE>, self, [&'a mut self], [&mut *self], Ordinary, self.handle());
