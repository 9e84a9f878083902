//! Several pools as one set: which node pages come from, where they go home, and what the mask says of it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::common::*;

type Set<M> = NodeSet<M, 3>;
type Batch<M> = NodeBatch<M, 64, 3>;

/// A set of three nodes with so many pages each, and no pages in caches.
fn set<M: Mode>(pages: usize) -> Set<M> {
    let pool = || build::<M>(pages, |builder| builder.max_caches(1).shared_caches(0));
    NodeSet::new([pool(), pool(), pool()]).expect("three pools alike")
}

fn lens<M: Mode>(batch: &Batch<M>) -> [usize; 3] {
    [0, 1, 2].map(|node| batch.of(node).len())
}

fn all() -> SharedNodeMask {
    SharedNodeMask::new(NodeMask::ALL)
}

/// All pages are home.
fn assert_home<M: Mode>(set: Set<M>) {
    for node in 0..3 {
        let pool = set.pool(node).expect("a node");
        assert_adds_up(pool);
        assert_eq!(pool.audit().pages.out, 0, "of node {node}");
    }
}

fn the_nearest_node_comes_first<M: Mode>() {
    let set = set::<M>(20).here(|| 1).distance(1, 0, 30).distance(1, 2, 15);
    let mut batch = Batch::<M>::empty();
    let bulk = set.alloc_bulk_masked(&mut batch, 50, &all());
    assert_eq!((bulk.allocated, bulk.reason), (50, None));
    assert_eq!(lens(&batch), [10, 20, 20]);
    let bulk = set.alloc_bulk_masked(&mut batch, 20, &all());
    assert_eq!((bulk.allocated, bulk.reason), (10, Some(ShortReason::Exhausted)));
    assert_eq!(set.alloc_masked(&all()).err(), Some(ShortReason::Exhausted));
    set.free_bulk(&mut batch);
    assert!(batch.is_empty());
    let page = set.alloc_masked(&all()).expect("all are free");
    assert_eq!(set.node_of(&page), Some(1));
    drop(page);
    assert_home(set);
}

/// What one node does not have, and then another, the third gives.
fn an_interleaved_call_goes_on_where_pages_are_left<M: Mode>() {
    let pool = |pages| build::<M>(pages, |builder| builder.max_caches(1).shared_caches(0));
    let set = Set::<M>::new([pool(4), pool(18), pool(40)]).expect("pages alike");
    let set = set.policy(NodePolicy::Interleave);
    let mut batch = Batch::<M>::empty();
    let bulk = set.alloc_bulk_masked(&mut batch, 48, &all());
    assert_eq!((bulk.allocated, bulk.reason), (48, None));
    assert_eq!(lens(&batch), [4, 18, 26]);
    set.free_bulk(&mut batch);
    let stats = set.pool(2).and_then(Pool::stats);
    assert!(stats.is_none_or(|stats| stats.dropped == stats.uncached), "freed by the call");
    assert_home(set);
}

/// A part of a bulk call may be one page, and is still a part of a bulk call.
fn a_bulk_call_stops_at_the_low_mark_of_each_node<M: Mode>() {
    for policy in [NodePolicy::Preferred, NodePolicy::Interleave] {
        let pool = || build::<M>(20, |builder| builder.max_caches(1).shared_caches(0).low(8));
        let set = Set::<M>::new([pool(), pool(), pool()]).expect("alike").policy(policy);
        let mut batch = Batch::<M>::empty();
        let mut calls = 0;
        let last = loop {
            calls += 1;
            let bulk = set.alloc_bulk_masked(&mut batch, 3 + calls % 2, &all());
            if bulk.reason.is_some() {
                break bulk;
            }
        };
        assert_eq!(last.reason, Some(ShortReason::Watermark), "{policy:?}");
        assert_eq!(lens(&batch), [12, 12, 12], "{policy:?}");
        let one = set.alloc_masked(&all()).expect("a single page may go lower");
        drop(one);
        set.free_bulk(&mut batch);
        assert_home(set);
    }
}

