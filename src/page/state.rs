//! The word that says what state a page is in.
//!
//! Invariant: **a word at rest is the word it will have when owned.** A free page keeps the kind `Page` and its
//! location, so handing it out writes nothing. What tells a free page from one that is out is *membership*: the
//! word says where the page was last put, and the page is free exactly when that location still holds it (`magazine`,
//! `zone`). Only modes that claim mark a page as held.
//!
//! **The word of a page in the zone is zero**, so a page that was never taken needs no word to be written.
//!
//! The word has no count: it says whether to look at one (`count`).

#[cfg(test)]
mod tests;
mod word;

pub(crate) use word::AtomicPageState;

use super::{AtomicCount, Fault, Order, Piece};
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
    /// Withheld for good: its word made no sense.
    Bad = 5,
    /// Withheld for good: its bytes were written while it was free. All else in the word says which of them.
    Written = 6,
}

/// One page's state: `kind:3 | shared:1 | order:3 | location:25`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct PageState(pub(crate) u32);

/// Where a page was last put: an entry of a magazine, whose number is not 0, or [`ZONE`].
pub(crate) type Location = u32;

/// Bits of a location.
const LOCATION_BITS: u32 = 25;

/// So many locations a word can name.
pub(crate) const LOCATIONS: usize = 1 << LOCATION_BITS;

/// The location of pages in the zone. No magazine has the number 0, so none has this location.
pub(crate) const ZONE: Location = 0;

const _: () = assert!(PageState::resting(ZONE).0 == 0, "memory of zeroes is words of the zone");

/// Where the order and the kind start.
const ORDER: u32 = LOCATION_BITS;
const KIND: u32 = 29;

/// The count says how many references there are; without it there is one.
const SHARED: u32 = 1 << 28;

/// References from which a count sticks: the page is never freed again.
pub(crate) const SATURATED: u32 = 1 << 23;

impl PageState {
    /// A state of one reference.
    pub(crate) const fn new(kind: Kind, order: u8, location: Location) -> Self {
        PageState((kind as u32) << KIND | (order as u32) << ORDER | location)
    }

    /// The first page of a block that is out (`Block`), or another one (`Tail`). The order has four bits: three in
    /// their place, and the highest in the location, which is that of the zone but for this bit.
    pub(crate) const fn in_block(kind: Kind, order: Order) -> Self {
        Self::new(kind, order.get() & 7, ZONE ^ (order.get() >> 3) as Location)
    }

    /// A page that is out, of what a block was split into.
    const fn of_piece(claims: bool, piece: Piece) -> Self {
        match piece {
            Piece::Page => Self::new(single(claims), 0, ZONE),
            Piece::Head(order) => Self::in_block(Kind::Block, order),
            Piece::Tail(order) => Self::in_block(Kind::Tail, order),
        }
    }

    /// A free page in `location`, or one that was last there.
    #[inline(always)]
    pub(crate) const fn resting(location: Location) -> Self {
        PageState(location)
    }

    /// A free page in the zone that is verified again when it leaves: it was freed whatever its count was. No page
    /// that is out has this order, and no flipped bit makes it of a page at rest.
    pub(crate) const DOUBTED: Self = Self::new(Kind::Page, 7, ZONE);

    /// Whether this is [`Self::DOUBTED`], or somebody has marked it since as shared.
    pub(crate) fn is_doubted(self) -> bool {
        self.shared(false) == Self::DOUBTED
    }

    /// Whether a free page in this location can have this state.
    pub(crate) fn rests_at(self, location: Location) -> bool {
        self == Self::resting(location) || location == ZONE && self == Self::DOUBTED
    }

    /// The same, so many locations later. Places end before they would carry into the bits above.
    #[inline(always)]
    pub(crate) const fn after(self, locations: u32) -> Self {
        PageState(self.0.wrapping_add(locations))
    }

    #[inline(always)]
    pub(crate) const fn location(self) -> Location {
        self.0 & (LOCATIONS as u32 - 1)
    }

    const fn order(self) -> u8 {
        (self.0 >> ORDER) as u8 & 7
    }

    /// The order of the block that the page is part of, if it can be one.
    pub(crate) const fn block_order(self) -> Option<Order> {
        match self.location() ^ ZONE {
            high @ 0..=1 => Order::new(self.order() | (high as u8) << 3),
            _ => None,
        }
    }

