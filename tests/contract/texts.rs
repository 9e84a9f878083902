//! What a caller gets wrong is said in words that the caller can act on: inputs, and the exact
//! texts.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::common::*;

/// What a call panics with.
#[track_caller]
fn panicked<T>(call: impl FnOnce() -> T) -> String {
    let payload = catch_unwind(AssertUnwindSafe(call)).err().expect("a panic");
    match payload.downcast::<String>() {
        Ok(text) => plain(text),
        Err(payload) => payload.downcast_ref::<&str>().expect("a text").to_string(),
    }
}

fn said(error: impl Error) -> String {
    plain(error)
}

/// A batch of so many pages.
fn batch<M: Mode>(pool: &Pool<M>, n: usize) -> PageBatch<M> {
    let mut batch = PageBatch::new();
    assert_eq!(pool.alloc_bulk(&mut batch, n).allocated, n);
    batch
}

/// A pool of 16 addresses.
fn addresses<M: Mode>() -> Pool<M> {
    let region = Region::addresses(1 << 20, 16 * 256);
    let builder = Pool::builder(16).page_size(256).mode::<M>().region(region);
    let base = std::ptr::without_provenance_mut(1 << 20);
    let metadata = metadata_for(&builder);
    // SAFETY: the addresses are never dereferenced; the metadata is leaked.
    unsafe { builder.build_in(base, metadata) }.expect("a pool")
}

