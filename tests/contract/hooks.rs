//! Hooks: each page is told of once when it comes, and once when it has gone.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::common::*;

/// What was told, with the first page and how many there are.
type Told = Vec<(&'static str, u32, usize)>;

thread_local! {
    // A hook is a function without context, and tests run on threads of their own.
    static TOLD: RefCell<Told> = const { RefCell::new(Vec::new()) };
    static PANICS: RefCell<bool> = const { RefCell::new(false) };
}

fn note(what: &'static str, range: &PageRange) {
    assert_eq!(range.bytes, range.pages * 256);
    let each: Vec<_> = range.each().collect();
    assert!(each.len() == range.pages && each[0].start == range.start && each[0].bytes == 256);
    TOLD.with_borrow_mut(|told| told.push((what, range.first.index(), range.pages)));
    assert!(!PANICS.with_borrow(|panics| *panics), "a broken hook");
}

fn told() -> Told {
    TOLD.with_borrow_mut(std::mem::take)
}

/// A pool of so many pages with all hooks.
fn hooked<M: Mode>(pages: usize, how: impl FnOnce(Builder<M>) -> Builder<M>) -> Pool<M> {
    build::<M>(pages, |builder| {
        let builder = builder.on_region(|range| note("region", range));
        let builder = builder.on_region_end(|range| note("region end", range));
        let builder = builder.on_init(|range| note("init", range));
        how(builder.on_retire(|range| note("retire", range)))
    })
}

/// The region and its pages are told of as the pool is built, and as it closes; not in between.
fn use_and_reuse_are_not_told_of<M: Mode>() {
    let pool = hooked::<M>(100, |builder| builder);
    assert_eq!(told(), [("region", 0, 100), ("init", 0, 100)]);
    let mut cache = pool.cache().expect("a slot");
    for _ in 0..5 {
        let mut batch = PageBatch::<M, 100>::empty();
        assert_eq!(cache.alloc_bulk(&mut batch, 60).allocated, 60);
        cache.free_bulk(&mut batch);
    }
    drop(cache);
    assert_eq!(told(), []);
    pool.close().expect("nothing is out");
    assert_eq!(told(), [("retire", 0, 100), ("region end", 0, 100)]);
}

/// The last page tells of the end, if it outlives the pool.
fn the_last_page_tells_of_the_end<M: Mode>() {
    let pool = hooked::<M>(10, |builder| builder);
    let page = pool.alloc().expect("a new pool");
    drop(pool);
    assert_eq!(told(), [("region", 0, 10), ("init", 0, 10)]);
    drop(page);
    assert_eq!(told(), [("retire", 0, 10), ("region end", 0, 10)]);
}

/// Pages that go offline and come back are told of once each time; those that stay are not.
fn pages_that_come_and_go_are_told_of<M: Mode>() {
    let pool = hooked::<M>(300, |builder| builder.initially(200));
    assert_eq!(told(), [("region", 0, 300), ("init", 0, 200)]);
    let stays = pool.alloc_at(PageId::new(70)).expect("a new pool");
    assert_eq!(pool.offline(60..200).expect("a range").count(), 139);
    // A hook is told after at most 64 pages.
    let expected = [(60, 10), (71, 53), (124, 64), (188, 12)];
    assert_eq!(told(), expected.map(|(first, pages)| ("retire", first, pages)));
    // SAFETY: the pages are the pool's own memory, which nobody else uses.
    unsafe { pool.online(100..220) }.expect("they are offline");
    assert_eq!(told(), [("init", 100, 120)]);
    // SAFETY: as above.
    unsafe { pool.online(100..101) }.expect_err("it is online");
    assert_eq!(told(), []);
    drop(stays);
    pool.close().expect("nothing is out");
    let expected = [(0, 60), (70, 1), (100, 120)];
    let mut end: Told = expected.map(|(first, pages)| ("retire", first, pages)).into();
    end.push(("region end", 0, 300));
    assert_eq!(told(), end);
}

/// What a hook wrote is neither taken for zeros nor for damage.
fn a_hook_may_write_to_the_pages<M: Mode>() {
    fn scribble(range: &PageRange) {
        // SAFETY: the pool has the memory, and nobody has the pages yet.
        unsafe { range.start.write_bytes(0x55, range.bytes) };
    }
    for hook in [Builder::<M>::on_region, Builder::<M>::on_init] {
        let pool = build::<M>(100, |builder| hook(builder.initially(90), scribble));
        // SAFETY: the pages are the pool's own memory, which nobody else uses.
        unsafe { pool.online(90..100) }.expect("they are offline");
        let mut batch = PageBatch::<M, 100>::empty();
        assert_eq!(pool.alloc_bulk_zeroed(&mut batch, 100).allocated, 100);
        assert!(batch.iter().flatten().all(|&byte| byte == 0));
        pool.free_bulk(&mut batch);
        assert!(!pool.is_tainted(), "{pool}");
        assert_whole(pool);
    }
}

/// A hook that panics loses no page.
fn a_hook_that_panics_loses_no_page<M: Mode>() {
    let pool = hooked::<M>(100, |builder| builder.initially(50));
    PANICS.set(true);
    // SAFETY: the pages are the pool's own memory, which nobody else uses.
    let online = || unsafe { pool.online(50..60) };
    assert!(catch_unwind(AssertUnwindSafe(online)).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| _ = pool.offline(0..20))).is_err());
    PANICS.set(false);
    let pages = pool.audit().pages;
    assert!(pages.adds_up(), "{pages}");
    assert_eq!((pages.free + pages.cached, pages.offline), (40, 60), "{pages}");
    assert_whole(pool);
}

every_mode!(
    use_and_reuse_are_not_told_of,
    the_last_page_tells_of_the_end,
    pages_that_come_and_go_are_told_of,
    a_hook_may_write_to_the_pages,
    a_hook_that_panics_loses_no_page,
);
