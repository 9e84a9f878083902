//! Pages that a device gives up, some of which are bad: each is told of by its place in the call.

extern crate std;

use core::mem::{MaybeUninit, forget};
use std::vec::Vec;

use crate::inner::tests::build;
use crate::mode::{Checked, Hardened, Mode};
use crate::page::{Fault, PageId};

/// A page that is free and whose word says that it is lent is taken back, and then not freed; one that is out is not
/// even taken back.
fn pages_are_told_of_by_their_places<M: Mode>() {
    let pool = build::<M>(|builder| builder.max_caches(1).shared_caches(0));
    let mut cache = pool.cache().expect("a cache");
    let mut room = [MaybeUninit::uninit(); 80];
    let ids = cache.alloc_bulk_raw(&mut room).0.to_vec();
    let core = &*pool.core;
    let (out, free, lent) = ([ids[0], ids[1], ids[2]], [ids[3], ids[4], ids[5]], &ids[6..]);
    for &id in lent {
        core.lend(id).expect("it is out");
    }
    core.count_lent(lent.len() + free.len());
    // SAFETY: pages that are out are freed once.
    assert_eq!(unsafe { cache.free_bulk_raw(&free) }, Ok(()));
    // As if a device had them.
    free.iter().for_each(|&id| core.word(id).lend::<M>(|| 1).unwrap_or_default());
    let mut given: Vec<PageId> = lent.to_vec();
    let bad = [out[0], free[0], out[1], free[1], out[2], free[2]];
    for (at, id) in [3, 7, 40, 50, 66, 70].into_iter().zip(bad) {
        given.insert(at, id);
    }
    let offsets = given.iter().map(|&id| pool.offset(id).expect("in range"));
    // SAFETY: the pages are addresses only.
    let error = unsafe { cache.free_lent(offsets) }.expect_err("some are bad");
    assert_eq!((error.page, error.position, error.count), (out[0], 3, 6));
    assert_eq!((error.done, error.fault), (74, Fault::NotLent));
    assert!(
        error.positions().eq([3, 7, 40, 50, 66, 70]),
        "{:?}",
        error.positions().collect::<Vec<_>>()
    );
    forget((cache, pool));
}

#[test]
fn bad_pages_of_a_device_are_told_of_by_their_places() {
    pages_are_told_of_by_their_places::<Checked>();
    pages_are_told_of_by_their_places::<Hardened>();
}
