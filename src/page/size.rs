//! The size of a page. Numbers become offsets by one multiplication, and offsets numbers by another.
//!
//! Invariant: `bytes` is a multiple of 64, and `twos`, `inverse` and `rest` are those of it.

use super::PageId;

/// Bytes of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize {
    bytes: usize,
    /// How often 2 divides it, 6 times at the least.
    twos: u32,
    /// 2 to the power of 64 and `rest`, divided by what is odd of the size, and rounded down.
    inverse: u64,
    /// The log2 of what is odd of the size, rounded down.
    rest: u32,
}

impl PageSize {
    /// What a size is a multiple of.
    pub(crate) const UNIT: usize = 64;

    /// If pages can be of this size.
    pub(crate) const fn new(bytes: usize) -> Option<Self> {
        if bytes == 0 || !bytes.is_multiple_of(Self::UNIT) {
            return None;
        }
        let twos = bytes.trailing_zeros();
        let odd = (bytes >> twos) as u128;
        let rest = odd.ilog2();
        let inverse = (1 << (64 + rest)) / odd;
        // Only that of 1 is too large by one, and may be less: see `page_at`.
        let inverse = if inverse > u64::MAX as u128 { u64::MAX } else { inverse as u64 };
        Some(PageSize { bytes, twos, inverse, rest })
    }

    #[inline(always)]
    pub(crate) const fn bytes(self) -> usize {
        self.bytes
    }

    /// What the address and the offset of each page are a multiple of: the largest power of two that divides the size.
    pub(crate) const fn alignment(self) -> usize {
        1 << self.twos
    }

    /// Where a page starts, in bytes from the region's start.
    #[inline(always)]
    pub(crate) const fn offset(self, id: PageId) -> u64 {
        id.index() as u64 * self.bytes as u64
    }

    /// The page that an offset lies in. Past all pages that there can be it is the one with the largest number, which
    /// no pool has.
    ///
    /// Let n be the offset in units of 2 to the power of `twos`, at most 2⁵⁸, d what is odd of the size, S = 64 +
    /// `rest`, and m = `inverse`. Then m × d = 2^S − e, where 0 < e ≤ d ≤ 2^(`rest` + 1): if d is 1, e is 1 too, and no
    /// other odd number divides 2^S. So (n + 1) × m / 2^S is (n + 1) / d less (n + 1) × e / (d × 2^S). That is more
    /// than nothing, and at most 1 / d; so the quotient, rounded down, is that of n and d.
    #[inline(always)]
    pub(crate) const fn page_at(self, offset: u64) -> PageId {
        let units = (offset >> self.twos) as u128;
        let page = (((units + 1) * self.inverse as u128) >> 64) as u64 >> self.rest;
        PageId::new(if page > u32::MAX as u64 { u32::MAX } else { page as u32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes that are powers of two, and others, up to the largest.
    fn sizes() -> impl Iterator<Item = usize> {
        let near = |power: u32| [-64, 0, 64].map(|by| (1_usize << power).wrapping_add_signed(by));
        let powers = (7..usize::BITS - 2).flat_map(near);
        powers.chain((1..200).map(|units| 64 * units)).chain([9216, 9000 / 64 * 64, 1536, 3 << 20])
    }

    #[test]
    fn offsets_lie_in_the_page_that_a_division_finds() {
        for bytes in sizes() {
            let size = PageSize::new(bytes).expect("a multiple of 64");
            let divided =
                |offset: u64| PageId::new((offset / bytes as u64).min(u64::from(u32::MAX)) as u32);
            let whole = |page: u64| page.saturating_mul(bytes as u64);
            let pages = [0, 1, 2, 3, 1000, (1 << 16) + 1, (1 << 31) - 1, u64::from(u32::MAX)];
            let ends = pages.into_iter().map(whole).chain([u64::MAX, 1 << 63]);
            for offset in ends.flat_map(|end| [end, end.wrapping_sub(1), end.saturating_add(1)]) {
                assert_eq!(size.page_at(offset), divided(offset), "{offset} in pages of {bytes}");
            }
        }
    }

    #[test]
    fn a_page_starts_at_its_offset() {
        for bytes in sizes() {
            let size = PageSize::new(bytes).expect("a multiple of 64");
            assert!(bytes.is_multiple_of(size.alignment()));
            assert!(!bytes.is_multiple_of(2 * size.alignment()));
            for index in [0, 1, 77, 1 << 20] {
                let Some(offset) = u64::from(index).checked_mul(bytes as u64) else { continue };
                let id = PageId::new(index);
                assert_eq!(size.offset(id), offset);
                let Some(last) = offset.checked_add(bytes as u64 - 1) else { continue };
                assert_eq!([size.page_at(offset), size.page_at(last)], [id, id]);
            }
        }
        for wrong in [0, 1, 63, 65, 100, 9000] {
            assert_eq!(PageSize::new(wrong), None);
        }
    }

    /// What `proofs/size.smt2` is about.
    #[test]
    fn facts_for_proofs() {
        extern crate std;

        use crate::page::facts::{constant, numbers, sample};
        use std::format;

        constant("size", "UNIT", PageSize::UNIT as u64);
        for size in
            [64, 4096, 2048, 1536, 9216, 64 * 199].map(|it| PageSize::new(it).expect("legal"))
        {
            let divisor = 1_u128 << (64 + size.rest);
            for offset in numbers() {
                let page = size.page_at(offset).index();
                if page == u32::MAX {
                    continue;
                }
                let call = format!("(page {} {} {divisor})", offset >> size.twos, size.inverse);
                sample("size", &call, &format!("{page}"));
            }
        }
    }
}
