//! Blocks of one word of the zone and of several, at places and anywhere, split and whole, beside pages.

use std::sync::Arc;

use pagesheaf::{Block, Mode, Order, PageId, Pool};

use super::{builder, built, is_whole};
use crate::front::{BULK, Bulk, Front, Task, through};
use crate::owners::Owners;
use crate::random::Random;
use crate::tasks::{join, spawn};

const CALLS: usize = 16;

/// Each page of a block has come to this owner.
fn took<M: Mode>(owners: &Owners, pool: &Pool<M>, block: &mut Block<M>, owner: u32) {
    let first = block.id().index();
    assert!(first.is_multiple_of(block.order().pages() as u32), "{first}");
    for (id, page) in (first..).zip(block.chunks_exact_mut(pool.page_size())) {
        owners.took(PageId::new(id), page, owner);
    }
}

fn lets_go<M: Mode>(owners: &Owners, pool: &Pool<M>, block: &Block<M>) {
    for (id, page) in (block.id().index()..).zip(block.chunks_exact(pool.page_size())) {
        owners.lets_go(PageId::new(id), page);
    }
}

fn works<M: Mode>(pool: &Pool<M>, owners: &Owners, name: u32, seed: u64) {
    let mut random = Random::new(seed);
    let front = Front::open(pool, random.below(3));
    let mut task = Task { front, owners, name };
    let (mut blocks, mut held) = (Vec::new(), Bulk::empty());
    for _ in 0..CALLS {
        let order = Order::new(random.below(9) as u8).expect("a legal order");
        match random.below(8) {
            0 | 1 => {
                blocks.extend(through!(&mut task.front, |front| front.alloc_block(order)).ok().map(
                    |mut block| {
                        took(owners, pool, &mut block, name);
                        block
                    },
                ))
            }
            2 => {
                let places = pool.capacity() / order.pages();
                let place = (random.below(places) * order.pages()) as u32;
                let place = PageId::new(place);
                let block =
                    through!(&mut task.front, |front| front.alloc_block_at(place, order)).ok();
                blocks.extend(block.map(|mut block| {
                    took(owners, pool, &mut block, name);
                    block
                }));
            }
            3 => {
                let want = random.below(BULK - held.len() + 1);
                task.alloc_bulk(&mut held, want);
            }
            4 => {
                let Some(block) = blocks.pop() else { continue };
                match block.split(order) {
                    Ok(pieces) => blocks.extend(pieces),
                    Err(block) => block.into_pages().for_each(|page| task.free(page)),
                }
            }
            5 => task.free_bulk(&mut held),
            _ if blocks.is_empty() => {}
            _ => {
                let block = blocks.swap_remove(random.below(blocks.len()));
                lets_go(owners, pool, &block);
                through!(&mut task.front, |front| front.free_block(block));
            }
        }
    }
    task.free_bulk(&mut held);
    for block in blocks {
        lets_go(owners, pool, &block);
        drop(block);
    }
}

/// A block has each of its pages, and one owner.
pub fn blocks<M: Mode>(mut random: Random) {
    let pages = [256, 700][random.below(2)];
    let (pool, owners) = built(builder::<M>(&mut random, pages));
    let tasks: Vec<_> = (1..=2 + random.below(3) as u32)
        .map(|name| {
            let (pool, owners, seed) = (pool.clone(), Arc::clone(&owners), random.next());
            spawn(move || works(&pool, &owners, name, seed))
        })
        .collect();
    join(tasks);
    is_whole(pool, &owners);
}
