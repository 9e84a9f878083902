//! Where pages can be: mapped, on the heap, in the caller's memory, or only at addresses.
#![cfg(feature = "std")]

use std::alloc::Layout;
use std::ptr::NonNull;

use crate::common::*;

/// Writes and reads every page.
fn is_usable<M: Mode>(pool: Pool<M>) {
    let pages = pool.capacity();
    let all: Vec<_> = (0..pages as u32)
        .map(|seed| {
            let mut page = pool.alloc().expect("a page");
            mark(&mut page, seed);
            page
        })
        .collect();
    assert!(all.iter().zip(0..).all(|(page, seed)| is_marked(page, seed)));
    drop(all);
    assert_whole(pool);
}

fn a_heap_region_is_usable<M: Mode>() {
    let pool = build::<M>(100, |builder| builder.page_size(4096).region(Region::heap()));
    let info = pool.region_info();
    assert_eq!((info.kind, info.bytes, info.base % 4096), (RegionKind::Heap, 100 * 4096, 0));
    assert_eq!(info.huge_pages, Huge::Off);
    assert_eq!(info.populated, poisons::<M>());
    assert!(!info.locked && !info.guarded);
    assert!(pool.to_string().contains("; heap, 409600 bytes at 0x"), "{pool}");
    is_usable(pool);
}

fn the_callers_memory_is_usable_and_stays_the_callers<M: Mode>() {
    let memory = NonNull::from(leaked(Layout::from_size_align(25_600, 256).expect("legal")));
    for _ in 0..3 {
        // SAFETY: the memory is leaked and zeroed, and no earlier pool uses it any more.
        let region = unsafe { Region::caller(memory.cast(), 25_600) };
        let pool = build::<M>(100, |builder| builder.region(region));
        let info = pool.region_info();
        assert_eq!((info.kind, info.base), (RegionKind::Caller, memory.addr().get()));
        is_usable(pool);
    }
}

/// No memory of this process lies here.
const NOWHERE: usize = 0x1000_0000_0000;

fn a_pool_of_addresses_has_the_raw_calls_only<M: Mode>() {
    let region = Region::addresses(NOWHERE, 100 * 256);
    let pool = build::<M>(100, |builder| builder.region(region).magazine_capacity(8));
    let info = pool.region_info();
    assert_eq!((info.kind, info.base), (RegionKind::Addresses, NOWHERE));
    assert!(info.to_string().starts_with("addresses only, 25600 bytes at 0x100000000000"));
    let mut cache = pool.cache().expect("a cache");
    assert_eq!(cache.alloc().expect_err("no bytes"), ShortReason::AddressOnly);
    assert_eq!(cache.alloc_zeroed().expect_err("no bytes"), ShortReason::AddressOnly);
    assert_eq!(pool.alloc().expect_err("no bytes"), ShortReason::AddressOnly);
    assert_eq!(cache.alloc_block(Order::MAX).expect_err("no bytes"), ShortReason::AddressOnly);
    let mut batch = PageBatch::<M>::new();
    let none = BulkAlloc { allocated: 0, reason: Some(ShortReason::AddressOnly) };
    for round in 0..20 {
        // Also when the cache has pages at hand.
        assert_eq!(cache.alloc_bulk(&mut batch, 3), none);
        assert_eq!(cache.alloc_bulk_zeroed(&mut batch, 3), none);
        assert_eq!(pool.alloc_bulk_zeroed(&mut batch, 3), none);
        assert_eq!(BulkAlloc::from(cache.fill_vacant(&mut [None, None])), none);
        for error in [cache.alloc_bulk_exact(&mut batch, 3), pool.alloc_bulk_exact(&mut batch, 3)] {
            let said = "0 of 3 pages: the pool has addresses only: use the raw calls";
            assert_eq!(error.expect_err("no bytes").to_string(), said);
        }
        let mut out = no_ids::<70>();
        let (ids, short) = cache.alloc_bulk_raw(&mut out);
        assert_eq!((ids.len(), short), (70, None));
        assert!(distinct(ids));
        for &id in &*ids {
            let address = pool.ptr(id).expect("in range").as_ptr().addr();
            assert_eq!(address, NOWHERE + id.index() as usize * 256);
            assert_eq!(pool.id_at(address + 255), Some(id));
        }
        // SAFETY: the ids were just allocated, and are freed once.
        let freed = unsafe {
            if round % 2 == 0 { cache.free_bulk_raw(ids) } else { pool.free_bulk_raw(ids) }
        };
        assert_eq!(freed, Ok(()));
    }
    drop(cache);
    assert_whole(pool);
}

