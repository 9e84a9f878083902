//! Pools that grow and shrink within their capacity: pages go offline and come back, and the figures
//! add up.

use crate::common::{pool as fixed, *};

/// A pool that can shrink, of `pages` pages of 256 bytes.
fn pool<M: Mode>(pages: usize) -> Pool<M> {
    build(pages, |builder| builder.initially(pages))
}

/// Pages that are offline, by their ids.
fn offline<M: Mode>(pool: &Pool<M>) -> Vec<u32> {
    (0..1000).filter(|&id| pool.is_offline(PageId::new(id))).collect()
}

/// Brings pages of a pool in its own memory back.
#[track_caller]
fn online<M: Mode>(pool: &Pool<M>, pages: std::ops::Range<u32>) {
    // SAFETY: the region is the pool's own, or leaked and zeroed, and nobody else has it.
    assert_eq!(unsafe { pool.online(pages) }, Ok(()));
}

/// Takes all pages that can be had.
fn all<M: Mode>(pool: &Pool<M>) -> Vec<Page<M>> {
    std::iter::from_fn(|| pool.alloc().ok()).collect()
}

fn ids<M: Mode>(pages: &[Page<M>]) -> Vec<u32> {
    let mut ids: Vec<_> = pages.iter().map(|page| page.id().index()).collect();
    ids.sort_unstable();
    ids
}

fn a_pool_starts_with_the_pages_that_it_is_told<M: Mode>() {
    for initially in [0, 1, 63, 64, 65, 199, 200] {
        let pool = build::<M>(200, |builder| builder.initially(initially));
        assert_eq!(pool.capacity(), 200);
        assert!(offline(&pool).into_iter().eq(initially as u32..200));
        let pages = pool.audit().pages;
        assert_eq!((pages.free, pages.offline), (initially as u64, 200 - initially as u64));
        assert_adds_up(&pool);
        let out = all(&pool);
        assert!(ids(&out).into_iter().eq(0..initially as u32));
        assert_eq!(pool.alloc().err(), Some(ShortReason::Exhausted));
        drop(out);
        assert_whole(pool);
    }
}

fn pages_go_and_come_back<M: Mode>() {
    let pool = pool::<M>(200);
    let went = pool.offline(50..130).expect("they are free");
    assert_eq!((went.count(), went.still_online().count()), (80, 0));
    assert_eq!(went.to_string(), "80 pages went offline, 0 pages of the range online");
    assert!(offline(&pool).into_iter().eq(50..130));
    assert_eq!(pool.audit().pages.offline, 80);
    let text = "capacity 200 = free 120 + cached 0 + out 0 + lent 0 + bad 0 + offline 80";
    assert!(pool.to_string().contains(text), "{pool}");
    let out = all(&pool);
    assert!(ids(&out).into_iter().eq((0..50).chain(130..200)));
    assert_adds_up(&pool);
    online(&pool, 60..70);
    let more = all(&pool);
    assert!(ids(&more).into_iter().eq(60..70));
    drop((out, more));
    online(&pool, 50..60);
    online(&pool, 70..130);
    assert_eq!(all(&pool).len(), 200);
    assert_eq!(pool.audit().pages.offline, 0);
    assert_whole(pool);
}

fn what_is_out_stays_online_and_is_named<M: Mode>() {
    let pool = pool::<M>(100);
    let (page, lent) = (pool.alloc().expect("a page"), pool.alloc().expect("a page").lend());
    let mut cache = pool.cache().expect("a cache");
    let cached = cache.alloc().expect("a page");
    cache.free(cached);
    let held = pool.holders().map(|holder| holder.pages).sum::<usize>();
    let went = pool.offline(0..100).expect("most are free");
    let stayed: Vec<_> = went.still_online().collect();
    assert_eq!(went.count() + stayed.len(), 100);
    assert!(stayed.contains(&page.id()) && stayed.contains(&lent));
    assert!((3..=2 + held).contains(&stayed.len()), "{held}: {stayed:?}");
    assert_adds_up(&pool);
    // Asked, the cache gives up what it holds.
    next_call(&mut cache);
    pool.offline(0..100).expect("some are online").still_online().for_each(|id| {
        assert!(id == page.id() || id == lent, "{id}");
    });
    // Each goes its usual way.
    // SAFETY: the page is lent, and no device uses it.
    drop(unsafe { pool.reclaim(lent) }.expect("it is lent"));
    drop((page, cache));
    assert_eq!(pool.offline(0..100).expect("two are online").count(), 2);
    assert_eq!(pool.audit().pages.offline, 100);
    assert_whole(pool);
}

