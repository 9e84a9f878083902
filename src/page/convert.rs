//! Ids as numbers of other widths: buffer ids, keys of tables, fields of descriptors.

use core::fmt;

use super::PageId;

/// A number does not fit: it is that of no page, or a page's number is too large for what it was to become.
///
/// ```
/// use pagesheaf::PageId;
///
/// let error = u16::try_from(PageId::new(70_000)).expect_err("too large");
/// assert_eq!(error.to_string(), "70000 is above 65535: build the pool with id_bits(16)");
/// let error = PageId::try_from(1_u64 << 32).expect_err("too large");
/// assert_eq!(error.to_string(), "4294967296 is above 4294967295, so it is the number of no page: use that of a page of the pool");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdError {
    /// The number.
    pub number: u64,
    /// The largest that fits.
    pub most: u64,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let IdError { number, most } = self;
        write!(f, "{number} is above {most}")?;
        if *most >= u32::MAX.into() {
            f.write_str(", so it is the number of no page: use that of a page of the pool")
        } else {
            write!(f, ": build the pool with id_bits({})", most.count_ones())
        }
    }
}

impl fmt::Debug for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdError({self})")
    }
}

impl core::error::Error for IdError {}

impl TryFrom<u64> for PageId {
    type Error = IdError;

    fn try_from(number: u64) -> Result<Self, IdError> {
        let id = u32::try_from(number).map_err(|_| IdError { number, most: u32::MAX.into() })?;
        Ok(PageId(id))
    }
}

impl TryFrom<usize> for PageId {
    type Error = IdError;

    fn try_from(number: usize) -> Result<Self, IdError> {
        PageId::try_from(number as u64)
    }
}

impl TryFrom<PageId> for u16 {
    type Error = IdError;

    fn try_from(id: PageId) -> Result<Self, IdError> {
        u16::try_from(id.0).map_err(|_| IdError { number: id.0.into(), most: u16::MAX.into() })
    }
}

impl From<PageId> for u64 {
    fn from(id: PageId) -> Self {
        id.0.into()
    }
}
