//! The word of a page, which moves by named transitions only.
//!
//! Invariant: each transition says what it expects the word to be, and leaves it alone if it is not so.

use super::{Kind, Location, PageState, SHARED, ZONE, single};
use crate::mode::{Mode, Policy};
use crate::page::{Fault, Order, Piece};
use crate::sync::{Atomic, Ordering, defect, ordering, zeroed};

/// What is wrong with a page whose word another has just changed, and which is legal: a holder has marked it as
/// shared, and is about to count its new reference.
const RETAINED: Fault = Fault::Shared { references: 2 };

/// The word of one page. It moves by these transitions only.
pub(crate) struct AtomicPageState(pub(super) Atomic<u32>);

// The word of a page in the zone.
zeroed!(AtomicPageState(0));

impl AtomicPageState {
    #[inline(always)]
    #[track_caller]
    fn put(&self, state: PageState, order: Ordering) {
        self.0.store(state.0, order);
    }

    #[inline(always)]
    #[track_caller]
    fn swap(
        &self,
        from: PageState,
        to: PageState,
        success: Ordering,
        failure: Ordering,
    ) -> Result<PageState, PageState> {
        let swapped = self.0.compare_exchange(from.0, to.0, success, failure);
        swapped.map(PageState).map_err(PageState)
    }

    /// The state, as of some moment. Relaxed: former holders are seen through the count alone (`References`), which
    /// every owner of a page that was shared is told to look at.
    #[inline(always)]
    #[track_caller]
    pub(crate) fn load(&self) -> PageState {
        PageState(self.0.load(Ordering::Relaxed))
    }

    /// Whether this is the word of a single page with one reference that is, or was last, in `location`.
    #[inline(always)]
    pub(crate) fn is_resting_at(&self, location: Location) -> bool {
        self.load() == PageState::resting(location)
    }

    /// **rest**: the caller, who alone has the page, puts it into `location`. Relaxed: the location publishes
    /// itself.
    #[inline(always)]
    pub(crate) fn rest(&self, location: Location) {
        self.put(PageState::resting(location), Ordering::Relaxed);
    }

