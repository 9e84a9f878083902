//! Threads that allocate and free blocks of several words of the zone, beside pages and small blocks.

use pagesheaf::{Block, Cache, Mode, Order, PageId};

use crate::oracle::{lets_go, took};
use crate::programs::{BULK, BulkAlloc, Case};
use crate::random::Random;

/// The pages of the pool: as many as the oracle knows.
pub const PAGES: usize = crate::oracle::PAGES;

/// The most pages that a thread holds: of eight threads, all of the pool.
const HELD: usize = PAGES / 8;

/// The smallest order whose blocks are claimed word by word: those of a word have 64 pages.
const SEVERAL: u8 = 7;

/// Blocks and bulks that a thread holds, and how many pages that is.
struct Held<M: Mode> {
    blocks: Vec<Block<M>>,
    bulks: Vec<BulkAlloc<M>>,
}

impl<M: Mode> Held<M> {
    fn pages(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(|block| block.order().pages()).sum();
        blocks + self.bulks.iter().map(|bulk| bulk.len()).sum::<usize>()
    }
}

/// Allocates a block, anywhere or at some place.
fn alloc<M: Mode>(
    case: &Case<M>,
    cache: &mut Option<Cache<M>>,
    (order, at): (Order, Option<PageId>),
    owner: u32,
) -> Option<Block<M>> {
    let block = match (cache, at) {
        (Some(cache), None) => cache.alloc_block(order).ok(),
        (Some(cache), Some(first)) => cache.alloc_block_at(first, order).ok(),
        (None, None) => case.pool.alloc_block(order).ok(),
        (None, Some(first)) => case.pool.alloc_block_at(first, order).ok(),
    };
    case.count(if block.is_some() { order.pages() } else { 0 }, block.is_none());
    let mut block = block?;
    let first = block.id().index();
    assert!(first.is_multiple_of(order.pages() as u32) && block.order() == order);
    for (id, page) in (first..).zip(block.chunks_exact_mut(case.pool.page_size())) {
        took(PageId::new(id), page, owner);
    }
    Some(block)
}

/// A block is about to go.
fn lets_block_go<M: Mode>(case: &Case<M>, block: &Block<M>) {
    for (id, page) in (block.id().index()..).zip(block.chunks_exact(case.pool.page_size())) {
        lets_go(PageId::new(id), page);
    }
}

fn free<M: Mode>(case: &Case<M>, cache: &mut Option<Cache<M>>, block: Block<M>) {
    lets_block_go(case, &block);
    match cache {
        Some(cache) => cache.free_block(block),
        None => case.pool.free_block(block),
    }
}

/// Each thread gets a block of several words at least once, though others have pages of most.
pub fn blocks<M: Mode>(case: &Case<M>, seed: u64) {
    let owner = seed as u32 + 1;
    let mut cache = case.cache();
    let mut random = Random::new(seed);
    let mut held = Held { blocks: Vec::new(), bulks: Vec::new() };
    let (mut served, mut waits) = (false, 0_u32);
    while case.goes_on() || !served {
        match random.below(8) {
            0 | 1 => {
                let order = SEVERAL + random.below(2) as u8;
                let order = Order::new(order).expect("a legal order");
                let places = PAGES / order.pages();
                let place = (random.below(places) * order.pages()) as u32;
                let at = (random.below(2) == 0).then(|| PageId::new(place));
                let block = alloc(case, &mut cache, (order, at), owner);
                served |= block.is_some();
                waits = if block.is_some() { 0 } else { waits + 1 };
                assert!(waits < 1_000_000, "nothing in so many tries");
                held.blocks.extend(block);
            }
            2 => {
                let order = Order::new(random.below(SEVERAL.into()) as u8).expect("a legal order");
                held.blocks.extend(alloc(case, &mut cache, (order, None), owner));
            }
            3 | 4 => {
                let mut bulk = BulkAlloc::default();
                case.alloc_bulk(&mut cache, &mut bulk, 1 + random.below(BULK), owner);
                held.bulks.push(bulk);
            }
            5 => {
                let Some(block) = held.blocks.pop() else { continue };
                let order = Order::new(random.below(SEVERAL.into()) as u8).expect("a legal order");
                match block.split(order) {
                    Ok(pieces) => held.blocks.extend(pieces),
                    Err(block) => block.into_pages().for_each(|page| case.free(&mut cache, page)),
                }
            }
            _ if random.below(2) == 0 && !held.blocks.is_empty() => {
                let at = random.below(held.blocks.len());
                let block = held.blocks.swap_remove(at);
                free(case, &mut cache, block);
            }
            _ => held.bulks.pop().iter_mut().for_each(|bulk| case.free_bulk(&mut cache, bulk)),
        }
        while held.pages() > HELD {
            held.blocks.pop().into_iter().for_each(|block| free(case, &mut cache, block));
            held.bulks.pop().iter_mut().for_each(|bulk| case.free_bulk(&mut cache, bulk));
        }
    }
    held.bulks.iter_mut().for_each(|bulk| case.free_bulk(&mut cache, bulk));
    // Without a cache.
    held.blocks.iter().for_each(|block| lets_block_go(case, block));
}
