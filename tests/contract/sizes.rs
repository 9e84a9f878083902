//! Pages whose size is no power of two.
#![cfg(feature = "std")]

use crate::common::*;

/// Odd multiples of 64 bytes, and a jumbo frame.
const SIZES: [usize; 4] = [192, 1344, 4160, 9216];
/// The largest power of two that divides each.
const ALIGNMENTS: [usize; 4] = [64, 64, 64, 1024];
const PAGES: usize = 130;

fn of_size<M: Mode>(size: usize) -> Pool<M> {
    build::<M>(PAGES, |builder| {
        builder.page_size(size).max_caches(2).shared_caches(1).magazine_capacity(16)
    })
}

fn pages_lie_side_by_side<M: Mode>() {
    for (size, alignment) in SIZES.into_iter().zip(ALIGNMENTS) {
        let pool = of_size::<M>(size);
        assert_eq!((pool.page_size(), pool.alignment()), (size, alignment));
        let region = pool.region().expect("a pool of bytes");
        assert_eq!((region.len(), region.addr().get() % alignment), (PAGES * size, 0));
        let mut batch = PageBatch::<M, PAGES>::empty();
        pool.alloc_bulk_exact(&mut batch, PAGES).expect("all");
        batch.iter_mut().zip(0..).for_each(|(page, seed)| mark(page, seed));
        for (at, &id) in batch.ids().iter().enumerate() {
            let start = pool.offset(id).expect("a page of this pool");
            assert_eq!(start, u64::from(id.index()) * size as u64);
            let bytes = &batch[at];
            assert!(is_marked(bytes, at as u32) && bytes.len() == size, "{id} of {size} bytes");
            assert_eq!(bytes.as_ptr().addr(), region.addr().get() + start as usize);
            for inner in [0, 1, size / 2, size - 1] {
                assert_eq!(pool.id_at(bytes.as_ptr().addr() + inner), Some(id));
                assert_eq!(pool.id_at_offset(start + inner as u64), Some(id));
            }
        }
        let end = (PAGES * size) as u64;
        assert_eq!([end, end + 1, u64::MAX].map(|offset| pool.id_at_offset(offset)), [None; 3]);
        drop(batch);
        // Once more, after they were poisoned and verified where the mode does.
        let mut batch = PageBatch::<M, PAGES>::empty();
        pool.alloc_bulk_exact(&mut batch, PAGES).expect("all");
        drop(batch);
        assert_whole(pool);
    }
}

fn blocks_are_of_neighbours<M: Mode>() {
    for size in SIZES {
        let pool = of_size::<M>(size);
        let mut block = pool.alloc_block(order(3)).expect("a block");
        assert_eq!(block.len(), 8 * size);
        mark(&mut block, 7);
        let first = block.id().index();
        let pages: Vec<_> = block.into_pages().collect();
        assert!(pages.iter().map(|page| page.id().index()).eq(first..first + 8));
        let start = pages[0].as_ptr().addr();
        let starts = pages.iter().map(|page| page.as_ptr().addr());
        assert!(starts.eq((0..8).map(|at| start + at * size)));
        drop(pages);
        assert_whole(pool);
    }
}

fn devices_name_any_byte_of_a_page<M: Mode>() {
    for size in SIZES {
        let pool = of_size::<M>(size);
        let mut cache = pool.cache().expect("a cache");
        let offsets: Vec<u64> = cache.lend_new(PAGES).collect();
        assert_eq!(offsets.len(), PAGES);
        assert!(offsets.iter().all(|offset| offset.is_multiple_of(size as u64)));
        let mut batch = PageBatch::<M, PAGES>::empty();
        let last = offsets.iter().map(|offset| offset + size as u64 - 1);
        // SAFETY: there is no device.
        assert_eq!(unsafe { cache.reclaim_at(last, &mut batch) }, Ok(PAGES));
        assert!(
            batch.ids().iter().map(|&id| pool.offset(id)).eq(offsets.iter().copied().map(Some))
        );
        let ids: Vec<PageId> = cache.lend(&mut batch).ids().collect();
        // SAFETY: as above.
        assert_eq!(unsafe { cache.reclaim_at(ids.iter().copied(), &mut batch) }, Ok(PAGES));
        assert_eq!(batch.ids(), ids);
        let mut again: Vec<u64> = cache.lend(&mut batch).collect();
        let last = again.pop().and_then(|offset| pool.id_at_offset(offset));
        // SAFETY: as above.
        unsafe {
            let inner = again.iter().map(|offset| offset + 1);
            assert_eq!(cache.free_lent(inner), Ok(PAGES - 1));
            assert_eq!(cache.free_lent(last), Ok(1));
        }
        drop((cache, batch));
        assert_whole(pool);
    }
}

