//! Who holds which page since when, and what happened to it: the feature `track`, in every mode.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::common::*;

pub fn tracked<M: Mode>(pages: usize) -> Pool<M> {
    build::<M>(pages, |builder| builder.max_caches(3).shared_caches(1))
}

/// The pages that are out, as the pool says.
pub fn listed<M: Mode>(pool: &Pool<M>) -> Vec<PageId> {
    pool.outstanding().map(|held| held.page).collect()
}

fn events<M: Mode>(pool: &Pool<M>, id: PageId) -> Vec<Event> {
    pool.history(id).events().collect()
}

fn a_name_is_that_of_the_cache_that_allocated<M: Mode>() {
    let pool = tracked::<M>(100);
    let name = || pool.outstanding().next().expect("a page is out").name;
    let mut rx = pool.cache_named("rx").build().expect("a cache");
    let page = rx.alloc().expect("a page");
    assert_eq!(name(), Some("rx"));
    let text = pool.outstanding().next().expect("a page is out").to_string();
    assert!(text.starts_with(&format!("{}: out for ", page.id())), "{text}");
    assert!(text.contains(file!()) && text.ends_with(" through cache 0 \"rx\""), "{text}");
    drop(rx);
    assert_eq!(name(), Some("rx"), "nobody else has its number");
    let tx = pool.cache_named("tx").build().expect("a cache");
    assert_eq!((tx.number(), name()), (0, None));
    drop(page);
}

fn a_lent_page_is_listed_with_its_age<M: Mode>() {
    let pool = tracked::<M>(100);
    let mut batch = PageBatch::<M, 8>::empty();
    let (bulk, line) = (pool.alloc_bulk(&mut batch, 3), line!());
    assert_eq!(bulk.allocated, 3);
    let mut out = [std::mem::MaybeUninit::uninit(); 2];
    let lent = pool.lend_bulk(&mut batch, &mut out).to_vec();
    assert_eq!(listed(&pool).len(), 3);
    for held in pool.outstanding() {
        assert_eq!(held.location.expect("it stands still").line(), line);
        assert_eq!(held.lent.is_some(), lent.contains(&held.page), "{held}");
        if let (Some(lent), age) = (held.lent, held.age.expect("it stands still")) {
            assert!(lent <= age, "{held}");
            assert!(held.to_string().contains(": lent for "), "{held}");
        }
    }
    // SAFETY: there is no device.
    let back = unsafe { pool.reclaim_bulk(&lent, &mut batch) };
    assert_eq!(back, Ok(2));
    assert!(pool.outstanding().all(|held| held.lent.is_none()));
    let expected = [Event::Allocated, Event::Lent, Event::Reclaimed];
    assert_eq!(events(&pool, lent[0]), expected);
    drop(batch);
    assert_eq!(events(&pool, lent[0])[3..], [Event::Dropped]);
    assert_eq!(listed(&pool), []);
}

fn pages_go_wherever_they_are_freed<M: Mode>() {
    let pool = tracked::<M>(100);
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M, 64>::empty();
    assert_eq!(cache.alloc_bulk(&mut batch, 60).allocated, 60);
    let pages = batch.split_off(20);
    let block = cache.alloc_block(Order::try_from(3).expect("an order")).expect("a block");
    std::thread::spawn(move || drop((pages, block.into_pages()))).join().expect("no panic");
    assert_eq!(listed(&pool).len(), 20);
    assert!(listed(&pool).iter().all(|id| batch.ids().contains(id)));
    cache.free_bulk(&mut batch);
    assert_eq!(pool.outstanding().count(), 0);
    drop(cache);
    assert_whole(pool);
}

fn a_block_that_is_split_stays_listed<M: Mode>() {
    let pool = tracked::<M>(64);
    let block = pool.alloc_block(Order::try_from(2).expect("an order")).expect("a block");
    let first = block.id();
    let mut pages: Vec<_> = block.into_pages().collect();
    assert_eq!((pages.len(), listed(&pool).len()), (4, 4));
    drop(pages.pop());
    assert_eq!(listed(&pool).len(), 3);
    drop(pages);
    assert_eq!(events(&pool, first), [Event::Allocated, Event::Split, Event::Dropped]);
}

