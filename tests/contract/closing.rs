//! Closing a pool says what is missing, and foreign pages go home.

use crate::common::*;

/// What is said of a pool that can be closed by now.
const GONE: &str = "a page, another Pool or a Cache was alive when the pool was closed, and is gone \
                    now: drop it before close, or close again";

fn a_forgotten_page_is_named<M: Mode>() {
    let pool = pool::<M>(100);
    let mut batch = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut batch, 40).allocated, 40);
    let page = batch.swap_remove(17);
    let id = page.id();
    std::mem::forget(page);
    drop(batch);
    let leaked = pool.close().expect_err("a page is missing");
    assert_eq!((leaked.handles(), leaked.out()), (0, 1));
    assert_eq!(leaked.ids().collect::<Vec<_>>(), [id]);
    let pool = leaked.into_pool();
    // SAFETY: the forgotten page has no owner any more.
    drop(unsafe { Page::from_raw(&pool, id) });
    assert_whole(pool);
}

fn all_missing_pages_are_named<M: Mode>() {
    let pool = pool::<M>(300);
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M>::new();
    assert_eq!(cache.alloc_bulk(&mut batch, 30).allocated, 30);
    let block = cache.alloc_block(ORDER_6).expect("a block");
    let first = block.id().index();
    let lent = cache.alloc().expect("a page").lend();
    drop(cache);
    let mut missing: Vec<_> = batch.ids().to_vec();
    missing.extend((first..first + 64).map(PageId::new));
    missing.push(lent);
    missing.sort_unstable();
    let leaked = pool.close().expect_err("95 pages are missing");
    assert_eq!((leaked.handles(), leaked.out()), (0, 95));
    assert_eq!(leaked.ids().collect::<Vec<_>>(), missing);
    assert_eq!(plain(format!("{leaked:?}")), plain(format!("CloseError({leaked})")));
    let text = plain(&leaked);
    assert!(text.starts_with("the pool has 95 pages out: pages "), "{text}");
    let rest = ", …; 1 of them is lent: reclaim what a device has before close; drop the others before close, or, ";
    assert!(text.contains(rest) && text.ends_with(']'), "{text}");
    drop((batch, block));
    let pool = leaked.into_pool();
    // SAFETY: the page is lent, and nobody else uses it.
    drop(unsafe { pool.reclaim(lent) }.expect("lent"));
    assert_whole(pool);
}

fn the_first_eight_missing_pages_are_named<M: Mode>() {
    for (n, dots) in [(1, ""), (8, ""), (9, ", …")] {
        let pool = pool::<M>(100);
        let mut batch = PageBatch::<M>::new();
        assert_eq!(pool.alloc_bulk(&mut batch, n).allocated, n);
        let mut numbers: Vec<_> = batch.ids().iter().map(|id| id.index()).collect();
        numbers.sort_unstable();
        let named: Vec<_> = numbers.iter().take(8).map(u32::to_string).collect();
        let clone = pool.clone();
        let leaked = pool.close().expect_err("pages are missing");
        let mode = clone.mode();
        let pages = if n == 1 { "page" } else { "pages" };
        let handle = "1 other handle (a Pool or a Cache: drop it before close)";
        let text = format!("the pool has {handle} and about {n} {pages} out [{mode}]");
        assert_eq!(plain(&leaked), text);
        drop(leaked);
        let leaked = clone.close().expect_err("pages are missing");
        let named = named.join(", ");
        let (them, they) = if n == 1 { ("it", "it was") } else { ("them", "they were") };
        let text = format!(
            "the pool has {n} {pages} out: {pages} {named}{dots}; drop {them} before close, or, if \
             {they} forgotten, see CloseError::recover_forgotten [{mode}]"
        );
        assert_eq!(plain(&leaked), text);
        drop(batch);
        assert_whole(leaked.into_pool());
    }
}

