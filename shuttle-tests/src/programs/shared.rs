//! Pages with several owners: references are made and given up on many tasks at once, one and many.

use std::sync::{Arc, Mutex};

use pagesheaf::{Pool, Refcounted, SharedPage};

use super::{builder, built, is_whole};
use crate::owners::Owners;
use crate::random::Random;
use crate::tasks::{join, spawn};

const CALLS: usize = 20;

/// That a page is out: as long as anybody has one of these.
struct Claim(Arc<Owners>, pagesheaf::PageId);

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.disclaim(self.1);
    }
}

/// A reference. Its claim goes first: so while a claim is there, so is a reference.
struct Reference<M: Refcounted> {
    _claim: Arc<Claim>,
    page: SharedPage<M>,
}

impl<M: Refcounted> Clone for Reference<M> {
    fn clone(&self) -> Self {
        Reference { _claim: Arc::clone(&self._claim), page: self.page.clone() }
    }
}

/// References that one task leaves to another.
type Mailbox<M> = Arc<Mutex<Vec<Reference<M>>>>;

fn works<M: Refcounted>(pool: &Pool<M>, owners: &Arc<Owners>, mailbox: &Mailbox<M>, seed: u64) {
    let mut random = Random::new(seed);
    let mut cache = pool.cache().ok();
    let mut held = Vec::<Reference<M>>::new();
    for _ in 0..CALLS {
        match random.below(8) {
            0 | 1 => {
                let page = match &mut cache {
                    Some(cache) => cache.alloc(),
                    None => pool.alloc(),
                };
                let Ok(page) = page else { continue };
                owners.claim(page.id(), 1);
                let claim = Arc::new(Claim(Arc::clone(owners), page.id()));
                held.push(Reference { _claim: claim, page: page.into_shared() });
            }
            2 | 3 => {
                let copies = held.clone();
                mailbox.lock().expect("a lock").extend(copies);
            }
            4 => {
                let Some(reference) = held.last() else { continue };
                let many = reference.page.retain_many(1 + random.below(4) as u32);
                let claim = &reference._claim;
                // Those that are not taken go back in one step.
                let taken = many.take(random.below(3));
                let taken: Vec<_> =
                    taken.map(|page| Reference { _claim: Arc::clone(claim), page }).collect();
                held.extend(taken);
            }
            5 => {
                let mut others = std::mem::take(&mut *mailbox.lock().expect("a lock"));
                held.append(&mut others);
            }
            6 => held.truncate(held.len() / 2),
            _ => {
                let Some(Reference { _claim, page }) = held.pop() else { continue };
                match page.try_into_unique() {
                    Ok(mut page) => {
                        page.fill(7);
                        let shared = page.into_shared();
                        held.push(Reference { _claim, page: shared });
                    }
                    Err(page) => drop(Reference { _claim, page }),
                }
            }
        }
    }
}

/// The last reference frees the page, and no other.
pub fn shared<M: Refcounted>(mut random: Random) {
    let pages = [4, 12, 60][random.below(3)];
    let (pool, owners) = built(builder::<M>(&mut random, pages));
    let mailbox = Mailbox::default();
    let tasks: Vec<_> = (0..2 + random.below(4))
        .map(|_| {
            let (pool, owners, mailbox) = (pool.clone(), Arc::clone(&owners), mailbox.clone());
            let seed = random.next();
            spawn(move || works(&pool, &owners, &mailbox, seed))
        })
        .collect();
    join(tasks);
    let left = std::mem::take(&mut *mailbox.lock().expect("a lock"));
    drop(left);
    is_whole(pool, &owners);
}
