//! Which pages have their turn.

extern crate std;

use core::mem::{MaybeUninit, forget};

use super::*;
use crate::mode::Hardened;
use crate::pool::Pool;

#[test]
fn a_number_below_an_end_is_any_of_those() {
    for end in [1, 2, 7, 1 << 40] {
        let mut random = 1;
        let numbers: std::vec::Vec<_> = (0..200).map(|_| below(&mut random, end)).collect();
        let (least, most) =
            (*numbers.iter().min().expect("some"), *numbers.iter().max().expect("some"));
        assert!(least <= end / 8 && most < end && most >= end - 1 - end / 8, "{least} {most}");
    }
    assert!((0..20).all(|random| gap(&mut { random }, 1) == 0));
}

/// Of a new pool, of pages that come through a slot, and of those that come through none.
#[test]
fn one_page_in_so_many_is_poisoned() {
    let marked = |pool: &Pool<Hardened>| {
        (0..1000).filter(|&id| pool.core.has_poison_mark(PageId::new(id))).count()
    };
    for (every, range) in [(1, 1000..=1000), (8, 80..=180)] {
        let builder = Pool::builder(1000).page_size(64).mode::<Hardened>().poison_every(every);
        let Ok(pool) = builder.max_caches(1).shared_caches(0).build() else { return };
        assert!(range.contains(&marked(&pool)));
        let mut cache = pool.cache().expect("a cache");
        for through_a_slot in [true, false] {
            let mut room = [MaybeUninit::uninit(); 1000];
            let ids = cache.alloc_bulk_raw(&mut room).0.to_vec();
            assert_eq!((ids.len(), marked(&pool)), (1000, 0));
            for ids in ids.chunks(10) {
                if through_a_slot {
                    // SAFETY: pages that are out are freed once, here and below.
                    assert_eq!(unsafe { cache.free_bulk_raw(ids) }, Ok(()));
                } else {
                    // SAFETY: as above.
                    assert_eq!(unsafe { pool.free_bulk_raw(ids) }, Ok(()));
                }
            }
            assert!(range.contains(&marked(&pool)), "{} {every}", marked(&pool));
        }
        forget((cache, pool));
    }
}
