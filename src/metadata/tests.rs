//! A block of memory for tables, for the tests of what stands in them, and what tables promise.

extern crate std;

use core::cell::Cell;
use core::ptr::NonNull;

use super::{LINE, MetadataBlock, MetadataLayout};

/// Lends a block of this layout.
pub(crate) fn with_block(layout: MetadataLayout, f: impl FnOnce(MetadataBlock)) {
    assert!(layout.layout().size() > 0);
    // SAFETY: the layout has a size.
    let block = unsafe { std::alloc::alloc(layout.layout()) };
    // SAFETY: the block has this layout, and the tables are gone before it is given back.
    f(unsafe { MetadataBlock::new(NonNull::new(block).expect("there is memory")) });
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
