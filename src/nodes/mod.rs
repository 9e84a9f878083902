//! Several pools, one for each memory node, of which a mask says which may be used.
//!
//! Invariant: a try takes pages of no node that is outside the mask that it found as it began. If it is short and the
//! mask has changed meanwhile, there is one more, with the mask as it is then. Pages go home to their own node's pool,
//! whatever the mask says by then.

mod batch;
mod calls;
mod error;
mod mask;
mod policy;
mod stats;

use core::fmt;
use core::panic::RefUnwindSafe;

pub use batch::NodeBatch;
pub use error::NodeError;
pub use mask::{NodeMask, SharedNodeMask};
pub use policy::NodePolicy;
pub use stats::NodeStats;

use crate::mode::{DefaultMode, Mode};
use crate::owned::Page;
use crate::pool::Pool;
use crate::sync::Atomic;
use stats::Counts;

/// Several pools, one for each memory node, with up to `NODES` of them.
///
/// Its calls say which nodes may be used, by a mask that others may change at any time, and take from
/// the nearest first. A node is known by its place in the list of pools; the pool's region says which
/// memory that is ([`Mapping::node`](crate::Mapping::node)). Pages know their own pool, and go home to it.
///
/// ```
/// use pagesheaf::{NodeBatch, NodeMask, NodeSet, Pool, SharedNodeMask, ShortReason};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
///
/// static ALLOWED: SharedNodeMask = SharedNodeMask::new(NodeMask::ALL);
///
/// let set = NodeSet::<_, 2>::new([Pool::builder(64).build()?, Pool::builder(64).build()?])?;
/// let mut batch = NodeBatch::new();
/// assert_eq!(set.alloc_bulk_masked(&mut batch, 80, &ALLOWED).allocated, 80);
/// set.free_bulk(&mut batch);
///
/// ALLOWED.set(NodeMask::of(1)); // another thread, at any time
/// let bulk = set.alloc_bulk_masked(&mut batch, 80, &ALLOWED);
/// assert_eq!((bulk.allocated, bulk.reason), (64, Some(ShortReason::NodeMask)));
/// assert!(batch.of(0).is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct NodeSet<M: Mode = DefaultMode, const NODES: usize = 8> {
    /// Those that there are come first.
    pools: [Option<Pool<M>>; NODES],
    /// How far it is from one node to another.
    distances: [[u8; NODES]; NODES],
    counts: [Counts; NODES],
    here: fn() -> usize,
    policy: NodePolicy,
    /// Where the next interleaved call begins.
    next: Atomic<u32>,
}

// Each of its atomics is whole after each store, and says something by itself.
impl<M: Mode, const NODES: usize> RefUnwindSafe for NodeSet<M, NODES> {}

/// The distance of a node from itself, and from another if nothing is said, as firmware has them.
const NEAR: u8 = 10;
const FAR: u8 = 20;

impl<M: Mode, const NODES: usize> NodeSet<M, NODES> {
    /// A set of these pools, of which the first is node 0.
    ///
    /// Calls count as made on node 0 unless [`here`](Self::here) says otherwise; the policy is
    /// [`NodePolicy::Preferred`]; nodes are 10 from themselves and 20 from all others.
    ///
    /// # Errors
    /// What is wrong with the list.
    pub fn new(pools: impl IntoIterator<Item = Pool<M>>) -> Result<Self, NodeError> {
        let mut set = NodeSet {
            pools: [const { None }; NODES],
            distances: core::array::from_fn(|from| {
                core::array::from_fn(|to| if from == to { NEAR } else { FAR })
            }),
            counts: core::array::from_fn(|_| Counts::new()),
            here: || 0,
            policy: NodePolicy::default(),
            next: Atomic::new(0),
        };
        let room = NODES.min(32);
        let mut nodes = 0;
        for (node, pool) in pools.into_iter().enumerate() {
            if node == room {
                return Err(NodeError::TooMany { room });
            }
            if let Some(first) = &set.pools[0] {
                let (first, other) = (first.page_size(), pool.page_size());
                if first != other {
                    return Err(NodeError::PageSizes { first, other });
                }
            }
            if set.pools().any(|(_, other)| other.core.pointer() == pool.core.pointer()) {
                return Err(NodeError::Twice { node });
            }
            set.pools[node] = Some(pool);
            nodes = node + 1;
        }
        if nodes == 0 { Err(NodeError::NoPool) } else { Ok(set) }
    }

