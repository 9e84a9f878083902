//! Regions on a system whose pages have 16 or 64 KiB.
//!
//! The program says in the system's place how large they are: what it defines as `sysconf` is what everything that is
//! linked into it calls. What is really mapped consists of smaller pages, so more is allowed here than there; therefore
//! the test looks at the mapping itself, at where its parts begin and end.
#![cfg(all(feature = "std", target_os = "linux", target_env = "gnu"))]

use std::ffi::{c_int, c_long};
use std::sync::atomic::{AtomicUsize, Ordering};

use pagesheaf::{Bare, Checked, Hardened, Mode, PageBatch, Pool, Region, RegionInfo};

/// What is said; until then, what is true.
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// In place of the C library's.
#[unsafe(no_mangle)]
extern "C" fn sysconf(name: c_int) -> c_long {
    // SAFETY: it has no conditions.
    let system = || unsafe { libc::getauxval(libc::AT_PAGESZ) } as usize;
    match name {
        libc::_SC_PAGESIZE => match BYTES.load(Ordering::Relaxed) {
            0 => system() as c_long,
            bytes => bytes as c_long,
        },
        // As many as here are; what asks for anything else hears that it is not known.
        libc::_SC_NPROCESSORS_ONLN | libc::_SC_NPROCESSORS_CONF => 2,
        libc::_SC_CLK_TCK => 100,
        _ => -1,
    }
}

/// A line of the system's list of mappings: its bytes, and what is allowed there.
fn mappings() -> Vec<(std::ops::Range<usize>, String)> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux says it here");
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let number = |digits| usize::from_str_radix(digits, 16).ok();
        Some((number(start)?..number(end)?, words.next()?.to_owned()))
    };
    maps.lines().filter_map(line).collect()
}

/// Whether all these bytes are mapped, with this access.
fn has(range: std::ops::Range<usize>, access: &str) -> bool {
    let mut at = range.start;
    for (mapping, its) in mappings() {
        if mapping.contains(&at) && its == access {
            at = mapping.end;
        }
    }
    at >= range.end
}

/// That what is usable is whole pages of the system, with at least one without access at both ends.
#[track_caller]
fn assert_whole(info: &RegionInfo, system: usize) {
    let start = info.base - info.slack_before;
    let end = info.base + info.bytes + info.slack_after;
    assert_eq!((start % system, end % system), (0, 0), "{system}: {info}");
    assert!(info.slack_before < system, "{system}: {info}");
    assert!(has(start..end, "rw-p"), "{system}: {info}");
    assert!(has(start - system..start, "---p"), "{system}: {info}");
    assert!(has(end..end + system, "---p"), "{system}: {info}");
}

/// Regions of any length end at their guard, which is a whole page of the system.
fn guards<M: Mode>(system: usize) {
    for (pages, size) in
        [(1, 64), (3, 64), (100, 512), (7, 4096), (17, 4096), (3, system), (5, 2 * system)]
    {
        let builder = Pool::builder(pages).mode::<M>().page_size(size);
        let pool = builder.region(Region::mapped()).build().expect("a pool");
        let info = pool.region_info();
        assert_eq!((info.base % size, info.bytes, info.slack_after), (0, pages * size, 0));
        assert_whole(&info, system);
        let mut page = pool.alloc().expect("a page");
        page.fill(7);
    }
    // A huge page must be larger than a page of the system.
    let region = Region::mapped().huge_pages(pagesheaf::HugePages::Try).huge_page_size(system);
    let error = Pool::builder(4).mode::<M>().region(region).build().expect_err("not huge");
    assert!(error.to_string().contains(&system.to_string()), "{error}");
}

/// What goes back to the system is whole pages of it: what else lies in one of them stays, and is not taken for zero.
fn purges<M: Mode>(system: usize) {
    const SIZE: usize = 4096;
    // The last page of the system is only half the region's.
    let pages = (4 * system + system / 2) / SIZE;
    let builder = Pool::builder(pages).mode::<M>().page_size(SIZE).max_caches(1).shared_caches(1);
    let pool = builder.region(Region::mapped().purge(true)).build().expect("a pool");
    let mut batch = PageBatch::<M, 4096>::empty();
    let fill = |batch: &mut PageBatch<M, 4096>| {
        assert_eq!(pool.alloc_bulk(batch, pages).allocated, pages);
        batch.iter_mut().for_each(|page| page.fill(9));
    };
    fill(&mut batch);
    drop(batch);
    pool.drain();
    let (mut purged, info) = (0, pool.region_info());
    for _ in 0..16 {
        let done = pool.maintain();
        assert_eq!(done.not_purged, None, "{system}");
        purged += done.purged;
    }
    // With the slack before it, the region is whole: only what is whole goes, so half a page of the system stays.
    let (slack, first) = (info.slack_before, info.base);
    let whole = (first + info.bytes) / system * system - first.next_multiple_of(system);
    assert!(purged * SIZE <= whole, "{purged} pages of {pages}, {system}, {slack}");
    assert!(purged > 0, "{system}: nothing went back");
    let mut batch = PageBatch::<M, 4096>::empty();
    assert_eq!(pool.alloc_bulk_zeroed(&mut batch, pages).allocated, pages);
    assert!(batch.iter().all(|page| page.iter().all(|&byte| byte == 0)), "{system}");
    drop(batch);
    assert!(pool.audit().pages.adds_up() && !pool.is_tainted());
}

/// One test, because what is said is for the whole program.
#[test]
fn regions_are_whole_pages_of_the_system() {
    for kib in [4, 16, 64] {
        let system = kib * 1024;
        BYTES.store(system, Ordering::Relaxed);
        guards::<Bare>(system);
        guards::<Checked>(system);
        purges::<Bare>(system);
        purges::<Checked>(system);
        purges::<Hardened>(system);
    }
}
