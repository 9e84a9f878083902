//! Why there is no set of some pools.

use core::fmt;

use crate::error::debug_by_display;

/// Why there is no set of these pools.
///
/// ```
/// # use pagesheaf::{NodeError, NodeSet, Pool};
/// let none: [Pool; 0] = [];
/// assert_eq!(NodeSet::<_, 2>::new(none).err(), Some(NodeError::NoPool));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeError {
    /// A set of no pools.
    NoPool,
    /// More pools than the set has room for.
    TooMany {
        /// How many it has room for, at most 32.
        room: usize,
    },
    /// Pools of different page sizes.
    PageSizes {
        /// The page size of the first pool.
        first: usize,
        /// Another.
        other: usize,
    },
    /// One pool twice.
    Twice {
        /// The second place where it stands.
        node: usize,
    },
}

debug_by_display!(NodeError);

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeError::NoPool => f.write_str("a set of nodes needs at least one pool: give it one"),
            NodeError::TooMany { room } => {
                write!(f, "the set has room for {room} nodes: say NodeSet<_, n> for more, up to 32")
            }
            NodeError::PageSizes { first, other } => {
                write!(
                    f,
                    "one pool has pages of {first} bytes, another of {other}: build them alike"
                )
            }
            NodeError::Twice { node } => {
                write!(f, "the pool of node {node} is another node's, too: build one for each")
            }
        }
    }
}

impl core::error::Error for NodeError {}
