//! Pages with several owners.

use crate::common::*;

on_both_fronts! {
    fn a_shared_page_is_freed_by_the_last_owner<M: Refcounted, F: Front>(pool, front) {
        let mut page = front.alloc().expect("a page");
        let id = page.id();
        mark(&mut page, 1);
        let first = page.into_shared();
        assert_eq!((first.refcount(), first.id()), (1, id));
        let mut others: Vec<_> = (0..9).map(|_| first.clone()).collect();
        assert_eq!(first.refcount(), 10);
        drop(first);
        while let Some(other) = others.pop() {
            assert!(is_marked(&other, 1));
            assert!(is_marked(other.as_ref(), 1));
            assert_eq!((out(pool), other.refcount() as usize), (1, others.len() + 1));
        }
        assert_eq!(out(pool), 0);
    }

    fn only_the_last_owner_becomes_unique<M: Refcounted, F: Front>(pool, front) {
        let one = front.alloc_zeroed().expect("a page").into_shared();
        let two = one.clone();
        let one = one.try_into_unique().expect_err("there are two");
        assert_eq!(one.refcount(), 2);
        drop(two);
        let mut page = one.try_into_unique().expect("there is one");
        page.fill(1);
        let shared = page.into_shared();
        assert!(shared.iter().all(|&byte| byte == 1));
        let page = shared.try_into_unique().expect("there is one");
        front.free(page);
        assert_eq!(out(pool), 0);
    }

    fn release_bulk_frees_those_that_nobody_holds<M: Refcounted, F: SharedFront>(pool, front) {
        let mut out_ids = no_ids::<100>();
        let (ids, _) = front.alloc_bulk_raw(&mut out_ids);
        // SAFETY: the ids were just allocated: each has one reference, of ours.
        assert_eq!(unsafe { front.retain_bulk(&ids[..60]) }, Ok(60));
        // SAFETY: as above.
        assert_eq!(unsafe { front.retain_bulk(&[]) }, Ok(0));
        // SAFETY: each page has at least one reference of ours.
        assert_eq!(unsafe { front.release_bulk(ids) }, Ok(40));
        assert_eq!(out(pool), 60);
        // SAFETY: each of these pages has one reference left.
        assert_eq!(unsafe { front.release_bulk(&ids[..60]) }, Ok(60));
        assert_eq!(out(pool), 0);
    }

    fn one_call_may_retain_and_release_a_page_twice<M: Refcounted, F: SharedFront>(pool, front) {
        let id = front.alloc().expect("a page").into_raw();
        // SAFETY: the page has one reference, of ours.
        assert_eq!(unsafe { front.retain_bulk(&[id, id]) }, Ok(2));
        // SAFETY: the page has three references, of ours.
        assert_eq!(unsafe { front.release_bulk(&[id, id, id]) }, Ok(1));
        assert_eq!(out(pool), 0);
    }

    fn references_made_together_are_handed_out_one_by_one<M: Refcounted, F: Front>(pool, front) {
        let mut page = front.alloc().expect("a page");
        mark(&mut page, 1);
        let page = page.into_shared();
        let mut more = page.retain_many(1000);
        assert_eq!((page.refcount(), more.len(), more.id()), (1001, 1000, page.id()));
        let parts: Vec<_> = more.by_ref().take(10).collect();
        assert!(parts.iter().all(|part| is_marked(part, 1) && part.id() == page.id()));
        assert_eq!((page.refcount(), more.len(), more.size_hint()), (1001, 990, (990, Some(990))));
        assert_eq!(format!("{more:?}"), format!("Retained {{ page: {}, left: 990 }}", page.id().index()));
        drop(more);
        assert_eq!(page.refcount(), 11);
        drop((page, parts));
        assert_eq!(out(pool), 0);
    }

    fn what_is_not_handed_out_may_be_the_last<M: Refcounted, F: Front>(pool, front) {
        let page = front.alloc_zeroed().expect("a page").into_shared();
        let mut more = page.retain_many(3);
        drop(page);
        let part = more.next().expect("three");
        drop(part);
        assert_eq!(out(pool), 1);
        drop(more);
        assert_eq!(out(pool), 0);
        // All are handed out: nothing is left to give up.
        let page = front.alloc_zeroed().expect("a page").into_shared();
        let mut more = page.retain_many(2);
        let parts = [more.next(), more.next(), more.next()];
        assert!(parts[1].is_some() && parts[2].is_none() && more.next().is_none());
        drop((page, parts));
        assert_eq!(out(pool), 0);
        drop(more);
        // None at all.
        let page = front.alloc_zeroed().expect("a page").into_shared();
        drop(page.retain_many(0));
        assert!(page.refcount() == 1 && page.try_into_unique().is_ok());
        assert_eq!(out(pool), 0);
    }

    fn many_references_to_one_page_without_owners<M: Refcounted, F: SharedFront>(pool, front) {
        let id = front.alloc().expect("a page").into_raw();
        // SAFETY: the page has one reference, of ours; so many are given up as were made.
        unsafe {
            assert_eq!(front.retain_many(id, 99), Ok(()));
            assert_eq!(front.retain_many(id, 0), Ok(()));
            assert_eq!(front.release_many(id, 0), Ok(false));
            assert_eq!(front.release_many(id, 50), Ok(false));
            assert_eq!(front.release_bulk(&[id; 20]), Ok(0));
            assert_eq!((out(pool), front.release_many(id, 30)), (1, Ok(true)));
        }
        assert_eq!(out(pool), 0);
        let page = front.alloc().expect("a page").into_shared();
        assert_eq!(page.refcount(), 1);
    }

    fn retained_pages_are_shared_pages<M: Refcounted, F: SharedFront>(pool, front) {
        let shared = front.alloc().expect("a page").into_shared();
        let id = shared.id();
        // SAFETY: the page has a reference of ours.
        assert_eq!(unsafe { front.retain_bulk(&[id]) }, Ok(1));
        assert_eq!(shared.refcount(), 2);
        drop(shared);
        assert_eq!(out(pool), 1);
        // SAFETY: the retained reference is left.
        assert_eq!(unsafe { front.release_bulk(&[id]) }, Ok(1));
        assert_eq!(out(pool), 0);
    }
}

