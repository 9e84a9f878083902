//! Who is told when pages come to a pool, and when they go.
//!
//! Invariant: a page is told of once when it comes, before anybody can have it, and once when it has gone; not when it
//! is allocated and freed.

use crate::page::PageId;

/// Neighbouring pages, and where they are: what [`Builder::on_init`](crate::Builder::on_init) and the other hooks are
/// told of.
///
/// ```
/// # use pagesheaf::{PageRange, Pool};
/// fn log(pages: &PageRange) {
///     println!("{} pages from {:p} on, the first of which is {}", pages.pages, pages.start, pages.first);
/// }
/// let builder = Pool::builder(100).on_init(log).on_retire(log);
/// # let _ = builder;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageRange {
    /// The first page.
    pub first: PageId,
    /// How many there are.
    pub pages: usize,
    /// Where the first one starts. In a pool of addresses this is its address, and may not be dereferenced.
    pub start: *mut u8,
    /// How many bytes all of them have.
    pub bytes: usize,
}

impl PageRange {
    /// Each of the pages, by itself.
    ///
    /// ```
    /// # use pagesheaf::{PageRange, Pool};
    /// /// Registers each page by itself, as some devices want it.
    /// fn register(pages: &PageRange) {
    ///     for page in pages.each() {
    ///         println!("{}: {} bytes at {:p}", page.first, page.bytes, page.start);
    ///     }
    /// }
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(4).on_init(register).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn each(&self) -> impl Iterator<Item = PageRange> + use<> {
        let PageRange { first, pages, start, bytes } = *self;
        let size = bytes.checked_div(pages).unwrap_or(0);
        (0..pages).map(move |at| PageRange {
            first: PageId::new(first.index() + at as u32),
            pages: 1,
            start: start.wrapping_add(at * size),
            bytes: size,
        })
    }
}

/// What is called of a pool's pages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hooks {
    pub(crate) region: Option<fn(&PageRange)>,
    pub(crate) region_end: Option<fn(&PageRange)>,
    pub(crate) init: Option<fn(&PageRange)>,
    pub(crate) retire: Option<fn(&PageRange)>,
}

impl Hooks {
    /// What is told of memory that it may have registered with a device, if anything is.
    pub(crate) fn told_of_memory(&self) -> Option<&'static str> {
        match (self.region, self.init) {
            (Some(_), _) => Some("an on_region hook"),
            (None, Some(_)) => Some("an on_init hook"),
            (None, None) => None,
        }
    }

    /// None.
    pub(crate) const NONE: Hooks =
        Hooks { region: None, region_end: None, init: None, retire: None };
}

#[cfg(test)]
mod tests {
    use core::ptr::without_provenance_mut;

    use super::*;

    #[test]
    fn each_page_of_a_range_has_its_number_and_its_place() {
        let start = without_provenance_mut(1 << 20);
        let range = PageRange { first: PageId::new(3), pages: 4, start, bytes: 4 * 256 };
        let pages = range.each().map(|page| (page.first.index(), page.start.addr(), page.bytes));
        assert!(pages.eq((0..4).map(|at| (3 + at as u32, (1 << 20) + at * 256, 256))));
        assert!(range.each().all(|page| page.pages == 1));
    }

    #[test]
    fn the_first_hook_that_is_told_of_memory_is_named() {
        let hook: Option<fn(&PageRange)> = Some(|_| ());
        let told = |region, init| Hooks { region, init, ..Hooks::NONE }.told_of_memory();
        assert_eq!(told(hook, None), Some("an on_region hook"));
        assert_eq!(told(hook, hook), Some("an on_region hook"));
        assert_eq!((told(None, hook), told(None, None)), (Some("an on_init hook"), None));
    }
}
