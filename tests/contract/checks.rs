//! What checking modes find, what they say about it, and that the pool goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::common::*;

/// A pool of 100 pages with magazines of 4, two caches, and 40 raw pages that are out.
struct Scene<M: Mode> {
    pool: Pool<M>,
    one: Cache<M>,
    two: Cache<M>,
    ids: Vec<PageId>,
}

impl<M: Mode> Scene<M> {
    fn new() -> Self {
        let pool = build::<M>(100, |builder| builder.magazine_capacity(4));
        let (mut one, two) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
        let mut out = no_ids::<40>();
        let (ids, short) = one.alloc_bulk_raw(&mut out);
        assert_eq!((ids.len(), short), (40, None));
        let ids = ids.to_vec();
        Scene { pool, one, two, ids }
    }

    /// Frees the first `n` pages, which is legal.
    fn free(&mut self, n: usize) {
        // SAFETY: the pages are out, and nobody has freed them yet.
        assert_eq!(unsafe { self.one.free_bulk_raw(&self.ids[..n]) }, Ok(()));
    }

    /// Asserts that a free of a bad page among two good ones, by the second cache, frees the good ones and says what
    /// is wrong with the bad one; and that by the pool's shared slot, and without any slot, it says the same.
    #[track_caller]
    fn finds(mut self, bad: PageId, fault: Fault) {
        let before = out(&self.pool);
        let good = [self.ids[38], self.ids[39]];
        // SAFETY: a checking mode finds the bad page and frees the good ones, once.
        let result = unsafe { self.two.free_bulk_raw(&[good[0], bad, good[1]]) };
        self.says(result, bad, 1, 2, fault);
        assert_eq!(out(&self.pool), before - 2);
        // SAFETY: a checking mode finds the bad page.
        let result = unsafe { self.one.free_bulk_raw(&[bad]) };
        self.says(result, bad, 0, 0, fault);
        // SAFETY: as above.
        let result = unsafe { self.pool.free_bulk_raw(&[bad]) };
        self.says(result, bad, 0, 0, fault);
        assert_eq!(out(&self.pool), before - 2);
        assert_adds_up(&self.pool);
        assert!(self.pool.stats().is_none_or(|stats| stats.faults == 3));
        self.goes_on(before as usize - 2);
    }

    #[track_caller]
    fn says(
        &self,
        result: Result<(), PageError>,
        page: PageId,
        position: usize,
        done: usize,
        fault: Fault,
    ) {
        let error = result.expect_err("a bad page");
        assert_eq!((error.page, error.position, error.fault), (page, position, fault));
        assert_eq!((error.count, error.done, error.mode), (1, done, self.pool.mode()));
        let text = format!("{page} at position {position} {fault} [{}]", self.pool.mode());
        assert_eq!(plain(error), text);
        assert!(self.pool.is_tainted());
    }

    /// Asserts that every page that is not out can be had exactly once.
    #[track_caller]
    fn goes_on(self, out: usize) {
        let Scene { pool, one, two, .. } = self;
        drop((one, two));
        let mut batch = PageBatch::<M>::new();
        assert_eq!(
            pool.alloc_bulk(&mut batch, 100 - out),
            BulkAlloc { allocated: 100 - out, reason: None }
        );
        assert!(distinct(batch.ids()));
        assert_eq!(pool.alloc().expect_err("all are out"), ShortReason::Exhausted);
        assert_adds_up(&pool);
    }
}

fn a_double_free_is_found_at_once<M: Mode>() {
    let mut scene = Scene::<M>::new();
    scene.free(1);
    let bad = scene.ids[0];
    scene.finds(bad, Fault::AlreadyFree);
}

fn a_double_free_is_found_after_others<M: Mode>() {
    for n in 2..8 {
        let mut scene = Scene::<M>::new();
        scene.free(n);
        let bad = scene.ids[n % 3 % n];
        scene.finds(bad, Fault::AlreadyFree);
    }
}

fn a_double_free_is_found_within_one_call<M: Mode>() {
    for n in 1..30 {
        let mut scene = Scene::<M>::new();
        let mut call = scene.ids[..n].to_vec();
        call.push(call[n / 2]);
        // SAFETY: a checking mode finds the page that is named twice.
        let result = unsafe { scene.two.free_bulk_raw(&call) };
        scene.says(result, call[n], n, n, Fault::AlreadyFree);
        assert_adds_up(&scene.pool);
        scene.goes_on(40 - n);
    }
}