fn every_text_is_of_its_input<M: Mode>() {
    let (few, other) = (pool::<M>(3), pool::<M>(3));
    let ids = [PageId::new(3), PageId::new(4)];
    let of_addresses = addresses::<M>();
    let mut none = PageBatch::<M>::new();
    let mut mine = batch(&few, 1);
    let mut full = PageBatch::<M, 1>::empty();
    full.push(few.alloc().expect("a page")).expect("room");
    let page = other.alloc().expect("a page");
    let number = page.id().index();
    let refused = mine.push(page).expect_err("another pool's");
    let built = |builder: Builder<Bare>| said(builder.build().expect_err("refused"));
    let exact = |held: usize, want| {
        let pool = pool::<M>(3);
        let _held = batch(&pool, held);
        let mut batch = PageBatch::<M>::new();
        said(pool.alloc_bulk_exact(&mut batch, want).expect_err("too few are left"))
    };
    let closing = |pages: usize, clones: usize| {
        let pool = pool::<M>(9);
        let out = batch(&pool, pages);
        let handles = vec![pool.clone(); clones];
        let error = pool.close().expect_err("not yet");
        drop((out, handles));
        let text = plain(&error);
        drop(error);
        text
    };
    let others = |pages: usize, clones: usize| {
        let pool = pool::<M>(9);
        let (_out, _handles) = (batch(&pool, pages), vec![pool.clone(); clones]);
        said(pool.close().expect_err("not yet"))
    };
    // SAFETY: the pools refuse them.
    let reclaim_all = |pool: &Pool<M>, into: &mut PageBatch<M>| unsafe {
        said(pool.reclaim_bulk(&ids, into).expect_err("refused"))
    };
    let table: Vec<(&str, String, &str)> = vec![
        (
            "none of one",
            exact(3, 1),
            "0 of 1 page: no page is free: free some, or build a larger pool",
        ),
        (
            "one of two",
            exact(2, 2),
            "1 of 2 pages: no more are free: free some, or build a larger pool",
        ),
        (
            "more than there are",
            exact(0, 4),
            "0 of 4 pages: the pool has fewer pages in all: ask for fewer, or build a larger pool",
        ),
        (
            "pages without owners go into no batch",
            reclaim_all(&of_addresses, &mut none),
            "page 3 at position 0 cannot have an owner, for the pool has addresses only, and 1 more \
             bad page: use the raw calls [{mode}]",
        ),
        (
            "nor into a page",
            // SAFETY: the pool refuses it.
            said(unsafe { of_addresses.reclaim(ids[0]) }.expect_err("refused")),
            "page 3 at position 0 cannot have an owner, for the pool has addresses only: use the raw \
             calls [{mode}]",
        ),
        (
            "a batch of another pool",
            reclaim_all(&other, &mut mine),
            "page 3 at position 0 was to go into a batch of another pool, and 1 more bad page: use \
             one batch for each pool [{mode}]",
        ),
        (
            "push of another pool's page",
            refused.to_string(),
            "page {n} was refused: the batch holds pages of another pool: use one batch for each pool \
             [{mode}]",
        ),
        (
            "push into a full batch",
            said(full.push(other.alloc().expect("a page")).expect_err("full")),
            "page 1 was refused: the batch is full: free its pages, or use a larger one [{mode}]",
        ),
        ("swap_remove", panicked(|| none.swap_remove(0)), "index 0 of a batch of 0 pages"),
        ("swap_remove", panicked(|| mine.swap_remove(1)), "index 1 of a batch of 1 page"),
        ("index", panicked(|| mine[2][0]), "index 2 of a batch of 1 page"),
        ("index, to write", panicked(|| none[7][0] = 1), "index 7 of a batch of 0 pages"),
        ("split_off", panicked(|| mine.split_off(2)), "split at 2 of 1 page"),
        ("split_to", panicked(|| none.split_to(1)), "split at 1 of 0 pages"),
        (
            "from_raw",
            // SAFETY: the pool refuses it.
            panicked(|| unsafe { Page::from_raw(&few, ids[0]) }),
            "pagesheaf: page 3 is outside the pool: use only ids that this pool gave out [{mode}]",
        ),
        (
            "an order",
            said(Order::try_from(11).expect_err("10 is the largest")),
            "an order of 11 is not in 0..=10: use a smaller one",
        ),
        (
            "no color",
            built(Pool::builder(1).mode::<Bare>().cache_color(0)),
            "cache_color(0) is not a choice: use 1, the least, which staggers nothing",
        ),
        (
            "too much color",
            built(Pool::builder(1).mode::<Bare>().cache_color(65)),
            "pages of 4096 bytes have room for 1 to 64 cache lines of color, not for 65: ask for fewer",
        ),
        (
            "one page out",
            others(1, 0).replace(|it: char| it.is_ascii_digit(), "#"),
            "the pool has # page out: page #; drop it before close, or, if it was forgotten, see \
             CloseError::recover_forgotten [{mode}]",
        ),
        (
            "a handle",
            others(0, 1),
            "the pool has 1 other handle (a Pool or a Cache: drop it before close) and about 0 pages \
             out [{mode}]",
        ),
        (
            "handles",
            others(1, 2),
            "the pool has 2 other handles (Pools or Caches: drop them before close) and about 1 page \
             out [{mode}]",
        ),
        (
            "all back",
            closing(2, 2),
            "a page, another Pool or a Cache was alive when the pool was closed, and is gone now: drop \
             it before close, or close again [{mode}]",
        ),
    ];
    let mode = few.mode().to_string();
    for (input, text, expected) in table {
        let expected = expected.replace("{mode}", &mode).replace("{n}", &number.to_string());
        assert_eq!(text, expected, "{input}");
    }
}

fn errors_have_their_reasons_as_sources<M: Mode>() {
    let pool = pool::<M>(3);
    let error = pool.alloc_bulk_exact(&mut PageBatch::<M>::new(), 4).expect_err("there are three");
    let source = error.source().expect("a source");
    assert_eq!(source.downcast_ref(), Some(&error.reason));
    let mut none = PageBatch::<M, 0>::empty();
    let error = none.push(pool.alloc().expect("a page")).expect_err("no room");
    let source = error.source().expect("a source");
    assert_eq!(source.downcast_ref(), Some(&BatchError::Full));
    drop(error);
    assert_whole(pool);
}

