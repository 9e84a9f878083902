//! Upkeep: what it refuses, and the thread that sees to it. `cargo xtask rss` has the figures.

use crate::common::*;

/// A pool of pages that may go back to the system, where regions can be mapped.
fn purgeable<M: Mode>(pages: usize) -> Option<Pool<M>> {
    let built = Pool::builder(pages).mode::<M>().region(Region::mapped().purge(true)).build();
    match built {
        Err(BuildError::Unsupported { .. }) => None,
        built => Some(built.expect("a pool")),
    }
}

fn upkeep_keeps_what_is_out_and_the_figures<M: Mode>() {
    let Some(pool) = purgeable::<M>(4000) else { return };
    let region = pool.region_info();
    assert!(region.purgeable && region.to_string().contains("purgeable"));
    assert!(region.base.is_multiple_of(2 << 20), "areas that go back are whole huge pages");
    let mut kept = PageBatch::<M>::new();
    pool.alloc_bulk_exact(&mut kept, 200).expect("pages");
    let number = |at: usize| (at % 250) as u8 + 1;
    (0..200).for_each(|at| kept[at].fill(number(at)));
    let mut purged = 0;
    for round in 0..30 {
        if round < 3 {
            let mut batch = PageBatch::<M, 3000>::empty();
            let _ = pool.alloc_bulk(&mut batch, 3000);
            batch.iter_mut().for_each(|page| page[0] = 1);
        }
        pool.drain();
        purged += pool.maintain().purged;
    }
    assert!(purged > 1000, "{purged}");
    assert!((0..200).all(|at| kept[at].iter().all(|&byte| byte == number(at))));
    let audit = pool.audit();
    assert!(audit.pages.adds_up() && audit.pages.out == 200, "{audit}");
    assert_eq!((audit.misplaced.unwrap_or(0), audit.corrupt.unwrap_or(0)), (0, 0), "{audit}");
    if let Some(stats) = pool.stats() {
        assert_eq!(stats.purged, purged as u64);
        assert!(stats.to_string().contains("; purged "), "{stats}");
    }
    drop(kept);
    assert!(!pool.is_tainted());
    pool.close().expect("nothing is out");
}

fn a_pool_without_purging_moves_pages_only<M: Mode>() {
    let pool = build::<M>(2000, |builder| builder.page_size(64).magazine_capacity(16));
    let mut batch = PageBatch::<M, 1500>::empty();
    pool.alloc_bulk_exact(&mut batch, 1500).expect("pages");
    drop(batch);
    let mut moved = 0;
    for _ in 0..8 {
        let done = pool.maintain();
        assert_eq!((done.purged, done.areas, done.not_purged), (0, 0, Some(NotPurged::Off)));
        moved += done.moved;
    }
    let pages = pool.audit().pages;
    assert!(pages.adds_up() && pages.free >= 1900, "{pages}, {moved} moved");
}

/// Whose bytes are their owner's keeps them; and what comes back is the pool's, and may go.
fn what_is_offline_is_not_purged<M: Mode>() {
    let mapped = Region::mapped().purge(true);
    let builder = Pool::builder(4000).mode::<M>().region(mapped).initially(4000);
    let Ok(pool) = builder.build() else { return };
    let fill = || {
        let mut batch = PageBatch::<M, 4000>::empty();
        assert!(pool.alloc_bulk(&mut batch, 4000).allocated >= 3000);
        batch.iter_mut().for_each(|page| page[0] = 1);
        drop(batch);
        pool.drain();
    };
    fill();
    assert_eq!(pool.offline(100..1000).expect("they are free").count(), 900);
    let start = |id: u32| pool.ptr(PageId::new(id)).expect("in range").as_ptr();
    // SAFETY: in the region, and the pages are offline: nobody else touches them.
    (100..1000).for_each(|id| unsafe { start(id).write_bytes(id as u8, 4096) });
    let purged = (0..10).map(|_| pool.maintain().purged).sum::<usize>();
    assert!((1000..=3100).contains(&purged), "{purged}");
    for id in 100..1000 {
        // SAFETY: as above.
        let kept = (0..4096).all(|at| unsafe { start(id).add(at).read() } == id as u8);
        assert!(kept, "{id}");
    }
    // SAFETY: the memory is the mapping's own, and nobody uses it any more.
    assert_eq!(unsafe { pool.online(100..1000) }, Ok(()));
    let mut batch = PageBatch::<M, 4000>::empty();
    assert_eq!(pool.alloc_bulk_zeroed(&mut batch, 4000).allocated, 4000);
    assert!(batch.iter().all(|page| page.iter().all(|&byte| byte == 0)));
    drop(batch);
    fill();
    let purged = (0..10).map(|_| pool.maintain().purged).sum::<usize>();
    assert!(purged > 3100, "{purged}");
    assert!(pool.audit().pages.adds_up() && !pool.is_tainted());
}