    /// Says how far it is from one node to another, there and not back: smaller is nearer.
    ///
    /// ```
    /// # use pagesheaf::{NodeMask, NodeSet, Pool, SharedNodeMask};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pools = [(); 3].map(|()| Pool::builder(10).build().expect("a pool"));
    /// let set = NodeSet::<_, 3>::new(pools)?.distance(0, 1, 30).distance(0, 2, 15);
    /// let page = set.alloc_masked(&SharedNodeMask::new(NodeMask::of(1) | NodeMask::of(2)))?;
    /// assert_eq!(set.node_of(&page), Some(2), "it is nearer to node 0");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// When a number is not less than `NODES`.
    #[must_use]
    pub fn distance(mut self, from: usize, to: usize, distance: u8) -> Self {
        self.distances[from][to] = distance;
        self
    }

    /// What says on which node a call is made. It is called in every call, so it must not wait; a number
    /// that is no node's counts as 0.
    ///
    /// ```
    /// # use pagesheaf::{NodeMask, NodeSet, Pool, SharedNodeMask};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pools = [Pool::builder(10).build()?, Pool::builder(10).build()?];
    /// let set = NodeSet::<_, 2>::new(pools)?.here(|| 1); // as a kernel knows it
    /// let page = set.alloc_masked(&SharedNodeMask::new(NodeMask::ALL))?;
    /// assert_eq!(set.node_of(&page), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn here(mut self, here: fn() -> usize) -> Self {
        self.here = here;
        self
    }

    /// From which node pages come first.
    ///
    /// ```
    /// # use pagesheaf::{NodePolicy, NodeSet, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pools = [Pool::builder(10).build()?, Pool::builder(10).build()?];
    /// let set = NodeSet::<_, 2>::new(pools)?.policy(NodePolicy::Bind);
    /// # let _ = set;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn policy(mut self, policy: NodePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The pool of a node, if there is one.
    ///
    /// ```
    /// # use pagesheaf::{NodeSet, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let set = NodeSet::<_, 2>::new([Pool::builder(10).build()?])?;
    /// assert!(set.pool(0).is_some() && set.pool(1).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pool(&self, node: usize) -> Option<&Pool<M>> {
        self.pools.get(node)?.as_ref()
    }

    /// The node whose pool a page is of, if it is one of these.
    ///
    /// ```
    /// # use pagesheaf::{NodeSet, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let (pool, other) = (Pool::builder(10).build()?, Pool::builder(10).build()?);
    /// let set = NodeSet::<_, 2>::new([pool.clone()])?;
    /// assert_eq!((set.node_of(&pool.alloc()?), set.node_of(&other.alloc()?)), (Some(0), None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn node_of(&self, page: &Page<M>) -> Option<usize> {
        self.pools().find(|(_, pool)| pool.core.pointer() == page.core()).map(|(node, _)| node)
    }

    /// What a node was asked for and gave by this set's calls; `None` if there is no such node, or the
    /// mode has no statistics.
    ///
    /// ```
    /// # use pagesheaf::{NodeSet, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let set = NodeSet::<_, 2>::new([Pool::builder(10).build()?])?;
    /// for stats in (0..2).filter_map(|node| set.stats(node)) {
    ///     println!("{stats:?}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stats(&self, node: usize) -> Option<NodeStats> {
        self.pool(node)?;
        M::STATS.then(|| self.counts[node].read())
    }

    fn pools(&self) -> impl Iterator<Item = (usize, &Pool<M>)> {
        self.pools.iter().flatten().enumerate()
    }

    /// The node where the call is made.
    fn this_node(&self) -> usize {
        let here = (self.here)();
        if self.pool(here).is_some() { here } else { 0 }
    }
}

impl<M: Mode, const NODES: usize> fmt::Debug for NodeSet<M, NODES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.pools()).finish()
    }
}
