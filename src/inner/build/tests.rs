//! How many magazines and depots a pool has, and where slots look first.

extern crate std;

use core::mem::MaybeUninit;
use std::vec::Vec;

use super::{Config, Core};
use crate::depot::Stack;
use crate::inner::tests::build;
use crate::magazine::Magazine;
use crate::mode::{Bare, Checked, Compact, Hardened, Mode, NoChecks};
use crate::page::{AtomicCount, AtomicMark, PageId, PageSize};
use crate::pool::{Builder, Pool};
use crate::region::{Hooks, Region};
use crate::sync::Ordering;
use crate::ticket::Fences;
use crate::zone::Marks;

/// A pool of five slots.
fn config(pages: u32, magazine: usize, depots: Option<usize>) -> Config {
    Config {
        pages,
        initially: None,
        page_size: PageSize::new(4096).expect("a size"),
        owned_slots: 3,
        shared_slots: 2,
        magazine,
        depots,
        colors: 1,
        panics: false,
        on_taint: None,
        on_pressure: None,
        marks: Marks::default(),
        poison_every: 1,
        poison_lazily: false,
        cpu_hint: None,
        hooks: Hooks::NONE,
        fences: Fences(&[]),
        faults: None,
        defer_wakes: false,
        quarantine: None,
        zeroed: false,
    }
}

#[test]
fn a_pool_has_two_magazines_for_each_slot_and_the_depots() {
    let config = |pages, magazine| config(pages, magazine, None);
    assert_eq!(config(1, 1).slots(), 5);
    assert_eq!(config(1000, 8).magazines(), 10 + 125 + 5);
    assert_eq!(config(1001, 8).magazines(), 10 + 126 + 5);
    // The depots hold 65,536 pages at the most, and no more magazines than a word can name.
    assert_eq!(config(1 << 20, 256).magazines(), 10 + 256 + 5);
    assert_eq!(config(1 << 20, 1).magazines(), 0xffff);
}

#[test]
fn a_pool_has_a_depot_for_each_slot_or_16_magazines() {
    let depots = |pages, magazine| config(pages, magazine, None).depots();
    assert_eq!([depots(1, 1), depots(100, 16), depots(1000, 16), depots(2000, 16)], [1, 1, 4, 8]);
    assert_eq!(depots(1 << 20, 256), 8);
    assert_eq!(config(1, 1, Some(32)).depots(), 32);
}

#[test]
fn magazines_are_shared_out_evenly() {
    let pool = build::<Bare>(|builder| builder.max_caches(3).shared_caches(1).depots(4));
    let core = &*pool.core;
    let counts = core.depots.iter().map(|depot| {
        let pop = || depot.pop::<Bare>(&core.magazines, Stack::Empty);
        core::iter::from_fn(pop).map(Magazine::into_number).count()
    });
    let counts: Vec<_> = counts.collect();
    // Of 25, of which eight are in slots.
    assert_eq!(counts, [4, 4, 4, 5]);
    core::mem::forget(pool);
}

/// Neighbouring caches have depots of their own, and go to another only when theirs has no room.
#[test]
fn a_cache_flushes_to_its_own_depot_first() {
    let pool = build::<Bare>(|builder| builder.max_caches(2).shared_caches(0).depots(2));
    let core = &*pool.core;
    let mut caches = [(); 2].map(|()| pool.cache().expect("a slot"));
    let mut room = [[MaybeUninit::uninit(); 50]; 2];
    let mut has = |at: usize| {
        let (ids, short) = caches[at].alloc_bulk_raw(&mut room[at]);
        assert_eq!((ids.len(), short), (50, None));
        // SAFETY: pages that are out are freed once.
        assert_eq!(unsafe { caches[at].free_bulk_raw(ids) }, Ok(()));
        let stocked = core.depots.iter().map(|depot| depot.top(Stack::Nonempty) != 0);
        stocked.collect::<Vec<_>>()
    };
    // The second to come takes what the first has flushed, and flushes it at home.
    assert_eq!([has(1), has(0)], [[false, true], [true, false]]);
    core::mem::forget((caches, pool));
}

/// All that the tables of a new pool say.
fn tables<M: Mode>(core: &Core<M>) -> Vec<Vec<u64>> {
    let magazines = &core.magazines;
    let places = magazines.count() * magazines.capacity().next_power_of_two() as u32;
    let numbers = || 0..magazines.count();
    std::vec![
        core.words.iter().map(|word| word.load().0.into()).collect(),
        core.marks.iter().map(AtomicMark::bits).map(u64::from).collect(),
        core.counts.iter().map(AtomicCount::load).map(u64::from).collect(),
        core.poisoned.iter().map(|word| word.load(Ordering::Relaxed)).collect(),
        (0..core.pages).map(|index| core.zone.holds(PageId::new(index)).into()).collect(),
        std::vec![core.zone.free() as u64, core.zone.count() as u64],
        numbers().map(|number| magazines.len(number).into()).collect(),
        numbers().map(|number| magazines.link(number).off_stack().below().into()).collect(),
        (0..places).map(|place| magazines.get(place).index().into()).collect(),
    ]
}

/// The heap's memory is zeroed and not written, the caller's is written whatever it was.
fn a_pool_is_the_same_in_any_memory<M: Mode>() {
    let builder = || -> Builder<M> {
        let region = Region::addresses(4096, 5000 * 256);
        let builder = Pool::builder(5000).page_size(256).mode::<M>().region(region);
        builder.max_caches(3).shared_caches(1)
    };
    let Ok(zeroed) = builder().build() else { return };
    let layout = builder().metadata_layout().expect("a legal pool");
    // SAFETY: the layout has a size.
    let block = unsafe { std::alloc::alloc(layout) };
    assert!(!block.is_null());
    // SAFETY: the block has this size.
    unsafe { block.write_bytes(0xff, layout.size()) };
    // SAFETY: as above; it is initialised, and never freed.
    let metadata = unsafe { core::slice::from_raw_parts_mut(block.cast(), layout.size()) };
    let base = core::ptr::without_provenance_mut(4096);
    // SAFETY: the pages are never touched.
    let written = unsafe { builder().build_in(base, metadata) }.expect("a pool");
    assert_eq!(tables(&*zeroed.core), tables(&*written.core));
}

#[test]
fn a_pool_is_the_same_in_any_memory_in_each_kind_of_mode() {
    a_pool_is_the_same_in_any_memory::<Bare>();
    a_pool_is_the_same_in_any_memory::<NoChecks>();
    a_pool_is_the_same_in_any_memory::<Checked>();
    a_pool_is_the_same_in_any_memory::<Compact>();
    a_pool_is_the_same_in_any_memory::<Hardened>();
}
