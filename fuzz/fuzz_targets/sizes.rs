//! Pools of any size, in memory of any size: an error, or a pool that works.
#![no_main]

use std::alloc::Layout;
use std::mem::MaybeUninit;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use pagesheaf::{Checked, PageBatch, Pool};

/// What a caller can ask for.
#[derive(Arbitrary, Debug)]
struct Sizes {
    pages: Size,
    page_size: Size,
    caches: Size,
    shared_caches: Size,
    magazine: Size,
    colour: Size,
    /// Metadata missing at the end, and its misalignment.
    missing: u8,
    skew: u8,
}

/// Small numbers, powers of two, multiples of 64, and whatever there is.
#[derive(Arbitrary, Debug)]
enum Size {
    Small(u8),
    Power(u8),
    Any(usize),
    Lines(u8),
}

impl Size {
    fn get(&self) -> usize {
        match *self {
            Size::Small(size) => size.into(),
            Size::Power(power) => 1_usize.rotate_left(power.into()),
            Size::Any(size) => size,
            Size::Lines(lines) => 64 * usize::from(lines),
        }
    }
}

/// The most memory that a pool gets.
const MOST: usize = 1 << 20;

/// Memory that lives until it is dropped.
struct Memory(*mut u8, Layout);

impl Memory {
    fn new(layout: Layout) -> Self {
        // SAFETY: the callers' layouts have a size.
        let start = unsafe { std::alloc::alloc_zeroed(layout) };
        assert!(!start.is_null());
        Memory(start, layout)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { std::alloc::dealloc(self.0, self.1) };
    }
}

fuzz_target!(|sizes: Sizes| {
    let builder = Pool::builder(sizes.pages.get()).mode::<Checked>();
    let builder = builder.page_size(sizes.page_size.get()).max_caches(sizes.caches.get());
    let builder = builder.shared_caches(sizes.shared_caches.get());
    let builder = builder.magazine_capacity(sizes.magazine.get()).cache_color(sizes.colour.get());
    let Ok(metadata) = builder.metadata_layout() else { return };
    let bytes = sizes.pages.get().checked_mul(sizes.page_size.get()).expect("it was checked");
    if bytes > MOST || metadata.size() > MOST {
        return;
    }
    let alignment = 1 << sizes.page_size.get().trailing_zeros();
    let region = Memory::new(Layout::from_size_align(bytes, alignment).expect("a power of two"));
    let (missing, skew) = (usize::from(sizes.missing), usize::from(sizes.skew));
    let block = Memory::new(
        Layout::from_size_align(metadata.size() + skew, metadata.align()).expect("small"),
    );
    let given = metadata.size().saturating_sub(missing);
    // SAFETY: the block has so many bytes after the skew, and outlives the pool, which is closed below.
    let given: &'static mut [MaybeUninit<u8>] =
        unsafe { std::slice::from_raw_parts_mut(block.0.add(skew).cast(), given) };
    // SAFETY: the region has so many pages, is aligned, and outlives the pool; nobody else uses it.
    let pool = match unsafe { builder.build_in(region.0, given) } {
        Ok(pool) => pool,
        Err(_) => return assert!(missing > 0 || !skew.is_multiple_of(metadata.align())),
    };
    assert_eq!((missing, skew % metadata.align()), (0, 0), "it fits by chance only");
    let mut batches = Vec::new();
    let mut out = 0;
    loop {
        let mut batch = PageBatch::<Checked, 64>::default();
        let bulk = pool.alloc_bulk(&mut batch, 64);
        batch.iter_mut().for_each(|page| page.fill(0xa5));
        out += bulk.allocated;
        batches.push(batch);
        if bulk.reason.is_some() {
            break;
        }
    }
    assert_eq!(out, sizes.pages.get());
    drop(batches);
    pool.close().expect("every page is back");
});
