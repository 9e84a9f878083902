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
