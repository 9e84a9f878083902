//! What made a pool one that cannot be trusted fully: the first cause, its page and its call; and who is told.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::common::*;

/// What a test does when it is told.
type Told = Box<dyn FnMut(&Taint)>;

thread_local!(static TOLD: RefCell<Option<Told>> = const { RefCell::new(None) });

fn hook(taint: &Taint) {
    // Taken out, so that what the hook calls may call it again.
    let told = TOLD.take();
    if let Some(mut told) = told {
        told(taint);
        TOLD.set(Some(told));
    }
}

/// What the hook was told since it was last asked.
fn said() -> Vec<Taint> {
    thread_local!(static SAID: RefCell<Vec<Taint>> = const { RefCell::new(Vec::new()) });
    if TOLD.with_borrow(Option::is_none) {
        TOLD.set(Some(Box::new(|taint| SAID.with_borrow_mut(|said| said.push(*taint)))));
    }
    SAID.take()
}

/// A pool with a hook, without pages in caches.
fn told<M: Mode>(pages: usize) -> Pool<M> {
    assert!(said().is_empty());
    build::<M>(pages, |builder| builder.shared_caches(1).on_taint(hook))
}

/// Refuses a page that is free, by a raw call.
fn misfree<M: Mode>(pool: &Pool<M>, id: PageId) {
    // SAFETY: not so: the page is free, and a checking mode refuses it.
    let error = unsafe { pool.free_bulk_raw(&[id]) }.expect_err("it is free");
    assert_eq!(error.fault, Fault::AlreadyFree);
}

fn a_taint_is_the_first_cause_and_is_told_once<M: Mode>() {
    let pool = told::<M>(50);
    let ids = [pool.alloc_raw().expect("a page"), pool.alloc_raw().expect("a page")];
    assert_eq!((pool.taint(), pool.is_tainted()), (None, false));
    // SAFETY: the pages are out, nobody wrote them, and nobody else uses them.
    unsafe {
        assert_eq!(pool.free_bulk_ignoring_refcounts(&[]), Ok(()));
        assert_eq!(pool.taint(), None);
        assert_eq!(pool.free_bulk_ignoring_refcounts(&ids), Ok(()));
    }
    let taint = pool.taint().expect("the call taints");
    assert_eq!((taint.reason, taint.page), (TaintReason::RefcountsIgnored, Some(ids[0])));
    assert_eq!((taint.call, taint.mode), (Some("free_bulk_ignoring_refcounts"), pool.mode()));
    assert_eq!(said(), [taint]);
    // Whatever comes next, it stays.
    let id = pool.alloc_raw().expect("a page");
    // SAFETY: as above.
    assert_eq!(unsafe { pool.free_bulk_ignoring_refcounts(&[id]) }, Ok(()));
    let far = PageId::new(99);
    if M::CHECKS || M::REFCOUNT {
        // SAFETY: not so: there is no such page, which is refused.
        assert!(unsafe { pool.free_bulk_raw(&[far]) }.is_err());
    }
    assert_eq!((pool.taint(), said()), (Some(taint), vec![]));
    assert_adds_up(&pool);
    pool.close().expect("no page is out");
}

fn a_fault_taints_with_its_page_and_call<M: Mode>() {
    let pool = told::<M>(50);
    let page = pool.alloc().expect("a page");
    let id = page.id();
    pool.free(page);
    misfree(&pool, id);
    let taint = pool.taint().expect("a fault");
    assert_eq!((taint.reason, taint.page), (TaintReason::Fault(Fault::AlreadyFree), Some(id)));
    assert_eq!(taint.call, Some("free_bulk_raw"));
    let text = format!(
        "{id} is already free, found by free_bulk_raw: look for a second free [{}]",
        pool.mode()
    );
    assert_eq!((plain(taint), said()), (text, vec![taint]));
    // A call of a cache that was told of it says no more.
    let pool = told::<M>(50);
    let mut cache = pool.cache().expect("a cache");
    let id = cache.alloc().expect("a page").lend();
    let device = PageBatch::<M>::new();
    let mut batch = device;
    // SAFETY: not so: the second page is not lent, which is refused.
    let error = unsafe { cache.reclaim_bulk(&[id, PageId::new(40)], &mut batch) };
    assert_eq!(error.expect_err("one is not lent").done, 1);
    let taint = pool.taint().expect("a fault");
    assert_eq!((taint.page, taint.call), (Some(PageId::new(40)), Some("reclaim_bulk")));
    assert_eq!(said(), [taint]);
    cache.free_bulk(&mut batch);
    drop(cache);
    assert_eq!(said(), []);
}

