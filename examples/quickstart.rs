//! The README's code: a pool, one page, 64 pages in one call, and a close that says if any is missing.

use pagesheaf::{PageBatch, Pool};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::builder(1024).build()?; // 1,024 buffers of 4 KiB
    let mut page = pool.alloc()?; // one: use it as a `&mut [u8]`
    page.fill(7);
    let mut batch = PageBatch::new();
    let got = pool.alloc_bulk(&mut batch, 64); // 64 in one call; a short result says why
    assert_eq!((got.allocated, got.reason), (64, None));
    batch.iter_mut().for_each(|page| page.fill(8));
    pool.free_bulk(&mut batch); // 64 back in one call
    drop(page); // dropping frees as well, on any thread
    println!("{pool}"); // its statistics too; one figure: `pool.audit().pages.out`
    Ok(pool.close()?) // drop pages and caches first: an error names what is still out
}
