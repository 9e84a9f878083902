//! Pages that go to a device and come back: in one pass each way, by a batch, and in two passes.

use std::mem::MaybeUninit;

use anyhow::Result;
use pagesheaf::{Cache, Mode, PageBatch, PageId, hardening};

use super::modes::caches;
use crate::contender::{Contender, Items, Setup};

/// A mode by `lend_new` and `free_lent`: offsets, as a ring has them.
pub struct Lent<M: Mode>(Cache<M>);

impl<M: Mode> Contender for Lent<M> {
    type Bulk<const N: usize> = Items<u64, N>;

    const WRITES: bool = M::HARDENING & hardening::POISON != 0;

    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        let (own, other) = caches(setup)?;
        Ok((Lent(own), Lent(other)))
    }

    fn bulk<const N: usize>() -> Self::Bulk<N> {
        Items([0; N])
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Self::Bulk<N>, n: usize) -> usize {
        let mut lending = self.0.lend_new(n);
        bulk.first(n).iter_mut().zip(&mut lending).map(|(to, offset)| *to = offset).count()
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Self::Bulk<N>, n: usize) {
        // SAFETY: the pages are the bulk's, and it gives them up.
        let freed = unsafe { self.0.free_lent(bulk.first(n).iter().copied()) };
        freed.expect("the pages are good");
    }
}

/// A mode by a batch, `lend` and `reclaim_at`: for programs that look at pages before they go, and when they are back.
pub struct LentBatch<M: Mode>(Cache<M>);

impl<M: Mode> Contender for LentBatch<M> {
    type Bulk<const N: usize> = Items<u64, N>;

    const WRITES: bool = M::HARDENING & hardening::POISON != 0;

    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        let (own, other) = caches(setup)?;
        Ok((LentBatch(own), LentBatch(other)))
    }

    fn bulk<const N: usize>() -> Self::Bulk<N> {
        Items([0; N])
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Self::Bulk<N>, n: usize) -> usize {
        let mut batch = PageBatch::<M, N>::empty();
        let _ = self.0.alloc_bulk(&mut batch, n);
        let mut lending = self.0.lend(&mut batch);
        bulk.first(n).iter_mut().zip(&mut lending).map(|(to, offset)| *to = offset).count()
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Self::Bulk<N>, n: usize) {
        let mut batch = PageBatch::<M, N>::empty();
        let offsets = bulk.first(n).iter().copied();
        // SAFETY: the pages are the bulk's, and it gives them up.
        let back = unsafe { self.0.reclaim_at(offsets, &mut batch) };
        back.expect("the pages are good");
        self.0.free_bulk(&mut batch);
    }
}

/// A mode by a batch, and calls that lend it and take it back: offsets, too, from numbers and back.
pub struct LentInTwo<M: Mode>(Cache<M>);

impl<M: Mode> Contender for LentInTwo<M> {
    type Bulk<const N: usize> = Items<u64, N>;

    const WRITES: bool = M::HARDENING & hardening::POISON != 0;

    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        let (own, other) = caches(setup)?;
        Ok((LentInTwo(own), LentInTwo(other)))
    }

    fn bulk<const N: usize>() -> Self::Bulk<N> {
        Items([0; N])
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Self::Bulk<N>, n: usize) -> usize {
        let mut batch = PageBatch::<M, N>::empty();
        let mut ids = [const { MaybeUninit::uninit() }; N];
        let _ = self.0.alloc_bulk(&mut batch, n);
        let ids = self.0.lend_bulk(&mut batch, &mut ids[..n]);
        for (to, &id) in bulk.first(n).iter_mut().zip(&*ids) {
            *to = self.0.offset(id).expect("a page of the pool");
        }
        ids.len()
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Self::Bulk<N>, n: usize) {
        let mut ids = [PageId::new(0); N];
        for (id, &offset) in ids.iter_mut().zip(&*bulk.first(n)) {
            *id = self.0.id_at_offset(offset).expect("a page of the pool");
        }
        let mut batch = PageBatch::<M, N>::empty();
        // SAFETY: the pages are the bulk's, and it gives them up.
        let back = unsafe { self.0.reclaim_bulk(&ids[..n], &mut batch) };
        back.expect("the pages are good");
        self.0.free_bulk(&mut batch);
    }
}
