//! What a builder makes of what it is told, and of what it is not told, up to the limits.

extern crate std;

use super::plan::{SLOTS_MAX, usual_slots};
use super::*;
use crate::depot::DEPOTS_MAX;
use crate::depot::fenced::FENCES_MAX;
use crate::inner::Config;
use crate::magazine::MAGAZINE_MAX;
use crate::mode::{Bare, Hardened, ModeFlags};
use crate::ticket::Fence;

impl<M: Mode> Builder<M> {
    fn config(&self) -> Result<Config, BuildError> {
        self.config_of(self.pages, self.usual_slots())
    }
}

fn builder() -> Builder {
    Pool::builder(1000)
}

/// What is wrong with a request, if anything.
fn wrong(builder: Builder) -> Option<BuildError> {
    builder.config().err()
}

#[test]
fn what_is_said_is_what_is_built() {
    let said = || {
        let builder = builder().page_size(512).max_caches(3).shared_caches(2);
        builder.magazine_capacity(7).cache_color(5)
    };
    let config = said().on_bad_page(OnBadPage::Panic).config().expect("legal");
    assert_eq!((config.pages, config.page_size.bytes()), (1000, 512));
    assert_eq!((config.owned_slots, config.shared_slots), (3, 2));
    assert_eq!((config.magazine, config.colors, config.panics), (7, 5, true));
    assert!(!said().config().expect("legal").panics);
}

#[test]
fn what_is_not_said_depends_on_the_machine() {
    let config = builder().config().expect("legal");
    assert_eq!((config.page_size.bytes(), config.colors, config.panics), (4096, 1, false));
    assert_eq!((config.owned_slots, config.shared_slots), usual_slots(crate::heap::parallelism()));
    for (processors, slots) in
        [(1, (8, 2)), (4, (8, 4)), (5, (10, 5)), (64, (128, 64)), (65, (130, 64))]
    {
        assert_eq!(usual_slots(processors), slots);
    }
}

#[test]
fn all_caches_together_hold_half_of_a_small_pool() {
    for (pages, magazine) in
        [(1, 1), (39, 1), (40, 2), (319, 15), (320, 16), (1000, 48), (5119, 240), (1 << 20, 256)]
    {
        let builder = Pool::builder(pages).max_caches(3).shared_caches(2);
        assert_eq!(builder.config().expect("legal").magazine, magazine);
    }
}

#[test]
fn a_magazine_of_large_pages_holds_a_mebibyte_or_a_line_of_ids() {
    for (page_size, magazine) in [
        (64, 256),
        (4096, 256),
        (4160, 240),
        (8192, 128),
        (9216, 112),
        (65_536, 16),
        (1 << 21, 16),
        (1 << 30, 16),
    ] {
        let builder = Pool::builder(1 << 20).page_size(page_size).max_caches(3).shared_caches(2);
        assert_eq!(builder.config().expect("legal").magazine, magazine, "{page_size}");
        let builder = builder.magazine_capacity(100);
        assert_eq!(builder.config().expect("legal").magazine, 100);
    }
    assert_eq!(wrong(builder().page_size(0)), Some(BuildError::PageSize { bytes: 0 }));
}

#[test]
fn limits_are_legal_and_what_is_beyond_them_is_not() {
    assert_eq!(wrong(builder().max_caches(SLOTS_MAX).shared_caches(0)), None);
    assert_eq!(wrong(builder().max_caches(0).shared_caches(1)), None);
    let slots = SLOTS_MAX + 1;
    let error = Some(BuildError::MaxCaches { slots });
    assert_eq!(wrong(builder().max_caches(SLOTS_MAX).shared_caches(1)), error);
    assert_eq!(SLOTS_MAX, 16_384);
    assert_eq!(wrong(builder().magazine_capacity(MAGAZINE_MAX)), None);
    assert_eq!(
        wrong(builder().magazine_capacity(257)),
        Some(BuildError::MagazineCapacity { ids: 257 })
    );
    assert_eq!(wrong(builder().page_size(64)), None);
    assert_eq!(wrong(builder().page_size(32)), Some(BuildError::PageSize { bytes: 32 }));
    assert_eq!(wrong(builder().page_size(256).cache_color(4)), None);
    let error = Some(BuildError::CacheColor { lines: 5, most: 4 });
    assert_eq!(wrong(builder().page_size(256).cache_color(5)), error);
}

/// So that they hold no more than half of the pages together.
#[test]
fn a_small_pool_has_few_shared_slots() {
    for (pages, magazine, caches, slots) in
        [(100, 50, 3, 0), (100, 50, 0, 1), (399, 100, 3, 0), (400, 100, 3, 1), (800, 100, 3, 2)]
    {
        let builder = Pool::builder(pages).max_caches(caches).magazine_capacity(magazine);
        let config = builder.config().expect("legal");
        assert_eq!(config.shared_slots, slots, "{pages} pages, {magazine} a magazine");
    }
}

