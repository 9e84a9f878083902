//! What a caller can get wrong is a clear error or a correct short result, and nothing is lost.

use std::ptr::NonNull;

use crate::common::*;

/// Asserts that a pool is not built, in three ways, for the reason given.
#[track_caller]
fn refused(builder: impl Fn() -> Builder<Checked>, error: BuildError, text: &str) {
    assert_eq!(builder().build().expect_err("refused"), error);
    assert_eq!(builder().metadata_layout().expect_err("refused"), error);
    let base = std::ptr::without_provenance_mut(4096);
    // SAFETY: the builder is refused, so the base is not used.
    assert_eq!(unsafe { builder().build_in(base, &mut []) }.expect_err("refused"), error);
    assert_eq!(error.to_string(), text);
}

fn builder(pages: usize) -> Builder<Checked> {
    Pool::builder(pages).mode::<Checked>()
}

#[test]
fn zero_pages() {
    refused(
        || builder(0),
        BuildError::NoPages,
        "a pool needs at least one page: ask for 1 or more",
    );
}

#[test]
#[cfg(target_pointer_width = "64")]
fn more_pages_than_numbers() {
    for pages in [1 << 32, usize::MAX] {
        let text = format!(
            "{pages} pages are more than 2^32 - 1: choose a larger page size, or build several pools"
        );
        refused(|| builder(pages), BuildError::TooManyPages { pages, most: u32::MAX }, &text);
    }
    assert!(builder((1 << 32) - 1).metadata_layout().is_ok());
}

#[test]
fn more_pages_than_ids_of_some_bits() {
    for (bits, most) in [(16, 1 << 16), (1, 2), (0, 1)] {
        let pages = most as usize + 1;
        let text = format!(
            "{pages} pages are more than {most}, for which id_bits has numbers: ask for fewer, or \
             raise id_bits"
        );
        let error = BuildError::TooManyPages { pages, most };
        refused(|| builder(pages).id_bits(bits), error, &text);
        assert!(builder(pages - 1).id_bits(bits).metadata_layout().is_ok());
    }
    assert!(builder(1 << 20).id_bits(u32::MAX).metadata_layout().is_ok());
}

