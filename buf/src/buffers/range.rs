//! A range of bytes, as users say it.

use core::ops::{Bound, Range, RangeBounds};

/// The range, of `len` bytes.
///
/// # Panics
/// When it lies beyond them, or ends before it starts.
pub fn of(range: impl RangeBounds<usize>, len: usize) -> Range<usize> {
    let start = match range.start_bound() {
        Bound::Included(&at) => at,
        Bound::Excluded(&at) => at + 1,
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&at) => at + 1,
        Bound::Excluded(&at) => at,
        Bound::Unbounded => len,
    };
    assert!(start <= end && end <= len, "bytes {start}..{end} of {len}");
    start..end
}
