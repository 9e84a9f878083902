//! The word that says what state a page is in.
//!
//! Invariant: **a word at rest is the word it will have when owned.** A free page keeps the kind `Page` and one
//! reference, so handing it out writes nothing. What tells a free page from one that is out is *membership*: the
//! word says where the page was last put, and the page is free exactly when that location still holds it (`magazine`,
//! `zone`). Only modes that claim mark a page as held.

#[cfg(test)]
mod tests;
mod word;

pub(crate) use word::{AtomicPageState, Released};

use super::{Fault, Order};
use crate::mode::{Mode, Policy};

/// What a page is being used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A single page, free or out.
    Page = 0,
    /// A single page that is out; only modes that claim mark it.
    Held = 1,
    /// The first page of a block that is out.
    Block = 2,
    /// Another page of a block that is out.
    Tail = 3,
    /// Handed to a device.
    Lent = 4,
    /// Withheld for good.
    Bad = 5,
}

/// One page's state: `kind:4 | order:4 | references:24 | location:32`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct PageState(pub(crate) u64);

/// Where a page was last put: a slot of a magazine, or [`ZONE`].
pub(crate) type Location = u32;

/// The location of pages in the zone; no magazine has it.
pub(crate) const ZONE: Location = u32::MAX;

/// References from which a count sticks: the page is never freed again.
pub(crate) const SATURATED: u32 = 1 << 23;

impl PageState {
    /// A state of `references` references.
    pub(crate) const fn new(kind: Kind, order: u8, references: u32, location: Location) -> Self {
        let high = (kind as u32) << 28 | (order as u32) << 24 | references;
        PageState((high as u64) << 32 | location as u64)
    }

    /// A free page in `location`, or one that was last there.
    #[inline(always)]
    pub(crate) const fn resting(location: Location) -> Self {
        PageState(1 << 32 | location as u64)
    }

    /// The same, so many locations later. Places end before they would carry into the bits above.
    #[inline(always)]
    const fn after(self, locations: usize) -> Self {
        PageState(self.0 + locations as u64)
    }

    /// A single page that is out, as the mode marks it.
    #[inline(always)]
    const fn owned(claims: bool) -> Self {
        PageState::new(if claims { Kind::Held } else { Kind::Page }, 0, 1, 0)
    }

    #[inline(always)]
    pub(crate) const fn location(self) -> Location {
        self.0 as u32
    }

    pub(crate) const fn references(self) -> u32 {
        (self.0 >> 32) as u32 & 0xff_ffff
    }

    pub(crate) const fn order(self) -> u8 {
        (self.0 >> 56) as u8 & 0xf
    }

    pub(crate) const fn kind(self) -> Option<Kind> {
        Some(match (self.0 >> 60) as u8 {
            0 => Kind::Page,
            1 => Kind::Held,
            2 => Kind::Block,
            3 => Kind::Tail,
            4 => Kind::Lent,
            5 => Kind::Bad,
            _ => return None,
        })
    }

    const fn with_references(self, references: u32) -> Self {
        PageState(self.0 & !(0xff_ffff << 32) | (references as u64) << 32)
    }

    /// Whether the kind is that of a single page that is out.
    pub(crate) const fn is_single<M: Mode>(self) -> bool {
        let kind = if M::CLAIMS { Kind::Held } else { Kind::Page };
        (self.0 >> 60) as u8 == kind as u8
    }

    /// Whether this can be the word of a page that is out, lent or withheld, wherever it was last.
    pub(crate) fn may_be_out<M: Mode>(self) -> bool {
        let most = if M::REFCOUNT { SATURATED } else { 1 };
        let is_single = self.order() == 0 && (1..=most).contains(&self.references());
        let alone = self.references() == 1;
        match self.kind() {
            Some(Kind::Page | Kind::Held) => self.is_single::<M>() && is_single,
            Some(Kind::Block | Kind::Tail) => {
                self.order() <= Order::MAX.get() && alone && self.location() == ZONE
            }
            Some(Kind::Lent) => is_single && alone,
            // As `withhold` leaves it.
            Some(Kind::Bad) => self.order() == 1 || self == PageState::new(Kind::Bad, 0, 1, ZONE),
            None => false,
        }
    }

    /// Everything but the location is the same.
    #[inline(always)]
    const fn alike(self, other: Self) -> bool {
        (self.0 ^ other.0) >> 32 == 0
    }

    /// Why this is not the state of a single page that its sole owner may free.
    #[cold]
    pub(crate) fn fault(self) -> Fault {
        match self.kind() {
            Some(Kind::Page | Kind::Held) if self.references() >= SATURATED => Fault::Saturated,
            Some(Kind::Page | Kind::Held) if self.references() > 1 => {
                Fault::Shared { references: self.references() }
            }
            // Only modes that claim come here with a well-formed word: a page at rest is not held.
            Some(Kind::Page) if self.references() == 1 && self.order() == 0 => Fault::AlreadyFree,
            Some(Kind::Block) => Fault::InBlock { order: self.order() },
            Some(Kind::Tail) => Fault::InBlock { order: self.order() },
            Some(Kind::Lent) => Fault::Lent,
            Some(Kind::Bad) => Fault::Withheld,
            _ => Fault::Corrupt,
        }
    }
}
