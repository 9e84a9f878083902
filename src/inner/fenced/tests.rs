//! Magazines of pages that wait, whose words lie: what is withheld or out of reach is counted so.

extern crate std;

use core::mem::{MaybeUninit, forget};
use std::vec::Vec;

use super::*;
use crate::error::TaintReason;
use crate::inner::Step;
use crate::inner::tests::build;
use crate::magazine::Link;
use crate::mode::{Bare, Checked, Compact};
use crate::pool::Pool;
use crate::sync::{Atomic, Ordering};

/// Nothing that waits for it comes free.
struct Never;

impl Fence for Never {
    fn passed(&self, _: u64) -> bool {
        false
    }
}

/// A pool of 100 pages with magazines of 8, and two fences.
fn pool<M: Mode>() -> Pool<M> {
    build(|builder| builder.max_caches(1).shared_caches(0).fences(&[&Never, &Never]))
}

fn take<M: Mode>(pool: &Pool<M>, n: usize) -> Vec<PageId> {
    pool.alloc_bulk_raw(&mut [const { MaybeUninit::uninit() }; 100][..n]).0.to_vec()
}

/// Gives up pages with a ticket.
fn fence<M: Mode>(pool: &Pool<M>, number: usize, ids: &[PageId]) {
    let core = &*pool.core;
    let room = core.room_for_fenced(number, ids.len()).expect("magazines");
    let mut faults = Faults::default();
    // SAFETY: they are out, this call's, and addresses only.
    let done = core.fence_pages(room, 1, unsafe { GivenUp::new(ids) }, &mut faults);
    assert_eq!((done, faults.count), (ids.len(), 0));
}

/// The newest magazine of a fence, of which the test has a second value.
fn newest<M: Mode>(pool: &Pool<M>, number: usize) -> Magazine {
    let queue = pool.core.fenced.queues().nth(number).expect("a queue");
    // SAFETY: nobody uses it while the test does.
    unsafe { Magazine::from_number(queue.top(NEW)) }
}

#[test]
fn each_queue_that_is_cut_off_is_counted() {
    let pool = pool::<Checked>();
    assert_eq!((pool.core.fenced.cuts(), pool.is_tainted()), (0, false));
    assert!(pool.taint().is_none());
    for number in [0, 1] {
        fence(&pool, number, &take(&pool, 8));
        // A magazine on no stack.
        pool.core.magazines.set_link(&newest(&pool, number), Link::NONE);
        assert_eq!(pool.core.reap_fence(number), 0);
        let cuts = number as u64 + 1;
        assert_eq!((pool.core.fenced.cuts(), pool.core.cuts()), (cuts, cuts));
        let taint = pool.taint().expect("it is tainted");
        assert_eq!((taint.reason, taint.page, taint.call), (TaintReason::Metadata, None, None));
    }
    forget(pool);
}

/// Its link notes a page less than it has: the last one may be out by now, so it counts as bad, and no longer waits.
#[test]
fn a_page_that_is_withheld_while_it_waits_is_out_no_longer() {
    let pool = pool::<Checked>();
    let ids = take(&pool, 6);
    fence(&pool, 0, &ids[..4]);
    let (core, tables) = (&*pool.core, &pool.core.magazines);
    let some = core.fenced.pop_with_room::<Checked>(tables, 0, NEW).expect("it was put there");
    assert!(tables.ids_of(some.number()).eq(ids[..4].iter().copied()));
    core.fenced.push(tables, 0, some, (NEW, 3));
    fence(&pool, 0, &ids[4..]);
    let pages = pool.audit().pages;
    assert!(pages.adds_up(), "{pages}");
    assert_eq!((pages.fenced, pages.bad, pages.out, pages.free), (5, 1, 0, 94), "{pages}");
    forget(pool);
}

/// Pages of which some are bad: those stay out, and what was there waits as before.
#[test]
fn a_bad_page_does_not_wait_for_a_ticket() {
    let pool = pool::<Checked>();
    let core = &*pool.core;
    let ids = take(&pool, 20);
    let empty = || core.depots.iter().filter(|it| it.has(Stack::Empty)).count();
    let give = |number, ids: &[PageId], ticket| {
        let room = core.room_for_fenced(number, ids.len()).expect("magazines");
        let mut faults = Faults::default();
        // SAFETY: they are out, this call's, and addresses only.
        let done = core.fence_pages(room, ticket, unsafe { GivenUp::new(ids) }, &mut faults);
        (done, faults.count, faults.positions()[0])
    };
    let bad = [ids[5], ids[7], ids[19]];
    bad.iter().for_each(|&id| core.lend(id).expect("it is out"));
    core.count_lent(3);
    // The ticket of what was given up last.
    let ticket = |number| {
        let queue = core.fenced.queues().nth(number).expect("a queue");
        core.fenced.noted(queue.top(NEW)).map(|noted| (noted.ticket, noted.pages))
    };
    // Of the second fence nothing waits.
    let before = empty();
    assert_eq!(give(1, &ids[19..], 9), (0, 1, 1));
    assert_eq!((ticket(1), empty()), (None, before));
    assert_eq!(give(0, &ids[..4], 5), (4, 0, 0));
    assert_eq!(ticket(0), Some((5, 4)));
    // Nothing is added: the ticket is what it was.
    assert_eq!(give(0, &ids[5..6], 9), (0, 1, 1));
    assert_eq!((ticket(0), core.fenced.pages()), (Some((5, 4)), 4));
    assert_eq!(give(0, &ids[4..10], 9), (4, 2, 0b1010));
    assert_eq!((ticket(0), core.fenced.pages()), (Some((9, 8)), 8));
    assert_eq!(give(0, &ids[10..19], 9), (9, 0, 0));
    let pages = pool.audit().pages;
    assert!(pages.adds_up(), "{pages}");
    assert_eq!((pages.fenced, pages.out, pages.lent), (17, 0, 3), "{pages}");
    for (at, &id) in ids.iter().enumerate() {
        assert_eq!(core.is_fenced(id), ![5, 7, 19].contains(&at), "{at}");
    }
    forget(pool);
}

