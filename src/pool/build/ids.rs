//! How large the numbers of pages may be.

use super::Builder;
use crate::mode::Mode;

impl<M: Mode> Builder<M> {
    /// The number of every page fits so many bits: a pool with more pages is not built. For pages whose numbers go
    /// through something narrower than 32 bits, which is what there is if nothing is said: buffer ids of io_uring have
    /// 16. `u16::try_from(id)` then never fails.
    ///
    /// ```
    /// # use pagesheaf::{BuildError, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1 << 16).page_size(64).id_bits(16).build()?;
    /// let page = pool.alloc()?;
    /// let buffer = u16::try_from(page.id()).expect("16 bits are enough");
    /// assert_eq!(pagesheaf::PageId::new(buffer.into()), page.id());
    /// let error = Pool::builder(70_000).id_bits(16).build().expect_err("numbers up to 69,999");
    /// assert_eq!(error, BuildError::TooManyPages { pages: 70_000, most: 1 << 16 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn id_bits(mut self, bits: u32) -> Self {
        self.id_bits = bits;
        self
    }

    /// The most pages whose numbers fit.
    pub(super) const fn most_pages(&self) -> u32 {
        if self.id_bits < u32::BITS { 1 << self.id_bits } else { u32::MAX }
    }
}