fn a_double_free_is_found_in_the_depot<M: Mode>() {
    let mut scene = Scene::<M>::new();
    scene.free(30);
    if let Some(stats) = scene.pool.stats() {
        assert!(stats.calls.depot_flushes > 0, "{stats}");
    }
    let bad = scene.ids[0];
    scene.finds(bad, Fault::AlreadyFree);
}

fn a_double_free_is_found_in_the_zone<M: Mode>() {
    let mut scene = Scene::<M>::new();
    scene.free(30);
    scene.pool.drain();
    next_call(&mut scene.one);
    assert_eq!(scene.pool.audit().pages.cached, 0);
    let bad = scene.ids[7];
    scene.finds(bad, Fault::AlreadyFree);
}

fn a_double_free_is_found_without_any_slot<M: Mode>() {
    let pool = build::<M>(10, |builder| builder.shared_caches(0));
    let mut cache = pool.cache().expect("a cache");
    let id = cache.alloc().expect("a page").into_raw();
    // SAFETY: the page is out.
    assert_eq!(unsafe { pool.free_bulk_raw(&[id]) }, Ok(()));
    for _ in 0..2 {
        // SAFETY: a checking mode finds that the page is free.
        let error = unsafe { pool.free_bulk_raw(&[id]) }.expect_err("free");
        assert_eq!((error.page, error.fault, error.done), (id, Fault::AlreadyFree, 0));
        // SAFETY: as above.
        let error = unsafe { cache.free_bulk_raw(&[id]) }.expect_err("free");
        assert_eq!((error.page, error.fault, error.done), (id, Fault::AlreadyFree, 0));
    }
    assert_adds_up(&pool);
    // Pages that were not freed do not count as freed: the pool knows that none is left.
    drop(cache);
    let all: Vec<_> = std::iter::from_fn(|| pool.alloc().ok()).collect();
    assert_eq!((all.len(), pool.alloc().err()), (10, Some(ShortReason::Exhausted)));
}

fn a_page_that_was_never_out_is_found<M: Mode>() {
    let scene = Scene::<M>::new();
    let bad = PageId::new(99);
    assert!(!scene.ids.contains(&bad));
    scene.finds(bad, Fault::AlreadyFree);
}

fn a_page_outside_the_pool_is_found<M: Mode>() {
    for index in [100, 101, u32::MAX] {
        Scene::<M>::new().finds(PageId::new(index), Fault::OutOfRange);
    }
}

fn a_lent_page_is_found<M: Mode>() {
    let mut scene = Scene::<M>::new();
    let bad = scene.two.alloc().expect("a page").lend();
    let pool = scene.pool.clone();
    let before = pool.audit().pages;
    assert_eq!((before.lent, before.out), (1, 40));
    let good = scene.ids[0];
    // SAFETY: a checking mode finds that the page is lent.
    let result = unsafe { scene.two.free_bulk_raw(&[bad, good]) };
    scene.says(result, bad, 0, 1, Fault::Lent);
    // SAFETY: the page is still lent.
    drop(unsafe { pool.reclaim(bad) }.expect("lent"));
    // SAFETY: a checking mode finds that the page is not lent.
    let error = unsafe { pool.reclaim(bad) }.expect_err("not lent");
    scene.says(Err(error), bad, 0, 0, Fault::NotLent);
    assert_eq!(pool.audit().pages.lent, 0);
    scene.goes_on(39);
}

/// The next owner is not to be blamed for it.
fn a_free_page_cannot_be_lent<M: Mode>() {
    let pool = build::<M>(8, |builder| builder.magazine_capacity(4));
    let mut cache = pool.cache().expect("a cache");
    let id = cache.alloc().expect("a page").into_raw();
    // SAFETY: the page is out.
    assert_eq!(unsafe { cache.free_bulk_raw(&[id]) }, Ok(()));
    // SAFETY: not so: the page is free, which a checking mode finds.
    assert_eq!(unsafe { Page::from_raw(&pool, id) }.lend(), id);
    assert!(pool.is_tainted());
    assert_eq!(pool.audit().pages.lent, 0);
    assert_adds_up(&pool);
    let mut all = PageBatch::<M>::new();
    assert_eq!(cache.alloc_bulk(&mut all, 8), BulkAlloc { allocated: 8, reason: None });
}

fn a_page_of_a_block_is_found<M: Mode>() {
    for at in [0, 1, 7] {
        let mut scene = Scene::<M>::new();
        let block = scene.two.alloc_block(Order::new(3).expect("legal")).expect("a block");
        let bad = PageId::new(block.id().index() + at);
        scene.finds(bad, Fault::InBlock { order: 3 });
        drop(block);
    }
}

