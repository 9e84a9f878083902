//! What each operation does to the world: allocating and freeing.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::blocks::named;
use super::op::{Kind, Op};
use super::shares::Shares;
use super::world::{MAGAZINE, ROOM, World};
use crate::common::*;

/// Does `$body` through a cache, or through the pool, as the operand says.
macro_rules! through {
    ($world:expr, $which:expr, |$front:ident| $body:expr) => {{
        let (plain, stealable) = ($world.caches.len(), $world.stealable.len());
        let which = usize::from($which) % (plain + stealable + 1);
        let others = plain + stealable - usize::from(which > 0);
        if which > plain {
            let $front = &mut $world.stealable[which - plain - 1];
            ($body, others)
        } else if which > 0 {
            let $front = &mut $world.caches[which - 1];
            ($body, others)
        } else {
            let $front = &$world.pool;
            ($body, others)
        }
    }};
}

/// Takes one of a list, if there is one.
pub fn pick<T>(list: &mut Vec<T>, which: u8) -> Option<T> {
    (!list.is_empty()).then(|| list.swap_remove(usize::from(which) % list.len()))
}

/// An element of a list, if there is one.
pub fn of<T>(list: &mut [T], which: u8) -> Option<&mut T> {
    let len = list.len();
    list.get_mut(usize::from(which) % len.max(1))
}

impl<M: Mode, S: Shares<M>> World<M, S> {
    /// Does an operation, and looks whether the invariants hold.
    pub fn step(&mut self, op: Op) {
        let Op(kind, a, b) = op;
        // What an operation needs and is not there makes it do nothing.
        let groups = [
            Self::allocate,
            Self::idle,
            Self::block,
            Self::free,
            Self::arrange,
            Self::hand_over,
            Self::by_offsets,
            Self::share,
            Self::look,
            Self::mix,
            Self::resize,
            Self::through_a_static,
        ];
        let _ = groups.iter().find_map(|group| group(self, kind, a, b));
        self.check();
    }

