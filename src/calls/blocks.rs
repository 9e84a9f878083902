//! Blocks, and what is asked for by its number.
//!
//! Invariant: a block that has no owner in Rust is named by its first page and its order, for both
//! of which the call's caller answers. Whoever allocates by a number gets that page, or nothing.

use core::mem::MaybeUninit;

use super::fill::fill;
use super::{CHUNK, Frontend};
use crate::error::{Call, Filled, PageError, PlaceError, PlaceReason, ShortReason};
use crate::inner::{Faults, block_pages};
use crate::mode::Mode;
use crate::owned::{Block, Page};
use crate::page::{Order, PageId, written_mut};
use crate::plan::{CallKinds, InjectedFault};
use crate::zone::Floor;

/// Stamps the calls for blocks on a type, as `methods` does the others.
macro_rules! block_methods {
    ([$($parameters:tt)*] $type:ty, $self:ident, [$($receiver:tt)+], $marks:ident) => {
        impl<M: Mode $($parameters)*> $type {
            /// Allocates a contiguous block of 2^order pages, whose number is a multiple of as
            /// many.
            ///
            /// # Errors
            /// Why there was none; free pages may be there, but not side by side.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_block($($receiver)+, order: Order) -> Result<Block<M>, ShortReason> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_block(front, order))
            }

            /// Fills the empty slots of an array with blocks of 2^order pages, and only those
            /// slots. What was allocated is counted in blocks. The result may be short, and says
            /// why.
            ///
            /// ```
            /// # use pagesheaf::{Order, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let mut blocks = [const { None }; 5];
            /// let bulk = pool.alloc_blocks_bulk(Order::try_from(3)?, &mut blocks);
            /// assert_eq!((bulk.allocated, bulk.populated, bulk.reason), (5, 5, None));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_blocks_bulk($($receiver)+, order: Order, out: &mut [Option<Block<M>>]) -> $crate::error::Filled {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_blocks_bulk(front, order, out))
            }

            /// Frees a block. A block of another pool goes home to it.
            pub fn free_block($($receiver)+, block: Block<M>) {
                $crate::calls::through!($marks, $self, front, $crate::calls::free_block(front, block));
            }

            /// As `alloc_block`, without an owner: returns the first page. Pools of addresses have
            /// this call, too.
            ///
            /// ```
            /// # use pagesheaf::{Order, Pool, Region};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let region = Region::addresses(0x4000_0000, 100 * 4096);
            /// let pool = Pool::builder(100).region(region).build()?;
            /// let order = Order::try_from(4)?;
            /// let first = pool.alloc_block_raw(order)?;
            /// assert_eq!(first.index() as usize % order.pages(), 0);
            /// // SAFETY: nobody else has the block, and its pages have no bytes.
            /// unsafe { pool.free_block_raw(first, order) }?;
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// As `alloc_block`.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_block_raw($($receiver)+, order: Order) -> Result<PageId, ShortReason> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_block_raw(front, order))
            }

            /// Allocates up to `out.len()` blocks of 2^order pages, without owners. Returns the
            /// first page of each, and why there are no more.
            ///
            /// ```
            /// # use core::mem::MaybeUninit;
            /// # use pagesheaf::{Order, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let order = Order::try_from(3)?;
            /// let mut out = [MaybeUninit::uninit(); 5];
            /// let (blocks, reason) = pool.alloc_blocks_bulk_raw(order, &mut out);
            /// assert_eq!((blocks.len(), reason), (5, None));
            /// for &mut first in blocks {
            ///     // SAFETY: nobody else has the block, and nobody wrote it.
            ///     unsafe { pool.free_block_raw(first, order) }?;
            /// }
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_blocks_bulk_raw<'o>($($receiver)+, order: Order, out: &'o mut [MaybeUninit<PageId>]) -> (&'o mut [PageId], Option<ShortReason>) {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_blocks_bulk_raw(front, order, out))
            }

            /// Frees a block by its first page.
            ///
            /// # Errors
            /// What is wrong, and nothing was freed: no block of this order can start there; with
            /// checks, none that is out does. A page that is in the zone already is named in every
            /// mode, and the others are freed.
            ///
            /// # Safety
            /// The caller is the sole owner of the block, which was allocated from this pool in
            /// this order, or came of one that was split into this order, and gives it up; its
            /// bytes are initialised (a value with padding leaves bytes that are not). In checking
            /// modes a call that breaks this is found and reported, where `features.md` says so.
            pub unsafe fn free_block_raw($($receiver)+, first: PageId, order: Order) -> Result<(), PageError> {
                $crate::calls::through!($marks, $self, front, $crate::calls::free_block_raw(front, first, order))
            }

            /// Allocates the page of this number.
            ///
            /// ```
            /// # use pagesheaf::{PageId, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let page = pool.alloc_at(PageId::new(42))?;
            /// assert_eq!(page.id().index(), 42);
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// Where the page is, if it cannot be had. If it is cached, what can be drained is
            /// drained first.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_at($($receiver)+, id: PageId) -> Result<Page<M>, $crate::error::PlaceError> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_at(front, id))
            }

            /// As `alloc_at`, without an owner. Pools of addresses have this call, too.
            ///
            /// ```
            /// # use pagesheaf::{PageId, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let id = PageId::new(42);
            /// pool.alloc_at_raw(id)?;
            /// // SAFETY: nobody else has the page, and nobody wrote it.
            /// unsafe { pool.free_bulk_raw(&[id]) }?;
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// As `alloc_at`.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_at_raw($($receiver)+, id: PageId) -> Result<(), $crate::error::PlaceError> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_at_raw(front, id, None))
            }

            /// Allocates the block of 2^order pages that starts at this page, whose number is a
            /// multiple of as many.
            ///
            /// ```
            /// # use pagesheaf::{Order, PageId, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let block = pool.alloc_block_at(PageId::new(40), Order::try_from(3)?)?;
            /// assert_eq!((block.id().index(), block.len()), (40, 8 * pool.page_size()));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// The first page of it that cannot be had, and where that is. If it is cached, what
            /// can be drained is drained first.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_block_at($($receiver)+, first: PageId, order: Order) -> Result<Block<M>, $crate::error::PlaceError> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_block_at(front, first, order))
            }

            /// As `alloc_block_at`, without an owner. Pools of addresses have this call, too.
            ///
            /// ```
            /// # use pagesheaf::{Order, PageId, Pool};
            /// # if Pool::builder(1).build().is_err() { return Ok(()) }
            /// let pool = Pool::builder(100).build()?;
            /// let (first, order) = (PageId::new(40), Order::try_from(3)?);
            /// pool.alloc_block_at_raw(first, order)?;
            /// // SAFETY: nobody else has the block, and nobody wrote it.
            /// unsafe { pool.free_block_raw(first, order) }?;
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            ///
            /// # Errors
            /// As `alloc_block_at`.
            #[cfg_attr(feature = "track", track_caller)]
            pub fn alloc_block_at_raw($($receiver)+, first: PageId, order: Order) -> Result<(), $crate::error::PlaceError> {
                $crate::calls::through!($marks, $self, front, $crate::calls::alloc_at_raw(front, first, Some(order)))
            }
        }
    };
}

