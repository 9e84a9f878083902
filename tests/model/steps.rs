//! What each operation does to the world.

use super::op::{Kind, Op};
use super::shares::Shares;
use super::world::{ROOM, World};
use crate::common::*;

/// Does `$body` through a cache, or through the pool, as the operand says.
macro_rules! through {
    ($world:expr, $which:expr, |$front:ident| $body:expr) => {{
        let which = usize::from($which) % ($world.caches.len() + 1);
        let others = $world.caches.len() - usize::from(which > 0);
        if which > 0 {
            let $front = &mut $world.caches[which - 1];
            ($body, others)
        } else {
            let $front = &$world.pool;
            ($body, others)
        }
    }};
}

/// Takes one of a list, if there is one.
fn pick<T>(list: &mut Vec<T>, which: u8) -> Option<T> {
    (!list.is_empty()).then(|| list.swap_remove(usize::from(which) % list.len()))
}

/// An element of a list, if there is one.
fn of<T>(list: &mut [T], which: u8) -> Option<&mut T> {
    let len = list.len();
    list.get_mut(usize::from(which) % len.max(1))
}

impl<M: Mode, S: Shares<M>> World<M, S> {
    /// Does an operation, and looks whether the invariants hold.
    pub fn step(&mut self, op: Op) {
        let Op(kind, a, b) = op;
        // What an operation needs and is not there makes it do nothing.
        let _ = self.allocate(kind, a, b).or_else(|| self.free(kind, a, b)).or_else(|| {
            self.arrange(kind, a, b)
                .or_else(|| self.hand_over(kind, a, b))
                .or_else(|| self.share(kind, a, b))
        });
        self.check();
    }

    fn allocate(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
        let want = usize::from(b) % (ROOM + 10);
        match kind {
            Kind::OpenCache => self.caches.extend(self.pool.cache().ok()),
            Kind::CloseCache => drop(pick(&mut self.caches, a)?),
            Kind::Alloc | Kind::AllocZeroed => {
                let zeroed = kind == Kind::AllocZeroed;
                let (page, others) = through!(self, a, |front| {
                    if zeroed { front.alloc_zeroed() } else { front.alloc() }
                });
                let (new, short) = (usize::from(page.is_ok()), page.as_ref().err().copied());
                self.check_bulk(Bulk { new, short }, 1, 1, others);
                let page = page.ok()?;
                if zeroed {
                    self.assert_zero(&[page.id()]);
                }
                self.took(&[page.id()]);
                self.pages.push(page);
            }
            Kind::AllocBulk | Kind::AllocBulkZeroed | Kind::AllocMore => {
                let last = if kind == Kind::AllocMore { self.batches.pop() } else { None };
                let mut batch = last.unwrap_or_default();
                let (before, room) = (batch.len(), batch.room());
                let zeroed = kind == Kind::AllocBulkZeroed;
                let (bulk, others) = through!(self, a, |front| {
                    if zeroed {
                        front.alloc_bulk_zeroed(&mut batch, want)
                    } else {
                        front.alloc_bulk(&mut batch, want)
                    }
                });
                assert_eq!(batch.len(), before + bulk.new);
                let new = batch.ids()[before..].to_vec();
                self.batches.push(batch);
                if zeroed {
                    self.assert_zero(&new);
                }
                self.took(&new);
                self.check_bulk(bulk, want, room, others);
            }
            Kind::AllocBulkExact => {
                let mut batch = PageBatch::default();
                let (result, _) =
                    through!(self, a, |front| front.alloc_bulk_exact(&mut batch, want));
                match result {
                    Ok(()) => assert_eq!(batch.len(), want),
                    Err(error) => assert!(batch.is_empty() && error.had < want, "{error}"),
                }
                self.took(batch.ids());
                self.batches.push(batch);
            }
            Kind::Fill => {
                let mut pages: [Option<Page<M>>; ROOM] = std::array::from_fn(|_| None);
                // Some are there already, and stay.
                let kept = self.pages.pop();
                let (id, full) = (kept.as_ref().map(Page::id), usize::from(kept.is_some()));
                pages[1] = kept;
                let len = want.clamp(2, ROOM);
                let (bulk, others) = through!(self, a, |front| front.fill(&mut pages[..len]));
                assert_eq!(pages[1].as_ref().map(Page::id).filter(|_| full > 0), id);
                let new = pages.into_iter().flatten().collect::<Vec<_>>();
                let ids = new.iter().map(Page::id).filter(|&it| Some(it) != id);
                let ids = ids.collect::<Vec<_>>();
                assert_eq!(ids.len(), bulk.new);
                self.pages.extend(new);
                self.took(&ids);
                self.check_bulk(bulk, len - full, len - full, others);
            }
            Kind::AllocBlock => {
                let order = Order::new(b % 7)?;
                let block = through!(self, a, |front| front.alloc_block(order)).0.ok()?;
                assert_eq!(block.order(), order);
                assert!((block.id().index() as usize).is_multiple_of(order.pages()));
                self.took(&Self::of_block(&block));
                self.blocks.push(block);
            }
            Kind::AllocRaw => {
                let mut out = no_ids::<ROOM>();
                let len = want.min(ROOM);
                let ((ids, short), others) = through!(self, a, |front| {
                    let (ids, short) = front.alloc_bulk_raw(&mut out[..len]);
                    (ids.to_vec(), short)
                });
                self.raw.extend(ids.iter().map(|&id| (id, 1)));
                self.took(&ids);
                self.check_bulk(Bulk { new: ids.len(), short }, len, len, others);
            }
            _ => return None,
        }
        Some(())
    }

