//! Those who always take part: the modes of the allocator, floors, and recyclers as drivers write them.

mod drivers;
mod floor;
mod lent;
mod memory;
mod modes;
mod poison;
mod waiting;

pub use drivers::{DriverFifo, DriverLifo};
pub use floor::CopyFloor;
pub use lent::{Lent, LentBatch, LentInTwo};
pub use memory::{Memory, PAGE};
pub use modes::{Modal, Raw, Sampled, Single, Stealable};
pub use poison::PoisonFloor;
pub use waiting::Waiting;

#[cfg(test)]
mod tests {
    use pagesheaf::{Bare, Checked, Hardened};

    use super::*;
    use crate::contender::{Bulk, Contender, Order, Setup, TOUCHED};

    const SETUP: Setup = Setup { pages: 4096, touched: true, colour: 8, order: Order::Scattered };

    /// Pages go out by one hand and come back by the other, more often than there are pages.
    fn goes_round<C: Contender>(touched: bool) {
        let (mut own, mut other) = C::pair(&SETUP).expect("a pair");
        let (mut left, mut right) = (C::bulk::<64>(), C::bulk::<64>());
        for round in 0..200 {
            let (here, there) =
                if round % 2 == 0 { (&mut own, &mut other) } else { (&mut other, &mut own) };
            assert_eq!(here.alloc(&mut left, 64), 64);
            assert_eq!(here.alloc(&mut right, 37), 37);
            if touched {
                here.touch(&mut left, 64);
            }
            left.exchange(63, &mut right, 0);
            there.free(&mut right, 37);
            there.free(&mut left, 64);
        }
    }

    #[test]
    fn modes_go_round() {
        goes_round::<Modal<Bare>>(true);
        goes_round::<Modal<Checked>>(true);
        goes_round::<Modal<Hardened>>(true);
        goes_round::<Stealable<Checked>>(true);
        goes_round::<Sampled<Hardened, 16>>(true);
        goes_round::<Raw<Checked>>(false);
        goes_round::<Single<Checked>>(true);
    }

    #[test]
    fn a_pool_that_runs_dry_says_so() {
        let setup = Setup { pages: 100, ..SETUP };
        let (mut own, _other) = Modal::<Bare>::pair(&setup).expect("a pair");
        let (mut left, mut right) = (Modal::<Bare>::bulk::<64>(), Modal::<Bare>::bulk::<64>());
        assert_eq!(own.alloc(&mut left, 64) + own.alloc(&mut right, 64), 100);
    }

    /// The floor looks at every page, and a page comes back that was written when it was freed.
    #[test]
    fn the_floor_of_poison_sees_a_write_to_a_free_page() {
        let (mut own, _other) = PoisonFloor::<1>::pair(&SETUP).expect("a pair");
        let mut bulk = PoisonFloor::<1>::bulk::<64>();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..200 {
            assert_eq!(own.alloc(&mut bulk, 64), 64);
            seen.extend(bulk.first(64).iter().copied());
            own.free(&mut bulk, 64);
        }
        assert_eq!(seen.len(), SETUP.pages, "each was new once");
        own.spoil(bulk.first(64)[63]);
        let looks = std::panic::AssertUnwindSafe(|| {
            (0..32).for_each(|_| {
                assert_eq!(own.alloc(&mut bulk, 64), 64);
                own.free(&mut bulk, 64);
            });
        });
        assert!(std::panic::catch_unwind(looks).is_err(), "nobody looked");
    }

    /// The floor of sampled hardening poisons one page in so many, and notes who has each.
    #[test]
    fn the_floor_of_claims_samples_and_claims() {
        let (mut own, _other) = PoisonFloor::<16>::pair(&SETUP).expect("a pair");
        let mut bulk = PoisonFloor::<16>::bulk::<64>();
        let mut poisoned = 0;
        for _ in 0..200 {
            assert_eq!(own.alloc(&mut bulk, 64), 64);
            let ids = bulk.first(64).to_vec();
            own.free(&mut bulk, 64);
            poisoned += ids.iter().filter(|&&id| own.is_poisoned(id)).count();
        }
        let expected = 200 * 64 / 16;
        assert!((expected * 3 / 4..expected * 5 / 4).contains(&poisoned), "{poisoned}");
        let twice = std::panic::AssertUnwindSafe(|| own.free(&mut bulk, 64));
        assert!(std::panic::catch_unwind(twice).is_err(), "nobody noticed");
    }

    /// What a driver has out is distinct, and its count of one is what lets a page be taken again.
    #[test]
    fn drivers_recycle() {
        fn distinct<C: Contender<Bulk<64> = crate::contender::Items<u32, 64>>>() {
            let (mut own, _other) = C::pair(&SETUP).expect("a pair");
            let mut bulks: Vec<_> = (0..10).map(|_| C::bulk::<64>()).collect();
            for _ in 0..100 {
                bulks.iter_mut().for_each(|bulk| assert_eq!(own.alloc::<64>(bulk, 50), 50));
                let mut ids: Vec<_> = bulks.iter_mut().flat_map(|bulk| bulk.first(50)).collect();
                ids.sort_unstable();
                assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
                bulks.iter_mut().for_each(|bulk| own.free::<64>(bulk, 50));
            }
        }
        distinct::<DriverLifo>();
        distinct::<DriverFifo>();
    }

    /// Written are the first bytes past each page's headroom, which differs from page to page, and no others.
    #[test]
    fn a_touch_is_past_the_colour() {
        let (mut own, _other) = Modal::<Checked>::pair(&SETUP).expect("a pair");
        let mut bulk = Modal::<Checked>::bulk::<64>();
        assert_eq!(own.alloc(&mut bulk, 64), 64);
        own.touch(&mut bulk, 64);
        let mut seen = [0; 8];
        // The first page is filled with its place, which is zero.
        for at in 1..64 {
            let headroom = bulk.headroom(at).expect("a page");
            let written: Vec<_> = (0..PAGE).filter(|&byte| bulk[at][byte] != 0).collect();
            assert_eq!(written, (headroom..headroom + TOUCHED).collect::<Vec<_>>());
            seen[headroom / TOUCHED] += 1;
        }
        assert!(seen.iter().all(|pages| (7..=8).contains(pages)), "{seen:?}");
    }
}
