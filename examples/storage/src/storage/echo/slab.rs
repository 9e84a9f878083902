//! The rival: what programs write by hand for a ring of provided buffers, one slab and a vector of
//! the free ids. There is one thread, so there is no lock.
//!
//! Invariant: none that anybody checks. The vector is right if every path puts back what it took.

use std::cell::UnsafeCell;
use std::mem;

use super::super::Outcome;
use super::provided::Provided;
use super::supply::{BURST, BYTES, Supply};

/// No two share a cache line.
#[repr(C, align(64))]
struct Buffer(UnsafeCell<[u8; BYTES]>);

/// Buffers, and the ids of those that the program has.
pub struct Slab {
    buffers: Box<[Buffer]>,
    free: Vec<u16>,
    received: Vec<u16>,
}

impl Slab {
    /// So many buffers.
    pub fn new(buffers: u16) -> Self {
        let buffer = |_| Buffer(UnsafeCell::new([0; BYTES]));
        Slab {
            buffers: (0..buffers).map(buffer).collect(),
            free: (0..buffers).collect(),
            received: Vec::with_capacity(BURST),
        }
    }

    fn at(&self, id: u16) -> *mut [u8; BYTES] {
        self.buffers[usize::from(id)].0.get()
    }
}

impl Supply for Slab {
    fn capacity(&self) -> usize {
        self.buffers.len()
    }

    fn fill(&mut self, n: usize, ring: &mut Provided) -> Outcome<usize> {
        let taken = n.min(self.free.len());
        for &id in &self.free[self.free.len() - taken..] {
            ring.push(self.at(id).cast(), BYTES as u32, id);
        }
        self.free.truncate(self.free.len() - taken);
        Ok(taken)
    }

    unsafe fn receive(&mut self, ids: &[u16]) -> Outcome<()> {
        self.received.extend(ids);
        Ok(())
    }

    fn received(&self) -> impl Iterator<Item = (u16, &[u8])> {
        self.received.iter().map(|&id| {
            // SAFETY: the kernel has given the buffer up, as the caller of `receive` promised, and
            // gets it again only when nobody borrows `self`. It is initialised.
            let bytes = unsafe { &*self.at(id) };
            (id, &bytes[..])
        })
    }

    fn send(&mut self, send: impl FnMut(u16)) {
        self.received.drain(..).for_each(send);
    }

    unsafe fn complete(&mut self, ids: &[u16]) -> Outcome<()> {
        self.free.extend(ids);
        Ok(())
    }

    unsafe fn ring_gone(&mut self) -> Option<usize> {
        // Nothing knows which buffers the kernel had. So the vector is made anew, of all.
        let had = self.buffers.len().checked_sub(self.free.len() + self.received.len());
        self.received.clear();
        self.free = (0..self.buffers.len() as u16).collect();
        had
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        // The kernel may still write into them, after an error. A pool keeps such pages by itself.
        if self.free.len() < self.buffers.len() {
            mem::forget(mem::take(&mut self.buffers));
        }
    }
}
