//! What each operation does to the world: blocks come without owners and in bulk, are split, and
//! are asked for by their numbers.

use super::op::Kind;
use super::shares::Shares;
use super::steps::pick;
use super::world::{KEPT, World};
use crate::common::*;

/// Blocks of a call for several.
const BLOCKS: usize = 6;

/// How many orders there are.
const ORDERS: u8 = Order::MAX.get() + 1;

/// The order that an operand names.
pub fn named(b: u8) -> Order {
    order(b % ORDERS)
}

impl<M: Mode, S: Shares<M>> World<M, S> {
    pub(super) fn block(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
        match kind {
            Kind::AllocBlocks => self.alloc_blocks(a, b)?,
            Kind::AllocBlockRaw => {
                let order = named(b);
                self.pass_all();
                let whole = self.whole(order);
                let (first, others) = through!(self, a, |front| front.alloc_block_raw(order));
                match first {
                    Ok(first) => {
                        assert!(whole > 0 || !self.alone);
                        self.took(&block_ids(first, order));
                        self.raw_blocks.push((first, order));
                    }
                    Err(short) => self.check_no_block(short, (order, 1), whole, others),
                }
            }
            Kind::FreeBlockRaw => {
                let (first, order) = pick(&mut self.raw_blocks, b)?;
                self.lets_go(&block_ids(first, order));
                let freed = through!(self, a, |front| {
                    // SAFETY: the block has no owner.
                    unsafe { front.free_block_raw(first, order) }
                });
                freed.0.expect("a block of the pool");
            }
            Kind::BlockIntoRaw => {
                let block = pick(&mut self.blocks, a)?;
                self.raw_blocks.push(block.into_raw());
            }
            Kind::AdoptBlock => {
                let (first, order) = pick(&mut self.raw_blocks, a)?;
                // SAFETY: the block has no owner.
                self.blocks.push(unsafe { Block::from_raw(&self.pool, first, order) });
            }
            Kind::SplitBlock => {
                let block = pick(&mut self.blocks, a)?;
                let (ids, larger) = (Self::of_block(&block), block.order().get());
                let into = (b % (larger + 2)).min(Order::MAX.get());
                match block.split(order(into)) {
                    Ok(pieces) => {
                        let pieces: Vec<_> = pieces.collect();
                        assert!(pieces.iter().flat_map(Self::of_block).eq(ids));
                        self.blocks.extend(pieces);
                    }
                    Err(block) => {
                        assert_eq!((Self::of_block(&block), into), (ids, larger + 1));
                        self.blocks.push(block);
                    }
                }
            }
            Kind::IntoPages => {
                let block = pick(&mut self.blocks, a)?;
                let ids = Self::of_block(&block);
                let n = usize::from(b) % (ids.len() + 1);
                self.lets_go(&ids[n..]);
                self.pages.extend(block.into_pages().take(n));
            }
            Kind::SplitRaw => {
                let (first, order) = pick(&mut self.raw_blocks, a)?;
                let into = Order::new((b % (order.get() + 2)).wrapping_sub(1));
                // SAFETY: the block has no owner.
                let split = unsafe { self.pool.split_block_raw(first, order, into) };
                split.expect("a block of the pool");
                let ids = block_ids(first, order);
                match into {
                    None => self.raw.extend(ids.into_iter().map(|id| (id, 1))),
                    Some(into) => {
                        let firsts = ids.iter().step_by(into.pages());
                        self.raw_blocks.extend(firsts.map(|&first| (first, into)));
                    }
                }
            }
            Kind::AllocAt => {
                let id = PageId::new((self.place(b) % (self.pool.capacity() + 1)) as u32);
                let (page, others) = through!(self, a, |front| front.alloc_at(id));
                match page {
                    Ok(page) => {
                        assert_eq!(page.id(), id);
                        self.took(&[id]);
                        self.pages.push(page);
                    }
                    Err(error) => self.check_missing(error, id, 1, others),
                }
            }
            Kind::AllocBlockAt => {
                let order = named(b);
                let all = self.pool.capacity() / order.pages() + 2;
                let at = usize::from(b / ORDERS) % all * order.pages();
                let first = PageId::new((at + usize::from(b == u8::MAX)) as u32);
                let (block, others) = through!(self, a, |front| front.alloc_block_at(first, order));
                match block {
                    Ok(block) => {
                        assert_eq!((block.id(), block.order()), (first, order));
                        self.took(&Self::of_block(&block));
                        self.blocks.push(block);
                    }
                    Err(error) => self.check_missing(error, first, order.pages(), others),
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// The place of a page that an operand names: anywhere in the pool, also where there are more
    /// pages than operands.
    pub(super) fn place(&self, operand: u8) -> usize {
        usize::from(operand) * (self.pool.capacity() / 256 + 1)
    }

    fn alloc_blocks(&mut self, a: u8, b: u8) -> Option<()> {
        let (order, want) = (named(b), usize::from(b / ORDERS) % (BLOCKS + 1));
        let mut out: [Option<Block<M>>; BLOCKS] = std::array::from_fn(|_| None);
        self.pass_all();
        let (bulk, others) =
            through!(self, a, |front| front.alloc_blocks_bulk(order, &mut out[..want]));
        let new: Vec<_> = out.into_iter().flatten().collect();
        assert_eq!((new.len(), bulk.reason.is_none()), (bulk.allocated, bulk.allocated == want));
        for block in new {
            assert_eq!((block.order(), block.id().index() as usize % order.pages()), (order, 0));
            self.took(&Self::of_block(&block));
            self.blocks.push(block);
        }
        if let Some(short) = bulk.reason {
            let was_dry = self.dry.get();
            self.check_no_block(short, (order, want), self.whole(order), others);
            self.dry.set(was_dry || (self.dry.get() && bulk.allocated == 0));
        }
        Some(())
    }

    /// Whether it was right to say that pages are not to be had at their place.
    fn check_missing(&self, error: PlaceError, first: PageId, pages: usize, others: usize) {
        let PlaceError { page, reason, .. } = error;
        let (from, capacity) = (first.index() as usize, self.pool.capacity());
        match reason {
            PlaceReason::OutOfRange => return assert!(page == first && from >= capacity),
            PlaceReason::NotABlock { order } => {
                assert_eq!((page, 1 << order), (first, pages));
                return assert!(!from.is_multiple_of(pages) || from + pages > capacity);
            }
            _ => assert!((from..from + pages).contains(&(page.index() as usize)), "{error}"),
        }
        if !self.alone || self.is_injected(reason == PlaceReason::Injected) {
            return;
        }
        let is_held = self.held().0.contains(&page);
        let is_lent = self.lent.contains(&page);
        let cached = self.pool.audit().pages.cached as usize;
        let may_be_fenced = !is_held && self.pool.audit().pages.fenced > 0;
        let may_be_cached = cached > 0 && cached <= others * KEPT;
        match reason {
            PlaceReason::Out if may_be_fenced => assert!(!M::CHECKS, "{error}"),
            PlaceReason::Out => assert!(is_held && !(is_lent && M::CHECKS), "{error}"),
            PlaceReason::Fenced => assert!(may_be_fenced && M::CHECKS, "{error}"),
            PlaceReason::Offline => assert!(self.offline.contains(&page), "{error}"),
            PlaceReason::Lent => assert!(is_lent && M::CHECKS, "{error}"),
            PlaceReason::Cached => assert!(!is_held && may_be_cached && M::CHECKS, "{error}"),
            PlaceReason::OutOrCached => assert!(may_be_cached && !M::CHECKS, "{error}"),
            PlaceReason::Watermark => {
                let free = self.pool.audit().pages.free;
                let kept = self.kept(pages, free);
                assert!(kept > 0 && free as usize - kept < pages, "{error}");
            }
            PlaceReason::Busy => assert!(self.may_be_held_back(others), "{error}"),
            other => panic!("{other:?}"),
        }
    }
}
