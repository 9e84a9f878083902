//! Owners go anywhere: to other threads, past the handles of their pool, and home from other pools' calls.
#![cfg(feature = "std")]

#[macro_use]
mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, mpsc};
use std::thread;

use common::*;

/// Counts the blocks that pools have from the heap: their metadata and their regions, told by their layout.
struct Counting;

static BLOCKS: AtomicIsize = AtomicIsize::new(0);

/// A pool aligns its memory itself: a block is a multiple of 128 bytes, and what an alignment to 128, or to a page,
/// takes beyond the usual one.
fn is_a_pools(layout: Layout) -> bool {
    let usual = 2 * size_of::<usize>();
    layout.align() == usual && layout.size() >= 4096 && layout.size() % 128 == 128 - usual
}

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BLOCKS.fetch_add(isize::from(is_a_pools(layout)), Ordering::SeqCst);
        // SAFETY: passed on to the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_a_pools(layout) {
            BLOCKS.fetch_sub(1, Ordering::SeqCst);
            // Whoever still looks at a pool that is gone finds nothing that makes sense.
            // SAFETY: the block has this size, and is nobody's any more.
            unsafe { block.write_bytes(0xff, layout.size()) };
        }
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Lets one test at a time count blocks; there are none when it begins.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn blocks() -> isize {
    BLOCKS.load(Ordering::SeqCst)
}

/// A pool whose metadata and region are two blocks.
fn counted<M: Mode>() -> Pool<M> {
    build(200, |builder| builder.region(Region::heap()))
}

/// Asserts that an owner outlives its pool, and that its drop frees the pool once, on this thread or another.
fn outlives<M: Mode, T: Send + 'static>(own: impl Fn(&Pool<M>, &mut Cache<M>) -> T) {
    let _alone = alone();
    let before = blocks();
    for elsewhere in [false, true] {
        for cache_last in [false, true] {
            let pool = counted::<M>();
            let mut cache = pool.cache().expect("a cache");
            let (one, two) = (own(&pool, &mut cache), own(&pool, &mut cache));
            if cache_last {
                drop(pool);
                drop(cache);
            } else {
                drop(cache);
                drop(pool);
            }
            assert_eq!(blocks(), before + 2, "pages keep the pool's memory");
            drop(one);
            assert_eq!(blocks(), before + 2, "pages keep the pool's memory");
            if elsewhere {
                thread::spawn(move || drop(two)).join().expect("no panic");
            } else {
                drop(two);
            }
            assert_eq!(blocks(), before, "the last page frees the pool's memory");
        }
    }
}

fn a_page_outlives_its_pool<M: Mode>() {
    outlives::<M, _>(|_, cache| cache.alloc().expect("a page"));
    outlives::<M, _>(|pool, _| pool.alloc_zeroed().expect("a page"));
}

fn a_batch_outlives_its_pool<M: Mode>() {
    outlives::<M, _>(|_, cache| {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(cache.alloc_bulk(&mut batch, 70).allocated, 70);
        batch
    });
    outlives::<M, _>(|pool, _| {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(pool.alloc_bulk(&mut batch, 70).allocated, 70);
        let mut iter = batch.into_iter();
        (iter.nth(9), iter)
    });
}

fn a_block_outlives_its_pool<M: Mode>() {
    outlives::<M, _>(|_, cache| cache.alloc_block(ORDER_6).expect("a block"));
    outlives::<M, _>(|pool, _| pool.alloc_block(ORDER_6).expect("a block"));
}

fn a_shared_page_outlives_its_pool<M: Refcounted>() {
    outlives::<M, _>(|_, cache| {
        let page = cache.alloc().expect("a page").into_shared();
        [page.clone(), page.clone(), page]
    });
}

fn an_orphan_keeps_its_bytes<M: Mode>() {
    let _alone = alone();
    let before = blocks();
    let pool = counted::<M>();
    let mut batch = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut batch, 10).allocated, 10);
    batch.iter_mut().zip(0..).for_each(|(bytes, seed)| mark(bytes, seed));
    drop(pool);
    let mut page = batch.pop().expect("a page");
    assert!(is_marked(&page, 9));
    let mut tail = batch.split_off(5);
    drop(batch);
    assert!(tail.iter().zip(5..).all(|(bytes, seed)| is_marked(bytes, seed)));
    page.fill(3);
    assert!(tail.push(page).is_ok());
    drop(tail);
    assert_eq!(blocks(), before);
}

fn an_empty_batch_has_nothing_to_do_with_a_pool_that_is_gone<M: Mode>() {
    let _alone = alone();
    let before = blocks();
    let pool = counted::<M>();
    let (mut batch, mut other) = (PageBatch::<M>::new(), PageBatch::<M>::new());
    assert_eq!(
        (pool.alloc_bulk(&mut batch, 3).allocated, pool.alloc_bulk(&mut other, 3).allocated),
        (3, 3)
    );
    drop(pool);
    while let Some(page) = batch.pop() {
        drop(page);
    }
    let mut iter = other.into_iter();
    iter.by_ref().for_each(drop);
    assert_eq!(blocks(), before);
    batch.clear();
    drop((batch, iter));
}

