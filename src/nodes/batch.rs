//! Pages of several nodes, held together: a batch for each node.
//!
//! Invariant: the batch of a node holds pages of that node's pool only, unless its user puts others there; so each goes
//! home in one go.

use core::fmt;

use crate::mode::{DefaultMode, Mode};
use crate::owned::{Page, PageBatch};

/// Pages of the nodes of a [`NodeSet`](crate::NodeSet): a batch of up to `N` for each.
///
/// Dropping it frees the pages, each batch into its own node's pool in one go.
///
/// ```
/// # use pagesheaf::{NodeBatch, NodeSet, Pool, SharedNodeMask, NodeMask};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let set = NodeSet::<_, 2>::new([Pool::builder(10).build()?, Pool::builder(10).build()?])?;
/// let mask = SharedNodeMask::new(NodeMask::ALL);
/// let mut batch = NodeBatch::new();
/// assert_eq!(set.alloc_bulk_masked(&mut batch, 15, &mask).allocated, 15);
/// assert_eq!((batch.of(0).len(), batch.of(1).len()), (10, 5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct NodeBatch<M: Mode = DefaultMode, const N: usize = 256, const NODES: usize = 8> {
    batches: [PageBatch<M, N>; NODES],
}

impl<M: Mode, const NODES: usize> NodeBatch<M, 256, NODES> {
    /// No pages, with room for 256 of each node.
    #[must_use]
    pub const fn new() -> Self {
        Self::empty()
    }
}

impl<M: Mode, const N: usize, const NODES: usize> NodeBatch<M, N, NODES> {
    /// No pages, with room for `N` of each node.
    #[must_use]
    pub const fn empty() -> Self {
        NodeBatch { batches: [const { PageBatch::empty() }; NODES] }
    }

    /// How many pages there are, of all nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batches.iter().map(PageBatch::len).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pages of a node.
    ///
    /// # Panics
    /// When the number is not less than `NODES`.
    #[must_use]
    pub fn of(&self, node: usize) -> &PageBatch<M, N> {
        &self.batches[node]
    }

    /// The pages of a node, to take some out or write them.
    ///
    /// # Panics
    /// As [`of`](Self::of).
    pub fn of_mut(&mut self, node: usize) -> &mut PageBatch<M, N> {
        &mut self.batches[node]
    }

    /// The batches, by node.
    pub fn batches(&self) -> impl Iterator<Item = &PageBatch<M, N>> {
        self.batches.iter()
    }

    /// Takes out one page, of the first node that has any.
    pub fn pop(&mut self) -> Option<Page<M>> {
        self.batches.iter_mut().find_map(PageBatch::pop)
    }

    /// Frees all pages.
    pub fn clear(&mut self) {
        self.batches.iter_mut().for_each(PageBatch::clear);
    }
}

impl<M: Mode, const N: usize, const NODES: usize> Default for NodeBatch<M, N, NODES> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<M: Mode, const N: usize, const NODES: usize> fmt::Debug for NodeBatch<M, N, NODES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.batches()).finish()
    }
}
