//! Several pools as one set, whose mask changes while calls use it.

use std::sync::Arc;

use loom_tests::{Cell, every_mode, race};
use pagesheaf::{Mode, NodeBatch, NodeMask, NodeSet, Pool, SharedNodeMask, ShortReason};

use crate::common::{is_whole, pool};

/// A set of pools of a page each, and the pools.
fn set<M: Mode, const NODES: usize>() -> (NodeSet<M, NODES>, [Pool<M>; NODES]) {
    let pools = [(); NODES].map(|()| pool::<M>(1, 1, 0, 1));
    (NodeSet::new(pools.clone()).expect("pools alike"), pools)
}

every_mode! {
    /// The mask moves from one node to the other beside a call that wants a page of each. It gets
    /// that of the mask that it found; both, if it saw the mask move; and never one of a node that
    /// was outside all along.
    all, Composite, at least 10;
    fn a_mask_that_moves_is_seen_whole<M: Mode>() {
        let (set, pools) = set::<M, 2>();
        let mask = Arc::new(SharedNodeMask::new(NodeMask::of(0)));
        let other = Arc::clone(&mask);
        let mut batch = NodeBatch::<M, 2, 2>::empty();
        let (before, bulk) = race(
            move || other.set(NodeMask::of(1)),
            || set.alloc_bulk_masked(&mut batch, 2, &mask),
        );
        assert_eq!(before, NodeMask::of(0));
        let lens = [batch.of(0).len(), batch.of(1).len()];
        assert!(matches!((lens, bulk.reason), ([1, 1], None)
            | ([1, 0] | [0, 1], Some(ShortReason::NodeMask))), "{lens:?}, {bulk:?}");
        // Nobody can have the old mask any more.
        assert_eq!(set.alloc_masked(&mask).is_ok(), lens[1] == 0);
        drop((batch, set));
        pools.iter().for_each(is_whole);
    }
}

every_mode! {
    /// Pages go home while their node is taken out of the mask, and another call looks for pages.
    all, Composite, at least 20;
    fn a_mask_that_moves_stops_no_free<M: Mode>() {
        let (set, pools) = set::<M, 2>();
        let mask = Arc::new(SharedNodeMask::new(NodeMask::ALL));
        let mut batch = NodeBatch::<M, 2, 2>::empty();
        assert_eq!(set.alloc_bulk_masked(&mut batch, 2, &mask).allocated, 2);
        let (set, other) = (Arc::new(set), Arc::clone(&mask));
        let its = Arc::clone(&set);
        let ((), page) = race(
            move || {
                other.set(NodeMask::of(1));
                its.free_bulk(&mut batch);
            },
            || set.alloc_masked(&mask).ok(),
        );
        if let Some(page) = &page {
            assert!(set.node_of(page).is_some());
        }
        drop(page);
        assert_eq!(set.alloc_masked(&mask).map(|page| set.node_of(&page)), Ok(Some(1)));
        drop(set);
        pools.iter().for_each(is_whole);
    }
}

every_mode! {
    /// The mask moves from nodes 0 and 2 to nodes 1 and 2, beside a call that wants two pages and finds
    /// them with either: it has those of one mask, and not the first of both.
    one, Composite, at least 5;
    fn a_mask_that_moves_is_not_mixed<M: Mode>() {
        let (set, pools) = set::<M, 3>();
        let mask = Arc::new(SharedNodeMask::new(NodeMask::of(0) | NodeMask::of(2)));
        let other = Arc::clone(&mask);
        let mut batch = NodeBatch::<M, 2, 3>::empty();
        let (_, bulk) = race(
            move || other.set(NodeMask::of(1) | NodeMask::of(2)),
            || set.alloc_bulk_masked(&mut batch, 2, &mask),
        );
        let lens = [0, 1, 2].map(|node| batch.of(node).len());
        assert_eq!((bulk.allocated, bulk.reason), (2, None));
        assert!(matches!(lens, [1, 0, 1] | [0, 1, 1]), "{lens:?}");
        drop((batch, set));
        pools.iter().for_each(is_whole);
    }
}

every_mode! {
    /// Whoever finds a mask finds what its setter had done before.
    any, Exhaustive, at least 2;
    fn a_mask_says_what_came_before<M: Mode>() {
        let mask = Arc::new(SharedNodeMask::new(NodeMask::of(0)));
        let built = Arc::new(Cell::default());
        let (its, node) = (Arc::clone(&mask), Arc::clone(&built));
        race(
            move || {
                node.bump();
                its.set(NodeMask::of(1));
            },
            || {
                if mask.get() == NodeMask::of(1) {
                    assert_eq!(built.get(), 1);
                }
            },
        );
    }
}
