//! What each operation does to the world: pages go from one batch to another, to a device and back.

use super::op::Kind;
use super::shares::Shares;
use super::steps::{of, pick};
use super::world::{ROOM, World};
use crate::common::*;

impl<M: Mode, S: Shares<M>> World<M, S> {
    pub(super) fn arrange(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
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
            Kind::Drain => {
                let batch = of(&mut self.batches, a)?;
                let (all, len) = (batch.ids().to_vec(), batch.len());
                let start = usize::from(a) % (len + 1);
                let end = start + usize::from(b) % (len - start + 1);
                let kept = (end - start) / 2;
                self.lets_go(&all[start + kept..end]);
                let batch = of(&mut self.batches, a)?;
                let pages: Vec<_> = batch.drain(start..end).take(kept).collect();
                assert_eq!(batch.ids(), [&all[..start], &all[end..]].concat());
                assert!(pages.iter().map(Page::id).eq(all[start..start + kept].iter().copied()));
                self.pages.extend(pages);
            }
            Kind::SplitOffIf => {
                let batch = of(&mut self.batches, a)?;
                let all = batch.ids().to_vec();
                let (mask, mut at) = (u32::from(b), 0);
                let goes = |id: &PageId| id.index() & mask == 0;
                let taken = batch.split_off_if(|_| {
                    at += 1;
                    goes(&all[at - 1])
                });
                let (gone, stays): (Vec<_>, Vec<_>) = all.iter().partition(|id| goes(id));
                assert_eq!((taken.ids(), batch.ids()), (&*gone, &*stays));
                self.batches.push(taken);
            }
            Kind::Append => {
                if self.batches.len() < 2 {
                    return Some(());
                }
                let mut from = pick(&mut self.batches, a)?;
                let to = of(&mut self.batches, b)?;
                let fits = from.len() <= to.remaining_capacity();
                let all = [to.ids(), from.ids()].concat();
                assert_eq!(to.append(&mut from).is_ok(), fits);
                if fits {
                    assert_eq!((to.ids(), from.len()), (&*all, 0));
                }
                self.batches.push(from);
            }
            Kind::AppendSmall => {
                let to = of(&mut self.batches, a)?;
                let mut small = PageBatch::<M, 8>::empty();
                let n = self.pages.len().min(usize::from(b) % 9);
                self.pages.drain(..n).for_each(|page| small.push(page).expect("room"));
                let (all, room) = ([to.ids(), small.ids()].concat(), to.remaining_capacity());
                match to.append(&mut small) {
                    Ok(()) => assert_eq!((to.ids(), small.len()), (&*all, 0)),
                    Err(short) => assert_eq!((short, room < n), (BatchError::Full, true)),
                }
                // And back, as far as there is room for all.
                let (before, fits) = (small.ids().to_vec(), to.len() <= small.remaining_capacity());
                let all = [small.ids(), to.ids()].concat();
                assert_eq!(small.append(to).is_ok(), fits);
                assert_eq!(small.ids(), if fits { &*all } else { &*before });
                self.pages.extend(small);
            }
            Kind::Push => {
                let batch = of(&mut self.batches, b)?;
                let page = pick(&mut self.pages, a)?;
                let (id, room) = (page.id(), batch.remaining_capacity());
                match batch.push(page) {
                    Ok(()) => assert_eq!(batch.ids().last(), Some(&id)),
                    Err(refused) => {
                        assert_eq!((room, refused.reason), (0, BatchError::Full));
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

    pub(super) fn hand_over(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
        match kind {
            Kind::IntoRaw => {
                let page = pick(&mut self.pages, a)?;
                self.raw.push((page.into_raw(), 1));
            }
            Kind::Adopt => {
                let at = self.raw.iter().position(|&(_, count)| count == 1)?;
                // SAFETY: the page has no owner, and one reference.
                self.pages.push(unsafe { Page::from_raw(&self.pool, self.raw.swap_remove(at).0) });
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
            _ => return None,
        }
        Some(())
    }
}
