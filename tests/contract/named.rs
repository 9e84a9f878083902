//! Caches with names, and pages from the start.

use crate::common::*;

/// A pool with room for a few caches.
fn small<M: Mode>(pages: usize) -> Pool<M> {
    build::<M>(pages, |builder| builder.max_caches(3).shared_caches(1).magazine_capacity(64))
}

fn reports_speak_by_name<M: Mode>() {
    let pool = small::<M>(400);
    let mut rx = pool.cache_named("rx").build().expect("a cache");
    let plain = pool.cache().expect("a cache");
    let tx = pool.cache_named("tx").stealable().build().expect("a cache");
    assert_eq!([rx.name(), plain.name(), tx.name()], [Some("rx"), None, Some("tx")]);
    let names = [0, 1, 2, 3, 99].map(|number| pool.cache_name(number));
    assert_eq!(names, [Some("rx"), None, Some("tx"), None, None]);
    let page = rx.alloc().expect("a page");
    rx.free(page);
    let holder = pool.holders().next().expect("a cache has pages");
    assert_eq!((holder.number, holder.name, holder.state), (0, Some("rx"), HolderState::InUse));
    assert!(holder.to_string().starts_with("cache 0 \"rx\" (in use) holds "), "{holder}");
    let long = format!("{pool:#}");
    for line in ["cache 0 \"rx\" (in use)", "cache 1 (in use)", "cache 2 \"tx\" (stealable)"] {
        assert!(long.contains(&format!("\n  {line} holds ")), "{line}: {long}");
    }
    drop((rx, plain, tx));
    // What it did is told by its name, until another takes its place.
    let gone = format!("{pool:#}").contains("\n  cache 0 \"rx\", which nobody has: allocated 1 ");
    assert_eq!((gone, pool.cache_name(0)), (M::STATS, Some("rx")));
    let next = pool.cache().expect("a cache");
    assert_eq!((next.number(), next.name(), pool.cache_name(0)), (0, None, None));
    drop(next);
    assert_whole(pool);
}

fn metrics_speak_by_name<M: Mode>() {
    let pools = [small::<M>(400), small::<M>(400)];
    let mut rx = pools[0].cache_named("rx").min(64).build().expect("a cache");
    let other = pools[1].cache_named("a \"b\"").build().expect("a cache");
    let page = rx.alloc().expect("a page");
    let text = Pool::prometheus_by_cache(&[("in", &pools[0]), ("out", &pools[1])]).to_string();
    let figure = |name: &str, pool: &str, cache: &str| {
        let labels = format!("{{pool=\"{pool}\",cache=\"0\",name=\"{cache}\"}} ");
        let line = format!("pagesheaf_cache_{name}{labels}");
        text.lines().find_map(|it| it.strip_prefix(&line)).map(|it| it.parse::<u64>().unwrap())
    };
    let held = pools[0].holders().next().expect("a cache has pages").pages as u64;
    assert_eq!(figure("held_pages", "in", "rx"), Some(held), "{text}");
    assert_eq!(figure("held_pages", "out", "a \\\"b\\\""), Some(0), "{text}");
    let [allocated, freed] = ["allocated", "freed"].map(|it| {
        let name = format!("{it}_pages_total");
        M::STATS.then(|| figure(&name, "in", "rx").expect("it is counted"))
    });
    assert_eq!(allocated.zip(freed).map(|(all, freed)| all - freed), M::STATS.then_some(1));
    // Each figure is introduced once, for all pools.
    let heads = text.lines().filter(|line| line.starts_with("# TYPE pagesheaf_cache_")).count();
    assert_eq!(heads, if M::STATS { 13 } else { 1 });
    drop((rx, other, page));
    pools.into_iter().for_each(assert_whole);
}

fn a_cache_that_is_left_is_named<M: Mode>() {
    let pool = small::<M>(100);
    let caches = ["rx", "tx"].map(|name| pool.cache_named(name).build().expect("a cache"));
    let error = pool.close().expect_err("two caches live");
    let text = "the pool has 2 other handles (Pools or Caches: drop them before close; \
                there is cache 0 \"rx\", cache 1 \"tx\") and about 0 pages out";
    assert_eq!(error.to_string(), format!("{text} [{}]", error.into_pool().mode()));
    drop(caches);
}

