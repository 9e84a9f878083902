//! Several pools as one set, whose mask moves beside calls that use it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pagesheaf::{Mode, NodeBatch, NodeMask, NodePolicy, NodeSet, Pool, SharedNodeMask};

use super::{builder, built, is_whole};
use crate::owners::Owners;
use crate::random::Random;
use crate::tasks::{join, spawn, yield_now};

const NODES: usize = 4;
/// So many pages a node has: more than all tasks take, so that no call needs the other mask.
const PAGES: usize = 64;
const CALLS: usize = 10;

type Owned = Arc<Vec<Arc<Owners>>>;

fn works<M: Mode>(
    set: &NodeSet<M, NODES>,
    mask: &SharedNodeMask,
    owners: &Owned,
    (name, seed): (u32, u64),
) {
    let mut random = Random::new(seed);
    for _ in 0..CALLS {
        let mut batch = NodeBatch::<M, 8, NODES>::empty();
        let want = 2 + random.below(3);
        let got = set.alloc_bulk_masked(&mut batch, want, mask);
        assert_eq!((got.allocated, got.reason), (want, None));
        for (node, owners) in owners.iter().enumerate() {
            owners.took_from(batch.of_mut(node), 0, name);
        }
        let lens = [0, 1, 2, 3].map(|node| batch.of(node).len());
        // Either mask has the third, neither the fourth, and no mask both of the first.
        assert!(lens[3] == 0 && (lens[0] == 0 || lens[1] == 0), "{lens:?}");
        yield_now();
        owners.iter().enumerate().for_each(|(node, it)| it.lets_all_go(batch.of(node)));
        set.free_bulk(&mut batch);
    }
}

/// A call has the pages of one mask, and each page goes home.
pub fn nodes<M: Mode>(mut random: Random) {
    let (pools, owners): (Vec<Pool<M>>, Vec<_>) =
        (0..NODES).map(|_| built(builder(&mut random, PAGES))).unzip();
    let policy = [NodePolicy::Preferred, NodePolicy::Interleave][random.below(2)];
    let set = NodeSet::<M, NODES>::new(pools.clone()).expect("pools alike").policy(policy);
    let masks = [0, 1].map(|node| NodeMask::of(node) | NodeMask::of(2));
    let (set, mask) = (Arc::new(set), Arc::new(SharedNodeMask::new(masks[0])));
    let owners: Owned = Arc::new(owners);
    let ended = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (1..=3)
        .map(|name| {
            let (set, mask, owners) = (Arc::clone(&set), Arc::clone(&mask), Arc::clone(&owners));
            let (ended, seed) = (Arc::clone(&ended), random.next());
            spawn(move || {
                works(&set, &mask, &owners, (name, seed));
                ended.fetch_add(1, Ordering::SeqCst);
            })
        })
        .collect();
    let mut moves = 0;
    while ended.load(Ordering::SeqCst) < tasks.len() {
        moves += 1;
        mask.set(masks[moves % 2]);
        yield_now();
    }
    join(tasks);
    drop(set);
    pools.into_iter().zip(owners.iter()).for_each(|(pool, owners)| is_whole(pool, owners));
}
