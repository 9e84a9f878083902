//! Pools without a heap, in memory that the caller gives. These tests run without the feature `std` as well.

use std::alloc::Layout;

use crate::common::*;

/// Leaked memory of `pages` pages of 256 bytes, with as much before and behind it that no page may touch.
fn fenced(pages: usize) -> (&'static mut [u8], usize) {
    let bytes = pages * 256;
    let all = leaked(Layout::from_size_align(3 * bytes, 256).expect("legal"));
    all.iter_mut().for_each(|byte| _ = byte.write(0x5c));
    // SAFETY: every byte has just been written.
    (unsafe { std::slice::from_raw_parts_mut(all.as_mut_ptr().cast(), 3 * bytes) }, bytes)
}

fn a_pool_lives_in_memory_that_the_caller_gives<M: Mode>() {
    let (memory, bytes) = fenced(100);
    let base = memory[bytes..].as_mut_ptr();
    let builder = Pool::builder(100).page_size(256).mode::<M>();
    let metadata = metadata_for(&builder);
    let (start, end) = (metadata.as_ptr().addr(), metadata.as_ptr_range().end.addr());
    // SAFETY: the pages' memory is leaked, initialised, and used by the pool alone.
    let pool = unsafe { builder.build_in(base, metadata) }.expect("a pool");
    let info = pool.region_info();
    assert_eq!((info.kind, info.base, info.bytes), (RegionKind::Caller, base.addr(), bytes));
    assert!(info.to_string().starts_with("caller's memory, 25600 bytes at 0x"), "{info}");
    let mut cache = pool.cache().expect("a cache");
    let mut batch = PageBatch::<M>::new();
    let all = BulkAlloc { allocated: 100, reason: Some(ShortReason::Exhausted) };
    assert_eq!(cache.alloc_bulk(&mut batch, 200), all);
    for bytes in batch.iter_mut() {
        assert!(!(start..end).contains(&bytes.as_ptr().addr()), "metadata is outside the pages");
        bytes.fill(0xee);
    }
    cache.free_bulk(&mut batch);
    drop(cache);
    assert_whole(pool);
    let fences = [&memory[..bytes], &memory[2 * bytes..]];
    assert!(fences.iter().all(|fence| fence.iter().all(|&byte| byte == 0x5c)));
}

fn larger_metadata_than_needed_will_do<M: Mode>() {
    let builder = Pool::builder(10).page_size(256).mode::<M>();
    let need = builder.metadata_layout().expect("legal");
    let layout = Layout::from_size_align(need.size() + 1000, need.align()).expect("legal");
    let pages = leaked(Layout::from_size_align(2560, 256).expect("legal"));
    // SAFETY: the pages' memory is leaked, zeroed, and used by the pool alone.
    let pool = unsafe { builder.build_in(pages.as_mut_ptr().cast(), leaked(layout)) };
    assert_whole(pool.expect("a pool"));
}

fn an_address_only_pool_needs_no_memory_for_pages<M: Mode>() {
    const BASE: usize = 0x1000_0000;
    let builder = Pool::builder(100).mode::<M>().region(Region::addresses(BASE, 100 * 4096));
    let base = std::ptr::without_provenance_mut(BASE);
    let metadata = metadata_for(&builder);
    // SAFETY: the region is one of addresses.
    let pool = unsafe { builder.build_in(base, metadata) }.expect("a pool");
    assert_eq!(pool.region_info().kind, RegionKind::Addresses);
    let mut out = no_ids::<200>();
    let (ids, short) = pool.alloc_bulk_raw(&mut out);
    assert_eq!((ids.len(), short), (100, Some(ShortReason::Exhausted)));
    for &id in &*ids {
        let start = pool.ptr(id).expect("in range").as_ptr().addr();
        assert_eq!(start, BASE + id.index() as usize * 4096);
    }
    // SAFETY: the ids were just allocated.
    assert_eq!(unsafe { pool.free_bulk_raw(ids) }, Ok(()));
    assert_whole(pool);
}

#[test]
#[cfg(not(feature = "std"))]
fn without_a_heap_build_says_so() {
    let error = Pool::builder(10).build().expect_err("no heap");
    assert!(matches!(error, BuildError::Unsupported { .. }), "{error}");
    assert!(
        error.to_string().contains("is not available in this build: use another region"),
        "{error}"
    );
    let error = Pool::builder(10).region(Region::mapped()).build().expect_err("no mapping");
    let text = "a mapped region (Linux, with feature `std`) is not available in this build: use another \
                region, or give memory of your own to Builder::build_in";
    assert_eq!(error.to_string(), text);
    let error = Pool::builder(10).region(Region::heap()).build().expect_err("no heap");
    let text = "heap memory (feature `std`; without it, Builder::build_in) is not available in this \
                build: use another region, or give memory of your own to Builder::build_in";
    assert_eq!(error.to_string(), text);
}

every_mode!(
    a_pool_lives_in_memory_that_the_caller_gives,
    larger_metadata_than_needed_will_do,
    an_address_only_pool_needs_no_memory_for_pages,
);
