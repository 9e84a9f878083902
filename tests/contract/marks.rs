//! Marks: how far down who may take pages, and what critical calls may have.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::common::*;

pub const PAGES: usize = 200;
pub const LOW: usize = 40;
pub const RESERVE: usize = 12;

pub type Batch<M> = PageBatch<M, 256>;

/// A pool with marks, whose shared caches hold few pages.
pub fn marked<M: Mode>() -> Pool<M> {
    build::<M>(PAGES, |builder| {
        builder
            .max_caches(3)
            .shared_caches(1)
            .magazine_capacity(4)
            .low(LOW)
            .critical_reserve(RESERVE)
    })
}

/// How many pages are in no cache and no depot.
pub fn free<M: Mode>(pool: &Pool<M>) -> usize {
    assert_adds_up(pool);
    pool.audit().pages.free as usize
}

/// Takes by ordinary bulk calls all that they can have.
pub fn take_bulk<M: Mode>(pool: &Pool<M>) -> Batch<M> {
    let mut batch = Batch::empty();
    let bulk = pool.alloc_bulk(&mut batch, PAGES);
    assert_eq!((bulk.allocated, bulk.reason), (PAGES - LOW, Some(ShortReason::Watermark)));
    assert_eq!(free(pool), LOW);
    batch
}

/// Takes the last page that an ordinary call can have.
pub fn take_singles<M: Mode>(pool: &Pool<M>, batch: &mut Batch<M>) {
    while let Ok(page) = pool.alloc() {
        batch.push(page).expect("room");
    }
    assert_eq!((free(pool), batch.len()), (RESERVE, PAGES - RESERVE));
}

/// Each kind of call stops where its mark is, says so, and goes on when it is critical.
fn each_call_stops_at_its_mark<M: Mode>() {
    let pool = marked::<M>();
    let mut all = take_bulk(&pool);
    let mut cache = pool.cache().expect("a slot");
    let kept = |reason| assert_eq!(reason, Some(ShortReason::Watermark));
    let mut batch = Batch::<M>::empty();
    kept(pool.alloc_bulk(&mut batch, 2).reason);
    kept(cache.alloc_bulk(&mut batch, 2).reason);
    kept(cache.alloc_bulk_zeroed(&mut batch, 2).reason);
    kept(pool.fill_vacant(&mut [const { None }; 33]).reason);
    kept(cache.alloc_bulk_raw(&mut no_ids::<2>()).1);
    kept(pool.alloc_blocks_bulk(order(0), &mut [None, None]).reason);
    kept(pool.alloc_block(order(1)).err());
    kept(cache.alloc_block_raw(order(2)).err());
    let error = cache.alloc_bulk_exact(&mut batch, 2).expect_err("below the mark");
    kept(Some(error.reason));
    let error = pool.prefill(2).map(drop).expect_err("below the mark");
    kept(Some(error.reason));
    let missing = (0..PAGES as u32).map(PageId::new).filter(|id| !all.ids().contains(id));
    let here: Vec<_> = missing.collect();
    let pair = here
        .windows(2)
        .find(|pair| pair[0].index() % 2 == 0 && pair[1].index() == pair[0].index() + 1);
    let pair = pair.expect("neighbours are free")[0];
    let error = pool.alloc_block_at(pair, order(1)).map(drop).expect_err("below the mark");
    assert_eq!((error.page, error.reason), (pair, PlaceReason::Watermark));
    assert!(batch.is_empty());
    assert_eq!(free(&pool), LOW);
    // One page is another matter.
    pool.alloc_at(pair).map(|page| all.push(page).expect("room")).expect("it is free");
    all.push(cache.alloc_zeroed().expect("above the reserve")).expect("room");
    let block = cache.alloc_block(order(0)).expect("one page");
    block.into_pages().for_each(|page| all.push(page).expect("room"));
    assert_eq!(pool.alloc_bulk(&mut all, 1).allocated, 1);
    assert_eq!(cache.alloc_bulk_exact(&mut all, 1), Ok(()));
    assert_eq!(free(&pool), LOW - 5);
    take_singles(&pool, &mut all);
    kept(cache.alloc().err());
    kept(pool.alloc_zeroed().err());
    kept(cache.alloc_raw().err());
    kept(Some(pool.alloc_bulk_exact(&mut batch, 1).expect_err("below the reserve").reason));
    let here = (0..PAGES as u32).map(PageId::new).find(|id| !all.ids().contains(id));
    let error = cache.alloc_at(here.expect("some are free")).map(drop).expect_err("it stays");
    assert_eq!(error.reason, PlaceReason::Watermark);
    // Those who may have all get all.
    let critical = pool.critical();
    all.push(critical.alloc().expect("the reserve")).expect("room");
    assert_eq!(critical.alloc_bulk_exact(&mut all, RESERVE - 2), Ok(()));
    let bulk = critical.alloc_bulk(&mut all, 2);
    assert_eq!((bulk.allocated, bulk.reason), (1, Some(ShortReason::Exhausted)));
    assert_eq!(all.len(), PAGES);
    drop((all, cache));
    assert_whole(pool);
}

