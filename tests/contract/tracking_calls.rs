//! Every call that allocates says where it is, and what it is made on: the feature `track`.

use super::tracking::{listed, tracked};
use crate::common::*;

/// All pages that are out were allocated by the line before, through this cache, if it is one.
#[track_caller]
fn assert_by<M: Mode>(pool: &Pool<M>, ids: &[PageId], line: u32, cache: Option<usize>) {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    assert_eq!(listed(pool), ids);
    for held in pool.outstanding() {
        let location = held.location.expect("it stands still");
        assert_eq!((location.file(), location.line()), (file!(), line), "{held}");
        assert_eq!((held.cache, held.lent), (cache, None), "{held}");
        assert!(held.age.is_some() && held.history.last() == Some(Event::Allocated), "{held}");
    }
}

/// Each call that allocates, on a cache or a pool: it is said where it is.
macro_rules! each_call {
    ($front:expr, $pool:expr, $cache:expr) => {{
        let (front, pool, cache) = ($front, $pool, $cache);
        let order = Order::try_from(2).expect("an order");
        let mut batch = PageBatch::<M, 64>::empty();
        let mut out = [std::mem::MaybeUninit::uninit(); 8];
        let one = |page: Page<M>, line| {
            assert_by(pool, &[page.id()], line, cache);
            drop(page);
        };
        let (page, line) = (front.alloc(), line!());
        one(page.expect("a page"), line);
        let (page, line) = (front.alloc(), line!());
        one(page.expect("by the fast path, if there is one"), line);
        let (page, line) = (front.alloc_zeroed(), line!());
        one(page.expect("a page"), line);
        let (page, line) = (front.alloc_at(PageId::new(77)), line!());
        one(page.expect("a page"), line);
        for _ in 0..2 {
            let (bulk, line) = (front.alloc_bulk(&mut batch, 20), line!());
            assert_eq!(bulk.allocated, 20);
            assert_by(pool, batch.ids(), line, cache);
            front.free_bulk(&mut batch);
        }
        let (bulk, line) = (front.alloc_bulk_zeroed(&mut batch, 20), line!());
        assert_eq!(bulk.allocated, 20);
        assert_by(pool, batch.ids(), line, cache);
        batch.clear();
        for want in [64, 20] {
            let (exact, line) = (front.alloc_bulk_exact(&mut batch, want), line!());
            assert!(exact.is_ok());
            assert_by(pool, batch.ids(), line, cache);
            front.free_bulk(&mut batch);
        }
        let (prefilled, line) = (front.prefill(3), line!());
        let prefilled = prefilled.expect("three pages");
        assert_by(pool, &listed(pool), line, cache);
        assert_eq!(listed(pool).len(), 3);
        drop(prefilled);
        let mut vacant = [const { None::<Page<M>> }; 5];
        let (_, line) = (front.fill_vacant(&mut vacant), line!());
        let ids: Vec<_> = vacant.iter().flatten().map(Page::id).collect();
        assert_by(pool, &ids, line, cache);
        drop(vacant);
        let ((ids, _), line) = (front.alloc_bulk_raw(&mut out), line!());
        assert_by(pool, ids, line, cache);
        // SAFETY: the pages are ours alone, and nobody wrote them.
        unsafe { front.free_bulk_raw(ids) }.expect("they are out");
        let (id, line) = (front.alloc_raw(), line!());
        let id = id.expect("a page");
        assert_by(pool, &[id], line, cache);
        // SAFETY: as above.
        unsafe { front.free_raw(id) }.expect("it is out");
        let (_, line) = (front.alloc_at_raw(PageId::new(77)), line!());
        assert_by(pool, &[PageId::new(77)], line, cache);
        // SAFETY: as above.
        unsafe { front.free_raw(PageId::new(77)) }.expect("it is out");
        let (block, line) = (front.alloc_block(order), line!());
        let block = block.expect("a block");
        assert_by(pool, &block_ids(block.id(), order), line, cache);
        front.free_block(block);
        let (block, line) = (front.alloc_block_at(PageId::new(40), order), line!());
        let block = block.expect("a block");
        assert_by(pool, &block_ids(block.id(), order), line, cache);
        drop(block);
        let mut blocks = [const { None::<Block<M>> }; 2];
        let (_, line) = (front.alloc_blocks_bulk(order, &mut blocks), line!());
        let ids = blocks.iter().flatten().flat_map(|block| block_ids(block.id(), order));
        assert_by(pool, &ids.collect::<Vec<_>>(), line, cache);
        drop(blocks);
        let (first, line) = (front.alloc_block_raw(order), line!());
        let first = first.expect("a block");
        assert_by(pool, &block_ids(first, order), line, cache);
        // SAFETY: as above.
        unsafe { front.free_block_raw(first, order) }.expect("it is out");
        let (_, line) = (front.alloc_block_at_raw(PageId::new(40), order), line!());
        assert_by(pool, &block_ids(PageId::new(40), order), line, cache);
        // SAFETY: as above.
        unsafe { front.free_block_raw(PageId::new(40), order) }.expect("it is out");
        let ((blocks, _), line) = (front.alloc_blocks_bulk_raw(order, &mut out[..1]), line!());
        let first = blocks[0];
        assert_by(pool, &block_ids(first, order), line, cache);
        // SAFETY: as above.
        unsafe { front.free_block_raw(first, order) }.expect("it is out");
        let (mut lending, line) = (front.lend_new(70), line!());
        let offsets: Vec<_> = lending.by_ref().collect();
        drop(lending);
        assert_eq!(pool.outstanding().count(), 70);
        for held in pool.outstanding() {
            let location = held.location.expect("it stands still");
            assert_eq!((location.file(), location.line(), held.cache), (file!(), line, cache));
            assert!(held.lent.is_some() && held.history.last() == Some(Event::Lent), "{held}");
        }
        // SAFETY: the pages are lent, no device has them, and nobody wrote them.
        unsafe { front.free_lent(offsets) }.expect("they are lent");
        assert_eq!(listed(pool), []);
    }};
}

