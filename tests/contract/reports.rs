//! Reports start with the mode, their numbers add up, and what is not counted is "not collected".

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use crate::common::*;

/// Two caches and two users of the pool, each with its own pages; some pages are lent, some stay out.
fn at_work<M: Mode>(pool: &Pool<M>) -> (Vec<PageBatch<M>>, Vec<PageId>) {
    let work = |front: &mut dyn FnMut(&mut PageBatch<M>, usize), seed| {
        let mut random = Random::new(seed);
        let mut batch = PageBatch::new();
        for _ in 0..200 {
            front(&mut batch, random.below(90));
            let keep = random.below(batch.len() + 1);
            drop(batch.split_off(keep));
        }
        drop(batch.split_off(batch.len().min(20)));
        batch
    };
    let kept: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|seed| {
                scope.spawn(move || {
                    let mut cache = pool.cache().expect("a cache");
                    let mut by_cache = |batch: &mut PageBatch<M>, n| _ = cache.alloc_bulk(batch, n);
                    let mut by_pool = |batch: &mut PageBatch<M>, n| _ = pool.alloc_bulk(batch, n);
                    if seed % 2 == 0 { work(&mut by_cache, seed) } else { work(&mut by_pool, seed) }
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let lent = (0..5).map(|_| pool.alloc().expect("a page").lend()).collect();
    (kept, lent)
}

fn numbers_add_up_at_rest<M: Mode>() {
    let pool = pool::<M>(500);
    assert_adds_up(&pool);
    let (kept, lent) = at_work(&pool);
    let held = kept.iter().map(PageBatch::len).sum::<usize>() as u64;
    let audit = pool.audit();
    assert_eq!((audit.pages.capacity, audit.pages.bad), (500, 0));
    assert_eq!((audit.pages.out, audit.pages.lent), (held, 5));
    assert_adds_up(&pool);
    assert_eq!(pool.stats().is_some(), M::STATS);
    if let Some(stats) = pool.stats() {
        assert_eq!((stats.mode, stats.faults), (pool.mode(), 0));
        assert!(stats.calls.allocated > 0 && stats.calls.alloc_calls > 0);
        assert!(stats.calls.depot_refills + stats.calls.zone_refills > 0);
        assert!(stats.calls.allocated >= stats.calls.freed);
    }
    for id in lent {
        // SAFETY: the page is lent.
        drop(unsafe { pool.reclaim(id) }.expect("lent"));
    }
    drop(kept);
    assert_whole(pool);
}

fn calls_are_counted<M: Mode>() {
    let pool = pool::<M>(100);
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M>::new();
    for _ in 0..10 {
        assert_eq!(cache.alloc_bulk(&mut batch, 30).allocated, 30);
        cache.free_bulk(&mut batch);
    }
    assert_eq!(cache.alloc_bulk(&mut batch, 150).allocated, 100);
    cache.free_bulk(&mut batch);
    let Some(stats) = pool.stats() else {
        assert!(!M::STATS);
        return;
    };
    let calls = stats.calls;
    assert_eq!((calls.allocated, calls.alloc_calls, calls.short), (400, 11, 1));
    assert_eq!((calls.freed, calls.free_calls), (400, 11));
    assert!(calls.zone_refills > 0 && calls.depot_flushes + calls.zone_flushes > 0);
    assert_eq!(pool.per_cache().collect::<Vec<_>>(), [(0, calls)]);
    drop(cache);
    assert_whole(pool);
}

fn reports_start_with_the_mode<M: Mode>() {
    let pool = pool::<M>(50);
    let page = pool.alloc().expect("a page");
    let mode = format!("{}: ", pool.mode());
    let numbers = format!("{mode}{}", pool.audit().pages);
    for text in
        [pool.to_string(), format!("{pool:?}"), format!("{pool:#}"), pool.audit().to_string()]
    {
        assert!(text.starts_with(&numbers), "{text}");
    }
    if let Some(stats) = pool.stats() {
        assert!(stats.to_string().starts_with(&numbers), "{stats}");
    }
    let pages = pool.audit().pages;
    assert_eq!((pages.out, pages.free + pages.cached), (1, 49));
    let sum = format!(
        "capacity 50 = free {} + cached {} + out 1 + lent 0 + bad 0",
        pages.free, pages.cached
    );
    assert_eq!(pages.to_string(), sum);
    let cache = pool.cache().expect("a cache");
    assert!(format!("{cache:?}").contains(&mode));
    drop((page, cache));
    assert_whole(pool);
}

fn what_is_not_counted_is_not_collected<M: Mode>() {
    let pool = pool::<M>(50);
    drop(pool.alloc().expect("a page"));
    let text = pool.to_string();
    assert_eq!(text.contains("statistics not collected"), !M::STATS, "{text}");
    assert_eq!(
        text.contains("allocated 1 in 1 calls (0 short, 0 all-or-none failed)"),
        M::STATS,
        "{text}"
    );
    for counted in ["allocated", "freed", "refills", "flushes", "faults"] {
        assert_eq!(text.contains(counted), M::STATS, "{counted}: {text}");
    }
    assert_eq!(
        pool.audit().to_string().contains("misplaced not collected; corrupt not collected"),
        !M::CHECKS
    );
    assert_eq!(pool.audit().misplaced, M::CHECKS.then_some(0));
    assert_whole(pool);
}

fn lines_per_cache_come_on_request<M: Mode>() {
    let pool = build::<M>(100, |builder| builder.max_caches(3).shared_caches(1));
    let (mut one, two) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
    drop((one.alloc().expect("a page"), pool.alloc().expect("a page")));
    let (short, long) = (pool.to_string(), format!("{pool:#}"));
    assert_eq!(short.lines().count(), 1);
    assert!(long.starts_with(&short));
    let lines: Vec<_> = long.lines().skip(1).collect();
    if M::STATS {
        assert!(lines[0].contains(": allocated 1 in 1 calls"), "{long}");
        assert!(lines[1].contains(": allocated 0 in 0 calls"), "{long}");
        assert!(lines[2].contains(": allocated 1 in 1 calls"), "{long}");
    }
    assert!(lines[0].starts_with("  cache 0 (in use) holds "), "{long}");
    assert!(lines[1].starts_with("  cache 1 (in use) holds 0 pages"), "{long}");
    assert!(lines[2].starts_with("  cache 3 (shared) holds "), "{long}");
    assert_eq!(lines.len(), 3, "of a cache that nobody has or had there is none: {long}");
    drop((one, two));
    let gone =
        format!("{pool:#}").contains("\n  cache 0, which nobody has: allocated 1 in 1 calls");
    assert_eq!(gone, M::STATS);
    assert_whole(pool);
}

fn taint_shows<M: Mode>() {
    let pool = pool::<M>(50);
    let id = pool.alloc().expect("a page").into_raw();
    assert!(!pool.is_tainted() && !pool.to_string().contains("tainted"));
    // SAFETY: the page is out, and nobody else uses it.
    assert_eq!(unsafe { pool.free_bulk_ignoring_refcounts(&[id]) }, Ok(()));
    assert!(pool.is_tainted() && pool.to_string().contains("; tainted: "), "{pool}");
    let taint = plain(pool.taint().expect("it is"));
    let text = format!(
        "{id} was freed whatever its count was, found by free_bulk_ignoring_refcounts: use no other \
         reference to it"
    );
    assert_eq!(taint, format!("{text} [{}]", pool.mode()));
    assert!(plain(&pool).contains(&format!("; tainted: {text}; ")), "{pool}");
    assert!(plain(format!("{pool:#}")).contains(&format!("; tainted: {text}; ")), "{pool:#}");
}

fn drops_without_a_cache_are_counted<M: Mode>() {
    let pool = pool::<M>(100);
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M, 64>::default();
    assert_eq!(cache.alloc_bulk(&mut batch, 40).allocated, 40);
    let mut rest = batch.split_off(30);
    drop(batch);
    cache.free_bulk(&mut rest);
    // A block goes straight to the zone.
    drop(pool.alloc_block(Order::new(3).expect("legal")).expect("a block"));
    let Some(stats) = pool.stats() else { return };
    assert_eq!((stats.calls.allocated, stats.calls.freed, stats.dropped), (48, 10, 38));
    assert!(stats.to_string().contains("; dropped 38; faults 0"), "{stats}");
    assert!(pool.to_string().contains("; dropped 38; faults 0"), "{pool}");
}

/// What a cache that waited got, and freed, is in the figures; and a request that waits is no failure.
fn figures_have_what_came_by_waiting<M: Mode>() {
    for shared in [0, 2] {
        let pool = build::<M>(40, |builder| builder.max_caches(1).shared_caches(shared));
        let mut all = PageBatch::<M, 64>::empty();
        pool.alloc_bulk_exact(&mut all, 40).expect("a new pool");
        let mut cache = pool.cache().expect("a cache");
        let mut batch = PageBatch::<M, 64>::empty();
        {
            let mut waits = pin!(cache.alloc_bulk_async(&mut batch, 30));
            let mut context = Context::from_waker(Waker::noop());
            assert!(waits.as_mut().poll(&mut context).is_pending());
            drop(all.split_off(8));
            assert_eq!(waits.as_mut().poll(&mut context), Poll::Ready(Ok(())));
        }
        cache.free_bulk(&mut batch);
        let Some(stats) = pool.stats() else { return };
        let went = stats.calls.allocated + stats.uncached;
        assert_eq!((went, stats.calls.freed + stats.dropped), (40 + 30, 32 + 30), "{stats}");
        assert_eq!((stats.calls.freed, stats.calls.failed_exact), (30, 0), "{stats}");
        assert_eq!(stats.uncached, if shared == 0 { 70 } else { 0 }, "{stats}");
        let text = "; allocated without a cache 70; dropped 32; faults 0";
        assert_eq!(stats.to_string().contains(text), shared == 0, "{stats}");
    }
}

on_both_fronts! {
    fn what_goes_back_by_a_call_is_not_counted_as_dropped<M: Mode, F: Front>(pool, front) {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(front.alloc_bulk(&mut batch, 10).allocated, 10);
        front.free_bulk(&mut batch);
        let page = front.alloc().expect("a page");
        front.free(page);
        let block = front.alloc_block(Order::new(3).expect("legal")).expect("a block");
        front.free_block(block);
        let mut raw = no_ids::<4>();
        let (ids, short) = front.alloc_bulk_raw(&mut raw);
        assert_eq!((ids.len(), short), (4, None));
        // SAFETY: the pages are out, and nobody else uses them.
        assert_eq!(unsafe { front.free_bulk_raw(ids) }, Ok(()));
        let Some(stats) = pool.stats() else { return };
        let Calls { allocated, freed, alloc_calls, free_calls, .. } = stats.calls;
        assert_eq!((allocated, freed, stats.dropped), (23, 23, 0), "{stats}");
        assert_eq!((alloc_calls, free_calls), (4, 4), "{stats}");
    }
}

every_mode!(
    drops_without_a_cache_are_counted,
    figures_have_what_came_by_waiting,
    what_goes_back_by_a_call_is_not_counted_as_dropped,
    numbers_add_up_at_rest,
    calls_are_counted,
    reports_start_with_the_mode,
    what_is_not_counted_is_not_collected,
    lines_per_cache_come_on_request,
    taint_shows,
);
