//! All kinds of legal uses, of which no tool may say anything: whoever has a page reads and writes every byte of it.

use std::mem::MaybeUninit;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use pagesheaf::{
    Builder, Fence, Mode, Order, Page, PageBatch, PageId, PageRange, Pool, Refcounted, Region,
    StaticPool, hardening,
};

/// Of a page.
const BYTES: usize = 256;

/// How far a device has come that is done with what has a smaller ticket.
static DONE: AtomicU64 = AtomicU64::new(0);

struct Device;

impl Fence for Device {
    fn passed(&self, ticket: u64) -> bool {
        ticket <= DONE.load(Ordering::Acquire)
    }
}

static DEVICE: [&dyn Fence; 1] = [&Device];

/// Reads and writes all bytes of what is the caller's.
fn uses(bytes: &mut [u8]) {
    let sum = bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    bytes.fill(sum as u8 | 1);
}

/// The same, of a page that somebody has who has no owner of it: what is read was written before.
fn uses_at<M: Mode>(pool: &Pool<M>, id: PageId) {
    let start = pool.ptr(id).expect("a page").as_ptr();
    // SAFETY: the page is out, and nobody else has it.
    unsafe {
        start.write_bytes(5, BYTES);
        uses(std::slice::from_raw_parts_mut(start, BYTES));
    }
}

fn uses_all<M: Mode, const N: usize>(batch: &mut PageBatch<M, N>) {
    batch.iter_mut().for_each(uses);
}

fn build<M: Mode>(how: impl FnOnce(Builder<M>) -> Builder<M>) -> Pool<M> {
    let builder = Pool::builder(200).mode::<M>().page_size(BYTES).magazine_capacity(8);
    how(builder.fences(&DEVICE).region(Region::heap())).build().expect("a pool")
}

/// What only modes that poison allow.
fn where_poisoned<M: Mode>(
    builder: Builder<M>,
    how: impl FnOnce(Builder<M>) -> Builder<M>,
) -> Builder<M> {
    if M::HARDENING & hardening::POISON == 0 { builder } else { how(builder) }
}

fn order(order: u8) -> Order {
    Order::try_from(order).expect("legal")
}

/// A hook that writes to the pages that it is told of.
fn writes(range: &PageRange) {
    // SAFETY: the pages come or go, and nobody has them.
    uses(unsafe { std::slice::from_raw_parts_mut(range.start, range.bytes) });
}

/// All of it, in a mode.
pub fn legal<M: Mode>() {
    let _: [(); 2] =
        [true, false].map(|through_a_cache| bulks(&build::<M>(|it| it), through_a_cache));
    zeros::<M>();
    singles(&build::<M>(|it| where_poisoned(it, |it| it.poison_every(3))));
    raw(&build::<M>(|it| it));
    blocks(&build::<M>(|it| where_poisoned(it, |it| it.poison_lazily(true))));
    devices(&build::<M>(|it| it));
    tickets(&build::<M>(|it| it));
    waiting(&build::<M>(|it| it));
    threads::<M>();
    resizing::<M>();
    ends::<M>();
    given::<M>();
    statics::<M>();
}

fn bulks<M: Mode>(pool: &Pool<M>, through_a_cache: bool) {
    let mut cache = through_a_cache.then(|| pool.cache().expect("a cache"));
    let mut batch = PageBatch::<M>::new();
    for want in [1, 3, 8, 64, 200, 1] {
        for _ in 0..3 {
            match &mut cache {
                Some(cache) => assert_eq!(cache.alloc_bulk(&mut batch, want).allocated, want),
                None => assert_eq!(pool.alloc_bulk(&mut batch, want).allocated, want),
            }
            uses_all(&mut batch);
            match &mut cache {
                Some(cache) => cache.free_bulk(&mut batch),
                None => pool.free_bulk(&mut batch),
            }
        }
    }
    // More than there is: what the try took goes back.
    let held = pool.alloc().expect("a page");
    assert!(pool.alloc_bulk_exact(&mut batch, 200).is_err());
    drop(held);
    pool.alloc_bulk_exact(&mut batch, 150).expect("caches are drained, or asked");
    uses_all(&mut batch);
    let mut cut = batch.split_off(50);
    uses_all(&mut cut);
    drop((cut, batch));
    if let Some(cache) = &mut cache {
        let (mut other, one) = (PageBatch::<M>::new(), cache.alloc().expect("a page"));
        cache.idle(|| assert!(pool.alloc_bulk(&mut other, 100).allocated > 50));
        uses_all(&mut other);
        cache.free(one);
        cache.drain();
    }
}

