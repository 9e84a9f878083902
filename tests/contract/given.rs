//! Pools in the memory that a kernel has: with holes, with their metadata in the same range, with a
//! page at address 0, on CPUs that tell their number; and when the memory can be used again. These
//! tests run without the feature `std` as well.

use std::alloc::Layout;
use std::ops::Range;
use std::ptr::null_mut;

use crate::common::*;

fn builder<M: Mode>(pages: usize) -> Builder<M> {
    Pool::builder(pages).page_size(256).mode::<M>().max_caches(2).shared_caches(1)
}

/// Leaked memory of so many bytes, zeroed, at a multiple of 256.
fn memory(bytes: usize) -> &'static mut [u8] {
    let memory = leaked(Layout::from_size_align(bytes, 256).expect("legal"));
    // SAFETY: it is zeroed.
    unsafe { &mut *(std::ptr::from_mut(memory) as *mut [u8]) }
}

/// Every page that can be had, written.
fn use_all<M: Mode>(pool: &Pool<M>) -> usize {
    let mut pages: Vec<Page<M>> = std::iter::from_fn(|| pool.alloc().ok()).collect();
    pages.iter_mut().for_each(|page| page.fill(0xee));
    pages.len()
}

fn metadata_is_cut_from_the_range<M: Mode>() {
    for (bytes, skip) in [(1 << 16, 0), (1 << 16, 1), ((1 << 16) + 300, 77), (24 << 10, 255)] {
        let all = memory(bytes + 2048);
        all.fill(0x5c);
        let (before, rest) = all.split_at_mut(512 + skip);
        let (range, after) = rest.split_at_mut(bytes);
        let (start, end) = (range.as_ptr().addr(), range.as_ptr_range().end.addr());
        // SAFETY: the range is leaked, initialised, and used by the pool alone.
        let pool = unsafe { builder::<M>(10_000).build_in_range(range.as_mut_ptr_range()) };
        let pool = pool.expect("there is room");
        let pages = pool.capacity();
        let info = pool.region_info();
        assert!(info.base >= start && info.base.is_multiple_of(256) && info.base - start < 256);
        // One more would not fit.
        let more = builder::<M>(pages + 1).metadata_layout().expect("legal");
        let room = end - info.base - 256 * (pages + 1).min((end - info.base) / 256);
        assert!(room < more.size() + more.align(), "{pages} pages in {bytes}");
        assert_eq!(use_all(&pool), pages);
        assert_whole(pool);
        assert!(before.iter().chain(&*after).all(|&byte| byte == 0x5c));
    }
    let all = memory(1 << 16).as_mut_ptr_range();
    // SAFETY: as above; the pool before is none.
    let pool = unsafe { builder::<M>(7).initially(7).build_in_range(all) };
    let pool = pool.expect("there is room");
    assert_eq!((pool.capacity(), use_all(&pool)), (7, 7));
    assert_whole(pool);
}

fn only_the_ranges_are_online<M: Mode>() {
    let all = memory(100 * 256);
    all.fill(7);
    let base = all.as_mut_ptr();
    let at = |bytes: Range<usize>| base.addr() + bytes.start..base.addr() + bytes.end;
    // In any order; none, within one page, and parts of pages.
    let ranges = [
        at(64 * 256 + 1..80 * 256),
        at(300..400),
        at(256..256),
        at(2 * 256 - 1..10 * 256 + 255),
        at(99 * 256..100 * 256),
    ];
    let given: Vec<u32> = (65..80).chain(2..10).chain(99..100).collect();
    let metadata = metadata_for(&builder::<M>(100).initially(100));
    let builder = builder::<M>(100);
    // SAFETY: the pages' memory is leaked, initialised, and used by the pool alone.
    let pool = unsafe { builder.build_in_ranges(base, &ranges, metadata) }.expect("a pool");
    let pages = pool.audit().pages;
    assert_eq!((pages.capacity, pages.free, pages.offline), (100, 24, 76), "{pages}");
    assert!((0..100).all(|id| pool.is_offline(PageId::new(id)) != given.contains(&id)));
    assert_eq!(pool.region_info().poisoned_pages, if poisons::<M>() { 24 } else { 0 });
    assert_adds_up(&pool);
    assert_eq!(use_all(&pool), 24);
    // SAFETY: the memory is initialised, and this test's, which gives it up.
    assert_eq!(unsafe { pool.online(10..12) }, Ok(()));
    assert_eq!(use_all(&pool), 26);
    // What is offline is nobody's leak.
    assert_whole(pool);
    let touched = |id: usize| all[id * 256..][..256].iter().any(|&byte| byte != 7);
    let online = |id: usize| given.contains(&(id as u32)) || (10..12).contains(&id);
    assert!((0..100).all(|id| touched(id) == online(id)));
}

