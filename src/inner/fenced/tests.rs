//! Magazines of pages that wait, whose words lie: what is withheld or out of reach is counted so.

extern crate std;

use core::mem::{MaybeUninit, forget};
use std::vec::Vec;

use super::*;
use crate::inner::tests::build;
use crate::magazine::Link;
use crate::mode::Checked;
use crate::pool::Pool;

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
    for number in [0, 1] {
        fence(&pool, number, &take(&pool, 8));
        // A magazine on no stack.
        pool.core.magazines.set_link(&newest(&pool, number), Link::NONE);
        assert_eq!(pool.core.reap_fence(number), 0);
        let cuts = number as u64 + 1;
        assert_eq!((pool.core.fenced.cuts(), pool.core.cuts()), (cuts, cuts));
        assert!(pool.is_tainted());
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