fn zeros<M: Mode>() {
    let pool = build::<M>(|builder| builder.region(Region::mapped().purge(true)));
    for _ in 0..3 {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(pool.alloc_bulk_zeroed(&mut batch, 150).allocated, 150);
        assert!(batch.iter().flatten().all(|&byte| byte == 0));
        uses_all(&mut batch);
        let mut page = pool.alloc_zeroed().expect("a page");
        assert!(page.iter().all(|&byte| byte == 0));
        uses(&mut page);
        drop((page, batch));
        pool.drain();
        // The memory goes back to the system.
        (0..6).for_each(|_| _ = pool.maintain());
    }
}

fn singles<M: Mode>(pool: &Pool<M>) {
    let mut pages: Vec<Page<M>> = Vec::new();
    for round in 0..100 {
        let mut page = pool.alloc().expect("a page");
        uses(&mut page);
        pages.push(page);
        if round % 3 == 0 {
            drop(pages.swap_remove(pages.len() / 2));
        }
    }
    pages.iter_mut().for_each(|page| uses(page));
    pool.free_all(pages.drain(..30));
    let mut vacant = [const { None }; 40];
    assert_eq!(pool.fill_vacant(&mut vacant).allocated, 40);
    vacant.iter_mut().flatten().for_each(|page: &mut Page<M>| uses(page));
    let mut ready = pool.prefill(10).expect("some are free");
    let mut page = ready.next().expect("one of ten");
    uses(&mut page);
}

fn raw<M: Mode>(pool: &Pool<M>) {
    let mut cache = pool.cache().expect("a cache");
    let mut out = [const { MaybeUninit::uninit() }; 30];
    for _ in 0..3 {
        let ids = cache.alloc_bulk_raw(&mut out).0.to_vec();
        ids.iter().for_each(|&id| uses_at(pool, id));
        // SAFETY: the pages are out, and nobody else has them.
        unsafe {
            cache.free_bulk_raw(&ids[..10]).expect("they are out");
            ids[10..20].iter().for_each(|&id| drop(Page::from_raw(pool, id)));
            cache.free_bulk_ignoring_refcounts(&ids[20..]).expect("they are out");
        }
    }
    // Nobody has written it, but it is initialised, as an owner may take for granted.
    let id = pool.alloc_raw().expect("a page");
    // SAFETY: the page is out, and nobody else has it.
    let mut page = unsafe { Page::from_raw(pool, id) };
    uses(&mut page);
    let id = page.into_raw();
    uses_at(pool, id);
    // SAFETY: as above.
    unsafe { pool.free_raw(id) }.expect("it is out");
    pool.alloc_at_raw(PageId::new(199)).expect("it is free");
    uses_at(pool, PageId::new(199));
    // SAFETY: as above.
    unsafe { pool.free_raw(PageId::new(199)) }.expect("it is out");
}

fn blocks<M: Mode>(pool: &Pool<M>) {
    for size in [0, 3, 6, 7] {
        let mut block = pool.alloc_block(order(size)).expect("all are free");
        uses(&mut block);
        pool.free_block(block);
    }
    let mut pages: Vec<_> = pool.alloc_block(order(4)).expect("a block").into_pages().collect();
    pages.iter_mut().for_each(|page| uses(page));
    let blocks = pool.alloc_block_at(PageId::new(64), order(6)).expect("it is free");
    blocks.split(order(2)).expect("smaller").for_each(|mut block| uses(&mut block));
    let mut page = pool.alloc_at(PageId::new(150)).expect("it is free");
    uses(&mut page);
    drop((page, pages));
    let first = pool.alloc_block_raw(order(2)).expect("a block");
    let pages = || (0..4).map(|at| PageId::new(first.index() + at));
    pages().for_each(|id| uses_at(pool, id));
    // SAFETY: the block is out, and nobody else has it.
    unsafe { pool.split_block_raw(first, order(2), None) }.expect("it is a block");
    pages().for_each(|id| uses_at(pool, id));
    let ids: Vec<_> = pages().collect();
    // SAFETY: the pieces are out, and nobody else has them.
    unsafe { pool.free_bulk_raw(&ids) }.expect("they are out");
}

