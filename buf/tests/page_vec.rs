//! A batch that grows.
#![cfg(feature = "std")]

use pagesheaf::{BulkAlloc, Checked, Page, PageBatch, Pool, ShortReason};
use pagesheaf_buf::PageVec;

type Pages = PageVec<Checked, 8>;

fn pool(pages: usize) -> Pool<Checked> {
    let builder = Pool::builder(pages).page_size(64).mode::<Checked>();
    builder.max_caches(2).shared_caches(1).magazine_capacity(8).build().expect("a pool")
}

#[test]
fn it_grows_by_as_many_as_there_are() {
    let pool = pool(100);
    let mut pages = Pages::empty();
    pages.push(pool.alloc().expect("a page"));
    let whole = pages.grow(60, |batch, want| pool.alloc_bulk(batch, want));
    assert_eq!(whole, BulkAlloc { allocated: 60, reason: None });
    let short = pages.grow(60, |batch, want| pool.alloc_bulk(batch, want));
    assert_eq!((short.allocated, short.reason), (39, Some(ShortReason::Exhausted)));
    assert_eq!((pages.len(), pages.iter().count(), pool.audit().pages.out), (100, 100, 100));
    // None is wanted: nothing comes, and nothing is wrong.
    let none = pages.grow(0, |batch, want| pool.alloc_bulk(batch, want));
    assert_eq!(none, BulkAlloc { allocated: 0, reason: None });
    pages.clear();
    assert_eq!((pages.len(), pool.audit().pages.out), (0, 0));
}

#[test]
fn a_call_that_brings_nothing_and_says_nothing_ends_it() {
    let mut pages = Pages::empty();
    let none = pages.grow(9, |_, _| BulkAlloc { allocated: 0, reason: None });
    assert_eq!((none.allocated, pages.len()), (0, 0));
}

#[test]
fn pages_of_several_pools_keep_their_order() {
    let pools = [pool(20), pool(20)];
    let page = |at: usize| pools[at % 2].alloc().expect("a page");
    let mut pages: Pages = [page(0), page(1), page(1), page(0)].into_iter().collect();
    for pool in &pools {
        let bulk = pages.grow(10, |batch, want| pool.alloc_bulk(batch, want));
        assert_eq!(bulk, BulkAlloc { allocated: 10, reason: None });
    }
    let mut batch = PageBatch::<Checked, 4>::empty();
    assert_eq!(pools[0].alloc_bulk(&mut batch, 4).allocated, 4);
    let expected: Vec<_> = batch.ids().to_vec();
    pages.append(&mut batch);
    assert_eq!((batch.len(), pages.len()), (0, 28));
    let last: Vec<_> = (0..4).map(|_| pages.pop().expect("a page").into_raw()).collect();
    assert!(last.iter().rev().eq(&expected));
    // SAFETY: they were just made raw, and nobody has written them.
    unsafe { pools[0].free_bulk_raw(&last) }.expect("they are out");
    let pages: Vec<Page<Checked>> = pages.into_pages().collect();
    assert_eq!(pages.len(), 24);
    drop(pages);
    assert!(pools.iter().all(|pool| pool.audit().pages.out == 0));
}

#[test]
fn batches_that_were_emptied_are_filled_again() {
    let pool = pool(64);
    let mut cache = pool.cache().expect("a cache");
    let mut pages = Pages::empty();
    for _ in 0..3 {
        assert_eq!(pages.grow(30, |batch, want| cache.alloc_bulk(batch, want)).allocated, 30);
        assert_eq!(pages.batches().count(), 4);
        pages.iter_mut().for_each(|page| page.fill(9));
        assert!(pages.iter().all(|page| page == [9; 64]));
        pages.batches_mut().for_each(|batch| cache.free_bulk(batch));
        assert!(pages.is_empty() && pages.pop().is_none());
    }
    // Those in the middle stay, and nothing is lost behind them.
    assert_eq!(pages.grow(30, |batch, want| cache.alloc_bulk(batch, want)).reason, None);
    cache.free_bulk(pages.batches_mut().nth(1).expect("a batch"));
    pages.push(pool.alloc().expect("a page"));
    assert_eq!((pages.len(), pages.into_pages().count()), (23, 23));
}