fn a_shared_page_is_found_and_a_free_page_cannot_be_shared<M: Refcounted>() {
    let mut scene = Scene::<M>::new();
    let bad = scene.ids[3];
    // SAFETY: the page is out, with one reference of ours.
    assert_eq!(unsafe { scene.one.retain_bulk(&[bad]) }, Ok(1));
    scene.finds(bad, Fault::Shared { references: 2 });
    if !M::CHECKS {
        return;
    }
    let mut scene = Scene::<M>::new();
    scene.free(1);
    let bad = scene.ids[0];
    // SAFETY: a checking mode finds that the page is free.
    let error = unsafe { scene.two.retain_bulk(&[scene.ids[5], bad]) }.expect_err("free");
    scene.says(Err(error), bad, 1, 1, Fault::AlreadyFree);
    // SAFETY: as above.
    let error = unsafe { scene.two.release_bulk(&[bad, scene.ids[5]]) }.expect_err("free");
    scene.says(Err(error), bad, 0, 1, Fault::AlreadyFree);
    scene.goes_on(39);
}

fn a_second_owner_is_found_when_it_goes_and_a_drop_never_panics<M: Mode>() {
    let pool = build::<M>(10, |builder| builder.on_bad_page(OnBadPage::Panic));
    let id = pool.alloc().expect("a page").into_raw();
    // SAFETY: not so: the page gets two owners, which a checking mode finds when the second one goes.
    let (one, two) = unsafe { (Page::from_raw(&pool, id), Page::from_raw(&pool, id)) };
    drop(one);
    assert!(!pool.is_tainted());
    drop(two);
    assert!(pool.is_tainted());
    assert_adds_up(&pool);
    assert_eq!(out(&pool), 0);
    assert!(pool.close().is_ok());
}

/// The pages that the allocation got are in the batch, and the pool goes on.
fn on_bad_page_panics_where_an_allocation_withholds_one<M: Mode>() {
    let pool = build::<M>(10, |builder| builder.on_bad_page(OnBadPage::Panic));
    let mut cache = pool.cache().expect("a cache");
    let page = cache.alloc().expect("a page");
    let (id, byte) = (page.id(), page.base_ptr().wrapping_add(17));
    cache.free(page);
    // SAFETY: the region is mapped; that the page is free is the misuse.
    unsafe { byte.write(!byte.read()) };
    let mut batch = PageBatch::<M>::new();
    let alloc = AssertUnwindSafe(|| _ = cache.alloc_bulk(&mut batch, 10));
    let panic = catch_unwind(alloc).expect_err("the policy is to panic");
    let text = panic.downcast::<String>().expect("a message");
    let said = "was written after it was freed, at byte 17: look for a pointer that is used after \
                the free";
    assert_eq!(plain(text), format!("pagesheaf: {id} {said} [{}]", pool.mode()));
    assert_eq!((batch.len(), pool.audit().pages.bad), (9, 1));
    assert_adds_up(&pool);
    // It is said once.
    cache.free_bulk(&mut batch);
    assert_eq!(cache.alloc_bulk(&mut batch, 9), BulkAlloc { allocated: 9, reason: None });
}

fn on_bad_page_panics_after_the_state_is_committed<M: Mode>() {
    let pool = build::<M>(10, |builder| builder.on_bad_page(OnBadPage::Panic));
    let mut cache = pool.cache().expect("a cache");
    let [a, b, c] = [(); 3].map(|()| cache.alloc().expect("a page").into_raw());
    // SAFETY: the page is out.
    assert_eq!(unsafe { cache.free_bulk_raw(&[b]) }, Ok(()));
    // SAFETY: a checking mode finds that `b` is free.
    let free = AssertUnwindSafe(|| unsafe { cache.free_bulk_raw(&[a, b, c]) });
    let panic = catch_unwind(free).expect_err("the policy is to panic");
    let text = panic.downcast::<String>().expect("a message");
    let (said, mode) = ("is already free: look for a second free", pool.mode());
    assert_eq!(plain(text), format!("pagesheaf: {b} at position 1 {said} [{mode}]"));
    assert_eq!(out(&pool), 0);
    assert!(pool.is_tainted());
    assert_adds_up(&pool);
    if poisons::<M>() {
        on_bad_page_panics_where_an_allocation_withholds_one::<M>();
    }
    // SAFETY: not so: a checking mode finds that the owner's page is free.
    let owner = unsafe { Page::from_raw(&pool, b) };
    assert!(catch_unwind(AssertUnwindSafe(|| pool.free(owner))).is_err());
    assert_eq!(out(&pool), 0);
    drop(cache);
    assert!(pool.close().is_ok());
}

