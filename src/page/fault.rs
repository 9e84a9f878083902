//! What can be wrong with a page.

use core::fmt;

use super::state::SATURATED;

/// What was wrong with a page: see [`PageError::fault`] and [`BadPage::fault`]. Which of these a
/// mode notices is in the table of `features.md`.
///
/// [`PageError::fault`]: crate::PageError::fault
/// [`BadPage::fault`]: crate::BadPage::fault
///
/// ```
/// # use pagesheaf::{Checked, Fault, PageId, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).mode::<Checked>().build()?;
/// // SAFETY: this mode refuses a number that is no page's.
/// match unsafe { pool.free_raw(PageId::new(100)) }.map_err(|error| error.fault) {
///     Err(Fault::OutOfRange) => {}
///     other => panic!("{other:?}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The pool has no page of this number.
    OutOfRange,
    /// The page is free already: a double free, or it was never allocated. In a build with the
    /// feature `track` an error has the page's last events, too.
    AlreadyFree,
    /// Others hold references to the page.
    Shared {
        /// How many references there are.
        references: u32,
    },
    /// The page has fewer references than were to be given up by one call, which gave up none.
    FewerReferences {
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
    /// The page is offline: see [`Pool::offline`](crate::Pool::offline).
    Offline,
    /// The page was withheld after an earlier fault.
    Withheld,
    /// The page's contents were written after it was freed.
    Poison {
        /// The first byte that had changed. It is exact in the first 64 MiB of a page. Further in it
        /// is rounded down: to 64 bytes up to 4 GiB, then to 4 KiB, and so on.
        offset: u64,
    },
    /// The page's state word makes no sense: memory was corrupted.
    Corrupt,
}

/// The faults that are packed as their places here: all that have no figure.
const PLAIN: [Fault; 11] = [
    Fault::OutOfRange,
    Fault::AlreadyFree,
    Fault::Saturated,
    Fault::NotABlock,
    Fault::Lent,
    Fault::NotLent,
    Fault::OtherPool,
    Fault::AddressOnly,
    Fault::Offline,
    Fault::Withheld,
    Fault::Corrupt,
];

/// Bits of a packed fault that tell which one it is. Above them is its figure.
const TAG_BITS: u32 = 4;

impl Fault {
    /// What is wrong with the count of a page that one owner wants to free: it is not 1.
    #[cold]
    pub(crate) fn of_references(references: u32) -> Self {
        match references {
            2..SATURATED => Fault::Shared { references },
            SATURATED.. => Fault::Saturated,
            _ => Fault::Corrupt,
        }
    }

    /// The fault as a number, but for a [`Fault::Poison`]'s offset, which may need more bits: 0 is
    /// unpacked.
    pub(crate) fn packed(self) -> u32 {
        let first = PLAIN.len() as u32;
        match self {
            // Fewer than `SATURATED`, which has 24 bits.
            Fault::Shared { references } => references << TAG_BITS | first,
            Fault::InBlock { order } => u32::from(order) << TAG_BITS | (first + 1),
            Fault::Poison { .. } => first + 2,
            Fault::FewerReferences { references } => references << TAG_BITS | (first + 3),
            plain => PLAIN.iter().position(|&it| it == plain).unwrap_or(0) as u32,
        }
    }

    /// The fault of [`Self::packed`].
    pub(crate) fn unpacked(packed: u32) -> Self {
        let (tag, figure) = (packed & ((1 << TAG_BITS) - 1), packed >> TAG_BITS);
        match PLAIN.get(tag as usize) {
            Some(&plain) => plain,
            None => match tag - PLAIN.len() as u32 {
                0 => Fault::Shared { references: figure },
                1 => Fault::InBlock { order: figure as u8 },
                2 => Fault::Poison { offset: 0 },
                _ => Fault::FewerReferences { references: figure },
            },
        }
    }
}

impl Fault {
    /// What is wrong, and behind it `past`, which is what is known of the page's.
    pub(crate) fn fact<T: fmt::Display>(self, past: &T) -> Fact<'_, T> {
        Fact(self, past)
    }

    /// What to do about it.
    pub(crate) const fn advice(self) -> &'static str {
        match self {
            Fault::OutOfRange => "use only ids that this pool gave out",
            Fault::AlreadyFree => "look for a second free",
            Fault::Shared { .. } => "use release_bulk, which gives up one reference",
            Fault::FewerReferences { .. } => "look for one that is given up twice",
            Fault::Saturated => "look for references that are made and not dropped",
            Fault::InBlock { .. } => "free all of the block in its own order, or split it first",
            Fault::NotABlock => {
                "use the id and the order of a block that is out, or look for a second free"
            }
            Fault::Lent => "reclaim it first",
            Fault::NotLent => "reclaim only what was lent, and only once",
            Fault::OtherPool => "use one batch for each pool",
            Fault::AddressOnly => "use the raw calls",
            Fault::Offline => "call Pool::online to bring it back",
            Fault::Withheld => "look for that fault in Pool::bad_pages",
            Fault::Poison { .. } => "look for a pointer that is used after the free",
            Fault::Corrupt => "look for a stray write, or for a use after a free",
        }
    }
}

/// What a fault says without its advice: see [`Fault::fact`].
pub(crate) struct Fact<'a, T>(Fault, &'a T);

impl<T: fmt::Display> fmt::Display for Fact<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Fault::OutOfRange => f.write_str("is outside the pool"),
            Fault::AlreadyFree => f.write_str("is already free"),
            Fault::Shared { references } => write!(f, "is shared by {references} references"),
            Fault::FewerReferences { references } => {
                write!(f, "has fewer references, {references}, than were to be given up, ")?;
                f.write_str("so none was")
            }
            Fault::Saturated => {
                write!(f, "has a reference count that has stuck at {SATURATED}, and is never freed")
            }
            Fault::InBlock { order } => write!(f, "is part of a block of order {order}"),
            Fault::NotABlock => f.write_str("is not the start of a block"),
            Fault::Lent => f.write_str("is lent to a device"),
            Fault::NotLent => f.write_str("is not lent"),
            Fault::OtherPool => f.write_str("was to go into a batch of another pool"),
            Fault::AddressOnly => {
                f.write_str("cannot have an owner, for the pool has addresses only")
            }
            Fault::Offline => f.write_str("is offline"),
            Fault::Withheld => f.write_str("was withheld after an earlier fault"),
            Fault::Poison { offset } => {
                write!(f, "was written after it was freed, at byte {offset}")
            }
            Fault::Corrupt => f.write_str("has a corrupt state word"),
        }?;
        self.1.fmt(f)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.fact(&""), self.advice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_fault_is_the_same_unpacked() {
        let counted =
            [Fault::Shared { references: 2 }, Fault::FewerReferences { references: 0xff_ffff }];
        let others = [Fault::InBlock { order: 15 }, Fault::Poison { offset: 0 }];
        assert!(PLAIN.len() + 4 <= 1 << TAG_BITS);
        for fault in PLAIN.into_iter().chain(counted).chain(others) {
            assert_eq!(Fault::unpacked(fault.packed()), fault);
        }
        let far = Fault::Poison { offset: u64::MAX };
        assert_eq!(Fault::unpacked(far.packed()), Fault::Poison { offset: 0 });
    }
}