fn memory_can_be_used_again_after_close<M: Mode>() {
    let (pages, skip) = (memory(64 * 256), 128);
    let need = builder::<M>(64).metadata_layout().expect("legal");
    let metadata = leaked(Layout::from_size_align(need.size() + skip, 256).expect("legal"));
    let (pages, metadata) = (&raw mut *pages, &raw mut *metadata);
    for round in 0..4_u8 {
        let builder = builder::<M>(64);
        // SAFETY: the memory is leaked, and whatever was there is gone: it was closed.
        let given = unsafe { &mut (&mut *metadata)[usize::from(round % 2) * skip..] };
        // SAFETY: as above; the pages are initialised.
        let pool = unsafe { builder.build_in(pages.cast(), given) }.expect("a pool");
        std::thread::scope(|scope| {
            let page = pool.alloc().expect("a page");
            scope.spawn(move || drop(page));
            assert!(use_all(&pool) >= 63);
        });
        let mut closed = pool.close();
        // A page may be on its way back.
        while let Err(error) = closed {
            closed = error.into_pool().close();
        }
        // SAFETY: the pool is closed, and its memory is this test's.
        unsafe { (&mut *pages).fill(round) };
        // SAFETY: as above.
        unsafe { (&mut *metadata).iter_mut().for_each(|byte| _ = byte.write(0xff)) };
    }
}

fn page_0_may_be_at_address_0<M: Mode>() {
    let region = Region::addresses(0, 100 * 256);
    let builder = builder::<M>(100).region(region);
    let metadata = metadata_for(&builder);
    // SAFETY: the region is one of addresses.
    let pool = unsafe { builder.build_in(null_mut(), metadata) }.expect("a pool");
    let mut ids: Vec<_> = std::iter::from_fn(|| pool.alloc_raw().ok()).collect();
    ids.sort_unstable();
    assert!(ids.iter().copied().eq((0..100).map(PageId::new)));
    for &id in &ids {
        let address = pool.address(id).expect("in range");
        assert_eq!(address, id.index() as usize * 256);
        assert_eq!((pool.id_at(address), pool.id_at(address + 255)), (Some(id), Some(id)));
        assert_eq!(pool.ptr(id).map(|start| start.addr().get()), (address > 0).then_some(address));
    }
    assert_eq!((pool.address(PageId::new(100)), pool.id_at(25_600)), (None, None));
    for id in ids {
        // SAFETY: the page was just allocated.
        assert_eq!(unsafe { pool.free_raw(id) }, Ok(()));
    }
    assert_whole(pool);
}

/// Pools that may grow, in pages of any size: the figure is no guess.
fn the_compiler_and_the_program_agree<M: Mode>() {
    for (pages, initially) in [(1, None), (63, Some(0)), (64, Some(64)), (1 << 20, Some(5))] {
        let builder = || match initially {
            Some(online) => builder::<M>(pages).initially(online),
            None => builder::<M>(pages),
        };
        assert_eq!(builder().static_metadata_layout(), builder().metadata_layout());
        // Just that much is enough, and less is not.
        let builder = || builder().region(Region::addresses(0, pages * 256));
        let short = &mut metadata_for(&builder())[1..];
        // SAFETY: the region is one of addresses.
        let error =
            unsafe { builder().build_in(null_mut(), short) }.expect_err("a byte is missing");
        assert!(matches!(error, BuildError::MetadataTooSmall { .. }), "{error}");
        let metadata = metadata_for(&builder());
        // SAFETY: as above.
        let pool = unsafe { builder().build_in(null_mut(), metadata) }.expect("it fits");
        assert_whole(pool);
    }
}

fn calls_begin_with_the_shared_cache_of_the_cpu<M: Mode>() {
    // Each mode has threads, and a variable, of its own.
    std::thread_local!(static CPU: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });
    let hint = |builder: Builder<M>| {
        builder.max_caches(1).shared_caches(4).magazine_capacity(8).cpu_hint(|| CPU.get())
    };
    let pool = build::<M>(200, hint);
    for cpu in [2, 0, 3, 1, 6, 4] {
        pool.drain();
        assert_eq!(pool.holders().count(), 0);
        CPU.set(cpu);
        drop(pool.alloc().expect("a page"));
        let holders: Vec<_> = pool.holders().map(|holder| holder.number).collect();
        assert_eq!(holders, [1 + cpu % 4]);
    }
    assert_whole(pool);
}

every_mode!(
    metadata_is_cut_from_the_range,
    only_the_ranges_are_online,
    memory_can_be_used_again_after_close,
    page_0_may_be_at_address_0,
    the_compiler_and_the_program_agree,
    calls_begin_with_the_shared_cache_of_the_cpu,
);

on_both_fronts! {
    fn one_raw_page_needs_no_array<M: Mode, F: Front>(pool, front) {
        let ids: Vec<_> = std::iter::from_fn(|| front.alloc_raw().ok()).collect();
        assert!(ids.len() == 200 && distinct(&ids));
        assert_eq!(front.alloc_raw(), Err(ShortReason::Exhausted));
        assert_eq!(out(pool), 200);
        for id in ids {
            // SAFETY: the page was just allocated, and is freed once.
            assert_eq!(unsafe { front.free_raw(id) }, Ok(()));
        }
        assert_eq!(out(pool), 0);
    }
}

