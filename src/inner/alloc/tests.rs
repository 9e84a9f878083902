//! How much a refill takes, and from where.

extern crate std;

use core::mem::{MaybeUninit, forget};
use std::vec::Vec;

use crate::cache::Cache;
use crate::inner::tests::build;
use crate::mode::{Bare, Checked, Hardened, Mode, Select, hardening};
use crate::page::PageId;
use crate::pool::Pool;

fn take<M: Mode>(cache: &mut Cache<M>, n: usize) -> Vec<PageId> {
    let mut room = [MaybeUninit::uninit(); 100];
    let ids = cache.alloc_bulk_raw(&mut room[..n]).0.to_vec();
    assert_eq!(ids.len(), n);
    ids
}

/// What a cache holds after an allocation of so many, in a pool of so many slots and 100 pages.
fn held_after<M: Mode>(magazine: usize, slots: usize, n: usize) -> usize {
    let pool = build::<M>(|builder| {
        builder.magazine_capacity(magazine).max_caches(slots).shared_caches(0)
    });
    let mut cache = pool.cache().expect("a cache");
    let ids = take(&mut cache, n);
    let held = pool.core.slots[0].cached();
    let stats = pool.core.slots[0].counters.zone_refills.get();
    assert_eq!(stats, if M::STATS { n.div_ceil(magazine) as u64 } else { 0 });
    assert_eq!(pool.core.zone.free(), 100 - ids.len() - held);
    forget((cache, pool));
    held
}

#[test]
fn a_refill_takes_what_is_needed_or_a_fair_share() {
    // Half of what would be each slot's.
    assert_eq!(held_after::<Bare>(64, 4, 1), 11);
    assert_eq!(held_after::<Checked>(64, 5, 1), 9);
    assert_eq!(held_after::<Checked>(64, 5, 30), 0);
    // In whole lines of sixteen.
    assert_eq!(held_after::<Checked>(64, 1, 1), 47);
    // What is left of one magazine, and what is needed then.
    assert_eq!(held_after::<Bare>(8, 16, 12), 0);
    assert_eq!(held_after::<Checked>(8, 16, 12), 0);
}

/// Magazines of more pages than are verified at a time.
fn all_pages_come_and_go<M: Mode>(magazine: usize) {
    let pool =
        build::<M>(|builder| builder.magazine_capacity(magazine).max_caches(1).shared_caches(0));
    let mut cache = pool.cache().expect("a cache");
    for n in [100, 70, 100, 64, 65, 30, 100] {
        let mut ids = take(&mut cache, n);
        assert!(ids.iter().all(|&id| pool.core.check_out(id).is_ok()));
        // SAFETY: pages that are out are freed once.
        assert_eq!(unsafe { cache.free_bulk_raw(&ids) }, Ok(()));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), n);
        let pages = pool.audit().pages;
        assert!(pages.adds_up() && pages.out == 0, "{pages}");
    }
    forget((cache, pool));
}

/// Each of which changes where pages go.
#[test]
fn all_pages_can_be_had_with_each_hardening_switch_alone() {
    type Only<const HARDENING: u8> = Select<true, true, true, HARDENING>;
    for magazine in [8, 100] {
        all_pages_come_and_go::<Only<{ hardening::CLAIM }>>(magazine);
        all_pages_come_and_go::<Only<{ hardening::POISON }>>(magazine);
        all_pages_come_and_go::<Only<{ hardening::QUARANTINE }>>(magazine);
        all_pages_come_and_go::<Only<{ hardening::SHUFFLE }>>(magazine);
        all_pages_come_and_go::<Hardened>(magazine);
    }
}

/// In a call through a slot, and through none.
#[test]
fn each_page_that_is_looked_at_for_poison_is_counted() {
    let builder = Pool::builder(100).page_size(64).mode::<Hardened>();
    let Ok(pool) = builder.max_caches(1).shared_caches(0).build() else { return };
    let checks = || (pool.core.poison_checks(), pool.core.allocated_uncached());
    assert_eq!(checks(), (0, 0));
    let mut room = [MaybeUninit::uninit(); 5];
    let uncached = pool.alloc_bulk_raw(&mut room).0.len();
    assert_eq!((uncached, checks()), (5, (5, 5)));
    let mut cache = pool.cache().expect("a cache");
    assert_eq!((take(&mut cache, 7).len(), checks()), (7, (12, 5)));
    forget((cache, pool));
}

/// Half a magazine of drops is taken before anything else; fewer are left where they are.
#[test]
fn a_cache_takes_what_its_thread_has_dropped() {
    for (dropped, taken) in [(4, 1), (8, 1), (9, 1), (3, 0)] {
        let Ok(pool) = Pool::builder(100)
            .page_size(64)
            .magazine_capacity(8)
            .mode::<Checked>()
            .max_caches(1)
            .shared_caches(1)
            .build()
        else {
            return;
        };
        let mut cache = pool.cache().expect("a cache");
        let out: Vec<_> = (0..dropped).map(|_| cache.alloc().expect("a page")).collect();
        while pool.core.slots[0].cached() > 0 {
            forget(cache.alloc());
        }
        drop(out);
        assert_eq!(pool.core.slots[1].cached(), dropped);
        let refills = || pool.core.slots[0].counters.shared_refills.get();
        assert_eq!(refills(), 0);
        forget(cache.alloc());
        assert_eq!(refills(), taken, "{dropped}");
        forget((cache, pool));
    }
}
