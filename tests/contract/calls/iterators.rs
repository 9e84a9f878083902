//! Iterators over batches go from both ends, know their length, and lose nothing.

use std::borrow::{Borrow, BorrowMut};
use std::iter::FusedIterator;
use std::ops::{Deref, DerefMut};

use crate::common::*;

/// A pool, and a batch of five of its pages, filled with their place in it.
fn five<M: Mode>() -> (Pool<M>, PageBatch<M>) {
    let pool = pool::<M>(20);
    let mut batch = PageBatch::new();
    assert_eq!(pool.alloc_bulk(&mut batch, 5).allocated, 5);
    batch.iter_mut().zip(0..).for_each(|(bytes, at)| bytes.fill(at));
    (pool, batch)
}

/// Asserts that items come once each, from both ends, and that the rest is counted.
#[track_caller]
fn from_both_ends<I>(mut items: I, number: impl Fn(I::Item) -> u8)
where
    I: DoubleEndedIterator + ExactSizeIterator + FusedIterator + std::fmt::Debug,
{
    assert_eq!(format!("{items:?}").matches(',').count(), 4);
    let mut taken = |back: bool, left: usize| {
        let item = if back { items.next_back() } else { items.next() }.map(&number);
        assert_eq!((items.len(), items.size_hint()), (left, (left, Some(left))));
        item
    };
    assert_eq!([taken(false, 4), taken(true, 3), taken(true, 2)], [Some(0), Some(4), Some(3)]);
    assert_eq!([taken(false, 1), taken(false, 0)], [Some(1), Some(2)]);
    assert_eq!([taken(false, 0), taken(true, 0), taken(false, 0)], [None; 3]);
    assert_eq!(format!("{items:?}"), "[]");
}

fn every_iterator_goes_from_both_ends<M: Mode>() {
    let (pool, mut batch) = five::<M>();
    from_both_ends(batch.iter(), |bytes| bytes[0]);
    from_both_ends((&batch).into_iter().clone(), |bytes| bytes[255]);
    from_both_ends(batch.iter_mut(), |bytes| bytes[0]);
    from_both_ends((&mut batch).into_iter(), |bytes| bytes[255]);
    from_both_ends(batch.into_iter(), |page| page[9]);
    assert_whole(pool);
}

fn an_empty_batch_has_nothing_to_iterate<M: Mode>() {
    let mut batch = PageBatch::<M, 3>::empty();
    assert_eq!(batch.iter().next_back(), None);
    assert_eq!(batch.iter_mut().next(), None);
    let mut pages = batch.into_iter();
    assert!(pages.next_back().is_none() && pages.next().is_none() && pages.nth(2).is_none());
}

fn a_loop_borrows_a_batch<M: Mode>() {
    let (pool, mut batch) = five::<M>();
    let mut sum = 0;
    for bytes in &batch {
        sum += u32::from(bytes[0]);
    }
    assert_eq!(sum, 10);
    for bytes in &mut batch {
        bytes.fill(7);
    }
    assert!(batch.iter().all(|bytes| bytes.iter().all(|&byte| byte == 7)));
    assert_eq!(batch.iter().nth(4).map(<[u8]>::len), Some(256));
    assert_eq!(batch.iter().nth(5), None);
    assert_eq!(batch.iter_mut().nth(5), None);
    batch.iter_mut().nth(3).expect("five pages").fill(1);
    assert_eq!((batch[2][0], batch[3][0], batch[4][0]), (7, 1, 7));
    drop(batch);
    assert_whole(pool);
}

fn pages_left_in_an_iterator_are_freed<M: Mode>() {
    for (front, back) in [(0, 0), (1, 0), (0, 1), (2, 2), (5, 0), (0, 5)] {
        let (pool, batch) = five::<M>();
        let mut pages = batch.into_iter();
        let kept: Vec<_> = pages.by_ref().take(front).collect();
        let also: Vec<_> = pages.by_ref().rev().take(back).collect();
        drop(pages);
        assert_eq!(out(&pool) as usize, front + back);
        assert!(kept.iter().zip(0..).all(|(page, at)| page[0] == at));
        assert!(also.iter().zip((0..5).rev()).all(|(page, at)| page[0] == at));
        drop((kept, also));
        assert_whole(pool);
    }
}

