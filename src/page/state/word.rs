//! The word of a page, which moves by named transitions only.
//!
//! Invariant: each transition says what it expects the word to be, and leaves it alone if it is not so.

use super::{Kind, Location, PageState, SATURATED, ZONE};
use crate::mode::{Mode, Policy};
use crate::page::{Fault, Order};
use crate::sync::{Atomic, Ordering, defect, ordering};

/// What [`AtomicPageState::release`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Released {
    /// Others still hold the page.
    Shared,
    /// The caller is the last: it is now the page's sole owner.
    Last,
    /// The count has stuck: nobody will free the page.
    Saturated,
}

/// The word of one page. It moves by these transitions only.
pub(crate) struct AtomicPageState(pub(super) Atomic<u64>);

impl AtomicPageState {
    #[inline(always)]
    #[track_caller]
    fn get(&self, order: Ordering) -> PageState {
        PageState(self.0.load(order))
    }

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

    #[inline(always)]
    #[track_caller]
    fn swap_weak(
        &self,
        from: PageState,
        to: PageState,
        success: Ordering,
        failure: Ordering,
    ) -> Result<PageState, PageState> {
        let swapped = self.0.compare_exchange_weak(from.0, to.0, success, failure);
        swapped.map(PageState).map_err(PageState)
    }

    /// The word of a page in the zone.
    pub(crate) fn new() -> Self {
        AtomicPageState(Atomic::new(PageState::resting(ZONE).0))
    }

    /// The state, as of some moment. Acquire: pairs with the Release of `release`.
    #[inline(always)]
    pub(crate) fn load(&self) -> PageState {
        self.get(ordering!(Acquire, "raw-free"))
    }

    /// The state, if this is the word of a single page with one reference that is, or was last, `after`
    /// locations after `location`. Acquire: as `load`.
    #[inline(always)]
    pub(crate) fn resting_at(&self, location: Location, after: usize) -> Option<PageState> {
        Some(self.load()).filter(|&state| state == PageState::resting(location).after(after))
    }

    /// **rest**: the caller, who alone has the page, puts it into `location`. Relaxed: the location publishes
    /// itself.
    #[inline(always)]
    pub(crate) fn rest(&self, location: Location) {
        self.put(PageState::resting(location), Ordering::Relaxed);
    }

    /// **rest**: as [`Self::rest`], as far from where its state says that it is as `to` is from `from`.
    #[inline(always)]
    pub(crate) fn rest_moved(&self, state: PageState, from: Location, to: Location) {
        let distance = u64::from(to).wrapping_sub(u64::from(from));
        self.put(PageState(state.0.wrapping_add(distance)), Ordering::Relaxed);
    }

    /// **claim** (modes that claim): a page leaves the location it was popped from; `false` if its word does not say so.
    #[inline]
    pub(crate) fn claim(&self, location: Location) -> bool {
        let held = PageState::new(Kind::Held, 0, 1, location);
        // Relaxed: the magazine or zone word that the page came from has published it.
        self.swap(PageState::resting(location), held, Ordering::Relaxed, Ordering::Relaxed).is_ok()
            || defect!("hardened-claim")
    }

    /// **try_free**: a single page comes back from its sole owner and is put at `location`; `is_member` says whether
    /// the location that its word names still holds it.
    ///
    /// The load is Acquire and pairs with the Release decrement in `release`: whoever sees the count at one sees
    /// what the other holders did. In modes that claim one compare-and-swap decides which of racing frees wins.
    #[inline(always)]
    pub(crate) fn try_free(
        &self,
        claims: bool,
        location: Location,
        is_member: impl FnOnce(Location) -> bool,
    ) -> Result<(), Fault> {
        let state = self.get(ordering!(Acquire, "sole-owner"));
        let resting = PageState::resting(location);
        if claims {
            if !state.alike(PageState::owned(claims)) {
                return Err(state.fault());
            }
            // Relaxed: the load above was Acquire, and the magazine or zone word publishes the page.
            return self
                .swap(state, resting, Ordering::Relaxed, Ordering::Relaxed)
                .map(drop)
                .map_err(PageState::fault)
                .or_else(|fault| defect!("hardened-swap").then_some(()).ok_or(fault));
        }
        // The caller put nothing at `location` yet: a word that already names it belongs to a page that is out.
        if state != resting {
            if !state.alike(PageState::owned(claims)) {
                return Err(state.fault());
            }
            if is_member(state.location()) {
                return Err(Fault::AlreadyFree);
            }
            self.put(resting, Ordering::Relaxed);
        }
        Ok(())
    }

