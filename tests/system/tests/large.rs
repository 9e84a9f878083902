//! A pool of 1 TiB of addresses takes no memory by the page: not as it is built, nor for what is not used of it.
//!
//! Each pool is built in a child process, whose resident memory is the pool's. What is counted is that, and how often
//! the system was asked for a page; times are printed, for they depend on the build.
#![cfg(all(feature = "std", target_os = "linux"))]

mod child;

use std::time::Instant;

use child::fork;
use pagesheaf::{
    Bare, Builder, Checked, Compact, Hardened, Mode, NoChecks, NoRefcount, NoStats, PageBatch,
    Pool, Region, Select, hardening,
};

/// Pages of 4 KiB: 1 TiB.
const PAGES: usize = 1 << 28;

/// What may be resident of a pool that was built.
const RESIDENT: usize = 64 << 20;

/// No memory of this process lies here.
const NOWHERE: usize = 1 << 44;

/// Bytes of this process that are resident.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a number") * 4096
}

/// How often the system gave this process a page.
fn faults() -> i64 {
    // SAFETY: all of its fields are numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the figures live for the call.
    assert_eq!(unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) }, 0);
    usage.ru_minflt
}

/// Writes to the terminal, past the locks of other threads, which this process may not have.
fn say(text: &str) {
    // SAFETY: the text lives for the call.
    unsafe { libc::write(1, text.as_ptr().cast(), text.len()) };
}

fn builder<M: Mode>() -> Builder<M> {
    Pool::builder(PAGES).mode()
}

/// Runs `with` on a pool, in a child, and says what it took to build it, and what `with` took.
fn built<M: Mode>(builder: Builder<M>, with: impl FnOnce(&Pool<M>)) {
    fork(move || {
        let (before, asked, start) = (resident(), faults(), Instant::now());
        let pool = builder.build().expect("a pool of 1 TiB");
        let (took, asked) = (start.elapsed(), faults() - asked);
        let built = resident().saturating_sub(before);
        let mode = pool.mode();
        say(&format!("{mode}: {took:?}, {} KiB resident, {asked} faults\n", built >> 10));
        assert!(built < RESIDENT, "{mode}: {built} bytes are resident");
        assert!(asked < (RESIDENT / 4096) as i64, "{mode}: {asked} faults");
        with(&pool);
        let used = resident().saturating_sub(before);
        assert!(used < RESIDENT, "{mode}: {used} bytes are resident after use");
        Ok(())
    });
}

fn a_tebibyte_takes_little_memory<M: Mode>() {
    built::<M>(builder().region(Region::addresses(NOWHERE, PAGES * 4096)), |_| {});
    built::<M>(builder().region(Region::mapped().no_reserve()), |pool| {
        let mut cache = pool.cache().expect("a cache");
        let mut batch = PageBatch::<M>::new();
        for _ in 0..4 {
            assert_eq!(cache.alloc_bulk(&mut batch, 250).allocated, 250);
            batch.iter_mut().for_each(|page| page[0] = 7);
            cache.free_bulk(&mut batch);
        }
        drop(cache);
        pool.drain();
        let audit = pool.audit();
        assert!(audit.pages.adds_up() && audit.pages.out == 0, "{audit}");
        assert!(matches!((audit.misplaced, audit.corrupt), (None | Some(0), None | Some(0))));
        // All but a few groups of 4,096 pages, and it says so.
        let touched = PAGES as u64 - audit.untouched;
        assert!((1..=16 * 4096).contains(&touched), "{audit}");
        assert!(audit.to_string().ends_with(&format!("; {} pages untouched", audit.untouched)));
    });
}

/// None is online at first, or all.
fn a_tebibyte_that_grows_takes_little_memory<M: Mode>() {
    for online in [0, PAGES] {
        let region = Region::addresses(NOWHERE, PAGES * 4096);
        built::<M>(builder().region(region).initially(online), |pool| {
            let range = 1_000_000..1_000_100;
            let went = pool.offline(range.clone()).map_or(0, |went| went.count());
            assert_eq!(went, if online > 0 { 100 } else { 0 });
            // SAFETY: nobody touches the addresses.
            assert_eq!(unsafe { pool.online(range.clone()) }, Ok(()));
            let id = pool.alloc_raw().expect("a page");
            assert!(online > 0 || range.contains(&id.index()));
            // SAFETY: the page was just allocated.
            assert_eq!(unsafe { pool.free_raw(id) }, Ok(()));
            let (start, audit) = (Instant::now(), pool.audit());
            say(&format!("an audit: {:?}\n", start.elapsed()));
            let offline = PAGES - online - if online > 0 { 0 } else { 100 };
            assert_eq!((audit.pages.offline, audit.pages.out), (offline as u64, 0));
            assert!(audit.pages.adds_up() && audit.corrupt.unwrap_or(0) == 0, "{audit}");
        });
    }
}

macro_rules! modes {
    ($($name:ident: $mode:ty;)+) => {$(
        #[test]
        fn $name() {
            a_tebibyte_takes_little_memory::<$mode>();
        }
    )+};
}
type Only<const SWITCH: u8> = Select<true, true, true, SWITCH>;
modes! {
    a_tebibyte_takes_little_memory_in_bare: Bare;
    a_tebibyte_takes_little_memory_in_no_checks: NoChecks;
    a_tebibyte_takes_little_memory_in_no_stats: NoStats;
    a_tebibyte_takes_little_memory_in_no_refcount: NoRefcount;
    a_tebibyte_takes_little_memory_in_checked: Checked;
    a_tebibyte_takes_little_memory_in_compact: Compact;
    a_tebibyte_takes_little_memory_in_hardened: Hardened;
    a_tebibyte_takes_little_memory_with_claim: Only<{ hardening::CLAIM }>;
    a_tebibyte_takes_little_memory_with_poison: Only<{ hardening::POISON }>;
    a_tebibyte_takes_little_memory_with_quarantine: Only<{ hardening::QUARANTINE }>;
    a_tebibyte_takes_little_memory_with_shuffle: Only<{ hardening::SHUFFLE }>;
}

#[test]
fn a_tebibyte_that_grows_takes_little_memory_in_each_kind_of_mode() {
    a_tebibyte_that_grows_takes_little_memory::<Bare>();
    a_tebibyte_that_grows_takes_little_memory::<Checked>();
    a_tebibyte_that_grows_takes_little_memory::<Compact>();
    a_tebibyte_that_grows_takes_little_memory::<Hardened>();
}

/// Pages are poisoned as they come, and those that are not there are not even looked at.
#[test]
fn a_tebibyte_that_grows_is_poisoned_as_it_comes() {
    let builder = builder::<Hardened>().region(Region::mapped().no_reserve()).initially(0);
    built(builder, |pool| {
        assert_eq!(pool.region_info().poisoned_pages, 0);
        // SAFETY: the memory is the pool's own, and nobody else has it.
        assert_eq!(unsafe { pool.online(5_000_000..5_000_100) }, Ok(()));
        assert!(pool.alloc().expect("a page").iter().all(|&byte| byte == 0xaa));
    });
}