/// Writes a byte of a page that was freed, wherever it rests, and counts what comes back of 100 pages.
fn write_after_free<M: Mode>(offset: usize, rests: fn(&mut Scene<M>)) -> (usize, Pool<M>) {
    let mut scene = Scene::<M>::new();
    scene.free(40);
    rests(&mut scene);
    let byte = scene.pool.ptr(scene.ids[5]).expect("in range").as_ptr().wrapping_add(offset);
    // SAFETY: the region is mapped; that the page is free is the fault that hardened modes find.
    unsafe { byte.write_volatile(!byte.read_volatile()) };
    let Scene { pool, one, two, .. } = scene;
    drop((one, two));
    let mut batch = PageBatch::<M>::new();
    let bulk = pool.alloc_bulk(&mut batch, 200);
    assert!(distinct(batch.ids()));
    assert_eq!(bulk.reason, Some(ShortReason::Exhausted));
    (bulk.allocated, pool)
}

/// Where a freed page may rest.
fn places<M: Mode>() -> [fn(&mut Scene<M>); 2] {
    let to_zone = |scene: &mut Scene<M>| {
        scene.pool.drain();
        next_call(&mut scene.one);
    };
    [|_| {}, to_zone]
}

fn a_write_after_free_is_found_and_the_page_withheld<M: Mode>() {
    for offset in [0, 1, 7, 8, 100, 254, 255] {
        for rests in places::<M>() {
            let (new, pool) = write_after_free(offset, rests);
            assert_eq!(new, 99, "byte {offset}");
            assert_eq!(pool.audit().pages.bad, 1);
            assert!(pool.is_tainted());
            assert!(pool.stats().is_none_or(|stats| stats.faults == 1));
            assert_adds_up(&pool);
            let mut batch = PageBatch::<M>::new();
            for _ in 0..5 {
                assert_eq!(
                    pool.alloc_bulk(&mut batch, 99),
                    BulkAlloc { allocated: 99, reason: None }
                );
                pool.free_bulk(&mut batch);
            }
            assert!(pool.close().is_ok(), "a withheld page is not out");
        }
    }
}

fn only_hardened_modes_find_a_write_after_free<M: Mode>() {
    for rests in places::<M>() {
        let (new, pool) = write_after_free(100, rests);
        let found = usize::from(poisons::<M>());
        assert_eq!((new, pool.audit().pages.bad), (100 - found, found as u64));
        assert_eq!(pool.is_tainted(), poisons::<M>());
    }
}

fn an_error_says_how_many_more_pages_were_bad<M: Mode>() {
    let mut scene = Scene::<M>::new();
    scene.free(3);
    // SAFETY: a checking mode finds the pages, which are free.
    let error = unsafe { scene.two.free_bulk_raw(&scene.ids[..3]) }.expect_err("free already");
    let (first, mode) = (scene.ids[0], scene.pool.mode());
    let said = "is already free, and 2 more bad pages: look for a second free";
    let text = format!("{first} at position 0 {said} [{mode}]");
    assert_eq!((error.count, plain(error)), (3, text));
}

every_checking_mode!(
    an_error_says_how_many_more_pages_were_bad,
    a_double_free_is_found_at_once,
    a_double_free_is_found_after_others,
    a_double_free_is_found_within_one_call,
    a_double_free_is_found_in_the_depot,
    a_double_free_is_found_in_the_zone,
    a_double_free_is_found_without_any_slot,
    a_page_that_was_never_out_is_found,
    a_page_outside_the_pool_is_found,
    a_lent_page_is_found,
    a_page_of_a_block_is_found,
    a_second_owner_is_found_when_it_goes_and_a_drop_never_panics,
    on_bad_page_panics_after_the_state_is_committed,
    a_free_page_cannot_be_lent,
);
every_refcounted_mode!(a_shared_page_is_found_and_a_free_page_cannot_be_shared);
every_poisoning_mode!(a_write_after_free_is_found_and_the_page_withheld);
every_mode!(only_hardened_modes_find_a_write_after_free);

/// With `--cfg pagesheaf_force_checks`, modes that do not ask for checks have them.
#[cfg(pagesheaf_force_checks)]
mod forced {
    use crate::common::*;

    #[test]
    fn bare_finds_what_checking_modes_find() {
        super::a_double_free_is_found_at_once::<Bare>();
        super::a_double_free_is_found_in_the_depot::<Bare>();
        super::a_page_outside_the_pool_is_found::<Bare>();
        super::a_page_of_a_block_is_found::<Bare>();
        super::on_bad_page_panics_after_the_state_is_committed::<NoChecks>();
    }
}
