//! What small values say that calls take and return: masks, numbers, errors, figures.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::common::*;

#[test]
fn a_mask_has_the_nodes_of_both_or_of_either() {
    let nodes = NodeMask::of;
    assert_eq!((nodes(0) | nodes(2)) & (nodes(2) | nodes(3)), nodes(2));
    assert_eq!((nodes(0) | nodes(1)) | nodes(1), nodes(0) | nodes(1));
}

#[cfg(feature = "fault-injection")]
#[test]
fn kinds_of_calls_join() {
    let both = CallKinds::BULK | CallKinds::FENCED;
    assert_eq!((both | CallKinds::BULK, both == CallKinds::BULK), (both, false));
}

#[test]
fn a_page_number_fits_or_is_refused() {
    let most = PageId::new(u16::MAX.into());
    assert_eq!((u16::try_from(most), u16::try_from(PageId::new(7))), (Ok(u16::MAX), Ok(7)));
    let error = u16::try_from(PageId::new(65_536)).expect_err("one more");
    assert!(error.to_string().contains("65536"), "{error}");
    assert_eq!(u64::from(PageId::new(u32::MAX)), u64::from(u32::MAX));
}

fn an_error_leads_to_its_reason<M: Mode>() {
    let pool = pool::<M>(4);
    let source = |error: &dyn Error| error.source().expect("a reason").to_string();
    let place = pool.alloc_at_raw(PageId::new(9)).expect_err("there is none");
    assert_eq!(source(&place), place.reason.to_string());
    let mut batch = PageBatch::<M>::new();
    let mut waits = pin!(pool.alloc_bulk_async(&mut batch, 5));
    let Poll::Ready(Err(wait)) = waits.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("a pool of four never has five")
    };
    assert_eq!(source(&wait), wait.reason.to_string());
}

thread_local!(static SAID: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) });

fn note(pressure: &Pressure) {
    SAID.with_borrow_mut(|said| said.push(pressure.to_string()));
}

fn pressure_names_its_mark_and_what_is_left<M: Mode>() {
    let pool = build::<M>(100, |builder| {
        let marks = builder.low(20).critical_reserve(10).on_pressure(note);
        marks.shared_caches(0).max_caches(1)
    });
    let mut batch = PageBatch::<M, 100>::empty();
    assert_eq!(pool.alloc_bulk(&mut batch, 100).allocated, 80);
    let _singles: Vec<_> = (0..10).map(|_| pool.alloc().expect("a page")).collect();
    let said = SAID.take();
    assert_eq!(
        said,
        [
            "the low mark is reached: 20 free pages left",
            "the critical reserve is reached: 10 free pages left"
        ]
    );
}

/// Two shared caches of two magazines each, if there are so many; never more than there are pages.
fn what_a_call_can_hide_is_known<M: Mode>() {
    let hidden = |pages, caches, shared| {
        let pool = build::<M>(pages, |builder| {
            builder.magazine_capacity(16).max_caches(caches).shared_caches(shared)
        });
        pool.hidden_by_call()
    };
    assert_eq!([hidden(1000, 0, 1), hidden(1000, 0, 3), hidden(1000, 2, 0)], [32, 64, 64]);
    assert_eq!(hidden(40, 0, 2), 40);
}

fn an_audit_is_clean_unless_something_is_wrong<M: Mode>() {
    let pool = pool::<M>(10);
    let _page = pool.alloc().expect("a page");
    let audit = pool.audit();
    assert!(audit.is_clean(), "{audit}");
    let changed = |change: &dyn Fn(&mut Audit)| {
        let mut audit = audit;
        change(&mut audit);
        audit.is_clean()
    };
    assert!(!changed(&|audit| audit.pages.free += 1));
    assert!(!changed(&|audit| audit.misplaced = Some(1)));
    assert!(!changed(&|audit| audit.corrupt = Some(1)));
    assert!(changed(&|audit| (audit.misplaced, audit.corrupt) = (None, None)));
    assert!(changed(&|audit| (audit.misplaced, audit.corrupt) = (Some(0), Some(0))));
}

