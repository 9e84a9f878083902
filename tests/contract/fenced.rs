//! Pages that are given up with a ticket: nobody has them before it has passed, and then everybody can.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::common::*;

type Batch<M> = PageBatch<M, 128>;

/// The largest ticket that counts as a panic.
const PANICS: u64 = u64::MAX;

/// What is done with pages, in the order of tickets. It counts how often it was asked.
#[derive(Default)]
struct Device {
    done: AtomicU64,
    asked: AtomicUsize,
}

impl Device {
    /// So many tickets have passed.
    fn pass(&self, ticket: u64) {
        self.done.store(ticket, Ordering::Release);
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }
}

impl Fence for Device {
    fn passed(&self, ticket: u64) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed);
        assert!(self.done.load(Ordering::Acquire) != PANICS, "the device is broken");
        self.done.load(Ordering::Acquire) >= ticket
    }
}

/// A pool of 100 pages, with so many devices.
fn with_devices<M: Mode, const N: usize>(
    change: impl FnOnce(Builder<M>) -> Builder<M>,
) -> (Pool<M>, [&'static Device; N]) {
    let devices = std::array::from_fn(|_| &*Box::leak(Box::default()));
    let fences: [&'static dyn Fence; N] = devices.map(|device: &'static Device| device as _);
    let fences: &'static [&'static dyn Fence] = Box::leak(Box::new(fences));
    let pool = build::<M>(100, |builder| {
        change(builder.max_caches(2).shared_caches(1).magazine_capacity(8).fences(fences))
    });
    (pool, devices)
}

fn batch_of<M: Mode>(pool: &Pool<M>, n: usize) -> Batch<M> {
    let mut batch = Batch::empty();
    pool.alloc_bulk_exact(&mut batch, n).expect("so many are free");
    batch
}

fn fenced<M: Mode>(pool: &Pool<M>) -> u64 {
    let audit = pool.audit();
    assert!(audit.pages.adds_up() && audit.misplaced.unwrap_or(0) == 0, "{audit}");
    assert_eq!(audit.corrupt.unwrap_or(0), 0, "{audit}");
    audit.pages.fenced
}

/// Until its ticket has passed a page is nobody's: then it can be had again, by whoever looks.
fn a_page_waits_for_its_ticket<M: Mode>() {
    let (pool, [device]) = with_devices::<M, 1>(|builder| builder);
    let mut cache = pool.cache().expect("a slot");
    let mut batch = batch_of(&pool, 100);
    assert_eq!(cache.free_bulk_after(&mut batch.split_off(60), 1), Ok(()));
    assert_eq!(pool.free_bulk_after(&mut batch.split_off(30), 2), Ok(()));
    assert_eq!((fenced(&pool), batch.len()), (70, 30));
    assert!(pool.to_string().contains(" + fenced 70"), "{pool}");
    for got in [cache.alloc().err(), pool.alloc().err()] {
        assert_eq!(got, Some(ShortReason::Fenced));
    }
    let mut more = Batch::empty();
    assert_eq!(cache.alloc_bulk(&mut more, 8).reason, Some(ShortReason::Fenced));
    let error = pool.alloc_bulk_exact(&mut more, 8).expect_err("all are out or wait");
    assert_eq!((error.had, error.reason), (0, ShortReason::Fenced));
    device.pass(1);
    assert_eq!(pool.alloc_bulk(&mut more, 100).allocated, 40);
    assert_eq!(fenced(&pool), 30);
    device.pass(2);
    assert_eq!(cache.alloc_bulk_exact(&mut more, 30), Ok(()));
    assert_eq!((fenced(&pool), more.len()), (0, 70));
    drop((batch, more, cache));
    assert_whole(pool);
}

/// A call that has some pages, and then finds that a ticket has passed, counts all that it has got.
fn what_a_ticket_lets_go_is_added_to_what_was_free<M: Mode>() {
    let (pool, [device]) = with_devices::<M, 1>(|builder| builder);
    let mut cache = pool.cache().expect("a slot");
    for through_the_pool in [true, false] {
        let mut batch = batch_of(&pool, 100);
        pool.free_bulk_after(&mut batch.split_off(80), 1).expect("room");
        pool.free_bulk(&mut batch.split_off(50));
        pool.drain();
        device.pass(1);
        let mut more = Batch::empty();
        let bulk = match through_the_pool {
            true => pool.alloc_bulk(&mut more, 50),
            false => cache.alloc_bulk(&mut more, 50),
        };
        assert_eq!((bulk.allocated, bulk.reason, more.len()), (50, None, 50));
        drop((batch, more));
        device.pass(0);
    }
    drop(cache);
    assert_whole(pool);
}