fn close_fails_while_other_handles_live<M: Mode>() {
    let pool = pool::<M>(100);
    let (clone, mut cache) = (pool.clone(), pool.cache().expect("a cache"));
    let page = cache.alloc().expect("a page");
    let leaked = pool.close().expect_err("other handles live");
    assert_eq!((leaked.handles(), leaked.out()), (2, 1));
    assert_eq!(leaked.ids().count(), 0, "caches may hold pages");
    let text = "the pool has 2 other handles (Pools or Caches: drop them before close) and about 1 \
                page out";
    let text = format!("{text} [{}]", clone.mode());
    assert_eq!(plain(&leaked), text);
    let pool = leaked.into_pool();
    cache.free(page);
    let pool = pool.close().expect_err("other handles live").into_pool();
    drop(cache);
    assert_eq!(pool.close().expect_err("another handle lives").handles(), 1);
    assert_whole(clone);
}

fn a_cache_makes_handles_of_its_pool<M: Mode>() {
    let pool = pool::<M>(100);
    let cache = pool.cache().expect("a cache");
    drop(pool);
    let pool = cache.pool().clone();
    assert_eq!(pool.capacity(), 100);
    drop(cache);
    assert_whole(pool);
}

on_both_fronts! {
    fn foreign_pages_go_home<M: Mode, F: Front>(pool, front) {
        let home = crate::common::pool::<M>(100);
        let at_hand = front.alloc().expect("a page");
        front.free(at_hand);
        let mut batch = PageBatch::<M>::new();
        assert_eq!(home.alloc_bulk(&mut batch, 50).allocated, 50);
        let (page, block) = (home.alloc().expect("a page"), home.alloc_block(ORDER_6));
        front.free_bulk(&mut batch);
        assert!(batch.is_empty());
        front.free(page);
        if let Ok(block) = block {
            front.free_block(block);
        }
        assert_eq!((out(&home), out(pool)), (0, 0));
        assert_adds_up(pool);
        assert_whole(home);
        assert_eq!(front.alloc_bulk(&mut batch, 256).allocated, 200);
    }

    fn pages_of_two_pools_do_not_mix_and_none_is_lost<M: Mode, F: Front>(pool, front) {
        let home = crate::common::pool::<M>(100);
        let at_hand = front.alloc().expect("a page");
        front.free(at_hand);
        let mut batch = PageBatch::<M>::new();
        assert_eq!(home.alloc_bulk(&mut batch, 5).allocated, 5);
        let before = batch.ids().to_vec();
        let other = BulkAlloc { allocated: 0, reason: Some(ShortReason::OtherPool) };
        assert_eq!(front.alloc_bulk(&mut batch, 3), other);
        assert_eq!(front.alloc_bulk_zeroed(&mut batch, 3), other);
        let error = front.alloc_bulk_exact(&mut batch, 3).expect_err("another pool's");
        assert_eq!((error.had, error.reason), (0, ShortReason::OtherPool));
        let text =
            "0 of 3 pages: the batch holds pages of another pool: use one batch for each pool";
        assert_eq!(error.to_string(), text);
        let page = front.alloc().expect("a page");
        let id = page.id();
        let refused = batch.push(page).expect_err("another pool's");
        assert_eq!((refused.page.id(), refused.reason), (id, BatchError::OtherPool));
        let mut mine = PageBatch::<M>::new();
        assert!(mine.push(refused.page).is_ok());
        assert_eq!(batch.append(&mut mine), Err(BatchError::OtherPool));
        assert_eq!(mine.append(&mut batch), Err(BatchError::OtherPool));
        assert!(front.lend_bulk(&mut batch, &mut no_ids::<5>()).is_empty());
        assert_eq!((batch.ids(), mine.ids()), (&before[..], &[id][..]));
        assert_eq!((out(&home), out(pool)), (5, 1));
        batch.clear();
        assert_eq!(mine.append(&mut batch), Ok(()), "an empty batch is of no pool");
        assert_eq!(front.alloc_bulk(&mut batch, 3), BulkAlloc { allocated: 3, reason: None });
        assert_eq!(out(pool), 4);
        drop((batch, mine));
        assert_whole(home);
    }
}

fn pages_are_not_reclaimed_into_a_batch_of_another_pool<M: Mode>() {
    let (pool, home) = (pool::<M>(10), pool::<M>(10));
    let mut batch = PageBatch::<M>::new();
    assert_eq!(home.alloc_bulk(&mut batch, 2).allocated, 2);
    let lent = pool.alloc().expect("a page").lend();
    // SAFETY: the page is lent, and nobody else uses it.
    let error = unsafe { pool.reclaim_bulk(&[lent], &mut batch) }.expect_err("another pool's");
    assert_eq!((error.page, error.fault, error.done), (lent, Fault::OtherPool, 0));
    assert_eq!(pool.audit().pages.lent, 1);
    batch.clear();
    // SAFETY: as above.
    assert_eq!(unsafe { pool.reclaim_bulk(&[lent], &mut batch) }, Ok(1));
    drop(batch);
    assert_adds_up(&pool);
    assert_eq!(out(&pool), 0);
    assert_whole(home);
}

