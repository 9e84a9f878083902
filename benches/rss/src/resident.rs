//! What the system has in memory of a pool.

use pagesheaf::{Mode, PageBatch, Pages, Pool};

/// KiB that the system has in memory of a pool's region.
pub fn resident<M: Mode>(pool: &Pool<M>) -> f64 {
    // SAFETY: it is asked for a number.
    let system = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
    let info = pool.region_info();
    let start = info.base / system * system;
    let bytes = info.base + info.bytes - start;
    let mut pages = vec![0_u8; bytes.div_ceil(system)];
    let base = std::ptr::without_provenance_mut(start);
    // SAFETY: the range is mapped, and there is a byte for each page of it.
    assert_eq!(unsafe { libc::mincore(base, bytes, pages.as_mut_ptr()) }, 0);
    let resident = pages.iter().filter(|page| **page & 1 == 1).count();
    (resident * system / 1024) as f64
}

/// Where the pages are.
pub fn pages<M: Mode>(pool: &Pool<M>) -> Pages {
    pool.stats().map_or_else(|| pool.audit().pages, |stats| stats.pages)
}

/// The most pages that were out or cached at once, at the moments that were noted.
#[derive(Default)]
pub struct Peak(u64);

impl Peak {
    pub fn note<M: Mode>(&mut self, pool: &Pool<M>) {
        let pages = pages(pool);
        self.0 = self.0.max(pages.out + pages.cached);
    }

    /// What may be resident then, with so many more pages, in KiB of pages of 4 KiB.
    pub fn bound(&self, more: u64) -> f64 {
        1.25 * 4.0 * (self.0 + more) as f64
    }
}

/// Writes to each page of a batch.
pub fn touch<M: Mode, const N: usize>(batch: &mut PageBatch<M, N>) {
    batch.iter_mut().for_each(|page| page[0] = 1);
}
