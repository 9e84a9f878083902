//! The rival: the pool that programs write by hand, a vector of boxes behind a lock, with a
//! condition variable for those who wait. It is written with care: one lock a burst, and a
//! table that keeps the boxes which the kernel has.

use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::super::Outcome;
use super::supply::{BLOCK, Batch, Lent, PATIENCE, Supply};

/// Aligned for direct reads and writes.
#[repr(C, align(4096))]
pub struct Block([u8; BLOCK]);

/// All boxes that nobody has.
pub struct Locked {
    free: Mutex<Vec<Box<Block>>>,
    returned: Condvar,
}

impl Locked {
    /// So many boxes.
    pub fn new(blocks: usize) -> Self {
        let free = (0..blocks).map(|_| Box::new(Block([0; BLOCK]))).collect();
        Locked { free: Mutex::new(free), returned: Condvar::new() }
    }

    /// How many nobody has.
    pub fn len(&self) -> usize {
        self.free().len()
    }

    fn free(&self) -> MutexGuard<'_, Vec<Box<Block>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread's side of it. The key of a box is its place in the table.
pub struct FromLocked<'a> {
    pool: &'a Locked,
    /// What the kernel has.
    table: Vec<Option<Box<Block>>>,
    vacant: Vec<u32>,
}

impl<'a> FromLocked<'a> {
    /// With a table for all boxes that there are.
    pub fn new(pool: &'a Locked) -> Self {
        let boxes = pool.len();
        let table = (0..boxes).map(|_| None).collect();
        FromLocked { pool, table, vacant: (0..boxes as u32).collect() }
    }

    fn lend_boxes(&mut self, boxes: impl Iterator<Item = Box<Block>>, to: &mut Vec<Lent>) {
        for mut block in boxes {
            let key = self.vacant.pop().expect("a place for each box");
            to.push(Lent { key, address: (&raw mut block.0).cast(), index: 0 });
            self.table[key as usize] = Some(block);
        }
    }

    fn take_back(&mut self, keys: &[u32]) -> Outcome<Vec<Box<Block>>> {
        self.vacant.extend(keys);
        let back = keys.iter().map(|&key| self.table[key as usize].take());
        back.collect::<Option<_>>().ok_or_else(|| "a completion for a box that was not lent".into())
    }
}

/// Up to `n` boxes.
fn some(free: &mut Vec<Box<Block>>, n: usize) -> Vec<Box<Block>> {
    free.split_off(free.len().saturating_sub(n))
}

impl Batch for Vec<Box<Block>> {
    fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        self.iter().map(|block| &block.0[..])
    }
}

impl Supply for FromLocked<'_> {
    type Batch = Vec<Box<Block>>;

    fn lend_new(&mut self, n: usize, to: &mut Vec<Lent>) {
        let boxes = some(&mut self.pool.free(), n);
        self.lend_boxes(boxes.into_iter(), to);
    }

    fn wait_and_lend(&mut self, n: usize, to: &mut Vec<Lent>) -> Outcome<()> {
        let none = |free: &mut Vec<_>| free.is_empty();
        let waited = self.pool.returned.wait_timeout_while(self.pool.free(), PATIENCE, none);
        let (mut free, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let boxes = some(&mut free, n);
        drop(free);
        if boxes.is_empty() {
            return Err("no box came back".into());
        }
        self.lend_boxes(boxes.into_iter(), to);
        Ok(())
    }

    fn lend(&mut self, batch: &mut Self::Batch, n: usize, to: &mut Vec<Lent>) {
        self.lend_boxes(batch.drain(..n.min(batch.len())), to);
    }

    unsafe fn reclaim(&mut self, keys: &[u32]) -> Outcome<Self::Batch> {
        self.take_back(keys)
    }

    unsafe fn free_lent(&mut self, keys: &[u32]) -> Outcome<()> {
        let boxes = self.take_back(keys)?;
        self.pool.free().extend(boxes);
        self.pool.returned.notify_all();
        Ok(())
    }
}

impl Drop for FromLocked<'_> {
    fn drop(&mut self) {
        // The kernel may still write into them, after an error. A pool keeps such pages by itself.
        self.table.drain(..).flatten().for_each(mem::forget);
    }
}