    pub(crate) const fn kind(self) -> Option<Kind> {
        Some(match self.0 >> KIND {
            0 => Kind::Page,
            1 => Kind::Held,
            2 => Kind::Block,
            3 => Kind::Tail,
            4 => Kind::Lent,
            5 => Kind::Bad,
            6 => Kind::Written,
            _ => return None,
        })
    }

    /// Whether the count says how many references there are.
    #[inline(always)]
    pub(crate) const fn is_shared(self) -> bool {
        self.0 & SHARED != 0
    }

    /// The same, with this said of the count.
    const fn shared(self, shared: bool) -> Self {
        PageState(self.0 & !SHARED | if shared { SHARED } else { 0 })
    }

    /// Whether the kind is that of a single page that is out.
    pub(crate) const fn is_single<M: Mode>(self) -> bool {
        self.0 >> KIND == single(M::CLAIMS) as u32
    }

    /// Whether this is a single page that is out, as the mode marks it, shared or not.
    #[inline(always)]
    const fn is_owned(self, claims: bool) -> bool {
        self.shared(false).0 >> ORDER == (single(claims) as u32) << (KIND - ORDER)
    }

    /// Whether this can be the word of a page that is out, lent or withheld, wherever it was last, with so many
    /// references if it is shared.
    pub(crate) fn may_be_out<M: Mode>(self, references: u32) -> bool {
        let counts = !self.is_shared() || M::REFCOUNT && (1..=SATURATED).contains(&references);
        match self.kind() {
            Some(Kind::Page | Kind::Held) => self.is_owned(M::CLAIMS) && counts,
            Some(Kind::Block | Kind::Tail) => self.block_order().is_some() && !self.is_shared(),
            Some(Kind::Lent) => self.order() == 0 && !self.is_shared(),
            // As `withhold` leaves it.
            Some(Kind::Bad) => self == PageState::new(Kind::Bad, 0, ZONE),
            Some(Kind::Written) => true,
            None => false,
        }
    }

    /// A withheld page that was written at this byte while it was free.
    fn written(offset: u64) -> Self {
        let steps = (u64::BITS - offset.leading_zeros()).saturating_sub(OFFSET_BITS);
        let steps = steps.div_ceil(OFFSET_STEP);
        let digits = (offset >> (steps * OFFSET_STEP)) as u32;
        PageState((Kind::Written as u32) << KIND | steps << OFFSET_BITS | digits)
    }

    /// The byte of [`Self::written`].
    fn offset(self) -> u64 {
        let steps = self.0 >> OFFSET_BITS & 7;
        u64::from(self.0 & ((1 << OFFSET_BITS) - 1)) << (steps * OFFSET_STEP)
    }

    /// Whether this is the state of a single page that its sole owner may free, or what is wrong. `references` is
    /// asked if the count says how many there are.
    #[inline(always)]
    fn sole(self, claims: bool, references: impl FnOnce() -> u32) -> Result<(), Fault> {
        if !self.is_owned(claims) {
            return Err(self.fault());
        }
        match if self.is_shared() { references() } else { AtomicCount::ONE } {
            AtomicCount::ONE => Ok(()),
            references => Err(Fault::of_references(references)),
        }
    }

    /// Why this is not the state of a single page that is out.
    #[cold]
    pub(crate) fn fault(self) -> Fault {
        match self.kind() {
            // But for pages in doubt, only modes that claim come here with a well-formed word: a page at rest is not
            // held.
            Some(Kind::Page) if self.order() == 0 || self.is_doubted() => Fault::AlreadyFree,
            Some(Kind::Block | Kind::Tail) => match self.block_order() {
                Some(order) => Fault::InBlock { order: order.get() },
                None => Fault::Corrupt,
            },
            Some(Kind::Lent) => Fault::Lent,
            Some(Kind::Bad | Kind::Written) => Fault::Withheld,
            Some(Kind::Page | Kind::Held) | None => Fault::Corrupt,
        }
    }
}

/// The kind of a single page that is out.
const fn single(claims: bool) -> Kind {
    if claims { Kind::Held } else { Kind::Page }
}

/// Bits of the first changed byte of a page that are kept: it is exact in the first 64 MiB.
const OFFSET_BITS: u32 = 26;

/// Further in, so many more bits are dropped at a time.
const OFFSET_STEP: u32 = 6;