/// A region of the caller's, and one of addresses, start at a multiple of the alignment, and not of the size.
fn a_region_need_only_be_aligned<M: Mode>() {
    for (size, alignment) in SIZES.into_iter().zip(ALIGNMENTS) {
        let base = 7 * 1024 * 1024 + 1024;
        let pool = |base: usize| {
            let region = Region::addresses(base, PAGES * size);
            Pool::builder(PAGES).mode::<M>().page_size(size).region(region).build()
        };
        let whole = pool(base).expect("an aligned base");
        let last = PageId::new(PAGES as u32 - 1);
        assert_eq!(whole.address(last), Some(base + (PAGES - 1) * size));
        assert_eq!(whole.id_at(base + PAGES * size - 1), Some(last));
        let error = pool(base + alignment / 2).expect_err("between two multiples");
        assert_eq!(error, BuildError::RegionMisaligned { align: alignment });
        assert_whole(whole);
    }
}

/// Parts that are registered have whole pages, and each page has its part.
fn parts_of_the_region_have_whole_pages<M: Mode>() {
    let size = 9216;
    let pages = 3 * (1 << 30) / size;
    let region = Region::addresses(1 << 30, pages * size);
    let pool = Pool::builder(pages).mode::<M>().page_size(size).region(region).build();
    let pool = pool.expect("no memory is needed");
    let parts: Vec<_> = pool.regions().map(|part| (part.addr().get(), part.len())).collect();
    assert!(parts.iter().all(|&(_, bytes)| bytes <= 1 << 30 && bytes.is_multiple_of(size)));
    assert_eq!(parts.iter().map(|part| part.1).sum::<usize>(), pages * size);
    for index in [0, 1, pages / 3, pages / 2, pages - 1] {
        let id = PageId::new(index as u32);
        let address = pool.address(id).expect("a page of this pool");
        let (start, bytes) = parts[pool.region_of(id).expect("as above")];
        assert!((start..start + bytes).contains(&address), "{id}");
    }
    assert_eq!(pool.region_of(PageId::new(pages as u32)), None);
    assert_whole(pool);
}

/// What the system has back is whole pages of its own, whose ends lie within pages of the pool.
fn memory_goes_back_to_the_system<M: Mode>() {
    if cfg!(not(target_os = "linux")) {
        return;
    }
    for size in SIZES {
        let region = Region::mapped().purge(true);
        let pool = build::<M>(2000, |builder| builder.page_size(size).region(region));
        let mut batch = PageBatch::<M, 2000>::empty();
        pool.alloc_bulk_exact(&mut batch, 2000).expect("all");
        batch.iter_mut().for_each(|page| page.fill(7));
        let mut at = 0;
        batch.retain(|_| {
            at += 1;
            at % 100 == 0
        });
        let kept = batch.len();
        let purged = (0..40).map(|_| pool.maintain().purged).sum::<usize>();
        assert!(purged > 0, "of {size} bytes: {pool}");
        assert!(batch.iter().all(|page| page.iter().all(|&byte| byte == 7)), "of {size} bytes");
        let zeroed: Vec<_> = (0..100).map(|_| pool.alloc_zeroed().expect("a page")).collect();
        assert!(zeroed.iter().all(|page| page.iter().all(|&byte| byte == 0)), "of {size} bytes");
        // Each page is verified, where the mode does.
        let mut rest = PageBatch::<M, 2000>::empty();
        pool.alloc_bulk_exact(&mut rest, 1900 - kept).expect("none is bad");
        drop((batch, zeroed, rest));
        assert_whole(pool);
    }
}

every_mode!(
    pages_lie_side_by_side,
    blocks_are_of_neighbours,
    devices_name_any_byte_of_a_page,
    a_region_need_only_be_aligned,
    parts_of_the_region_have_whole_pages,
    memory_goes_back_to_the_system,
);