    fn free(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
        match kind {
            Kind::Free | Kind::DropPage => {
                let page = pick(&mut self.pages, b)?;
                self.lets_go(&[page.id()]);
                match kind {
                    Kind::Free => through!(self, a, |front| front.free(page)).0,
                    _ => drop(page),
                }
            }
            Kind::FreeBulk | Kind::DropBatch | Kind::ClearBatch => {
                let mut batch = pick(&mut self.batches, b)?;
                self.lets_go(batch.ids());
                match kind {
                    Kind::FreeBulk => through!(self, a, |front| front.free_bulk(&mut batch)).0,
                    Kind::ClearBatch => batch.clear(),
                    _ => {
                        drop(batch);
                        return Some(());
                    }
                }
                assert!(batch.is_empty());
            }
            Kind::FreeBlock | Kind::DropBlock => {
                let block = pick(&mut self.blocks, b)?;
                self.lets_go(&Self::of_block(&block));
                match kind {
                    Kind::FreeBlock => through!(self, a, |front| front.free_block(block)).0,
                    _ => drop(block),
                }
            }
            Kind::FreeRaw => {
                let n = usize::from(b) % (self.raw.len() + 1);
                let (free, kept) = self.raw.drain(..).partition(|&(_, count)| count == 1);
                self.raw = kept;
                let mut ids: Vec<_> =
                    <Vec<(PageId, u32)> as IntoIterator>::into_iter(free).map(|it| it.0).collect();
                self.raw.extend(ids.split_off(n.min(ids.len())).into_iter().map(|id| (id, 1)));
                self.lets_go(&ids);
                // SAFETY: the pages have no owner, and one reference each.
                let freed = through!(self, a, |front| unsafe { front.free_bulk_raw(&ids) }).0;
                freed.expect("pages of the pool");
            }
            Kind::FreeElevated => {
                let (id, _) = pick(&mut self.raw, b)?;
                self.lets_go(&[id]);
                // SAFETY: the page has no owner, and nobody uses the references again.
                let freed = through!(self, a, |front| unsafe { front.free_bulk_elevated(&[id]) });
                freed.0.expect("a page of the pool");
                self.tainted = true;
            }
            _ => return None,
        }
        Some(())
    }

