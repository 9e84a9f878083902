//! Blocks, and what is asked for by its number.
//!
//! Invariant: a block that has no owner in Rust is named by its first page and its order, for both
//! of which the call's caller answers. Whoever allocates by a number gets that page, or nothing.

use core::mem::MaybeUninit;

use super::fill::fill;
use super::{CHUNK, Frontend};
use crate::error::{Call, Filled, PageError, PlaceError, PlaceReason, ShortReason};
use crate::inner::{Faults, Step, block_pages};
use crate::mode::Mode;
use crate::owned::{Block, Page};
use crate::page::{Order, PageId, written_mut};
use crate::plan::{CallKinds, InjectedFault};

pub(crate) fn alloc_block<M: Mode>(
    mut front: impl Frontend<M>,
    order: Order,
) -> Result<Block<M>, ShortReason> {
    if front.shared().addresses_only {
        front.begin();
        return Err(ShortReason::AddressOnly);
    }
    let mut out = [MaybeUninit::uninit()];
    let step = Step::first(front.floor(order.pages()));
    let (blocks, reason) = alloc_blocks(&mut front, order, &mut out, step);
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
    fill(front, Call::AllocBlocksBulk, (out, order.pages()), |front, (most, step), vacant| {
        let mut firsts = [MaybeUninit::uninit(); CHUNK];
        let (blocks, short) = alloc_blocks(front, order, &mut firsts[..most], step);
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
    let step = Step::first(front.floor(order.pages()));
    let (blocks, reason) = alloc_blocks(&mut front, order, &mut out, step);
    front.note_raw(|| blocks.iter().flat_map(|&first| block_pages(first, order)));
    front.shared().conclude_quietly(Call::AllocBlockRaw);
    blocks.first().copied().ok_or(reason.unwrap_or(ShortReason::Exhausted))
}

pub(crate) fn alloc_blocks_bulk_raw<M: Mode>(
    mut front: impl Frontend<M>,
    order: Order,
    out: &mut [MaybeUninit<PageId>],
) -> (&mut [PageId], Option<ShortReason>) {
    let step = Step::first(front.floor(out.len() * order.pages()));
    let (blocks, reason) = alloc_blocks(&mut front, order, out, step);
    front.note_raw(|| blocks.iter().flat_map(|&first| block_pages(first, order)));
    front.shared().conclude_quietly(Call::AllocBlocksBulkRaw);
    (blocks, reason)
}

/// Allocates blocks, which are the caller's.
fn alloc_blocks<'o, M: Mode>(
    front: &mut impl Frontend<M>,
    order: Order,
    out: &'o mut [MaybeUninit<PageId>],
    step: Step,
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
        front.shared().reap_fences_for(usize::MAX, step.floor);
        front
            .with_slot_as_is(|core, slot, _| core.alloc_blocks(slot, order, &mut out[..most], step))
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
    if taken.is_ok() {
        front.note_raw(|| block_pages(first, order.unwrap_or(Order::ZERO)));
    }
    front.shared().conclude_quietly(Call::AllocAtRaw);
    taken
}