/// What has passed already is freed at once, and does not wait for what came before.
fn a_ticket_that_has_passed_is_no_wait<M: Mode>() {
    let (pool, [device]) = with_devices::<M, 1>(|builder| builder);
    device.pass(7);
    pool.free_bulk_after(&mut batch_of(&pool, 50), 7).expect("a fence");
    assert_eq!(fenced(&pool), 0);
    assert_whole(pool);
}

/// Each fence has a queue of its own, oldest first, and tickets that grow are asked about one after the other.
fn fences_do_not_wait_for_each_other<M: Mode>() {
    let (pool, [one, two]) = with_devices::<M, 2>(|builder| builder);
    for ticket in 1..=9 {
        let mut pages = batch_of(&pool, 5);
        pool.free_bulk_after(&mut pages, Ticket::new(0, ticket)).expect("room");
        pool.free_bulk_after(&mut batch_of(&pool, 5), Ticket::new(1, ticket)).expect("room");
    }
    assert_eq!((fenced(&pool), pool.reap_fences()), (90, 0));
    two.pass(9);
    assert_eq!((pool.reap_fences(), fenced(&pool)), (45, 45));
    one.pass(9);
    let done = pool.maintain();
    assert_eq!((done.reaped, fenced(&pool)), (45, 0));
    assert_whole(pool);
}

/// A fence that goes on by and by gives back what has passed, and at the end all; few magazines are partly full.
fn magazines_are_filled_before_others_are_begun<M: Mode>() {
    let (pool, [device]) = with_devices::<M, 1>(|builder| builder);
    let mut ticket = 0;
    for round in 0..40 {
        while let Ok(page) = pool.alloc() {
            let mut one = PageBatch::<M, 1>::empty();
            one.push(page).expect("it is empty");
            ticket += 1;
            assert_eq!(pool.free_bulk_after(&mut one, ticket), Ok(()), "{round}: {ticket}");
        }
        assert_eq!(fenced(&pool), 100, "{round}");
        // Half of them; but a magazine comes back when its last page may.
        device.pass(ticket - 50);
        let came = pool.reap_fences();
        assert!((20..=50).contains(&came), "{round}: {came}");
    }
    device.pass(ticket);
    pool.reap_fences();
    assert_whole(pool);
}

/// What is refused leaves the batch as it was.
fn a_refused_batch_is_as_it_was<M: Mode>() {
    let (pool, [device, ..]) = with_devices::<M, 31>(|builder| builder);
    let mut batch = batch_of(&pool, 3);
    let ids = batch.ids().to_vec();
    let ticket = Ticket::new(31, 1);
    let error = pool.free_bulk_after(&mut batch, ticket).expect_err("31 are 0 to 30");
    assert_eq!(error, FenceError::NoFence { ticket, fences: 31 });
    assert_eq!(
        error.to_string(),
        "no fence for ticket 1 of fence 31: the pool has 31: use one of these, or name more in \
         Builder::fences"
    );
    let other = build::<M>(10, |builder| builder);
    let none = other.free_bulk_after(&mut batch_of(&other, 1), 1);
    assert_eq!(none, Err(FenceError::NoFence { ticket: Ticket::from(1), fences: 0 }));
    assert_eq!(pool.free_bulk_after(&mut batch_of(&other, 1), 1), Err(FenceError::OtherPool));
    assert_eq!(batch.ids(), ids);
    assert_eq!(pool.free_bulk_after(&mut Batch::empty(), 1), Ok(()), "nothing to refuse");
    drop(batch);
    // Each fence needs a magazine of its own, and there are fewer.
    let mut failed = 0;
    for fence in 0..31 {
        let mut pages = batch_of(&pool, 2);
        match pool.free_bulk_after(&mut pages, Ticket::new(fence, 1)) {
            Ok(()) => assert!(pages.is_empty()),
            Err(error) => {
                assert_eq!((error, pages.len()), (FenceError::NoMagazine, 2));
                failed += 1;
            }
        }
    }
    assert!((1..31).contains(&failed), "{failed}");
    assert_eq!(fenced(&pool), 2 * (31 - failed));
    // What goes with one that is there already has room, and many have none: not in part, either.
    let mut many = batch_of(&pool, 30);
    assert_eq!(pool.free_bulk_after(&mut many, 2), Err(FenceError::NoMagazine));
    assert_eq!((many.len(), fenced(&pool)), (30, 2 * (31 - failed)));
    assert_eq!(pool.free_bulk_after(&mut many.split_off(25), 2), Ok(()));
    device.pass(2);
    assert_eq!(pool.reap_fences(), 7);
}