pub(crate) use block_methods;

pub(crate) fn alloc_block<M: Mode>(
    mut front: impl Frontend<M>,
    order: Order,
) -> Result<Block<M>, ShortReason> {
    if front.shared().addresses_only {
        front.begin();
        return Err(ShortReason::AddressOnly);
    }
    let mut out = [MaybeUninit::uninit()];
    let floor = front.floor(order.pages());
    let (blocks, reason) = alloc_blocks(&mut front, order, &mut out, floor);
    let block = match blocks.first() {
        Some(&first) => Ok(own(&front, first, order)),
        None => Err(reason.unwrap_or(ShortReason::Exhausted)),
    };
    front.shared().conclude(Call::AllocBlock);
    block
}

pub(crate) fn alloc_blocks_bulk<M: Mode>(
    front: impl Frontend<M>,
    order: Order,
    out: &mut [Option<Block<M>>],
) -> Filled {
    fill(front, Call::AllocBlocksBulk, (out, order.pages()), |front, (most, floor), vacant| {
        let mut firsts = [MaybeUninit::uninit(); CHUNK];
        let (blocks, short) = alloc_blocks(front, order, &mut firsts[..most], floor);
        for (&mut first, block) in blocks.iter_mut().zip(vacant) {
            *block = Some(own(front, first, order));
        }
        (blocks.len(), short)
    })
}

pub(crate) fn alloc_block_raw<M: Mode>(
    mut front: impl Frontend<M>,
    order: Order,
) -> Result<PageId, ShortReason> {
    let mut out = [MaybeUninit::uninit()];
    let floor = front.floor(order.pages());
    let (blocks, reason) = alloc_blocks(&mut front, order, &mut out, floor);
    front.shared().conclude_quietly(Call::AllocBlockRaw);
    blocks.first().copied().ok_or(reason.unwrap_or(ShortReason::Exhausted))
}

pub(crate) fn alloc_blocks_bulk_raw<M: Mode>(
    mut front: impl Frontend<M>,
    order: Order,
    out: &mut [MaybeUninit<PageId>],
) -> (&mut [PageId], Option<ShortReason>) {
    let floor = front.floor(out.len() * order.pages());
    let blocks = alloc_blocks(&mut front, order, out, floor);
    front.shared().conclude_quietly(Call::AllocBlocksBulkRaw);
    blocks
}

