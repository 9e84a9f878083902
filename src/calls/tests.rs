//! Calls whose pages are bad in part, or wait for tickets, or are kept for others.

extern crate std;

use core::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::vec::Vec;

use crate::error::ShortReason;
use crate::mapping::Mapping;
use crate::mode::{Bare, Checked, Hardened, Mode};
use crate::owned::PageBatch;
use crate::page::{Order, PageId};
use crate::pool::{Builder, OnBadPage, Pool};
use crate::sync::{Atomic, Ordering};
use crate::ticket::Fence;

type Batch<M> = PageBatch<M, 100>;

/// A pool of 100 pages; without an allocator there is none.
fn pool<M: Mode>(change: impl FnOnce(Builder<M>) -> Builder<M>) -> Option<Pool<M>> {
    let builder = Pool::builder(100).page_size(64).magazine_capacity(8).mode::<M>();
    change(builder.max_caches(1).shared_caches(1)).build().ok()
}

fn batch_of<M: Mode>(pool: &Pool<M>, n: usize) -> Batch<M> {
    let mut batch = Batch::empty();
    assert_eq!(pool.alloc_bulk_exact(&mut batch, n), Ok(()));
    batch
}

fn order(order: u8) -> Order {
    Order::new(order).expect("legal")
}

/// A page that a device has, too, in the middle of a batch: it stays out, and is told of.
fn a_bad_page_of_a_batch_is_remembered<M: Mode>() {
    let Some(pool) = pool::<M>(|builder| builder) else { return };
    let mut cache = pool.cache().expect("a cache");
    for bad in 1..=8 {
        let mut batch = batch_of(&pool, 12);
        let victim = batch.ids()[bad];
        pool.core.lend(victim).expect("it is out");
        if bad % 2 == 0 {
            cache.free_bulk(&mut batch)
        } else {
            pool.free_bulk(&mut batch)
        }
        assert_eq!((pool.core.faults(), pool.is_tainted()), (bad as u64, true));
        let pages = pool.audit().pages;
        assert!(pages.adds_up() && pages.out == bad as u64, "{pages}");
    }
    core::mem::forget((cache, pool));
}

static TOLD: Atomic<u32> = Atomic::new(0);

/// By the call itself, and not by another one.
#[test]
fn a_call_of_a_pool_tells_the_hook_before_it_panics() {
    let told = |_: &_| _ = TOLD.fetch_add(1, Ordering::Relaxed);
    let made = pool::<Checked>(|builder| builder.on_bad_page(OnBadPage::Panic).on_taint(told));
    let Some(pool) = made else { return };
    let mut batch = batch_of(&pool, 12);
    pool.core.lend(batch.ids()[5]).expect("it is out");
    let free = catch_unwind(AssertUnwindSafe(|| pool.free_bulk(&mut batch)));
    assert_eq!((free.is_err(), TOLD.load(Ordering::Relaxed)), (true, 1));
    core::mem::forget(pool);
}

/// It has no pages to return, which a panic would lose.
#[test]
fn a_call_that_lends_nothing_panics_at_once() {
    let made = pool::<Checked>(|builder| builder.on_bad_page(OnBadPage::Panic));
    let Some(pool) = made else { return };
    let mut batch = batch_of(&pool, 2);
    pool.core.lend(batch.ids()[0]).expect("it is out");
    let mut lend = |out: &mut [MaybeUninit<PageId>]| {
        catch_unwind(AssertUnwindSafe(|| pool.lend_bulk(&mut batch, out).len())).ok()
    };
    assert_eq!(lend(&mut [MaybeUninit::uninit()]), None);
    assert_eq!(lend(&mut [MaybeUninit::uninit(); 2]), Some(1), "another call is told later");
    core::mem::forget((batch, pool));
}

/// Has not passed when it is asked first, and has from then on.
struct Second(Atomic<u32>);

impl Fence for Second {
    fn passed(&self, _: u64) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) > 0
    }
}