fn a_batch_takes_pages_until_it_refuses_one<M: Mode>() {
    let (pool, batch) = five::<M>();
    let ids = batch.ids().to_vec();
    let mut few = PageBatch::<M, 3>::empty();
    let mut pages = batch.into_iter();
    let refused = few.try_extend(&mut pages).expect_err("three fit");
    assert_eq!((refused.page.id(), refused.reason), (ids[3], BatchError::Full));
    assert_eq!((few.ids(), pages.len()), (&ids[..3], 1));
    let mut all = PageBatch::<M>::new();
    assert!(all.try_extend(few.into_iter().chain([refused.page]).chain(pages)).is_ok());
    assert_eq!(all.ids(), ids);
    let other = crate::common::pool::<M>(3);
    let foreign = (0..2).map(|_| other.alloc().expect("a page"));
    let refused = all.try_extend(foreign).expect_err("another pool's");
    assert_eq!((refused.reason, all.len(), out(&other)), (BatchError::OtherPool, 5, 1));
    drop((refused, all));
    assert_whole(pool);
    assert_whole(other);
}

/// The bytes of an owner in each of the ways in which it lends them, all of which are `byte`.
fn read<T: Deref<Target = [u8]> + AsRef<[u8]> + Borrow<[u8]>>(owner: &T, bytes: usize, byte: u8) {
    let (one, two): (&[u8], &[u8]) = (owner.as_ref(), owner.borrow());
    assert_eq!([one, two], [&**owner; 2]);
    assert_eq!((one.len(), one.iter().all(|&it| it == byte)), (bytes, true));
}

/// As [`read`], to write.
fn write<T: DerefMut<Target = [u8]> + AsMut<[u8]> + BorrowMut<[u8]> + AsRef<[u8]>>(
    owner: &mut T,
    bytes: usize,
) {
    owner.as_mut().fill(1);
    read(owner, bytes, 1);
    let all: &mut [u8] = owner.borrow_mut();
    all.fill(2);
    read(owner, bytes, 2);
    owner.fill(3);
    read(owner, bytes, 3);
}

fn owners_are_borrowed_as_bytes<M: Mode>() {
    let pool = pool::<M>(20);
    write(&mut pool.alloc().expect("a page"), 256);
    write(&mut pool.alloc_block(Order::new(2).expect("legal")).expect("a block"), 1024);
    assert_whole(pool);
}

fn references_are_borrowed_as_bytes<M: Refcounted>() {
    let pool = pool::<M>(20);
    let mut page = pool.alloc().expect("a page");
    page.fill(7);
    let shared = page.into_shared();
    read(&shared, 256, 7);
    read(&shared.clone(), 256, 7);
    drop(shared);
    assert_whole(pool);
}

fn pages_and_references_convert<M: Refcounted>() {
    let pool = pool::<M>(20);
    let page = pool.alloc_zeroed().expect("a page");
    let id = page.id();
    let shared = SharedPage::from(page);
    let other = shared.clone();
    let bytes: &[u8] = shared.borrow();
    assert!(bytes.iter().all(|&byte| byte == 0));
    let shared = Page::try_from(shared).expect_err("there are two");
    drop(other);
    assert_eq!(Page::try_from(shared).expect("there is one").id(), id);
    assert_whole(pool);
}

#[test]
fn numbers_convert() {
    assert_eq!((PageId::from(7), u32::from(PageId::new(9))), (PageId::new(7), 9));
    for order in 0..=10 {
        assert_eq!(Order::try_from(order).map(u8::from), Ok(order));
    }
    for order in [11, 12, 255] {
        assert_eq!(Order::try_from(order).expect_err("too large").order, order);
    }
}

#[cfg(feature = "std")]
fn vectored_io_goes_straight_into_pages<M: Mode>() {
    use std::io::{IoSliceMut, Read, Write};

    let (pool, mut batch) = five::<M>();
    assert_eq!(batch.io_slices().len(), 5);
    assert_eq!(batch.io_slices_mut().len(), 5);
    let slices: Vec<_> = batch.io_slices().rev().collect();
    let mut file = Vec::new();
    assert_eq!(file.write_vectored(&slices).expect("a vector"), 5 * 256);
    assert!(file.chunks(256).zip((0..5).rev()).all(|(page, at)| page == [at; 256]));
    let mut slices: Vec<IoSliceMut<'_>> = batch.io_slices_mut().collect();
    assert_eq!((&file[..]).read_vectored(&mut slices).expect("a slice"), 5 * 256);
    assert!(batch.iter().zip((0..5).rev()).all(|(page, at)| page == [at; 256]));
    drop(batch);
    assert_whole(pool);
}

every_mode!(
    every_iterator_goes_from_both_ends,
    an_empty_batch_has_nothing_to_iterate,
    a_loop_borrows_a_batch,
    pages_left_in_an_iterator_are_freed,
    a_batch_takes_pages_until_it_refuses_one,
    owners_are_borrowed_as_bytes,
);
every_refcounted_mode!(pages_and_references_convert, references_are_borrowed_as_bytes);
#[cfg(feature = "std")]
every_preset!(vectored_io_goes_straight_into_pages);
