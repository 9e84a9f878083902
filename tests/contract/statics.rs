//! A pool in a static is built once, by whoever comes first; until then its calls say that it is
//! not.

use std::alloc::Layout;
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::thread;
#[cfg(feature = "std")]
use std::time::Duration;

use crate::common::*;

/// A pool of 100 pages, in any build.
fn built<M: Mode>() -> Result<Pool<M>, BuildError> {
    Ok(pool(100))
}

/// A static whose pool is built.
fn made<M: Mode>() -> StaticPool<M> {
    let made = StaticPool::new();
    made.init_with(built).expect("nobody else builds it");
    made
}

/// Every call that has an error says it, and none has done anything.
#[track_caller]
fn assert_not_built<M: Mode>(of: &StaticPool<M>) {
    let mut batch = PageBatch::<M>::new();
    let reason = ShortReason::NotBuilt;
    assert_eq!(of.get().err(), Some(NotBuilt));
    assert_eq!(of.alloc().err(), Some(reason));
    assert_eq!(of.alloc_zeroed().err(), Some(reason));
    assert_eq!(of.alloc_block(Order::MAX).err(), Some(reason));
    let bulk = BulkAlloc { allocated: 0, reason: Some(reason) };
    assert_eq!(of.alloc_bulk(&mut batch, 3), bulk);
    let exact = of.alloc_bulk_exact(&mut batch, 3).expect_err("no pool");
    assert_eq!((exact.want, exact.had, exact.reason), (3, 0, reason));
    let error = {
        let wait = pin!(of.alloc_bulk_async(&mut batch, 3));
        match wait.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result.expect_err("no pool"),
            Poll::Pending => panic!("it waits"),
        }
    };
    assert_eq!((error.want, error.had, error.reason), (3, 0, WaitReason::Refused(reason)));
    #[cfg(feature = "std")]
    assert_eq!(of.alloc_bulk_timeout(&mut batch, 3, Duration::MAX), Err(error));
    #[cfg(feature = "std")]
    assert_eq!(of.alloc_bulk_exact_timeout(&mut batch, 3, Duration::MAX), Err(error));
    assert!(batch.is_empty());
    assert_eq!(of.alloc_raw().err(), Some(reason));
    let (ids, short) = of.alloc_bulk_raw(&mut []);
    assert_eq!((ids.len(), short), (0, Some(reason)));
    assert_eq!(of.cache().err(), Some(CacheError::NotBuilt));
    assert_eq!((of.to_string(), format!("{of:?}")), ("not built".into(), "not built".into()));
}

fn calls_before_it_is_built_say_so<M: Mode>() {
    let of = StaticPool::<M>::new();
    assert_not_built(&of);
    assert_not_built(&StaticPool::<M>::default());
    of.init_with(built).expect("nobody else builds it");
    drop(of.alloc().expect("there is one"));
}

fn a_static_is_built_once<M: Mode>() {
    let of = StaticPool::<M>::new();
    let first = of.init_with(built).expect("nobody else builds it");
    assert!(std::ptr::eq(first, of.get().expect("it is built")));
    let again = of.init_with(|| panic!("it is not called"));
    assert_eq!(again.expect_err("there is one"), InitError::Built);
    let again = of.init(Pool::builder(0).mode());
    assert_eq!(again.expect_err("there is one"), InitError::Built);
    assert!(std::ptr::eq(first, of.get().expect("it is built")));
}

fn a_build_that_fails_can_be_tried_again<M: Mode>() {
    let of = StaticPool::<M>::new();
    let wrong = of.init(Pool::builder(0).mode()).expect_err("no pages");
    assert_eq!(wrong, InitError::Failed(BuildError::NoPages));
    assert_not_built(&of);
    let wrong = of.init_with(|| Err(BuildError::Overflow)).expect_err("as it says");
    assert_eq!(wrong, InitError::Failed(BuildError::Overflow));
    assert_not_built(&of);
    assert_eq!(of.init_with(built).expect("it is tried again").capacity(), 100);
}

fn a_build_that_panics_can_be_tried_again<M: Mode>() {
    let of = StaticPool::<M>::new();
    let caught = catch_unwind(|| of.init_with(|| panic!("the caller's")).map(|_| ()));
    assert!(caught.is_err());
    assert_not_built(&of);
    assert_eq!(of.init_with(built).expect("it is tried again").capacity(), 100);
}

/// Nobody waits: neither the call that builds, for itself, nor another thread, for it.
fn nobody_waits_for_who_is_building<M: Mode>() {
    let of = StaticPool::<M>::new();
    let look = || {
        assert_not_built(&of);
        assert_eq!(of.init_with(built).err(), Some(InitError::Building));
    };
    let build = || {
        look();
        thread::scope(|threads| threads.spawn(look).join().expect("no panic"));
        built()
    };
    of.init_with(build).expect("nobody else builds it");
    assert_eq!(of.init_with(built).err(), Some(InitError::Built));
}