mod single {
    use super::one_raw_page_needs_no_array;
    every_mode!(one_raw_page_needs_no_array);
}

fn refused(result: Result<Pool<Checked>, BuildError>, error: BuildError, text: &str) {
    let found = result.expect_err("it cannot be");
    assert_eq!((found, found.to_string().as_str()), (error, text));
}

#[test]
fn a_range_that_cannot_be_is_refused() {
    let builder = || builder::<Checked>(100);
    let all = memory(4096).as_mut_ptr_range();
    let least = builder().metadata_layout().expect("legal").size();
    // SAFETY: here and below: leaked memory that is given to no pool: each is refused.
    let small = unsafe { builder().build_in_range(all.start..all.start.wrapping_add(2000)) };
    let error = small.expect_err("too small");
    let BuildError::RegionTooSmall { need, have: 2000 } = error else { panic!("{error}") };
    assert!((2000..least + 256).contains(&need), "{need}");
    // SAFETY: as above.
    let twice =
        unsafe { builder().region(Region::addresses(0, 25_600)).build_in_range(all.clone()) };
    let text = "the pages lie in the range itself: leave Builder::region out";
    refused(twice, BuildError::RegionTwice, text);
    // SAFETY: as above.
    let wrong = unsafe { builder().page_size(0).build_in_range(all) };
    assert_eq!(wrong.expect_err("no size"), BuildError::PageSize { bytes: 0 });
}

#[test]
fn ranges_that_cannot_be_are_refused() {
    let tried = |ranges: &[Range<usize>]| {
        let builder = builder::<Checked>(16).region(Region::addresses(0x1000, 16 * 256));
        let metadata = leaked(Layout::from_size_align(1 << 16, 256).expect("legal"));
        let base = std::ptr::without_provenance_mut(0x1000);
        // SAFETY: the region is one of addresses.
        unsafe { builder.build_in_ranges(base, ranges, metadata) }
    };
    let outside =
        |start, end| (BuildError::RangeOutside { start, end }, format!("{start:#x}..{end:#x}"));
    for (start, end) in [(0xfff, 0x1100), (0x1f00, 0x2001), (0x1200, 0x1100), (0, 0)] {
        let (error, range) = outside(start, end);
        let text = format!(
            "the range {range} is not inside the pages: cut it to the pool's addresses, or build \
             the pool with more pages"
        );
        refused(tried(&[0x1000..0x1100, start..end]), error, &text);
    }
    let text = "the page at 0x1300 lies in two of the ranges: name it once";
    let error = BuildError::RangesOverlap { address: 0x1300 };
    refused(tried(&[0x1300..0x1500, 0x1000..0x1400]), error, text);
    // A range without a whole page has none in common with another.
    let pool = tried(&[0x1300..0x1300, 0x1000..0x1500, 0x1201..0x1210]).expect("one has pages");
    assert_eq!(pool.audit().pages.free, 5);
    // A page that lies in neither as a whole is in neither.
    let pool = tried(&[0x1000..0x1280, 0x1280..0x1500]).expect("they are apart");
    assert_eq!(pool.audit().pages.free, 4);
    assert_eq!(tried(&[]).expect("no page is there yet").audit().pages.offline, 16);
}

/// A static of just the size that the metadata needs.
mod in_statics {
    use std::cell::UnsafeCell;
    use std::mem::MaybeUninit;

    use super::*;

    const PAGES: usize = 64;

    const fn builder() -> Builder<Checked> {
        Pool::builder(PAGES).page_size(256).mode::<Checked>().max_caches(2).shared_caches(1)
    }

    const LAYOUT: Layout = match builder().static_metadata_layout() {
        Ok(layout) => layout,
        Err(_) => panic!("the builder asks for what cannot be"),
    };

    #[repr(C, align(256))]
    struct Memory<const N: usize>(UnsafeCell<[MaybeUninit<u8>; N]>);

    // SAFETY: the test comes to each once.
    unsafe impl<const N: usize> Sync for Memory<N> {}

    static PAGE: Memory<{ PAGES * 256 }> =
        Memory(UnsafeCell::new([MaybeUninit::new(0); PAGES * 256]));
    static METADATA: Memory<{ LAYOUT.size() }> =
        Memory(UnsafeCell::new([MaybeUninit::uninit(); LAYOUT.size()]));

    #[test]
    fn metadata_is_sized_by_the_compiler() {
        assert_eq!(builder().metadata_layout(), Ok(LAYOUT));
        // SAFETY: nobody else takes this memory.
        let metadata = unsafe { &mut *METADATA.0.get() };
        // SAFETY: as above; the pages are initialised.
        let pool = unsafe { builder().build_in(PAGE.0.get().cast(), metadata) }.expect("a pool");
        assert_eq!(use_all(&pool), PAGES);
        assert_whole(pool);
        let error = Pool::builder(64).max_caches(2).static_metadata_layout().expect_err("unnamed");
        assert_eq!(error, BuildError::CachesUnnamed);
        let text = "the metadata depends on max_caches and shared_caches: name both, for no compiler \
                    knows the processors";
        assert_eq!(error.to_string(), text);
    }
}
