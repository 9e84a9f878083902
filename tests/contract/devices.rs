//! What a device has: what is found of it, how it is listed and taken back, and where its memory is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use super::pending::{Scene, survives};
use crate::common::*;

/// Frees what was lent.
pub fn back<M: Mode>(pool: &Pool<M>, offsets: Vec<u64>) {
    let n = offsets.len();
    // SAFETY: the pages are lent, no device has them, and all their bytes are initialised.
    assert_eq!(unsafe { pool.free_lent(offsets) }, Ok(n));
}

fn a_page_that_is_not_lent_is_refused_at_its_position<M: Mode>() {
    let pool = pool::<M>(200);
    let mut cache = pool.cache().expect("a cache");
    let page = cache.alloc().expect("a page");
    let (own, free) = (page.id(), pool.offset(PageId::new(199)).expect("a page"));
    let mut offsets: Vec<_> = cache.lend_new(100).collect();
    let twice = offsets[80] + 17;
    offsets.insert(2, pool.offset(own).expect("a page") + 255);
    offsets.insert(70, free);
    offsets.push(twice);
    // SAFETY: a checking mode refuses what is not lent, or no longer; no device has the others.
    let error = unsafe { cache.free_lent(offsets) }.expect_err("three are bad");
    assert_eq!((error.page, error.position, error.fault), (own, 2, Fault::NotLent));
    assert_eq!((error.count, error.done), (3, 100));
    assert!(error.positions().eq([2, 70, 102]));
    assert_eq!(
        plain(error),
        format!(
            "{own} at position 2 is not lent, and 2 more bad pages: reclaim only what was lent, and only once [{}]",
            pool.mode()
        )
    );
    let mut batch = PageBatch::<M>::new();
    let mut offsets: Vec<_> = pool.lend_new(3).collect();
    offsets.insert(1, free);
    offsets.push(offsets[0] + 1);
    // SAFETY: as above.
    let error = unsafe { pool.reclaim_at(offsets, &mut batch) }.expect_err("two are bad");
    assert_eq!((error.position, error.fault, error.count, error.done), (1, Fault::NotLent, 2, 3));
    assert_eq!((batch.len(), pool.audit().pages.lent), (3, 0));
    // SAFETY: as above.
    let error = unsafe { cache.reclaim(own) }.expect_err("it is out");
    assert_eq!((error.page, error.fault), (own, Fault::NotLent));
    drop((page, batch, cache));
    assert_adds_up(&pool);
    assert_eq!(out(&pool), 0);
}

/// In a batch it is at the batch's start afterwards, and the others have gone.
fn a_page_with_two_references_is_not_lent<M: Refcounted>() {
    if !M::CHECKS {
        return;
    }
    let pool = pool::<M>(200);
    let mut batch = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut batch, 150).allocated, 150);
    let ids = batch.ids().to_vec();
    let shared = [ids[0], ids[5], ids[100], ids[149]];
    // SAFETY: not so: the batch owns its pages alone. The references are given up below.
    assert_eq!(unsafe { pool.retain_bulk(&shared) }, Ok(4));
    let mut lending = pool.lend(&mut batch);
    let offsets: Vec<_> = lending.by_ref().take(90).collect();
    drop(lending);
    // Those that were refused come first, also if the lending had only looked at them.
    let rest = ids[92..].iter().copied().filter(|&id| id != shared[2]);
    let order: Vec<_> = shared[..3].iter().copied().chain(rest).collect();
    assert_eq!((batch.ids(), offsets.len()), (&*order, 90));
    let taint = pool.taint().expect("it is tainted");
    assert_eq!((taint.page, taint.call), (Some(ids[0]), Some("lend")));
    assert_eq!(taint.reason, TaintReason::Fault(Fault::Shared { references: 2 }));
    let rest: Vec<_> = pool.lend(&mut batch).collect();
    assert_eq!((batch.ids(), rest.len()), (&shared[..], 56));
    // SAFETY: each page had two references, of which this is the other one.
    assert_eq!(unsafe { pool.release_bulk(&shared) }, Ok(0));
    back(&pool, [offsets, rest].concat());
    drop(batch);
    assert_adds_up(&pool);
    assert_eq!(out(&pool), 0);
}

