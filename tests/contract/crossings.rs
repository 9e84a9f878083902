//! Who is told that few pages are left: once for each crossing of a mark, when the call holds nothing.

use std::cell::RefCell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use crate::common::*;

const PAGES: usize = 200;
const LOW: usize = 40;
const RESERVE: usize = 12;

type Batch<M> = PageBatch<M, 256>;

thread_local!(static TOLD: RefCell<Vec<Pressure>> = const { RefCell::new(Vec::new()) });

fn hook(pressure: &Pressure) {
    TOLD.with_borrow_mut(|told| told.push(*pressure));
}

fn told() -> Vec<Watermark> {
    TOLD.take().into_iter().map(|pressure| pressure.watermark).collect()
}

fn hooked<M: Mode>(defer: bool) -> Pool<M> {
    told();
    build::<M>(PAGES, |builder| {
        let builder = builder.max_caches(2).shared_caches(1).magazine_capacity(4);
        builder.low(LOW).critical_reserve(RESERVE).on_pressure(hook).defer_wakes(defer)
    })
}

fn a_crossing_is_told_once_at_the_end_of_its_call<M: Mode>() {
    let pool = hooked::<M>(false);
    let mut all = Batch::<M>::empty();
    assert_eq!(pool.alloc_bulk(&mut all, PAGES - LOW - 1).reason, None);
    let before = told();
    // The pool's own shared cache may have taken one more than the call got.
    all.push(pool.alloc().expect("a page")).expect("room");
    assert_eq!([before, told()].concat(), [Watermark::Low]);
    assert_eq!(pool.alloc_bulk(&mut all, 2).allocated, 0);
    assert_eq!(told(), [], "it was below");
    while let Ok(page) = pool.alloc() {
        all.push(page).expect("room");
    }
    assert_eq!(told(), [Watermark::Reserve]);
    assert_eq!(pool.critical().alloc_bulk(&mut all, 100).allocated, RESERVE);
    assert_eq!(told(), []);
    // Drops tell nothing, nor do pages that come back.
    all.clear();
    pool.drain();
    assert_eq!(told(), []);
    assert_eq!(pool.critical().alloc_bulk(&mut all, PAGES).allocated, PAGES);
    assert_eq!(told(), [Watermark::Low, Watermark::Reserve]);
    drop(all);
    assert_whole(pool);
}

fn a_raw_allocation_leaves_the_hook_to_the_next_call<M: Mode>() {
    let pool = hooked::<M>(false);
    let mut ids = no_ids::<PAGES>();
    let (ids, reason) = pool.alloc_bulk_raw(&mut ids);
    assert_eq!((ids.len(), reason), (PAGES - LOW, Some(ShortReason::Watermark)));
    assert_eq!(told(), []);
    drop(pool.alloc());
    assert_eq!(told(), [Watermark::Low]);
    // SAFETY: the pages are out, nobody wrote them, and nobody else uses them.
    unsafe { pool.free_bulk_raw(ids) }.expect("good pages");
    assert_whole(pool);
}

fn deferred_pressure_is_left_to_upkeep<M: Mode>() {
    let pool = hooked::<M>(true);
    let mut all = Batch::<M>::empty();
    assert_eq!(pool.alloc_bulk(&mut all, PAGES).allocated, PAGES - LOW);
    drop(pool.alloc());
    assert_eq!(told(), []);
    let _ = pool.maintain();
    assert_eq!(told(), [Watermark::Low]);
    drop(all);
    assert_whole(pool);
}

/// It is called when the slot is unlocked: so it may give pages back, and take some.
fn a_hook_may_use_the_pool<M: Mode>() {
    type Use = Box<dyn FnMut()>;
    thread_local!(static USE: RefCell<Option<Use>> = const { RefCell::new(None) });
    fn relieve(_: &Pressure) {
        if let Some(mut f) = USE.take() {
            f();
        }
    }
    let pool = build::<M>(PAGES, |builder| builder.shared_caches(1).low(LOW).on_pressure(relieve));
    let mut spare = Batch::<M>::empty();
    assert_eq!(pool.alloc_bulk(&mut spare, 50).reason, None);
    let its = pool.clone();
    USE.set(Some(Box::new(move || {
        spare.clear();
        drop(its.alloc().expect("a page"));
        drop(its.cache().expect("a slot"));
    })));
    let mut cache = pool.cache().expect("a slot");
    let mut batch = Batch::<M>::empty();
    assert_eq!(cache.alloc_bulk(&mut batch, PAGES - 50).allocated, PAGES - 50 - LOW);
    assert_eq!(cache.alloc_bulk(&mut batch, 50).reason, None, "they are back");
    drop((batch, cache));
    assert_whole(pool);
}

/// One that waits tells before it sleeps, and not when it is served.
fn who_waits_tells_before_it_sleeps<M: Mode>() {
    let pool = hooked::<M>(false);
    let (mut all, mut batch) = (Batch::<M>::empty(), Batch::<M>::empty());
    assert_eq!(pool.alloc_bulk(&mut all, PAGES - LOW - 4).reason, None);
    told();
    {
        let mut waits = pin!(pool.alloc_bulk_async(&mut batch, 8));
        let context = &mut Context::from_waker(Waker::noop());
        assert!(waits.as_mut().poll(context).is_pending());
        assert_eq!(told(), [Watermark::Low]);
    }
    drop(all);
    assert_whole(pool);
}

/// Pages that go offline are taken from what is left, too.
fn pages_that_go_offline_cross_marks<M: Mode>() {
    told();
    let pool = build::<M>(PAGES, |builder| {
        let builder = builder.shared_caches(1).initially(PAGES);
        builder.low(LOW).critical_reserve(RESERVE).on_pressure(hook)
    });
    assert!(pool.offline(0..(PAGES - LOW) as u32).is_ok());
    assert_eq!(told(), [Watermark::Low]);
    assert!(pool.offline(PAGES as u32 - 10..PAGES as u32).is_ok());
    assert_eq!(told(), []);
    assert!(pool.offline(PAGES as u32 - 30..PAGES as u32 - 10).is_ok());
    assert_eq!(told(), [Watermark::Reserve]);
}

every_mode!(
    who_waits_tells_before_it_sleeps,
    pages_that_go_offline_cross_marks,
    a_crossing_is_told_once_at_the_end_of_its_call,
    a_raw_allocation_leaves_the_hook_to_the_next_call,
    deferred_pressure_is_left_to_upkeep,
    a_hook_may_use_the_pool,
);
