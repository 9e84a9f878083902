//! Several pools, one for each memory node, of which a mask says which may be used.
//!
//! Invariant: a try takes pages of no node that is outside the mask that it found as it began. If it is short and the
//! mask has changed meanwhile, there is one more, with the mask as it is then. Pages go home to their own node's pool,
//! whatever the mask says by then.

mod batch;
mod error;
mod mask;
mod policy;
mod stats;

use core::panic::RefUnwindSafe;
use core::{fmt, iter};

pub use batch::NodeBatch;
pub use error::NodeError;
pub use mask::{NodeMask, SharedNodeMask};
pub use policy::NodePolicy;
pub use stats::NodeStats;

use crate::error::{BulkAlloc, ShortReason};
use crate::mode::{DefaultMode, Mode};
use crate::owned::Page;
use crate::pool::Pool;
use crate::sync::{Atomic, Ordering};
use crate::tracker::Caller;
use stats::Counts;

/// Several pools, one for each memory node, with up to `NODES` of them.
///
/// Its calls say which nodes may be used, by a mask that others may change at any time, and take from
/// the nearest first. A node is known by its place in the list of pools; which memory that is says the
/// pool's region ([`Mapping::node`](crate::Mapping::node)). Pages know their own pool, and go home to it.
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

/// What a try has come to.
struct Tried {
    got: usize,
    reason: Option<ShortReason>,
}

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

    /// Appends up to `want` pages to `batch`, each to its node's part, of the nodes that the mask has.
    ///
    /// The mask is read once, as the call begins. If the result is short, and the mask has changed
    /// meanwhile, there is one more try with the new mask. Where the part of a node is full, the next
    /// node gives the rest; [`ShortReason::BatchFull`] means that one part at least was.
    ///
    /// Each node says for itself why it has no more, one after the other:
    /// [`ShortReason::Exhausted`] means that each had no page as it was asked, and not that all had
    /// none at one moment.
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc_bulk_masked<const N: usize>(
        &self,
        batch: &mut NodeBatch<M, N, NODES>,
        want: usize,
        mask: &SharedNodeMask,
    ) -> BulkAlloc {
        // A part of it may be one page, which would go below the mark of a pool.
        let (whole, caller) = (want, Caller::here());
        let Tried { got, reason } = self.alloc(want, mask, |pool, node, want| {
            let BulkAlloc { allocated, reason } =
                pool.alloc_bulk_of(batch.of_mut(node), want, whole);
            pool.core.tracker.moved(|| batch.of(node).last_ids(allocated), caller);
            Tried { got: allocated, reason }
        });
        BulkAlloc { allocated: got, reason }
    }

    /// Allocates one page, of a node that the mask has.
    ///
    /// ```
    /// # use pagesheaf::{NodeMask, NodeSet, Pool, SharedNodeMask};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let set = NodeSet::<_, 2>::new([Pool::builder(10).build()?, Pool::builder(10).build()?])?;
    /// let page = set.alloc_masked(&SharedNodeMask::new(NodeMask::of(1)))?;
    /// assert_eq!(set.node_of(&page), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Why there was none.
    #[cfg_attr(feature = "track", track_caller)]
    pub fn alloc_masked(&self, mask: &SharedNodeMask) -> Result<Page<M>, ShortReason> {
        let (mut page, caller) = (None, Caller::here());
        let tried = self.alloc(1, mask, |pool, _, _| match pool.alloc() {
            Ok(one) => {
                pool.core.tracker.moved(|| iter::once(one.id()), caller);
                page = Some(one);
                Tried { got: 1, reason: None }
            }
            Err(reason) => Tried { got: 0, reason: Some(reason) },
        });
        page.ok_or(tried.reason.unwrap_or(ShortReason::Exhausted))
    }

    /// Frees all pages, those of each node in one go.
    pub fn free_bulk<const N: usize>(&self, batch: &mut NodeBatch<M, N, NODES>) {
        for node in 0..NODES {
            match self.pool(node) {
                Some(pool) if !batch.of(node).is_empty() => pool.free_bulk(batch.of_mut(node)),
                _ => batch.of_mut(node).clear(),
            }
        }
    }

    fn pools(&self) -> impl Iterator<Item = (usize, &Pool<M>)> {
        self.pools.iter().flatten().enumerate()
    }

    /// The node where the call is made.
    fn this_node(&self) -> usize {
        let here = (self.here)();
        if self.pool(here).is_some() { here } else { 0 }
    }

    /// Takes pages by `take`, which says how many it got of a node, and why no more: with one mask, and if need be with
    /// another.
    fn alloc(
        &self,
        want: usize,
        shared: &SharedNodeMask,
        mut take: impl FnMut(&Pool<M>, usize, usize) -> Tried,
    ) -> Tried {
        let first = shared.sample();
        let mut tried = self.alloc_with(first.mask(), want, &mut take);
        if tried.reason.is_some() {
            let second = shared.sample();
            if second != first {
                let rest = self.alloc_with(second.mask(), want - tried.got, &mut take);
                tried = Tried { got: tried.got + rest.got, reason: rest.reason };
            }
        }
        tried
    }

    /// Takes pages of the nodes of a mask.
    fn alloc_with(
        &self,
        mask: NodeMask,
        want: usize,
        take: &mut impl FnMut(&Pool<M>, usize, usize) -> Tried,
    ) -> Tried {
        let here = self.this_node();
        let mut allowed = [false; NODES];
        for (node, _) in self.pools() {
            let is_bound = self.policy == NodePolicy::Bind && node != here;
            allowed[node] = mask.contains(node) && !is_bound;
        }
        let mut tried = Tried { got: 0, reason: None };
        let mut ask = |node: usize, of: usize, want: usize, tried: &mut Tried| {
            let Some(pool) = self.pool(node).filter(|_| want > 0) else { return };
            let Tried { got, reason } = take(pool, node, want);
            self.count(node, of, got);
            tried.got += got;
            if let Some(reason) = reason {
                tried.note(reason);
            }
        };
        let nodes = allowed.iter().filter(|allowed| **allowed).count();
        if self.policy == NodePolicy::Interleave && nodes > 0 {
            // Relaxed: whose turn it is, about.
            let first = self.next.fetch_add(1, Ordering::Relaxed) as usize;
            let ring = || (0..NODES).filter(|&node| allowed[node]).cycle().skip(first % nodes);
            for (at, node) in ring().take(nodes).enumerate() {
                let share = want / nodes + usize::from(at < want % nodes);
                ask(node, node, share, &mut tried);
            }
            // What one node does not have the others give.
            for (node, of) in ring().skip(1).zip(ring()).take(nodes) {
                let missing = want - tried.got;
                ask(node, of, missing, &mut tried);
            }
        } else {
            let mut last = None;
            while tried.got < want {
                let Some(node) = self.next_near(here, &allowed, last) else { break };
                last = Some(node);
                let missing = want - tried.got;
                ask(node, here, missing, &mut tried);
            }
        }
        if tried.got == want {
            tried.reason = None;
        } else if tried.reason.is_none_or(|reason| reason == ShortReason::Exhausted) {
            let all = self.pools().all(|(node, _)| allowed[node]);
            tried.reason = Some(if all { ShortReason::Exhausted } else { ShortReason::NodeMask });
        }
        tried
    }

    /// The nearest of the allowed nodes that comes after `last`: by distance, and then by number.
    fn next_near(
        &self,
        here: usize,
        allowed: &[bool; NODES],
        last: Option<usize>,
    ) -> Option<usize> {
        let key = |node: usize| (self.distances[here][node], node);
        let nodes = (0..NODES).filter(|&node| allowed[node]);
        nodes
            .filter(|&node| last.is_none_or(|last| key(node) > key(last)))
            .min_by_key(|&node| key(node))
    }
}

impl Tried {
    /// A node gave no more, and why. That it is exhausted is the least that is to be said.
    fn note(&mut self, reason: ShortReason) {
        if self.reason.is_none_or(|noted| noted == ShortReason::Exhausted) {
            self.reason = Some(reason);
        }
    }
}

impl<M: Mode, const NODES: usize> fmt::Debug for NodeSet<M, NODES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.pools()).finish()
    }
}