#[test]
fn page_sizes_that_are_no_multiples_of_64() {
    for (bytes, next) in [
        (0, ": use 64, the next"),
        (1, ": use 64, the next"),
        (32, ": use 64, the next"),
        (63, ": use 64, the next"),
        (65, ": use 128, the next"),
        (2000, ": use 2048, the next"),
        (4095, ": use 4096, the next"),
        (4097, ": use 4160, the next"),
        (usize::MAX, ": use a smaller one"),
    ] {
        let some = if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") };
        let text = format!("a page size of {some} is no positive multiple of 64{next}");
        refused(|| builder(10).page_size(bytes), BuildError::PageSize { bytes }, &text);
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn products_that_overflow() {
    let text = "the pages do not fit an address space: ask for fewer, or for smaller ones";
    for (pages, size) in [
        (u32::MAX as usize, 1 << 32),
        (u32::MAX as usize, 1 << 31 << 1),
        (1, 1 << 63),
        (2, 1 << 62),
    ] {
        refused(|| builder(pages).page_size(size), BuildError::Overflow, text);
    }
}

#[test]
fn magazines_of_no_size_or_too_large() {
    for ids in [0, 257] {
        let text = format!(
            "a magazine of {ids} ids is not in 1..=256: choose a magazine_capacity that is"
        );
        refused(|| builder(10).magazine_capacity(ids), BuildError::MagazineCapacity { ids }, &text);
    }
    for ids in [1, 256] {
        assert_whole(build::<Checked>(300, |builder| builder.magazine_capacity(ids)));
    }
}

#[test]
fn no_cache_slots_or_too_many() {
    for (owned, shared, slots) in [(0, 0, 0), (16_384, 1, 16_385), (usize::MAX, 1, usize::MAX)] {
        let other = if slots == 0 { "one at least" } else { "fewer" };
        let text = format!(
            "max_caches and shared caches together are {slots}, and must be 1 to 16384: ask for \
             {other}"
        );
        let builder = || builder(10).max_caches(owned).shared_caches(shared);
        refused(builder, BuildError::MaxCaches { slots }, &text);
    }
}

#[test]
fn numbers_of_depots_that_are_no_power_of_two() {
    for depots in [0, 3, 33, 64, usize::MAX] {
        let text = format!("{depots} depots cannot be: choose a power of two, 1 to 32");
        let error = BuildError::Depots { depots, most: 32 };
        refused(|| builder(10).depots(depots), error, &text);
    }
    assert!([1, 2, 4, 8, 16, 32].iter().all(|&n| builder(1).depots(n).metadata_layout().is_ok()));
}

#[test]
fn cache_colors_that_a_page_has_no_room_for() {
    let text =
        "pages of 4096 bytes have room for 1 to 64 cache lines of color, not for 65: ask for fewer";
    refused(|| builder(10).cache_color(65), BuildError::CacheColor { lines: 65, most: 64 }, text);
    let text = "pages of 64 bytes have room for 1 cache line of color, not for 2: ask for fewer";
    let error = BuildError::CacheColor { lines: 2, most: 1 };
    refused(|| builder(10).page_size(64).cache_color(2), error, text);
    assert!(builder(10).cache_color(64).metadata_layout().is_ok());
}

#[test]
fn cache_colors_of_no_line() {
    let text = "cache_color(0) is not a choice: use 1, the least, which staggers nothing";
    refused(|| builder(10).cache_color(0), BuildError::CacheColor { lines: 0, most: 64 }, text);
}

/// The memory of 16 pages of 256 bytes.
fn memory() -> NonNull<u8> {
    let layout = std::alloc::Layout::from_size_align(4096, 256).expect("legal");
    NonNull::from(leaked(layout)).cast()
}

/// What `build_in` says to a region and metadata that is `skip` bytes off and `less` bytes short.
fn build_in(base: *mut u8, region: Option<Region>, skip: usize, less: usize) -> BuildError {
    let mut builder = builder(16).page_size(256);
    if let Some(region) = region {
        builder = builder.region(region);
    }
    let layout = builder.metadata_layout().expect("legal");
    let align = layout.align();
    let layout = std::alloc::Layout::from_size_align(layout.size() + align, align).expect("legal");
    let size = layout.size() - align;
    let metadata = &mut leaked(layout)[skip..skip + size - less];
    // SAFETY: the memory is leaked, and nobody else uses it.
    unsafe { builder.build_in(base, metadata) }.expect_err("refused")
}

#[test]
fn metadata_that_is_too_small() {
    let need = builder(16).page_size(256).metadata_layout().expect("legal").size();
    for less in [1, 128, need] {
        let error = build_in(memory().as_ptr(), None, 0, less);
        assert_eq!(error, BuildError::MetadataTooSmall { need, have: need - less });
        let text = format!("the metadata memory has {} bytes, {need} are needed", need - less);
        assert!(error.to_string().starts_with(&text), "{error}");
    }
}

#[test]
fn metadata_that_is_misaligned() {
    let align = builder(16).page_size(256).metadata_layout().expect("legal").align();
    for skip in [1, 8, align / 2] {
        let error = build_in(memory().as_ptr(), None, skip, 0);
        assert_eq!(error, BuildError::MetadataMisaligned { align });
        let text = format!(
            "the metadata memory is not aligned to {align} bytes: align it as \
             Builder::metadata_layout says"
        );
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn a_region_that_is_misaligned() {
    let text = "the region does not start at a multiple of 256 bytes: give memory that does";
    let misaligned = BuildError::RegionMisaligned { align: 256 };
    for base in [memory().as_ptr().wrapping_add(64), std::ptr::null_mut()] {
        assert_eq!(build_in(base, None, 0, 0), misaligned);
    }
    // SAFETY: the memory is leaked, and the pools are refused.
    let region = unsafe { Region::caller(memory().add(128), 4096) };
    assert_eq!(builder(4).page_size(256).region(region).build().expect_err("refused"), misaligned);
    assert_eq!(misaligned.to_string(), text);
}

#[test]
fn a_region_that_is_too_small() {
    let too_small = BuildError::RegionTooSmall { need: 4352, have: 4096 };
    // SAFETY: the memory is leaked, and the pools are refused.
    let caller = unsafe { Region::caller(memory(), 4096) };
    for region in [caller, Region::addresses(1 << 20, 4096)] {
        let builder = builder(17).page_size(256).region(region);
        assert_eq!(builder.build().expect_err("refused"), too_small);
    }
    let text = "the region has 4096 bytes, the pages need 4352: give it 256 bytes more";
    assert_eq!(too_small.to_string(), format!("{text}, or ask for fewer pages"));
    let empty = builder(1).page_size(64).region(Region::addresses(0, 0)).build();
    assert_eq!(empty.expect_err("refused"), BuildError::RegionTooSmall { need: 64, have: 0 });
}

/// A pool of addresses of which the last is the last that there is.
fn at_the_top<M: Mode>(pages: usize, size: usize) -> Pool<M> {
    let bytes = pages * size;
    let top = usize::MAX - bytes + 1;
    let builder = || {
        let region = Region::addresses(top, bytes);
        Pool::builder(pages).page_size(size).mode::<M>().region(region)
    };
    if cfg!(feature = "std") {
        drop(builder().build().expect("a pool with its metadata on the heap"));
    }
    let metadata = metadata_for(&builder());
    // SAFETY: the addresses are never dereferenced; the metadata is leaked.
    let pool = unsafe { builder().build_in(std::ptr::without_provenance_mut(top), metadata) };
    let pool = pool.expect("a pool");
    assert_eq!((pool.region_info().base, pool.region_info().bytes), (top, bytes));
    pool
}

fn addresses_up_to_the_top_are_a_region<M: Mode>() {
    for (pages, size) in [(1, 64), (1, 1 << 20), (16, 256), (200, 4096)] {
        let pool = at_the_top::<M>(pages, size);
        let top = pool.region_info().base;
        let mut out = no_ids::<200>();
        let (ids, _) = pool.alloc_bulk_raw(&mut out);
        assert_eq!((ids.len(), distinct(ids)), (pages, true));
        for &id in &*ids {
            let start = pool.ptr(id).expect("in range").as_ptr().addr();
            assert_eq!(start, top + id.index() as usize * size);
            assert_eq!([pool.id_at(start), pool.id_at(start + (size - 1))], [Some(id); 2]);
        }
        let last = PageId::new(pages as u32 - 1);
        assert_eq!([pool.id_at(usize::MAX), pool.id_at(top)], [Some(last), Some(PageId::new(0))]);
        assert_eq!([pool.id_at(top - 1), pool.id_at(0)], [None; 2]);
        // SAFETY: the ids were just allocated, and are freed once.
        assert_eq!(unsafe { pool.free_bulk_raw(ids) }, Ok(()));
        let text = pool.region_info().to_string();
        assert!(text.contains(&format!("{} bytes at {top:#x}", pages * size)), "{text}");
        assert_whole(pool);
    }
}

#[test]
fn addresses_past_the_top_are_refused() {
    let base = usize::MAX - 4095;
    let builder = builder(17).page_size(256).region(Region::addresses(base, usize::MAX));
    let error = builder.build().expect_err("refused");
    assert_eq!(error, BuildError::PastTheTop { base, bytes: 17 * 256 });
    let text = format!(
        "4352 bytes from {base:#x} on go past the top of the address space: give a lower base, or ask \
         for fewer pages"
    );
    assert_eq!(error.to_string(), text);
}

#[test]
fn a_base_that_is_not_the_regions() {
    let region = Region::addresses(1 << 20, 4096);
    let error = build_in(std::ptr::without_provenance_mut(1 << 21), Some(region), 0, 0);
    assert_eq!(error, BuildError::BaseMismatch);
    let text = "the base is not the region's: give build_in the address that Region::addresses has, or \
                leave Builder::region out";
    assert_eq!(error.to_string(), text);
}

fn more_caches_than_slots<M: Mode>() {
    let pool = build::<M>(100, |builder| builder.max_caches(2));
    let one = pool.cache().expect("the first");
    let two = pool.cache().expect("the second");
    let error = pool.cache().expect_err("there are two slots");
    assert_eq!(error, CacheError::NoSlot { slots: 2 });
    drop(one);
    let three = pool.cache().expect("a slot is free again");
    drop((two, three));
    assert_whole(pool);
    for slots in [0, 1] {
        let pool = build::<M>(100, |builder| builder.max_caches(slots));
        let _all: Vec<_> = (0..slots).map(|_| pool.cache().expect("a slot")).collect();
        assert_eq!(pool.cache().expect_err("none is left"), CacheError::NoSlot { slots });
    }
    let pool = build::<M>(100, |builder| builder.max_caches(0));
    drop(pool.alloc().expect("a page"));
    assert_whole(pool);
}

fn one_page_is_a_pool<M: Mode>() {
    let pool = pool::<M>(1);
    let mut cache = pool.cache().expect("a cache");
    for _ in 0..10 {
        let page = cache.alloc().expect("a page");
        assert_eq!(pool.alloc().expect_err("it is out"), ShortReason::Exhausted);
        cache.free(page);
        drop(pool.alloc().expect("it went where it can be had"));
        // The requests wear off.
        for _ in 0..20 {
            if let Ok(page) = cache.alloc() {
                cache.free(page);
            }
        }
        assert_eq!(pool.alloc().expect_err("it is cached"), ShortReason::Cached);
        next_call(&mut cache);
        drop(pool.alloc().expect("it is free"));
    }
    drop(cache);
    assert_whole(pool);
}

#[test]
#[should_panic(expected = "page 10 is outside the pool")]
fn adopting_a_page_that_is_not_there_panics() {
    let pool = pool::<Bare>(10);
    // SAFETY: the page is refused.
    drop(unsafe { Page::from_raw(&pool, PageId::new(10)) });
}

every_mode!(more_caches_than_slots, one_page_is_a_pool, addresses_up_to_the_top_are_a_region,);