/// The caller's memory is never given back.
fn given_memory_is_not_purged<M: Mode>() {
    let memory = leaked(std::alloc::Layout::from_size_align(1 << 20, 4096).expect("a layout"));
    let range = memory.as_mut_ptr_range();
    let range = range.start.cast()..range.end.cast();
    let builder = Pool::builder(1000).mode::<M>().max_caches(1).shared_caches(1);
    // SAFETY: the memory is leaked, zeroed, and nobody else's.
    let pool = unsafe { builder.build_in_range(range) }.expect("there is room");
    let pages: Vec<_> = std::iter::from_fn(|| pool.alloc().ok()).collect();
    let starts = pages.into_iter().map(|mut page| {
        page.fill(9);
        (page.as_ptr(), drop(page))
    });
    let starts: Vec<_> = starts.map(|(start, ())| start).collect();
    pool.drain();
    for _ in 0..8 {
        let done = pool.maintain();
        assert_eq!((done.purged, done.not_purged), (0, Some(NotPurged::Off)));
    }
    assert!(starts.len() > 200 && !pool.region_info().purgeable);
    if !poisons::<M>() {
        // SAFETY: the memory is leaked, and nobody has the pages.
        let is_kept = |start: *const u8| (0..4096).all(|at| unsafe { start.add(at).read() } == 9);
        assert!(starts.into_iter().all(is_kept));
    }
}

every_mode!(
    upkeep_keeps_what_is_out_and_the_figures,
    a_pool_without_purging_moves_pages_only,
    what_is_offline_is_not_purged,
    given_memory_is_not_purged,
);

#[cfg(all(feature = "std", target_os = "linux"))]
#[test]
fn a_region_that_cannot_be_purged_is_refused() {
    for (region, with) in [
        (Region::mapped().purge(true).lock(true), "a lock"),
        (Region::mapped().huge_pages(HugePages::Try).purge(true), "huge pages"),
        (Region::mapped().huge_pages(HugePages::Require).purge(true), "huge pages"),
    ] {
        let error = Pool::builder(4).region(region).build().expect_err("it cannot be");
        assert_eq!(error, BuildError::Purge { with });
        assert_eq!(
            error.to_string(),
            format!("a region with {with} cannot be purged: leave one of the two out")
        );
    }
}

/// Whoever is told of memory may have registered it, with a device that goes on with the frames that it has.
#[cfg(all(feature = "std", target_os = "linux"))]
#[test]
fn what_a_hook_may_register_is_not_to_be_purged() {
    let builder = || Pool::builder(4).region(Region::mapped().purge(true));
    for (builder, with) in [
        (builder().on_region(|_| {}), "an on_region hook"),
        (builder().on_init(|_| {}), "an on_init hook"),
        (builder().on_region(|_| {}).on_init(|_| {}), "an on_region hook"),
    ] {
        assert_eq!(builder.build().map(drop), Err(BuildError::Purge { with }));
    }
    builder().on_region_end(|_| {}).on_retire(|_| {}).build().expect("nobody is told of memory");
}

#[cfg(all(feature = "std", target_os = "linux"))]
#[test]
fn a_helper_gives_memory_back() {
    use std::time::{Duration, Instant};

    let pool = purgeable::<Checked>(4000).expect("a mapped region");
    let helper = pool.maintain_every(Duration::from_millis(1)).expect("a thread");
    let mut batch = PageBatch::<Checked, 3000>::empty();
    pool.alloc_bulk_exact(&mut batch, 3000).expect("pages");
    batch.iter_mut().for_each(|page| page[0] = 1);
    drop(batch);
    pool.drain();
    let purged = || pool.stats().expect("the mode counts").purged;
    let start = Instant::now();
    while purged() < 2000 && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(purged() >= 2000, "{}", purged());
    drop(helper);
    pool.close().expect("the helper's handle is gone");
}