/// Only in what is read are pages free before their ticket has passed: their bytes stay until then.
fn bytes_stay_until_the_ticket_has_passed<M: Mode>() {
    let (pool, [device]) = with_devices::<M, 1>(|builder| builder);
    let mut batch = batch_of(&pool, 20);
    batch.iter_mut().for_each(|page| page.fill(7));
    let ids = batch.ids().to_vec();
    pool.free_bulk_after(&mut batch, 1).expect("room");
    let bytes = |id| {
        let page = pool.ptr(id).expect("a page of the pool");
        // SAFETY: the page waits for its ticket, so nobody writes it; it is initialised.
        unsafe { std::slice::from_raw_parts(page.as_ptr(), pool.page_size()) }.to_vec()
    };
    assert!(ids.iter().all(|&id| bytes(id).iter().all(|&byte| byte == 7)));
    device.pass(1);
    assert_eq!(pool.reap_fences(), 20);
    let same = ids.iter().all(|&id| bytes(id).iter().all(|&byte| byte == 7));
    assert_eq!(same, !poisons::<M>());
    // What was written over the poison is found, as of any free page.
    assert_whole(pool);
}

/// A fence that panics makes the call panic, and loses nothing.
fn a_fence_that_panics_loses_no_page<M: Mode>() {
    let (pool, [device]) = with_devices::<M, 1>(|builder| builder);
    let mut batch = batch_of(&pool, 40);
    pool.free_bulk_after(&mut batch, 1).expect("room");
    device.pass(PANICS);
    let mut batch = batch_of(&pool, 4);
    let calls: [&mut dyn FnMut(); 4] = [
        &mut || _ = pool.reap_fences(),
        &mut || _ = pool.free_bulk_after(&mut batch, 2),
        &mut || while pool.alloc().map(Page::into_raw).is_ok() {},
        &mut || _ = pool.maintain(),
    ];
    for call in calls {
        assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
        assert_eq!(fenced(&pool), 40);
    }
    assert_eq!(batch.len(), 4);
    device.pass(2);
    assert_eq!(pool.reap_fences(), 40);
    assert_eq!(pool.audit().pages.out, 60, "what a call had is its caller's");
}

/// The pool does not close, nor does its memory go, before the last ticket has passed; and an error names the pages.
fn a_pool_that_closes_names_its_fenced_pages<M: Mode>() {
    let (pool, [device]) = with_devices::<M, 1>(|builder| builder);
    let mut batch = batch_of(&pool, 12);
    let mut ids = batch.ids().to_vec();
    ids.sort_unstable();
    pool.free_bulk_after(&mut batch, 1).expect("room");
    let error = pool.close().expect_err("pages wait");
    assert_eq!((error.handles(), error.out(), error.fenced()), (0, 12, 12));
    let mut named: Vec<_> = error.ids().collect();
    named.sort_unstable();
    assert_eq!(named, ids);
    assert!(error.to_string().contains("; all of them are given up with a ticket"), "{error}");
    device.pass(1);
    error.into_pool().close().expect("all are back");
}

/// Who forgets what waits for a ticket gets it back with what else was forgotten.
fn what_is_recovered_waits_for_nothing<M: Mode>() {
    let (pool, [device]) = with_devices::<M, 1>(|builder| builder);
    pool.free_bulk_after(&mut batch_of(&pool, 21), 1).expect("room");
    std::mem::forget(batch_of(&pool, 9));
    let error = pool.close().expect_err("pages wait");
    // SAFETY: no owner is left but those that were forgotten, and there is no device.
    let (pool, recovered) = unsafe { error.recover_forgotten() }.expect("no other handle");
    let pages = pool.audit().pages;
    assert_eq!((recovered, pages.fenced, pages.out, pages.free), (30, 0, 0, 100), "{pages}");
    device.pass(1);
    assert_eq!(pool.reap_fences(), 0);
    assert_whole(pool);
}

/// With wakes deferred no allocation asks a fence: upkeep does.
fn a_pool_for_handlers_asks_in_upkeep_only<M: Mode>() {
    let (pool, [device]) = with_devices::<M, 1>(|builder| builder.defer_wakes(true));
    pool.free_bulk_after(&mut batch_of(&pool, 100), 1).expect("room");
    device.pass(1);
    let _ = device.asked();
    assert_eq!(pool.alloc().err(), Some(ShortReason::Fenced));
    let bulk = pool.alloc_bulk(&mut Batch::<M>::empty(), 8);
    assert_eq!(bulk, BulkAlloc { allocated: 0, reason: Some(ShortReason::Fenced) });
    assert_eq!(device.asked(), 0);
    assert_eq!((pool.maintain().reaped, pool.alloc().is_ok()), (100, true));
}

