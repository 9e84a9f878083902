//! What a region says of being populated is what the system says of its memory.
#![cfg(all(feature = "std", target_os = "linux"))]

use pagesheaf::{Builder, Checked, Hardened, Mode, Pool, Region, RegionInfo};

const PAGES: usize = 100;

fn builder<M: Mode>() -> Builder<M> {
    Pool::builder(PAGES).mode::<M>()
}

/// How many pages of the system a region has in memory, of [`PAGES`].
fn resident(info: RegionInfo) -> usize {
    let mut resident = [0_u8; PAGES];
    let base = std::ptr::without_provenance_mut(info.base);
    // SAFETY: the range is mapped, and there is a byte for each page of it.
    assert_eq!(unsafe { libc::mincore(base, info.bytes, resident.as_mut_ptr()) }, 0);
    resident.iter().filter(|byte| *byte & 1 == 1).count()
}

#[test]
fn populated_pages_are_in_memory() {
    let region = Region::mapped().populate(true);
    let pool = builder::<Checked>().region(region).build().expect("a pool");
    let info = pool.region_info();
    assert!(info.populated && info.to_string().contains(", populated"), "{info}");
    assert_eq!(resident(info), PAGES);
    let pool = builder::<Checked>().build().expect("a pool");
    assert_eq!((pool.region_info().populated, resident(pool.region_info())), (false, 0));
}

#[test]
fn locked_pages_are_in_memory() {
    let pool = match builder::<Checked>().region(Region::mapped().lock(true)).build() {
        Ok(pool) => pool,
        Err(error) => return println!("skipped: {error}"),
    };
    let info = pool.region_info();
    assert!(info.locked && info.populated && info.to_string().contains(", populated"), "{info}");
    assert_eq!(resident(info), PAGES);
}

#[test]
fn poisoned_pages_are_in_memory_unless_lazy() {
    let pool = builder::<Hardened>().build().expect("a pool");
    let info = pool.region_info();
    assert_eq!((info.populated, info.poisoned_pages, resident(info)), (true, 100, PAGES));
    let pool = builder::<Hardened>().poison_lazily(true).build().expect("a pool");
    let info = pool.region_info();
    assert_eq!((info.populated, info.poisoned_pages, resident(info)), (false, 0, 0));
    // A page that is freed is poisoned, and that touches it.
    drop(pool.alloc().expect("a page"));
    assert_eq!(resident(pool.region_info()), 1);
    let pool = builder::<Hardened>().poison_every(10).build().expect("a pool");
    let info = pool.region_info();
    assert_eq!((info.populated, resident(info)), (false, info.poisoned_pages as usize));
}