fn of_racing_inits_one_builds<M: Mode>() {
    for _ in 0..often(40) {
        let (of, start) = (StaticPool::<M>::new(), Barrier::new(4));
        let init = || {
            let ran = Cell::new(false);
            start.wait();
            let result = of.init_with(|| {
                ran.set(true);
                built()
            });
            let own = result.is_ok();
            assert_eq!(own, ran.get());
            // Who is told that it is built finds it.
            if result.err() == Some(InitError::Built) {
                drop(of.alloc().expect("a page"));
            }
            own
        };
        let read = || {
            start.wait();
            if let Some(pool) = (0..1000).find_map(|_| of.get().ok()) {
                drop(pool.alloc().expect("a page"));
            }
        };
        let own = thread::scope(|threads| {
            let inits = [(); 3].map(|()| threads.spawn(init));
            threads.spawn(read);
            inits.map(|thread| thread.join().expect("no panic"))
        });
        assert_eq!(own.iter().filter(|own| **own).count(), 1);
        assert_adds_up(of.get().expect("it is built"));
    }
}

/// The static's handle is one more than those of clones and caches.
fn its_handle_is_never_given_up<M: Mode>() {
    let of = made::<M>();
    let pool = of.get().expect("it is built");
    let error = pool.clone().close().expect_err("the static has a handle");
    assert_eq!((error.handles(), error.out()), (1, 0));
    drop(error);
    let cache = of.cache().expect("a cache");
    let error = cache.pool().clone().close().expect_err("so has the cache");
    assert_eq!(error.handles(), 2);
    drop((error, cache));
    let error = pool.clone().close().expect_err("the static has a handle");
    assert_eq!(error.handles(), 1);
}

/// As any pool: what it is called by makes no difference.
fn its_pages_caches_and_reports_are_a_pools<M: Mode>() {
    let of = made::<M>();
    let pool = of.get().expect("it is built");
    let mut cache = of.cache().expect("a cache");
    let mut batch = PageBatch::<M>::new();
    assert_eq!(cache.alloc_bulk(&mut batch, 30).allocated, 30);
    let two = Order::new(2).expect("an order");
    let (page, block) = (of.alloc_zeroed().expect("a page"), of.alloc_block(two));
    let lent = of.alloc().expect("a page").lend();
    let raw = of.alloc_raw().expect("a page");
    // Taken home by their drops, on another thread.
    thread::scope(|threads| _ = threads.spawn(move || drop((page, block.expect("a block")))));
    let pages = pool.audit().pages;
    assert_eq!((pages.out, pages.lent), (31, 1));
    assert_adds_up(pool);
    // SAFETY: both were given up above, and are taken back once.
    let back = unsafe { (Page::from_raw(pool, raw), pool.reclaim(lent).expect("it is lent")) };
    drop(back);
    cache.free_bulk(&mut batch);
    assert!(pool.holders().any(|holder| holder.number == cache.number()));
    cache.idle(|| pool.drain());
    assert_eq!(pool.audit().pages.free, 100);
    pool.steal_idle();
    assert_eq!(of.to_string(), pool.to_string());
    assert_eq!(format!("{of:#?}"), format!("{pool:#?}"));
    drop(cache);
    assert_eq!(pool.audit().pages.out, 0);
    assert!(!pool.is_tainted());
}

/// Whoever finds the pool by its name brings pages, too.
fn its_pages_come_and_go<M: Mode>() {
    let of = StaticPool::<M>::new();
    of.init_with(|| Ok(build(100, |builder| builder.initially(3)))).expect("a pool");
    let pool = of.get().expect("it is built");
    let pages = [(); 3].map(|()| of.alloc().expect("a page"));
    assert_eq!(of.alloc().err(), Some(ShortReason::Exhausted));
    // SAFETY: the region is the pool's own, or leaked and zeroed, and nobody else has it.
    assert_eq!(unsafe { pool.online(50..60) }, Ok(()));
    assert!(of.alloc().expect("a page").id() >= PageId::new(50));
    let went = pool.offline(0..100).expect("some are online");
    assert_eq!(went.still_online().count(), 3);
    drop(pages);
    assert_eq!(pool.offline(0..100).expect("three are online").count(), 3);
    assert_eq!(of.alloc().err(), Some(ShortReason::Exhausted));
    assert_adds_up(pool);
}

/// A kernel's: all of it is in the memory that it is given.
fn it_is_built_in_a_range<M: Mode>() {
    let memory = leaked(Layout::from_size_align(1 << 16, 256).expect("legal")).as_mut_ptr_range();
    let memory = memory.start.cast()..memory.end.cast();
    let of = StaticPool::<M>::new();
    let builder = Pool::builder(1000).page_size(256).mode::<M>().max_caches(1).shared_caches(1);
    // SAFETY: the memory is leaked, zeroed, and nobody else's.
    let pool = of.init_with(|| unsafe { builder.build_in_range(memory) }).expect("there is room");
    let pages: Vec<_> = std::iter::from_fn(|| of.alloc().ok()).collect();
    assert_eq!(pages.len(), pool.capacity());
    drop(pages);
    assert_adds_up(pool);
}