/// What the kernel's bulk call did not do: it found that not all that was wanted lay above the mark, and gave nothing,
/// again and again.
fn a_bulk_call_just_above_the_mark_gets_what_is_above_it<M: Mode>() {
    let pool = marked::<M>();
    let mut all = take_bulk(&pool);
    let mut cache = pool.cache().expect("a slot");
    for above in 1..=5 {
        let mut some = all.split_off(all.len() - above);
        some.clear();
        pool.drain();
        assert_eq!(free(&pool), LOW + above);
        let bulk = cache.alloc_bulk(&mut all, 64);
        assert_eq!((bulk.allocated, bulk.reason), (above, Some(ShortReason::Watermark)));
        assert_eq!(free(&pool), LOW);
    }
    drop((all, cache));
    assert_whole(pool);
}

/// A cache that refills for one page takes no more than that from below the low mark.
fn a_refill_for_one_page_takes_one<M: Mode>() {
    let pool = marked::<M>();
    let mut all = take_bulk(&pool);
    let mut cache = pool.cache().expect("a slot");
    all.push(cache.alloc().expect("above the reserve")).expect("room");
    assert_eq!((free(&pool), pool.audit().pages.cached), (LOW - 1, 0));
    drop((all, cache));
    assert_whole(pool);
}

fn pages_that_are_cached_are_not_held_back<M: Mode>() {
    let pool = marked::<M>();
    let mut all = take_bulk(&pool);
    let mut cache = pool.cache().expect("a slot");
    // The short call has asked it for its pages, a few times.
    (0..20).for_each(|_| next_call(&mut cache));
    let mut some = all.split_off(all.len() - 4);
    cache.free_bulk(&mut some);
    assert_eq!((free(&pool), pool.audit().pages.cached), (LOW, 4));
    assert_eq!(cache.alloc_bulk(&mut all, 4).allocated, 4);
    drop((all, cache));
    assert_whole(pool);
}

/// A shared cache's page goes to the pages that the mark keeps, and what the call had in hand would come to lie above
/// the mark again: it is the mark that made the call fail.
fn a_call_for_all_or_none_names_the_mark_that_stopped_it<M: Mode>() {
    let pool = marked::<M>();
    let mut all = take_bulk(&pool);
    let mut cache = pool.cache().expect("a slot");
    // The short call has asked it for its pages, a few times.
    (0..20).for_each(|_| next_call(&mut cache));
    cache.free_bulk(&mut all.split_off(all.len() - 4));
    let more = [(); 2].map(|()| pool.alloc().expect("above the reserve"));
    drop(all.pop());
    assert_eq!((free(&pool), pool.audit().pages.cached), (LOW - 2, 5));
    let error = cache.alloc_bulk_exact(&mut all, 5).expect_err("one of them lies below the mark");
    assert_eq!((error.had, error.reason), (4, ShortReason::Watermark));
    drop((all, more, cache));
    assert_whole(pool);
}

/// However many refill at once, the count stays at the mark.
fn refills_at_once_stop_at_the_mark<M: Mode>() {
    for round in 0..often(64) {
        let low = LOW + round % 7;
        let pool = build::<M>(PAGES, |builder| builder.max_caches(3).shared_caches(2).low(low));
        let take = &|thread: usize| {
            let mut batch = Batch::<M>::empty();
            let mut cache = (thread < 3).then(|| pool.cache().expect("a slot"));
            loop {
                let want = 3 + thread * 11;
                let bulk = match &mut cache {
                    Some(cache) => cache.alloc_bulk(&mut batch, want),
                    None => pool.alloc_bulk(&mut batch, want),
                };
                if let Some(stats) = pool.stats() {
                    assert!(stats.pages.free >= low as u64, "{stats} in round {round}");
                }
                if bulk.allocated == 0 {
                    return batch;
                }
            }
        };
        let batches: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|thread| scope.spawn(move || take(thread))).collect();
            threads.into_iter().map(|thread| thread.join().expect("it ends")).collect()
        });
        let left = free(&pool);
        assert!(left >= low, "{left} of {low} in round {round}");
        drop(batches);
        assert_whole(pool);
    }
}

