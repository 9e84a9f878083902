//! A block of memory for tables, for the tests of what stands in them, and what tables promise.

extern crate std;

use core::cell::Cell;
use core::ptr::NonNull;

use super::{LINE, MetadataBlock, MetadataLayout};
use crate::page::{AtomicCount, AtomicMark, AtomicPageState, Mark, PageState, ZONE};
use crate::sync::{Atomic, Ordering, ZERO_BYTES};

/// Lends a block of this layout, with any bytes.
pub(crate) fn with_block(layout: MetadataLayout, f: impl FnOnce(MetadataBlock)) {
    with_block_of(layout, false, f);
}

/// Lends a block of this layout, all of whose bytes are zero, or none.
fn with_block_of(layout: MetadataLayout, zeroed: bool, f: impl FnOnce(MetadataBlock)) {
    assert!(layout.layout().size() > 0);
    // SAFETY: the layout has a size.
    let block = unsafe { std::alloc::alloc(layout.layout()) };
    let start = NonNull::new(block).expect("there is memory");
    // SAFETY: the block was just allocated with this size.
    unsafe { start.write_bytes(if zeroed { 0 } else { 0xff }, layout.layout().size()) };
    // SAFETY: the block has this layout, is as it is said to be, and the tables are gone before it is given back.
    f(unsafe { MetadataBlock::new(start, zeroed) });
    // SAFETY: allocated with this layout.
    unsafe { std::alloc::dealloc(block, layout.layout()) };
}

/// Counts its drops.
struct Counted<'a>(usize, &'a Cell<usize>);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.1.set(self.1.get() + 1);
    }
}

#[test]
fn tables_do_not_overlap_and_drop_each_entry_once() {
    let drops = Cell::new(0);
    let mut layout = MetadataLayout::starting_with::<u8>();
    let counted = layout.table::<Counted<'_>>(5).expect("fits");
    let words = layout.table::<u64>(3).expect("fits");
    assert!(layout.layout().size().is_multiple_of(8));
    with_block(layout, |mut block| {
        let counted = block.fill(counted, |at| Counted(at, &drops));
        let words = block.fill(words, |at| !(at as u64));
        assert!(counted.iter().map(|entry| entry.0).eq(0..5));
        // SAFETY: the first entry is in its table.
        let starts = unsafe { [counted.at(0).addr(), words.at(0).addr()] };
        assert!(starts.iter().all(|start| start.is_multiple_of(LINE)), "{starts:?}");
        assert_eq!(*words, [!0, !1, !2]);
        drop(counted);
        assert_eq!(drops.get(), 5);
    });
    assert!(MetadataLayout::starting_with::<u8>().table::<u64>(usize::MAX / 8).is_none());
}

#[test]
fn what_starts_as_zero_is_the_same_in_any_memory() {
    for zeroed in [false, true] {
        let mut layout = MetadataLayout::starting_with::<u8>();
        let words = layout.table::<AtomicPageState>(3).expect("fits");
        let counts = layout.table::<AtomicCount>(3).expect("fits");
        let marks = layout.table::<AtomicMark>(3).expect("fits");
        let numbers = layout.table::<Atomic<u64>>(3).expect("fits");
        with_block_of(layout, zeroed, |mut block| {
            let words = block.fill_zero(words);
            assert!(words.iter().all(|word| word.load() == PageState::resting(ZONE)));
            assert!(block.fill_zero(counts).iter().all(|count| count.load() == AtomicCount::ONE));
            assert!(block.fill_zero(marks).iter().all(|byte| byte.is(Mark::Free)));
            let numbers = block.fill_zero(numbers);
            assert!(numbers.iter().all(|number| number.load(Ordering::Relaxed) == 0));
        });
    }
}

/// What is not written is what the memory was, which a block that is said to be zeroed shows if it is not.
#[test]
fn zeroed_memory_is_not_written() {
    let mut layout = MetadataLayout::starting_with::<u8>();
    let numbers = layout.table::<Atomic<u64>>(3).expect("fits");
    with_block_of(layout, false, |mut block| {
        block.zeroed = true;
        let numbers = block.fill_zero(numbers);
        let expected = if ZERO_BYTES { u64::MAX } else { 0 };
        assert!(numbers.iter().all(|number| number.load(Ordering::Relaxed) == expected));
    });
}
