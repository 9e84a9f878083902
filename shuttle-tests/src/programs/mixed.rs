//! Tasks with caches and without allocate and free, one page and many, and drop what others have allocated.

use std::sync::{Arc, Mutex};

use pagesheaf::{Mode, Page, Pool};

use super::{builder, built, is_whole};
use crate::front::{BULK, Bulk, Front, Task};
use crate::owners::Owners;
use crate::random::Random;
use crate::tasks::{join, spawn, yield_now};

/// Pages that one task leaves to another.
type Mailbox<M> = Arc<Mutex<Vec<Page<M>>>>;

/// So many calls a task makes.
const CALLS: usize = 14;

fn works<M: Mode>(pool: &Pool<M>, owners: &Owners, mailbox: &Mailbox<M>, name: u32, seed: u64) {
    let mut random = Random::new(seed);
    let front = Front::open(pool, random.below(3));
    let mut task = Task { front, owners, name };
    let (mut bulks, mut pages) = (Vec::new(), Vec::new());
    for _ in 0..CALLS {
        match random.below(12) {
            0..4 => {
                let mut bulk = Bulk::empty();
                let want = 1 + random.below(BULK);
                let came = match random.below(3) {
                    0 => task.alloc_bulk_exact(&mut bulk, want),
                    _ => task.alloc_bulk(&mut bulk, want),
                };
                if !came {
                    yield_now();
                }
                bulks.push(bulk);
            }
            4 | 5 => pages.extend(task.alloc()),
            6..9 if !bulks.is_empty() => {
                let mut bulk = bulks.swap_remove(random.below(bulks.len()));
                match random.below(3) {
                    0 => task.drop_bulk(&mut bulk),
                    _ => task.free_bulk(&mut bulk),
                }
            }
            9 => mailbox.lock().expect("a lock").append(&mut pages),
            10 => {
                let others = std::mem::take(&mut *mailbox.lock().expect("a lock"));
                others.iter().for_each(|page| owners.lets_go(page.id(), page));
                drop(others);
            }
            _ => pages.pop().into_iter().for_each(|page| task.free(page)),
        }
    }
    bulks.iter_mut().for_each(|bulk| task.drop_bulk(bulk));
    pages.into_iter().for_each(|page| task.free(page));
}

/// Each page has one owner at a time, and all are there in the end.
pub fn mixed<M: Mode>(mut random: Random) {
    let pages = [40, 150, 600][random.below(3)];
    let (pool, owners) = built(builder::<M>(&mut random, pages));
    let mailbox = Mailbox::default();
    let tasks = 2 + random.below(5) as u32;
    let tasks: Vec<_> = (1..=tasks)
        .map(|name| {
            let (pool, owners, mailbox) = (pool.clone(), Arc::clone(&owners), mailbox.clone());
            let seed = random.next();
            spawn(move || works(&pool, &owners, &mailbox, name, seed))
        })
        .collect();
    join(tasks);
    let left = std::mem::take(&mut *mailbox.lock().expect("a lock"));
    left.into_iter().for_each(|page| {
        owners.lets_go(page.id(), &page);
        drop(page);
    });
    is_whole(pool, &owners);
}
