//! Calls that a plan makes fail: each says so, and the pool is as after a call that failed by itself.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::common::*;

fn planned<M: Mode>(plan: FaultPlan) -> Pool<M> {
    let pool = build::<M>(200, |builder| builder.max_caches(2).fault_plan(plan));
    pool.inject_faults(false);
    pool
}

/// What each call says of which the plan is.
fn refusals<M: Mode, F: Front<M>>(front: &mut F) -> Vec<(CallKinds, bool)> {
    let mut batch = PageBatch::<M, 64>::empty();
    let order = Order::try_from(1).expect("an order");
    let injected = |reason: Option<ShortReason>| reason == Some(ShortReason::Injected);
    let at = |reason: PlaceReason| reason == PlaceReason::Injected;
    let mut said = Vec::new();
    let mut say = |kind, failed| said.push((kind, failed));
    say(CallKinds::SINGLE, injected(front.alloc().err()));
    say(CallKinds::SINGLE, injected(front.alloc_zeroed().err()));
    say(CallKinds::SINGLE, injected(front.alloc_raw().err()));
    say(CallKinds::BULK, injected(front.alloc_bulk(&mut batch, 8).reason));
    say(CallKinds::BULK, injected(front.alloc_bulk_zeroed(&mut batch, 8).reason));
    say(CallKinds::BULK, injected(front.fill_vacant(&mut [const { None }; 8]).reason));
    say(
        CallKinds::BULK,
        injected(front.alloc_bulk_raw(&mut [std::mem::MaybeUninit::uninit(); 8]).1),
    );
    let exact = front.alloc_bulk_exact(&mut batch, 8).map_err(|error| error.reason);
    say(CallKinds::EXACT, injected(exact.err()));
    say(CallKinds::BLOCKS, injected(front.alloc_block(order).err()));
    say(CallKinds::BLOCKS, injected(front.alloc_block_raw(order).err()));
    say(
        CallKinds::BLOCKS,
        injected(front.alloc_blocks_bulk(order, &mut [const { None }; 4]).reason),
    );
    let mut blocks = [std::mem::MaybeUninit::uninit(); 4];
    say(CallKinds::BLOCKS, injected(front.alloc_blocks_bulk_raw(order, &mut blocks).1));
    let id = PageId::new(8);
    say(CallKinds::AT, front.alloc_at(id).is_err_and(|error| at(error.reason)));
    say(CallKinds::AT, front.alloc_at_raw(id).is_err_and(|error| at(error.reason)));
    say(CallKinds::AT, front.alloc_block_at(id, order).is_err_and(|error| at(error.reason)));
    say(CallKinds::AT, front.alloc_block_at_raw(id, order).is_err_and(|error| at(error.reason)));
    assert!(batch.is_empty());
    said
}

fn every_call_fails_by_a_plan<M: Mode>() {
    let pool = planned::<M>(FaultPlan::new(0));
    let mut cache = pool.cache().expect("a cache");
    let before = pool.audit().pages;
    pool.inject_faults(true);
    let said = [refusals(&mut cache), refusals(&mut { pool.clone() })].concat();
    assert!(said.iter().all(|&(_, failed)| failed), "{said:?}");
    assert_eq!(pool.cache().err(), Some(CacheError::Injected));
    assert_eq!(pool.injected_faults(), said.len() as u64 + 1);
    assert_eq!(pool.audit().pages, before);
    pool.inject_faults(false);
    assert!(cache.alloc().is_ok() && pool.alloc().is_ok());
    drop(cache);
    assert!(!pool.is_tainted());
    assert_whole(pool);
}

