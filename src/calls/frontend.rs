//! What the calls need of a cache or a pool.

use core::num::NonZero;
use core::ptr::NonNull;

use crate::handle::Handle;
use crate::inner::Core;
use crate::line::Class;
use crate::mode::Mode;
use crate::page::PageId;
use crate::sanitizer::Sanitizer;
use crate::slot::{FastSlot, SlotMut};
use crate::tracker::{By, Tracker};
use crate::zone::Floor;

/// A way into the core: an owned cache, or a pool through its shared slots. Calls pass it on by value, as
/// they do [`SlotMut`].
///
/// # Safety
/// [`Self::home`] names one core for as long as the value lives, which that keeps alive; and the slots are
/// of that core.
pub(crate) unsafe trait Frontend<M: Mode>: Sized {
    /// Whether the slot stays its own after a call: others have no use for it then.
    const OWNS_SLOT: bool;

    /// Whether its calls may have what stays for others.
    const CLASS: Class;

    /// The core, as owners of pages are compared with it.
    fn home(&self) -> Home<M>;

    /// The slot for the fast path, if there is one at hand.
    fn fast_slot(&mut self) -> Option<FastSlot<'_>>;

    /// What every call does that does not take the fast path: a cache gives up its pages if it was asked to, and
    /// one that was idle tries to get its slot again.
    fn begin(&mut self);

    /// Whose call it is, for who keeps that.
    fn by(&self) -> By;

    /// Pages have left for the caller, who does not have them yet.
    #[inline(always)]
    fn note_allocated<I: Iterator<Item = PageId>>(&self, ids: impl Fn() -> I) {
        // Else the way to the core would be looked for in vain, which takes an instruction.
        if Tracker::IS_ON {
            self.shared().tracker.allocated(&ids, self.by());
        }
        if Sanitizer::IS_ON {
            self.shared().allow(ids());
        }
    }

    /// The same pages go to whoever has no owner of them, but their ids.
    #[inline(always)]
    fn note_raw<I: Iterator<Item = PageId>>(&self, ids: impl FnOnce() -> I) {
        if Sanitizer::IS_ON {
            self.shared().allow_unwritten(ids());
        }
    }

    /// Calls `f` with the slot, if one is to be had. A cache that was asked gives up what it has before, and what `f`
    /// filed there after.
    fn with_slot<R>(&mut self, f: impl FnOnce(&Core<M>, Option<SlotMut<'_>>) -> R) -> R;

    /// Calls `f` with the slot, if one is to be had, and whether there is something to see to: somebody has asked for
    /// the slot's pages, or is dry (`inner::pressure`), or the cache was idle. `f` answers.
    fn with_slot_as_is<R>(&mut self, f: impl FnOnce(&Core<M>, Option<SlotMut<'_>>, bool) -> R)
    -> R;

    /// The core.
    fn core(&self) -> NonNull<Core<M>> {
        self.home().core()
    }

    /// The core, which the frontend keeps alive.
    #[inline(always)]
    fn shared<'a>(&self) -> &'a Core<M>
    where
        Self: 'a,
    {
        // SAFETY: the frontend keeps the core alive for longer than any call, by the trait's promise.
        unsafe { self.core().as_ref() }
    }

    /// How far down in the zone a call may go that wants so many pages.
    #[inline(always)]
    fn floor(&self, want: usize) -> Floor {
        Core::<M>::floor(Self::CLASS, want)
    }

    /// The core, if it is the one that an owner of pages names.
    #[inline(always)]
    fn shared_if_home<'a>(&self, named: Option<NonNull<Core<M>>>) -> Option<&'a Core<M>>
    where
        Self: 'a,
    {
        // SAFETY: as in `shared`: it is the same core.
        self.home().is(named).map(|core| unsafe { core.as_ref() })
    }
}

/// All that a call does of which the rest needs no slot.
pub(crate) fn begin<M: Mode>(mut front: impl Frontend<M>) {
    front.begin();
}

/// Which core a frontend is of: its address, marked if it has no bytes to own. No owner of pages has a marked
/// address, not even an empty batch that remembers a core that is gone: so one compare tells both that a
/// batch is of this core, and that it may be.
pub(crate) struct Home<M>(NonNull<Core<M>>);

impl<M> Clone for Home<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Home<M> {}

impl<M: Mode> Home<M> {
    /// In a core's address this bit is 0.
    const MARK: usize = {
        assert!(align_of::<Core<M>>() > 1);
        1
    };

    /// The home of a core.
    #[inline(always)]
    pub(crate) fn of(core: &Handle<M>) -> Self {
        Self::new(core.pointer(), core.addresses_only)
    }

    #[inline(always)]
    fn new(core: NonNull<Core<M>>, addresses_only: bool) -> Self {
        Home(if addresses_only { core.map_addr(|address| address | Self::MARK) } else { core })
    }

    /// The core.
    #[inline(always)]
    pub(crate) fn core(self) -> NonNull<Core<M>> {
        self.with_bytes().unwrap_or_else(|| self.unmarked())
    }

    #[cold]
    fn unmarked(self) -> NonNull<Core<M>> {
        let unmarked = |address: NonZero<usize>| NonZero::new(address.get() & !Self::MARK);
        self.0.map_addr(|address| unmarked(address).unwrap_or(address))
    }

    /// The core, if it is the one that an owner of pages names.
    #[inline(always)]
    pub(crate) fn is(self, named: Option<NonNull<Core<M>>>) -> Option<NonNull<Core<M>>> {
        (named == Some(self.0)).then_some(self.0)
    }

    /// The core, if it has bytes to own.
    #[inline(always)]
    pub(crate) fn with_bytes(self) -> Option<NonNull<Core<M>>> {
        (self.0.addr().get() & Self::MARK == 0).then_some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::Bare;

    /// An empty batch may remember a core that stood where a pool of addresses stands now.
    #[test]
    fn a_home_of_addresses_is_no_owners_and_is_found() {
        let core = NonNull::<Core<Bare>>::dangling();
        let (bytes, addresses) = (Home::new(core, false), Home::new(core, true));
        assert_eq!((bytes.is(Some(core)), bytes.with_bytes()), (Some(core), Some(core)));
        assert_eq!((addresses.is(Some(core)), addresses.with_bytes()), (None, None));
        assert_eq!((bytes.core(), addresses.core()), (core, core));
        assert!(bytes.is(None).is_none() && addresses.is(None).is_none());
    }
}