/// A bulk request that waits does not go below the mark; a critical one does, and is served first.
fn who_waits_has_a_mark_and_a_class<M: Mode>() {
    let pool = marked::<M>();
    let mut all = take_bulk(&pool);
    let context = &mut Context::from_waker(Waker::noop());
    let (mut bulk, mut few, mut critical) =
        (Batch::<M>::empty(), Batch::<M>::empty(), Batch::<M>::empty());
    {
        let mut waits = pin!(pool.alloc_bulk_async(&mut bulk, 8));
        assert!(waits.as_mut().poll(context).is_pending());
        assert_eq!(free(&pool), LOW);
        let it = pool.critical();
        let mut first = pin!(it.alloc_bulk_async(&mut critical, LOW + 2));
        assert!(first.as_mut().poll(context).is_pending());
        let mut after = pin!(pool.alloc_bulk_async(&mut few, 2));
        assert!(after.as_mut().poll(context).is_pending());
        drop(all.split_off(all.len() - 2));
        assert!(waits.as_mut().poll(context).is_pending());
        assert_eq!(first.as_mut().poll(context), Poll::Ready(Ok(())));
        assert!(waits.as_mut().poll(context).is_pending());
        drop(all.split_off(all.len() - LOW - 10));
        assert_eq!(waits.as_mut().poll(context), Poll::Ready(Ok(())));
        assert_eq!(after.as_mut().poll(context), Poll::Ready(Ok(())));
    }
    // What can never be had is refused at once.
    let most = PAGES - LOW;
    let error = poll_once(pool.alloc_bulk_async(&mut Batch::empty(), most + 1));
    assert_eq!(error.expect_err("refused").reason, WaitReason::TooMany { most });
    drop((all, bulk, few, critical));
    let mut batch = Batch::<M>::empty();
    assert_eq!(poll_once(pool.critical().alloc_bulk_async(&mut batch, PAGES)), Ok(()));
    drop(batch);
    assert_whole(pool);
}

/// Who waits at the mark is not woken for pages that it may not have.
fn nobody_is_woken_below_its_mark<M: Mode>() {
    let pool = marked::<M>();
    let mut all = take_bulk(&pool);
    let (count, waker) = super::waiting::Count::new();
    let mut bulk = Batch::<M>::empty();
    let mut waits = pin!(pool.alloc_bulk_async(&mut bulk, 8));
    assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    count.take();
    let mut critical = Batch::<M>::empty();
    for _ in 0..5 {
        assert_eq!(pool.critical().alloc_bulk(&mut critical, LOW).allocated, LOW);
        // One by one: of many, some lie in a depot for a moment, where the waiter may have them.
        (0..LOW).for_each(|_| drop(critical.pop()));
        drop(pool.alloc());
    }
    assert_eq!((count.take(), free(&pool)), (0, LOW));
    drop(all.pop());
    assert!(count.take() > 0, "one is above the mark");
    all.clear();
    assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
}

/// The result of a future that is ready at once.
fn poll_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits"),
    }
}

/// Somebody waits below the mark: a critical call is not held back for that.
fn a_critical_call_is_not_held_back_for_others<M: Mode>() {
    let pool = marked::<M>();
    let mut all = take_bulk(&pool);
    let context = &mut Context::from_waker(Waker::noop());
    let mut bulk = Batch::<M>::empty();
    let mut waits = pin!(pool.alloc_bulk_async(&mut bulk, 8));
    assert!(waits.as_mut().poll(context).is_pending());
    for left in (0..LOW).rev() {
        all.push(pool.critical().alloc().expect("all of them")).expect("room");
        assert_eq!(free(&pool), left);
    }
    all.clear();
    assert_eq!(waits.as_mut().poll(context), Poll::Ready(Ok(())));
}

fn marks_that_cannot_be_are_refused<M: Mode>() {
    let refused = |low: Option<usize>, reserve| {
        let builder = Pool::builder(100).mode::<M>().critical_reserve(reserve);
        let builder = if let Some(low) = low { builder.low(low) } else { builder };
        builder.metadata_layout().expect_err("refused")
    };
    let error = refused(Some(10), 20);
    assert_eq!(error, BuildError::Watermarks { low: 10, reserve: 20, capacity: 100 });
    assert_eq!(
        error.to_string(),
        "low(10) is below critical_reserve(20): raise it, or leave it out"
    );
    for (low, reserve) in [(Some(100), 0), (None, 100), (Some(1 << 40), 0), (None, usize::MAX)] {
        let low = low.unwrap_or(reserve);
        assert_eq!(
            refused(Some(low), reserve).to_string(),
            format!(
                "a pool of 100 pages has none above a mark of {low}: lower the mark, or ask for more pages"
            )
        );
    }
}

/// A pool without marks has critical calls that are as all others.
fn without_marks_critical_calls_are_as_others<M: Mode>() {
    let pool = pool::<M>(PAGES);
    let mut batch = Batch::<M>::empty();
    assert_eq!(pool.critical().alloc_bulk(&mut batch, PAGES + 1).allocated, PAGES);
    assert_eq!(pool.critical().alloc().err(), Some(ShortReason::Exhausted));
    pool.critical().free_bulk(&mut batch);
    assert_whole(pool);
}

every_mode!(
    each_call_stops_at_its_mark,
    a_bulk_call_just_above_the_mark_gets_what_is_above_it,
    a_refill_for_one_page_takes_one,
    pages_that_are_cached_are_not_held_back,
    a_call_for_all_or_none_names_the_mark_that_stopped_it,
    refills_at_once_stop_at_the_mark,
    nobody_is_woken_below_its_mark,
    who_waits_has_a_mark_and_a_class,
    a_critical_call_is_not_held_back_for_others,
    marks_that_cannot_be_are_refused,
    without_marks_critical_calls_are_as_others,
);
