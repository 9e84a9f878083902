//! The modes of the allocator: by batches, by raw calls, and a page at a time. Each hand has a cache of its own.

use std::mem::MaybeUninit;

use anyhow::{Context, Result};
use pagesheaf::{Cache, Mode, Order, Page, PageBatch, PageId, Pool, Region, hardening};

use crate::case::BLOCKS;
use crate::contender::{Contender, Items, Setup, TOUCHED};

/// A kind of cache.
pub trait Open<M: Mode>: Sized {
    /// A cache of the pool.
    ///
    /// # Errors
    /// When all slots are taken.
    fn open(pool: &Pool<M>) -> Result<Self>;
}

impl<M: Mode> Open<M> for Cache<M> {
    fn open(pool: &Pool<M>) -> Result<Self> {
        Ok(pool.cache()?)
    }
}

impl<M: Mode> Open<M> for Cache<M, true> {
    fn open(pool: &Pool<M>) -> Result<Self> {
        Ok(pool.cache_stealable()?)
    }
}

/// A pool for this setup, and a cache for each hand.
pub(super) fn caches<M: Mode>(setup: &Setup) -> Result<(Cache<M>, Cache<M>)> {
    sampled(setup, None)
}

/// The same, where one page in so many is poisoned.
fn sampled<M: Mode, C: Open<M>>(setup: &Setup, every: Option<u32>) -> Result<(C, C)> {
    // Where it poisons pages, it writes them: a page fault must not be timed.
    let writes = M::HARDENING & hardening::POISON != 0;
    let region = Region::mapped().populate(setup.touched || writes);
    let pool = Pool::builder(setup.pages).mode::<M>().region(region).cache_color(setup.colour);
    let pool = every.into_iter().fold(pool, |pool, every| pool.poison_every(every));
    let pool = pool.build().context("no pool of so many pages")?;
    Ok((C::open(&pool)?, C::open(&pool)?))
}

/// A mode by its owned calls: batches. With `EVERY` above 0, one page in so many is poisoned.
pub struct Modal<M: Mode, const EVERY: u32 = 0, const STEALABLE: bool = false>(Cache<M, STEALABLE>);

/// A mode that poisons one page in so many.
pub type Sampled<M, const EVERY: u32> = Modal<M, EVERY>;

/// A mode whose caches can be stolen from.
pub type Stealable<M> = Modal<M, 0, true>;

impl<M: Mode, const EVERY: u32, const STEALABLE: bool> Contender for Modal<M, EVERY, STEALABLE>
where
    Cache<M, STEALABLE>: Open<M>,
{
    type Bulk<const N: usize> = PageBatch<M, N>;

    const WRITES: bool = M::HARDENING & hardening::POISON != 0;

    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        let (own, other) = sampled(setup, (EVERY > 0).then_some(EVERY))?;
        Ok((Modal(own), Modal(other)))
    }

    fn bulk<const N: usize>() -> PageBatch<M, N> {
        PageBatch::empty()
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut PageBatch<M, N>, n: usize) -> usize {
        self.0.alloc_bulk(bulk, n).allocated
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut PageBatch<M, N>, _: usize) {
        self.0.free_bulk(bulk);
    }

    #[inline(always)]
    fn orphan<const N: usize>(bulk: &mut PageBatch<M, N>, _: usize) {
        bulk.clear();
    }

    #[inline(never)]
    fn block_pairs(&mut self, order: u8, n: usize, times: usize) -> usize {
        let order = Order::new(order).expect("a legal order");
        let mut got = 0;
        if n == 1 {
            for _ in 0..times {
                let Ok(block) = self.0.alloc_block(order) else { return got };
                self.0.free_block(block);
                got += 1;
            }
            return got;
        }
        let mut blocks = [const { None }; BLOCKS];
        for _ in 0..times {
            got += self.0.alloc_blocks_bulk(order, &mut blocks[..n]).allocated;
            blocks.iter_mut().filter_map(Option::take).for_each(|block| self.0.free_block(block));
        }
        got
    }

    fn drain(&mut self) {
        self.0.drain();
    }

    #[inline(always)]
    fn touch<const N: usize>(&mut self, bulk: &mut PageBatch<M, N>, n: usize) {
        for at in 0..n {
            let headroom = bulk.headroom(at).expect("a page of the bulk");
            bulk[at][headroom..][..TOUCHED].fill(at as u8);
        }
    }
}

/// A mode by its raw calls: page numbers, and the caller answers for them.
pub struct Raw<M: Mode>(Cache<M>);

impl<M: Mode> Contender for Raw<M> {
    type Bulk<const N: usize> = Items<MaybeUninit<PageId>, N>;

    const WRITES: bool = M::HARDENING & hardening::POISON != 0;

    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        let (own, other) = caches(setup)?;
        Ok((Raw(own), Raw(other)))
    }

    fn bulk<const N: usize>() -> Self::Bulk<N> {
        Items([const { MaybeUninit::uninit() }; N])
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Self::Bulk<N>, n: usize) -> usize {
        self.0.alloc_bulk_raw(bulk.first(n)).0.len()
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Self::Bulk<N>, n: usize) {
        let ids: *const [MaybeUninit<PageId>] = bulk.first(n);
        // SAFETY: `alloc` wrote so many ids.
        let ids = unsafe { &*(ids as *const [PageId]) };
        // SAFETY: the pages are the bulk's, and it gives them up.
        let freed = unsafe { self.0.free_bulk_raw(ids) };
        freed.expect("the pages are good");
    }
}

/// A mode by its calls for one page: as many calls as pages.
///
/// For one page this is the loop of the 2017 mail: allocate a page, free it. For n it is what a program does that wants
/// n pages at a time and asks for each: all are held before the first is freed, as in a bulk, and they are freed in the
/// order in which they came. So each lies in another place afterwards, which a mode with checks has to note.
pub struct Single<M: Mode>(Cache<M>);

impl<M: Mode> Contender for Single<M> {
    type Bulk<const N: usize> = [MaybeUninit<Page<M>>; N];

    const WRITES: bool = M::HARDENING & hardening::POISON != 0;

    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        let (own, other) = caches(setup)?;
        Ok((Single(own), Single(other)))
    }

    fn bulk<const N: usize>() -> Self::Bulk<N> {
        [const { MaybeUninit::uninit() }; N]
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Self::Bulk<N>, n: usize) -> usize {
        for (got, slot) in bulk[..n].iter_mut().enumerate() {
            match self.0.alloc() {
                Ok(page) => _ = slot.write(page),
                Err(_) => return got,
            }
        }
        n
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Self::Bulk<N>, n: usize) {
        for slot in &bulk[..n] {
            // SAFETY: `alloc` wrote so many pages, and each is read once.
            self.0.free(unsafe { slot.assume_init_read() });
        }
    }

    #[inline(always)]
    fn touch<const N: usize>(&mut self, bulk: &mut Self::Bulk<N>, n: usize) {
        for slot in &mut bulk[..n] {
            // SAFETY: `alloc` wrote so many pages.
            let page = unsafe { slot.assume_init_mut() };
            let headroom = page.headroom();
            page[headroom..][..TOUCHED].fill(n as u8);
        }
    }
}