/// A node outside the mask gives no page, whatever the others have.
fn no_page_comes_from_outside_the_mask<M: Mode>() {
    let mask = SharedNodeMask::new(NodeMask::of(0) | NodeMask::of(2));
    for policy in [NodePolicy::Preferred, NodePolicy::Interleave, NodePolicy::Bind] {
        let set = set::<M>(20).here(|| 1).policy(policy);
        let mut batch = Batch::<M>::empty();
        let bulk = set.alloc_bulk_masked(&mut batch, 60, &mask);
        let expected = if policy == NodePolicy::Bind { [0, 0, 0] } else { [20, 0, 20] };
        assert_eq!(lens(&batch), expected, "{policy:?}");
        assert_eq!(bulk.reason, Some(ShortReason::NodeMask), "{policy:?}");
        assert_eq!(set.alloc_masked(&mask).err(), Some(ShortReason::NodeMask), "{policy:?}");
        let none = SharedNodeMask::new(NodeMask::NONE);
        let bulk = set.alloc_bulk_masked(&mut batch, 1, &none);
        assert_eq!((bulk.allocated, bulk.reason), (0, Some(ShortReason::NodeMask)));
        assert_eq!(set.alloc_bulk_masked(&mut batch, 0, &none).reason, None);
        drop(batch);
        assert_home(set);
    }
}

fn a_bound_call_stays_at_its_node<M: Mode>() {
    let set = set::<M>(20).here(|| 2).policy(NodePolicy::Bind);
    let mut batch = Batch::<M>::empty();
    let bulk = set.alloc_bulk_masked(&mut batch, 30, &all());
    assert_eq!((bulk.allocated, bulk.reason), (20, Some(ShortReason::NodeMask)));
    assert_eq!(lens(&batch), [0, 0, 20]);
    drop(batch);
    assert_home(set);
}

/// What vmalloc lost when it went to bulk.
fn bulk_calls_are_interleaved<M: Mode>() {
    let set = set::<M>(64).policy(NodePolicy::Interleave);
    let mut batch = Batch::<M>::empty();
    for round in 1..=3 {
        assert_eq!(set.alloc_bulk_masked(&mut batch, 10, &all()).reason, None);
        assert_eq!(batch.len(), 10 * round);
    }
    assert_eq!(lens(&batch), [10, 10, 10], "each was the first once");
    for _ in 0..3 {
        assert_eq!(set.alloc_bulk_masked(&mut batch, 1, &all()).allocated, 1);
    }
    assert_eq!(lens(&batch), [11, 11, 11]);
    // What one does not have the others give.
    let mut taken = PageBatch::<M, 64>::empty();
    let pool = set.pool(1).expect("a node").clone();
    assert_eq!(pool.alloc_bulk(&mut taken, 64).allocated, 53);
    assert_eq!(set.alloc_bulk_masked(&mut batch, 30, &all()).reason, None);
    assert_eq!((batch.len(), batch.of(1).len()), (63, 11));
    if let Some(stats) = set.stats(0) {
        assert!(stats.interleaved >= 11 && stats.hit == stats.interleaved, "{stats:?}");
        let foreign = set.stats(1).expect("it collects").foreign;
        let misses = stats.miss + set.stats(2).expect("it collects").miss;
        assert_eq!(foreign, misses);
        assert_eq!(foreign, 10);
    }
    // The others give it evenly, and it is told of the one that was short, whichever comes first.
    assert_eq!(lens(&batch), [26, 11, 26]);
    for first in 1..=3 {
        assert_eq!(set.alloc_bulk_masked(&mut batch, 12, &all()).reason, None);
        assert_eq!(lens(&batch), [26 + 6 * first, 11, 26 + 6 * first]);
        let foreign = [0, 1, 2].map(|node| set.stats(node).map(|stats| stats.foreign));
        assert_eq!(
            foreign.map(|it| it.unwrap_or(0)),
            match M::STATS {
                true => [0, 10 + 4 * first as u64, 0],
                false => [0; 3],
            }
        );
    }
    drop((batch, taken, pool));
    assert_home(set);
}

fn statistics_are_those_of_numastat<M: Mode>() {
    let set = set::<M>(20);
    let mut batch = Batch::<M>::empty();
    assert_eq!(set.alloc_bulk_masked(&mut batch, 25, &all()).allocated, 25);
    let stats = [0, 1, 2].map(|node| set.stats(node));
    if set.pool(0).expect("a node").stats().is_none() {
        assert_eq!(stats, [None; 3]);
        return;
    }
    let [first, second, third] = stats.map(|stats| stats.expect("it collects"));
    assert_eq!((first.hit, first.miss, first.foreign, first.interleaved), (20, 0, 5, 0));
    assert_eq!((second.hit, second.miss, second.foreign), (0, 5, 0));
    assert_eq!(third, NodeStats::default());
    assert_eq!(set.stats(3), None);
}

