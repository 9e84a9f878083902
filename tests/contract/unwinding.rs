//! Panics: every public type may be used in a closure that is caught, and is whole afterwards.

use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};

use crate::common::*;

/// A type that may be moved into such a closure, and borrowed by it.
fn both<T: UnwindSafe + RefUnwindSafe>() {}

/// One that lends something to be written, as `&mut` itself: it may be borrowed only.
fn borrowed<T: RefUnwindSafe>() {}

/// Compiles for whatever mode there will be, not only for those it is called with.
///
/// `cargo test -p xtask -- exports` compares the names with those of the crate.
fn every_public_type_is_unwind_safe<M: Mode>() {
    both::<M>();
    both::<(Bare, Checked, Compact, DefaultMode, Hardened, NoChecks, NoRefcount, NoStats)>();
    both::<Select<true, true, true, { hardening::CLAIM }>>();
    // What is called.
    both::<(Pool<M>, StaticPool<M>, Critical<'_, M>, WentOffline<'_, M>)>();
    both::<(Cache<M>, Cache<M, true>, CacheBuilder<'_, M>, CacheBuilder<'_, M, true>)>();
    both::<(ParkedCache<M>, ParkedCache<M, true>)>();
    both::<(NodeSet<M>, NodeSet<M, 3>, NodeMask, NodePolicy, NodeStats, SharedNodeMask)>();
    // What owns pages.
    both::<(Page<M>, SharedPage<M>, Block<M>, Retained<M>)>();
    both::<(PageBatch<M>, PageBatch<M, 7>, NodeBatch<M>, Prefilled<M>, Prefilled<M, 7>)>();
    both::<(IntoIter<M>, IntoIter<M, 7>, IntoPages<M>, IntoBlocks<M>, Iter<'_, M>)>();
    borrowed::<(IterMut<'_, M>, FromBatch<'_, M>, Lending<FromBatch<'_, M>>)>();
    // What a pool is built from.
    both::<(Builder<M>, Region, PageRange, Mapping, HugePages, OnBadPage, Ticket)>();
    // What is said of it.
    both::<(BuildReport, RegionInfo, RegionKind, Huge, ModeFlags, Maintained, NotPurged)>();
    both::<(Audit, Calls, Pages, Stats, Holder, HolderState, Pressure, Watermark)>();
    both::<(PageId, Order, BulkAlloc, Filled, ShortReason)>();
    // What can go wrong.
    both::<(CloseError<M>, PushError<M>, BadPage, Fault, Taint, TaintReason)>();
    both::<(BuildError, MemoryLimit, InitError, NotBuilt, PlaceError, PlaceReason)>();
    both::<(CacheError, PageError, ExactError, BatchError, OrderError, IdError)>();
    both::<(NodeError, RangeError, FenceError, WaitError, WaitReason)>();
    #[cfg(feature = "std")]
    both::<Helper>();
    #[cfg(feature = "track")]
    both::<(Age, Event, History, Outstanding)>();
    #[cfg(feature = "fault-injection")]
    both::<(CallKinds, FaultPlan, InjectedFault)>();
}

fn calls_are_caught_without_a_wrapper<M: Mode>() {
    let pool = pool::<M>(100);
    let page = catch_unwind(|| pool.alloc()).expect("no panic").expect("a page");
    let mut cache = pool.cache().expect("a cache");
    let cache = catch_unwind(move || {
        cache.free(page);
        cache
    });
    drop(cache.expect("no panic"));
    let block = pool.alloc_block(ORDER_6).expect("a block");
    catch_unwind(|| block.len()).expect("no panic");
    catch_unwind(move || drop(block)).expect("no panic");
    assert_whole(pool);
}

/// What a caller's code does in the middle of a call finds the batch and the pool as they were
/// after the page before.
fn a_panic_of_the_callers_code_leaves_everything_whole<M: Mode>() {
    let pool = pool::<M>(100);
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M>::new();
    assert_eq!(cache.alloc_bulk(&mut batch, 20).allocated, 20);
    let mut others = PageBatch::<M>::new();
    let caught = catch_unwind(move || {
        let pages = batch.into_iter().enumerate();
        let pages = pages.map(|(at, page)| if at == 7 { panic!("the caller's") } else { page });
        others.try_extend(pages).is_ok()
    });
    assert!(caught.is_err());
    // The batches were moved into the closure, and freed their pages.
    assert_eq!(out(&pool), 0);
    let caught = catch_unwind(move || {
        let _page = cache.alloc().expect("a page");
        panic!("the caller's");
    });
    assert!(caught.is_err());
    assert_eq!(out(&pool), 0);
    assert_whole(pool);
}

fn a_pool_that_panics_has_done_its_work_before<M: Mode>() {
    if !M::CHECKS {
        return;
    }
    let pool = build::<M>(100, |builder| builder.on_bad_page(OnBadPage::Panic));
    let id = pool.alloc().expect("a page").into_raw();
    // SAFETY: the page is out and freed once; the other does not exist, and is refused.
    let free = || unsafe { pool.free_bulk_raw(&[id, PageId::new(100)]).is_ok() };
    assert!(catch_unwind(free).is_err());
    let pages = pool.audit().pages;
    assert!(pages.adds_up() && pages.out == 0 && pool.is_tainted(), "{pages}");
    drop(catch_unwind(|| pool.alloc()).expect("no panic").expect("a page"));
    pool.close().expect("every page is back");
}

every_mode!(
    every_public_type_is_unwind_safe,
    calls_are_caught_without_a_wrapper,
    a_panic_of_the_callers_code_leaves_everything_whole,
    a_pool_that_panics_has_done_its_work_before,
);