/// A ticket passes after a call has looked whether there are pages.
fn a_call_that_finds_none_looks_again<M: Mode>() {
    static FENCE: Second = Second(Atomic::new(0));
    static FENCES: [&dyn Fence; 1] = [&FENCE];
    let Some(pool) = pool::<M>(|builder| builder.fences(&FENCES)) else { return };
    let wait = |batch: &mut Batch<M>| {
        FENCE.0.store(0, Ordering::Relaxed);
        // It asks once.
        assert_eq!(pool.free_bulk_after(batch, 1), Ok(()));
        FENCE.0.store(0, Ordering::Relaxed);
    };
    let mut out = batch_of(&pool, 100);
    wait(&mut out.split_off(97));
    let got = [pool.alloc(), pool.alloc(), pool.alloc()];
    let why: Vec<_> = got.iter().map(|got| got.as_ref().err().copied()).collect();
    assert_eq!(why, [Some(ShortReason::Fenced), None, None]);
    drop(got);
    let (mut batch, fenced) = (Batch::<M>::empty(), Some(ShortReason::Fenced));
    wait(&mut out.split_off(90));
    // What is free, and then what waits.
    let bulk = pool.alloc_bulk(&mut batch, 100);
    assert_eq!((bulk.allocated, bulk.reason), (3, fenced));
    pool.free_bulk(&mut batch);
    let bulk = pool.alloc_bulk(&mut batch, 100);
    assert_eq!((bulk.allocated, batch.len()), (10, 10));
    pool.free_bulk(&mut batch);
    let mut vacant = [const { None }; 17];
    wait(&mut out.split_off(83));
    for (asked, filled) in [(0, 10), (1, 7)] {
        FENCE.0.store(asked, Ordering::Relaxed);
        // If some come meanwhile, it goes on.
        assert_eq!(pool.fill_vacant(&mut vacant).allocated, filled);
    }
    drop(vacant);
    core::mem::forget((out, pool));
}

/// One page is a page, however it is asked for; of more, fewer may be had.
fn a_block_of_one_page_is_had_where_a_page_is<M: Mode>() {
    let Some(pool) = pool::<M>(|builder| builder.low(20).critical_reserve(4)) else { return };
    let mut all = Batch::<M>::empty();
    assert_eq!(pool.alloc_bulk(&mut all, 100).reason, Some(ShortReason::Watermark));
    let free = || pool.core.zone.free();
    assert_eq!(free(), 20);
    let mut blocks = [const { MaybeUninit::uninit() }; 2];
    assert_eq!(pool.alloc_blocks_bulk_raw(order(0), &mut blocks[..1]).0.len(), 1);
    let (none, why) = pool.alloc_blocks_bulk_raw(order(1), &mut blocks);
    assert_eq!((none.len(), why), (0, Some(ShortReason::Watermark)));
    let mut owned = [const { None }; 2];
    assert_eq!(pool.alloc_blocks_bulk(order(0), &mut owned[..1]).allocated, 1);
    assert_eq!(pool.alloc_blocks_bulk(order(1), &mut owned[1..]).allocated, 0);
    let mut owned = [const { None }; 2];
    assert_eq!(pool.alloc_blocks_bulk(order(1), &mut owned).allocated, 0);
    let mut vacant = [const { None }; 2];
    assert_eq!(pool.fill_vacant(&mut vacant[..1]).allocated, 1);
    assert_eq!((pool.fill_vacant(&mut vacant).allocated, free()), (1, 16));
    core::mem::forget((owned, vacant, all, pool));
}

#[test]
fn calls_do_what_they_say_in_every_kind_of_mode() {
    a_bad_page_of_a_batch_is_remembered::<Checked>();
    a_bad_page_of_a_batch_is_remembered::<Hardened>();
    a_call_that_finds_none_looks_again::<Bare>();
    a_call_that_finds_none_looks_again::<Checked>();
    a_block_of_one_page_is_had_where_a_page_is::<Bare>();
    a_block_of_one_page_is_had_where_a_page_is::<Checked>();
}

#[test]
fn a_parked_cache_has_the_number_of_its_slot() {
    let made = Pool::builder(100).page_size(64).max_caches(3).build();
    // Without an allocator there is none.
    let Ok(pool) = made else { return };
    let caches = [(); 3].map(|()| pool.cache().expect("a cache"));
    let numbers = caches.map(|cache| cache.park().number());
    assert_eq!(numbers, [0, 1, 2]);
}