/// Where the part of a node is full, the next one gives the rest.
fn a_full_part_leaves_the_rest_to_the_next_node<M: Mode>() {
    let set = set::<M>(100);
    let mut batch = Batch::<M>::empty();
    let bulk = set.alloc_bulk_masked(&mut batch, 80, &all());
    assert_eq!((bulk.allocated, bulk.reason, lens(&batch)), (80, None, [64, 16, 0]));
    let bulk = set.alloc_bulk_masked(&mut batch, 200, &all());
    assert_eq!((bulk.allocated, bulk.reason), (112, Some(ShortReason::BatchFull)));
    drop(batch);
    assert_home(set);
}

/// A mask that changes while a call is in the middle of a try: the try keeps to the one that it found, and there is
/// one more with the new one.
fn a_mask_that_changes_is_tried_once_more<M: Mode>() {
    static MASK: SharedNodeMask = SharedNodeMask::new(NodeMask::NONE);
    static CHANGES: AtomicUsize = AtomicUsize::new(0);
    // Called in the middle of each try, behind the look at the mask.
    fn change() -> usize {
        if CHANGES.fetch_add(1, Ordering::Relaxed) == 0 {
            MASK.set(NodeMask::of(1));
        }
        0
    }
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    CHANGES.store(0, Ordering::Relaxed);
    MASK.set(NodeMask::of(0));
    let set = set::<M>(20).here(change);
    let mut batch = Batch::<M>::empty();
    let bulk = set.alloc_bulk_masked(&mut batch, 30, &MASK);
    assert_eq!((bulk.allocated, bulk.reason), (30, None));
    assert_eq!((lens(&batch), CHANGES.load(Ordering::Relaxed)), ([20, 10, 0], 2));
    // Enough in the first try: the old mask was right.
    batch.clear();
    CHANGES.store(0, Ordering::Relaxed);
    MASK.set(NodeMask::of(2));
    assert_eq!(set.alloc_bulk_masked(&mut batch, 20, &MASK).reason, None);
    assert_eq!((lens(&batch), CHANGES.load(Ordering::Relaxed)), ([0, 0, 20], 1));
    // A change to the same mask is a change.
    let before = MASK.set(NodeMask::of(1));
    assert_eq!((before, MASK.get()), (NodeMask::of(1), NodeMask::of(1)));
    drop(batch);
    assert_home(set);
}

/// The reproducer of the kernel's: allocate in a loop while somebody changes the mask. Nobody fails who should not.
fn a_mask_that_changes_all_the_time_fails_nobody<M: Mode>() {
    let set = set::<M>(64);
    let (mask, over) = (all(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..often(20_000) {
                mask.set(NodeMask::of(round % 3));
            }
            over.store(true, Ordering::Relaxed);
        });
        let mut batch = Batch::<M>::empty();
        while !over.load(Ordering::Relaxed) {
            // Each node has as many.
            let bulk = set.alloc_bulk_masked(&mut batch, 64, &mask);
            assert_eq!((bulk.allocated, bulk.reason), (64, None));
            assert_eq!(lens(&batch).iter().filter(|len| **len > 0).count(), 1);
            set.free_bulk(&mut batch);
        }
    });
    assert_home(set);
}

/// Pages go home whatever the mask says by then, and whoever drops them.
fn pages_go_home_in_bulk<M: Mode>() {
    let set = set::<M>(30);
    let mask = all();
    let mut batch = Batch::<M>::empty();
    assert_eq!(set.alloc_bulk_masked(&mut batch, 70, &mask).allocated, 70);
    mask.set(NodeMask::NONE);
    let page = batch.pop().expect("there are many");
    assert_eq!(set.node_of(&page), Some(0));
    let mut third = std::mem::take(batch.of_mut(2));
    set.pool(0).expect("a node").free_bulk(&mut third);
    set.free_bulk(&mut batch);
    drop(page);
    assert_home(set);
    let foreign = pool::<M>(4);
    let page = foreign.alloc().expect("a page");
    assert_eq!(self::set::<M>(2).node_of(&page), None);
}

/// Tickets pass when it is told.
#[derive(Default)]
struct Device(AtomicUsize);

