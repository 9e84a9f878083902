//! Which pages come: those that were used before come first, so that no more memory is touched than
//! was needed at once; unless they are to wait.

use std::collections::BTreeSet;

use crate::common::*;

const PAGES: usize = 16_384;

/// Whether freed pages go behind all others.
fn quarantines<M: Mode>() -> bool {
    M::HARDENING & hardening::QUARANTINE != 0
}

/// In rounds of allocations, frees and a drain: how many pages were out at least once, and the most
/// that were out or cached at once.
fn rounds<M: Mode>(pool: &Pool<M>, drains: bool) -> (usize, u64) {
    let mut cache = pool.cache().expect("a cache");
    let (mut seen, mut most) = (BTreeSet::new(), 0);
    for round in 0..60 {
        let mut batches: [PageBatch<M>; 8] = std::array::from_fn(|_| PageBatch::new());
        for batch in &mut batches {
            cache.alloc_bulk_exact(batch, 200 + round % 30).expect("pages");
            seen.extend(batch.ids().iter().copied());
        }
        let pages = pool.audit().pages;
        most = most.max(pages.out + pages.cached);
        batches.iter_mut().rev().for_each(|batch| cache.free_bulk(batch));
        let pages = pool.audit().pages;
        most = most.max(pages.out + pages.cached);
        if drains {
            cache.drain();
            pool.drain();
        }
    }
    (seen.len(), most)
}

fn rounds_touch_no_more_than_was_needed_at_once<M: Mode>() {
    for drains in [true, false] {
        let pool = build::<M>(PAGES, |builder| builder.page_size(64));
        let (seen, most) = rounds(&pool, drains);
        if !quarantines::<M>() {
            // What was left of a word that was broken into may come, too.
            assert!(seen as u64 <= most + 64, "{seen} pages, and {most} were needed at once");
        } else if drains {
            assert_eq!(seen, PAGES, "all are used before one is used again");
        }
    }
}

fn a_quarantine_has_a_length<M: Mode>() {
    const LENGTH: usize = 4000;
    let builder = || Pool::builder(PAGES).mode::<M>();
    let built = builder().quarantine_length(LENGTH).metadata_layout();
    if !quarantines::<M>() {
        let (error, mode) = (built.expect_err("nothing waits"), ModeFlags::of::<M>());
        assert_eq!(error, BuildError::QuarantineLength { mode });
        let text = format!(
            "quarantine_length needs a mode that quarantines: choose one, such as Hardened, or leave it out [{mode}]"
        );
        assert_eq!(error.to_string(), text);
        return;
    }
    let how = |builder: Builder<M>| builder.page_size(64).quarantine_length(LENGTH);
    let (seen, most) = rounds(&build::<M>(PAGES, how), true);
    let seen = seen as u64;
    assert!((LENGTH as u64..=most + LENGTH as u64 + 256).contains(&seen), "{seen}, {most}");
}

/// Every second area is whole, and of the others half of the pages are free: what is
/// allocated then leaves the whole ones alone.
fn whole_areas_stay_whole_while_others_have_pages<M: Mode>() {
    // Of pages of 256 bytes.
    const AREA: u32 = 4096;
    let pool = build::<M>(4 * AREA as usize, |builder| builder.magazine_capacity(32));
    let pages: Vec<_> = (0..4 * AREA).map(|_| pool.alloc().expect("a page")).collect();
    let is_whole = |page: &Page<M>| (page.id().index() / AREA).is_multiple_of(2);
    let (whole, others): (Vec<_>, Vec<_>) = pages.into_iter().partition(is_whole);
    let (kept, free): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|page| page.id().index() % 3 == 0);
    let fits = free.len();
    drop((whole, free));
    pool.drain();
    let mut cache = pool.cache().expect("a cache");
    // What a cache takes beyond what it was asked for must fit, too.
    let again: Vec<_> = (0..fits - 64).map(|_| cache.alloc().expect("a page")).collect();
    let broken = again.iter().filter(|page| is_whole(page)).count();
    drop(cache);
    pool.drain();
    let order = Order::new(9).expect("an order");
    let blocks: Vec<_> = core::iter::from_fn(|| pool.alloc_block(order).ok()).collect();
    if !quarantines::<M>() {
        assert_eq!((broken, blocks.len()), (0, 2 * AREA as usize / 512));
    }
    drop((blocks, again, kept));
    assert!(!pool.is_tainted() && pool.audit().pages.adds_up());
}

every_mode!(
    rounds_touch_no_more_than_was_needed_at_once,
    a_quarantine_has_a_length,
    whole_areas_stay_whole_while_others_have_pages,
);
