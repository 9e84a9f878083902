//! Pages, caches and pools that are forgotten, dropped, or asked for too much.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::suite::{Misuse, Scene, Verdict};
use crate::common::*;

impl<M: Mode> Scene<M> {
    /// What a close says of a pool like the scene's after `lose`.
    fn closed(lose: impl FnOnce(&Pool<M>, &mut Cache<M>)) -> Option<String> {
        let pool = build::<M>(100, |builder| builder.magazine_capacity(4));
        let mut cache = pool.cache().expect("a cache");
        lose(&pool, &mut cache);
        drop(cache);
        let leaked = pool.close().err()?;
        let said = leaked.to_string();
        // The pages stay out; the memory of the pool stays where it is.
        drop(leaked.into_pool());
        Some(said)
    }
}

/// 20 pages in a batch.
fn twenty<M: Mode>(cache: &mut Cache<M>) -> PageBatch<M> {
    let mut batch = PageBatch::new();
    assert_eq!(cache.alloc_bulk(&mut batch, 20).allocated, 20);
    batch
}

/// The user's code panics when it has its 10th page: 9 are kept, 10 are still to come.
fn taken_one_by_one<M: Mode>(cache: &mut Cache<M>) {
    let mut seen = 0;
    let look = |_: &Page<M>| {
        seen += 1;
        assert!(seen < 10);
    };
    let _: Vec<_> = twenty(cache).into_iter().inspect(look).collect();
}

/// It panics when it writes to the 10th page of a batch.
fn written_in_place<M: Mode>(cache: &mut Cache<M>) {
    let mut batch = twenty(cache);
    batch.iter_mut().enumerate().for_each(|(at, bytes)| {
        bytes.fill(at as u8);
        assert!(at < 9);
    });
}

/// It panics in place of the 10th page that another batch is to get.
fn pushed_from_an_iterator<M: Mode>(cache: &mut Cache<M>) {
    let pages = twenty(cache).into_iter().enumerate().map(|(at, page)| {
        assert!(at < 9);
        page
    });
    let mut other = PageBatch::<M>::new();
    pages.for_each(|page| other.push(page).expect("room"));
}

impl<M: Mode> Scene<M> {
    /// What a close says of a pool of which only page 0 is free, when `lose` has had that.
    fn closed_without_page_0(lose: impl FnOnce(&Pool<M>)) -> Option<String> {
        Scene::<M>::closed(|pool, _| {
            let all: Vec<_> = std::iter::from_fn(|| pool.alloc().ok()).collect();
            let (first, others): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|page| page.id().index() == 0);
            drop(first);
            lose(pool);
            drop(others);
        })
    }
}

