//! Words and magazines that lie are found where pages move, and every figure still adds up.

extern crate std;

use core::mem::{MaybeUninit, forget};
use std::vec::Vec;

use super::super::Faults;
use super::super::tests::build;
use crate::cache::Cache;
use crate::depot::Stack;
use crate::error::ShortReason;
use crate::magazine::Magazine;
use crate::mode::{Checked, Hardened, Mode, Policy};
use crate::page::{Fault, Order, PageId, ZONE};
use crate::pool::Pool;
use crate::zone::Floor;

/// A pool of 100 pages with magazines of 8, and a cache.
fn pool<M: Mode>() -> (Pool<M>, Cache<M>) {
    let pool = build::<M>(|builder| builder.max_caches(1).shared_caches(0));
    let cache = pool.cache().expect("a cache");
    (pool, cache)
}

fn take<M: Mode>(cache: &mut Cache<M>, n: usize) -> Vec<PageId> {
    cache.alloc_bulk_raw(&mut [const { MaybeUninit::uninit() }; 100][..n]).0.to_vec()
}

fn give<M: Mode>(cache: &mut Cache<M>, ids: &[PageId]) {
    // SAFETY: tests free pages that are out, once, which are addresses only.
    assert_eq!(unsafe { cache.free_bulk_raw(ids) }, Ok(()));
}

#[track_caller]
fn has<M: Mode>(pool: &Pool<M>, out: u64, bad: u64) {
    let pages = pool.audit().pages;
    assert!(pages.adds_up(), "{pages}");
    assert_eq!((pages.out, pages.bad), (out, bad), "{pages}");
    assert_eq!(pool.core.could_be_had(Floor::None) as u64, 100 - bad);
}

/// All that the cache and the depot hold, after the loaded magazine was shuffled.
#[test]
fn pages_of_a_cache_whose_words_lie_do_not_leave() {
    let (pool, mut cache) = pool::<Hardened>();
    let ids = take(&mut cache, 40);
    give(&mut cache, &ids);
    let first = take(&mut cache, 1)[0];
    let is_cached = |id: &PageId| *id != first && pool.core.word(*id).load().location() != ZONE;
    let lies: Vec<_> = (0..100).map(PageId::new).filter(is_cached).collect();
    assert!(lies.len() > 7, "{pool}");
    lies.iter().for_each(|&id| pool.core.word(id).rest(ZONE));
    let got = take(&mut cache, 100);
    assert!(got.iter().all(|id| !lies.contains(id)));
    assert_eq!(got.len(), 99 - lies.len());
    has(&pool, 100 - lies.len() as u64, lies.len() as u64);
    forget((cache, pool));
}

/// A magazine of the depot of which the link notes fewer pages than its head, and of which one page's word lies. That
/// one counts as bad, and so do those between the two lengths where no word proves that they are free.
fn a_magazine_whose_length_lies_is_repaired<M: Mode>() {
    for (noted, at) in [(5, 4), (5, 0), (7, 3)] {
        let (pool, mut cache) = pool::<M>();
        let ids = take(&mut cache, 60);
        give(&mut cache, &ids);
        let (core, tables) = (&*pool.core, &pool.core.magazines);
        let full = core.depots.pop::<M>(tables, Stack::Nonempty).expect("one was filed");
        let held: Vec<_> = tables.ids_of(full.number()).collect();
        assert_eq!(held.len(), 8);
        core.word(held[at]).rest(ZONE);
        core.depots.first().push(tables, full, noted, Stack::Nonempty);
        let got = take(&mut cache, 100);
        let lost = 1 + if M::CLAIMS { 0 } else { 8 - u64::from(noted) };
        assert_eq!(got.len() as u64, 100 - lost, "noted {noted}, at {at}");
        assert!(!got.contains(&held[at]));
        has(&pool, 100 - lost, lost);
        forget((cache, pool));
    }
}

#[test]
fn a_magazine_whose_length_lies_is_repaired_in_checking_modes() {
    a_magazine_whose_length_lies_is_repaired::<Checked>();
    a_magazine_whose_length_lies_is_repaired::<Hardened>();
}

