//! Poison in one page of n: as many are looked at, over all pages in time, and what was written is found in those.

use crate::common::*;

/// Pages of the pools, and one in how many is poisoned.
const PAGES: usize = 128;
const EVERY: u32 = 8;

fn sampled<M: Mode>(every: u32) -> Pool<M> {
    build::<M>(PAGES, |builder| builder.magazine_capacity(16).max_caches(1).poison_every(every))
}

/// Allocates and frees all pages, and writes to each once it is free. Returns how many are withheld by now.
fn written<M: Mode>(pool: &Pool<M>) -> usize {
    let mut cache = pool.cache().expect("a cache");
    let mut out = no_ids::<PAGES>();
    let ids = cache.alloc_bulk_raw(&mut out).0.to_vec();
    // SAFETY: the pages are out, and freed once.
    assert_eq!(unsafe { cache.free_bulk_raw(&ids) }, Ok(()));
    for &id in &ids {
        let byte = pool.ptr(id).expect("a page of the pool").as_ptr();
        // SAFETY: the region is mapped; that the page is free is the misuse.
        unsafe { byte.write(!byte.read()) };
    }
    let mut all = PageBatch::<M>::new();
    let new = cache.alloc_bulk(&mut all, PAGES).allocated;
    let pages = pool.audit().pages;
    assert!(pages.adds_up() && new as u64 + pages.bad == PAGES as u64, "{pages}");
    pages.bad as usize
}

fn one_page_in_n_is_looked_at<M: Mode>() {
    let pool = sampled::<M>(EVERY);
    let mut cache = pool.cache().expect("a cache");
    let rounds = 64;
    for _ in 0..rounds {
        let mut batch = PageBatch::<M>::new();
        assert_eq!(cache.alloc_bulk(&mut batch, PAGES).allocated, PAGES);
        cache.free_bulk(&mut batch);
    }
    if let Some(stats) = pool.stats() {
        let expected = (rounds * PAGES) as u64 / u64::from(EVERY);
        let looks = stats.poison_checks;
        assert!((expected * 3 / 4..expected * 4 / 3).contains(&looks), "{looks} of {expected}");
        assert!(
            stats.to_string().contains(&format!("poison verified on {looks} pages")),
            "{stats}"
        );
    }
    drop(cache);
    assert_whole(pool);
}

fn writes_are_found_in_the_sample_only<M: Mode>() {
    let bad = written(&sampled::<M>(EVERY));
    assert!((1..PAGES / 2).contains(&bad), "{bad} pages");
    assert_eq!(written(&sampled::<M>(1)), PAGES);
}

/// Whoever goes on writing to free pages is found at each of them.
fn every_page_has_its_turn<M: Mode>() {
    let pool = sampled::<M>(EVERY);
    let found = (0..1000).map(|_| written(&pool)).find(|&bad| bad == PAGES);
    assert_eq!(found, Some(PAGES), "{pool}");
}

every_poisoning_mode!(
    one_page_in_n_is_looked_at,
    writes_are_found_in_the_sample_only,
    every_page_has_its_turn,
);

fn sampling_needs_poison<M: Mode>() {
    let error = |every| {
        let builder = Pool::builder(4).page_size(256).mode::<M>().poison_every(every);
        builder.metadata_layout().expect_err("refused").to_string()
    };
    assert_eq!(error(0), "poison_every(0) poisons one page in none: 1 means every page");
    if !poisons::<M>() {
        let mode = ModeFlags::of::<M>();
        assert_eq!(error(2), format!("poison_every needs a mode that poisons [{mode}]"));
    }
}

mod needs {
    use super::sampling_needs_poison;
    every_preset!(sampling_needs_poison);
}