/// What it compares batches with is nobody's, also when pages are at hand.
fn a_pool_of_addresses_sends_batches_home<M: Mode>() {
    let region = Region::addresses(NOWHERE, 100 * 256);
    let addresses = build::<M>(100, |builder| builder.region(region));
    let mut nowhere = addresses.cache().expect("a cache");
    let mut out = no_ids::<8>();
    let (ids, short) = nowhere.alloc_bulk_raw(&mut out);
    assert_eq!((ids.len(), short), (8, None));
    // SAFETY: the ids were just allocated, and are freed once.
    assert_eq!(unsafe { nowhere.free_bulk_raw(ids) }, Ok(()));
    let home = build::<M>(100, |builder| builder);
    let mut batch = PageBatch::<M>::new();
    assert_eq!(home.alloc_bulk(&mut batch, 5).allocated, 5);
    let refused = BulkAlloc { allocated: 0, reason: Some(ShortReason::OtherPool) };
    assert_eq!(nowhere.alloc_bulk(&mut batch, 3), refused);
    assert_eq!(addresses.alloc_bulk(&mut batch, 3), refused);
    assert_eq!(batch.len(), 5);
    nowhere.free_bulk(&mut batch);
    assert!(batch.is_empty());
    assert_eq!(home.alloc_bulk(&mut batch, 5).allocated, 5);
    addresses.free_bulk(&mut batch);
    assert!(batch.is_empty());
    drop(nowhere);
    assert_whole(addresses);
    assert_whole(home);
}

every_mode!(
    a_heap_region_is_usable,
    the_callers_memory_is_usable_and_stays_the_callers,
    a_pool_of_addresses_has_the_raw_calls_only,
    a_pool_of_addresses_sends_batches_home,
);

#[cfg(target_os = "linux")]
mod mapped {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// The access that this process has to an address, as the system prints it, and `None` where nothing is mapped.
    fn access(address: usize) -> Option<String> {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("a list of mappings");
        maps.lines().find_map(|line| {
            let (range, rest) = line.split_once(' ')?;
            let (start, end) = range.split_once('-')?;
            let number = |text| usize::from_str_radix(text, 16).expect("a number");
            let inside = (number(start)..number(end)).contains(&address);
            inside.then(|| rest.split(' ').next().unwrap_or_default().to_owned())
        })
    }

    fn mapped(mapping: Mapping) -> Result<Pool<Checked>, BuildError> {
        Pool::builder(100).mode::<Checked>().region(mapping).build()
    }

    #[test]
    fn a_region_is_mapped_unless_something_else_is_said() {
        let pool = Pool::builder(100).mode::<Checked>().build().expect("a pool");
        let info = pool.region_info();
        assert_eq!((info.kind, info.huge_pages), (RegionKind::Mapped, Huge::Off));
        assert_eq!((info.bytes, info.base % 4096), (100 * 4096, 0));
        assert!(info.guarded && !info.populated && !info.locked);
        assert!(info.to_string().ends_with(", guarded"), "{info}");
        is_usable(pool);
    }

    #[test]
    fn new_pages_are_zero() {
        let pool = mapped(Region::mapped()).expect("a pool");
        let pages: Vec<_> = (0..100).map(|_| pool.alloc().expect("a page")).collect();
        assert!(pages.iter().all(|page| page.iter().all(|&byte| byte == 0)));
    }