fn each_figure_of_a_cache_has_its_name<M: Mode>() {
    let pool = pool::<M>(50);
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M>::new();
    assert_eq!(cache.alloc_bulk(&mut batch, 5).allocated, 5);
    drop(cache.alloc().expect("a page"));
    let Some((_, calls)) = pool.per_cache().next() else { return };
    let mut figures = BTreeMap::new();
    calls.each(|name, _, value| assert_eq!(figures.insert(name, value), None));
    let of = |name| figures.get(name).copied();
    assert_eq!((of("allocated_pages_total"), of("alloc_calls_total")), (Some(6), Some(2)));
    assert_eq!((of("free_calls_total"), figures.len()), (Some(0), 12));
}

/// A call that finds nothing has refilled nothing.
fn no_refill_is_counted_where_there_is_no_page<M: Mode>() {
    let pool = build::<M>(8, |builder| builder.max_caches(1).shared_caches(0));
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M, 8>::empty();
    assert_eq!(cache.alloc_bulk(&mut batch, 8).allocated, 8);
    let refills = || pool.stats().map(|stats| stats.calls.zone_refills);
    let before = refills();
    assert!(cache.alloc_zeroed().is_err());
    assert_eq!(refills(), before);
}

/// Who waits without a cache has not failed.
fn a_request_that_waits_is_no_failed_call<M: Mode>() {
    let pool = build::<M>(8, |builder| builder.max_caches(1).shared_caches(0));
    let all: Vec<_> = (0..6).map(|_| pool.alloc().expect("a page")).collect();
    let mut batch = PageBatch::<M, 8>::empty();
    let mut waits = pin!(pool.alloc_bulk_async(&mut batch, 4));
    assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(pool.stats().is_none_or(|stats| stats.calls.failed_exact == 0));
    drop(all);
}

fn the_first_number_past_the_end_is_none<M: Mode>() {
    let pool = pool::<M>(64);
    // SAFETY: there is no such page.
    let freed = unsafe { pool.free_bulk_ignoring_refcounts(&[PageId::new(64)]) };
    assert!(freed.is_err());
    assert_eq!(out(&pool), 0);
}

fn four_caches_are_named_where_more_are_alive<M: Mode>() {
    let pool = build::<M>(100, |builder| builder.max_caches(6).magazine_capacity(4));
    let name = |name: &&'static str| pool.cache_named(name).build().expect("a cache");
    let mut caches: Vec<_> = ["a", "b", "c", "d"].iter().map(name).collect();
    let page = pool.alloc().expect("a page");
    let four = plain(pool.clone().close().expect_err("caches live"));
    assert!(four.contains("cache 3 \"d\")") || four.ends_with("cache 3 \"d\""), "{four}");
    caches.push(name(&"e"));
    let five = plain(pool.clone().close().expect_err("caches live"));
    assert!(five.contains("cache 3 \"d\", …") && !five.contains("\"e\""), "{five}");
    drop((page, caches));
}

#[cfg(all(feature = "track", feature = "fault-injection"))]
mod histories {
    use crate::common::*;

    fn a_bad_page_has_its_history<M: Mode>() {
        let plan = FaultPlan::new(0).effect(InjectedFault::BadPage).times(1);
        let pool = build::<M>(50, |builder| builder.fault_plan(plan));
        pool.inject_faults(true);
        drop(pool.alloc().expect("another in its place"));
        assert!(pool.bad_pages().next().is_some());
        for bad in pool.bad_pages() {
            assert_eq!(bad.history(), pool.history(bad.page));
            assert!(!bad.history().is_empty());
        }
    }

    every_checking_mode!(a_bad_page_has_its_history);
}

every_checking_mode!(the_first_number_past_the_end_is_none);

every_mode!(
    an_error_leads_to_its_reason,
    pressure_names_its_mark_and_what_is_left,
    what_a_call_can_hide_is_known,
    an_audit_is_clean_unless_something_is_wrong,
    each_figure_of_a_cache_has_its_name,
    no_refill_is_counted_where_there_is_no_page,
    a_request_that_waits_is_no_failed_call,
    four_caches_are_named_where_more_are_alive,
);