/// What is refused stays out, and what is free stays free; each error has what happened.
fn a_refusal_says_what_happened<M: Mode>() {
    let pool = tracked::<M>(64);
    let page = pool.alloc().expect("a page");
    let id = page.id();
    pool.free(page);
    // SAFETY: not so: the page is free, and a checking mode refuses it.
    let error = unsafe { pool.free_raw(id) }.expect_err("it is free");
    let seen = [Event::Allocated, Event::Freed, Event::FreedAgain];
    assert!(error.history().events().eq(seen));
    let text = format!(
        "{id} at position 0 is already free (its last events: allocated, freed, freed again): look for a second free [{}]",
        pool.mode()
    );
    assert_eq!(error.to_string(), text);
    assert_eq!(listed(&pool), []);
    let taint = pool.taint().expect("it taints");
    assert!(taint.history() == error.history() && taint.to_string().contains("freed again"));
    // The second is of a page that is out, and stays so.
    let lent = pool.alloc().expect("a page").lend();
    // SAFETY: as above.
    let error = unsafe { pool.free_raw(lent) }.expect_err("it is lent");
    assert_eq!(error.history().last(), Some(Event::FreeRefused));
    assert_eq!(listed(&pool), [lent]);
    assert!(pool.outstanding().all(|held| held.lent.is_some()));
    assert_eq!(pool.taint(), Some(taint), "it has what it had");
    // SAFETY: there is no device.
    drop(unsafe { pool.reclaim(lent) }.expect("it is lent"));
    // SAFETY: as above.
    let error = unsafe { pool.reclaim(lent) }.expect_err("it is not lent");
    assert_eq!(error.history().last(), Some(Event::UsedFree));
    assert_eq!(listed(&pool), []);
    let order = Order::try_from(1).expect("an order");
    let block = pool.alloc_block_raw(order).expect("a block");
    // SAFETY: as above.
    let error = unsafe { pool.free_raw(block) }.expect_err("it is in a block");
    assert_eq!((error.history().last(), listed(&pool).len()), (Some(Event::FreeRefused), 2));
    // SAFETY: the block is ours, and nobody wrote it.
    unsafe { pool.free_block_raw(block, order) }.expect("it is out");
    // SAFETY: as above.
    let error = unsafe { pool.free_block_raw(block, order) }.expect_err("it is free");
    assert_eq!((error.history().last(), listed(&pool).len()), (Some(Event::FreedAgain), 0));
    // SAFETY: as above.
    let error = unsafe { pool.free_raw(PageId::new(64)) }.expect_err("there is none");
    assert!(error.history().is_empty() && pool.history(PageId::new(64)).is_empty());
}

fn a_panic_says_what_happened<M: Mode>() {
    let pool = build::<M>(64, |builder| builder.on_bad_page(OnBadPage::Panic));
    let id = pool.alloc_raw().expect("a page");
    // SAFETY: the page is ours, and nobody wrote it. The second free is refused.
    let panic = catch_unwind(AssertUnwindSafe(|| unsafe {
        pool.free_raw(id).expect("it is out");
        pool.free_raw(id)
    }));
    let text = *panic.expect_err("a panic").downcast::<String>().expect("a text");
    assert!(text.contains("(its last events: allocated, freed, freed again)"), "{text}");
}