/// The page that is dropped goes to a shared cache, where no look at the zone would find it.
fn a_page_dropped_since_is_not_named<M: Mode>() {
    let pool = pool::<M>(100);
    let (kept, lost) = (pool.alloc().expect("a page"), pool.alloc().expect("a page"));
    let id = lost.id();
    let mut both = [kept.id(), id];
    both.sort_unstable();
    let error = pool.close().expect_err("two pages are out");
    assert_eq!((error.ids().collect::<Vec<_>>(), error.out()), (both.to_vec(), 2));
    let mut ids = error.ids();
    drop(kept);
    // Also of an iterator that was made before.
    assert_eq!(ids.by_ref().collect::<Vec<_>>(), [id]);
    drop(ids);
    assert_eq!((error.ids().collect::<Vec<_>>(), error.out()), (vec![id], 1));
    let mode = error.into_pool().mode();
    let error = {
        let pool = crate::common::pool::<M>(100);
        let page = pool.alloc().expect("a page");
        let error = pool.close().expect_err("a page is out");
        drop(page);
        error
    };
    assert_eq!((error.handles(), error.out(), error.ids().count()), (0, 0, 0));
    assert_eq!(error.to_string(), format!("{GONE} [{mode}]"));
    assert_whole(error.into_pool());
    drop(lost);
}

/// What `main` prints of an error that it returns: by then its own variables are gone.
fn what_main_prints_says_what_was_alive<M: Mode>() {
    let page_alive = |pool: Pool<M>| {
        let _page = pool.alloc().expect("a page");
        pool.close()
    };
    let cache_alive = |pool: Pool<M>| {
        let mut cache = pool.cache().expect("a cache");
        drop(cache.alloc());
        pool.close()
    };
    let handle_alive = |pool: Pool<M>| {
        let _clone = pool.clone();
        pool.close()
    };
    type Main<M> = fn(Pool<M>) -> Result<(), CloseError<M>>;
    for main in [page_alive as Main<M>, cache_alive, handle_alive] {
        let error = main(pool::<M>(100)).expect_err("something was alive");
        let printed = format!("{error:?}");
        let pool = error.into_pool();
        assert_eq!(printed, format!("CloseError({GONE} [{}])", pool.mode()));
        assert_whole(pool);
    }
}

fn forgotten_pages_are_recovered<M: Mode>() {
    let pool = pool::<M>(200);
    let mut batch = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut batch, 40).allocated, 40);
    batch.iter_mut().for_each(|bytes| bytes.fill(7));
    let page = batch.pop().expect("a page").into_raw();
    std::mem::forget(batch);
    std::mem::forget(pool.alloc_block(Order::new(3).expect("legal")).expect("a block"));
    let lent = [pool.alloc().expect("a page").lend(), pool.alloc().expect("a page").lend()];
    // A page that came back is not one that was forgotten.
    drop(pool.alloc().expect("a page"));
    let error = pool.close().expect_err("pages are missing");
    assert_eq!((error.out(), error.ids().count()), (50, 50));
    assert!(error.ids().any(|id| id == page) && error.ids().any(|id| id == lent[1]));
    // SAFETY: nobody uses any of the pages any more; all their bytes are initialised.
    let (pool, recovered) = unsafe { error.recover_forgotten() }.expect("nobody else is there");
    assert_eq!(recovered, 50);
    assert_adds_up(&pool);
    let pages = pool.audit().pages;
    assert_eq!((pages.free, pages.out, pages.lent), (200, 0, 0));
    // Each can be had once.
    let mut all = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut all, 256).allocated, 200);
    assert!(distinct(all.ids()));
    drop(all);
    assert!(pool.alloc_block(ORDER_6).is_ok());
    assert_whole(pool);
}

