//! When a new pool's pages are poisoned: as it is built, which touches them all and is said, or
//! each by its first free.
//!
//! A stray write goes through a pointer to a page that is free, and nobody else uses the pool.

use crate::common::*;

const PAGES: usize = 100;

/// What a pool that is built so says of its region.
fn info<M: Mode>(how: impl FnOnce(Builder<M>) -> Builder<M>) -> RegionInfo {
    build::<M>(PAGES, how).region_info()
}

fn a_pool_that_touches_its_pages_says_so<M: Mode>() {
    let info = info::<M>(|builder| builder);
    let text = info.to_string();
    assert_eq!(info.populated, poisons::<M>(), "{text}");
    assert_eq!(info.poisoned_pages, if poisons::<M>() { PAGES as u32 } else { 0 });
    assert_eq!(text.contains(", populated"), info.populated, "{text}");
    assert_eq!(text.contains(", 100 pages poisoned when it was built"), poisons::<M>(), "{text}");
}

fn a_pool_of_addresses_touches_nothing<M: Mode>() {
    let region = Region::addresses(1 << 20, PAGES * 256);
    let builder = Pool::builder(PAGES).page_size(256).mode::<M>().region(region);
    let metadata = metadata_for(&builder);
    // SAFETY: the addresses are never dereferenced; the metadata is leaked.
    let pool = unsafe { builder.build_in(std::ptr::without_provenance_mut(1 << 20), metadata) };
    let info = pool.expect("a pool").region_info();
    assert_eq!((info.populated, info.poisoned_pages), (false, 0), "{info}");
}

fn a_sample_touches_some_pages<M: Mode>() {
    let info = info::<M>(|builder| builder.poison_every(4));
    assert!(!info.populated && (1..PAGES as u32).contains(&info.poisoned_pages), "{info}");
    let text = format!(", {} pages poisoned when it was built", info.poisoned_pages);
    assert!(info.to_string().contains(&text), "{info}");
}

fn a_lazy_pool_touches_nothing<M: Mode>() {
    let info = info::<M>(|builder| builder.poison_lazily(true));
    assert_eq!((info.populated, info.poisoned_pages), (false, 0), "{info}");
    assert!(!info.to_string().contains("poisoned"), "{info}");
    assert!(self::info::<M>(|builder| builder.poison_lazily(false)).populated);
}

/// Of a region that is larger than the machine, most is never to be touched.
#[cfg(all(feature = "std", target_os = "linux"))]
fn what_is_not_reserved_is_not_touched<M: Mode>() {
    let info = info::<M>(|builder| builder.region(Region::mapped().no_reserve()));
    assert_eq!((info.no_reserve, info.populated, info.poisoned_pages), (true, false, 0), "{info}");
}

/// Writes to every page, all of which are free. Returns which were withheld for it.
fn found<M: Mode>(pool: &Pool<M>) -> Vec<PageId> {
    let withheld = pool.bad_pages().map(|bad| bad.page).collect::<Vec<_>>();
    for index in 0..PAGES as u32 {
        let byte = pool.ptr(PageId::new(index)).expect("in range");
        // SAFETY: the page is free, and nobody else uses the pool.
        unsafe { byte.write(7) };
    }
    let mut batch = PageBatch::<M>::new();
    let got = pool.alloc_bulk(&mut batch, PAGES).allocated;
    let new: Vec<_> =
        pool.bad_pages().map(|bad| bad.page).filter(|page| !withheld.contains(page)).collect();
    assert_eq!(got + withheld.len() + new.len(), PAGES);
    new
}

fn a_page_is_verified_once_it_was_freed<M: Mode>() {
    let pool = build::<M>(PAGES, |builder| builder.poison_lazily(true));
    // No page was poisoned: no write is noticed.
    assert_eq!(found(&pool), []);
    assert!(!pool.is_tainted());
    drop(pool.alloc());
    // All have been through a free.
    let mut all = found(&pool);
    all.sort();
    assert!(all.iter().copied().eq((0..PAGES as u32).map(PageId::new)), "{all:?}");
}

fn a_page_that_was_never_freed_is_not_verified<M: Mode>() {
    let pool = build::<M>(PAGES, |builder| builder.poison_lazily(true));
    let page = pool.alloc().expect("a page");
    let id = page.id();
    drop(page);
    assert_eq!(found(&pool), [id]);
    if let Some(stats) = pool.stats() {
        assert_eq!(stats.poison_checks, 1);
    }
}

fn laziness_needs_a_mode_that_poisons<M: Mode>() {
    let builder = || Pool::builder(4).mode::<M>();
    assert!(builder().poison_lazily(false).metadata_layout().is_ok());
    let lazily = builder().poison_lazily(true).metadata_layout();
    if poisons::<M>() {
        assert!(lazily.is_ok());
        return;
    }
    let (error, mode) = (lazily.expect_err("nothing to put off"), ModeFlags::of::<M>());
    assert_eq!(error, BuildError::PoisonLazily { mode });
    assert_eq!(
        error.to_string(),
        format!(
            "poison_lazily needs a mode that poisons: choose one, such as Hardened, or leave it out [{mode}]"
        )
    );
}

every_mode!(
    a_pool_that_touches_its_pages_says_so,
    a_pool_of_addresses_touches_nothing,
    laziness_needs_a_mode_that_poisons,
);
#[cfg(all(feature = "std", target_os = "linux"))]
mod mapped {
    use super::*;

    every_poisoning_mode!(what_is_not_reserved_is_not_touched);
}
every_poisoning_mode!(
    a_sample_touches_some_pages,
    a_lazy_pool_touches_nothing,
    a_page_is_verified_once_it_was_freed,
    a_page_that_was_never_freed_is_not_verified,
);
