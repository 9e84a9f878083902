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
    let text = format!("{} at position 4 is shared by 2 references [{}]", ids[4], pool.mode());
    assert_eq!(error.to_string(), text);
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

every_refcounted_mode!(
    a_shared_page_is_freed_by_the_last_owner,
    only_the_last_owner_becomes_unique,
    release_bulk_frees_those_that_nobody_holds,
    one_call_may_retain_and_release_a_page_twice,
    retained_pages_are_shared_pages,
    a_raw_free_refuses_a_shared_page_and_an_elevated_one_takes_it,
);