fn every_call_says_where_it_is<M: Mode>() {
    let pool = tracked::<M>(200);
    each_call!(&pool, &pool, None);
    each_call!(&pool.critical(), &pool, None);
    let _first = pool.cache().expect("a cache");
    each_call!(&mut pool.cache().expect("a cache"), &pool, Some(1));
    each_call!(&mut pool.cache_stealable().expect("a cache"), &pool, Some(1));
    assert!(!pool.is_tainted());
}

fn who_waits_says_where_it_is<M: Mode>() {
    let pool = tracked::<M>(8);
    let mut held = PageBatch::<M, 8>::empty();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut wait = |batch: &mut PageBatch<M, 8>, held: &mut PageBatch<M, 8>| {
        let (future, line) = (pool.alloc_bulk_async(batch, 4), line!());
        let mut future = std::pin::pin!(future);
        if held.is_empty() {
            assert!(future.as_mut().poll(&mut context).is_ready());
            return line;
        }
        assert!(future.as_mut().poll(&mut context).is_pending());
        held.clear();
        while future.as_mut().poll(&mut context).is_pending() {}
        line
    };
    // At once, and then after others have freed.
    for pages in [0, 8] {
        assert_eq!(pool.alloc_bulk_exact(&mut held, pages), Ok(()));
        let mut batch = PageBatch::<M, 8>::empty();
        let line = wait(&mut batch, &mut held);
        assert_by(&pool, batch.ids(), line, None);
        held.clear();
    }
    #[cfg(feature = "std")]
    {
        let mut cache = pool.cache().expect("a cache");
        let mut batch = PageBatch::<M, 8>::empty();
        let second = std::time::Duration::from_secs(1);
        let (done, line) = (cache.alloc_bulk_timeout(&mut batch, 4, second), line!());
        assert_eq!(done, Ok(()));
        assert_by(&pool, batch.ids(), line, Some(cache.number()));
        batch.clear();
        let (done, line) = (pool.alloc_bulk_exact_timeout(&mut batch, 4, second), line!());
        assert_eq!(done, Ok(()));
        assert_by(&pool, batch.ids(), line, None);
    }
}

/// Pages that a cache has waited for are held under its name, as those that it was given at once.
fn a_cache_that_waited_holds_by_its_name<M: Mode>() {
    let pool = tracked::<M>(8);
    let mut rx = pool.cache_named("rx").build().expect("a cache");
    let mut held = PageBatch::<M, 8>::empty();
    assert_eq!(pool.alloc_bulk_exact(&mut held, 8), Ok(()));
    let mut batch = PageBatch::<M, 8>::empty();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    {
        let mut future = std::pin::pin!(rx.alloc_bulk_async(&mut batch, 4));
        assert!(future.as_mut().poll(&mut context).is_pending());
        held.clear();
        while future.as_mut().poll(&mut context).is_pending() {}
    }
    let names = |pool: &Pool<M>| pool.outstanding().map(|it| it.name).collect::<Vec<_>>();
    assert_eq!(names(&pool), [Some("rx"); 4]);
    batch.clear();
    #[cfg(feature = "std")]
    {
        assert_eq!(pool.alloc_bulk_exact(&mut held, 8), Ok(()));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let second = std::time::Duration::from_secs(60);
                assert_eq!(rx.alloc_bulk_timeout(&mut batch, 4, second), Ok(()));
            });
            std::thread::sleep(std::time::Duration::from_millis(1));
            held.clear();
        });
        assert_eq!(names(&pool), [Some("rx"); 4]);
    }
}

fn a_set_of_nodes_says_where_its_calls_are<M: Mode>() {
    let pools = [tracked::<M>(20), tracked::<M>(20)];
    let nodes = NodeSet::<M, 2>::new(pools.clone()).expect("two nodes");
    let mask = SharedNodeMask::new(NodeMask::ALL);
    let (page, line) = (nodes.alloc_masked(&mask), line!());
    let page = page.expect("a page");
    assert_by(&pools[0], &[page.id()], line, None);
    drop(page);
    let mut batch = NodeBatch::<M, 32, 2>::empty();
    let (bulk, line) = (nodes.alloc_bulk_masked(&mut batch, 30, &mask), line!());
    assert_eq!(bulk.allocated, 30);
    for (node, pool) in pools.iter().enumerate() {
        assert_by(pool, batch.of(node).ids(), line, None);
    }
}

every_mode!(
    every_call_says_where_it_is,
    who_waits_says_where_it_is,
    a_cache_that_waited_holds_by_its_name,
    a_set_of_nodes_says_where_its_calls_are,
);
