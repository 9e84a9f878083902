//! What batches can do without a pool.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::common::*;

/// A pool, and a batch of `n` of its pages, marked by their place in it.
fn marked<M: Mode>(n: usize) -> (Pool<M>, PageBatch<M>) {
    let pool = pool::<M>(200);
    let mut batch = PageBatch::new();
    assert_eq!(pool.alloc_bulk(&mut batch, n).allocated, n);
    batch.iter_mut().zip(0..).for_each(|(bytes, seed)| mark(bytes, seed));
    (pool, batch)
}

fn push_and_pop_are_a_stack<M: Mode>() {
    let pool = pool::<M>(10);
    let mut batch = PageBatch::<M, 4>::empty();
    assert!(batch.pop().is_none());
    let ids: Vec<_> = (0..4)
        .map(|_| {
            let page = pool.alloc().expect("a page");
            let id = page.id();
            assert!(batch.push(page).is_ok());
            id
        })
        .collect();
    assert_eq!((batch.len(), batch.capacity(), batch.remaining_capacity()), (4, 4, 0));
    assert!(!batch.is_empty());
    let page = pool.alloc().expect("a page");
    let id = page.id();
    let refused = batch.push(page).expect_err("full");
    assert_eq!((refused.page.id(), refused.reason), (id, BatchError::Full));
    assert_eq!(
        refused.to_string(),
        format!(
            "{id} was refused: the batch is full: free its pages, or use a larger one [{}]",
            pool.mode()
        )
    );
    assert_eq!(batch.ids(), ids);
    for &id in ids.iter().rev() {
        assert_eq!(batch.pop().expect("a page").id(), id);
    }
    assert!(batch.pop().is_none() && batch.is_empty());
    drop(refused);
    assert_whole(pool);
}

fn pages_are_read_and_written_in_order<M: Mode>() {
    let (pool, mut batch) = marked::<M>(30);
    assert_eq!(batch.iter().len(), 30);
    assert_eq!(batch.iter_mut().len(), 30);
    for at in 0..30 {
        assert!(is_marked(&batch[at], at as u32));
        assert!(is_marked(batch.get(at).expect("a page"), at as u32));
    }
    assert!(batch.get(30).is_none() && batch.get_mut(30).is_none());
    assert!(catch_unwind(AssertUnwindSafe(|| batch[30][0])).is_err());
    batch[7].fill(1);
    batch.get_mut(8).expect("a page").fill(2);
    assert!(batch[7].iter().all(|&byte| byte == 1) && batch[8].iter().all(|&byte| byte == 2));
    assert!(is_marked(&batch[6], 6) && is_marked(&batch[9], 9));
    let all: Vec<&mut [u8]> = batch.iter_mut().collect();
    assert_eq!(all.len(), 30);
    assert_eq!(format!("{batch:?}").matches(',').count(), 29);
    drop(batch);
    assert_whole(pool);
}

fn split_off_and_append_move_pages<M: Mode>() {
    let (pool, mut batch) = marked::<M>(100);
    let ids = batch.ids().to_vec();
    let mut tail = batch.split_off(60);
    assert_eq!((batch.ids(), tail.ids()), (&ids[..60], &ids[60..]));
    assert_eq!(out(&pool), 100);
    assert!(tail.split_off(40).is_empty());
    assert!(catch_unwind(AssertUnwindSafe(|| tail.split_off(41).len())).is_err());
    assert_eq!(tail.append(&mut batch), Ok(()));
    assert!(batch.is_empty());
    assert_eq!(tail.ids(), [&ids[60..], &ids[..60]].concat());
    assert!(tail.iter().zip((60..100).chain(0..60)).all(|(bytes, seed)| is_marked(bytes, seed)));
    assert_eq!(tail.append(&mut batch), Ok(()));
    let mut small = PageBatch::<M, 99>::empty();
    assert_eq!(small.append(&mut tail), Err(BatchError::Full));
    assert_eq!((small.len(), tail.len()), (0, 100));
    let mut exact = PageBatch::<M, 100>::empty();
    assert_eq!(exact.append(&mut tail), Ok(()));
    assert_eq!((exact.remaining_capacity(), tail.append(&mut exact)), (0, Ok(())));
    let whole = tail.split_off(0);
    assert!(tail.is_empty());
    assert_eq!(whole.len(), 100);
    tail = whole;
    let head = tail.split_to(70);
    assert_eq!((head.len(), tail.len()), (70, 30));
    assert_eq!(head.ids(), [&ids[60..], &ids[..30]].concat());
    assert_eq!(tail.ids(), &ids[30..60]);
    assert!(catch_unwind(AssertUnwindSafe(|| tail.split_to(31).len())).is_err());
    assert_eq!(tail.len(), 30);
    drop((head, tail));
    assert_whole(pool);
}