fn references_are_events<M: Refcounted>() {
    let pool = tracked::<M>(64);
    let page = pool.alloc().expect("a page").into_shared();
    let id = page.id();
    drop(page.clone());
    drop(page.retain_many(2));
    assert_eq!(listed(&pool), [id]);
    let twice = [Event::Retained, Event::Released];
    assert_eq!(events(&pool, id)[1..], [twice, twice].concat());
    // SAFETY: not so: there is another reference; it is refused.
    let error = unsafe {
        pool.retain_bulk(&[id]).expect("it is out");
        pool.free_raw(id)
    };
    assert_eq!(error.expect_err("it is shared").history().last(), Some(Event::FreeRefused));
    assert_eq!(listed(&pool), [id]);
    // SAFETY: the reference was made above.
    unsafe { pool.release_many(id, 1) }.expect("there are two");
    drop(page);
    assert_eq!(events(&pool, id).last(), Some(&Event::Dropped));
    assert_eq!(listed(&pool), []);
    let id = pool.alloc_raw().expect("a page");
    // SAFETY: the page is ours, and nobody wrote it.
    unsafe { pool.release_bulk(&[id]) }.expect("it is out");
    assert_eq!(events(&pool, id).last_chunk(), Some(&[Event::Released, Event::Freed]));
}

fn what_is_out_is_listed_at_close<M: Mode>() {
    let pool = tracked::<M>(64);
    let mut cache = pool.cache_named("rx").build().expect("a cache");
    let page = cache.alloc().expect("a page");
    let id = page.id();
    let line = format!("\n  {id}: out for ");
    let error = pool.close().expect_err("a cache lives");
    assert!(error.outstanding().map(|held| held.page).eq([id]));
    assert!(error.to_string().contains(&line), "{error}");
    drop(cache);
    let error = error.into_pool().close().expect_err("a page is out");
    assert!(error.outstanding().map(|held| held.page).eq(error.ids()));
    let text = error.to_string();
    assert!(text.contains(&line) && text.ends_with(" through cache 0 \"rx\""), "{text}");
    std::mem::forget(page);
    // SAFETY: the page has no owner any more, and nobody wrote it.
    let (pool, recovered) = unsafe { error.recover_forgotten() }.expect("no handle lives");
    assert_eq!((recovered, listed(&pool)), (1, vec![]));
    assert_eq!(events(&pool, id), [Event::Allocated, Event::Recovered]);
    let mut batch = PageBatch::<M, 64>::empty();
    assert_eq!(pool.alloc_bulk(&mut batch, 20).allocated, 20);
    let error = pool.close().expect_err("pages are out");
    assert_eq!(error.to_string().matches("\n  ").count(), 9, "eight, and that there are more");
    drop(batch);
    error.into_pool().close().expect("nothing is out");
}

/// Whoever looks while others allocate and free finds of each page what one call has said.
fn a_look_beside_other_threads_finds_one_allocation<M: Mode>() {
    let pool = tracked::<M>(32);
    let names = ["zero", "one"];
    let caches = names.map(|name| pool.cache_named(name).build().expect("a cache"));
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for mut cache in caches {
            let stop = &stop;
            scope.spawn(move || {
                let mut batch = PageBatch::<M, 8>::empty();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    // Each cache from lines of its own.
                    match cache.number() {
                        0 => _ = cache.alloc_bulk(&mut batch, 8),
                        _ => _ = cache.alloc_bulk_exact(&mut batch, 3),
                    }
                    cache.free_bulk(&mut batch);
                    cache.drain();
                }
            });
        }
        let mut lines = [None; 2];
        for _ in 0..2_000 {
            for held in pool.outstanding() {
                let Some(location) = held.location else { continue };
                let cache = held.cache.expect("it came through one");
                assert_eq!(held.name, Some(names[cache]), "{held}");
                assert_eq!(*lines[cache].get_or_insert(location.line()), location.line(), "{held}");
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(listed(&pool), []);
}

every_mode!(
    a_name_is_that_of_the_cache_that_allocated,
    a_lent_page_is_listed_with_its_age,
    pages_go_wherever_they_are_freed,
    a_block_that_is_split_stays_listed,
    what_is_out_is_listed_at_close,
    a_look_beside_other_threads_finds_one_allocation,
);

every_checking_mode!(a_refusal_says_what_happened, a_panic_says_what_happened);
every_refcounted_mode!(references_are_events);