fn a_raw_free_refuses_a_shared_page_and_an_elevated_one_takes_it<M: Refcounted>() {
    let pool = pool::<M>(50);
    let mut cache = pool.cache().expect("a cache");
    let mut out_ids = no_ids::<10>();
    let (ids, _) = cache.alloc_bulk_raw(&mut out_ids);
    // SAFETY: the page has one reference, of ours.
    assert_eq!(unsafe { cache.retain_bulk(&ids[4..5]) }, Ok(1));
    // SAFETY: a refcounted mode refuses the page that has two references, and frees the others once.
    let error = unsafe { cache.free_bulk_raw(ids) }.expect_err("one is shared");
    assert_eq!((error.page, error.position), (ids[4], 4));
    assert_eq!((error.fault, error.count, error.done), (Fault::Shared { references: 2 }, 1, 9));
    let text = format!(
        "{} at position 4 is shared by 2 references: use release_bulk, which gives up one reference [{}]",
        ids[4],
        pool.mode()
    );
    assert_eq!(plain(error), text);
    assert_eq!(out(&pool), 1);
    // SAFETY: nobody uses the references.
    assert_eq!(unsafe { pool.free_bulk_ignoring_refcounts(&ids[4..5]) }, Ok(()));
    assert!(pool.is_tainted());
    assert_eq!(out(&pool), 0);
    assert_adds_up(&pool);
    // The count is one again: whoever gets the page is its sole owner.
    let pages: Vec<_> = (0..50).map(|_| cache.alloc().expect("a page").into_shared()).collect();
    assert!(pages.iter().all(|page| page.refcount() == 1));
}

/// Owners are dropped by other threads while some are still handed out.
fn parts_of_a_page_go_their_ways<M: Refcounted>() {
    let pool = pool::<M>(50);
    for _ in 0..often(40) {
        let page = pool.alloc_zeroed().expect("a page").into_shared();
        let more = page.retain_many(64);
        std::thread::scope(|scope| {
            let (send, parts) = std::sync::mpsc::channel::<SharedPage<M>>();
            scope.spawn(move || parts.into_iter().for_each(drop));
            let page = page;
            for part in more.take(40) {
                send.send(part).expect("the other thread lives");
            }
            drop(page);
        });
        assert_eq!(out(&pool), 0);
    }
    assert_whole(pool);
}

/// A count that would hold no more sticks, whether the references are made one by one or together.
fn a_count_sticks_also_when_many_are_added<M: Refcounted>() {
    let pool = pool::<M>(10);
    let page = pool.alloc_zeroed().expect("a page").into_shared();
    let mut more = page.retain_many(u32::MAX);
    assert_eq!((page.refcount(), pool.is_tainted()), (1 << 23, true));
    drop((more.next(), more));
    assert_eq!((page.refcount(), out(&pool)), (1 << 23, 1));
}

every_refcounted_mode!(
    references_made_together_are_handed_out_one_by_one,
    what_is_not_handed_out_may_be_the_last,
    many_references_to_one_page_without_owners,
    parts_of_a_page_go_their_ways,
    a_count_sticks_also_when_many_are_added,
    a_shared_page_is_freed_by_the_last_owner,
    only_the_last_owner_becomes_unique,
    release_bulk_frees_those_that_nobody_holds,
    one_call_may_retain_and_release_a_page_twice,
    retained_pages_are_shared_pages,
    a_raw_free_refuses_a_shared_page_and_an_elevated_one_takes_it,
);