fn a_drop_leaves_the_hook_to_the_next_call<M: Mode>() {
    let pool = told::<M>(50);
    let page = pool.alloc().expect("a page");
    let id = page.id();
    pool.free(page);
    // SAFETY: not so: the page is free. A drop refuses it, and says nothing.
    drop(unsafe { Page::from_raw(&pool, id) });
    let taint = pool.taint().expect("a fault");
    assert_eq!((taint.page, taint.call, said()), (Some(id), Some("drop"), vec![]));
    // A call that takes its fast path has no time for it; this one does not.
    pool.drain();
    assert_eq!(said(), [taint]);
    pool.drain();
    assert_eq!(said(), []);
}

/// The hook comes when the call has done its work, and has given its slot back: it can call the pool.
fn the_hook_may_use_the_pool<M: Mode>() {
    for by_cache in [false, true] {
        let pool = build::<M>(50, |builder| builder.shared_caches(1).on_taint(hook));
        let mut cache = pool.cache().expect("a cache");
        let page = pool.alloc().expect("a page");
        let (id, handle) = (page.id(), pool.clone());
        pool.free(page);
        let work = move |_: &Taint| {
            let before = handle.stats().map(|stats| stats.calls.alloc_calls);
            let mut batch = PageBatch::<M>::new();
            assert_eq!(handle.alloc_bulk(&mut batch, 7).allocated, 7);
            // By a slot, of which there is one: who allocated without would count elsewhere.
            let after = handle.stats().map(|stats| stats.calls.alloc_calls);
            assert_eq!(after, before.map(|before| before + 1));
            handle.free_bulk(&mut batch);
        };
        TOLD.set(Some(Box::new(work)));
        // SAFETY: not so: the page is free, and a checking mode refuses it.
        let freed = unsafe {
            if by_cache { cache.free_bulk_raw(&[id]) } else { pool.free_bulk_raw(&[id]) }
        };
        assert!(freed.is_err());
        drop((cache, TOLD.take()));
        assert_adds_up(&pool);
        pool.close().expect("no page is out");
    }
}

fn the_hook_comes_before_the_panic<M: Mode>() {
    assert!(said().is_empty());
    let pool = build::<M>(50, |builder| {
        builder.shared_caches(1).on_taint(hook).on_bad_page(OnBadPage::Panic)
    });
    let id = pool.alloc_raw().expect("a page");
    // SAFETY: the page is out, and nobody wrote it.
    assert_eq!(unsafe { pool.free_raw(id) }, Ok(()));
    // SAFETY: not so: the page is free, and a checking mode refuses it.
    let again = || unsafe { pool.free_raw(id) };
    assert!(catch_unwind(AssertUnwindSafe(again)).is_err());
    assert_eq!(said(), [pool.taint().expect("a fault")]);
}

every_mode!(a_taint_is_the_first_cause_and_is_told_once);

mod checking {
    use super::*;
    every_checking_mode!(
        a_fault_taints_with_its_page_and_call,
        a_drop_leaves_the_hook_to_the_next_call,
        the_hook_may_use_the_pool,
        the_hook_comes_before_the_panic,
        a_page_that_came_back_in_doubt_goes_to_the_zone,
    );
}

mod poisoning {
    use super::*;
    every_poisoning_mode!(a_stray_write_to_a_page_in_doubt_is_found_and_named);
}

