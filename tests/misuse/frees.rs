//! Frees of what must not be freed.

use super::suite::{Misuse, Scene, Verdict, said, when};
use crate::common::*;

const FREE: &str = "is already free: look for a second free";

misuses! {
    at_once, "double free, at once", |mode| when(mode.checks, FREE), |scene| {
        let id = scene.ids[0];
        scene.free(&[id]);
        scene.misfree(&[id], 0)
    }
    delayed, "double free, after another (A, B, A)", |mode| when(mode.checks, FREE), |scene| {
        let (a, b) = (scene.ids[0], scene.ids[1]);
        scene.free(&[a]);
        scene.free(&[b]);
        scene.misfree(&[a], 0)
    }
    within_one_call, "double free, within one call", |mode| when(mode.checks, FREE), |scene| {
        let (a, b) = (scene.ids[0], scene.ids[1]);
        scene.misfree(&[a, b, a], 2)
    }
    batch_then_single, "double free, in a batch and then alone", |mode| when(mode.checks, FREE), |scene| {
        let ids = scene.ids[..3].to_vec();
        scene.free(&ids);
        scene.misfree(&ids[1..2], 0)
    }
    on_another_thread, "double free, on another thread", |mode| when(mode.checks, FREE), |scene| {
        let id = scene.ids[0];
        scene.free(&[id]);
        std::thread::scope(|threads| {
            threads.spawn(|| scene.misfree(&[id], 0)).join().expect("no panic")
        })
    }
    of_a_page_in_a_cache, "free of a page that lies in another thread's cache", |mode| when(mode.checks, FREE), |scene| {
        let ids = scene.ids[..2].to_vec();
        scene.free(&ids);
        assert_eq!(scene.pool.stats().map_or(0, |stats| stats.calls.depot_flushes), 0);
        scene.misfree(&ids[1..], 0)
    }
    of_a_page_in_the_depot, "free of a page that lies in the depot", |mode| when(mode.checks, FREE), |scene| {
        let id = scene.free_into_the_depot();
        scene.misfree(&[id], 0)
    }
    of_a_page_in_the_zone, "free of a page that lies in the zone", |mode| when(mode.checks, FREE), |scene| {
        let ids = scene.ids[..30].to_vec();
        scene.free(&ids);
        scene.pool.drain();
        scene.one.drain();
        // Or what it frees would go to the zone, which has the page.
        scene.two.drain();
        assert_eq!(scene.pool.audit().pages.cached, 0);
        scene.misfree(&ids[7..8], 0)
    }
    never_allocated, "free of a page that was never allocated", |mode| when(mode.checks, FREE), |scene| {
        scene.misfree(&[PageId::new(99)], 0)
    }
    past_the_end, "free of a page past the end of the pool", |mode| when(mode.checks || mode.refcount, "is outside the pool: use only ids that this pool gave out"), |scene| {
        scene.misfree(&[PageId::new(100)], 0)
    }
    after_reuse, "double free, after somebody else was given the page", |_| when(false, ""), |scene| {
        let ids = scene.ids.clone();
        scene.free(&ids);
        let mut all = PageBatch::<M>::new();
        assert_eq!(scene.pool.alloc_bulk(&mut all, 90).allocated, 90);
        let id = *ids.iter().find(|id| all.ids().contains(id)).expect("it is out again");
        let said = scene.misfree(&[id], 0);
        // It has an owner who does not know.
        std::mem::forget(all);
        said
    }
    then_the_new_owner, "free by the new owner, after such a double free", |mode| when(mode.checks, FREE), |scene| {
        let id = scene.ids[0];
        scene.free(&[id]);
        let mut again = no_ids::<100>();
        let again = scene.one.alloc_bulk_raw(&mut again).0.to_vec();
        assert!(again.contains(&id));
        // SAFETY: not so: the page belongs to whoever allocated it last.
        assert_eq!(unsafe { scene.one.free_bulk_raw(&[id]) }, Ok(()));
        scene.misfree(&[id], 0)
    }
    to_another_pool, "free to another pool, where a page of this number is free", |mode| when(mode.checks, FREE), |scene| {
        let other = Scene::<M>::away();
        scene.bad = Some((scene.ids[0], 0));
        // SAFETY: not so: the page is another pool's.
        let said = said(unsafe { other.free_bulk_raw(&scene.ids[..1]) });
        std::mem::forget(other);
        said
    }
    to_another_pool_that_has_it_out, "free to another pool, where a page of this number is out", |_| when(false, ""), |scene| {
        let (other, id) = (Scene::<M>::away(), scene.ids[0]);
        assert!(other.alloc_bulk_raw(&mut no_ids::<100>()).0.contains(&id));
        // SAFETY: not so: the page is the scene's pool's.
        let said = said(unsafe { other.free_bulk_raw(&[id]) });
        // The page that the other pool has taken back is its own, which somebody uses.
        assert_eq!((out(&scene.pool), out(&other)), (40, 99));
        assert_eq!(other.alloc().map(Page::into_raw), Ok(id));
        // The page that was meant is out as before, and can be freed.
        scene.free(&[id]);
        assert_eq!(out(&scene.pool), 39);
        std::mem::forget(other);
        said
    }
    mixed_pools, "a raw call with pages of two pools", |mode| when(mode.checks, FREE), |scene| {
        let other = Scene::<M>::away();
        let mut out = no_ids::<2>();
        let theirs = other.alloc_bulk_raw(&mut out).0.to_vec();
        let ours = *scene.ids.iter().rev().find(|id| !theirs.contains(id)).expect("40 pages");
        scene.bad = Some((ours, 1));
        // SAFETY: not so: the second page is another pool's.
        let said = said(unsafe { other.free_bulk_raw(&[theirs[0], ours, theirs[1]]) });
        std::mem::forget(other);
        said
    }
    inside_a_block, "free of a page inside a block", |mode| when(mode.checks, "is part of a block of order 3: free all of the block in its own order, or split it first"), |scene| {
        let block = scene.one.alloc_block(Order::new(3).expect("legal")).expect("a block");
        let said = scene.misfree(&[PageId::new(block.id().index() + 5)], 0);
        std::mem::forget(block);
        said
    }
    start_of_a_block, "free of a block's first page alone", |mode| when(mode.checks, "is part of a block of order 2: free all of the block in its own order, or split it first"), |scene| {
        let block = scene.one.alloc_block(Order::new(2).expect("legal")).expect("a block");
        let said = scene.misfree(&[block.id()], 0);
        std::mem::forget(block);
        said
    }
    a_lent_page, "free of a page that is lent to a device", |mode| when(mode.checks, "is lent to a device: reclaim it first"), |scene| {
        let id = scene.one.alloc().expect("a page").lend();
        scene.misfree(&[id], 0)
    }
    reclaim_of_what_is_not_lent, "reclaim of a page that is not lent", |mode| when(mode.checks, "is not lent: reclaim only what was lent, and only once"), |scene| {
        let id = scene.ids[0];
        scene.bad = Some((id, 0));
        // SAFETY: not so: the page is not lent. Its second owner is forgotten.
        let reclaimed = unsafe { scene.pool.reclaim(id) };
        said(reclaimed.map(std::mem::forget))
    }
    racing, "double free, by two threads at the same time: one of them is told", racing_verdict, |scene| {
        (0..ROUNDS).fold(None, |_, _| {
            // Where nobody is told, nothing can be promised of the pool any more.
            std::mem::forget(std::mem::replace(scene, Scene::new()));
            scene.race()
        })
    }
}

