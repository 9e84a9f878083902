//! Where metadata lies: one block of memory, cut into tables.
//!
//! Invariant: every entry is constructed before anybody sees the table and dropped once. No metadata is made by casting
//! or zeroing bytes, but tables of atomics that are declared to start as zero ([`Zeroed`]), in memory that the system
//! gives zeroed: these are not written, so that the memory of what is never used is never touched.

#[cfg(test)]
pub(crate) mod tests;

use core::alloc::Layout;
use core::ops::Deref;
use core::ptr::NonNull;

use crate::sync::{ZERO_BYTES, Zeroed};

/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;

/// Aligns what is written often to lines of its own (two: some machines fetch lines in pairs).
#[repr(align(128))]
pub(crate) struct Padded<T>(pub(crate) T);

impl<T> Deref for Padded<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// The layout of a block of tables, grown table by table.
pub(crate) struct MetadataLayout(Layout);

impl MetadataLayout {
    /// A block that starts with one `T`.
    pub(crate) const fn starting_with<T>() -> Self {
        MetadataLayout(Layout::new::<T>())
    }

    /// Adds a table; `None` when the block would not fit an address space.
    ///
    /// It starts on a cache line: ids that are copied by the vector must not lie astride two, which would nearly double
    /// the time of a quick call.
    pub(crate) const fn table<T>(&mut self, len: usize) -> Option<Span<T>> {
        let Ok(table) = Layout::array::<T>(len) else { return None };
        let Ok(table) = table.align_to(LINE) else { return None };
        let Ok((layout, offset)) = self.0.extend(table) else { return None };
        self.0 = layout;
        Some(Span { offset, len, of: core::marker::PhantomData })
    }

    /// The whole block.
    pub(crate) const fn layout(&self) -> Layout {
        self.0.pad_to_align()
    }
}

/// Where a table will stand in its block. It is filled once, so it cannot be copied.
pub(crate) struct Span<T> {
    offset: usize,
    len: usize,
    of: core::marker::PhantomData<T>,
}

/// A block of memory that is being filled with tables.
pub(crate) struct MetadataBlock {
    start: NonNull<u8>,
    zeroed: bool,
}

impl MetadataBlock {
    /// A block, of which `zeroed` says that all its bytes are zero.
    ///
    /// # Safety
    /// The block has the layout that gave every span which is filled in it, is used by nobody else, outlives its
    /// tables, and is zeroed if that is said.
    pub(crate) unsafe fn new(start: NonNull<u8>, zeroed: bool) -> Self {
        MetadataBlock { start, zeroed }
    }

    /// Where a span starts.
    fn place<T>(&self, offset: usize) -> NonNull<T> {
        // SAFETY: the layout put the span inside the block, aligned.
        unsafe { self.start.add(offset) }.cast()
    }

    /// Fills a span, which the layout gave once.
    pub(crate) fn fill<T>(
        &mut self,
        span: Span<T>,
        mut entry: impl FnMut(usize) -> T,
    ) -> MetadataSlice<T> {
        let Span { offset, len, .. } = span;
        let start = self.place::<T>(offset);
        for index in 0..len {
            // SAFETY: `index` is inside the span, which nothing else is written to.
            unsafe { start.add(index).write(entry(index)) };
        }
        MetadataSlice { start, len }
    }

    /// Fills a span with what starts as zero. In zeroed memory that writes nothing.
    pub(crate) fn fill_zero<T: Zeroed>(&mut self, span: Span<T>) -> MetadataSlice<T> {
        if self.zeroed && ZERO_BYTES {
            // Zeroes are the entries, as `Zeroed` promises; nothing else is written to the span.
            return MetadataSlice { start: self.place(span.offset), len: span.len };
        }
        self.fill(span, |_| T::zero())
    }

    /// Writes what the layout starts with: a `T`, as [`Self::new`]'s caller has promised. The block is full then.
    pub(crate) fn start_with<T>(self, value: T) -> NonNull<T> {
        let place = self.start.cast::<T>();
        // SAFETY: the layout starts with a `T`.
        unsafe { place.write(value) };
        place
    }
}

/// A table of metadata: a slice that does not own its memory but owns its entries.
pub(crate) struct MetadataSlice<T> {
    start: NonNull<T>,
    len: usize,
}

// SAFETY: a table is a slice; sharing it shares its entries.
unsafe impl<T: Sync> Sync for MetadataSlice<T> {}
// SAFETY: sending it sends its entries.
unsafe impl<T: Send> Send for MetadataSlice<T> {}

impl<T> MetadataSlice<T> {
    /// The entry's address, without a look at the length.
    ///
    /// # Safety
    /// `index` is at most the length.
    #[inline(always)]
    pub(crate) unsafe fn at(&self, index: usize) -> *const T {
        debug_assert!(index <= self.len);
        // SAFETY: inside the table or one past its end.
        unsafe { self.start.as_ptr().add(index) }
    }
}

impl<T> Deref for MetadataSlice<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `fill` initialised `len` entries, or the system did for `fill_zero`; they live as long as the table.
        unsafe { core::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T> Drop for MetadataSlice<T> {
    fn drop(&mut self) {
        let entries = core::ptr::slice_from_raw_parts_mut(self.start.as_ptr(), self.len);
        // SAFETY: the entries were initialised, as above, and are dropped here only.
        unsafe { core::ptr::drop_in_place(entries) };
    }
}