fn swap_remove_takes_one<M: Mode>() {
    let (pool, mut batch) = marked::<M>(5);
    let ids = batch.ids().to_vec();
    let page = batch.swap_remove(1);
    assert_eq!(page.id(), ids[1]);
    assert!(is_marked(&page, 1));
    assert_eq!(batch.ids(), [ids[0], ids[4], ids[2], ids[3]]);
    assert_eq!(batch.swap_remove(3).id(), ids[3]);
    assert!(catch_unwind(AssertUnwindSafe(|| batch.swap_remove(3))).is_err());
    assert_eq!(batch.len(), 3);
    assert_eq!(out(&pool), 4);
    batch.clear();
    assert!(catch_unwind(AssertUnwindSafe(|| batch.swap_remove(0))).is_err());
    drop(page);
    assert_whole(pool);
}

fn into_iter_gives_pages_and_frees_the_rest<M: Mode>() {
    let (pool, batch) = marked::<M>(50);
    let ids = batch.ids().to_vec();
    let mut iter = batch.into_iter();
    assert_eq!((iter.len(), iter.size_hint()), (50, (50, Some(50))));
    let taken: Vec<_> = iter.by_ref().take(20).collect();
    assert!(taken.iter().map(Page::id).eq(ids[..20].iter().copied()));
    assert!(taken.iter().zip(0..).all(|(page, seed)| is_marked(page, seed)));
    assert_eq!((iter.len(), out(&pool)), (30, 50));
    drop(iter);
    assert_eq!(out(&pool), 20);
    drop(taken);
    let (other, batch) = marked::<M>(50);
    let all: Vec<_> = batch.into_iter().collect();
    assert_eq!(all.len(), 50);
    drop(all);
    let mut iter = PageBatch::<M>::new().into_iter();
    assert!(iter.next().is_none() && iter.next().is_none());
    assert_whole(other);
    assert_whole(pool);
}

fn drop_and_clear_free_all<M: Mode>() {
    let (pool, mut batch) = marked::<M>(200);
    batch.clear();
    assert_eq!((batch.len(), out(&pool)), (0, 0));
    assert_eq!(pool.alloc_bulk(&mut batch, 200).allocated, 200);
    drop(batch);
    assert_eq!(out(&pool), 0);
    drop(PageBatch::<M>::default());
    assert_whole(pool);
}

fn ranges_are_taken_out_in_order<M: Mode>() {
    let (pool, mut batch) = marked::<M>(10);
    let taken: Vec<_> = batch.drain(2..=4).collect();
    assert!(taken.iter().zip(2..).all(|(page, seed)| is_marked(page, seed)));
    let rest = [0, 1, 5, 6, 7, 8, 9];
    assert!(batch.iter().zip(rest).all(|(page, seed)| is_marked(page, seed)));
    assert_eq!((batch.drain(7..).len(), batch.drain(..0).len(), batch.len()), (0, 0, 7));
    // What is not taken from the iterator is free.
    drop(batch.drain(..3).next());
    assert_eq!((batch.len(), out(&pool)), (4, 4 + 3));
    for (start, end) in [(0, 5), (3, 2), (5, 5)] {
        let wrong = start..end;
        let drained = catch_unwind(AssertUnwindSafe(|| drop(batch.drain(wrong))));
        assert_eq!((drained.is_err(), batch.len()), (true, 4));
    }
    // One that is leaked keeps its pages out, and the batch whole.
    std::mem::forget(batch.drain(..2));
    assert!(batch.iter().zip([8, 9]).all(|(page, seed)| is_marked(page, seed)));
    drop((batch, taken));
    assert_eq!(out(&pool), 2);
    std::mem::forget(pool);
}

