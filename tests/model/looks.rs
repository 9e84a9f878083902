//! What each operation does to the world: bytes are written anew, handles change, reports are read.

use super::op::Kind;
use super::shares::Shares;
use super::steps::of;
use super::world::{KEPT, World};
use crate::common::*;

impl<M: Mode, S: Shares<M>> World<M, S> {
    pub(super) fn look(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
        match kind {
            Kind::Zero => {
                let id = of(&mut self.pages, a)?.id();
                let seed = self.seed(id);
                let page = of(&mut self.pages, a)?;
                page.zero();
                assert!(page.iter().all(|&byte| byte == 0));
                mark(page.as_mut(), seed);
            }
            Kind::Write => self.write(a, b)?,
            Kind::DrainCache => of(&mut self.caches, a)?.drain(),
            Kind::DrainPool => self.pool.drain(),
            Kind::StealIdle => self.steal_idle(),
            Kind::Maintain => self.maintain(usize::from(a) % 12),
            Kind::NewHandle => {
                self.pool = match of(&mut self.caches, a) {
                    Some(cache) if b.is_multiple_of(2) => cache.pool().clone(),
                    _ => self.pool.clone(),
                };
            }
            Kind::TryClose => {
                // Another handle, so that it fails.
                let leaked = self.pool.clone().close().expect_err("this handle lives");
                let handles = self.caches() as u64 + 1;
                assert!(leaked.handles() == handles || leaked.handles() > handles && !self.alone);
                assert_eq!(leaked.ids().count(), 0);
                drop(leaked.into_pool());
            }
            Kind::CloseWithPagesOut => {
                let (held, _) = self.held();
                if !self.alone || !self.has_no_cache() || held.is_empty() {
                    return Some(());
                }
                self.pass_all();
                let pool = std::mem::replace(&mut self.pool, self.away.clone());
                let leaked = pool.close().expect_err("pages are out");
                assert_eq!((leaked.handles(), leaked.out()), (0, held.len() as u64));
                assert!(leaked.ids().eq(held));
                self.pool = leaked.into_pool();
            }
            Kind::RecoverForgotten => {
                self.pass_all();
                self.recover_forgotten();
            }
            Kind::LookUp => self.look_up(a, b),
            Kind::Report => self.report(),
            _ => return None,
        }
        Some(())
    }

    fn has_no_cache(&self) -> bool {
        self.caches() == 0
    }

    /// How many caches there are, of all kinds.
    fn caches(&self) -> usize {
        self.caches.len() + self.stealable.len() + self.parked.len()
    }

    /// All that parked caches hold comes, and all that stealable ones do unless the system refuses.
    fn steal_idle(&mut self) {
        let held = |state| {
            let of = self.pool.holders().filter(|holder| holder.state == state);
            of.map(|holder| holder.pages).sum::<usize>()
        };
        let (idle, stealable) = (held(HolderState::Idle), held(HolderState::Stealable));
        let stolen = self.pool.steal_idle();
        if self.alone {
            assert!(
                stolen == idle || stolen == idle + stealable,
                "{stolen} of {idle}, {stealable}"
            );
            assert!(held(HolderState::Idle) == 0 && held(HolderState::Stealable) <= stealable);
        }
    }

    /// Upkeep, in so many periods without an allocation.
    fn maintain(&mut self, periods: usize) {
        let purged = || self.pool.stats().map_or(0, |stats| stats.purged);
        let before = purged();
        let done: Vec<_> = (0..periods).map(|_| self.pool.maintain()).collect();
        if !self.alone {
            return;
        }
        let purges = self.pool.region_info().purgeable;
        let pinned = !self.lent.is_empty() || self.pool.audit().pages.fenced > 0;
        for done in &done {
            assert!(purges || done.not_purged == Some(NotPurged::Off), "{done:?}");
            assert!(done.purged == 0 || purges && !pinned, "{done:?}");
            let was_pinned = done.not_purged == Some(NotPurged::Lent) && pinned;
            assert!(!purges || was_pinned || done.not_purged.is_none(), "{done:?}");
        }
        if self.pool.stats().is_some() {
            assert_eq!(purged() - before, done.iter().map(|done| done.purged as u64).sum::<u64>());
        }
        if periods > 4 {
            // Who was not at work has given up what it had, and so have the depots.
            let pages = self.pool.audit().pages;
            let kept = (self.caches.len() + self.stealable.len()) * KEPT;
            assert!(pages.cached as usize <= kept, "{pages}");
        }
    }

    /// Forgets every owner, and closes the pool, which names what is out. With a cache there it recovers nothing;
    /// otherwise every page.
    fn recover_forgotten(&mut self) {
        if !self.alone {
            return;
        }
        let (held, _) = self.held();
        if !self.has_no_cache() {
            let leaked = self.pool.clone().close().expect_err("other handles live");
            // SAFETY: not so, but with another handle nothing happens.
            let refused = unsafe { leaked.recover_forgotten() };
            return drop(refused.expect_err("other handles live"));
        }
        if held.is_empty() {
            return;
        }
        self.lets_go(&held.iter().copied().collect::<Vec<_>>());
        self.pages.drain(..).for_each(std::mem::forget);
        self.batches.drain(..).for_each(std::mem::forget);
        self.blocks.drain(..).for_each(std::mem::forget);
        self.shared.drain(..).for_each(std::mem::forget);
        self.raw.clear();
        self.raw_blocks.clear();
        self.lent.clear();
        let leaked = std::mem::replace(&mut self.pool, self.away.clone()).close();
        let leaked = leaked.expect_err("pages are out");
        // SAFETY: every owner was forgotten, no page was ever with a device, and all bytes are initialised.
        let recovered = unsafe { leaked.recover_forgotten() };
        let (pool, recovered) = recovered.expect("nobody else uses the pool");
        assert_eq!(recovered, held.len());
        self.pool = pool;
    }

