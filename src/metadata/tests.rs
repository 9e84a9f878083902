//! A block of memory for tables, for the tests of what stands in them, and what tables promise.

extern crate std;

use core::cell::Cell;
use core::ptr::NonNull;

use super::{LINE, MetadataLayout, MetadataSlice};

/// Lends a block of the plan's layout.
pub(crate) fn with_block(plan: MetadataLayout, f: impl FnOnce(NonNull<u8>)) {
    assert!(plan.layout().size() > 0);
    // SAFETY: the layout has a size.
    let block = unsafe { std::alloc::alloc(plan.layout()) };
    f(NonNull::new(block).expect("there is memory"));
    // SAFETY: allocated with this layout.
    unsafe { std::alloc::dealloc(block, plan.layout()) };
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
    let mut plan = MetadataLayout::starting_with::<u8>();
    let counted = plan.table::<Counted<'_>>(5).expect("fits");
    let words = plan.table::<u64>(3).expect("fits");
    assert!(plan.layout().size().is_multiple_of(8));
    with_block(plan, |block| {
        // SAFETY: the block has the plan's layout, is used by the tables only, and outlives them, here and below.
        let counted = unsafe { MetadataSlice::fill(block, counted, |at| Counted(at, &drops)) };
        // SAFETY: as above.
        let words = unsafe { MetadataSlice::fill(block, words, |at| !(at as u64)) };
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
