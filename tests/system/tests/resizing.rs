//! The memory of pages that are offline need not be there: no call touches it.
#![cfg(all(feature = "std", target_os = "linux"))]

use std::ptr::NonNull;

use pagesheaf::{Bare, Checked, Compact, Hardened, Mode, Page, PageId, Pool, Region};

const PAGES: usize = 64;
const BYTES: usize = 4096;

/// Addresses of so many pages, whose memory comes and goes.
struct Addresses(NonNull<u8>);

impl Addresses {
    fn new() -> Self {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping, wherever the system likes.
        let base = unsafe {
            libc::mmap(std::ptr::null_mut(), PAGES * BYTES, libc::PROT_NONE, flags, -1, 0)
        };
        assert_ne!(base, libc::MAP_FAILED);
        Addresses(NonNull::new(base.cast()).expect("not null"))
    }

    /// Gives these pages memory, or takes it away: whoever touches them then is killed.
    fn protect(&self, pages: std::ops::Range<usize>, protection: i32) {
        let start = self.0.as_ptr().wrapping_add(pages.start * BYTES);
        // SAFETY: inside the mapping, and in none of these pages is anything that is used.
        let done = unsafe { libc::mprotect(start.cast(), pages.len() * BYTES, protection) };
        assert_eq!(done, 0);
    }

    fn come(&self, pages: std::ops::Range<usize>) {
        self.protect(pages, libc::PROT_READ | libc::PROT_WRITE);
    }

    fn go(&self, pages: std::ops::Range<usize>) {
        self.protect(pages, libc::PROT_NONE);
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        // SAFETY: the mapping, which nobody uses any more.
        unsafe { libc::munmap(self.0.as_ptr().cast(), PAGES * BYTES) };
    }
}

/// Allocates, writes and frees all pages that can be had, and reads every report.
fn use_all<M: Mode>(pool: &Pool<M>, online: usize) {
    let mut pages: Vec<Page<M>> = std::iter::from_fn(|| pool.alloc().ok()).collect();
    assert_eq!(pages.len(), online);
    pages.iter_mut().for_each(|page| page.fill(7));
    drop(pages);
    pool.drain();
    let audit = pool.audit();
    assert!(audit.pages.adds_up() && audit.misplaced.unwrap_or(0) == 0, "{audit}");
    assert_eq!((audit.pages.offline as usize, audit.corrupt.unwrap_or(0)), (PAGES - online, 0));
    assert!(format!("{pool:#}").contains("offline"), "{pool:#}");
}

fn memory_comes_and_goes<M: Mode>() {
    let addresses = Addresses::new();
    addresses.come(0..16);
    // SAFETY: the pages that are online are mapped, zeroed, and the pool's alone until it is closed.
    let region = unsafe { Region::caller(addresses.0, PAGES * BYTES) };
    let builder = Pool::builder(PAGES).mode::<M>().region(region).initially(16);
    let pool = builder.build().expect("a pool");
    use_all(&pool, 16);
    assert_eq!(pool.offline(4..12).expect("they are free").count(), 8);
    addresses.go(4..12);
    use_all(&pool, 8);
    addresses.come(8..40);
    for range in [8..12, 16..40] {
        // SAFETY: the pages are mapped, zeroed or as the pool left them, and nobody else's.
        assert_eq!(unsafe { pool.online(range) }, Ok(()));
    }
    use_all(&pool, 36);
    assert_eq!(pool.offline(0..64).expect("they are free").count(), 36);
    addresses.go(0..64);
    assert!(pool.alloc().is_err() && pool.is_offline(PageId::new(0)));
    pool.close().expect("no page is out");
}

#[test]
fn no_call_touches_the_memory_of_offline_pages() {
    memory_comes_and_goes::<Bare>();
    memory_comes_and_goes::<Checked>();
    memory_comes_and_goes::<Compact>();
    memory_comes_and_goes::<Hardened>();
}