    fn arrange(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
        match kind {
            Kind::SplitOff | Kind::SplitTo => {
                let batch = of(&mut self.batches, a)?;
                let (all, at) = (batch.ids().to_vec(), usize::from(b) % (batch.len() + 1));
                let (front, back) = if kind == Kind::SplitOff {
                    let back = batch.split_off(at);
                    assert_eq!(batch.ids(), &all[..at]);
                    (&all[at..], back)
                } else {
                    let front = batch.split_to(at);
                    assert_eq!(batch.ids(), &all[at..]);
                    (&all[..at], front)
                };
                assert_eq!(back.ids(), front);
                self.batches.push(back);
            }
            Kind::Append => {
                if self.batches.len() < 2 {
                    return Some(());
                }
                let mut from = pick(&mut self.batches, a)?;
                let to = of(&mut self.batches, b)?;
                let fits = from.len() <= to.room();
                let all = [to.ids(), from.ids()].concat();
                assert_eq!(to.append(&mut from).is_ok(), fits);
                if fits {
                    assert_eq!((to.ids(), from.len()), (&*all, 0));
                }
                self.batches.push(from);
            }
            Kind::Push => {
                let batch = of(&mut self.batches, b)?;
                let page = pick(&mut self.pages, a)?;
                let (id, room) = (page.id(), batch.room());
                match batch.push(page) {
                    Ok(()) => assert_eq!(batch.ids().last(), Some(&id)),
                    Err(refused) => {
                        assert_eq!((room, refused.short), (0, Short::BatchFull));
                        assert_eq!(refused.page.id(), id);
                        self.pages.push(refused.page);
                    }
                }
            }
            Kind::Pop => {
                let page = of(&mut self.batches, a)?.pop()?;
                self.pages.push(page);
            }
            Kind::SwapRemove => {
                let batch = of(&mut self.batches, a).filter(|batch| !batch.is_empty())?;
                let page = batch.swap_remove(usize::from(b) % batch.len());
                self.pages.push(page);
            }
            Kind::IntoIter => {
                let batch = pick(&mut self.batches, a)?;
                let n = usize::from(b) % (batch.len() + 1);
                self.lets_go(&batch.ids()[n..]);
                self.pages.extend(batch.into_iter().take(n));
            }
            _ => return None,
        }
        Some(())
    }

    fn hand_over(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
        match kind {
            Kind::IntoRaw => {
                let page = pick(&mut self.pages, a)?;
                self.raw.push((page.into_raw(), 1));
            }
            Kind::Adopt => {
                let at = self.raw.iter().position(|&(_, count)| count == 1)?;
                // SAFETY: the page has no owner, and one reference.
                self.pages.push(unsafe { self.pool.adopt(self.raw.swap_remove(at).0) });
            }
            Kind::Lend => {
                let page = pick(&mut self.pages, a)?;
                self.lent.push(page.lend());
            }
            Kind::LendBulk => {
                let mut batch = pick(&mut self.batches, b)?;
                let mut out = no_ids::<ROOM>();
                let room = usize::from(a) % ROOM;
                let before = batch.ids().to_vec();
                let lent = through!(self, a, |front| {
                    front.lend_bulk(&mut batch, &mut out[..room]).to_vec()
                });
                assert_eq!([&lent.0, batch.ids()].concat(), before);
                assert_eq!(lent.0.len(), room.min(before.len()));
                self.lent.extend(lent.0);
                self.batches.push(batch);
            }
            Kind::Reclaim => {
                let id = pick(&mut self.lent, a)?;
                // SAFETY: the page is lent, and no device uses it.
                self.pages.push(unsafe { self.pool.reclaim(id) }.expect("a lent page"));
            }
            Kind::ReclaimBulk => {
                let n = usize::from(b) % (self.lent.len() + 1);
                let mut batch = PageBatch::default();
                // SAFETY: as above.
                let done = through!(self, a, |front| unsafe {
                    front.reclaim_bulk(&self.lent[..n], &mut batch)
                });
                let done = done.0.expect("lent pages");
                assert_eq!((done, batch.ids()), (n.min(ROOM), &self.lent[..n.min(ROOM)]));
                self.lent.drain(..done);
                self.batches.push(batch);
            }
            Kind::DrainCache => of(&mut self.caches, a)?.drain(),
            Kind::DrainPool => self.pool.drain(),
            Kind::TryClose => {
                let handles = self.caches.len() as u64;
                // Another handle, so that it fails.
                let leaked = self.pool.clone().close().expect_err("this handle lives");
                assert!(leaked.handles() > handles);
                assert_eq!(leaked.ids().count(), 0);
                drop(leaked.into_pool());
            }
            _ => return None,
        }
        Some(())
    }

    fn share(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
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
                // SAFETY: a reference to the page is held.
                let retained = unsafe { S::retain(&self.pool, &[id]) }?;
                assert_eq!(retained, Ok(1));
                *count += 1;
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
                // SAFETY: a reference to the page is held, and given up.
                match unsafe { S::release(&self.pool, &[id]) } {
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
}