fn pages_are_parted_by_their_bytes<M: Mode>() {
    let (pool, mut batch) = marked::<M>(100);
    batch.iter_mut().zip(0..).for_each(|(page, at)| page[0] = at);
    let odd = batch.split_off_if(|page| page[0] % 2 == 1);
    let first = |batch: &PageBatch<M>| batch.iter().map(|page| page[0]).collect::<Vec<_>>();
    assert_eq!(first(&odd), (0..50).map(|at| 2 * at + 1).collect::<Vec<_>>());
    assert_eq!(first(&batch), (0..50).map(|at| 2 * at).collect::<Vec<_>>());
    // What stays may be written on the way.
    batch.retain(|page| {
        page[1] = 3;
        page[0] < 40
    });
    assert_eq!((batch.len(), out(&pool)), (20, 70));
    assert!(batch.iter().all(|page| page[1] == 3));
    assert!(batch.split_off_if(|_| false).is_empty());
    assert_eq!(batch.split_off_if(|_| true).len(), 20);
    batch.retain(|_| unreachable!("there is no page"));
    drop((odd, batch));
    assert_whole(pool);
}

/// All are in the batch, and those that were taken are at its end.
fn a_panic_while_pages_are_parted_loses_none<M: Mode>() {
    let (pool, mut batch) = marked::<M>(9);
    let mut seen = 0..;
    let parted = catch_unwind(AssertUnwindSafe(|| {
        batch.retain(|_| match seen.next() {
            Some(5) => panic!("as the sixth is looked at"),
            at => at.is_some_and(|at| at % 2 == 0),
        });
    }));
    assert!(parted.is_err());
    let order = [0, 2, 4, 5, 6, 7, 8, 1, 3];
    assert_eq!((batch.len(), out(&pool)), (9, 9));
    assert!(batch.iter().zip(order).all(|(page, seed)| is_marked(page, seed)));
    drop(batch);
    assert_whole(pool);
}

fn random_batch_operations_keep_every_page<M: Mode>() {
    let (pool, mut one) = marked::<M>(120);
    let mut two = PageBatch::<M>::new();
    let mut random = Random::new(23);
    for _ in 0..300 {
        match random.below(5) {
            0 => {
                let mut tail = one.split_off(random.below(one.len() + 1));
                assert_eq!(two.append(&mut tail), Ok(()));
            }
            1 => assert_eq!(one.append(&mut two), Ok(())),
            2 if !two.is_empty() => {
                let page = two.swap_remove(random.below(two.len()));
                assert!(one.push(page).is_ok());
            }
            3 => {
                if let Some(page) = one.pop() {
                    assert!(two.push(page).is_ok());
                }
            }
            _ => std::mem::swap(&mut one, &mut two),
        }
        assert_eq!(one.len() + two.len(), 120);
        assert!(distinct(&[one.ids(), two.ids()].concat()));
    }
    assert_eq!(one.append(&mut two), Ok(()));
    for seed in 0..120 {
        assert_eq!(one.iter().filter(|bytes| is_marked(bytes, seed)).count(), 1);
    }
    drop(one);
    assert_whole(pool);
}

every_mode!(
    push_and_pop_are_a_stack,
    pages_are_read_and_written_in_order,
    split_off_and_append_move_pages,
    swap_remove_takes_one,
    into_iter_gives_pages_and_frees_the_rest,
    drop_and_clear_free_all,
    ranges_are_taken_out_in_order,
    pages_are_parted_by_their_bytes,
    a_panic_while_pages_are_parted_loses_none,
    random_batch_operations_keep_every_page,
);