fn devices<M: Mode>(pool: &Pool<M>) {
    let mut cache = pool.cache().expect("a cache");
    for _ in 0..3 {
        let mut lending = cache.lend_new(70);
        let offsets: Vec<u64> = lending.by_ref().take(40).collect();
        // Those that were lent ahead go back.
        drop(lending);
        let device = || offsets.iter().map(|&offset| pool.id_at_offset(offset).expect("a page"));
        device().for_each(|id| uses_at(pool, id));
        let mut batch = PageBatch::<M>::new();
        // SAFETY: the device is done with these.
        unsafe { pool.reclaim_at(offsets[..20].iter().copied(), &mut batch) }.expect("lent");
        uses_all(&mut batch);
        let mut ids = [const { MaybeUninit::uninit() }; 20];
        let again = cache.lend_bulk(&mut batch, &mut ids).to_vec();
        again.iter().for_each(|&id| uses_at(pool, id));
        // SAFETY: as above.
        unsafe {
            let mut page = pool.reclaim(again[0]).expect("it is lent");
            uses(&mut page);
            cache.reclaim_bulk(&again[1..], &mut batch).expect("they are lent");
            cache.free_lent(offsets[20..].iter().copied()).expect("they are lent");
        }
    }
}

/// A device looks at pages that were given up until it is done.
fn tickets<M: Mode>(pool: &Pool<M>) {
    for ticket in DONE.load(Ordering::Acquire) + 1..DONE.load(Ordering::Acquire) + 4 {
        let mut batch = PageBatch::<M>::new();
        pool.alloc_bulk_exact(&mut batch, 30).expect("all are free");
        uses_all(&mut batch);
        let ids = batch.ids().to_vec();
        pool.free_bulk_after(&mut batch, ticket).expect("there is room");
        pool.alloc_bulk_exact(&mut batch, 30).expect("others are free");
        uses_all(&mut batch);
        ids.iter().for_each(|&id| uses_at(pool, id));
        DONE.store(ticket, Ordering::Release);
        assert_eq!(pool.reap_fences(), 30);
    }
}

fn waiting<M: Mode>(pool: &Pool<M>) {
    let mut all = PageBatch::<M>::new();
    pool.alloc_bulk_exact(&mut all, 200).expect("all are free");
    let mut some = all.split_off(100);
    let mut batch = PageBatch::<M>::new();
    {
        let mut waits = pin!(pool.alloc_bulk_async(&mut batch, 50));
        let mut poll = || waits.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll().is_pending());
        drop(some.split_off(90));
        // Pages are promised to it, which it does not have yet.
        assert!(poll().is_pending());
        drop(some);
        assert!(matches!(poll(), Poll::Ready(Ok(()))));
    }
    uses_all(&mut batch);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut batch = PageBatch::<M>::new();
            pool.alloc_bulk_timeout(&mut batch, 120, Duration::from_secs(60)).expect("in time");
            uses_all(&mut batch);
        });
        uses_all(&mut all);
        drop((all, batch));
    });
}

/// Pages go from thread to thread, also those that others hold in caches.
fn threads<M: Mode>() {
    let pool = build::<M>(|builder| builder.max_caches(3));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut cache = pool.cache_named("some").stealable().build().expect("a cache");
                for round in 0..100 {
                    let mut batch = PageBatch::<M>::new();
                    let _ = cache.alloc_bulk(&mut batch, 1 + round % 60);
                    uses_all(&mut batch);
                    match round % 3 {
                        0 => cache.free_bulk(&mut batch),
                        1 => drop(batch),
                        _ => pool.free_bulk(&mut batch),
                    }
                    if round % 10 == 0 {
                        pool.steal_idle();
                    }
                }
            });
        }
    });
}

