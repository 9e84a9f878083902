//! What each node was asked for, and gave.

use super::{NodePolicy, NodeSet};
use crate::mode::Mode;
use crate::sync::{Atomic, Ordering};

/// What a node was asked for and gave, in pages: the words are those of Linux's `numastat`.
///
/// ```
/// # use pagesheaf::{Checked, NodeBatch, NodeMask, NodeSet, Pool, SharedNodeMask};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// # let pools = [(); 2].map(|()| Pool::builder(10).mode::<Checked>().build().expect("a pool"));
/// let set = NodeSet::<_, 2>::new(pools)?;
/// let mut batch = NodeBatch::new();
/// set.alloc_bulk_masked(&mut batch, 15, &SharedNodeMask::new(NodeMask::ALL));
/// let node = |node| set.stats(node).expect("the mode collects them");
/// assert_eq!((node(0).hit, node(0).foreign, node(1).miss), (10, 5, 5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeStats {
    /// Pages that were wanted of this node, and came from it.
    pub hit: u64,
    /// Pages that came from this node, and were wanted of another.
    pub miss: u64,
    /// Pages that were wanted of this node, and came from another.
    pub foreign: u64,
    /// Of the hits, those that [`NodePolicy::Interleave`](crate::NodePolicy::Interleave) has spread.
    pub interleaved: u64,
}

/// The same while they grow.
pub(super) struct Counts {
    hit: Atomic<u64>,
    miss: Atomic<u64>,
    foreign: Atomic<u64>,
    interleaved: Atomic<u64>,
}

impl Counts {
    pub(super) fn new() -> Self {
        Counts {
            hit: Atomic::new(0),
            miss: Atomic::new(0),
            foreign: Atomic::new(0),
            interleaved: Atomic::new(0),
        }
    }

    /// So many pages came from the node that was wanted.
    fn count_hit(&self, pages: usize, interleaved: bool) {
        // Relaxed: figures, here and below.
        self.hit.fetch_add(pages as u64, Ordering::Relaxed);
        if interleaved {
            self.interleaved.fetch_add(pages as u64, Ordering::Relaxed);
        }
    }

    /// So many pages came from this node, and were wanted of another.
    fn count_miss(&self, pages: usize) {
        self.miss.fetch_add(pages as u64, Ordering::Relaxed);
    }

    /// So many pages were wanted of this node, and came from another.
    fn count_foreign(&self, pages: usize) {
        self.foreign.fetch_add(pages as u64, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> NodeStats {
        NodeStats {
            hit: self.hit.load(Ordering::Relaxed),
            miss: self.miss.load(Ordering::Relaxed),
            foreign: self.foreign.load(Ordering::Relaxed),
            interleaved: self.interleaved.load(Ordering::Relaxed),
        }
    }
}

impl<M: Mode, const NODES: usize> NodeSet<M, NODES> {
    /// Counts pages of a node that were wanted of the node `of`.
    pub(super) fn count(&self, node: usize, of: usize, pages: usize) {
        if !M::STATS || pages == 0 {
            return;
        }
        if node == of {
            self.counts[node].count_hit(pages, self.policy == NodePolicy::Interleave);
        } else {
            self.counts[node].count_miss(pages);
            self.counts[of].count_foreign(pages);
        }
    }
}
