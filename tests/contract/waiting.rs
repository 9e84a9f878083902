//! Who waits for pages gets them in its turn, and leaves nothing behind.

use std::future::{Future, ready};
use std::mem::ManuallyDrop;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::common::*;

/// How often it was woken.
#[derive(Default)]
pub struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    pub fn new() -> (Arc<Self>, Waker) {
        let count = Arc::new(Count::default());
        (Arc::clone(&count), Waker::from(count))
    }

    /// How often since the last time that somebody asked.
    pub fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

type Batch<M> = PageBatch<M, 64>;

/// Polls with this waker.
pub fn poll<T>(future: Pin<&mut impl Future<Output = T>>, waker: &Waker) -> Poll<T> {
    future.poll(&mut Context::from_waker(waker))
}

/// A pool of so many pages, all of which are out.
fn taken<M: Mode>(pages: usize) -> (Pool<M>, Batch<M>) {
    let pool = build::<M>(pages, |builder| builder.max_caches(3).shared_caches(2));
    let mut all = Batch::empty();
    pool.alloc_bulk_exact(&mut all, pages).expect("a new pool");
    (pool, all)
}

/// Drops all but so many.
fn keep<M: Mode>(batch: &mut Batch<M>, pages: usize) {
    while batch.len() > pages {
        drop(batch.pop());
    }
}

fn promised<M: Mode>(pool: &Pool<M>) -> u64 {
    assert_adds_up(pool);
    pool.audit().pages.promised
}