struct Late<M: Mode>(RefCell<Vec<Page<M>>>);

fn pages_dropped_while_a_thread_is_torn_down_are_freed<M: Mode>() {
    thread_local! {
        static LATE: RefCell<Vec<Box<dyn std::any::Any>>> = const { RefCell::new(Vec::new()) };
    }
    let _alone = alone();
    let pool = pool::<M>(50);
    let inside = pool.clone();
    let body = move || {
        let late = Late::<M>(RefCell::default());
        late.0.borrow_mut().extend((0..20).map(|_| inside.alloc().expect("a page")));
        LATE.with(|all| all.borrow_mut().push(Box::new(late)));
        drop(inside);
    };
    thread::spawn(body).join().expect("no panic");
    assert_whole(pool);
}

fn pages_dropped_by_a_panic_are_freed<M: Mode>() {
    let _alone = alone();
    let pool = pool::<M>(50);
    let mut batch = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut batch, 20).allocated, 20);
    let caught = thread::spawn(move || {
        let _held = batch;
        std::panic::resume_unwind(Box::new(()));
    });
    assert!(caught.join().is_err());
    assert_whole(pool);
}

/// Some of everything that can be owned.
type Owners<M> = (Block<M>, PageBatch<M, 16>, Page<M>);

/// Lets waiting workers go on when a test has failed.
struct LetGo<'a>(&'a AtomicUsize);

impl Drop for LetGo<'_> {
    fn drop(&mut self) {
        self.0.store(usize::MAX, Ordering::Release);
    }
}

fn the_last_handle_and_the_last_pages_may_go_at_once<M: Mode>() {
    let _alone = alone();
    let before = blocks();
    let go = AtomicUsize::new(0);
    thread::scope(|scope| {
        let _finally = LetGo(&go);
        let (done, rounds) = mpsc::channel();
        let workers = [(); 2].map(|()| {
            let (send, work) = mpsc::channel::<Owners<M>>();
            let (go, done) = (&go, done.clone());
            scope.spawn(move || {
                for (round, mine) in work.into_iter().enumerate() {
                    while go.load(Ordering::Acquire) <= round {
                        std::hint::spin_loop();
                    }
                    drop(mine);
                    _ = done.send(());
                }
            });
            send
        });
        for round in 0..often(1000) {
            let pool = build::<M>(64, |builder| builder.region(Region::heap()).shared_caches(1));
            let mut cache = pool.cache().expect("a cache");
            for worker in &workers {
                let block = cache.alloc_block(Order::new(2).expect("legal")).expect("a block");
                let mut batch = PageBatch::empty();
                assert_eq!(cache.alloc_bulk(&mut batch, 1 + round % 16).allocated, 1 + round % 16);
                worker.send((block, batch, cache.alloc().expect("a page"))).expect("it works");
            }
            go.store(round + 1, Ordering::Release);
            drop(cache);
            drop(pool);
            workers.iter().for_each(|_| rounds.recv().expect("a worker is done"));
            assert_eq!(blocks(), before, "round {round}");
        }
    });
}

#[test]
fn owners_are_small_and_go_anywhere() {
    fn anywhere<T: Send + Sync + 'static>() {}
    fn of<M: Mode>() {
        anywhere::<Page<M>>();
        anywhere::<PageBatch<M>>();
        anywhere::<Block<M>>();
        anywhere::<Pool<M>>();
        fn movable<T: Send + 'static>() {}
        movable::<Cache<M>>();
        movable::<IntoIter<M, 256>>();
        assert_eq!(size_of::<Page<M>>(), 16);
        assert_eq!(size_of::<Option<Page<M>>>(), 16);
        assert_eq!(size_of::<Block<M>>(), 16);
    }
    of::<Bare>();
    of::<Hardened>();
    of::<DefaultMode>();
    anywhere::<SharedPage<Checked>>();
    assert_eq!(size_of::<SharedPage<Checked>>(), 16);
}

every_mode!(
    a_page_outlives_its_pool,
    a_batch_outlives_its_pool,
    a_block_outlives_its_pool,
    an_orphan_keeps_its_bytes,
    an_empty_batch_has_nothing_to_do_with_a_pool_that_is_gone,
    pages_dropped_while_a_thread_is_torn_down_are_freed,
    pages_dropped_by_a_panic_are_freed,
    the_last_handle_and_the_last_pages_may_go_at_once,
);
every_refcounted_mode!(a_shared_page_outlives_its_pool);