    #[test]
    fn guard_pages_stand_at_both_ends() {
        let pool = mapped(Region::mapped().guard_pages(true)).expect("a pool");
        let RegionInfo { base, bytes, .. } = pool.region_info();
        let none = Some("---p".to_owned());
        let usable = Some("rw-p".to_owned());
        assert_eq!([access(base - 1), access(base - 4096)], [none.clone(), none.clone()]);
        assert_eq!([access(base), access(base + bytes - 1)], [usable.clone(), usable]);
        assert_eq!([access(base + bytes), access(base + bytes + 4095)], [none.clone(), none]);
        is_usable(pool);
    }

    /// Bytes of a page of the system.
    fn system_page() -> usize {
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("Linux says it here");
        let line = maps.lines().find(|line| line.starts_with("KernelPageSize:"));
        let size = line.and_then(|line| line.split_whitespace().nth(1)).expect("a size");
        size.parse::<usize>().expect("in kB") * 1024
    }

    /// That what is said to lie between region and guards can be touched, and no byte more.
    #[track_caller]
    fn assert_guards(info: &RegionInfo) {
        let [start, end] =
            [info.base - info.slack_before, info.base + info.bytes + info.slack_after];
        let usable = Some("rw-p".to_owned());
        let none = Some("---p".to_owned());
        assert_eq!([access(start), access(end - 1)], [usable.clone(), usable], "{info}");
        assert_eq!([access(start - 1), access(end)], [none.clone(), none], "{info}");
    }

    #[test]
    fn a_region_ends_at_its_guard() {
        let system = system_page();
        for (pages, size) in
            [(1, 64), (3, 64), (100, 64), (7, 512), (3, system / 2), (5, system), (3, 8 * system)]
        {
            let builder = Pool::builder(pages).mode::<Checked>().page_size(size);
            let pool = builder.region(Region::mapped()).build().expect("a pool");
            let info = pool.region_info();
            assert!(info.guarded && info.base % size == 0 && info.bytes == pages * size);
            let to_fill = (pages * size).next_multiple_of(system) - pages * size;
            assert_eq!((info.slack_before, info.slack_after), (to_fill, 0), "{info}");
            assert_guards(&info);
            let text = format!(", guarded, with {to_fill} usable bytes before it and 0 behind");
            assert_eq!(info.to_string().ends_with(&text), to_fill > 0, "{info}");
            is_usable(pool);
        }
    }

    #[test]
    fn a_guarded_region_of_huge_pages_says_what_lies_between() {
        let region = Region::mapped().huge_pages(HugePages::Try);
        let builder = Pool::builder(3).mode::<Checked>().page_size(64).region(region);
        let pool = builder.build().expect("a pool");
        let info = pool.region_info();
        assert_eq!((info.slack_before, info.slack_after), ((2 << 20) - 192, 0), "{info}");
        assert_guards(&info);
        let text = ", guarded, with 2096960 usable bytes before it and 0 behind";
        assert!(info.to_string().ends_with(text), "{info}");
        is_usable(pool);
    }

    #[test]
    fn without_guard_pages_the_region_says_so() {
        let pool = mapped(Region::mapped().guard_pages(false)).expect("a pool");
        let info = pool.region_info();
        assert!(!info.guarded);
        assert_eq!((info.slack_before, info.slack_after), (0, 0), "{info}");
        is_usable(pool);
    }

    #[test]
    fn large_pages_are_aligned_to_their_size() {
        for size in [64, 8192, 1 << 16, 2 << 20] {
            let pool = Pool::builder(4).mode::<Hardened>().page_size(size).build().expect("a pool");
            assert_eq!(pool.region_info().base % size, 0);
            is_usable(pool);
        }
    }

    #[test]
    fn a_populated_region_says_so() {
        let pool = mapped(Region::mapped().populate(true)).expect("a pool");
        let info = pool.region_info();
        assert!(info.populated && info.to_string().contains(", populated"), "{info}");
        is_usable(pool);
    }

    #[test]
    fn a_node_that_is_not_there_is_refused() {
        for node in [63, 1023, 9999, u32::MAX] {
            let error = mapped(Region::mapped().node(node)).expect_err("no machine has it");
            assert!(matches!(error, BuildError::Node { node: of, .. } if of == node), "{error}");
            assert!(error.to_string().contains(&node.to_string()), "{error}");
        }
    }

