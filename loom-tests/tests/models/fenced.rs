//! Frees that wait for a ticket.

use loom_tests::{Device, Owners, every_mode, race};
use pagesheaf::{Mode, PageBatch, Pool};

use crate::common::{builder, is_whole};

/// A pool of so many pages, with a device.
fn with_device<M: Mode>(pages: usize, magazine: usize) -> (Pool<M>, &'static Device) {
    let (device, fences) = Device::new();
    let pool = builder::<M>(pages, 1, 0, magazine).fences(fences).build();
    (pool.expect("a small pool"), device)
}

fn batch_of<M: Mode>(pool: &Pool<M>, n: usize) -> PageBatch<M, 2> {
    let mut batch = PageBatch::empty();
    assert_eq!(pool.alloc_bulk(&mut batch, n).allocated, n);
    batch
}

every_mode! {
    /// A device uses a page that its owner has given up with a ticket, while somebody asks for one:
    /// who gets it finds the device done, and what it wrote.
    all_and_compact, Composite, at least 5;
    fn a_fenced_page_is_nobodys_before_its_ticket<M: Mode>() {
        let (pool, device) = with_device::<M>(1, 1);
        let owners = Owners::new(1);
        let mut batch = batch_of(&pool, 1);
        let id = batch.ids()[0];
        owners.takes(id);
        pool.free_bulk_after(&mut batch, 1).expect("a magazine is left");
        let its = owners.clone();
        let ((), page) = race(
            move || {
                its.gives(id);
                device.pass(1);
            },
            || pool.alloc().ok().inspect(|page| owners.takes(page.id())),
        );
        drop(page);
        pool.reap_fences();
        is_whole(&pool);
    }
}

every_mode! {
    /// Two calls give pages up with different tickets, into one magazine perhaps: the page with the
    /// larger one waits for that.
    all, Composite, at least 1_000;
    fn pages_given_up_together_wait_for_the_larger_ticket<M: Mode>() {
        let (pool, device) = with_device::<M>(2, 2);
        let mut first = batch_of(&pool, 2);
        let mut second = first.split_off(1);
        let later = second.ids()[0];
        let other = pool.clone();
        race(
            move || other.free_bulk_after(&mut second, 2).expect("a magazine is left"),
            || pool.free_bulk_after(&mut first, 1).expect("a magazine is left"),
        );
        device.pass(1);
        while let Ok(page) = pool.alloc() {
            assert_ne!(page.into_raw(), later, "the device uses it");
        }
        device.pass(2);
        pool.reap_fences();
        assert_eq!(pool.audit().pages.fenced, 0);
        assert_eq!(pool.alloc_at(later).map(|page| page.id()), Ok(later));
    }
}

every_mode! {
    /// Two calls look for what has passed at once: the page comes back once.
    all, Composite, at least 1_000;
    fn what_has_passed_comes_back_once<M: Mode>() {
        let (pool, device) = with_device::<M>(1, 1);
        pool.free_bulk_after(&mut batch_of(&pool, 1), 1).expect("a magazine is left");
        device.pass(1);
        let other = pool.clone();
        let (one, two) = race(move || other.reap_fences(), || pool.reap_fences());
        // One of them may have found the other at it.
        let left = pool.reap_fences();
        assert_eq!((one + two + left, pool.audit().pages.fenced), (1, 0));
        is_whole(&pool);
    }
}