    /// Writes the bytes of a batch, through each of the ways to them, or of a block.
    fn write(&mut self, a: u8, b: u8) -> Option<()> {
        if b.is_multiple_of(4) {
            let block = of(&mut self.blocks, a)?;
            let ids = Self::of_block(block);
            let seeds: Vec<_> = ids.into_iter().map(|id| self.seed(id)).collect();
            let size = self.pool.page_size();
            let pages = of(&mut self.blocks, a)?.chunks_exact_mut(size);
            pages.zip(seeds).for_each(|(bytes, seed)| mark(bytes, seed));
            return Some(());
        }
        let ids = of(&mut self.batches, a)?.ids().to_vec();
        let seeds: Vec<_> = ids.into_iter().map(|id| self.seed(id)).collect();
        let batch = of(&mut self.batches, a)?;
        match b % 4 {
            1 => batch.iter_mut().zip(seeds).for_each(|(bytes, seed)| mark(bytes, seed)),
            2 => seeds.into_iter().enumerate().for_each(|(at, seed)| mark(&mut batch[at], seed)),
            _ => {
                for (at, seed) in seeds.into_iter().enumerate() {
                    mark(batch.get_mut(at).expect("a page"), seed);
                }
                let len = batch.len();
                assert!(batch.get_mut(len).is_none());
            }
        }
        Some(())
    }

    /// Any address inside a page finds the page; there are none past the end.
    fn look_up(&self, a: u8, b: u8) {
        let (id, size) = (PageId::new(a.into()), self.pool.page_size());
        let inside = usize::from(b) % size;
        if usize::from(a) >= self.pool.capacity() {
            assert_eq!((self.pool.ptr(id), self.pool.offset(id)), (None, None));
            assert_eq!(self.pool.id_at_offset((usize::from(a) * size + inside) as u64), None);
            return;
        }
        let (start, offset) = (self.pool.ptr(id).expect("in range"), self.pool.offset(id));
        let first = self.pool.ptr(PageId::new(0)).expect("in range").addr().get();
        assert_eq!(offset, Some(u64::from(a) * size as u64));
        assert_eq!(self.pool.address(id), Some(start.addr().get()));
        assert_eq!(start.addr().get() - first, usize::from(a) * size);
        assert_eq!(self.pool.id_at(start.addr().get() + inside), Some(id));
        assert_eq!(self.pool.id_at_offset(offset.expect("in range") + inside as u64), Some(id));
        assert_eq!(self.pool.id_at(first - 1 - inside), None);
    }

    /// What caches did adds up to what all did together, and no page is bad.
    fn report(&self) {
        assert_eq!(self.pool.bad_pages().count(), 0);
        if self.alone {
            self.check_holders();
        }
        let each: Vec<_> = self.pool.per_cache().collect();
        let Some(stats) = self.pool.stats() else { return assert_eq!(each, []) };
        let caches = self.caches();
        assert!(each.len() >= caches && each.iter().all(|&(number, _)| number < 4));
        if !self.alone {
            return;
        }
        let sum = |figure: fn(&Calls) -> u64| {
            each.iter().fold(0_u64, |sum, (_, calls)| sum.wrapping_add(figure(calls)))
        };
        assert_eq!(sum(|calls| calls.allocated), stats.calls.allocated);
        assert_eq!(sum(|calls| calls.freed), stats.calls.freed);
        assert_eq!(sum(|calls| calls.short), stats.calls.short);
        let gone = stats.calls.allocated + stats.uncached - stats.calls.freed - stats.dropped;
        assert_eq!(gone, self.held().0.len() as u64 + stats.pages.fenced, "{stats}");
        assert_eq!(stats.faults > 0, self.faulty);
    }

    /// What caches hold is no more than is cached; each is as its owner left it.
    fn check_holders(&self) {
        let holders: Vec<_> = self.pool.holders().collect();
        let held = holders.iter().map(|holder| holder.pages).sum::<usize>();
        assert!(held as u64 <= self.pool.audit().pages.cached, "{}", self.pool);
        for holder in holders {
            let is = |number| holder.number == number;
            let state = if self.caches.iter().any(|cache| is(cache.number())) {
                HolderState::InUse
            } else if self.stealable.iter().any(|cache| is(cache.number())) {
                HolderState::Stealable
            } else if self.parked.iter().any(|parked| is(parked.number())) {
                HolderState::Idle
            } else {
                HolderState::Shared
            };
            assert_eq!(holder.state, state, "{holder}");
            assert!((1..=KEPT).contains(&holder.pages), "{holder}");
        }
    }
}
