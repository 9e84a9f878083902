//! What filling an array did.

use super::{BulkAlloc, ShortReason};

/// What a call did that fills the vacant slots of an array: [`Cache::fill_vacant`](crate::Cache::fill_vacant) and
/// [`alloc_blocks_bulk`](crate::Cache::alloc_blocks_bulk).
///
/// What is there is told apart from what is new: a full array is populated, though nothing was allocated, and that is
/// no reason to wait.
///
/// ```
/// # use pagesheaf::{Page, Pool, ShortReason};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(4).build()?;
/// let mut pages: [Option<Page>; 6] = [const { None }; 6];
/// pages[2] = Some(pool.alloc()?);
/// let filled = pool.fill_vacant(&mut pages);
/// assert_eq!((filled.allocated, filled.populated), (3, 4), "slots 0, 1 and 3 are new");
/// assert_eq!(filled.reason, Some(ShortReason::Exhausted));
/// let filled = pool.fill_vacant(&mut pages[..4]);
/// assert_eq!((filled.allocated, filled.populated, filled.reason), (0, 4, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "filling an array may leave slots vacant"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filled {
    /// How many slots this call filled.
    pub allocated: usize,
    /// How many slots from the array's start are populated, up to the first vacant one, whoever filled them. As many as
    /// the array has, if and only if `reason` is `None`.
    pub populated: usize,
    /// Why it stopped early; `None` when no slot is vacant.
    pub reason: Option<ShortReason>,
}

impl Filled {
    /// An array in which a call has filled so many slots.
    pub(crate) fn of<T>(
        array: &[Option<T>],
        allocated: usize,
        reason: Option<ShortReason>,
    ) -> Self {
        let populated = array.iter().position(Option::is_none).unwrap_or(array.len());
        Filled { allocated, populated, reason }
    }
}

impl From<Filled> for BulkAlloc {
    /// What is new, and why no more.
    fn from(filled: Filled) -> Self {
        BulkAlloc { allocated: filled.allocated, reason: filled.reason }
    }
}