mod counting {
    use super::*;
    every_refcounted_mode!(a_reference_made_after_an_elevated_free_withholds_the_page);
}

/// A page that was freed whatever its count was does not come next, and is as good as any other.
fn a_page_that_came_back_in_doubt_goes_to_the_zone<M: Mode>() {
    let pool = build::<M>(100, |builder| builder.magazine_capacity(4).initially(100));
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M>::new();
    assert_eq!(cache.alloc_bulk(&mut batch, 100).allocated, 100);
    let ids = [3, 1, 2].map(|_| batch.pop().expect("a page").into_raw());
    let before = pool.audit().pages;
    // SAFETY: the pages are out, nobody wrote them, and nobody else uses them.
    assert_eq!(unsafe { cache.free_bulk_ignoring_refcounts(&ids) }, Ok(()));
    let pages = pool.audit().pages;
    if pool.mode().compact {
        assert_eq!(pages.cached, before.cached + 3);
    } else {
        assert_eq!((pages.free, pages.cached), (before.free + 3, before.cached));
    }
    assert_adds_up(&pool);
    assert_eq!(pool.audit().corrupt, Some(0));
    for &id in &ids {
        misfree(&pool, id);
    }
    cache.drain();
    // Each way out of the zone: offline and back, by its number, in a bulk.
    assert_eq!(pool.offline(ids[0].index()..ids[0].index() + 1).map(|it| it.count()), Ok(1));
    // SAFETY: the pool has the memory of the page, which nobody has touched.
    unsafe { pool.online(ids[0].index()..ids[0].index() + 1) }.expect("it is offline");
    let second = cache.alloc_at(ids[1]).expect("it is free");
    assert_eq!(cache.alloc_bulk(&mut batch, 2).allocated, 2);
    cache.free(second);
    cache.free_bulk(&mut batch);
    assert_adds_up(&pool);
    assert_eq!((out(&pool), pool.audit().pages.bad), (0, 0));
}

/// Also where one page in many is poisoned: who still has a page in doubt may write to it.
fn a_stray_write_to_a_page_in_doubt_is_found_and_named<M: Mode>() {
    let pool =
        build::<M>(100, |builder| builder.poison_every(u32::MAX).shared_caches(1).on_taint(hook));
    let page = pool.alloc().expect("a page");
    let (byte, id) = (page.base_ptr(), page.into_raw());
    // SAFETY: not so: whoever has the pointer uses it.
    assert_eq!(unsafe { pool.free_bulk_ignoring_refcounts(&[id]) }, Ok(()));
    // SAFETY: the region is mapped; that the page is free is the misuse.
    unsafe { byte.add(5).write(0) };
    assert!(pool.alloc_at(id).is_err());
    let bad: Vec<_> = pool.bad_pages().map(|bad| (bad.page, bad.fault)).collect();
    assert_eq!(bad, [(id, Fault::Poison { offset: 5 })]);
    assert_adds_up(&pool);
}

/// Whoever still has a reference and makes another, while the page is free, is found out as the page leaves.
fn a_reference_made_after_an_elevated_free_withholds_the_page<M: Refcounted>() {
    if !M::CHECKS {
        return;
    }
    let pool = told::<M>(100);
    let stale = pool.alloc_zeroed().expect("a page").into_shared();
    let id = stale.id();
    // SAFETY: not so: the holder of the reference uses it.
    assert_eq!(unsafe { pool.free_bulk_ignoring_refcounts(&[id]) }, Ok(()));
    said();
    let another = stale.clone();
    assert_eq!(pool.audit().misplaced, Some(1));
    let mut batch = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut batch, 100).allocated, 99);
    assert!(!batch.ids().contains(&id));
    assert!(pool.bad_pages().map(|bad| bad.page).eq([id]));
    assert_adds_up(&pool);
    // They end as any reference to a page that is withheld.
    drop((stale, another));
    assert_eq!((pool.audit().pages.bad, out(&pool)), (1, 99));
}