/// `main` and `unwrap` print an error by its `Debug`.
fn debug_prints_the_sentence<M: Mode>() {
    #[track_caller]
    fn same(name: &str, error: impl Error, text: &str) {
        assert_eq!(format!("{error:?}"), format!("{name}({text})"));
        assert_eq!(format!("{error:#?}"), format!("{name}({error})"));
    }
    let pool = build::<M>(1, |builder| builder.max_caches(0));
    let mode = pool.mode();
    let text = "a pool needs at least one page: ask for 1 or more";
    same("BuildError", BuildError::NoPages, text);
    let text = "the pool was built with max_caches(0): use the pool itself";
    same("CacheError", pool.cache().expect_err("there are none"), text);
    let page = pool.alloc().expect("a page");
    let dry = "no page is free: free some, or build a larger pool";
    same("ShortReason", ShortReason::Exhausted, dry);
    let text = "the free pages are in calls in progress, or another caller is served first: let \
                other threads run, and try again";
    same("ShortReason", ShortReason::Busy, text);
    let text = "no block of this order is whole: free its neighbours, or ask for a smaller one";
    same("ShortReason", ShortReason::Fragmented, text);
    let short = pool.alloc_bulk(&mut PageBatch::<M>::new(), 1);
    let text = format!("BulkAlloc {{ allocated: 0, reason: Some(ShortReason({dry})) }}");
    assert_eq!(format!("{short:?}"), text);
    let error = pool.alloc_bulk_exact(&mut PageBatch::<M>::new(), 1).expect_err("none is free");
    same("ExactError", error, &format!("0 of 1 page: {dry}"));
    let full = PageBatch::<M, 0>::empty().push(page).expect_err("no room");
    let text = "the batch is full: free its pages, or use a larger one";
    same("BatchError", full.reason, text);
    same("PushError", full, &format!("page 0 was refused: {text} [{mode}]"));
    let (other, mut batch) = (crate::common::pool::<M>(1), PageBatch::<M>::new());
    batch.push(other.alloc().expect("a page")).expect("room");
    // SAFETY: the pool refuses it.
    let error = unsafe { pool.reclaim_bulk(&[PageId::new(7)], &mut batch) };
    let text = format!(
        "page 7 at position 0 was to go into a batch of another pool: use one batch for each pool \
         [{mode}]"
    );
    same("PageError", error.expect_err("another pool's"), &text);
    let text = "an order of 11 is not in 0..=10: use a smaller one";
    same("OrderError", Order::try_from(11).expect_err("10 is the largest"), text);
    let error = pool.alloc_at(PageId::new(1)).expect_err("there is one page");
    let text = "is outside the pool: use a number below Pool::capacity";
    same("PlaceError", error, &format!("page 1 {text}"));
    same("PlaceReason", error.reason, text);
    let error = PageId::try_from(1_u64 << 32).expect_err("there are no so large ones");
    let text = "4294967296 is above 4294967295, so it is the number of no page: use that of a page \
                of the pool";
    same("IdError", error, text);
}

/// Every third page does not exist.
fn all_bad_pages_of_a_call_are_named<M: Mode>() {
    if !M::CHECKS && !M::REFCOUNT {
        return;
    }
    for n in [1, 3, 64, 65, 200, 256, 300] {
        let pool = pool::<M>(400);
        let mut cache = pool.cache().expect("a cache");
        let mut ids = vec![PageId::new(0); n];
        for (at, id) in ids.iter_mut().enumerate() {
            *id = match at % 3 {
                0 => PageId::new(400 + at as u32),
                _ => pool.alloc().expect("a page").into_raw(),
            };
        }
        // SAFETY: the pages are out, and nobody else uses them; those that do not exist are
        // refused.
        let error = unsafe { cache.free_bulk_raw(&ids) }.expect_err("bad pages");
        assert_eq!((error.count, error.position), (n.div_ceil(3), 0));
        assert!(error.positions().eq((0..n.min(256)).step_by(3)), "{n}");
        let more = match n.div_ceil(3) - 1 {
            0 => String::new(),
            1 => String::from(", and 1 more bad page"),
            more => format!(", and {more} more bad pages"),
        };
        let text = format!(
            "page 400 at position 0 is outside the pool{more}: use only ids that this pool gave out \
             [{}]",
            pool.mode()
        );
        assert_eq!(error.to_string(), text);
    }
}

