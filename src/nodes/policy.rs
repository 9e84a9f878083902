//! From which node pages come first.

/// From which node of a [`NodeSet`](crate::NodeSet) pages come first.
///
/// ```
/// # use pagesheaf::{NodeMask, NodePolicy, NodeSet, Pool, SharedNodeMask};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// # let pools = [Pool::builder(10).build()?, Pool::builder(10).build()?];
/// let set = NodeSet::<_, 2>::new(pools)?.policy(NodePolicy::Interleave);
/// # let mask = SharedNodeMask::new(NodeMask::ALL);
/// let pages = [set.alloc_masked(&mask)?, set.alloc_masked(&mask)?];
/// assert_ne!(set.node_of(&pages[0]), set.node_of(&pages[1]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodePolicy {
    /// From the node where the call is made, and then from the others, the nearest first.
    #[default]
    Preferred,
    /// From the node where the call is made, and from no other.
    Bind,
    /// From all nodes as evenly as can be, each call beginning with the next one.
    Interleave,
}