/// The calls that only caches, pools, views of them or sets of them have.
fn every_other_call_fails_by_a_plan<M: Mode>() {
    let pool = planned::<M>(FaultPlan::new(0));
    let mut cache = pool.cache().expect("a cache");
    let (critical, of, mask) = (pool.critical(), StaticPool::<M>::new(), NodeMask::ALL);
    of.init_with(|| Ok(pool.clone())).expect("it is the first");
    let nodes = NodeSet::<M, 2>::new([pool.clone()]).expect("a node");
    let (mask, injected) = (SharedNodeMask::new(mask), ShortReason::Injected);
    let mut batch = PageBatch::<M, 64>::empty();
    let mut by_node = NodeBatch::<M, 64, 2>::empty();
    let before = pool.audit().pages;
    pool.inject_faults(true);
    assert_eq!(cache.prefill(4).err().map(|error| error.reason), Some(injected));
    assert_eq!(pool.prefill(4).err().map(|error| error.reason), Some(injected));
    let mut lending = cache.lend_new(4);
    assert_eq!((lending.next(), lending.reason()), (None, Some(injected)));
    drop(lending);
    let mut lending = pool.lend_new(4);
    assert_eq!((lending.next(), lending.reason()), (None, Some(injected)));
    drop(lending);
    assert_eq!(critical.alloc().err(), Some(injected));
    assert_eq!(critical.alloc_bulk(&mut batch, 4).reason, Some(injected));
    assert_eq!(critical.alloc_bulk_exact(&mut batch, 4).err().map(|it| it.reason), Some(injected));
    assert_eq!(of.alloc().err(), Some(injected));
    assert_eq!(of.alloc_bulk(&mut batch, 4).reason, Some(injected));
    assert_eq!(nodes.alloc_masked(&mask).err(), Some(injected));
    assert_eq!(nodes.alloc_bulk_masked(&mut by_node, 4, &mask).reason, Some(injected));
    assert_eq!(pool.cache_stealable().err(), Some(CacheError::Injected));
    assert_eq!(of.cache().err(), Some(CacheError::Injected));
    assert_eq!(pool.cache_named("rx").build().err(), Some(CacheError::Injected));
    #[cfg(feature = "std")]
    {
        let (refused, ever) = (WaitReason::Refused(injected), std::time::Duration::MAX);
        let error = pool.alloc_bulk_timeout(&mut batch, 4, ever);
        assert_eq!(error.err().map(|error| error.reason), Some(refused));
        let error = cache.alloc_bulk_exact_timeout(&mut batch, 4, ever);
        assert_eq!(error.err().map(|error| error.reason), Some(refused));
    }
    assert!(batch.is_empty() && by_node.is_empty());
    assert_eq!(pool.audit().pages, before);
    drop((cache, of, nodes));
    assert_whole(pool);
    // A cache that is made cannot be filled.
    let pool = planned::<M>(FaultPlan::new(0).calls(CallKinds::BULK));
    pool.inject_faults(true);
    let error = CacheError::Short { pages: 4, had: 0, reason: injected };
    assert_eq!(pool.cache_named("rx").min(4).build().err(), Some(error));
    assert_whole(pool);
}

fn only_calls_of_the_plans_kinds_fail<M: Mode>() {
    for kind in [CallKinds::EXACT, CallKinds::AT, CallKinds::CACHES] {
        let pool = planned::<M>(FaultPlan::new(0).calls(kind));
        let mut cache = pool.cache().expect("a cache");
        pool.inject_faults(true);
        let mut batch = PageBatch::<M, 64>::empty();
        assert_eq!(cache.alloc_bulk(&mut batch, 8).reason, None);
        assert_eq!(cache.alloc_bulk_exact(&mut batch, 8).is_err(), kind == CallKinds::EXACT);
        assert_eq!(pool.alloc_at(PageId::new(199)).is_err(), kind == CallKinds::AT);
        assert_eq!(pool.cache().is_err(), kind == CallKinds::CACHES);
        assert_eq!(pool.injected_faults(), 1);
        drop((batch, cache));
        assert_whole(pool);
    }
}

fn a_short_call_gets_half<M: Mode>() {
    let pool = planned::<M>(FaultPlan::new(0).effect(InjectedFault::Short));
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M, 64>::empty();
    // So that the plan's half would take the fast path.
    assert_eq!(cache.alloc_bulk(&mut batch, 32).reason, None);
    cache.free_bulk(&mut batch);
    pool.inject_faults(true);
    let bulk = BulkAlloc { allocated: 16, reason: Some(ShortReason::Injected) };
    assert_eq!(cache.alloc_bulk(&mut batch, 33), bulk);
    assert_eq!(pool.alloc_bulk(&mut batch, 32), bulk);
    assert_eq!(pool.alloc().err(), Some(ShortReason::Injected));
    let mut blocks = [const { None }; 9];
    let order = Order::try_from(1).expect("an order");
    let four = BulkAlloc { allocated: 4, reason: Some(ShortReason::Injected) };
    assert_eq!(BulkAlloc::from(cache.alloc_blocks_bulk(order, &mut blocks)), four);
    assert_eq!(pool.audit().pages.out, 40);
    drop((batch, blocks, cache));
    assert_whole(pool);
}

/// The page is lost for good, and nothing else.
fn a_vetoed_page_is_withheld_and_another_comes<M: Mode>() {
    let pool = planned::<M>(FaultPlan::new(0).effect(InjectedFault::BadPage).times(2));
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M, 64>::empty();
    pool.inject_faults(true);
    assert_eq!(cache.alloc_bulk(&mut batch, 8), BulkAlloc { allocated: 8, reason: None });
    let page = pool.alloc().expect("another in its place");
    let pages = pool.audit().pages;
    assert_eq!((pages.out, pages.bad, pages.capacity), (9, 2, 200));
    assert!(pool.is_tainted());
    if M::CHECKS {
        let bad: Vec<_> = pool.bad_pages().map(|bad| bad.page).collect();
        assert_eq!(bad.len(), 2);
        assert!(!bad.contains(&page.id()) && !batch.ids().iter().any(|id| bad.contains(id)));
    }
    drop((page, batch));
    let mut all = PageBatch::<M, 256>::empty();
    assert_eq!(cache.alloc_bulk_exact(&mut all, 198), Ok(()));
    let bulk = cache.alloc_bulk(&mut all, 1);
    assert_eq!(bulk, BulkAlloc { allocated: 0, reason: Some(ShortReason::Exhausted) });
    drop((all, cache));
    pool.close().expect("nothing is out");
}