/// What is offline is whose the memory is.
fn resizing<M: Mode>() {
    let pool = build::<M>(|it| it.initially(150).on_init(writes).on_retire(writes));
    let touch = |ids: std::ops::Range<u32>| ids.for_each(|id| uses_at(&pool, PageId::new(id)));
    touch(150..200);
    let mut batch = PageBatch::<M>::new();
    for _ in 0..2 {
        assert_eq!(pool.alloc_bulk(&mut batch, 100).allocated, 100);
        uses_all(&mut batch);
        batch.clear();
        assert_eq!(pool.offline(20..120).expect("a range").count(), 100);
        touch(20..120);
        // SAFETY: nobody uses the memory any more.
        unsafe { pool.online(20..120) }.expect("they are offline");
    }
}

fn ends<M: Mode>() {
    // The last page outlives the pool, whose hooks then write to its memory.
    let pool = build::<M>(|it| it.on_region(writes).on_retire(writes).on_region_end(writes));
    let mut page = pool.alloc().expect("a page");
    drop(pool);
    uses(&mut page);
    drop(page);
    // What was forgotten comes back.
    let pool = build::<M>(|it| it);
    let mut batch = PageBatch::<M>::new();
    pool.alloc_bulk_exact(&mut batch, 20).expect("all are free");
    std::mem::forget(batch);
    // SAFETY: nobody uses the pages any more, which are initialised.
    let recovered = unsafe { pool.close().expect_err("pages are out").recover_forgotten() };
    let (pool, pages) = recovered.expect("nobody else has the pool");
    assert_eq!(pages, 20);
    bulks(&pool, true);
    pool.close().expect("nothing is out");
}

/// Memory of the caller's is the caller's again when the pool is gone.
fn given<M: Mode>() {
    let mut memory = vec![3_u64; 65 * BYTES / 8];
    let start = memory.as_mut_ptr().cast::<u8>();
    let start = start.wrapping_add(start.align_offset(BYTES));
    for _ in 0..2 {
        let builder = Pool::builder(64).mode::<M>().page_size(BYTES).max_caches(1);
        let region = std::ptr::NonNull::new(start).expect("no null");
        // SAFETY: the memory is initialised, and the pool's alone until it is gone.
        let region = unsafe { Region::caller(region, 64 * BYTES) };
        let pool = builder.region(region).build().expect("a pool");
        let mut pages: Vec<_> = (0..64).map(|_| pool.alloc().expect("a page")).collect();
        pages.iter_mut().for_each(|page| uses(page));
        drop((pages, pool));
        // SAFETY: as above, and it is gone.
        uses(unsafe { std::slice::from_raw_parts_mut(start, 64 * BYTES) });
    }
    memory.fill(0);
}

fn statics<M: Mode>() {
    let made = StaticPool::<M>::new();
    made.init_with(|| Ok::<_, pagesheaf::BuildError>(build(|it| it)))
        .expect("nobody else builds it");
    let mut page = made.alloc().expect("a page");
    uses(&mut page);
    drop(page);
    drop(made);
}

/// Several have a page, and the last of them frees it.
pub fn of_references<M: Refcounted>() {
    let pool = build::<M>(|it| it);
    for _ in 0..3 {
        let mut page = pool.alloc().expect("a page");
        uses(&mut page);
        let shared = page.into_shared();
        let other = shared.clone();
        thread::scope(|scope| {
            scope.spawn(move || {
                assert_ne!(other.iter().map(|&byte| u64::from(byte)).sum::<u64>(), 0)
            });
            assert_ne!(shared[255], 0);
            drop(shared);
        });
        let id = pool.alloc_raw().expect("a page");
        // SAFETY: the page is out, with one reference; each is given up once.
        unsafe {
            pool.retain_bulk(&[id]).expect("it is out");
            assert_eq!(pool.release_bulk(&[id]).expect("there are two"), 0);
            uses_at(&pool, id);
            assert_eq!(pool.release_bulk(&[id]).expect("there is one"), 1);
        }
    }
}