fn a_range_that_cannot_be_changes_nothing<M: Mode>() {
    let pool = build::<M>(100, |builder| builder.initially(40));
    let refused = |error: RangeError, text: &str| {
        assert_eq!(error.to_string(), text);
        assert!(offline(&pool).into_iter().eq(40..100));
        assert_adds_up(&pool);
    };
    // SAFETY: the region is the pool's own, and each call is refused.
    let online = |pages| unsafe { pool.online(pages) }.expect_err("it cannot be");
    let offline = |pages| pool.offline(pages).expect_err("it cannot be");
    let past = "the range ends at page 101, and the pool can have 100 pages: tell Pool::builder the \
                most that it will ever have";
    refused(online(90..101), past);
    refused(offline(20..101), past);
    #[allow(clippy::reversed_empty_ranges, reason = "that is what is wrong")]
    for error in [online(60..50), offline(60..50)] {
        let text = "the range ends at page 50, before it starts at page 60: name the first page \
                    first, and then the one behind the last";
        refused(error, text);
    }
    let online_text = "page 39 is online already: name pages that are offline, which \
                       Pool::is_offline tells; none has come online";
    refused(online(39..50), online_text);
    // SAFETY: there is no page in the range.
    assert_eq!(unsafe { pool.online(100..100) }, Ok(()));
}

fn pages_that_are_offline_are_no_leaks<M: Mode>() {
    let pool = pool::<M>(100);
    assert_eq!(pool.offline(10..90).expect("they are free").count(), 80);
    let page = pool.alloc().expect("a page");
    let id = page.id();
    let error = pool.close().expect_err("a page is out");
    assert_eq!(error.out(), 1);
    assert!(error.ids().eq([id]), "{error}");
    std::mem::forget(page);
    // SAFETY: the page was forgotten, and nobody wrote it.
    let (pool, recovered) = unsafe { error.recover_forgotten() }.expect("nobody else is there");
    assert_eq!(recovered, 1);
    assert!(offline(&pool).into_iter().eq(10..90));
    assert_whole(pool);
}

fn a_pool_whose_rest_is_offline_is_exhausted<M: Mode>() {
    let pool = build::<M>(100, |builder| builder.initially(8));
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M>::new();
    let error = cache.alloc_bulk_exact(&mut batch, 9).expect_err("there are 8");
    assert_eq!((error.had, error.reason), (8, ShortReason::Exhausted));
    let bulk = cache.alloc_bulk(&mut batch, 20);
    assert_eq!(bulk, BulkAlloc { allocated: 8, reason: Some(ShortReason::Exhausted) });
    let order = Order::new(3).expect("small");
    assert_eq!(pool.alloc_block(order).err(), Some(ShortReason::Exhausted));
    cache.free_bulk(&mut batch);
    cache.drain();
    let block = pool.alloc_block(order).expect("eight pages that are side by side");
    assert_eq!(pool.offline(0..100).expect("a block is out").count(), 0);
    drop(block);
    drop(cache);
    assert_eq!(pool.offline(4..8).expect("they are free").count(), 4);
    assert_eq!(pool.alloc_block(order).err(), Some(ShortReason::Fragmented));
    assert_whole(pool);
}