    pub(super) fn allocate(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
        let want = usize::from(b) % (ROOM + 10);
        match kind {
            Kind::OpenCache => self.caches.extend(self.pool.cache().ok()),
            Kind::OpenNamed => {
                let cache = self.pool.cache_named("named").min(usize::from(b) % (MAGAZINE + 1));
                match cache.build() {
                    Ok(cache) => self.caches.push(cache),
                    Err(CacheError::Short { had, .. }) => {
                        self.dry.set(self.dry.get() || had == 0);
                    }
                    Err(CacheError::Injected) => _ = self.is_injected(true),
                    Err(error) => assert_eq!(error, CacheError::NoSlot { slots: 2 }),
                }
            }
            Kind::CloseCache => drop(pick(&mut self.caches, a)?),
            Kind::OpenStealable => self.stealable.extend(self.pool.cache_stealable().ok()),
            Kind::CloseStealable => drop(pick(&mut self.stealable, a)?),
            Kind::Alloc | Kind::AllocZeroed => {
                let zeroed = kind == Kind::AllocZeroed;
                let (page, others) = through!(self, a, |front| {
                    if zeroed { front.alloc_zeroed() } else { front.alloc() }
                });
                let (new, short) = (usize::from(page.is_ok()), page.as_ref().err().copied());
                self.check_bulk(BulkAlloc { allocated: new, reason: short }, 1, 1, others);
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
                let (before, room) = (batch.len(), batch.remaining_capacity());
                let zeroed = kind == Kind::AllocBulkZeroed;
                let (bulk, others) = through!(self, a, |front| {
                    if zeroed {
                        front.alloc_bulk_zeroed(&mut batch, want)
                    } else {
                        front.alloc_bulk(&mut batch, want)
                    }
                });
                assert_eq!(batch.len(), before + bulk.allocated);
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
                let before = self.pool.audit().pages;
                let (result, others) =
                    through!(self, a, |front| front.alloc_bulk_exact(&mut batch, want));
                match result {
                    Ok(()) => assert_eq!(batch.len(), want),
                    Err(error) => {
                        assert!(batch.is_empty(), "{error}");
                        self.check_refusal(error, want, ROOM, before, others);
                    }
                }
                self.took(batch.ids());
                self.batches.push(batch);
            }
            Kind::AllocCritical => {
                let mut batch = PageBatch::default();
                let bulk = self.pool.critical().alloc_bulk(&mut batch, want);
                self.took(batch.ids());
                self.batches.push(batch);
                if self.alone && bulk.reason != Some(ShortReason::Injected) {
                    let free = self.pool.audit().pages.free;
                    assert!(bulk.allocated == want.min(ROOM) || free == 0, "{bulk:?} and {free}");
                }
                self.dry.set(self.dry.get() || bulk.allocated == 0 && bulk.reason.is_some());
            }
            // Where others wait, too, nobody can say who is served.
            Kind::Wait if self.alone => {
                let (mut batch, mut given) = (PageBatch::default(), Vec::new());
                for _ in 0..a / 16 % 4 {
                    given.extend(self.pages.pop());
                }
                given.iter().for_each(|page| self.lets_go(&[page.id()]));
                let failed = || self.pool.stats().map_or(0, |stats| stats.calls.failed_exact);
                let before = failed();
                let (done, others) = through!(self, a, |front| {
                    let mut wait = pin!(front.alloc_bulk_async(&mut batch, want));
                    let mut poll = || wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    let mut done = poll();
                    while done.is_pending() && given.pop().is_some() {
                        done = poll();
                    }
                    done
                });
                drop(given);
                (before..failed()).for_each(|_| self.failed_exact());
                self.dry.set(true);
                match done {
                    Poll::Ready(Ok(())) => assert_eq!(batch.len(), want),
                    Poll::Ready(Err(error))
                        if self.is_injected(
                            error.reason == WaitReason::Refused(ShortReason::Injected),
                        ) =>
                    {
                        assert!(error.had == 0 && batch.is_empty(), "{error}");
                    }
                    Poll::Ready(Err(error)) => {
                        let most = self.pool.capacity();
                        let never = want > ROOM || want > most - self.kept(want, most as u64);
                        assert!(never && error.had == 0 && batch.is_empty(), "{error}");
                    }
                    Poll::Pending => {
                        let pages = self.pool.audit().pages;
                        let left = (pages.free + pages.cached) as usize;
                        assert!(batch.is_empty() && pages.promised == 0, "{pages}");
                        let left = left - self.kept(want, pages.free);
                        assert!(left < want || others > 0, "{want} of {pages}");
                    }
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
                let (bulk, others) =
                    through!(self, a, |front| front.fill_vacant(&mut pages[..len]));
                assert_eq!(pages[1].as_ref().map(Page::id).filter(|_| full > 0), id);
                let new = pages.into_iter().flatten().collect::<Vec<_>>();
                let ids = new.iter().map(Page::id).filter(|&it| Some(it) != id);
                let ids = ids.collect::<Vec<_>>();
                assert_eq!(ids.len(), bulk.allocated);
                // One after the other from the start, past what was there.
                let prefix = if bulk.allocated == 0 { 0 } else { bulk.allocated + full };
                assert_eq!(bulk.populated, prefix, "{bulk:?}");
                self.pages.extend(new);
                self.took(&ids);
                self.check_bulk(bulk.into(), len - full, len - full, others);
            }
            Kind::Prefill => {
                let before = self.pool.audit().pages;
                let (reserved, others) = through!(self, a, |front| front.prefill(want));
                let mut reserved = match reserved {
                    Ok(reserved) => reserved,
                    Err(error) => {
                        self.check_refusal(error, want, 256, before, others);
                        return Some(());
                    }
                };
                assert_eq!(reserved.len(), want);
                let new: Vec<_> = reserved.by_ref().take(usize::from(a) % 8).collect();
                let ids: Vec<_> = new.iter().map(Page::id).collect();
                self.took(&ids);
                self.pages.extend(new);
                let rest = reserved.into_batch();
                self.took(rest.ids());
                self.lets_go(rest.ids());
                drop(Prefilled::from(rest));
            }
            Kind::AllocBlock => {
                let order = named(b);
                self.pass_all();
                let whole = self.whole(order);
                let (block, others) = through!(self, a, |front| front.alloc_block(order));
                let block = match block {
                    Ok(block) => block,
                    Err(short) => {
                        self.check_no_block(short, (order, 1), whole, others);
                        return Some(());
                    }
                };
                assert!(whole > 0 || !self.alone);
                assert_eq!(block.order(), order);
                assert!((block.id().index() as usize).is_multiple_of(order.pages()));
                self.took(&Self::of_block(&block));
                self.blocks.push(block);
            }
            Kind::AllocRaw => {
                let mut out = no_ids::<ROOM>();
                let len = want.min(ROOM);
                let ((ids, short), others) = through!(self, a, |front| {
                    if len == 1 {
                        let id = front.alloc_raw();
                        (id.into_iter().collect(), id.err())
                    } else {
                        let (ids, short) = front.alloc_bulk_raw(&mut out[..len]);
                        (ids.to_vec(), short)
                    }
                });
                self.raw.extend(ids.iter().map(|&id| (id, 1)));
                self.took(&ids);
                self.check_bulk(
                    BulkAlloc { allocated: ids.len(), reason: short },
                    len,
                    len,
                    others,
                );
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
            Kind::FreeAfter => {
                let batch = pick(&mut self.batches, b)?;
                self.free_after(a, batch);
            }
            Kind::PassTickets => {
                self.pass_tickets(usize::from(a) % 8);
                if b.is_multiple_of(2) {
                    let before = self.pool.audit().pages.fenced;
                    let came = self.pool.reap_fences() as u64;
                    let left = self.pool.audit().pages.fenced;
                    assert!(!self.alone || before == came + left);
                }
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
                let freed = through!(self, a, |front| match ids[..] {
                    // SAFETY: the page has no owner, and one reference.
                    [id] => unsafe { front.free_raw(id) },
                    // SAFETY: the pages have no owner, and one reference each.
                    _ => unsafe { front.free_bulk_raw(&ids) },
                })
                .0;
                freed.expect("pages of the pool");
            }
            Kind::FreeElevated => {
                let n = usize::from(b) % (self.raw.len() + 1);
                let ids: Vec<_> = self.raw.drain(..n).map(|(id, _)| id).collect();
                self.lets_go(&ids);
                let freed = through!(self, a, |front| {
                    // SAFETY: the pages have no owner, and nobody uses the references again.
                    unsafe { front.free_bulk_ignoring_refcounts(&ids) }
                });
                freed.0.expect("pages of the pool");
                self.tainted |= n > 0;
            }
            _ => return None,
        }
        Some(())
    }
}