    /// **retain**: the caller, who holds a reference, adds `n`; `Err` when the count has stuck.
    ///
    /// A compare-and-swap, so that the count can be exact at its limit and never carry into the bits above it.
    /// Relaxed, as in `Arc`: a new reference is made from one that already orders the page's contents.
    pub(crate) fn retain(&self, n: u32) -> Result<(), Fault> {
        let mut state = self.get(Ordering::Relaxed);
        loop {
            let references = state.references().saturating_add(n).min(SATURATED);
            let new = state.with_references(references);
            match self.swap_weak(state, new, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) if references == SATURATED => return Err(Fault::Saturated),
                Ok(_) => return Ok(()),
                Err(_) if defect!("retain") => return Ok(()),
                Err(current) => state = current,
            }
        }
    }

    /// **release**: the caller gives up one reference.
    ///
    /// The Acquire load that sees one reference pairs with the Release decrement of every other holder. The count
    /// never goes below one: the last holder becomes the sole owner instead, because only an owner can retain.
    pub(crate) fn release(&self) -> Released {
        let mut state = self.get(Ordering::Acquire);
        loop {
            match state.references() {
                0 | 1 => return Released::Last,
                SATURATED.. => return Released::Saturated,
                references => {
                    let new = state.with_references(references - 1);
                    match self.swap_weak(
                        state,
                        new,
                        ordering!(Release, "release"),
                        Ordering::Acquire,
                    ) {
                        Ok(_) => return Released::Shared,
                        Err(current) => state = current,
                    }
                }
            }
        }
    }

    /// Sets the count to one, whatever it was: the elevated free's promise that nobody else uses theirs.
    pub(crate) fn forget_references(&self) -> u32 {
        let mut state = self.get(Ordering::Acquire);
        loop {
            let new = state.with_references(1);
            // Acquire: pairs with the Release decrement of holders that did let go.
            match self.swap_weak(state, new, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return state.references(),
                Err(current) => state = current,
            }
        }
    }

    /// **lend**: an owned page goes to a device.
    pub(crate) fn lend<M: Mode>(&self) -> Result<(), Fault> {
        self.step(|state| state.alike(PageState::owned(M::CLAIMS)), Kind::Lent, PageState::fault)
    }

    /// **reclaim**: a lent page comes back and is owned again.
    pub(crate) fn reclaim<M: Mode>(&self) -> Result<(), Fault> {
        let owned = if M::CLAIMS { Kind::Held } else { Kind::Page };
        self.step(|state| state.kind() == Some(Kind::Lent), owned, |_| Fault::NotLent)
    }

    /// A transition between two kinds of one reference. AcqRel: what happened to the page before it was lent is
    /// seen by whoever reclaims it.
    fn step(
        &self,
        legal: impl FnOnce(PageState) -> bool,
        to: Kind,
        fault: impl Fn(PageState) -> Fault,
    ) -> Result<(), Fault> {
        let state = self.get(Ordering::Acquire);
        if !legal(state) {
            return Err(fault(state));
        }
        let new = PageState::new(to, 0, 1, state.location());
        self.swap(state, new, ordering!(AcqRel, "lend"), Ordering::Acquire)
            .map(drop)
            .map_err(fault)
            .or_else(|fault| defect!("transition").then_some(()).ok_or(fault))
    }

    /// Marks the page as part of a block that is out; the caller alone has it.
    pub(crate) fn join_block(&self, head: bool, order: Order) {
        let kind = if head { Kind::Block } else { Kind::Tail };
        self.put(PageState::new(kind, order.get(), 1, ZONE), Ordering::Relaxed);
    }

    /// Withholds the page for good. The word says why: the order of a bad page is 1 where its contents had changed,
    /// at the byte that its count and its location name; else it was the word itself that made no sense.
    pub(crate) fn withhold(&self, why: Fault) {
        let (order, references, location) = match why {
            Fault::Poison { offset } => (1, (offset >> 32) as u32 & 0xff_ffff, offset as u32),
            _ => (0, 1, ZONE),
        };
        self.put(PageState::new(Kind::Bad, order, references, location), Ordering::Relaxed);
    }

    /// Why the page is withheld, if it is.
    pub(crate) fn withheld(&self) -> Option<Fault> {
        let state = self.load();
        (state.kind() == Some(Kind::Bad)).then(|| match state.order() {
            1 => Fault::Poison {
                offset: u64::from(state.references()) << 32 | u64::from(state.location()),
            },
            _ => Fault::Corrupt,
        })
    }

    /// **free_block**: a page behind the head of a block of this order, which the caller alone has, goes to the
    /// zone; `false`, and nothing changes, if its word does not say that it is one.
    pub(crate) fn leave_block(&self, order: Order) -> bool {
        let tail = PageState::new(Kind::Tail, order.get(), 1, ZONE);
        let is_tail = self.load() == tail;
        if is_tail {
            self.rest(ZONE);
        }
        is_tail
    }

    /// **free_block**: the head of a block of this order comes back; exactly one caller wins.
    pub(crate) fn try_free_block(&self, order: Order) -> Result<(), Fault> {
        let block = PageState::new(Kind::Block, order.get(), 1, ZONE);
        // AcqRel: pairs with a racing free of the same block.
        self.swap(block, PageState::resting(ZONE), Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
            .map_err(|state| match state.kind() {
                Some(Kind::Page | Kind::Held) => Fault::NotABlock,
                _ => state.fault(),
            })
            .or_else(|fault| defect!("block").then_some(()).ok_or(fault))
    }
}
