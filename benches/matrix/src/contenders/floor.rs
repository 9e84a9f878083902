//! The floor: a plain copy of page numbers out and back.

use anyhow::Result;

use crate::contender::{Contender, Items, Setup};

/// `memcpy` of so many numbers to a bulk and back. In the pipe it is the ring by itself.
pub struct CopyFloor(Box<Items<u32, 256>>);

impl Contender for CopyFloor {
    type Bulk<const N: usize> = Items<u32, N>;

    fn pair(_: &Setup) -> Result<(Self, Self)> {
        let ids = || CopyFloor(Box::new(Items(std::array::from_fn(|id| id as u32))));
        Ok((ids(), ids()))
    }

    fn bulk<const N: usize>() -> Items<u32, N> {
        Items([0; N])
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) -> usize {
        bulk.first(n).copy_from_slice(self.0.first(n));
        n
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Items<u32, N>, n: usize) {
        self.0.first(n).copy_from_slice(bulk.first(n));
    }
}