fn a_cache_is_filled_as_it_is_made<M: Mode>() {
    let pool = small::<M>(400);
    for min in [0, 1, 63, 64] {
        let mut cache = pool.cache_named("rx").min(min).build().expect("400 are free");
        let held = pool.holders().map(|holder| holder.pages).sum::<usize>();
        assert!(held >= min, "{held} of {min}: {pool:#}");
        assert_eq!(out(&pool), 0);
        // What is in it can be had, though it is all that there is.
        let mut others = PageBatch::<M, 400>::empty();
        assert!(pool.alloc_bulk(&mut others, 400).allocated <= 400 - min);
        let mut batch = PageBatch::<M>::new();
        // Others that found nothing are served first, but not twice in a row.
        let first = cache.alloc_bulk(&mut batch, min).allocated;
        let second = cache.alloc_bulk(&mut batch, min - first).allocated;
        assert!(first + second + others.len() + 1 >= 400.min(min + others.len()), "{pool:#}");
        drop((others, batch, cache));
        pool.drain();
    }
    assert_whole(pool);
}

fn a_minimum_that_cannot_be_is_refused<M: Mode>() {
    let pool = small::<M>(100);
    let error = pool.cache_named("rx").min(65).build().expect_err("a magazine has 64");
    assert_eq!(error, CacheError::Minimum { pages: 65, most: 64 });
    let text = "a cache of this pool surely holds 64 pages, and 65 were to be in it: ask for fewer, \
                or build the pool with magazine_capacity(65), 256 at the most";
    assert_eq!(error.to_string(), text);
    let mut batch = PageBatch::<M>::new();
    assert_eq!(pool.alloc_bulk(&mut batch, 70).allocated, 70);
    let error = pool.cache_named("rx").min(40).build().expect_err("30 are free");
    assert_eq!(error, CacheError::Short { pages: 40, had: 30, reason: ShortReason::Exhausted });
    let text = "30 of 40 pages for the cache: no page is free: free some, or build a larger pool";
    assert_eq!(error.to_string(), text);
    assert_eq!(std::error::Error::source(&error).expect("why").to_string(), text[30..]);
    // No cache is left, and no page.
    assert_eq!((out(&pool), pool.clone().close().expect_err("a handle").handles()), (70, 1));
    drop(batch);
    pool.drain();
    let caches: Vec<_> = (0..3).map(|_| pool.cache_named("rx").min(20).build()).collect();
    assert!(caches.iter().all(Result::is_ok));
    let error = pool.cache_named("rx").min(1).build().expect_err("there are three");
    assert_eq!(error, CacheError::NoSlot { slots: 3 });
    drop(caches);
    assert_whole(pool);
}

/// Names of caches that come and go are read by others all the while.
fn names_are_read_while_they_change<M: Mode>() {
    let pool = small::<M>(100);
    std::thread::scope(|scope| {
        let maker = scope.spawn(|| {
            for round in 0..often(2000) {
                let name = if round % 2 == 0 { "receive" } else { "tx" };
                drop(pool.cache_named(name).build().expect("a cache"));
            }
        });
        while !maker.is_finished() {
            let name = pool.cache_name(0);
            assert!(name.is_none_or(|name| ["receive", "tx"].contains(&name)), "{name:?}");
        }
    });
    assert_whole(pool);
}

/// Pools of addresses have no owners, and caches that are filled.
fn a_cache_of_addresses_is_filled<M: Mode>() {
    let region = Region::addresses(0x4000_0000, 100 * 4096);
    let builder = Pool::builder(100).mode::<M>().region(region).magazine_capacity(16);
    let metadata = metadata_for(&builder);
    // SAFETY: the region is one of addresses, and the metadata is leaked.
    let pool = unsafe { builder.build_in(0x4000_0000 as *mut u8, metadata) }.expect("a pool");
    let cache = pool.cache_named("rx").min(16).build().expect("100 are free");
    assert!(pool.holders().map(|holder| holder.pages).sum::<usize>() >= 16);
    drop(cache);
    assert_whole(pool);
}

every_mode!(
    reports_speak_by_name,
    metrics_speak_by_name,
    a_cache_that_is_left_is_named,
    a_cache_is_filled_as_it_is_made,
    a_minimum_that_cannot_be_is_refused,
    names_are_read_while_they_change,
    a_cache_of_addresses_is_filled,
);
