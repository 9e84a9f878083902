//! Pools of buffers and of objects from the registry: what a program takes that looks for one by that name.
//!
//! Each hands out owners of a page of heap memory, which go home as they are dropped: the kind that can go to another
//! thread. None has a bulk call, so a bulk is a `Vec` of owners, got one by one and dropped one by one.

use std::sync::{Arc, LazyLock};

use anyhow::Result;
use bytes::BytesMut;
use deadpool::unmanaged;
use lockfree_object_pool::{LinearObjectPool, LinearOwnedReusable};
use matrix::{Contender, Entry, FEW_OUT, Kind, PAGE, Setup, Shape};
use zeropool::{BufUninit, ZeroPool};

use crate::locked;

/// A pool from the side of one thread.
trait Buffers: Sized + Send + 'static {
    /// The owner of a page.
    type Buffer: Send + 'static;

    /// A pool of so many pages, for two threads.
    fn pair(pages: usize) -> (Self, Self);

    /// A page, if there is one. Who grows always has one.
    fn get(&mut self) -> Option<Self::Buffer>;

    /// The next page that there is.
    fn wait(&mut self) -> impl Future<Output = Option<Self::Buffer>> {
        async { unreachable!("nobody waits in it") }
    }
}

type Page = Box<[u8]>;

fn page() -> Page {
    vec![0; PAGE].into()
}

/// Eight queues that take turns, as `tokio-quiche` has them.
struct BufferPool;

impl BufferPool {
    fn pool() -> &'static buffer_pool::Pool<8, Vec<u8>> {
        // Its calls ask for a static. All shapes that it does are of so many pages.
        static POOL: buffer_pool::Pool<8, Vec<u8>> =
            buffer_pool::Pool::<8, Vec<u8>>::new(1 << 14, PAGE, "peers");
        &POOL
    }
}

impl Buffers for BufferPool {
    type Buffer = buffer_pool::Pooled<Vec<u8>>;

    fn pair(pages: usize) -> (Self, Self) {
        let filled = |_| Self::pool().get_with(|buffer| buffer.reserve_exact(PAGE));
        drop((0..pages).map(filled).collect::<Vec<_>>());
        (BufferPool, BufferPool)
    }

    #[inline(always)]
    fn get(&mut self) -> Option<Self::Buffer> {
        // Of an empty queue comes a buffer without memory.
        Some(Self::pool().get()).filter(|buffer| buffer.capacity() >= PAGE)
    }
}

/// A stack behind a lock.
struct ObjectPool(Arc<object_pool::Pool<Page>>);

impl Buffers for ObjectPool {
    type Buffer = object_pool::ReusableOwned<Page>;

    fn pair(pages: usize) -> (Self, Self) {
        let pool = Arc::new(object_pool::Pool::new(pages, page));
        (ObjectPool(Arc::clone(&pool)), ObjectPool(pool))
    }

    #[inline(always)]
    fn get(&mut self) -> Option<Self::Buffer> {
        self.0.try_pull_owned()
    }
}

/// How `opool` makes a page.
struct Pages;

impl opool::PoolAllocator<Page> for Pages {
    fn allocate(&self) -> Page {
        page()
    }
}

/// crossbeam's queue, and an `Arc` a page.
struct Opool(Arc<opool::Pool<Pages, Page>>);

impl Buffers for Opool {
    type Buffer = opool::RcGuard<Pages, Page>;

    fn pair(pages: usize) -> (Self, Self) {
        let pool = opool::Pool::new_prefilled(pages, Pages).to_rc();
        (Opool(Arc::clone(&pool)), Opool(pool))
    }

    #[inline(always)]
    fn get(&mut self) -> Option<Self::Buffer> {
        Arc::clone(&self.0).try_get_rc()
    }
}

/// A list of bitmaps of 32 objects each, searched from its start.
struct Linear(Arc<LinearObjectPool<Page>>);

impl Buffers for Linear {
    type Buffer = LinearOwnedReusable<Page>;

    fn pair(pages: usize) -> (Self, Self) {
        let pool = Arc::new(LinearObjectPool::new(page, |_| {}));
        // It makes pages as they are asked for.
        drop((0..pages).map(|_| pool.pull_owned()).collect::<Vec<_>>());
        (Linear(Arc::clone(&pool)), Linear(pool))
    }

    #[inline(always)]
    fn get(&mut self) -> Option<Self::Buffer> {
        Some(self.0.pull_owned())
    }
}

