//! Who is told of pages.

use core::mem::{MaybeUninit, forget};
use core::pin::pin;

use crate::depot::Stack;
use crate::inner::tests::build;
use crate::line::{Class, Sleeper};
use crate::mode::{Bare, Checked};
use crate::sync::{Ordering, fence_all_threads};
use crate::zone::Floor;

/// Wherever they are: in the zone, in a depot, or in a shared slot.
#[test]
fn who_waits_is_told_of_pages_and_of_nothing_else() {
    for place in 0..4 {
        let pool = build::<Bare>(|builder| builder.max_caches(0).shared_caches(1));
        let (core, tables) = (&*pool.core, &pool.core.magazines);
        let mut room = [MaybeUninit::uninit(); 100];
        let ids = pool.alloc_bulk_raw(&mut room).0.to_vec();
        assert_eq!((ids.len(), core.zone.free(), core.cached()), (100, 0, 0));
        match place {
            0 => {}
            1 => assert_eq!(core.zone.put(&ids[..1], |_| unreachable!("it is out")), 1),
            2 => {
                let empty = core.depots.first().pop::<Bare>(tables, Stack::Empty).expect("one");
                let mut open = tables.open::<Bare>(empty);
                open.as_mut().room(1).push_unchecked(&ids[..1]);
                let (some, len) = open.close::<Bare>(tables);
                core.depots.first().push(tables, some, len, Stack::Nonempty);
                assert!(core.depots.first().has(Stack::Nonempty));
            }
            // SAFETY: the page is out, and freed once.
            _ => assert_eq!(unsafe { pool.free_bulk_raw(&ids[..1]) }, Ok(())),
        }
        let before = core.line.event();
        core.see_to_waiters();
        assert_eq!(core.line.event(), before, "nobody waits");
        {
            let spot = pin!(core.spot(Class::Ordinary, Sleeper::Thread, 1));
            core.come_to_wait(&spot);
            core.see_to_waiters();
            assert_eq!(core.line.event() != before, place > 0, "{place}");
        }
        forget(pool);
    }
}

/// If it holds pages, and somebody waits.
#[test]
fn a_cache_that_goes_idle_is_told_of() {
    for (holds, waited_for) in [(true, true), (true, false), (false, true)] {
        let pool = build::<Bare>(|builder| builder.max_caches(1).shared_caches(0));
        let mut cache = pool.cache().expect("a cache");
        let core = &*pool.core;
        if holds {
            let ids = cache.alloc_bulk_raw(&mut [MaybeUninit::uninit(); 8]).0.to_vec();
            // SAFETY: pages that are out are freed once.
            assert_eq!(unsafe { cache.free_bulk_raw(&ids) }, Ok(()));
        }
        assert_eq!(core.slots[0].cached() > 0, holds);
        core.mark_slots();
        let before = core.line.event();
        {
            let spot = pin!(core.spot(Class::Ordinary, Sleeper::Thread, 1));
            if waited_for {
                core.come_to_wait(&spot);
            }
            core.see_idle(&core.slots[0]);
            assert_eq!(core.line.event() != before, holds && waited_for);
        }
        forget((cache, pool));
    }
}

/// All in one look, also what stealable caches hold; a cache that goes idle just now may hide some.
#[test]
fn a_look_takes_all_that_can_be_had() {
    for (between, holds) in [(false, true), (true, true), (true, false)] {
        let pool = build::<Bare>(|builder| builder.max_caches(2).shared_caches(0));
        let mut stealable = pool.cache_stealable().expect("a cache");
        let mut cache = pool.cache().expect("a cache");
        let core = &*pool.core;
        let mut room = [MaybeUninit::uninit(); 100];
        let ids = stealable.alloc_bulk_raw(&mut room).0.to_vec();
        // SAFETY: pages that are out are freed once, here and below.
        assert_eq!(unsafe { stealable.free_bulk_raw(&ids[..8]) }, Ok(()));
        if holds {
            // SAFETY: as above.
            assert_eq!(unsafe { cache.free_bulk_raw(&ids[8..10]) }, Ok(()));
        }
        if between {
            core.slots[1].requests.set_away();
        }
        assert_eq!(core.zone.put(&ids[10..15], |_| unreachable!("they are out")), 5);
        let looked = core.look_for_waiter(&mut room, Floor::None);
        // Where the system makes no fence, a stealable cache keeps what it has.
        let got = if fence_all_threads() { 13 } else { 5 };
        assert_eq!((looked.got, core.line.promised()), (got, got as u64));
        assert_eq!(looked.clean, !between || !holds);
        forget((stealable, cache, pool));
    }
}

#[test]
fn what_is_lost_or_withheld_can_never_be_had() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).low(20).critical_reserve(5));
    let had =
        || [Floor::None, Floor::Reserve, Floor::Low].map(|floor| pool.core.could_be_had(floor));
    assert_eq!(had(), [100, 95, 80]);
    pool.core.count_bad();
    pool.core.counters.lost.store(3, Ordering::Relaxed);
    assert_eq!(had(), [96, 91, 76]);
    forget(pool);
}
