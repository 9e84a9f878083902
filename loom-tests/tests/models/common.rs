//! Small pools, and what is asked of every pool in the end.

use loom_tests::Owners;
use pagesheaf::{Builder, Mode, Page, PageId, Pool, Region, ShortReason};

/// A pool of `pages` pages with so many owned and shared caches, whose magazines hold `magazine`
/// ids.
pub fn pool<M: Mode>(pages: usize, caches: usize, shared: usize, magazine: usize) -> Pool<M> {
    builder(pages, caches, shared, magazine).build().expect("a small pool")
}

/// As [`pool`], to be built.
pub fn builder<M: Mode>(pages: usize, caches: usize, shared: usize, magazine: usize) -> Builder<M> {
    Pool::builder(pages)
        .mode::<M>()
        .page_size(64)
        .region(Region::heap())
        .max_caches(caches)
        .shared_caches(shared)
        .magazine_capacity(magazine)
}

/// At rest, with no other handle: the figures add up, nothing was found wrong, and every page can
/// be had.
#[track_caller]
pub fn is_whole<M: Mode>(pool: &Pool<M>) {
    let audit = pool.audit();
    assert!(audit.pages.adds_up(), "{audit}");
    assert_eq!((audit.pages.out, audit.pages.bad), (0, 0), "{audit}");
    assert_eq!(audit.misplaced.unwrap_or(0), 0, "{audit}");
    assert!(!pool.is_tainted(), "{pool}");
    let mut pages: Vec<_> = (0..pool.capacity())
        .map(|_| pool.critical().alloc().unwrap_or_else(|short| panic!("{short}: {pool}")))
        .collect();
    assert!(matches!(pool.critical().alloc(), Err(ShortReason::Exhausted)), "{pool}");
    pages.sort_by_key(|page| page.id());
    assert!(pages.iter().map(|page| page.id()).eq(ids(pool.capacity())));
}

/// The first `count` pages.
pub fn ids(count: usize) -> impl Iterator<Item = PageId> {
    (0..count as u32).map(PageId::new)
}

/// Allocates with `alloc` and owns the page for a moment, if there is one. It is the caller's to
/// free.
pub fn visit<M: Mode>(
    owners: &Owners,
    alloc: impl FnOnce() -> Result<Page<M>, ShortReason>,
) -> Option<Page<M>> {
    let page = alloc().ok()?;
    owners.takes(page.id());
    owners.gives(page.id());
    Some(page)
}

/// Allocates with `alloc`, where another may have found nothing: that one is served first, but not
/// twice in a row.
pub fn in_turn<M: Mode>(
    mut alloc: impl FnMut() -> Result<Page<M>, ShortReason>,
) -> Result<Page<M>, ShortReason> {
    match alloc() {
        Err(ShortReason::Busy) => alloc(),
        got => got,
    }
}
