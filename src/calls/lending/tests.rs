//! A batch of more pages than are lent together.

extern crate std;

use core::mem::forget;
use std::vec::Vec;

use crate::mode::{Bare, Checked, Compact, Hardened, Mode};
use crate::owned::PageBatch;
use crate::page::PageId;
use crate::pool::Pool;

type Batch<M> = PageBatch<M, 160>;

/// A pool of 160 pages, all of which are in a batch; without an allocator there is none.
fn all_out<M: Mode>() -> Option<(Pool<M>, Batch<M>, Vec<PageId>)> {
    let pool = Pool::builder(160).page_size(64).mode::<M>().build().ok()?;
    let mut batch = Batch::empty();
    assert_eq!(pool.alloc_bulk_exact(&mut batch, 160), Ok(()));
    let ids = batch.ids().to_vec();
    Some((pool, batch, ids))
}

fn all_pages_of_a_batch_are_lent<M: Mode>() {
    let Some((pool, mut batch, ids)) = all_out::<M>() else { return };
    let mut lending = pool.lend(&mut batch);
    let lent: Vec<_> = lending.ids().collect();
    assert_eq!((lending.taken(), lending.reason(), lent), (160, None, ids));
    drop(lending);
    assert!(batch.is_empty());
    let pages = pool.audit().pages;
    assert!(pages.adds_up() && (pages.lent, pages.out) == (160, 0), "{pages}");
    forget(pool);
}

/// Of each part of a batch one page cannot be lent, and some that were lent are not taken.
fn pages_that_are_not_lent_keep_their_places<M: Mode>() {
    let Some((pool, mut batch, ids)) = all_out::<M>() else { return };
    // As if a device had them already.
    let bad = [10, 100, 101].map(|at| ids[at]);
    bad.iter().for_each(|&id| pool.core.lend(id).expect("it is out"));
    let mut lending = pool.lend(&mut batch);
    let taken: Vec<_> = lending.ids().take(70).collect();
    assert_eq!((taken.len(), lending.taken()), (70, 70));
    drop(lending);
    assert!(taken.iter().eq(ids[..71].iter().filter(|id| !bad.contains(id))));
    let mut left: Vec<_> = batch.ids().to_vec();
    let (rest, refused): (Vec<_>, Vec<_>) = left.drain(..).partition(|id| !bad.contains(id));
    assert_eq!(refused, bad);
    assert!(rest.iter().eq(ids[71..].iter().filter(|id| !bad.contains(id))));
    assert_eq!((pool.core.faults(), pool.is_tainted()), (3, true));
    let pages = pool.audit().pages;
    assert!(pages.adds_up() && (pages.lent, pages.out) == (70, 90), "{pages}");
    forget((batch, pool));
}

/// A page that was lent ahead, and whose word changes before it goes back, is told of.
fn a_page_that_does_not_go_back_is_told_of<M: Mode>() {
    let Some((pool, mut batch, ids)) = all_out::<M>() else { return };
    let mut lending = pool.lend(&mut batch);
    assert!(lending.ids().next() == Some(ids[0]) && pool.core.faults() == 0);
    pool.core.take_from_device(ids[5]).expect("it is lent");
    drop(lending);
    assert_eq!((pool.core.faults(), pool.is_tainted(), batch.len()), (1, true, 158));
    forget((batch, pool));
}

/// What was lent ahead stays lent, and the others stay out: nobody has two owners.
fn a_batch_whose_iterator_is_leaked_has_none_of_its_pages<M: Mode>() {
    let Some((pool, mut batch, ids)) = all_out::<M>() else { return };
    let mut lending = pool.lend(&mut batch);
    let taken: Vec<_> = lending.ids().take(3).collect();
    assert_eq!((taken.as_slice(), lending.taken()), (&ids[..3], 3));
    forget(lending);
    assert!(batch.is_empty());
    let pages = pool.audit().pages;
    assert!(pages.adds_up() && (pages.lent, pages.out) == (64, 96), "{pages}");
    // It is a batch as any other.
    assert_eq!(pool.alloc_bulk(&mut batch, 5).allocated, 0);
    forget(pool);
}

/// The first ones, or those before and after a bad one: all that were not taken are the batch's, in their order.
fn a_batch_owns_what_is_not_taken<M: Mode>(bad: Option<usize>) {
    for take in [0, 1, 2, 63, 64, 65, 128, 159] {
        let Some((pool, mut batch, ids)) = all_out::<M>() else { return };
        bad.iter().for_each(|&at| pool.core.lend(ids[at]).expect("it is out"));
        let mut lending = pool.lend(&mut batch);
        let taken: Vec<_> = lending.ids().take(take).collect();
        drop(lending);
        let is_good = |at: &usize| Some(*at) != bad;
        let good: Vec<_> = (0..160).filter(is_good).map(|at| ids[at]).collect();
        assert_eq!(taken, good[..take]);
        // A bad one is before them, once it was looked at.
        let looked_at = bad.filter(|&at| at < take.next_multiple_of(64));
        let rest: Vec<_> = match looked_at {
            Some(at) => [ids[at]].into_iter().chain(good[take..].iter().copied()).collect(),
            None => (0..160).map(|at| ids[at]).filter(|id| !taken.contains(id)).collect(),
        };
        assert_eq!(batch.ids(), rest);
        let pages = pool.audit().pages;
        assert!(pages.adds_up() && pages.lent == take as u64, "{pages}");
        forget((batch, pool));
    }
}

#[test]
fn a_batch_that_is_lent_in_part_owns_the_rest() {
    a_batch_owns_what_is_not_taken::<Bare>(None);
    a_batch_owns_what_is_not_taken::<Compact>(None);
    a_batch_owns_what_is_not_taken::<Hardened>(None);
    for bad in [0, 1, 62, 63, 64, 100, 159] {
        a_batch_owns_what_is_not_taken::<Checked>(Some(bad));
        a_batch_owns_what_is_not_taken::<Compact>(Some(bad));
    }
    a_batch_whose_iterator_is_leaked_has_none_of_its_pages::<Bare>();
    a_batch_whose_iterator_is_leaked_has_none_of_its_pages::<Checked>();
    a_batch_whose_iterator_is_leaked_has_none_of_its_pages::<Compact>();
}

#[test]
fn a_large_batch_is_lent_in_every_kind_of_mode() {
    all_pages_of_a_batch_are_lent::<Bare>();
    all_pages_of_a_batch_are_lent::<Checked>();
    all_pages_of_a_batch_are_lent::<Compact>();
    all_pages_of_a_batch_are_lent::<Hardened>();
    a_page_that_does_not_go_back_is_told_of::<Checked>();
    a_page_that_does_not_go_back_is_told_of::<Hardened>();
    pages_that_are_not_lent_keep_their_places::<Checked>();
    pages_that_are_not_lent_keep_their_places::<Compact>();
    pages_that_are_not_lent_keep_their_places::<Hardened>();
}
