//! Which nodes may be used: a set, and one that many share and any may change.

use core::fmt;
use core::ops::{BitAnd, BitOr};
use core::panic::RefUnwindSafe;

use crate::sync::{Atomic, Ordering, const_in_real, ordering};

/// A set of nodes, by their numbers in a [`NodeSet`](crate::NodeSet): 0 to 31.
///
/// ```
/// use pagesheaf::NodeMask;
///
/// let mask = NodeMask::of(0) | NodeMask::of(2);
/// assert!(mask.contains(2) && !mask.contains(1));
/// assert_eq!(mask.nodes().collect::<Vec<_>>(), [0, 2]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeMask(u32);

impl NodeMask {
    /// No node.
    pub const NONE: Self = NodeMask(0);

    /// All nodes.
    pub const ALL: Self = NodeMask(u32::MAX);

    /// One node.
    ///
    /// # Panics
    /// When the number is 32 or more.
    #[must_use]
    pub const fn of(node: usize) -> Self {
        assert!(node < 32, "pagesheaf: nodes have the numbers 0 to 31");
        NodeMask(1 << node)
    }

    /// Whether a node is in the set.
    #[must_use]
    pub const fn contains(self, node: usize) -> bool {
        node < 32 && self.0 >> node & 1 == 1
    }

    /// The nodes, ascending.
    pub fn nodes(self) -> impl Iterator<Item = usize> {
        (0..32).filter(move |&node| self.contains(node))
    }
}

impl BitOr for NodeMask {
    type Output = Self;

    /// The nodes of both.
    fn bitor(self, other: Self) -> Self {
        NodeMask(self.0 | other.0)
    }
}

impl BitAnd for NodeMask {
    type Output = Self;

    /// The nodes that are in both.
    fn bitand(self, other: Self) -> Self {
        NodeMask(self.0 & other.0)
    }
}

impl fmt::Debug for NodeMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.nodes()).finish()
    }
}

/// A mask that many share, and that anybody may change at any time, also while calls use it.
///
/// Each change has a number. A call of a [`NodeSet`](crate::NodeSet) uses the mask that it found as its
/// try began, whole; and if it comes out short and the mask has changed meanwhile, tries once more with
/// the new one.
///
/// ```
/// use pagesheaf::{NodeMask, SharedNodeMask};
///
/// static ALLOWED: SharedNodeMask = SharedNodeMask::new(NodeMask::ALL);
///
/// let before = ALLOWED.set(NodeMask::of(1));
/// assert_eq!((before, ALLOWED.get()), (NodeMask::ALL, NodeMask::of(1)));
/// ```
pub struct SharedNodeMask(Atomic<u64>);

// One word, which is whole after each store.
impl RefUnwindSafe for SharedNodeMask {}

/// What a shared mask was at a moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Sampled(u64);

impl Sampled {
    pub(super) fn mask(self) -> NodeMask {
        NodeMask(self.0 as u32)
    }
}

impl SharedNodeMask {
    const_in_real! {
        /// A mask, which nobody has changed yet.
        pub fn new(mask: NodeMask) -> Self {
            SharedNodeMask(Atomic::new(mask.0 as u64))
        }
    }

    /// The mask.
    pub fn get(&self) -> NodeMask {
        self.sample().mask()
    }

    /// Changes the mask, and returns what it was. Calls in progress may go on with that.
    pub fn set(&self, mask: NodeMask) -> NodeMask {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            // The number of the change stands above the mask, and wraps.
            let new = (word >> 32).wrapping_add(1) << 32 | u64::from(mask.0);
            // AcqRel: whoever finds the mask finds what its setter had done before, such as filling a pool.
            let (release, relaxed) = (Ordering::AcqRel, Ordering::Relaxed);
            match self.0.compare_exchange_weak(word, new, release, relaxed) {
                Ok(_) => return Sampled(word).mask(),
                Err(current) => word = current,
            }
        }
    }

    pub(super) fn sample(&self) -> Sampled {
        // Acquire: pairs with the Release of `set`.
        Sampled(self.0.load(ordering!(Acquire, "mask-order")))
    }
}

impl fmt::Debug for SharedNodeMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedNodeMask").field(&self.get()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_the_nodes_it_was_made_of() {
        let mask = NodeMask::of(0) | NodeMask::of(5) | NodeMask::of(31);
        assert!((0..100).filter(|&node| mask.contains(node)).eq([0, 5, 31]));
        assert!((0..100).filter(|&node| NodeMask::ALL.contains(node)).eq(0..32));
        assert!(!(0..100).any(|node| NodeMask::NONE.contains(node)));
    }

    #[test]
    fn each_change_of_a_mask_has_a_number() {
        let (one, two) = (NodeMask::of(1), NodeMask::of(31));
        let shared = SharedNodeMask::new(one);
        let mut seen = [shared.sample(); 4];
        for (at, mask) in [(1, one), (2, two), (3, one)] {
            let before = shared.get();
            assert!(shared.set(mask) == before && shared.get() == mask);
            seen[at] = shared.sample();
        }
        for (at, one) in seen.iter().enumerate() {
            assert!(seen[..at].iter().all(|other| other != one), "{at}");
        }
    }
}
