//! What a device is told of pools that have addresses only, which need `std` to be built by themselves.
#![cfg(feature = "std")]

use super::devices::back;
use crate::common::*;

/// No memory of this process lies here.
const NOWHERE: usize = 0x1000_0000_0000;

fn a_pool_of_addresses_lends_what_it_has<M: Mode>() {
    let region = Region::addresses(NOWHERE, 100 * 256);
    let pool = build::<M>(100, |builder| builder.region(region));
    let mut cache = pool.cache().expect("a cache");
    let offsets: Vec<_> = cache.lend_new(70).collect();
    let id = pool.id_at_offset(offsets[0]).expect("a page");
    assert_eq!(pool.address(id), Some(NOWHERE + offsets[0] as usize));
    let mut batch = PageBatch::<M>::new();
    // SAFETY: it is refused: there are no bytes to own; here and below.
    let error =
        unsafe { cache.reclaim_at(offsets.iter().copied(), &mut batch) }.expect_err("no bytes");
    assert_eq!((error.page, error.fault, error.count), (id, Fault::AddressOnly, 1));
    // SAFETY: as above.
    let error = unsafe { cache.reclaim(id) }.expect_err("no bytes");
    assert_eq!((error.page, error.fault), (id, Fault::AddressOnly));
    assert_eq!(pool.audit().pages.lent, 70);
    if M::CHECKS {
        // SAFETY: there is no device.
        assert_eq!(unsafe { pool.reclaim_all() }, Some(70));
    } else {
        back(&pool, offsets);
    }
    assert_eq!((pool.audit().pages.lent, out(&pool)), (0, 0));
    assert_adds_up(&pool);
}

/// Pools of addresses are as large as they say, and need no memory.
#[test]
fn a_large_region_has_parts_of_a_gibibyte() {
    const GIB: usize = 1 << 30;
    let parts = |base: usize, bytes: usize, page: usize| {
        let region = Region::addresses(base, bytes);
        let pool = build::<Bare>(bytes / page, |builder| builder.page_size(page).region(region));
        assert_eq!(
            pool.region().map(|all| (all.addr().get(), all.len())),
            (base > 0).then_some((base, bytes))
        );
        let parts: Vec<_> =
            pool.regions().map(|part| (part.addr().get() - base, part.len())).collect();
        assert_eq!(pool.regions().len(), parts.len());
        parts
    };
    let page = 1 << 20;
    assert_eq!(parts(GIB, GIB, page), [(0, GIB)]);
    assert_eq!(parts(GIB, GIB + page, page), [(0, GIB), (GIB, page)]);
    assert_eq!(parts(NOWHERE, 3 * GIB - page, page), [(0, GIB), (GIB, GIB), (2 * GIB, GIB - page)]);
    assert_eq!(parts(4 * GIB, 4 * GIB, 2 * GIB), [(0, 2 * GIB), (2 * GIB, 2 * GIB)]);
    assert_eq!(parts(0, GIB, page), []);
}

every_mode!(a_pool_of_addresses_lends_what_it_has);