fn released_pages_that_are_bad_are_named_where_they_stood<M: Refcounted>() {
    let pool = pool::<M>(200);
    let mut batch = batch(&pool, 80);
    let mut ids: Vec<_> = std::iter::from_fn(|| batch.pop()).map(Page::into_raw).collect();
    // References that were given away before are bad when they come again, where the mode checks.
    (ids[40], ids[75]) = (PageId::new(999), PageId::new(999));
    if M::CHECKS {
        (ids[3], ids[70]) = (ids[2], ids[2]);
    }
    // SAFETY: each page has one reference, of ours; those that have none any more are refused.
    let error = unsafe { pool.release_bulk(&ids) }.expect_err("bad pages");
    let bad: &[usize] = if M::CHECKS { &[3, 40, 70, 75] } else { &[40, 75] };
    assert_eq!((error.position, error.count), (bad[0], bad.len()));
    assert_eq!(error.positions().collect::<Vec<_>>(), bad);
}

/// A pool of three pages, and a reference to one of them that has all references that can be counted.
fn nearly_stuck<M: Refcounted>(on_bad_page: OnBadPage) -> (Pool<M>, SharedPage<M>) {
    let pool = build::<M>(3, |builder| builder.on_bad_page(on_bad_page));
    let page = pool.alloc().expect("a page").into_shared();
    let many = vec![page.id(); (1 << 16) - 1];
    let rest = vec![page.id(); 126];
    for ids in std::iter::repeat_n(&many, 128).chain([&rest]) {
        // SAFETY: the page has a reference of ours; those that are added are not used.
        assert_eq!(unsafe { pool.retain_bulk(ids) }, Ok(ids.len()));
    }
    assert_eq!((page.refcount(), pool.is_tainted()), ((1 << 23) - 1, false));
    (pool, page)
}

/// Nobody frees the page any more, and whoever has a reference goes on.
fn is_stuck<M: Refcounted>(pool: &Pool<M>, page: SharedPage<M>) {
    assert!(pool.is_tainted());
    assert_eq!(page.refcount(), 1 << 23);
    drop(page);
    assert_eq!((out(pool), pool.stats().map(|stats| stats.faults)), (1, Some(1)));
}

#[test]
fn a_clone_past_the_limit_is_a_fault() {
    let (pool, page) = nearly_stuck::<NoChecks>(OnBadPage::Count);
    drop(page.clone());
    is_stuck(&pool, page);
}

#[test]
fn a_clone_past_the_limit_panics_where_faults_do() {
    let (pool, page) = nearly_stuck::<Checked>(OnBadPage::Panic);
    let text = panicked(|| page.clone());
    let fault = "at position 0 has a reference count that has stuck at 8388608, and is never freed: look \
                 for references that are made and not dropped";
    assert_eq!(text, format!("pagesheaf: {} {fault} [{}]", page.id(), pool.mode()));
    is_stuck(&pool, page);
}

/// Only wrong unsafe calls can do it, and only modes without checks let them.
#[test]
fn more_that_came_back_than_left_is_said() {
    let pool = pool::<Bare>(100);
    if pool.mode().checks {
        return;
    }
    let id = pool.alloc_raw().expect("a page");
    let mut cache = pool.cache().expect("a cache");
    for _ in 0..2 {
        // SAFETY: not so, the second time: nobody uses the pool any more.
        let _ = unsafe { cache.free_raw(id) };
    }
    drop(cache);
    let error = pool.close().expect_err("it does not add up");
    let text = plain(&error);
    std::mem::forget(error);
    let says = "1 page more came back to the pool than left it: look for a second free [Bare";
    assert!(text.starts_with(says), "{text}");
}

every_mode!(
    debug_prints_the_sentence,
    every_text_is_of_its_input,
    errors_have_their_reasons_as_sources,
    all_bad_pages_of_a_call_are_named,
);
every_refcounted_mode!(released_pages_that_are_bad_are_named_where_they_stood);