/// A page behind the first of a block.
#[test]
fn a_split_block_has_as_many_pieces_as_pages_were_whole() {
    let (pool, mut cache) = pool::<Checked>();
    let order = Order::new(2).expect("legal");
    let first = cache.alloc_block_raw(order).expect("a block");
    let second = PageId::new(first.index() + 1);
    pool.core.word(second).rest(ZONE);
    let mut faults = Faults::default();
    assert_eq!(pool.core.split_block(first, order, None, &mut faults), 3);
    assert_eq!(faults.first.map(|(id, at, _)| (id, at)), Some((second, 1)));
    forget((cache, pool));
}

/// Two of six that are to be lent as they leave the cache.
#[test]
fn new_pages_that_cannot_be_lent_are_withheld_and_the_others_are_lent() {
    let (pool, mut cache) = pool::<Checked>();
    let ids = take(&mut cache, 8);
    give(&mut cache, &ids);
    let lies = [ids[3], ids[5]];
    lies.iter().for_each(|&id| pool.core.word(id).withhold(Fault::Corrupt));
    let lent: Vec<_> = cache.lend_new(8).map(|offset| offset / 256).collect();
    assert!(lent.iter().all(|&page| lies.iter().all(|id| u64::from(id.index()) != page)));
    let pages = pool.audit().pages;
    assert!(pages.adds_up(), "{pages}");
    assert_eq!((pages.lent, pages.bad, pages.out, lent.len()), (8, 2, 0, 8), "{pages}");
    forget((cache, pool));
}

/// All that the cache has: then it takes others.
#[test]
fn a_call_of_which_no_page_can_be_lent_goes_on() {
    let (pool, mut cache) = pool::<Checked>();
    let ids = take(&mut cache, 16);
    give(&mut cache, &ids);
    assert_eq!(pool.core.slots[0].cached(), 16);
    (ids.iter()).for_each(|&id| pool.core.word(id).withhold(Fault::Corrupt));
    let mut lending = cache.lend_new(8);
    assert_eq!((lending.by_ref().count(), lending.reason()), (8, None));
    drop(lending);
    let pages = pool.audit().pages;
    assert!(pages.adds_up(), "{pages}");
    assert_eq!((pages.lent, pages.bad, pages.out), (8, 16, 0), "{pages}");
    forget((cache, pool));
}

/// A bit of the link of what is on top of the depot's stack: if that cuts the stack off, its pages are in no call's
/// reach, and count as cached.
#[test]
fn pages_of_a_stack_that_was_cut_off_are_said_to_be_cached() {
    let mut cut = 0;
    for bit in 0..32 {
        let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(0));
        let mut cache = pool.cache().expect("a cache");
        let ids = take(&mut cache, 60);
        give(&mut cache, &ids);
        let (core, tables) = (&*pool.core, &pool.core.magazines);
        let top = core.depots.first().top(Stack::Nonempty);
        // SAFETY: nobody uses it.
        let alias = unsafe { Magazine::from_number(top) };
        tables.set_link(&alias, tables.link(top).flipped(bit));
        let (before, all) = (core.faults(), take(&mut cache, 100));
        // Each page that is withheld is one, and so is the cut.
        assert!(core.faults() - before >= core.bad() + core.cuts(), "bit {bit}");
        if core.cuts() > 0 {
            let (got, withheld, pages) = (all.len() as u64, core.bad(), pool.audit().pages);
            assert!(pages.adds_up() && pages.cached > 0, "bit {bit}: {pages}");
            assert_eq!(got + withheld + pages.cached, 100, "bit {bit}: {pages}");
            let why = cache.alloc_bulk_raw(&mut [MaybeUninit::uninit()]).1;
            assert_eq!(why, Some(ShortReason::Cached), "bit {bit}");
            cut += 1;
        }
        forget((cache, pool));
    }
    assert!(cut > 0);
}

#[test]
fn an_id_that_is_no_pages_counts_as_bad() {
    let (pool, cache) = pool::<Checked>();
    for (at, index) in [99, 100, u32::MAX].into_iter().enumerate() {
        pool.core.withhold_corrupt(PageId::new(index));
        assert_eq!(pool.core.bad(), at as u64 + 1);
    }
    assert!(pool.core.withheld(PageId::new(99)).is_some());
    forget((cache, pool));
}