fn what_is_offline_is_not_had_at_its_place<M: Mode>() {
    let pool = build::<M>(200, |builder| builder.initially(100));
    let mut cache = pool.cache().expect("a cache");
    assert_eq!(pool.offline(8..10).expect("they are free").count(), 2);
    let order = Order::new(3).expect("small");
    for (first, page) in [(8, 8), (96, 100), (192, 192)] {
        let offline = |error: PlaceError| {
            let text = format!("{} is offline: call Pool::online to bring it back", error.page);
            assert_eq!((error.reason, error.to_string()), (PlaceReason::Offline, text));
            error.page
        };
        let [first, page] = [first, page].map(PageId::new);
        let block = pool.alloc_block_at(first, order).expect_err("a page is offline");
        assert_eq!(offline(block), page);
        assert_eq!(cache.alloc_block_at_raw(first, order), Err(block));
        let single = cache.alloc_at(page).expect_err("it is offline");
        assert_eq!(offline(single), page);
        assert_eq!(pool.alloc_at_raw(page), Err(single));
    }
    assert_eq!(pool.audit().pages.out, 0);
    online(&pool, 8..10);
    assert_eq!(pool.alloc_block_at(PageId::new(8), order).expect("all are back").len(), 8 * 256);
    drop(cache);
    assert_whole(pool);
}

/// Bytes that change while their page is offline are nobody's fault; while it is free they are.
fn bytes_are_the_pools_only_while_they_are_online<M: Mode>() {
    let pool = pool::<M>(64);
    let write = |id: u32, byte: u8| {
        let start = pool.ptr(PageId::new(id)).expect("in range").as_ptr();
        // SAFETY: in the region, which nobody else touches now.
        unsafe { start.write_bytes(byte, pool.page_size()) };
    };
    drop(all(&pool));
    pool.drain();
    // The page is free: that is the mistake.
    write(3, 1);
    let went = pool.offline(0..64).expect("they are free");
    let bad = u64::from(poisons::<M>());
    assert_eq!(went.still_online().count() as u64, bad);
    assert_eq!((pool.audit().pages.bad, pool.bad_pages().count() as u64), (bad, bad));
    assert_adds_up(&pool);
    (10..20).for_each(|id| write(id, 2));
    online(&pool, 10..64);
    let pages = all(&pool);
    assert_eq!((pages.len(), pool.audit().pages.bad), (54, bad));
    if poisons::<M>() {
        assert!(pages.iter().all(|page| page.iter().all(|&byte| byte == 0xaa)));
    } else {
        let written = |page: &&Page<M>| page.iter().all(|&byte| byte == 2);
        assert_eq!(pages.iter().filter(written).count(), 10);
    }
    drop(pages);
    assert_eq!(pool.is_tainted(), bad > 0);
}

fn a_lazy_pool_does_not_write_what_comes_online<M: Mode>() {
    let pool = build::<M>(64, |builder| builder.poison_lazily(true).initially(0));
    online(&pool, 0..64);
    let pages = all(&pool);
    assert!(pages.iter().all(|page| page.iter().all(|&byte| byte == 0)));
    drop(pages);
    assert_whole(pool);
}

fn no_page_of_a_new_pool_is_touched_offline<M: Mode>() {
    let pool = build::<M>(64, |builder| builder.initially(16));
    let poisoned = pool.region_info().poisoned_pages;
    assert_eq!(poisoned, if poisons::<M>() { 16 } else { 0 });
    for id in 16..64 {
        let start = pool.ptr(PageId::new(id)).expect("in range").as_ptr();
        // SAFETY: in the region, and nobody else touches the page.
        assert!((0..256).all(|at| unsafe { start.wrapping_add(at).read() } == 0));
    }
    assert_whole(pool);
}

/// One in four of those that are online, wherever they lie.
fn poisoned_pages_that_go_offline_are_counted_as_looked_at<M: Mode>() {
    let pool = pool::<M>(200);
    drop(all(&pool));
    pool.drain();
    let looks = || pool.stats().map_or(0, |stats| stats.poison_checks);
    let before = looks();
    assert_eq!(pool.offline(50..130).expect("they are free").count(), 80);
    assert_eq!(looks() - before, if pool.stats().is_some() { 80 } else { 0 });
    online(&pool, 50..130);
    assert_whole(pool);
}

fn a_sample_of_what_is_online_is_poisoned<M: Mode>() {
    let pool = build::<M>(8000, |builder| builder.poison_every(4).initially(1000));
    let poisoned = pool.region_info().poisoned_pages;
    assert!((150..350).contains(&poisoned), "{poisoned}");
    let start = pool.ptr(PageId::new(1000)).expect("in range").as_ptr();
    // SAFETY: in the region, and nobody else touches the pages: they are offline.
    assert!((0..7000 * 256).all(|at| unsafe { start.add(at).read() } == 0));
    assert_whole(pool);
}