/// Bad offsets make a pool panic that was built to, when the others are free; a lending never does.
fn a_pool_that_panics_frees_the_others_before<M: Mode>() {
    let pool = build::<M>(200, |builder| builder.on_bad_page(OnBadPage::Panic));
    let mut offsets: Vec<_> = pool.lend_new(100).collect();
    offsets.insert(7, 1 << 40);
    let mut lending = pool.lend_new(50);
    let one = lending.next();
    // SAFETY: the pages are lent, no device has them, and one offset is no page's.
    let freed = catch_unwind(AssertUnwindSafe(|| unsafe { pool.free_lent(offsets) }));
    assert!(freed.is_err());
    drop(lending);
    let pages = pool.audit().pages;
    assert_eq!((pages.lent, pages.out, pages.free + pages.cached), (1, 0, 199));
    back(&pool, one.into_iter().collect());
    assert_adds_up(&pool);
}

/// A panic that is another call's to make loses nothing: of a call that gives pages back, for one.
fn pending_panics_lose_no_lent_page<M: Mode>() {
    assert!(!survives::<M>("lend_new", |scene| {
        let mut lending = scene.pool.lend_new(2);
        scene.lent.extend(lending.ids());
    }));
    assert!(!survives::<M>("lend of a batch", |scene| {
        scene.lent.extend(scene.pool.lend(&mut scene.owned).ids().take(2));
    }));
    let offset = |scene: &mut Scene<M>| {
        let id = scene.lent.pop().expect("a page");
        scene.pool.offset(id).expect("a page of the pool")
    };
    assert!(survives::<M>("reclaim_at", |scene| {
        drop(scene.owned.split_off(1));
        let offset = offset(scene);
        // SAFETY: the page is lent, and no device has it.
        let _ = unsafe { scene.pool.reclaim_at([offset], &mut scene.owned) };
    }));
    assert!(survives::<M>("free_lent", |scene| {
        let offset = offset(scene);
        // SAFETY: as above.
        let _ = unsafe { scene.pool.free_lent([offset]) };
    }));
    assert!(survives::<M>("reclaim_all", |scene| {
        scene.lent.clear();
        // SAFETY: no device has any page.
        let _ = unsafe { scene.pool.reclaim_all() };
    }));
}

fn lent_pages_are_listed_and_taken_back_together<M: Mode>() {
    let pool = pool::<M>(300);
    let mut cache = pool.cache().expect("a cache");
    let block = cache.alloc_block(order(4)).expect("a block");
    let mut owned = PageBatch::<M>::new();
    assert_eq!(cache.alloc_bulk(&mut owned, 30).allocated, 30);
    owned.iter_mut().zip(0..).for_each(|(bytes, seed)| mark(bytes, seed));
    let page = owned.swap_remove(29);
    let mut offsets: Vec<_> = cache.lend_new(100).collect();
    offsets.push(pool.offset(page.lend()).expect("a page"));
    offsets.sort_unstable();
    let (Some(lent), true) = (pool.lent(), M::CHECKS) else {
        assert!(pool.lent().is_none() && !M::CHECKS);
        // SAFETY: no device has the pages; the mode does not know them, either.
        assert_eq!(unsafe { pool.reclaim_all() }, None);
        assert_eq!(pool.audit().pages.lent, 101);
        back(&pool, offsets);
        drop((block, owned, cache));
        return assert_whole(pool);
    };
    let lent: Vec<_> = lent.map(|id| pool.offset(id).expect("a page")).collect();
    assert_eq!(lent, offsets);
    // SAFETY: no device has the pages, whose bytes are initialised.
    assert_eq!(unsafe { pool.reclaim_all() }, Some(101));
    let pages = pool.audit().pages;
    assert_eq!((pages.lent, pages.out), (0, 29 + 16));
    assert_eq!(pool.lent().map(Iterator::count), Some(0));
    assert!(owned.iter().zip(0..).all(|(bytes, seed)| is_marked(bytes, seed)));
    // SAFETY: as above.
    assert_eq!(unsafe { pool.reclaim_all() }, Some(0));
    assert_adds_up(&pool);
    drop(cache);
    // Each can be had once.
    let mut all = PageBatch::<M, 300>::empty();
    assert_eq!(pool.alloc_bulk(&mut all, 300).allocated, 300 - 45);
    assert!(distinct(&[all.ids(), owned.ids()].concat()));
    drop((all, owned, block));
    assert_whole(pool);
}

