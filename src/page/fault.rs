//! What can be wrong with a page.

use core::fmt;

use super::state::SATURATED;

/// What was wrong with a page: see [`PageError::fault`] and [`BadPage::fault`]. Which of these a
/// mode notices is in the table of `features.md`.
///
/// [`PageError::fault`]: crate::PageError::fault
/// [`BadPage::fault`]: crate::BadPage::fault
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The pool has no page of this number.
    OutOfRange,
    /// The page is free already: a double free, or it was never allocated.
    AlreadyFree,
    /// Others hold references to the page.
    Shared {
        /// How many references there are.
        references: u32,
    },
    /// The page's reference count has stuck at its limit: it is never freed.
    Saturated,
    /// The page is part of a block of this order, and is freed with it.
    InBlock {
        /// The block's order.
        order: u8,
    },
    /// The page is not the start of a block that is out.
    NotABlock,
    /// The page is lent to a device.
    Lent,
    /// The page is not lent.
    NotLent,
    /// The page was to go into a batch of another pool.
    OtherPool,
    /// The page was to have an owner, and the pool has addresses only.
    AddressOnly,
    /// The page was withheld after an earlier fault.
    Withheld,
    /// The page's contents were written after it was freed.
    Poison {
        /// The first byte that had changed.
        offset: u64,
    },
    /// The page's state word makes no sense: memory was corrupted.
    Corrupt,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::OutOfRange => f.write_str("is outside the pool"),
            Fault::AlreadyFree => f.write_str("is already free"),
            Fault::Shared { references } => write!(f, "is shared by {references} references"),
            Fault::Saturated => {
                write!(
                    f,
                    "has a reference count that has stuck at {SATURATED}, and is never freed: "
                )?;
                f.write_str("look for references that are made and not dropped")
            }
            Fault::InBlock { order } => write!(f, "is part of a block of order {order}"),
            Fault::NotABlock => f.write_str("is not the start of a block"),
            Fault::Lent => f.write_str("is lent to a device"),
            Fault::NotLent => f.write_str("is not lent"),
            Fault::OtherPool => f.write_str("was to go into a batch of another pool"),
            Fault::AddressOnly => {
                f.write_str("cannot have an owner: the pool has addresses only: use the raw calls")
            }
            Fault::Withheld => f.write_str("was withheld after an earlier fault"),
            Fault::Poison { offset } => {
                write!(f, "was written after it was freed, at byte {offset}")
            }
            Fault::Corrupt => f.write_str("has a corrupt state word"),
        }
    }
}
