//! What each operation does to the world: references to pages.

use super::op::Kind;
use super::shares::{Shares, Through};
use super::steps::{of, pick};
use super::world::World;
use crate::common::*;

impl<M: Mode, S: Shares<M>> World<M, S> {
    pub(super) fn share(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
        match kind {
            Kind::Share => match S::share(pick(&mut self.pages, a)?) {
                Ok(shared) => self.shared.push(shared),
                Err(page) => self.pages.push(page),
            },
            Kind::CloneShared => {
                let again = S::again(of(&mut self.shared, a)?);
                self.shared.push(again);
            }
            Kind::DropShared | Kind::TryUnique => {
                let shared = pick(&mut self.shared, a)?;
                let id = S::bytes(&shared).0;
                let last = self.shared.iter().all(|other| S::bytes(other).0 != id);
                if kind == Kind::TryUnique {
                    match S::unique(shared) {
                        Ok(page) => self.pages.push(page),
                        Err(shared) => self.shared.push(shared),
                    }
                    assert_eq!(self.shared.iter().all(|other| S::bytes(other).0 != id), last);
                } else {
                    if last {
                        self.lets_go(&[id]);
                    }
                    drop(shared);
                }
            }
            Kind::RetainRaw => {
                let &mut (id, ref mut count) = of(&mut self.raw, a)?;
                let front = through(&self.pool, &mut self.caches, b);
                // SAFETY: a reference to the page is held.
                let retained = unsafe { S::retain(front, &[id]) }?;
                assert_eq!(retained, Ok(1));
                *count += 1;
            }
            Kind::RetainMany => {
                let ids = self.references(|_| usize::from(b) % 3 + 1);
                let front = through(&self.pool, &mut self.caches, a);
                // SAFETY: references to the pages are held.
                let retained = unsafe { S::retain(front, &ids) }?;
                assert_eq!(retained, Ok(ids.len()));
                self.raw.iter_mut().for_each(|(_, count)| *count += u32::from(b) % 3 + 1);
            }
            Kind::ShareMany => {
                let (n, taken) = (u32::from(b), usize::from(b) % 3);
                let more = S::many(of(&mut self.shared, a)?, n, taken);
                self.shared.extend(more);
            }
            Kind::RetainOne => {
                let at = usize::from(b) % self.raw.len().max(1);
                let &(id, count) = self.raw.get(at)?;
                let (n, kept) = (u32::from(a) + 1, u32::from(a) % 3);
                let front = through(&self.pool, &mut self.caches, a);
                // SAFETY: a reference to the page is held.
                unsafe { S::retain_many(front, id, n) }?;
                let front = through(&self.pool, &mut self.caches, b);
                // SAFETY: so many references to the page are held, and given up.
                let freed = unsafe { S::release_many(front, id, n + count - 1 - kept.min(n)) }?;
                assert!(!freed);
                self.raw[at].1 = 1 + kept.min(n);
            }
            Kind::ReleaseMany => {
                // Of every other page all references, of the rest all but one.
                let kept = |at: usize| u32::from((at + usize::from(b)).is_multiple_of(2));
                let ids = self.references(|at| (self.raw[at].1 - kept(at)) as usize);
                if !S::COUNTS {
                    return Some(());
                }
                let at = 0..self.raw.len();
                let last: Vec<_> =
                    at.filter(|&at| kept(at) == 0).map(|at| self.raw[at].0).collect();
                self.lets_go(&last);
                let front = through(&self.pool, &mut self.caches, a);
                // SAFETY: so many references to the pages are held, and given up.
                let released = unsafe { S::release(front, &ids) }?;
                assert_eq!(released, Ok(last.len()));
                self.raw.retain_mut(|(id, count)| {
                    *count = 1;
                    !last.contains(id)
                });
            }
            Kind::ReleaseRaw => {
                let at = usize::from(b) % self.raw.len().max(1);
                let &(id, count) = self.raw.get(at)?;
                if count == 1 && a.is_multiple_of(2) {
                    return Some(());
                }
                if count == 1 {
                    self.lets_go(&[id]);
                }
                let front = through(&self.pool, &mut self.caches, a / 2);
                // SAFETY: a reference to the page is held, and given up.
                match unsafe { S::release(front, &[id]) } {
                    Some(released) => assert_eq!(released, Ok(usize::from(count == 1))),
                    // SAFETY: the page has no owner, and nobody counts.
                    None => unsafe { self.pool.free_bulk_raw(&[id]) }.expect("a page of the pool"),
                }
                match count {
                    1 => _ = self.raw.swap_remove(at),
                    _ => self.raw[at].1 -= 1,
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// So many references to each page without an owner, the first to each, then the second, and so on.
    fn references(&self, how_many: impl Fn(usize) -> usize) -> Vec<PageId> {
        let (mut ids, mut round) = (Vec::new(), 0);
        loop {
            let before = ids.len();
            let all = self.raw.iter().enumerate();
            ids.extend(all.filter(|&(at, _)| how_many(at) > round).map(|(_, &(id, _))| id));
            round += 1;
            if ids.len() == before {
                return ids;
            }
        }
    }
}

/// The pool or a cache, as the operand says.
fn through<'a, M: Mode>(
    pool: &'a Pool<M>,
    caches: &'a mut [Cache<M>],
    which: u8,
) -> Through<'a, M> {
    let which = usize::from(which) % (caches.len() + 1);
    match which.checked_sub(1) {
        Some(cache) => Through::Cache(&mut caches[cache]),
        None => Through::Pool(pool),
    }
}