    #[test]
    fn a_locked_region_is_locked_or_the_error_says_what_was_refused() {
        match mapped(Region::mapped().lock(true)) {
            Ok(pool) => {
                let info = pool.region_info();
                assert!(info.locked && info.populated, "{info}");
                assert!(info.to_string().contains(", populated, locked"), "{info}");
                is_usable(pool);
            }
            Err(error @ BuildError::Lock { bytes: 102_400, .. }) => {
                assert!(error.to_string().starts_with("the system refused to lock"), "{error}");
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn huge_pages_are_required_or_the_error_says_what_was_refused() {
        match mapped(Region::mapped().huge_pages(HugePages::Require)) {
            Ok(pool) => {
                let info = pool.region_info();
                assert_eq!(info.huge_pages, Huge::Reserved);
                assert_eq!((info.base + info.bytes) % (2 << 20), 0);
                assert!(info.to_string().contains(", huge pages"), "{info}");
                is_usable(pool);
            }
            Err(error @ BuildError::HugePages { pages: 1, size: 0x20_0000, free, code }) => {
                assert_ne!(code, 0);
                let text = "the system refused 1 huge page of 2 MiB for the region (error ";
                assert!(error.to_string().starts_with(text), "{error}");
                let read = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages";
                assert_eq!(free.is_some(), std::fs::exists(read).expect("an answer"));
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn huge_pages_that_are_tried_fall_back_visibly() {
        let pool = mapped(Region::mapped().huge_pages(HugePages::Try)).expect("a pool");
        let info = pool.region_info();
        let text = info.to_string();
        assert_eq!((info.base + info.bytes) % (2 << 20), 0);
        match info.huge_pages {
            Huge::Reserved => assert!(text.contains(", huge pages"), "{text}"),
            Huge::Advised { refused } => {
                let note = "transparent huge pages (reserved ones refused: error";
                assert!(refused != 0 && text.contains(note), "{text}");
            }
            Huge::Refused { code } => {
                assert!(code != 0 && text.contains("huge pages refused (error"), "{text}");
            }
            _ => panic!("{text}"),
        }
        assert!(pool.to_string().contains(&text));
        is_usable(pool);
    }

    /// A kernel that refuses huge pages may have unmapped what they were to replace: that is not a pool's any more.
    #[test]
    fn refused_huge_pages_leave_other_mappings_alone() {
        let builds = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for huge in [HugePages::Try, HugePages::Require] {
                let builds = &builds;
                scope.spawn(move || {
                    for _ in 0..2000 {
                        let region = Region::mapped().huge_pages(huge);
                        drop(Pool::builder(2048).region(region).build());
                        builds.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            scope.spawn(|| {
                while builds.load(Ordering::Relaxed) < 4000 {
                    let region = Region::mapped().guard_pages(false);
                    let pool = Pool::builder(64).max_caches(1).shared_caches(1).region(region);
                    let pool = pool.build().expect("a pool");
                    let mut batch = PageBatch::<DefaultMode, 64>::empty();
                    assert_eq!(pool.alloc_bulk(&mut batch, 64).allocated, 64);
                    batch.iter_mut().for_each(|bytes| bytes[0] = 0x5a);
                    assert!(batch.iter().all(|bytes| bytes[0] == 0x5a));
                }
            });
        });
    }

    #[test]
    fn a_closed_pool_unmaps_its_region() {
        // Another thread's mapping may take the place at once, but not again and again.
        let unmaps = (0..100).any(|_| {
            let pool = mapped(Region::mapped()).expect("a pool");
            let RegionInfo { base, .. } = pool.region_info();
            let page = pool.alloc().expect("a page");
            drop(pool);
            assert_eq!(access(base).as_deref(), Some("rw-p"), "a page is still out");
            drop(page);
            access(base).is_none()
        });
        assert!(unmaps);
    }

    #[test]
    fn what_the_system_cannot_map_is_an_error() {
        let error = Pool::builder(1 << 30).page_size(1 << 32).build().expect_err("2^62 bytes");
        let BuildError::NoMemory { what, bytes, .. } = error else { panic!("{error}") };
        assert!(what.contains("region") && bytes > 1 << 62, "{error}");
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::OutOfMemory);
    }
}