/// A call that fails gives up what was asked for all the same.
fn a_call_that_fails_honours_a_request<M: Mode>() {
    let pool = planned::<M>(FaultPlan::new(0).calls(CallKinds::BULK));
    let mut cache = pool.cache().expect("a cache");
    let page = cache.alloc().expect("a page");
    cache.free(page);
    let held = || pool.holders().map(|holder| holder.pages).sum::<usize>();
    assert!(held() > 0);
    let mut all = PageBatch::<M, 256>::empty();
    let short = pool.alloc_bulk(&mut all, 200);
    assert_eq!(short.reason, Some(ShortReason::Cached));
    // Who got none asks.
    assert_eq!(pool.alloc().err(), Some(ShortReason::Cached));
    pool.inject_faults(true);
    let mut batch = PageBatch::<M, 64>::empty();
    assert_eq!(cache.alloc_bulk(&mut batch, 1).reason, Some(ShortReason::Injected));
    pool.inject_faults(false);
    assert_eq!(held(), 0);
    assert_eq!(pool.alloc_bulk(&mut all, 200 - short.allocated).reason, None);
    drop((all, cache));
    assert_whole(pool);
}

/// Pages that are given up with a ticket stay in their batch.
fn a_free_with_a_ticket_fails_by_a_plan<M: Mode>() {
    struct Passed;
    impl Fence for Passed {
        fn passed(&self, _: u64) -> bool {
            true
        }
    }
    static FENCES: [&dyn Fence; 1] = [&Passed];
    let plan = FaultPlan::new(0).calls(CallKinds::FENCED).interval(2);
    let pool = build::<M>(200, |builder| builder.max_caches(2).fences(&FENCES).fault_plan(plan));
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M, 64>::empty();
    assert_eq!(cache.free_bulk_after(&mut batch, 1), Ok(()), "none counts as no call");
    assert_eq!(cache.alloc_bulk(&mut batch, 8).allocated, 8);
    assert_eq!(cache.free_bulk_after(&mut batch, 1), Ok(()));
    assert_eq!(pool.alloc_bulk(&mut batch, 8).allocated, 8);
    assert_eq!(pool.free_bulk_after(&mut batch, 2), Err(FenceError::Injected));
    assert_eq!((batch.len(), pool.injected_faults()), (8, 1));
    assert_eq!(pool.free_bulk_after(&mut batch, 2), Ok(()));
    drop(cache);
    assert_whole(pool);
}

/// Polls a request once.
fn poll_once<T>(wait: impl Future<Output = T>) -> Poll<T> {
    pin!(wait).poll(&mut Context::from_waker(Waker::noop()))
}

/// A wait fails as it begins, if the plan has it so; a plan for other calls lets it be served.
fn a_wait_fails_by_a_plan<M: Mode>() {
    let pool = planned::<M>(FaultPlan::new(0).calls(CallKinds::WAIT).interval(2));
    let mut cache = pool.cache().expect("a cache");
    pool.inject_faults(true);
    let mut batch = PageBatch::<M, 64>::empty();
    assert_eq!(poll_once(cache.alloc_bulk_async(&mut batch, 8)), Poll::Ready(Ok(())));
    let polled = poll_once(cache.alloc_bulk_async(&mut batch, 8));
    let Poll::Ready(Err(error)) = polled else { panic!("the second one fails") };
    assert_eq!((error.had, error.reason), (0, WaitReason::Refused(ShortReason::Injected)));
    assert_eq!((batch.len(), pool.injected_faults()), (8, 1));
    drop((batch, cache));
    assert_whole(pool);

    let pool = planned::<M>(FaultPlan::new(0).calls(CallKinds::EXACT));
    pool.inject_faults(true);
    let mut batch = PageBatch::<M, 64>::empty();
    assert_eq!(poll_once(pool.alloc_bulk_async(&mut batch, 8)), Poll::Ready(Ok(())));
    assert_eq!((batch.len(), pool.injected_faults()), (8, 0));
    drop(batch);
    assert_whole(pool);
}

every_mode!(
    a_wait_fails_by_a_plan,
    a_free_with_a_ticket_fails_by_a_plan,
    every_call_fails_by_a_plan,
    every_other_call_fails_by_a_plan,
    only_calls_of_the_plans_kinds_fail,
    a_short_call_gets_half,
    a_vetoed_page_is_withheld_and_another_comes,
    a_call_that_fails_honours_a_request,
);