/// Whatever brings a page where others can have it wakes the task that waits.
fn every_way_to_free_wakes_a_task<M: Mode>() {
    type Way<M> = (&'static str, fn(&Pool<M>, &mut Cache<M>, Batch<M>));
    let ways: &[Way<M>] = &[
        ("a drop", |_, _, pages| drop(pages)),
        ("a drop of each", |_, _, pages| pages.into_iter().for_each(drop)),
        ("free_bulk of a cache", |_, cache, mut pages| cache.free_bulk(&mut pages)),
        ("free of a cache", |_, cache, pages| pages.into_iter().for_each(|page| cache.free(page))),
        ("free_bulk of a pool", |pool, _, mut pages| pool.free_bulk(&mut pages)),
        ("free_bulk_raw of a pool", |pool, _, pages| {
            let ids: Vec<_> = pages.into_iter().map(Page::into_raw).collect();
            // SAFETY: the pages were this call's, and nobody wrote them.
            unsafe { pool.free_bulk_raw(&ids) }.expect("good pages");
        }),
        ("free_bulk_raw of a cache", |_, cache, pages| {
            let ids: Vec<_> = pages.into_iter().map(Page::into_raw).collect();
            // SAFETY: as above.
            unsafe { cache.free_bulk_raw(&ids) }.expect("good pages");
        }),
    ];
    for (way, free) in ways {
        let (pool, all) = taken::<M>(16);
        let mut cache = pool.cache().expect("a slot");
        let mut batch = Batch::empty();
        let (count, waker) = Count::new();
        {
            let mut wait = pin!(pool.alloc_bulk_async(&mut batch, 16));
            assert!(poll(wait.as_mut(), &waker).is_pending(), "{way}");
            count.take();
            free(&pool, &mut cache, all);
            assert!(count.take() > 0, "{way}");
            assert_eq!(poll(wait.as_mut(), &waker), Poll::Ready(Ok(())), "{way}");
        }
        assert_eq!((batch.len(), promised(&pool)), (16, 0), "{way}");
        drop((batch, cache));
        assert_whole(pool);
    }
}

/// Pages that a cache holds come by its next call, whatever that is, and by its end.
fn a_cache_gives_up_what_it_holds<M: Mode>() {
    type Way<M> = fn(&Pool<M>, Cache<M>);
    let ways: &[Way<M>] = &[
        |_, mut cache| next_call(&mut cache),
        |_, mut cache| cache.drain(),
        |_, mut cache| cache.idle(|| ()),
        |_, cache| drop(cache.park().resume()),
        |_, cache| drop(cache),
        |pool, mut cache| {
            let page = cache.alloc().or_else(|_| cache.alloc()).expect("it may overtake");
            drop(page);
            let _ = pool;
        },
    ];
    for (at, end) in ways.iter().enumerate() {
        let (pool, mut all) = taken::<M>(16);
        let mut cache = pool.cache().expect("a slot");
        cache.free_bulk(&mut all);
        if at == 0 {
            assert!(pool.audit().pages.cached > 0);
        }
        let mut batch = Batch::empty();
        let (count, waker) = Count::new();
        {
            let mut wait = pin!(pool.alloc_bulk_async(&mut batch, 16));
            // The try before the wait has asked the cache.
            assert!(poll(wait.as_mut(), &waker).is_pending(), "{at}");
            count.take();
            end(&pool, cache);
            assert!(count.take() > 0, "{at}");
            assert_eq!(poll(wait.as_mut(), &waker), Poll::Ready(Ok(())), "{at}");
        }
        drop(batch);
        assert_whole(pool);
    }
}

/// A block that comes back, and pages that come online, are pages.
fn a_block_and_pages_that_come_online_wake_a_task<M: Mode>() {
    let pool = build::<M>(64, |builder| builder.initially(32).shared_caches(1));
    let block = pool.alloc_block(order(5)).expect("a new pool");
    let mut batch = Batch::empty();
    let (count, waker) = Count::new();
    {
        let mut wait = pin!(pool.alloc_bulk_async(&mut batch, 64));
        assert!(poll(wait.as_mut(), &waker).is_pending());
        count.take();
        drop(block);
        assert!(count.take() > 0);
        assert!(poll(wait.as_mut(), &waker).is_pending());
        assert_eq!((promised(&pool), count.take()), (32, 0));
        // SAFETY: the pool's memory has room for all pages, initialised, and nobody has used these.
        unsafe { pool.online(32..64) }.expect("they are offline");
        assert!(count.take() > 0);
        assert_eq!(poll(wait.as_mut(), &waker), Poll::Ready(Ok(())));
    }
    drop(batch);
    assert_whole(pool);
}

/// Three wait, the first one for most: nobody else is served before it, and each wakes the next.
fn those_who_wait_are_served_in_order<M: Mode>() {
    let (pool, mut all) = taken::<M>(16);
    let mut batches = [(); 3].map(|()| Batch::<M>::empty());
    let [first, second, third] = &mut batches;
    let counts = [(); 3].map(|()| Count::new());
    {
        let mut first = pin!(pool.alloc_bulk_async(first, 10));
        let mut second = pin!(pool.alloc_bulk_async(second, 1));
        let mut third = pin!(pool.alloc_bulk_async(third, 5));
        assert!(poll(first.as_mut(), &counts[0].1).is_pending());
        assert!(poll(second.as_mut(), &counts[1].1).is_pending());
        assert!(poll(third.as_mut(), &counts[2].1).is_pending());
        counts.iter().for_each(|(count, _)| _ = count.take());
        keep(&mut all, 10);
        assert!(counts[0].0.take() > 0 && counts[1].0.take() == 0 && counts[2].0.take() == 0);
        for _ in 0..2 {
            assert!(poll(third.as_mut(), &counts[2].1).is_pending());
            assert!(poll(second.as_mut(), &counts[1].1).is_pending());
            assert!(poll(first.as_mut(), &counts[0].1).is_pending());
            assert_eq!(promised(&pool), 6);
        }
        keep(&mut all, 5);
        assert!(counts[0].0.take() > 0);
        assert_eq!(poll(first.as_mut(), &counts[0].1), Poll::Ready(Ok(())));
        assert!(counts[1].0.take() > 0, "it is the next one's turn");
        assert_eq!(poll(second.as_mut(), &counts[1].1), Poll::Ready(Ok(())));
        assert!(counts[2].0.take() > 0);
        assert!(poll(third.as_mut(), &counts[2].1).is_pending());
        all.clear();
        assert_eq!(poll(third.as_mut(), &counts[2].1), Poll::Ready(Ok(())));
    }
    assert_eq!(batches.each_ref().map(PageBatch::len), [10, 1, 5]);
    drop(batches);
    assert_whole(pool);
}

/// A future that is dropped leaves nothing behind, wherever it stands in the line.
fn a_dropped_future_leaves_nothing_behind<M: Mode>() {
    let (pool, mut all) = taken::<M>(16);
    let mut batches = [(); 4].map(|()| Batch::<M>::empty());
    let counts = [(); 4].map(|()| Count::new());
    {
        let mut waits: Vec<_> = batches
            .iter_mut()
            .map(|batch| Some(Box::pin(pool.alloc_bulk_async(batch, 12))))
            .collect();
        for (wait, (_, waker)) in waits.iter_mut().flatten().zip(&counts) {
            assert!(poll(wait.as_mut(), waker).is_pending());
        }
        keep(&mut all, 8);
        let first = waits[0].as_mut().expect("it waits");
        assert!(poll(first.as_mut(), &counts[0].1).is_pending());
        assert_eq!(promised(&pool), 8);
        assert!(pool.to_string().contains("promised 8"), "{pool}");
        counts.iter().for_each(|(count, _)| _ = count.take());
        waits[2] = None;
        assert!(counts.iter().all(|(count, _)| count.take() == 0), "it was not its turn");
        waits[0] = None;
        assert_eq!((promised(&pool), counts[0].0.take(), counts[3].0.take()), (0, 0, 0));
        assert!(counts[1].0.take() > 0, "it is the next one's turn");
        let second = waits[1].as_mut().expect("it waits");
        assert!(poll(second.as_mut(), &counts[1].1).is_pending());
        assert_eq!(promised(&pool), 8);
        keep(&mut all, 4);
        assert_eq!(poll(second.as_mut(), &counts[1].1), Poll::Ready(Ok(())));
        // One that was never polled was never in the line.
        drop(pool.alloc_bulk_async(&mut Batch::empty(), 1));
    }
    assert_eq!(batches.each_ref().map(PageBatch::len), [0, 12, 0, 0]);
    drop((batches, all));
    assert_whole(pool);
}

/// What can never be had, or not by this call, is an error and not a wait.
fn what_can_never_be_had_is_refused_at_once<M: Mode>() {
    let (pool, all) = taken::<M>(16);
    let (other, mut foreign) = taken::<M>(16);
    keep(&mut foreign, 1);
    let refuse = |batch: &mut Batch<M>, want: usize, reason: WaitReason| {
        let len = batch.len();
        let mut cache = pool.cache().expect("a slot");
        let waker = Waker::noop();
        let done = poll(pin!(pool.alloc_bulk_async(batch, want)), waker);
        let again = poll(pin!(cache.alloc_bulk_async(batch, want)), waker);
        for done in [done, again] {
            let Poll::Ready(Err(error)) = done else { panic!("{done:?}") };
            assert_eq!((error.want, error.had, error.reason), (want, 0, reason));
        }
        assert_eq!((batch.len(), promised(&pool)), (len, 0));
    };
    refuse(&mut Batch::empty(), 17, WaitReason::TooMany { most: 16 });
    refuse(&mut Batch::empty(), 65, WaitReason::TooMany { most: 16 });
    refuse(&mut foreign, 1, WaitReason::Refused(ShortReason::OtherPool));
    let mut small = PageBatch::<M, 2>::empty();
    let done = poll(pin!(pool.alloc_bulk_async(&mut small, 3)), Waker::noop());
    let full = WaitReason::Refused(ShortReason::BatchFull);
    assert!(matches!(done, Poll::Ready(Err(error)) if error.reason == full), "{done:?}");
    let none = poll(pin!(pool.alloc_bulk_async(&mut small, 0)), Waker::noop());
    assert_eq!(none, Poll::Ready(Ok(())));
    drop((all, foreign));
    assert_whole(pool);
    assert_whole(other);
}

/// With `defer_wakes` no call but upkeep runs a waker.
fn deferred_wakes_are_left_to_upkeep<M: Mode>() {
    let pool = build::<M>(4, |builder| builder.shared_caches(1).defer_wakes(true));
    let mut all = Batch::empty();
    pool.alloc_bulk_exact(&mut all, 4).expect("a new pool");
    let mut batch = Batch::empty();
    let (count, waker) = Count::new();
    {
        let mut wait = pin!(pool.alloc_bulk_async(&mut batch, 4));
        assert!(poll(wait.as_mut(), &waker).is_pending());
        count.take();
        pool.free_bulk(&mut all);
        pool.drain();
        assert_eq!(count.take(), 0);
        let _ = pool.maintain();
        assert_eq!(count.take(), 1);
        assert_eq!(poll(wait.as_mut(), &waker), Poll::Ready(Ok(())));
    }
    drop(batch);
    assert_whole(pool);
}

/// What nobody tells of is found when the caller's sleep ends, and by upkeep.
fn a_sleep_that_ends_is_another_look<M: Mode>() {
    let (pool, mut all) = taken::<M>(4);
    let mut batch = Batch::empty();
    let (count, waker) = Count::new();
    let slept = AtomicUsize::new(0);
    {
        let sleep = || {
            slept.fetch_add(1, Ordering::SeqCst);
            ready(())
        };
        let mut wait = pin!(pool.alloc_bulk_async_with(&mut batch, 4, sleep));
        for _ in 0..3 {
            assert!(poll(wait.as_mut(), &waker).is_pending());
            assert!(count.take() > 0, "a sleep that is none has the task polled again");
        }
        all.clear();
        assert_eq!(poll(wait.as_mut(), &waker), Poll::Ready(Ok(())));
    }
    assert!(slept.load(Ordering::SeqCst) >= 3);
    drop(batch);
    assert_whole(pool);
}

/// The pool cannot be closed while a future waits: that borrows it, or another handle.
fn a_pool_is_not_closed_while_somebody_waits<M: Mode>() {
    let (pool, all) = taken::<M>(4);
    let other = pool.clone();
    let mut batch = Batch::empty();
    let error = {
        let mut wait = pin!(other.alloc_bulk_async(&mut batch, 4));
        assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
        drop(all);
        assert!(poll(wait.as_mut(), Waker::noop()).is_ready());
        pool.close().expect_err("another handle waits")
    };
    assert_eq!((error.handles(), error.out()), (1, 4));
    drop((batch, other));
    assert_whole(error.into_pool());
}

/// When nobody waits any more, caches keep what is freed to them, as before.
fn nothing_stays_marked<M: Mode>() {
    let (pool, mut all) = taken::<M>(16);
    let mut cache = pool.cache().expect("a slot");
    assert!(poll(pin!(pool.alloc_bulk_async(&mut Batch::empty(), 1)), Waker::noop()).is_pending());
    // The requests of the try before the wait wear off.
    (0..16).for_each(|_| next_call(&mut cache));
    keep(&mut all, 8);
    cache.free_bulk(&mut all);
    assert!(pool.audit().pages.cached >= 8, "{pool}");
    drop((all, cache));
    assert_whole(pool);
}

/// Who waited in another thread is no longer in line, and what was promised to it stays so. Who goes on comes in anew.
fn a_line_is_empty_after_a_fork<M: Mode>() {
    let (pool, mut all) = taken::<M>(16);
    keep(&mut all, 12);
    let [mut gone, mut kept, mut new] = [(); 3].map(|()| Batch::empty());
    let waker = Waker::noop();
    // As if another thread had it.
    let mut gone = ManuallyDrop::new(Box::pin(pool.alloc_bulk_async(&mut gone, 5)));
    let mut kept = Box::pin(pool.alloc_bulk_async(&mut kept, 3));
    assert!(poll(gone.as_mut(), waker).is_pending() && poll(kept.as_mut(), waker).is_pending());
    // SAFETY: there are no other threads, and what is left behind is not used any more.
    unsafe { pool.after_fork(&mut []) };
    let pages = pool.audit().pages;
    assert_eq!((pages.promised, pages.lost, pages.out), (4, 0, 12), "{pages}");
    assert!(pages.adds_up(), "{pages}");
    assert!(poll(pin!(pool.alloc_bulk_async(&mut new, 12)), waker).is_pending());
    drop(all);
    assert!(poll(kept.as_mut(), waker).is_ready());
    drop(kept);
    assert_eq!((promised(&pool), out(&pool)), (4, 3));
}

#[allow(dead_code, reason = "it is compiled")]
fn futures_are_send<M: Mode>(pool: &Pool<M>, cache: &mut Cache<M>, batch: &mut Batch<M>) {
    fn send<T: Send>(_: T) {}
    send(pool.alloc_bulk_async(batch, 1));
    send(cache.alloc_bulk_async(batch, 1));
}

every_mode!(
    every_way_to_free_wakes_a_task,
    a_cache_gives_up_what_it_holds,
    a_block_and_pages_that_come_online_wake_a_task,
    those_who_wait_are_served_in_order,
    a_dropped_future_leaves_nothing_behind,
    what_can_never_be_had_is_refused_at_once,
    deferred_wakes_are_left_to_upkeep,
    a_sleep_that_ends_is_another_look,
    a_pool_is_not_closed_while_somebody_waits,
    nothing_stays_marked,
    a_line_is_empty_after_a_fork,
);
