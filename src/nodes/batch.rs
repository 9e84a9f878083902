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
    ///
    /// ```
    /// # use pagesheaf::NodeBatch;
    /// let batch = NodeBatch::<pagesheaf::Checked, 256, 2>::new();
    /// assert!(batch.is_empty());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self::empty()
    }
}

impl<M: Mode, const N: usize, const NODES: usize> NodeBatch<M, N, NODES> {
    /// No pages, with room for `N` of each node.
    ///
    /// ```
    /// # use pagesheaf::NodeBatch;
    /// let batch = NodeBatch::<pagesheaf::Checked, 32, 2>::empty();
    /// assert_eq!((batch.len(), batch.of(1).capacity()), (0, 32));
    /// ```
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
    ///
    /// ```
    /// # use pagesheaf::NodeBatch;
    /// assert!(NodeBatch::<pagesheaf::Checked>::new().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pages of a node.
    ///
    /// ```
    /// # use pagesheaf::{NodeBatch, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(10).build()?;
    /// let mut batch = NodeBatch::<_, 256, 2>::new();
    /// pool.alloc_bulk_exact(batch.of_mut(1), 3)?;
    /// assert_eq!((batch.of(0).len(), batch.of(1).len()), (0, 3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// When the number is not less than `NODES`.
    #[must_use]
    pub fn of(&self, node: usize) -> &PageBatch<M, N> {
        &self.batches[node]
    }

    /// The pages of a node, to take some out or write them.
    ///
    /// ```
    /// # use pagesheaf::{NodeBatch, NodeMask, NodeSet, Pool, SharedNodeMask};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let set = NodeSet::<_, 2>::new([Pool::builder(10).build()?, Pool::builder(10).build()?])?;
    /// # let mask = SharedNodeMask::new(NodeMask::ALL);
    /// let mut batch = NodeBatch::new();
    /// assert_eq!(set.alloc_bulk_masked(&mut batch, 15, &mask).allocated, 15);
    /// batch.of_mut(1).iter_mut().for_each(|page| page.fill(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// As [`of`](Self::of).
    pub fn of_mut(&mut self, node: usize) -> &mut PageBatch<M, N> {
        &mut self.batches[node]
    }

    /// The batches, by node.
    ///
    /// ```
    /// # use pagesheaf::{NodeBatch, NodeMask, NodeSet, Pool, SharedNodeMask};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let set = NodeSet::<_, 2>::new([Pool::builder(10).build()?, Pool::builder(10).build()?])?;
    /// # let mask = SharedNodeMask::new(NodeMask::ALL);
    /// let mut batch = NodeBatch::new();
    /// assert_eq!(set.alloc_bulk_masked(&mut batch, 15, &mask).allocated, 15);
    /// assert!(batch.batches().map(|pages| pages.len()).eq([10, 5]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn batches(&self) -> impl Iterator<Item = &PageBatch<M, N>> {
        self.batches.iter()
    }

    /// Takes out one page, of the first node that has any.
    ///
    /// ```
    /// # use pagesheaf::{NodeBatch, NodeMask, NodeSet, Pool, SharedNodeMask};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let set = NodeSet::<_, 2>::new([Pool::builder(10).build()?, Pool::builder(10).build()?])?;
    /// # let mask = SharedNodeMask::new(NodeMask::ALL);
    /// let mut batch = NodeBatch::new();
    /// assert_eq!(set.alloc_bulk_masked(&mut batch, 15, &mask).allocated, 15);
    /// let page = batch.pop().expect("there are some");
    /// assert_eq!((set.node_of(&page), batch.len()), (Some(0), 14));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pop(&mut self) -> Option<Page<M>> {
        self.batches.iter_mut().find_map(PageBatch::pop)
    }

    /// Frees all pages.
    ///
    /// ```
    /// # use pagesheaf::{NodeBatch, NodeMask, NodeSet, Pool, SharedNodeMask};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let set = NodeSet::<_, 2>::new([Pool::builder(10).build()?, Pool::builder(10).build()?])?;
    /// # let mask = SharedNodeMask::new(NodeMask::ALL);
    /// let mut batch = NodeBatch::new();
    /// assert_eq!(set.alloc_bulk_masked(&mut batch, 15, &mask).allocated, 15);
    /// batch.clear(); // `NodeSet::free_bulk` is quicker
    /// assert_eq!(set.pool(0).map(|pool| pool.audit().pages.out), Some(0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