misuses! {
    forgotten_prefilled, "`mem::forget` of prefilled pages, seen by `close`",
        |_| Verdict::Detected("the pool has 1 page out: page 0; drop it before close, or, if it was forgotten, see CloseError::recover_forgotten [{mode}]"), |_scene| {
        Scene::<M>::closed_without_page_0(|pool| std::mem::forget(pool.prefill(1).expect("one is free")))
    }
    forgotten_wait, "`mem::forget` of a future that waits and has a page in hand, seen by `close`",
        |_| Verdict::Detected("the pool has 1 page out: page 0; it is promised to a call that was forgotten as it waited: see CloseError::recover_forgotten [{mode}]"), |_scene| {
        Scene::<M>::closed_without_page_0(|pool| {
            let mut batch = PageBatch::<M, 4>::empty();
            let mut future = Box::pin(pool.alloc_bulk_async(&mut batch, 2));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(future.as_mut().poll(&mut context).is_pending());
            assert_eq!(pool.audit().pages.promised, 1);
            std::mem::forget(future);
        })
    }
    forgotten_page, "`mem::forget` of a page, seen by `close`",
        |_| Verdict::Detected("the pool has 1 page out: page 0; drop it before close, or, if it was forgotten, see CloseError::recover_forgotten [{mode}]"), |_scene| {
        Scene::<M>::closed(|pool, _| {
            // The page's number is known, so that the message is.
            let all: Vec<_> = std::iter::from_fn(|| pool.alloc().ok()).collect();
            all.into_iter().filter(|page| page.id().index() == 0).for_each(std::mem::forget);
        })
    }
    forgotten_batch, "`mem::forget` of a batch, seen by `close`",
        |_| Verdict::Detected("the pool has 2 pages out: pages 0, 1; drop them before close, or, if they were forgotten, see CloseError::recover_forgotten [{mode}]"), |_scene| {
        Scene::<M>::closed(|pool, _| {
            let all: Vec<_> = std::iter::from_fn(|| pool.alloc().ok()).collect();
            let mut batch = PageBatch::<M>::new();
            for page in all.into_iter().filter(|page| page.id().index() < 2) {
                batch.push(page).expect("room");
            }
            std::mem::forget(batch);
        })
    }
    forgotten_cache, "`mem::forget` of a cache, seen by `close`",
        |_| Verdict::Detected("the pool has 1 other handle (a Pool or a Cache: drop it before close) and about 0 pages out [{mode}]"), |_scene| {
        Scene::<M>::closed(|pool, _| std::mem::forget(pool.cache().expect("a cache")))
    }
    static_not_built, "a call of a static that is not built", |_| Verdict::Detected("the pool is not built: call StaticPool::init first"), |_scene| {
        StaticPool::<M>::new().alloc().err().map(|reason| reason.to_string())
    }
    static_built_twice, "a static that is built twice", |_| Verdict::Detected("the pool is built already: ask StaticPool::get for it"), |scene| {
        let of = StaticPool::<M>::new();
        let init = || of.init_with(|| Ok(scene.pool.clone()));
        assert!(init().is_ok());
        init().err().map(|error| error.to_string())
    }
    static_closed, "a static's pool closed, by another handle", |_| Verdict::Detected("the pool has 1 other handle (a Pool or a Cache: drop it before close) and about 0 pages out [{mode}]"), |_scene| {
        let of = StaticPool::<M>::new();
        let pool = of.init_with(|| Ok(build::<M>(100, |builder| builder))).expect("it is the first");
        let error = pool.clone().close().err()?;
        Some(error.to_string())
    }
    static_build_panics, "a panic while a static is built", |_| Verdict::Harmless, |scene| {
        let of = StaticPool::<M>::new();
        assert!(catch_unwind(|| of.init_with(|| panic!("the caller's")).is_ok()).is_err());
        assert_eq!(of.get().err(), Some(NotBuilt));
        assert!(of.init_with(|| Ok(scene.pool.clone())).is_ok());
        assert_eq!(of.alloc().map(|page| page.len()), Ok(scene.pool.page_size()));
        None
    }
    pool_dropped_first, "the pool dropped with pages out", |_| Verdict::Harmless, |_scene| {
        let pool = build::<M>(100, |builder| builder.magazine_capacity(4));
        let mut batch = PageBatch::<M>::new();
        assert_eq!(pool.alloc_bulk(&mut batch, 30).allocated, 30);
        let page = pool.alloc().expect("a page");
        drop(pool);
        batch.iter_mut().for_each(|bytes| bytes.fill(7));
        assert!(batch.iter().all(|bytes| bytes.iter().all(|&byte| byte == 7)));
        drop((page, batch));
        None
    }
    exit_with_a_full_cache, "a thread that ends with a full cache", |_| Verdict::Harmless, |scene| {
        let free = scene.pool.audit().pages;
        std::thread::scope(|threads| {
            threads.spawn(|| {
                let mut cache = scene.pool.cache().expect("a cache");
                let mut batch = PageBatch::<M>::new();
                assert_eq!(cache.alloc_bulk(&mut batch, 50).allocated, 50);
                cache.free_bulk(&mut batch);
            });
        });
        assert_eq!(scene.pool.audit().pages.out, free.out);
        let mut batch = PageBatch::<M>::new();
        assert_eq!(scene.two.alloc_bulk(&mut batch, 50), BulkAlloc { allocated: 50, reason: None });
        None
    }
    teardown, "a free while a thread's locals are torn down", |_| Verdict::Harmless, |scene| {
        thread_local! {
            static LAST: std::cell::RefCell<Option<Box<dyn std::any::Any>>> = const { std::cell::RefCell::new(None) };
        }
        let pool = scene.pool.clone();
        std::thread::spawn(move || {
            let page = pool.alloc().expect("a page");
            LAST.set(Some(Box::new((page, pool))));
        })
        .join()
        .expect("no panic");
        assert_eq!(out(&scene.pool), 40);
        None
    }
    panic_in_a_closure, "a panic while pages are being used", |_| Verdict::Harmless, |scene| {
        for user in [taken_one_by_one, written_in_place, pushed_from_an_iterator] {
            assert!(catch_unwind(AssertUnwindSafe(|| user(&mut scene.one))).is_err());
            assert_eq!(out(&scene.pool), 40);
        }
        None
    }
    nothing, "requests for no page", |_| Verdict::Harmless, |scene| {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(scene.one.alloc_bulk(&mut batch, 0), BulkAlloc { allocated: 0, reason: None });
        assert_eq!(scene.one.alloc_bulk_exact(&mut batch, 0), Ok(()));
        scene.one.free_bulk(&mut batch);
        // SAFETY: no page is named.
        assert_eq!(unsafe { scene.one.free_bulk_raw(&[]) }, Ok(()));
        assert_eq!(scene.pool.alloc_bulk_raw(&mut []).0, []);
        None
    }
    too_much, "requests for more pages than there can be", |_| Verdict::Harmless, |scene| {
        let mut batch = PageBatch::<M, 300>::empty();
        let error = scene.one.alloc_bulk_exact(&mut batch, usize::MAX).expect_err("too many");
        assert_eq!((error.reason, batch.len()), (ShortReason::BatchFull, 0));
        let error = scene.one.alloc_bulk_exact(&mut batch, 101).expect_err("too many");
        assert_eq!((error.reason, batch.len()), (ShortReason::TooMany, 0));
        let bulk = scene.one.alloc_bulk(&mut batch, usize::MAX);
        assert_eq!(bulk, BulkAlloc { allocated: 60, reason: Some(ShortReason::Exhausted) });
        scene.one.free_bulk(&mut batch);
        None
    }
    exhaustion, "exhaustion, and going on afterwards", |_| Verdict::Harmless, |scene| {
        for _ in 0..3 {
            let mut batch = PageBatch::<M>::new();
            let all = BulkAlloc { allocated: 60, reason: Some(ShortReason::Exhausted) };
            assert_eq!(scene.one.alloc_bulk(&mut batch, 61), all);
            assert_eq!(scene.two.alloc().err(), Some(ShortReason::Exhausted));
            scene.two.free_bulk(&mut batch);
            next_call(&mut scene.two);
            assert_eq!(out(&scene.pool), 40);
            scene.two.drain();
        }
        None
    }
    stuck, "the last pages lie in another thread's cache", |_| Verdict::Harmless, |scene| {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(scene.one.alloc_bulk(&mut batch, 60).allocated, 60);
        let mut last = batch.split_off(58);
        scene.one.free_bulk(&mut last);
        assert_eq!(scene.two.alloc().err(), Some(ShortReason::Cached));
        // The other thread's next call gives them up.
        next_call(&mut scene.one);
        let page = scene.two.alloc().expect("given up");
        drop((page, batch));
        None
    }
    addresses, "addresses that are no page's: null, all ones, below and past the region", |_| Verdict::Harmless, |scene| {
        let start = scene.bytes(PageId::new(0)).addr();
        let end = start + 100 * scene.pool.page_size();
        for address in [0, usize::MAX, start - 1, end] {
            assert_eq!(scene.pool.id_at(address), None, "{address:#x}");
        }
        assert_eq!(scene.pool.id_at_offset(u64::MAX), None);
        // Any address inside a page finds its page.
        assert_eq!(scene.pool.id_at(start + 1), Some(PageId::new(0)));
        assert_eq!(scene.pool.id_at(end - 1), Some(PageId::new(99)));
        None
    }
    owned_page_to_another_pool, "an owned page or batch freed to another pool: it goes home", |_| Verdict::Harmless, |scene| {
        let other = build::<M>(10, |builder| builder);
        other.free(scene.one.alloc().expect("a page"));
        let mut batch = PageBatch::<M>::new();
        assert_eq!(scene.one.alloc_bulk(&mut batch, 20).allocated, 20);
        other.free_bulk(&mut batch);
        assert_eq!((out(&scene.pool), out(&other)), (40, 0));
        assert_whole(other);
        None
    }
}