/// Allocates blocks, which are the caller's.
fn alloc_blocks<'o, M: Mode>(
    front: &mut impl Frontend<M>,
    order: Order,
    out: &'o mut [MaybeUninit<PageId>],
    floor: Floor,
) -> (&'o mut [PageId], Option<ShortReason>) {
    let effect =
        front.shared().injector.decide(CallKinds::BLOCKS, order.get(), out.len() * order.pages());
    let most = match effect {
        None => out.len(),
        Some(InjectedFault::Short) => out.len() / 2,
        Some(_) => 0,
    };
    let (got, reason) = if most == 0 && effect.is_some() {
        front.begin();
        (0, None)
    } else {
        // They may be the very pages that are missing.
        front.shared().reap_fences_for(usize::MAX, floor);
        front.with_slot_as_is(|core, slot, _| {
            core.alloc_blocks(slot, order, &mut out[..most], floor)
        })
    };
    let injected = effect.map(|_| ShortReason::Injected);
    // SAFETY: the first `got` were written.
    let blocks = unsafe { written_mut(&mut out[..got]) };
    front.note_allocated(|| blocks.iter().flat_map(|&first| block_pages(first, order)));
    (blocks, reason.or(injected))
}

/// Owns a block that this front's core has just given to the call.
fn own<M: Mode>(front: &impl Frontend<M>, first: PageId, order: Order) -> Block<M> {
    // SAFETY: the block is out, and the call's alone, which gives it up; its callers have seen to
    // it that the core has bytes.
    unsafe { Block::new(front.core(), first, order) }
}

pub(crate) fn free_block<M: Mode>(mut front: impl Frontend<M>, block: Block<M>) {
    if block.core() != front.core() {
        front.begin();
        return drop(block);
    }
    let (first, order) = block.into_raw();
    let (freed, faults) = free(&mut front, first, order);
    let _ = front.shared().record_or_panic(&faults, freed, Call::FreeBlock);
}

pub(crate) fn free_block_raw<M: Mode>(
    mut front: impl Frontend<M>,
    first: PageId,
    order: Order,
) -> Result<(), PageError> {
    let (freed, faults) = free(&mut front, first, order);
    front.shared().record_or_panic(&faults, freed, Call::FreeBlockRaw)
}

/// Frees a block that its owner gives up, and counts its pages.
fn free<M: Mode>(front: &mut impl Frontend<M>, first: PageId, order: Order) -> (usize, Faults) {
    let mut faults = Faults::default();
    // Without a slot: a pool's would be busy while the pages are poisoned.
    let freed = front.shared().free_block(first, order, &mut faults);
    front.with_slot(|core, slot| match slot {
        Some(slot) => {
            slot.counters().count_free::<M>(freed);
            core.uncount_given(freed);
        }
        None => core.count_uncached_free(freed),
    });
    (freed, faults)
}

pub(crate) fn alloc_at<M: Mode>(
    mut front: impl Frontend<M>,
    id: PageId,
) -> Result<Page<M>, PlaceError> {
    let taken = take_with_bytes(&mut front, id, None);
    // SAFETY: the page is out, of a core with bytes, and is the call's alone, which gives it up.
    let page = taken.map(|()| unsafe { Page::new(front.core(), id) });
    front.shared().conclude(Call::AllocAt);
    page
}

pub(crate) fn alloc_block_at<M: Mode>(
    mut front: impl Frontend<M>,
    first: PageId,
    order: Order,
) -> Result<Block<M>, PlaceError> {
    let taken = take_with_bytes(&mut front, first, Some(order));
    let block = taken.map(|()| own(&front, first, order));
    front.shared().conclude(Call::AllocBlockAt);
    block
}

/// A page, or a block, that is to have an owner.
fn take_with_bytes<M: Mode>(
    front: &mut impl Frontend<M>,
    first: PageId,
    order: Option<Order>,
) -> Result<(), PlaceError> {
    if front.shared().addresses_only {
        front.begin();
        return Err(PlaceError { page: first, reason: PlaceReason::AddressOnly });
    }
    take(front, first, order)
}

fn take<M: Mode>(
    front: &mut impl Frontend<M>,
    first: PageId,
    order: Option<Order>,
) -> Result<(), PlaceError> {
    let (number, count) = order.map_or((0, 1), |order| (order.get(), order.pages()));
    if front.shared().injector.decide(CallKinds::AT, number, count).is_some() {
        front.begin();
        return Err(PlaceError { page: first, reason: PlaceReason::Injected });
    }
    let floor = front.floor(count);
    front.shared().reap_fences_for(usize::MAX, floor);
    let taken = front.with_slot_as_is(|core, slot, _| core.alloc_at(slot, first, order, floor));
    if taken.is_ok() {
        front.note_allocated(|| block_pages(first, order.unwrap_or(Order::ZERO)));
    }
    taken
}

pub(crate) fn alloc_at_raw<M: Mode>(
    mut front: impl Frontend<M>,
    first: PageId,
    order: Option<Order>,
) -> Result<(), PlaceError> {
    let taken = take(&mut front, first, order);
    front.shared().conclude_quietly(Call::AllocAtRaw);
    taken
}