/// Straight from the zone, where caches have nothing; what was written before is filled.
#[test]
#[cfg_attr(miri, ignore = "memory is mapped")]
fn pages_that_are_to_be_zero_are() {
    let builder = Pool::builder(100).region(Mapping::new()).mode::<Checked>();
    // Nothing is mapped on some systems.
    let Ok(pool) = builder.max_caches(1).shared_caches(0).build() else { return };
    let (mut cache, slot) = (pool.cache().expect("a cache"), &pool.core.slots[0]);
    let mut all = Batch::<Checked>::empty();
    for asked in [0, 2] {
        slot.requests.ask_more(asked);
        let page = cache.alloc_zeroed().expect("a page");
        assert_eq!(slot.requests.calls(), asked.saturating_sub(1));
        all.push(page).expect("room");
        slot.requests.withdraw();
        cache.drain();
    }
    let calls = || slot.counters.alloc_calls.get();
    let (before, mut few) = (calls(), PageBatch::<Checked, 8>::empty());
    let bulk = cache.alloc_bulk_zeroed(&mut few, 8);
    assert_eq!((bulk.allocated, bulk.reason, calls() - before), (8, None, 1));
    assert_eq!((slot.cached(), cache.free_bulk(&mut few)), (0, ()));
    let bulk = cache.alloc_bulk_zeroed(&mut few, 10);
    assert_eq!((bulk.allocated, bulk.reason), (8, Some(ShortReason::BatchFull)));
    cache.free_bulk(&mut few);
    // All of them are written, and come from the zone again.
    assert_eq!(cache.alloc_bulk(&mut all, 98).allocated, 98);
    all.iter_mut().for_each(|page| page.fill(7));
    cache.free_bulk(&mut all);
    pool.drain();
    cache.drain();
    assert_eq!(pool.core.zone.free(), 100);
    let page = cache.alloc_zeroed().expect("a page");
    assert!(page.iter().all(|&byte| byte == 0));
    cache.drain();
    assert_eq!(cache.alloc_bulk_zeroed(&mut all, 99).allocated, 99);
    assert!(all.iter().all(|page| page.iter().all(|&byte| byte == 0)));
    drop((page, all));
}

/// It takes pages 32 or 64 at a time, and the last step finds none: the call is short of some all the same.
fn a_call_whose_last_step_finds_nothing_is_short_and_not_dry<M: Mode>() {
    let Some(pool) = pool::<M>(|builder| builder.max_caches(2)) else { return };
    let _other = pool.cache().expect("a cache");
    let mut one = pool.cache().expect("a cache");
    let asked = || (pool.core.slots[0].requests.calls(), pool.core.is_dry_without_cache());
    let _kept = batch_of(&pool, 36);
    macro_rules! short_of_ten {
        ($front:expr) => {{
            let (mut pages, mut blocks) = ([const { None }; 74], [const { None }; 74]);
            assert_eq!($front.fill_vacant(&mut pages).allocated, 64);
            assert_eq!(asked(), (0, false));
            pages.fill_with(|| None);
            assert_eq!($front.alloc_blocks_bulk(order(0), &mut blocks).allocated, 64);
            assert_eq!(asked(), (0, false));
            blocks.fill_with(|| None);
            let lent: Vec<_> = $front.lend_new(74).collect();
            assert_eq!((lent.len(), asked()), (64, (0, false)));
            // SAFETY: no device has them.
            unsafe { pool.free_lent(lent) }.expect("they are lent");
            pool.drain();
            one.drain();
            pool.core.slots[0].requests.forget();
        }};
    }
    short_of_ten!(one);
    short_of_ten!(pool);
    // A call that finds nothing is.
    let mut all = Batch::<M>::empty();
    assert_eq!(one.alloc_bulk(&mut all, 64).allocated, 64);
    assert_eq!(pool.fill_vacant(&mut [const { None }; 74]).allocated, 0);
    assert_eq!(asked(), (8, true));
}

#[test]
fn a_call_of_several_steps_asks_only_if_it_got_nothing() {
    a_call_whose_last_step_finds_nothing_is_short_and_not_dry::<Bare>();
    a_call_whose_last_step_finds_nothing_is_short_and_not_dry::<Checked>();
    a_call_whose_last_step_finds_nothing_is_short_and_not_dry::<Hardened>();
}