    /// **claim** (modes that claim): a page leaves the location it was popped from; `false` if its word does not say
    /// so.
    #[inline]
    pub(crate) fn claim(&self, location: Location) -> bool {
        let held = PageState::new(Kind::Held, 0, location);
        // Relaxed: the magazine or zone word that the page came from has published it.
        self.swap(PageState::resting(location), held, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            || defect!("hardened-claim")
    }

    /// **try_free**: a single page comes back from its sole owner and is put at `location`; `is_member` says whether
    /// the location that its word names still holds it, and `references` how many there are, if it is shared.
    ///
    /// Relaxed: nobody else has had the page, or `references` is an Acquire load. In modes that claim one
    /// compare-and-swap decides which of racing frees wins.
    #[inline(always)]
    pub(crate) fn try_free(
        &self,
        claims: bool,
        location: Location,
        references: impl Fn() -> u32,
        is_member: impl FnOnce(Location) -> bool,
    ) -> Result<(), Fault> {
        let state = self.load();
        let resting = PageState::resting(location);
        if claims {
            state.sole(claims, &references)?;
            // Relaxed: as above, and the magazine or zone word publishes the page.
            return self
                .swap(state, resting, Ordering::Relaxed, Ordering::Relaxed)
                .map(drop)
                .map_err(|state| state.sole(claims, references).err().unwrap_or(RETAINED))
                .or_else(|fault| defect!("hardened-swap").then_some(()).ok_or(fault));
        }
        // The caller put nothing at `location` yet: a word that already names it belongs to a page that is out.
        if state != resting {
            state.sole(claims, &references)?;
            if is_member(state.location()) {
                return Err(Fault::AlreadyFree);
            }
            self.put(resting, Ordering::Relaxed);
        }
        Ok(())
    }

    /// **doubt**: as [`Self::try_free`], of a page that goes to the zone, and is verified again when it leaves.
    pub(crate) fn try_doubt(
        &self,
        claims: bool,
        references: impl Fn() -> u32,
        is_member: impl FnOnce(Location) -> bool,
    ) -> Result<(), Fault> {
        let state = self.load();
        state.sole(claims, &references)?;
        if !claims && is_member(state.location()) {
            return Err(Fault::AlreadyFree);
        }
        // Relaxed: as in `try_free`.
        self.swap(state, PageState::DOUBTED, Ordering::Relaxed, Ordering::Relaxed)
            .map(drop)
            .map_err(|state| state.sole(claims, references).err().unwrap_or(RETAINED))
    }

    /// **share**: a holder says that the count is to be looked at, before it adds to it. Others may hold the page,
    /// and say the same at the same time.
    ///
    /// Relaxed: whoever gets one of the new references gets it after this, from the caller. Modes that claim do it
    /// in one step with the look, so that no racing free of the page is undone.
    #[inline]
    pub(crate) fn share(&self, claims: bool) {
        let state = self.load();
        if state.is_shared() || defect!("share") {
        } else if claims && !defect!("share-step") {
            self.0.fetch_or(SHARED, Ordering::Relaxed);
        } else {
            self.put(state.shared(true), Ordering::Relaxed);
        }
    }

    /// **unshare** (modes that do not claim): the sole owner of a page, who has looked at the count, frees the next
    /// one from doing so.
    #[inline]
    pub(crate) fn unshare(&self, state: PageState) {
        self.put(state.shared(false), Ordering::Relaxed);
    }

    /// **lend**: an owned page goes to a device. `references` says how many there are, if it is shared.
    pub(crate) fn lend<M: Mode>(&self, references: impl Fn() -> u32) -> Result<(), Fault> {
        self.step(Kind::Lent, |state| state.sole(M::CLAIMS, &references))
    }

    /// **reclaim**: a lent page comes back and is owned again.
    pub(crate) fn reclaim<M: Mode>(&self) -> Result<(), Fault> {
        self.step(single(M::CLAIMS), |state| match state.kind() {
            Some(Kind::Lent) => Ok(()),
            _ => Err(Fault::NotLent),
        })
    }

    /// A transition between two kinds of one reference. AcqRel: what happened to the page before it was lent is
    /// seen by whoever reclaims it.
    fn step(&self, to: Kind, legal: impl Fn(PageState) -> Result<(), Fault>) -> Result<(), Fault> {
        let state = PageState(self.0.load(Ordering::Acquire));
        legal(state)?;
        let new = PageState::new(to, 0, state.location());
        self.swap(state, new, ordering!(AcqRel, "lend"), Ordering::Acquire)
            .map(drop)
            .map_err(|state| legal(state).err().unwrap_or(RETAINED))
            .or_else(|fault| defect!("transition").then_some(()).ok_or(fault))
    }

    /// Marks the page as part of a block that is out; the caller alone has it.
    pub(crate) fn join_block(&self, head: bool, order: Order) {
        let kind = if head { Kind::Block } else { Kind::Tail };
        self.put(PageState::in_block(kind, order), Ordering::Relaxed);
    }

    /// Withholds the page for good. The word says why: its kind is `Written` where its contents had changed, and
    /// says at which byte; else it was the word itself that made no sense.
    pub(crate) fn withhold(&self, why: Fault) {
        let state = match why {
            Fault::Poison { offset } => PageState::written(offset),
            _ => PageState::new(Kind::Bad, 0, ZONE),
        };
        self.put(state, Ordering::Relaxed);
    }

    /// Why the page is withheld, if it is.
    pub(crate) fn withheld(&self) -> Option<Fault> {
        let state = self.load();
        match state.kind()? {
            Kind::Written => Some(Fault::Poison { offset: state.offset() }),
            Kind::Bad => Some(Fault::Corrupt),
            _ => None,
        }
    }

    /// **free_block**: a page behind the head of a block of this order, which the caller alone has, goes to the
    /// zone; `false`, and nothing changes, if its word does not say that it is one.
    pub(crate) fn leave_block(&self, order: Order) -> bool {
        self.end_tail(order, PageState::resting(ZONE))
    }

    /// **split_block**: as [`Self::leave_block`], and the page stays out, in a piece of the block.
    pub(crate) fn split_tail(&self, claims: bool, order: Order, into: Piece) -> bool {
        self.end_tail(order, PageState::of_piece(claims, into))
    }

    fn end_tail(&self, order: Order, to: PageState) -> bool {
        let is_tail = self.load() == PageState::in_block(Kind::Tail, order);
        if is_tail {
            self.put(to, Ordering::Relaxed);
        }
        is_tail
    }

    /// **free_block**: the head of a block of this order comes back; exactly one caller wins.
    pub(crate) fn try_free_block(&self, order: Order) -> Result<(), Fault> {
        self.end_block(order, PageState::resting(ZONE))
    }

    /// **split_block**: the head of a block of this order becomes the first page of what the block is split into;
    /// exactly one caller wins, of those that free the block, too.
    pub(crate) fn try_split_block(
        &self,
        claims: bool,
        order: Order,
        into: Piece,
    ) -> Result<(), Fault> {
        self.end_block(order, PageState::of_piece(claims, into))
    }

    fn end_block(&self, order: Order, to: PageState) -> Result<(), Fault> {
        // AcqRel: pairs with a racing free, or split, of the same block.
        self.swap(PageState::in_block(Kind::Block, order), to, Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
            .map_err(|state| match state.kind() {
                Some(Kind::Page | Kind::Held) => Fault::NotABlock,
                _ => state.fault(),
            })
            .or_else(|fault| defect!("block").then_some(()).ok_or(fault))
    }
}