/// One that is no static ends like a handle, and its pages and caches live on.
fn a_static_that_is_dropped_gives_up_its_handle<M: Mode>() {
    let of = made::<M>();
    let (page, cache) = (of.alloc().expect("a page"), of.cache().expect("a cache"));
    let other = of.get().expect("it is built").clone();
    drop(of);
    let error = other.close().expect_err("a cache, and a page");
    assert_eq!((error.handles(), error.out()), (1, 1));
    drop((page, cache));
    assert_whole(error.into_pool());
}

fn what_it_says_is_what_to_do<M: Mode>() {
    fn said(error: impl std::error::Error, name: &str, text: &str) {
        assert_eq!(error.to_string(), text);
        assert_eq!(format!("{error:?}"), format!("{name}({text})"));
    }
    let not_built = "the pool is not built: call StaticPool::init first";
    said(NotBuilt, "NotBuilt", not_built);
    said(ShortReason::from(NotBuilt), "ShortReason", not_built);
    said(CacheError::from(NotBuilt), "CacheError", not_built);
    let of = StaticPool::<M>::new();
    let error = of.alloc_bulk_exact(&mut PageBatch::<M>::new(), 2).expect_err("no pool");
    said(error, "ExactError", &format!("0 of 2 pages: {not_built}"));
    let error = of.init(Pool::builder(0).mode()).expect_err("no pages");
    let source = std::error::Error::source(&error).expect("a source");
    assert_eq!(source.downcast_ref(), Some(&BuildError::NoPages));
    said(error, "InitError", "a pool needs at least one page: ask for 1 or more");
    let text = "another call is building the pool: ask StaticPool::get for it later";
    said(InitError::Building, "InitError", text);
    said(InitError::Built, "InitError", "the pool is built already: ask StaticPool::get for it");
}

/// A static proper, in any build: in memory of its own, which is taken as it is built.
#[test]
fn a_static_needs_no_heap() {
    use std::cell::UnsafeCell;
    use std::mem::MaybeUninit;

    #[repr(C, align(256))]
    struct Memory<const N: usize>(UnsafeCell<[MaybeUninit<u8>; N]>);
    // SAFETY: it is taken below alone, by the one call that builds the pool.
    unsafe impl<const N: usize> Sync for Memory<N> {}

    static POOL: StaticPool<Compact> = StaticPool::new();
    static PAGES: Memory<8192> = Memory(UnsafeCell::new([MaybeUninit::new(0); 8192]));
    static METADATA: Memory<16384> = Memory(UnsafeCell::new([MaybeUninit::uninit(); 16384]));

    let start = |caches: usize| {
        let builder = Pool::builder(32).mode().page_size(256);
        let builder = builder.max_caches(caches).shared_caches(1).magazine_capacity(4);
        POOL.init_with(|| {
            // SAFETY: this runs in one call at a time, and never again once it has succeeded.
            let metadata: &'static mut [MaybeUninit<u8>] = unsafe { &mut *METADATA.0.get() };
            // SAFETY: as above; the pages are a static, initialised and aligned to 256.
            unsafe { builder.build_in(PAGES.0.get().cast(), metadata) }
        })
    };
    // The metadata is too small for so many; it is not lost by that.
    let error = start(1000).expect_err("too many");
    assert!(matches!(error, InitError::Failed(BuildError::MetadataTooSmall { .. })), "{error}");
    let pool: &'static Pool<Compact> = start(1).expect("nobody else builds it");
    assert_eq!(pool.capacity(), 32);
    assert_eq!(start(1).err(), Some(InitError::Built));
    let pages: Vec<_> = std::iter::from_fn(|| POOL.alloc().ok()).collect();
    assert_eq!(pages.len(), 32);
    // Whatever panics while a page is out, the page comes home.
    assert!(catch_unwind(AssertUnwindSafe(|| drop((pages, panicking())))).is_err());
    assert_eq!(pool.audit().pages.out, 0);
}

/// As a caller's code.
fn panicking() {
    panic!("the caller's");
}

#[test]
#[cfg(feature = "std")]
fn a_static_is_built_with_a_heap() {
    static POOL: StaticPool<Bare> = StaticPool::new();
    POOL.init(Pool::builder(8).mode().max_caches(1)).expect("a pool");
    assert_eq!(POOL.get().expect("it is built").capacity(), 8);
    assert!(
        thread::spawn(|| POOL.alloc().map(|page| page.len())).join().expect("no panic").is_ok()
    );
}

#[test]
#[cfg(not(feature = "std"))]
fn without_a_heap_init_says_so() {
    static POOL: StaticPool<Bare> = StaticPool::new();
    let error = POOL.init(Pool::builder(8).mode()).expect_err("no heap");
    assert!(matches!(error, InitError::Failed(BuildError::Unsupported { .. })), "{error}");
}

every_mode!(
    calls_before_it_is_built_say_so,
    a_static_is_built_once,
    a_build_that_fails_can_be_tried_again,
    a_build_that_panics_can_be_tried_again,
    nobody_waits_for_who_is_building,
    of_racing_inits_one_builds,
    its_handle_is_never_given_up,
    its_pages_caches_and_reports_are_a_pools,
    its_pages_come_and_go,
    it_is_built_in_a_range,
    a_static_that_is_dropped_gives_up_its_handle,
    what_it_says_is_what_to_do,
);
