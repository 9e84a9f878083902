//! Page numbers in queues and slabs, as programs keep them that have no page allocator.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use crossbeam_queue::{ArrayQueue, SegQueue};
use matrix::{BY_HAND, Contender, Entry, FEW_OUT, Items, Kind, Memory, PAGE, Setup};
use sharded_slab::Slab;

use crate::locked;

/// Free pages, by number.
trait Store: Send + Sync + 'static {
    fn new(pages: usize) -> Self;
    /// Takes as many as there is room for, or as there are.
    fn take(&self, out: &mut [u32]) -> usize;
    fn give(&self, ids: &[u32]);
}

impl Store for ArrayQueue<u32> {
    fn new(pages: usize) -> Self {
        let queue = ArrayQueue::new(pages);
        (0..pages as u32).for_each(|id| queue.push(id).expect("room for all"));
        queue
    }

    #[inline(always)]
    fn take(&self, out: &mut [u32]) -> usize {
        out.iter_mut().zip(std::iter::from_fn(|| self.pop())).map(|(out, id)| *out = id).count()
    }

    #[inline(always)]
    fn give(&self, ids: &[u32]) {
        ids.iter().for_each(|&id| self.push(id).expect("room for all"));
    }
}

impl Store for SegQueue<u32> {
    fn new(pages: usize) -> Self {
        let queue = SegQueue::new();
        (0..pages as u32).for_each(|id| queue.push(id));
        queue
    }

    #[inline(always)]
    fn take(&self, out: &mut [u32]) -> usize {
        out.iter_mut().zip(std::iter::from_fn(|| self.pop())).map(|(out, id)| *out = id).count()
    }

    #[inline(always)]
    fn give(&self, ids: &[u32]) {
        ids.iter().for_each(|&id| self.push(id));
    }
}

impl Store for Mutex<Vec<u32>> {
    fn new(pages: usize) -> Self {
        Mutex::new((0..pages as u32).rev().collect())
    }

    #[inline(always)]
    fn take(&self, out: &mut [u32]) -> usize {
        let mut stack = self.lock().expect("nobody panics");
        let rest = stack.len().saturating_sub(out.len());
        let n = stack.len() - rest;
        out[..n].copy_from_slice(&stack[rest..]);
        stack.truncate(rest);
        n
    }

    #[inline(always)]
    fn give(&self, ids: &[u32]) {
        self.lock().expect("nobody panics").extend_from_slice(ids);
    }
}

/// Page numbers out of a store, and the pages.
struct Ids<S>(Arc<S>, Arc<Memory>);

impl<S: Store> Contender for Ids<S> {
    type Bulk<const N: usize> = Items<u32, N>;

    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        let (store, memory) = (Arc::new(S::new(setup.pages)), Arc::new(Memory::new(setup)));
        Ok((Ids(Arc::clone(&store), Arc::clone(&memory)), Ids(store, memory)))
    }

    fn bulk<const N: usize>() -> Items<u32, N> {
        Items([0; N])
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) -> usize {
        self.0.take(bulk.first(n))
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) {
        self.0.give(bulk.first(n));
    }

    #[inline(always)]
    fn touch<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) {
        for &mut id in bulk.first(n) {
            // SAFETY: pages are touched in touched setups only, by the hand that has taken them.
            unsafe { self.1.touch(id) };
        }
    }
}

/// A slab whose entries are the pages: a key is a page.
struct Keys(Arc<Slab<()>>);

impl Contender for Keys {
    type Bulk<const N: usize> = Items<usize, N>;

    fn pair(_: &Setup) -> Result<(Self, Self)> {
        let slab = Arc::new(Slab::new());
        Ok((Keys(Arc::clone(&slab)), Keys(slab)))
    }

    fn bulk<const N: usize>() -> Items<usize, N> {
        Items([0; N])
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Items<usize, N>, n: usize) -> usize {
        let keys = std::iter::from_fn(|| self.0.insert(()));
        bulk.first(n).iter_mut().zip(keys).map(|(out, key)| *out = key).count()
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Items<usize, N>, n: usize) {
        for &mut key in bulk.first(n) {
            assert!(self.0.remove(key));
        }
    }
}

/// Buffers of the heap in a stack behind a lock, taken and put back one by one: a program's first pool.
struct Boxes(Arc<Mutex<Vec<Box<[u8]>>>>);

impl Contender for Boxes {
    type Bulk<const N: usize> = Vec<Box<[u8]>>;

    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        let buffers = (0..setup.pages).map(|_| vec![0; PAGE].into_boxed_slice()).collect();
        let buffers = Arc::new(Mutex::new(buffers));
        Ok((Boxes(Arc::clone(&buffers)), Boxes(buffers)))
    }

    fn bulk<const N: usize>() -> Vec<Box<[u8]>> {
        Vec::with_capacity(N)
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Vec<Box<[u8]>>, n: usize) -> usize {
        for _ in 0..n {
            let Some(buffer) = self.0.lock().expect("nobody panics").pop() else { break };
            bulk.push(buffer);
        }
        bulk.len()
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Vec<Box<[u8]>>, _n: usize) {
        for buffer in bulk.drain(..) {
            self.0.lock().expect("nobody panics").push(buffer);
        }
    }
}

/// All of them.
pub fn entries() -> Vec<Entry> {
    vec![
        Entry::new::<Ids<ArrayQueue<u32>>>("ArrayQueue", Kind::Rival, BY_HAND)
            .of_crate(locked("crossbeam-queue")),
        Entry::new::<Ids<SegQueue<u32>>>("SegQueue", Kind::Rival, BY_HAND)
            .of_crate(locked("crossbeam-queue")),
        Entry::new::<Ids<Mutex<Vec<u32>>>>("Mutex<Vec>", Kind::Rival, BY_HAND),
        Entry::new::<Boxes>("Mutex<Vec<Box>>", Kind::Rival, FEW_OUT).untouched(),
        Entry::new::<Keys>("sharded-slab", Kind::Rival, BY_HAND)
            .untouched()
            .of_crate(locked("sharded-slab")),
    ]
}
