//! Metadata: at most 4.2 bytes a page for each of checks and counts, and 1.13 in `Compact`, beside the caches.
//!
//! Caches, magazines and the depot do not grow with the pool once it has more than 65,536 pages. So the bytes per page
//! are the difference between the metadata of a pool of 64 GiB (16.7 million pages) and of one of 65,536 pages with the
//! same caches, divided by the difference in pages.

use crate::common::*;

const SMALL: usize = 1 << 16;
const LARGE: usize = 1 << 24;

/// Bytes of a page's record: in builds with the feature `track`.
const TRACKED: u32 = if cfg!(feature = "track") { 48 } else { 0 };

fn metadata<M: Mode>(pages: usize) -> usize {
    let builder =
        Pool::builder(pages).mode::<M>().max_caches(8).shared_caches(2).magazine_capacity(256);
    builder.metadata_layout().expect("a legal pool").size()
}

fn metadata_is_small<M: Mode>() {
    let bytes = metadata::<M>(LARGE) - metadata::<M>(SMALL);
    let per_page = bytes as f64 / (LARGE - SMALL) as f64 - f64::from(TRACKED);
    // A word of 4 bytes for each, or one byte; a bit of the zone, and of its three summaries, for all; and a bit more
    // where pages are poisoned.
    let checks = if M::COMPACT { 1.0 } else { 4.0 * f64::from(u8::from(M::CHECKS)) };
    let words = checks + 4.0 * f64::from(u8::from(M::REFCOUNT));
    let poison = if M::HARDENING & hardening::POISON != 0 { 0.125 } else { 0.0 };
    assert!(per_page <= words + 0.131 + poison, "{per_page} bytes per page");
    // So it is never more than 8.2 with counts, and 4.2 without, but for poison.
    assert!(per_page - poison <= if M::REFCOUNT { 8.2 } else { 4.2 }, "{per_page} bytes");
    // A bit per page, and its share of the summaries, is the least that any mode has.
    assert!(per_page >= 0.125, "{per_page} bytes per page");
}

/// What the caches take: less than a hundredth of the pages of a pool of 256 MiB.
fn caches_are_small<M: Mode>() {
    let pages = SMALL * 4096;
    let metadata = metadata::<M>(SMALL) - SMALL * TRACKED as usize;
    assert!(metadata < pages / 100, "{metadata} bytes");
}

fn metadata_grows_with_the_pool<M: Mode>() {
    let mut last = 0;
    for pages in [1, 63, 64, 65, 4096, 4097, SMALL, LARGE, u32::MAX as usize] {
        let size = Pool::builder(pages).mode::<M>().metadata_layout().expect("a legal pool").size();
        assert!(size >= last, "{pages} pages");
        last = size;
    }
}

/// A pool whose pages can be offline has a bit more for each.
fn a_pool_that_can_shrink_takes_a_bit_a_page<M: Mode>() {
    let builder = |pages: usize| Pool::builder(pages).mode::<M>().max_caches(8).shared_caches(2);
    let size = |builder: Builder<M>| builder.metadata_layout().expect("a legal pool").size();
    let more = size(builder(LARGE).initially(LARGE)) - size(builder(LARGE));
    assert!((LARGE / 8..LARGE / 8 + 64).contains(&more), "{more} bytes");
}

every_mode!(
    metadata_is_small,
    caches_are_small,
    metadata_grows_with_the_pool,
    a_pool_that_can_shrink_takes_a_bit_a_page,
);