every_claiming_mode!(racing);

/// How often two threads race.
const ROUNDS: usize = 500;

fn racing_verdict(mode: ModeFlags) -> Verdict {
    let claimed = mode.hardening & hardening::CLAIM != 0;
    if mode.checks && !claimed { Verdict::AtTimes(FREE) } else { when(claimed, FREE) }
}

impl<M: Mode> Scene<M> {
    /// Another pool of as many pages.
    fn away() -> Pool<M> {
        build::<M>(100, |builder| builder.magazine_capacity(4))
    }

    /// Two threads free a page at the same time. Returns what one of them was told; not both are.
    fn race(&mut self) -> Option<String> {
        let id = self.ids[0];
        self.bad = Some((id, 0));
        let start = std::sync::Barrier::new(2);
        let free = |cache: &mut Cache<M>| {
            start.wait();
            // SAFETY: not so: both threads free the page.
            said(unsafe { cache.free_bulk_raw(&[id]) })
        };
        let (one, two) = (&mut self.one, &mut self.two);
        let told = std::thread::scope(|threads| {
            let other = threads.spawn(|| free(two));
            [free(one), other.join().expect("no panic")]
        });
        let told: Vec<_> = told.into_iter().flatten().collect();
        let pages = self.pool.audit();
        assert!(pages.pages.adds_up(), "{pages}");
        match racing_verdict(self.pool.mode()) {
            Verdict::Detected(_) => assert_eq!(told.len(), 1),
            Verdict::AtTimes(_) => assert!(told.len() <= 1, "{told:?}"),
            _ => assert!(told.is_empty(), "{told:?}"),
        }
        if M::CHECKS {
            // If nobody was told, the page lies in two places, of which its word knows one; a byte knows none.
            let unknown = if M::COMPACT { 0 } else { 1 - told.len() as u64 };
            assert_eq!(pages.misplaced, Some(unknown), "{told:?}");
            assert!(told.iter().all(|said| *said == self.text(FREE)), "{told:?}");
        }
        told.into_iter().next()
    }
}