#[test]
fn a_report_says_what_is_unusual_and_only_that() {
    let said =
        |builder: Builder| std::string::ToString::to_string(&builder.report().expect("legal"));
    let slots = || builder().max_caches(3).shared_caches(1);
    let (usual, marked) = (said(slots()), said(slots().low(20).critical_reserve(5)));
    assert!(!usual.contains("online") && !usual.contains(" stay"), "{usual}");
    assert!(marked.contains("; 20 stay, of which 5 are for critical calls ["), "{marked}");
    let few = said(slots().initially(500));
    assert!(few.contains("\n500 of them are online at first\n"), "{few}");
}

/// What lies at a limit, and what lies beyond it.
#[test]
fn options_are_legal_up_to_their_limits() {
    struct Done;
    impl Fence for Done {
        fn passed(&self, _: u64) -> bool {
            true
        }
    }
    static MANY: [&dyn Fence; FENCES_MAX + 1] = [&Done; FENCES_MAX + 1];
    let initially = |pages| wrong(builder().initially(pages));
    assert_eq!((initially(1000), initially(0)), (None, None));
    let capacity = 1000;
    assert_eq!(initially(1001), Some(BuildError::Initially { pages: 1001, capacity }));
    let marks = |low, reserve| wrong(builder().low(low).critical_reserve(reserve));
    assert_eq!([marks(999, 0), marks(5, 5), marks(0, 0), wrong(builder().low(1))], [None; 4]);
    for (low, reserve) in [(1000, 0), (1001, 1), (4, 5)] {
        assert_eq!(marks(low, reserve), Some(BuildError::Watermarks { low, reserve, capacity }));
    }
    assert_eq!(wrong(Pool::builder(1).low(0)), None);
    let depots = |depots| wrong(builder().depots(depots));
    assert_eq!([depots(1), depots(DEPOTS_MAX)], [None; 2]);
    for n in [0, 3, 2 * DEPOTS_MAX] {
        assert_eq!(depots(n), Some(BuildError::Depots { depots: n, most: DEPOTS_MAX }));
    }
    assert_eq!(wrong(builder().fences(&MANY[1..])), None);
    let error = BuildError::Fences { fences: FENCES_MAX + 1, most: FENCES_MAX };
    assert_eq!(wrong(builder().fences(&MANY)), Some(error));
    let bits = |pages, bits| wrong(Pool::builder(pages).page_size(64).id_bits(bits));
    assert_eq!([bits(1024, 10), bits(1025, 11), bits(1025, 32)], [None; 3]);
    assert_eq!(bits(1025, 10), Some(BuildError::TooManyPages { pages: 1025, most: 1024 }));
}

#[test]
fn options_of_hardening_need_a_mode_that_has_it() {
    let hardened = || Pool::builder(1000).mode::<Hardened>();
    let poison = |pages| hardened().poison_every(pages).config().err();
    let mode = ModeFlags::of::<Hardened>();
    assert_eq!([poison(1), poison(100)], [None; 2]);
    assert_eq!(poison(0), Some(BuildError::PoisonEvery { pages: 0, mode }));
    assert!(hardened().poison_lazily(true).quarantine_length(5).config().is_ok());
    let bare = || Pool::builder(1000).mode::<Bare>();
    let mode = ModeFlags::of::<Bare>();
    assert_eq!(
        bare().poison_every(3).config().err(),
        Some(BuildError::PoisonEvery { pages: 3, mode })
    );
    assert_eq!(bare().poison_lazily(true).config().err(), Some(BuildError::PoisonLazily { mode }));
    assert!(bare().poison_lazily(false).config().is_ok());
    let error = BuildError::QuarantineLength { mode };
    assert_eq!(bare().quarantine_length(5).config().err(), Some(error));
}

#[test]
fn a_report_adds_up_what_caches_hold() {
    let report = |builder: Builder| builder.report().expect("legal");
    let slots = |caches| builder().max_caches(caches).shared_caches(1).magazine_capacity(32);
    let some = report(slots(4).low(8));
    assert_eq!((some.in_a_cache(), some.in_caches(), some.assured()), (64, 256, 1000 - 192 - 8));
    let many = report(slots(100));
    assert_eq!((many.in_caches(), many.assured()), (1000, 0), "they hold all");
    let few = report(slots(4).initially(200));
    assert_eq!((few.in_caches(), few.assured()), (200, 8));
}