/// Whoever gave up with tickets that grow in another order than they came finds those that have passed.
fn a_smaller_ticket_does_not_wait_for_a_larger_one<M: Mode>() {
    let (pool, [device]) = with_devices::<M, 1>(|builder| builder);
    // Each fills a magazine, so that none has the pages of two.
    for ticket in [5, 9, 2, 7, 1, 3] {
        pool.free_bulk_after(&mut batch_of(&pool, 8), ticket).expect("room");
    }
    for passed in [1, 2, 3, 5, 7, 9] {
        device.pass(passed);
        assert_eq!(pool.reap_fences(), 8, "{passed}");
    }
    assert_whole(pool);
}

/// A drop asks no fence, whatever it finds.
fn a_drop_asks_no_fence<M: Mode>() {
    let (pool, [device]) = with_devices::<M, 1>(|builder| builder);
    let mut batch = batch_of(&pool, 100);
    pool.free_bulk_after(&mut batch.split_off(50), 1).expect("room");
    let _ = device.asked();
    let page = batch.pop();
    drop(pool.cache().expect("a slot"));
    drop(batch);
    drop(pool.clone());
    assert_eq!((device.asked(), fenced(&pool)), (0, 50));
    // The last handle, and the last page: the pool stays, for nobody looks any more.
    device.pass(1);
    drop(pool);
    drop(page);
    assert_eq!(device.asked(), 0);
}

every_mode!(
    a_page_waits_for_its_ticket,
    what_a_ticket_lets_go_is_added_to_what_was_free,
    a_ticket_that_has_passed_is_no_wait,
    fences_do_not_wait_for_each_other,
    magazines_are_filled_before_others_are_begun,
    a_refused_batch_is_as_it_was,
    bytes_stay_until_the_ticket_has_passed,
    a_fence_that_panics_loses_no_page,
    a_pool_that_closes_names_its_fenced_pages,
    what_is_recovered_waits_for_nothing,
    a_pool_for_handlers_asks_in_upkeep_only,
    a_smaller_ticket_does_not_wait_for_a_larger_one,
    a_drop_asks_no_fence,
);

/// A page that waits is free to nobody: a second free of it is refused, and it cannot be had by its number.
fn a_fenced_page_is_not_freed_twice<M: Mode>() {
    let (pool, [device]) = with_devices::<M, 1>(|builder| builder);
    let mut batch = batch_of(&pool, 2);
    let id = batch.ids()[0];
    pool.free_bulk_after(&mut batch, 1).expect("room");
    // SAFETY: none, on purpose: the page was given up. It is refused.
    let error = unsafe { pool.free_raw(id) }.expect_err("it was given up");
    assert_eq!((error.fault, fenced(&pool)), (Fault::AlreadyFree, 2));
    let error = pool.alloc_at(id).expect_err("it waits");
    assert_eq!((error.page, error.reason), (id, PlaceReason::Fenced));
    device.pass(1);
    assert_eq!(pool.reap_fences(), 2);
    pool.drain();
    assert_eq!(pool.alloc_at(id).expect("it is free").id(), id);
}

every_checking_mode!(a_fenced_page_is_not_freed_twice);

#[test]
fn more_fences_than_a_pool_can_have_are_refused() {
    struct Never;
    impl Fence for Never {
        fn passed(&self, _: u64) -> bool {
            false
        }
    }
    static NEVER: Never = Never;
    static FENCES: [&dyn Fence; 32] = [&NEVER; 32];
    let error = Pool::builder(10).fences(&FENCES).metadata_layout().expect_err("too many");
    assert_eq!(error.to_string(), "32 fences cannot be: give the pool 31 at the most");
}

#[cfg(feature = "std")]
mod waiting {
    use std::time::Duration;

    use super::*;

    /// Who waits for pages gets them when their ticket has passed, though nobody tells.
    fn who_waits_finds_what_has_passed<M: Mode>() {
        let (pool, [device]) = with_devices::<M, 1>(|builder| builder);
        pool.free_bulk_after(&mut batch_of(&pool, 100), 1).expect("room");
        std::thread::scope(|threads| {
            threads.spawn(|| {
                std::thread::sleep(Duration::from_millis(30));
                device.pass(1);
            });
            let mut batch = Batch::empty();
            let wait = pool.alloc_bulk_timeout(&mut batch, 64, Duration::from_secs(60));
            assert_eq!((wait, batch.len()), (Ok(()), 64));
        });
        assert_whole(pool);
    }

    every_mode!(who_waits_finds_what_has_passed);
}