#[test]
fn a_note_of_no_fence_is_none() {
    let pool = pool::<Checked>();
    let note = |fence: u32| {
        pool.core.fenced.notes[1].store(fence << 16 | 3, Ordering::Relaxed);
        pool.core.fenced.noted(1).map(|noted| (noted.fence, noted.pages))
    };
    assert_eq!([0, 1, 2, 3, 4].map(note), [None, Some((0, 3)), Some((1, 3)), None, None]);
    forget(pool);
}

#[test]
fn there_is_room_for_as_many_pages_as_are_given_up_and_no_more() {
    let pool = pool::<Checked>();
    let count = |room: RoomForFenced| {
        let pop = || room.hand.pop::<Checked>(&pool.core.magazines, Stack::Empty);
        core::iter::from_fn(pop).map(Magazine::into_number).count()
    };
    for (pages, magazines) in [(0, 0), (1, 1), (8, 1), (9, 2)] {
        let room = pool.core.room_for_fenced(0, pages).expect("magazines");
        assert_eq!(count(room), magazines, "{pages}");
    }
    forget(pool);
}

/// Where words say it, and where only the magazines do.
fn a_page_is_fenced_as_long_as_it_waits<M: Mode>() {
    let pool = pool::<M>();
    let ids = take(&pool, 20);
    fence(&pool, 0, &ids[..3]);
    fence(&pool, 1, &ids[9..12]);
    let is_fenced = |at: &usize| pool.core.is_fenced(ids[*at]);
    assert!((0..20).filter(is_fenced).eq([0, 1, 2, 9, 10, 11]));
    assert!(!pool.core.is_fenced(PageId::new(99)));
    forget(pool);
}

#[test]
fn a_page_is_fenced_as_long_as_it_waits_in_every_kind_of_mode() {
    a_page_is_fenced_as_long_as_it_waits::<Bare>();
    a_page_is_fenced_as_long_as_it_waits::<Checked>();
    a_page_is_fenced_as_long_as_it_waits::<Compact>();
}

/// If there is no empty magazine, the pages of another go to the zone.
#[test]
fn room_is_made_by_a_magazine_of_free_pages() {
    let pool = pool::<Checked>();
    let ids = take(&pool, 30);
    let mut cache = pool.cache().expect("a cache");
    // SAFETY: pages that are out are freed once.
    assert_eq!(unsafe { cache.free_bulk_raw(&ids[6..]) }, Ok(()));
    let core = &*pool.core;
    let mut others = Vec::new();
    let pop = || core.depots.pop::<Checked>(&core.magazines, Stack::Empty);
    others.extend(core::iter::from_fn(pop).map(Magazine::into_number));
    let free = core.zone.free();
    fence(&pool, 0, &ids[..6]);
    assert_eq!((core.zone.free(), core.fenced.pages()), (free + 8, 6));
    assert!(ids[..6].iter().all(|&id| core.is_fenced(id)));
    assert!(pool.audit().pages.adds_up());
    forget((cache, pool));
}

/// Passes once it is told to.
struct Later(Atomic<u32>);

impl Fence for Later {
    fn passed(&self, _: u64) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}

/// Else they would lie in a depot, where the reserve is not looked for.
#[test]
fn what_comes_free_fills_the_reserve_first() {
    static FENCE: Later = Later(Atomic::new(0));
    static FENCES: [&dyn Fence; 1] = [&FENCE];
    for (reserve, in_zone) in [(10, 8), (0, 0)] {
        FENCE.0.store(0, Ordering::Relaxed);
        let pool = build::<Checked>(|builder| {
            let builder = builder.max_caches(1).shared_caches(0).fences(&FENCES);
            builder.low(reserve).critical_reserve(reserve)
        });
        let core = &*pool.core;
        let mut room = [const { MaybeUninit::uninit() }; 100];
        assert_eq!(core.alloc_without_slot(&mut room, Step::first(Floor::None)).0, 100);
        // SAFETY: all were written.
        let ids = room.map(|id| unsafe { id.assume_init() });
        fence(&pool, 0, &ids[..8]);
        assert_eq!(core.reap_fence(0), 0);
        FENCE.0.store(1, Ordering::Relaxed);
        assert_eq!((core.reap_fence(0), core.fenced.pages()), (8, 0));
        assert_eq!((core.zone.free(), core.cached()), (in_zone, 8 - in_zone));
        let pages = pool.audit().pages;
        assert!(pages.adds_up() && pages.out == 92, "{pages}");
        forget(pool);
    }
}
