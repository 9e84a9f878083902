//! Memory for metadata: zeroed by the system, and not written until it is used.
//!
//! Invariant: the memory stays, at one place, until it is dropped, which the core does last.

use core::alloc::Layout;
use core::ptr::NonNull;

use super::Memory;
use crate::error::BuildError;
use crate::{heap, map};

/// From so many bytes on the memory is mapped, where there are mappings: a global allocator may write what it gives
/// zeroed, and a user's own mostly does. Less is written in no time.
const MAPPED: usize = 1 << 20;

/// Zeroed memory. Dropping it gives it back.
pub(crate) struct ZeroedMemory {
    start: NonNull<u8>,
    _memory: Memory,
}

impl ZeroedMemory {
    /// Memory of this layout, which has a size.
    pub(crate) fn new(layout: Layout) -> Result<Self, BuildError> {
        if map::AVAILABLE && layout.size() >= MAPPED {
            let (start, mapped) = map::zeroed(layout)?;
            return Ok(ZeroedMemory { start, _memory: Memory::Mapped(mapped) });
        }
        let block = heap::Block::new(layout)?;
        Ok(ZeroedMemory { start: block.start(), _memory: Memory::Heap(block) })
    }

    /// Its first byte.
    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }
}