/// Threads allocate and free while another takes pages offline and brings them back.
fn pages_go_and_come_while_others_are_at_work<M: Mode>() {
    let pool = pool::<M>(128);
    std::thread::scope(|scope| {
        for seed in 0..2 {
            let pool = &pool;
            scope.spawn(move || {
                let (mut random, mut batch) = (Random::new(seed), PageBatch::<M>::new());
                for round in 0..often(400) {
                    _ = pool.alloc_bulk(&mut batch, random.below(60));
                    batch.iter_mut().for_each(|bytes| bytes.fill(round as u8));
                    assert!(batch.ids().iter().all(|&id| !pool.is_offline(id)));
                    assert!(batch.iter().all(|bytes| bytes.iter().all(|&it| it == round as u8)));
                    pool.free_bulk(&mut batch);
                }
            });
        }
        let mut random = Random::new(9);
        for _ in 0..often(400) {
            let start = random.below(128);
            let range = start as u32..(start + 1 + random.below(128 - start)) as u32;
            let went = pool.offline(range.clone()).expect("they are online");
            // Nobody else takes pages offline, or brings them back.
            assert_eq!(went.count() + went.still_online().count(), range.len());
            offline(&pool).into_iter().for_each(|id| online(&pool, id..id + 1));
        }
    });
    assert_eq!(pool.audit().pages.offline, 0);
    assert_whole(pool);
}

every_mode!(
    a_pool_starts_with_the_pages_that_it_is_told,
    pages_go_and_come_back,
    what_is_out_stays_online_and_is_named,
    a_range_that_cannot_be_changes_nothing,
    pages_that_are_offline_are_no_leaks,
    a_pool_whose_rest_is_offline_is_exhausted,
    what_is_offline_is_not_had_at_its_place,
    bytes_are_the_pools_only_while_they_are_online,
    no_page_of_a_new_pool_is_touched_offline,
    pages_go_and_come_while_others_are_at_work,
);
every_poisoning_mode!(
    a_lazy_pool_does_not_write_what_comes_online,
    a_sample_of_what_is_online_is_poisoned,
    poisoned_pages_that_go_offline_are_counted_as_looked_at,
);

#[test]
fn a_pool_cannot_start_with_more_than_it_can_have() {
    let error = Pool::builder(100).initially(101).metadata_layout().expect_err("too many");
    assert_eq!(error, BuildError::Initially { pages: 101, capacity: 100 });
    let text = "initially(101) is more than the pool can have, 100 pages: tell Pool::builder the \
                most that it will ever have";
    assert_eq!(error.to_string(), text);
}

#[test]
fn all_that_is_offline_cannot_go_again() {
    let pool = pool::<Checked>(10);
    assert_eq!(pool.offline(2..8).expect("they are free").count(), 6);
    let error = pool.offline(3..7).expect_err("they are offline");
    assert_eq!(error, RangeError::AlreadyOffline { page: PageId::new(3) });
    let text = "page 3 is offline already, and so are all pages of the range: call Pool::online to bring \
                them back";
    assert_eq!(
        (error.to_string(), format!("{error:?}")),
        (text.into(), format!("RangeError({text})"))
    );
    // Where some are not, those go.
    assert_eq!(pool.offline(0..8).expect("two are online").count(), 2);
    assert_eq!(pool.offline(5..5).expect("none").count(), 0);
}

#[test]
fn a_pool_of_a_fixed_size_says_so() {
    let pool = fixed::<Checked>(10);
    let error = pool.offline(0..10).expect_err("it is fixed");
    assert_eq!(error, RangeError::FixedSize);
    let text = "the pool is of a fixed size: build it with Builder::initially(pages), which may be all of \
                them, to have pages offline";
    assert_eq!(error.to_string(), text);
    // SAFETY: it is refused.
    assert_eq!(unsafe { pool.online(0..10) }, Err(error));
    assert!(!pool.is_offline(PageId::new(3)));
    assert_whole(pool);
}
