//! Several pools as one set, whose mask changes while calls use it.

use std::sync::Arc;

use loom_tests::{Cell, Device, Owners, every_mode, race};
use pagesheaf::{
    Mode, NodeBatch, NodeMask, NodePolicy, NodeSet, PageId, Pool, SharedNodeMask, ShortReason,
};

use crate::common::{builder, is_whole, pool};

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

/// The mask moves from nodes 0 and 2 to nodes 1 and 2, beside a call that wants two pages and finds them with
/// either: it has those of one mask, and not the first of both.
fn two_pages_of_one_mask<M: Mode>(policy: NodePolicy) {
    let (set, pools) = set::<M, 3>();
    let set = set.policy(policy);
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

every_mode! {
    /// The mask moves beside a call that takes pages of the nearest node first.
    one, Composite, at least 5;
    fn a_mask_that_moves_is_not_mixed<M: Mode>() {
        two_pages_of_one_mask::<M>(NodePolicy::Preferred);
    }
}

every_mode! {
    /// The same, where the call takes pages of each node in turn.
    one, Composite, at least 5;
    fn a_mask_that_moves_is_not_mixed_in_turn<M: Mode>() {
        two_pages_of_one_mask::<M>(NodePolicy::Interleave);
    }
}

every_mode! {
    /// The mask moves away from the node to which calls are bound: the call has its page, or says why it
    /// has none, and never has one of another.
    all, Composite, at least 5;
    fn a_mask_that_moves_away_ends_a_bound_call<M: Mode>() {
        let (set, pools) = set::<M, 2>();
        let set = set.policy(NodePolicy::Bind);
        let mask = Arc::new(SharedNodeMask::new(NodeMask::of(0)));
        let other = Arc::clone(&mask);
        let mut batch = NodeBatch::<M, 2, 2>::empty();
        let (_, bulk) = race(
            move || other.set(NodeMask::of(1)),
            || set.alloc_bulk_masked(&mut batch, 2, &mask),
        );
        let lens = [batch.of(0).len(), batch.of(1).len()];
        assert!(matches!(lens, [1 | 0, 0]) && lens[0] == bulk.allocated, "{lens:?}, {bulk:?}");
        assert_eq!(bulk.reason, Some(ShortReason::NodeMask));
        assert_eq!(set.alloc_masked(&mask).err(), Some(ShortReason::NodeMask));
        drop((batch, set));
        pools.iter().for_each(is_whole);
    }
}

every_mode! {
    /// Pages of two nodes are given up with a ticket, while another call looks for pages: who gets one
    /// finds the device done with it, on either node.
    all, Composite, at least 20;
    fn fenced_pages_of_each_node_wait_for_their_ticket<M: Mode>() {
        let (device, fences) = Device::new();
        let pools = [(); 2].map(|()| {
            let pool = builder::<M>(1, 1, 0, 1).fences(fences).build();
            pool.expect("a small pool")
        });
        let set = Arc::new(NodeSet::<M, 2>::new(pools.clone()).expect("pools alike"));
        let mask = SharedNodeMask::new(NodeMask::ALL);
        let mut batch = NodeBatch::<M, 2, 2>::empty();
        assert_eq!(set.alloc_bulk_masked(&mut batch, 2, &mask).allocated, 2);
        let owners = Owners::new(2);
        let of = |node: usize| PageId::new(node as u32);
        [0, 1].map(of).into_iter().for_each(|node| owners.takes(node));
        let (its_owners, its_set) = (Arc::clone(&owners), Arc::clone(&set));
        let ((), page) = race(
            move || {
                its_set.free_bulk_after(&mut batch, 1).expect("a magazine is left on each node");
                [0, 1].map(of).into_iter().for_each(|node| its_owners.gives(node));
                device.pass(1);
            },
            || {
                let page = set.alloc_masked(&mask).ok();
                page.inspect(|page| owners.takes(of(set.node_of(page).expect("a node of the set"))))
            },
        );
        drop((page, set));
        pools.iter().for_each(|pool| {
            pool.reap_fences();
            is_whole(pool);
        });
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