fn forgotten_references_are_recovered<M: Refcounted>() {
    let pool = pool::<M>(100);
    let page = pool.alloc().expect("a page").into_shared();
    std::mem::forget((page.clone(), page.clone(), page));
    let error = pool.close().expect_err("a page is missing");
    // SAFETY: nobody uses the page any more; it was never written.
    let (pool, recovered) = unsafe { error.recover_forgotten() }.expect("nobody else is there");
    assert_eq!(recovered, 1);
    let mut all = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut all, 256).allocated, 100);
    assert_eq!(pool.close().expect_err("pages are out").ids().count(), 100);
}

/// What was dropped elsewhere lies in several shared caches, and is not among what is recovered.
fn pages_dropped_on_other_threads_are_not_recovered<M: Mode>() {
    let pool = build::<M>(100, |builder| builder.shared_caches(3).magazine_capacity(8));
    std::thread::scope(|scope| {
        for forgotten in 0..3 {
            let mut batch = PageBatch::<M, 20>::empty();
            assert_eq!(pool.alloc_bulk(&mut batch, 20).allocated, 20);
            scope.spawn(move || {
                (0..forgotten).for_each(|_| std::mem::forget(batch.pop()));
                drop(batch);
            });
        }
    });
    let error = pool.close().expect_err("three pages are missing");
    // SAFETY: the threads have ended; nobody uses the pages any more, which were never written.
    let (pool, recovered) = unsafe { error.recover_forgotten() }.expect("nobody else is there");
    assert_eq!(recovered, 3);
    assert_whole(pool);
}

/// What was promised to a future that nobody polls or drops any more is missing, and can be had back.
fn a_forgotten_wait_is_recovered<M: Mode>() {
    let pool = pool::<M>(3);
    let pages = [(); 3].map(|()| pool.alloc().expect("a page"));
    let mut batch = PageBatch::<M, 8>::empty();
    let mut future = Box::pin(pool.alloc_bulk_async(&mut batch, 3));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    let [kept, first, second] = pages;
    let mut ids = [first.id(), second.id()];
    ids.sort_unstable();
    drop((first, second));
    assert!(future.as_mut().poll(&mut context).is_pending());
    assert_eq!(pool.audit().pages.promised, 2);
    std::mem::forget(future);
    drop(kept);
    let error = pool.close().expect_err("two pages are promised");
    assert_eq!((error.handles(), error.out()), (0, 2));
    assert!(error.ids().eq(ids));
    // SAFETY: nobody else has the pool, or a page of it.
    let (pool, recovered) = unsafe { error.recover_forgotten() }.expect("nobody else is there");
    assert_eq!((recovered, pool.audit().pages.promised), (2, 0));
    // The future is out of the line, too: others are served.
    let mut batch = PageBatch::<M, 8>::empty();
    {
        let mut future = std::pin::pin!(pool.alloc_bulk_async(&mut batch, 3));
        assert!(future.as_mut().poll(&mut context).is_ready());
    }
    drop(batch);
    assert_whole(pool);
}

fn nothing_is_recovered_while_others_are_there<M: Mode>() {
    let pool = pool::<M>(100);
    let (cache, page) = (pool.cache().expect("a cache"), pool.alloc().expect("a page"));
    let error = pool.close().expect_err("a cache lives");
    // SAFETY: it is refused, because of the cache.
    let error = unsafe { error.recover_forgotten() }.expect_err("a cache lives");
    assert_eq!((error.handles(), error.out()), (1, 1));
    drop((cache, page));
    assert_whole(error.into_pool());
}

every_mode!(
    what_main_prints_says_what_was_alive,
    a_page_dropped_since_is_not_named,
    forgotten_pages_are_recovered,
    pages_dropped_on_other_threads_are_not_recovered,
    a_forgotten_wait_is_recovered,
    nothing_is_recovered_while_others_are_there,
    a_forgotten_page_is_named,
    all_missing_pages_are_named,
    the_first_eight_missing_pages_are_named,
    close_fails_while_other_handles_live,
    a_cache_makes_handles_of_its_pool,
    foreign_pages_go_home,
    pages_of_two_pools_do_not_mix_and_none_is_lost,
    pages_are_not_reclaimed_into_a_batch_of_another_pool,
);
every_refcounted_mode!(forgotten_references_are_recovered);