/// crossbeam's queue behind a cache for each thread: of as many buffers as a magazine has.
struct Zero(&'static ZeroPool);

impl Buffers for Zero {
    type Buffer = BufUninit<'static>;

    fn pair(pages: usize) -> (Self, Self) {
        // Buffers borrow it. All shapes that it does are of so many pages.
        static POOL: LazyLock<ZeroPool> = LazyLock::new(|| {
            ZeroPool::new().max_buffers_per_class(1 << 14).tls_cache_size(256).batch_size(128)
        });
        POOL.warm(pages.saturating_sub(POOL.len()), PAGE);
        (Zero(&POOL), Zero(&POOL))
    }

    #[inline(always)]
    fn get(&mut self) -> Option<Self::Buffer> {
        // Not zeroed: nobody else zeroes.
        Some(self.0.alloc_uninit(PAGE))
    }
}

/// `BytesMut`, a page split off after the other. It has its block for itself again when all pages of it are gone, and
/// takes it once more; else it allocates one of 64 KiB, as large as it makes them by itself.
struct Arena(BytesMut);

impl Buffers for Arena {
    type Buffer = BytesMut;

    fn pair(_: usize) -> (Self, Self) {
        let arena = || Arena(BytesMut::with_capacity(16 * PAGE));
        (arena(), arena())
    }

    #[inline(always)]
    fn get(&mut self) -> Option<BytesMut> {
        self.0.reserve(PAGE);
        let rest = self.0.split_off(PAGE);
        Some(std::mem::replace(&mut self.0, rest))
    }
}

/// A stack behind a lock, and a semaphore that tasks wait for.
struct Deadpool(unmanaged::Pool<Page>);

impl Buffers for Deadpool {
    type Buffer = unmanaged::Object<Page>;

    fn pair(pages: usize) -> (Self, Self) {
        let all: Vec<_> = (0..pages).map(|_| page()).collect();
        let pool = unmanaged::Pool::from(all);
        (Deadpool(pool.clone()), Deadpool(pool))
    }

    #[inline(always)]
    fn get(&mut self) -> Option<Self::Buffer> {
        self.0.try_get().ok()
    }

    async fn wait(&mut self) -> Option<Self::Buffer> {
        self.0.get().await.ok()
    }
}

struct Hand<P>(P);

impl<P: Buffers> Contender for Hand<P> {
    type Bulk<const N: usize> = Vec<P::Buffer>;

    // Two callers who each hold a part of what the other waits for would wait for ever.
    const WAITS_FOR: usize = 1;

    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        let (own, other) = P::pair(setup.pages);
        Ok((Hand(own), Hand(other)))
    }

    fn bulk<const N: usize>() -> Vec<P::Buffer> {
        Vec::with_capacity(N)
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Vec<P::Buffer>, n: usize) -> usize {
        for _ in 0..n {
            let Some(buffer) = self.0.get() else { break };
            bulk.push(buffer);
        }
        bulk.len()
    }

    async fn alloc_waiting<const N: usize>(
        &mut self,
        bulk: &mut Vec<P::Buffer>,
        n: usize,
    ) -> usize {
        for _ in 0..n {
            let Some(buffer) = self.0.wait().await else { break };
            bulk.push(buffer);
        }
        bulk.len()
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Vec<P::Buffer>, _: usize) {
        bulk.clear();
    }
}

/// What `deadpool` does: as the others, and it is the only one that waits.
const WAITING: &[Shape] = &[
    Shape::HotPair,
    Shape::Keep2048,
    Shape::TwoThreads,
    Shape::Pipe,
    Shape::PipeInto7,
    Shape::PipeFrom7,
    Shape::Random,
    Shape::Mixed,
    Shape::Wait,
];

/// All of them.
pub fn entries() -> Vec<Entry> {
    fn entry<P: Buffers>(name: &'static str, of: &str, shapes: &'static [Shape]) -> Entry {
        Entry::new::<Hand<P>>(name, Kind::Rival, shapes).untouched().of_crate(locked(of))
    }
    vec![
        entry::<BufferPool>("buffer-pool", "buffer-pool", FEW_OUT),
        entry::<ObjectPool>("object-pool", "object-pool", FEW_OUT),
        entry::<Opool>("opool", "opool", FEW_OUT),
        entry::<Linear>("lockfree-object-pool", "lockfree-object-pool", FEW_OUT),
        entry::<Zero>("zeropool", "zeropool", FEW_OUT),
        entry::<Arena>("BytesMut", "bytes", FEW_OUT),
        entry::<Deadpool>("deadpool", "deadpool", WAITING),
    ]
}
