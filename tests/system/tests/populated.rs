//! A populated region is in memory before anybody touches it, as the system sees it.
#![cfg(all(feature = "std", target_os = "linux"))]

use pagesheaf::{Checked, Pool, Region};

#[test]
fn populated_pages_are_in_memory() {
    let builder = Pool::builder(100).mode::<Checked>().region(Region::mapped().populate(true));
    let pool: Pool<Checked> = builder.build().expect("a pool");
    let info = pool.region_info();
    assert!(info.populated && info.to_string().contains(", populated"), "{info}");
    let mut resident = [0_u8; 100];
    let base = std::ptr::without_provenance_mut(info.base);
    // SAFETY: the range is mapped, and there is a byte for each page of it.
    assert_eq!(unsafe { libc::mincore(base, info.bytes, resident.as_mut_ptr()) }, 0);
    assert!(resident.iter().all(|byte| byte & 1 == 1));
}
