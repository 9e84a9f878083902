//! The pages of a pool, which are there from the first call on.

use std::sync::OnceLock;

use pagesheaf::{Block, Order, Page, Region, ShortReason};

use crate::caches;

/// The size of a page is a multiple of this.
const UNIT: usize = 64;
/// So many bytes can a buffer be over.
const MOST: usize = u32::MAX as usize;

/// So many pages of one size, once somebody asks for one.
#[derive(Debug)]
pub struct Pages {
    limit: usize,
    bytes: usize,
    pool: OnceLock<Option<pagesheaf::Pool>>,
}

impl Pages {
    /// A page has `bytes`, or up to a unit more.
    pub(crate) const fn new(limit: usize, bytes: usize) -> Self {
        Pages { limit, bytes, pool: OnceLock::new() }
    }

    /// `None` if there are to be none, or the system does not give the memory.
    pub(crate) fn pool(&self) -> Option<&pagesheaf::Pool> {
        let pool = self.pool.get_or_init(|| {
            if self.page_size() > MOST {
                return None;
            }
            // Memory is there when it is touched, and goes back by `maintain`.
            let region = Region::mapped().purge(true);
            let builder = pagesheaf::Pool::builder(self.limit).page_size(self.page_size());
            builder.region(region).build().ok()
        });
        pool.as_ref()
    }

    /// A page that holds so many bytes, if there is one.
    pub(crate) fn alloc(&'static self, bytes: usize) -> Option<Page> {
        if bytes > self.page_size() {
            return None;
        }
        match caches::with(self, |cache| cache.alloc()) {
            Some(Ok(page)) => Some(page),
            None => self.pool()?.alloc().ok(),
            // Others have some, and may sleep.
            Some(Err(ShortReason::Cached)) => {
                let pool = self.pool()?;
                pool.steal_idle();
                pool.alloc().ok()
            }
            Some(Err(_)) => None,
        }
    }

    /// Neighbouring pages that hold so many bytes, if that takes more than one, and there are some.
    pub(crate) fn alloc_block(&self, bytes: usize) -> Option<Block> {
        let order = Order::for_bytes(bytes, self.page_size())?;
        let is_buffer = (2..=MOST / self.page_size()).contains(&order.pages());
        self.pool().filter(|_| is_buffer)?.alloc_block(order).ok()
    }

    /// Gives back a page.
    pub(crate) fn free(&'static self, page: Page) {
        // Without a cache it is dropped, which frees it, too.
        caches::with(self, |cache| cache.free(page));
    }

    fn page_size(&self) -> usize {
        self.bytes.max(1).checked_next_multiple_of(UNIT).unwrap_or(usize::MAX)
    }
}