/// What was leaked with a lending is among them.
fn what_a_leaked_lending_had_ahead_is_listed<M: Mode>() {
    let pool = pool::<M>(200);
    std::mem::forget(pool.lend_new(150).by_ref().next().map(|_| pool.lend_new(10)));
    let mut lending = pool.lend_new(100);
    assert!(lending.next().is_some());
    std::mem::forget(lending);
    let lent = pool.audit().pages.lent;
    assert_eq!(pool.lent().expect("the mode checks").count() as u64, lent);
    // SAFETY: no device has the pages, whose bytes are initialised.
    assert_eq!(unsafe { pool.reclaim_all() }, Some(lent as usize));
    assert_whole(pool);
}

fn what_is_lent_is_told_from_what_is_out<M: Mode>() {
    for (pages, lent, says) in [
        (
            0,
            1,
            "the pool has 1 page out: page NUMBERS; it is lent: reclaim what a device has before close",
        ),
        (
            0,
            3,
            "the pool has 3 pages out: pages NUMBERS; all of them are lent: reclaim what a device has before close",
        ),
        (
            1,
            2,
            "the pool has 3 pages out: pages NUMBERS; 2 of them are lent: reclaim what a device has before close; \
                drop the other before close, or, if it was forgotten, see CloseError::recover_forgotten",
        ),
        (
            2,
            1,
            "the pool has 3 pages out: pages NUMBERS; 1 of them is lent: reclaim what a device has before close; \
                drop the others before close, or, if they were forgotten, see CloseError::recover_forgotten",
        ),
    ] {
        let pool = pool::<M>(100);
        let owned: Vec<_> = (0..pages).map(|_| pool.alloc().expect("a page")).collect();
        let offsets: Vec<_> = pool.lend_new(lent).collect();
        let mode = pool.mode();
        let error = pool.close().expect_err("pages are out");
        assert_eq!(
            (error.out(), error.lent(), error.fenced()),
            ((pages + lent) as u64, lent as u64, 0)
        );
        let numbers: Vec<_> = error.ids().map(|id| id.index().to_string()).collect();
        let says = says.replace("NUMBERS", &numbers.join(", "));
        assert_eq!(plain(&error), format!("{says} [{mode}]"));
        let pool = error.into_pool();
        back(&pool, offsets);
        drop(owned);
        assert_whole(pool);
    }
}

/// What has passed as many tickets as it says.
struct Device(AtomicU64);

impl Fence for Device {
    fn passed(&self, ticket: u64) -> bool {
        self.0.load(Ordering::Acquire) >= ticket
    }
}

fn a_lending_that_finds_none_asks_the_fences<M: Mode>() {
    let device: &'static Device = Box::leak(Box::new(Device(AtomicU64::new(0))));
    let fences: &[&dyn Fence; 1] = Box::leak(Box::new([device as _]));
    let pool = build::<M>(100, |builder| builder.fences(fences));
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M>::new();
    assert_eq!(cache.alloc_bulk(&mut batch, 90).allocated, 90);
    assert_eq!(cache.free_bulk_after(&mut batch, 1), Ok(()));
    let mut lending = cache.lend_new(20);
    let mut offsets: Vec<_> = lending.by_ref().collect();
    assert_eq!((offsets.len(), lending.reason()), (10, Some(ShortReason::Fenced)));
    drop(lending);
    device.0.store(1, Ordering::Release);
    let mut lending = cache.lend_new(90);
    offsets.extend(&mut lending);
    assert_eq!((lending.taken(), lending.reason()), (90, None));
    drop(lending);
    drop(cache);
    back(&pool, offsets);
    assert_whole(pool);
}