impl Fence for Device {
    fn passed(&self, ticket: u64) -> bool {
        self.0.load(Ordering::Acquire) as u64 >= ticket
    }
}

fn pages_of_each_node_wait_for_their_ticket<M: Mode>() {
    let device: &'static Device = Box::leak(Box::default());
    let fences: &'static [&'static dyn Fence] = Box::leak(Box::new([device as &dyn Fence]));
    let pool =
        |fences| build::<M>(20, |builder| builder.max_caches(1).shared_caches(0).fences(fences));
    let set = Set::<M>::new([pool(fences), pool(&[]), pool(fences)]).expect("alike");
    let fenced =
        |set: &Set<M>| [0, 1, 2].map(|node| set.pool(node).expect("a node").audit().pages.fenced);
    let mut batch = Batch::<M>::empty();
    assert_eq!(set.alloc_bulk_masked(&mut batch, 60, &all()).allocated, 60);
    // A pool without the fence keeps its pages in the batch, and stops no other.
    let error = set.free_bulk_after(&mut batch, 7);
    assert_eq!(error, Err(FenceError::NoFence { ticket: Ticket::from(7), fences: 0 }));
    assert_eq!((lens(&batch), fenced(&set)), ([0, 20, 0], [20, 0, 20]));
    set.free_bulk(&mut batch);
    assert_eq!(set.free_bulk_after(&mut batch, 7), error, "also for an empty batch");
    // What has passed is free at once, of each node.
    device.0.store(7, Ordering::Release);
    for node in [0, 2] {
        assert_eq!(set.pool(node).expect("a node").reap_fences(), 20);
    }
    let far = SharedNodeMask::new(NodeMask::of(0) | NodeMask::of(2));
    assert_eq!(set.alloc_bulk_masked(&mut batch, 40, &far).allocated, 40);
    _ = set.free_bulk_after(&mut batch, 7);
    assert_eq!((lens(&batch), fenced(&set)), ([0; 3], [0; 3]));
    // Pages of a node that the set does not have are nobody's to fence.
    let one = NodeSet::<M, 3>::new([set.pool(0).expect("a node").clone()]).expect("one");
    assert_eq!(set.alloc_bulk_masked(&mut batch, 25, &far).allocated, 25);
    assert_eq!(one.free_bulk_after(&mut batch, 9), Err(FenceError::OtherPool));
    assert_eq!(lens(&batch), [0, 0, 5]);
    device.0.store(9, Ordering::Release);
    assert_eq!(set.pool(0).expect("a node").reap_fences(), 20);
    drop(batch);
    assert_home(set);
}

fn lists_that_are_no_sets_are_refused<M: Mode>() {
    let pool = || pool::<M>(8);
    let refused = |pools: Vec<Pool<M>>| Set::new(pools).expect_err("refused");
    assert_eq!(refused(vec![]), NodeError::NoPool);
    assert_eq!(refused((0..4).map(|_| pool()).collect()), NodeError::TooMany { room: 3 });
    let small = build::<M>(8, |builder| builder.page_size(128));
    let error = refused(vec![pool(), small]);
    assert_eq!(error, NodeError::PageSizes { first: 256, other: 128 });
    let one = pool();
    assert_eq!(refused(vec![pool(), one.clone(), one]), NodeError::Twice { node: 2 });
    let texts = [
        (NodeError::NoPool, "a set of nodes needs at least one pool: give it one"),
        (
            NodeError::TooMany { room: 3 },
            "the set has room for 3 nodes: say NodeSet<_, n> for more, up to 32",
        ),
        (error, "one pool has pages of 256 bytes, another of 128: build them alike"),
        (
            NodeError::Twice { node: 2 },
            "the pool of node 2 is another node's, too: build one for each",
        ),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text);
    }
}

every_mode!(
    the_nearest_node_comes_first,
    a_bulk_call_stops_at_the_low_mark_of_each_node,
    an_interleaved_call_goes_on_where_pages_are_left,
    no_page_comes_from_outside_the_mask,
    a_bound_call_stays_at_its_node,
    bulk_calls_are_interleaved,
    statistics_are_those_of_numastat,
    a_full_part_leaves_the_rest_to_the_next_node,
    a_mask_that_changes_is_tried_once_more,
    a_mask_that_changes_all_the_time_fails_nobody,
    pages_go_home_in_bulk,
    pages_of_each_node_wait_for_their_ticket,
    lists_that_are_no_sets_are_refused,
);
