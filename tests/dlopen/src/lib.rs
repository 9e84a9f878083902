//! A library with a pool, for a program that loads it at run time.

use pagesheaf::{BulkAlloc, Checked, PageBatch, Pool};

/// Builds a pool.
#[unsafe(no_mangle)]
pub extern "C" fn pool_open() -> *mut Pool<Checked> {
    let pool = Pool::builder(1024).mode::<Checked>().shared_caches(4).build().expect("a pool");
    Box::into_raw(Box::new(pool))
}

/// Allocates, frees and drops pages, through the pool. Returns how many pages it got.
///
/// # Safety
/// `pool` came from [`pool_open`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pool_touch(pool: *const Pool<Checked>) -> usize {
    // SAFETY: the pool is never closed.
    let pool = unsafe { &*pool };
    let mut batch = PageBatch::<Checked, 32>::empty();
    let BulkAlloc { allocated, .. } = pool.alloc_bulk(&mut batch, 32);
    batch.iter_mut().for_each(|page| page[0] = 1);
    pool.free_bulk(&mut batch);
    let page = pool.alloc();
    let one = usize::from(page.is_ok());
    drop(page);
    allocated + one
}

/// Allocates pages, which [`pool_drop`] drops, on any thread.
///
/// # Safety
/// `pool` came from [`pool_open`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pool_take(pool: *const Pool<Checked>) -> *mut PageBatch<Checked, 32> {
    let mut batch = Box::new(PageBatch::empty());
    // SAFETY: the pool is never closed.
    assert_eq!(unsafe { &*pool }.alloc_bulk(&mut batch, 32).allocated, 32);
    Box::into_raw(batch)
}

/// Drops pages where they lie; the few bytes that named them are leaked. Returns how many pages there were.
///
/// # Safety
/// `batch` came from [`pool_take`], and is dropped once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pool_drop(batch: *mut PageBatch<Checked, 32>) -> usize {
    // SAFETY: the caller gives it up.
    let pages = unsafe { (*batch).len() };
    // SAFETY: as above.
    unsafe { batch.drop_in_place() };
    pages
}