/// A fence that panics as the last pages are lent ends the call, and the lending still knows whose each page is.
fn a_lending_counts_its_pages_where_a_fence_panics<M: Mode>() {
    /// Whether tickets have passed, or a panic at 1.
    struct Panics(AtomicU64);
    impl Fence for Panics {
        fn passed(&self, _: u64) -> bool {
            let told = self.0.load(Ordering::Relaxed);
            assert_ne!(told, 1, "on purpose");
            told > 1
        }
    }
    let fence: &'static Panics = Box::leak(Box::new(Panics(AtomicU64::new(0))));
    let fences: &[&dyn Fence; 1] = Box::leak(Box::new([fence as _]));
    let pool = build::<M>(100, |builder| builder.fences(fences));
    let mut batch = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut batch, 90).allocated, 90);
    assert_eq!(pool.free_bulk_after(&mut batch, 1), Ok(()));
    fence.0.store(1, Ordering::Relaxed);
    let mut lending = pool.lend_new(20);
    let caught = catch_unwind(AssertUnwindSafe(|| lending.next()));
    assert!(caught.is_err());
    assert_eq!((lending.taken(), lending.size_hint().0), (0, 10));
    let offsets: Vec<_> = lending.by_ref().take(7).collect();
    assert_eq!((offsets.len(), lending.taken()), (7, 7));
    fence.0.store(2, Ordering::Relaxed);
    drop(lending);
    back(&pool, offsets);
    assert_eq!(pool.reap_fences(), 90);
    assert_whole(pool);
}

fn a_region_is_where_its_pages_are<M: Mode>() {
    let pool = pool::<M>(70);
    let cache = pool.cache().expect("a cache");
    let region = pool.region().expect("it has bytes");
    assert_eq!((region.addr().get(), region.len()), (pool.region_info().base, 70 * 256));
    assert!(pool.regions().eq([region]) && pool.alignment() == 256);
    let mut page = pool.alloc().expect("a page");
    mark(&mut page, 3);
    let id = page.id();
    let start = pool.offset(id).expect("a page") as usize;
    // SAFETY: the page lies in the region, and is initialised; its owner does nothing meanwhile.
    let bytes = unsafe { std::slice::from_raw_parts(region.cast::<u8>().add(start).as_ptr(), 256) };
    assert!(is_marked(bytes, 3));
    // What a pool says of places, its caches say too.
    let address = pool.address(id).expect("a page");
    assert_eq!((cache.address(id), cache.ptr(id)), (Some(address), pool.ptr(id)));
    assert_eq!((cache.offset(id), cache.id_at(address + 255)), (pool.offset(id), Some(id)));
    assert_eq!(cache.id_at_offset(start as u64 + 1), Some(id));
    assert_eq!((cache.capacity(), cache.page_size()), (70, 256));
    assert_eq!((cache.offset(PageId::new(70)), cache.id_at(0)), (None, None));
    assert!(address.is_multiple_of(pool.alignment()));
    drop((page, cache));
    assert_whole(pool);
}

every_mode!(
    a_pool_that_panics_frees_the_others_before,
    lent_pages_are_listed_and_taken_back_together,
    what_is_lent_is_told_from_what_is_out,
    a_lending_that_finds_none_asks_the_fences,
    a_lending_counts_its_pages_where_a_fence_panics,
    a_region_is_where_its_pages_are,
);
every_checking_mode!(
    a_page_that_is_not_lent_is_refused_at_its_position,
    what_a_leaked_lending_had_ahead_is_listed,
);
every_poisoning_mode!(pending_panics_lose_no_lent_page);
every_refcounted_mode!(a_page_with_two_references_is_not_lent);
